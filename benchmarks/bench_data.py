"""Data tests beside the best hand-written SQL and a raw scan: CPU, memory, and the cost by number of rows.

``python benchmarks/bench_data.py`` takes 1 M and 10 M rows of 20 columns; ``--rows 100000000 --runs 1 --no-cap`` takes
100 M (8 GB on disk, made in parts; 10 M of the reference). Each run is a process of its own, in turn, medians. Bars at
10 M: the core suite at most 1.5 times the CPU of the SQL and 2.5 times that of a raw scan, the full one at most 1.5
times; 1.2 GB, and 0.5 GB under a cap of 400 MB. All counts are held against the faults that the generator put in, and
drift against that of the SQL.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import data_repo
from data_cost import Costs, interleaved, once

HERE = Path(__file__).resolve().parent
FOLDER = Path.home() / ".cache" / "mlci-bench"
CAP = "400MB"


def prepared(folder: Path, rows: int, more: Sequence[str] = ()) -> tuple[Path, dict[str, int]]:
    """The tables of so many rows below the folder, made where they are not there -> their place and their faults."""
    place = folder / f"rows-{rows}"
    # in a process of its own: what this one has in memory would count as its children's
    made = once([sys.executable, str(HERE / "data_gen.py"), str(place), "--rows", str(rows), *more], HERE)
    if made.code:
        raise SystemExit(made.error)
    profile = place / "sql.profile.json"
    if not profile.exists() or profile.stat().st_mtime < (place / "faults.json").stat().st_mtime:
        made = once([sys.executable, str(HERE / "data_sql.py"), "profile", str(place)], HERE)
        if made.code:
            raise SystemExit(made.error)
    faults: dict[str, int] = json.loads((place / "faults.json").read_text(encoding="utf-8"))["faults"]
    return place, faults


def differences(faults: Mapping[str, int], found: Mapping[str, object]) -> list[str]:
    """Where the counts are not those of the faults; a rule that is not there counts as no failing row."""
    wanted = {**dict.fromkeys(found, 0), **faults}
    return [f"{rule}: {found.get(rule)}, put in {count}" for rule, count in wanted.items() if found.get(rule) != count]


def moved(wanted: Mapping[str, Mapping[str, float]], found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Where drift is not what the SQL says: of categories the same, of numbers alike, for its edges are others."""
    told = []
    for column, statistics in wanted.items():
        for name, value in statistics.items():
            mine = found.get(column, {}).get(name, math.inf)
            if abs(mine - value) > (1e-9 if "js" in statistics else 0.005):
                told.append(f"{name} of {column}: {mine:.6f}, the SQL has {value:.6f}")
    return told


def measure(folder: Path, rows: int, runs: int, suites: Sequence[str], caps: Sequence[str]) -> None:
    """Print one table."""
    place, faults = prepared(folder, rows)
    sql = [sys.executable, str(HERE / "data_sql.py")]
    core = {rule: count for rule, count in faults.items() if rule != "leakage"}
    repositories: dict[str, data_repo.Repository] = {}
    commands: dict[str, tuple[Sequence[str], Path]] = {"raw scan": ([*sql, "raw", str(place)], place)}
    for suite in suites:
        for cap in caps:
            name = f"{suite}, {cap} cap" if cap else suite
            words = ["--memory", cap] if cap else []
            commands[f"SQL {name}"] = ([*sql, suite, str(place), *words], place)
            repositories[f"mlci {name}"] = made = data_repo.write(place, suite, memory=cap)
            commands[f"mlci {name}"] = (data_repo.CHECK, made.root)
    costs = dict(interleaved(commands, runs))
    print(f"\n{rows:,} rows, 20 columns, median of {runs}\n")
    print("| what | CPU, s | wall, s | peak MB | CPU, s per M rows | x raw scan | x SQL | counts |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, cost in costs.items():
        wrong = _wrong(name, cost, repositories, core if " core" in name else faults)
        peer = costs.get(name.replace("mlci", "SQL"), cost)
        if " full" in name and not (cost.failed or peer.failed or peer is cost):
            wrong += moved(json.loads(peer.runs[0].output)["drift"], data_repo.drift(cost.runs[0].output))
        cells = [f"{cost.cpu:.2f}", f"{cost.wall:.2f}", f"{cost.rss:,.0f}", f"{cost.cpu / rows * 1e6:.2f}"]
        cells += [f"{cost.cpu / costs['raw scan'].cpu:.2f}", f"{cost.cpu / peer.cpu:.2f}" if peer is not cost else ""]
        print(f"| {name} | {' | '.join(cells)} | {'; '.join(wrong) or 'right'} |", flush=True)


def _wrong(
    name: str, cost: Costs, repositories: Mapping[str, data_repo.Repository], faults: Mapping[str, int]
) -> list[str]:
    """What the runs of a command found that is not what the generator put in."""
    if cost.failed:
        return [f"ended with {cost.failed.code}: {cost.failed.error.strip().splitlines()[-1:]}"]
    if name == "raw scan":
        return []
    found: list[str] = []
    for run in cost.runs:
        if name in repositories:
            counts: dict[str, object] = dict(repositories[name].counts(run.output))
        else:
            counts = {rule: count for rule, count in json.loads(run.output).items() if rule not in ("newest", "drift")}
        found += differences(faults, counts)
    return list(dict.fromkeys(found))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--suites", nargs="+", choices=("core", "full"), default=["core", "full"])
    parser.add_argument("--no-cap", action="store_true", help=f"only without the cap of {CAP}")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where the tables are kept ({FOLDER})")
    args = parser.parse_args(argv)
    for rows in args.rows:
        measure(args.folder.resolve(), rows, args.runs, args.suites, [""] if args.no_cap else ["", CAP])
    return 0


if __name__ == "__main__":
    sys.exit(main())
