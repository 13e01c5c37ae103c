"""The generic tests of dbt, the constraints of its model contracts, and two tests of dbt_utils."""

from __future__ import annotations

import re
from typing import Any

from mlci.contracts import sql
from mlci.contracts.merge import How
from mlci.contracts.part import Part
from mlci.contracts.values import is_number
from mlci.reader import Pointer, show

_CONFIG = ("severity", "warn_if", "error_if", "where", "limit", "fail_calc", "enabled")
_DESCRIBED = (
    "name", "test_name", "description", "tags", "meta", "alias", "store_failures", "store_failures_as", "database",
    "schema", "config", "arguments", "store_failures_unique",
)  # fmt: skip
_REF = re.compile(r"\s*ref\(\s*(?:(['\"])[^'\"]*\1\s*,\s*)?(['\"])(?P<name>[^'\"]+)\2\s*\)\s*")
_SOURCE = re.compile(r"\s*source\(\s*(['\"])[^'\"]*\1\s*,\s*(['\"])(?P<name>[^'\"]+)\2\s*\)\s*")
_MORE_THAN = re.compile(r"\s*(!=|<>|>=|>)\s*([0-9]{1,15})\s*")


class Unsaid(Exception):
    """The test is not one that mlci can hold; the text says why."""


class Test:
    """One entry under `tests:` in any of its forms: a name, or a name with arguments and configuration."""

    def __init__(self, item: Any, pointer: Pointer) -> None:
        self.pointer = pointer
        self.name = ""
        self.given: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        if isinstance(item, str):
            self.name = item
        elif isinstance(item, dict):
            self._mapping(item)

    def _mapping(self, item: dict[str, Any]) -> None:
        named = item.get("test_name")
        if isinstance(named, str):
            self.name, inner, outer = named, item, item
        else:
            keys = [key for key in item if key not in (*_CONFIG, *_DESCRIBED)]
            if len(keys) != 1:
                return
            self.name = keys[0]
            held = item[keys[0]]
            inner, outer = (held if isinstance(held, dict) else {}), item
            if held is not None and not isinstance(held, dict):
                self.given["?"] = held
        for holder in (outer, inner):
            for part in (holder, holder.get("config")):
                if isinstance(part, dict):
                    self.config |= {key: part[key] for key in _CONFIG if part.get(key) is not None}
        arguments = inner.get("arguments")
        own = {key: value for key, value in inner.items() if key not in (*_CONFIG, *_DESCRIBED)}
        self.given |= {**own, **(arguments if isinstance(arguments, dict) else {})}

    def only(self, *known: str) -> None:
        strange = sorted(str(key) for key in self.given if key not in known)
        if strange:
            raise Unsaid(f"it has {show(strange[0])}")

    def how(self) -> How:
        """Its tolerance, counted as dbt counts its failures, and its weight."""
        if self.config.get("enabled") is False:
            raise Unsaid("it is switched off")
        if "fail_calc" in self.config or "limit" in self.config:
            raise Unsaid("it counts its failures in a way of its own")
        where = self.config.get("where")
        if where is not None and (not isinstance(where, str) or "{{" in where or "{%" in where):
            raise Unsaid("its `where` is Jinja")
        severity = str(self.config.get("severity", "error")).lower()
        if severity not in ("error", "warn"):
            raise Unsaid(f"its severity is {show(severity)}")
        warning, error = self._most("warn_if"), self._most("error_if")
        if severity == "warn":
            return {"severity": "warning", "max": warning, "where": where}
        most = error if warning >= error else {"warning": warning, "error": error}
        return {"max": most, "where": where}

    def _most(self, key: str) -> int:
        """The greatest number of failures that a condition lets pass."""
        written = self.config.get(key, "!=0")
        match = _MORE_THAN.fullmatch(written) if isinstance(written, str) else None
        if match is None:
            raise Unsaid(f"its `{key}` is not a number of failures to be exceeded")
        most = int(match[2]) - (match[1] == ">=")
        if most < 0 or (match[1] in ("!=", "<>") and most):
            raise Unsaid(f"its `{key}` is not a number of failures to be exceeded")
        return most


def read(part: Part, test: Test, column: str, model: str) -> None:
    """One test of a column or, with no column, of the model."""
    what = f"the test {show(test.name)}" if test.name else "a test"
    try:
        if column and test.name in _COLUMN:
            _COLUMN[test.name](part, test, column, model)
        elif not column and test.name in _MODEL:
            _MODEL[test.name](part, test)
        else:
            raise Unsaid("mlci has no such check" if test.name else "it is no name with its arguments")
    except Unsaid as error:
        part.skip(what, str(error), *test.pointer)
    except sql.Unquotable:
        part.skip(what, "a name or a value in it has a brace, which no `sql` check can hold", *test.pointer)


def _not_null(part: Part, test: Test, column: str, _: str) -> None:
    test.only()
    part.draft.flag("required", column, part.at(*test.pointer), test.how())


