"""Moments as tables hold them: naive, in a time zone that is told apart."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from mlci.errors import UsageError
from mlci.escape import line
from mlci.places import Location
from mlci.ports import Column

# DuckDB and the other databases; ibis writes timestamp('UTC')
_AWARE = re.compile(r"with( local)? time zone|timestamptz|timestamp_ltz|timestamp\(.*'", re.IGNORECASE)


def is_aware(column: Column) -> bool:
    """Whether a column's values say their time zone; they are compared in UTC then."""
    return column.type == "datetime" and _AWARE.search(column.native) is not None


def zone(name: str, at: Location | None) -> tzinfo:
    """The time zone of this name. Raises UsageError when nobody knows it."""
    if name == "UTC":
        return UTC  # known without a database of time zones
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        import difflib

        close = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = "write a name such as Europe/Berlin; where none is known, install tzdata"
        raise UsageError(
            f"the time zone `{line(name)}` is not known", hint=f"did you mean `{close[0]}`?" if close else hint, at=at
        ) from None


def latest(now: datetime, zone: tzinfo) -> datetime:
    """The last naive moment that may have begun by ``now`` on the clocks of a zone.

    In the hour after clocks were put back, a value may be of the first time that they showed it: until that hour is
    over, every value of it may lie in the past.
    """
    local = now.astimezone(zone)
    moment = local.replace(tzinfo=None, fold=0)
    if not local.fold:
        return moment
    end = moment.replace(second=0, microsecond=0)
    while _offset(end, zone) != _offset(end.replace(fold=1), zone):
        end += timedelta(minutes=1)
    return end - timedelta.resolution


def age_s(moment: datetime | date, now: datetime, zone: tzinfo) -> float:
    """Seconds from a naive moment to ``now``; a day counts as its beginning.

    A moment that clocks showed twice is taken for the first one, so that nothing looks younger than it is.
    """
    began = beginning(moment)
    # nothing is converted: the first and the last year have no room for an offset
    return (now.astimezone(UTC).replace(tzinfo=None) - began + _offset(began, zone)).total_seconds()


def beginning(moment: datetime | date) -> datetime:
    """A moment itself, of a day its beginning."""
    return moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return zone.utcoffset(moment) or timedelta()
