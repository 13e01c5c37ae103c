"""Noise: how often the drift gate fails on data that did not change, for samples of 200 to a million rows.

Bar: at most 1 % of gates, all their comparisons together. A gate compares seven columns of two samples of one
distribution: three continuous ones in 200 bins at the reference's own quantiles, counts with their distinct values as
edges, a flag of which 3 % is set, eight unequal categories, and 300 with a long tail, of which the profile knows the 50
most frequent; some values of each are missing. The histograms are drawn, not the rows: what lies between two order
statistics of a sample follows Dirichlet's law, so a million rows cost as much as two hundred.
``python benchmarks/bench_noise.py 200 1000`` takes other numbers of rows, ``--gates 500`` another number of gates.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlci import drift, stats

Array = np.ndarray[Any, np.dtype[Any]]
SEED = 20261121
MISSING = (0.1, 0.002, 0.5, 0.0, 0.01, 0.03, 0.001)
LIMITS = {"psi": 0.25, "ks": 0.1, "js": 0.1, "cramers_v": 0.1, "wasserstein": 0.1, "missing": 0.05}
"""The limits of the documentation, but for PSI, whose conventional ones are 0.1 and 0.25."""


@dataclass(frozen=True)
class Compared:
    """One statistic of one column, with what chance alone reaches."""

    statistic: str
    value: float
    critical: float


@dataclass(frozen=True)
class Alarms:
    """Shares of gates that fail, on samples of one distribution."""

    noise: float
    """Where every limit is 0, so that the critical values alone decide."""
    gate: float
    """At the limits, above the critical values: what mlci does."""
    limits: float
    """At the limits alone."""
    insufficient: float
    """Shares of comparisons for which the rows are too few to tell at the limit."""


def quantiles(rng: np.random.Generator, n: int, m: int) -> tuple[list[float], list[int], list[int]]:
    """Edges at quantiles of a logistic reference sample, its counts, and those of the current sample."""
    ranks = np.unique(np.ceil(np.arange(201) / 200 * n).clip(1, n)).astype(int)
    counts = np.diff(ranks, prepend=0, append=n)
    shares = rng.dirichlet(counts + (np.arange(len(counts)) == len(counts) - 1))
    below = np.cumsum(shares)[:-1]
    return list(np.log(below / (1 - below))), counts.tolist(), rng.multinomial(m, shares).tolist()


def distinct(reference: Array, current: Array) -> tuple[list[float], list[int], list[int]]:
    """Edges at the values that the reference has and just below the least, from counts of the values 0, 1, 2 ..."""
    values = np.flatnonzero(reference)
    edges = np.concatenate([[values[0] - 1], values])
    place = np.searchsorted(edges, np.arange(len(reference)))
    mine, theirs = (np.bincount(place, side, len(edges) + 1).astype(int) for side in (reference, current))
    return edges.astype(float).tolist(), mine.tolist(), theirs.tolist()


def known(reference: Array, current: Array, most: int) -> tuple[list[int], list[int]]:
    """Counts of the categories most frequent in the reference, and of the rest."""
    order = [index for index in np.argsort(-reference, kind="stable")[:most] if reference[index]]
    mine, theirs = ([int(side[index]) for index in order] for side in (reference, current))
    return [*mine, int(reference.sum()) - sum(mine)], [*theirs, int(current.sum()) - sum(theirs)]


def ordered(edges: list[float], mine: list[int], theirs: list[int], alpha: float, *, exact: bool) -> Iterator[Compared]:
    groups = drift.coarse(mine, theirs, exact=exact)
    yield Compared("psi", drift.psi(*groups), drift.psi_noise(*groups, alpha))
    yield Compared("js", drift.js_distance(*groups), drift.js_noise(*groups, alpha))
    yield Compared("ks", drift.ks(mine, theirs, exact=exact).low, drift.ks_noise(mine, theirs, alpha))
    far = drift.wasserstein(edges, mine, theirs)
    yield Compared("wasserstein", far, drift.wasserstein_noise(edges, mine, theirs, alpha))


def named(mine: list[int], theirs: list[int], alpha: float) -> Iterator[Compared]:
    groups = drift.classes(mine, theirs)
    yield Compared("psi", drift.psi(*groups), drift.psi_noise(*groups, alpha))
    yield Compared("js", drift.js_distance(*groups), drift.js_noise(*groups, alpha))
    yield Compared("cramers_v", drift.cramers_v(*groups), drift.cramers_v_noise(*groups, alpha))


def gate(rng: np.random.Generator, n: int, m: int) -> Iterator[Compared]:
    """All comparisons of one gate; 5 columns with 4 statistics, 2 with 3, and the missing values of 7."""
    alpha = stats.bonferroni(drift.GATE_ALPHA, 5 * 4 + 2 * 3 + 7)
    nulls = [(int(rng.binomial(n, share)), int(rng.binomial(m, share))) for share in MISSING]
    sizes = [(n - mine, m - theirs) for mine, theirs in nulls]
    for mine, theirs in nulls:
        change = drift.missing_change(mine, n, theirs, m)
        yield Compared("missing", change, drift.missing_noise(mine, n, theirs, m, alpha))
    for size in sizes[:3]:
        yield from ordered(*quantiles(rng, *size), alpha, exact=False)
    # a Poisson of mean 4, and a flag
    few = np.exp(-4.0) * np.cumprod(np.concatenate([[1.0], 4.0 / np.arange(1, 40)]))
    for size, shares in zip(sizes[3:5], (few / few.sum(), np.array([0.97, 0.03])), strict=True):
        yield from ordered(*distinct(*(rng.multinomial(rows, shares) for rows in size)), alpha, exact=True)
    tail = 1 / np.arange(1, 301)
    for size, shares in zip(sizes[5:], (0.5 ** np.minimum(np.arange(1, 9), 7), tail / tail.sum()), strict=True):
        yield from named(*known(*(rng.multinomial(rows, shares) for rows in size), 50), alpha)


def alarms(n: int, m: int, gates: int, seed: int = SEED) -> Alarms:
    rng = np.random.default_rng(seed)
    failed = np.zeros((gates, 3), dtype=bool)
    told: list[bool] = []
    for number in range(gates):
        compared = list(gate(rng, n, m))
        verdicts = [drift.verdict(item.value, item.critical, LIMITS[item.statistic]) for item in compared]
        told += [each == "insufficient" for each in verdicts]
        failed[number] = (
            any(item.value > item.critical for item in compared),
            "failed" in verdicts,
            any(item.value > LIMITS[item.statistic] for item in compared),
        )
    return Alarms(*(float(share) for share in failed.mean(axis=0)), float(np.mean(told)))


def main(words: list[str]) -> int:
    gates = int(words.pop(words.index("--gates") + 1)) if "--gates" in words else 5_000
    sizes = [(int(word),) * 2 for word in words if word != "--gates"] or [
        (200, 200), (1_000, 1_000), (10_000, 10_000), (100_000, 100_000), (1_000_000, 1_000_000), (1_000_000, 1_000),
    ]  # fmt: skip
    print(f"{gates:,} gates of 33 comparisons on 7 columns; shares of gates that fail on unchanged data\n")
    print(
        "| reference, rows | current, rows | noise alone (bar 1 %) | the gate | limits alone | comparisons too small |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for n, m in sizes:
        found = alarms(n, m, gates)
        cells = " | ".join(f"{share:.2%}" for share in (found.noise, found.gate, found.limits, found.insufficient))
        print(f"| {n:,} | {m:,} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
