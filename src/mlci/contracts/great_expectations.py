"""Suites of Great Expectations as JSON: of v0 (`expectation_type`, `kwargs`) and of v1 (`type`, `kwargs`).

Great Expectations judges the values that are not null, so a `mostly` of values becomes one `where` they are not null.
Patterns are searched for. Source: https://docs.greatexpectations.io, great_expectations/expectations/core
"""

from __future__ import annotations

from typing import Any

from mlci.contract import Contract
from mlci.contracts import gx_expectations, sql
from mlci.contracts.draft import Draft
from mlci.contracts.part import Part
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.reader import show

_DESCRIBED_WHOLE = (
    "expectation_suite_name", "name", "meta", "ge_cloud_id", "id", "data_asset_type", "notes", "description",
    "evaluation_parameters", "suite_parameters", "great_expectations_version",
)  # fmt: skip
_DESCRIBED = ("id", "ge_cloud_id", "rendered_content", "notes", "description", "meta", "expectation_context")
_UNKNOWN = "it is no key of a suite that mlci knows"


def recognises(data: Any) -> bool:
    """Whether a file holds a list of expectations."""
    items = data.get("expectations") if isinstance(data, dict) else None
    return isinstance(items, list) and all(
        isinstance(item, dict) and ("expectation_type" in item or "kwargs" in item) for item in items
    )


def read(document: Document, table: str | None) -> Contract:
    """The contract of a suite. A file holds one, so ``table`` says nothing. Raises InvalidFile."""
    draft = Draft("great_expectations", document)
    whole = Part(draft, document.data if isinstance(document.data, dict) else {}, ())
    if not isinstance(whole.data.get("expectations"), list):
        raise InvalidFile([Finding(Level.ERROR, "the suite has no list of `expectations`", whole.at())])
    # types first: they say what the bounds and values of the others are
    items = sorted(whole.parts("expectations"), key=lambda part: not _name(part).startswith(gx_expectations.TYPES))
    for part in items:
        _expectation(part)
    whole.rest(_DESCRIBED_WHOLE, _UNKNOWN)
    return draft.done()


def _name(part: Part) -> str:
    found = part.data.get("expectation_type", part.data.get("type"))
    return found if isinstance(found, str) else ""


def _expectation(part: Part) -> None:
    name = _name(part)
    part.taken |= {"type", "expectation_type"}
    what = f"the expectation {show(name)}" if name else "an expectation"
    kwargs = part.part("kwargs")
    reader = gx_expectations.READERS.get(name)
    severity, why = _severity(part), _why(part)
    if not name or kwargs is None:
        part.skip(what, "it has no type or no `kwargs`")
    elif reader is None:
        part.skip(what, "mlci has no such check")
    else:
        try:
            reader(gx_expectations.Expectation(kwargs, name, severity, why))
        except gx_expectations.Unsaid as error:
            part.skip(what, str(error))
        except sql.Unquotable:
            part.skip(what, "a name or a value in it has a brace, which no `sql` check can hold")
    part.rest(_DESCRIBED, _UNKNOWN)


def _severity(part: Part) -> str | None:
    return "warning" if part.text("severity").lower() in ("warning", "info") else None


def _why(part: Part) -> str:
    meta = part.data.get("meta")
    notes = meta.get("notes") if isinstance(meta, dict) else None
    content = notes.get("content") if isinstance(notes, dict) else notes
    lines = content if isinstance(content, list) else [part.data.get("description") or content]
    return " ".join(" ".join(line for line in lines if isinstance(line, str)).split())[:1000]
