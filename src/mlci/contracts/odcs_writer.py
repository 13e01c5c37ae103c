"""A dataset's rules as an ODCS contract: v3.1, or v3.2 where a list of values makes it an `enum`.

What ODCS has no words for goes into `customProperties` named `mlci.…`, which no reader checks, and is named in a
comment at the head. Reading the rest back gives the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from mlci import yaml_writer
from mlci.contracts import merge
from mlci.specs import CheckSpec, Dataset

TYPES = {
    "int": "integer",
    "float": "number",
    "string": "string",
    "bool": "boolean",
    "date": "date",
    "datetime": "timestamp",
}
_SHORTHAND = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_UNITS = {"s": "s", "m": "minutes", "h": "h", "d": "d"}


def write(dataset: Dataset, *, id_: str) -> str:
    """The YAML text of a contract whose one object has the dataset's name; ``id_`` becomes its `id` and `name`."""
    return _Writer(dataset).text(id_)


class _Writer:
    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.properties = {column: self.property(column, rules) for column, rules in dataset.columns.items()}
        self.object: dict[str, Any] = {}
        self.levels: list[dict[str, Any]] = []
        self.beyond: list[str] = []
        self.key()
        for check in dataset.checks:
            self.check(check)

    def text(self, id_: str) -> str:
        version = "v3.2.0" if any("enum" in property_ for property_ in self.properties.values()) else "v3.1.0"
        head = {"apiVersion": version, "kind": "DataContract", "id": id_, "name": id_}
        named = {"name": self.dataset.name, "logicalType": "object", "properties": list(self.properties.values())}
        data: dict[str, Any] = {**head, "version": "1.0.0", "status": "draft", "schema": [{**named, **self.object}]}
        if self.levels:
            data["slaProperties"] = self.levels
        told = [f"`customProperties` hold what ODCS has no words for: {', '.join(self.told())}"] if self.told() else []
        return yaml_writer.write(data, told)

    def told(self) -> list[str]:
        columns = [
            f"{item['property'].removeprefix('mlci.')} of {name}"
            for name, property_ in self.properties.items()
            for item in property_.get("customProperties", ())
        ]
        return columns + self.beyond

    # -- columns

    def property(self, column: str, rules: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"name": column}
        if "type" in rules:
            found["logicalType"] = TYPES[rules["type"]]
        for rule in ("required", "unique", "in", "range", "length", "pattern"):
            if rule in rules and rules[rule] is not False:
                self.rule(found, rule, rules[rule], rules.get("type"))
        if rules.get("sensitive"):
            found["classification"] = "sensitive"
        return found

    def rule(self, found: dict[str, Any], rule: str, written: Any, type_: str | None) -> None:
        is_, how = merge.parts(written)
        if is_ is False:
            return
        exact, options = not how, _options(rule, is_, type_)
        if exact and rule in ("required", "unique"):
            found[rule] = True
        elif exact and rule == "in":
            found["enum"] = [{"value": value} for value in is_]
        elif exact and options:
            found["logicalTypeOptions"] = {**found.get("logicalTypeOptions", {}), **options}
        elif rule in ("required", "in", "pattern") or (rule == "unique" and not how.keys() & set(merge.TOLERANCE)):
            metric = {"required": "nullValues", "unique": "duplicateValues"}.get(rule, "invalidValues")
            arguments = {"in": {"validValues": is_}, "pattern": {"pattern": is_}}.get(rule)
            entries = _quality(metric, how, arguments)
            if entries is None:
                _custom(found, rule, written)
            else:
                found.setdefault("quality", []).extend(entries)
        else:
            _custom(found, rule, written)

    def key(self) -> None:
        """ODCS's primary key is there in every row and unique; mlci's key need not be."""
        key, columns = self.dataset.key, self.dataset.columns
        if not key:
            return
        needed = all(columns.get(column, {}).get("required") is True for column in key)
        unique = columns.get(key[0], {}).get("unique") is True if len(key) == 1 else self.composite() is not None
        if not (needed and unique):
            self.custom("key", list(key))
            return
        for position, column in enumerate(key, 1):
            self.properties[column] |= {"primaryKey": True, "primaryKeyPosition": position}

    def composite(self) -> CheckSpec | None:
        """The check that says what a primary key of several columns says."""
        for check in self.dataset.checks:
            if check.check == "unique" and check.options == {"columns": list(self.dataset.key)} and _is_plain(check):
                return check
        return None

    # -- checks

    def check(self, check: CheckSpec) -> None:
        known = {
            "rows": self.rows, "duplicates": self.duplicates, "sql": self.sql, "fresh": self.fresh,
            "foreign-key": self.foreign_key, "unique": self.unique,
        }  # fmt: skip
        if not (check.check in known and known[check.check](check, dict(check.options))):
            item: dict[str, Any] = {check.check: dict(check.options)}
            if check.severity != "error":
                item["severity"] = str(check.severity)
            self.custom(check.id, {**item, "why": check.why} if check.why else item)

    def custom(self, name: str, value: Any) -> None:
        _custom(self.object, name, value)
        self.beyond.append(name)

    def quality(self, entries: list[dict[str, Any]]) -> bool:
        self.object.setdefault("quality", []).extend(entries)
        return True

    def rows(self, check: CheckSpec, options: dict[str, Any]) -> bool:
        if not options or options.keys() - {"min", "max"}:
            return False
        signs = {"min": "mustBeGreaterOrEqualTo", "max": "mustBeLessOrEqualTo"}
        entries = []
        for side, bound in options.items():
            levels = bound if isinstance(bound, dict) else {str(check.severity): bound}
            for severity, number in levels.items():
                entries.append(_entry("rowCount", {signs[side]: number}, {"severity": severity, "why": check.why}))
        return self.quality(entries)

    def duplicates(self, check: CheckSpec, options: dict[str, Any]) -> bool:
        if options.keys() != {"by"} or any(column not in self.properties for column in options["by"]):
            return False
        how = {"severity": str(check.severity), "why": check.why}
        return self.quality([_entry("duplicateValues", {"mustBe": 0}, how, {"properties": list(options["by"])})])

    def sql(self, check: CheckSpec, options: dict[str, Any]) -> bool:
        query = options.get("is", "")
        named = re.findall(r"\{([^{}]*)\}", query)
        if options.keys() - {"is", "max"} or ";" in query or any(not re.fullmatch(r"data|[0-9,]+", n) for n in named):
            return False
        limits = _limits({"max": options.get("max", 0), "severity": str(check.severity), "why": check.why}) or ()
        rows = query.replace("{data}", "{object}")
        count = f"SELECT COUNT(*) FROM (\n{rows}\n) AS failing_rows"  # noqa: S608  # the dataset's own query
        return bool(limits) and self.quality([{"type": "sql", "query": count, **limit} for limit in limits])

    def fresh(self, check: CheckSpec, options: dict[str, Any]) -> bool:
        age = options.get("max_age")
        match = _AGE.fullmatch(age) if isinstance(age, str) else None
        if options.keys() != {"column", "max_age"} or match is None or not _is_plain(check):
            return False
        value = float(match[1]) if "." in match[1] else int(match[1])
        element = f"{self.dataset.name}.{options['column']}"
        # `element` is a list of `object.property`, parted by commas
        if not value or options["column"] not in self.properties or "." in options["column"] or "," in element:
            return False
        self.levels.append({"property": "latency", "value": value, "unit": _UNITS[match[2]], "element": element})
        return True

    def foreign_key(self, check: CheckSpec, options: dict[str, Any]) -> bool:
        columns, others, to = options.get("columns", ()), options.get("references", ()), options.get("to", "")
        if options.keys() != {"columns", "to", "references"} or not _is_plain(check):
            return False
        if not all(_SHORTHAND.fullmatch(name) for name in (self.dataset.name, to, *columns, *others)):
            return False
        if any(column not in self.properties for column in columns):
            return False
        targets = [f"{to}.{column}" for column in others]
        if len(columns) == 1:
            entry: dict[str, Any] = {"to": targets[0]}
            self.properties[columns[0]].setdefault("relationships", []).append({"type": "foreignKey", **entry})
        else:
            entry = {"from": [f"{self.dataset.name}.{column}" for column in columns], "to": targets}
            self.object.setdefault("relationships", []).append({"type": "foreignKey", **entry})
        return True

    def unique(self, check: CheckSpec, _: dict[str, Any]) -> bool:
        return check is self.composite() and "primaryKey" in self.properties[self.dataset.key[0]]


