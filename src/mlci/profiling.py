"""Profiles are made: a table becomes the profile of a dataset, in three rounds of questions."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from mlci import __version__, keys
from mlci.errors import UsageError
from mlci.escape import line
from mlci.ports import Column, Table
from mlci.privacy import LEAST_NAMED
from mlci.profile import CATEGORIES, NUMBERS, ColumnProfile, Keys, Profile
from mlci.questions import (
    Answer,
    Categories,
    Count,
    Distinct,
    Extreme,
    Hashes,
    Histogram,
    Missing,
    Quantiles,
    Question,
    TopValues,
)
from mlci.specs import Dataset

BINS = 200
"""Of a column of numbers; at most as many different values are all kept, of a category as well."""
_FINE = 5 * BINS
_SHARES = tuple(rank / _FINE for rank in range(1, _FINE))
_LONGEST = 200
"""Characters of a category; a longer one is a text that somebody wrote."""
_SINGLE = ("FLOAT", "FLOAT32", "REAL")
_ORDERED = (*NUMBERS, "date", "datetime")


def build(table: Table, dataset: Dataset, content: str, columns: Sequence[str] | None = None) -> Profile:
    """The profile of a table, of these columns or of all; ``content`` as in ``Profile``.

    Names that are no columns of it are left out. Of a sampled table, ``rows`` and counts are those of the sample.
    """
    chosen = [column for column in table.columns if columns is None or column.name in columns]
    open_ = [column for column in chosen if column.name not in dataset.sensitive]
    numbers = [column.name for column in open_ if column.type in NUMBERS]
    categories = [column.name for column in open_ if column.type in CATEGORIES]
    first: list[Question] = [Count(), *(Count(Missing(column.name)) for column in chosen)]
    first += [Extreme(c.name, side) for c in open_ if c.type in _ORDERED for side in ("min", "max")]
    first += [Quantiles(name, _SHARES) for name in numbers]
    first += [TopValues(name, BINS + 1) for name in categories]
    answers = table.answer(first)
    answers |= _few_values(table, [name for name in numbers if len(_finite(answers[Quantiles(name, _SHARES)])) <= BINS])
    edges = {column.name: _edges(column, answers) for column in open_ if column.name in numbers}
    known = {name: _known(answers[TopValues(name, BINS + 1)]) for name in categories}
    last: list[Question] = [Histogram(name, found) for name, (found, _) in edges.items() if found]
    if table.scanned is not None:
        # the most frequent values were counted in every row, and everything else in the sample
        last += [Categories(name, tuple(found)) for name, found in known.items() if found]
    answers |= table.answer(last)
    rows = answers[Count()]
    assert isinstance(rows, int)
    return Profile(
        dataset=dataset.name,
        rows=rows,
        content=content,
        columns=tuple(_column(column, dataset, answers, edges, known) for column in chosen),
        tool=f"mlci {__version__}",
    )


def with_keys(profile: Profile, table: Table, groups: Sequence[Sequence[str]]) -> tuple[Profile, bytes]:
    """The profile with the salts of these groups of columns, and the file of their hashes."""
    known = {column.name for column in table.columns}
    for name in (name for group in groups for name in group):
        if name not in known:
            raise UsageError(
                f"the key `{line(name)}` is no column of the dataset `{line(profile.dataset)}`",
                hint="name the dataset first, then columns of it: mlci data profile DATASET --keys COLUMNS",
            )
    questions = [Hashes(tuple(group), keys.salt(profile.content, group)) for group in groups]
    answers = table.answer(questions)
    parts = [part for question in questions if isinstance(part := answers[question], bytes)]
    raw = keys.join(parts)
    told = tuple(
        Keys(question.columns, question.salt, len(part) // keys.WIDTH)
        for question, part in zip(questions, parts, strict=True)
    )
    return replace(profile, keys=told, keys_sha256=hashlib.sha256(raw).hexdigest()), raw


def _few_values(table: Table, names: Sequence[str]) -> dict[Question, Answer]:
    """How many different values columns of numbers have, where they may be few; and which, where they are."""
    answers = table.answer([Distinct(name, BINS) for name in names]) if names else {}
    few = [TopValues(name, BINS) for name in names if answers[Distinct(name, BINS)] <= BINS]  # type: ignore[operator]  # an int
    return answers | (table.answer(few) if few else {})


def _finite(answer: Answer) -> list[float]:
    """Different finite numbers, ascending."""
    assert isinstance(answer, tuple)
    return sorted({float(value) for value in answer if isinstance(value, int | float) and math.isfinite(value)})


def _edges(column: Column, answers: Mapping[Question, Answer]) -> tuple[tuple[float, ...], bool]:
    """The edges of a column of numbers, and whether they are all its values."""
    every = answers.get(TopValues(column.name, BINS))
    if isinstance(every, tuple):
        values = [float(value) for value, _ in every]  # type: ignore[misc]  # pairs
        if column.native.upper() in _SINGLE:
            # the text of a short float is shorter than the number that it is compared as
            values = [struct.unpack("f", struct.pack("f", value))[0] for value in values]
        if all(map(math.isfinite, values)):
            return tuple(sorted(set(values))), True
    found = answers[Quantiles(column.name, _SHARES)]
    fine = _finite(found)
    if len(fine) > BINS:
        assert isinstance(found, tuple)
        fine = _finite(found[_FINE // BINS - 1 :: _FINE // BINS])
    return _short(fine), False


def _short(edges: list[float]) -> tuple[float, ...]:
    """Edges with no more digits than keep them well apart: what is counted between them is exact all the same."""
    for digits in range(5, 16):
        if len({float(f"{edge:.{digits}g}") for edge in edges}) == len(edges):
            return tuple(float(f"{edge:.{digits + 1}g}") for edge in edges)
    return tuple(edges)


def _known(answer: Answer) -> dict[str, int]:
    """The categories that are kept, and their rows."""
    assert isinstance(answer, tuple)
    pairs: list[tuple[str, int]] = list(answer)  # type: ignore[arg-type]  # what TopValues promises
    # where there is a rest anyway, what is rare is left to it: it may be about somebody
    least = LEAST_NAMED if len(pairs) > BINS else 1
    return {value: rows for value, rows in pairs[:BINS] if len(value) <= _LONGEST and rows >= least}


def _column(
    column: Column,
    dataset: Dataset,
    answers: Mapping[Question, Answer],
    edges: Mapping[str, tuple[tuple[float, ...], bool]],
    known: Mapping[str, Mapping[str, int]],
) -> ColumnProfile:
    missing, rows = answers[Count(Missing(column.name))], answers[Count()]
    assert isinstance(missing, int)
    assert isinstance(rows, int)
    plain = ColumnProfile(column.name, column.type, column.native, missing)
    if column.name in dataset.sensitive:
        return replace(plain, sensitive=True)
    if categories := known.get(column.name):
        names = tuple(categories)
        counts = (*categories.values(), rows - missing - sum(categories.values()))
        # of a sample, as it was counted there
        return replace(plain, categories=names, counts=answers.get(Categories(column.name, names), counts))  # type: ignore[arg-type]
    if column.type in _ORDERED:
        low, high = (_end(answers[Extreme(column.name, side)]) for side in ("min", "max"))
        plain = replace(plain, low=low, high=high)
    found, exact = edges.get(column.name, ((), False))
    if not found:
        return plain
    return replace(plain, edges=found, exact=exact, counts=answers[Histogram(column.name, found)])  # type: ignore[arg-type]


def _end(found: Answer) -> float | str | None:
    if isinstance(found, date):
        return found.isoformat()
    if isinstance(found, int | float):
        return found if math.isfinite(found) else None
    return found if isinstance(found, str) else None
