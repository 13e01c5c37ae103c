"""No column of a dataset has one value only.

What: Each of `columns`, of every column where it is left out, has at least two different values. Missing values
(NULL, NaN) are none: a column that is empty, or has one value and holes, fails. The values themselves are not shown.

Why: A column that never changes tells a model nothing; most often it is the default of a join or of a form that broke.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - constant: {columns: [plan, region]}
          - constant:
            id: any-constant
            severity: warning

Fix: Look at what writes the column, or drop it from the features.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlci import chosen, schema
from mlci.case import Case, Inconclusive, error
from mlci.escape import line
from mlci.findings import Finding
from mlci.questions import Distinct, Extreme, Question, Rows
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(columns=schema.COLUMNS)


def asks(case: Case) -> Iterator[Question]:
    yield Rows()
    for column in chosen.columns(case):
        yield from _ends(column.name)


def check(case: Case) -> Iterator[Finding | Measurement]:
    columns = [column.name for column in chosen.columns(case)]
    answers: dict[Any, Any] = case.answers([Rows(), *(end for name in columns for end in _ends(name))])
    rows = answers[Rows()]
    if not rows:
        yield error("no row was looked at: the dataset has none")
        return
    if rows == 1:
        raise Inconclusive("one row cannot tell whether a column changes")
    found = 0
    for index, name in enumerate(columns):
        low, high = (answers[end] for end in _ends(name))
        # least and greatest come from the scan of all; a type that is read with loss is looked at once more
        if low != high or (low is not None and case.answer(Distinct(name, 1)) > 1):
            continue
        found += 1
        what = "no value" if low is None else "one value only"
        yield error(
            f"`{line(name)}` has {what} in {rows:,} rows",
            case.at("columns", index) if "columns" in case.options else case.at(),
            "look at what writes it, or leave it out of the data",
        )
    yield Measurement(name="constant columns", value=found, at=case.at())


def _ends(name: str) -> tuple[Extreme, Extreme]:
    return Extreme(name, "min"), Extreme(name, "max")
