"""Two profiles of one dataset: what became of its columns, and how far each of them moved."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from mlci import distance, drift
from mlci.changes import Change, changes
from mlci.ports import Table
from mlci.profile import NUMBERS, ColumnProfile, Profile
from mlci.questions import Categories, Histogram, Question


@dataclass(frozen=True, slots=True)
class ColumnDiff:
    """A column of both: the shares of missing values, how far it moved, and where its rows lie, first then now."""

    name: str
    missing: tuple[float, float]
    statistics: Mapping[str, float]
    """By their names in the check ``drift``; empty for a column without a distribution."""
    histograms: tuple[tuple[float, ...], ...] = ()
    estimated: bool = False
    """The rows between its edges were not counted: they are worked out from other edges."""

    @property
    def is_changed(self) -> bool:
        return self.missing[0] != self.missing[1] or any(self.statistics.values())


@dataclass(frozen=True, slots=True)
class Diff:
    """What became of a dataset; ``columns`` with what moved most at the top."""

    old: Profile
    new: Profile
    changes: tuple[Change, ...]
    columns: tuple[ColumnDiff, ...]


Recounted = Mapping[str, tuple[int, ...]]
"""By column, the rows of the new data in the bins of the old profile, or in its categories."""


def recount(table: Table, old: Profile, new: Profile) -> Recounted:
    """The rows of a table in the bins of an old profile; ``new`` is the table's own."""
    questions: dict[str, Question] = {}
    for column, now in _pairs(old, new):
        if not column.counts or now.sensitive:
            continue
        by_edges = bool(column.edges)
        questions[column.name] = (
            Histogram(column.name, column.bins()[0]) if by_edges else Categories(column.name, column.categories)
        )
    answers = table.answer(list(questions.values()))
    return {name: answers[question] for name, question in questions.items()}  # type: ignore[misc]  # counts


def diff(old: Profile, new: Profile, counts: Recounted | None = None) -> Diff:
    """Two profiles compared; without ``counts``, new rows in old bins are estimated from the new profile."""
    empty = {column.name for side in (old, new) for column in side.columns if column.missing == side.rows}
    columns = [_moved(old, new, one, other, (counts or {}).get(one.name)) for one, other in _pairs(old, new)]
    columns.sort(key=lambda item: (-item.statistics.get("psi", 0.0), -abs(item.missing[0] - item.missing[1])))
    return Diff(old, new, tuple(changes(old.columns, new.columns, empty)), tuple(columns))


def _pairs(old: Profile, new: Profile) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """The columns of both that can be compared."""
    now = {column.name: column for column in new.columns}
    for column in old.columns:
        other = now.get(column.name)
        if other and (column.type == other.type or {column.type, other.type} <= set(NUMBERS)):
            yield column, other


def _moved(
    old: Profile, new: Profile, one: ColumnProfile, other: ColumnProfile, counted: tuple[int, ...] | None
) -> ColumnDiff:
    missing = (one.missing / (old.rows or 1), other.missing / (new.rows or 1))
    current = counted or _estimated(one, other)
    if not sum(one.counts) or not current or not sum(current):
        return ColumnDiff(one.name, missing, {})
    names = ("psi", "ks", "js") if one.type in NUMBERS else ("psi", "js", "cramers_v")
    values = {name: distance.measure(name, one, current, drift.GATE_ALPHA)[0] for name in names}
    is_estimated = counted is None and one.type in NUMBERS and not other.exact and one.edges != other.edges
    return ColumnDiff(one.name, missing, values, distance.shown(one, current), is_estimated)


def _estimated(one: ColumnProfile, other: ColumnProfile) -> tuple[int, ...]:
    """Rows of the new column in the bins of the old one, as its own bins let them be told."""
    if one.categories:
        known = dict(zip(other.categories, other.counts, strict=False))
        found = [known.get(category, 0) for category in one.categories]
        return (*found, sum(other.counts) - sum(found))
    if not one.edges or not other.edges:
        return ()
    edges, counts = other.bins()
    below = list(accumulate(counts, initial=0))
    low, high = (float(end) if isinstance(end, int | float) else edge for end, edge in _ends(other))
    # points of the new distribution function: of exact edges it is known everywhere
    places = [min(low, edges[0]), *edges, max(high, edges[-1])]
    reached = [_at(edge, places, below) for edge in one.bins()[0]]
    total = below[-1]
    return tuple(after - before for before, after in pairwise([0, *reached, total]))


def _ends(column: ColumnProfile) -> tuple[tuple[float | str | None, float], tuple[float | str | None, float]]:
    return (column.low, column.edges[0]), (column.high, column.edges[-1])


def _at(value: float, places: Sequence[float], below: Sequence[int]) -> int:
    """Rows up to a value, on the straight line between the two places around it."""
    right = bisect_right(places, value)
    if right == 0:
        return 0
    if right == len(places):
        return below[-1]
    left = right - 1
    width = places[right] - places[left]
    part = (value - places[left]) / width if width else 1.0
    return round(below[left] + part * (below[right] - below[left]))
