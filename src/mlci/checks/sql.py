"""A query in SQL finds no row.

What: The rows that the query returns are failing rows. It is one SELECT in the SQL of DuckDB; `{data}` stands for this
dataset, `{name}` for another one of the model. `max` allows some rows, `mostly` some of every row of the dataset.

Why: Some rules speak of several columns or of several tables, and a query says them best.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - sql: "select * from {data} where end_at < start_at"
          - sql: {is: "select * from {data} where price > list_price", max: 3}
            id: above-list-price

Fix: Look at the rows that the query shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import counted, schema
from mlci.case import Case, Inconclusive, error
from mlci.findings import Finding
from mlci.questions import Question, Rows, Selected
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(
    "is",
    **{
        "is": {
            "type": "string",
            "minLength": 1,
            "maxLength": 20_000,
            "description": "a SELECT that finds failing rows, such as select * from {data} where end_at < start_at",
        },
        "max": schema.COUNTED["max"],
        "mostly": schema.COUNTED["mostly"],
    },
)


def asks(case: Case) -> Iterator[Question]:
    yield from (Rows(), Selected(case.options["is"]))


def check(case: Case) -> Iterator[Finding | Measurement]:
    question = Selected(case.options["is"])
    if not case.answer(Rows()) and not case.answer(question):
        # a rule that was held against nothing has not passed
        yield error("no row was looked at: the dataset has none", case.at("is"))
        return
    reason = yield from counted.judge(case, "found by the query", question, at=case.at("is"))
    if reason:
        raise Inconclusive(reason)
