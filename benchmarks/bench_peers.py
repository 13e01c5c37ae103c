"""Data tests beside other tools: the same tables, the same suite, the same counts; CPU and memory as ratios to mlci.

``python benchmarks/bench_peers.py`` makes an environment for each tool with uv (``--environments`` says where) and
measures at 1 M rows. pandera, pointblank and Great Expectations hold the core suite (types, required, range, in,
pattern, length, unique, duplicate rows, rows, freshness), each the way its documentation writes it; evidently looks at
the drift of eight columns. A tool that cannot be installed or run is listed with the error's first line.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import data_repo
from bench_data import FOLDER, HERE, differences, prepared
from data_cost import interleaved
from data_gen import NEWEST
from data_sql import CATEGORICAL, LENGTHS, NUMERIC, PATTERNS, RANGES, REQUIRED, SETS, TYPES

PEERS = {
    "pandera": ("pandera[polars]==0.35.0", "polars==2.1.0"),
    "pointblank": ("pointblank[pl]==1.1.1", "polars==2.1.0"),
    "great-expectations": ("great-expectations==1.24.1", "pandas==3.1.1", "numpy==2.4.6", "pyarrow==26.0.1"),
    # evidently 0.7 does not start with pandas 3
    "evidently": ("evidently==0.7.23", "pandas==2.3.3", "numpy==2.4.6", "scipy==1.17.1", "pyarrow==26.0.1"),
}
QUIET = {"DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false"}


# -- run by the interpreter of each environment ------------------------------------------------------------------------


def pandera(folder: Path) -> dict[str, Any]:
    import pandera.polars as pa
    import polars as pl

    types = {"INTEGER": pl.Int32, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "FLOAT": pl.Float32, "VARCHAR": pl.String}
    types |= {"TIMESTAMP": pl.Datetime("us"), "BOOLEAN": pl.Boolean}
    columns, rules = {}, {}
    for name, type_ in TYPES.items():
        checks = []
        if name in RANGES:
            low, high = RANGES[name]
            checks.append(pa.Check.ge(low) if high is None else pa.Check.in_range(low, high))
            rules[name, str(checks[-1].error)] = f"range {name}"
        if name in SETS:
            checks.append(pa.Check.isin(SETS[name]))
            rules[name, str(checks[-1].error)] = f"in {name}"
        if name in PATTERNS:
            checks.append(pa.Check.str_contains(PATTERNS[name]))
            rules[name, str(checks[-1].error)] = f"pattern {name}"
        if name in LENGTHS:
            checks.append(pa.Check.str_length(*LENGTHS[name]))
            rules[name, str(checks[-1].error)] = f"length {name}"
        columns[name] = pa.Column(types[type_], checks, nullable=name not in REQUIRED, unique=name == "id")
        rules[name, "not_nullable"] = f"required {name}"
    rules["id", "field_uniqueness"] = "unique id"
    rules[None, "multiple_fields_uniqueness"] = "duplicates"
    whole = [
        pa.Check(lambda data: data.lazyframe.select(pl.len() >= 1)),
        pa.Check(lambda data: data.lazyframe.select(pl.col("updated_at").max() >= pl.lit(NEWEST).str.to_datetime())),
    ]
    schema = pa.DataFrameSchema(columns, checks=whole, unique=list(TYPES), report_duplicates="all")
    table = pl.read_parquet(folder / "current" / "*.parquet")
    found: dict[str, Any] = {"rows": table.height}
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as failed:
        counted = failed.failure_cases.group_by("column", "check").len()
        found |= {rules.get((column, check), f"{column} {check}"): rows for column, check, rows in counted.rows()}
    return found


def pointblank(folder: Path) -> dict[str, Any]:
    import pointblank as pb
    import polars as pl

    types = {"INTEGER": "Int32", "BIGINT": "Int64", "DOUBLE": "Float64", "FLOAT": "Float32", "VARCHAR": "String"}
    types |= {"TIMESTAMP": "Datetime(time_unit='us', time_zone=None)", "BOOLEAN": "Boolean"}
    table = pl.read_parquet(folder / "current" / "*.parquet")
    schema = pb.Schema(columns=[(name, types[type_]) for name, type_ in TYPES.items()])
    steps, plan = ["columns"], pb.Validate(table).col_schema_match(schema, in_order=False)
    for name in REQUIRED:
        steps, plan = [*steps, f"required {name}"], plan.col_vals_not_null(name)
    for name, (low, high) in RANGES.items():
        steps.append(f"range {name}")
        if high is None:
            plan = plan.col_vals_ge(name, low, na_pass=True)
        else:
            plan = plan.col_vals_between(name, low, high, na_pass=True)
    for name, values in SETS.items():
        steps, plan = [*steps, f"in {name}"], plan.col_vals_in_set(name, [*values, None])
    for name, pattern in PATTERNS.items():
        steps, plan = [*steps, f"pattern {name}"], plan.col_vals_regex(name, pattern, na_pass=True)
    for name, (least, most) in LENGTHS.items():
        steps, plan = [*steps, f"length {name}"], plan.col_vals_str_len(name, least, most, na_pass=True)
    steps, plan = [*steps, "unique id", "duplicates"], plan.rows_distinct(["id"]).rows_distinct()
    plan = plan.data_freshness("updated_at", max_age="36h", reference_time=NEWEST).row_count_match(table.height)
    failed = plan.interrogate(collect_extracts=False, collect_tbl_checked=False).n_failed()
    steps += ["fresh", "count"]
    return {"rows": table.height, **{step: failed[number] for number, step in enumerate(steps, 1)}}


def great_expectations(folder: Path) -> dict[str, Any]:
    from datetime import datetime

    import great_expectations as gx
    import pandas as pd

    expect = gx.expectations
    table = pd.read_parquet(folder / "current")
    asset = gx.get_context(mode="ephemeral").data_sources.add_pandas("tables").add_dataframe_asset("current")
    rules: dict[tuple[str, Any], str] = {}
    suite = gx.ExpectationSuite("core")

    def add(rule: str, expectation: Any) -> None:
        rules[expectation.expectation_type, getattr(expectation, "column", None)] = rule
        suite.add_expectation(expectation)

    add("columns", expect.ExpectTableColumnsToMatchSet(column_set=list(TYPES)))
    add("count", expect.ExpectTableRowCountToBeBetween(min_value=1))
    newest = datetime.fromisoformat(NEWEST)
    add("fresh", expect.ExpectColumnMaxToBeBetween(column="updated_at", min_value=newest))
    types = {"INTEGER": "int32", "BIGINT": "int64", "DOUBLE": "float64", "FLOAT": "float32", "VARCHAR": "str"}
    types |= {"TIMESTAMP": "datetime64[us]", "BOOLEAN": "bool"}
    for name, type_ in TYPES.items():
        # an integer column with missing values is one of floats in pandas
        wanted = "float64" if name == "customer_id" else types[type_]
        add(f"type {name}", expect.ExpectColumnValuesToBeOfType(column=name, type_=wanted))
    for name in REQUIRED:
        add(f"required {name}", expect.ExpectColumnValuesToNotBeNull(column=name))
    for name, (low, high) in RANGES.items():
        add(f"range {name}", expect.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high))
    for name, values in SETS.items():
        add(f"in {name}", expect.ExpectColumnValuesToBeInSet(column=name, value_set=list(values)))
    for name, pattern in PATTERNS.items():
        add(f"pattern {name}", expect.ExpectColumnValuesToMatchRegex(column=name, regex=pattern))
    for name, (least, most) in LENGTHS.items():
        lengths = expect.ExpectColumnValueLengthsToBeBetween(column=name, min_value=least, max_value=most)
        add(f"length {name}", lengths)
    add("unique id", expect.ExpectColumnValuesToBeUnique(column="id"))
    add("duplicates", expect.ExpectCompoundColumnsToBeUnique(column_list=list(TYPES), ignore_row_if="never"))
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
    found: dict[str, Any] = {"rows": len(table)}
    for result in batch.validate(suite, result_format="BASIC").results:
        config = result.expectation_config
        rule = rules[config.type, config.kwargs.get("column")]
        found[rule] = result.result.get("unexpected_count", 0 if result.success else "failed")
    return found


def evidently(folder: Path) -> dict[str, Any]:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    columns = DataDefinition(numerical_columns=list(NUMERIC), categorical_columns=list(CATEGORICAL))
    current, reference = (
        Dataset.from_pandas(pd.read_parquet(folder / name, columns=[*NUMERIC, *CATEGORICAL]), data_definition=columns)
        for name in ("current", "reference")
    )
    metrics = [ValueDrift(column=name, method=method) for name in NUMERIC for method in ("psi", "ks")]
    metrics += [ValueDrift(column=name, method=method) for name in CATEGORICAL for method in ("psi", "jensenshannon")]
    report = Report(metrics).run(current, reference)
    return {
        f"{metric['config']['method']} of {metric['config']['column']}": float(metric["value"])
        for metric in report.dict()["metrics"]
    }


INSIDE: dict[str, Callable[[Path], dict[str, Any]]] = {
    "pandera": pandera,
    "pointblank": pointblank,
    "great-expectations": great_expectations,
    "evidently": evidently,
}


# -- and by ours -------------------------------------------------------------------------------------------------------


def environment(folder: Path, name: str, packages: Sequence[str]) -> tuple[Path | None, str]:
    """The interpreter of a tool's environment, made where it is not there yet; or why there is none."""
    place = folder / name
    python, done = place / "bin" / "python", place / "packages.txt"
    if done.exists() and done.read_text(encoding="utf-8").split() == list(packages):
        return python, ""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        return None, "uv is not installed"
    for words in (
        ["venv", "--clear", "--python", sys.executable, str(place)],
        ["pip", "install", "--python", str(python), *packages],
    ):
        ran = subprocess.run([uv, *words], capture_output=True, text=True, check=False)
        if ran.returncode:
            return None, _first(ran.stderr)
    done.write_text("\n".join(packages), encoding="utf-8")
    return python, ""


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no message")


