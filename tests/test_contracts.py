"""Contracts of every format: recognised, read whatever they hold, printed as a part of a manifest, and written."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlci import contracting, registry, yaml_writer
from mlci.contract import Contract
from mlci.contracts import dbt, frictionless, great_expectations, odcs, pandera
from mlci.document import Document
from mlci.document import read as read_document
from mlci.errors import UsageError
from mlci.findings import InvalidFile
from mlci.manifest import load_model
from mlci.specs import Model

ODCS = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
    "schema": [
        {
            "name": "orders", "physicalName": "orders_1", "physicalType": "table",
            "properties": [
                {"name": "id", "id": "id", "primaryKey": True, "primaryKeyPosition": 1, "logicalType": "integer",
                 "logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 9000, "multipleOf": 5, "format": "i32"}},
                {"name": "customer", "logicalType": "string", "required": True, "classification": "pii",
                 "relationships": [{"to": "customers.id", "type": "foreignKey"}],
                 "logicalTypeOptions": {"pattern": "^[A-Z]", "minLength": 2, "maxLength": 9},
                 "quality": [
                     {"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent", "severity": "warning"},
                     {"metric": "invalidValues", "mustBeLessThan": 5, "arguments": {"validValues": ["NO", "SE"]}},
                     {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": [None, ""]}},
                     {"metric": "duplicateValues", "mustBeBetween": [0, 9], "unit": "rows"},
                     {"type": "sql", "query": "select count(*) from {object} where {property} = 1", "mustBe": 0},
                     {"type": "custom", "engine": "soda", "implementation": {"x": 1}},
                 ]},
                {"name": "at", "logicalType": "timestamp", "enum": [{"value": "2020-01-01"}], "unique": True},
                {"name": "deep", "logicalType": "object", "properties": [{"name": "x", "logicalType": "array"}]},
                {"name": "price", "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0.5}},
            ],
            "quality": [
                {"metric": "rowCount", "mustBeGreaterThan": 10, "description": "enough"},
                {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["id", "at"]}},
                {"type": "text", "description": "fine"},
            ],
            "relationships": [{"from": ["orders.id", "orders.at"], "to": ["customers.id", "customers.at"]}],
        },
        {"name": "customers", "id": "c", "properties": [{"name": "id"}, {"name": "at"}]},
    ],
    "slaDefaultElement": "orders.at",
    "slaProperties": [
        {"property": "latency", "value": 4, "unit": "d", "element": "orders.at"},
        {"property": "retention", "value": 3, "unit": "y"},
    ],
}  # fmt: skip
FRICTIONLESS = {
    "name": "package",
    "resources": [
        {
            "name": "orders", "path": "orders.csv", "hash": "md5:x",
            "schema": {
                "fields": [
                    {"name": "id", "type": "integer", "constraints": {"required": True, "minimum": 0, "unique": True}},
                    {"name": "code", "type": "string", "format": "default",
                     "constraints": {"pattern": "[A-Z]+", "enum": ["A", "B"], "minLength": 1, "maxLength": 3}},
                    {"name": "day", "type": "date", "constraints": {"exclusiveMinimum": "2020-01-01"}},
                    {"name": "kind", "type": "string", "categories": [{"value": "a", "label": "A"}]},
                ],
                "primaryKey": ["id", "code"], "uniqueKeys": [["code", "day"]], "missingValues": ["", "NA"],
                "foreignKeys": [{"fields": ["code"], "reference": {"resource": "codes", "fields": ["id"]}}],
                "fieldsMatch": "subset",
            },
        },
        {"name": "codes", "path": "codes.csv", "schema": {"fields": [{"name": "id"}]}},
    ],
}  # fmt: skip
SUITE = {
    "name": "suite",
    "expectations": [
        {"type": f"expect_{name}", "kwargs": kwargs, "meta": {"notes": {"content": "x"}}, "severity": "warning"}
        for name, kwargs in [
            ("column_values_to_be_between", {"column": "a", "min_value": 0, "max_value": 9, "strict_min": True}),
            ("column_values_to_be_of_type", {"column": "a", "type_": "int64"}),
            ("column_values_to_be_in_set", {"column": "b", "value_set": ["x", "y"], "mostly": 0.9}),
            ("column_values_to_match_regex_list", {"column": "b", "regex_list": ["x"], "match_on": "all"}),
            ("column_values_to_match_like_pattern", {"column": "b", "like_pattern": "a%"}),
            ("column_value_lengths_to_be_between", {"column": "b", "min_value": 1}),
            ("column_mean_to_be_between", {"column": "c", "min_value": 1.5, "strict_max": False}),
            ("column_distinct_values_to_equal_set", {"column": "d", "value_set": [1, 2]}),
            ("column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b", "ignore_row_if": "never"}),
            ("compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
            ("select_column_values_to_be_unique_within_record", {"column_list": ["a", "b", "c"]}),
            ("table_row_count_to_be_between", {"min_value": 1, "max_value": 100}),
            ("table_columns_to_match_ordered_list", {"column_list": ["a", "b", "c"]}),
            ("column_kl_divergence_to_be_less_than", {"column": "a"}),
        ]
    ],
    "meta": {"great_expectations_version": "1.0.0"},
}
FRAME = {
    "schema_type": "dataframe", "version": "0.24.0", "strict": True, "coerce": True, "unique": ["a", "b"],
    "index": [{"dtype": "int64"}],
    "columns": {
        "a": {"dtype": "int64", "nullable": False, "checks": {"greater_than": 0, "less_than": {"value": 9}}},
        "b": {"dtype": "str", "nullable": True, "unique": True,
              "checks": [{"value": ["x"], "options": {"check_name": "isin", "raise_warning": True}},
                         {"min_value": 1, "max_value": 5, "options": {"check_name": "str_length"}}]},
        "c": {"dtype": "float64", "coerce": True, "in_range": {"min_value": 0, "max_value": 1, "include_max": False},
              "notin": [0.5]},
        "d": {"required": False}, "e_.*": {"regex": True}, "f": {"str_matches": "^x", "str_endswith": "."},
    },
}  # fmt: skip
MODELS = {
    "version": 2,
    "models": [
        {
            "name": "orders", "config": {"contract": {"enforced": True}},
            "tests": [{"dbt_utils.unique_combination_of_columns": {"combination_of_columns": ["id", "status"]}}],
            "constraints": [{"type": "primary_key", "columns": ["id", "status"]}],
            "columns": [
                {"name": "id", "data_type": "bigint", "tests": ["unique", {"not_null": {"error_if": ">5"}}, "mine"]},
                {"name": "status", "data_tests": [
                    {"accepted_values": {"arguments": {"values": ["a"]}, "config": {"severity": "warn"}}},
                    {"relationships": {"to": "ref('states')", "field": "id"}},
                    {"name": "x", "test_name": "dbt_utils.accepted_range", "min_value": 0, "inclusive": False},
                ], "constraints": [{"type": "check", "expression": "status <> ''"}]},
            ],
        }
    ],
    "sources": [{"name": "raw", "loaded_at_field": "at", "freshness": {"warn_after": {"count": 1, "period": "day"}},
                 "tables": [{"name": "t", "columns": [{"name": "at", "data_type": "timestamp"}]}]}],
}  # fmt: skip

FORMATS: dict[str, tuple[Any, Any, str | None]] = {
    "odcs": (odcs, ODCS, "orders"),
    "frictionless": (frictionless, FRICTIONLESS, "orders"),
    "great_expectations": (great_expectations, SUITE, None),
    "pandera": (pandera, FRAME, None),
    "dbt": (dbt, MODELS, "orders"),
}
OTHERS = {
    "manifest": {"version": 1, "name": "m", "artifact": "m.onnx"},
    "list": [1],
    "text": "x",
    "null": None,
    "empty": {},
}


DATASET = "dataset_of_the_contract"


@cache
def model_schema() -> Any:
    return registry.generate("model")


def manifest(contract: Contract) -> Model:
    """The manifest that holds what a contract says, as mlci itself reads it. Raises InvalidFile."""
    tables = {item["foreign-key"]["to"] for item in contract.checks if "foreign-key" in item}
    part = {"columns": contract.columns, "checks": contract.checks}
    data = {
        "version": 1, "name": "m", "artifact": "m.onnx",
        "datasets": {
            **{table: {"path": "x.csv"} for table in tables},
            DATASET: {"path": "x.csv", **part, **({"key": list(contract.key)} if contract.key else {})},
        },
        "checks": ["artifact"],
    }  # fmt: skip
    return load_model(read_document(yaml_writer.write(data).encode(), "model.yaml"), model_schema())


def holds_together(contract: Contract) -> None:
    """What it says is a manifest, and each word of it has its place."""
    dataset = manifest(contract).datasets[DATASET]
    assert dict(dataset.columns) == contract.columns
    assert len(dataset.checks) == len(contract.checks)
    for name, rules in contract.columns.items():
        assert ("columns", name) in contract.places
        assert [rule for rule in rules if ("columns", name, rule) not in contract.places] == []
    assert [index for index in range(len(contract.checks)) if ("checks", index) not in contract.places] == []
    for item in contract.unchecked:
        assert item.what
        assert item.reason


# Recognised -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_recognised_as_itself(name: str) -> None:
    module, data, _ = FORMATS[name]
    assert contracting.recognise(Document("c.yaml", data), contracting.modules()) is module


@pytest.mark.parametrize("name", FORMATS)
def test_no_other_format_takes_it_for_its_own(name: str) -> None:
    _, data, _ = FORMATS[name]
    assert [module.__name__.rpartition(".")[2] for module in contracting.modules() if module.recognises(data)] == [name]


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_what_is_no_contract_is_refused_with_what_was_expected(data: Any) -> None:
    with pytest.raises(InvalidFile, match="no data contract, expected ODCS, Frictionless"):
        contracting.recognise(Document("c.yaml", data), contracting.modules())


@pytest.mark.parametrize("name", registry.CONTRACTS)
def test_each_format_that_is_registered_is_tried_here_and_tells_what_it_is(name: str) -> None:
    module = registry.find("contracts", name)
    assert FORMATS[name][0] is module
    assert len(registry.summary(module)) > 20


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_contract_of_a_format_is_refused_by_it(name: str, data: Any) -> None:
    with pytest.raises((InvalidFile, UsageError)):
        FORMATS[name][0].read(Document("c.yaml", data), None)


# Read -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_contract_says_is_a_manifest(name: str) -> None:
    module, data, table = FORMATS[name]
    found = module.read(Document("c.yaml", data), table)
    assert found.format == name
    assert found.columns
    assert found.checks
    assert found.unchecked
    holds_together(found)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_contract_is_the_same_in_yaml_and_in_json(name: str, suffix: str) -> None:
    _, data, table = FORMATS[name]
    text = json.dumps(data, indent=1) if suffix == "json" else yaml.safe_dump(data, sort_keys=False)
    found = contracting.read_contract(text.encode(), f"c.{suffix}", table)
    plain = FORMATS[name][0].read(Document("c.yaml", data), table)
    assert (found.columns, found.checks, found.key) == (plain.columns, plain.checks, plain.key)
    assert all(place.line for place in found.places.values())
    assert [item.at.line for item in found.unchecked] == sorted(item.at.line or 0 for item in found.unchecked)


def paths(data: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [here, *(path for key, value in inner for path in paths(value, (*here, key)))]


def words(data: Any) -> set[str]:
    if isinstance(data, dict):
        return {str(key) for key in data}.union(*(words(value) for value in data.values()))
    return set().union(*(words(value) for value in data)) if isinstance(data, list) else {data} & {str(data)}


WORDS = sorted(set().union(*(words(data) for _, data, _ in FORMATS.values())))
LEAVES = (
    st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(WORDS)
    | st.sampled_from(["", "{data}", "{", "a{b}", '"', "'", "x" * 600, "0", "yes", "2020-01-01", "(?=x)", "(", "\\"])
)  # fmt: skip
KEYS = st.sampled_from(WORDS) | st.text(max_size=5)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


def attempt(name: str, data: Any, table: str | None) -> None:
    """A contract that holds together, or an end that mlci foresaw."""
    module = FORMATS[name][0]
    module.recognises(data)
    # characters and numbers that no file can hold come from no file, and are not written to one: UsageError
    with suppress(InvalidFile, UsageError):
        found = module.read(Document("c.yaml", data), table)
        try:
            holds_together(found)
        except InvalidFile as error:
            pytest.fail(f"{error.findings} of {found}")


@pytest.mark.parametrize("name", FORMATS)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_contract_in_which_anything_stands_anywhere_is_read_or_refused(name: str, data: st.DataObject) -> None:
    _, good, table = FORMATS[name]
    bad = copy.deepcopy(good)
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(paths(bad)))
        value = data.draw(JSON)
        if not path:
            bad = value
            break
        holder = bad
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
    attempt(name, bad, data.draw(st.sampled_from([table, None])))


@pytest.mark.parametrize("name", FORMATS)
@given(data=JSON)
@settings(max_examples=100, deadline=None)
def test_any_data_is_read_or_refused(name: str, data: Any) -> None:
    attempt(name, data, None)


def many(name: str, number: int) -> Any:
    """A contract of so many columns."""
    names = [f"c{index}" for index in range(number)]
    return {
        "odcs": {**ODCS, "schema": [{"name": "t", "properties": [{"name": c, "x": True} for c in names]}]},
        "frictionless": {"fields": [{"name": c, "type": "time"} for c in names]},
        "great_expectations": {
            "expectations": [{"type": "expect_column_min_to_be_between", "kwargs": {"column": "c", "min_value": i}}
                             for i in range(number)]
        },
        "pandera": {"schema_type": "dataframe", "columns": {c: {"notin": [1], "coerce": True} for c in names}},
        "dbt": {"models": [{"name": "m", "columns": [{"name": c, "tests": ["unique", "other"]} for c in names]}]},
    }[name]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_columns_are_read(name: str) -> None:
    found = FORMATS[name][0].read(Document("c.yaml", many(name, 10_000)), None)
    assert len(found.columns) + len(found.checks) > 10_000 - 1
    assert len(found.unchecked) < 5, "what is told of each column is told once"


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_nested_too_deep_or_too_long_is_refused_as_a_file(name: str) -> None:
    deep = "x: " + "[" * 100 + "]" * 100
    head = yaml.safe_dump(FORMATS[name][1])
    with pytest.raises(InvalidFile, match="levels deep"):
        contracting.read_contract(f"{head}{deep}\n".encode(), "c.yaml", None)
    with pytest.raises(InvalidFile, match=r"more than 20,000 values|bytes"):
        contracting.read_contract(json.dumps(many(name, 20_000)).encode(), "c.json", None)


def test_names_that_sql_could_misread_are_quoted_or_told() -> None:
    properties = [
        {"name": 'a"; drop table x; --', "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0}},
        {"name": "a{b}", "logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0}},
    ]
    found = odcs.read(Document("c.yaml", {**ODCS, "schema": [{"name": "t", "properties": properties}]}), None)
    sql = [item for item in found.checks if "sql" in item]
    assert sql[0]["sql"] == 'select * from {data} where "a""; drop table x; --" = 0'
    assert len(sql) == 1
    assert "brace" in found.unchecked[0].reason
    holds_together(found)


# Printed and written ----------------------------------------------------------------------------------------------


def test_an_import_prints_the_part_of_a_dataset_and_what_is_left() -> None:
    raw = yaml.safe_dump(
        {"fields": [{"name": "no", "type": "string", "constraints": {"enum": ["yes", "010"]}},
                    {"name": "p", "type": "time"}],
         "primaryKey": "no",
         "foreignKeys": [{"fields": "p", "reference": {"resource": "others", "fields": "id"}}]},
        sort_keys=False,
    )  # fmt: skip
    assert (
        contracting.import_contract(raw.encode(), "schema.yaml")
        == """\
