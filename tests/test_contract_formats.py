"""Frictionless, Great Expectations, pandera and dbt: what each says is held, or told as not checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import pytest
import yaml

from mlci.contract import Contract
from mlci.contracts import dbt, frictionless, great_expectations, pandera
from mlci.document import Document
from mlci.document import read as read_document
from mlci.errors import UsageError
from mlci.findings import InvalidFile


def document(data: Any, path: str = "contract.yaml") -> Document:
    text = json.dumps(data) if path.endswith(".json") else yaml.safe_dump(data, sort_keys=False)
    return read_document(text.encode(), path, foreign=True)


def reasons(found: Contract) -> list[str]:
    return [f"{item.what}: {item.reason}" for item in found.unchecked]


def told(found: Contract) -> str:
    assert found.checks == []
    (only,) = reasons(found)
    return only


def failing(check: dict[str, Any], rows: str) -> int:
    query = check["sql"]["is"] if isinstance(check["sql"], dict) else check["sql"]
    return len(duckdb.connect().execute(query.replace("{data}", f"(from ({rows}))")).fetchall())


# Frictionless -----------------------------------------------------------------------------------------------------


def fields(*given: Mapping[str, Any], **top: Any) -> Contract:
    return frictionless.read(document({"fields": list(given), **top}, "schema.json"), None)


def field(type_: str = "string", **constraints: Any) -> Contract:
    return fields({"name": "a", "type": type_, "constraints": constraints})


@pytest.mark.parametrize(
    ("type_", "constraints", "expected"),
    [
        ("string", {"required": True, "unique": True}, {"required": True, "unique": True}),
        ("string", {"pattern": "[A-Z]+"}, {"pattern": "^(?:[A-Z]+)$"}),
        ("string", {"pattern": "a|b"}, {"pattern": "^(?:a|b)$"}),
        ("string", {"minLength": 2, "maxLength": 8}, {"length": [2, 8]}),
        ("string", {"enum": ["a", "b"]}, {"in": ["a", "b"]}),
        ("integer", {"minimum": 0, "maximum": "10"}, {"range": [0, 10]}),
        ("integer", {"exclusiveMinimum": 0, "exclusiveMaximum": 10}, {"range": [1, 9]}),
        ("integer", {"enum": ["1", "2"]}, {"in": [1, 2]}),
        ("number", {"minimum": 0.5}, {"range": [0.5, None]}),
        ("boolean", {"enum": ["true"]}, {"in": [True]}),
        ("date", {"minimum": "2020-01-01"}, {"range": ["2020-01-01", None]}),
        ("datetime", {"maximum": "2020-01-01T10:00:00"}, {"range": [None, "2020-01-01 10:00:00"]}),
        ("year", {"minimum": 1900}, {"range": [1900, None]}),
    ],
)  # fmt: skip
def test_a_constraint_of_a_field_is_a_rule(type_: str, constraints: dict[str, Any], expected: dict[str, Any]) -> None:
    found = field(type_, **constraints)
    assert {rule: held for rule, held in found.columns["a"].items() if rule != "type"} == expected
    assert (found.checks, found.unchecked) == ([], [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"type": "geopoint"}, "no such type"),
        ({"type": "string", "format": "email"}, "how a value is written"),
        ({"type": "date", "format": "%d.%m.%Y"}, "how a value is written"),
        ({"type": "number", "decimalChar": ","}, "how a value is written"),
        ({"type": "string", "missingValues": ["-"]}, "how a value is written"),
        ({"type": "string", "constraints": {"pattern": r"\i\c*"}}, "RE2"),
        ({"type": "integer", "constraints": {"pattern": "1"}}, "needs text"),
        ({"type": "string", "constraints": {"jsonSchema": {}}}, "no check for this constraint"),
        ({"type": "integer", "constraints": {"enum": ["x"]}}, "no int"),
        ({"type": "string", "constraints": []}, "expected a mapping"),
        ({"type": "string", "constraints": {"required": "yes"}}, "expected true or false"),
        ({"type": "string", "sparkle": 1}, "no key of Frictionless"),
    ],
    ids=str,
)
def test_what_a_field_says_beyond_that_is_told(given: dict[str, Any], reason: str) -> None:
    assert reason in told(fields({"name": "a", **given}))


def test_the_end_of_a_pattern_is_the_end_of_the_value() -> None:
    (pattern,) = (rules["pattern"] for rules in field(pattern="a|b").columns.values())
    rows = duckdb.connect().execute("select regexp_matches(unnest(['a', 'b', 'xa', 'bx']), ?)", [pattern]).fetchall()
    assert [row[0] for row in rows] == [True, True, False, False]


def test_keys_of_a_schema_are_keys_and_checks() -> None:
    columns = [{"name": name, "type": "integer"} for name in "abc"]
    found = fields(
        *columns,
        primaryKey=["a", "b"],
        uniqueKeys=[["b", "c"]],
        foreignKeys=[
            {"fields": "c", "reference": {"resource": "others", "fields": "id"}},
            {"fields": ["b"], "reference": {"resource": "", "fields": ["a"]}},
        ],
    )
    assert found.key == ("a", "b")
    assert found.columns["a"] == {"type": "int", "required": True}
    assert found.checks[:3] == [
        {"unique": {"columns": ["a", "b"]}, "id": "unique-key"},
        {"unique": {"columns": ["b", "c"]}, "id": "unique-b-c"},
        {"foreign-key": {"columns": ["c"], "to": "others", "references": ["id"]}},
    ]
    assert failing(found.checks[3], "select * from (values (1, 1, 0), (2, 9, 0), (3, null, 0)) as t(a, b, c)") == 1
    assert found.unchecked == []


def test_categories_are_a_list_of_values() -> None:
    found = fields({"name": "a", "type": "string", "categories": [{"value": "x", "label": "X"}, "y"]})
    assert found.columns == {"a": {"type": "string", "in": ["x", "y"]}}


@pytest.mark.parametrize(
    "top",
    [
        {"missingValues": ["", "-"]},
        {"fieldsMatch": "exact"},
        {"primaryKey": "nope"},
        {"primaryKey": 3},
        {"uniqueKeys": [["nope"]]},
        {"foreignKeys": [{"fields": "a"}]},
        {"foreignKeys": [{"fields": "nope", "reference": {"fields": "a"}}]},
        {"foreignKeys": [{"fields": "a", "reference": {"fields": ["a", "b"]}}]},
        {"sparkle": 1},
    ],
    ids=str,
)
def test_what_a_schema_says_beyond_that_is_told(top: dict[str, Any]) -> None:
    assert told(fields({"name": "a"}, **top))


PACKAGE = {
    "name": "p",
    "resources": [
        {"name": "one", "path": "a.csv", "schema": {"fields": [{"name": "a"}]}, "hash": "md5:x", "dialect": {}},
        {"name": "two", "path": "b.csv", "schema": {"fields": [{"name": "b"}], "missingValues": ["x"]}},
        {"name": "far", "path": "c.csv", "schema": "schema.json"},
    ],
}


def test_which_resource_of_a_package_is_meant_must_be_said() -> None:
    with pytest.raises(UsageError, match="3 resources: `one`, `two`, `far`"):
        frictionless.read(document(PACKAGE), None)
    found = frictionless.read(document(PACKAGE), "one")
    assert found.columns == {"a": {}}
    assert [item.what for item in found.unchecked] == ["`hash`", "`dialect`"]


def test_a_resource_alone_is_its_schema() -> None:
    assert frictionless.read(document(PACKAGE["resources"][1]), None).columns == {"b": {}}


def test_a_schema_in_another_file_is_asked_for() -> None:
    with pytest.raises(InvalidFile, match="stands in another file") as caught:
        frictionless.read(document(PACKAGE), "far")
    assert "name the file of the schema" in caught.value.hint


def test_a_field_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidFile, match="`a` stands twice"):
        fields({"name": "a"}, {"name": "a"})


# Great Expectations -----------------------------------------------------------------------------------------------


def suite(*expectations: tuple[str, dict[str, Any]], old: bool = False, **more: Any) -> Contract:
    key = "expectation_type" if old else "type"
    items = [{key: f"expect_{name}", "kwargs": kwargs, **more} for name, kwargs in expectations]
    data = {"expectation_suite_name" if old else "name": "s", "expectations": items, "meta": {}}
    return great_expectations.read(document(data, "suite.json"), None)


NOT_NULL = '"a" is not null'


@pytest.mark.parametrize("old", [False, True], ids=["v1", "v0"])
@pytest.mark.parametrize(
    ("name", "kwargs", "expected"),
    [
        ("column_to_exist", {}, {}),
        ("column_values_to_not_be_null", {}, {"required": True}),
        ("column_values_to_not_be_null", {"mostly": 0.95}, {"required": {"mostly": 0.95}}),
        ("column_values_to_be_unique", {"mostly": 1.0}, {"unique": True}),
        ("column_values_to_be_between", {"min_value": 0, "max_value": 5.5}, {"range": [0, 5.5]}),
        (
            "column_values_to_be_between",
            {"min_value": 0, "mostly": 0.9},
            {"range": {"is": [0, None], "mostly": 0.9, "where": NOT_NULL}},
        ),
        ("column_values_to_be_between", {"max_value": "2024-01-01"}, {"range": [None, "2024-01-01"]}),
        ("column_values_to_be_in_set", {"value_set": ["x", "y"]}, {"in": ["x", "y"]}),
        ("column_distinct_values_to_be_in_set", {"value_set": [1, 2]}, {"in": [1, 2]}),
        ("column_values_to_match_regex", {"regex": "^x"}, {"pattern": "^x"}),
        ("column_values_to_match_regex_list", {"regex_list": ["^x", "y"]}, {"pattern": "(?:^x)|(?:y)"}),
        ("column_values_to_match_regex_list", {"regex_list": ["x"], "match_on": "all"}, {"pattern": "x"}),
        ("column_values_to_match_like_pattern", {"like_pattern": "a.%_"}, {"pattern": r"(?s)^(?:a\..*.)$"}),
        ("column_value_lengths_to_be_between", {"min_value": 1, "strict_min": True}, {"length": [2, None]}),
        ("column_value_lengths_to_equal", {"value": 3}, {"length": [3, 3]}),
        ("column_values_to_be_of_type", {"type_": "INTEGER"}, {"type": "int"}),
        ("column_values_to_be_in_type_list", {"type_list": ["int64", "FLOAT"]}, {"type": "float"}),
    ],
)  # fmt: skip
def test_an_expectation_of_values_is_a_rule(name: str, kwargs: Any, expected: dict[str, Any], old: bool) -> None:
    found = suite((name, {"column": "a", "result_format": "BASIC", "catch_exceptions": False, **kwargs}), old=old)
    assert found.columns == {"a": expected}
    assert (found.checks, found.unchecked) == ([], [])


@pytest.mark.parametrize(
    ("name", "kwargs", "expected"),
    [
        ("table_row_count_to_equal", {"value": 5}, {"rows": {"min": 5, "max": 5}}),
        ("table_row_count_to_be_between", {"min_value": 1, "max_value": None}, {"rows": {"min": 1}}),
        ("table_row_count_to_be_between", {"min_value": 1, "strict_min": True}, {"rows": {"min": 2}}),
        (
            "compound_columns_to_be_unique",
            {"column_list": ["a", "b"], "ignore_row_if": "any_value_is_missing"},
            {"unique": {"columns": ["a", "b"]}},
        ),
        (
            "compound_columns_to_be_unique",
            {"column_list": ["a", "b"], "mostly": 0.9},
            {"duplicates": {"by": ["a", "b"], "mostly": 0.9, "where": '"a" is not null or "b" is not null'}},
        ),
    ],
)
def test_an_expectation_of_the_table_is_a_check(name: str, kwargs: dict[str, Any], expected: dict[str, Any]) -> None:
    assert suite((name, kwargs)).checks == [expected]


GX_ROWS = "select * from (values (1, 1, 'x'), (2, 1, 'y'), (3, 4, null), (null, null, 'xy')) as t(a, b, c)"


@pytest.mark.parametrize(
    ("name", "kwargs", "rows"),
    [
        ("column_values_to_be_null", {"column": "c"}, 3),
        ("column_values_to_not_be_in_set", {"column": "a", "value_set": [1, 2]}, 2),
        ("column_values_to_not_match_regex", {"column": "c", "regex": "^x"}, 2),
        ("column_values_to_not_match_regex_list", {"column": "c", "regex_list": ["y$"]}, 2),
        ("column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b"}, 2),
        ("column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b", "ignore_row_if": "never"}, 3),
        ("column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}, 2),
        ("column_pair_values_A_to_be_greater_than_B", {"column_A": "a", "column_B": "b", "or_equal": True}, 1),
        ("column_pair_values_to_be_equal", {"column_A": "a", "column_B": "a"}, 0),
        ("select_column_values_to_be_unique_within_record", {"column_list": ["a", "b"]}, 1),
        ("column_min_to_be_between", {"column": "a", "min_value": 1}, 0),
        ("column_min_to_be_between", {"column": "a", "min_value": 1, "strict_min": True}, 1),
        ("column_max_to_be_between", {"column": "a", "max_value": 2}, 1),
        ("column_mean_to_be_between", {"column": "a", "min_value": 2, "max_value": 2}, 0),
        ("column_median_to_be_between", {"column": "a", "min_value": 2, "max_value": 2}, 0),
        ("column_sum_to_be_between", {"column": "a", "max_value": 5}, 1),
        ("column_stdev_to_be_between", {"column": "a", "min_value": 1, "max_value": 1}, 0),
        ("column_unique_value_count_to_be_between", {"column": "b", "min_value": 2, "max_value": 2}, 0),
        ("column_proportion_of_unique_values_to_be_between", {"column": "b", "min_value": 0.7}, 1),
        ("column_distinct_values_to_contain_set", {"column": "a", "value_set": [1, 3]}, 0),
        ("column_distinct_values_to_contain_set", {"column": "a", "value_set": [1, 9]}, 1),
        ("column_distinct_values_to_equal_set", {"column": "a", "value_set": [1, 2, 3]}, 0),
        ("column_values_to_be_between", {"column": "a", "min_value": 1, "strict_min": True}, 1),
    ],
    ids=str,
)
def test_an_expectation_that_no_rule_holds_is_a_query(name: str, kwargs: dict[str, Any], rows: int) -> None:
    found = suite((name, kwargs))
    (check,) = found.checks
    assert failing(check, GX_ROWS) == rows
    assert found.unchecked == []


@pytest.mark.parametrize(
    ("name", "kwargs", "reason"),
    [
        ("column_kl_divergence_to_be_less_than", {"column": "a"}, "no such check"),
        ("column_values_to_be_increasing", {"column": "a"}, "no such check"),
        ("column_values_to_not_be_null", {"column": "a", "row_condition": "b > 1"}, "`row_condition`"),
        ("column_values_to_not_be_null", {"column": 3}, "names no column"),
        ("column_values_to_not_be_null", {"column": "a", "mostly": 2}, "`mostly` is no share"),
        ("column_values_to_not_be_null", {"column": "a", "sparkle": 2}, "`sparkle`"),
        ("column_values_to_be_between", {"column": "a"}, "neither"),
        ("column_values_to_be_between", {"column": "a", "min_value": {"$PARAMETER": "x"}}, "not what it should be"),
        ("column_values_to_be_between", {"column": "a", "min_value": "low"}, "no number and no date"),
        ("column_values_to_be_between", {"column": "a", "min_value": 0, "strict_min": True, "mostly": 0.9}, "share"),
        ("column_values_to_be_in_set", {"column": "a", "value_set": None}, "no list of values"),
        ("column_values_to_not_be_in_set", {"column": "a", "value_set": [1], "mostly": 0.5}, "share"),
        ("column_values_to_match_regex", {"column": "a", "regex": "(?=x)"}, "RE2"),
        ("column_values_to_not_match_regex", {"column": "a", "regex": r"(x)\1"}, "RE2"),
        ("column_values_to_be_of_type", {"column": "a", "type_": "Blob"}, "not one type"),
        ("column_value_lengths_to_be_between", {"column": "a", "min_value": 0.5}, "no whole numbers"),
        ("table_row_count_to_be_between", {"min_value": "x"}, "no whole numbers"),
        ("compound_columns_to_be_unique", {"column_list": ["a"]}, "names no columns"),
        ("table_columns_to_match_set", {"column_set": ["a"]}, "lets others"),
    ],
    ids=str,
)
def test_an_expectation_that_mlci_cannot_hold_is_told(name: str, kwargs: dict[str, Any], reason: str) -> None:
    found = suite((name, kwargs))
    assert found.checks == []
    assert reason in reasons(found)[0]


def test_the_columns_of_a_table_are_there() -> None:
    found = suite(("table_columns_to_match_set", {"column_set": ["a", "b"], "exact_match": False}))
    assert (found.columns, found.unchecked) == ({"a": {}, "b": {}}, [])


def test_a_type_is_known_before_the_bounds_that_need_it() -> None:
    found = suite(
        ("column_values_to_be_between", {"column": "a", "min_value": 0, "strict_min": True}),
        ("column_values_to_be_of_type", {"column": "a", "type_": "int64"}),
    )
    assert found.columns == {"a": {"type": "int", "range": [1, None]}}


def test_notes_and_severity_stay_with_the_rule() -> None:
    meta = {"notes": {"format": "markdown", "content": ["old", "rows"]}}
    found = suite(("column_values_to_not_be_null", {"column": "a"}), meta=meta, severity="warning")
    assert found.columns == {"a": {"required": {"severity": "warning", "why": "old rows"}}}


def test_checks_of_one_kind_have_ids_of_their_own() -> None:
    kwargs = {"column": "a", "min_value": 1}
    found = suite(("column_min_to_be_between", kwargs), ("column_max_to_be_between", kwargs))
    assert [check["id"] for check in found.checks] == ["sql-a", "sql-a-2"]


# pandera ----------------------------------------------------------------------------------------------------------


def frame(columns: Any, **top: Any) -> Contract:
    return pandera.read(document({"schema_type": "dataframe", "version": "0.24.0", "columns": columns, **top}), None)


def layouts(name: str, held: Any) -> list[dict[str, Any]]:
    """The three ways in which versions of pandera write a check."""
    inside = held if isinstance(held, dict) else {"value": held}
    listed = {**inside, "options": {**inside.get("options", {}), "check_name": name}}
    return [{"checks": {name: held}}, {"checks": [listed]}, {name: held}]


@pytest.mark.parametrize("layout", [0, 1, 2], ids=["mapping", "list", "flat"])
@pytest.mark.parametrize(
    ("dtype", "name", "held", "expected"),
    [
        ("int64", "greater_than", 0, {"range": [1, None]}),
        ("int64", "greater_than_or_equal_to", {"min_value": 0}, {"range": [0, None]}),
        ("int64", "less_than", {"value": 9, "options": {"raise_warning": False}}, {"range": [None, 8]}),
        ("float64", "less_than_or_equal_to", 9.5, {"range": [None, 9.5]}),
        ("Int64", "in_range", {"min_value": 0, "max_value": 9, "include_min": False}, {"range": [1, 9]}),
        ("datetime64[ns]", "ge", "2020-01-01 00:00:00", {"range": ["2020-01-01 00:00:00", None]}),
        ("str", "isin", ["a", "no"], {"in": ["a", "no"]}),
        ("object", "eq", "a", {"in": ["a"]}),
        ("string[python]", "str_matches", "a|b", {"pattern": "^(?:a|b)"}),
        ("str", "str_contains", "x", {"pattern": "x"}),
        ("str", "str_startswith", "a.b_é", {"pattern": r"^a\.b_é"}),
        ("str", "str_endswith", "$", {"pattern": r"\$$"}),
        ("str", "str_length", {"min_value": 1, "max_value": 5}, {"length": [1, 5]}),
        ("str", "str_length", {"exact_value": 3}, {"length": [3, 3]}),
        ("int64", "gt", {"min_value": 0, "raise_warning": True, "error": "too low"},
         {"range": {"is": [1, None], "severity": "warning", "why": "too low"}}),
    ],
)  # fmt: skip
def test_a_built_in_check_is_a_rule(dtype: str, name: str, held: Any, expected: dict[str, Any], layout: int) -> None:
    found = frame({"a": {"dtype": dtype, "nullable": True, **layouts(name, held)[layout]}})
    assert {rule: rules for rule, rules in found.columns["a"].items() if rule != "type"} == expected
    assert found.checks == []
    assert [item.what for item in found.unchecked if "type" not in item.what] == []


@pytest.mark.parametrize(
    ("name", "held", "rows"),
    [
        ("notin", ["x"], 1),
        ("not_equal_to", "y", 2),
        ("ne", "?", 0),
    ],
)
def test_a_check_for_what_may_not_be_is_a_query(name: str, held: Any, rows: int) -> None:
    found = frame({"a": {"nullable": True, "checks": {name: held}}})
    (check,) = found.checks
    assert failing(check, "select unnest(['x', 'y', 'y', null, 'z']) as a") == rows


@pytest.mark.parametrize(
    ("keys", "columns", "checks"),
    [
        ({}, {"required": True}, []),
        ({"nullable": True}, {}, []),
        ({"unique": True}, {"required": True, "unique": True}, []),
        ({"unique": True, "nullable": True}, {}, [{"duplicates": {"by": ["a"]}}]),
    ],
)
def test_null_and_unique_mean_what_they_mean_to_pandas(keys: Any, columns: Any, checks: Any) -> None:
    found = frame({"a": keys})
    assert (found.columns, found.checks) == ({"a": columns}, checks)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"dtype": "category"}, "no such type"),
        ({"coerce": True}, "converts nothing"),
        ({"checks": {"my_check": 1}}, "no such check"),
        ({"my_check": 1}, "check of one's own"),
        ({"checks": [{"value": 1}]}, "no such check"),
        ({"checks": "x"}, "no mapping and no list"),
        ({"checks": {"isin": 3}}, "no list of values"),
        ({"checks": {"notin": []}}, "no list of values"),
        ({"checks": {"gt": {"a": 1, "b": 2}}}, "does not hold one value"),
        ({"checks": {"gt": None}}, "does not hold one value"),
        ({"checks": {"in_range": {"min_value": 1}}}, "`max_value`"),
        ({"checks": {"str_matches": 3}}, "no text"),
        ({"checks": {"str_matches": "(?=x)"}}, "RE2"),
        ({"checks": {"str_length": {"n": 3}}}, "holds `n`"),
        ({"nullable": True, "checks": {"gt": {"min_value": 0, "ignore_na": False}}}, "a null breaks it"),
        ({"checks": {"gt": {"min_value": 0, "groupby": ["b"]}}}, "option `groupby`"),
        ({"nullable": "x"}, "expected true or false"),
    ],
    ids=str,
)
def test_what_a_column_says_beyond_that_is_told(keys: dict[str, Any], reason: str) -> None:
    assert reason in told(frame({"a": keys}))


@pytest.mark.parametrize("keys", [{"regex": True}, {"required": False}], ids=str)
def test_a_column_that_need_not_be_there_is_told(keys: dict[str, Any]) -> None:
    found = frame({"a": {**keys, "checks": {"gt": 1}}})
    assert found.columns == {}
    assert told(found)


@pytest.mark.parametrize(
    "top",
    [{"strict": True}, {"coerce": True}, {"ordered": True}, {"dtype": "int64"}, {"index": [{"dtype": "int64"}]},
     {"checks": {"x": 1}}, {"unique": ["nope"]}, {"drop_invalid_rows": True}, {"sparkle": 1}],
    ids=str,
)  # fmt: skip
def test_what_a_frame_says_beyond_that_is_told(top: dict[str, Any]) -> None:
    assert told(frame({"a": {}}, **top))


def test_a_frame_that_is_unique_by_some_columns_has_no_duplicates_by_them() -> None:
    found = frame({"a": {}, "b": {}}, unique=["a", "b"], strict=False, coerce=False, checks=None, index=None)
    assert found.checks == [{"duplicates": {"by": ["a", "b"]}}]
    assert found.unchecked == []


def test_columns_may_be_a_list() -> None:
    assert list(frame([{"name": "a"}, {"name": "b"}]).columns) == ["a", "b"]


def test_a_frame_without_columns_is_refused() -> None:
    with pytest.raises(InvalidFile, match="no mapping of columns"):
        frame("x")


# dbt --------------------------------------------------------------------------------------------------------------


def model(*columns: Mapping[str, Any], table: str | None = None, **keys: Any) -> Contract:
    data = {"version": 2, "models": [{"name": "orders", "columns": list(columns), **keys}]}
    return dbt.read(document(data, "schema.yml"), table)


def column_tests(*tests: Any, key: str = "data_tests", **keys: Any) -> Contract:
    return model({"name": "a", key: list(tests), **keys})


@pytest.mark.parametrize("key", ["tests", "data_tests"])
@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("not_null", {"required": True}),
        ({"not_null": None}, {"required": True}),
        ({"not_null": {}}, {"required": True}),
        ("unique", {"unique": True}),
        ({"accepted_values": {"values": ["a", "NO"]}}, {"in": ["a", "NO"]}),
        ({"accepted_values": {"arguments": {"values": [1, 2], "quote": False}}}, {"in": [1, 2]}),
        ({"name": "mine", "test_name": "accepted_values", "values": ["a"]}, {"in": ["a"]}),
        ({"not_null": {"severity": "warn"}}, {"required": {"severity": "warning"}}),
        (
            {"not_null": {"config": {"severity": "WARN", "warn_if": ">5"}}},
            {"required": {"max": 5, "severity": "warning"}},
        ),
        ({"not_null": {"config": {"error_if": "> 10"}}}, {"required": {"max": {"warning": 0, "error": 10}}}),
        (
            {"not_null": {"config": {"error_if": ">=10", "warn_if": ">5"}}},
            {"required": {"max": {"warning": 5, "error": 9}}},
        ),
        ({"not_null": {"config": {"error_if": ">10", "warn_if": ">10"}}}, {"required": {"max": 10}}),
        ({"not_null": {"config": {"where": "b > 1"}}}, {"required": {"where": "b > 1"}}),
        ({"not_null": None, "config": {"where": "b > 1"}}, {"required": {"where": "b > 1"}}),
        ({"dbt_utils.accepted_range": {"min_value": 0, "max_value": 9}}, {"range": [0, 9]}),
    ],
)  # fmt: skip
def test_a_generic_test_is_a_rule(test: Any, expected: dict[str, Any], key: str) -> None:
    found = column_tests(test, key=key)
    assert found.columns == {"a": expected}
    assert (found.checks, found.unchecked) == ([], [])


@pytest.mark.parametrize(
    ("test", "rows", "most"),
    [
        ({"unique": {"config": {"error_if": ">5", "warn_if": ">5"}}}, 1, 5),
        ({"unique": {"config": {"severity": "warn", "warn_if": ">1", "where": "a < 2"}}}, 1, 1),
        ({"accepted_values": {"values": [3], "config": {"error_if": ">1"}}}, 2, {"warning": 0, "error": 1}),
        ({"dbt_utils.accepted_range": {"min_value": 2, "inclusive": False}}, 1, None),
        ({"dbt_utils.accepted_range": {"min_value": 2, "inclusive": False, "error_if": ">1", "warn_if": ">1"}}, 3, 1),
    ],
    ids=str,
)
def test_a_test_that_counts_values_counts_values(test: Any, rows: int, most: Any) -> None:
    (check,) = column_tests(test).checks
    assert failing(check, "select unnest([1, 1, 2, 3, null]) as a") == rows
    assert (check["sql"].get("max") if isinstance(check["sql"], dict) else None) == most


@pytest.mark.parametrize(
    ("to", "expected"),
    [("ref('customers')", "customers"), ('ref( "pkg", "customers" )', "customers"), ("source('raw', 'c')", "c")],
)
def test_a_relationship_is_a_foreign_key(to: str, expected: str) -> None:
    found = column_tests({"relationships": {"to": to, "field": "id", "severity": "warn"}})
    key = {"columns": ["a"], "to": expected, "references": ["id"]}
    assert found.checks == [{"foreign-key": key, "severity": "warning"}]


def test_a_relationship_with_the_model_itself_is_a_query() -> None:
    (check,) = column_tests({"relationships": {"to": "ref('orders')", "field": "id"}}).checks
    assert failing(check, "select * from (values (1, 2), (2, 7)) as t(id, a)") == 1


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("my_package.my_test", "no such check"),
        ({"my_test": {"x": 1}}, "no such check"),
        ({"unique": {"x": 1}}, "it has `x`"),
        ({"not_null": None, "unique": None}, "no name"),
        (3, "no name"),
        ({"accepted_values": {}}, "no list of values"),
        ({"accepted_values": ["a"]}, "it has `?`"),
        ({"not_null": {"config": {"enabled": False}}}, "switched off"),
        ({"not_null": {"config": {"fail_calc": "sum(n)"}}}, "way of its own"),
        ({"not_null": {"config": {"limit": 1}}}, "way of its own"),
        ({"not_null": {"config": {"where": "x > {{ var('y') }}"}}}, "Jinja"),
        ({"not_null": {"config": {"error_if": "between 1 and 2"}}}, "`error_if`"),
        ({"not_null": {"config": {"error_if": "<5"}}}, "`error_if`"),
        ({"not_null": {"config": {"severity": "fatal"}}}, "severity"),
        ({"relationships": {"to": "{{ x }}", "field": "id"}}, "no `ref"),
        ({"relationships": {"to": "ref('x')"}}, "no column"),
        ({"relationships": {"to": "ref('x')", "field": "id", "where": "a > 1"}}, "tolerance"),
        ({"dbt_utils.accepted_range": {"min_value": "now()"}}, "expressions"),
    ],
    ids=str,
)
def test_a_test_that_mlci_cannot_hold_is_told(test: Any, reason: str) -> None:
    found = column_tests(test)
    assert found.columns == {"a": {}}
    assert reason in told(found)


def test_constraints_of_a_contract_are_rules() -> None:
    found = model(
        {
            "name": "a",
            "data_type": "bigint",
            "constraints": [{"type": "not_null"}, {"type": "check", "expression": "a > 0"}],
        },
        {"name": "b", "data_type": "varchar(2)", "constraints": [{"type": "unique"}]},
        {"name": "c", "constraints": [{"type": "foreign_key", "to": "ref('cs')", "to_columns": ["id"]}]},
        constraints=[{"type": "primary_key", "columns": ["a", "b"]}],
    )
    assert found.key == ("a", "b")
    assert found.columns == {
        "a": {"type": "int", "required": True},
        "b": {"type": "string", "unique": True, "required": True},
        "c": {},
    }
    sql, foreign, unique = found.checks
    assert failing(sql, "select unnest([1, 0, null]) as a") == 1
    assert foreign == {"foreign-key": {"columns": ["c"], "to": "cs", "references": ["id"]}}
    assert unique == {"unique": {"columns": ["a", "b"]}}
    assert found.unchecked == []


@pytest.mark.parametrize(
    "constraint",
    [{"type": "custom", "expression": "x"}, {"type": "check", "expression": "{{ x }}"}, {"type": "check"}, {},
     {"type": "foreign_key", "expression": "x (id)"}, {"type": "not_null", "sparkle": 1}],
    ids=str,
)  # fmt: skip
def test_a_constraint_that_mlci_cannot_hold_is_told(constraint: dict[str, Any]) -> None:
    assert told(model({"name": "a", "constraints": [constraint]}))


def test_a_combination_of_columns_lets_nulls_be_alike() -> None:
    test = {"dbt_utils.unique_combination_of_columns": {"combination_of_columns": ["a", "b"]}}
    assert model({"name": "a"}, tests=[test]).checks == [{"duplicates": {"by": ["a", "b"]}}]


def test_a_test_of_a_column_is_none_of_the_model() -> None:
    assert "no such check" in told(model({"name": "a"}, tests=["not_null"]))


SOURCES = {
    "sources": [
        {
            "name": "raw",
            "loaded_at_field": "at",
            "freshness": {"warn_after": {"count": 12, "period": "hour"}, "error_after": {"count": 1, "period": "day"}},
            "tables": [
                {"name": "one", "columns": [{"name": "at"}]},
                {"name": "two", "loaded_at_field": "at::timestamp", "columns": []},
                {"name": "three", "freshness": {"error_after": {"count": 1, "period": "day"}, "filter": "x"}},
            ],
        }
    ]
}


@pytest.mark.parametrize("table", ["one", "raw.one"])
def test_the_freshness_of_a_source_is_that_of_its_tables(table: str) -> None:
    found = dbt.read(document(SOURCES), table)
    assert found.checks == [{"fresh": {"column": "at", "max_age": {"warning": "12h", "error": "1d"}}}]
    assert found.unchecked == []


@pytest.mark.parametrize("table", ["two", "three"])
def test_a_freshness_of_an_expression_is_told(table: str) -> None:
    assert "`freshness`" in told(dbt.read(document(SOURCES), table))


def test_which_model_is_meant_must_be_said() -> None:
    with pytest.raises(UsageError, match="3 models: `one`, `two`, `three`"):
        dbt.read(document(SOURCES), None)


def test_a_file_without_models_is_refused() -> None:
    with pytest.raises(InvalidFile, match="names no model"):
        dbt.read(document({"version": 2, "models": []}), None)
    with pytest.raises(InvalidFile, match="`a` stands twice"):
        model({"name": "a"}, {"name": "a"})
