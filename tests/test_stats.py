"""Quantiles and bounds against scipy, against closed forms and exact counts, and against what must hold."""

from __future__ import annotations

import math

import pytest
import scipy.stats as ss
from hypothesis import given
from hypothesis import strategies as st

from mlci import stats

PROBABILITIES = (1e-10, 1e-6, 0.001, 0.01, 0.1, 0.4999, 0.5, 0.9, 0.95, 0.99, 0.999, 1 - 1e-5, 1 - 1e-9)
alphas = st.floats(1e-7, 0.2)


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=0)


# -- quantiles


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 19, 49, 200, 999, 5000])
@pytest.mark.parametrize("p", PROBABILITIES)
def test_a_quantile_of_chi_squared_is_that_of_scipy(p: float, df: int) -> None:
    assert stats.chi2_quantile(p, df) == close(ss.chi2.ppf(p, df))


@given(p=st.floats(1e-9, 1 - 1e-9), df=st.integers(1, 500))
def test_any_quantile_of_chi_squared_is_that_of_scipy(p: float, df: int) -> None:
    assert stats.chi2_quantile(p, df) == close(ss.chi2.ppf(p, df))


@given(p=st.floats(1e-6, 0.999999))
def test_with_two_degrees_of_freedom_chi_squared_has_a_closed_form(p: float) -> None:
    assert stats.chi2_quantile(p, 2) == close(-2 * math.log1p(-p))


@given(p=st.floats(0.5001, 1 - 1e-7))
def test_with_one_degree_of_freedom_chi_squared_is_the_square_of_a_normal(p: float) -> None:
    assert stats.chi2_quantile(2 * p - 1, 1) == pytest.approx(stats.normal_quantile(p) ** 2, rel=1e-8)


@given(p=st.floats(0.001, 0.99), df=st.integers(1, 100))
def test_a_quantile_of_chi_squared_rises_with_the_probability_and_the_degrees(p: float, df: int) -> None:
    value = stats.chi2_quantile(p, df)
    assert stats.chi2_quantile(p + 0.005, df) > value
    assert stats.chi2_quantile(p, df + 1) > value


@pytest.mark.parametrize(("p", "df"), [(0.0, 1), (1.0, 1), (-0.1, 3), (math.nan, 3), (0.5, 0)])
def test_chi_squared_has_no_quantile(p: float, df: int) -> None:
    with pytest.raises(ValueError, match="no quantile of chi-squared"):
        stats.chi2_quantile(p, df)


@pytest.mark.parametrize("p", PROBABILITIES)
def test_a_normal_quantile_is_that_of_scipy(p: float) -> None:
    assert stats.normal_quantile(p) == pytest.approx(ss.norm.ppf(p), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("a", [0.1, 0.5, 1, 2.5, 30, 1e4])
@pytest.mark.parametrize("b", [0.1, 0.5, 1, 2.5, 30, 1e4])
@pytest.mark.parametrize("p", [1e-8, 0.01, 0.3, 0.5, 0.8, 0.999])
def test_a_quantile_of_beta_is_that_of_scipy(p: float, a: float, b: float) -> None:
    assert stats.beta_quantile(p, a, b) == close(ss.beta.ppf(p, a, b))


@given(p=st.floats(1e-6, 0.999999), a=st.floats(0.2, 500), b=st.floats(0.2, 500))
def test_any_quantile_of_beta_is_that_of_scipy(p: float, a: float, b: float) -> None:
    assert stats.beta_quantile(p, a, b) == close(ss.beta.ppf(p, a, b))


@pytest.mark.parametrize(("p", "a", "b"), [(0.0, 1, 1), (1.0, 1, 1), (0.5, 0, 1), (0.5, 1, -1), (math.nan, 1, 1)])
def test_beta_has_no_quantile(p: float, a: float, b: float) -> None:
    with pytest.raises(ValueError, match="no quantile of beta"):
        stats.beta_quantile(p, a, b)


# -- bounds of a rate


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99, 0.99999])
@pytest.mark.parametrize("rows", [1, 2, 5, 30, 1_000, 100_000, 10_000_000])
@pytest.mark.parametrize("share", [0, 1e-6, 0.01, 0.3, 0.5, 0.999, 1])
def test_bounds_of_a_rate_are_the_quantiles_of_scipy(rows: int, share: float, confidence: float) -> None:
    hits, tail = math.ceil(rows * share), (1 - confidence) / 2
    low, high = stats.clopper_pearson(hits, rows, confidence=confidence)
    assert low == (close(ss.beta.ppf(tail, hits, rows - hits + 1)) if hits else 0)
    assert high == (close(ss.beta.ppf(1 - tail, hits + 1, rows - hits)) if hits < rows else 1)


@given(rows=st.integers(1, 10_000_000), confidence=st.floats(0.5, 0.99999))
def test_bounds_of_a_rate_never_seen_have_a_closed_form(rows: int, confidence: float) -> None:
    low, high = stats.clopper_pearson(0, rows, confidence=confidence)
    assert (low, high) == (0, close(-math.expm1(math.log((1 - confidence) / 2) / rows)))


def test_a_rate_never_seen_in_many_rows_is_below_three_of_them_by_one_sided_95_percent() -> None:
    assert stats.clopper_pearson(0, 100_000, confidence=0.9)[1] == pytest.approx(3 / 100_000, rel=0.01)


def test_bounds_of_a_rate_hold_for_a_thousand_million_rows() -> None:
    low, high = stats.clopper_pearson(1, 10**9)
    assert low == pytest.approx(ss.beta.ppf(0.025, 1, 10**9), rel=1e-6)
    assert high == pytest.approx(ss.beta.ppf(0.975, 2, 10**9 - 1), rel=1e-6)


