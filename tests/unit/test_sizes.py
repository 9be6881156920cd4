"""How large a batch may be: what was too much is remembered, and tried again in time."""

from datetime import UTC, datetime, timedelta

import pytest

from syncd.delivery.sizes import Sizes

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def recalled(sizes: Sizes, now: datetime) -> Sizes:
    """As a later run finds it."""
    return Sizes.recalled(sizes.learned(), most=100, now=now)


def refused(sizes: Sizes, size: int, *, said: int | None = None) -> None:
    """A batch that was refused as a whole, and whose members were all taken by themselves."""
    members = [f"M-{number}" for number in range(size)]
    assert sizes.suspect(members, said=said, at=NOW) is (size > sizes.fits)
    for member in members:
        sizes.ended(member, is_taken=True)


@pytest.mark.parametrize(("size", "left"), [(100, 50), (3, 1), (2, 1)])
def test_half_of_what_was_not_answered_in_time_is_sent_next(size: int, left: int) -> None:
    sizes = Sizes(most=size, in_time=size)
    sizes.too_slow(size, NOW)
    assert sizes.size == left


def test_one_that_is_not_answered_in_time_says_nothing_of_sizes() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.too_slow(1, NOW)
    assert sizes.size == 100


def test_what_was_not_answered_in_time_is_halved_and_doubled_again_week_by_week() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.too_slow(90, NOW)
    found = []
    for weeks in range(4):
        sizes = recalled(sizes, NOW + weeks * WEEK)
        found.append(sizes.size)
    assert found == [45, 90, 100, 100]


def test_within_the_week_it_stays_halved() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.too_slow(100, NOW)
    assert recalled(sizes, NOW + WEEK - timedelta(seconds=1)).size == 50


def test_one_alone_is_never_too_much() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.too_slow(1, NOW)
    assert (sizes.size, sizes.learned()["in_time"]) == (100, "")


def test_those_of_the_same_size_that_are_under_way_say_nothing_new() -> None:
    sizes = Sizes(most=100, in_time=100)
    for _ in range(3):
        sizes.too_slow(100, NOW)
    assert sizes.size == 50


def test_a_cap_is_kept_for_a_week() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.took(10)
    refused(sizes, 31)
    assert (sizes.over, recalled(sizes, NOW + WEEK - timedelta(seconds=1)).over) == (31, 31)
    assert (recalled(sizes, NOW + WEEK).over, recalled(sizes, NOW + WEEK).size) == (None, 100)


def test_a_cap_is_found_by_trying_between_what_fits_and_what_does_not() -> None:
    sizes = Sizes(most=100, in_time=100)
    tried = []
    while sizes.is_searching or sizes.over is None:
        tried.append(sizes.size)
        if sizes.size <= 30:
            sizes.took(sizes.size)
        else:
            refused(sizes, sizes.size)
    assert (sizes.size, sizes.fits, sizes.over) == (30, 30, 31)
    assert tried[:5] == [100, 67, 45, 30, 40]
    assert len(tried) == 9


def test_the_number_that_a_refusal_tells_is_tried_next() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.suspect([f"M-{number}" for number in range(100)], said=37, at=NOW)
    assert (sizes.size, sizes.is_searching) == (37, True)


def test_a_member_that_is_refused_by_itself_was_the_reason() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.suspect(["M-1", "M-2", "M-3"], said=None, at=NOW)
    sizes.ended("M-2", is_taken=False)
    assert (sizes.size, sizes.over, sizes.is_searching) == (100, None, False)


def test_what_was_taken_before_is_not_too_large() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.took(50)
    assert not sizes.suspect([f"M-{number}" for number in range(50)], said=None, at=NOW)
    assert sizes.suspect([f"M-{number}" for number in range(51)], said=None, at=NOW)


@pytest.mark.parametrize("said", [None, 7])
@pytest.mark.parametrize("before", [8, 20, 100])
@pytest.mark.parametrize("since", [1, 5, 7])
def test_a_cap_that_was_lowered_is_found_anew(since: int, before: int, said: int | None) -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.took(before)
    members = [f"M-{number}" for number in range(min(before, 20))]
    assert not sizes.suspect(members, said=said, at=NOW)
    sizes.took(since)
    for member in members:
        sizes.ended(member, is_taken=True)
    while sizes.is_searching:
        if sizes.size <= 7:
            sizes.took(sizes.size)
        else:
            refused(sizes, sizes.size, said=said)
    assert (sizes.size, recalled(sizes, NOW).size, recalled(sizes, NOW + WEEK).size) == (7, 7, 100)


def test_a_cap_is_not_believed_to_be_lowered_while_a_member_may_have_been_the_reason() -> None:
    sizes = Sizes(most=100, in_time=100)
    sizes.took(50)
    sizes.suspect(["M-1", "M-2", "M-3"], said=None, at=NOW)
    sizes.ended("M-1", is_taken=True)
    assert (sizes.size, sizes.is_searching) == (100, False)
    sizes.ended("M-2", is_taken=False)
    sizes.ended("M-3", is_taken=True)
    assert (sizes.size, sizes.over) == (100, None)


def test_one_that_is_refused_by_itself_says_nothing_of_sizes() -> None:
    sizes = Sizes(most=100, in_time=100)
    refused(sizes, 1)
    assert (sizes.size, sizes.over) == (100, None)


def test_a_larger_batch_that_is_taken_ends_what_was_known_of_a_cap() -> None:
    sizes = Sizes(most=100, in_time=100)
    refused(sizes, 20)
    sizes.suspect([f"M-{number}" for number in range(40)], said=None, at=NOW)
    sizes.took(20)
    assert (sizes.over, sizes.fits) == (None, 20)
    sizes.took(40)
    assert (sizes.size, sizes.is_searching) == (100, False)
