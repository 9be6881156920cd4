"""Two lists that have the same people: each person has one customer, and nobody is erased while a list has them."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from faults import Fault, Killed
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from museum import FileShelf, Museum, Shelf, member, mortal, sqlite_url

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Status
from syncd.mapping.spec import ForeignIdSpec
from syncd.runs.turns import taking_turn


class Lists:
    """Members, and subscribers of a newsletter, each perhaps with a member's number: one instance, one state."""

    def __init__(self, folder: Path, grace: timedelta = timedelta(0)) -> None:
        kin = frozenset({"members", "newsletter"})
        self.members = Museum(state_url=sqlite_url(folder), shelf=FileShelf(folder), kin=kin, grace=grace)
        self.letters = self.members.beside("newsletter", "N-", Shelf())
        self.letters.ids = {"same_as": {"sync": "members", "from": "member"}}
        self.letters.twin = ForeignIdSpec.model_validate({"from": "id", "prefix": "M-"})
        self.lists = {"M": self.members, "N": self.letters}
        for number in (8, 9):  # who are in one list alone, so that none is ever empty
            self.join("M", number)
            self.join("N", number + 10, of="")

    def join(self, name: str, number: int, *, of: str | None = None) -> None:
        self.leave(name, number)
        row = member(number, id=f"{number:04d}")
        if name == "N":
            row |= {"member": f"{number:04d}" if of is None else of, "family": f"Letter{number}"}
        self.lists[name].rows.append(row)

    def leave(self, name: str, number: int) -> None:
        self.lists[name].remove(number)

    def run(self, *names: str) -> list[Status]:
        return [self.lists[name].run().status for name in names]

    def customers(self, number: int) -> dict[str, object]:
        there = {str(one.foreign_id): one["surname"] for one in self.members.sandbox.customers}
        return {one: there[one] for one in (f"M-{number:04d}", f"N-{number:04d}") if one in there}

    def writes(self) -> list[str]:
        return [str(one) for one in self.members.writes()]

    def reopen(self) -> None:
        self.members.reopen()
        self.letters.engine = self.members.engine

    def number_of(self, foreign_id: str) -> int:
        return self.members.sandbox.by_foreign_id(foreign_id)[0].id


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[Lists]:
    lists = Lists(tmp_path)
    lists.join("M", 1)
    lists.join("N", 1)
    lists.run("M", "N")
    yield lists
    lists.members.close()


def test_who_stands_in_both_lists_has_one_customer(lists: Lists) -> None:
    assert lists.customers(1) == {"M-0001": "Muster1"}
    summary = lists.letters.run()
    assert (summary.status, summary.counts["same"], lists.letters.calls()) == (Status.DONE, 1, [])
    assert lists.letters.listed() == {}


def test_a_record_that_is_not_fit_costs_nothing_while_the_other_list_has_the_person(lists: Lists) -> None:
    lists.letters.row(1)["mail"] = "nobody"
    assert (lists.run("N"), lists.letters.listed()) == ([Status.DONE], {})


def test_who_leaves_the_first_list_goes_on_as_the_second_has_them(lists: Lists) -> None:
    number = lists.number_of("M-0001")
    lists.leave("M", 1)
    summary = lists.members.run()
    assert (summary.counts["handed_over"], lists.writes(), lists.customers(1)) == (1, [], {"M-0001": "Muster1"})
    lists.run("N", "N")
    assert (lists.customers(1), lists.number_of("N-0001")) == ({"N-0001": "Letter1"}, number)
    assert lists.run("M", "N") == [Status.DONE, Status.DONE]
    assert (lists.members.calls(), lists.letters.calls()) == ([], [])


def test_nobody_is_handed_over_before_the_grace_is_over(tmp_path: Path) -> None:
    lists = Lists(tmp_path, grace=timedelta(days=7))
    lists.join("M", 1)
    lists.join("N", 1)
    lists.run("M", "N")
    lists.leave("M", 1)
    lists.run("M", "N")
    assert lists.customers(1).keys() == {"M-0001"}
    lists.members.clock.sleep(8 * 86400)
    lists.run("M", "N")
    assert lists.customers(1).keys() == {"N-0001"}
    lists.members.close()


def test_who_comes_back_to_the_first_list_is_handed_back(lists: Lists) -> None:
    number = lists.number_of("M-0001")
    lists.leave("M", 1)
    lists.run("M", "N", "N")
    lists.join("M", 1)
    lists.run("M", "M", "N")
    assert (lists.customers(1), lists.number_of("M-0001")) == ({"M-0001": "Muster1"}, number)


