"""Somebody's own JSON Schema, allowed only what can be checked in bounded time and without the network.

A schema is a program: its references can loop or multiply, its patterns can take exponential time. What could is
refused with its place, before any document is held against it; what depends on the document is counted in steps.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from mlci.document import Document
from mlci.findings import Finding, InvalidFile, Level
from mlci.reader import Pointer, show

DIALECTS = tuple(f"https://json-schema.org/draft/{name}/schema" for name in ("2020-12", "2019-09"))
MAX_EXPANDED = 5_000
"""Subschemas when every reference is written out."""
MAX_LEVELS = 60
"""Subschemas inside each other when every reference is written out."""
MAX_PATTERNS = 100
"""Patterns in a schema: so many stay compiled."""

_ONE = frozenset({"not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"})
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_TYPES = ("string", "number", "integer", "boolean", "null", "array", "object")
_SCALARS = frozenset(_TYPES[:5])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_type(value: Any) -> bool:
    return value in _TYPES if isinstance(value, str) else _are_names(value) and bool(value) and set(value) <= {*_TYPES}


_TEXT = (lambda value: isinstance(value, str), "a text")
_NUMBER = (_is_number, "a number")
_COUNT = (_is_count, "a whole number from 0")
_FLAG = (lambda value: isinstance(value, bool), "true or false")
_ANY = (lambda _: True, "")
_PLAIN: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("$schema", "$id", "$comment", "title", "description", "format", "pattern", "$ref"), _TEXT),
    **dict.fromkeys(("default", "examples", "const"), _ANY),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly", "uniqueItems"), _FLAG),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), _COUNT),
    **dict.fromkeys(("minProperties", "maxProperties"), _COUNT),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "type": (_is_type, f"one or more of {', '.join(_TYPES)}"),
    "enum": (
        lambda value: isinstance(value, list) and all(map(_is_scalar, value)),
        "a list of texts, numbers, true, false or null",
    ),
    "required": (_are_names, "a list of names"),
    "dependentRequired": (
        lambda value: isinstance(value, dict) and all(map(_are_names, value.values())),
        "a mapping of lists of names",
    ),
}

Problem = tuple[Pointer, str, str]


def refuse_unbounded(schema: Document) -> None:
    """Raise InvalidFile with all that is refused in a schema."""
    findings = [
        Finding(Level.ERROR, message, schema.at(*pointer), hint) for pointer, message, hint in _problems(schema.data)
    ]
    if findings:
        raise InvalidFile(findings)


def _problems(root: Any) -> Iterator[Problem]:
    if not isinstance(root, dict):
        yield (), "a schema is a mapping", ""
        return
    dialect = root.get("$schema", DIALECTS[0])
    if dialect not in DIALECTS:
        yield ("$schema",), f"the dialect {show(str(dialect))} is not read, and never fetched", f"write {DIALECTS[0]}"
        return
    found = list(_walk(root, (), root))
    yield from found
    if not found:
        yield from _size(root)


def _walk(node: Any, pointer: Pointer, root: dict[str, Any]) -> Iterator[Problem]:
    if isinstance(node, bool):
        return
    if not isinstance(node, dict):
        yield pointer, "a schema is a mapping, true or false", ""
        return
    for key, value in node.items():
        here = (*pointer, key)
        if key in _NAMED and not isinstance(value, dict):
            yield here, f"`{key}` is a mapping of schemas", ""
        elif key in _MANY and not isinstance(value, list):
            yield here, f"`{key}` is a list of schemas", ""
        elif key in _PLAIN:
            yield from _plain(node, key, here, root)
        elif key not in _NAMED | _MANY | _ONE:
            yield here, f"the keyword {show(key)} is not read", ""
        if key == "patternProperties" and isinstance(value, dict):
            for name in value:
                if why := unbounded(name):
                    yield (*here, name), f"the pattern {show(name)} {why}", "write a simpler pattern"
    for inner, below in _below(node):
        yield from _walk(below, (*pointer, *inner), root)


def _plain(node: dict[str, Any], key: str, here: Pointer, root: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with a keyword that holds no schema."""
    value = node[key]
    is_right, expected = _PLAIN[key]
    if not is_right(value):
        yield here, f"`{key}` is {expected}", ""
    elif key == "pattern" and (why := unbounded(value)):
        yield here, f"the pattern {show(value)} {why}", "write a simpler pattern"
    elif key == "$ref":
        yield from _reference(value, here, root)
    elif key in ("$id", "$schema") and len(here) > 1:
        yield here, f"`{key}` stands at the top of a schema only: below it changes what references mean", "delete it"
    elif key == "uniqueItems" and value and not _scalar_items(node):
        yield (
            here,
            "`uniqueItems` compares every pair of items unless `items` says that they are scalars",
            "add `items: {type: string}`",
        )


