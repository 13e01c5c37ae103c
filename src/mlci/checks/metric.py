"""A metric, measured by mlci on the model's own predictions, keeps its limits.

What: The model predicts every row of a dataset in a process of its own; mlci computes the metric from the answers and
holds it against `min` and `max`. Metrics: accuracy, average_precision, balanced_accuracy, brier, f1, f1_macro,
log_loss, mae, precision, r2, recall, rmse, roc_auc, as scikit-learn defines them.

Why: A figure in a card or a metrics file is a claim, and claims outlive the model that they were true of.

Example:
    checks:
      - metric: {data: test, name: roc_auc, min: 0.90}
      - metric: {data: test, name: rmse, max: {warning: 3.5, error: 4.2}}

Fix: Train a better model, or change the limit in the pull request that says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlci import schema
from mlci.case import Case, note
from mlci.findings import Finding
from mlci.metrics import METRICS
from mlci.predictions import scored
from mlci.results import Measurement

GROUP = "model"
SCOPE = schema.MODEL


def _bounds(lowest: float, highest: float) -> schema.Schema:
    # a bound on the very edge could never be broken: min 0 of an accuracy, max 1 of it
    edge = {"least": None if math.isinf(lowest) else lowest, "most": None if math.isinf(highest) else highest}
    low = {"above": edge["least"], "most": edge["most"]}
    high = {"least": edge["least"], "below": edge["most"]}
    return {"properties": {"min": schema.limit(**low), "max": schema.limit(**high)}}


_RANGES = sorted({(metric.lowest, metric.highest) for metric in METRICS.values()})

OPTIONS = {
    **schema.options(
        "data",
        "name",
        data=schema.DATASET,
        name={"enum": sorted(METRICS), "description": f"one of {', '.join(sorted(METRICS))}"},
        min=schema.LIMIT,
        max=schema.LIMIT,
    ),
    "allOf": [
        {
            "if": {
                "required": ["name"],
                "properties": {"name": {"enum": [n for n, m in METRICS.items() if (m.lowest, m.highest) == ends]}},
            },
            "then": _bounds(*ends),
        }
        for ends in _RANGES
    ],
}


def check(case: Case) -> Iterator[Finding | Measurement]:
    rows = scored(case.model, case.dataset, case.bench)
    name = case.options["name"]
    limits = case.limits()
    yield Measurement(name=name, value=rows.measure(name), n=len(rows.y), limits=limits, at=case.at())
    if not limits:
        yield note(f"{name} has no limit; it is measured, and judged by nobody", case.at(), "add `min:` or `max:`")