def test_who_joins_the_first_list_later_keeps_the_customer(lists: Lists) -> None:
    lists.join("N", 2)
    lists.run("N")
    number = lists.number_of("N-0002")
    lists.join("M", 2)
    lists.run("M", "M", "N")
    assert (lists.customers(2), lists.number_of("M-0002")) == ({"M-0002": "Muster2"}, number)


def test_who_comes_back_before_the_other_list_was_read_stays(lists: Lists) -> None:
    lists.leave("M", 1)
    lists.run("M")
    lists.join("M", 1)
    lists.run("M", "N", "M")
    assert (lists.customers(1), lists.writes()) == ({"M-0001": "Muster1"}, [])


@pytest.mark.parametrize("order", ["MN", "NM"])
def test_who_leaves_both_lists_is_erased(lists: Lists, order: str) -> None:
    for name in order:
        lists.leave(name, 1)
    for _ in range(3):
        lists.run(*order)
    assert lists.customers(1) == {}


def test_who_leaves_the_second_list_alone_stays(lists: Lists) -> None:
    lists.leave("N", 1)
    lists.run("N", "M", "N")
    assert lists.customers(1) == {"M-0001": "Muster1"}


@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE, DeleteMode.RELEASE])
def test_whatever_becomes_of_leavers_who_is_in_the_other_list_is_handed_over(lists: Lists, mode: DeleteMode) -> None:
    number = lists.number_of("M-0001")
    lists.members.mode = mode
    lists.leave("M", 1)
    lists.run("M", "N", "N")
    assert (lists.customers(1), lists.number_of("N-0001")) == ({"N-0001": "Letter1"}, number)


def test_whom_the_first_list_has_only_as_invalid_gets_no_customer_from_the_second(lists: Lists) -> None:
    lists.join("M", 2)
    lists.members.row(2)["mail"] = "nobody"
    lists.join("N", 2)
    lists.run("M", "N")
    assert lists.customers(2) == {}
    lists.leave("M", 2)
    lists.run("M", "N")
    assert lists.customers(2) == {"N-0002": "Letter2"}


def test_two_customers_of_one_person_are_to_be_merged(lists: Lists) -> None:
    lists.join("M", 2)
    lists.join("N", 2, of="")
    lists.run("M", "N")
    lists.join("N", 2)
    summary = lists.letters.run()
    assert (summary.counts["merged"], lists.writes()) == (1, [])
    lists.members.sandbox.merge(lists.number_of("N-0002"), lists.number_of("M-0002"))
    lists.run("N", "N")
    assert lists.customers(2) == {"M-0002": "Muster2"}
    assert lists.letters.store.mergers.of("newsletter") == {}


def test_two_customers_of_one_person_are_erased_once_both_lists_are_left(lists: Lists) -> None:
    lists.join("M", 2)
    lists.join("N", 2, of="")
    lists.run("M", "N")
    lists.join("N", 2)
    lists.run("N")
    for name in "MN":
        lists.leave(name, 2)
    lists.run("M", "N", "M", "N", "M", "N", "M")
    assert lists.customers(2) == {}


def test_the_same_person_twice_in_the_second_list_gets_one_customer(lists: Lists) -> None:
    lists.join("N", 2)
    lists.join("N", 3, of="0002")
    lists.run("N", "N")
    assert len(lists.customers(2) | lists.customers(3)) == 1


def test_a_number_that_is_not_fit_makes_the_record_invalid(lists: Lists) -> None:
    lists.join("N", 2, of="a b")
    assert (lists.run("N"), lists.letters.listed().keys(), lists.customers(2)) == ([Status.PROBLEMS], {"N-0002"}, {})


def test_an_erasure_on_request_is_of_the_person_in_both_lists(lists: Lists) -> None:
    lists.letters.erase("N-0001")
    lists.run("M", "N", "M")
    assert lists.customers(1) == {}
    lists.leave("M", 1)
    lists.run("M", "N")
    assert lists.customers(1) == {}


def test_who_was_erased_before_the_second_list_had_them_is_not_created(lists: Lists) -> None:
    lists.join("M", 2)
    lists.run("M")
    lists.members.erase("M-0002")
    lists.join("N", 2)
    lists.run("N", "M", "N")
    assert lists.customers(2) == {}


def test_while_a_run_of_the_other_list_is_under_way_this_one_waits(lists: Lists) -> None:
    asked = 0

    def stops() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    lists.leave("M", 1)
    with lists.members.world() as world, taking_turn(lists.letters.sync, world):
        assert lists.members.run(stops=stops).status is Status.STOPPED
    assert lists.members.store.known.find_one("members", "M-0001") is not None
    assert lists.members.run().counts["handed_over"] == 1


