"""The expectations of Great Expectations that a check of mlci holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlci import re2
from mlci.contracts import sql
from mlci.contracts.merge import How
from mlci.contracts.part import Part
from mlci.contracts.physical import type_of
from mlci.contracts.values import is_number, is_whole
from mlci.reader import show

TYPES = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
_UNTOLD = ("row_condition", "condition_parser", "parse_strings_as_datetimes", "allow_cross_type_comparisons")
_RESULT = (
    "column", "mostly", "meta", "result_format", "catch_exceptions", "include_config", "batch_id", "auto",
    "profiler_config",
)  # fmt: skip


class Unsaid(Exception):
    """The expectation is not one that mlci can hold; the text says why."""


class Expectation:
    """One expectation: its arguments, each taken once."""

    def __init__(self, part: Part, name: str, severity: str | None, why: str) -> None:
        self.part = part
        self.draft = part.draft
        self.name = name
        self.at = part.at()
        self.said: How = {"severity": severity, "why": why}
        for key in _UNTOLD:
            if part.take(key) not in (None, False):
                raise Unsaid(f"it has {show(key)}")

    def done(self) -> None:
        """Raises Unsaid for an argument that nobody took."""
        strange = sorted(key for key in self.part.data if key not in self.part.taken and key not in _RESULT)
        if strange and any(self.part.has(key) for key in strange):
            raise Unsaid(f"it has {show(strange[0])}")

    @property
    def column(self) -> str:
        name = self.part.take("column")
        if not isinstance(name, str) or not self.draft.column(name, self.part.at("column")):
            raise Unsaid("it names no column")
        self.part.of = str(name)
        return self.part.of

    def columns(self, *keys: str, least: int = 1) -> list[str]:
        """The columns of one argument that lists them, or of several that name one each."""
        listed = self.part.take(keys[0]) if len(keys) == 1 else [self.part.take(key) for key in keys]
        names = [name for name in listed if isinstance(name, str) and name] if isinstance(listed, list) else []
        if len(names) < least or names != listed:
            raise Unsaid("it names no columns")
        for name in names:
            self.draft.column(name, self.at)
        return names

    def how(self, of_values: str = "") -> How:
        """The tolerance; ``of_values`` is the column of which it judges only what is not null."""
        mostly = self.part.take("mostly")
        if mostly is None or mostly == 1:
            return self.said
        if not is_number(mostly) or not 0 <= mostly <= 1:
            raise Unsaid("its `mostly` is no share from 0 to 1")
        where = f"{sql.name(of_values)} is not null" if of_values else None
        return {**self.said, "mostly": mostly, "where": where}

    def exact(self) -> How:
        """No tolerance. Raises Unsaid where there is one."""
        if "mostly" in self.how():
            raise Unsaid("it has `mostly`, and the share of a `sql` check is one of all rows")
        return self.said

    def scalars(self, key: str) -> list[Any]:
        listed = self.part.take(key)
        if not isinstance(listed, list) or not listed or not all(isinstance(v, str | int | float) for v in listed):
            raise Unsaid(f"its `{key}` is no list of values")
        return listed

    def texts(self, key: str) -> list[str]:
        listed = self.scalars(key)
        if not all(isinstance(text, str) for text in listed):
            raise Unsaid(f"its `{key}` is no list of texts")
        return listed

    def text(self, key: str) -> str:
        text = self.part.take(key)
        if not isinstance(text, str) or not text:
            raise Unsaid(f"its `{key}` is no text")
        return text

    def ends(self) -> dict[str, Any]:
        """``min_value`` and ``max_value`` by the sides of a range."""
        sides = {}
        for key, strict, closed, open_ in (
            ("min_value", "strict_min", "low", "above"), ("max_value", "strict_max", "high", "below")
        ):  # fmt: skip
            value, is_strict = self.part.take(key), self.part.take(strict) or False
            if not isinstance(is_strict, bool) or isinstance(value, dict | list | bool):
                raise Unsaid(f"its `{key}` or `{strict}` is not what it should be")
            if value is not None:
                sides[open_ if is_strict else closed] = value
        if not sides:
            raise Unsaid("it has neither `min_value` nor `max_value`")
        return sides

    def rows(self, query: str, slug: str, how: How) -> None:
        self.draft.check("sql", query, self.at, slug=slug, how=how)


def _exists(it: Expectation) -> None:
    it.column  # noqa: B018  # naming it is all that it takes
    if it.part.take("column_index") is not None:
        it.part.skip("`column_index`", "mlci knows no order of columns", "column_index")
    it.done()


def _flag(rule: str) -> Callable[[Expectation], None]:
    def read(it: Expectation) -> None:
        column = it.column
        how = it.how(column if rule == "unique" else "")
        it.done()
        it.draft.flag(rule, column, it.at, how)

    return read


def _null(it: Expectation) -> None:
    column, how = it.column, it.how()
    it.done()
    it.rows(sql.rows(f"{sql.name(column)} is not null"), column, how)


def _between(it: Expectation) -> None:
    column, sides = it.column, it.ends()
    how = it.how(column)
    it.done()
    it.draft.range(column, it.at, **sides, how=how)


def _in_set(it: Expectation) -> None:
    column, values = it.column, it.scalars("value_set")
    how = it.how(column)
    it.done()
    it.draft.values(column, values, it.at, how)


def _distinct_in_set(it: Expectation) -> None:
    column, values = it.column, it.scalars("value_set")
    it.done()
    it.draft.values(column, values, it.at, it.said)


def _distinct_contain(it: Expectation) -> None:
    column, values = it.column, list(dict.fromkeys(it.scalars("value_set")))
    it.done()
    found = f"count(distinct {sql.name(column)}) filter (where {sql.name(column)} in {sql.values(values)})"
    it.rows(sql.number(sql.aggregate(found), [f"= {len(values)}"]), column, it.said)


def _distinct_equal(it: Expectation) -> None:
    _distinct_in_set(it)
    _distinct_contain(it)


def _not_in_set(it: Expectation) -> None:
    column, values, how = it.column, it.scalars("value_set"), it.exact()
    it.done()
    it.rows(sql.rows(f"{sql.name(column)} in {sql.values(values)}"), f"{column}-not-in", how)


def _regex(it: Expectation) -> None:
    column, pattern = it.column, it.text("regex")
    how = it.how(column)
    it.done()
    it.draft.pattern(column, pattern, it.at, how)


def _regex_list(it: Expectation) -> None:
    column, patterns = it.column, it.texts("regex_list")
    how, on = it.how(column), it.part.take("match_on") or "any"
    it.done()
    if on == "any":
        it.draft.pattern(column, "|".join(f"(?:{pattern})" for pattern in patterns), it.at, how)
    elif "mostly" in how and len(patterns) > 1:
        raise Unsaid("its `mostly` is of values that match all patterns")
    else:
        for pattern in patterns:
            it.draft.pattern(column, pattern, it.at, how)


def _not_regex(it: Expectation) -> None:
    column, how = it.column, it.exact()
    patterns = it.texts("regex_list") if it.part.has("regex_list") else [it.text("regex")]
    it.done()
    for pattern in patterns:
        if problem := re2.problem(pattern):
            raise Unsaid(f"a pattern of it has {problem}, which RE2 does not take")
    for pattern in patterns:
        it.rows(sql.rows(sql.finds(column, pattern)), f"{column}-not-matching", how)


def _like(it: Expectation) -> None:
    column, pattern = it.column, it.text("like_pattern")
    how = it.how(column)
    it.done()
    pieces = [{"%": ".*", "_": "."}.get(char, re.escape(char) if char.isascii() else char) for char in pattern]
    it.draft.pattern(column, f"(?s)^(?:{''.join(pieces)})$", it.at, how)


def _lengths(it: Expectation) -> None:
    column, sides = it.column, it.ends()
    how = it.how(column)
    it.done()
    if not all(is_whole(bound) for bound in sides.values()):
        raise Unsaid("its bounds are no whole numbers")
    low = max((sides[key] + (key == "above") for key in ("low", "above") if key in sides), default=None)
    high = min((sides[key] - (key == "below") for key in ("high", "below") if key in sides), default=None)
    it.draft.length(column, None if low is None else max(low, 0), high, it.at, how)


def _length(it: Expectation) -> None:
    column, value = it.column, it.part.take("value")
    how = it.how(column)
    it.done()
    it.draft.length(column, value, value, it.at, how)


def _type(it: Expectation) -> None:
    column, how = it.column, it.exact()
    names = it.texts("type_list") if it.part.has("type_list") else [it.text("type_")]
    it.done()
    types = {type_of(name) for name in names}
    if types == {"int", "float"}:
        types = {"float"}  # what mlci calls float may be whole numbers
    (found,) = types if len(types) == 1 else (None,)
    if found is None:
        raise Unsaid("its types are not one type of mlci")
    if how.get("severity"):
        raise Unsaid("it warns, and a wrong type is an error to mlci")
    known = it.draft.columns[column].get("type")
    if known not in (None, found):
        raise Unsaid(f"the column is {known} by another expectation")
    it.draft.type(column, found, it.at)


def _rows(it: Expectation) -> None:
    sides = {"low": it.part.data["value"], "high": it.part.take("value")} if it.part.has("value") else it.ends()
    it.done()
    if not all(is_whole(bound) for bound in sides.values()):
        raise Unsaid("its bounds are no whole numbers")
    moved = {"low": ("min", 0), "above": ("min", 1), "high": ("max", 0), "below": ("max", -1)}
    bounds = {moved[side][0]: bound + moved[side][1] for side, bound in sides.items()}
    it.draft.rows(bounds, it.at, it.said)


def _column_set(it: Expectation) -> None:
    it.columns("column_set" if it.part.has("column_set") else "column_list")
    exact = it.part.take("exact_match")
    it.done()
    if exact is not False:
        reason = "mlci checks that the columns are there, and lets others and their order be"
        it.part.skip(f"that no other columns are there ({show(it.name)})", reason)


def _compound(it: Expectation) -> None:
    columns = list(dict.fromkeys(it.columns("column_list", least=2)))
    ignored = it.part.take("ignore_row_if") or "all_values_are_missing"
    how = dict(it.how())
    it.done()
    if ignored == "any_value_is_missing" and "mostly" not in how:
        it.draft.check("unique", {"columns": columns}, it.at, slug="-".join(columns), how=how)
        return
    if ignored not in ("all_values_are_missing", "never"):
        raise Unsaid(f"its `ignore_row_if` is {show(str(ignored))}")
    if ignored != "never":
        how["where"] = " or ".join(f"{sql.name(column)} is not null" for column in columns)
    it.draft.check("duplicates", {"by": columns}, it.at, slug="-".join(columns), how=how)


def _pair(it: Expectation, holds: Callable[[str, str], str]) -> None:
    one, other = it.columns("column_A", "column_B", least=2)
    ignored, how = it.part.take("ignore_row_if") or "both_values_are_missing", it.exact()
    it.done()
    left, right = sql.name(one), sql.name(other)
    missing = {
        "both_values_are_missing": f" and ({left} is not null or {right} is not null)",
        "either_value_is_missing": f" and {left} is not null and {right} is not null",
        "neither": "",
        "never": "",
    }.get(str(ignored))
    if missing is None:
        raise Unsaid(f"its `ignore_row_if` is {show(str(ignored))}")
    it.rows(sql.rows(f"({holds(left, right)}) is not true{missing}"), f"{one}-{other}", how)


def _greater(it: Expectation) -> None:
    sign = ">=" if it.part.take("or_equal") is True else ">"
    _pair(it, lambda left, right: f"{left} {sign} {right}")


def _within_record(it: Expectation) -> None:
    columns, how = it.columns("column_list", least=2), it.exact()
    ignored = it.part.take("ignore_row_if") or "all_values_are_missing"
    if ignored not in ("all_values_are_missing", "any_value_is_missing"):
        raise Unsaid("its `ignore_row_if` lets nulls be alike")
    it.done()
    if len(columns) > 20:
        raise Unsaid("it names more than 20 columns")
    pairs = [(one, other) for index, one in enumerate(columns) for other in columns[index + 1 :]]
    alike = " or ".join(f"{sql.name(one)} = {sql.name(other)}" for one, other in pairs)
    it.rows(sql.rows(alike), "-".join(columns), how)


def _aggregate(expression: str) -> Callable[[Expectation], None]:
    def read(it: Expectation) -> None:
        column, sides = it.column, it.ends()
        it.done()
        signs = {"low": ">=", "above": ">", "high": "<=", "below": "<"}
        if not all(isinstance(bound, str) or is_number(bound) for bound in sides.values()):
            raise Unsaid("its bounds are no numbers")
        query = sql.aggregate(expression.replace("?", sql.name(column)))
        holds = [f"{signs[side]} {sql.value(bound)}" for side, bound in sides.items()]
        it.rows(sql.number(query, holds), column, it.said)

    return read


READERS: dict[str, Callable[[Expectation], None]] = {
    "expect_column_to_exist": _exists,
    "expect_column_values_to_not_be_null": _flag("required"),
    "expect_column_values_to_be_null": _null,
    "expect_column_values_to_be_unique": _flag("unique"),
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_values_to_not_be_in_set": _not_in_set,
    "expect_column_distinct_values_to_be_in_set": _distinct_in_set,
    "expect_column_distinct_values_to_contain_set": _distinct_contain,
    "expect_column_distinct_values_to_equal_set": _distinct_equal,
    "expect_column_values_to_match_regex": _regex,
    "expect_column_values_to_match_regex_list": _regex_list,
    "expect_column_values_to_not_match_regex": _not_regex,
    "expect_column_values_to_not_match_regex_list": _not_regex,
    "expect_column_values_to_match_like_pattern": _like,
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _length,
    "expect_column_values_to_be_of_type": _type,
    "expect_column_values_to_be_in_type_list": _type,
    "expect_table_row_count_to_equal": _rows,
    "expect_table_row_count_to_be_between": _rows,
    "expect_table_columns_to_match_set": _column_set,
    "expect_table_columns_to_match_ordered_list": _column_set,
    "expect_compound_columns_to_be_unique": _compound,
    "expect_multicolumn_values_to_be_unique": _compound,
    "expect_select_column_values_to_be_unique_within_record": _within_record,
    "expect_column_pair_values_to_be_equal": lambda it: _pair(it, lambda left, right: f"{left} = {right}"),
    "expect_column_pair_values_a_to_be_greater_than_b": _greater,
    "expect_column_pair_values_A_to_be_greater_than_B": _greater,
    "expect_column_min_to_be_between": _aggregate("min(?)"),
    "expect_column_max_to_be_between": _aggregate("max(?)"),
    "expect_column_mean_to_be_between": _aggregate("avg(?)"),
    "expect_column_median_to_be_between": _aggregate("median(?)"),
    "expect_column_sum_to_be_between": _aggregate("sum(?)"),
    "expect_column_stdev_to_be_between": _aggregate("stddev_samp(?)"),
    "expect_column_unique_value_count_to_be_between": _aggregate("count(distinct ?)"),
    "expect_column_proportion_of_unique_values_to_be_between": _aggregate("count(distinct ?) / count(?)"),
}
