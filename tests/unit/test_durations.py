"""Spans of time as the configuration writes them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("0s", 0), ("090m", 5400)]
)
def test_a_number_and_a_unit_is_a_duration(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["7 dys", "", "7", "d", "-7d", "1.5h", " 7d", "7d\n", "7D", "1h30m", "٧d"])
def test_anything_else_is_told_what_a_duration_looks_like(text):
    with pytest.raises(ValueError) as refusal:
        parse_duration(text)
    assert str(refusal.value) == f"{text!r} is not a duration such as '7d', '12h', '30m'"


@pytest.mark.parametrize("value", [7, 7.5, True, None, ["7d"]])
def test_a_number_without_unit_is_no_duration(value):
    with pytest.raises(ValueError, match="is not a duration such as"):
        parse_duration(value)


def test_a_duration_beyond_all_reason_is_refused():
    with pytest.raises(ValueError, match="'999999999d' is longer than ten years"):
        parse_duration("999999999d")


@given(st.integers(0, 3650 * 86_400))
def test_what_is_written_reads_back_the_same(seconds):
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


def test_the_largest_unit_that_fits_is_written():
    assert [format_duration(timedelta(seconds=count)) for count in (0, 30, 900, 5400, 43_200, 604_800)] == [
        "0s", "30s", "15m", "90m", "12h", "7d",
    ]  # fmt: skip
