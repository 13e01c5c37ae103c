"""Quantiles and bounds that tests of data need, in the standard library alone.

scipy weighs more than the engine; these few functions agree with it to 1e-9, which tests hold them to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

TINY = 1e-300
"""Stands for zero in continued fractions (Lentz 1976), which divide by what may vanish."""


def normal_quantile(p: float) -> float:
    """What a standard normal variable stays below with probability ``p``, 0 < p < 1 (Wichura 1988, AS 241)."""
    return NormalDist().inv_cdf(p)


@lru_cache(maxsize=1024)
def chi2_quantile(p: float, df: int) -> float:
    """The value that a chi-squared variable with ``df`` degrees of freedom stays below with probability ``p``.

    Newton's method on the logarithm of the smaller tail, from a bracket that Laurent and Massart (2000, Lemma 1) prove.
    Raises ValueError unless 0 < p < 1 and df >= 1.
    """
    if not 0 < p < 1 or df < 1:
        raise ValueError(f"no quantile of chi-squared at p = {p}, df = {df}")
    shape = df / 2
    front = math.lgamma(shape)

    def distance(u: float) -> tuple[float, float]:
        half = math.exp(u)
        return _log_distance(p, *_gamma_tails(shape, half), math.exp(shape * u - half - front))

    reach = -math.log1p(-p)
    highest = math.log(df / 2 + math.sqrt(df * reach) + reach)
    # P(a, x) <= x^a / Gamma(a + 1), so the quantile lies above where that is p
    lowest = (math.log(p) + math.lgamma(shape + 1)) / shape
    return 2 * math.exp(_root(distance, lowest - 1, highest + 1))


def beta_quantile(p: float, a: float, b: float) -> float:
    """What a beta variable stays below with probability ``p``. Raises ValueError unless 0 < p < 1 and a, b > 0."""
    if not 0 < p < 1 or a <= 0 or b <= 0:
        raise ValueError(f"no quantile of beta at p = {p}, a = {a}, b = {b}")
    front = _log_beta(a, b)

    def distance(u: float) -> tuple[float, float]:
        x, rest = math.exp(u), -math.expm1(u)
        left = math.log1p(-x) if x < 0.5 else math.log(rest or TINY)
        density = math.exp(a * u + b * left - front)
        return _log_distance(p, *_beta_tails(a, b, x, rest, density), density / max(rest, TINY))

    # I(x; a, b) <= x^a / (a B(a, b)) for b >= 1, and for b < 1 the same with (1 - x)^(b - 1), at most 2 below one half
    lowest = (math.log(p) + math.log(a) + front - math.log(2)) / a
    return math.exp(_root(distance, min(lowest, -1.0) - 1, 0.0))


def clopper_pearson(hits: int, rows: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Bounds (low, high) of a rate of which ``hits`` of ``rows`` were seen.

    Each side is missed with a probability of at most half of 1 - confidence, for independent draws.
    Raises ValueError unless 0 <= hits <= rows and rows > 0.
    Source: Clopper and Pearson (1934), Biometrika 26:404-413.
    """
    if rows < 1 or not 0 <= hits <= rows:
        raise ValueError(f"no rate of {hits} in {rows} rows")
    tail = (1 - confidence) / 2
    low = beta_quantile(tail, hits, rows - hits + 1) if hits else 0.0
    high = beta_quantile(1 - tail, hits + 1, rows - hits) if hits < rows else 1.0
    return low, high


def kolmogorov_critical(n: int, m: int, alpha: float) -> float:
    """The D of two samples of ``n`` and ``m`` rows of one distribution that is exceeded with at most ``alpha``.

    The first term of Smirnov's limit (1948, Ann. Math. Stat. 19:279-281): never below the limit's own quantile, and no
    smaller for a distribution with ties. Wei and Dudley (2012, Stat. Probab. Lett. 82:636-644) prove it for finite
    samples of one size from 458 rows on; below, the exact chance stays under alpha from 10 rows and alpha <= 0.02 on.
    """
    return math.sqrt(-math.log(alpha / 2) / 2 * (1 / n + 1 / m))


