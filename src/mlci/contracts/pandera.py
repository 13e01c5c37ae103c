"""The YAML and JSON of pandera schemas (`DataFrameSchema.to_yaml`), of all three layouts of their checks.

A column may not be null unless it says so, and null values pass a check unless it says `ignore_na: false`.
`str_matches` begins at the start of the value. Source: https://github.com/unionai-oss/pandera (pandera/io)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlci.contract import Contract
from mlci.contracts import pandera_checks
from mlci.contracts.draft import Draft
from mlci.contracts.part import Part
from mlci.contracts.physical import type_of
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.reader import Pointer, show

_DESCRIBED = ("title", "description", "name", "default", "report_duplicates", "dtype")
_DESCRIBED_WHOLE = (
    "schema_type", "version", "api", "dataframe_library", "title", "description", "name", "report_duplicates",
)  # fmt: skip
_FRAME = {
    "coerce": "mlci converts nothing: a column has its type already, or fails",
    "strict": "mlci checks that the columns are there, and lets others be",
    "ordered": "mlci knows no order of columns",
    "dtype": "mlci has a type for each column, and none for all of them",
    "drop_invalid_rows": "mlci drops no rows",
    "add_missing_columns": "mlci adds no columns",
    "unique_column_names": "mlci has no check for it",
    "multiindex": "a file has no index",
}


def recognises(data: Any) -> bool:
    """Whether a file says that it is the schema of a dataframe."""
    return isinstance(data, dict) and data.get("schema_type") == "dataframe" and "columns" in data


def read(document: Document, table: str | None) -> Contract:
    """The contract of the dataframe. A file holds one, so ``table`` says nothing. Raises InvalidFile."""
    draft = Draft("pandera", document)
    whole = Part(draft, document.data if isinstance(document.data, dict) else {}, ())
    for name, part in _columns(whole):
        _column(part, name)
    for key, reason in _FRAME.items():
        if whole.take(key) not in (None, False):
            whole.skip(f"`{key}`", reason, key)
    unique = whole.names("unique")
    strange = [name for name in unique if name not in draft.columns]
    if strange:
        whole.skip("`unique`", f"it names {show(strange[0])}, which is no column that is checked", "unique")
    elif unique:
        draft.check("duplicates", {"by": unique}, whole.at("unique"))
    whole.tell("a file has no index", ("index",))
    whole.tell("it is a check of the whole dataframe", ("checks", *sorted(pandera_checks.NAMES)))
    whole.rest(_DESCRIBED_WHOLE, "mlci does not know it: a check of one's own, or a key of another pandera")
    return draft.done()


def _columns(whole: Part) -> Iterator[tuple[Any, Part]]:
    columns = whole.take("columns")
    if isinstance(columns, dict):
        found: list[tuple[Any, Any, Pointer]] = [(name, data, ("columns", name)) for name, data in columns.items()]
    elif isinstance(columns, list):
        named = [(data if isinstance(data, dict) else {}) for data in columns]
        found = [(data.get("name"), data, ("columns", index)) for index, data in enumerate(named)]
    else:
        message, hint = "`columns` is no mapping of columns", "write the file with `schema.to_yaml()`"
        raise InvalidFile([Finding(Level.ERROR, message, whole.at("columns"), hint)])
    for name, data, pointer in found:
        yield name, Part(whole.draft, data if isinstance(data, dict) else {}, pointer)


def _column(part: Part, name: Any) -> None:
    draft = part.draft
    if part.flag("regex"):
        part.skip(f"the columns {show(str(name))}", "mlci names each column, and knows no pattern of names", "regex")
        return
    if part.take("required") is False:
        part.skip(f"the column {show(str(name))}", "it may be left out, and a column of mlci is there", "required")
        return
    if not draft.column(name, part.at()):
        return
    part.of = str(name)
    _type(part)
    nullable = part.flag("nullable")
    if not nullable:
        draft.flag("required", part.of, part.at("nullable"))
    if part.flag("unique"):
        if nullable:  # pandas holds two nulls for the same value
            draft.check("duplicates", {"by": [part.of]}, part.at("unique"), slug=part.of)
        else:
            draft.flag("unique", part.of, part.at("unique"))
    for key in ("coerce", "drop_invalid_rows"):
        if part.flag(key):
            part.skip(f"`{key}`", _FRAME[key], key)
    for check, held, pointer in _checks(part):
        pandera_checks.read(part, check, held, pointer, nullable=nullable)
    part.rest(_DESCRIBED, "mlci does not know it: a check of one's own, or a key of another pandera")


def _type(part: Part) -> None:
    written = part.text("dtype")
    type_ = type_of(written)
    if type_:
        part.draft.type(part.of, type_, part.at("dtype"))
    elif written:
        part.skip(f"the type {show(written)}", "mlci has no such type", "dtype")


def _checks(part: Part) -> Iterator[tuple[str, Any, Pointer]]:
    """Names of checks, what they hold, and where: of a mapping, of a list, or beside the other keys."""
    checks = part.take("checks")
    if isinstance(checks, dict):
        for name, held in checks.items():
            yield name, held, ("checks", name)
    elif isinstance(checks, list):
        for index, held in enumerate(checks):
            options = held.get("options") if isinstance(held, dict) else None
            named = options.get("check_name") if isinstance(options, dict) else None
            yield named if isinstance(named, str) else "", held, ("checks", index)
    elif checks is not None:
        part.skip("`checks`", "it is no mapping and no list", "checks")
    for name in sorted(pandera_checks.NAMES & part.data.keys()):
        yield name, part.take(name), (name,)
