"""Which customer of go~mus a record is, until it is known."""

from rows import LATER, NOW, invalid, refused

from syncd.domain.matches import Match, Word
from syncd.state.store import Store


def linked(foreign_id: str, gomus_id: int = 2**40) -> Match:
    return Match(foreign_id=foreign_id, word=Word.LINK, gomus_id=gomus_id, at=NOW)


def doubtful(foreign_id: str) -> Match:
    return Match(foreign_id=foreign_id, word=Word.OPEN, candidates=(7, 2**40), reason="several", at=NOW)


def test_it_is_found_as_it_was_put(store: Store) -> None:
    decided = Match(foreign_id="M-3", word=Word.NEW, by="Ada", why="asked her", at=LATER)
    store.matches.put("members", [linked("M-1"), doubtful("M-2"), decided])
    assert store.matches.find("members", ["M-1", "M-2", "M-3", "M-4"]) == {
        "M-1": linked("M-1"),
        "M-2": doubtful("M-2"),
        "M-3": decided,
    }


def test_a_later_word_takes_the_place_of_the_first(store: Store) -> None:
    store.matches.put("members", [doubtful("M-1")])
    store.matches.put("members", [linked("M-1", 7)])
    assert list(store.matches.each("members")) == [linked("M-1", 7)]


def test_they_are_told_by_word_and_sync(store: Store) -> None:
    store.matches.put("members", [doubtful("M-2"), linked("M-1")])
    store.matches.put("donors", [doubtful("D-1")])
    assert [one.foreign_id for one in store.matches.each("members")] == ["M-1", "M-2"]
    assert [one.foreign_id for one in store.matches.each("members", Word.OPEN)] == ["M-2"]


def test_one_that_is_dropped_is_not_found(store: Store) -> None:
    store.matches.put("members", [linked("M-1"), linked("M-2")])
    store.matches.drop("members", ["M-1"])
    assert list(store.matches.each("members")) == [linked("M-2")]


def test_whoever_was_refused_is_tried_again_once_a_number_is_said(store: Store) -> None:
    for foreign_id in ("M-1", "M-2"):
        store.failures.set_aside("members", refused(foreign_id))
    store.matches.put("members", [linked("M-1")])
    assert list(store.failures.find_refused("members", ["M-1", "M-2"])) == ["M-2"]


def test_whoever_is_forgotten_has_none(store: Store) -> None:
    store.matches.put("members", [linked("M-1")])
    store.forget_customer("members", "M-1")
    assert list(store.matches.each("members")) == []


def test_what_was_said_of_a_record_that_left_is_forgotten_in_time(store: Store) -> None:
    store.failures.replace_invalid("members", "run-1", [invalid("M-1", 1)])
    store.matches.put("members", [doubtful("M-1"), linked("M-2"), Match(foreign_id="M-3", word=Word.NEW, at=LATER)])
    store.matches.forget_who_left("members", LATER)
    assert [one.foreign_id for one in store.matches.each("members")] == ["M-1", "M-3"]
