"""A model with its contracts."""

from __future__ import annotations

from typing import Any

import pytest

from mlci import rules
from mlci.agreement import with_contracts
from mlci.contract import Contract
from mlci.document import read
from mlci.errors import PathRefused
from mlci.findings import InvalidFile, Level
from mlci.places import Location
from mlci.specs import Model, Unchecked
from mlci.workspace import read_model

MANIFEST = """\
version: 1
name: loans
artifact: m.onnx
datasets:
  train:
    path: train.csv
    contract: loans.odcs.yaml
    columns:
      age: {range: [18, 100], required: true}
  test: {path: test.csv, like: train}
  other: {path: other.csv}
"""
THERE = Location("loans.odcs.yaml", 9, 5)


def contract(columns: dict[str, Any] | None = None, checks: list[Any] | None = None, **more: Any) -> Contract:
    columns, checks = columns or {}, checks or []
    places: dict[Any, Location] = {
        ("checks", index): Location("loans.odcs.yaml", 20 + index) for index in range(len(checks))
    }
    for name, held in columns.items():
        places[("columns", name)] = THERE
        places.update({("columns", name, rule): THERE for rule in held})
    return Contract(format="odcs", columns=columns, checks=checks, places=places, **more)


def merged(found: Contract, text: str = MANIFEST) -> Model:
    asked: list[tuple[str, str | None]] = []

    def contract_of(path: str, table: str | None) -> Contract:
        asked.append((path, table))
        return found

    model = with_contracts(read_model(read(text.encode(), "models/loans/model.yaml")), contract_of)
    assert asked == [("models/loans/loans.odcs.yaml", None)]
    return model


def test_a_model_without_a_contract_is_left_as_it_is() -> None:
    model = read_model(read(MANIFEST.replace("    contract: loans.odcs.yaml\n", "").encode(), "model.yaml"))

    def nothing_is_read(path: str, table: str | None) -> Contract:
        raise AssertionError(path)

    assert with_contracts(model, nothing_is_read) is model


def test_rules_of_the_contract_join_those_of_the_manifest() -> None:
    model = merged(contract({"age": {"type": "int"}, "plan": {"in": ["a", "b"], "required": True}}))
    train = model.datasets["train"]
    assert {name: dict(held) for name, held in train.columns.items()} == {
        "age": {"range": [18, 100], "required": True, "type": "int"},
        "plan": {"in": ["a", "b"], "required": True},
    }
    assert [(rule.column, rule.name) for rule in rules.of(train, lambda *keys: THERE)] == [
        ("age", "required"),
        ("age", "range"),
        ("plan", "required"),
        ("plan", "in"),
    ]


def test_a_rule_of_the_contract_stands_in_the_contract() -> None:
    train = merged(contract({"plan": {"required": True}, "age": {"unique": True}})).datasets["train"]
    assert train.places[("plan",)] == train.places[("plan", "required")] == train.places[("age", "unique")] == THERE
    assert ("age",) not in train.places
    assert ("age", "range") not in train.places


def test_a_dataset_that_is_like_another_keeps_its_contract_as_well() -> None:
    test = merged(contract({"plan": {"required": True}})).datasets["test"]
    assert set(test.columns) == {"age", "plan"}
    assert test.places[("plan", "required")] == THERE
    assert test.contract is None


def test_a_dataset_may_be_like_another_without_some_of_its_columns() -> None:
    text = MANIFEST.replace("like: train}", "like: train, without: [plan, age]}")
    assert set(merged(contract({"plan": {"required": True}, "a": {"type": "int"}}), text).datasets["test"].columns) == {
        "a"
    }


def test_one_rule_that_both_state_is_one_rule() -> None:
    train = merged(contract({"age": {"range": {"is": [18, 100], "severity": "warning"}}})).datasets["train"]
    assert train.columns["age"]["range"] == [18, 100]


