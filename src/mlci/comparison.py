"""Data held against the profile of a reference: which statistic of which column, and what each of them says.

What is measured is set by the limits that are given; nothing else is. Bins are those of the reference (``mlci.drift``
says why), and every statistic stands beside what chance alone makes of it: all comparisons of one check together are
wrong about data that did not change at most once in a hundred runs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlci import distance, drift, quantities, schema, stats
from mlci.case import Case, Skip, error, note
from mlci.changes import holds
from mlci.counted import CONFIDENCE
from mlci.distance import Counts
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding, Level
from mlci.places import Location
from mlci.ports import Column
from mlci.privacy import LEAST_NAMED
from mlci.profile import CATEGORIES, NUMBERS, ColumnProfile, Profile
from mlci.quantities import show
from mlci.questions import Answer, Categories, Count, Extreme, Histogram, Missing, Question, TopValues
from mlci.results import Limit, Measurement

_SHARE = schema.limit(least=0, below=1)
OPTIONS: dict[str, schema.Schema] = {
    "from": schema.DATASET,
    "columns": schema.COLUMNS,
    "psi": schema.limit(least=0),
    "ks": _SHARE,
    "js": _SHARE,
    "cramers_v": _SHARE,
    "wasserstein": schema.limit(least=0),
    "missing": schema.SHARE,
    "new_categories": schema.COUNT,
}
PSI = {"warning": 0.1, "error": 0.25}
"""Some and much, by the convention of scorecards (Siddiqi 2006)."""
NAMED = 5
"""New categories that are named, at most."""

_OF_NUMBERS = ("psi", "ks", "js", "wasserstein")
_OF_CATEGORIES = ("psi", "js", "cramers_v")
_WORDS = {"psi": "psi", "ks": "ks", "js": "js", "cramers_v": "Cramér's V", "wasserstein": "Wasserstein"}

Limits: TypeAlias = Mapping[str, Sequence[Limit]]
Answers: TypeAlias = Mapping[Question, Answer]
Comparing: TypeAlias = Generator[Finding | Measurement, None, list[str]]
"""Yields what is measured, and returns why comparisons do not decide."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A column that both have."""

    reference: ColumnProfile
    statistics: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.reference.name

    @property
    def missing(self) -> Count:
        return Count(Missing(self.name))

    @property
    def counted(self) -> Histogram | Categories | None:
        """How the current rows fall into the reference's bins; None for a column without a distribution."""
        if self.reference.edges:
            return Histogram(self.name, self.reference.bins()[0])
        return Categories(self.name, self.reference.categories) if self.reference.counts else None

    def questions(self) -> Iterator[Question]:
        yield self.missing
        if self.counted:
            yield self.counted
        if "wasserstein" in self.statistics:
            yield from (Extreme(self.name, side) for side in ("min", "max"))


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a dataset is compared, and what cannot be."""

    profile: Profile
    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]

    def questions(self) -> Iterator[Question]:
        yield Count()
        for pair in self.pairs:
            yield from pair.questions()

    @property
    def comparisons(self) -> int:
        return sum(len(pair.statistics) for pair in self.pairs)


def reference(case: Case) -> Profile:
    """The profile of the dataset that ``from`` names, of the columns that are asked for; of all where none is named."""
    name = case.options["from"]
    if name == case.dataset.name:
        raise UsageError(
            f"`from` names `{line(name)}`, which is the dataset itself: it never differs", at=case.at("from")
        )
    dataset = case.model.datasets[name]
    named: Iterable[str] | None = case.options.get("columns")
    if named is None:
        is_committed = case.bench.repo.entry(case.model.path(dataset.profile)).kind != "missing"
        # the data themselves are not there where only their profile was committed
        named = [column.name for column in (case.table if is_committed else case.bench.table(name)).columns]
    return case.bench.reference(name, list(named))


def limits(case: Case, defaults: Mapping[str, Any]) -> Limits:
    """The limits by statistic; ``defaults`` hold where none is given."""
    written = {key: case.options[key] for key in (*_WORDS, "missing", "new_categories") if key in case.options}
    return {
        key: tuple(_levels(case, key, bounds, quantities.share if key == "missing" else float))
        for key, bounds in (written or defaults).items()
    }


def _levels(case: Case, key: str, bounds: Any, read: Any) -> Iterator[Limit]:
    if not isinstance(bounds, dict):
        yield Limit("max", read(bounds), Level.ERROR, case.at(key))
        return
    for level, bound in bounds.items():
        yield Limit("max", read(bound), Level(level), case.at(key, level))


def plan(case: Case, profile: Profile, names: Sequence[str], asked: Iterable[str]) -> Plan:
    """Pairs of these columns of the reference with the current ones, measured by the statistics that are ``asked``."""
    asked = tuple(asked)
    explicit = "columns" in case.options
    own = case.model.datasets[case.options["from"]]
    hidden = own.sensitive | case.dataset.sensitive
    current = {column.name: column for column in case.table.columns}
    pairs, findings, skipped, shapeless = [], [], [], []
    for name in names:
        column, found = current.get(name), profile.column(name)
        if name in hidden or (found and found.sensitive):
            skipped.append(name)
        elif found is None:
            findings.append(
                error(f"the column `{line(name)}` is not in the profile of `{own.name}`", case.at("columns"))
            )
        elif column is None:
            hint = "" if explicit else "where it is not meant to be, name the others with `columns:`"
            findings.append(error(f"the column `{line(name)}` of `{own.name}` is not there", case.at("columns"), hint))
        elif not _alike(found, column):
            message = f"the column `{line(name)}` is {column.type}, and {found.type} in `{own.name}`"
            findings.append(error(message, case.at("columns"), "write both as one type"))
        else:
            statistics = _statistics(found, asked)
            if explicit and found.counts and not statistics:
                findings.append(
                    error(f"no statistic that has a limit is one of the column `{line(name)}`", case.at("columns"))
                )
            shapeless += [] if found.counts or found.missing == profile.rows else [name]
            pairs.append(Pair(found, statistics))
    if skipped:
        findings.append(note(f"sensitive, and not compared: {_names(skipped)}", case.at()))
    if shapeless and explicit:
        hint = "a date or a text that hardly ever repeats has no distribution; leave it out"
        findings.append(
            error(f"nothing to compare in the profile of `{own.name}`: {_names(shapeless)}", case.at(), hint)
        )
    return Plan(profile, tuple(pair for pair in pairs if pair.statistics), tuple(findings))


def _alike(reference: ColumnProfile, current: Column) -> bool:
    return holds(reference.type, current.type) or holds(current.type, reference.type)


def _statistics(column: ColumnProfile, asked: Iterable[str]) -> tuple[str, ...]:
    kind: tuple[str, ...] = ()
    if column.type in NUMBERS:
        kind = _OF_NUMBERS
    elif column.type in CATEGORIES:
        kind = (*_OF_CATEGORIES, "new_categories")
    return tuple(key for key in asked if key == "missing" or (key in kind and column.counts))


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(f"`{line(name)}`" for name in names[:8]) + more


def compare(case: Case, planned: Plan, limits: Limits) -> Comparing:
    """Measure every pair, and hold each statistic against its limits and against chance.

    Raises Skip when there is nothing to measure.
    """
    yield from planned.findings
    if not planned.pairs:
        if any(finding.level is Level.ERROR for finding in planned.findings):
            return []
        raise Skip(f"no column of `{case.options['from']}` can be compared")
    answers = case.answers(list(planned.questions()))
    rows = answers[Count()]
    assert isinstance(rows, int)
    undecided: list[str] = []
    if not rows:
        yield error("no row was looked at: the dataset has none")
        return undecided
    if not planned.profile.rows:
        yield error(f"nothing was compared: `{line(case.options['from'])}` has no rows", case.at("from"))
        return undecided
    alpha = stats.bonferroni(drift.GATE_ALPHA, planned.comparisons)
    for pair in planned.pairs:
        undecided += yield from _pair(case, planned.profile, pair, answers, rows, limits, alpha)
    return undecided


def _pair(
    case: Case, profile: Profile, pair: Pair, answers: Answers, rows: int, limits: Limits, alpha: float
) -> Comparing:
    undecided: list[str] = []
    column, at, name = pair.reference, case.at(), line(pair.name)
    missing = answers[pair.missing]
    assert isinstance(missing, int)
    if "missing" in pair.statistics:
        sides = (column.missing, profile.rows, missing, rows)
        value = drift.missing_change(*sides)
        noise = drift.missing_noise(*sides, alpha)
        kept, doubt = _decided(
            f"the change of the missing share of {name}", (value, value), noise, limits["missing"], rows
        )
        undecided += doubt
        yield Measurement(
            name=f"change of the missing share of {name}", value=value, unit="share", limits=kept, n=rows, at=at
        )
    if pair.counted is None or not set(pair.statistics) - {"missing"}:
        return undecided
    current = answers[pair.counted]
    assert isinstance(current, tuple)
    before, now = sum(column.counts), rows - missing
    if not before or not now:
        side = f"`{case.options['from']}`" if not before else "the data"
        if before or now:
            yield error(f"`{name}` has no value in {side}, and {max(before, now):,} in the other", at)
        return undecided
    counts: Counts = current  # type: ignore[assignment]  # whole numbers, of a histogram or of categories
    if "new_categories" in pair.statistics:
        undecided += yield from _new(case, pair, counts, limits["new_categories"])
    spans = _spans(pair, answers)
    shares = distance.shown(column, counts)
    for statistic in pair.statistics:
        if statistic not in _WORDS:
            continue
        low, high, noise = distance.measure(statistic, column, counts, alpha, spans)
        label = f"{_WORDS[statistic]} of {name}"
        kept, doubt = _decided(label, (low, high), noise, limits[statistic], now)
        undecided += doubt
        bracket = (low, high) if high > low else (None, None)
        yield Measurement(
            name=label, value=low, limits=kept, low=bracket[0], high=bracket[1], n=now, at=at, histograms=shares
        )
    return undecided


def _decided(
    label: str, value: tuple[float, float], noise: float, limits: Sequence[Limit], rows: int
) -> tuple[tuple[Limit, ...], list[str]]:
    """The limits that these rows can be held against, and what is said of those that they cannot."""
    kept, doubt = [], []
    low, high = value
    for limit in limits:
        verdict = drift.verdict(low, noise, limit.bound)
        if verdict == "passed":
            verdict = drift.verdict(high, noise, limit.bound) if high <= limit.bound else "insufficient"
        if verdict != "insufficient":
            kept.append(limit)
        elif limit.level is Level.ERROR:
            doubt.append(_doubt(label, value, noise, limit, rows))
    return tuple(kept), doubt


def _doubt(label: str, value: tuple[float, float], noise: float, limit: Limit, rows: int) -> str:
    low, high = value
    if noise <= limit.bound:
        return f"{label} is between {show(low)} and {show(high)}, and the limit is {show(limit.bound)}"
    bound = show(limit.bound)
    return f"{label} is {show(low)}, and chance alone can make {show(noise)} of {rows:,} rows; the limit is {bound}"


def _spans(pair: Pair, answers: Answers) -> tuple[drift.Span, drift.Span] | None:
    ends = [
        pair.reference.low,
        pair.reference.high,
        *(answers.get(Extreme(pair.name, side)) for side in ("min", "max")),
    ]
    numbers = [float(end) for end in ends if isinstance(end, int | float)]
    if len(numbers) < 4:
        return None
    return (numbers[0], numbers[1]), (numbers[2], numbers[3])


def _new(case: Case, pair: Pair, current: Counts, limits: Sequence[Limit]) -> Comparing:
    """Rows of categories that the reference does not have; they are named where they are not rare."""
    name, column = line(pair.name), pair.reference
    if column.counts[-1]:
        said = f"`{name}` has more categories than its profile; new ones cannot be told from rare ones"
        if "columns" in case.options:  # this column is asked about
            return [said]
        yield note(said, case.at())
        return []
    table, undecided = case.table, []
    value: float = current[-1]
    low: float | None = None
    high: float | None = None
    if table.scanned is not None:
        # so many are to expect in every row
        of_all = table.rows() / table.scanned
        ends = stats.clopper_pearson(current[-1], sum(current), confidence=CONFIDENCE)
        low, high = (end * sum(current) * of_all for end in ends)
        value *= of_all
        for limit in limits:
            if limit.level is Level.ERROR and low <= limit.bound < high:
                between = f"between {show(round(low))} and {show(round(high))} by a sample"
                undecided.append(f"rows of new categories of {name} are {between}, the limit is {show(limit.bound)}")
        limits = [limit for limit in limits if not low <= limit.bound < high]
    measured = Measurement(
        name=f"rows of new categories of {name}",
        value=value,
        unit="rows",
        limits=tuple(limits),
        low=low,
        high=high,
        n=sum(current) if low is None else None,
        at=case.at(),
    )
    yield measured
    if not current[-1]:
        return undecided
    known = set(column.categories)
    top = case.answer(TopValues(pair.name, len(known) + NAMED))
    found = [(value, rows) for value, rows in top if value not in known and rows >= LEAST_NAMED]
    said = ", ".join(f"`{_cut(value)}` ({rows:,} rows)" for value, rows in found[:NAMED])
    if said:
        yield note(f"new in `{name}`: {said}", _place(measured))
    return undecided


def _place(measurement: Measurement) -> Location | None:
    limit = measurement.broken_limit()
    return limit.at if limit else measurement.at


def _cut(value: str) -> str:
    shown_ = line(value)
    return shown_ if len(shown_) <= 60 else shown_[:59] + "…"
