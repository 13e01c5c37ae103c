"""Documents held against a JSON Schema, and what is wrong with them in a reader's words.

The only module that imports jsonschema.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from mlci import quantities
from mlci.document import Document
from mlci.findings import Finding, Level
from mlci.places import Location
from mlci.reader import Pointer, show

_QUANTITIES = tuple(pattern.removesuffix("$") for pattern in (quantities.DURATION_PATTERN, quantities.SIZE_PATTERN))
MAX_STEPS = 300_000
"""What somebody's own schema may take for one document."""
Schema = dict[str, Any]


def problems(document: Document, schema: Schema) -> list[Finding]:
    """What of the document the schema does not allow, best first; an empty list means valid.

    ``version`` comes before everything else: the rest of a newer format would only look wrong.
    """
    properties = schema.get("properties", {})
    if "version" in properties and isinstance(document.data, dict):
        expected = properties["version"].get("const")
        found = document.data.get("version")
        if "version" not in document.data:
            place = document.at()
            return [
                *_first(place, "`version` is missing", f"write `version: {expected}` on the first line"),
                *_schema_errors(document, schema),
            ]
        if found != expected or isinstance(found, bool):
            if found == str(expected):
                message, hint = f"`version` is a text, expected the number {expected}", "write it without quotes"
            else:
                message = f"`version` is {_shown(found)}; this mlci reads version {expected}"
                hint = f"write `version: {expected}`, or install the mlci that reads this one"
            return _first(document.at("version"), message, hint)
    return _schema_errors(document, schema)


def _first(at: Location, message: str, hint: str) -> list[Finding]:
    return [Finding(Level.ERROR, message, at, hint)]


def _schema_errors(document: Document, schema: Schema) -> list[Finding]:
    errors = _validator(schema).iter_errors(document.data)
    found = _findings(document, errors, schema)
    return [finding for finding in found if not finding.message.startswith("`version` is missing")]


def _findings(document: Document, errors: Iterable[Any], schema: Schema) -> list[Finding]:
    found: dict[tuple[str, str], tuple[tuple[int, int, int], Finding]] = {}
    explained = (item for error in errors for item in _explain(document, error, schema))
    for rank, finding in explained:
        found.setdefault(
            (str(finding.at), finding.message),
            ((rank, finding.at.line or 0, finding.at.column or 0) if finding.at else (rank, 0, 0), finding),
        )
    return [finding for _, finding in sorted(found.values(), key=lambda item: item[0])]


_VALIDATORS: dict[int, tuple[Schema, Any]] = {}


def _validator(schema: Schema) -> Any:
    import jsonschema
    import referencing

    known = _VALIDATORS.get(id(schema))
    if known is None:
        # an empty registry: a $ref that is not in the schema itself is never fetched
        inlined = _inlined(schema, schema.get("$defs", {}))
        known = (schema, jsonschema.Draft202012Validator(inlined, registry=referencing.Registry()))
        _VALIDATORS[id(schema)] = known
    return known[1]


@cache
def _dialect() -> Any:
    """JSON Schema 2020-12 with patterns that end where the text ends; two keywords are mended."""
    import jsonschema

    mended = {"pattern": _pattern, "uniqueItems": _unique_items}
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, mended)  # type: ignore[no-untyped-call]  # jsonschema has no types for it


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not re.search(_ending(pattern), instance):
        from jsonschema import ValidationError

        yield ValidationError(f"{instance[:100]!r} does not match {pattern!r}")


def _ending(pattern: str) -> str:
    # to Python alone, `$` is also the place before a last newline
    return pattern.removesuffix("$") + r"\Z" if re.search(r"(?<!\\)(\\\\)*\$\Z", pattern) else pattern


def _unique_items(_: Any, unique: bool, instance: Any, __: Any) -> Iterator[Any]:
    # jsonschema compares every pair of items that cannot be sorted
    if unique and isinstance(instance, list):
        import json

        from jsonschema import ValidationError

        plain = (int(item) if isinstance(item, float) and item == int(item) else item for item in instance)
        if len({json.dumps(item, sort_keys=True) for item in plain}) < len(instance):
            yield ValidationError("items that differ from each other")


