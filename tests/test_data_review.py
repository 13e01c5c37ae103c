"""Data checks against what would let them pass without having measured: hostile rules, data, profiles and policies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlci import plan, profiling
from mlci.case import Case
from mlci.errors import LimitReached
from mlci.findings import InvalidFile
from mlci.privacy import Privacy, Samples
from mlci.profile import ColumnProfile, Profile, dump
from mlci.questions import Extreme, Question, Rows, Selected
from mlci.repo import WorkTree
from mlci.results import Measurement, Outcome, Result
from mlci.specs import CheckSpec, Config
from mlci.tables.duck import open_table
from mlci.tables.unreadable import of_duckdb
from mlci.testing import model_from, run_check
from mlci.workbench import Terms, Workbench
from mlci.world import World

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET = "bob@example.com"


def parquet(query: str) -> bytes:
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        duckdb.sql(f"copy ({query}) to '{path}' (format parquet)")
        return path.read_bytes()


def manifest(**datasets: Mapping[str, Any]) -> str:
    head = {"version": 1, "name": "m", "artifact": "m.csv", "checks": ["artifact"]}
    return json.dumps({**head, "datasets": {name: {"path": f"{name}.csv", **own} for name, own in datasets.items()}})


def rules(columns: Mapping[str, Any], data: str | bytes, **dataset: Any) -> Result:
    """The check ``columns`` of the dataset ``d``, with every value allowed to be shown."""
    name = "d.csv" if isinstance(data, str) else "d.parquet"
    text = manifest(d={"path": name, "columns": columns, **dataset})
    return run_check("columns", files={"model.yaml": text, name: data}, dataset="d", terms=terms())


def terms(samples: Samples = Samples.VALUES) -> Terms:
    return Terms(now=NOW, privacy=Privacy(samples))


def run(check: str, data: str | bytes, other: str | bytes | None = None, /, **options: Any) -> Result:
    """A check of the dataset ``d``; ``other`` is the dataset of that name."""
    files: dict[str, str | bytes] = {"d.csv" if isinstance(data, str) else "d.parquet": data}
    if other is not None:
        files["other.csv" if isinstance(other, str) else "other.parquet"] = other
    given = {key.rstrip("_"): value for key, value in options.items()}
    return run_check(check, given, files=files, dataset="d", terms=terms())


def said(result: Result) -> str:
    """Everything that a report tells of a result."""
    return repr((result.reason, result.findings, result.measurements))


# -- a condition reaches nothing but its own rule


@pytest.mark.parametrize("where", ["columns(*) is not null", "not (columns('a|b') < 0)", "abs(columns(*)) >= 0"])
def test_a_condition_on_several_columns_cannot_move_the_answers_of_other_rules(where: str) -> None:
    data = parquet("select i as a, i as b from range(30) t(i)")
    result = rules({"a": {"range": {"is": [0, 100], "where": where}}, "b": {"range": [0, 10]}}, data)
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")
    assert "expected one condition" in result.reason


def test_a_condition_may_still_ask_with_a_star_within_a_query_of_its_own() -> None:
    data = parquet("select i as a from range(30) t(i)")
    result = rules({"a": {"range": {"is": [0, 100], "where": "exists (select * from range(1)) and a > 1"}}}, data)
    assert result.outcome is Outcome.PASSED


# -- rules that no value can break


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"range": {"mostly": 0.5}}, "`is` is missing in `datasets.d.columns.a.range`"),
        ({"in": {"severity": "warning"}}, "`is` is missing in `datasets.d.columns.a.in`"),
        ({"pattern": {"max": 3}}, "`is` is missing in `datasets.d.columns.a.pattern`"),
        ({"length": {"why": "old"}}, "`is` is missing in `datasets.d.columns.a.length`"),
        ({"range": [None, None]}, "`datasets.d.columns.a.range` is open on both sides: no value can break it"),
        (
            {"length": {"is": [None, None]}},
            "`datasets.d.columns.a.length` is open on both sides: no value can break it",
        ),
    ],
    ids=["range", "in", "pattern", "length", "open", "open-how"],
)
def test_a_rule_that_wants_nothing_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        model_from(manifest(d={"columns": {"a": rule}}))
    assert [finding.message for finding in caught.value.findings] == [message]


def test_the_id_of_the_check_of_a_contract_cannot_be_taken() -> None:
    with pytest.raises(InvalidFile, match="the id `contract-d` belongs to a check that every model can have"):
        model_from(manifest(d={"checks": [{"rows": {"min": 1}, "id": "contract-d"}]}))


def test_a_range_may_name_a_day_and_a_moment() -> None:
    data = parquet("select date '2020-01-02' as a")
    assert rules({"a": {"range": ["2020-01-01 12:00:00", "2020-01-03"]}}, data).outcome is Outcome.PASSED
    assert rules({"a": {"range": ["2020-01-02 12:00:00", "2020-01-03"]}}, data).outcome is Outcome.FAILED


# -- comparisons with nothing


def test_a_leakage_check_with_every_part_switched_off_does_not_pass() -> None:
    result = run("leakage", "k\n1\n", "k\n1\n", from_="other", rows=False, on=["k"][:0] or None)
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")


@pytest.mark.parametrize(
    "options",
    [{"rows": True}, {"on": ["k"]}, {"groups": ["k"]}, {"after": "k"}],
    ids=["rows", "on", "groups", "after"],
)
def test_nothing_is_held_to_be_apart_from_a_dataset_without_rows(options: dict[str, Any]) -> None:
    result = run("leakage", parquet("select 1 as k"), parquet("select 1 as k where false"), from_="other", **options)
    assert result.outcome is Outcome.FAILED
    assert "nothing was compared: `other` has no rows" in said(result)


@pytest.mark.parametrize(
    "options", [{"on": ["k"]}, {"groups": ["n", "k"]}, {"after": "k"}], ids=["on", "groups", "after"]
)
def test_a_key_without_a_value_does_not_show_that_nothing_leaks(options: dict[str, Any]) -> None:
    data = parquet("select null::int as k, 1 as n from range(5)")
    result = run("leakage", data, parquet("select 1 as k, 1 as n"), from_="other", **options)
    assert result.outcome is Outcome.FAILED
    assert "`k` has no value" in said(result)


@pytest.mark.parametrize(
    "value",
    [
        "timestamp 'infinity'",
        "timestamp '290000-01-01'",
        "date '200000-01-01'",
        "date 'infinity'",
        "date '0044-03-15 (BC)'",
    ],
)
def test_a_latest_moment_that_nothing_can_follow_is_said_and_no_bug(value: str) -> None:
    data = parquet(f"select {value} as x")
    result = run("leakage", data, data, from_="other", after="x")
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")


@pytest.mark.parametrize("value", ["timestamp '0044-03-15 (BC)'", "date '0044-03-15 (BC)'"])
def test_data_from_before_the_year_1_are_old(value: str) -> None:
    result = run("fresh", parquet(f"select {value} as x"), column="x", max_age="3d")
    assert (result.outcome, result.cause) == (Outcome.FAILED, "")


def test_a_profile_with_a_year_that_python_does_not_know_is_said_and_no_bug() -> None:
    column = ColumnProfile("x", "date", "DATE", 0, low="2020-01-01", high="200000-01-01")
    lock = dump(Profile("d", 1, "sha256:" + "0" * 64, (column,)))
    files = {"d.parquet": parquet("select date '2026-01-01' as x"), "d.profile.json": lock}
    result = run_check("fresh", {"column": "x", "advances": True}, files=files, dataset="d", terms=terms())
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")


@pytest.mark.parametrize("check", ["drift", "outliers", "skew"])
def test_data_are_not_held_against_themselves(check: str) -> None:
    data = parquet("select i % 7 as x from range(20000) t(i)")
    result = run(check, data, from_="d")
    assert (result.outcome, result.cause) == (Outcome.BROKEN, "usage")


@pytest.mark.parametrize(
    "options", [{"missing": 0.1}, {"psi": 0.1}, {"missing": 0, "ks": 0.1}], ids=["m", "psi", "both"]
)
def test_a_reference_without_rows_is_an_error_and_no_bug(options: dict[str, Any]) -> None:
    data, empty = parquet("select 1 as x from range(50)"), parquet("select 1 as x where false")
    result = run("drift", data, empty, from_="other", **options)
    assert result.outcome is not Outcome.PASSED
    assert result.cause == ""


def test_a_column_that_is_named_and_measured_by_nothing_fails() -> None:
    data = parquet("select i % 7 as n, 'x' || i % 3 as s from range(20000) t(i)")
    result = run("drift", data, data, from_="other", columns=["n", "s"], ks=0.5)
    assert result.outcome is Outcome.FAILED
    assert "no statistic that has a limit is one of the column `s`" in said(result)


def test_new_categories_of_a_named_column_that_cannot_be_told_are_inconclusive() -> None:
    many = parquet("select 'v' || i % 300 as c from range(3000) t(i)")
    new = parquet("select 'new' as c from range(3000)")
    named = run("drift", new, many, from_="other", columns=["c"], new_categories=0)
    assert named.outcome is Outcome.INCONCLUSIVE


def test_an_infinite_reference_is_told_where_its_range_is_not_used() -> None:
    other = parquet("select case when i = 3 then 'inf'::double else i end as x, i as y from range(10) t(i)")
    result = run("outliers", parquet("select 1e9::double as x, 1 as y"), other, from_="other")
    assert "not looked at: `other` has a `x` that is infinite" in said(result)


# -- samples


SAMPLED = {"scan": {"rows": 1000}}


def sampled(check: str, options: dict[str, Any], data: bytes, other: bytes | None = None, **dataset: Any) -> Result:
    own = {"path": "d.parquet", **SAMPLED, **dataset}
    datasets = {"d": own} if other is None else {"d": own, "other": {"path": "other.parquet"}}
    files: dict[str, str | bytes] = {"model.yaml": manifest(**datasets), "d.parquet": data}
    if other is not None:
        files["other.parquet"] = other
    return run_check(check, options, files=files, dataset="d", terms=terms())


RARE = parquet("select case when i = 77777 then 'text' end as x, i as y from range(100000) t(i)")


def test_a_type_is_wrong_though_the_sample_has_no_value_of_it() -> None:
    assert sampled("columns", {}, RARE, columns={"x": {"type": "int"}}).outcome is Outcome.FAILED


def test_a_schema_change_shows_though_the_sample_has_no_value_of_the_column() -> None:
    lock = dump(Profile("d", 5, "sha256:" + "0" * 64, (ColumnProfile("x", "int", "BIGINT", 0),)))
    text = manifest(d={"path": "d.parquet", **SAMPLED, "checks": ["schema-change"]})
    files = {"model.yaml": text, "d.parquet": RARE, "d.profile.json": lock}
    assert run_check("schema-change", files=files, dataset="d", terms=terms()).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [(100, Outcome.FAILED), (50_000, Outcome.INCONCLUSIVE), (90_000, Outcome.PASSED)],
    ids=["far-below", "near", "far-above"],
)
def test_new_categories_of_a_sample_stand_for_those_of_every_row(limit: int, outcome: Outcome) -> None:
    data = parquet("select case when i % 2 = 0 then 'new' else 'old' end as c from range(100000) t(i)")
    known = parquet("select 'old' as c from range(1000)")
    result = sampled("drift", {"from": "other", "columns": ["c"], "new_categories": limit}, data, known)
    assert result.outcome is outcome


def test_a_number_of_rows_is_that_of_every_row_though_a_condition_chooses_some() -> None:
    # one row in ten is looked at, one in twenty of these is missing: 500 rows of all
    data = parquet("select i % 10 as k, case when i % 200 <> 0 then 1 end as x from range(100000) t(i)")

    def outcome(most: int) -> Outcome:
        rule = {"required": {"max": most, "where": "k = 0"}}
        return sampled("columns", {}, data, columns={"x": rule}).outcome

    assert outcome(5_000) is Outcome.PASSED
    assert outcome(5) is Outcome.FAILED


# -- policy


@pytest.mark.parametrize(
    ("check", "default", "own", "both"),
    [
        ("missing", {"max": "10%"}, {"max": "5%"}, {"max": "5%"}),
        ("missing", {"max": "5%"}, {"max": 0.5}, {"max": "5%"}),
        ("duplicates", {"mostly": "99%"}, {"mostly": "10%"}, {"mostly": "99%"}),
        ("duplicates", {"mostly": "99%"}, {"mostly": 1}, {"mostly": 1}),
        ("fresh", {"max_age": "3d"}, {"max_age": "36h"}, {"max_age": "36h"}),
        ("fresh", {"max_age": "36h"}, {"max_age": "3d"}, {"max_age": "36h"}),
        ("rows", {"change": "10%"}, {"change": 0.05}, {"change": 0.05}),
        ("drift", {"psi": 0.25}, {"psi": 0.1}, {"psi": 0.1}),
        ("drift", {"psi": 0.1}, {"psi": {"warning": 0.05, "error": 0.4}}, {"psi": {"warning": 0.05, "error": 0.1}}),
        ("drift", {"psi": {"warning": 0.1, "error": 0.2}}, {"psi": 9}, {"psi": {"warning": 0.1, "error": 0.2}}),
        ("drift", {"new_categories": 5}, {"new_categories": 500}, {"new_categories": 5}),
        ("class-balance", {"classes": 3}, {"classes": 2}, {"classes": 3}),
        ("missing", {"columns": ["a"]}, {"columns": ["b"]}, {"columns": ["a", "b"]}),
        ("unique", {"columns": ["a"]}, {"columns": ["a", "b"]}, {"columns": ["a"]}),
        ("duplicates", {"by": ["a"]}, {"by": ["b"]}, {"by": ["a"]}),
        ("missing", {"max": "10%"}, {"max": "ten"}, {"max": "10%"}),
    ],
)
def test_every_limit_of_a_required_check_is_tightened_and_none_loosened(
    check: str, default: dict[str, Any], own: dict[str, Any], both: dict[str, Any]
) -> None:
    spec = CheckSpec(check=check, id="c", options=own, required=True)
    assert plan.with_defaults(spec, Config(defaults={check: default})) == both


# -- profiles


def test_a_profile_of_other_bytes_than_the_lfs_pointer_stands_for_is_refused() -> None:
    lock = dump(Profile("other", 5, "sha256:" + "1" * 64, (ColumnProfile("x", "int", "BIGINT", 0, low=0, high=9),)))
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'2' * 64}\nsize 12345\n"
    files = {"d.parquet": parquet("select 1 as x"), "other.parquet": pointer, "other.profile.json": lock}
    options = {"from": "other"}
    assert run_check("outliers", options, files=files, dataset="d", terms=terms()).cause == "usage"
    files["other.parquet"] = pointer.replace("2" * 64, "1" * 64)
    assert run_check("outliers", options, files=files, dataset="d", terms=terms()).outcome is Outcome.PASSED


@pytest.mark.parametrize(("path", "outcome"), [("d.profile.json", "failed"), ("moved.profile.json", "failed")])
def test_a_profile_that_moves_keeps_its_past(tmp_path: Path, path: str, outcome: str) -> None:
    lock = dump(Profile("d", 1000, "sha256:" + "0" * 64, (ColumnProfile("gone", "int", "BIGINT", 0),)))
    before = tmp_path / "before"
    before.mkdir()
    (before / "model.yaml").write_text(manifest(d={"checks": ["schema-change"]}))
    (before / "d.profile.json").write_text(lock)
    files = {"model.yaml": manifest(d={"profile": path}), "d.csv": "a\n1\n"}
    allowed = Terms(now=NOW, baseline=WorkTree(before))
    assert run_check("schema-change", files=files, dataset="d", terms=allowed).outcome == outcome
    assert run_check("rows", {"change": "10%"}, files=files, dataset="d", terms=allowed).outcome == outcome


# -- what must not be shown


@pytest.mark.parametrize(
    "column",
    [SECRET, "it's " + SECRET, f"first\n{SECRET}", f"a 'quoted' {SECRET}", f'x" {SECRET}', "4111111111111111111111"],
    ids=["plain", "apostrophe", "two-lines", "quotes", "double-quote", "digits"],
)
@pytest.mark.parametrize("where", ["s::int > 3", "s::date > '2020-01-01'", "strptime(s, '%Y') > '2020-01-01'"])
def test_a_conversion_that_fails_does_not_show_the_value(column: str, where: str) -> None:
    written = column.replace("'", "''")
    result = rules({"n": {"range": {"is": [0, 9], "where": where}}}, parquet(f"select '{written}' as s, 1 as n"))
    assert result.outcome is Outcome.BROKEN
    assert SECRET not in said(result)
    assert "4111111" not in said(result)


def test_a_csv_cell_of_another_type_is_told_by_its_line_and_not_shown() -> None:
    told = f'CSV Error on Line: 7\nOriginal Line: {SECRET}\nError when converting column "n". Could not convert string '
    found = of_duckdb(Exception(f"{told}\"{SECRET}\" to 'BIGINT'"), "d.csv", {})
    assert found.message == '`d.csv` cannot be read: line 7: a value of the column "n" is no BIGINT'


@pytest.mark.parametrize(
    "other",
    [
        {"like": "d", "columns": {"email": {"required": True}}},
        {"like": "d", "without": ["email"]},
        {"like": "d"},
    ],
    ids=["a-rule-anew", "without-it", "like"],
)
def test_a_sensitive_column_is_so_in_every_dataset_that_is_like_it(other: dict[str, Any]) -> None:
    model = model_from(manifest(d={"columns": {"email": {"sensitive": True}}}, e=other))
    assert model.datasets["e"].sensitive == {"email"}


def test_a_dataset_that_is_like_another_may_say_that_a_column_is_not_sensitive_here() -> None:
    own = {"like": "d", "columns": {"email": {"sensitive": False}}}
    model = model_from(manifest(d={"columns": {"email": {"sensitive": True}}}, e=own))
    assert model.datasets["e"].sensitive == frozenset()


def test_a_column_that_a_contract_calls_personal_is_not_shown_where_it_should_not_be() -> None:
    contract = {
        "apiVersion": "v3.0.2", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active",
        "schema": [{
            "name": "d",
            "properties": [{"name": "email", "logicalType": "string", "classification": "restricted"}],
        }],
    }  # fmt: skip
    text = manifest(
        d={"contract": "d.odcs.yaml"}, e={"like": "d", "without": ["email"], "checks": [{"duplicates": {"by": ["k"]}}]}
    )
    data = f"k,email\n1,{SECRET}\n1,{SECRET}\n"
    files = {"model.yaml": text, "d.odcs.yaml": json.dumps(contract), "d.csv": data, "e.csv": data}
    result = run_check("duplicates", {"by": ["k"]}, files=files, dataset="e", terms=terms())
    assert result.outcome is Outcome.FAILED
    assert result.findings[0].rows is not None
    assert SECRET not in said(result)


@pytest.mark.parametrize("owner", ["d", "e"])
def test_the_query_of_a_time_order_does_not_hold_a_sensitive_moment(owner: str) -> None:
    datasets: dict[str, Any] = {"d": {}, "e": {}}
    datasets[owner] = {"columns": {"born": {"sensitive": True}}}
    data = "born\n1984-05-06\n1983-02-01\n"
    files = {"model.yaml": manifest(**datasets), "d.csv": data, "e.csv": data}
    result = run_check("leakage", {"from": "e", "after": "born"}, files=files, dataset="d", terms=terms(Samples.NONE))
    assert result.outcome is Outcome.FAILED
    assert "198" not in said(result)


@pytest.mark.parametrize("samples", Samples)
def test_no_check_shows_a_value_of_a_sensitive_column(samples: Samples) -> None:
    rows = "".join(f"{i % 40},s3cret{i % 3}\n" for i in range(400))
    checks: dict[str, dict[str, Any]] = {
        "columns": {}, "duplicates": {}, "unique": {"columns": ["email"]}, "constant": {}, "sensitive": {},
        "missing": {"max": 0}, "class-balance": {"column": "email", "min": 0.9}, "outliers": {"from": "e"},
        "drift": {"from": "e"}, "skew": {"from": "e"}, "leakage": {"from": "e", "on": ["email"]},
        "foreign-key": {"columns": ["email"], "to": "e", "references": ["k"]},
    }  # fmt: skip
    columns = {"email": {"sensitive": True, "unique": True, "pattern": "^x", "length": [1, 2]}}
    text = manifest(d={"columns": columns}, e={"columns": {"k": {"type": "string"}}})
    others = "".join(f"x{i % 40},s3cret{i % 5}\n" for i in range(400))
    files = {"model.yaml": text, "d.csv": "k,email\n" + rows, "e.csv": "k,email\n" + others}
    for check, options in checks.items():
        result = run_check(check, options, files=files, dataset="d", terms=terms(samples))
        assert "s3cret" not in said(result), check


def test_a_profile_holds_no_value_of_a_column_that_is_sensitive_by_likeness(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("k,email\n" + f"1,{SECRET}\n" * 50)
    text = manifest(
        d={"columns": {"email": {"sensitive": True}}}, e={"like": "d", "columns": {"email": {"required": True}}}
    )
    model = model_from(text)
    bench = Workbench(model, WorkTree(tmp_path), World(tmp_path, {}))
    try:
        made = profiling.build(bench.table("e"), model.datasets["e"], "sha256:" + "0" * 64)
    finally:
        bench.close()
    assert SECRET not in dump(made)


# -- the end


def test_a_database_is_closed_while_a_question_runs_and_the_question_ends(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x\n1\n")
    table = open_table([tmp_path / "d.csv"], "text", "d.csv", threads=2)
    endless = "with recursive t(n) as (select 1 union all select 1 from t) select * from t where n = 2"
    ended: list[Exception] = []

    def ask() -> None:
        try:
            table.answer([Selected(endless)])
        except LimitReached as error:
            ended.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    while not table._lock.locked():
        thread.join(0.001)
    table.close()
    table.close()  # and once more
    thread.join(60)
    assert len(ended) == 1


# -- checks of others


def test_a_check_that_asks_while_it_says_what_it_will_ask_waits_for_nobody() -> None:
    module = ModuleType("impatient")

    def asks(case: Case) -> Iterator[Question]:
        if case.answer(Rows()) and case.bench.answers("other", [Rows()]):
            yield Extreme("x", "max")

    def check(case: Case) -> Iterator[Measurement]:
        yield Measurement(name="greatest", value=case.answer(Extreme("x", "max")))

    module.asks, module.check = asks, check  # type: ignore[attr-defined]
    results: list[Result] = []
    files = {"d.csv": "x\n1\n5\n", "other.csv": "x\n1\n"}
    thread = threading.Thread(
        target=lambda: results.append(run_check(module, files=files, dataset="d", terms=terms())), daemon=True
    )
    thread.start()
    thread.join(60)
    assert [measured.value for result in results for measured in result.measurements] == [5]