def test_two_rules_where_one_is_meant_are_refused_with_both_places() -> None:
    with pytest.raises(InvalidFile) as refused:
        merged(contract({"age": {"range": [0, 100]}}))
    (finding,) = refused.value.findings
    assert str(finding.at) == "models/loans/model.yaml:9:20"
    assert finding.message == "`range` of `age` is [18, 100], and at loans.odcs.yaml:9:5 it is [0, 100]"
    assert finding.hint == "say it in one of the two"


def test_rules_that_differ_are_told_as_the_files_write_them() -> None:
    with pytest.raises(InvalidFile) as refused:
        merged(contract({"age": {"required": False, "range": [0, None]}}))
    assert sorted(finding.message for finding in refused.value.findings) == [
        "`range` of `age` is [18, 100], and at loans.odcs.yaml:9:5 it is [0, null]",
        "`required` of `age` is true, and at loans.odcs.yaml:9:5 it is false",
    ]


def test_a_contract_that_is_not_there_is_told_where_it_is_named() -> None:
    def nothing_there(path: str, table: str | None) -> Contract:
        raise PathRefused(f"`{path}` is not there")

    with pytest.raises(PathRefused) as refused:
        with_contracts(read_model(read(MANIFEST.encode(), "models/loans/model.yaml")), nothing_there)
    assert str(refused.value.at) == "models/loans/model.yaml:7:15"


def test_one_of_two_rules_may_not_be_looser() -> None:
    with pytest.raises(
        InvalidFile, match=r"is \[18, 100\], and at loans.odcs.yaml:9:5 it is \[18, 100\] \(mostly 99%\)"
    ):
        merged(contract({"age": {"range": {"is": [18, 100], "mostly": "99%"}}}))


def test_checks_of_the_contract_get_ids_that_nobody_has() -> None:
    text = MANIFEST.replace("    columns:", "    checks:\n      - rows: {min: 1}\n    columns:")
    model = merged(contract(checks=[{"rows": {"min": 5}}, {"rows": {"min": 6}}, {"sql": "select 1", "id": "s"}]), text)
    specs = model.datasets["train"].checks
    assert [spec.id for spec in specs] == ["rows-train", "rows-train-2", "rows-train-3", "s"]
    assert [spec.dataset for spec in specs] == ["train"] * 4
    assert specs[3].options == {"is": "select 1"}
    assert specs[3].place == Location("loans.odcs.yaml", 22)


def test_a_check_keeps_its_severity_and_its_reason() -> None:
    (spec,) = (
        merged(contract(checks=[{"rows": {"min": 5}, "severity": "warning", "why": "new"}])).datasets["train"].checks
    )
    assert (spec.severity, spec.why) == (Level.WARNING, "new")


def test_a_check_against_a_dataset_that_the_model_does_not_have_is_told_as_not_checked() -> None:
    model = merged(contract(checks=[{"foreign-key": {"columns": ["id"], "to": "customers"}}]))
    train = model.datasets["train"]
    assert train.checks == ()
    (unchecked,) = train.unchecked
    assert unchecked == Unchecked(
        "`foreign-key` of the contract", "this model has no dataset `customers`", Location("loans.odcs.yaml", 20)
    )
    assert merged(contract(checks=[{"foreign-key": {"columns": ["id"], "to": "other"}}])).datasets["train"].checks


def test_what_the_contract_says_and_nobody_checks_stays_told() -> None:
    told = Unchecked("`quality[0]`", "it is text", THERE)
    assert merged(contract(unchecked=[told])).datasets["train"].unchecked == (told,)


def test_the_key_is_that_of_the_contract_where_the_manifest_has_none() -> None:
    assert merged(contract(key=("id",))).datasets["train"].key == ("id",)
    keyed = MANIFEST.replace("    path: train.csv\n", "    path: train.csv\n    key: [age]\n")
    with pytest.raises(InvalidFile, match="`key` is age, and the contract has id"):
        merged(contract(key=("id",)), keyed)
