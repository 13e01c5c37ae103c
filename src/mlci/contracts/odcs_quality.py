"""The quality rules of ODCS: a metric or a query, and the numbers that it may be.

Where mlci counts what the metric counts, and the limit is an upper one, it becomes a rule with `max` or `mostly`;
else a `sql` check that finds the number as ODCS defines it. `duplicateValues` of ODCS is the number of values that
occur more than once, and not, as `unique` has it, of the rows that hold them, so only its 0 is a `unique`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlci import re2
from mlci.contracts import sql
from mlci.contracts.limits import BOUNDED, SIGNS, Limits, at_most, holds, whole_bounds
from mlci.contracts.merge import How
from mlci.contracts.part import Part
from mlci.contracts.values import is_number
from mlci.reader import show

# ODCS 3.0 called some of the metrics otherwise
_METRICS = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues", "validValues": "invalidValues"}
_DESCRIBED = (
    "id", "name", "description", "dimension", "method", "businessImpact", "customProperties", "tags", "schedule",
    "scheduler", "authoritativeDefinitions", "severity", "type", "unit", "arguments", "query", "validValues",
)  # fmt: skip
_UNKNOWN = "it is no key of ODCS 3.0 to 3.2"
_WARNINGS = frozenset({"warning", "warn", "info", "information", "note"})
_COUNT = re.compile(r"(?is)select\s+count\(\s*(?:\*|1)\s*\)\s+from\s+\{data\}\s+where\s(?P<where>.+)")
_OUR_COUNT = re.compile(r"(?s)SELECT COUNT\(\*\) FROM \(\n(?P<rows>.+)\n\) AS failing_rows")
_MORE = r"(?i)\b(group|having|order|limit|union|intersect|except|qualify|window|offset|sample|using)\b|--|/\*"
_PLACEHOLDER = re.compile(r"\$?\{(\w+)\}")
_OBJECT = frozenset({"object", "table", "model", "schema"})
_PROPERTY = frozenset({"property", "column", "field"})


def read(part: Part, tables: Sequence[str], names: Mapping[str, str], column: str = "") -> None:
    """The ``quality`` of an object or, with ``column``, of a property.

    ``tables`` are the names of the object, and ``names`` those of its properties with the columns that they are.
    """
    for item in part.parts("quality"):
        _Rule(item, tables, names, column).read()


class _Rule:
    def __init__(self, part: Part, tables: Sequence[str], names: Mapping[str, str], column: str) -> None:
        self.part = part
        self.draft = part.draft
        self.tables = tables
        self.names = names
        self.column = column
        severity = part.text("severity").strip().lower()
        why = " ".join(part.text("description").split())[:1000]
        self.how: How = {"severity": "warning" if severity in _WARNINGS else None, "why": why}
        self.name = part.text("name") or part.text("id") or part.text("metric") or part.text("rule")

    def read(self) -> None:
        part = self.part
        kind = part.text("type") or ("library" if part.has("metric") or part.has("rule") else "")
        try:
            if kind == "sql":
                self.query()
            elif kind == "library":
                self.metric()
            elif kind == "custom":
                part.take("implementation")
                engine = part.text("engine")
                self.skip(f"it is for {show(engine) if engine else 'another engine'}, which mlci does not run")
            elif kind == "text":
                self.skip("it is `text`, for people to read")
            else:
                self.skip(f"its type is {show(kind)}" if kind else "it has no `type` and no `metric`")
        except sql.Unquotable:
            self.skip("a name or a value in it has a brace, which no `sql` check can hold")
        part.rest((*_DESCRIBED, *SIGNS), _UNKNOWN)

    def skip(self, reason: str) -> None:
        self.part.skip(f"the quality rule {show(self.name)}" if self.name else "a quality rule", reason)

    def limits(self) -> Limits | None:
        """The operators with their numbers; None after telling that one of them is none."""
        found: list[tuple[str, tuple[Any, ...]]] = []
        for key in SIGNS:
            if not self.part.has(key):
                continue
            value = self.part.take(key)
            numbers = tuple(value) if isinstance(value, list) else (value,)
            wanted = 2 if key.endswith("Between") else 1
            # a query may find true or false
            truth = self.part.data.get("type") == "sql" and key in ("mustBe", "mustNotBe") and isinstance(value, bool)
            if len(numbers) != wanted or not (truth or all(_is_limit(number) for number in numbers)):
                self.skip(f"`{key}` is not {'two numbers' if wanted == 2 else 'a number'}")
                return None
            found.append((key, numbers))
        return found

    # -- metrics

    def metric(self) -> None:
        written = self.part.text("metric") or self.part.text("rule")
        metric = _METRICS.get(written, written)
        unit = self.part.text("unit").strip().lower() or "rows"
        arguments = self.part.part("arguments")
        given: dict[str, Any] = dict(arguments.data) if arguments else {}
        limits = self.limits()
        if limits is None:
            return
        if not limits and written in ("nullCheck", "validValues"):
            limits = [("mustBe", (0,))]
        if metric == "invalidValues" and "validValues" not in given and self.part.has("validValues"):
            given["validValues"] = self.part.take("validValues")
        measure = {
            "nullValues": self.null_values, "missingValues": self.missing_values, "invalidValues": self.invalid_values,
            "duplicateValues": self.duplicate_values, "rowCount": self.row_count,
        }.get(metric)  # fmt: skip
        if measure is None:
            self.skip(f"mlci does not know the metric {show(written)}")
        elif not limits:
            self.skip("it names no number that the metric must be")
        elif unit not in ("rows", "percent", "%"):
            self.skip(f"its unit is {show(unit)}, expected rows or percent")
        elif not self.column and metric not in ("duplicateValues", "rowCount"):
            self.skip("the metric is one of a property, and this is an object")
        else:
            measure(limits, unit != "rows", given)

    def null_values(self, limits: Limits, percent: bool, given: dict[str, Any]) -> None:
        how = at_most(limits, percent)
        if self.unknown(given):
            return
        if how is None:
            self.counted(limits, percent, f"{sql.name(self.column)} is null")
        else:
            self.draft.flag("required", self.column, self.part.at(), {**self.how, **how})

    def missing_values(self, limits: Limits, percent: bool, given: dict[str, Any]) -> None:
        listed = given.get("missingValues")
        if self.unknown(given, "missingValues"):
            return
        if listed is None or not _is_list(listed):
            self.skip("its `arguments` list no `missingValues`")
            return
        texts = [_as_text(value) for value in listed if value is not None]
        parts = [f"{sql.name(self.column)} is null"] if None in listed else []
        parts += [f"{sql.text(self.column)} in {sql.values(texts)}"] if texts else []
        self.counted(limits, percent, " or ".join(parts))

    def invalid_values(self, limits: Limits, percent: bool, given: dict[str, Any]) -> None:
        listed, pattern = given.get("validValues"), given.get("pattern")
        if self.unknown(given, "validValues", "pattern"):
            return
        if listed is None and pattern is None:
            self.skip("its `arguments` have neither `validValues` nor a `pattern`")
        elif listed is not None and not _is_list(listed):
            self.skip("its `validValues` are no list of values")
        elif pattern is not None and (not isinstance(pattern, str) or not pattern):
            self.skip("its `pattern` is no text")
        elif pattern and (problem := re2.problem(pattern)):
            self.skip(f"its pattern has {problem}, which RE2 does not take")
        else:
            self.valid(limits, percent, listed, pattern)

    def valid(self, limits: Limits, percent: bool, listed: list[Any] | None, pattern: str | None) -> None:
        at, how = self.part.at(), at_most(limits, percent)
        if how is not None and (listed is None or pattern is None or not how):
            if listed is not None:
                self.draft.values(self.column, listed, at, {**self.how, **how})
            if pattern is not None:
                self.draft.pattern(self.column, pattern, at, {**self.how, **how})
            return
        present = [_as_text(value) for value in listed or () if value is not None]
        parts = [f"{sql.text(self.column)} not in {sql.values(present)}"] if present else []
        parts += [sql.breaks("pattern", self.column, pattern)] if pattern else []
        self.counted(limits, percent, f"({' or '.join(parts) or 'true'}) and {sql.name(self.column)} is not null")

    def duplicate_values(self, limits: Limits, percent: bool, given: dict[str, Any]) -> None:
        if self.unknown(given, *([] if self.column else ["properties"])):
            return
        listed = given.get("properties")
        named = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
        columns = [self.column] if self.column else list(dict.fromkeys(self.names.get(name, "") for name in named))
        if not columns or "" in columns or (not self.column and named != listed):
            self.skip("its `arguments` name no `properties` of this object")
            return
        exact = at_most(limits, percent) == {}
        if exact and self.column:
            self.draft.flag("unique", self.column, self.part.at(), self.how)
        elif exact:
            self.draft.check("duplicates", {"by": columns}, self.part.at(), slug="-".join(columns), how=self.how)
        else:
            self.number(sql.repeated(columns, percent=percent), limits)

    def row_count(self, limits: Limits, percent: bool, given: dict[str, Any]) -> None:
        if self.column or percent:
            self.skip("`rowCount` is a number of rows of a whole object")
            return
        if self.unknown(given):
            return
        bounds: dict[str, int] = {}
        for key, numbers in limits:
            low, high = whole_bounds(key, numbers)
            if key not in BOUNDED:
                self.number(sql.count(""), [(key, numbers)])
                continue
            if low is not None:
                bounds["min"] = max(low, bounds.get("min", 0))
            if high is not None:
                bounds["max"] = min(high, bounds.get("max", high))
        if bounds:
            self.draft.rows(bounds, self.part.at(), self.how)

    def unknown(self, given: dict[str, Any], *known: str) -> bool:
        strange = sorted(set(given) - set(known))
        if strange:
            self.skip(f"the metric has no argument {show(strange[0])} that mlci knows")
        return bool(strange)

    # -- queries

    def query(self) -> None:
        limits = self.limits()
        if limits is None:
            return
        query = self.with_names(self.part.text("query").strip().rstrip(";").strip())
        # `{2}` and `{2,4}` are repeats of a pattern
        braces = [found for found in re.findall(r"\{([^{}]*)\}", query) if not re.fullmatch(r"data|[0-9,]+", found)]
        if not query or not limits:
            self.skip("it names no number that the query must find" if query else "it has no `query`")
        elif ";" in query:
            self.skip("its query is more than one statement")
        elif sql.TABLE not in query:
            self.skip("its query does not name its table as `{object}`")
        elif braces or query.count("{") != query.count("}"):
            self.skip("its query has braces that are none of `{object}` and `{property}`")
        else:
            self.number(query, limits)

    def with_names(self, query: str) -> str:
        """The query with ``{data}`` for its table and the column for its property."""

        def placed(match: re.Match[str]) -> str:
            word = match.group(1).lower()
            if word in _OBJECT:
                return sql.TABLE
            return sql.name(self.column) if word in _PROPERTY and self.column else match.group()

        query = _PLACEHOLDER.sub(placed, query)
        for table in self.tables:
            named = rf"(?i)\b(from|join)\s+([\"`]?){re.escape(table)}\2(?![\w.\"`])"
            query = re.sub(named, lambda match: f"{match.group(1)} {sql.TABLE}", query)
        return query

    # -- the ends of both

    def counted(self, limits: Limits, percent: bool, condition: str) -> None:
        """Rows that satisfy a condition, of which there may be some number or share."""
        how = None if percent else at_most(limits, percent)
        if how is None:
            self.number(sql.count(condition, percent=percent), limits)
        else:
            self.rows(sql.rows(condition), how)

    def number(self, query: str, limits: Limits) -> None:
        """A query that finds one number. One that counts rows of the table is a query for those rows, if it can be."""
        how = at_most(limits, False)
        ours, counts = _OUR_COUNT.fullmatch(query), _COUNT.fullmatch(query)
        if how is not None and ours:
            self.rows(ours["rows"], how)
        elif how is not None and counts and not re.search(_MORE, counts["where"]):
            self.rows(sql.rows(counts["where"]), how)
        else:
            self.rows(sql.number(query, holds(limits, sql.value)), {})

    def rows(self, query: str, how: How) -> None:
        slug = "-".join(word for word in (self.column, self.name) if word)
        self.draft.check("sql", query, self.part.at(), slug=slug, how={**self.how, **how})


def multiple(part: Part, type_: str | None) -> None:
    """``multipleOf`` of a whole number."""
    step = part.take("multipleOf")
    if step is None:
        return
    if type_ != "int" or not _is_limit(step) or step != int(step) or step <= 0:
        part.skip("`multipleOf`", "only whole numbers have an exact remainder", "multipleOf")
        return
    try:
        query = sql.rows(f"{sql.name(part.of)} % {int(step)} <> 0")
    except sql.Unquotable:
        part.skip("`multipleOf`", "the column's name has a brace", "multipleOf")
    else:
        part.draft.check("sql", query, part.at("multipleOf"), slug=f"{part.of}-multiple")


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(v is None or isinstance(v, str | int | float) for v in value)


def _is_limit(value: Any) -> bool:
    return is_number(value) and abs(value) < 10**18


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
