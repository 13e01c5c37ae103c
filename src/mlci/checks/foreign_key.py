"""The values of some columns occur in another dataset.

What: The values of `columns` in each row are those of a row of the dataset `to`, in its columns `references` (the
same names where it is left out). A row with a missing value in one of them is not held against anything, as FOREIGN
KEY in SQL has it (MATCH SIMPLE).

Why: A row whose customer nobody knows is a failed join: features that are joined to it later are empty, and the model
learns from holes.

Example:
    datasets:
      orders:
        path: data/orders.parquet
        checks:
          - foreign-key: {columns: [customer_id], to: customers, references: [id]}
      customers: {path: data/customers.parquet}

Fix: Bring both files from the same moment, or look at the rows that the finding's query shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import chosen, counted, schema
from mlci.case import Case, Inconclusive, error
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding
from mlci.questions import Question, Rows, Shared
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(
    "columns", "to", columns=schema.COLUMNS, to=schema.DATASET, references=schema.COLUMNS, **schema.COUNTED
)


def asks(case: Case) -> Iterator[Question]:
    yield from counted.needs(_question(case))


def check(case: Case) -> Iterator[Finding | Measurement]:
    question = _question(case)
    if not case.answer(Rows()):
        yield error("no row was looked at: the dataset has none")
        return
    name = f"{chosen.words(question.columns)} not in {line(question.dataset)}"
    reason = yield from counted.judge(case, name, question, about=question.columns)
    if reason:
        raise Inconclusive(reason)


def _question(case: Case) -> Shared:
    columns = tuple(column.name for column in chosen.columns(case))
    to = case.options["to"]
    others = tuple(case.options.get("references", columns))
    if len(others) != len(columns):
        raise UsageError(
            f"`columns` names {len(columns)}, and `references` {len(others)}",
            hint="name as many, in the same order",
            at=case.at("references"),
        )
    table = case.bench.table(to)
    for index, name in enumerate(others):
        chosen.column(case, name, *(("references", index) if "references" in case.options else ("to",)), table=table)
    return Shared(columns, to, others, "apart", absent=True, where=case.options.get("where", ""))
