"""Strict YAML and JSON: plain data, and the place of every key and value in it.

A manifest decides what may go to production, so nothing in it may have two readings. Refused, each with its line
and column: anchors, aliases, tags, directives, merge keys, further documents, duplicate keys, controls and
invisible characters, scalars that YAML 1.1 and 1.2 read differently (``no``, ``010``, ``1:30``, dates), numbers
that are not finite; and anything over the bounds of ``reader.py``, so that no file takes long to refuse.

A file that was written for another tool (a data contract) is read with ``foreign=True``: a scalar with two readings is
text there, and whoever uses it says what it should have been. Nothing else is let through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlci.findings import InvalidFile
from mlci.places import Location
from mlci.reader import Pointer, Reader
from mlci.yaml_reader import read_yaml


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where. ``data`` holds dict, list, str, int, float, bool and None only."""

    path: str
    data: Any
    values: dict[Pointer, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Pointer, tuple[int, int]] = field(default_factory=dict)

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        """The place of a value (of its key with ``key``); of the nearest thing around it if it is not there."""
        places = self.keys if key else self.values
        for end in range(len(pointer), -1, -1):
            place = places.get(pointer[:end]) or self.values.get(pointer[:end])
            if place:
                return Location(self.path, *place)
        return Location(self.path)


def read(raw: bytes, path: str, *, foreign: bool = False) -> Document:
    """Read the bytes of ``path``, as JSON if it is named so, else as YAML.

    Raises InvalidFile with every finding, in the order of the file.
    """
    reader = Reader(path, foreign=foreign)
    text = reader.decode(raw)
    if not reader.findings:
        if path.endswith(".json"):
            from mlci.json_reader import Json

            Json(reader, text).document()
        else:
            read_yaml(reader, text)
    if reader.findings:
        raise InvalidFile(reader.findings)
    return Document(path, reader.data, reader.values, reader.keys)
