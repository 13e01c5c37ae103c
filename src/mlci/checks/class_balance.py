"""Every class of a dataset has enough rows to be learned.

What: The share of the rarest class among the rows that have one is at least `min`, on one level or on two; `column`
is the target where it is left out. There are at least `classes` different ones (2 where none is named), as their text.
Rows without a label (NULL, NaN) are in no class; they are counted and told.

Why: A class that a filter or a broken join took away leaves a model that is right on nearly every row and useless for
what it was made for.

Example:
    datasets:
      train:
        path: data/train.parquet
        target: churned
        checks:
          - class-balance: {min: {warning: 10%, error: 2%}}
          - class-balance: {column: plan, classes: 3}
            id: plans

Fix: Look at what chose the rows. Where the class is rare in truth, lower `min` in the pull request that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlci import chosen, quantities, schema
from mlci.case import Case, error, note
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding
from mlci.ports import Column
from mlci.privacy import LEAST_NAMED
from mlci.questions import Question, Rows, TopValues
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(
    column=schema.COLUMN,
    min=schema.SHARE,
    classes={"type": "integer", "minimum": 2, "maximum": 1000, "description": "a number of classes of at least 2"},
)
MOST = 1000
"""Classes; a column with more different values has none."""
DRAWN = 40


def asks(case: Case) -> Iterator[Question]:
    yield from _questions(_column(case))


def check(case: Case) -> Iterator[Finding | Measurement]:
    column = _column(case)
    name, at = line(column.name), case.at("column")
    rows, top = _questions(column)
    answers: dict[Any, Any] = case.answers((rows, top))
    classes: Sequence[tuple[str, int]] = answers[top]
    if len(classes) > MOST:
        yield error(f"`{name}` has more than {MOST:,} different values, expected classes", at, "name another column")
        return
    labelled = sum(count for _, count in classes)
    holes = answers[rows] - labelled
    if holes:
        yield note(f"`{name}` is missing in {holes:,} of {answers[rows]:,} rows; they are in no class", at)
    if not labelled:
        yield error(f"no row has a `{name}`", at, "look at what writes the labels")
        return
    fewest = case.options.get("classes", 2)
    if len(classes) < fewest:
        many = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
        yield error(f"`{name}` has {many} in {labelled:,} rows, expected at least {fewest}", case.at("classes"))
    yield Measurement(name=f"classes of {name}", value=len(classes), n=labelled, at=at)
    rarest, count = classes[-1]
    measured = Measurement(
        name=f"share of the rarest class of {name}",
        value=count / labelled,
        unit="share",
        limits=case.limits(read=quantities.share),
        n=labelled,
        at=at,
        histograms=(tuple(count / labelled for _, count in classes),) if len(classes) <= DRAWN else (),
    )
    yield measured
    if measured.broken_limit() and count >= LEAST_NAMED and column.name not in case.dataset.sensitive:
        yield note(f"the rarest class is `{line(rarest)[:60]}`, with {count:,} rows", at)


def _column(case: Case) -> Column:
    named = case.options.get("column", case.dataset.target)
    if named is None:
        raise UsageError(
            f"the dataset `{line(case.dataset.name)}` has no `target:`, and no `column:` is named",
            hint="say which column holds the classes",
            at=case.at(),
        )
    return chosen.column(case, named, "column")


def _questions(column: Column) -> tuple[Rows, TopValues]:
    return Rows(), TopValues(column.name, MOST + 1)
