from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlci.errors import UsageError
from mlci.moments import age_s, beginning, is_aware, latest, zone
from mlci.places import Location
from mlci.ports import Column

BERLIN, KOLKATA, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")
HERE = Location("model.yaml", 3, 4)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("native", "aware"),
    [
        ("TIMESTAMP", False),
        ("TIMESTAMP_NS", False),
        ("timestamp(6)", False),
        ("timestamp without time zone", False),
        ("TIMESTAMP WITH TIME ZONE", True),
        ("TIMESTAMP WITH LOCAL TIME ZONE", True),
        ("timestamptz", True),
        ("timestamp('UTC', 6)", True),
    ],
)
def test_a_column_tells_by_its_type_whether_its_values_say_their_zone(native: str, aware: bool) -> None:
    assert is_aware(Column("t", "datetime", native)) is aware


def test_only_moments_have_a_zone() -> None:
    assert not is_aware(Column("t", "date", "timestamptz"))


def test_a_zone_is_found_by_its_name() -> None:
    assert zone("Europe/Berlin", HERE) == BERLIN
    assert zone("UTC", HERE) is UTC


@pytest.mark.parametrize(
    "name", ["Europe/Berln", "Mars/Olympus", "", "Europe", "../../etc/passwd", "/etc/localtime", "a\0b"]
)
def test_a_zone_that_nobody_knows_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(UsageError, match="is not known") as caught:
        zone(name, HERE)
    assert caught.value.at == HERE
    assert "\0" not in caught.value.message


def test_a_zone_that_is_misspelled_is_put_right() -> None:
    with pytest.raises(UsageError) as caught:
        zone("Europe/Berln", HERE)
    assert caught.value.hint == "did you mean `Europe/Berlin`?"


@pytest.mark.parametrize(
    ("moment", "where", "now", "seconds"),
    [
        ("2024-01-01 12:00", UTC, "2024-01-01 13:00", 3600),
        ("2024-01-01 12:00", BERLIN, "2024-01-01 13:00", 7200),
        ("2024-07-01 12:00", BERLIN, "2024-07-01 13:00", 10_800),
        ("2024-07-01 12:00", KOLKATA, "2024-07-01 13:00", 6.5 * 3600),
        ("2024-07-01 12:00", timezone(timedelta(hours=-5)), "2024-07-01 17:00", 0),
        # over the nights in which clocks are changed: 23 and 25 hours
        ("2024-03-30 12:00", BERLIN, "2024-03-31 10:00", 23 * 3600),
        ("2024-10-26 12:00", BERLIN, "2024-10-27 11:00", 25 * 3600),
        # shown twice, taken for the first time
        ("2024-10-27 02:30", BERLIN, "2024-10-27 01:30", 3600),
        # never shown, taken as the clock before went on
        ("2024-03-31 02:30", BERLIN, "2024-03-31 02:30", 3600),
        ("2024-01-01 13:00", UTC, "2024-01-01 12:00", -3600),
    ],
)
def test_an_age_is_the_time_that_went_by(moment: str, where: timezone, now: str, seconds: float) -> None:
    assert age_s(datetime.fromisoformat(moment), at(now), where) == seconds


def test_a_day_counts_as_its_beginning() -> None:
    assert beginning(date(2024, 2, 29)) == datetime(2024, 2, 29)
    assert age_s(date(2024, 2, 29), at("2024-02-29 12:00"), BERLIN) == 13 * 3600


@pytest.mark.parametrize("moment", [datetime.min, datetime.max, date.min, date.max])
@pytest.mark.parametrize("where", [UTC, BERLIN, KOLKATA, timezone(timedelta(hours=-12))], ids=str)
def test_the_ends_of_time_have_an_age(moment: date, where: timezone) -> None:
    assert abs(age_s(moment, at("2024-01-01"), where)) > 1e10


@pytest.mark.parametrize(
    ("now", "where", "last"),
    [
        ("2024-01-01 12:00", UTC, "2024-01-01 12:00"),
        ("2024-01-01 12:00", BERLIN, "2024-01-01 13:00"),
        ("2024-03-31 00:59:59", BERLIN, "2024-03-31 01:59:59"),
        ("2024-03-31 01:00", BERLIN, "2024-03-31 03:00"),
        # the hour before clocks are put back, the hour after, and when that is over
        ("2024-10-27 00:10", BERLIN, "2024-10-27 02:10"),
        ("2024-10-27 01:10", BERLIN, "2024-10-27 02:59:59.999999"),
        ("2024-10-27 02:00", BERLIN, "2024-10-27 03:00"),
        ("2024-04-06 15:05", LORD_HOWE, "2024-04-07 01:59:59.999999"),
    ],
)
def test_the_last_moment_that_may_have_begun_is_known(now: str, where: timezone, last: str) -> None:
    assert latest(at(now), where) == datetime.fromisoformat(last)


# around every change of clocks in these zones
zones = st.sampled_from([UTC, BERLIN, KOLKATA, LORD_HOWE, ZoneInfo("America/St_Johns"), ZoneInfo("Africa/Casablanca")])
moments = st.datetimes(datetime(2023, 1, 1), datetime(2026, 1, 1))


@given(zones, moments, st.timedeltas(timedelta(hours=-3), timedelta(hours=3)))
def test_what_is_not_later_than_that_has_an_age(where: ZoneInfo, now: datetime, apart: timedelta) -> None:
    moment = (now + apart).replace(tzinfo=UTC).astimezone(where).replace(tzinfo=None, fold=0)
    shown = moment.replace(tzinfo=where).astimezone(UTC).astimezone(where).replace(tzinfo=None)
    assume(shown == moment)  # a time that clocks never showed is in no file of theirs
    aware = now.replace(tzinfo=UTC)
    assert (age_s(moment, aware, where) >= 0) == (moment <= latest(aware, where))
