"""Tests and constraints of dbt's `schema.yml`: of models, seeds, snapshots and tables of sources.

dbt's `unique` and `accepted_values` count values and not rows, so where some of them may fail they become `sql` checks
that count as dbt does. What a Jinja expression makes of it is known to dbt alone.
Source: https://docs.getdbt.com/reference/resource-properties/data-tests
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlci import quantities
from mlci.contract import Contract
from mlci.contracts import dbt_tests
from mlci.contracts.draft import Draft, choose
from mlci.contracts.part import Part
from mlci.contracts.physical import type_of
from mlci.contracts.values import is_whole
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.reader import show

_KINDS = ("models", "seeds", "snapshots", "sources")
_DESCRIBED = (
    "name", "description", "meta", "tags", "docs", "access", "group", "latest_version", "versions", "identifier",
    "quoting", "external", "loader", "deprecation_date", "time_spine", "primary_entity", "overrides", "config",
)  # fmt: skip
_DESCRIBED_COLUMN = ("name", "description", "meta", "tags", "quote", "config", "policy_tags", "docs")
_UNKNOWN = "mlci does not know this key"
_AGES = {"minute": "m", "hour": "h", "day": "d"}


def recognises(data: Any) -> bool:
    """Whether a file lists models, seeds, snapshots or sources with their names."""
    found = [data[key] for key in _KINDS if key in data] if isinstance(data, dict) else []
    return bool(found) and all(
        isinstance(items, list) and all(isinstance(item, dict) and "name" in item for item in items) for items in found
    )


def read(document: Document, table: str | None) -> Contract:
    """The contract of one model or table; ``table`` is its name, of a table of a source also ``source.table``.

    Raises InvalidFile for a file without models, UsageError when it is not clear which is meant.
    """
    draft = Draft("dbt", document)
    whole = Part(draft, document.data if isinstance(document.data, dict) else {}, ())
    found = [(name, part, source) for name, part, source in _tables(whole) if name]
    if not found:
        hint = "it has `models:` with `- name:`"
        raise InvalidFile([Finding(Level.ERROR, "the file names no model", whole.at(), hint)])
    names = [name for name, _, _ in found]
    if table and table not in names:
        names = [table if source and table == f"{source.text('name')}.{name}" else name for name, _, source in found]
    name, part, source = found[choose(names, table, "model", document)]
    _read(part, source, name)
    return draft.done()


def _tables(whole: Part) -> Iterator[tuple[str, Part, Part | None]]:
    for kind in _KINDS:
        for part in whole.parts(kind):
            if kind != "sources":
                yield part.text("name"), part, None
                continue
            for table in part.parts("tables"):
                yield table.text("name"), table, part


def _read(part: Part, source: Part | None, name: str) -> None:
    columns = [column for column in part.parts("columns") if _column(column)]
    for column in columns:
        for test in _tests(column):
            dbt_tests.read(column, test, column.of, name)
        for constraint in column.parts("constraints"):
            dbt_tests.constraint(constraint, [column.of])
        column.rest(_DESCRIBED_COLUMN, _UNKNOWN)
    for test in _tests(part):
        dbt_tests.read(part, test, "", name)
    for constraint in part.parts("constraints"):
        dbt_tests.constraint(constraint, constraint.names("columns"))
    _freshness(part, source)
    part.rest(_DESCRIBED, _UNKNOWN)


def _column(part: Part) -> bool:
    name = part.take("name")
    if isinstance(name, str) and name in part.draft.columns:
        part.draft.wrong(f"the column {show(name)} stands twice in the model", part.at("name"), "keep one of the two")
        return False
    if not part.draft.column(name, part.at("name")):
        return False
    part.of = str(name)
    written = part.text("data_type")
    type_ = type_of(written)
    if type_:
        part.draft.type(part.of, type_, part.at("data_type"))
    elif written:
        part.skip(f"the type {show(written)}", "mlci has no such type", "data_type")
    return True


def _tests(part: Part) -> Iterator[dbt_tests.Test]:
    for key in ("tests", "data_tests"):
        for index, item in enumerate(part.items(key)):
            yield dbt_tests.Test(item, (key, index))


def _freshness(part: Part, source: Part | None) -> None:
    """How old the newest row may be: as the table says it, else its source."""
    holders = [holder for holder in (part, source) if holder is not None]
    fresh, column = (_first(holders, key) for key in ("freshness", "loaded_at_field"))
    if fresh is not None:
        holder, written = fresh
        ages = {}
        for key, level in (("warn_after", "warning"), ("error_after", "error")):
            age = written.get(key) if isinstance(written, dict) else None
            if isinstance(age, dict) and str(age.get("period")) in _AGES and is_whole(age.get("count")):
                ages[level] = f"{age['count']}{_AGES[age['period']]}"
        ages = {level: age for level, age in ages.items() if re.fullmatch(quantities.DURATION_PATTERN, age)}
        told = isinstance(written, dict) and {key for key in written if written[key] is not None}
        name = column[1] if column else None
        if not isinstance(name, str) or not re.fullmatch(r"\w+", name) or not told or len(told) != len(ages):
            holder.skip("`freshness`", "mlci has no column, no age or no words for all of it", "freshness")
            return
        known = {name.lower(): name for name in part.draft.columns}
        options = {"column": known.get(name.lower(), name), "max_age": ages}
        part.draft.check("fresh", options, holder.at("freshness"))


def _first(holders: list[Part], key: str) -> tuple[Part, Any] | None:
    """The value of a key, of the mapping itself or of its `config`, and who says it."""
    for holder in holders:
        config = holder.data.get("config")
        value = holder.take(key)
        if value is None and isinstance(config, dict):
            value = config.get(key)
        if value is not None:
            return holder, value
    return None
