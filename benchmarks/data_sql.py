"""The bar: the suite of the benchmark as the best DuckDB SQL that we can write by hand for these tables.

``python benchmarks/data_sql.py raw|core|full|profile FOLDER`` on a folder of data_gen.py prints counts as JSON.

raw      reads every value: ``bit_xor(hash(row))``
core     presence and types, required, range, in, pattern, length, rows, freshness, unique, duplicate rows
full     core, drift of 8 columns against a stored profile, leakage of keys
profile  writes what ``full`` is held against, ``FOLDER/sql.profile.json``; once, so it is not part of any bar

What makes it quick, each measured: everything that one row tells is one SELECT; ``count_if(x)``, not ``count(*) filter
(where x)``, because an expression is evaluated once for each entry of a dictionary and a filter for each row; missing
rows from ``count(column)``; whole rows compared only where the unique column repeats, and these rows picked up by the
same SELECT (a query of their own would read every column once more); little memory for the hash table of the unique
column, which is then cut into partitions that fit the cache; keys joined by a hash of eight bytes, and the few that
match compared; no more than one row group read ahead. Missing is NULL or NaN, as in mlci.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from data_gen import CHANNELS, COUNTRIES, KEY, PLANS

if TYPE_CHECKING:
    import duckdb

    Connection: TypeAlias = duckdb.DuckDBPyConnection

TYPES = {
    **dict.fromkeys(("customer_id", "age", "visits", "label"), "INTEGER"),
    **dict.fromkeys(("id", "amount_cents"), "BIGINT"),
    **dict.fromkeys(("income", "balance", "ratio"), "DOUBLE"),
    **dict.fromkeys(("score", "height"), "FLOAT"),
    **dict.fromkeys(("country", "plan", "channel", "email", "sku", "note"), "VARCHAR"),
    **dict.fromkeys(("created_at", "updated_at"), "TIMESTAMP"),
    "active": "BOOLEAN",
}
FLOATS = ("FLOAT", "DOUBLE")
REQUIRED = ("id", "customer_id", "country", "email", "created_at", "active")
RANGES = {"age": (18, 100), "amount_cents": (1, 1_000_000), "income": (0, None), "score": (0, 1)}
SETS = {"country": COUNTRIES, "plan": PLANS, "channel": CHANNELS}
PATTERNS = {"email": r"^[^@\s]+@[^@\s]+$"}
LENGTHS = {"sku": (9, 9), "note": (5, 40)}
NUMERIC = ("age", "amount_cents", "income", "score", "balance")
CATEGORICAL = ("country", "plan", "channel")
EDGES = 200
GROUPS = "128MB"
"""Enough for the hash table of a part of the unique values; the whole one for 10 M would need four times as much."""

Profile: TypeAlias = dict[str, Any]


def _files(folder: Path, name: str) -> str:
    return f"read_parquet('{folder / name}/part-*.parquet')"


def _set(connection: Connection, **settings: object) -> None:
    """Settings of DuckDB; None is the default. Older versions lack some, and do without."""
    known = {row[0] for row in connection.execute("select name from duckdb_settings()").fetchall()}
    for name in known.intersection(settings):
        connection.execute(f"reset {name}" if settings[name] is None else f"set {name} = '{settings[name]}'")


def _row_rules() -> dict[str, str]:
    """Rule -> the number of rows that break it, as an aggregate."""
    found = {f"required {name}": f"count(*) - count({name})" for name in REQUIRED}
    for name, (low, high) in RANGES.items():
        # NaN is above all numbers in DuckDB, and is missing here
        above = f" or {name} > {high}" if high is not None else ""
        nan = f" and not isnan({name})" if above and TYPES[name] in FLOATS else ""
        found[f"range {name}"] = f"count_if(({name} < {low}{above}){nan})"
    for name, values in SETS.items():
        found[f"in {name}"] = f"count_if({name} not in {values})"
    for name, pattern in PATTERNS.items():
        found[f"pattern {name}"] = f"count_if(not regexp_matches({name}, '{pattern}'))"
    for name, (least, most) in LENGTHS.items():
        found[f"length {name}"] = f"count_if(length({name}) not between {least} and {most})"
    return found


def raw(connection: Connection, folder: Path) -> dict[str, Any]:
    (found,) = connection.execute(f"select bit_xor(hash(t)) from {_files(folder, 'current')} t").fetchone()
    return {"hash": found}


def core(connection: Connection, folder: Path, more: Sequence[str] = ()) -> tuple[dict[str, Any], list[Any]]:
    """The counts by rule, and the answers to what ``more`` asks in the same scan."""
    data = _files(folder, "current")
    types = dict(row[:2] for row in connection.execute(f"describe from {data}").fetchall())
    repeats = f"select id, count(*) as members from {data} group by id having members > 1"
    _set(connection, operator_memory_limit=GROUPS)
    connection.execute(f"create temp table repeated as {repeats}")
    _set(connection, operator_memory_limit=None)
    rules = _row_rules()
    whole = ", ".join(f"{name} := {name}" for name in TYPES)
    suspects = f"list(struct_pack({whole})) filter (where id in (select id from repeated)) as suspects"
    asked = ["count(*) as rows", "max(updated_at) as newest", *rules.values(), *more]
    names = [f"answer_{number}" for number in range(len(asked) - 2)]
    named = [*asked[:2], *(f"{what} as {name}" for what, name in zip(asked[2:], names, strict=True)), suspects]
    connection.execute(f"create temp table answers as select {', '.join(named)} from {data}")
    rows, newest, *answers = connection.execute("select * exclude (suspects) from answers").fetchone()
    counts = {"columns": sum(types.get(name) != type_ for name, type_ in TYPES.items()), "rows": rows}
    counts |= {"newest": str(newest), **dict(zip(rules, answers, strict=False))}
    counts["unique id"] = _members(connection, "repeated")
    same = ", ".join(f"nullif({name}, 'nan')" if TYPES[name] in FLOATS else name for name in TYPES)
    picked = "select unnest(suspects, recursive := true) from answers"
    counts["duplicates"] = _members(connection, f"(select count(*) as members from ({picked}) group by {same})")
    return counts, answers[len(rules) :]


def _members(connection: Connection, groups: str) -> int:
    asked = f"select coalesce(sum(members), 0)::bigint from {groups} where members > 1"
    found: int = connection.execute(asked).fetchone()[0]
    return found


def _histograms(profile: Profile) -> list[str]:
    found = []
    for name in NUMERIC:
        edges = profile["numeric"][name]["edges"]
        present = f" filter (where not isnan({name}))" if TYPES[name] in FLOATS else ""
        found.append(f"map_values(histogram({name}, {edges}){present})")
    return found


def _categories(profile: Profile) -> list[str]:
    counts = [
        f"count_if({name} = '{value}')" for name in CATEGORICAL for value in profile["categories"][name]["values"]
    ]
    return [*counts, *(f"count({name})" for name in CATEGORICAL)]


def full(connection: Connection, folder: Path) -> dict[str, Any]:
    profile: Profile = json.loads((folder / "sql.profile.json").read_text(encoding="utf-8"))
    counts, answers = core(connection, folder, _histograms(profile) + _categories(profile))
    histograms, answers = answers[: len(NUMERIC)], answers[len(NUMERIC) :]
    drift: dict[str, dict[str, float]] = {}
    for name, bins in zip(NUMERIC, histograms, strict=True):
        known = profile["numeric"][name]["counts"]
        here = bins + [0] * (len(known) - len(bins))  # no last bin where nothing lies above the edges
        drift[name] = {"psi": _psi(*_deciles(known, here)), "ks": _ks(known, here)}
    for name, present in zip(CATEGORICAL, answers[-len(CATEGORICAL) :], strict=True):
        known = profile["categories"][name]["counts"]
        here, answers = answers[: len(known) - 1], answers[len(known) - 1 :]
        drift[name] = {"js": _js(known, [*here, present - sum(here)]), "psi": _psi(known, [*here, present - sum(here)])}
    return {**counts, "leakage": _leaked(connection, folder), "drift": drift}


def _leaked(connection: Connection, folder: Path) -> int:
    current, reference = _files(folder, "current"), _files(folder, "reference")
    keys = ", ".join(KEY)
    hashes = f"select hash({keys}) as hashed from {reference}"
    hashed = f"select {keys}, hash({keys}) as hashed from {current}"
    connection.execute(f"create temp table alike as select {keys} from ({hashed}) semi join ({hashes}) using (hashed)")
    theirs = f"select {keys} from {reference} where {KEY[-1]} in (select {KEY[-1]} from alike)"
    found: int = connection.execute(f"select count(*) from alike semi join ({theirs}) using ({keys})").fetchone()[0]
    return found


def profile(connection: Connection, folder: Path) -> Profile:
    """The reference's edges (values at 200 ranks), counts and categories."""
    data = _files(folder, "reference")
    made: Profile = {"numeric": {}, "categories": {}}
    shares = [rank / (EDGES + 1) for rank in range(1, EDGES + 1)]
    for name in NUMERIC:
        found = connection.execute(f"select quantile_disc({name}, {shares}) from {data}").fetchone()[0]
        made["numeric"][name] = {"edges": sorted(set(found))}
    for name in CATEGORICAL:
        found = connection.execute(f"select {name}, count(*) from {data} group by all order by 1").fetchall()
        known = dict(row for row in found if row[0] is not None)
        made["categories"][name] = {"values": list(known), "counts": [*known.values(), 0]}
    counted = connection.execute(f"select {', '.join(_histograms(made))} from {data}").fetchone()
    for name, counts in zip(NUMERIC, counted, strict=True):
        made["numeric"][name]["counts"] = counts
    (folder / "sql.profile.json").write_text(json.dumps(made), encoding="utf-8")
    return {name: len(made["numeric"][name]["edges"]) for name in NUMERIC}


