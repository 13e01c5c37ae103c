"""The footer of a parquet file, looked at before DuckDB is: what it claims to be large, deep or many.

Format: github.com/apache/parquet-format, parquet.thrift; its encoding is Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlci.errors import LimitReached
from mlci.escape import line
from mlci.tables.unreadable import MAX_COLUMNS, refuse_doubles, too_wide, unreadable

MAX_FOOTER = 256 << 20
MAX_ROW_GROUPS = 100_000
MAX_ELEMENTS = 4 * MAX_COLUMNS
"""Columns, and the columns within them: a list is three."""
MAX_DEPTH = 200
MAX_LISTS = 12
"""Lists within each other: DuckDB 2.0 takes twice the time for each (25 of them: 5 s for one row)."""
_CURE = "write it again: it was cut off, or is no parquet file"


@dataclass(frozen=True, slots=True)
class Footer:
    """The names of the columns, and the part of the footer that describes them: equal parts, equal columns."""

    columns: tuple[str, ...]
    schema: bytes
    rows: int


def footer(path: Path, label: str, file: str = "") -> Footer:
    """Raises UnreadableData for what is no whole parquet file, LimitReached for what would be too much to read."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(4)
        stream.seek(max(0, size - 8))
        tail = stream.read(8)
        if head == b"PARE" or tail[4:] == b"PARE":
            raise unreadable(label, "it is encrypted", "write it without encryption", file)
        if head != b"PAR1" or tail[4:] != b"PAR1" or size < 12:
            raise unreadable(label, "no parquet file ends like this: it has no footer", _CURE, file)
        length = int.from_bytes(tail[:4], "little")
        if length > size - 12:
            said = f"its footer claims {length:,} bytes, the whole file has {size:,}"
            raise unreadable(label, said, _CURE, file)
        if length > MAX_FOOTER:
            raise LimitReached(f"`{line(label)}` has a footer of {length:,} bytes; at most {MAX_FOOTER:,} are read")
        stream.seek(size - 8 - length)
        data = stream.read(length)
    try:
        return _metadata(data, label, file)
    except (IndexError, UnicodeDecodeError, ValueError):
        raise unreadable(label, "its footer is damaged", _CURE, file) from None


def _metadata(data: bytes, label: str, file: str) -> Footer:
    thrift = _Compact(data)
    names: tuple[str, ...] = ()
    schema, rows = b"", 0
    for field, kind in thrift.fields():
        if field == 2 and kind == _LIST:
            start = thrift.at
            count, _ = thrift.list_head()
            if count > MAX_ELEMENTS:
                raise too_wide(label, count)
            names = _columns([_element(thrift) for _ in range(count)], label)
            schema = data[start : thrift.at]
        elif field == 3 and kind == _I64:
            rows = thrift.integer()
        elif field == 4 and kind == _LIST:
            groups, _ = thrift.list_head()
            if groups > MAX_ROW_GROUPS:
                raise LimitReached(
                    f"`{line(label)}` has {groups:,} row groups; at most {MAX_ROW_GROUPS:,} are read",
                    hint="write it again in larger row groups",
                )
            break
        else:
            thrift.skip(kind)
    if not schema or rows < 0:
        raise ValueError("no schema")
    if len(names) > MAX_COLUMNS:
        raise too_wide(label, len(names))
    refuse_doubles(label, names, file)
    return Footer(names, schema, rows)


def _element(thrift: _Compact) -> tuple[str, int, bool]:
    """A SchemaElement: its name, how many of the elements after it are its own, and whether it is repeated."""
    name, children, repeated = "", 0, False
    for field, kind in thrift.fields():
        if field == 4 and kind == _BINARY:
            name = thrift.binary().decode()
        elif field == 5 and kind == _I32:
            children = thrift.integer()
        elif field == 3 and kind == _I32:
            repeated = thrift.integer() == 2
        else:
            thrift.skip(kind)
    return name, children, repeated


def _columns(elements: list[tuple[str, int, bool]], label: str) -> tuple[str, ...]:
    """The children of the root, of a tree that is written depth first."""
    names = []
    left: list[int] = []  # of each element that we are within: children still to come
    lists: list[bool] = []  # and whether it is repeated
    for position, (name, children, repeated) in enumerate(elements):
        if position and not left:
            raise ValueError("elements behind the tree")
        if len(left) == 1:
            names.append(name)
        if left:
            left[-1] -= 1
        if not 0 <= children <= len(elements):
            raise ValueError("children that are not there")
        left.append(children)
        lists.append(repeated)
        if len(left) > MAX_DEPTH or sum(lists) > MAX_LISTS:
            raise LimitReached(
                f"the column `{line(names[-1])[:200]}` of `{line(label)}` is nested deeper than {MAX_LISTS} lists"
                f" or {MAX_DEPTH} levels",
                hint="write it flat, or as text",
            )
        while left and not left[-1]:
            left.pop()
            lists.pop()
    if left or not elements:
        raise ValueError("children that are not there")
    return tuple(names)


_I32, _I64, _BINARY, _LIST, _SET, _STRUCT = 5, 6, 8, 9, 10, 12
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8, 13: 16}
_DEEPEST = 16
"""Structures of the footer within each other; its own need six."""
_MOST_READ = 100 * MAX_ELEMENTS
"""Bytes looked at one by one: an element has about thirty, and a hostile footer millions."""


class _Compact:
    """A reader of Thrift's compact protocol. Raises IndexError or ValueError where it does not hold."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.read = 0

    def byte(self) -> int:
        self.at += 1
        self.read += 1
        if self.read > _MOST_READ:
            raise ValueError("more than a schema")
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("no varint")

    def integer(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def binary(self) -> bytes:
        length = self.varint()
        self.pass_by(length)
        return self.data[self.at - length : self.at]

    def pass_by(self, length: int) -> None:
        self.at += length
        if self.at > len(self.data):
            raise IndexError(self.at)

    def fields(self) -> Iterator[tuple[int, int]]:
        """Identifier and type of each field of a structure; whoever asks reads the value in between."""
        field = 0
        while head := self.byte():
            field = field + (head >> 4) if head >> 4 else self.integer()
            yield field, head & 0x0F

    def list_head(self) -> tuple[int, int]:
        head = self.byte()
        count = head >> 4
        return (self.varint() if count == 15 else count), head & 0x0F

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass by a value; the footer of parquet has no maps."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if kind in _FIXED:
            self.pass_by(_FIXED[kind])
        elif kind in (4, _I32, _I64):
            self.varint()
        elif kind == _BINARY:
            self.pass_by(self.varint())
        elif kind in (_LIST, _SET):
            count, element = self.list_head()
            if element in _FIXED:
                self.pass_by(count * (_FIXED[element] or 1))  # a boolean takes a byte here
                return
            for _ in range(count):
                self.skip(element, depth + 1)
        elif kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        else:
            raise ValueError(kind)
