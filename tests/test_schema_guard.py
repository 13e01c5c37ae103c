from __future__ import annotations

import json
import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import document
from mlci.conformance import held_against
from mlci.findings import Finding, InvalidFile
from mlci.schema_guard import (
    DIALECTS,
    MAX_EXPANDED,
    MAX_LEVELS,
    MAX_PATTERNS,
    effort,
    refuse_unbounded,
    steps,
    unbounded,
)


def refused(schema: Any) -> tuple[Finding, ...]:
    """What is refused in a schema, each with its place."""
    read = document.read(json.dumps(schema).encode(), "s.json")
    with pytest.raises(InvalidFile) as caught:
        refuse_unbounded(read)
    for finding in caught.value.findings:
        assert finding.at is not None
        assert (finding.at.path, bool(finding.at.line), bool(finding.at.column)) == ("s.json", True, True)
        assert len(finding.message) + len(finding.hint) < 400
    return caught.value.findings


def allow(schema: Any) -> None:
    refuse_unbounded(document.read(json.dumps(schema).encode(), "s.json"))


# Keywords ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": DIALECTS[0]},
        {"$schema": DIALECTS[1], "$id": "https://example.org/s", "title": "t", "$comment": "c"},
        {"type": ["string", "null"], "minLength": 0, "maxLength": 9, "pattern": "^a", "format": "email"},
        {"type": "number", "minimum": -1, "exclusiveMaximum": 1.5, "multipleOf": 0.1},
        {"enum": [1, "a", None, True], "default": {"any": ["thing"]}, "examples": [1], "deprecated": True},
        {"const": {"any": ["thing"]}},
        {"properties": {"a": True, "b": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"properties": {"enum": {}, "$ref": {"type": "string"}, "pattern": {}}},
        {"patternProperties": {"^x_": {}}, "propertyNames": {"maxLength": 9}, "minProperties": 1},
        {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"required": ["b"]}}},
        {"items": {"type": "string"}, "prefixItems": [{}], "contains": {}, "minContains": 1, "uniqueItems": True},
        {"items": {"type": ["integer", "string"]}, "uniqueItems": True},
        {"uniqueItems": False},
        {"allOf": [{}], "anyOf": [{}, True], "oneOf": [{}], "not": {"type": "null"}},
        {"if": {"type": "string"}, "then": {"minLength": 1}, "else": False},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "string"}}, "items": {"$ref": "#/$defs/a"}},
    ],
)
def test_an_ordinary_schema_is_allowed(schema: Any) -> None:
    allow(schema)


@pytest.mark.parametrize(
    "keyword",
    [
        *(
            "$dynamicRef",
            "$dynamicAnchor",
            "$recursiveRef",
            "$recursiveAnchor",
            "$anchor",
            "$vocabulary",
            "definitions",
        ),
        *("dependencies", "additionalItems", "extends", "disallow", "unevaluatedProperties", "unevaluatedItems"),
        *("contentSchema", "contentEncoding", "id", "x-own", "constructor"),
    ],
)
def test_a_keyword_that_is_not_read_is_refused_with_its_place(keyword: str) -> None:
    (finding,) = refused({"properties": {"a": {keyword: {}}}})
    assert finding.message == f"the keyword `{keyword}` is not read"
    assert str(finding.at) == f"s.json:1:{27 + len(keyword)}"


@pytest.mark.parametrize("schema", [[], [1], True, False, None, "x", 5])
def test_what_is_no_mapping_is_no_schema(schema: Any) -> None:
    assert [finding.message for finding in refused(schema)] == ["a schema is a mapping"]


@pytest.mark.parametrize(
    "schema",
    [
        *({"items": 1}, {"items": [{}]}, {"not": None}, {"if": "x"}, {"additionalProperties": []}, {"allOf": [1]}),
        *({"properties": {"a": 1}}, {"$defs": {"a": None}}, {"anyOf": [["a"]]}),
    ],
    ids=json.dumps,
)
def test_what_stands_where_a_schema_belongs_is_one(schema: Any) -> None:
    assert [finding.message for finding in refused(schema)] == ["a schema is a mapping, true or false"]


