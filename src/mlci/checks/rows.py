"""A dataset has as many rows as it should.

What: The number of rows lies between `min` and `max`, each on one level or on two. With `change` it differs from the
number in the committed profile at the baseline by no more than this share of that number, up or down.

Why: An empty export, a truncated file or a join that multiplies rows looks like good data to every check that judges
the rows one by one.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - rows: {min: {warning: 10000, error: 1000}, change: {warning: 10%, error: 50%}}

Fix: Look at what wrote the file: its filter, its join, its date range.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import quantities, schema
from mlci.case import Case, note
from mlci.findings import Finding, Level
from mlci.questions import Question, Rows
from mlci.results import Limit, Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = {**schema.options(min=schema.COUNT, max=schema.COUNT, change=schema.SHARE), "minProperties": 1}


def asks(case: Case) -> Iterator[Question]:
    yield Rows()


def check(case: Case) -> Iterator[Finding | Measurement]:
    rows = case.answer(Rows())
    yield Measurement(name="rows", value=rows, limits=case.limits(), at=case.at())
    if "change" in case.options:
        yield _change(case, rows)


def _change(case: Case, rows: int) -> Finding | Measurement:
    at = case.at("change")
    before = case.bench.baseline(case.dataset.name)
    if before is None or not before.rows:
        what = "no row" if before else f"no dataset `{case.dataset.name}`"
        return note(f"the baseline has {what}: there is nothing to compare with", at)
    written = case.options["change"]
    levels = written.items() if isinstance(written, dict) else [("error", written)]
    limits = tuple(
        Limit(
            "max",
            quantities.share(bound),
            Level(level),
            case.at("change", level) if isinstance(written, dict) else at,
        )
        for level, bound in levels
    )
    # not rows / before - 1, which is a little off what the shares say
    value = abs(rows - before.rows) / before.rows
    return Measurement(
        name=f"change of rows from {before.rows:,}", value=value, unit="share", limits=limits, n=rows, at=at
    )
