"""The SQL (DuckDB's) of what a contract says and no other check holds: queries that return the rows in violation."""
# ruff: noqa: S608  every name and every value in the queries is quoted by the two functions below

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TABLE = "{data}"
_NEVER = "false"


class Unquotable(Exception):
    """A name or a value with a brace in it: a `sql` check would read it as the name of a dataset."""


def name(column: str) -> str:
    """A column's name, quoted."""
    return _safe('"' + column.replace('"', '""') + '"')


def value(scalar: Any) -> str:
    """A text, a number, true or false as a literal."""
    if isinstance(scalar, bool):
        return str(scalar).lower()
    if isinstance(scalar, int | float):
        return repr(scalar)
    return _safe("'" + str(scalar).replace("'", "''") + "'")


def values(scalars: Sequence[Any]) -> str:
    return "(" + ", ".join(value(scalar) for scalar in scalars) + ")"


def _safe(text: str) -> str:
    if "{" in text or "}" in text:
        raise Unquotable
    return text


def rows(condition: str) -> str:
    """The rows of the dataset for which a condition is true."""
    return f"select * from {TABLE} where {condition}"


def text(column: str) -> str:
    return f"cast({name(column)} as varchar)"


def number(expression: str, holds: Sequence[str]) -> str:
    """One row if a number that a query finds breaks one of the conditions ``= 0``, ``< 5``, or if there is none."""
    # a line of its own: the query may end in a comment
    found = f"({expression}\n)"
    return "select 1 as broken where (" + " and ".join(f"{found} {held}" for held in holds) + ") is not true"


def count(condition: str, *, percent: bool = False) -> str:
    """How many rows satisfy a condition, or how many of 100."""
    if percent:
        return f"select 100.0 * count(*) filter (where {condition}) / count(*) from {TABLE}"
    return f"select count(*) from {TABLE}" + (f" where {condition}" if condition else "")


def repeated(columns: Sequence[str], *, percent: bool = False) -> str:
    """How many different values occur more than once, or how many for 100 rows."""
    names = ", ".join(name(column) for column in columns)
    present = " and ".join(f"{name(column)} is not null" for column in columns)
    groups = f"select {names} from {TABLE} where {present} group by {names} having count(*) > 1"
    number_of = f"select count(*) from ({groups})"
    return f"select 100.0 * ({number_of}) / (select count(*) from {TABLE})" if percent else number_of


def breaks(rule: str, column: str, is_: Any) -> str:
    """The condition of the rows that break a rule of a column. Raises Unquotable."""
    held = name(column)
    if rule == "required":
        return f"{held} is null"
    if rule == "unique":
        return f"{held} in (select {held} from {TABLE} where {held} is not null group by {held} having count(*) > 1)"
    if rule == "in":
        return f"{held} not in {values(is_)}"
    if rule == "pattern":
        return f"not regexp_matches({text(column)}, {value(is_)})"
    low, high = is_
    if rule == "length":
        return _beyond(f"length({text(column)})", {"<": low, ">": high})
    return outside(column, low=low, high=high)


def outside(column: str, *, low: Any = None, high: Any = None, above: Any = None, below: Any = None) -> str:
    """The condition of the rows outside a range; ``above`` and ``below`` are outside themselves. Raises Unquotable."""
    under = _beyond(name(column), {"<": low, "<=": above})
    over = _beyond(name(column), {">": high, ">=": below})
    # NaN is missing, and to the engine above every number
    parts = [under, f"({over}) and {text(column)} <> 'nan'" if over != _NEVER else over]
    return " or ".join(part for part in parts if part != _NEVER) or _NEVER


def _beyond(expression: str, bounds: Mapping[str, Any]) -> str:
    found = [f"{expression} {sign} {value(bound)}" for sign, bound in bounds.items() if bound is not None]
    return " or ".join(found) or _NEVER


def equal(column: str, scalar: Any) -> str:
    """The condition of the rows that hold a value."""
    return f"{name(column)} = {value(scalar)}"


def absent(columns: Sequence[str], references: Sequence[str]) -> str:
    """The rows whose columns hold values that no row of the same dataset has in ``references``."""
    present = " and ".join(f"child.{name(column)} is not null" for column in columns)
    same = " and ".join(
        f"parent.{name(other)} = child.{name(column)}" for column, other in zip(columns, references, strict=True)
    )
    missing = f"not exists (select 1 from {TABLE} as parent where {same})"
    return f"select child.* from {TABLE} as child where {present} and {missing}"


def aggregate(expression: str) -> str:
    """A number of the whole dataset."""
    return f"select {expression} from {TABLE}"


def finds(column: str, pattern: str) -> str:
    """The condition of the rows in which a pattern is found."""
    return f"regexp_matches({text(column)}, {value(pattern)})"


def repeats(column: str, where: str | None) -> str:
    """The values that occur more than once, one row for each."""
    held, looked = name(column), f"{name(column)} is not null" + (f" and ({where})" if where else "")
    return f"select {held} from {TABLE} where {looked} group by {held} having count(*) > 1"


def different(column: str, condition: str, where: str | None) -> str:
    """The different values of the rows that satisfy a condition."""
    looked = f"{name(column)} is not null and {condition}" + (f" and ({where})" if where else "")
    return f"select distinct {name(column)} from {TABLE} where {looked}"
