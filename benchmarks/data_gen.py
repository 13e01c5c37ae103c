"""Writes tables whose faults are known: 20 columns, a reference (train) and a current set (test), seeded.

``python benchmarks/data_gen.py FOLDER --rows 1000000`` writes ``reference/part-*.parquet``, ``current/part-*.parquet``
and ``faults.json``, the exact counts. DuckDB makes the rows in parts, so that 100 M rows take no more memory than
10 M. Every value is a hash of its row, its column and the seed: the same in any order, on any number of threads.

Of the current set, 1 row in 10,000 breaks each rule, 100 rows are there twice, 50 have the id of another row and are
not that row, 500 have the key of a row of the reference, and income, balance and country have drifted. No row is at
fault twice, so that the counts add up.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PART = 10_000_000
EVERY = 10_000
COPIES = 100
RENAMED = 50
LEAKED = 500
KEY = ("customer_id", "sku", "created_at")
NEWEST = "2026-10-31 12:00:00"
COUNTRIES = ("US", "DE", "FR", "GB", "IT", "ES", "PL", "NL")
PLANS = ("free", "basic", "plus", "business")
CHANNELS = ("web", "app", "shop", "phone", "partner")
_WORDS = (
    *("amber", "birch", "cedar", "delta", "ember", "flint", "grove", "heath"),
    *("inlet", "joist", "knoll", "lathe", "maple", "north", "ochre", "pearl"),
)
_REFERENCE = 1 << 40  # rows of the reference are numbered from here, so that their values are others

# what stands in the column of a row that breaks the rule
RULES = {
    "required customer_id": "null",
    "required country": "null",
    "required created_at": "null",
    "range age": "150",
    "range amount_cents": "-5",
    "range income": "-1.0",
    "range score": "1.5",
    "in country": "'XX'",
    "in plan": "'trial'",
    "in channel": "'fax'",
    "pattern email": "'nobody at example'",
    "length sku": "'sku 17'",
    "length note": "'abc'",
}


@dataclass(frozen=True)
class Plan:
    """Which rows are at fault; the counts follow from it."""

    rows: int
    reference_rows: int
    seed: int
    residues: dict[str, int]
    """Rule -> remainder, by ``EVERY``, of the rows that break it."""
    copies: dict[int, int]
    """Row -> the row that it repeats."""
    renamed: dict[int, int]
    """Row -> the row whose id it has."""
    leaked: dict[int, int]
    """Row -> the row of the reference whose key it has."""

    def faults(self) -> dict[str, int]:
        """What a suite must find in the current set: failing rows by rule, all members of a group."""
        broken = {rule: len(range(residue, self.rows, EVERY)) for rule, residue in self.residues.items()}
        copied, renamed = 2 * len(self.copies), 2 * len(self.renamed)
        whole = {"unique id": copied + renamed, "duplicates": copied, "leakage": len(self.leaked)}
        return {"rows": self.rows, **broken, **whole}


def plan(rows: int, reference_rows: int, seed: int) -> Plan:
    """Draw the rows at fault."""
    if rows < EVERY or reference_rows < LEAKED:
        raise SystemExit(f"at least {EVERY:,} rows, and {LEAKED} of the reference, are needed")
    drawn = random.Random(seed)
    residues = dict(zip(RULES, drawn.sample(range(1, EVERY), len(RULES)), strict=True))
    taken = set(residues.values())
    sound: dict[int, None] = {}
    while len(sound) < 2 * COPIES + 2 * RENAMED + LEAKED:
        row = drawn.randrange(1, rows)
        if row % EVERY not in taken:
            sound[row] = None
    chosen = iter(sound)
    copies, renamed = ({next(chosen): next(chosen) for _ in range(count)} for count in (COPIES, RENAMED))
    leaked = dict(zip(chosen, drawn.sample(range(reference_rows), LEAKED), strict=True))
    return Plan(rows, reference_rows, seed, residues, copies, renamed, leaked)


class _Draw:
    """SQL of random values: ``r`` is the row that a value is of, ``k`` and ``u`` those that key and id are of."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def whole(self, salt: str, row: str = "r") -> str:
        # one mask for each salt, not hash(row, salt): that combines two hashes by a xor, and salts would correlate
        return f"hash(xor({row}, {random.Random(f'{self._seed} {salt}').getrandbits(62)}))"

    def uniform(self, salt: str) -> str:
        # never 0, of which a logarithm is taken; doubles throughout, for a plain 0.5 is a slow decimal
        return f"((({self.whole(salt)} >> 11)::double + 0.5::double) * {2.0**-53!r}::double)"

    def normal(self, salt: str) -> str:
        return f"(sqrt(-2 * ln({self.uniform(salt + ' radius')})) * cos(2 * pi() * {self.uniform(salt + ' angle')}))"

    def choice(self, salt: str, values: Sequence[str], shares: Sequence[float]) -> str:
        """``shares`` are those of all values but the last."""
        below, arms = 0.0, []
        for value, share in zip(values[:-1], shares, strict=True):
            below += share
            arms.append(f"when {self.uniform(salt)} < {below:.4f} then '{value}'")
        return f"case {' '.join(arms)} else '{values[-1]}' end"

    def some(self, salt: str, missing: float, value: str) -> str:
        return f"case when {self.uniform('no ' + salt)} > {missing} then {value} end"

    def words(self, salt: str, most: int) -> str:
        listed = ", ".join(f"'{word}'" for word in _WORDS)
        words = ", ".join(f"[{listed}][1 + (({self.whole(salt)} >> {4 * n}) % 16)::integer]" for n in range(most))
        return f"array_to_string([{words}][1:2 + ({self.whole(salt + ' length')} % {most - 1})::integer], ' ')"


def _columns(draw: _Draw, drifted: bool) -> dict[str, str]:
    """Column -> SQL of its sound value."""
    code = draw.whole("sku", "k")
    letters = " || ".join(f"'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[1 + (({code} >> {n}) % 26)::integer]" for n in (20, 30, 40))
    countries = (0.34, 0.18, 0.14, 0.12, 0.08, 0.06, 0.05) if drifted else (0.40, 0.16, 0.13, 0.11, 0.08, 0.05, 0.04)
    since = f"case when r = 0 then 0 else 1 + ({draw.whole('updated')} % 8000000)::bigint end"
    return {
        # a bijection of the row's number: unique, and in no order
        "id": f"(u % {_REFERENCE} + {0 if drifted else 1 << 30}) * 2654435761 % {1 << 42}",
        "customer_id": f"(1 + {draw.whole('customer', 'k')} % 2000000)::integer",
        "age": f"greatest(18, least(100, round(42 + 13 * {draw.normal('age')})))::integer",
        "visits": f"floor(-6 * ln({draw.uniform('visits')}))::integer",
        "amount_cents": f"greatest(1, least(1000000, exp(8 + 1.1 * {draw.normal('amount')})))::bigint",
        "income": draw.some("income", 0.05, f"round(exp({10.6 if drifted else 10.5} + 0.6 * {draw.normal('pay')}), 2)"),
        "score": f"{draw.uniform('score')}::float",
        "balance": f"{30 if drifted else 0} + 1000 * {draw.normal('balance')}",
        "height": draw.some("height", 0.02, f"(1.7 + 0.1 * {draw.normal('tall')})::float"),
        "ratio": f"{draw.uniform('over')} / (0.1 + {draw.uniform('under')})",
        "country": draw.choice("country", COUNTRIES, countries),
        "plan": draw.choice("plan", PLANS, (0.55, 0.25, 0.15)),
        "channel": draw.some("channel", 0.03, draw.choice("way", CHANNELS, (0.45, 0.30, 0.15, 0.06))),
        "email": f"'user' || ({draw.whole('email')} % 50000000)::varchar || '@example' || (r % 97)::varchar || '.com'",
        "sku": f"{letters} || '-' || lpad(({code} % 100000)::varchar, 5, '0')",
        "note": draw.words("note", 5),
        "created_at": f"timestamp '2024-01-01' + to_seconds(({draw.whole('created', 'k')} % 63072000)::bigint)",
        "updated_at": f"timestamp '{NEWEST}' - to_seconds({since})",
        "active": f"{draw.uniform('active')} < 0.7",
        "label": f"({draw.uniform('label')} < 0.2)::integer",
    }


