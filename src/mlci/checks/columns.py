"""A dataset has the columns that its rules name, of the type they name, without holes.

What: Every column under `columns:` is there; its type is the one that is declared (a column of whole numbers may
stand for `float`); a `required` column has no missing value, or no more than `mostly` allows. NaN counts as missing.
A dataset with `columns:` has this check without asking for it.

Why: A renamed column, a number that became text or a field that is suddenly empty changes what the model sees, and no
metric on old data shows it.

Example:
    datasets:
      train:
        path: data/train.parquet
        columns:
          tenure: {type: int, required: true}
          plan:   {type: string, required: {mostly: 99%, severity: warning}}

Fix: Correct what writes the file, or change the rule in the pull request that changes the data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlci import quantities, schema
from mlci.case import Case, error
from mlci.findings import Finding, Level
from mlci.places import Location
from mlci.results import Limit, Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options()

_STANDS_FOR = {"float": ("float", "int"), "datetime": ("datetime", "date")}


def check(case: Case) -> Iterator[Finding | Measurement]:
    dataset = case.dataset
    table = case.bench.table(dataset.name)
    types = {column.name: column for column in table.columns}
    rows = table.rows()
    if not rows:
        yield error(f"the dataset `{dataset.name}` has no rows", case.model.at("datasets", dataset.name, "path"))
        return
    present = [name for name in dataset.columns if name in types]
    missing = table.nulls(present)
    for name, rule in dataset.columns.items():
        if name not in types:
            yield error(f"the column `{name}` is not there", _at(case, name, key=True), _near(name, list(types)))
            continue
        wanted = rule.get("type")
        # a column without a value has no type to be wrong
        if wanted and types[name].type not in _STANDS_FOR.get(wanted, (wanted,)) and missing[name] < rows:
            yield error(
                f"the column `{name}` is {types[name].type} ({types[name].native}), expected {wanted}",
                _at(case, name, "type"),
            )
        if rule.get("required"):
            yield _holes(case, name, missing[name], rows)


def _holes(case: Case, name: str, missing: int, rows: int) -> Measurement:
    required = case.dataset.columns[name]["required"]
    rule = required if isinstance(required, dict) else {}
    at = _at(case, name, "required")
    # rounded: 1 - 0.9 is a little less than 0.1, and one hole in ten rows is what `mostly: 90%` allows
    allowed = round(1 - quantities.share(rule.get("mostly", 1)), 12)
    limit = Limit("max", allowed, Level(rule.get("severity", "error")), at)
    return Measurement(
        name=f"missing share of {name}", value=missing / rows, unit="share", limits=(limit,), n=rows, at=at
    )


def _at(case: Case, *keys: str, key: bool = False) -> Location:
    return case.model.at(*case.dataset.columns_pointer, *keys, key=key)


def _near(name: str, present: list[str]) -> str:
    close = difflib.get_close_matches(name, present, n=1)
    return f"did you mean `{close[0]}`?" if close else f"the file has {', '.join(present[:12])}"