def at(call: int, fault: Fault) -> Sequence[Fault | None]:
    return [*[None] * call, fault]


@pytest.mark.in_part(3)
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
@pytest.mark.parametrize("call", range(4))
@pytest.mark.parametrize("then", ["N", "M"])
def test_killed_at_any_call_the_customer_is_handed_over_once(lists: Lists, call: int, fault: Fault, then: str) -> None:
    number = lists.number_of("M-0001")
    lists.leave("M", 1)
    lists.run("M")
    with suppress(Killed):
        lists.letters.run(at(call, fault))
    lists.members.transport.revive()
    lists.reopen()
    lists.run(then)
    lists.members.clock.sleep(1200)
    lists.run("N", "M", "N", "N")
    assert (lists.customers(1), lists.number_of("N-0001")) == ({"N-0001": "Letter1"}, number)


@pytest.mark.in_part(2)
@pytest.mark.parametrize("commits", range(1, 9))
def test_killed_at_any_commit_the_customer_is_handed_over_once(lists: Lists, commits: int) -> None:
    number = lists.number_of("M-0001")
    lists.leave("M", 1)
    for name in ("M", "N"):
        with suppress(Killed), mortal(lists.members, commits):
            lists.run(name)
        lists.reopen()
    lists.members.clock.sleep(1200)
    lists.run("M", "N", "M", "N")
    assert (lists.customers(1), lists.number_of("N-0001")) == ({"N-0001": "Letter1"}, number)


# --- any history ---

PEOPLE = (1, 2)
FAULTS = [Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.READ_TIMEOUT]
steps = st.lists(
    st.tuples(
        st.sampled_from(["join M", "join N", "leave M", "leave N", "run M", "run N", "run M", "run N", "wait"]),
        st.sampled_from(PEOPLE),
        st.none() | st.tuples(st.integers(0, 5), st.sampled_from(FAULTS)),
    ),
    max_size=14,
)


@seed(2026)
@settings(max_examples=15, phases=[Phase.generate, Phase.shrink])
@given(steps=steps, grace=st.sampled_from([timedelta(0), timedelta(days=7)]))
@pytest.mark.usefixtures("silence")
def test_in_any_history_a_person_has_one_customer_and_is_not_erased_while_a_list_has_them(
    steps: list[tuple[str, int, tuple[int, Fault] | None]], grace: timedelta
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="syncd-lists-"))
    lists = Lists(folder, grace)
    try:
        History(lists).live(steps)
    finally:
        lists.members.close()
        shutil.rmtree(folder)


class History:
    def __init__(self, lists: Lists) -> None:
        self.lists = lists
        self.there: set[tuple[str, int]] = set()
        self.read: dict[str, set[int]] = {"M": set(), "N": set()}  # who was in a list when it was last read to the end

    def live(self, steps: list[tuple[str, int, tuple[int, Fault] | None]]) -> None:
        for step, number, fault in steps:
            what, _, name = step.partition(" ")
            if what == "run":
                self.run(name, fault)
            elif what == "wait":
                self.lists.members.clock.sleep(4 * 86400)
            else:
                getattr(self.lists, what)(name, number)
                (self.there.add if what == "join" else self.there.discard)((name, number))
        self.come_to_rest()

    def run(self, name: str, fault: tuple[int, Fault] | None) -> None:
        kept = {number for number in PEOPLE if self.lists.customers(number)}
        try:
            self.lists.lists[name].run(at(*fault) if fault else ())
        except Killed:
            self.lists.members.transport.revive()
            self.lists.reopen()
        else:
            self.read[name] = {number for where, number in self.there if where == name}
        for number in PEOPLE:
            assert len(self.lists.customers(number)) <= 1
            is_had = (name, number) in self.there or any(number in read for read in self.read.values())
            assert not (number in kept and is_had) or self.lists.customers(number), f"{number} was erased"

    def come_to_rest(self) -> None:
        for _ in range(4):
            self.lists.members.clock.sleep(8 * 86400)
            self.lists.run("M", "N")
        for number in PEOPLE:
            first = next((name for name in "MN" if (name, number) in self.there), None)
            expected = {"M": {f"M-{number:04d}": f"Muster{number}"}, "N": {f"N-{number:04d}": f"Letter{number}"}}
            assert self.lists.customers(number) == (expected[first] if first else {})