# read from frictionless
# each of these must be the name of a dataset: others
#
# not checked by mlci:
#   line 9: the type `time` of `p`: mlci has no such type
key: ['no']
columns:
  'no':
    type: string
    in: ['yes', '010']
    required: true
    unique: true
  p: {}
checks:
  - foreign-key:
      columns: [p]
      to: others
      references: [id]
"""
    )


@pytest.mark.parametrize("name", FORMATS)
def test_what_an_import_prints_stands_in_a_manifest(name: str) -> None:
    _, data, table = FORMATS[name]
    text = contracting.import_contract(yaml.safe_dump(data).encode(), "c.yaml", table)
    part = read_document(text.encode(), "part.yaml").data
    plain = contracting.read_contract(yaml.safe_dump(data).encode(), "c.yaml", table)
    assert part["columns"] == plain.columns
    assert part["checks"] == plain.checks
    assert part.get("key", []) == list(plain.key)


def test_a_contract_that_is_fully_checked_is_printed_without_a_list() -> None:
    raw = b'{"fields": [{"name": "a", "type": "string"}]}'
    assert contracting.import_contract(raw, "s.json") == "# read from frictionless\ncolumns:\n  a: {type: string}\n"


@pytest.mark.parametrize("raw", [b"", b"a: [", b"\xff", b"a: &x 1\nb: *x", b"kind: nothing"], ids=ascii)
def test_an_import_of_no_contract_is_refused_with_a_place(raw: bytes) -> None:
    with pytest.raises(InvalidFile) as caught:
        contracting.import_contract(raw, "c.yaml")
    assert caught.value.at is not None
    assert caught.value.at.path == "c.yaml"


def test_an_export_is_a_contract_that_says_the_same() -> None:
    model = manifest(odcs.read(Document("c.yaml", ODCS), "orders"))
    text = contracting.export_contract(model, DATASET)
    found = contracting.read_contract(text.encode(), "c.odcs.yaml")
    dataset = model.datasets[DATASET]
    assert found.columns == dict(dataset.columns)
    assert found.key == dataset.key
    assert len(found.checks) == len(dataset.checks)


@pytest.mark.parametrize("name", FORMATS)
def test_what_another_format_says_can_be_exported(name: str) -> None:
    module, data, table = FORMATS[name]
    model = manifest(module.read(Document("c.yaml", data), table))
    found = contracting.read_contract(contracting.export_contract(model, DATASET).encode(), "c.odcs.yaml")
    assert set(found.columns) == set(model.datasets[DATASET].columns)


def test_an_export_of_an_unknown_dataset_names_the_nearest() -> None:
    model = manifest(frictionless.read(Document("c.yaml", FRICTIONLESS), "orders"))
    with pytest.raises(UsageError, match="no dataset `code`") as caught:
        contracting.export_contract(model, "code")
    assert caught.value.hint == "did you mean `codes`?"