def hypergeometric_bounds(marked: int, drawn: int, total: int, alpha: float) -> tuple[int, int]:
    """How few and how many of ``marked`` rows are among ``drawn`` of ``total``, but for alpha / 2 each side.

    What Fisher's exact test rests on: of two samples of one distribution, given how many rows of both are marked, the
    number in one of them follows this law, whatever the distribution (Fisher 1935, J. R. Stat. Soc. 98:39-82).
    Summed exactly up to a standard deviation of 500 rows, normal and one row wider beyond.
    """
    least, most = max(0, drawn + marked - total), min(marked, drawn)
    mean = drawn * marked / total
    deviation = math.sqrt(mean * (1 - marked / total) * (total - drawn) / max(1, total - 1))
    if deviation > 500:
        margin = normal_quantile(1 - alpha / 2) * deviation + 1
        return max(least, math.floor(mean - margin)), min(most, math.ceil(mean + margin))
    mode = min(most, max(least, (drawn + 1) * (marked + 1) // (total + 2)))
    others = total - marked - drawn

    def odds(k: int) -> float:
        """P(k + 1) / P(k)."""
        return (marked - k) * (drawn - k) / ((k + 1) * (others + k + 1))

    above, below = [1.0], [1.0]
    while mode + len(above) <= most and above[-1] > 1e-20:
        above.append(above[-1] * odds(mode + len(above) - 1))
    while mode - len(below) >= least and below[-1] > 1e-20:
        below.append(below[-1] / odds(mode - len(below)))
    allowed = alpha / 2 * (math.fsum(above) + math.fsum(below) - 1)
    return mode - _kept([*reversed(above[1:]), *below], allowed, len(above) - 1), mode + _kept(
        [*reversed(below[1:]), *above], allowed, len(below) - 1
    )


def bonferroni(alpha: float, comparisons: int) -> float:
    """What each of ``comparisons`` may err by, that all of them together err by at most ``alpha`` (Dunn 1961)."""
    return alpha / max(1, comparisons)


def _kept(weights: list[float], allowed: float, origin: int) -> int:
    """How far beyond ``origin`` weights go on until all that follow come to at most ``allowed``."""
    tail = 0.0
    for index in range(len(weights) - 1, -1, -1):
        tail += weights[index]
        if tail > allowed:
            return index - origin
    return -origin


def _log_distance(p: float, lower: float, upper: float, slope: float) -> tuple[float, float]:
    """The logarithm of how far the smaller tail is from its aim, rising, and its slope."""
    if p < 0.5:
        return (math.log(lower / p), slope / lower) if lower > 0 else (-math.inf, 0.0)
    return (math.log((1 - p) / upper), slope / upper) if upper > 0 else (math.inf, 0.0)


def _root(f: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Where a rising function is zero: Newton's steps, halving wherever one would leave the bracket."""
    x = (low + high) / 2
    for _ in range(200):
        value, slope = f(x)
        low, high = (x, high) if value < 0 else (low, x)
        newton = x - value / slope if slope > 0 and math.isfinite(value) else math.nan
        following = newton if low < newton < high else (low + high) / 2
        if abs(following - x) <= 1e-14 * max(1.0, abs(x)):
            return following
        x = following
    return x


def _gamma_tails(a: float, x: float) -> tuple[float, float]:
    """P(a, x) and Q(a, x), the regularized incomplete gamma functions: DLMF 8.7.1 below the mean, 8.9.2 above."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while term > total * 1e-17:
            k += 1
            term *= x / k
            total += term
        return front * total, 1 - front * total

    def steps(k: int) -> tuple[float, float]:
        return (-k * (k - a), x + 1 - a + 2 * k)

    upper = front / _fraction(x + 1 - a, steps)
    return 1 - upper, upper


def _beta_tails(a: float, b: float, x: float, rest: float, front: float) -> tuple[float, float]:
    """I(x; a, b) and 1 - I, with ``rest`` = 1 - x and ``front`` = x^a rest^b / B(a, b): DLMF 8.17.22."""
    if x > (a + 1) / (a + b + 2):
        upper, lower = _beta_tails(b, a, rest, x, front)
        return lower, upper

    def steps(k: int) -> tuple[float, float]:
        half, odd = divmod(k, 2)
        if odd:
            return -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1)), 1.0
        return half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half)), 1.0

    lower = front / a / _fraction(1.0, steps)
    return lower, 1 - lower


def _fraction(first: float, steps: Callable[[int], tuple[float, float]]) -> float:
    """The value of first + a1 / (b1 + a2 / (b2 + ...)) with (a, b) = steps(1), steps(2), ..., by Lentz's method."""
    value = c = first or TINY
    d = 0.0
    for k in range(1, 1_000_000):
        above, below = steps(k)
        d = 1 / ((below + above * d) or TINY)
        c = (below + above / c) or TINY
        value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value


def _log_beta(a: float, b: float) -> float:
    """The logarithm of B(a, b). Stirling's series keeps the digits that a difference of two large lgamma loses."""
    a, b = min(a, b), max(a, b)
    if b < 20:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    ratio = a - (b - 0.5) * math.log1p(a / b) - a * math.log(a + b)
    return math.lgamma(a) + ratio + _stirling(b) - _stirling(a + b)


def _stirling(z: float) -> float:
    """What ln Gamma(z) has beyond (z - 1/2) ln z - z + ln(2 pi) / 2, for z >= 20 (DLMF 5.11.1)."""
    square = z * z
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / z
