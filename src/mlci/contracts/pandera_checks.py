"""The built-in checks of pandera for one column."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlci.contracts import sql
from mlci.contracts.merge import How
from mlci.contracts.part import Part
from mlci.reader import Pointer, show

_ALIASES = {
    "gt": "greater_than", "ge": "greater_than_or_equal_to", "lt": "less_than", "le": "less_than_or_equal_to",
    "eq": "equal_to", "ne": "not_equal_to", "between": "in_range",
}  # fmt: skip
_OPTIONS = ("options", "raise_warning", "ignore_na", "name", "error", "description", "title", "check_name")
_UNTOLD = ("n_failure_cases", "groupby", "groups", "element_wise")


def read(part: Part, name: str, held: Any, pointer: Pointer, *, nullable: bool) -> None:
    """One check of the column that ``part`` is about."""
    _Check(part, name, held, pointer).read(nullable=nullable)


class _Check:
    def __init__(self, part: Part, name: str, held: Any, pointer: Pointer) -> None:
        self.part = part
        self.draft = part.draft
        self.column = part.of
        self.name = _ALIASES.get(name, name)
        self.pointer = pointer
        self.at = part.at(*pointer)
        whole = held if isinstance(held, dict) else {"value": held}
        inner = whole.get("options")
        self.options: dict[str, Any] = {**whole, **(inner if isinstance(inner, dict) else {})}
        self.given = {key: value for key, value in whole.items() if key not in _OPTIONS}
        texts = [self.options[key] for key in ("description", "error") if isinstance(self.options.get(key), str)]
        why = " ".join(texts[0].split())[:1000] if texts else None
        self.how: How = {"severity": "warning" if self.options.get("raise_warning") is True else None, "why": why}

    def read(self, *, nullable: bool) -> None:
        reader = _READERS.get(self.name)
        strange = [key for key in _UNTOLD if self.options.get(key) not in (None, False)]
        if reader is None:
            self.skip("mlci has no such check")
        elif strange:
            self.skip(f"it has the option {show(strange[0])}")
        elif self.options.get("ignore_na") is False and nullable:
            self.skip("a null breaks it, and in mlci a null breaks `required` alone")
        else:
            try:
                reader(self)
            except sql.Unquotable:
                self.skip("a name or a value in it has a brace, which no `sql` check can hold")

    def skip(self, reason: str) -> None:
        self.part.skip(f"the check {show(self.name or '?')}", reason, *self.pointer)

    def only(self) -> Any:
        """The one value that it holds, whatever pandera calls it; None after telling that it is not one."""
        values = list(self.given.values())
        if len(values) == 1 and values[0] is not None and not isinstance(values[0], dict):
            return values[0]
        self.skip("it does not hold one value")
        return None

    def range(self, side: str) -> None:
        value = self.only()
        if value is not None:
            self.draft.range(self.column, self.at, **{side: value}, how=self.how)

    def between(self) -> None:
        sides: dict[str, Any] = {}
        ends = (("include_min", "min_value", "low", "above"), ("include_max", "max_value", "high", "below"))
        for include, key, closed, open_ in ends:
            held = self.given.get(include, True)
            if not isinstance(held, bool) or self.given.get(key) is None:
                self.skip(f"its `{include}` or `{key}` is not what it should be")
                return
            sides[closed if held else open_] = self.given[key]
        self.draft.range(self.column, self.at, **sides, how=self.how)

    def listed(self, values: Any) -> None:
        if isinstance(values, list):
            self.draft.values(self.column, values, self.at, self.how)
        elif values is not None:
            self.skip("it holds no list of values")

    def none_of(self, values: Any) -> None:
        if not isinstance(values, list) or not values or not all(isinstance(v, str | int | float) for v in values):
            if values is not None:
                self.skip("it holds no list of values")
            return
        query = sql.rows(f"{sql.name(self.column)} in {sql.values(values)}")
        self.draft.check("sql", query, self.at, slug=f"{self.column}-{self.name}", how=self.how)

    def pattern(self, begin: str, end: str = "", *, literal: bool = False) -> None:
        text = self.only()
        if isinstance(text, str):
            middle = re.sub(r"([^\w\s])", r"\\\1", text, flags=re.ASCII) if literal else text
            # what is no ASCII is itself already
            middle = re.sub(r"\\([^\x00-\x7f])", r"\1", middle) if literal else middle
            self.draft.pattern(self.column, begin + middle + end, self.at, self.how)
        elif text is not None:
            self.skip("it holds no text")

    def length(self) -> None:
        if self.given.keys() == {"value"}:
            self.given = {"exact_value": self.given["value"]}
        strange = sorted(self.given.keys() - {"min_value", "max_value", "exact_value"})
        if strange:
            self.skip(f"it holds {show(strange[0])}")
            return
        exact = self.given.get("exact_value")
        low, high = (exact, exact) if exact is not None else (self.given.get("min_value"), self.given.get("max_value"))
        self.draft.length(self.column, low, high, self.at, self.how)


def _one(value: Any) -> list[Any] | None:
    return None if value is None else [value]


_READERS: dict[str, Callable[[_Check], None]] = {
    "greater_than": lambda check: check.range("above"),
    "greater_than_or_equal_to": lambda check: check.range("low"),
    "less_than": lambda check: check.range("below"),
    "less_than_or_equal_to": lambda check: check.range("high"),
    "in_range": _Check.between,
    "equal_to": lambda check: check.listed(_one(check.only())),
    "not_equal_to": lambda check: check.none_of(_one(check.only())),
    "isin": lambda check: check.listed(check.only()),
    "notin": lambda check: check.none_of(check.only()),
    "str_matches": lambda check: check.pattern("^(?:", ")"),
    "str_contains": lambda check: check.pattern(""),
    "str_startswith": lambda check: check.pattern("^", literal=True),
    "str_endswith": lambda check: check.pattern("", "$", literal=True),
    "str_length": _Check.length,
}
NAMES = frozenset(_READERS) | frozenset(_ALIASES)
