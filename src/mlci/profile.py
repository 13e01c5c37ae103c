"""The profile of a dataset: what later data are held against when this one is gone.

Its file (the lock) is small JSON with one block a column: the same data make the same bytes, and a change shows in the
lines of the columns that it touches.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mlci import conformance, escape, schema
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.json_reader import Json
from mlci.reader import Pointer, Reader, show

MAX_BYTES = 64 << 20
MAX_PLACES = 4 << 20
"""Bytes of a damaged lock up to which it is read again for the place of the damage."""
NUMBERS = ("int", "float")
CATEGORIES = ("string", "bool")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column. ``edges`` with ``counts`` for numbers, ``categories`` with ``counts`` (the rest last) for others.

    ``counts`` are those of ``questions.Histogram`` or ``questions.Categories``, over every row. A sensitive column has
    its type and its missing rows only, and so has a column of a type that has no distribution (dates have ``low`` and
    ``high``).
    """

    name: str
    type: str
    native: str
    missing: int
    sensitive: bool = False
    low: float | str | None = None
    """None where there is no value, and where the least one is not finite."""
    high: float | str | None = None
    edges: tuple[float, ...] = ()
    exact: bool = False
    """The edges are all the values there are."""
    categories: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    def bins(self) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """The edges that later data are counted in, and the rows of this column between them.

        Of exact edges, each value has a bin of its own, and what lies between two of them has another, without a row.
        """
        if not self.exact:
            return self.edges, self.counts
        edges: list[float] = []
        counts: list[int] = []
        for edge, rows in zip(self.edges, self.counts, strict=False):
            before = math.nextafter(edge, -math.inf)
            if not edges or edges[-1] < before:
                edges.append(before)
                counts.append(0)
            edges.append(edge)
            counts.append(rows)
        return tuple(edges), (*counts, self.counts[-1])


@dataclass(frozen=True, slots=True)
class Keys:
    """Columns whose salted hashes stand in the dataset's file of keys (``mlci.keys``)."""

    columns: tuple[str, ...]
    salt: str
    hashes: int
    """How many different ones."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A dataset. ``columns`` in the order of the table."""

    dataset: str
    rows: int
    content: str
    """``sha256:`` and the digest of the bytes that were profiled."""
    columns: tuple[ColumnProfile, ...] = ()
    keys: tuple[Keys, ...] = ()
    keys_sha256: str = ""
    """Digest of the file of keys; empty where there is none."""
    tool: str = ""

    def column(self, name: str) -> ColumnProfile | None:
        return next((column for column in self.columns if column.name == name), None)

    def key(self, columns: Iterable[str]) -> Keys | None:
        """The hashes of these columns, in whatever order; to ask for them, use the order that is found here."""
        wanted = sorted(columns)
        return next((keys for keys in self.keys if sorted(keys.columns) == wanted), None)


# -- to text ----------------------------------------------------------------------------------------------------------


def dump(profile: Profile) -> str:
    """The text of the lock: the same for equal profiles."""
    head: dict[str, Any] = {
        "version": schema.PROFILE_VERSION,
        "tool": profile.tool,
        "dataset": profile.dataset,
        "content": profile.content,
        "rows": profile.rows,
    }
    lines = [f" {_json(key)}: {_json(value)}," for key, value in head.items()]
    if profile.keys:
        lines.append(f' "keys_sha256": {_json(profile.keys_sha256)},')
        lines += _list("keys", [_line(keys.columns, keys.salt, keys.hashes) for keys in profile.keys], ",")
    blocks = ["{\n" + ",\n".join(f"   {part}" for part in _block(column)) + "\n  }" for column in profile.columns]
    return "\n".join(["{", *lines, *_list("columns", blocks, ""), "}", ""])


def _list(name: str, items: list[str], end: str) -> Iterator[str]:
    if not items:
        yield f' "{name}": []{end}'
        return
    yield f' "{name}": ['
    yield ",\n".join(f"  {item}" for item in items)
    yield f" ]{end}"


def _line(columns: tuple[str, ...], salt: str, hashes: int) -> str:
    return f'{{"columns": {_json(columns)}, "salt": {_json(salt)}, "hashes": {hashes}}}'


def _block(column: ColumnProfile) -> Iterator[str]:
    """The lines of a column; what says nothing is left out."""
    head: dict[str, Any] = {"name": column.name, "type": column.type, "native": column.native}
    head |= {"missing": column.missing} | ({"sensitive": True} if column.sensitive else {})
    yield ", ".join(f'"{key}": {_json(value)}' for key, value in head.items())
    ends = [f'"{side}": {_json(end)}' for side, end in (("low", column.low), ("high", column.high)) if end is not None]
    if ends:
        yield ", ".join(ends)
    if column.edges:
        yield f'"exact": {_json(column.exact)}'
        yield f'"edges": {_json(column.edges)}'
    if column.counts and not column.edges:
        yield f'"categories": {_json(column.categories)}'
    if column.counts:
        yield f'"counts": {_json(column.counts)}'


