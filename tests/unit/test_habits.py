"""What is learned of an instance, and what a later run makes of it."""

from datetime import UTC, datetime

import pytest

from syncd.delivery.habits import Habits, Lag, Letters, signs_in
from syncd.delivery.sizes import Sizes
from syncd.domain.records import Value
from syncd.gomus.fields import FIELDS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def fresh() -> Habits:
    return recalled({})


def recalled(learned: dict[str, str], *, is_unique: bool = False) -> Habits:
    return Habits.recalled(learned, batch_size=100, is_unique=is_unique, now=NOW)


def test_a_later_run_finds_what_was_learned() -> None:
    sizes = Sizes(most=100, fits=30, over=31, in_time=50, capped_at=NOW, slow_at=NOW)
    habits = Habits(
        sizes=sizes,
        blanks={"email": "", "date_of_birth": None},
        deletes_by_number=True,
        letters=Letters.SMALL,
        is_seen_unique=True,
        refuses_whole=True,
        lag=Lag(1.5, 2),
        readable=frozenset(". "),
        unreadable=frozenset("/é"),
    )
    assert recalled(habits.learned()) == habits


def test_of_an_instance_that_has_shown_nothing_nothing_is_known() -> None:
    assert recalled(fresh().learned()) == fresh()
    assert (fresh().lag, fresh().is_unique, fresh().letters, fresh().deletes_by_number) == (None, False, None, False)


def test_that_ids_are_unique_may_be_configured() -> None:
    assert recalled({}, is_unique=True).is_unique


def test_what_is_configured_is_not_learned() -> None:
    assert "unique" not in recalled({}, is_unique=True).learned()


def test_words_of_another_version_are_no_habit() -> None:
    assert recalled({"blank.email": "a dash"}).blanks == {}


# --- the read lag ---


def test_where_reads_do_not_lag_one_look_tells() -> None:
    assert Lag().pauses == [0.0]


@pytest.mark.parametrize(("reads", "looks"), [(0, 1), (1, 4), (3, 8)])
def test_where_they_lag_there_are_looks_for_as_long_and_twice_as_many_as_were_needed(reads: int, looks: int) -> None:
    pauses = Lag(10.0, reads).pauses
    assert (len(pauses), sum(pauses)) == (looks, 10.0)


def test_the_lag_is_twice_the_longest_that_was_seen() -> None:
    habits = fresh()
    for seconds, reads in ((2.0, 1), (0.5, 4), (1.0, 0)):
        habits.saw_lag(seconds, reads)
    assert habits.lag == Lag(4.0, 4)


def test_so_many_reads_bring_nothing_more() -> None:
    habits = fresh()
    habits.saw_lag(2.0, 99)
    assert habits.lag == Lag(4.0, 10)


# --- which ids can be read ---


def test_nobody_knows_of_an_odd_id_before_it_was_tried() -> None:
    assert [fresh().can_read(one) for one in ("M-1", "M.1", "M 1", "Mü1")] == [True, None, None, None]


def test_what_is_seen_of_one_sign_holds_for_all_ids_with_it() -> None:
    habits = fresh()
    habits.saw_read("M.1", is_shown=True)
    habits.saw_read("M/1", is_shown=False)
    assert [habits.can_read(one) for one in ("A.2", "A/2", "A./2", "A 2")] == [True, False, False, None]


def test_a_sign_that_was_read_before_is_not_what_makes_an_id_unreadable() -> None:
    habits = fresh()
    habits.saw_read("M.1", is_shown=True)
    habits.saw_read("M./1", is_shown=False)
    assert (habits.can_read("A.2"), habits.can_read("A/2")) == (True, False)


def test_letters_beyond_ascii_are_one_sign() -> None:
    assert signs_in("ü-ß_한.7 ") == frozenset("é. ")


def test_the_first_create_goes_alone_and_so_does_the_first_with_an_odd_id() -> None:
    habits = fresh()
    before = habits.is_acquainted("M-1")
    habits.saw_lag(0.0)
    habits.saw_id("M-1")
    assert (before, habits.is_acquainted("M-1"), habits.is_acquainted("M.1")) == (False, True, False)


# --- what empties a field ---


@pytest.mark.parametrize(
    ("field", "learned", "blanks"),
    [
        ("email", {}, (None, "")),
        ("notes", {"notes": ""}, ("", None)),
        ("notes", {"notes": None}, (None, "")),
        ("date_of_birth", {}, (None,)),
        ("customer_salutation_id", {}, (None,)),
    ],
)
def test_the_likeliest_blank_comes_first_and_no_text_is_no_date(
    field: str, learned: dict[str, Value], blanks: tuple[Value, ...]
) -> None:
    habits = fresh()
    habits.blanks = learned
    assert habits.blanks_for(FIELDS[field]) == blanks


def test_only_what_is_to_be_emptied_is_spelled_otherwise() -> None:
    habits = fresh()
    habits.blanks = {"tel": "", "fax": ""}
    assert habits.spell({"tel": None, "fax": "1", "email": None}) == {"tel": "", "fax": "1", "email": None}


LETTERS = {None: "M-1 m-1 mM", "m-1": "M-1 mM", "M-1": "m-1 mM", "m-1 M-1": "", "M-m": ""}


@pytest.mark.parametrize(("shown", "may"), LETTERS.items())
def test_an_id_may_be_kept_otherwise_for_its_letters_of_a_kind_that_was_not_shown(shown: str | None, may: str) -> None:
    habits = fresh()
    for one in (shown or "").split():
        habits.saw_id(one)
    assert [id_ for id_ in ("M-1", "m-1", "mM", "007", "-") if habits.may_fold(id_)] == may.split()
    assert recalled(habits.learned()) == habits


def test_the_first_id_with_letters_of_a_kind_goes_alone() -> None:
    habits = fresh()
    habits.saw_lag(0.0)
    habits.saw_id("m-1")
    assert (habits.is_acquainted("m-1"), habits.is_acquainted("M-1")) == (True, False)
