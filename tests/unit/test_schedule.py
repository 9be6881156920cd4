"""When a sync comes due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import add
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.schedule import parse_schedule

BERLIN = ZoneInfo("Europe/Berlin")


def told(text, after, count=1, zone=BERLIN):
    """The next moments after a UTC moment, in UTC."""
    schedule, moment, moments = parse_schedule(text, zone), datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in range(count):
        moment = schedule.next_after(moment)
        moments.append(moment.astimezone(UTC).isoformat(" ", "minutes").removesuffix("+00:00"))
    return moments


def test_a_sunday_is_zero_and_seven_and_sun():
    sunday = ["2026-11-29 02:00"]
    for weekday in ("0", "7", "sun", "SUN"):
        assert told(f"0 3 * * {weekday}", "2026-11-23 12:00") == sunday


def test_names_and_ranges_of_weekdays_count_from_monday_to_friday():
    assert (
        told("0 3 * * mon-fri", "2026-11-27 12:00") == told("0 3 * * 1-5", "2026-11-27 12:00") == ["2026-11-30 02:00"]
    )


def test_the_time_is_that_of_the_zone():
    assert told("30 9 * * *", "2026-07-01 00:00") == ["2026-07-01 07:30"]
    assert told("30 9 * * *", "2026-12-01 00:00") == ["2026-12-01 08:30"]
    assert parse_schedule("30 9 * * *", BERLIN).next_after(datetime(2026, 7, 1, tzinfo=UTC)).tzinfo is BERLIN


def test_the_moment_itself_is_not_after_it():
    assert told("0 12 * * *", "2026-12-01 11:00") == ["2026-12-02 11:00"]
    assert told("every 15m", "2026-12-01 11:00") == ["2026-12-01 11:15"]


def test_a_time_that_the_clocks_leap_over_comes_right_after_the_leap():
    assert told("30 2 * * *", "2026-03-28 12:00", 2) == ["2026-03-29 01:00", "2026-03-30 00:30"]


def test_a_time_that_is_told_twice_comes_once():
    assert told("30 2 * * *", "2026-10-24 12:00", 2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_asked_within_the_second_telling_the_first_is_past():
    # 02:10 for the second time: 02:30 of the first telling was forty minutes ago
    assert told("30 2 * * *", "2026-10-25 01:10") == ["2026-10-26 01:30"]


@pytest.mark.parametrize("text", ["*/15 * * * *", "every 15m"])
@pytest.mark.parametrize("change", ["2026-03-28 22:00", "2026-10-24 22:00"])
def test_quarters_of_an_hour_go_through_a_change_of_clocks_evenly(text, change):
    moments = [datetime.fromisoformat(moment) for moment in told(text, change, 30)]
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(minutes=15)}


def test_an_interval_lies_on_the_same_grid_whenever_one_asks():
    assert told("every 6h", "2026-12-01 11:23") == told("every 6h", "2026-12-01 16:59") == ["2026-12-01 17:00"]
    assert told("every 1d", "2026-12-01 11:23") == ["2026-12-01 23:00"]


any_moment = st.datetimes(
    datetime(2025, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2028, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)
CHANGES = [datetime.fromisoformat(f"{day}T01:00Z") for day in ("2025-10-26", "2026-03-29", "2026-10-25", "2027-03-28")]
as_clocks_change = st.builds(add, st.sampled_from(CHANGES), st.timedeltas(timedelta(hours=-3), timedelta(hours=3)))


@given(
    st.sampled_from(["*/15 * * * *", "30 2 * * *", "0 3 * * 0", "15 2,3 1 * *", "every 15m", "every 7h", "every 7d"]),
    any_moment | as_clocks_change,
    st.floats(0, 1, exclude_max=True),
)
def test_the_next_moment_is_later_and_nothing_lies_between(text, moment, part):
    schedule = parse_schedule(text, BERLIN)
    upcoming = schedule.next_after(moment.astimezone(BERLIN)).astimezone(UTC)
    assert upcoming > moment
    assert schedule.next_after(upcoming - timedelta(microseconds=1)).astimezone(UTC) == upcoming
    between = min(moment + (upcoming - moment) * part, upcoming - timedelta(microseconds=1))
    assert schedule.next_after(between).astimezone(UTC) == upcoming


@pytest.mark.parametrize(
    "text",
    ["", "hourly", "@hourly", "* * * *", "* * * * * *", "60 * * * *", "0 0 30 2 *", "0 3 * * 8", "0 3 * * son",
     "every", "every 15", "every 0m", "every day"],
)  # fmt: skip
def test_what_is_no_schedule_is_told_what_one_looks_like(text):
    with pytest.raises(ValueError) as refusal:
        parse_schedule(text, BERLIN)
    assert str(refusal.value).startswith(f"{text!r} is not a schedule such as '*/15 * * * *' or 'every 15m'")


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        parse_schedule("every 15m", BERLIN).next_after(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
