"""The model is better than a constant, and is none itself.

What: The metric of the model is strictly better than that of the best constant answer on the same rows: the commonest
class (accuracy and the other metrics of labels), the shares of the classes (metrics of probabilities), the mean
(rmse, r2) or the median (mae) of the target. A model that answers every row alike fails whatever its metric is.

Why: On unbalanced data a high accuracy can be the share of the larger class and nothing more.

Example:
    checks:
      - beats-trivial: {data: test, name: balanced_accuracy}

Fix: Look at the features that reach the model (order, names, scaling) and at the labels it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlci import schema
from mlci.case import Case, error
from mlci.findings import Finding
from mlci.metrics import METRICS
from mlci.predictions import Scored, scored
from mlci.quantities import show
from mlci.results import Measurement

GROUP = "model"
SCOPE = schema.MODEL
# to call every row positive has a recall of 1, which nothing beats
_NAMES = sorted(METRICS.keys() - {"recall"})
OPTIONS = schema.options(
    data=schema.DATASET,
    name={"enum": _NAMES, "description": f"a metric ({', '.join(_NAMES)}); accuracy or rmse if none is named"},
)


def check(case: Case) -> Iterator[Finding | Measurement]:
    rows = scored(case.model, case.dataset, case.bench)
    name = case.options.get("name") or ("accuracy" if rows.is_classification else "rmse")
    value, trivial = rows.measure(name), _constant(rows, name).measure(name)
    yield Measurement(name=name, value=value, n=len(rows.y), at=case.at())
    yield Measurement(name=f"{name} of the best constant", value=trivial, n=len(rows.y), at=case.at())
    answer = _only_answer(rows)
    if answer:
        yield error(f"the model answers {answer} for every one of {len(rows.y):,} rows")
    better = value > trivial if METRICS[name].better == "higher" else value < trivial
    if not better:
        yield error(
            f"{name} is {show(value)} (n = {len(rows.y):,}), no better than the {show(trivial)} of a constant answer"
        )


def _constant(rows: Scored, name: str) -> Scored:
    """The same rows, answered with the best constant for this metric."""
    import numpy as np

    n = len(rows.y)
    if not rows.is_classification:
        best = np.median(rows.y) if name == "mae" else np.mean(rows.y)
        return replace(rows, numbers=np.full(n, best))
    values, counts = np.unique(rows.y, return_counts=True)
    # f1, precision and recall ask for the positive class, so the best constant is to say it always
    answer = rows.positive if METRICS[name].needs == "positive" else values[counts.argmax()]
    shares = dict(zip(values.tolist(), (counts / n).tolist(), strict=True))
    matrix = np.tile([shares.get(value, 0.0) for value in rows.classes], (n, 1))
    score = None if rows.positive is None else np.full(n, shares.get(rows.positive, 0.0))
    return replace(rows, labels=np.full(n, answer), matrix=matrix, score=score)


def _only_answer(rows: Scored) -> str:
    import numpy as np

    answers = rows.numbers if rows.numbers is not None else rows.labels
    if len(rows.y) < 2 or answers is None or (answers != answers[0]).any():
        return ""
    if rows.matrix is not None and np.ptp(rows.matrix, axis=0).any():
        return ""  # one label throughout, from probabilities that differ: the metric judges it
    value = answers[0]
    return f"`{show(float(value)) if isinstance(value, int | float | np.number) else value}`"
