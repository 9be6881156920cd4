"""How long is waited before the next try."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.backoff import Backoff, parse_retry_after

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
chances = st.floats(0, 1, exclude_max=True)
tries = st.integers(1, 40)


def test_each_pause_is_twice_the_one_before_up_to_the_longest() -> None:
    assert [Backoff().pause(number) for number in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [Backoff(first=1.0, longest=60.0).pause(number) for number in (1, 2, 6, 7, 8)] == [1, 2, 32, 60, 60]


def test_an_outage_of_days_does_not_overflow() -> None:
    assert Backoff().pause(1_000_000) == 30


@given(tries, chances)
def test_chance_takes_off_up_to_a_half(number: int, chance: float) -> None:
    whole = Backoff().pause(number)
    assert whole / 2 <= Backoff().pause(number, chance=chance) <= whole


@given(tries, chances, st.floats(0, 300))
def test_what_a_server_asks_for_is_given_and_a_little_more(number: int, chance: float, asked: float) -> None:
    pause = Backoff().pause_as_asked(number, asked, chance=chance)
    assert pause is not None
    assert asked <= pause <= asked + 3


@given(tries, chances)
def test_a_server_that_does_not_ask_is_left_alone_as_long_as_any(number: int, chance: float) -> None:
    assert Backoff().pause_as_asked(number, None, chance=chance) == Backoff().pause(number, chance=chance)


@pytest.mark.parametrize(
    ("retry_after", "waited", "is_given_up"),
    [(300, 0, False), (300.1, 0, True), (86_400, 0, True), (120, 180, False), (120, 181, True), (None, 299.9, True)],
)
def test_more_patience_than_there_is_means_to_give_up(
    retry_after: float | None, waited: float, is_given_up: bool
) -> None:
    assert (Backoff().pause_as_asked(1, retry_after, chance=0.0, waited=waited) is None) is is_given_up


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("9" * 400, float("inf")),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Mon, 23 Nov 2026 12:02:00", None),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_a_wait_is_asked_for_in_seconds_or_by_a_date(header: str, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds
