"""A sample of rows, drawn without replacement: each set of that many rows is as likely as any other.

Not DuckDB's TABLESAMPLE: its blocks are no independent rows, which the bounds on a share stand on, and what it draws
depends on the number of threads. Here the numbers of the rows are drawn, and the rows of these numbers kept.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from mlci.errors import LimitReached
from mlci.tables.reading import Ask, Source

MAX_SAMPLE = 5_000_000
_PART = 100_000


def draw(
    ask: Ask, source: Source, view: str, sample: str, total: int, rows: int, seed: int, whole: Callable[[str], str]
) -> None:
    """Keep ``rows`` of the ``total`` rows of ``view`` as the table ``sample``."""
    if rows > MAX_SAMPLE:
        raise LimitReached(f"a sample of {rows:,} rows was asked for; at most {MAX_SAMPLE:,} are drawn")
    numbers = sorted(random.Random(seed).sample(range(total), rows))  # noqa: S311  # nobody gains by guessing them
    ends = list(accumulate(source.parts)) or [total]
    ask("create or replace temp table mlci_drawn (part bigint, number bigint)")
    for start in range(0, rows, _PART):
        some = numbers[start : start + _PART]
        parts = [bisect_right(ends, number) for number in some]
        inside = [number - (ends[part - 1] if part else 0) for number, part in zip(some, parts, strict=True)]
        ask("insert into mlci_drawn select unnest(?::bigint[]), unnest(?::bigint[])", [parts, inside])
    ask(f"create table {sample} as {whole(_chosen(source, view))}")
    ask("drop table mlci_drawn")


def _chosen(source: Source, view: str) -> str:
    if source.numbered:
        # what is not drawn is not even unpacked
        part, number = source.numbered.split(", ")
        own = "1 = 1" if part == "0" else f"t.{part} = d.part"
        table = view if source.table is None or source.kept else source.table
        return f"select {source.chosen} from {table} as t semi join mlci_drawn as d on {own} and t.{number} = d.number"
    # counted as they are read, in order
    numbered = f"select *, row_number() over () - 1 as mlci_number from {view}"
    join = "semi join mlci_drawn as d on t.mlci_number = d.number"
    return f"select * exclude (mlci_number) from ({numbered}) as t {join}"
