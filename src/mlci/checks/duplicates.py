"""No two rows of a dataset are the same.

What: No row has the same values as another, in the columns of `by`, or in every column where it is left out. Missing
values count as the same value, as GROUP BY has it. Every row of a group counts, not only those after the first: a
hundred pairs are two hundred rows, as Great Expectations and pandera count (dbt and Soda count the surplus).

Why: Rows that an export or a join wrote twice weigh twice in training, and a row that lies in two parts of a split is
learned by heart.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - duplicates: {by: [customer_id, month], mostly: 99.9%}

Fix: Look at the join or the export that repeats them, or drop them before training.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import chosen, counted, schema
from mlci.case import Case, Inconclusive
from mlci.findings import Finding
from mlci.questions import Question, Repeats
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(by=schema.COLUMNS, **schema.COUNTED)


def asks(case: Case) -> Iterator[Question]:
    yield from counted.needs(_question(case))


def check(case: Case) -> Iterator[Finding | Measurement]:
    question = _question(case)
    by = case.options.get("by", ())
    name = f"{chosen.words(by) or 'the whole row'} repeated"
    reason = yield from counted.judge(case, name, question, about=by)
    yield Measurement(name=f"groups: {name}", value=case.answer(question).groups, at=case.at())
    if reason:
        raise Inconclusive(reason)


def _question(case: Case) -> Repeats:
    columns = tuple(column.name for column in chosen.columns(case, "by"))
    return Repeats(columns, "equal", case.options.get("where", ""))