@pytest.mark.parametrize("keyword", ["properties", "patternProperties", "dependentSchemas", "$defs"])
@pytest.mark.parametrize("value", [None, [], "x", 1, True])
def test_a_mapping_of_schemas_is_one(keyword: str, value: Any) -> None:
    assert refused({keyword: value})[0].message == f"`{keyword}` is a mapping of schemas"


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf", "prefixItems"])
@pytest.mark.parametrize("value", [None, {}, "x", True])
def test_a_list_of_schemas_is_one(keyword: str, value: Any) -> None:
    assert [finding.message for finding in refused({keyword: value})] == [f"`{keyword}` is a list of schemas"]


WRONG = {
    "type": [5, "foo", [], ["string", "foo"], None, {}, True],
    "enum": [5, "a", {}, None, [[1]], [{"a": 1}]],
    "minimum": ["5", True, None, [1]],
    "exclusiveMaximum": ["5", False],
    "multipleOf": [0, -1, -0.5, "1", True],
    "maxLength": ["1", -1, 1.5, True, None],
    "minItems": [-1, [], 0.5],
    "required": ["abc", 5, [1], [{"a": 1}], {}],
    "dependentRequired": [5, [], {"a": "b"}, {"a": [1]}],
    "uniqueItems": ["true", 1, None],
    "pattern": [5, None, ["a"]],
    "$ref": [5, None, ["#/$defs/a"]],
    "$id": [5, None],
    "description": [5, ["x"], {}],
    "title": [{}],
    "format": [1],
}


@pytest.mark.parametrize(
    ("keyword", "value"), [(keyword, value) for keyword, values in WRONG.items() for value in values], ids=json.dumps
)
def test_a_keyword_holds_what_it_must_hold(keyword: str, value: Any) -> None:
    (finding,) = refused({"properties": {"a": {keyword: value}}})
    assert finding.message.startswith(f"`{keyword}` is ")


@pytest.mark.parametrize(
    "dialect",
    [
        *("http://json-schema.org/draft-07/schema#", "http://127.0.0.1:9/meta", "file:///etc/passwd", "", 5, None, []),
        "https://json-schema.org/draft/2020-12/schema#",
    ],
)
def test_another_dialect_is_refused_and_never_fetched(dialect: Any) -> None:
    (finding,) = refused({"$schema": dialect, "anything": 1})
    assert "is not read, and never fetched" in finding.message
    assert finding.hint == f"write {DIALECTS[0]}"


@pytest.mark.parametrize("keyword", ["$id", "$schema"])
def test_a_schema_inside_does_not_change_what_references_mean(keyword: str) -> None:
    (finding,) = refused({"properties": {"a": {keyword: DIALECTS[0]}}})
    assert "stands at the top of a schema only" in finding.message


def test_uniqueness_of_what_may_be_a_mapping_is_refused() -> None:
    for schema in ({"uniqueItems": True}, {"uniqueItems": True, "items": {}}, {"uniqueItems": True, "items": True}):
        (finding,) = refused(schema)
        assert "`uniqueItems` compares every pair of items" in finding.message
        assert finding.hint == "add `items: {type: string}`"
    assert refused({"uniqueItems": True, "items": {"type": ["string", "object"]}})


# References -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        *(
            "http://127.0.0.1:9/x",
            "https://example.org/s#/$defs/a",
            "file:///etc/passwd",
            "other.json",
            "../x",
            "#",
            "",
        ),
        *("#a", "#/properties/a", "#/definitions/a", "/$defs/a", "urn:x", "//x/y", "#/%24defs/a"),
    ],
)
def test_a_reference_that_leaves_the_definitions_is_refused(reference: str) -> None:
    (finding,) = refused({"$defs": {"a": {}}, "properties": {"a": {"$ref": reference}}})
    assert finding.message == f"the reference `{reference}` leaves this schema; nothing is fetched"
    assert finding.hint == "write it as #/$defs/NAME"


@pytest.mark.parametrize("name", ["b", "", "a/b", "a~1b", "a%25", "A"])
def test_a_reference_to_what_is_no_definition_is_refused(name: str) -> None:
    defs: dict[str, Any] = {"a": {}, "a/b": {}, "a~1b": {}, "a%25": {}}
    (finding,) = refused({"$defs": defs, "$ref": f"#/$defs/{name}"})
    assert "names no definition of this schema" in finding.message


def test_a_reference_without_any_definitions_is_refused() -> None:
    assert "names no definition" in refused({"$ref": "#/$defs/a"})[0].message


