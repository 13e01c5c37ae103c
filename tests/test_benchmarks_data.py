"""The benchmark of data tests knows its faults, and its SQL finds exactly these."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
ROWS = 20_000


def run(script: str, *words: str | Path) -> Any:
    """What a script printed, read as JSON."""
    done = subprocess.run([sys.executable, FOLDER / script, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def generate(folder: Path, *words: str) -> dict[str, int]:
    found: dict[str, int] = run("data_gen.py", folder, "--rows", str(ROWS), *words)
    return found


def rows_of(folder: Path, name: str) -> set[tuple[object, ...]]:
    files = str(folder / name / "part-*.parquet")
    return set(duckdb.connect().execute("select * from read_parquet(?)", [files]).fetchall())


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    generate(folder, "--csv")
    run("data_sql.py", "profile", folder)
    return folder


def test_one_row_in_ten_thousand_breaks_each_rule(tables: Path) -> None:
    faults = json.loads((tables / "faults.json").read_text(encoding="utf-8"))["faults"]
    whole = {"rows": ROWS, "unique id": 300, "duplicates": 200, "leakage": 500}
    assert {rule: faults.pop(rule) for rule in whole} == whole
    assert len(faults) == 13
    assert set(faults.values()) == {2}


def test_the_same_seed_makes_the_same_rows(tables: Path, tmp_path: Path) -> None:
    faults = generate(tmp_path)
    assert faults == json.loads((tables / "faults.json").read_text(encoding="utf-8"))["faults"]
    for name in ("reference", "current"):
        assert rows_of(tmp_path, name) == rows_of(tables, name)


def test_another_seed_makes_other_rows_with_as_many_faults(tables: Path, tmp_path: Path) -> None:
    faults = generate(tmp_path, "--seed", "2")
    run("data_sql.py", "profile", tmp_path)
    found = run("data_sql.py", "full", tmp_path)
    assert {rule: found[rule] for rule in faults} == faults
    assert not rows_of(tmp_path, "current") & rows_of(tables, "current")


def test_rows_made_in_parts_are_the_same(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from data_gen import generate as in_parts

    in_parts(tmp_path, ROWS, reference_rows=ROWS, part=7_000)
    assert len(list((tmp_path / "current").iterdir())) == 3
    assert rows_of(tmp_path, "current") == rows_of(tables, "current")


@pytest.mark.parametrize("suite", ["core", "full"])
@pytest.mark.parametrize("memory", [(), ("--memory", "200MB")], ids=["free", "capped"])
def test_the_sql_finds_exactly_the_faults(tables: Path, suite: str, memory: tuple[str, ...]) -> None:
    faults = json.loads((tables / "faults.json").read_text(encoding="utf-8"))["faults"]
    found = run("data_sql.py", suite, tables, *memory)
    found.pop("drift", None)
    assert found.pop("newest") == "2026-10-31 12:00:00"
    if suite == "core":
        del faults["leakage"]
    assert {rule: count for rule, count in found.items() if count or rule in faults} == faults


def test_the_sql_finds_the_columns_that_drifted(tables: Path) -> None:
    drift = run("data_sql.py", "full", tables)["drift"]
    ks = {name: found["ks"] for name, found in drift.items() if "ks" in found}
    js = {name: found["js"] for name, found in drift.items() if "js" in found}
    # normal distributions a sixth of a deviation apart: D = 2 * Phi(1/12) - 1 = 0.0664
    assert ks.pop("income") == pytest.approx(0.0664, abs=0.015)
    assert max(ks, key=lambda name: ks[name]) == "balance"
    assert ks["balance"] == pytest.approx(0.012, abs=0.012)
    assert max(js, key=lambda name: js[name]) == "country"


def test_the_csv_has_the_rows_of_the_parquet(tables: Path) -> None:
    connection = duckdb.connect()
    asked = "select count(*), sum(id), count(income), max(updated_at) from '{}'"
    told = [connection.execute(asked.format(tables / name)).fetchone() for name in ("current.csv", "current/*.parquet")]
    assert told[0] == told[1]


def test_counts_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from bench_data import differences

    assert differences({"rows": 10, "in plan": 2}, {"rows": 10, "in plan": 2, "required id": 0}) == []
    assert differences({"rows": 10, "in plan": 2}, {"rows": 10, "columns": 1}) == [
        "columns: 1, put in 0",
        "in plan: None, put in 2",
    ]


MEASURED = """
import json, pathlib, sys
from data_cost import once
for program in ("x = b'1' * 300_000_000; print(len(x))", "raise SystemExit(3)"):
    run = once([sys.executable, "-c", program], pathlib.Path())
    print(json.dumps([run.output.strip(), run.code, run.rss]))
"""


def test_the_cost_of_a_command_is_that_of_its_process_alone() -> None:
    # not from this process, whose memory would count as its children's
    done = subprocess.run([sys.executable, "-c", MEASURED], cwd=FOLDER, capture_output=True, text=True, check=True)
    large, small = (json.loads(line) for line in done.stdout.splitlines())
    assert (large[:2], small[:2]) == (["300000000", 0], ["", 3])
    assert large[2] > 300 > 100 > small[2]
