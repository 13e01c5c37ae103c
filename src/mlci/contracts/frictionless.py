"""Frictionless Table Schema, alone or in a resource of a Data Package (v1 and v2).

The constraint `pattern` holds the whole value. A primary key is there in every row. What its texts mean (formats,
missing values, decimal marks) is told by the dataset's `csv:`, so each is told as not checked.
Source: https://datapackage.org/standard/table-schema/
"""

from __future__ import annotations

from typing import Any

from mlci.contract import Contract
from mlci.contracts.draft import Draft, choose
from mlci.contracts.part import Part
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.reader import show

_TYPES = {
    "string": "string", "number": "float", "integer": "int", "boolean": "bool", "date": "date", "datetime": "datetime",
    "year": "int",
}  # fmt: skip
_DESCRIBED = ("name", "title", "description", "example", "examples", "rdfType", "categoriesOrdered", "type")
_WRITTEN = (
    "format", "missingValues", "trueValues", "falseValues", "decimalChar", "groupChar", "bareNumber", "delimiter",
    "itemType",
)  # fmt: skip
_DESCRIBED_RESOURCE = (
    "name", "path", "data", "type", "$schema", "profile", "title", "description", "format", "mediatype", "sources",
    "licenses", "schema", "homepage", "id", "version", "created", "contributors", "keywords", "image", "resources",
)  # fmt: skip
_UNKNOWN = "it is no key of Frictionless that mlci knows"


def recognises(data: Any) -> bool:
    """Whether a file looks like a Table Schema, a Data Resource or a Data Package."""
    if not isinstance(data, dict):
        return False
    schema = data.get("schema")
    inner = isinstance(schema, dict) and _has_mappings(schema, "fields")
    return inner or _has_mappings(data, "fields") or _has_mappings(data, "resources")


def _has_mappings(data: dict[str, Any], key: str) -> bool:
    items = data.get(key)
    return isinstance(items, list) and bool(items) and all(isinstance(item, dict) for item in items)


def read(document: Document, table: str | None) -> Contract:
    """The contract of one resource; ``table`` is its name.

    Raises InvalidFile where the resource has no schema in the file, UsageError when it is not clear which is meant.
    """
    draft = Draft("frictionless", document)
    whole = Part(draft, document.data if isinstance(document.data, dict) else {}, ())
    schema, name = _schema(whole, table)
    if not isinstance(schema.data.get("fields"), list):
        raise InvalidFile([Finding(Level.ERROR, "the schema has no list of `fields`", schema.at(), "list its columns")])
    for field in schema.parts("fields"):
        _field(field)
    _keys(schema, name)
    schema.tell("a text that stands for a missing value is told by `csv: {missing: […]}`", ("missingValues",))
    if schema.text("fieldsMatch") not in ("", "subset"):
        schema.skip("`fieldsMatch`", "mlci checks that the columns are there, and lets others be", "fieldsMatch")
    schema.rest(("$schema", "title", "description", "name", "profile"), _UNKNOWN)
    return draft.done()


def _schema(whole: Part, table: str | None) -> tuple[Part, str]:
    """The schema that is meant, and the name of its resource."""
    if whole.has("fields"):
        return whole, ""
    resource = whole
    if whole.has("resources"):
        resources = list(whole.parts("resources"))
        resource = resources[choose([part.text("name") for part in resources], table, "resource", whole.draft.document)]
        whole.rest(_DESCRIBED_RESOURCE, _UNKNOWN)
    resource.tell("the `version:` check of a dataset holds its content", ("hash", "bytes"))
    resource.tell("how its files are written is told by the dataset's `csv:`", ("dialect", "encoding", "compression"))
    resource.rest(_DESCRIBED_RESOURCE, _UNKNOWN)
    schema = resource.data.get("schema")
    if not isinstance(schema, dict):
        stands = "stands in another file" if isinstance(schema, str) else "is missing"
        message, at = f"the schema of the resource {stands}", resource.at("schema")
        raise InvalidFile([Finding(Level.ERROR, message, at, "name the file of the schema itself as the contract")])
    return Part(whole.draft, schema, (*resource.pointer, "schema")), resource.text("name")


def _field(field: Part) -> None:
    draft, name, written = field.draft, field.take("name"), field.text("type")
    if isinstance(name, str) and name in draft.columns:
        draft.wrong(f"the field {show(name)} stands twice in the schema", field.at("name"), "keep one of the two")
        return
    if not draft.column(name, field.at("name")):
        return
    field.of = str(name)
    if written in _TYPES:
        draft.type(field.of, _TYPES[written], field.at("type"))
    elif written not in ("", "any"):
        field.skip(f"the type {show(written)}", "mlci has no such type", "type")
    constraints = field.part("constraints")
    if constraints is not None:
        _constraints(constraints)
    if field.has("categories"):
        listed = [item.get("value") if isinstance(item, dict) else item for item in field.items("categories")]
        draft.values(field.of, listed, field.at("categories"))
    if field.data.get("format") == "default":
        field.take("format")
    field.tell("how a value is written is told by the dataset's `csv:`", _WRITTEN)
    field.rest(_DESCRIBED, _UNKNOWN)


def _constraints(part: Part) -> None:
    draft, column = part.draft, part.of
    for rule in ("required", "unique"):
        if part.flag(rule):
            draft.flag(rule, column, part.at(rule))
    at = part.first("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    low, high = part.take("minimum"), part.take("maximum")
    above, below = part.take("exclusiveMinimum"), part.take("exclusiveMaximum")
    draft.range(column, at, low=low, high=high, above=above, below=below)
    if part.has("enum"):
        draft.values(column, part.items("enum"), part.at("enum"))
    if pattern := part.text("pattern"):
        draft.pattern(column, f"^(?:{pattern})$", part.at("pattern"))
    draft.length(column, part.take("minLength"), part.take("maxLength"), part.first("minLength", "maxLength"))
    part.rest((), "mlci has no check for this constraint")


def _keys(schema: Part, name: str) -> None:
    draft = schema.draft
    primary = schema.names("primaryKey")
    if primary and _are_fields(schema, primary, "primaryKey"):
        draft.primary_key(primary, schema.at("primaryKey"))
    for index, key in enumerate(schema.items("uniqueKeys")):
        if isinstance(key, list) and key and all(isinstance(column, str) and column in draft.columns for column in key):
            columns = list(dict.fromkeys(key))
            draft.check("unique", {"columns": columns}, schema.at("uniqueKeys", index), slug="-".join(columns))
        else:
            schema.skip("a unique key", "it is no list of fields", "uniqueKeys", index)
    for part in schema.parts("foreignKeys"):
        columns, reference = part.names("fields"), part.part("reference")
        if reference is None or not columns:
            part.skip("a foreign key", "it has no `fields` and `reference`")
        elif _are_fields(part, columns, "fields"):
            to = reference.text("resource")
            draft.foreign_key(columns, "" if to == name else to, reference.names("fields"), part.at())
            reference.rest((), _UNKNOWN)
        part.rest((), _UNKNOWN)


def _are_fields(part: Part, names: list[str], key: str) -> bool:
    strange = [name for name in names if name not in part.draft.columns]
    if strange:
        part.skip(f"`{key}`", f"it names {show(strange[0])}, which is no field", key)
    return not strange