def through(*names: str, last: Any, by: str = "$ref") -> dict[str, Any]:
    """Definitions that each lead to the next, and the last to ``last``."""
    leads = [{"$ref": f"#/$defs/{name}"} for name in names[1:]] + [last]
    if by != "$ref":
        leads = [{by: lead} for lead in leads]
    return {"$defs": dict(zip(names, leads, strict=True)), "$ref": f"#/$defs/{names[0]}"}


@pytest.mark.parametrize("by", ["$ref", "items", "not", "additionalProperties"])
@pytest.mark.parametrize("names", ["a", "ab", "abcde"])
def test_definitions_that_lead_back_to_themselves_are_refused(names: str, by: str) -> None:
    (finding,) = refused(through(*names, last={"$ref": f"#/$defs/{names[0]}"}, by=by))
    assert finding.message == "the definition `a` leads back to itself"


def test_a_loop_that_nothing_refers_to_is_refused_as_well() -> None:
    schema = {"$defs": {"a": {"properties": {"default": {"$ref": "#/$defs/a"}}}, "b": {}}, "$ref": "#/$defs/b"}
    assert "`a` leads back to itself" in refused(schema)[0].message


def test_what_only_looks_like_a_reference_is_none() -> None:
    allow(
        {"$defs": {"a": {"const": {"$ref": "#/$defs/a"}, "default": {"$ref": "http://x"}, "examples": [{"$ref": 1}]}}}
    )