@given(data=st.data(), rows=st.integers(1, 2_000))
def test_bounds_of_a_rate_hold_it_and_mirror_those_of_its_complement(data: st.DataObject, rows: int) -> None:
    hits = data.draw(st.integers(0, rows))
    low, high = stats.clopper_pearson(hits, rows)
    assert 0 <= low <= hits / rows <= high <= 1
    assert stats.clopper_pearson(rows - hits, rows) == (pytest.approx(1 - high), pytest.approx(1 - low))


@pytest.mark.parametrize("rate", [0.001, 0.03, 0.5])
def test_bounds_of_a_rate_miss_it_no_more_often_than_allowed(rate: float) -> None:
    rows = 150
    missed = 0.0
    for hits in range(rows + 1):
        low, high = stats.clopper_pearson(hits, rows)
        missed += ss.binom.pmf(hits, rows, rate) * (not low <= rate <= high)
    assert missed <= 0.05


@pytest.mark.parametrize(("hits", "rows"), [(0, 0), (-1, 5), (6, 5)])
def test_there_is_no_such_rate(hits: int, rows: int) -> None:
    with pytest.raises(ValueError, match=f"no rate of {hits} in {rows} rows"):
        stats.clopper_pearson(hits, rows)


# -- Kolmogorov and Smirnov


@pytest.mark.parametrize("alpha", [0.05, 0.01, 1e-3, 1e-5])
@pytest.mark.parametrize(("n", "m"), [(200, 200), (1_000, 50), (10**6, 10**6)])
def test_the_critical_distance_is_hardly_above_the_quantile_of_the_limit(n: int, m: int, alpha: float) -> None:
    limit = ss.kstwobign.isf(alpha) * math.sqrt(1 / n + 1 / m)
    critical = stats.kolmogorov_critical(n, m, alpha)
    assert critical >= limit * (1 - 1e-9)
    assert critical == pytest.approx(limit, rel=alpha)


@pytest.mark.parametrize("n", [10, 20, 50, 100, 200, 457, 458, 1_000])
@pytest.mark.parametrize("alpha", [0.02, 0.01, 1e-3, 1e-5])
def test_two_samples_of_one_size_exceed_the_critical_distance_no_more_often_than_allowed(n: int, alpha: float) -> None:
    beyond = math.floor(stats.kolmogorov_critical(n, n, alpha) * n) + 1
    # Gnedenko and Korolyuk (1951): D of two samples of n rows is a reflected random walk of 2 n steps
    chance = sum(
        2 * (-1) ** (k - 1) * math.comb(2 * n, n - k * beyond) for k in range(1, n // beyond + 1) if k * beyond <= n
    )
    assert chance / math.comb(2 * n, n) <= alpha


# -- Fisher's exact test


@st.composite
def draws(draw: st.DrawFn) -> tuple[int, int, int]:
    """Marked rows, drawn rows, and all rows."""
    total = draw(st.integers(1, 3_000))
    return draw(st.integers(0, total)), draw(st.integers(1, total)), total


@given(case=draws(), alpha=alphas)
def test_hypergeometric_bounds_are_the_tightest_that_keep_the_chance(case: tuple[int, int, int], alpha: float) -> None:
    marked, drawn, total = case
    low, high = stats.hypergeometric_bounds(marked, drawn, total, alpha)
    law = ss.hypergeom(total, marked, drawn)
    slack = 1e-6 * alpha
    assert max(law.cdf(low - 1), law.sf(high)) <= alpha / 2 + slack
    assert min(law.cdf(low), law.sf(high - 1)) >= alpha / 2 - slack


@given(case=draws(), alpha=alphas)
def test_hypergeometric_bounds_mirror_those_of_the_rows_not_drawn(case: tuple[int, int, int], alpha: float) -> None:
    marked, drawn, total = case
    low, high = stats.hypergeometric_bounds(marked, drawn, total, alpha)
    mirrored = stats.hypergeometric_bounds(marked, total - drawn, total, alpha)
    assert max(abs(marked - high - mirrored[0]), abs(marked - low - mirrored[1])) <= 1  # a tie may round either way


@pytest.mark.parametrize("alpha", [0.05, 1e-3, 1e-6])
def test_many_rows_are_bounded_as_by_the_exact_sum_and_never_tighter(alpha: float) -> None:
    marked, drawn, total = 3_000_000, 2_000_000, 5_000_000
    low, high = stats.hypergeometric_bounds(marked, drawn, total, alpha)
    law = ss.hypergeom(total, marked, drawn)
    assert law.ppf(alpha / 2) - 5 <= low <= law.ppf(alpha / 2)
    assert law.isf(alpha / 2) <= high <= law.isf(alpha / 2) + 5


@pytest.mark.parametrize(
    ("case", "expected"),
    [((0, 50, 100), (0, 0)), ((100, 50, 100), (50, 50)), ((1, 1, 1), (1, 1)), ((90, 20, 100), (10, 20))],
    ids=["none marked", "all marked", "one row", "some must be drawn"],
)
def test_hypergeometric_bounds_without_choice(case: tuple[int, int, int], expected: tuple[int, int]) -> None:
    assert stats.hypergeometric_bounds(*case, 1e-12) == expected


# -- many comparisons


@given(alpha=alphas, comparisons=st.integers(1, 10_000))
def test_all_comparisons_together_err_no_more_often_than_allowed(alpha: float, comparisons: int) -> None:
    each = stats.bonferroni(alpha, comparisons)
    assert each * comparisons == pytest.approx(alpha)
    # were they independent: 1 - (1 - each) ** comparisons
    assert -math.expm1(comparisons * math.log1p(-each)) <= alpha * (1 + 1e-9)


def test_a_gate_without_comparisons_has_all_of_alpha_left() -> None:
    assert stats.bonferroni(0.01, 0) == 0.01
