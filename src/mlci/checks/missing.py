"""The columns of a dataset have few missing values.

What: The share of missing values of each of `columns`, of every column where it is left out, is at most `max`, on one
level or on two. Missing is NULL or NaN. For a column of its own, write `required: {mostly: 99%}` among its rules.

Why: A join that finds nothing and a field that a form no longer asks for leave holes that imputation hides from the
model's metrics.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - missing: {max: {warning: 5%, error: 20%}}

Fix: Look at what writes the column; or leave the column out, if nobody needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlci import chosen, counted, quantities, schema
from mlci.case import Case, Inconclusive, error
from mlci.escape import line
from mlci.findings import Finding
from mlci.questions import Count, Missing, Question
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options("max", columns=schema.COLUMNS, max=schema.SHARE)


def asks(case: Case) -> Iterator[Question]:
    yield Count()
    yield from (Count(Missing(column.name)) for column in chosen.columns(case))


def check(case: Case) -> Iterator[Finding | Measurement]:
    questions = {column.name: Count(Missing(column.name)) for column in chosen.columns(case)}
    answers: dict[Any, Any] = case.answers((Count(), *questions.values()))
    if not answers[Count()]:
        yield error("no row was looked at: the dataset has none")
        return
    named = "columns" in case.options
    most = max(questions, key=lambda name: answers[questions[name]])
    undecided = []
    for name, question in questions.items():
        # of many columns, those that lack nothing and were not asked about are no news
        if not (named or name == most or answers[question]):
            continue
        judged = counted.judge(
            case,
            f"{line(name)} missing",
            question,
            {"mostly": _present(case.options["max"])},
            place=lambda _: case.at("max"),
            about=[name],
        )
        items, reason = counted.collected(judged)
        undecided.append(reason)
        if named or name == most or reason or any(_is_news(item) for item in items):
            yield from items
    if any(undecided):
        raise Inconclusive("; ".join(filter(None, undecided)))


def _is_news(item: Finding | Measurement) -> bool:
    return isinstance(item, Finding) or item.broken_limit() is not None


def _present(most: Any) -> Any:
    """The least share of present values, of the greatest one of missing values."""
    if isinstance(most, dict):
        return {level: _present(bound) for level, bound in most.items()}
    return round(1 - quantities.share(most), 12)