def _inlined(node: Any, defs: Mapping[str, Any]) -> Any:
    """The schema with its references written out: looking one up costs more than all the rest of a small value.

    A reference with other keywords beside it stays, unless they only describe: both would have to hold.
    """
    if isinstance(node, list):
        return [_inlined(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    if name in defs and node.keys() <= {"$ref", "description"}:
        about = {key: value for key, value in node.items() if key == "description"}
        return {**_inlined(defs[name], defs), **about}
    ended = {"pattern": _ending(node["pattern"])} if isinstance(node.get("pattern"), str) else {}
    return {**{key: value if key == "$defs" else _inlined(value, defs) for key, value in node.items()}, **ended}


def _explain(document: Document, error: Any, root: Schema) -> Iterator[tuple[int, Finding]]:
    """One schema error in a reader's words; the rank puts unknown keys first: they explain what is missing."""
    pointer: Pointer = tuple(error.absolute_path)
    if isinstance(error.schema, bool):
        # jsonschema does not say at which key
        message = f"{_shown(error.instance)} is not allowed{_inside(pointer)}"
        yield 1, Finding(Level.ERROR, message, document.at(*pointer))
        return
    keyword, schema, value = error.validator, error.schema, error.instance
    if keyword == "additionalProperties":
        allowed = [*schema.get("properties", {})]
        for key in value:
            if key not in schema.get("properties", {}) and not any(
                re.search(pattern, key) for pattern in schema.get("patternProperties", ())
            ):
                message = f"unknown key {show(str(key))}{_inside(pointer)}"
                at = document.at(*pointer, key, key=True)
                hint = _elsewhere(str(key), pointer, root) or did_you_mean(str(key), allowed)
                yield 0, Finding(Level.ERROR, message, at, hint)
        return
    at = document.at(*pointer)
    if keyword == "required":
        for key in error.validator_value:
            if key not in value:
                words = schema.get("properties", {}).get(key, {})
                hint = f"add `{key}:`, {_expected(words, root)}" if _expected(words, root) else f"add `{key}:`"
                yield 2, Finding(Level.ERROR, f"`{key}` is missing{_inside(pointer)}", at, hint)
        return
    if keyword in ("if", "then", "anyOf", "oneOf", "allOf") and error.context:
        for inner in error.context:
            yield from _explain(document, inner, root)
        return
    expected = _expected(schema, root) or str(error.message)[:200]
    hint = ""
    if keyword == "enum" and isinstance(value, str):
        hint = did_you_mean(value, [str(item) for item in error.validator_value])
    elif keyword == "type" and "string" in _types(schema) and isinstance(value, int | float):
        hint = "give it its unit" if str(schema.get("pattern")).startswith(_QUANTITIES) else "quote it if it is text"
    elif (
        keyword == "type"
        and "number" in _types(schema)
        and isinstance(value, str)
        and re.fullmatch(r"[-+0-9.eE]+", value)
    ):
        hint = "write it without quotes"
    elif keyword == "type" and "number" in _types(schema) and isinstance(value, str) and value.endswith("%"):
        hint = "write a share as a number: 0.9 for 90%"
    elif keyword == "type" and "array" in _types(schema) and isinstance(value, str):
        hint = f"write it as a list: [{show(value)[1:-1]}]"
    yield 1, Finding(Level.ERROR, f"{subject(pointer)} is {_shown(value)}, expected {expected}", at, hint)


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _expected(schema: Any, root: Schema) -> str:
    if isinstance(schema, bool):
        return ""
    if "description" in schema:
        return str(schema["description"])
    if "$ref" in schema:
        return str(root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {}).get("description", ""))
    if "enum" in schema:
        return "one of " + _some(schema["enum"])
    if "const" in schema:
        return _shown(schema["const"])
    if "type" in schema:
        return " or ".join(_types(schema))
    return ""


def subject(pointer: Pointer) -> str:
    return f"`{dotted(pointer)}`" if pointer else "the file"


def _inside(pointer: Pointer) -> str:
    return f" in `{dotted(pointer)}`" if pointer else ""


def dotted(pointer: Pointer) -> str:
    """``("checks", 0, "metric")`` -> ``checks[0].metric``."""
    out = ""
    for part in pointer:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return show(out, 120)[1:-1]


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return show(value) if isinstance(value, str) else str(value)


def _elsewhere(key: str, pointer: Pointer, root: Schema) -> str:
    """The cure for a check that stands where checks of the other scope belong."""
    if key in ("id", "severity", "why") and len(pointer) > 2 and f"options-{pointer[-1]}" in root.get("$defs", {}):
        return f"`{key}` stands beside `{pointer[-1]}:`, not inside it"
    if f"options-{key}" not in root.get("$defs", {}) or not pointer or "checks" not in pointer:
        return ""
    if pointer[0] == "datasets":
        return f"`{key}` is a check of the model: move it to `checks:` at the top"
    return f"`{key}` is a check of a dataset: move it to `checks:` of one under `datasets:`"


def _some(items: Iterable[Any]) -> str:
    shown = ", ".join(islice((str(item)[:100] for item in items), 40))
    return shown if len(shown) <= 400 else f"{shown[:400]}…"


def did_you_mean(word: str, names: Collection[str], but: str = "") -> str:
    import difflib

    if len(names) > 200 or len(word) > 200:
        return ""  # to compare so much would take longer than everything else
    allowed = sorted({*names} - {but})
    close = difflib.get_close_matches(word, allowed, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"one of: {_some(allowed)}" if allowed else ""


def held_against(document: Document, schema: Schema) -> list[Finding]:
    """What somebody's own schema does not allow, best first; it must have passed ``schema_guard``.

    Counts its steps, and gives up where they are too many: some schemas are slow for some documents only.
    """
    import jsonschema
    import referencing

    from mlci import schema_guard

    left = float(MAX_STEPS)

    def counted(keyword: str, holds: Any) -> Any:
        def count(validator: Any, value: Any, instance: Any, node: Any) -> Iterator[Any]:
            nonlocal left
            left -= schema_guard.steps(keyword, value, instance, node)
            if left < 0:
                raise _TooSlow
            for error in holds(validator, value, instance, node) or ():
                left -= 5 + len(error.message) / 100
                error.message = error.message[:200]
                yield error

        return count

    dialect = _dialect()
    keywords = {keyword: counted(keyword, holds) for keyword, holds in dialect.VALIDATORS.items()}
    counting = jsonschema.validators.extend(dialect, keywords)  # type: ignore[no-untyped-call]  # jsonschema has no types for it
    # neither says anything about the document, and jsonschema would go by them
    own = {key: value for key, value in schema.items() if key not in ("$id", "$schema")}
    try:
        return _findings(document, counting(own, registry=referencing.Registry()).iter_errors(document.data), own)
    except _TooSlow:
        hint = "write simpler patterns with a maxLength, fewer alternatives, or a shorter file"
        return _first(document.at(), "it takes too long to hold this file against its schema", hint)


class _TooSlow(Exception):
    """A document takes more steps than are allowed."""
