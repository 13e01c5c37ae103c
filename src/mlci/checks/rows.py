"""A dataset has as many rows as it should.

What: The number of rows lies between `min` and `max`, each on one level or on two.

Why: An empty export, a truncated file or a join that multiplies rows looks like good data to every check that judges
the rows one by one.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - rows: {min: {warning: 10000, error: 1000}}

Fix: Look at what wrote the file: its filter, its join, its date range.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlci import schema
from mlci.case import Case
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = {**schema.options(min=schema.COUNT, max=schema.COUNT), "minProperties": 1}


def check(case: Case) -> Iterator[Measurement]:
    rows = case.bench.table(case.dataset.name).rows()
    yield Measurement(name="rows", value=rows, limits=case.limits(), at=case.at())