def _unique(part: Part, test: Test, column: str, _: str) -> None:
    test.only()
    how = test.how()
    if how["max"]:
        _counted(part, test, column, sql.repeats(column, how.get("where")), how)
    else:
        part.draft.flag("unique", column, part.at(*test.pointer), how)


def _accepted_values(part: Part, test: Test, column: str, _: str) -> None:
    test.only("values", "quote")
    values, how = test.given.get("values"), test.how()
    if not isinstance(values, list) or not values or not all(isinstance(v, str | int | float) for v in values):
        raise Unsaid("its `values` are no list of values")
    if how["max"]:
        listed = sql.values([str(value) for value in values])
        _counted(
            part, test, column, sql.different(column, f"{sql.text(column)} not in {listed}", how.get("where")), how
        )
    else:
        part.draft.values(column, values, part.at(*test.pointer), how)


def _relationships(part: Part, test: Test, column: str, model: str) -> None:
    test.only("to", "field")
    to, field = test.given.get("to"), test.given.get("field")
    match = (_REF.fullmatch(to) or _SOURCE.fullmatch(to)) if isinstance(to, str) and len(to) < 1000 else None
    if match is None or not isinstance(field, str) or not field:
        raise Unsaid("its `to` and `field` are no `ref('model')` and no column")
    how = {key: held for key, held in test.how().items() if held}
    if how.keys() - {"severity"}:
        raise Unsaid("it has a tolerance or a `where`")
    table = match["name"]
    part.draft.foreign_key([column], "" if table == model else table, [field], part.at(*test.pointer), how)


def _accepted_range(part: Part, test: Test, column: str, _: str) -> None:
    test.only("min_value", "max_value", "inclusive")
    inclusive = test.given.get("inclusive", True)
    bounds = {key: test.given.get(key) for key in ("min_value", "max_value")}
    if not isinstance(inclusive, bool) or not all(b is None or is_number(b) for b in bounds.values()):
        raise Unsaid("its bounds are expressions")
    sides = ("low", "high") if inclusive else ("above", "below")
    given = dict(zip(sides, bounds.values(), strict=True))
    part.draft.range(column, part.at(*test.pointer), **given, how=test.how())


def _unique_combination(part: Part, test: Test) -> None:
    test.only("combination_of_columns", "quote_columns")
    columns, how = test.given.get("combination_of_columns"), dict(test.how())
    if not isinstance(columns, list) or not columns or not all(isinstance(name, str) and name for name in columns):
        raise Unsaid("its `combination_of_columns` is no list of columns")
    if how["max"]:
        raise Unsaid("it counts combinations, and some of them may fail")
    columns = list(dict.fromkeys(columns))
    part.draft.check("duplicates", {"by": columns}, part.at(*test.pointer), slug="-".join(columns), how=how)


def _counted(part: Part, test: Test, column: str, query: str, how: How) -> None:
    kept = {**how, "where": None}
    part.draft.check("sql", query, part.at(*test.pointer), slug=f"{column}-{test.name}", how=kept)


_COLUMN = {
    "not_null": _not_null,
    "unique": _unique,
    "accepted_values": _accepted_values,
    "relationships": _relationships,
    "dbt_utils.accepted_range": _accepted_range,
}
_MODEL = {"dbt_utils.unique_combination_of_columns": _unique_combination}


def constraint(part: Part, columns: list[str]) -> None:
    """One constraint of a column or of the model."""
    draft, kind, at = part.draft, part.text("type"), part.at()
    known = all(column in draft.columns for column in columns)
    if kind == "check":
        _check(part)
    elif kind not in ("not_null", "unique", "primary_key", "foreign_key") or not columns or not known:
        part.skip(f"the constraint {show(kind)}", "mlci has no such check, or its columns are not listed", "type")
    elif kind == "not_null":
        for column in columns:
            draft.flag("required", column, at)
    elif kind == "primary_key":
        draft.primary_key(columns, at)
    elif kind == "foreign_key":
        _foreign_key(part, columns)
    elif len(columns) == 1:
        draft.flag("unique", columns[0], at)
    else:
        draft.check("unique", {"columns": columns}, at, slug="-".join(columns))
    described = ("name", "columns", "warn_unenforced", "warn_unsupported", "expression", "to", "to_columns")
    part.rest(described, "mlci does not know this key")


def _foreign_key(part: Part, columns: list[str]) -> None:
    to = part.text("to")
    match = _REF.fullmatch(to) or _SOURCE.fullmatch(to) if len(to) < 1000 else None
    references = part.names("to_columns")
    if match is None or len(references) != len(columns):
        part.skip("a foreign key", "it has no `to: ref('model')` and as many `to_columns`")
    else:
        part.draft.foreign_key(columns, match["name"], references, part.at())


def _check(part: Part) -> None:
    expression = part.text("expression").strip()
    if not expression or any(mark in expression for mark in ("{", "}", ";")):
        part.skip("the constraint `check`", "its expression is Jinja, or none", "expression")
    else:
        # as SQL has it: a check that is neither true nor false is not broken
        query = sql.rows(f"not ({expression}\n)")
        part.draft.check("sql", query, part.at(), slug=part.text("name") or part.of or "check")
