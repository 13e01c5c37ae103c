"""Metrics of predictions, in numpy. Each takes arrays of one length n >= 1, without missing values.

Definitions follow scikit-learn's documentation of the metric of the same name, and are tested against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlci.ports import Array


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, what it is computed from, and the range that it can take."""

    compute: Callable[..., float]
    needs: str
    """``labels``: (y, labels); ``positive``: (y == positive, labels == positive); ``score``: (y == positive, score
    of the positive class); ``matrix``: (index of y, n x k probabilities); ``numbers``: (y, predictions)."""
    lowest: float
    highest: float
    better: str
    """``higher`` or ``lower``."""


def accuracy(y: Array, labels: Array) -> float:
    """The share of rows whose label is right, in [0, 1]."""
    import numpy as np

    return float(np.mean(y == labels))


def balanced_accuracy(y: Array, labels: Array) -> float:
    """The mean recall over the classes that occur in ``y``, in [0, 1] (Brodersen et al. 2010)."""
    import numpy as np

    return float(np.mean([np.mean(labels[y == value] == value) for value in np.unique(y)]))


def precision(y: Array, labels: Array) -> float:
    """True positives among the predicted positives, in [0, 1]; 0 where nothing is predicted positive."""
    return _ratio(float((y & labels).sum()), float(labels.sum()))


def recall(y: Array, labels: Array) -> float:
    """True positives among the positives, in [0, 1]; 0 where nothing is positive."""
    return _ratio(float((y & labels).sum()), float(y.sum()))


def f1(y: Array, labels: Array) -> float:
    """The harmonic mean of precision and recall, in [0, 1]; 0 where neither is defined."""
    return _ratio(2 * float((y & labels).sum()), float(y.sum() + labels.sum()))


def f1_macro(y: Array, labels: Array) -> float:
    """The plain mean of f1 over the classes that occur in ``y`` or in ``labels``, in [0, 1]."""
    import numpy as np

    values = np.union1d(y, labels)
    return float(np.mean([f1(y == value, labels == value) for value in values]))


def roc_auc(y: Array, score: Array) -> float:
    """The probability that a positive row scores above a negative one, ties counted as half, in [0, 1].

    ``y`` is boolean. The Mann-Whitney form (Hanley and McNeil 1982, Radiology 143:29-36). NaN with one class only.
    """
    positives = int(y.sum())
    negatives = len(y) - positives
    if not positives or not negatives:
        return math.nan
    return float((_ranks(score)[y].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(y: Array, score: Array) -> float:
    """The sum over thresholds of precision times the step in recall, in [0, 1]; NaN where nothing is positive."""
    import numpy as np

    if not y.any():
        return math.nan
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(y[order])
    # one threshold for each distinct score: the last row of a run of ties
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(y) - 1]
    precisions = hits[ends] / (ends + 1)
    recalls = hits[ends] / hits[-1]
    return float(np.sum(np.diff(recalls, prepend=0.0) * precisions))


def brier(y: Array, score: Array) -> float:
    """The mean squared difference of probability and outcome, in [0, 1] (Brier 1950, binary form)."""
    import numpy as np

    return float(np.mean((score - y) ** 2))


def log_loss(y: Array, matrix: Array) -> float:
    """Minus the mean logarithm of the probability given to the true class, in nats, from 0 up.

    ``y`` holds indexes of columns of ``matrix`` (n x k); rows are normalised, and probabilities kept from 0 by the
    smallest step of their floating-point type.
    """
    import numpy as np

    tiny = float(np.finfo(matrix.dtype).eps)
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(np.clip(matrix[np.arange(len(y)), y], tiny, 1 - tiny))))


def mae(y: Array, predicted: Array) -> float:
    """The mean absolute error, in the unit of the target, from 0 up."""
    import numpy as np

    return float(np.mean(np.abs(y - predicted)))


def rmse(y: Array, predicted: Array) -> float:
    """The root of the mean squared error, in the unit of the target, from 0 up."""
    import numpy as np

    return float(np.sqrt(np.mean((y - predicted) ** 2)))


def r2(y: Array, predicted: Array) -> float:
    """The share of the target's variance that is explained, from minus infinity to 1. NaN for a constant target."""
    if (y == y[0]).all():  # told by the values: the mean of equal numbers can differ from them in its last digit
        return math.nan
    total = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - predicted) ** 2).sum()) / total if total else math.nan


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _ranks(values: Array) -> Array:
    """Ranks from 1, ties sharing the mean of theirs."""
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


_INF = math.inf

METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy, "labels", 0, 1, "higher"),
    "average_precision": Metric(average_precision, "score", 0, 1, "higher"),
    "balanced_accuracy": Metric(balanced_accuracy, "labels", 0, 1, "higher"),
    "brier": Metric(brier, "score", 0, 1, "lower"),
    "f1": Metric(f1, "positive", 0, 1, "higher"),
    "f1_macro": Metric(f1_macro, "labels", 0, 1, "higher"),
    "log_loss": Metric(log_loss, "matrix", 0, _INF, "lower"),
    "mae": Metric(mae, "numbers", 0, _INF, "lower"),
    "precision": Metric(precision, "positive", 0, 1, "higher"),
    "r2": Metric(r2, "numbers", -_INF, 1, "higher"),
    "recall": Metric(recall, "positive", 0, 1, "higher"),
    "rmse": Metric(rmse, "numbers", 0, _INF, "lower"),
    "roc_auc": Metric(roc_auc, "score", 0, 1, "higher"),
}
