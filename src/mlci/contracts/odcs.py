"""Open Data Contract Standard (ODCS) v3.0 to v3.2, read and written.

Read as the standard's documentation says (it has precedence over its JSON Schema), where engines have it differently:
`mustBeBetween` holds its two ends, as datacontract-cli has it; patterns are searched for, as in JSON Schema; the name
of a column is its `physicalName`, if it has one. Source: https://bitol-io.github.io/open-data-contract-standard/
"""

from __future__ import annotations

import re
from typing import Any

from mlci.contract import Contract
from mlci.contracts import odcs_quality
from mlci.contracts.draft import Draft, choose
from mlci.contracts.odcs_writer import write as write
from mlci.contracts.part import Part
from mlci.contracts.physical import type_of
from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.reader import show

SENSITIVE = frozenset({"pii", "personal", "confidential", "restricted", "sensitive", "secret"})

_TYPES = {
    "string": "string", "date": "date", "timestamp": "datetime", "number": "float", "integer": "int", "boolean": "bool",
}  # fmt: skip
_NESTED = {"object": "properties", "array": "items", "map": "map", "vector": "logicalTypeOptions"}
_WHOLE = {
    "i8": (-(2**7), 2**7 - 1), "i16": (-(2**15), 2**15 - 1), "i32": (-(2**31), 2**31 - 1), "u8": (0, 2**8 - 1),
    "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1), "u64": (0, None), "u128": (0, None), "i64": None, "i128": None,
}  # fmt: skip

# what describes, and promises nothing of the data
_DESCRIBED = (
    "version", "kind", "apiVersion", "id", "name", "tenant", "tags", "status", "servers", "dataProduct", "description",
    "domain", "context", "support", "price", "team", "roles", "authoritativeDefinitions", "customProperties",
    "contractCreatedTs", "slaDefaultElement", "schema",
)  # fmt: skip
_DESCRIBED_ELEMENT = (
    "id", "name", "physicalName", "businessName", "description", "deprecated", "synonyms", "authoritativeDefinitions",
    "tags", "customProperties", "dataGranularityDescription", "context", "logicalType", "physicalType",
)  # fmt: skip
_DESCRIBED_PROPERTY = (
    *_DESCRIBED_ELEMENT, "partitioned", "partitionKeyPosition", "primaryKeyPosition", "classification",
    "encryptedName", "transformSourceObjects", "transformLogic", "transformDescription", "examples",
    "criticalDataElement",
)  # fmt: skip
_UNKNOWN = "it is no key of ODCS 3.0 to 3.2"

_UNITS = {
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "m", "minute": "m", "minutes": "m", "h": "h", "hr": "h",
    "hrs": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d",
}  # fmt: skip
_DAYS = {"w": 7, "week": 7, "weeks": 7, "y": 365, "yr": 365, "yrs": 365, "year": 365, "years": 365}


def recognises(data: Any) -> bool:
    """Whether a file says that it is one, of whatever version."""
    return isinstance(data, dict) and (data.get("kind") == "DataContract" or {"apiVersion", "schema"} <= data.keys())


def read(document: Document, table: str | None) -> Contract:
    """The contract of one object of the schema; ``table`` is its name, its ``physicalName`` or its ``id``.

    Raises InvalidFile for another version or no schema, UsageError when it is not clear which object is meant.
    """
    return _Reader(document, table).contract()