def _last(text: str) -> str:
    return _first("\n".join(reversed(text.splitlines())))


def measure(folder: Path, environments: Path, rows: int, runs: int, wanted: Sequence[str]) -> None:
    """Print one table."""
    place, faults = prepared(folder, rows)
    core = {rule: count for rule, count in faults.items() if rule != "leakage"}
    suites = {"core": data_repo.write(place, "core"), "drift": data_repo.write(place, "drift")}
    commands = {f"mlci {suite}": (data_repo.CHECK, made.root) for suite, made in suites.items()}
    missing: dict[str, str] = {}
    for name in wanted:
        python, reason = environment(environments, name, PEERS[name])
        if python is None:
            missing[name] = reason
        else:
            commands[name] = ([str(python), str(HERE / "bench_peers.py"), "--peer", name, str(place)], place)
    os.environ.update(QUIET)
    print(f"\n{rows:,} rows, 20 columns, median of {runs}\n")
    print("| tool | suite | CPU, s | wall, s | peak MB | CPU x mlci | memory x mlci | counts |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    costs = dict(interleaved(commands, runs))
    for name, cost in costs.items():
        suite = name.split()[1] if name.startswith("mlci") else "drift" if name == "evidently" else "core"
        mine = costs[f"mlci {suite}"]
        label = name.split()[0] if name.startswith("mlci") else PEERS[name][0]
        if cost.failed:
            print(
                f"| {label} | {suite} | ended with {cost.failed.code}: {_last(cost.failed.error)} | | | | | |",
                flush=True,
            )
            continue
        if suite == "drift":
            wrong = "" if name.startswith("mlci") else _categories(mine.runs[-1].output, cost.runs[-1].output)
        elif name.startswith("mlci"):
            wrong = _told(core, suites[suite].counts(cost.runs[-1].output))
        else:
            wrong = _told(core, json.loads(cost.runs[-1].output.splitlines()[-1]))
        cells = [f"{cost.cpu:.2f}", f"{cost.wall:.2f}", f"{cost.rss:,.0f}"]
        cells += [f"{cost.cpu / mine.cpu:.1f}", f"{cost.rss / mine.rss:.1f}", wrong]
        print(f"| {label} | {suite} | {' | '.join(cells)} |", flush=True)
    for name, reason in missing.items():
        print(f"| {PEERS[name][0]} | not installed: {reason} | | | | | | |", flush=True)


def _told(faults: Mapping[str, int], found: Mapping[str, object]) -> str:
    return (
        "; ".join(differences(faults, {rule: count for rule, count in found.items() if count or rule in faults}))
        or "same"
    )


def _categories(ours: str, theirs: str) -> str:
    """Bins of numbers are each tool's own, but PSI of categories has one definition."""
    mine, others = data_repo.drift(ours), json.loads(theirs.splitlines()[-1])
    pairs = {name: (mine.get(name, {}).get("psi", math.inf), others[f"psi of {name}"]) for name in CATEGORICAL}
    wrong = [
        f"psi of {name}: {theirs}, here {own}" for name, (own, theirs) in pairs.items() if abs(own - theirs) > 1e-9
    ]
    return "; ".join(wrong) or "same PSI of categories"


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--peer"]:
        print(json.dumps(INSIDE[words[1]](Path(words[2])), default=str))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where the tables are kept ({FOLDER})")
    parser.add_argument("--environments", type=Path, default=FOLDER / "environments", help="where the tools are kept")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS), help="only these tools")
    args = parser.parse_args(words)
    measure(args.folder.resolve(), args.environments.resolve(), args.rows, args.runs, args.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
