"""Opening hours: what may be written, what is refused and where, and when it is open."""

from __future__ import annotations

from datetime import datetime

import pytest

from integrations.behaviour.opening_hours import BusinessHours, hours_of, zone_read

BERLIN = "Europe/Berlin"


def hours(weekly: str, holidays: str = "", zone: str = BERLIN) -> BusinessHours:
    found = hours_of(zone, weekly, holidays)
    assert found is not None
    return found


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone_read(zone))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-20 08:59", False),  # a Friday
        ("2026-11-20 09:00", True),
        ("2026-11-20 12:30", False),
        ("2026-11-20 17:29", True),
        ("2026-11-20 17:30", False),
        ("2026-11-21 11:00", True),
        ("2026-11-22 11:00", False),
    ],
)
def test_the_hours_hold_from_the_first_minute_to_before_the_last(moment, is_open):
    written = hours("Mon-Fri 09:00-12:00, 13:00-17:30\nSat 10:00-14:00  # shop only")

    assert written.is_open(at(moment)) is is_open


def test_a_holiday_replaces_its_weekday():
    written = hours("Mon-Sun 09:00-17:00", "2026-12-25\n2026-12-24 09:00-12:00")

    assert not written.is_open(at("2026-12-25 10:00"))
    assert written.is_open(at("2026-12-24 11:59"))
    assert not written.is_open(at("2026-12-24 12:00"))


def test_the_zones_own_clocks_count_through_summer_time():
    written = hours("Mon-Sun 09:00-17:00")

    in_winter = at("2026-01-15 08:30", "UTC")
    in_summer = at("2026-07-15 07:30", "UTC")

    assert written.is_open(in_winter)
    assert written.is_open(in_summer)
    assert not written.is_open(at("2026-01-15 07:30", "UTC"))


def test_days_may_be_listed_and_may_go_over_the_weekend():
    written = hours("Fri-Mon, Wed 22:00-24:00")

    open_days = [day for day in range(16, 23) if written.is_open(at(f"2026-11-{day} 23:00"))]

    assert open_days == [16, 18, 20, 21, 22]


def test_without_any_line_there_are_no_hours():
    assert hours_of("", " \n", "") is None


@pytest.mark.parametrize(
    ("weekly", "holidays", "message"),
    [
        ("Mon-Fri 09:00-17:00\nSunny 10:00-12:00", "", "Line 2: days are"),
        ("Mon 9-17", "", "Line 1: times are"),
        ("Mon 17:00-09:00", "", "Line 1: the end must be after"),
        ("Mon 09:00-25:00", "", "Line 1: times are"),
        ("Mon 09:70-10:00", "", "Line 1: times are"),
        ("09:00-17:00", "", "Line 1: expected days and hours"),
        ("\n\nclosed", "", "Line 3: expected days and hours"),
        ("Mon 09:00-17:00", "2026-12-24\n2026-13-01", "Line 2: expected a date"),
        ("Mon 09:00-17:00", "Christmas", "Line 1: expected a date"),
        ("Mon 09:00-17:00", "2026-12-24 nine", "Line 1: times are"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(weekly, holidays, message):
    with pytest.raises(ValueError, match=message):
        hours(weekly, holidays)


def test_a_zone_must_be_one_that_exists():
    with pytest.raises(ValueError, match="Europe/Berlin"):
        hours("Mon 09:00-17:00", zone="Mars/Olympus")
