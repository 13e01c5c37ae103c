"""Every metric against scikit-learn, against figures worked out by hand or published, and against what must hold."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlci import metrics
from mlci.metrics import METRICS

Array = np.ndarray[Any, np.dtype[Any]]

LABELS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f1_macro": lambda y, labels: sk.f1_score(y, labels, average="macro", zero_division=0),
}
POSITIVE = {
    "f1": lambda y, labels: sk.f1_score(y, labels, zero_division=0),
    "precision": lambda y, labels: sk.precision_score(y, labels, zero_division=0),
    "recall": lambda y, labels: sk.recall_score(y, labels, zero_division=0),
}
SCORE = {"average_precision": sk.average_precision_score, "roc_auc": sk.roc_auc_score}
NUMBERS = {"mae": sk.mean_absolute_error, "r2": sk.r2_score, "rmse": sk.root_mean_squared_error}

counts = st.integers(1, 40)


def reference(compute: Callable[..., Any], *arrays: Array) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of the one-class cases that are compared here on purpose
        return float(compute(*arrays))


def vectors(elements: st.SearchStrategy[Any], dtype: Any, width: int = 2) -> st.SearchStrategy[tuple[Array, ...]]:
    """``width`` arrays of one length from 1 to 40."""
    return counts.flatmap(lambda n: st.tuples(*[hnp.arrays(dtype, n, elements=elements)] * width))


words = vectors(st.sampled_from(["basic", "pro", "", "no such", "çà"]), object).map(
    lambda pair: tuple(np.array(side.tolist(), dtype=str) for side in pair)
)
whole = vectors(st.integers(-2, 3), np.int64)
truths = vectors(st.booleans(), np.bool_)
amounts = vectors(st.floats(-1e6, 1e6, width=32), np.float64)
# few distinct scores, so that there are ties in almost every example
tied = counts.flatmap(
    lambda n: st.tuples(
        hnp.arrays(np.bool_, n), hnp.arrays(np.float64, n, elements=st.sampled_from([0, 0.1, 0.5, 0.9, 1]))
    )
)
spread = counts.flatmap(
    lambda n: st.tuples(hnp.arrays(np.bool_, n), hnp.arrays(np.float32, n, elements=st.floats(0, 1, width=32)))
)


@pytest.mark.parametrize("name", sorted(LABELS))
@given(pair=st.one_of(words, whole))
def test_a_metric_of_labels_is_that_of_scikit_learn(name: str, pair: tuple[Array, Array]) -> None:
    assert METRICS[name].compute(*pair) == pytest.approx(reference(LABELS[name], *pair), abs=1e-12)


@pytest.mark.parametrize("name", sorted(POSITIVE))
@given(pair=truths)
def test_a_metric_of_the_positive_class_is_that_of_scikit_learn(name: str, pair: tuple[Array, Array]) -> None:
    assert METRICS[name].compute(*pair) == pytest.approx(reference(POSITIVE[name], *pair), abs=1e-12)


@pytest.mark.parametrize("name", sorted(SCORE))
@given(pair=st.one_of(tied, spread))
def test_a_metric_of_scores_is_that_of_scikit_learn(name: str, pair: tuple[Array, Array]) -> None:
    y, score = pair
    value = METRICS[name].compute(y, score)
    if y.any() and (name == "average_precision" or not y.all()):
        assert value == pytest.approx(reference(SCORE[name], y, score), abs=1e-9)
    else:
        assert math.isnan(value)


@given(pair=st.one_of(tied, spread))
def test_brier_is_that_of_scikit_learn(pair: tuple[Array, Array]) -> None:
    y, score = pair
    expected = reference(lambda a, b: sk.brier_score_loss(a, b, pos_label=1), y.astype(int), score)
    assert metrics.brier(y, score) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", sorted(NUMBERS))
@given(pair=amounts)
def test_a_metric_of_numbers_is_that_of_scikit_learn(name: str, pair: tuple[Array, Array]) -> None:
    y, predicted = pair
    value = METRICS[name].compute(y, predicted)
    if name == "r2" and (y == y[0]).all():
        assert math.isnan(value)  # scikit-learn answers 0 or 1 here, which nobody measured
    else:
        assert value == pytest.approx(reference(NUMBERS[name], y, predicted), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("n", [1, 2, 50, 3000])
def test_log_loss_is_that_of_scikit_learn(n: int, classes: int, dtype: Any) -> None:
    draw = np.random.default_rng(n * classes)
    matrix = draw.dirichlet(np.full(classes, 0.1), n).astype(dtype)
    matrix /= matrix.sum(axis=1, keepdims=True)
    y = draw.integers(0, classes, n)
    expected = reference(lambda a, b: sk.log_loss(a, b, labels=range(classes)), y, matrix)
    assert metrics.log_loss(y, matrix) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", sorted({**SCORE, **NUMBERS}))
@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_rows_agree_as_well(name: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    answers = draw.normal(size=5000).round(2)
    y = draw.random(5000) < 1 / (1 + np.exp(-answers)) if name in SCORE else answers + draw.normal(size=5000)
    expected = reference({**SCORE, **NUMBERS}[name], y, answers)
    assert METRICS[name].compute(y, answers) == pytest.approx(expected, abs=1e-10)


# Known answers --------------------------------------------------------------------------------------------------


def test_roc_auc_of_the_rating_data_of_hanley_and_mcneil() -> None:
    # Hanley and McNeil 1982, table 1: 109 CT images rated 1 (definitely normal) to 5 (definitely abnormal);
    # the area under the curve by the trapezoidal rule is 0.893 there
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    ratings = np.repeat([1, 2, 3, 4, 5, 1, 2, 3, 4, 5], normal + abnormal).astype(float)
    y = np.repeat([False, True], [sum(normal), sum(abnormal)])
    assert metrics.roc_auc(y, ratings) == pytest.approx(0.893, abs=5e-4)


def test_brier_of_a_forecaster_who_always_says_the_base_rate() -> None:
    # p (1 - p) for a base rate of 1/4
    assert metrics.brier(np.array([True, False, False, False]), np.full(4, 0.25)) == pytest.approx(3 / 16)


def test_precision_recall_and_f1_of_a_table_of_counts() -> None:
    # 8 true positives, 2 false positives, 4 false negatives, 86 true negatives
    y = np.repeat([True, False, True, False], [8, 2, 4, 86])
    said = np.repeat([True, True, False, False], [8, 2, 4, 86])
    assert metrics.precision(y, said) == pytest.approx(8 / 10)
    assert metrics.recall(y, said) == pytest.approx(8 / 12)
    assert metrics.f1(y, said) == pytest.approx(2 * 0.8 * (2 / 3) / (0.8 + 2 / 3))
    assert metrics.accuracy(y, said) == pytest.approx(94 / 100)
    assert metrics.balanced_accuracy(y, said) == pytest.approx((8 / 12 + 86 / 88) / 2)


def test_f1_macro_counts_a_class_that_only_the_model_names() -> None:
    # a: 2 of 2 predicted right of 3 -> 0.8; b: 1 of 1 -> 1; c is only predicted -> 0
    y, said = np.array(["a", "a", "a", "b"]), np.array(["a", "a", "c", "b"])
    assert metrics.f1_macro(y, said) == pytest.approx((0.8 + 1 + 0) / 3)


def test_average_precision_of_four_ranked_rows() -> None:
    # hits at ranks 1 and 3: (1/1 + 2/3) / 2
    y = np.array([True, False, True, False])
    assert metrics.average_precision(y, np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_takes_a_run_of_ties_as_one_threshold() -> None:
    y = np.array([True, False, False, True])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        assert metrics.average_precision(y[order], np.full(4, 0.3)) == pytest.approx(0.5)


def test_log_loss_of_a_coin_is_the_logarithm_of_two() -> None:
    assert metrics.log_loss(np.array([0, 1, 1]), np.full((3, 2), 0.5)) == pytest.approx(math.log(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_of_a_class_ruled_out_is_large_and_finite(dtype: Any) -> None:
    value = metrics.log_loss(np.array([1]), np.array([[1, 0]], dtype=dtype))
    assert value == pytest.approx(-math.log(np.finfo(dtype).eps), rel=1e-6)


@given(scale=st.floats(0.1, 50))
def test_log_loss_does_not_depend_on_the_scale_of_a_row(scale: float) -> None:
    matrix = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    assert metrics.log_loss(np.array([2, 0]), matrix * scale) == pytest.approx(
        metrics.log_loss(np.array([2, 0]), matrix)
    )


def test_errors_of_a_regression_by_hand() -> None:
    y, said = np.array([3.0, -0.5, 2.0, 7.0]), np.array([2.5, 0.0, 2.0, 8.0])
    assert metrics.mae(y, said) == 0.5
    assert metrics.rmse(y, said) == pytest.approx(math.sqrt(1.5 / 4))
    assert metrics.r2(y, said) == pytest.approx(1 - 1.5 / 29.1875)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, 123456.789, 0.0])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_r2_of_a_constant_target_is_not_defined(value: float, n: int) -> None:
    # the mean of three times 0.1 is not 0.1, and a variance of rounding errors explains nothing
    assert math.isnan(metrics.r2(np.full(n, value), np.arange(n, dtype=float)))


# What must hold -------------------------------------------------------------------------------------------------


def arguments(name: str, n: int, seed: int) -> tuple[Array, Array]:
    draw = np.random.default_rng(seed)
    needs = METRICS[name].needs
    if needs == "numbers":
        return draw.normal(size=n), draw.normal(size=n)
    if needs == "labels":
        return draw.integers(0, 4, n), draw.integers(0, 4, n)
    if needs == "matrix":
        return draw.integers(0, 3, n), draw.dirichlet(np.ones(3), n)
    y = np.arange(n) % 2 == 0
    return y, draw.random(n) < 0.5 if needs == "positive" else draw.random(n)


@pytest.mark.parametrize("name", sorted(METRICS))
@given(n=st.integers(2, 40), seed=st.integers(0, 2**32 - 1))
def test_a_metric_stays_in_the_range_that_it_declares(name: str, n: int, seed: int) -> None:
    metric = METRICS[name]
    value = metric.compute(*arguments(name, n, seed))
    assert isinstance(value, float)
    assert metric.lowest - 1e-12 <= value <= metric.highest + 1e-12


@pytest.mark.parametrize("name", sorted(METRICS))
@given(n=st.integers(2, 40), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_is_nothing(name: str, n: int, seed: int) -> None:
    y, said = arguments(name, n, seed)
    order = np.random.default_rng(seed + 1).permutation(n)
    assert METRICS[name].compute(y[order], said[order]) == pytest.approx(METRICS[name].compute(y, said), abs=1e-9)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_perfect_answer_reaches_the_best_end(name: str) -> None:
    metric = METRICS[name]
    y = np.array([0, 1, 1, 0, 1])
    perfect = {
        "numbers": (y.astype(float), y.astype(float)),
        "labels": (y, y),
        "positive": (y == 1, y == 1),
        "score": (y == 1, y.astype(float)),
        "matrix": (y, np.eye(2)[y]),
    }[metric.needs]
    best = metric.highest if metric.better == "higher" else metric.lowest
    assert metric.compute(*perfect) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_wrong_answer_is_worse_in_the_direction_that_is_declared(name: str) -> None:
    metric = METRICS[name]
    y, wrong = np.array([0, 1, 1, 0, 1]), np.array([1, 1, 0, 0, 1])
    good, bad = (
        {
            "numbers": (y.astype(float), said.astype(float)),
            "labels": (y, said),
            "positive": (y == 1, said == 1),
            "score": (y == 1, said.astype(float)),
            "matrix": (y, np.eye(2)[said]),
        }[metric.needs]
        for said in (y, wrong)
    )
    better, worse = metric.compute(*good), metric.compute(*bad)
    assert better > worse if metric.better == "higher" else better < worse


@pytest.mark.parametrize("name", sorted(SCORE))
@given(pair=tied)
def test_only_the_order_of_scores_counts(name: str, pair: tuple[Array, Array]) -> None:
    y, score = pair
    values = [METRICS[name].compute(y, turned) for turned in (score, 3 * score - 7, np.exp(5 * score))]
    assert values[1:] == pytest.approx(values[:1] * 2, nan_ok=True)


@given(pair=tied)
def test_roc_auc_of_the_other_class_is_the_rest_to_one(pair: tuple[Array, Array]) -> None:
    y, score = pair
    one, other, turned = metrics.roc_auc(y, score), metrics.roc_auc(~y, score), metrics.roc_auc(~y, -score)
    if y.all() or not y.any():
        assert all(math.isnan(value) for value in (one, other, turned))
    else:
        assert [1 - other, turned] == pytest.approx([one, one])


@pytest.mark.parametrize("name", sorted(LABELS))
@given(pair=whole, order=st.permutations(range(6)))
def test_the_names_of_classes_are_nothing(name: str, pair: tuple[Array, Array], order: list[int]) -> None:
    renamed = [np.array(["fox", "ant", "bee", "cat", "dog", "elk"])[np.array(order)[side + 2]] for side in pair]
    assert METRICS[name].compute(*renamed) == pytest.approx(METRICS[name].compute(*pair), abs=1e-12)


@given(pair=amounts, shift=st.integers(-1000, 1000))
def test_a_shift_of_both_sides_moves_no_error(pair: tuple[Array, Array], shift: int) -> None:
    y, said = pair
    assert metrics.mae(y + shift, said + shift) == pytest.approx(metrics.mae(y, said), abs=1e-6)
    assert metrics.rmse(y + shift, said + shift) == pytest.approx(metrics.rmse(y, said), abs=1e-6)
    assert metrics.mae(y, said) <= metrics.rmse(y, said) * (1 + 1e-12)


@given(pair=truths)
def test_f1_lies_between_precision_and_recall(pair: tuple[Array, Array]) -> None:
    ends = sorted([metrics.precision(*pair), metrics.recall(*pair)])
    assert ends[0] - 1e-12 <= metrics.f1(*pair) <= ends[1] + 1e-12


def test_a_metric_says_which_way_is_better() -> None:
    assert {metric.better for metric in METRICS.values()} == {"higher", "lower"}
