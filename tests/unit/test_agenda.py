"""Who is given room, where not all that is due can be under way at once."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncd.daemon.agenda import LONG, Agenda, share_of_short

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def agenda(*, limit: int, long: int = 0, short: int = 0) -> Agenda:
    """All of them asked for, the long ones first."""
    found = Agenda()
    names = [*(f"long-{number}" for number in range(long)), *(f"short-{number}" for number in range(short))]
    found.arrange(dict.fromkeys(names), limit=limit, now=NOW)
    for seconds, name in enumerate(names):
        found.note_length(name, LONG + SECOND if name.startswith("long") else LONG)
        found.want(name, NOW + seconds * SECOND)
    return found


def start(found: Agenda) -> list[str]:
    names = found.due(NOW + timedelta(hours=1))
    for name in names:
        found.begin(name, NOW)
    return names


@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 20))
def test_as_many_run_as_there_is_room_for_and_long_ones_leave_their_share(limit: int, long: int, short: int) -> None:
    found = agenda(limit=limit, long=long, short=short)
    started = start(found)
    are_long = sum(name.startswith("long") for name in started)
    assert are_long == min(long, limit - share_of_short(limit))
    assert len(started) - are_long == min(short, limit - are_long)


def test_long_ones_under_way_leave_room_to_short_ones_that_come_later() -> None:
    found = agenda(limit=4, long=9)
    assert start(found) == ["long-0", "long-1", "long-2"]
    found.note_length("long-8", SECOND)
    assert start(found) == ["long-8"]


def test_a_first_run_may_be_a_long_one() -> None:
    found = Agenda()
    found.arrange(dict.fromkeys("abcde"), limit=4, now=NOW)
    found.note_length("a", None)
    for name in "abcde":
        found.want(name, NOW)
    assert len(start(found)) == 3


def test_with_fewer_than_four_places_none_is_kept() -> None:
    assert [share_of_short(limit) for limit in range(1, 9)] == [0, 0, 0, 1, 1, 1, 1, 2]


def test_what_ended_unseen_is_begun_again() -> None:
    found = agenda(limit=2, short=2)
    _, other = start(found), found.begin("short-1", NOW)
    found.adopt([other])
    assert found.running == ["short-1"]
    found.want("short-0", NOW)
    assert start(found) == ["short-0"]


def of_museums(*names: str, of_museum: int | None) -> Agenda:
    """All of them asked for, in this order."""
    found = Agenda()
    found.arrange(dict.fromkeys(names), limit=8, of_museum=of_museum, now=NOW)
    for seconds, name in enumerate(names):
        found.note_length(name, SECOND)
        found.want(name, NOW + seconds * SECOND)
    return found


def test_a_museum_has_so_many_runs_at_once_and_others_go_before_the_rest_of_its_syncs() -> None:
    found = of_museums("louvre/a", "louvre/b", "louvre/c", "prado/a", of_museum=2)
    assert start(found) == ["louvre/a", "louvre/b", "prado/a"]


def test_the_rest_of_a_museums_syncs_begin_once_its_runs_end() -> None:
    found = of_museums("louvre/a", "louvre/b", of_museum=1)
    due = found.begin(*found.due(NOW + timedelta(hours=1)), now=NOW)
    assert start(found) == []
    found.end(due, NOW, NOW)
    assert start(found) == ["louvre/b"]


def test_where_nothing_is_said_a_museum_has_as_many_runs_as_there_is_room_for() -> None:
    assert len(start(of_museums(*(f"louvre/{name}" for name in "abcdef"), of_museum=None))) == 6


def test_the_syncs_of_one_file_alone_are_no_museums() -> None:
    assert len(start(of_museums(*"abc", of_museum=1))) == 3
