"""A dataset holds nothing that the model was trained on, and no feature tells the target.

What: Against the dataset `from`, each part that is named:
- `rows: true`: no row equals one there, in all columns that both have; missing values are equal.
- `on: [columns]`: no key occurs there; a key with a missing value occurs nowhere.
- `groups: [columns]`: no group (a household, a patient) occurs there; told in rows and in groups.
- `after: column`: every row is later than the latest one there; a row without a value is not held to be earlier.
- `target: true`: no feature of this dataset equals its target in every row where both are present.
Where none is named, `rows` is looked at, and `target` where the dataset has one. `mostly` and `max` allow some rows,
in each part. Every row counts. Where the bytes of `from` are not in this checkout, `on` and `groups` are held against
the hashes of its keys, and `after` against its latest value, in its committed profile; that a key which is not there
has the hash of one that is has a chance of at most n*m/2^64.

Why: A test set that shares rows, customers or months with the training data measures memory, and a feature that is
written after the fact measures nothing at all.

Example:
    datasets:
      train: {path: data/train.parquet}
      test:
        path: data/test.parquet
        target: churned
        checks:
          - leakage: {from: train, on: [customer_id], groups: [household], after: created_at, target: true}

Fix: Split by key, by group or by time before anything else is done to the data; leave the feature out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from mlci import chosen, counted, moments, schema
from mlci.case import Case, Inconclusive, error, note
from mlci.content import FETCH
from mlci.counted import Counting
from mlci.errors import MlciError, UsageError
from mlci.escape import line
from mlci.findings import Finding
from mlci.ports import Column
from mlci.profile import Profile
from mlci.questions import Count, Equal, Extreme, Known, Missing, Outside, Question, RowQuestion, Rows, Shared, Unequal
from mlci.results import Measurement

GROUP = "data"
SCOPE = schema.DATA
_YES = {"type": "boolean", "description": "true or false"}
OPTIONS = schema.options(
    **{
        "from": schema.DATASET,
        "rows": _YES,
        "on": schema.COLUMNS,
        "groups": schema.COLUMNS,
        "after": schema.COLUMN,
        "target": _YES,
        **schema.COUNTED,
    }
)
PARTS = ("rows", "on", "groups", "after", "target")


def asks(case: Case) -> Iterator[Question]:
    parts = _parts(case)
    yield Rows()
    for part in ("on", "groups"):
        if part in parts and _is_here(case):
            yield from counted.needs(_shared(case, case.options[part], part))
    if "rows" in parts:
        columns, others = _common(case)
        if columns and not others:
            yield from counted.needs(_whole(case, columns))
    if "target" in parts:
        yield from _of_target(case)


def check(case: Case) -> Iterator[Finding | Measurement]:
    parts = _parts(case)
    if not case.answer(Rows()):
        yield error("no row was looked at: the dataset has none")
        return
    if parts != ["target"] and _is_here(case) and not case.bench.answers(_from(case), [Rows()])[Rows()]:
        yield error(f"nothing was compared: `{line(_from(case))}` has no rows", case.at("from"))
        return
    undecided = ""
    for part in parts:
        undecided = (yield from _PARTS[part](case)) or undecided
    if undecided:
        raise Inconclusive(undecided)


def _parts(case: Case) -> list[str]:
    named = [part for part in PARTS if part in case.options]
    usual = ["rows", "target"] if case.dataset.target else ["rows"]
    parts = [part for part in named if case.options[part]] if named else usual
    if not parts:
        raise UsageError("every part of the check is switched off", hint="take the check out", at=case.at())
    if parts != ["target"] and "from" not in case.options:
        raise UsageError(
            "`from` is missing: it names the dataset that nothing may be shared with",
            hint="add `from: train`",
            at=case.at(),
        )
    return parts


def _from(case: Case) -> str:
    return str(case.options["from"])


# -- what both datasets hold


def _rows(case: Case) -> Counting:
    other, at = _from(case), case.at("rows")
    columns, others = _common(case)
    for name in others:
        # nobody says the type of a column without a value, and a file of text says another one
        last = Extreme(name, "max")
        if case.answer(last) is None or case.bench.answers(other, [last])[last] is None:
            yield note(f"`{line(name)}` has no value in one of the two, and is left out of whole rows", at)
        else:
            columns.append(name)  # whoever compares them says what is wrong
    if not columns:
        raise UsageError(f"this dataset and `{line(other)}` have no column in common", at=at)
    return (yield from counted.judge(case, f"the whole row also in {line(other)}", _whole(case, columns), at=at))


def _common(case: Case) -> tuple[list[str], list[str]]:
    """The columns that both datasets have: those that compare, and those of two types."""
    there = {column.name: column.type for column in case.bench.table(_from(case)).columns}
    both = [column for column in case.table.columns if column.name in there]
    compare = [c.name for c in both if c.type == there[c.name] or {c.type, there[c.name]} == {"int", "float"}]
    return compare, [column.name for column in both if column.name not in compare]


def _whole(case: Case, columns: Sequence[str]) -> Shared:
    return Shared(tuple(columns), _from(case), tuple(columns), "equal", where=case.options.get("where", ""))


def _on(case: Case) -> Counting:
    return (yield from _keys(case, "on"))


def _groups(case: Case) -> Counting:
    return (yield from _keys(case, "groups"))


def _keys(case: Case, part: str) -> Counting:
    columns = case.options[part]
    for index, column in enumerate(chosen.columns(case, part)):
        if case.answer(Extreme(column.name, "max")) is None:
            yield error(f"`{line(column.name)}` has no value: no key was compared", case.at(part, index))
            return ""
    question: RowQuestion = _shared(case, columns, part) if _is_here(case) else _known(case, part)
    name = f"{chosen.words(columns)} also in {line(_from(case))}"
    reason = yield from counted.judge(case, name, question, at=case.at(part), about=columns)
    if isinstance(question, Known):
        yield _collisions(case, part)
    elif part == "groups":
        yield Measurement(name=f"groups: {name}", value=case.answer(question).groups, at=case.at(part))
    return reason


def _shared(case: Case, names: Sequence[str], part: str) -> Shared:
    other = _from(case)
    there = case.bench.table(other)
    chosen.columns(case, part)
    for index, name in enumerate(names):
        chosen.column(case, name, part, index, table=there)
    return Shared(tuple(names), other, tuple(names), "apart", where=case.options.get("where", ""))


# -- what is known of a dataset that is not here


def _is_here(case: Case) -> bool:
    """Whether the bytes of the other dataset can be read: of one that was not fetched, its profile may know enough."""
    other = case.model.datasets[_from(case)]
    if not other.path:
        return True
    files = case.bench.repo.glob(case.model.path(other.path))
    try:
        return bool(files) and all(case.bench.content(name).kind not in FETCH for name in files)
    except MlciError:
        return False


def _profile(case: Case, part: str) -> Profile:
    other = _from(case)
    try:
        return case.bench.reference(other, ())
    except MlciError as problem:
        raise UsageError(
            f"the data of `{line(other)}` are not here, and it has no committed profile: {problem.message}",
            hint=problem.hint or "fetch them",
            at=case.at(part),
        ) from None


def _known(case: Case, part: str) -> Known:
    names = [column.name for column in chosen.columns(case, part)]
    other = _from(case)
    keys = _profile(case, part).key(names)
    if keys is None or not keys.hashes:
        raise UsageError(
            f"the data of `{line(other)}` are not here, and its profile has no hashes of {chosen.words(names)}",
            hint=f"fetch them, or hash them where they are: mlci data profile {line(other)} --keys {','.join(names)}",
            at=case.at(part),
        )
    if case.options.get("where"):
        raise UsageError("`where` needs the data themselves, and only hashes are here", at=case.at("where"))
    return Known(keys.columns, keys.salt, other)


def _collisions(case: Case, part: str) -> Measurement:
    """The chance that a key which is not there has the hash of one that is."""
    hashes = sum(keys.hashes for keys in _profile(case, part).keys)  # one file holds them all
    bound = case.table.rows() * hashes / 2**64
    return Measurement(name="chance of a false match, at most", value=min(1.0, bound), at=case.at(part))


# -- time order


def _after(case: Case) -> Counting:
    other, at = _from(case), case.at("after")
    column = chosen.column(case, case.options["after"], "after")
    latest = _latest(case, column)
    if latest is None:
        yield error(f"`{line(column.name)}` has no value in `{line(other)}`: nothing is later", at)
        return ""
    where = case.options.get("where", "")
    holes = case.answer(Count(Missing(column.name), where))
    if holes and holes == case.answer(Count(None, where)):
        yield error(f"`{line(column.name)}` has no value: no row is held to be later", at)
        return ""
    if holes:
        yield note(f"`{line(column.name)}` is missing in {holes:,} rows; they are not held to be earlier", at)
    try:
        low = _next(latest)
    except (OverflowError, TypeError):  # infinity, or a year that Python does not know
        raise UsageError(
            f"the latest `{line(column.name)}` in `{line(other)}` lies beyond the year 9999, or before the year 1",
            hint="correct what writes it: nothing can be later",
            at=at,
        ) from None
    question = Count(Outside(column.name, low=low), where)
    name = f"{line(column.name)} not after {line(other)}"
    counting = counted.judge(case, name, question, at=at, about=[column.name])
    if column.name not in case.dataset.sensitive | case.model.datasets[other].sensitive:
        return (yield from counting)
    items, reason = counted.collected(counting)
    for item in items:  # the query has the latest value in it
        yield replace(item, query="")
    return reason


def _latest(case: Case, column: Column) -> Any:
    """The greatest value in the other dataset, as a value of the column here."""
    other, at = _from(case), case.at("after")
    if column.type not in ("date", "datetime", "int", "float"):
        raise UsageError(f"`{line(column.name)}` is {column.type}, and an order needs dates or numbers", at=at)
    numbers = ("int", "float")
    if _is_here(case):
        there = chosen.column(case, column.name, "after", table=case.bench.table(other))
        same = there.type == column.type and moments.is_aware(there) == moments.is_aware(column)
        if not same and not (there.type in numbers and column.type in numbers):
            raise UsageError(
                f"`{line(column.name)}` is {column.native} here and {there.native} in `{line(other)}`",
                hint="write both files with one type for it",
                at=at,
            )
        question = Extreme(column.name, "max")
        return case.bench.answers(other, [question])[question]
    known = _profile(case, "after").column(column.name)
    if (
        known is None
        or known.type != column.type
        or (known.high is None and known.missing < _profile(case, "after").rows)
    ):
        raise UsageError(
            f"the data of `{line(other)}` are not here, and its profile has no latest `{line(column.name)}`"
            f" of the type {column.type}",
            hint="fetch them",
            at=at,
        )
    if column.type in numbers or not isinstance(known.high, str):
        return known.high
    try:
        return date.fromisoformat(known.high) if column.type == "date" else datetime.fromisoformat(known.high)
    except ValueError:
        return known.high  # no date of a year from 1 to 9999; nothing comes after it


def _next(value: Any) -> Any:
    """The least value above this one: what is below it is not later."""
    if isinstance(value, datetime):
        return value + timedelta.resolution
    if isinstance(value, date):
        return value + timedelta(days=1)
    return value + 1 if isinstance(value, int) else math.nextafter(value, math.inf)


# -- the target


def _target(case: Case) -> Counting:
    target = _target_column(case)
    features = _features(case, target)
    answers: dict[Any, Any] = case.answers(list(_of_target(case)))
    rows, ends = answers[Count()], _ends(target)
    found, what = 0, "rows" if case.table.scanned is None else "sampled rows"
    # where the target never changes, to equal it says nothing
    changes = answers[ends[0]] != answers[ends[1]]
    for name in features if changes else ():
        equal = answers[Count(Equal(name, target))]
        holes = answers[Count(Missing(name))] + answers[Count(Missing(target))]
        # at least `rows - holes` rows have both; where fewer are equal, some differ
        if not equal or equal < rows - holes or not _equals(case, name, target, equal, answers):
            continue
        found += 1
        yield error(
            f"`{line(name)}` equals the target `{line(target)}` in all {equal:,} {what} that have both",
            case.at("target"),
            "leave it out of the data, or name it in `key:` if it is no feature",
        )
    yield Measurement(name="features that equal the target", value=found, n=rows, at=case.at("target"))
    return ""


def _equals(case: Case, name: str, target: str, equal: int, known: Mapping[Any, Any]) -> bool:
    """Whether no row that has both differs, and the feature changes."""
    unequal, low, high = Count(Unequal(name, target)), *_ends(name)
    answers: dict[Any, Any] = case.answers((unequal, low, high))
    one_only: int = known[Count(Missing(name))] + known[Count(Missing(target))]
    neither = known[Count()] - equal - answers[unequal]
    differ: int = answers[unequal] - (one_only - 2 * neither)
    return not differ and bool(answers[low] != answers[high])


def _of_target(case: Case) -> Iterator[Question]:
    target = _target_column(case)
    yield from (Count(), Count(Missing(target)), *_ends(target))
    for name in _features(case, target):
        yield from (Count(Equal(name, target)), Count(Missing(name)))


def _target_column(case: Case) -> str:
    if case.dataset.target is None:
        raise UsageError(
            f"the dataset `{line(case.dataset.name)}` has no `target:`",
            hint="say which column it is, or `target: false`",
            at=case.at("target"),
        )
    return chosen.column(case, case.dataset.target, "target").name


def _features(case: Case, target: str) -> list[str]:
    return [c.name for c in case.table.columns if c.name != target and c.name not in case.dataset.key]


def _ends(name: str) -> tuple[Extreme, Extreme]:
    return Extreme(name, "min"), Extreme(name, "max")


_PARTS = {"rows": _rows, "on": _on, "groups": _groups, "after": _after, "target": _target}
