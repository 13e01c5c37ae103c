"""ODCS contracts: each thing that one says is held, or told as not checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import duckdb
import jsonschema
import pytest
import yaml

from mlci.contract import Contract
from mlci.contracts import odcs
from mlci.document import read as read_document
from mlci.errors import UsageError
from mlci.findings import InvalidFile, Level
from mlci.specs import CheckSpec, Dataset

HEAD = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"}


def contract(*schema: Mapping[str, Any], table: str | None = None, **top: Any) -> Contract:
    text = yaml.safe_dump({**HEAD, "schema": list(schema), **top}, sort_keys=False)
    return odcs.read(read_document(text.encode(), "c.odcs.yaml", foreign=True), table)


def column(*, quality: list[Any] | None = None, **keys: Any) -> Contract:
    """A contract of one column `a`."""
    given = {"name": "a", **keys, **({"quality": quality} if quality else {})}
    return contract({"name": "t", "properties": [given]})


def whole(*quality: Mapping[str, Any]) -> Contract:
    """A contract with quality rules of the whole object, which has the columns `a` and `b`."""
    return contract({"name": "t", "properties": [{"name": "a"}, {"name": "b"}], "quality": list(quality)})


def rules(found: Contract) -> dict[str, Any]:
    return {rule: held for rule, held in found.columns["a"].items() if rule != "type"}


def reasons(found: Contract) -> list[str]:
    return [f"{item.what}: {item.reason}" for item in found.unchecked]


def failing(check: dict[str, Any], rows: str) -> int:
    """How many rows a `sql` check finds in a table of these rows."""
    query = check["sql"]["is"] if isinstance(check["sql"], dict) else check["sql"]
    return len(duckdb.connect().execute(query.replace("{data}", f"(from ({rows}))")).fetchall())


# Columns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logical", "type_"),
    [("string", "string"), ("integer", "int"), ("number", "float"), ("boolean", "bool"), ("date", "date"),
     ("timestamp", "datetime")],
)  # fmt: skip
def test_a_logical_type_is_a_type(logical: str, type_: str) -> None:
    assert column(logicalType=logical).columns == {"a": {"type": type_}}


@pytest.mark.parametrize("logical", ["time", "object", "array", "map", "vector", "decimal"])
def test_a_type_that_mlci_has_not_is_told(logical: str) -> None:
    found = column(logicalType=logical)
    assert found.columns == {"a": {}}
    assert f"the type `{logical}` of `a`" in reasons(found)[0]


@pytest.mark.parametrize(
    ("physical", "type_"), [("VARCHAR(18)", "string"), ("BIGINT", "int"), ("DECIMAL(18,2)", "float")]
)
def test_the_physical_type_stands_in_where_there_is_no_logical_one(physical: str, type_: str) -> None:
    assert column(physicalType=physical).columns == {"a": {"type": type_}}


def test_a_physical_type_beside_a_logical_one_is_told_once_for_all_columns() -> None:
    properties = [{"name": f"c{i}", "logicalType": "string", "physicalType": "varchar(2)"} for i in range(5)]
    found = contract({"name": "t", "properties": properties})
    assert [item.what for item in found.unchecked] == ["`physicalType` of `c0`, `c1`, `c2` and 2 more"]


def test_the_name_in_the_data_is_the_physical_one() -> None:
    assert list(column(physicalName="txn_a").columns) == ["txn_a"]


def test_a_measure_is_no_column() -> None:
    found = contract({"name": "t", "properties": [{"name": "a"}, {"name": "total", "semanticType": "measure"}]})
    assert list(found.columns) == ["a"]
    assert "the measure of `total`" in reasons(found)[0]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"required": True}, {"required": True}),
        ({"required": False, "unique": False}, {}),
        ({"unique": True}, {"unique": True}),
        ({"classification": "PII"}, {"sensitive": True}),
        ({"classification": " Confidential "}, {"sensitive": True}),
        ({"classification": "public"}, {}),
        ({"enum": [{"value": "x"}, {"value": "y", "label": "Y"}]}, {"in": ["x", "y"]}),
        ({"logicalType": "integer", "enum": [{"value": 1}, {"value": 2}]}, {"in": [1, 2]}),
    ],
)  # fmt: skip
def test_what_a_property_says_is_a_rule(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    found = column(**keys)
    assert rules(found) == expected
    assert found.unchecked == []


@pytest.mark.parametrize(
    ("logical", "options", "expected"),
    [
        ("string", {"minLength": 2, "maxLength": 8}, {"length": [2, 8]}),
        ("string", {"maxLength": 8}, {"length": [None, 8]}),
        ("string", {"pattern": "^[A-Z]+$"}, {"pattern": "^[A-Z]+$"}),
        ("integer", {"minimum": 0, "maximum": 9}, {"range": [0, 9]}),
        ("integer", {"exclusiveMinimum": 0, "exclusiveMaximum": 9}, {"range": [1, 8]}),
        ("integer", {"exclusiveMinimum": 0.5, "exclusiveMaximum": 8.5}, {"range": [1, 8]}),
        ("integer", {"minimum": 3, "exclusiveMinimum": 0}, {"range": [3, None]}),
        ("integer", {"format": "u8"}, {"range": [0, 255]}),
        ("integer", {"format": "i32", "minimum": 0}, {"range": [0, 2**31 - 1]}),
        ("integer", {"format": "i64"}, {}),
        ("number", {"minimum": 0.5}, {"range": [0.5, None]}),
        ("date", {"minimum": "2020-01-01"}, {"range": ["2020-01-01", None]}),
        ("date", {"exclusiveMinimum": "2019-12-31"}, {"range": ["2020-01-01", None]}),
        ("date", {"exclusiveMaximum": "2024-03-01"}, {"range": [None, "2024-02-29"]}),
        ("timestamp", {"maximum": "2020-01-01T10:00:00"}, {"range": [None, "2020-01-01 10:00:00"]}),
    ],
)  # fmt: skip
def test_options_of_a_type_are_rules(logical: str, options: dict[str, Any], expected: dict[str, Any]) -> None:
    found = column(logicalType=logical, logicalTypeOptions=options)
    assert rules(found) == expected
    assert (found.checks, found.unchecked) == ([], [])


def test_dates_without_quotes_are_read_as_dates() -> None:
    raw = b"""
