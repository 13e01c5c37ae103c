"""What a model is asked in service has the features that it was trained on, of the same types and shape.

What: The dataset is a log of requests, `from` the training data. Every feature of the training data (its columns
without target and key, or those that `columns` names) is in the log; a column of the log has no value that the type of
the training data cannot hold (whole numbers may stand for `float`, dates for `datetime`); and the check `drift` holds,
with `psi: {warning: 0.1, error: 0.25}, missing: 5%` where no limit is given. What else the log has is not looked at.

Why: Features are computed twice, by one program for training and by another one in service. Where the two differ, the
model is wrong in service and right in every test.

Example:
    datasets:
      train: {path: data/train.parquet, target: y, key: [id]}
      requests:
        path: logs/requests.parquet
        checks:
          - skew: {from: train}

Fix: Compute features in one place for both, or look at what the service does differently: units, defaults, encodings.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import comparison, schema
from mlci.case import Case, Inconclusive, error
from mlci.changes import holds
from mlci.escape import line
from mlci.findings import Finding
from mlci.questions import Question
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
FROM_PROFILE = True  # the committed profile of the other dataset is all it needs of it
OPTIONS = schema.options("from", **comparison.OPTIONS)
DEFAULTS = {"psi": comparison.PSI, "missing": 0.05}


def asks(case: Case) -> Iterator[Question]:
    return _plan(case).questions()


def check(case: Case) -> Iterator[Finding | Measurement]:
    plan = _plan(case)
    types = {column.name: column for column in case.table.columns}
    for pair in plan.pairs:
        logged, trained = types[pair.name], pair.reference
        if not holds(trained.type, logged.type):
            yield error(
                f"the feature `{line(pair.name)}` is {logged.type}, and the model was trained on {trained.type}",
                case.at("columns"),
                "write it as it was in training",
            )
    undecided = yield from comparison.compare(case, plan, comparison.limits(case, DEFAULTS))
    if undecided:
        raise Inconclusive("; ".join(undecided))


def _plan(case: Case) -> comparison.Plan:
    profile = comparison.reference(case)
    own = case.model.datasets[case.options["from"]]
    left_out = {*own.key, own.target}
    features = [column.name for column in profile.columns if column.name not in left_out]
    return comparison.plan(case, profile, case.options.get("columns", features), comparison.limits(case, DEFAULTS))
