"""What became of the columns of a dataset, and whether what reads them still can."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlci.escape import line


class Described(Protocol):
    """A column of a table, or of a profile."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def native(self) -> str: ...


HOLDS = {"float": ("float", "int"), "datetime": ("datetime", "date")}
"""The types whose every value another type has as well; each holds itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """One column that is not what it was."""

    column: str
    kind: str
    """``removed``, ``added`` or ``changed``."""
    breaking: bool
    """What read the column before cannot read it now, or may lose some of its values."""
    message: str


def changes(before: Sequence[Described], now: Sequence[Described], empty: Collection[str] = ()) -> list[Change]:
    """Removed, changed and added columns, each in the order of its table; the order itself is no change.

    ``empty`` are the columns without any value on one side: those have no type to be another one.
    """
    old, new = {column.name: column for column in before}, {column.name: column for column in now}
    found = [
        Change(name, "removed", True, f"the column `{line(name)}` ({_words(column)}) is gone")
        for name, column in old.items()
        if name not in new
    ]
    for name, column in old.items():
        if name in new and name not in empty and (change := _changed(column, new[name])):
            found.append(change)
    found += [
        Change(name, "added", False, f"the column `{line(name)}` ({_words(column)}) is new")
        for name, column in new.items()
        if name not in old
    ]
    return found


def holds(now: str, before: str) -> bool:
    """Whether a column of the type ``now`` has all values that one of the type ``before`` can have."""
    return before in HOLDS.get(now, (now,))


def _changed(old: Described, new: Described) -> Change | None:
    if old.type != new.type:
        said = f"the column `{line(old.name)}` was {_words(old)} and is {_words(new)}"
        return Change(old.name, "changed", not holds(new.type, old.type), said)
    ours, theirs = _RANGES.get(old.native.upper()), _RANGES.get(new.native.upper())
    # types of different engines have names that say nothing of each other
    if ours is None or theirs is None or ours == theirs:
        return None
    narrower = theirs[0] > ours[0] or theirs[1] < ours[1]
    words = "narrower" if narrower else "wider"
    said = f"the column `{line(old.name)}` was {line(old.native)} and is {words}: {line(new.native)}"
    return Change(old.name, "changed", narrower, said)


def _words(column: Described) -> str:
    return f"{column.type}, {line(column.native)}"


def _ranges() -> dict[str, tuple[float, float]]:
    """What each type of DuckDB's can hold; of floats, by the digits of their mantissa."""
    found: dict[str, tuple[float, float]] = {}
    for name, bits in (("TINYINT", 8), ("SMALLINT", 16), ("INTEGER", 32), ("BIGINT", 64), ("HUGEINT", 128)):
        found[name] = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        found[f"U{name}"] = (0, 2**bits - 1)
    return found | {"FLOAT": (-(2**24), 2**24), "DOUBLE": (-(2**53), 2**53)}


_RANGES = _ranges()