def _json(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # the shorter of two ways to write one number
    return escape.json(json.dumps(value, ensure_ascii=False, allow_nan=False))


# -- and back ---------------------------------------------------------------------------------------------------------


def read(raw: bytes, path: str) -> Profile:
    """The profile of a lock's bytes. Raises InvalidFile with the place of whatever is wrong with it."""
    try:
        return load(Document(path, json.loads(raw, parse_constant=_refused, object_pairs_hook=_unique)))
    except (ValueError, RecursionError) as error:
        first = InvalidFile([Finding(Level.ERROR, f"this is not JSON: {error}", Document(path, None).at())])
    except InvalidFile as error:
        first = error
    # the standard library's reader is a hundred times faster, and knows no places
    if len(raw) > MAX_PLACES:
        raise first
    reader = _Places(path)
    Json(reader, reader.decode(raw)).document()
    if reader.findings:
        raise InvalidFile(reader.findings)
    return load(Document(path, reader.data, reader.values, reader.keys))


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return data


class _Places(Reader):
    """Reads what has more values than a manifest, and texts as the data have them."""

    max_bytes = MAX_BYTES

    def node(self, pointer: Pointer, place: tuple[int, int]) -> None:
        if len(pointer) > 6:
            raise self.stop(place, "nested more than 6 levels deep")
        self.values[pointer] = place

    def text(self, value: str, place: tuple[int, int]) -> None:
        pass


def load(document: Document) -> Profile:
    """The profile that a lock describes. Raises InvalidFile with everything that is wrong with it."""
    found = conformance.problems(replace(document, data=_light(document.data)), _schema())
    if found:
        raise InvalidFile(found)
    data = document.data
    profile = Profile(
        dataset=data["dataset"],
        rows=data["rows"],
        content=data["content"],
        columns=tuple(_column(item) for item in data["columns"]),
        keys=tuple(Keys(tuple(item["columns"]), item["salt"], item["hashes"]) for item in data.get("keys", ())),
        keys_sha256=data.get("keys_sha256", ""),
        tool=data["tool"],
    )
    if damage := list(_damage(profile, document)):
        raise InvalidFile(damage)
    return profile


@cache
def _schema() -> schema.Schema:
    return schema.profile()


_ITEMS: dict[str, frozenset[type]] = {
    "edges": frozenset((int, float)),
    "counts": frozenset((int,)),
    "categories": frozenset((str,)),
}


def _light(data: Any) -> Any:
    """The same without the long lists that hold what they should: a schema takes its time over each of their items."""
    if not isinstance(data, dict) or not isinstance(data.get("columns"), list):
        return data

    def is_sound(key: str, value: Any) -> bool:
        if key not in _ITEMS or not isinstance(value, list) or not set(map(type, value)) <= _ITEMS[key]:
            return False
        least = 0 if key == "counts" else -schema.GREATEST
        return key == "categories" or all(least <= item <= schema.GREATEST for item in value)

    def lightened(column: Any) -> Any:
        if not isinstance(column, dict):
            return column
        return {key: [] if is_sound(key, value) else value for key, value in column.items()}

    return {**data, "columns": [lightened(column) for column in data["columns"]]}


def _column(item: dict[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        name=item["name"],
        type=item["type"],
        native=item["native"],
        missing=item["missing"],
        sensitive=item.get("sensitive", False),
        low=item.get("low"),
        high=item.get("high"),
        edges=tuple(map(float, item.get("edges", ()))),
        exact=item.get("exact", False),
        categories=tuple(item.get("categories", ())),
        counts=tuple(map(int, item.get("counts", ()))),
    )


def _damage(profile: Profile, document: Document) -> Iterator[Finding]:
    """What no schema can say: numbers that contradict each other."""
    seen: set[str] = set()
    for index, column in enumerate(profile.columns):
        for key, message in _contradictions(column, profile.rows, seen):
            yield Finding(Level.ERROR, message, document.at("columns", index, key), "mlci data profile")
        seen.add(column.name)


def _contradictions(column: ColumnProfile, rows: int, seen: set[str]) -> Iterator[tuple[str, str]]:
    name = show(column.name)
    if column.name in seen:
        yield "name", f"the column {name} stands here twice"
    if column.missing > rows:
        yield "missing", f"the column {name} has more missing values than there are rows"
    if column.sensitive and (column.counts or column.low is not None or column.high is not None):
        yield "sensitive", f"the column {name} is sensitive, and holds values"
    if any(one >= other for one, other in zip(column.edges, column.edges[1:], strict=False)):
        yield "edges", f"the edges of {name} do not ascend"
    bins = column.edges or column.categories
    if (bins or column.counts) and len(column.counts) != len(bins) + 1:
        yield "counts", f"{name} has {len(column.counts)} counts, expected {len(bins) + 1}"
    elif column.counts and sum(column.counts) + column.missing != rows:
        yield "counts", f"the counts of {name} and its missing values do not add up to {rows:,} rows"
    if len(set(column.categories)) < len(column.categories):
        yield "categories", f"a category of {name} stands here twice"