def tower(levels: int, times: int, by: str = "allOf") -> dict[str, Any]:
    """Definitions that each name the next so many times."""
    defs = {f"d{i}": {by: [{"$ref": f"#/$defs/d{i + 1}"}] * times} for i in range(levels)}
    return {"$defs": {**defs, f"d{levels}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(("levels", "times"), [(12, 2), (40, 2), (5, 10), (1, MAX_EXPANDED)])
@pytest.mark.parametrize("by", ["allOf", "anyOf", "prefixItems"])
def test_references_that_multiply_are_refused(levels: int, times: int, by: str) -> None:
    assert refused(tower(levels, times, by))[0].message == "its references expand to more than 5,000 schemas"


def test_references_that_multiply_a_little_are_allowed() -> None:
    allow(tower(8, 2))


@pytest.mark.parametrize("levels", [200, 3_000])
def test_references_that_only_lead_on_are_refused_when_they_are_many(levels: int) -> None:
    schema = through(*(f"d{i}" for i in range(levels)), last={"type": "integer"})
    assert re.search("nest more than 60|more than 5,000", refused(schema)[0].message)


def test_a_schema_of_the_greatest_depth_is_held_against_a_document() -> None:
    # every level is several calls of Python deep
    names = [f"d{i}" for i in range(MAX_LEVELS - 1)]
    schema = through(*names, last={"type": "integer"})
    allow(schema)
    assert len(held_against(document.read(b'"x"', "i.json"), schema)) == 1
    assert refused(through(*names, "more", "and-more", last={"type": "integer"}))


def test_many_definitions_are_looked_through_once() -> None:
    allow({"$defs": {f"d{i}": {} for i in range(4_000)}})
    assert refused({"$defs": {f"d{i}": {"items": {}} for i in range(4_000)}, "allOf": [{"$ref": "#/$defs/d0"}] * 4_000})


def test_a_large_schema_is_refused_and_a_finding_says_so() -> None:
    tracemalloc.start()
    assert "more than 5,000 schemas" in refused({"properties": {f"k{i}": {} for i in range(15_000)}})[0].message
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


# Patterns ---------------------------------------------------------------------------------------------------------

EXPONENTIAL = [
    *("(a+)+", "^(a+)+$", "(a*)*b", "^(a|a)*$", "^(a|aa)+$", "(a|b|ab)*c", "((a*)b?)*", "^(\\w+\\s?)*$", "([a-z]+)*="),
    *("^(a{1,50}){1,50}$", "(?:a+){10,}", "(a+?)+?", "(?:(?:a?)*)*", "^(x+x+)+y$", "(.*)*", "(a?){40}a{40}"),
    *("^" + "a?" * 30 + "a" * 30 + "$", "^" + "(a|a)" * 30 + "$", ".*.*.*.*.*.*=", "\\s*,\\s*\\s*\\s*\\s*\\s*$"),
    *("^" + "a{0,99}" * 6 + "b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?P<x>a+)*", "(?i:a+)+", "(a+)*+b", "(?>a+|b+)*c"),
]
UNREAD = [
    *(
        "(?=a)",
        "(?!a)b",
        "(?<=a)b",
        "(?<!a)b",
        "(a)\\1",
        "(?P<x>a)(?P=x)",
        "(a)?(?(1)b|c)",
        "(?i)a",
        "(?m)^a$",
        "(?x) a",
    ),
    *("(", ")", "[", "a{2,1}", "*", "a**", "\\p{L}", "[[a]", "[a--b]", "a{99999999999}", "(?P<1>a)", "\\", "x" * 1001),
    "(" * 499 + ")" * 499,
]
BOUNDED = [
    *(
        "",
        "a",
        "^a$",
        "abc",
        "^[a-z0-9][a-z0-9._-]{0,63}$",
        "^v?[0-9]+\\.[0-9]+\\.[0-9]+$",
        "^[^@ ]+@[^@ ]+\\.[a-z]{2,9}$",
    ),
    *(
        "\\d{4}-\\d{2}-\\d{2}",
        "^(a|b|c)$",
        "^(foo|bar)?baz$",
        "^([0-9]{1,3}\\.){3}[0-9]{1,3}$",
        "^(ab)*$",
        "\\bword\\b",
    ),
    *(
        "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        "^.*$",
        "^[0-9a-f]{64}$",
        "^$",
        ".",
        "^\\S+ \\S+$",
        "(?:x)",
        "a+?b",
    ),
    "(" * 100 + "a" + ")" * 100,
]


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_a_pattern_that_can_take_for_ever_is_refused(pattern: str) -> None:
    assert unbounded(pattern) == "can take for ever: a repeat within a repeat, or too many in a row"


@pytest.mark.parametrize("pattern", UNREAD, ids=lambda pattern: pattern[:20])
def test_a_pattern_whose_cost_cannot_be_told_is_refused(pattern: str) -> None:
    assert unbounded(pattern)


@pytest.mark.parametrize("pattern", [5, None, ["a"], True])
def test_a_pattern_is_a_text(pattern: Any) -> None:
    assert unbounded(pattern) == "is no text of at most 1,000 characters"


@pytest.mark.parametrize("pattern", BOUNDED, ids=lambda pattern: pattern[:20])
def test_an_ordinary_pattern_is_allowed(pattern: str) -> None:
    assert unbounded(pattern) == ""
    assert unbounded(re.escape(pattern)) == ""


@pytest.mark.parametrize("pattern", EXPONENTIAL[:3] + UNREAD[:3])
@pytest.mark.parametrize("where", ["pattern", "patternProperties", "propertyNames"])
def test_a_pattern_is_refused_wherever_it_stands(pattern: str, where: str) -> None:
    node = {
        "pattern": {"pattern": pattern},
        "patternProperties": {"patternProperties": {pattern: {}}},
        "propertyNames": {"propertyNames": {"pattern": pattern}},
    }[where]
    (finding,) = refused({"$defs": {"a": {"anyOf": [node]}}})
    assert finding.message.startswith("the pattern `")
    assert finding.hint == "write a simpler pattern"


def test_many_patterns_are_refused_since_not_all_stay_compiled() -> None:
    allow({"patternProperties": {f"^{i}$": {} for i in range(MAX_PATTERNS)}})
    allow({"properties": {f"k{i}": {"pattern": "^a$"} for i in range(MAX_PATTERNS * 2)}})
    many = {"properties": {f"k{i}": {"pattern": f"^{i}$"} for i in range(MAX_PATTERNS + 1)}}
    assert refused(many)[0].message == "it has more than 100 patterns"


@pytest.mark.parametrize(
    ("pattern", "length", "least"),
    [
        ("^a$", 1_000, 3),
        ("a", 1_000, 1_000),
        ("^a*b", 1_000, 1_000),
        ("a*b", 1_000, 1_000_000),
        ("^a*a*b", 1_000, 1_000_000),
        ("^.*?.*?x", 100, 10_000),
        ("^a?a?a?a?b", 100, 16),
        ("^(a|b)(a|b)(a|b)c", 100, 8),
        ("^(a|ab){10}c", 100, 1_024),
        ("[ab]{500}c", 1_000, 500_000),
    ],
)
def test_the_effort_is_at_least_what_the_matcher_can_try(pattern: str, length: int, least: float) -> None:
    assert least <= effort(pattern, length) <= least * 20


@given(st.sampled_from(BOUNDED[:12]), st.integers(0, 500), st.integers(0, 500))
def test_the_effort_grows_with_the_text(pattern: str, one: int, other: int) -> None:
    assert effort(pattern, min(one, other)) <= effort(pattern, max(one, other))


pieces = st.sampled_from(["a", "b", ".", "[ab]", "a*", "a?", "b{0,3}", "(a|b)", "(ab)*", "a+?", "^", "$", "(?:a?b)"])


@given(st.lists(pieces, max_size=3).map("".join), st.text("ab\n", max_size=12))
def test_a_pattern_that_is_allowed_is_one_that_python_matches(pattern: str, text: str) -> None:
    assert unbounded(pattern) == ""
    re.search(pattern, text)


@given(st.text("ab*+?{}()[]|^$.\\,1 ", max_size=14))
def test_any_pattern_is_judged(pattern: str) -> None:
    assert isinstance(unbounded(pattern), str)


# Steps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "value", "instance", "expected"),
    [
        ("type", "string", "x", 1),
        ("enum", list("abc"), "x", 4),
        ("required", list("abc"), {"a": 1, "b": 2}, 6),
        ("items", {"type": "string"}, [1, 2, 3], 5),
        ("maxLength", 3, "x" * 900_000, 1),
    ],
)
def test_a_keyword_takes_a_step_for_all_that_it_looks_at(
    keyword: str, value: Any, instance: Any, expected: float
) -> None:
    assert steps(keyword, value, instance, {}) == expected


def test_a_pattern_takes_steps_for_the_length_of_the_text() -> None:
    short, long = (steps("pattern", "^a*a*$", "a" * length, {}) for length in (10, 10_000))
    assert short < 4
    assert long > 100_000
    assert steps("pattern", "^a*a*$", 5, {}) == 1


@pytest.mark.parametrize("keyword", ["patternProperties", "additionalProperties"])
def test_patterns_of_keys_take_steps_for_each_key(keyword: str) -> None:
    node = {"patternProperties": {"^a*a*$": {}, "^b": {}}, "additionalProperties": False}
    few = steps(keyword, node[keyword], {"a" * 500: 1}, node)
    many = steps(keyword, node[keyword], {"a" * 500: 1, **{f"a{i}": 1 for i in range(99)}}, node)
    assert many > 90 * few
    assert steps(keyword, node[keyword], {}, node) <= 3
    assert steps(keyword, node[keyword], "x", node) <= 3


# All together -----------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(-2, 2) | st.text("ab#/$", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)
KEYWORDS = [
    *("type", "enum", "const", "minimum", "multipleOf", "maxLength", "pattern", "minItems", "uniqueItems", "required"),
    *("dependentRequired", "$ref", "$id", "$schema", "format", "description", "minContains", "title", "unknown"),
]
schemas = st.recursive(
    st.dictionaries(
        st.sampled_from(KEYWORDS), anything | st.sampled_from(["string", "#/$defs/a", 3, ["a"]]), max_size=2
    )
    | st.booleans(),
    lambda inner: (
        st.dictionaries(
            st.sampled_from(
                ["not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"]
            ),
            inner,
            max_size=2,
        )
        | st.dictionaries(
            st.sampled_from(["allOf", "anyOf", "oneOf", "prefixItems"]), st.lists(inner, max_size=3), max_size=2
        )
        | st.dictionaries(
            st.sampled_from(["properties", "patternProperties", "dependentSchemas", "$defs"]),
            st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
            max_size=2,
        )
    ),
    max_leaves=6,
)


@given(schemas, anything)
def test_a_schema_is_refused_in_words_or_held_against_anything(schema: Any, instance: Any) -> None:
    read = document.read(json.dumps(schema).encode(), "s.json")
    try:
        refuse_unbounded(read)
    except InvalidFile as error:
        said = list(error.findings)
    else:
        said = held_against(document.read(json.dumps(instance).encode(), "i.json"), read.data)
    for finding in said:
        assert finding.message
        assert finding.at is not None
        assert finding.at.line