def _shares(counts: Sequence[int]) -> list[float]:
    return [count / sum(counts) for count in counts]


def _deciles(known: Sequence[int], here: Sequence[int]) -> tuple[list[int], list[int]]:
    """Ten bins of about equal mass in the reference: a fine bin goes where the middle of its mass lies."""
    sums: tuple[list[int], list[int]] = ([0] * 10, [0] * 10)
    for below, mine, theirs in zip(accumulate(known, initial=0), known, here, strict=False):
        place = min(9, int(10 * (below + mine / 2) / sum(known)))
        sums[0][place] += mine
        sums[1][place] += theirs
    return sums


def _psi(known: Sequence[int], here: Sequence[int]) -> float:
    pairs = zip(_shares(known), _shares(here), strict=True)
    return sum((q - p) * math.log(q / p) for p, q in ((max(p, 1e-4), max(q, 1e-4)) for p, q in pairs))


def _ks(known: Sequence[int], here: Sequence[int]) -> float:
    pairs = zip(accumulate(_shares(known)), accumulate(_shares(here)), strict=True)
    return max(abs(f - g) for f, g in pairs)


def _js(known: Sequence[int], here: Sequence[int]) -> float:
    total = 0.0
    for p, q in zip(_shares(known), _shares(here), strict=True):
        total += sum(share * math.log2(share / ((p + q) / 2)) for share in (p, q) if share) / 2
    return math.sqrt(total)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=("raw", "core", "full", "profile"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--memory", help="DuckDB's memory limit, such as 400MB")
    args = parser.parse_args(argv)
    import duckdb

    connection = duckdb.connect(config={"temp_directory": str(args.folder / "spill")})
    _set(connection, memory_limit=args.memory, read_ahead_depth=1, async_threads=1)
    if args.suite == "core":
        found, _ = core(connection, args.folder)
    else:
        found = {"raw": raw, "full": full, "profile": profile}[args.suite](connection, args.folder)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