class _Reader:
    def __init__(self, document: Document, table: str | None) -> None:
        self.draft = Draft("odcs", document)
        self.whole = Part(self.draft, document.data if isinstance(document.data, dict) else {}, ())
        self.version()
        objects = [part for part in self.whole.parts("schema") if part.text("name")]
        if not objects:
            place = document.at("schema")
            raise InvalidFile([Finding(Level.ERROR, "`schema` names no object", place, "add `schema:` with `- name:`")])
        names = [part.text("name") for part in objects]
        if table and table not in names:
            aliases = [(part.data.get("physicalName"), part.data.get("id")) for part in objects]
            names = [table if table in known else name for name, known in zip(names, aliases, strict=True)]
        index = choose(names, table, "object", document)
        self.objects = objects
        self.object = objects[index]
        self.name = str(self.object.data["name"])
        self.columns: dict[str, str] = {}
        """Names and ids of properties -> names of columns."""

    def version(self) -> None:
        version = self.whole.data.get("apiVersion")
        if not isinstance(version, str) or not re.fullmatch(r"v?3\.[012](\.[0-9]{1,3})?", version):
            message = f"`apiVersion` is {'missing' if version is None else show(str(version))}, expected v3.0 to v3.2"
            raise InvalidFile([Finding(Level.ERROR, message, self.whole.at("apiVersion"), "migrate it to ODCS v3.1.0")])

    def contract(self) -> Contract:
        properties = [part for part in self.object.parts("properties") if self.property(part)]
        for part in properties:
            self.rules(part)
        self.primary_key(properties)
        for part in properties:
            self.relationships(part, part.of)
            odcs_quality.read(part, self.tables(), self.columns, part.of)
            part.rest(_DESCRIBED_PROPERTY, _UNKNOWN)
        self.relationships(self.object, "")
        odcs_quality.read(self.object, self.tables(), self.columns)
        self.object.rest(_DESCRIBED_ELEMENT, _UNKNOWN)
        self.service_levels()
        self.whole.rest(_DESCRIBED, _UNKNOWN)
        return self.draft.done()

    def tables(self) -> list[str]:
        """The names that queries may have for this object."""
        return [name for name in (self.name, self.object.data.get("physicalName")) if isinstance(name, str)]

    # -- properties

    def property(self, part: Part) -> bool:
        named = part.data.get("physicalName") or part.data.get("name")
        if isinstance(named, str) and part.text("semanticType") == "measure":
            self.draft.skip("the measure", "it is computed from the table, and no column of it", part.at(), named)
            return False
        at = part.at("physicalName" if part.data.get("physicalName") else "name")
        if isinstance(named, str) and named in self.draft.columns:
            self.draft.wrong(f"the column {show(named)} stands twice in the object", at, "keep one of the two")
            return False
        if not self.draft.column(named, at):
            return False
        part.of = str(named)
        for key in ("name", "id"):
            if isinstance(part.data.get(key), str):
                self.columns.setdefault(part.data[key], part.of)
        self.type(part)
        return True

    def type(self, part: Part) -> None:
        logical, physical = part.text("logicalType"), part.text("physicalType")
        if logical in _TYPES:
            self.draft.type(part.of, _TYPES[logical], part.at("logicalType"))
            if physical:
                part.skip("`physicalType`", "mlci holds the logical type alone", "physicalType")
        elif logical in _NESTED:
            part.skip(f"the type `{logical}`", "mlci looks into no nested values", "logicalType")
            part.tell("mlci looks into no nested values", (_NESTED[logical], "properties", "items", "map"))
        elif logical:
            part.skip(f"the type {show(logical)}", "mlci has no such type", "logicalType")
        elif physical and (type_ := type_of(physical)):
            self.draft.type(part.of, type_, part.at("physicalType"))
        elif physical:
            part.skip(f"the type {show(physical)}", "mlci has no such type", "physicalType")

    def rules(self, part: Part) -> None:
        column, draft = part.of, self.draft
        for rule in ("required", "unique"):
            if part.flag(rule):
                draft.flag(rule, column, part.at(rule))
        if part.text("classification").strip().lower() in SENSITIVE:
            draft.sensitive(column, part.at("classification"))
        if part.has("enum"):
            listed = [entry.take("value") for entry in part.parts("enum")]
            if len(listed) == len(part.data["enum"]):
                draft.values(column, listed, part.at("enum"))
        options = part.part("logicalTypeOptions")
        if options is not None and str(part.data.get("logicalType")) not in _NESTED:
            self.options(options)

    def options(self, part: Part) -> None:
        column, draft, type_ = part.of, self.draft, self.draft.columns[part.of].get("type")
        pattern = part.text("pattern")
        if pattern:
            draft.pattern(column, pattern, part.at("pattern"))
        draft.length(column, part.take("minLength"), part.take("maxLength"), part.first("minLength", "maxLength"))
        at = part.first("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        low, high = part.take("minimum"), part.take("maximum")
        above, below = part.take("exclusiveMinimum"), part.take("exclusiveMaximum")
        draft.range(column, at, low=low, high=high, above=above, below=below)
        form = part.data.get("format")
        if type_ == "int" and isinstance(form, str) and form in _WHOLE:
            part.take("format")
            if ends := _WHOLE[form]:
                draft.range(column, part.at("format"), low=ends[0], high=ends[1])
        odcs_quality.multiple(part, type_)
        part.tell("mlci has no check of how a value is written", ("format", "timezone", "defaultTimezone"))
        part.rest((), "mlci has no check for this option")

    def primary_key(self, properties: list[Part]) -> None:
        keys = [part for part in properties if part.flag("primaryKey")]
        if keys:
            # -1 is "no position"; those without one stay in the order of the file
            order = sorted(keys, key=lambda part: (part.whole("primaryKeyPosition") or -1) % 2**31)
            self.draft.primary_key([part.of for part in order], keys[0].at("primaryKey"))

    # -- relationships

    def relationships(self, part: Part, column: str) -> None:
        for item in part.parts("relationships"):
            kind = item.text("type") or "foreignKey"
            sources = [(self.name, column)] if column else [self.resolve(name) for name in item.names("from")]
            targets = [self.resolve(name) for name in item.names("to")]
            tables = {table for table, _ in targets}
            if kind != "foreignKey":
                item.skip(f"the relationship {show(kind)}", "mlci checks foreign keys", "type")
            elif len(tables) != 1 or ("", "") in (*sources, *targets) or {table for table, _ in sources} != {self.name}:
                item.skip("a relationship", "its ends are no columns of this object and of one other", "to")
            else:
                to = "".join(tables - {self.name})
                self.draft.foreign_key([name for _, name in sources], to, [name for _, name in targets], item.at())
            item.rest(("id", "description", "customProperties", "from"), _UNKNOWN)

    def resolve(self, reference: str) -> tuple[str, str]:
        """A reference as (name of the object, name of the column); empty texts where it leads out of the tables."""
        path = reference.removeprefix("/").split("/")
        if len(path) == 4 and path[0] == "schema" and path[2] == "properties":
            wanted, column, by = path[1], path[3], "id"
        elif len(path) == 1 and reference.count(".") == 1 and "#" not in reference:
            (wanted, column), by = reference.split("."), "name"
        else:
            return "", ""
        for part in self.objects:
            if part.data.get(by) == wanted:
                found = _column_of(part, column, by)
                return (str(part.data["name"]), found) if found else ("", "")
        # another contract's table: the dataset of this name is meant
        return ("", "") if by == "id" else (wanted, column)

    # -- service levels

    def service_levels(self) -> None:
        default = self.whole.data.get("slaDefaultElement")
        for part in self.whole.parts("slaProperties"):
            name = part.text("property")
            elements = part.text("element") or (default if isinstance(default, str) else "")
            mine = [self.element(element.strip()) for element in elements.split(",") if element.strip()]
            if mine and all(column is None for column in mine):
                continue  # about another object of the contract
            if name.lower() in ("latency", "ly", "freshness", "fr"):
                self.fresh(part, [column for column in mine if column is not None])
            else:
                part.skip(f"the service level {show(name)}", "mlci checks the data, and no service", "property")

    def fresh(self, part: Part, columns: list[str]) -> None:
        age = _age(part.take("value"), part.text("unit"))
        if not columns or "" in columns:
            part.skip("the freshness", "its `element` names no column of this object", "element")
        elif age is None:
            part.skip("the freshness", "its `value` and `unit` are no days, hours, minutes or seconds", "value")
        else:
            for column in columns:
                self.draft.check("fresh", {"column": column, "max_age": age}, part.at(), slug=column)

    def element(self, element: str) -> str | None:
        """The column of this object that ``object.property`` names: empty if none, None if it is another object's."""
        table, _, column = element.rpartition(".")
        elsewhere = [part.data for part in self.objects if part is not self.object]
        others = [data.get(key) for data in elsewhere for key in ("name", "physicalName")]
        if table and table not in self.tables():
            return None if table in others else ""
        return self.columns.get(column, column if column in self.draft.columns else "")


def _column_of(part: Part, wanted: str, by: str) -> str:
    properties = part.data.get("properties")
    for item in properties if isinstance(properties, list) else ():
        if isinstance(item, dict) and item.get(by) == wanted:
            named = item.get("physicalName") or item.get("name")
            return named if isinstance(named, str) else ""
    return ""


def _age(value: Any, unit: str) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    unit = unit.strip().lower()
    if unit in _DAYS:
        value, unit = value * _DAYS[unit], "d"
    if unit not in _UNITS:
        return None
    number = f"{value:.9f}".rstrip("0").rstrip(".")
    return f"{number}{_UNITS[unit]}" if float(number) > 0 else None
