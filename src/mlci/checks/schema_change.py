"""No column that others rely on went away or became something else since the baseline.

What: The columns of the dataset are held against its committed profile at the baseline (where the branch will go; the
one in the checkout where none is named). Breaking, an error: a column is gone; its type is one that does not have every
value of the former (`int` may become `float`, `date` may become `datetime`); its numbers have fewer bits. Not breaking,
a note: a column is new, or has a wider type. The order of columns is no matter. A column without any value has no type.

Why: A model finds its features by name and type. Whoever writes the data does not see what reads them.

Example:
    datasets:
      train:
        path: data/train.parquet
        profile: data/train.profile.json
        checks:
          - schema-change

Fix: Bring the column back under its name and type; or change what reads it, and profile the new data in the same pull
request (`mlci data profile`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlci import changes, schema
from mlci.case import Case, error, note
from mlci.changes import Change
from mlci.escape import line
from mlci.findings import Finding
from mlci.questions import Count, Extreme, Missing, Question

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options()


def asks(case: Case) -> Iterator[Question]:
    yield Count()
    yield from (Count(Missing(change.column)) for change in _changes(case) if change.kind == "changed")


def check(case: Case) -> Iterator[Finding]:
    before = case.bench.baseline(case.dataset.name)
    if before is None:
        yield note(f"the baseline has no dataset `{case.dataset.name}`: there is nothing to compare with", case.at())
        return
    found = _changes(case)
    holes = [Count(Missing(change.column)) for change in found if change.kind == "changed"]
    answers = case.answers([Count(), *holes])
    empty = {hole.test.column for hole in holes if isinstance(hole.test, Missing) and answers[hole] == answers[Count()]}
    if case.table.scanned is not None:  # a sample may have none of its values
        empty = {name for name in empty if case.answer(Extreme(name, "max")) is None}
    for change in found:
        if change.column in empty and change.kind == "changed":
            continue
        if change.breaking:
            yield error(change.message, case.at(), _hint(change, found))
        else:
            yield note(change.message, case.at())


def _changes(case: Case) -> list[Change]:
    before = case.bench.baseline(case.dataset.name)
    if before is None:
        return []
    empty = {column.name for column in before.columns if column.missing == before.rows}
    return changes.changes(before.columns, case.table.columns, empty)


def _hint(change: Change, found: list[Change]) -> str:
    """Of a column that is gone, the new one that may be it."""
    if change.kind != "removed":
        return ""
    new = [other.column for other in found if other.kind == "added"]
    close = difflib.get_close_matches(change.column, new, n=1)
    return f"is it `{line(close[0])}` now?" if close else ""