def rows_sql(made: Plan, current: bool, first: int, last: int) -> str:
    """The numbers ``i`` of the rows ``first`` to ``last`` (without it): whose values (r), key (k), id (u) they have."""
    numbers = f"range({first}, {last}) as numbers(i)"
    if not current:
        return f"select i, i + {_REFERENCE} as r, r as k, r as u from {numbers}"
    leaked = {row: source + _REFERENCE for row, source in made.leaked.items()}
    joined = ""
    for name, pairs in {"copies": made.copies, "leaked": leaked, "renamed": made.renamed}.items():
        values = ", ".join(map(str, pairs.items()))
        joined += f" left join (values {values}) as {name}(row, {name}_row) on {name}.row = i"
    chosen = "i, coalesce(copies_row, i) as r, coalesce(leaked_row, r) as k, coalesce(renamed_row, r) as u"
    return f"select {chosen} from {numbers}{joined}"


def cells_sql(made: Plan, current: bool) -> str:
    """The columns of a set, over what ``rows_sql`` selects."""
    cells = _columns(_Draw(made.seed), current)
    for rule, residue in made.residues.items() if current else ():
        column = rule.split()[1]
        # told by the row itself, not by the one that it repeats: neither of those breaks a rule
        cells[column] = f"case when i % {EVERY} = {residue} then {RULES[rule]} else {cells[column]} end"
    return ", ".join(f"{value} as {name}" for name, value in cells.items())


def generate(
    folder: Path, rows: int, *, reference_rows: int = 0, seed: int = 1, csv: bool = False, part: int = PART
) -> dict[str, int]:
    """Write both sets below the folder, where they are not there yet -> the exact counts of faults.

    ``reference_rows`` 0 means as many rows, at most one part. ``csv`` also writes ``current.csv``.
    """
    import duckdb

    made = plan(rows, reference_rows or min(rows, part), seed)
    faults, note = made.faults(), folder / "faults.json"
    known = json.dumps({"rows": made.rows, "reference": made.reference_rows, "seed": seed, "faults": faults}, indent=1)
    if not (note.exists() and note.read_text(encoding="utf-8") == known):
        note.unlink(missing_ok=True)
        connection = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder / "spill")})
        for name, count in (("reference", made.reference_rows), ("current", made.rows)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for old in (folder / name).glob("part-*.parquet"):
                old.unlink()
            for number, first in enumerate(range(0, count, part)):
                current, last = name == "current", min(first + part, count)
                # as a table, because range() has one thread
                connection.execute(f"create or replace temp table numbers as {rows_sql(made, current, first, last)}")
                target = folder / name / f"part-{number:03}.parquet"
                select = f"select {cells_sql(made, current)} from numbers"
                connection.execute(f"copy ({select}) to '{target}' (format parquet, compression zstd)")
        note.write_text(known, encoding="utf-8")
    if csv and not (folder / "current.csv").exists():
        files = folder / "current" / "part-*.parquet"
        duckdb.execute(f"copy (from '{files}') to '{folder / 'current.csv'}' (format csv, header)")
    return faults


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reference-rows", type=int, default=0, help="as many as --rows, at most 10 M, if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--csv", action="store_true", help="also write current.csv")
    args = parser.parse_args(argv)
    faults = generate(args.folder, args.rows, reference_rows=args.reference_rows, seed=args.seed, csv=args.csv)
    json.dump(faults, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
