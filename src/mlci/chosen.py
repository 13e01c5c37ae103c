"""The columns that the options of a check name, as the dataset's table has them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mlci.case import Case
from mlci.errors import UsageError
from mlci.escape import line
from mlci.ports import Column, Table

SHOWN = 8


def column(case: Case, name: str, *keys: str | int, table: Table | None = None) -> Column:
    """The column of this name; ``keys`` say which option names it. Raises UsageError when there is none."""
    every = (table or case.table).columns
    found = next((held for held in every if held.name == name), None)
    if found is None:
        names = [held.name for held in every]
        close = difflib.get_close_matches(name, names, n=1)
        known = ", ".join(map(line, names[:12]))
        raise UsageError(
            f"the column `{line(name)}` is not there",
            hint=f"did you mean `{line(close[0])}`?" if close else f"the data have {known}",
            at=case.at(*keys),
        )
    return found


def columns(case: Case, key: str = "columns") -> list[Column]:
    """The columns that an option lists, every column where it is not given. Raises UsageError for one that is none."""
    named = case.options.get(key)
    if named is None:
        return list(case.table.columns)
    every = {held.name: held for held in case.table.columns}
    return [every.get(name) or column(case, name, key, index) for index, name in enumerate(named)]


def words(names: Iterable[str]) -> str:
    """A few names, for a measurement; of many, how many more there are."""
    every = [line(name) for name in names]
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more
