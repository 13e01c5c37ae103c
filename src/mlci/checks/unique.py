"""Several columns together tell the rows of a dataset apart.

What: No two rows have the same values in all of `columns`. A row with a missing value in one of them repeats none, as
UNIQUE in SQL has it. Every row of a group counts, not only those after the first. For one column, write `unique: true`
among its rules.

Why: Joins, splits and recorded predictions find rows by their key; a key that is not one pairs the wrong rows.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - unique: {columns: [customer_id, month]}

Fix: Look at what wrote the same key twice, or name the column that is missing in the key.
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
OPTIONS = schema.options("columns", columns=schema.COLUMNS, **schema.COUNTED)


def asks(case: Case) -> Iterator[Question]:
    yield from counted.needs(_question(case))


def check(case: Case) -> Iterator[Finding | Measurement]:
    question = _question(case)
    name = f"{chosen.words(question.columns)} repeated"
    reason = yield from counted.judge(case, name, question, about=question.columns)
    yield Measurement(name=f"groups: {name}", value=case.answer(question).groups, at=case.at())
    if reason:
        raise Inconclusive(reason)


def _question(case: Case) -> Repeats:
    columns = tuple(column.name for column in chosen.columns(case))
    return Repeats(columns, "apart", case.options.get("where", ""))
