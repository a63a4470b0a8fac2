from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.calendar import is_zone, window
from sekisho.core.limit import Period

ZONES = sorted(available_timezones())
YEAR_2100 = 4_102_444_800


def at(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("period", "zone", "now", "start", "end"),
    [
        ("minute", "UTC", "2026-11-22T08:17:59", "2026-11-22T08:17:00", "2026-11-22T08:18:00"),
        ("hour", "Asia/Kolkata", "2026-11-22T08:17:59", "2026-11-22T08:00:00", "2026-11-22T09:00:00"),
        ("day", "Asia/Tokyo", "2026-11-22T08:17:59", "2026-11-22T00:00:00", "2026-11-23T00:00:00"),
        ("day", "UTC", "2026-11-22T00:00:00", "2026-11-22T00:00:00", "2026-11-23T00:00:00"),
        ("week", "UTC", "2026-11-22T23:59:59", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
        ("week", "UTC", "2026-01-01T00:00:00", "2025-12-29T00:00:00", "2026-01-05T00:00:00"),
        ("month", "UTC", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("month", "UTC", "2028-02-29T12:00:00", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_a_period_begins_and_ends_by_the_calendar_of_its_zone(
    period: Period, zone: str, now: str, start: str, end: str
) -> None:
    assert window(period, zone, at(now, zone)) == (at(start, zone), at(end, zone))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-10-24", "Europe/Berlin", 24),
        ("2026-04-05", "Australia/Lord_Howe", 24.5),
        ("2018-11-04", "America/Sao_Paulo", 23),  # begins at one: midnight is skipped
        ("2026-11-01", "America/Havana", 25),  # has two midnights
        ("2011-12-29", "Pacific/Apia", 24),  # before a day that never was
    ],
)
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(day: str, zone: str, hours: float) -> None:
    start, end = window("day", zone, at(f"{day}T12:00:00", zone))
    assert end - start == hours * 3600
    assert datetime.fromtimestamp(start, ZoneInfo(zone)).date().isoformat() == day


def test_a_month_over_a_change_of_clocks_is_shorter_or_longer() -> None:
    start, end = window("month", "Europe/Berlin", at("2026-03-15T12:00:00", "Europe/Berlin"))
    assert end - start == timedelta(days=31, hours=-1).total_seconds()


@given(
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(ZONES),
    st.floats(min_value=0, max_value=YEAR_2100),
)
def test_periods_meet_without_gap_or_overlap_and_hold_the_moment_asked_for(
    period: Period, zone: str, now: float
) -> None:
    start, end = window(period, zone, now)
    assert start <= now < end
    assert window(period, zone, start) == (start, end)
    assert window(period, zone, end)[0] == end
    assert window(period, zone, start - 1)[1] == start


@given(
    st.sampled_from(["minute", "hour"]), st.sampled_from(ZONES), st.floats(min_value=0, max_value=YEAR_2100)
)
def test_a_minute_or_an_hour_holds_the_moment_asked_for(period: Period, zone: str, now: float) -> None:
    start, end = window(period, zone, now)
    assert start <= now < end
    assert end - start == {"minute": 60, "hour": 3600}[period]
    assert window(period, zone, start) == (start, end)


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "America", "", "../etc/passwd", "/etc/localtime", "a\0b", "x" * 300, "tzdata.zi"]
)
def test_what_is_no_time_zone_is_told(name: str) -> None:
    assert not is_zone(name)
    with pytest.raises(ValueError, match="is no time zone"):
        window("day", name, 0.0)


def test_a_total_has_no_end() -> None:
    assert window("total", "UTC", 1e9) == (0.0, float("inf"))
