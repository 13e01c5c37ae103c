"""How far two samples of one column lie apart, from counts in the same bins, and how far chance alone puts them.

Bins come from the reference, never from both samples: one far value in the current one would stretch common bins until
a shift of everything else disappears in them. Every statistic is an effect size, so its limit means the same for any
number of rows. Beside each stands a critical value, which two samples of one distribution exceed with at most
``alpha``; what lies below it is no finding, and where it lies above the limit the rows cannot tell (``verdict``).

``reference`` and ``current`` are rows in each bin: ``(-inf, e0], (e0, e1], ..., (e_last, inf)``, or in each category.
The numbers of rows of the two sides are taken from the counts. ValueError where a side has no rows or the bins differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, TypeAlias

from mlci import stats

Counts: TypeAlias = Sequence[int]
Span: TypeAlias = tuple[float, float]
"""The least and the greatest value of a sample."""
Verdict: TypeAlias = Literal["passed", "failed", "insufficient"]

GATE_ALPHA = 0.01
"""How often a gate may fail on data that did not change, all its comparisons together (``stats.bonferroni``)."""
LEAST = 20
"""Rows that a class should have in the smaller sample, for chi-squared to describe it as in ``_noise``."""
EPSILON = 1e-4
"""The least share of a class in PSI, which an empty one would make infinite (as in pointblank)."""


def verdict(value: float, critical: float, limit: float) -> Verdict:
    """Failed above both limit and noise, passed at most at the limit where noise would be too; else too few rows."""
    if value > max(limit, critical):
        return "failed"
    return "passed" if value <= limit and critical <= limit else "insufficient"


def coarse(
    reference: Counts, current: Counts, *, bins: int = 10, exact: bool = False
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Neighbouring bins put together to about ``bins`` of equal reference mass, the deciles of a scorecard's PSI.

    A fine bin belongs to the decile that holds the middle of its mass, so a value with many rows keeps a bin of its
    own. There are fewer bins where the smaller sample would have less than ``LEAST`` rows in one, but two at least.
    With ``exact`` the edges are the distinct values of the reference; what it has in bins without reference rows are
    values never seen, and they become one last class, as categories never seen do.
    """
    rows, others = _rows(reference, current)
    wanted = max(2, min(bins, min(rows, others) // LEAST))
    groups: dict[int, list[int]] = {}
    unseen = [0, 0]
    for (before, after), mine, theirs in zip(_steps(reference), reference, current, strict=True):
        place = min(wanted - 1, wanted * (before + after) // (2 * rows))
        group = unseen if exact and not mine else groups.setdefault(place, [0, 0])
        group[0] += mine
        group[1] += theirs
    found = [groups[place] for place in sorted(groups)]
    while len(found) > 2 and _thin(min(found)[0], rows, others):
        _join(found)
    if exact and 0 in reference:
        found.append(unseen)
    return tuple(mine for mine, _ in found), tuple(theirs for _, theirs in found)


def classes(reference: Counts, current: Counts, *, most: int = 20) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """At most ``most`` classes of categories, the most frequent of the reference first; the last holds the rest.

    The last count that is given is the rest already: rows of no known category. A category joins it where the smaller
    sample would have less than ``LEAST`` of its rows.
    """
    rows, others = _rows(reference, current)
    order = sorted(range(len(reference) - 1), key=lambda index: -reference[index])
    kept = [index for index in order[: most - 1] if not _thin(reference[index], rows, others)]
    mine, theirs = ([side[index] for index in kept] for side in (reference, current))
    return (*mine, rows - sum(mine)), (*theirs, others - sum(theirs))


# -- of classes --------------------------------------------------------------------------------------------------------


def psi(reference: Counts, current: Counts) -> float:
    """The population stability index, the sum of (q - p) ln(q / p); 0 and up, by convention 0.1 some and 0.25 much.

    Symmetric; Jeffreys' divergence. Empty classes count as a share of ``EPSILON``. Source: Siddiqi (2006), Credit Risk
    Scorecards, ch. 8; Yurdakul (2018), Statistical properties of PSI, Western Michigan University dissertation 3208.
    """
    return _total(_jeffreys, reference, current)


def psi_noise(reference: Counts, current: Counts, alpha: float) -> float:
    """What PSI stays below: (1/n + 1/m) times chi-squared of B - 1 (Yurdakul 2018), corrected as in ``_noise``."""
    return _noise(_jeffreys, 1, reference, current, alpha)


def js_distance(reference: Counts, current: Counts) -> float:
    """The Jensen-Shannon distance to base 2, in [0, 1]: the square root of the divergence of Lin (1991).

    IEEE Trans. Inf. Theory 37:145-151; a metric (Endres and Schindelin 2003). As scipy's ``jensenshannon(base=2)``.
    """
    return math.sqrt(min(1.0, _total(_jensen, reference, current) / math.log(2)))


def js_noise(reference: Counts, current: Counts, alpha: float) -> float:
    """What the distance stays below: 8 times the divergence in nats is, for small ones, what PSI is (Lin 1991, s. IV).

    May exceed 1, where the rows could tell nothing.
    """
    return math.sqrt(_noise(_jensen, 8, reference, current, alpha) / math.log(2))


def chi_squared(reference: Counts, current: Counts) -> float:
    """Pearson's statistic of the 2 x k table, uncorrected; classes empty on both sides are left out."""
    rows, others = _rows(reference, current)
    # sum of (observed - expected)^2 / expected over both rows of the table
    return sum(
        (mine * others - theirs * rows) ** 2 / (rows * others * (mine + theirs))
        for mine, theirs in zip(reference, current, strict=True)
        if mine + theirs
    )


def cramers_v(reference: Counts, current: Counts) -> float:
    """Cramér's V of the 2 x k table, in [0, 1], less what chance adds to it (Bergsma 2013, J. Korean Stat. Soc. 42).

    The two samples weigh alike: V of the table whose two rows both come to the harmonic mean of n and m. For n = m that
    is the table itself. Plain V of the same shift sinks with the square root of m / n, and a limit would mean nothing.
    """
    return _corrected(_total(_triangular, reference, current), reference, current)


def cramers_v_noise(reference: Counts, current: Counts, alpha: float) -> float:
    """What V stays below: N times phi squared of the balanced table is chi-squared of k - 1, N = 4 n m / (n + m)."""
    return _corrected(_noise(_triangular, 4, reference, current, alpha), reference, current)


# -- of ordered bins ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bracket:
    """Between these lies the value; the same where the bins tell it exactly."""

    low: float
    high: float


def ks(reference: Counts, current: Counts, *, exact: bool = False) -> Bracket:
    """The Kolmogorov-Smirnov D, the greatest distance of the two distribution functions F and G, in [0, 1].

    On the edges both are known: D is at least the greatest distance there. Within bin i, F lies in [F(i-1), F(i)] and G
    in [G(i-1), G(i)], so D is at most the greatest of F(i) - G(i-1) and G(i) - F(i-1). ``exact`` says that all
    values of both samples in bins with rows on both sides are edges; then the former is D.
    Source: Smirnov (1939), Bull. Math. Univ. Moscou 2:3-14; the bracket is proved by the two sentences above.
    """
    rows, others = _rows(reference, current)
    steps = list(zip(_steps(reference), _steps(current), strict=True))
    # in whole numbers, so that equal shares differ by nothing
    low = max(abs(after * others - theirs * rows) for (_, after), (_, theirs) in steps)
    if exact:
        return Bracket(low / (rows * others), low / (rows * others))
    high = max(max(f * others - g0 * rows, g * rows - f0 * others) for (f0, f), (g0, g) in steps)
    return Bracket(low / (rows * others), max(low, high) / (rows * others))


def ks_noise(reference: Counts, current: Counts, alpha: float) -> float:
    """What D stays below; see ``stats.kolmogorov_critical``."""
    return stats.kolmogorov_critical(*_rows(reference, current), alpha)


def wasserstein(
    edges: Sequence[float], reference: Counts, current: Counts, *, spans: tuple[Span, Span] | None = None
) -> float:
    """The area between the distribution functions over the interquartile range of the reference; 0 and up.

    The first Wasserstein distance (Ramdas, Trillos and Cuturi 2017, Entropy 19:47, s. 4), and the one statistic here
    that sees how far away a few outliers are. A bin's rows count as lying on its upper edge, those of the last on its
    lower one. ``spans`` are the extremes of both samples: where one lies beyond the edges, one row lies there, which
    is all that is known, so the distance is not overstated. Exact where all other values are edges. NaN where a value
    is infinite. An interquartile range of 0 is replaced by the standard deviation of the reference, and where that is 0
    too by the one of both samples.
    """
    rows, others = _rows(reference, current)
    return _area(edges, reference, current, spans, lambda f, g, _: missing_change(f, rows, g, others))


def wasserstein_noise(
    edges: Sequence[float], reference: Counts, current: Counts, alpha: float, *, spans: tuple[Span, Span] | None = None
) -> float:
    """What the distance stays below: the area under the noise of F - G at each point, were all of it reached at once.

    At a point with ``LEAST`` rows to expect either side that is z standard deviations of two shares with the pooled H,
    z sqrt(H (1 - H) (1/n + 1/m)), and in the tails Fisher's exact bound; beyond the edges no more than is there, or one
    far row would hide a shift of all others. For a normal column the sum is half more than is needed.
    """
    rows, others = _rows(reference, current)
    z = stats.normal_quantile(1 - alpha / 2)

    def height(f: int, g: int, beyond: bool) -> float:
        fewer, total = min(f + g, rows + others - f - g), rows + others
        if fewer * min(rows, others) < LEAST * total:
            noise = missing_noise(f, rows, g, others, alpha)
            return min(noise, missing_change(f, rows, g, others)) if beyond else noise
        return z * math.sqrt((f + g) / total * (total - f - g) / total * (1 / rows + 1 / others))

    return _area(edges, reference, current, spans, height)


# -- of missing values -------------------------------------------------------------------------------------------------


def missing_change(nulls: int, rows: int, current_nulls: int, current_rows: int) -> float:
    """How far the share of missing values moved, either way, in [0, 1]; the reference first."""
    _rows((rows,), (current_rows,))
    return abs(nulls * current_rows - current_nulls * rows) / (rows * current_rows)


def missing_noise(nulls: int, rows: int, current_nulls: int, current_rows: int, alpha: float) -> float:
    """What the change stays below, given how many values are missing in both samples together (Fisher's exact test)."""
    _rows((rows,), (current_rows,))
    missing = nulls + current_nulls
    bounds = stats.hypergeometric_bounds(missing, current_rows, rows + current_rows, alpha)
    return max(missing_change(missing - count, rows, count, current_rows) for count in bounds)


# -- what they share ---------------------------------------------------------------------------------------------------

Term: TypeAlias = Callable[[float, float], float]
"""What one class adds to a divergence, from its two shares; 0 where they are equal, rising with their distance."""


def _jeffreys(p: float, q: float) -> float:
    p, q = max(p, EPSILON), max(q, EPSILON)
    return (q - p) * math.log(q / p)


def _jensen(p: float, q: float) -> float:
    middle = (p + q) / 2
    return sum(share * math.log(share / middle) for share in (p, q) if share) / 2


def _triangular(p: float, q: float) -> float:
    return (p - q) ** 2 / (p + q) / 2 if p + q else 0.0


def _total(term: Term, reference: Counts, current: Counts) -> float:
    rows, others = _rows(reference, current)
    # rounding may leave less than nothing of a sum of what cancels
    return max(0.0, math.fsum(term(a / rows, b / others) for a, b in zip(reference, current, strict=True)))


def _noise(term: Term, scale: int, reference: Counts, current: Counts, alpha: float) -> float:
    """What the sum of a divergence's terms stays below, for two samples of one distribution, but for ``alpha``.

    ``scale`` times the sum is about (1/n + 1/m) times chi-squared of one less than the number of classes, whose tail is
    too light where classes are small: at 20 rows in one, by up to a fifth at alpha = 1e-5. The factor is
    1 + (2 + z^2) / (4 r), with r the rows of the smallest class in the smaller sample and z^2 the quantile of
    chi-squared of 1. It was simulated (3 million pairs of samples each): for all three divergences, alpha from 1e-2 to
    1e-5, r >= 20, 2 to 20 classes of equal and unequal mass, n / m from 1/5000 to 5000, bins fixed or quantiles of the
    reference, the critical value is exceeded with less than alpha; with two classes, whose sums take few values, with
    up to 1.1 alpha at 1e-2 (1.3 at 1e-5, within the error of simulation).

    Classes with fewer rows are kept out of that. Half of alpha is theirs; given its rows in both samples together, the
    number of each in one is hypergeometric, which bounds its term. Infinite with one class, which tells nothing.
    """
    rows, others = _rows(reference, current)
    if len(reference) < 2:
        return math.inf
    thin = [
        (mine, theirs)
        for mine, theirs in zip(reference, current, strict=True)
        if _thin(mine, rows, others) and mine + theirs
    ]
    solid = [mine for mine in reference if not _thin(mine, rows, others)]
    if thin:
        alpha /= 2
    smallest = min(solid, default=0) * min(rows, others) / rows
    correction = 1 + (2 + stats.chi2_quantile(1 - alpha, 1)) / (4 * max(smallest, LEAST))
    noise = stats.chi2_quantile(1 - alpha, max(1, len(solid) - 1)) * correction * (1 / rows + 1 / others) / scale
    for mine, theirs in thin:
        bounds = stats.hypergeometric_bounds(mine + theirs, others, rows + others, alpha / len(thin))
        reach = max(term((mine + theirs - count) / rows, count / others) for count in bounds)
        # a class that stays within its bound adds no more than it adds to the value
        noise += min(reach, term(mine / rows, theirs / others))
    return noise


def _corrected(phi: float, reference: Counts, current: Counts) -> float:
    """Bergsma's V from phi squared of a balanced 2 x k table with k classes that are not empty."""
    rows, others = _rows(reference, current)
    count = 4 * rows * others / (rows + others)
    width = sum(1 for mine, theirs in zip(reference, current, strict=True) if mine + theirs)
    if math.isinf(phi):
        return phi
    if width < 2 or count <= 2:
        return 0.0
    less = phi - (width - 1) / (count - 1)
    smaller = min(1 - 1 / (count - 1), width - 1 - (width - 1) ** 2 / (count - 1))
    return math.sqrt(min(1.0, max(0.0, less) / smaller)) if smaller > 0 else 0.0


def _area(
    edges: Sequence[float],
    reference: Counts,
    current: Counts,
    spans: tuple[Span, Span] | None,
    height: Callable[[int, int, bool], float],
) -> float:
    """The area under ``height`` (rows up to a point of either side, whether it is beyond the edges), scaled."""
    masses: dict[float, list[int]] = {}
    for side, counts in enumerate((reference, current)):
        for value, count in _points(edges, counts, spans[side] if spans else None):
            masses.setdefault(value, [0, 0])[side] += count
    values = sorted(masses)
    below = [list(accumulate(masses[value][side] for value in values)) for side in (0, 1)]
    area = 0.0
    for (left, right), f, g in zip(pairwise(values), *below, strict=False):
        area += height(f, g, right <= edges[0] or left >= edges[-1]) * (right - left)
    scale = _scale(values, [masses[value] for value in values])
    return area / scale if scale else 0.0


def _points(edges: Sequence[float], counts: Counts, span: Span | None) -> list[tuple[float, int]]:
    """Where the rows of a histogram are taken to lie."""
    points = list(zip([*edges, edges[-1]], counts, strict=True))
    if span and counts[0] and span[0] < edges[0]:
        points[0] = (edges[0], counts[0] - 1)
        points.append((span[0], 1))
    if span and counts[-1] and span[1] > edges[-1]:
        points[len(counts) - 1] = (edges[-1], counts[-1] - 1)
        points.append((span[1], 1))
    return points


def _scale(values: Sequence[float], masses: Sequence[Sequence[int]]) -> float:
    """The interquartile range of the reference, or what stands for it; 0 where both samples are one value."""
    own = [mine for mine, _ in masses]
    rows = sum(own)
    reached = list(accumulate(own))
    first, third = (
        next(v for v, so_far in zip(values, reached, strict=True) if so_far >= -(-rows * k // 4)) for k in (1, 3)
    )
    return third - first or _deviation(values, own) or _deviation(values, [mine + theirs for mine, theirs in masses])


def _deviation(values: Sequence[float], counts: Counts) -> float:
    rows = sum(counts)
    mean = sum(value * count for value, count in zip(values, counts, strict=True)) / rows
    # multiplied, for a power that overflows raises
    spread = sum((value - mean) * (value - mean) * count for value, count in zip(values, counts, strict=True))
    return math.sqrt(spread / rows)


def _rows(reference: Counts, current: Counts) -> tuple[int, int]:
    if len(reference) != len(current):
        raise ValueError(f"{len(reference)} bins of the reference, {len(current)} of the current sample")
    rows, others = sum(reference), sum(current)
    if rows < 1 or others < 1:
        raise ValueError(f"{rows} rows of the reference, {others} of the current sample: nothing to compare")
    return rows, others


def _steps(counts: Counts) -> list[tuple[int, int]]:
    """Rows below and up to the end of each bin."""
    return list(pairwise(accumulate(counts, initial=0)))


def _thin(mine: int, rows: int, others: int) -> bool:
    """Whether the smaller sample is to expect less than ``LEAST`` rows of a class."""
    return mine * min(rows, others) < LEAST * rows


def _join(found: list[list[int]]) -> None:
    """Put the smallest class to its smaller neighbour, in place."""
    index = min(range(len(found)), key=lambda place: found[place][0])
    beside = [place for place in (index - 1, index + 1) if 0 <= place < len(found)]
    other = min(beside, key=lambda place: found[place][0])
    mine, theirs = found.pop(index)
    found[other - (other > index)][0] += mine
    found[other - (other > index)][1] += theirs
