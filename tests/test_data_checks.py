"""What the data checks count, and what they make of NULL, NaN, nothing, one row, and limits that are met exactly."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlci import profiling
from mlci.privacy import Privacy, Samples
from mlci.profile import ColumnProfile, Profile, dump
from mlci.repo import WorkTree
from mlci.results import Outcome, Result
from mlci.specs import Dataset
from mlci.testing import FakeBench, FakeTable, run_check
from mlci.workbench import Terms

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
VALUES = Privacy(Samples.VALUES)
HEAD = "version: 1\nname: m\nartifact: m.csv\nchecks: [artifact]\ndatasets:\n"


def parquet(rows: str) -> bytes:
    """The bytes of a parquet file with the rows of a query."""
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        duckdb.sql(f"copy ({rows}) to '{path}' (format parquet)")
        return path.read_bytes()


def run(
    check: str, data: str | bytes, /, privacy: Privacy | None = None, now: datetime = NOW, **options: Any
) -> Result:
    """The check of the dataset ``d``; ``other`` is the CSV or parquet of another one."""
    more = options.pop("files", {})
    options = {key.rstrip("_"): value for key, value in options.items()}
    name = "d.csv" if isinstance(data, str) else "d.parquet"
    terms = Terms(now=now, privacy=privacy or Privacy())
    return run_check(check, options, files={name: data, **more}, dataset="d", terms=terms)


def csv(*columns: str, rows: list[tuple[Any, ...]]) -> str:
    lines = [",".join(columns), *(",".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    return "\n".join(lines) + "\n"


def messages(result: Result, level: str = "error") -> list[str]:
    return [finding.message for finding in result.findings if finding.level == level]


def values(result: Result) -> dict[str, float]:
    return {measurement.name: measurement.value for measurement in result.measurements}


# fresh --------------------------------------------------------------------------------------------------------------


def moments(*found: str | None) -> str:
    return csv("id", "at", rows=list(enumerate(found)))


@pytest.mark.parametrize(
    ("limit", "outcome", "levels"),
    [
        ("24h", Outcome.PASSED, []),
        ("86399s", Outcome.FAILED, ["error"]),
        ({"warning": "1d", "error": "2d"}, Outcome.PASSED, []),
        ({"warning": "23h", "error": "24h"}, Outcome.PASSED, ["warning"]),
        ({"warning": "22h", "error": "23h"}, Outcome.FAILED, ["error"]),
        ({"error": "24h"}, Outcome.PASSED, []),
    ],
)
def test_an_age_may_be_as_great_as_its_limit(limit: Any, outcome: Outcome, levels: list[str]) -> None:
    result = run("fresh", moments("2020-01-01 00:00:00", "2026-01-30 12:00:00", None), column="at", max_age=limit)
    assert (result.outcome, [finding.level for finding in result.findings]) == (outcome, levels)
    assert values(result) == {"age of the newest at": 86_400}


@pytest.mark.parametrize(
    ("zone", "age"),
    [(None, 3600), ("UTC", 3600), ("Europe/Berlin", 7200), ("Asia/Kolkata", 6.5 * 3600), ("America/New_York", None)],
)
def test_a_moment_without_a_zone_is_in_the_one_that_is_named(zone: str | None, age: float | None) -> None:
    options = {"timezone": zone} if zone else {}
    result = run("fresh", moments("2026-01-31 11:00:00"), column="at", max_age="7h", **options)
    if age is None:  # five hours later than it would be in UTC
        assert messages(result) == ["1 row has a `at` later than now"]
    else:
        assert values(result) == {"age of the newest at": age}


def test_in_the_hour_after_clocks_are_put_back_no_row_is_later_than_now() -> None:
    now = datetime(2024, 10, 27, 1, 10, tzinfo=UTC)  # 02:10 in Berlin, for the second time
    result = run("fresh", moments("2024-10-27 02:50:00"), column="at", max_age="1h", timezone="Europe/Berlin", now=now)
    assert result.outcome is Outcome.PASSED
    assert values(result) == {"age of the newest at": 20 * 60}


def test_a_column_with_a_zone_of_its_own_needs_none() -> None:
    data = parquet("select timestamptz '2026-01-31 13:00:00+02' as at")
    result = run("fresh", data, column="at", max_age="1h", timezone="Asia/Tokyo")
    assert values(result) == {"age of the newest at": 3600}
    assert messages(result, "note") == ["`at` has a time zone of its own, and `timezone` is not used"]


@pytest.mark.parametrize(("day", "later"), [("2026-01-30", 0), ("2026-01-31", 0), ("2026-02-01", 1)])
def test_a_day_is_as_old_as_its_beginning(day: str, later: int) -> None:
    result = run("fresh", csv("at", rows=[("2026-01-30",), (day,)]), column="at", max_age="36h")
    assert len(messages(result)) == later
    assert values(result) == {"age of the newest at": (12 if day == "2026-01-31" else 36) * 3600}


def test_a_row_in_the_future_does_not_hide_old_data() -> None:
    result = run("fresh", moments("2025-12-31 12:00:00", "2062-01-01 00:00:00"), column="at", max_age="36h")
    assert messages(result) == [
        "1 row has a `at` later than now",
        "age of the newest at is 31d, above its maximum 36h",
    ]
    assert "2026-01-31 12:00:00" in result.findings[0].query


def test_rows_that_are_all_in_the_future_have_no_age() -> None:
    result = run("fresh", moments("2062-01-01 00:00:00", "2063-01-01 00:00:00"), column="at", max_age="36h")
    assert messages(result) == ["2 rows have a `at` later than now"]
    assert result.measurements == ()


@pytest.mark.parametrize(("future", "outcome"), [("1h", Outcome.PASSED), ("59m", Outcome.FAILED)])
def test_some_future_may_be_allowed(future: str, outcome: Outcome) -> None:
    data = moments("2026-01-31 10:00:00", "2026-01-31 13:00:00")
    result = run("fresh", data, column="at", max_age="2h", future=future)
    assert result.outcome is outcome
    assert values(result) == {"age of the newest at": 0 if outcome is Outcome.PASSED else 7200}


def test_rows_in_the_future_are_shown_as_far_as_the_policy_allows() -> None:
    data = moments("2026-01-31 10:00:00", "2062-01-31 13:00:00")
    assert run("fresh", data, column="at").findings[0].rows is None
    shown = run("fresh", data, column="at", privacy=Privacy(Samples.KEYS)).findings[0].rows
    assert shown is not None
    assert (shown.columns, shown.rows) == (("at",), (("2062-01-31 13:00:00",),))


def test_an_infinite_moment_is_later_than_now() -> None:
    data = parquet(
        "select unnest([timestamp '2026-01-31 11:00:00', timestamp 'infinity', timestamp '-infinity']) as at"
    )
    result = run("fresh", data, column="at", max_age="1h")
    assert messages(result) == ["1 row has a `at` later than now"]
    assert values(result) == {"age of the newest at": 3600}


def test_the_first_year_is_only_very_old() -> None:
    result = run("fresh", moments("0001-01-01 00:00:00"), column="at", max_age="1d", timezone="Europe/Berlin")
    assert messages(result) == ["age of the newest at is 739,647d, above its maximum 24h"]


@pytest.mark.parametrize("data", [moments(), moments(None), moments(None, None)], ids=["no rows", "one", "two"])
def test_a_column_without_a_value_is_not_fresh(data: str) -> None:
    result = run("fresh", data, column="at", max_age="1d")
    assert result.outcome is Outcome.FAILED
    assert "has no value" in messages(result)[0]


@pytest.mark.parametrize("column", ["id", "name"])
def test_what_is_no_date_has_no_age(column: str) -> None:
    result = run("fresh", csv("id", "name", rows=[(1, "x")]), column=column, max_age="1d")
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")
    assert "expected dates" in result.reason


def test_an_age_without_a_limit_is_measured_and_told() -> None:
    result = run("fresh", moments("2026-01-31 11:00:00"), column="at")
    assert result.outcome is Outcome.PASSED
    assert messages(result, "note") == ["the age has no limit; it is measured, and judged by nobody"]


def profile(high: str | None, **column: Any) -> dict[str, str]:
    made = ColumnProfile("at", "datetime", "TIMESTAMP", column.pop("missing", 0), low=high, high=high, **column)
    return {"d.profile.json": dump(Profile("d", 3, "sha256:" + "0" * 64, (made,)))}


@pytest.mark.parametrize(
    ("newest", "outcome"),
    [
        ("2026-01-30 00:00:01", Outcome.PASSED),
        ("2026-01-30 00:00:00", Outcome.FAILED),
        ("2026-01-29 23:59:59", Outcome.FAILED),
    ],
    ids=["later", "equal", "earlier"],
)
def test_data_that_advance_are_later_than_the_baseline(newest: str, outcome: Outcome) -> None:
    files = profile("2026-01-30T00:00:00")
    assert run("fresh", moments(newest), column="at", advances=True, files=files).outcome is outcome


def test_a_query_that_is_shown_names_the_files_of_every_dataset() -> None:
    files = {"other.csv": "id\n1\n"}
    shown = run("foreign-key", "id\n1\n7\n", columns=["id"], to="other", files=files).findings[0].query
    assert "from 'd.csv'" in shown
    assert "from 'other.csv'" in shown
    written = run("sql", "id\n1\n7\n", **{"is": "select * from {data} anti join {other} using (id)"}, files=files)
    assert written.findings[0].query == "select * from 'd.csv' anti join 'other.csv' using (id)"


def test_data_that_are_those_of_the_baseline_need_not_advance() -> None:
    data = moments("2026-01-30 00:00:00")
    content = f"sha256:{hashlib.sha256(data.encode()).hexdigest()}"
    files = {name: text.replace("sha256:" + "0" * 64, content) for name, text in profile("2026-01-30T00:00:00").items()}
    result = run("fresh", data, column="at", advances=True, files=files)
    assert result.outcome is Outcome.PASSED
    assert messages(result, "note") == ["the data are those of the baseline: nothing had to advance"]


def test_what_is_later_than_now_does_not_advance() -> None:
    data = moments("2026-01-29 00:00:00", "2062-01-01 00:00:00")
    result = run("fresh", data, column="at", advances=True, files=profile("2026-01-30T00:00:00"))
    assert messages(result)[1:] == [
        "the newest `at` is 2026-01-29 00:00:00, no later than 2026-01-30T00:00:00 at the baseline"
    ]


def test_a_column_that_the_baseline_does_not_have_has_nothing_to_be_newer_than() -> None:
    data = csv("id", "when", rows=[(1, "2026-01-31 11:00:00")])
    result = run("fresh", data, column="when", advances=True, files=profile("2026-01-30T00:00:00"))
    assert result.outcome is Outcome.PASSED
    assert messages(result, "note") == ["the baseline has no column `when`: there is nothing to be newer than"]


def test_a_dataset_that_the_baseline_does_not_have_is_still_held_to_its_age(tmp_path: Path) -> None:
    files = {"d.csv": moments("2026-01-29 11:00:00"), **profile("2026-01-30T00:00:00")}
    terms = Terms(now=NOW, baseline=WorkTree(tmp_path))
    options = {"column": "at", "advances": True, "max_age": "1d"}
    result = run_check("fresh", options, files=files, dataset="d", terms=terms)
    assert messages(result) == ["age of the newest at is 2.04d, above its maximum 24h"]
    assert messages(result, "note") == ["the baseline has no dataset `d`: there is nothing to be newer than"]


@pytest.mark.parametrize("column", [{"sensitive": True}, {"missing": 3}], ids=["sensitive", "no value"])
def test_a_baseline_that_keeps_no_moment_breaks_the_check(column: dict[str, Any]) -> None:
    result = run("fresh", moments("2026-01-31 11:00:00"), column="at", advances=True, files=profile(None, **column))
    assert result.outcome is Outcome.BROKEN
    assert "has no newest `at`" in result.reason


# duplicates, unique -------------------------------------------------------------------------------------------------


def test_every_member_of_a_group_counts() -> None:
    # 2 + 3 rows in two groups: the surplus, which others count, would be 3
    result = run("duplicates", csv("a", "b", rows=[(1, "x"), (1, "x"), (2, "y"), (2, "y"), (2, "y"), (3, "z")]))
    assert values(result) == {"the whole row repeated": 5, "groups: the whole row repeated": 2}
    assert messages(result) == ["the whole row repeated in 5 of 6 rows, above its maximum 0"]


HOLES = [(1, None), (1, None), (1, "x"), (None, None), (None, None), (2, "x")]


def test_missing_values_are_the_same_for_duplicates_and_no_value_for_unique() -> None:
    data = csv("a", "b", rows=HOLES)
    assert values(run("duplicates", data, by=["a", "b"]))["a, b repeated"] == 4
    assert values(run("unique", data, columns=["a", "b"]))["a, b repeated"] == 0


def test_nan_is_missing_and_zero_has_no_sign() -> None:
    rows = "select unnest([null, 'nan'::double, 'nan'::double, 0.0, -0.0, 1.5]) as a, 1 as b"
    assert values(run("duplicates", parquet(rows), by=["a", "b"]))["a, b repeated"] == 5
    assert values(run("unique", parquet(rows), columns=["a", "b"]))["a, b repeated"] == 2


@pytest.mark.parametrize("check", ["duplicates", "unique"])
def test_of_one_row_none_is_repeated(check: str) -> None:
    options = {"columns": ["a", "b"]} if check == "unique" else {}
    assert run(check, csv("a", "b", rows=[(1, 2)]), **options).outcome is Outcome.PASSED


@pytest.mark.parametrize("check", ["duplicates", "unique"])
def test_of_no_row_nothing_is_known(check: str) -> None:
    options = {"columns": ["a", "b"]} if check == "unique" else {}
    result = run(check, "a,b\n", **options)
    assert result.outcome is Outcome.FAILED
    assert "no row was looked at" in messages(result)[0]


@pytest.mark.parametrize(
    ("how", "outcome", "levels"),
    [
        ({"mostly": "60%"}, Outcome.PASSED, []),
        ({"mostly": "60.1%"}, Outcome.FAILED, ["error"]),
        ({"max": 4}, Outcome.PASSED, []),
        ({"max": 3}, Outcome.FAILED, ["error"]),
        ({"mostly": {"warning": "70%", "error": "60%"}}, Outcome.PASSED, ["warning"]),
        ({"max": {"warning": 3, "error": 4}, "mostly": "60%"}, Outcome.PASSED, ["warning"]),
        ({"max": 4, "mostly": "70%"}, Outcome.FAILED, ["error"]),
    ],
    ids=str,
)
def test_as_many_may_fail_as_the_limits_say(how: dict[str, Any], outcome: Outcome, levels: list[str]) -> None:
    rows = [(n, n) for n in range(6)] + [(7, 7)] * 2 + [(8, 8)] * 2
    for check, named in (("duplicates", "by"), ("unique", "columns")):
        result = run(check, csv("a", "b", rows=rows), **{named: ["a", "b"]}, **how)
        assert (result.outcome, [finding.level for finding in result.findings]) == (outcome, levels)


def test_of_many_columns_a_few_are_named() -> None:
    names = [f"c{number}" for number in range(12)]
    result = run("duplicates", csv(*names, rows=[(1,) * 12] * 2), by=names)
    assert messages(result) == [
        "c0, c1, c2, c3, c4, c5, c6, c7 and 4 more repeated in 2 of 2 rows, above its maximum 0"
    ]


def test_only_the_rows_that_are_meant_are_looked_at() -> None:
    data = csv("a", "b", rows=[(1, "x"), (1, "x"), (2, "y"), (3, "y")])
    result = run("duplicates", data, where="b = 'y'")
    assert (result.outcome, result.measurements[0].n) == (Outcome.PASSED, 2)


def test_failing_rows_are_shown_by_a_query_and_as_far_as_the_policy_allows() -> None:
    data = csv("a", "b", "c", rows=[(1, "x", 5), (1, "x", 6), (2, "y", 7)])
    finding = run("unique", data, columns=["a", "b"], privacy=Privacy(Samples.KEYS)).findings[0]
    assert "group by" in finding.query
    assert finding.rows is not None
    assert (finding.rows.columns, finding.rows.rows) == (("a", "b"), (("1", "x"), ("1", "x")))


# foreign-key --------------------------------------------------------------------------------------------------------


def orders(rows: list[tuple[Any, ...]], customers: str, **options: Any) -> Result:
    options = {"columns": ["customer"], "to": "customers", "references": ["id"], **options}
    return run("foreign-key", csv("order", "customer", rows=rows), files={"customers.csv": customers}, **options)


def test_rows_that_refer_to_nothing_are_counted_each() -> None:
    result = orders([(1, 1), (2, 7), (3, 7), (4, None)], "id\n1\n1\n2\n")
    assert messages(result) == ["customer not in customers in 2 of 4 rows, above its maximum 0"]


@pytest.mark.parametrize(("customers", "fails"), [("id\n1.0\n2.0\n", 0), ("id\n1\n\n", 1)], ids=["as floats", "a hole"])
def test_what_is_referred_to_is_compared_by_value(customers: str, fails: int) -> None:
    assert values(orders([(1, 1), (2, 2)], customers)) == {"customer not in customers": fails}


def test_nothing_is_found_in_a_dataset_without_rows() -> None:
    files = {"o.parquet": parquet("select 1 as a where false")}
    assert values(run("foreign-key", csv("a", rows=[(1,), (2,)]), columns=["a"], to="o", files=files)) == {
        "a not in o": 2
    }
    assert messages(run("foreign-key", "a\n", columns=["a"], to="d")) == ["no row was looked at: the dataset has none"]


def test_a_key_of_two_columns_is_held_against_nothing_where_one_is_missing() -> None:
    data = csv("a", "b", rows=[(1, 1), (1, None), (None, 9), (1, 2)])
    result = run("foreign-key", data, columns=["a", "b"], to="o", files={"o.csv": "b,a\n1,1\n5,5\n"})
    assert values(result) == {"a, b not in o": 1}


def test_a_dataset_may_refer_to_itself() -> None:
    data = csv("id", "parent", rows=[(1, None), (2, 1), (3, 9)])
    result = run("foreign-key", data, columns=["parent"], to="d", references=["id"])
    assert values(result) == {"parent not in d": 1}


def test_a_column_that_the_other_dataset_does_not_have_is_named() -> None:
    result = orders([(1, 1)], "nr\n1\n")
    assert (result.outcome, result.reason) == (Outcome.BROKEN, "the column `id` is not there")


# sql ----------------------------------------------------------------------------------------------------------------

TABLE = csv("a", "b", rows=[(1, 2), (2, 2), (3, 2), (None, 2)])


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select * from {data} where a > b", 1),
        ("select * from {data} where a > b;  ", 1),
        ("select a from {data} where a >= b -- those too", 2),
        ("with x as (select * from {data}) select 1 from x where a is null", 1),
        ("select b from {data} group by b having count(*) > 3", 1),
        ("select * from {data} d join {other} o on d.a = o.a", 2),
        ("select * from {data} where b = '{'", None),
    ],
    ids=["where", "semicolon", "comment", "with", "group", "join", "a brace"],
)
def test_the_rows_of_a_query_are_counted(query: str, rows: int | None) -> None:
    result = run("sql", TABLE, files={"other.csv": "a\n1\n3\n"}, is_=query)
    assert result.outcome is (Outcome.FAILED if rows else Outcome.BROKEN)
    if rows:
        assert values(result) == {"found by the query": rows}


def test_a_query_that_finds_nothing_has_passed() -> None:
    assert run("sql", TABLE, is_="select * from {data} where a > 3").outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "query",
    ["", "select", "drop table data", "select 1; select 2", "select * from {nobody}", "copy (select 1) to 'x.csv'"],
)
def test_what_is_no_query_breaks_the_check(query: str) -> None:
    result = run("sql", TABLE, is_=query)
    assert (result.outcome, result.cause in ("usage", "data")) == (Outcome.BROKEN, True)


@pytest.mark.parametrize(
    ("query", "said", "hint"),
    [
        ("select * from {data} where nope > 1", "the query cannot be run: Binder Error", "the data have a, b"),
        ("select * from d", "the query cannot be run: Catalog Error", "write {data} for this dataset"),
        ("delete from {data}", "the query is not a SELECT", "write one SELECT"),
    ],
    ids=["a column", "a table", "another statement"],
)
def test_a_query_that_is_wrong_is_not_told_as_a_file_that_cannot_be_read(query: str, said: str, hint: str) -> None:
    result = run("sql", TABLE, is_=query)
    assert (result.outcome, result.reason[: len(said)]) == (Outcome.BROKEN, said)
    assert "serialized" not in result.reason
    assert result.findings[0].hint.startswith(hint)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nope > 1", "`where` cannot be run: Binder Error"),
        ("a >", "`where` is `a >`, expected one condition"),
        ("select 1; select 2", "`where` is `select 1; select 2`, expected one condition"),
    ],
    ids=["a column", "half a condition", "two statements"],
)
def test_a_where_that_is_wrong_is_told_at_its_place(where: str, said: str) -> None:
    rules = f'{{a: {{range: {{is: [0, 9], where: "{where}"}}}}}}'
    manifest = HEAD + f"  d:\n    path: d.csv\n    columns: {rules}\n"
    result = run("columns", TABLE, files={"model.yaml": manifest})
    assert (result.outcome, result.reason[: len(said)]) == (Outcome.BROKEN, said)
    (finding,) = result.findings
    assert finding.at is not None
    assert (finding.at.line, finding.at.column) == (8, 14 + rules.index('"'))


def test_rows_of_a_query_are_never_shown() -> None:
    # its columns have names of its own: one of them may be a sensitive column
    files = {
        "model.yaml": HEAD + "  d:\n    path: d.csv\n    key: [id]\n    columns: {mail: {sensitive: true}}\n",
        "d.csv": "id,mail\n1,ann@example.com\n",
    }
    terms = Terms(privacy=VALUES)
    result = run_check("sql", {"is": "select mail as x from {data}"}, files=files, dataset="d", terms=terms)
    assert result.outcome is Outcome.FAILED
    assert result.findings[0].rows is None


def test_of_no_row_a_query_has_found_nothing() -> None:
    assert run("sql", "a,b\n", is_="select * from {data}").outcome is Outcome.FAILED
    result = run("sql", "a,b\n", is_="select 1 where (select count(*) from {data}) < 5")
    assert messages(result) == ["found by the query in 1 of 0 rows, above its maximum 0"]


# missing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "outcome"), [("25%", Outcome.PASSED), (0.25, Outcome.PASSED), ("24.9%", Outcome.FAILED)]
)
def test_nan_and_null_are_missing_and_a_share_may_be_met(most: Any, outcome: Outcome) -> None:
    data = parquet("select unnest([1.5, 'nan'::double, null, 2.5, 3.5, 4.5, 5.5, 6.5]) as a")
    result = run("missing", data, max=most)
    assert (result.outcome, values(result)) == (outcome, {"share of a missing": 0.25})


@pytest.mark.parametrize(("missing", "rows"), [(1, 10), (3, 10), (7, 70), (29, 100)])
def test_a_share_is_met_exactly_whatever_its_digits(missing: int, rows: int) -> None:
    data = csv("id", "a", rows=[(n, None if n < missing else 1) for n in range(rows)])
    assert run("missing", data, columns=["a"], max=missing / rows).outcome is Outcome.PASSED
    assert run("missing", data, columns=["a"], max=missing / rows - 1e-6).outcome is Outcome.FAILED


def test_of_many_columns_only_those_that_are_news_are_measured() -> None:
    data = csv("a", "b", "c", "e", rows=[(1, 1, None, 1), (1, None, None, 1), (1, 1, 1, 1), (1, 1, None, 1)])
    assert values(run("missing", data, max="50%")) == {"share of c missing": 0.75}
    assert values(run("missing", data, max="90%")) == {"share of c missing": 0.75}
    assert values(run("missing", data, max="10%")) == {"share of b missing": 0.25, "share of c missing": 0.75}
    assert values(run("missing", data, columns=["a", "b"], max="90%")) == {
        "share of a missing": 0,
        "share of b missing": 0.25,
    }


def test_a_complete_dataset_tells_so_with_one_number() -> None:
    assert values(run("missing", csv("a", "b", rows=[(1, 2)]), max=0)) == {"share of a missing": 0}


# constant -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "constant"),
    [
        ("1, 1", True),
        ("1, 2", False),
        ("null, null::int", True),
        ("1, null", True),
        ("'nan'::double, 'nan'::double", True),
        ("1.5::double, 'nan'::double", True),
        ("0.0::double, -0.0::double", True),
        ("'a', 'a'", True),
        ("'a', 'A'", False),
        ("true, true", True),
        ("true, false", False),
        ("date '2026-01-01', date '2026-01-01'", True),
        ("timestamp '2026-01-01 00:00:00', timestamp '2026-01-01 00:00:00.000001'", False),
        # equal as floats
        ("1.00000000000000000001::decimal(38, 20), 1.00000000000000000002::decimal(38, 20)", False),
        ("9007199254740993, 9007199254740992", False),
    ],
)
def test_a_column_is_constant_when_it_has_one_value_at_most(cells: str, constant: bool) -> None:
    result = run("constant", parquet(f"select unnest([{cells}]) as a"))
    assert values(result) == {"constant columns": constant}
    assert result.outcome is (Outcome.FAILED if constant else Outcome.PASSED)


def test_the_one_value_is_not_shown() -> None:
    result = run("constant", csv("a", rows=[("secret",), ("secret",)]), privacy=VALUES)
    assert messages(result) == ["`a` has one value only in 2 rows"]
    assert result.findings[0].rows is None


def test_one_row_does_not_tell_whether_a_column_changes() -> None:
    result = run("constant", csv("a", rows=[(1,)]))
    assert (result.outcome, result.reason) == (Outcome.INCONCLUSIVE, "one row cannot tell whether a column changes")


# class-balance ------------------------------------------------------------------------------------------------------


def classes(**rows: int) -> str:
    labels = [None if label == "none" else label for label, n in rows.items() for _ in range(n)]
    return csv("id", "y", rows=list(enumerate(labels)))


@pytest.mark.parametrize(
    ("least", "outcome", "levels"),
    [
        ("10%", Outcome.PASSED, []),
        (0.1, Outcome.PASSED, []),
        ("10.01%", Outcome.FAILED, ["error", "note"]),
        ({"warning": "20%", "error": "10%"}, Outcome.PASSED, ["warning", "note"]),
    ],
    ids=str,
)
def test_the_rarest_class_may_be_as_rare_as_its_limit(least: Any, outcome: Outcome, levels: list[str]) -> None:
    result = run("class-balance", classes(a=90, b=10), min=least)
    assert (result.outcome, [finding.level for finding in result.findings]) == (outcome, levels)
    assert result.measurements[1].histograms == ((0.9, 0.1),)


def test_rows_without_a_label_are_in_no_class_and_are_told() -> None:
    result = run("class-balance", classes(a=3, b=1, none=4), min="25%")
    assert result.outcome is Outcome.PASSED
    assert messages(result, "note") == ["`y` is missing in 4 of 8 rows; they are in no class"]
    nan = run("class-balance", parquet("select unnest([0.0, 1.0, 'nan'::double, null]) as y"), min="50%")
    assert messages(nan, "note") == ["`y` is missing in 2 of 4 rows; they are in no class"]


@pytest.mark.parametrize("label", ["a", "1", "true"])
def test_one_class_is_none(label: str) -> None:
    result = run("class-balance", classes(**{label: 9}))
    assert messages(result) == ["`y` has 1 class in 9 rows, expected at least 2"]


def test_a_dataset_without_labels_or_rows_has_no_class() -> None:
    assert messages(run("class-balance", classes(none=2))) == ["no row has a `y`"]
    assert messages(run("class-balance", "id,y\n")) == ["no row has a `y`"]


def test_a_rare_class_is_not_named() -> None:
    assert messages(run("class-balance", classes(a=96, rare=4), min="5%"), "note") == []
    assert messages(run("class-balance", classes(a=96, rare=5), min="5%"), "note") == [
        "the rarest class is `rare`, with 5 rows"
    ]


def test_a_class_of_a_sensitive_column_is_not_named() -> None:
    files = {
        "model.yaml": HEAD + "  d:\n    path: d.csv\n    target: y\n    columns: {y: {sensitive: true}}\n",
        "d.csv": classes(a=96, rare=5),
    }
    result = run_check("class-balance", {"min": "5%"}, files=files, dataset="d")
    assert result.outcome is Outcome.FAILED
    assert "rare`" not in str(result.findings)


def test_a_column_with_very_many_values_has_no_classes() -> None:
    result = run("class-balance", csv("y", rows=[(n,) for n in range(1001)]))
    assert messages(result) == ["`y` has more than 1,000 different values, expected classes"]
    assert run("class-balance", csv("y", rows=[(n,) for n in range(1000)])).outcome is Outcome.PASSED


# sensitive ----------------------------------------------------------------------------------------------------------


def test_found_values_are_never_shown() -> None:
    data = csv("id", "note", rows=[(1, "ann@example.com"), (2, "none")])
    result = run("sensitive", data, privacy=VALUES)
    assert messages(result) == ["the shape of e-mail addresses in note in 1 of 2 rows, above its maximum 0"]
    assert "ann" not in str(result)


def test_numbers_that_look_like_cards_by_chance_are_none() -> None:
    chance = random.Random(1)
    data = csv("ref", rows=[(4 * 10**15 + chance.randrange(10**15),) for _ in range(500)])
    result = run("sensitive", data)
    assert result.outcome is Outcome.PASSED
    assert len(messages(result, "note")) == 1
    assert messages(result, "note")[0].endswith("of 200 rows looked at hold card numbers, no more than by chance")


@pytest.mark.parametrize("hole", [None, 0], ids=["as floats", "as integers"])
def test_card_numbers_in_columns_of_numbers_are_found(hole: int | None) -> None:
    rows = "union all ".join(f"select {value or 'null'} as a " for value in (4111111111111111, hole, 5555555555554444))
    for native in ("bigint", "double"):
        result = run("sensitive", parquet(f"select a::{native} as a from ({rows})"), kinds=["card"])
        assert values(result) == {"the shape of card numbers in a": 2}


def test_only_the_columns_and_kinds_that_are_named_are_searched() -> None:
    data = csv("a", "b", rows=[("ann@example.com", "4111111111111111 x")])
    assert list(values(run("sensitive", data))) == [
        "the shape of e-mail addresses in a",
        "the shape of card numbers in b",
    ]
    assert values(run("sensitive", data, columns=["b"], kinds=["email"])) == {}
    assert values(run("sensitive", data, columns=["a"])) == {"the shape of e-mail addresses in a": 1}


@pytest.mark.parametrize(("most", "outcome"), [(2, Outcome.PASSED), (1, Outcome.FAILED), (None, Outcome.FAILED)])
def test_some_rows_may_be_allowed(most: int | None, outcome: Outcome) -> None:
    data = csv("a", rows=[("ann@example.com",), ("bo@example.com",), ("x",)])
    options = {} if most is None else {"max": most}
    assert run("sensitive", data, **options).outcome is outcome


def test_what_was_not_looked_at_holds_nothing_for_sure() -> None:
    assert messages(run("sensitive", "a,b\n")) == ["no row was looked at: the dataset has none"]


# version ------------------------------------------------------------------------------------------------------------


def test_the_version_of_several_files_changes_with_each_of_them() -> None:
    manifest = HEAD + "  d: {path: 'd-*.csv'}\n"
    files = {"model.yaml": manifest, "d-1.csv": "a\n1\n", "d-2.csv": "a\n2\n"}

    def digest(files: dict[str, str]) -> str:
        found = run_check("version", {"is": "sha256:" + "0" * 64}, files=files, dataset="d").findings[0].message
        return found.split("sha256:")[1].split(",")[0]

    whole = digest(files)
    assert run_check("version", {"is": f"sha256:{whole}"}, files=files, dataset="d").outcome is Outcome.PASSED
    assert len({whole, digest({**files, "d-2.csv": "a\n3\n"}), digest({**files, "d-3.csv": "a\n3\n"})}) == 3


@pytest.mark.parametrize(
    ("pointer", "reason"),
    [
        ("outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: e.csv\n", "is no pointer of `d.csv`"),
        ("outs:\n- etag: x\n  path: d.csv\n", "has no MD5 of one file"),
        ("outs: d.csv\n", "is no pointer of `d.csv`"),
        ("- a\n", "is no pointer of `d.csv`"),
        ("outs:\n- md5: ../../x\n  path: d.csv\n", "has no MD5 of one file"),
    ],
    ids=["another file", "no MD5", "no list", "no mapping", "no digest"],
)
def test_a_pointer_that_does_not_name_the_file_breaks_the_check(pointer: str, reason: str) -> None:
    result = run("version", "a\n1\n", is_="dvc", files={"d.csv.dvc": pointer})
    assert result.outcome is Outcome.BROKEN
    assert reason in result.reason


# leakage ------------------------------------------------------------------------------------------------------------


def leak(test: str | bytes, train: str | bytes, **options: Any) -> Result:
    name = "train.csv" if isinstance(train, str) else "train.parquet"
    return run("leakage", test, files={name: train}, from_="train", **options)


def test_whole_rows_are_compared_in_the_columns_that_both_have() -> None:
    train = csv("b", "a", "extra", rows=[("x", 1, 9), (None, 2, 9), ("z", 3, 9)])
    test = csv("a", "b", "own", rows=[(1, "x", 0), (2, None, 0), (3, "y", 0), (1, "x", 5)])
    result = leak(test, train, rows=True)
    assert messages(result) == ["the whole row also in train in 3 of 4 rows, above its maximum 0"]


def test_nan_and_null_are_the_same_in_whole_rows() -> None:
    train, test = (parquet(f"select 1 as a, 2 as b, {cell} as c") for cell in ("'nan'::double", "null::double"))
    assert values(leak(test, train, rows=True)) == {"the whole row also in train": 1}


def test_a_column_without_a_value_has_no_type_to_be_wrong() -> None:
    train = csv("a", "b", rows=[(1, 5), (2, 6)])
    result = leak(csv("a", "b", rows=[(1, None), (3, None)]), train, rows=True)
    assert values(result) == {"the whole row also in train": 1}
    assert messages(result, "note") == ["`b` has no value in one of the two, and is left out of whole rows"]
    assert leak(csv("a", "b", rows=[(1, "x"), (3, None)]), train, rows=True).outcome is Outcome.BROKEN


def test_a_key_with_a_hole_occurs_nowhere() -> None:
    train = csv("a", "b", "x", rows=[(1, 1, 0), (2, None, 0)])
    test = csv("a", "b", "x", rows=[(1, 1, 5), (2, None, 5), (1, 2, 5)])
    assert values(leak(test, train, on=["a", "b"])) == {"a, b also in train": 1}


def test_groups_are_told_in_rows_and_in_groups() -> None:
    train = csv("home", "x", rows=[("h1", 0), ("h2", 0), ("h2", 1), (None, 1)])
    test = csv("home", "x", rows=[("h2", 5), ("h2", 6), ("h1", 7), ("h3", 8), (None, 9)])
    result = leak(test, train, groups=["home"], max=3)
    assert result.outcome is Outcome.PASSED
    assert values(result) == {"home also in train": 3, "groups: home also in train": 2}


@pytest.mark.parametrize(
    ("latest", "same", "later"),
    [
        (
            "timestamp '2026-01-01 12:00:00'",
            "timestamp '2026-01-01 12:00:00'",
            "timestamp '2026-01-01 12:00:00.000001'",
        ),
        ("date '2026-01-01'", "date '2026-01-01'", "date '2026-01-02'"),
        ("7", "7", "8"),
        ("7.0::double", "7", "8"),
        ("0.1::double", "0.1::double", "0.1::double + 1e-16"),
        (
            "timestamptz '2026-01-01 12:00:00+00'",
            "timestamptz '2026-01-01 14:00:00+02'",
            "timestamptz '2026-01-01 12:00:01+00'",
        ),
    ],
    ids=["moments", "days", "integers", "floats and integers", "floats", "with a zone"],
)
def test_a_row_at_the_same_time_is_not_later(latest: str, same: str, later: str) -> None:
    train = parquet(f"select {latest} as t union all select null")
    for cell, fails in ((same, 1), (later, 0)):
        result = leak(parquet(f"select {cell} as t"), train, after="t")
        assert values(result) == {"t not after train": fails}


def test_a_row_without_a_moment_is_told_and_not_held_to_be_earlier() -> None:
    train = csv("id", "t", rows=[(1, "2026-01-01"), (2, "2026-01-05")])
    test = csv("id", "t", rows=[(3, "2026-01-06"), (4, None), (5, "2026-01-05"), (6, "2025-01-05")])
    result = leak(test, train, after="t")
    assert values(result) == {"t not after train": 2}
    assert messages(result, "note") == ["`t` is missing in 1 rows; they are not held to be earlier"]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("select date '2026-01-01' as t", "select timestamp '2026-01-01 00:00:00' as t"),
        ("select timestamptz '2026-01-01 12:00:00+00' as t", "select timestamp '2026-01-02 00:00:00' as t"),
        ("select 'a' as t", "select 'b' as t"),
        ("select true as t", "select true as t"),
    ],
    ids=["day and moment", "with and without a zone", "text", "booleans"],
)
def test_times_that_do_not_compare_break_the_check(train: str, test: str) -> None:
    assert leak(parquet(test), parquet(train), after="t").outcome is Outcome.BROKEN


def test_nothing_is_later_than_a_dataset_without_a_moment() -> None:
    train = parquet("select null::date as t")
    assert leak(parquet("select date '2026-01-01' as t"), train, after="t").outcome is Outcome.FAILED


def target(y: str, feature: str) -> Result:
    return run("leakage", parquet(f"select unnest([{y}]) as y, unnest([{feature}]) as f"), target=True)


@pytest.mark.parametrize(
    ("y", "feature", "equal"),
    [
        ("0, 1, 1", "0, 1, 1", True),
        ("0, 1, 1", "0, 1, 0", False),
        ("0, 1, 1", "0.0::double, 1.0::double, 1.0::double", True),
        ("0, 1, 1", "false, true, true", True),
        ("'a', 'b', 'b'", "'a', 'b', 'b'", True),
        ("'a', 'b', 'b'", "'a', 'b', 'B'", False),
        ("0, 1, 1, null", "0, 1, null, 1", True),
        ("0, 1, null, null", "0, 1, null, null", True),
        ("0, 1, 1, null", "0, 0, null, 1", False),
        ("0, 1, null, null, 1", "null, null, 0, 1, 0", False),
        ("0, 1, 1", "0.0::double, 1.0::double, 'nan'::double", True),
        ("1, 1, 1", "1, 1, 1", False),
        ("0, 1, 1", "null, 1, 1", False),
    ],
    ids=[
        "equal",
        "one differs",
        "as floats",
        "as booleans",
        "text",
        "another case",
        "holes in each",
        "holes in both",
        "holes and one differs",
        "no row has both but one",
        "nan",
        "a target that never changes",
        "a feature that never changes",
    ],
)
def test_a_feature_that_equals_the_target_wherever_both_are_is_found(y: str, feature: str, equal: bool) -> None:
    result = target(y, feature)
    assert values(result) == {"features that equal the target": equal}
    assert result.outcome is (Outcome.FAILED if equal else Outcome.PASSED)


def test_a_key_is_no_feature() -> None:
    files = {
        "model.yaml": HEAD + "  d: {path: d.csv, target: y, key: [id]}\n",
        "d.csv": "id,y\n0,0\n1,1\n",
    }
    assert run_check("leakage", {"target": True}, files=files, dataset="d").outcome is Outcome.PASSED


def test_without_a_word_rows_and_the_target_are_looked_at() -> None:
    data = csv("id", "a", "y", rows=[(1, 0, 0), (2, 1, 1), (3, 1, 1)])
    result = leak(data, csv("id", "a", "y", rows=[(1, 0, 0)]))
    assert list(values(result)) == ["the whole row also in train", "features that equal the target"]
    assert len(messages(result)) == 2


def test_datasets_without_a_column_in_common_share_no_rows_to_compare() -> None:
    result = leak("a\n1\n", "b\n1\n", rows=True)
    assert (result.outcome, "no column in common" in result.reason) == (Outcome.BROKEN, True)


@pytest.mark.parametrize("part", ["rows", "on", "groups"])
def test_of_no_row_nothing_is_shared_and_that_is_no_pass(part: str) -> None:
    result = leak("a,y\n", "a,y\n1,1\n", **{part: True if part == "rows" else ["a"]})
    assert result.outcome is Outcome.FAILED
    assert "no row was looked at" in messages(result)[0]


# leakage from data that are not here --------------------------------------------------------------------------------


def absent(test: str, column: ColumnProfile | None, **options: Any) -> Result:
    files = {"model.yaml": HEAD + "  train: {path: train.csv}\n  d: {path: d.csv}\n", "d.csv": test}
    if column:
        files["train.profile.json"] = dump(Profile("train", 3, "sha256:" + "0" * 64, (column,)))
    return run_check("leakage", {"from": "train", **options}, files=files, dataset="d")


def test_the_latest_moment_is_known_from_the_profile() -> None:
    column = ColumnProfile("t", "datetime", "TIMESTAMP", 0, low="2026-01-01T00:00:00", high="2026-01-05T12:00:00")
    test = csv("t", rows=[("2026-01-05 12:00:00",), ("2026-01-05 12:00:01",)])
    assert values(absent(test, column, after="t")) == {"t not after train": 1}


def test_the_greatest_number_is_known_from_the_profile() -> None:
    column = ColumnProfile("t", "int", "BIGINT", 0, low=1, high=7, edges=(1.0, 7.0), counts=(1, 2, 0))
    assert values(absent(csv("t", rows=[(7,), (8,)]), column, after="t")) == {"t not after train": 1}


@pytest.mark.parametrize(
    "column",
    [
        None,
        ColumnProfile("t", "datetime", "TIMESTAMP", 0, sensitive=True),
        ColumnProfile("t", "date", "DATE", 0, low="2026-01-01", high="2026-01-05"),
        ColumnProfile("u", "datetime", "TIMESTAMP", 0, low="2026-01-01T00:00:00", high="2026-01-05T12:00:00"),
    ],
    ids=["no profile", "sensitive", "another type", "another column"],
)
def test_what_the_profile_does_not_know_breaks_the_check(column: ColumnProfile | None) -> None:
    result = absent(csv("t", rows=[("2026-01-05 12:00:00",)]), column, after="t")
    assert result.outcome is Outcome.BROKEN
    assert "the data of `train` are not here" in result.reason


@pytest.mark.parametrize("part", [{"on": ["t"]}, {"groups": ["t"]}])
def test_keys_that_were_never_hashed_break_the_check_and_the_cure_is_told(part: dict[str, Any]) -> None:
    column = ColumnProfile("t", "int", "BIGINT", 0, low=1, high=7, edges=(1.0, 7.0), counts=(1, 2, 0))
    result = absent("t\n1\n", column, **part)
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")
    assert result.findings[0].hint.endswith("mlci data profile train --keys t")


def hashed(test: str, **options: Any) -> Result:
    """Against the hashes of the columns ``a`` and ``b``, and of ``home``, of data that are not here."""
    table = FakeTable({"a": [1, 2, None], "b": ["x", "y", "z"], "home": ["h1", "h2", "h2"]})
    made = profiling.build(table, Dataset(name="train"), "sha256:" + "0" * 64)
    made, raw = profiling.with_keys(made, table, [["a", "b"], ["home"]])
    files = {
        "model.yaml": HEAD + "  train: {path: train.csv}\n  d: {path: d.csv}\n",
        "d.csv": test,
        "train.profile.json": dump(made),
        "train.keys": raw,
    }
    return run_check("leakage", {"from": "train", **options}, files=files, dataset="d")


@pytest.mark.parametrize("on", [["a", "b"], ["b", "a"]], ids=" ".join)
def test_shared_keys_are_found_by_their_hashes_without_the_data(on: list[str]) -> None:
    rows = [(1, "x"), (2, "x"), (2, "y"), (None, "z"), (1, "y")]
    result = hashed(csv("a", "b", rows=rows), on=on)
    assert messages(result) == [f"{on[0]}, {on[1]} also in train in 2 of 5 rows, above its maximum 0"]
    # 5 rows against 2 keys and 2 homes
    assert values(result)["chance of a false match, at most"] == 5 * 4 / 2**64


def test_shared_groups_are_found_by_their_hashes_without_the_data() -> None:
    result = hashed(csv("home", "x", rows=[("h2", 1), ("h3", 1), (None, 1)]), groups=["home"], max=1)
    assert result.outcome is Outcome.PASSED
    assert values(result)["home also in train"] == 1


def test_hashes_say_nothing_of_other_columns_and_of_some_rows() -> None:
    assert "no hashes of b" in hashed("b\nx\n", on=["b"]).reason
    assert "only hashes are here" in hashed("a,b\n1,x\n", on=["a", "b"], where="a = 1").reason


def test_whole_rows_need_the_data_themselves() -> None:
    result = absent("t\n1\n", None, rows=True)
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "path")


# of a sample ----------------------------------------------------------------------------------------------------------


def sampled(check: str, data: dict[str, list[Any]], every: int, **options: Any) -> Result:
    """The check of a table of ``every`` rows, of which only ``data`` are counted."""

    class Sampled(FakeTable):
        def rows(self) -> int:
            return every

    table = Sampled(data)
    table.scanned = FakeTable(data).rows()
    bench = FakeBench(WorkTree(Path()), {"d": table}, time=NOW)
    options = {key.rstrip("_"): value for key, value in options.items()}
    return run_check(check, options, files={"d.csv": ""}, dataset="d", bench=bench)


@pytest.mark.parametrize(
    ("missing", "most", "outcome"),
    [
        (0, "1%", Outcome.PASSED),
        (0, 0, Outcome.INCONCLUSIVE),
        (3, 0, Outcome.FAILED),
        (10, "1%", Outcome.INCONCLUSIVE),
        (20, "1%", Outcome.FAILED),
        (10, {"warning": "1%", "error": "5%"}, Outcome.PASSED),
    ],
)
def test_a_share_of_a_sample_decides_where_its_interval_does(missing: int, most: Any, outcome: Outcome) -> None:
    data = {"a": [None] * missing + [1] * (1000 - missing)}
    result = sampled("missing", data, 1_000_000, max=most)
    assert result.outcome is outcome
    assert "of 1,000 sampled rows" in result.reason or outcome is not Outcome.INCONCLUSIVE


def test_a_sample_without_personal_data_does_not_say_that_there_is_none() -> None:
    data = {"a": ["x"] * 1000, "b": ["y"] * 1000}
    result = sampled("sensitive", data, 1_000_000, kinds=["email"])
    assert (result.outcome, result.measurements) == (Outcome.INCONCLUSIVE, ())
    assert result.reason.endswith("(and 1 more)")
    assert sampled("sensitive", data, 1_000_000, max=10_000).outcome is Outcome.PASSED


def test_personal_data_in_a_sample_are_personal_data() -> None:
    result = sampled("sensitive", {"a": ["ann@example.com"] * 1000}, 1_000_000, kinds=["email"])
    assert result.outcome is Outcome.FAILED


def test_one_row_of_a_sample_tells_a_feature_from_the_target() -> None:
    data = {"y": [0, 1] * 50, "f": [0, 1] * 50}
    result = sampled("leakage", data, 1000, target=True)
    assert messages(result) == ["`f` equals the target `y` in all 100 sampled rows that have both"]
    data["f"][0] = 1
    assert sampled("leakage", data, 1000, target=True).outcome is Outcome.PASSED


def test_repeats_are_told_of_every_row() -> None:
    result = sampled("duplicates", {"a": [1, 1, 2]}, 3)
    assert (result.measurements[0].value, result.measurements[0].n) == (2, 3)
