"""A dataset has the columns that its rules name, of the type they name, and its rows keep the rules.

What: Every column under `columns:` is there; its type is the one that is declared (a column of whole numbers may stand
for `float`, dates for `datetime`), and its rows keep the rules: `required` (no missing value), `unique`, `range:
[least, greatest]`, `in: [values]`, `pattern` (a regular expression that is found in the value), `length: [least, most]`
characters. A rule may say how: `{is: [0, 120], mostly: 99%, max: 10, where: "country = 'US'", severity: warning, why:
"old rows"}`. It holds when the failing rows are no more than `1 - mostly` of all and no more than `max`; with neither,
no row may fail. Missing is NULL or NaN, and a missing value breaks no rule but `required`, as in SQL. Of rows that are
not unique, every one counts; missing values are never equal. A dataset with `columns:` has this check without asking.

Why: A renamed column, a number that became text or a field that is suddenly empty changes what the model sees, and no
metric on old data shows it.

Example:
    datasets:
      train:
        path: data/train.parquet
        columns:
          id:     {type: int, required: true, unique: true}
          tenure: {type: int, range: [0, 120]}
          plan:   {type: string, in: [basic, pro], required: {mostly: 99%, severity: warning}}

Fix: Correct what writes the file, or change the rule in the pull request that changes the data.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlci import counted, rules, schema
from mlci.case import Case, Inconclusive, error, note
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding
from mlci.places import Location
from mlci.ports import Column
from mlci.questions import Count, Extreme, Missing, Question, Rows
from mlci.results import Measurement
from mlci.rules import Rule

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options()

_STANDS_FOR = {"float": ("float", "int"), "datetime": ("datetime", "date")}


def asks(case: Case) -> Iterator[Question]:
    types = {column.name: column for column in case.table.columns}
    yield Rows()
    for name, rule in case.dataset.columns.items():
        if name in types and not _fits(rule.get("type"), types[name]):
            yield Count(Missing(name))
    for rule in _rules(case):
        if rule.column in types:
            try:
                yield from counted.needs(rules.question(rule, types[rule.column]))
            except UsageError:
                continue  # the check says it


def check(case: Case) -> Iterator[Finding | Measurement]:
    dataset = case.dataset
    types = {column.name: column for column in case.table.columns}
    for said in case.table.notes:
        yield note(said, case.model.at("datasets", dataset.name, "path"))
    if not case.answer(Rows()):
        yield error(f"the dataset `{line(dataset.name)}` has no rows", case.model.at("datasets", dataset.name, "path"))
        return
    for name, rule in dataset.columns.items():
        if name not in types:
            yield error(f"the column `{line(name)}` is not there", _at(case, name), _near(name, list(types)))
        elif not _fits(rule.get("type"), types[name]) and not _is_empty(case, name):
            found = types[name]
            yield error(
                f"the column `{line(name)}` is {found.type} ({found.native}), expected {rule['type']}",
                _at(case, name, "type"),
            )
    undecided = []
    for rule in _rules(case):
        if rule.column not in types:
            continue
        try:
            question = rules.question(rule, types[rule.column])
        except UsageError as wrong:
            if not _is_empty(case, rule.column):
                yield error(wrong.message, wrong.at, wrong.hint)
            continue
        undecided.append(
            (
                yield from counted.judge(
                    case,
                    rules.words(rule),
                    question,
                    rule.how,
                    place=rule.how_at,
                    at=rule.at,
                    severity=rule.severity,
                    about=[rule.column],
                )
            )
        )
    if any(undecided):
        raise Inconclusive("; ".join(filter(None, undecided)))


def _rules(case: Case) -> Iterator[Rule]:
    return rules.of(case.dataset, lambda *keys: _at(case, *keys))


def _fits(wanted: str | None, column: Column) -> bool:
    return wanted is None or column.type in _STANDS_FOR.get(wanted, (wanted,))


def _is_empty(case: Case, name: str) -> bool:
    """A column without a value has no type to be wrong."""
    missing: int = case.answer(Count(Missing(name)))
    counted_: int = case.answer(Count())
    # a sample may have none of its values
    return missing == counted_ and (case.table.scanned is None or case.answer(Extreme(name, "max")) is None)


def _at(case: Case, column: str, *keys: str) -> Location:
    dataset = case.dataset
    for end in range(len(keys), -1, -1):
        if place := dataset.places.get((column, *keys[:end])):
            return place
    return case.model.at(*dataset.columns_pointer, column, *keys, key=not keys)


def _near(name: str, present: list[str]) -> str:
    close = difflib.get_close_matches(name, present, n=1)
    return f"did you mean `{line(close[0])}`?" if close else f"the file has {', '.join(map(line, present[:12]))}"
