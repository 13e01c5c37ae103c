"""Statistics of drift against scipy, against what must hold, and against data that did not change."""

from __future__ import annotations

import importlib.util
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.stats as ss
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from mlci import drift
from mlci.drift import LEAST

Array = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[list[int], list[int]]
Statistic = Callable[[Sequence[int], Sequence[int]], float]

STATISTICS: dict[str, Statistic] = {
    "psi": drift.psi,
    "js": drift.js_distance,
    "cramers_v": drift.cramers_v,
    "ks low": lambda a, b: drift.ks(a, b).low,
    "ks high": lambda a, b: drift.ks(a, b).high,
    "wasserstein": lambda a, b: drift.wasserstein(range(1, len(a)), a, b),
}
NOISES = {
    "psi": drift.psi_noise,
    "js": drift.js_noise,
    "cramers_v": drift.cramers_v_noise,
    "ks": drift.ks_noise,
    "wasserstein": lambda a, b, alpha: drift.wasserstein_noise(range(1, len(a)), a, b, alpha),
}


@st.composite
def pairs(draw: st.DrawFn, least: int = 2, most: int = 30) -> Pair:
    """Counts of the same bins, neither side empty."""
    width = draw(st.integers(least, most))
    side = st.lists(st.integers(0, 500), min_size=width, max_size=width).filter(any)
    return draw(side), draw(side)


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def histogram(edges: Array, values: Array) -> list[int]:
    """Rows in (-inf, e0], (e0, e1], ..., (e_last, inf)."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).tolist()


def shares(counts: Sequence[int]) -> Array:
    return np.array(counts) / sum(counts)


# -- known answers


@given(pair=pairs())
def test_psi_is_the_sum_of_both_relative_entropies_with_a_floor(pair: Pair) -> None:
    p, q = (np.maximum(shares(side), 1e-4) for side in pair)
    assert drift.psi(*pair) == close(float(np.sum((q - p) * np.log(q / p))))


@given(pair=pairs())
def test_the_jensen_shannon_distance_is_that_of_scipy(pair: Pair) -> None:
    # scipy's square root of what is left of cancelling terms is no better than 1e-8 near 0
    assert drift.js_distance(*pair) == pytest.approx(float(jensenshannon(*pair, base=2)), rel=1e-9, abs=1e-7)


@given(pair=pairs())
def test_chi_squared_is_that_of_scipy(pair: Pair) -> None:
    table = np.array(pair)
    table = table[:, table.any(axis=0)]
    assume(table.shape[1] > 1)
    assert drift.chi_squared(*pair) == close(ss.chi2_contingency(table, correction=False).statistic)


@given(pair=pairs())
def test_of_samples_of_one_size_cramers_v_is_that_of_bergsma(pair: Pair) -> None:
    balanced = [[count * sum(other) for count in side] for side, other in (pair, pair[::-1])]
    table = np.array(balanced)
    table = table[:, table.any(axis=0)]
    assume(table.shape[1] > 1)
    count, (r, k) = table.sum(), table.shape
    phi = ss.contingency.association(table, method="cramer", correction=False) ** 2
    less = max(0, phi - (r - 1) * (k - 1) / (count - 1))
    r, k = r - (r - 1) ** 2 / (count - 1), k - (k - 1) ** 2 / (count - 1)
    assert drift.cramers_v(*balanced) == pytest.approx(math.sqrt(less / min(r - 1, k - 1)), rel=1e-9, abs=1e-7)


def distance(reference: Array, current: Array) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about the p-value, which is not looked at
        return float(ss.ks_2samp(reference, current, method="asymp").statistic)


values = st.lists(st.integers(-20, 20), min_size=1, max_size=60).map(np.array)


@given(reference=values, current=values)
def test_on_all_distinct_values_ks_is_that_of_scipy(reference: Array, current: Array) -> None:
    edges = np.union1d(reference, current)
    found = drift.ks(histogram(edges, reference), histogram(edges, current), exact=True)
    assert found.low == found.high == close(distance(reference, current))


@given(reference=values, current=values, edges=st.lists(st.integers(-25, 25), min_size=1, max_size=8, unique=True))
def test_the_bracket_of_ks_holds_the_exact_one(reference: Array, current: Array, edges: list[int]) -> None:
    bins = np.array(sorted(edges))
    found = drift.ks(histogram(bins, reference), histogram(bins, current))
    assert found.low - 1e-12 <= distance(reference, current) <= found.high + 1e-12


@given(reference=values, current=values)
def test_the_bracket_is_no_wider_than_the_heaviest_bin(reference: Array, current: Array) -> None:
    edges = np.unique(np.quantile(reference, [0, 0.25, 0.5, 0.75, 1], method="inverted_cdf"))
    sides = histogram(edges, reference), histogram(edges, current)
    found = drift.ks(*sides)
    assert found.high - found.low <= max(max(shares(side)) for side in sides) + 1e-12


def test_the_bracket_closes_where_no_bin_has_rows_of_both() -> None:
    assert drift.ks([5, 0, 5, 0], [0, 5, 0, 5]) == drift.Bracket(0.5, 0.5)


def scale(values: Array) -> float:
    low, high = np.quantile(values, [0.25, 0.75], method="inverted_cdf")
    return float(high - low)


@given(reference=values, current=values)
def test_with_all_values_on_edges_wasserstein_is_that_of_scipy(reference: Array, current: Array) -> None:
    assume(scale(reference))
    edges = np.union1d(reference, current)
    found = drift.wasserstein(edges.tolist(), histogram(edges, reference), histogram(edges, current))
    assert found == close(ss.wasserstein_distance(reference, current) / scale(reference))


@pytest.mark.parametrize("far", [[1e6], [-1e6], [-50.0, 1e6]], ids=["above", "below", "both"])
def test_wasserstein_sees_how_far_a_single_value_lies_beyond_the_edges(far: list[float]) -> None:
    reference = np.arange(1.0, 101.0)
    current = np.concatenate([reference, far])
    edges = reference.tolist()
    spans = ((1.0, 100.0), (min(current), max(current)))
    found = drift.wasserstein(edges, histogram(reference, reference), histogram(reference, current), spans=spans)
    assert found == close(ss.wasserstein_distance(reference, current) / scale(reference))


@given(data=st.data(), reference=values, far=st.lists(st.sampled_from([-900, -21, 21, 30, 5_000]), max_size=9))
def test_of_values_beyond_the_edges_wasserstein_never_says_more_than_there_is(
    data: st.DataObject, reference: Array, far: list[int]
) -> None:
    assume(scale(reference))
    within = data.draw(st.lists(st.sampled_from(reference.tolist()), min_size=1, max_size=20))
    current = np.array([*within, *far])
    edges = np.unique(reference)
    spans = ((reference.min(), reference.max()), (current.min(), current.max()))
    found = drift.wasserstein(edges.tolist(), histogram(edges, reference), histogram(edges, current), spans=spans)
    assert found <= ss.wasserstein_distance(reference, current) / scale(reference) + 1e-9


@pytest.mark.parametrize(
    ("reference", "current", "expected"),
    [
        ([90, 10, 0], [80, 20, 0], 0.1 / 0.3),
        ([10, 0, 0], [0, 10, 0], 2.0),
        ([10, 0, 0], [10, 0, 0], 0.0),
    ],
    ids=["the deviation of the reference", "the deviation of both", "one value"],
)
def test_without_an_interquartile_range_wasserstein_is_held_against(
    reference: list[int], current: list[int], expected: float
) -> None:
    assert drift.wasserstein([0, 1], reference, current) == close(expected)


@pytest.mark.parametrize("far", [math.inf, 1e308], ids=["infinite", "huge"])
def test_values_beyond_arithmetic_raise_nothing(far: float) -> None:
    counts = [1, 2, 3, 1], [1, 3, 2, 2]
    spans = ((-far, far), (-far, far))
    edges = [-far, 0.0, far]
    value = drift.wasserstein(edges, *counts, spans=spans)
    assert drift.verdict(value, drift.wasserstein_noise(edges, *counts, 0.01, spans=spans), 0.1) == "insufficient"


@pytest.mark.parametrize(
    ("counts", "expected"), [((10, 100, 30, 200), 0.05), ((0, 100, 0, 7), 0), ((100, 100, 0, 7), 1), ((3, 9, 1, 3), 0)]
)
def test_the_change_of_missing_values_is_that_of_their_share(
    counts: tuple[int, int, int, int], expected: float
) -> None:
    assert drift.missing_change(*counts) == close(expected)
    assert drift.missing_change(*counts[2:], *counts[:2]) == close(expected)


# -- what must hold


@pytest.mark.parametrize("name", STATISTICS)
@given(pair=pairs())
def test_a_statistic_stays_in_its_range(name: str, pair: Pair) -> None:
    value = STATISTICS[name](*pair)
    assert 0 <= value <= (math.inf if name in ("psi", "wasserstein") else 1)


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - {"wasserstein"}))
@given(pair=pairs())
def test_a_statistic_is_the_same_either_way_round(name: str, pair: Pair) -> None:
    assert STATISTICS[name](*pair) == close(STATISTICS[name](*pair[::-1]))


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - {"ks high"}))
@given(pair=pairs(), times=st.integers(1, 1_000))
def test_a_statistic_of_equal_shares_is_zero(name: str, pair: Pair, times: int) -> None:
    counts = pair[0]
    assert STATISTICS[name](counts, [count * times for count in counts]) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - {"cramers_v"}))
@given(pair=pairs(), times=st.integers(1, 1_000))
def test_a_statistic_knows_shares_and_not_rows(name: str, pair: Pair, times: int) -> None:
    scaled = [count * times for count in pair[0]]
    assert STATISTICS[name](scaled, pair[1]) == close(STATISTICS[name](*pair))


@given(pair=pairs(), times=st.integers(100, 1_000))
def test_the_correction_of_cramers_v_vanishes_with_many_rows(pair: Pair, times: int) -> None:
    assume(min(map(sum, pair)) > 100)
    many = drift.cramers_v(*([count * times for count in side] for side in pair))
    assert drift.cramers_v(*pair) <= many + 1e-9
    assert drift.cramers_v([count * times for count in pair[0]], pair[1]) <= many + 1e-9


def test_cramers_v_of_one_shift_does_not_sink_with_a_larger_reference() -> None:
    current = [600, 400]
    small, large = (drift.cramers_v([rows // 2, rows // 2], current) for rows in (1_000, 1_000_000))
    assert small == pytest.approx(0.1, abs=0.005)
    assert large == pytest.approx(small, abs=0.005)


@given(width=st.integers(2, 20), rows=st.integers(20, 1_000))
def test_samples_without_a_class_in_common_are_as_far_as_can_be(width: int, rows: int) -> None:
    pair = [rows] * width + [0] * width, [0] * width + [rows] * width
    assert drift.js_distance(*pair) == close(1)
    assert drift.ks(*pair) == drift.Bracket(1, 1)
    assert drift.cramers_v(*pair) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", [*STATISTICS, "chi squared"])
@pytest.mark.parametrize("pair", [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([1, 2], [1, 2, 3])], ids=str)
def test_there_is_nothing_to_compare(name: str, pair: Pair) -> None:
    statistic = STATISTICS.get(name, drift.chi_squared)
    with pytest.raises(ValueError, match=r"nothing to compare|bins of the reference"):
        statistic(*pair)


# -- bins


@given(pair=pairs(), bins=st.integers(2, 20), exact=st.booleans())
def test_coarse_bins_lose_no_row(pair: Pair, bins: int, exact: bool) -> None:
    groups = drift.coarse(*pair, bins=bins, exact=exact)
    assert [sum(side) for side in groups] == [sum(side) for side in pair]
    assert len(groups[0]) == len(groups[1]) <= bins + exact


@given(pair=pairs(), bins=st.integers(2, 20))
def test_no_coarse_bin_is_thin_where_there_are_more_than_two(pair: Pair, bins: int) -> None:
    reference, current = drift.coarse(*pair, bins=bins)
    expected = shares(reference) * min(sum(reference), sum(current))
    assert len(reference) <= 2 or min(expected) >= LEAST * (1 - 1e-9)


def test_fine_bins_of_equal_mass_become_deciles() -> None:
    reference, current = drift.coarse([5] * 200, list(range(200)))
    assert reference == (100,) * 10
    assert current == tuple(sum(range(start, start + 20)) for start in range(0, 200, 20))


@pytest.mark.parametrize(
    ("reference", "exact", "expected"),
    [
        ([40, 920, 40], False, (40, 920, 40)),
        ([10, 920, 70], False, (930, 70)),
        ([0, 500, 500, 0], False, (500, 500)),
        ([0, 500, 500, 0], True, (500, 500, 0)),
        ([0, 1000, 0], True, (1000, 0)),
        ([1000, 0], False, (1000, 0)),
        ([970, 10, 10, 10], False, (970, 30)),
        ([994, 2, 2, 2], False, (994, 6)),
        ([1000], False, (1000,)),
    ],
    ids=[
        "a lump",
        "a thin neighbour",
        "open ends",
        "values never seen",
        "constant",
        "open constant",
        "a tail",
        "two at least",
        "one bin",
    ],
)
def test_coarse_bins_of_lumpy_values(reference: list[int], exact: bool, expected: tuple[int, ...]) -> None:
    assert drift.coarse(reference, reference, exact=exact)[0] == expected


@pytest.mark.parametrize(("rows", "expected"), [(1_000_000, 10), (200, 10), (100, 5), (80, 4), (30, 2), (2, 2)])
def test_a_small_sample_gets_fewer_bins(rows: int, expected: int) -> None:
    fine = [1_000] * 200
    current = [rows // 200 + (place < rows % 200) for place in range(200)]
    assert len(drift.coarse(fine, current)[0]) == expected
    assert len(drift.coarse(current, fine)[0]) <= expected


@given(pair=pairs(), most=st.integers(2, 25))
def test_classes_lose_no_row_and_are_few_and_in_order(pair: Pair, most: int) -> None:
    reference, current = drift.classes(*pair, most=most)
    assert [sum(reference), sum(current)] == [sum(side) for side in pair]
    assert len(reference) <= most
    assert list(reference[:-1]) == sorted(reference[:-1], reverse=True)


def test_rare_categories_and_unknown_ones_are_the_last_class() -> None:
    reference = [3, 500, 1, 480, 10, 6]
    assert drift.classes(reference, [30, 400, 70, 400, 100, 0]) == ((500, 480, 20), (400, 400, 200))


def test_a_category_never_seen_keeps_a_class() -> None:
    reference, current = drift.classes([500, 500, 0], [500, 400, 100])
    assert (reference, current) == ((500, 500, 0), (500, 400, 100))
    noise = drift.psi_noise(reference, current, 1e-4)
    assert drift.verdict(drift.psi(reference, current), noise, 0.25) == "failed"


def test_one_far_value_does_not_hide_a_shift() -> None:
    rng = np.random.default_rng(5)
    reference, current = rng.normal(0, 1, 20_000), rng.normal(1, 1, 20_000)
    hit = np.append(current, 1e6)
    edges = np.quantile(reference, np.arange(201) / 200, method="inverted_cdf")
    fine = histogram(edges, reference)
    found = [drift.psi(*drift.coarse(fine, histogram(edges, side))) for side in (current, hit)]
    assert min(found) > 0.85
    assert found[0] == pytest.approx(found[1], abs=0.001)
    assert drift.ks(fine, histogram(edges, hit)).low == pytest.approx(0.383, abs=0.02)
    sides = fine, histogram(edges, hit)
    spans = ((reference.min(), reference.max()), (hit.min(), hit.max()))
    far = drift.wasserstein(edges.tolist(), *sides, spans=spans)
    assert far > drift.wasserstein_noise(edges.tolist(), *sides, 1e-4, spans=spans) > 30
    # bins of both samples, as wide as Sturges has it, put everything but that value into one
    pooled = np.histogram_bin_edges(np.concatenate([reference, hit]), "sturges")
    assert drift.psi(histogram(pooled[1:-1], reference), histogram(pooled[1:-1], hit)) < 0.1


# -- noise


@pytest.mark.parametrize(
    ("value", "critical", "limit", "expected"),
    [
        (0.05, 0.01, 0.1, "passed"),
        (0.1, 0.1, 0.1, "passed"),
        (0.11, 0.01, 0.1, "failed"),
        (0.11, 0.12, 0.1, "insufficient"),
        (0.05, 0.12, 0.1, "insufficient"),
        (0.13, 0.12, 0.1, "failed"),
        (0.0, 0.0, 0.0, "passed"),
        (0.0, math.inf, 0.1, "insufficient"),
        (math.inf, 0.1, 0.1, "failed"),
        (math.nan, 0.01, 0.1, "insufficient"),
        (0.01, math.nan, 0.1, "insufficient"),
    ],
)
def test_a_verdict(value: float, critical: float, limit: float, expected: str) -> None:
    assert drift.verdict(value, critical, limit) == expected


@pytest.mark.parametrize("name", NOISES)
@given(pair=pairs(), alpha=st.floats(1e-6, 0.05))
def test_noise_is_less_where_more_of_it_is_allowed_and_with_more_rows(name: str, pair: Pair, alpha: float) -> None:
    noise = NOISES[name](*pair, alpha)
    assert NOISES[name](*pair, alpha / 2) >= noise >= 0
    grown = [[count * 400 for count in side] for side in pair]
    assert NOISES[name](*grown, alpha) <= noise + 1e-12


@pytest.mark.parametrize("rows", [10_000, 1_000_000])
def test_with_many_rows_the_noise_of_psi_is_chi_squared(rows: int) -> None:
    counts = [rows // 10] * 10
    expected = ss.chi2.isf(0.01, 9) * 2 / rows
    assert expected <= drift.psi_noise(counts, counts, 0.01) <= expected * 1.01
    # of one distribution, PSI is 8 times the divergence in nats, and 4 times phi squared
    assert drift.js_noise(counts, counts, 0.01) == pytest.approx(math.sqrt(expected / 8 / math.log(2)), rel=0.01)
    squared = expected / 4 - 9 / (2 * rows)
    assert drift.cramers_v_noise(counts, counts, 0.01) == pytest.approx(math.sqrt(squared), rel=0.01)


def test_one_class_tells_nothing() -> None:
    groups = drift.classes([1] * 50 + [0], [0] * 50 + [50])
    assert [drift.psi_noise(*groups, 0.01), drift.js_noise(*groups, 0.01)] == [math.inf, math.inf]
    assert drift.cramers_v_noise(*groups, 0.01) == math.inf


def test_ten_rows_are_never_enough() -> None:
    for reference, current in (([10, 0], [10, 0]), ([5, 5], [5, 5]), ([10, 0], [0, 10])):
        assert (
            drift.verdict(drift.psi(reference, current), drift.psi_noise(reference, current, 0.001), 0.25) != "passed"
        )


@pytest.mark.parametrize("alpha", [0.01, 1e-4])
@pytest.mark.parametrize(("n", "m"), [(200, 200), (200, 1_000), (1_000, 200)])
@pytest.mark.parametrize("rate", [0.002, 0.1, 0.5])
def test_missing_values_of_one_rate_change_no_more_often_than_allowed(
    rate: float, n: int, m: int, alpha: float
) -> None:
    law, other = (ss.binom(size, rate).pmf(np.arange(size + 1)) for size in (n, m))
    chance = 0.0
    for total in range(n + m + 1):
        nulls = np.arange(max(0, total - m), min(n, total) + 1)
        both = law[nulls] * other[total - nulls]
        if both.sum() > 1e-9:
            noise = drift.missing_noise(min(n, total), n, total - min(n, total), m, alpha)  # knows the sum alone
            chance += both[np.abs(nulls / n - (total - nulls) / m) > noise + 1e-12].sum()
    assert chance <= alpha


@pytest.mark.parametrize("alpha", [0.01, 1e-4])
@pytest.mark.parametrize("counts", [(200, 1_000, 260, 1_000), (50_000, 100_000, 490, 1_000)], ids=str)
def test_the_noise_of_common_missing_values_is_that_of_two_proportions(
    counts: tuple[int, int, int, int], alpha: float
) -> None:
    nulls, n, others, m = counts
    share = (nulls + others) / (n + m)
    normal = ss.norm.isf(alpha / 2) * math.sqrt(share * (1 - share) * (1 / n + 1 / m))
    assert drift.missing_noise(*counts, alpha) == pytest.approx(normal, rel=0.03)


@pytest.mark.parametrize("term", ["psi", "js", "cramers_v"])
@pytest.mark.parametrize(
    ("n", "m", "masses"),
    [
        (200, 200, [0.1] * 10),
        (200, 200, [0.1, 0.2, 0.7]),
        (200, 100_000, [0.1] * 10),
        (1_000, 200, [0.1] * 10),
        (200, 200, [0.5, 0.47, 0.03]),
        (200, 1_000, [0.9, 0.095, 0.005]),
        (1_000, 1_000, [0.05] * 20),
        (1_000, 200, [0.3, 0.3, 0.3, 0.07, 0.02, 0.01]),
    ],
    ids=["deciles", "unequal", "large current", "large reference", "thin", "nearly none", "twenty", "rare"],
)
def test_classes_of_one_distribution_differ_by_more_than_noise_no_more_often_than_allowed(
    n: int, m: int, masses: list[float], term: str
) -> None:
    rng = np.random.default_rng(11)
    alpha, trials = 0.01, 2_000
    mine, theirs = (rng.multinomial(rows, masses, trials).tolist() for rows in (n, m))
    far = sum(STATISTICS[term](a, b) > NOISES[term](a, b, alpha) for a, b in zip(mine, theirs, strict=True))
    # three standard deviations of the number that alpha makes
    assert far <= alpha * trials + 3 * math.sqrt(alpha * trials)


@pytest.mark.parametrize("name", ["cauchy", "normal", "exponential"])
def test_wasserstein_of_one_distribution_stays_below_its_noise(name: str) -> None:
    rng = np.random.default_rng(13)
    draw = {"cauchy": rng.standard_cauchy, "normal": rng.standard_normal, "exponential": rng.standard_exponential}[name]
    far = 0
    for _ in range(400):
        reference, current = draw(300), draw(300)
        edges = np.quantile(reference, np.arange(101) / 100, method="inverted_cdf")
        sides = histogram(edges, reference), histogram(edges, current)
        spans = ((reference.min(), reference.max()), (current.min(), current.max()))
        value = drift.wasserstein(edges.tolist(), *sides, spans=spans)
        far += value > drift.wasserstein_noise(edges.tolist(), *sides, 0.01, spans=spans)
    assert far <= 4


@pytest.mark.parametrize(("n", "m"), [(100_000, 200), (200, 100_000), (500, 500)])
def test_wasserstein_of_a_rare_flag_stays_below_its_noise(n: int, m: int) -> None:
    rng = np.random.default_rng(19)
    mine, theirs = (rng.binomial(rows, 0.0002, 1_000).tolist() for rows in (n, m))
    far = 0
    for ones, others in zip(mine, theirs, strict=True):
        sides = (n - ones, ones, 0), (m - others, others, 0)
        far += drift.wasserstein([0, 1], *sides) > drift.wasserstein_noise([0, 1], *sides, 0.01)
    assert far <= 10


@pytest.mark.parametrize("name", ["psi", "js", "ks", "wasserstein"])
def test_a_shift_of_half_a_deviation_is_found_in_a_thousand_rows(name: str) -> None:
    rng = np.random.default_rng(17)
    reference, current = rng.normal(0, 1, 1_000), rng.normal(0.5, 1, 1_000)
    edges = np.quantile(reference, np.arange(201) / 200, method="inverted_cdf")
    fine = histogram(edges, reference), histogram(edges, current)
    groups = drift.coarse(*fine)
    found = {
        "psi": (drift.psi(*groups), drift.psi_noise(*groups, 3e-4)),
        "js": (drift.js_distance(*groups), drift.js_noise(*groups, 3e-4)),
        "ks": (drift.ks(*fine).low, drift.ks_noise(*fine, 3e-4)),
        "wasserstein": (
            drift.wasserstein(edges.tolist(), *fine),
            drift.wasserstein_noise(edges.tolist(), *fine, 3e-4),
        ),
    }[name]
    assert drift.verdict(*found, 0.1) == "failed"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "bench_noise.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("n", "m"), [(200, 200), (1_000, 1_000), (100_000, 100_000), (100_000, 500)])
def test_a_whole_gate_fails_on_unchanged_data_at_most_once_in_a_hundred(bench: ModuleType, n: int, m: int) -> None:
    found = bench.alarms(n, m, 600)
    assert found.noise <= 0.01
    assert found.gate <= found.noise


def test_limits_without_a_floor_fail_on_unchanged_data_of_two_hundred_rows(bench: ModuleType) -> None:
    found = bench.alarms(200, 200, 50)
    assert found.limits > 0.5
    assert found.insufficient > 0.5
