"""The rules of columns: what each asks of a table, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mlci import re2
from mlci.errors import UsageError
from mlci.findings import Level
from mlci.places import Location
from mlci.ports import Column
from mlci.questions import Count, LengthOutside, Missing, NotIn, NotMatching, Outside, Repeats, RowQuestion, Value
from mlci.specs import Dataset

COUNTED = ("required", "unique", "range", "in", "pattern", "length")
"""The rules that rows can break, in the order they are told; ``type`` and ``sensitive`` are told of whole columns."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one column."""

    column: str
    name: str
    value: Any
    how: Mapping[str, Any]
    """``mostly``, ``max``, ``where``, ``why`` as written."""
    severity: Level
    at: Location
    how_at: Callable[[str], Location]
    """The place of one of ``how``."""

    @property
    def where(self) -> str:
        return str(self.how.get("where", ""))


def of(dataset: Dataset, place: Callable[..., Location]) -> Iterator[Rule]:
    """The counted rules of a dataset's columns; ``place(column, rule, ...)`` says where one stands.

    A rule that is switched off (``required: false``) is none.
    """
    for column, rules in dataset.columns.items():
        for name in COUNTED:
            written = rules.get(name, False)
            how = written if isinstance(written, dict) else {}
            value = how.get("is", True) if isinstance(written, dict) else written
            if value is False:
                continue
            yield Rule(
                column,
                name,
                value,
                {key: held for key, held in how.items() if key != "is"},
                Level(how.get("severity", "error")),
                place(column, name),
                lambda key, column=column, name=name: place(column, name, key),  # type: ignore[misc]
            )


def question(rule: Rule, column: Column) -> RowQuestion:
    """The rows that break the rule. Raises UsageError when it cannot be asked of a column of this type."""
    return _QUESTIONS[rule.name](rule, column)


def words(rule: Rule) -> str:
    """What is counted, as the name of a measurement."""
    return _WORDS[rule.name](rule)


def _required(rule: Rule, _: Column) -> RowQuestion:
    return Count(Missing(rule.column), rule.where)


def _unique(rule: Rule, _: Column) -> RowQuestion:
    return Repeats((rule.column,), "apart", rule.where)


def _range(rule: Rule, column: Column) -> RowQuestion:
    low, high = (bound if bound is None else _value(rule, column, bound) for bound in rule.value)
    if isinstance(low, datetime) != isinstance(high, datetime):  # a day is its beginning
        low, high = (_moment(bound) for bound in (low, high))
    if low is not None and high is not None and low > high:  # type: ignore[operator]  # both of the column's type
        raise UsageError(f"the range of `{rule.column}` ends before it begins", at=rule.at)
    return Count(Outside(rule.column, low, high), rule.where)


def _moment(bound: Value | None) -> Value | None:
    return datetime(bound.year, bound.month, bound.day) if type(bound) is date else bound


def _value(rule: Rule, column: Column, written: Any) -> Value:
    """A bound of a range as a value of the column's type."""
    is_number = isinstance(written, int | float) and not isinstance(written, bool)
    if column.type in ("int", "float") and is_number:
        number: Value = written
        return number
    if column.type in ("date", "datetime") and isinstance(written, str):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            pass
        else:
            if moment.tzinfo is None:
                return moment.date() if column.type == "date" and len(written) == 10 else moment
    wanted = {"int": "a number", "float": "a number", "date": "a date such as '2026-01-31'"}.get(column.type)
    if column.type == "datetime":
        wanted = "a moment such as '2026-01-31 12:00:00'"
    if wanted is None:
        raise UsageError(f"`{rule.column}` is {column.type}, and a range needs numbers or dates", at=rule.at)
    raise UsageError(f"the range of `{rule.column}` has the bound {written!r}, expected {wanted}", at=rule.at)


def _in(rule: Rule, column: Column) -> RowQuestion:
    kinds = {"int": (int, float), "float": (int, float), "string": (str,), "bool": (bool,)}.get(column.type)
    for value in rule.value:
        fits = kinds is None or (isinstance(value, kinds) and (isinstance(value, bool) == (column.type == "bool")))
        if not fits:
            raise UsageError(
                f"`{rule.column}` is {column.type}, and `in` lists {value!r}",
                hint="write its values as the column has them: quotes make a text, none a number",
                at=rule.at,
            )
    if column.type in ("date", "datetime"):
        return Count(NotIn(rule.column, tuple(_value(rule, column, value) for value in rule.value)), rule.where)
    return Count(NotIn(rule.column, tuple(rule.value)), rule.where)


def _pattern(rule: Rule, column: Column) -> RowQuestion:
    _text(rule, column)
    check_pattern(rule.value, rule.at)
    return Count(NotMatching(rule.column, rule.value), rule.where)


def _length(rule: Rule, column: Column) -> RowQuestion:
    _text(rule, column)
    return Count(LengthOutside(rule.column, *rule.value), rule.where)


def _text(rule: Rule, column: Column) -> None:
    if column.type != "string":
        raise UsageError(f"`{rule.column}` is {column.type}, and `{rule.name}` needs text", at=rule.at)


def check_pattern(pattern: str, at: Location | None) -> None:
    """Raises UsageError for what RE2 does not have, such as lookaround and references back."""
    if found := re2.problem(pattern):
        raise UsageError(
            f"the pattern has {found}",
            hint="RE2 has no lookaround and no references back; a `sql` check says more",
            at=at,
        )


_QUESTIONS: dict[str, Callable[[Rule, Column], RowQuestion]] = {
    "required": _required,
    "unique": _unique,
    "range": _range,
    "in": _in,
    "pattern": _pattern,
    "length": _length,
}


def _bounds(rule: Rule) -> str:
    return "[" + ", ".join("…" if bound is None else str(bound) for bound in rule.value) + "]"


_WORDS: dict[str, Callable[[Rule], str]] = {
    "required": lambda rule: f"{rule.column} missing",
    "unique": lambda rule: f"{rule.column} repeated",
    "range": lambda rule: f"{rule.column} outside {_bounds(rule)}",
    "in": lambda rule: f"{rule.column} not in the list",
    "pattern": lambda rule: f"{rule.column} without its pattern",
    "length": lambda rule: f"{rule.column} not of length {_bounds(rule)}",
}
