"""Somebody's own JSON Schema, allowed only what can be checked in bounded time and without the network.

A schema is a program: its references can loop or multiply, its patterns can take exponential time. What could is
refused with its place, before any document is held against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlci.document import Document, Pointer, show
from mlci.errors import InvalidFile
from mlci.results import Finding, Level

DIALECTS = tuple(f"https://json-schema.org/draft/{name}/schema" for name in ("2020-12", "2019-09"))
MAX_EXPANDED = 5_000
"""Subschemas when every reference is written out."""

_ONE = frozenset(
    {
        "not",
        "if",
        "then",
        "else",
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "unevaluatedProperties",
        "unevaluatedItems",
    }
)
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_PLAIN = frozenset(
    {
        *("$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly"),
        *("writeOnly", "type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems"),
        *("minContains", "maxContains", "minProperties", "maxProperties", "required", "dependentRequired", "$ref"),
    }
)
_SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})


def refuse_unbounded(schema: Document) -> None:
    """Raise InvalidFile with all that is refused in a schema."""
    findings = [
        Finding(Level.ERROR, message, schema.at(*pointer), hint) for pointer, message, hint in _problems(schema.data)
    ]
    if not findings and _expanded(schema.data, schema.data) > MAX_EXPANDED:
        message = f"its references expand to more than {MAX_EXPANDED:,} schemas"
        findings.append(Finding(Level.ERROR, message, schema.at(), "reference each definition fewer times"))
    if findings:
        raise InvalidFile(findings)


def _problems(root: Any) -> Iterator[tuple[Pointer, str, str]]:
    if not isinstance(root, dict):
        yield (), "a schema is a mapping", ""
        return
    dialect = root.get("$schema", DIALECTS[0])
    if dialect not in DIALECTS:
        yield ("$schema",), f"the dialect {show(str(dialect))} is not read, and never fetched", f"write {DIALECTS[0]}"
        return
    yield from _walk(root, (), root)
    if isinstance(root.get("$defs"), dict) and (name := _looping(root)):
        yield ("$defs", name), f"the definition {show(name)} leads back to itself", "write out one level of it"


def _walk(node: Any, pointer: Pointer, root: dict[str, Any]) -> Iterator[tuple[Pointer, str, str]]:
    if isinstance(node, bool):
        return
    if not isinstance(node, dict):
        yield pointer, "a schema is a mapping, true or false", ""
        return
    for key, value in node.items():
        here = (*pointer, key)
        if key in _NAMED:
            if not isinstance(value, dict):
                yield here, f"`{key}` is a mapping of schemas", ""
                continue
            for name, below in value.items():
                if key == "patternProperties" and (why := unbounded(name)):
                    yield (*here, name), f"the pattern {show(name)} {why}", "write a simpler pattern"
                yield from _walk(below, (*here, name), root)
        elif key in _MANY:
            if not isinstance(value, list):
                yield here, f"`{key}` is a list of schemas", ""
                continue
            for index, below in enumerate(value):
                yield from _walk(below, (*here, index), root)
        elif key in _ONE:
            yield from _walk(value, here, root)
        elif key == "pattern" and (why := unbounded(value)):
            yield here, f"the pattern {show(str(value))} {why}", "write a simpler pattern"
        elif key == "$ref":
            yield from _reference(value, here, root)
        elif key == "uniqueItems" and value is True and not _scalar_items(node):
            yield (
                here,
                "`uniqueItems` compares every pair of items unless `items` says that they are scalars",
                "add `items: {type: string}`",
            )
        elif key not in _PLAIN:
            yield here, f"the keyword {show(key)} is not read", ""


def _scalar_items(node: dict[str, Any]) -> bool:
    items = node.get("items")
    kinds = items.get("type", []) if isinstance(items, dict) else []
    named = {kinds} if isinstance(kinds, str) else {str(kind) for kind in kinds}
    return bool(named) and named <= _SCALARS


def _reference(value: Any, here: Pointer, root: dict[str, Any]) -> Iterator[tuple[Pointer, str, str]]:
    if not isinstance(value, str) or not value.startswith("#/$defs/"):
        yield (
            here,
            f"the reference {show(str(value))} leaves this schema; nothing is fetched",
            "write it as #/$defs/NAME",
        )
        return
    if value.removeprefix("#/$defs/") not in root.get("$defs", {}):
        yield here, f"the reference {show(value)} names no definition of this schema", ""
        return


def _looping(root: dict[str, Any]) -> str:
    """The name of a definition that leads back to itself; ``""`` if none does."""
    defs: dict[str, Any] = root.get("$defs", {})
    leads_to = {
        name: {ref.removeprefix("#/$defs/") for ref in _references(body)} & defs.keys() for name, body in defs.items()
    }
    # what leads nowhere is taken away until nothing is left, or only what goes round
    while leads_to:
        ends = {name for name, others in leads_to.items() if not others}
        if not ends:
            return min(leads_to)
        leads_to = {name: others - ends for name, others in leads_to.items() if name not in ends}
    return ""


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _expanded(node: Any, root: dict[str, Any], count: int = 0) -> int:
    """How many schemas there are with every reference written out; stops soon after ``MAX_EXPANDED``."""
    if count > MAX_EXPANDED:
        return count
    if isinstance(node, dict):
        count += 1
        reference = node.get("$ref")
        if isinstance(reference, str):
            count = _expanded(root.get("$defs", {}).get(reference.removeprefix("#/$defs/")), root, count)
        for key, value in node.items():
            if key != "$defs":
                count = _expanded(value, root, count)
    elif isinstance(node, list):
        for value in node:
            count = _expanded(value, root, count)
    return count


def unbounded(pattern: Any) -> str:
    """Why matching ``pattern`` could take more than linear time; ``""`` when it cannot.

    Python's matcher backtracks. It stays linear for a pattern without a repeat, a choice or a reference inside an
    unbounded repeat, and with at most one unbounded repeat that something else could match as well.
    """
    from re import _constants, _parser  # type: ignore[attr-defined]  # where Python keeps the parsed form

    if not isinstance(pattern, str) or len(pattern) > 1000:
        return "is no text of at most 1,000 characters"
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression: {error}"
    loops = 0
    stack: list[tuple[Any, bool]] = [(parsed, False)]
    while stack:
        items, inside = stack.pop()
        for kind, value in items:
            if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
                _, high, body = value
                many = high is _constants.MAXREPEAT or high > 100
                if inside and high > 1:
                    return "repeats what repeats, which can take exponential time"
                loops += many
                stack.append((body, inside or many))
            elif kind is _constants.SUBPATTERN:
                stack.append((value[-1], inside))
            elif kind is _constants.BRANCH:
                if inside:
                    return "repeats a choice, which can take exponential time"
                stack.extend((branch, inside) for branch in value[1])
            elif kind in (_constants.GROUPREF, _constants.ASSERT, _constants.ASSERT_NOT, _constants.GROUPREF_EXISTS):
                return "looks around or back, which is not linear"
    if loops > 2:
        return "has more than two unbounded repeats, which can take polynomial time"
    if loops > 1 and not pattern.startswith("^"):
        return "has two unbounded repeats and no `^` at its start, which can take polynomial time"
    return ""
