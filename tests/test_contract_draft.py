"""Rules that add up while a contract is read."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci.contract import Contract
from mlci.contracts import limits, merge, physical, sql, values
from mlci.contracts.draft import Draft
from mlci.document import Document
from mlci.findings import InvalidFile
from mlci.places import Location

AT = Location("c.yaml", 1, 1)


def draft(type_: str | None = None) -> Draft:
    found = Draft("test", Document("c.yaml", {}))
    assert found.column("a", AT, type_)
    return found


def rule(found: Contract, name: str) -> Any:
    return found.columns["a"].get(name)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, True),
        ({}, {"mostly": 0.9}, True),
        ({"max": 3}, {}, True),
        ({"max": 3}, {"max": 3}, {"max": 3}),
        ({"max": 3, "severity": "warning"}, {"max": 9}, {"max": {"warning": 3, "error": 9}}),
        ({"mostly": "90%"}, {"mostly": "99%", "severity": "warning"}, {"mostly": {"warning": "99%", "error": "90%"}}),
        ({"max": 3, "severity": "warning", "where": "x"}, {"max": 9, "where": "x"},
         {"max": {"warning": 3, "error": 9}, "where": "x"}),
        ({"severity": "warning"}, {}, True),
        ({"why": "x"}, {}, {"why": "x"}),
        ({"mostly": 1, "max": 0, "severity": "error", "where": None, "why": ""}, {}, True),
    ],
    ids=str,
)  # fmt: skip
def test_two_rules_of_one_value_are_the_rule_that_holds_both(one: Any, other: Any, expected: Any) -> None:
    found = draft()
    found.flag("required", "a", AT, one)
    found.flag("required", "a", AT, other)
    done = found.done()
    assert rule(done, "required") == expected
    assert (done.checks, done.unchecked) == ([], [])


def test_two_tolerances_that_do_not_add_up_are_a_rule_and_a_query() -> None:
    found = draft()
    found.flag("required", "a", AT, {"max": 3})
    found.flag("required", "a", AT, {"max": 9, "where": "b > 1"})
    done = found.done()
    assert rule(done, "required") == {"max": 3}
    assert done.checks == [{"sql": {"is": 'select * from {data} where ("a" is null) and (b > 1)', "max": 9}}]


def test_a_share_of_some_rows_has_no_query_and_is_told() -> None:
    found = draft()
    found.flag("required", "a", AT, {"max": 3})
    found.flag("required", "a", AT, {"mostly": 0.9, "where": "b > 1"})
    done = found.done()
    assert done.checks == []
    assert done.unchecked[0].what == "the required of `a`"


def test_ranges_lists_and_lengths_overlap() -> None:
    found = draft("string")
    found.length("a", 1, None, AT)
    found.length("a", None, 9, AT)
    found.length("a", 3, 20, AT)
    found.values("a", ["x", "y", "z"], AT)
    found.values("a", ["z", "y"], AT)
    assert found.done().columns == {"a": {"type": "string", "length": [3, 9], "in": ["y", "z"]}}


@pytest.mark.parametrize("other", [["z"], ["w", "v"]])
def test_lists_without_a_value_in_common_make_the_contract_invalid(other: list[str]) -> None:
    found = draft()
    found.values("a", ["x", "y"], AT)
    found.values("a", other, AT)
    with pytest.raises(InvalidFile, match="none in common"):
        found.done()


BOUNDS = st.fixed_dictionaries(
    {}, optional={side: st.integers(-3, 3) for side in ("low", "high", "above", "below")}
).filter(bool)
VALUES = [-4, -3, -2, -1, 0, 1, 2, 3, 4]


def inside(value: float, bounds: dict[str, Any]) -> bool:
    return (
        value >= bounds.get("low", value)
        and value <= bounds.get("high", value)
        and value > bounds.get("above", value - 1)
        and value < bounds.get("below", value + 1)
    )


@given(BOUNDS, st.sampled_from(["int", "float"]), st.sampled_from([{}, {"max": 1}]))
def test_a_range_lets_through_what_its_bounds_do(bounds: dict[str, Any], type_: str, how: dict[str, Any]) -> None:
    found = draft(type_)
    found.range("a", AT, **bounds, how=how)
    try:
        done = found.done()
    except InvalidFile:
        steps = [value / 2 for value in range(-8, 9)] if type_ == "float" else VALUES
        assert not [value for value in steps if inside(value, bounds)]
        return
    written = rule(done, "range") or [None, None]
    low, high = written["is"] if isinstance(written, dict) else written
    rows = ", ".join(f"({value}::{'double' if type_ == 'float' else 'int'})" for value in VALUES)
    excluded: set[float] = set()
    for check in done.checks:
        query = check["sql"]["is"] if isinstance(check["sql"], dict) else check["sql"]
        table = f"(from (values {rows}) as t(a))"
        excluded |= {row[0] for row in duckdb.connect().execute(query.replace("{data}", table)).fetchall()}
    passed = [v for v in VALUES if (low is None or v >= low) and (high is None or v <= high) and v not in excluded]
    assert passed == [value for value in VALUES if inside(value, bounds)]
    assert done.unchecked == []


@pytest.mark.parametrize("rule", ["range", "length"])
def test_a_rule_that_ends_before_it_begins_is_refused(rule: str) -> None:
    found = draft()
    if rule == "range":
        found.range("a", AT, low=3, high=1)
    else:
        found.length("a", 3, 1, AT)
    with pytest.raises(InvalidFile, match="before it begins"):
        found.done()


@pytest.mark.parametrize("name", [None, "", 3, [], "x" * 513])
def test_what_is_no_name_of_a_column_is_told(name: Any) -> None:
    found = Draft("test", Document("c.yaml", {}))
    assert not found.column(name, AT)
    assert found.done().unchecked[0].what == "a column"


def test_ids_are_given_where_a_kind_occurs_twice_and_are_all_different() -> None:
    found = draft()
    found.check("rows", {"min": 1}, AT)
    for number, slug in enumerate(["a", "a", "a-2", "", "", "x y/z", "é"]):
        found.check("sql", f"select {number}", AT, slug=slug)
    ids = [item.get("id") for item in found.done().checks]
    assert ids[0] is None
    assert len(set(ids)) == len(ids)
    assert "sql" not in ids
    assert ids[1:3] == ["sql-a", "sql-a-2"]


def test_a_check_that_is_asked_for_twice_is_one_check() -> None:
    found = draft()
    found.check("sql", "select 1", AT, slug="a")
    found.check("sql", "select 1", AT, slug="b")
    assert found.done().checks == [{"sql": "select 1"}]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([({"min": 1}, {}), ({"max": 9}, {})], [{"rows": {"min": 1, "max": 9}}]),
        ([({"min": 1}, {}), ({"min": 1}, {})], [{"rows": {"min": 1}}]),
        ([({"min": -5}, {})], [{"rows": {"min": 0}}]),
    ],
)
def test_bounds_of_the_number_of_rows_add_up(asked: Any, expected: Any) -> None:
    found = draft()
    for bounds, how in asked:
        found.rows(bounds, AT, how)
    assert found.done().checks == expected


def test_bounds_of_rows_that_weigh_differently_are_two_checks() -> None:
    found = draft()
    found.rows({"min": 1}, AT, {})
    found.rows({"max": 9}, AT, {"severity": "warning"})
    assert [(item["rows"], item.get("severity")) for item in found.done().checks] == [
        ({"min": 1}, None), ({"max": 9}, "warning")
    ]  # fmt: skip


@pytest.mark.parametrize("asked", [[{"max": -1}], [{"min": 5}, {"max": 3}], [{"min": 5, "max": 3}]])
def test_a_number_of_rows_that_cannot_be_is_refused(asked: list[dict[str, int]]) -> None:
    found = draft()
    for bounds in asked:
        found.rows(bounds, AT, {})
    with pytest.raises(InvalidFile, match="no number of rows"):
        found.done()


def test_what_is_not_checked_stands_in_the_order_of_the_file() -> None:
    found = draft()
    for line in (9, 2, 5):
        found.skip(f"what {line}", "why", Location("c.yaml", line, 1))
    assert [item.at.line for item in found.done().unchecked] == [2, 5, 9]


# Words of types, values, limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("VARCHAR(18)", "string"), ("bigint", "int"), ("NUMBER(10, 0)", "float"), ("double precision", "float"),
        ("timestamp(6) without time zone", "datetime"), ("datetime64[ns, UTC]", "datetime"), ("Int64", "int"),
        ("string[python]", "string"), ("Boolean", "bool"), ("DATE", "date"), (" text ", "string"),
        ("array<int>", None), ("int[]", None), ("category", None), ("", None), ("x" * 200, None), ("time", None),
    ],
)  # fmt: skip
def test_names_of_databases_are_types(name: str, type_: str | None) -> None:
    assert physical.type_of(name) == type_


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("int", "12", 12), ("float", "1.5", 1.5), ("int", "x", None), ("int", True, None), ("string", 1, None),
        ("bool", "true", True), ("bool", 1, None), ("bool", "yes", None), ("date", "2020-01-31", "2020-01-31"),
        ("date", "2020-02-31", None), ("date", "2020-01-31T10:00:00", None),
        ("datetime", "2020-01-31T10:00:00.5", "2020-01-31 10:00:00.5"), ("datetime", "2020-01-31T10:00:00Z", None),
        (None, 10**18, None), (None, [], None), (None, "x", "x"), ("float", 1e300, 1e300),
    ],
)  # fmt: skip
def test_a_value_is_one_of_its_column(type_: str | None, value: Any, expected: Any) -> None:
    found = values.as_type(type_, value) if value != 10**18 else values.bound(type_, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("percent", "strict", "mostly"),
    [("5", False, "95%"), ("0.1", False, "99.9%"), ("100", False, "0%"), ("0", False, None),
     ("1", True, "99.000000001%"), ("33.3333333333", False, "66.666666667%")],
)  # fmt: skip
def test_a_share_is_never_loosened(percent: str, strict: bool, mostly: str | None) -> None:
    from decimal import Decimal

    assert limits.share(100 - Decimal(percent), strict=strict) == ({} if mostly is None else {"mostly": mostly})


@given(st.integers(0, 20), st.sampled_from(list(limits.SIGNS)), st.integers(-2, 12), st.integers(-2, 12))
def test_a_limit_lets_through_the_numbers_that_its_operator_does(number: int, key: str, one: int, other: int) -> None:
    numbers = (min(one, other), max(one, other)) if key.endswith("Between") else (one,)
    said = [(key, numbers)]
    (condition,) = limits.holds(said, sql.value)
    (holds,) = duckdb.connect().execute(f"select {number} {condition}").fetchone() or (None,)
    how = limits.at_most(said, False)
    if how is not None:
        assert (number <= how.get("max", 0)) == holds
    if key in limits.BOUNDED:
        low, high = limits.whole_bounds(key, numbers)
        assert ((low is None or number >= low) and (high is None or number <= high)) == holds


@given(st.text(max_size=12))
def test_names_and_texts_are_quoted_or_refused(text: str) -> None:
    try:
        query = f"select {sql.value(text)} as {sql.name(text or 'x')}"
    except sql.Unquotable:
        assert "{" in text or "}" in text
        return
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return
    result = duckdb.connect().execute(query)
    assert result.description is not None
    assert result.description[0][0] == (text or "x")
    assert result.fetchone() == (text,)


@pytest.mark.parametrize(
    ("rule", "is_", "broken"),
    [
        ("required", True, [None]),
        ("unique", True, ["a", "a"]),
        ("in", ["a", "b"], ["", "long"]),
        ("pattern", "^[a-z]$", ["", "long"]),
        ("length", [1, 2], ["", "long"]),
        ("length", [None, 2], ["long"]),
    ],
    ids=str,
)
def test_the_query_of_a_rule_finds_the_rows_that_break_it(rule: str, is_: Any, broken: list[Any]) -> None:
    query = sql.rows(sql.breaks(rule, "c", is_)).replace("{data}", "t")
    connection = duckdb.connect()
    connection.execute("create table t as select unnest(['a', 'a', 'b', '', 'long', null]) as c")
    assert [row[0] for row in connection.execute(query).fetchall()] == broken


def test_nan_is_outside_no_range() -> None:
    connection = duckdb.connect()
    connection.execute("create table t as select unnest([-1, 0, 5, 9, 'nan'::double, null]) as c")
    found = {}
    for name, bounds in {"closed": {"low": 0, "high": 5}, "open": {"above": 0, "below": 5}}.items():
        query = sql.rows(sql.outside("c", **bounds)).replace("{data}", "t")
        found[name] = [row[0] for row in connection.execute(query).fetchall()]
    assert found == {"closed": [-1, 9], "open": [-1, 0, 5, 9]}


def test_a_number_that_is_not_there_is_none_that_holds() -> None:
    for query, expected in (("select 1", 0), ("select null", 1), ("select 1 where false", 1), ("select 2", 1)):
        assert len(duckdb.connect().execute(sql.number(query, ["= 1"])).fetchall()) == expected


def test_words_that_a_rule_has_anyway_are_left_out() -> None:
    assert merge.kept({"mostly": 1.0, "max": 0, "severity": "error", "where": None, "why": ""}) == {}
    assert merge.kept({"mostly": 0.9, "max": {"warning": 0, "error": 1}}) == {
        "mostly": 0.9,
        "max": {"warning": 0, "error": 1},
    }
