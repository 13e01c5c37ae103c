"""How far the rows of a column are from its profile: one statistic at a time.

``current`` are rows in the bins of the reference throughout: those of ``ColumnProfile.bins``, or its categories.
"""

from __future__ import annotations

from typing import TypeAlias

from mlci import drift
from mlci.profile import NUMBERS, ColumnProfile

Counts: TypeAlias = tuple[int, ...]


def measure(
    statistic: str,
    column: ColumnProfile,
    current: Counts,
    alpha: float,
    spans: tuple[drift.Span, drift.Span] | None = None,
) -> tuple[float, float, float]:
    """The least and the greatest value that a statistic can have, and what it stays below by chance."""
    edges, mine = column.bins()
    if statistic == "ks":
        bracket = drift.ks(mine, current, exact=column.exact)
        return bracket.low, bracket.high, drift.ks_noise(mine, current, alpha)
    if statistic == "wasserstein":
        value = drift.wasserstein(edges, mine, current, spans=spans)
        return value, value, drift.wasserstein_noise(edges, mine, current, alpha, spans=spans)
    value_of, noise_of = _BINNED[statistic]
    sides = grouped(column, current)
    value = value_of(*sides)
    return value, value, noise_of(*sides, alpha)


_BINNED = {
    "psi": (drift.psi, drift.psi_noise),
    "js": (drift.js_distance, drift.js_noise),
    "cramers_v": (drift.cramers_v, drift.cramers_v_noise),
}


def grouped(column: ColumnProfile, current: Counts) -> tuple[Counts, Counts]:
    """Both sides in the few classes that divergences are taken over."""
    if column.type in NUMBERS:
        return drift.coarse(column.bins()[1], current, exact=column.exact and not _has_rare_values(column))
    return drift.classes(column.counts, current)


def _has_rare_values(column: ColumnProfile) -> bool:
    """Whether one more value that was never seen is no surprise: it counts with its neighbours then.

    The share of rows with such a value is about that of the values with one row (Good 1953, Biometrika 40:237-264).
    """
    return column.counts.count(1) > drift.EPSILON * sum(column.counts)


def shown(column: ColumnProfile, current: Counts) -> tuple[tuple[float, ...], ...]:
    """The shares of both sides in those classes, without a last one that is empty."""
    sides = grouped(column, current)
    if not any(side[-1] for side in sides):
        sides = (sides[0][:-1], sides[1][:-1])
    return tuple(tuple(round(count / (sum(side) or 1), 6) for count in side) for side in sides)
