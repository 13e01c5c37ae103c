"""Questions as DuckDB's SQL. Pure text: every name and every literal is quoted here.

The relations that are asked hold no NaN: ``without_nan`` makes them so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mlci.errors import UsageError
from mlci.escape import line
from mlci.ports import Column
from mlci.questions import (
    Categories,
    Count,
    Equal,
    Extreme,
    Histogram,
    LengthOutside,
    Matching,
    Missing,
    NotIn,
    NotMatching,
    Outside,
    Repeats,
    Rows,
    Shared,
    Test,
    Unequal,
    Value,
)

Aggregated = Rows | Count | Extreme | Histogram | Categories
FLOATS = ("FLOAT", "DOUBLE")
HASHED_FROM = 3
"""Columns from which on rows are compared by a hash of them first: one number is quicker held than many values."""
FEW = 32
"""Categories up to which each is counted by a condition of its own."""
_WHOLE = {"INTEGER": (-(2**31), 2**31 - 1), "BIGINT": (-(2**63), 2**63 - 1)}


@dataclass(frozen=True)
class Relation:
    """A view of the database and its columns by name."""

    view: str
    columns: Mapping[str, Column]
    label: str = ""
    """The file that it shows, for a person."""

    def column(self, name: str) -> Column:
        """Raises UsageError when there is none."""
        found = self.columns.get(name)
        if found is None:
            import difflib

            close = difflib.get_close_matches(name, self.columns, n=1)
            known = ", ".join(line(known) for known in list(self.columns)[:12])
            raise UsageError(
                f"the column `{line(name)}` is not there",
                hint=f"did you mean `{line(close[0])}`?" if close else f"the file has {known}",
            )
        return found


def name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    # a NUL would end the text of the statement
    return "'" + value.replace("'", "''").replace("\0", "'||chr(0)||'") + "'"


def literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 2**127 else f"{float(value)!r}::double"
    if isinstance(value, float):
        return f"{value!r}::double" if math.isfinite(value) else f"'{value}'::double"
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return text(value)


# -- values


def plain(column: Column, table: str = "") -> str:
    """The column as it is compared: moments with a time zone in UTC."""
    named = f"{table}.{name(column.name)}" if table else name(column.name)
    return f"timezone('UTC', {named})" if column.native == "TIMESTAMP WITH TIME ZONE" else named


def without_nan(query: str, natives: Mapping[str, str]) -> str:
    """The query with NULL for NaN in its columns of floats: what is missing is one thing for all that is asked of it.

    ``natives`` are its columns and their types.
    """
    floats = ", ".join(
        f"nullif({name(column)}, 'nan'::{native}) as {name(column)}"
        for column, native in natives.items()
        if native in FLOATS
    )
    return f"select * replace ({floats}) from ({query})" if floats else query


def written(column: Column) -> str:
    """The column as text. Negative zero is zero: the two are equal, and one value."""
    value = plain(column)
    return f"({value} + 0)::varchar" if column.native in FLOATS else f"{value}::varchar"


def canonical(column: Column, table: str = "") -> str:
    """The column as one type for its kind, so that equal values of two files are equal, and hash alike."""
    native = {"int": "hugeint", "float": "double", "string": "varchar", "datetime": "timestamp"}.get(column.type)
    value = plain(column, table)
    return f"({value})::{native}" if native and native != column.native.lower() else f"({value})"


def present(column: Column, table: str = "") -> str:
    return f"({plain(column, table)} is not null)"


def number(column: Column) -> str:
    """The column as a double, NULL for NaN. Raises UsageError for what is no number."""
    if column.type not in ("int", "float", "bool"):
        raise UsageError(f"`{line(column.name)}` is {column.type}, expected numbers")
    if column.native == "DOUBLE":
        return name(column.name)
    return f"{name(column.name)}::int::double" if column.type == "bool" else f"{name(column.name)}::double"


# -- rows


def condition(test: Test, relation: Relation) -> str:
    """True for the rows that satisfy the test; NULL or false for others."""
    compile_: Callable[[Any, Relation], str] = _CONDITIONS[type(test)]
    return compile_(test, relation)


def _missing(test: Missing, relation: Relation) -> str:
    column = relation.column(test.column)
    value = name(column.name)
    return f"{value} is null"


def _outside(test: Outside, relation: Relation) -> str:
    column = relation.column(test.column)
    value = plain(column)
    sides = []
    if test.low is not None:
        sides.append(f"{value} < {literal(test.low)}")
    if test.high is not None:
        sides.append(f"{value} > {literal(test.high)}")
    return f"({' or '.join(sides)})" if sides else "false"


def _not_in(test: NotIn, relation: Relation) -> str:
    column = relation.column(test.column)
    value = plain(column)
    return f"({value} not in ({', '.join(literal(item) for item in test.values)}))"


def _matching(test: Matching, relation: Relation) -> str:
    return f"regexp_matches({_string(test.column, relation)}, {text(test.pattern)})"


def _not_matching(test: NotMatching, relation: Relation) -> str:
    return f"not regexp_matches({_string(test.column, relation)}, {text(test.pattern)})"


def _length_outside(test: LengthOutside, relation: Relation) -> str:
    value = _string(test.column, relation)
    sides = [
        f"length({value}) {sign} {bound}" for sign, bound in (("<", test.least), (">", test.most)) if bound is not None
    ]
    return f"({' or '.join(sides)})" if sides else "false"


def _string(column: str, relation: Relation) -> str:
    found = relation.column(column)
    if found.type != "string":
        raise UsageError(f"`{line(column)}` is {found.type}, expected text")
    return f"{name(column)}::varchar" if found.native != "VARCHAR" else name(column)


def _equal(test: Equal, relation: Relation) -> str:
    left, right = _pair(test.left, test.right, relation)
    return f"({left} = {right})"


def _unequal(test: Unequal, relation: Relation) -> str:
    left, right = _pair(test.left, test.right, relation)
    return f"({left} is distinct from {right})"


def _pair(left: str, right: str, relation: Relation) -> tuple[str, str]:
    one, other = relation.column(left), relation.column(right)
    numbers = ("int", "float", "bool")
    if one.type == other.type and one.type != "other":
        return f"({plain(one)})", f"({plain(other)})"
    if one.type in numbers and other.type in numbers:
        return f"({plain(one)})::double", f"({plain(other)})::double"
    # what is not of one kind is equal where it reads the same
    return f"({plain(one)})::varchar", f"({plain(other)})::varchar"


_CONDITIONS: dict[type, Callable[[Any, Relation], str]] = {
    Missing: _missing,
    Outside: _outside,
    NotIn: _not_in,
    Matching: _matching,
    NotMatching: _not_matching,
    LengthOutside: _length_outside,
    Equal: _equal,
    Unequal: _unequal,
}


def within(where: str, *conditions: str) -> str:
    """Conditions and the ``where`` of a manifest, joined; "" when there is nothing to hold a row against."""
    # on lines of its own: a comment in it ends with them
    written = [f"(\n{where}\n)"] if where else []
    return " and ".join([*written, *(item for item in conditions if item)])


def rows_of(question: Count | Repeats | Shared, relation: Relation, other: Callable[[str], Relation]) -> str:
    """A SELECT of the rows that a question counts."""
    view = relation.view
    if isinstance(question, Count):
        test = condition(question.test, relation) if question.test else ""
        held = within(question.where, test)
        return f"select * from {view}" + (f" where {held}" if held else "")
    if isinstance(question, Repeats):
        columns = [relation.column(item) for item in question.columns]
        joined = " and ".join(f"({plain(c, 'd')}) is not distinct from g.k{i}" for i, c in enumerate(columns))
        held = within(question.where)
        kept = f" where {held}" if held else ""
        return (
            f"select * from (select * from {view}{kept}) d semi join"
            f" (select {_keys(columns)} from {view} where {repeat_condition(question, relation)}"
            f" group by all having count(*) > 1) g on {joined}"
        )
    return f"select * from {view} d where {shared_condition(question, relation, other(question.dataset))}"


def _keys(columns: Iterable[Column]) -> str:
    return ", ".join(f"({plain(column)}) as k{index}" for index, column in enumerate(columns))


def repeat_condition(question: Repeats, relation: Relation) -> str:
    columns = [relation.column(item) for item in question.columns]
    return within(question.where, *(present(c) for c in columns if question.nulls == "apart")) or "true"


def repeated(question: Repeats, relation: Relation, more: str = "") -> str:
    """(rows, groups) of the repeats among the rows that ``more`` lets through."""
    columns = [relation.column(item) for item in question.columns]
    keys = ", ".join(f"({plain(column)})" for column in columns)
    held = repeat_condition(question, relation) + (f" and {more}" if more else "")
    return (
        f"select coalesce(sum(n), 0)::bigint, count(*) from (select count(*) as n from {relation.view} where {held}"
        f" group by {keys} having count(*) > 1)"
    )


def hashed(columns: Sequence[Column], table: str = "") -> str:
    return "hash(" + ", ".join(canonical(column, table) for column in columns) + ")"


def shared_condition(question: Shared, relation: Relation, other: Relation) -> str:
    """True for the rows of ``d`` that occur, or do not occur, in the other relation."""
    ours = [relation.column(item) for item in question.columns]
    theirs = [other.column(item) for item in question.others]
    for one, two in zip(ours, theirs, strict=True):
        numbers = ("int", "float")
        if one.type != two.type and not (one.type in numbers and two.type in numbers):
            raise UsageError(
                f"`{line(one.name)}` is {one.type} here and {two.type} in `{line(question.dataset)}`",
                hint="write both files with one type for it",
            )
    sign = "is not distinct from" if question.nulls == "equal" else "="
    mixed = [one.type != two.type for one, two in zip(ours, theirs, strict=True)]
    pairs = [
        f"{_comparable(one, 'd', cast)} {sign} {_comparable(two, 'o', cast)}"
        for one, two, cast in zip(ours, theirs, mixed, strict=True)
    ]
    found = f"exists (select 1 from {other.view} o where {' and '.join(pairs)})"
    there = [present(column, "d") for column in ours] if question.nulls == "apart" else []
    return within(question.where, *there, f"not {found}" if question.absent else found)


def _comparable(column: Column, table: str, cast: bool) -> str:
    value = f"({plain(column, table)})"
    return f"{value}::double" if cast else value


def shared(question: Shared, relation: Relation, other: Relation) -> str:
    """(rows, distinct combinations) of the shared rows."""
    keys = ", ".join(f"({plain(relation.column(item), 'd')})" for item in question.columns)
    held = shared_condition(question, relation, other)
    return (
        f"select coalesce(sum(n), 0)::bigint, count(*) from (select count(*) as n from {relation.view} d where {held}"
        f" group by {keys})"
    )


# -- aggregates: what one scan answers for all


def _count(question: Count, relation: Relation) -> str:
    # count_if and not `count(*) filter`: an expression is evaluated once for each entry of a dictionary, a filter once
    # for each row; and what is NULL is known to a column without a look at its values
    if isinstance(question.test, Missing) and not question.where:
        column = relation.column(question.test.column)
        value = name(column.name)
        return f"count(*) - count({value})"
    held = within(question.where, condition(question.test, relation) if question.test else "")
    # of no rows, or where the condition is NULL for all of them, count_if is NULL
    return f"coalesce(count_if({held}), 0)" if held else "count(*)"


def whole_edges(question: Histogram, column: Column) -> list[int]:
    """The edges rounded down, for a column of whole numbers: none lies between the two. Empty where they do not fit."""
    least, most = _WHOLE.get(column.native, (0, -1))
    edges = [math.floor(edge) for edge in question.edges]
    return edges if all(least <= edge <= most for edge in edges) else []


def aggregates(question: Aggregated, relation: Relation) -> list[str]:
    """The expressions that answer a question, for the select list of one scan."""
    if isinstance(question, Rows):
        return ["count(*)"]
    if isinstance(question, Count):
        return [_count(question, relation)]
    column = relation.column(question.column)
    if isinstance(question, Extreme):
        value = plain(column)
        until = "" if question.until is None else f" filter (where {value} <= {literal(question.until)})"
        return [f"{question.side}({value}){until}"]
    if isinstance(question, Histogram):
        value = number(column)
        if not question.edges:
            return [f"count({name(column.name)})"]
        if whole := whole_edges(question, column):
            # compared as what they are: quicker than as doubles
            edges = ", ".join(map(str, dict.fromkeys(whole)))
            return [f"histogram({name(column.name)}, [{edges}]::{column.native}[])", f"count({name(column.name)})"]
        edges = ", ".join(repr(float(edge)) for edge in question.edges)
        return [f"histogram({value}, [{edges}]::double[])"]
    if column.native == "VARCHAR" and len(question.known) <= FEW:
        # looked at once for each entry of a dictionary, as in `_count`
        value = name(column.name)
        return [*(f"count_if({value} = {text(item)})" for item in question.known), f"count({value})"]
    value = written(column)
    # the rest is counted under the empty text, which may be a category as well
    known = ", ".join(text(item) for item in question.known if item)
    return [
        f"histogram_exact({value}, [{known}]::varchar[])",
        f"count(*) filter (where {value} = '')",
    ]