def _scalar_items(node: dict[str, Any]) -> bool:
    items = node.get("items")
    kinds = items.get("type", []) if isinstance(items, dict) else []
    named = {kinds} if isinstance(kinds, str) else {str(kind) for kind in kinds}
    return bool(named) and named <= _SCALARS


def _reference(value: str, here: Pointer, root: dict[str, Any]) -> Iterator[Problem]:
    name = value.removeprefix("#/$defs/")
    if name == value:
        yield (
            here,
            f"the reference {show(value)} leaves this schema; nothing is fetched",
            "write it as #/$defs/NAME",
        )
    # `/`, `~` and `%` are a path, and ways of writing one, to whoever follows the reference
    elif name not in (root.get("$defs") or {}) or re.search("[/~%]", name):
        yield here, f"the reference {show(value)} names no definition of this schema", ""


def _below(node: Any) -> Iterator[tuple[Pointer, Any]]:
    """The schemas directly inside one, whatever is wrong with it."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key in _ONE:
            yield (key,), value
        elif key in _MANY and isinstance(value, list):
            yield from (((key, index), below) for index, below in enumerate(value))
        elif key in _NAMED and isinstance(value, dict):
            yield from (((key, name), below) for name, below in value.items())


def _size(root: dict[str, Any]) -> Iterator[Problem]:
    """Whether the schema is finite, and small, with every reference written out."""
    from graphlib import CycleError, TopologicalSorter

    defs: dict[str, Any] = root.get("$defs", {})
    # counted as a mapping of its own, the definitions are no part of what refers to them
    top = {key: value for key, value in root.items() if key != "$defs"}
    parts = {name: list(_levels(body)) for name, body in (*defs.items(), (None, top))}
    leads_to = {name: {ref for _, ref in levels if ref is not None} for name, levels in parts.items()}
    try:
        order = list(TopologicalSorter(leads_to).static_order())
    except CycleError as error:
        looping = min(map(str, error.args[1]))
        yield ("$defs", looping), f"the definition {show(looping)} leads back to itself", "write out one level of it"
        return
    count: dict[str | None, int] = {}
    depth: dict[str | None, int] = {}
    for name in order:
        levels = parts[name]
        count[name] = min(len(levels) + sum(count[ref] for _, ref in levels if ref is not None), MAX_EXPANDED + 1)
        depth[name] = max(level + (depth[ref] if ref is not None else 0) for level, ref in levels)
    if max(count.values()) > MAX_EXPANDED:
        message = f"its references expand to more than {MAX_EXPANDED:,} schemas"
        yield (), message, "reference each definition fewer times"
    elif max(depth.values()) > MAX_LEVELS:
        yield (), f"its references nest more than {MAX_LEVELS} schemas in each other", "write out what they lead to"
    elif len(_patterns(root)) > MAX_PATTERNS:
        yield (), f"it has more than {MAX_PATTERNS} patterns", "share patterns, or split the schema"


def _levels(node: Any, level: int = 1) -> Iterator[tuple[int, str | None]]:
    """How deep each schema at and below ``node`` stands, and the definition that it refers to."""
    yield level, node["$ref"].removeprefix("#/$defs/") if isinstance(node, dict) and "$ref" in node else None
    for _, below in _below(node):
        yield from _levels(below, level + 1)


def _patterns(node: Any) -> set[str]:
    own = {node["pattern"]} if isinstance(node, dict) and "pattern" in node else set()
    named = set(node.get("patternProperties", ())) if isinstance(node, dict) else set()
    return own.union(named, *(_patterns(below) for _, below in _below(node)))


# Patterns -----------------------------------------------------------------------------------------------------

_MOST = 1e18
_EXPONENTIAL = 1e7
"""More tries than any pattern needs for the 32 characters that it is judged by."""


class _Unread(Exception):
    """A pattern whose cost cannot be told."""


def unbounded(pattern: Any) -> str:
    """Why matching ``pattern`` could take for ever; ``""`` when it cannot."""
    if not isinstance(pattern, str) or len(pattern) > 1000:
        return "is no text of at most 1,000 characters"
    try:
        tries = effort(pattern, 32)
    except _Unread as error:
        return str(error)
    if tries > _EXPONENTIAL:
        return "can take for ever: a repeat within a repeat, or too many in a row"
    return ""


@cache
def effort(pattern: str, length: int) -> float:
    """How often at most Python's matcher tries something, searching ``pattern`` in ``length`` characters.

    It backtracks: what stands in a row multiplies, and what repeats is raised to the power of its repeats.
    """
    # where Python keeps the parsed form
    from re import _constants as codes  # type: ignore[attr-defined]  # where Python keeps the parsed form
    from re import _parser  # type: ignore[attr-defined]  # where Python keeps the parsed form

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parsed = _parser.parse(pattern)
        if parsed.state.flags & ~re.UNICODE:
            raise _Unread("sets flags, which only Python reads")
        starts_at = parsed[0] if len(parsed) else None
        _, tries = _tries(parsed, length, codes)
    except (re.error, OverflowError, Warning) as error:
        raise _Unread(f"is no regular expression: {error}") from None
    except RecursionError:
        raise _Unread("is nested too deep") from None
    return tries if starts_at == (codes.AT, codes.AT_BEGINNING) else tries * (length + 1)


def _tries(items: Any, length: int, codes: Any) -> tuple[float, float]:
    """In how many ways some items can match, and how much is tried to see them all."""
    ways = tries = 1.0
    for kind, value in items:
        more, cost = _tries_of(kind, value, length, codes)
        tries += min(ways * cost, _MOST)
        ways = min(ways * more, _MOST)
    return ways, tries


def _tries_of(kind: Any, value: Any, length: int, codes: Any) -> tuple[float, float]:
    if kind in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        low, high, body = value
        ways, cost = _tries(body, length, codes)
        most = min(int(high), length)
        if ways <= 1:
            return max(1, most - low + 1), max(1, most) * cost
        if most <= 1:
            return ways + (low == 0), cost
        power = _MOST if most * ways > 10_000 else min(ways ** min(most, 60), _MOST)
        return power, min(power * cost, _MOST)
    if kind is codes.SUBPATTERN:
        return _tries(value[-1], length, codes)
    if kind is codes.ATOMIC_GROUP:
        return _tries(value, length, codes)
    if kind is codes.BRANCH:
        branches = [_tries(branch, length, codes) for branch in value[1]]
        return sum(ways for ways, _ in branches), sum(cost for _, cost in branches)
    if kind in (codes.GROUPREF, codes.GROUPREF_EXISTS, codes.ASSERT, codes.ASSERT_NOT):
        raise _Unread("looks around or back, which is not linear")
    return 1, 1


# Steps --------------------------------------------------------------------------------------------------------

_TRIES_A_STEP = 200


def steps(keyword: str, value: Any, instance: Any, node: dict[str, Any]) -> float:
    """What it takes, in steps of a few microseconds, to hold a value against one keyword of a schema."""
    count = 1.0 + sum(len(each) for each in (value, instance) if isinstance(each, list | dict))
    if keyword == "pattern" and isinstance(instance, str):
        return count + _search(value, len(instance))
    if keyword in ("patternProperties", "additionalProperties") and isinstance(instance, dict) and instance:
        longest = max(map(len, instance))
        patterns = node.get("patternProperties", ())
        return count + sum(len(instance) * (1 + _search(pattern, longest)) for pattern in patterns)
    return count


def _search(pattern: str, length: int) -> float:
    # rounded up to five binary digits, so that few lengths are told apart
    shift = max(0, length.bit_length() - 5)
    return effort(pattern, -(-length >> shift) << shift) / _TRIES_A_STEP