def _is_plain(check: CheckSpec) -> bool:
    return check.severity == "error" and not check.why


def _custom(holder: dict[str, Any], name: str, value: Any) -> None:
    holder.setdefault("customProperties", []).append({"property": f"mlci.{name}", "value": value})


def _options(rule: str, is_: Any, type_: str | None) -> dict[str, Any]:
    """``logicalTypeOptions`` of a rule without a tolerance; empty where the type has none."""
    if rule == "pattern" and type_ == "string":
        return {"pattern": is_}
    names = {"length": ("minLength", "maxLength"), "range": ("minimum", "maximum")}.get(rule)
    fits = {"length": ("string",), "range": ("int", "float", "date", "datetime")}.get(rule, ())
    if names is None or type_ not in fits:
        return {}
    return {name: bound for name, bound in zip(names, is_, strict=True) if bound is not None}


def _quality(metric: str, how: Mapping[str, Any], arguments: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    """Quality rules for a rule with a tolerance; None where ODCS cannot say it."""
    limits = _limits(how)
    if limits is None:
        return None
    named = {"type": "library", "metric": metric, **({"arguments": arguments} if arguments else {})}
    return [{**named, **limit} for limit in limits]


def _entry(metric: str, limit: Mapping[str, Any], how: Mapping[str, Any], arguments: Any = None) -> dict[str, Any]:
    named = {"type": "library", "metric": metric, **({"arguments": arguments} if arguments else {})}
    return {**named, **limit, **_said(how.get("severity", "error"), how.get("why", ""))}


def _said(severity: str, why: str) -> dict[str, Any]:
    return {**({"severity": severity} if severity != "error" else {}), **({"description": why} if why else {})}


def _limits(how: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The operators of a tolerance, one for each of its levels; None for what they cannot say."""
    if "where" in how or {"mostly", "max"} <= how.keys():
        return None
    written = how.get("mostly", how.get("max", 0))
    levels = written if isinstance(written, dict) else {how.get("severity", "error"): written}
    return [dict(_limit(severity, limit, how)) for severity, limit in levels.items()]


def _limit(severity: str, limit: Any, how: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "mostly" in how:
        share = Decimal(limit[:-1]) if isinstance(limit, str) else 100 * Decimal(str(limit))
        least = 100 - share
        yield "mustBeLessOrEqualTo", int(least) if least == int(least) else float(least)
        yield "unit", "percent"
    elif limit:
        yield "mustBeLessOrEqualTo", int(limit)
        yield "unit", "rows"
    else:
        yield "mustBe", 0
    yield from _said(severity, how.get("why", "")).items()
