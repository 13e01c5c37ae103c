from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from mlci import quantities, registry, schema
from mlci.metrics import METRICS
from mlci.schema import Declared, limit, options, quantity, ref
from mlci.schema_guard import unbounded

KINDS = ["model", "config", "report"]
ONE = Declared(schema.MODEL, "One question", options("data", data=schema.DATASET, min=schema.LIMIT))
OTHER = Declared(schema.DATA, "Another question", options(most=schema.COUNT))


def holds(node: schema.Schema, value: Any, defs: schema.Schema | None = None) -> bool:
    return Draft202012Validator({**node, "$defs": defs or schema.DEFS}).is_valid(value)


def nodes(node: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping of a schema with its pointer."""
    if isinstance(node, dict):
        yield pointer, node
    for key, below in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from nodes(below, f"{pointer}/{key}")


# Limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 0.5, -3, {"error": 1}, {"warning": 1}, {"warning": 1, "error": 2.5}])
def test_a_limit_is_a_number_or_one_for_each_level(value: Any) -> None:
    assert holds(limit(), value)


@pytest.mark.parametrize("value", [True, "1", None, [], [1], {}, {"error": "1"}, {"error": True}, {"note": 1}])
def test_nothing_else_is_a_limit(value: Any) -> None:
    assert not holds(limit(), value)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"least": 0}, [0, 5], [-1]),
        ({"most": 1}, [1, -5], [1.01]),
        ({"above": 0}, [0.01, 5], [0, -1]),
        ({"below": 1}, [0.99, -1], [1, 2]),
        ({"above": 0, "most": 1}, [0.5, 1], [0, 1.5]),
        ({"least": 0, "below": 1}, [0, 0.5], [1, -1]),
    ],
    ids=str,
)
def test_a_limit_keeps_its_bounds_on_both_levels(
    bounds: dict[str, float], inside: list[float], outside: list[float]
) -> None:
    for value in inside:
        assert holds(limit(**bounds), value)
        assert holds(limit(**bounds), {"error": value})
    for value in outside:
        assert not holds(limit(**bounds), value)
        assert not holds(limit(**bounds), {"warning": value})


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({}, "a number, or {warning:, error:}"),
        ({"least": 0}, "a number of at least 0, or {warning:, error:}"),
        ({"most": 1}, "a number of at most 1, or {warning:, error:}"),
        ({"above": 0, "most": 1}, "a number of at most 1 and above 0, or {warning:, error:}"),
        ({"least": -0.5, "below": 1}, "a number of at least -0.5 and below 1, or {warning:, error:}"),
    ],
    ids=str,
)
def test_a_limit_says_in_words_what_it_allows(bounds: dict[str, float], words: str) -> None:
    assert limit(**bounds)["description"] == words


def test_a_quantity_is_a_text_or_one_for_each_level() -> None:
    size = quantity(quantities.SIZE_PATTERN, "a size")
    for value in ("5MiB", {"error": "5MiB"}, {"warning": "1kB", "error": "1MB"}):
        assert holds(size, value)
    for value in (5, "5", "MiB", "5MiB" * 9, {}, {"error": 5}, {"max": "5MiB"}, None, ["5MiB"]):
        assert not holds(size, value)


def test_the_options_of_a_check_are_its_keys_and_no_others() -> None:
    node = options("a", a={"type": "integer"}, b={"type": "string"})
    assert holds(node, {"a": 1})
    assert holds(node, {"a": 1, "b": "x"})
    for value in ({}, {"b": "x"}, {"a": "x"}, {"a": 1, "c": 1}, [], None):
        assert not holds(node, value)
    assert "required" not in options(a={})


def test_a_reference_names_a_definition() -> None:
    assert ref("name") == {"$ref": "#/$defs/name"}


# Words ------------------------------------------------------------------------------------------------------------

VALUES = {
    "name": (["a", "0", "demo-1.2_b", "x" * 64], ["", "A", "-a", ".a", "x" * 65, "a b", "é", 5, None, "a/b"]),
    "check-id": (["A", "metric-roc_auc-test", "0"], ["", "-a", "a b", "a/b", "é", "x" * 101, 5]),
    "dataset-name": (["test", "Test set é"], ["", 5, None]),
    "path": (["a", "../b", "x" * 1024], ["", "x" * 1025, 5, None, ["a"]]),
    "column": (["a", " ", "é x"], ["", 5, "x" * 513]),
    "share": ([0, 1, 0.5, "0%", "99.5%", "100%", "100.0%"], [-0.1, 1.1, "101%", "0.5", "", True, None, "5 %"]),
    "severity": (["error", "warning"], ["note", "Error", True, None]),
    "limit-count": ([0, 5, {"error": 5}], [-1, "5", True, None]),
    "limit-size": (["5MiB", {"error": "5MiB"}], [5, "5", ""]),
    "duration": (["200ms", "1.5h"], [5, "5", "5 s", "s"]),
    "size": (["50MiB", "1B"], [5, "5", "5 MiB", {"error": "1B"}]),
    "scalar": (["a", 1, 0.5, True], [None, [], {}]),
    "columns": ([["a"], ["a", "b"]], [[], ["a", "a"], "a", [5], None]),
    "where": (["a > 1", "x" * 4000], ["", "x" * 4001, 5, True]),
    "limit-rows": ([0, 5, {"error": 5}, {"warning": 0, "error": 5}], [-1, "5", True, None, {}]),
    "limit-share": ([0, 1, "10%", {"warning": "1%", "error": 0.5}], [-0.1, 2, "101%", {}, {"note": 1}, True]),
    "limit-duration": (["36h", "7d", {"warning": "1h"}], [36, "36", "36 h", {}]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_word_allows_what_it_means(name: str) -> None:
    allowed, refused = VALUES[name]
    assert [value for value in allowed if not holds(ref(name), value)] == []
    assert [value for value in refused if holds(ref(name), value)] == []


def test_every_word_is_described_and_tested() -> None:
    assert set(VALUES) | {"limit"} == set(schema.DEFS)
    assert all(node["description"] for node in schema.DEFS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_of_its_dialect(kind: str) -> None:
    generated = registry.generate(kind)
    Draft202012Validator.check_schema(generated)
    assert generated["$schema"] == schema.DIALECT
    assert generated["title"].startswith("mlci ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_reference_of_a_schema_is_to_its_own_definitions(kind: str) -> None:
    generated = registry.generate(kind)
    named = {node["$ref"] for _, node in nodes(generated) if isinstance(node.get("$ref"), str)}
    assert named <= {f"#/$defs/{name}" for name in generated["$defs"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_of_a_schema_is_quick_and_holds_the_whole_text(kind: str) -> None:
    patterns = {node["pattern"] for _, node in nodes(registry.generate(kind)) if isinstance(node.get("pattern"), str)}
    for pattern in patterns:
        assert unbounded(pattern) == ""
        assert re.fullmatch(r"\^.*\$", pattern), pattern
        # editors read it as ECMA 262 has it
        assert not re.search(r"\\[AZz]|\(\?[^:]", pattern), pattern


@pytest.mark.parametrize("kind", ["model", "config"])
def test_every_mapping_that_names_its_keys_refuses_others(kind: str) -> None:
    for pointer, node in nodes(registry.generate(kind)):
        if isinstance(node.get("properties"), dict) and "description" in node and "allOf" not in pointer:
            assert node.get("additionalProperties") is False or pointer == "", pointer


@pytest.mark.parametrize("kind", ["model", "config"])
def test_everything_that_a_person_writes_is_described(kind: str) -> None:
    generated = registry.generate(kind)
    for pointer, node in nodes(generated):
        if not re.search(r"/(properties|items|additionalProperties)(/[^/]+)?$", pointer) or "/if/" in pointer:
            continue
        if pointer.startswith("/properties/defaults/properties/") and pointer.count("/") == 4:
            continue  # the options of a check are described by the check
        if "type" in node and isinstance(node["type"], str | list) and "scalar" not in pointer:
            named = pointer.rpartition("/")[2] not in ("items", "warning", "error")
            assert not named or node.get("description"), pointer


def test_descriptions_end_a_sentence_that_says_what_is_expected() -> None:
    for kind in ("model", "config"):
        for pointer, node in nodes(registry.generate(kind)):
            words = node.get("description")
            if isinstance(words, str) and "/$defs/options-" not in pointer and "/defaults/properties/" not in pointer:
                assert not words.endswith("."), pointer
                assert words == words.strip()
                assert "\n" not in words


# What is put together ---------------------------------------------------------------------------------------------


def test_a_check_stands_where_its_scope_belongs() -> None:
    made = schema.model({"one": ONE, "other": OTHER})
    assert set(made["$defs"]["model-check"]["properties"]) == {"one", "id", "severity", "why"}
    assert set(made["$defs"]["data-check"]["properties"]) == {"other", "id", "severity", "why"}
    assert made["$defs"]["options-one"] == {
        **ONE.options,
        "title": "One question",
        "description": "its options, a mapping of data, min",
    }
    assert made["$defs"]["model-check"]["description"] == "a check: one of one"


@pytest.mark.parametrize(
    ("check", "allowed"),
    [
        ("one", True),
        ({"one": {"data": "a"}}, True),
        ({"one": {"data": "a", "min": 1}, "id": "x", "severity": "warning", "why": "y"}, True),
        ("other", False),
        ("two", False),
        ({"other": {}}, False),
        ({"one": {}}, False),
        ({"one": {"data": "a", "max": 1}}, False),
        ({"one": None}, False),
        ({"one": {"data": "a"}, "severity": "note"}, False),
        ({"one": {"data": "a"}, "id": "a b"}, False),
        (5, False),
        (["one"], False),
        (None, False),
    ],
    ids=str,
)
def test_a_check_is_a_word_or_its_options(check: Any, allowed: bool) -> None:
    made = schema.model({"one": ONE, "other": OTHER})
    assert holds(made, {"version": 1, "name": "a", "artifact": "b", "checks": [check]}, made["$defs"]) is allowed


def test_defaults_may_leave_out_what_a_check_requires() -> None:
    made = schema.config({"one": ONE, "other": OTHER})
    assert holds(made, {"version": 1, "defaults": {"one": {"min": 1}, "other": {}}}, made["$defs"])
    assert not holds(made, {"version": 1, "defaults": {"one": {"max": 1}}}, made["$defs"])
    assert not holds(made, {"version": 1, "defaults": {"two": {}}}, made["$defs"])


def test_only_checks_of_models_are_required_of_models() -> None:
    made = schema.config({"one": ONE, "other": OTHER})
    assert holds(made, {"version": 1, "require": ["one"]}, made["$defs"])
    assert not holds(made, {"version": 1, "require": ["other"]}, made["$defs"])


def test_the_options_that_a_check_declares_are_not_changed_by_a_schema() -> None:
    before = json.dumps([ONE.options, OTHER.options, schema.DEFS])
    schema.model({"one": ONE, "other": OTHER})
    schema.config({"one": ONE, "other": OTHER})
    assert json.dumps([ONE.options, OTHER.options, schema.DEFS]) == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_packed_is_what_is_generated(kind: str) -> None:
    assert registry.packed(kind) == registry.generate(kind)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_bound_on_the_edge_of_a_metric_is_refused_and_one_inside_is_not(name: str) -> None:
    metric = METRICS[name]
    made = registry.packed("model")

    def allows(**bounds: float) -> bool:
        check = {"metric": {"data": "t", "name": name, **bounds}}
        return holds(made, {"version": 1, "name": "a", "artifact": "b", "checks": [check]}, made["$defs"])

    inside = 0.5
    assert allows(min=inside)
    assert allows(max=inside)
    for side, edge in (("min", metric.lowest), ("max", metric.highest)):
        if edge in (float("-inf"), float("inf")):
            continue
        beyond = edge - 1 if side == "min" else edge + 1
        assert not allows(**{side: edge}), "no value could break it"
        assert not allows(**{side: beyond}), "no value could break it"


# The report -------------------------------------------------------------------------------------------------------

PLACE = {"path": "a", "line": None, "column": None}
FINDING = {"level": "error", "message": "m", "at": PLACE, "hint": "", "query": "", "rows": None}
MEASUREMENT: dict[str, Any] = {
    "name": "n",
    "value": 1.5,
    "unit": "",
    "low": None,
    "high": None,
    "n": 3,
    "at": None,
    "histograms": [[0.5, 0.5]],
    "limits": [{"side": "min", "bound": 1, "level": "error", "at": PLACE}],
}
RESULT: dict[str, Any] = {
    "check": "c",
    "id": "i",
    "outcome": "passed",
    "reason": "",
    "cause": "",
    "severity": "error",
    "required": False,
    "seconds": 0,
    "at": None,
    "findings": [FINDING],
    "measurements": [MEASUREMENT],
}
REPORT: dict[str, Any] = {
    "version": 1,
    "tool": "t",
    "started": "s",
    "seconds": 0.1,
    "commit": None,
    "dirty": False,
    "selection": "",
    "models": [
        {
            "name": "m",
            "path": "p",
            "bundle": "0" * 64,
            "results": [RESULT],
            "inputs": [{"role": "data", "path": "p", "sha256": None, "size": 0, "kind": "file"}],
        }
    ],
}


def changed(*pointer: str | int, to: Any) -> Any:
    """The report with one value replaced."""
    copy = json.loads(json.dumps(REPORT))
    node = copy
    for part in pointer[:-1]:
        node = node[part]
    node[pointer[-1]] = to
    return copy


def test_a_report_is_allowed() -> None:
    Draft202012Validator(schema.report()).validate(REPORT)


@pytest.mark.parametrize(
    ("pointer", "to"),
    [
        (("version",), 2),
        (("version",), "1"),
        (("more",), 1),
        (("models",), {}),
        (("models", 0, "bundle"), "0" * 63),
        (("models", 0, "bundle"), "G" * 64),
        (("models", 0, "inputs", 0, "size"), -1),
        (("models", 0, "inputs", 0, "size"), "5"),
        (("models", 0, "results", 0, "outcome"), "ok"),
        (("models", 0, "results", 0, "severity"), "fatal"),
        (("models", 0, "results", 0, "required"), "yes"),
        (("models", 0, "results", 0, "at"), {"path": "a"}),
        (("models", 0, "results", 0, "at"), {**PLACE, "line": "1"}),
        (("models", 0, "results", 0, "findings", 0, "level"), "bad"),
        (("models", 0, "results", 0, "findings", 0, "message"), None),
        (("models", 0, "results", 0, "measurements", 0, "value"), "1.5"),
        (("models", 0, "results", 0, "measurements", 0, "limits", 0, "side"), "both"),
        (("models", 0, "results", 0, "measurements", 0, "limits", 0, "bound"), None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_mlci_did_not_write_is_refused(pointer: tuple[str | int, ...], to: Any) -> None:
    with pytest.raises(ValidationError):
        Draft202012Validator(schema.report()).validate(changed(*pointer, to=to))


@pytest.mark.parametrize(
    "part", [REPORT, RESULT, MEASUREMENT, FINDING, PLACE], ids=["top", "result", "n", "f", "place"]
)
def test_nothing_may_be_missing_in_a_report(part: dict[str, Any]) -> None:
    text = json.dumps(REPORT)
    whole = json.dumps(part)
    for key in part:
        without = json.dumps({name: value for name, value in part.items() if name != key})
        assert not Draft202012Validator(schema.report()).is_valid(json.loads(text.replace(whole, without)))


def test_a_measurement_that_is_not_finite_is_null() -> None:
    Draft202012Validator(schema.report()).validate(
        changed("models", 0, "results", 0, "measurements", 0, "value", to=None)
    )