apiVersion: v3.0.2
kind: DataContract
schema:
  - name: t
    properties:
      - name: d
        logicalType: date
        logicalTypeOptions: {minimum: 2020-01-01}
        examples: [2022-10-03]
"""
    found = odcs.read(read_document(raw, "c.yaml", foreign=True), None)
    assert found.columns == {"d": {"type": "date", "range": ["2020-01-01", None]}}


@pytest.mark.parametrize(
    ("logical", "options", "rows", "expected"),
    [
        ("number", {"exclusiveMinimum": 0}, "values (0.0), (1.0), ('nan'::double), (null)", 1),
        (
            "timestamp",
            {"exclusiveMaximum": "2020-01-01"},
            "values (timestamp '2020-01-01'), (timestamp '2019-01-01')",
            1,
        ),
        ("integer", {"multipleOf": 5}, "values (0), (5), (-10), (7), (null)", 1),
    ],
)
def test_an_end_that_may_not_be_reached_is_looked_for(logical: str, options: Any, rows: str, expected: int) -> None:
    found = column(logicalType=logical, logicalTypeOptions=options)
    (check,) = found.checks
    assert failing(check, f"select col0 as a from ({rows})") == expected
    assert found.unchecked == []


@pytest.mark.parametrize(
    ("logical", "options", "reason"),
    [
        ("string", {"pattern": "^(?!x)"}, "lookahead"),
        ("string", {"pattern": r"(a)\1"}, "reference back"),
        ("string", {"format": "email"}, "how a value is written"),
        ("string", {"minLength": "2"}, "no whole number"),
        ("string", {"minimum": 1}, "no number and no date|no date of a column of string"),
        ("integer", {"minLength": 1}, "needs text"),
        ("integer", {"minimum": "low"}, "no number of a column of int"),
        ("number", {"multipleOf": 0.1}, "exact remainder"),
        ("integer", {"multipleOf": -1}, "exact remainder"),
        ("date", {"minimum": "01.01.2020"}, "no date of a column of date"),
        ("timestamp", {"minimum": "2020-01-01T00:00:00Z"}, "no date"),
        ("timestamp", {"timezone": True}, "how a value is written"),
        ("string", {"sparkle": 1}, "no check for this option"),
        ("array", {"minItems": 1}, "nested"),
    ],
)
def test_an_option_that_no_rule_holds_is_told(logical: str, options: dict[str, Any], reason: str) -> None:
    import re

    found = column(logicalType=logical, logicalTypeOptions=options)
    assert rules(found) == {}
    assert any(re.search(reason, told) for told in reasons(found)), reasons(found)


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"required": "yes"}, "`required`"),
        ({"unique": 1}, "`unique`"),
        ({"enum": "x"}, "`enum`"),
        ({"enum": ["x"]}, "an entry of `enum`"),
        ({"enum": [{"label": "x"}]}, "the list of values"),
        ({"logicalType": "integer", "enum": [{"value": "x"}]}, "the list of values"),
        ({"enum": [{"value": 1}, {"value": "x"}]}, "the list of values"),
        ({"classification": 3}, "`classification`"),
        ({"logicalType": 3}, "`logicalType`"),
        ({"logicalTypeOptions": []}, "`logicalTypeOptions`"),
        ({"quality": {"x": 1}}, "`quality`"),
        ({"quality": ["x"]}, "an entry of `quality`"),
        ({"nullable": False}, "`nullable`"),
    ],
)  # fmt: skip
def test_what_is_not_as_the_standard_has_it_is_told(keys: dict[str, Any], what: str) -> None:
    found = column(**keys)
    assert rules(found) == {}
    assert found.unchecked[0].what.startswith(what)


def test_a_key_of_one_column_is_there_and_unique() -> None:
    found = column(primaryKey=True)
    assert (found.key, rules(found)) == (("a",), {"required": True, "unique": True})


def test_a_key_of_several_columns_follows_their_positions() -> None:
    properties = [
        {"name": "a", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": "b", "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "c", "primaryKeyPosition": -1, "primaryKey": False},
    ]
    found = contract({"name": "t", "properties": properties})
    assert found.key == ("b", "a")
    assert found.columns == {"a": {"required": True}, "b": {"required": True}, "c": {}}
    assert found.checks == [{"unique": {"columns": ["b", "a"]}}]


# Quality ----------------------------------------------------------------------------------------------------------


NOTHING = {"arguments": {"missingValues": [None, "", "N/A"]}}
LISTED = {"arguments": {"validValues": ["x"]}}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"metric": "nullValues", "mustBe": 0}, {"required": True}),
        ({"metric": "nullValues", "mustBeLessThan": 1}, {"required": True}),
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 0}, {"required": True}),
        ({"metric": "nullValues", "mustBeLessThan": 10}, {"required": {"max": 9}}),
        ({"metric": "nullValues", "mustBeLessThan": 10.5, "unit": "rows"}, {"required": {"max": 10}}),
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 10}, {"required": {"max": 10}}),
        ({"metric": "nullValues", "mustBeBetween": [0, 10]}, {"required": {"max": 10}}),
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "percent"}, {"required": {"mostly": "95%"}}),
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 0.5, "unit": "percent"}, {"required": {"mostly": "99.5%"}}),
        ({"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent"}, {"required": {"mostly": "99.000000001%"}}),
        ({"metric": "nullValues", "mustBe": 0, "severity": "WARNING"}, {"required": {"severity": "warning"}}),
        ({"metric": "nullValues", "mustBe": 0, "severity": "low"}, {"required": True}),
        ({"metric": "nullValues", "mustBe": 0, "description": "old\n rows"}, {"required": {"why": "old rows"}}),
        ({"type": "library", "rule": "nullCheck"}, {"required": True}),
        ({"metric": "duplicateValues", "mustBe": 0}, {"unique": True}),
        ({"rule": "duplicateCount", "mustBeLessThan": 1}, {"unique": True}),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["x", "y"]}}, {"in": ["x", "y"]}),
        ({"metric": "invalidValues", "mustBeLessThan": 5, **LISTED}, {"in": {"is": ["x"], "max": 4}}),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "^x"}}, {"pattern": "^x"}),
        (
            {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "^x", "validValues": ["x"]}},
            {"in": ["x"], "pattern": "^x"},
        ),
        ({"rule": "validValues", "validValues": ["x"]}, {"in": ["x"]}),
    ],
)  # fmt: skip
def test_an_upper_limit_of_a_metric_is_a_rule(rule: dict[str, Any], expected: dict[str, Any]) -> None:
    found = column(quality=[rule])
    assert rules(found) == expected
    assert (found.checks, found.unchecked) == ([], [])


ROWS = "select * from (values (1, 'x'), (1, 'x'), (2, ''), (3, null), (null, 'N/A'), (4, 'z')) as t(a, b)"


@pytest.mark.parametrize(
    ("name", "rule", "broken"),
    [
        ("a", {"metric": "nullValues", "mustBe": 1}, False),
        ("a", {"metric": "nullValues", "mustBe": 2}, True),
        ("a", {"metric": "nullValues", "mustBeGreaterThan": 0}, False),
        ("a", {"metric": "nullValues", "mustNotBeBetween": [0, 3]}, True),
        ("a", {"metric": "nullValues", "mustBeGreaterThan": 10, "unit": "percent"}, False),
        ("a", {"metric": "nullValues", "mustBeGreaterThan": 20, "unit": "percent"}, True),
        ("b", {"metric": "missingValues", "mustBe": 3, **NOTHING}, False),
        ("b", {"metric": "missingValues", "mustBeLessThan": 3, **NOTHING}, True),
        ("b", {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": ["?"]}}, False),
        ("b", {"metric": "missingValues", "mustBeLessThan": 50, "unit": "percent", **NOTHING}, True),
        ("b", {"metric": "missingValues", "mustBeLessOrEqualTo": 50, "unit": "percent", **NOTHING}, False),
        ("b", {"metric": "invalidValues", "mustBeGreaterThan": 1, "arguments": {"validValues": ["x", "z"]}}, False),
        ("b", {"metric": "invalidValues", "mustBe": 1, "arguments": {"validValues": ["x"], "pattern": "^."}}, True),
        ("a", {"metric": "duplicateValues", "mustBeLessThan": 2}, False),
        ("a", {"metric": "duplicateValues", "mustBe": 2}, True),
        ("a", {"metric": "duplicateValues", "mustBeLessThan": 17, "unit": "percent"}, False),
        ("a", {"metric": "duplicateValues", "mustBeLessThan": 16, "unit": "percent"}, True),
        ("", {"metric": "duplicateValues", "mustBeLessThan": 1, "unit": "%", "arguments": {"properties": ["a"]}}, True),
        ("", {"metric": "rowCount", "mustNotBe": 6}, True),
        ("", {"metric": "rowCount", "mustNotBe": 7}, False),
        ("", {"type": "sql", "query": "select avg(a) from {object}", "mustBeBetween": [2, 3]}, False),
        ("", {"type": "sql", "query": "select avg(a) from {object};", "mustBeGreaterThan": 3}, True),
        ("", {"type": "sql", "query": "select count(*) > 3 from ${table}", "mustBe": True}, False),
        ("", {"type": "sql", "query": "select a from {object} where false", "mustBe": 0}, True),
        ("", {"type": "sql", "query": "select max(a) from {object} -- 2", "mustBe": 4, "mustNotBe": 5}, False),
        ("", {"type": "sql", "query": 'select max(a) from "t" where a > 1', "mustBe": 4}, False),
        ("", {"type": "sql", "query": "select count(*) from t where b ~ '^[a-z]{1,2}$' limit 1", "mustBe": 3}, False),
        ("a", {"type": "sql", "query": "SELECT COUNT(*) FROM {object} WHERE {property} IS NULL", "mustBe": 0}, True),
        ("a", {"type": "sql", "query": "SELECT COUNT(*) FROM ${model} WHERE ${column} > 4", "mustBe": 0}, False),
    ],
    ids=str,
)  # fmt: skip
def test_what_no_rule_holds_is_counted_as_the_standard_counts_it(name: str, rule: dict[str, Any], broken: bool) -> None:
    found = contract(
        {
            "name": "t",
            "properties": [{"name": c, **({"quality": [rule]} if c == name else {})} for c in ("a", "b")],
            "quality": [] if name else [rule],
        }
    )
    (check,) = found.checks
    allowed = check["sql"].get("max", 0) if isinstance(check["sql"], dict) else 0
    assert (failing(check, ROWS) > allowed) is broken
    assert found.unchecked == []


def test_a_query_that_counts_rows_is_a_query_for_those_rows() -> None:
    query = "SELECT count(1) FROM ${object} WHERE ${property} < 0 OR ${property} > 9"
    (check,) = column(quality=[{"type": "sql", "query": query, "mustBeLessThan": 5}]).checks
    assert check == {"sql": {"is": 'select * from {data} where "a" < 0 OR "a" > 9', "max": 4}}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"mustBeGreaterThan": 10}, {"min": 11}),
        ({"mustBeGreaterOrEqualTo": 10.5}, {"min": 11}),
        ({"mustBeLessThan": 10}, {"max": 9}),
        ({"mustBeLessOrEqualTo": 10}, {"max": 10}),
        ({"mustBeBetween": [100, 120]}, {"min": 100, "max": 120}),
        ({"mustBe": 5}, {"min": 5, "max": 5}),
        ({"mustBeGreaterThan": 1, "mustBeLessThan": 9}, {"min": 2, "max": 8}),
    ],
)
def test_a_number_of_rows_is_a_check(rule: dict[str, Any], expected: dict[str, int]) -> None:
    assert whole({"metric": "rowCount", **rule}).checks == [{"rows": expected}]


def test_a_rule_of_several_columns_lets_nulls_be_alike() -> None:
    found = whole({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["a", "b"]}})
    assert found.checks == [{"duplicates": {"by": ["a", "b"]}}]


def test_properties_of_a_rule_are_named_as_the_schema_names_them() -> None:
    properties = [{"name": "tenant", "physicalName": "tenant_id"}, {"name": "order"}]
    rule = {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["tenant", "order"]}}
    found = contract({"name": "t", "properties": properties, "quality": [rule]})
    assert found.checks == [{"duplicates": {"by": ["tenant_id", "order"]}}]


@pytest.mark.parametrize("listed", [None, [], "a", ["a", "nope"], ["a", 1]], ids=str)
def test_a_rule_of_properties_that_are_not_there_is_told(listed: Any) -> None:
    found = whole({"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": listed}})
    assert (found.checks, len(found.unchecked)) == ([], 1)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"type": "text", "description": "good"}, "for people"),
        ({"type": "custom", "engine": "soda", "implementation": "x"}, "`soda`, which mlci does not run"),
        ({"type": "sparkle"}, "its type is `sparkle`"),
        ({"description": "x"}, "no `type` and no `metric`"),
        ({"metric": "rowCount", "mustBe": 1}, "whole object"),
        ({"metric": "freshness", "mustBe": 1}, "does not know the metric"),
        ({"metric": "nullValues"}, "names no number"),
        ({"metric": "nullValues", "mustBe": "0"}, "`mustBe` is not a number"),
        ({"metric": "nullValues", "mustBeBetween": [1]}, "not two numbers"),
        ({"metric": "nullValues", "mustBe": True}, "not a number"),
        ({"metric": "nullValues", "mustBe": 0, "unit": "miles"}, "expected rows or percent"),
        ({"metric": "nullValues", "mustBe": 0, "arguments": {"x": 1}}, "no argument `x`"),
        ({"metric": "missingValues", "mustBe": 0}, "list no `missingValues`"),
        ({"metric": "invalidValues", "mustBe": 0}, "neither"),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "(?=x)"}}, "RE2"),
        ({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": "x"}}, "no list"),
        ({"type": "sql", "mustBe": 0}, "no `query`"),
        ({"type": "sql", "query": "select 1 from {object}"}, "names no number"),
        ({"type": "sql", "query": "select 1", "mustBe": 0}, "does not name its table"),
        ({"type": "sql", "query": "select 1 from {object}; drop table x", "mustBe": 0}, "more than one"),
        ({"type": "sql", "query": "select {x} from {object}", "mustBe": 0}, "braces"),
        ({"type": "sql", "query": "select '{' from {object}", "mustBe": 0}, "braces"),
    ],
    ids=str,
)
def test_a_quality_rule_that_mlci_cannot_hold_is_told(rule: dict[str, Any], reason: str) -> None:
    found = column(quality=[rule])
    assert (rules(found), found.checks) == ({}, [])
    (told,) = reasons(found)
    assert reason in told


def test_two_limits_of_different_weight_are_two_levels_of_one_rule() -> None:
    levels = [
        {"metric": "nullValues", "mustBeLessOrEqualTo": 1, "unit": "percent", "severity": "warning"},
        {"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "percent", "severity": "error"},
    ]
    assert rules(column(quality=levels)) == {"required": {"mostly": {"warning": "99%", "error": "95%"}}}


def test_a_rule_without_exceptions_outdoes_one_with_some() -> None:
    rule = {"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"}
    assert rules(column(required=True, quality=[rule])) == {"required": True}


def test_a_second_pattern_is_held_as_well() -> None:
    rule = {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "x$"}}
    found = column(logicalType="string", logicalTypeOptions={"pattern": "^a"}, quality=[rule])
    (check,) = found.checks
    assert rules(found) == {"pattern": "^a"}
    assert failing(check, "select unnest(['ax', 'ab', null]) as a") == 1


def test_two_ranges_that_exclude_each_other_make_the_contract_invalid() -> None:
    with pytest.raises(InvalidFile, match="no value of `a` can satisfy"):
        column(logicalType="integer", logicalTypeOptions={"format": "u8", "minimum": 300})
    with pytest.raises(InvalidFile, match="ends at 1 before it begins at 3"):
        column(logicalType="integer", logicalTypeOptions={"minimum": 3, "maximum": 1})
    with pytest.raises(InvalidFile, match="no number of rows"):
        whole({"metric": "rowCount", "mustBeGreaterThan": 5, "mustBeLessThan": 3})


# Service levels and relationships ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "age"),
    [
        ({"value": 4, "unit": "d"}, "4d"),
        ({"value": 36, "unit": "hours"}, "36h"),
        ({"value": "30", "unit": "min"}, "30m"),
        ({"value": 1.5, "unit": "D"}, "1.5d"),
        ({"value": 2, "unit": "weeks"}, "14d"),
        ({"value": 1, "unit": "y"}, "365d"),
    ],
)
def test_latency_is_the_age_of_the_newest_row(level: dict[str, Any], age: str) -> None:
    properties = [{"name": "a", "physicalName": "updated_at"}]
    sla = [{"property": "latency", "element": "t.a", **level}]
    found = contract({"name": "t", "properties": properties}, slaProperties=sla)
    assert found.checks == [{"fresh": {"column": "updated_at", "max_age": age}}]


@pytest.mark.parametrize(
    "level",
    [
        {"property": "latency", "value": 4, "unit": "d"},
        {"property": "latency", "value": 4, "unit": "d", "element": "t.nope"},
        {"property": "latency", "value": 4, "unit": "d", "element": "other.a"},
        {"property": "latency", "value": 4, "unit": "m", "element": "t.a"},
        {"property": "latency", "value": 4, "element": "t.a"},
        {"property": "latency", "value": True, "unit": "d", "element": "t.a"},
        {"property": "latency", "value": 0, "unit": "d", "element": "t.a"},
        {"property": "retention", "value": 3, "unit": "y", "element": "t.a"},
        {"property": "generalAvailability", "value": "2022-05-12"},
        {"value": 1},
    ],
    ids=str,
)
def test_a_service_level_that_is_no_age_is_told(level: dict[str, Any]) -> None:
    found = contract({"name": "t", "properties": [{"name": "a"}]}, slaProperties=[level])
    assert found.checks == []
    assert len(found.unchecked) == 1


def test_the_default_element_stands_in_for_an_element() -> None:
    sla = [{"property": "latency", "value": 1, "unit": "d"}]
    found = contract({"name": "t", "properties": [{"name": "a"}]}, slaProperties=sla, slaDefaultElement="t.a")
    assert found.checks == [{"fresh": {"column": "a", "max_age": "1d"}}]


CUSTOMERS = {"id": "cust", "name": "customers", "properties": [{"id": "cid", "name": "id"}, {"name": "land"}]}


@pytest.mark.parametrize("to", ["customers.id", "schema/cust/properties/cid", "/schema/cust/properties/cid"])
def test_a_relationship_of_a_property_is_a_foreign_key(to: str) -> None:
    orders = {"name": "orders", "properties": [{"name": "customer", "relationships": [{"to": to}]}]}
    found = contract(orders, CUSTOMERS, table="orders")
    assert found.checks == [{"foreign-key": {"columns": ["customer"], "to": "customers", "references": ["id"]}}]


def test_a_relationship_of_several_columns_keeps_their_order() -> None:
    link = {"from": ["orders.c", "orders.l"], "to": ["customers.id", "customers.land"], "type": "foreignKey"}
    orders = {"name": "orders", "properties": [{"name": "c"}, {"name": "l"}], "relationships": [link]}
    found = contract(orders, CUSTOMERS, table="orders")
    assert found.checks == [{"foreign-key": {"columns": ["c", "l"], "to": "customers", "references": ["id", "land"]}}]


def test_a_relationship_of_a_table_with_itself_is_looked_for_in_its_own_rows() -> None:
    staff = {"name": "staff", "properties": [{"name": "id"}, {"name": "boss", "relationships": [{"to": "staff.id"}]}]}
    (check,) = contract(staff).checks
    assert failing(check, "select * from (values (1, null), (2, 1), (3, 9)) as t(id, boss)") == 1


@pytest.mark.parametrize(
    "link",
    [
        {"to": "other.yaml#customers.id"},
        {"to": "customers.address.street"},
        {"to": "schema/nobody/properties/x"},
        {"to": "customers.nope"},
        {"to": ["customers.id", "customers.land"]},
        {"to": ["customers.id", "others.id"]},
        {"to": 3},
        {},
        {"type": "sibling", "to": "customers.id"},
    ],
    ids=str,
)
def test_a_relationship_that_leads_nowhere_is_told(link: dict[str, Any]) -> None:
    orders = {"name": "orders", "properties": [{"name": "customer", "relationships": [link]}]}
    found = contract(orders, CUSTOMERS, table="orders")
    assert found.checks == []
    assert found.unchecked


# The file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.2", "v3.1.0", "v3.2.0", "v3.2"])
def test_versions_of_the_third_standard_are_read(version: str) -> None:
    assert contract({"name": "t"}, apiVersion=version).columns == {}


@pytest.mark.parametrize("version", ["v2.2.2", "v3.3.0", "v4.0.0", "", None, 3.1, "v3.1.0.0", "x"])
def test_another_version_is_refused_with_its_place(version: Any) -> None:
    with pytest.raises(InvalidFile, match="apiVersion") as caught:
        contract({"name": "t"}, apiVersion=version)
    assert caught.value.at is not None
    assert caught.value.at.line == 1


@pytest.mark.parametrize("schema", [None, [], {}, "x", [1], [{}], [{"name": ""}], [{"name": 3}]], ids=str)
def test_a_contract_without_an_object_is_refused(schema: Any) -> None:
    text = yaml.safe_dump({**HEAD, "schema": schema})
    with pytest.raises(InvalidFile, match="names no object"):
        odcs.read(read_document(text.encode(), "c.yaml", foreign=True), None)


def test_which_of_several_objects_is_meant_must_be_said() -> None:
    tables = [{"name": "a", "physicalName": "a_1", "properties": [{"name": "x"}]}, {"name": "b", "id": "b_id"}]
    with pytest.raises(UsageError, match="2 objects: `a`, `b`"):
        contract(*tables)
    with pytest.raises(UsageError, match="no object `c`"):
        contract(*tables, table="c")
    assert list(contract(*tables, table="a_1").columns) == ["x"]
    assert contract(*tables, table="b_id").columns == {}


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidFile, match="`a` stands twice"):
        contract({"name": "t", "properties": [{"name": "a"}, {"name": "b", "physicalName": "a"}]})


def test_what_only_describes_is_not_told() -> None:
    found = contract(
        {"name": "t", "businessName": "T", "tags": ["x"], "properties": [{"name": "a", "examples": [1]}]},
        description={"purpose": "x"}, servers=[{"server": "s"}], price={"priceAmount": 1}, team=[], support=[],
    )  # fmt: skip
    assert found.unchecked == []


def test_each_thing_has_the_place_where_the_contract_says_it() -> None:
    raw = b"""\
