"""The newest row of a dataset is young enough, and newer than before.

What: The greatest value of `column` is no older than `max_age`, on one level or on two. With `advances: true` it is
later than the greatest value that the committed profile at the baseline has, unless the data are the very same. Values
without a time zone are in `timezone` (UTC where none is named), and days count as their beginning; an hour that clocks
showed twice counts as the first one. Rows later than now are left out, so that one wrong date cannot hide old data;
they fail the check themselves, unless they lie within `future`. Missing values (NULL, NaN) have no age.

Why: A pipeline that stands still leaves a file that every other check likes as much as the day before.

Example:
    datasets:
      train:
        path: data/train.parquet
        checks:
          - fresh: {column: updated_at, max_age: {warning: 36h, error: 72h}, advances: true, timezone: Europe/Berlin}

Fix: Look at what should have written newer rows. Rows later than now: look at the clock or the time zone of what
writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from mlci import chosen, counted, moments, quantities, schema
from mlci.case import Case, error, note
from mlci.errors import UsageError
from mlci.escape import line
from mlci.findings import Finding, Level
from mlci.ports import Column
from mlci.questions import Count, Extreme, Outside, Question, Rows
from mlci.results import Limit, Measurement

GROUP = "data"
SCOPE = schema.DATA
OPTIONS = schema.options(
    "column",
    column=schema.COLUMN,
    max_age=schema.DURATION,
    advances={"type": "boolean", "description": "true or false"},
    timezone={
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "description": "the time zone of values without one, such as Europe/Berlin",
    },
    future=schema.ref("duration"),
)


@dataclass(frozen=True, slots=True)
class _Clock:
    """The column, and where now is on its own clock."""

    column: Column
    zone: tzinfo
    now: datetime
    until: Any
    """The last value that is not later than now."""

    @property
    def newest(self) -> Extreme:
        return Extreme(self.column.name, "max", self.until)

    @property
    def later(self) -> Count:
        return Count(Outside(self.column.name, high=self.until))


def asks(case: Case) -> Iterator[Question]:
    clock = _clock(case)
    yield from (Rows(), Extreme(clock.column.name, "max"), clock.newest, clock.later)


def check(case: Case) -> Iterator[Finding | Measurement]:
    name, at = line(case.options["column"]), case.at("column")
    last = Extreme(case.options["column"], "max")
    chosen.column(case, last.column, "column")
    if case.answer(last) is None:  # before its type: a column without a value has none to be wrong
        yield error(f"`{name}` has no value in {case.answer(Rows()):,} rows", at, "name the column that says when")
        return
    clock = _clock(case)
    answers: dict[Any, Any] = case.answers((clock.newest, clock.later))
    newest = answers[clock.newest]
    if "timezone" in case.options and moments.is_aware(clock.column):
        yield note(f"`{name}` has a time zone of its own, and `timezone` is not used", case.at("timezone"))
    if newest != case.answer(last):
        yield _in_the_future(case, clock, answers[clock.later])
    if newest is None:
        return
    if not isinstance(newest, date):  # DuckDB knows years that Python does not
        yield error(f"the newest `{name}` lies before the year 1", at, "look at what writes it")
        return
    yield Measurement(
        name=f"age of the newest {name}",
        value=max(0.0, moments.age_s(newest, clock.now, clock.zone)),
        unit="s",
        limits=_limits(case),
        at=at,
    )
    if case.options.get("advances"):
        yield from _advances(case, clock, newest)
    elif "max_age" not in case.options:
        yield note("the age has no limit; it is measured, and judged by nobody", at, "add `max_age:` or `advances:`")


def _clock(case: Case) -> _Clock:
    column = chosen.column(case, case.options["column"], "column")
    if column.type not in ("date", "datetime"):
        raise UsageError(
            f"`{line(column.name)}` is {column.type} ({line(column.native)}), expected dates",
            hint="write it as dates such as 2026-01-31 12:00:00",
            at=case.at("column"),
        )
    zone = moments.zone(case.options.get("timezone", "UTC"), case.at("timezone"))
    if moments.is_aware(column):
        zone = UTC
    now = case.bench.now()
    until = moments.latest(now + timedelta(seconds=quantities.duration(case.options.get("future", "0s"))), zone)
    return _Clock(column, zone, now, until.date() if column.type == "date" else until)


def _limits(case: Case) -> tuple[Limit, ...]:
    written = case.options.get("max_age", {})
    if isinstance(written, str):
        return (Limit("max", quantities.duration(written), Level.ERROR, case.at("max_age")),)
    return tuple(
        Limit("max", quantities.duration(bound), Level(level), case.at("max_age", level))
        for level, bound in written.items()
    )


def _in_the_future(case: Case, clock: _Clock, rows: Any) -> Finding:
    # a sample may have seen none of them
    many = f"{rows:,} rows" if rows > 1 else "1 row" if rows else "rows"
    have = "has" if rows == 1 else "have"
    sampled = " of the sample" if rows and case.table.scanned is not None else ""
    finding = error(
        f"{many}{sampled} {have} a `{line(clock.column.name)}` later than now",
        case.at("column"),
        "look at the clock of what writes them; say `timezone:` if it is not UTC, `future:` to allow some",
    )
    shown = counted.sample(case, clock.later, [clock.column.name])
    return replace(finding, query=case.table.query(clock.later), rows=shown)


def _identity(case: Case) -> str:
    """The digest of the data; "" for a table of a database, which has none."""
    return case.bench.identity(case.dataset.name, "sha256") if case.dataset.path else ""


def _advances(case: Case, clock: _Clock, newest: date) -> Iterator[Finding]:
    name, at = line(clock.column.name), case.at("advances")
    baseline = case.bench.baseline(case.dataset.name)
    before = baseline.column(clock.column.name) if baseline else None
    if baseline is None or before is None:
        what = f"no dataset `{line(case.dataset.name)}`" if baseline is None else f"no column `{name}`"
        yield note(f"the baseline has {what}: there is nothing to be newer than", at)
        return
    if baseline.content == f"sha256:{_identity(case)}":
        yield note("the data are those of the baseline: nothing had to advance", at)
        return
    if not isinstance(before.high, str):
        reason = "it is sensitive" if before.sensitive else f"it was {before.type}, or had no value"
        raise UsageError(
            f"the profile at the baseline has no newest `{name}`: {reason}",
            hint="leave out `advances:`, or name another column",
            at=at,
        )
    try:
        high = moments.beginning(datetime.fromisoformat(before.high))
    except ValueError:
        raise UsageError(
            f"the newest `{name}` of the profile at the baseline is no date from the years 1 to 9999",
            hint="correct the data, and profile them again",
            at=at,
        ) from None
    if high.tzinfo:
        high = high.astimezone(UTC).replace(tzinfo=None)
    if moments.beginning(newest) <= high:
        hint = "the data at the baseline reach beyond now: correct them, and profile them again"
        yield error(
            f"the newest `{name}` is {newest.isoformat(sep=' ') if isinstance(newest, datetime) else newest}, "
            f"no later than {before.high} at the baseline",
            at,
            hint if moments.age_s(high, clock.now, clock.zone) < 0 else "look at what should have written newer rows",
        )
