"""The numbers of a dataset stay within the range that a reference has.

What: The share of rows whose value lies below the least or above the greatest one of the column in the dataset `from`
is at most `max`, on one level or on two; without `max` there is no such row. `margin` widens the range on both sides
by that part of its width. `columns` names the ones to look at; else all columns of numbers but the keys. Missing
values are outside of nothing. The range is that of the committed profile of `from`; computed where it has none.
Sensitive columns are left out.

Why: A model that is asked about values far from all it has seen extrapolates, and most do so badly; one wrong unit is
enough.

Example:
    datasets:
      train: {path: data/train.parquet}
      current:
        path: data/current.parquet
        checks:
          - outliers: {from: train, max: 0.1%, margin: 0.1}

Fix: Look at the rows that the finding shows. Where they are right, the model has to learn from such rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlci import comparison, counted, quantities, schema
from mlci.case import Case, Inconclusive, Skip, error, note
from mlci.escape import line
from mlci.findings import Finding, Level
from mlci.profile import NUMBERS, ColumnProfile
from mlci.questions import Count, Outside, Question
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
FROM_PROFILE = True  # the committed profile of the other dataset is all it needs of it
OPTIONS = schema.options(
    "from",
    **{"from": schema.DATASET},
    columns=schema.COLUMNS,
    max=schema.SHARE,
    margin={"type": "number", "minimum": 0, "maximum": 1000, "description": "a part of the range, such as 0.1"},
)


def asks(case: Case) -> Iterator[Question]:
    for column in _ranges(case)[0]:
        yield from counted.needs(_outside(case, column))


def check(case: Case) -> Iterator[Finding | Measurement]:
    ranges, findings = _ranges(case)
    yield from findings
    if not ranges and not any(finding.level is Level.ERROR for finding in findings):
        raise Skip(f"no column of `{case.options['from']}` has a range")
    how = {"mostly": _present(case.options["max"])} if "max" in case.options else {}
    undecided = []
    for column in ranges:
        question = _outside(case, column)
        test = question.test
        assert isinstance(test, Outside)
        low, high = (quantities.show(end) for end in (test.low, test.high) if isinstance(end, int | float))
        undecided.append(
            (
                yield from counted.judge(
                    case,
                    f"{line(column.name)} outside [{low}, {high}]",
                    question,
                    how,
                    place=lambda _: case.at("max"),
                    about=[column.name],
                )
            )
        )
    if any(undecided):
        raise Inconclusive("; ".join(filter(None, undecided)))


def _ranges(case: Case) -> tuple[list[ColumnProfile], list[Finding]]:
    """The columns that have a range in the reference, and what stands in the way of others that were named."""
    profile = comparison.reference(case)
    own = case.model.datasets[case.options["from"]]
    named = case.options.get("columns")
    names = named or [column.name for column in profile.columns if column.name not in {*own.key, *case.dataset.key}]
    types = {column.name: column.type for column in case.table.columns}
    ranges, hidden = [], []
    findings: list[Finding] = []
    for index, name in enumerate(names):
        column = profile.column(name)
        is_named = named is not None
        at = case.at("columns", index) if is_named else case.at()
        if name in own.sensitive | case.dataset.sensitive or (column and column.sensitive):
            hidden.append(f"`{line(name)}`")
        elif column and column.type in NUMBERS and name not in types:
            findings.append(error(f"the column `{line(name)}` of `{own.name}` is not there", at))
        elif column and column.type in NUMBERS and types[name] not in NUMBERS:
            findings.append(error(f"the column `{line(name)}` is {types[name]}, expected numbers", at))
        elif column and column.type in NUMBERS and column.low is not None and column.high is not None:
            ranges.append(column)
        elif is_named:
            findings.append(error(f"the profile of `{own.name}` has no range of `{line(name)}`", at))
        elif column and column.type in NUMBERS and column.missing < profile.rows:
            findings.append(note(f"not looked at: `{own.name}` has a `{line(name)}` that is infinite", at))
    if hidden:
        findings.append(note(f"sensitive, and not looked at: {', '.join(hidden[:8])}", case.at()))
    return ranges, findings


def _outside(case: Case, column: ColumnProfile) -> Count:
    low, high = column.low, column.high
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if margin := case.options.get("margin"):
        reach = margin * (high - low)
        low, high = low - reach, high + reach
    return Count(Outside(column.name, low, high))


def _present(most: Any) -> Any:
    """The least share of rows within the range, of the greatest one outside."""
    if isinstance(most, dict):
        return {level: _present(bound) for level, bound in most.items()}
    return round(1 - quantities.share(most), 12)