apiVersion: v3.1.0
kind: DataContract
schema:
  - name: t
    properties:
      - name: a
        logicalType: string
        required: true
        logicalTypeOptions:
          pattern: ^x
    quality:
      - metric: rowCount
        mustBeGreaterThan: 0
      - type: text
"""
    found = odcs.read(read_document(raw, "c.yaml", foreign=True), None)
    lines = {pointer: place.line for pointer, place in found.places.items()}
    assert lines == {
        ("columns", "a"): 6,
        ("columns", "a", "type"): 7,
        ("columns", "a", "required"): 8,
        ("columns", "a", "pattern"): 10,
        ("checks", 0): 12,
    }
    assert [item.at.line for item in found.unchecked] == [14]


# Written ----------------------------------------------------------------------------------------------------------


def spec(
    check: str, options: dict[str, Any] | None = None, *, id_: str = "", warn: bool = False, why: str = ""
) -> CheckSpec:
    severity = Level.WARNING if warn else Level.ERROR
    return CheckSpec(check=check, id=id_ or check, options=options or {}, severity=severity, why=why, dataset="train")


COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"type": "int", "required": True, "unique": True},
    "age": {"type": "int", "range": [18, 100], "required": {"mostly": "99%", "severity": "warning"}},
    "income": {"type": "float", "range": [0.5, None]},
    "country": {"type": "string", "in": ["US", "NO"], "required": {"mostly": {"warning": "99%", "error": "95%"}}},
    "plan": {"type": "string", "in": {"is": ["a", "b"], "max": 3}},
    "code": {"type": "string", "length": [2, 8], "pattern": "^[A-Z]+$"},
    "mail": {"type": "string", "sensitive": True, "pattern": {"is": "@", "mostly": "99.9%", "why": "old rows"}},
    "name": {"type": "string", "unique": {"severity": "warning"}},
    "day": {"type": "date", "range": ["2020-01-01", "2029-12-31"]},
    "at": {"type": "datetime", "required": {"max": 5}},
    "ok": {"type": "bool"},
    "raw": {},
}
CHECKS = (
    spec("rows", {"min": 1000}),
    spec("rows", {"max": 5000}, id_="most", warn=True, why="big"),
    spec("duplicates", {"by": ["age", "plan"]}),
    spec("sql", {"is": "select * from {data} where age < 18 and code = 'X'"}),
    spec("sql", {"is": "select * from {data}\nwhere at > day -- odd", "max": 3}, id_="odd", warn=True, why="odd"),
    spec("fresh", {"column": "at", "max_age": "36h"}),
    spec("foreign-key", {"columns": ["country"], "to": "countries", "references": ["code"]}),
    spec("foreign-key", {"columns": ["age", "plan"], "to": "plans", "references": ["age", "name"]}, id_="two"),
)


def dataset(columns: Mapping[str, Any] = COLUMNS, checks: Any = CHECKS, key: tuple[str, ...] = ("id",)) -> Dataset:
    return Dataset(name="train", columns=columns, checks=tuple(checks), key=key)


def written(what: Dataset) -> tuple[Contract, dict[str, Any], str]:
    text = odcs.write(what, id_="churn-train")
    read = read_document(text.encode(), "c.odcs.yaml")  # strictly
    return odcs.read(read, None), read.data, text


def item(check: CheckSpec) -> dict[str, Any]:
    options = (
        {"sql": check.options["is"]}
        if check.check == "sql" and len(check.options) == 1
        else {check.check: check.options}
    )
    outer = {"severity": "warning"} if check.severity is Level.WARNING else {}
    return {**options, **outer, **({"why": check.why} if check.why else {})}


def without_ids(checks: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps({k: v for k, v in check.items() if k != "id"}, sort_keys=True) for check in checks)


def test_what_is_written_is_read_back_as_it_was() -> None:
    found, _, text = written(dataset())
    assert found.columns == COLUMNS
    assert found.key == ("id",)
    assert without_ids(found.checks) == without_ids([item(check) for check in CHECKS])
    assert found.unchecked == []
    assert not text.startswith("#")


def test_a_key_of_several_columns_is_read_back() -> None:
    columns = {"a": {"type": "int", "required": True}, "b": {"type": "int", "required": True}}
    found, _, _ = written(dataset(columns, [spec("unique", {"columns": ["b", "a"]})], ("b", "a")))
    assert (found.key, found.columns) == (("b", "a"), columns)
    assert found.checks == [{"unique": {"columns": ["b", "a"]}}]


def test_a_key_that_may_repeat_is_no_primary_key() -> None:
    found, data, text = written(dataset({"a": {"type": "int"}}, [], ("a",)))
    assert (found.key, found.columns) == ((), {"a": {"type": "int"}})
    assert data["schema"][0]["customProperties"] == [{"property": "mlci.key", "value": ["a"]}]
    assert text.startswith("# `customProperties` hold what ODCS has no words for: key\n")


@pytest.mark.parametrize(
    "rule",
    [
        {"range": {"is": [0, 1], "mostly": "99%"}},
        {"required": {"max": 1, "where": "b > 1"}},
        {"required": {"max": 1, "mostly": "99%"}},
        {"unique": {"max": 3}},
        {"length": {"is": [1, 2], "severity": "warning"}},
    ],
    ids=str,
)
def test_a_rule_that_the_standard_has_no_words_for_is_kept_and_named(rule: dict[str, Any]) -> None:
    ((name, held),) = rule.items()
    _, data, text = written(dataset({"a": {"type": "string", **rule}}, [], ()))
    (property_,) = data["schema"][0]["properties"]
    assert property_ == {
        "name": "a",
        "logicalType": "string",
        "customProperties": [{"property": f"mlci.{name}", "value": held}],
    }
    assert f"{name} of a" in text.splitlines()[0]


@pytest.mark.parametrize(
    "check",
    [
        spec("drift", {"from": "test", "psi": {"warning": 0.1, "error": 0.25}}),
        spec("rows", {"min": 1, "change": "10%"}),
        spec("rows", {}),
        spec("duplicates", {}),
        spec("duplicates", {"by": ["a"], "mostly": "99%"}),
        spec("sql", {"is": "select * from {data} join {other} using (id)"}),
        spec("sql", {"is": "select * from {data}", "mostly": "99%"}),
        spec("sql", {"is": "select * from {data}; select 1"}),
        spec("fresh", {"column": "a", "advances": True}),
        spec("fresh", {"column": "a", "max_age": {"warning": "1h", "error": "2h"}}),
        spec("fresh", {"column": "a", "max_age": "20ms"}),
        spec("fresh", {"column": "nope", "max_age": "1h"}),
        spec("fresh", {"column": "a", "max_age": "1h"}, warn=True),
        spec("foreign-key", {"columns": ["a"], "to": "my table", "references": ["id"]}),
        spec("foreign-key", {"columns": ["a"], "to": "other", "references": ["id"]}, why="x"),
        spec("unique", {"columns": ["a", "b"]}),
    ],
    ids=lambda check: f"{check.check}-{check.options}",
)
def test_a_check_that_the_standard_has_no_words_for_is_kept_and_named(check: CheckSpec) -> None:
    found, data, text = written(dataset({"a": {"type": "int"}, "b": {"type": "int"}}, [check], ()))
    assert found.checks == []
    (kept,) = data["schema"][0]["customProperties"]
    assert kept["property"] == f"mlci.{check.id}"
    assert kept["value"][check.check] == check.options
    assert check.id in text.splitlines()[0]


def test_two_levels_of_a_check_are_two_rules() -> None:
    found, _, _ = written(dataset({"a": {}}, [spec("rows", {"min": {"warning": 100, "error": 10}})], ()))
    assert without_ids(found.checks) == without_ids(
        [{"rows": {"min": 100}, "severity": "warning"}, {"rows": {"min": 10}}]
    )


def test_a_list_of_values_needs_the_newer_standard() -> None:
    assert written(dataset({"a": {"type": "int"}}, [], ()))[1]["apiVersion"] == "v3.1.0"
    assert written(dataset({"a": {"type": "int", "in": [1]}}, [], ()))[1]["apiVersion"] == "v3.2.0"


def test_names_that_yaml_would_misread_stay_names() -> None:
    columns = {"no": {"type": "string", "in": ["yes", "2020-01-01", "1e3"]}, "010": {"type": "int"}}
    assert written(dataset(columns, [], ()))[0].columns == columns


@pytest.fixture(scope="module")
def published() -> jsonschema.protocols.Validator:
    """The schema of the standard, as its own package brings it."""
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft201909Validator(json.loads(text))


@pytest.mark.parametrize(
    "what",
    [
        # the schema asks a property without a logical type to be a map
        dataset({name: rules for name, rules in COLUMNS.items() if rules}),
        dataset(
            {"a": {"type": "int", "range": {"is": [0, 1], "mostly": "99%"}}}, [spec("drift", {"psi": 0.1})], ("a",)
        ),
        dataset({"a": {"type": "string"}}, [], ()),
    ],
    ids=["rich", "beyond", "plain"],
)
def test_what_is_written_is_valid_by_the_published_schema(published: Any, what: Dataset) -> None:
    _, data, _ = written(what)
    assert [error.message for error in published.iter_errors(data)] == []
