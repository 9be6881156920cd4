"""Where go~mus is known to refuse whom it has already, nobody is looked for first: who is there is met when refused.

Where only the configuration says so, the first ones are looked for all the same.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Literal

import httpx
import pytest
from extent import IS_WHOLE
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, Museum, member, mortal, sqlite_url

from syncd.domain.runs import Status
from syncd.sandbox.switches import Switches

OTHERS = range(13, 21)
SETTLE = 600.0  # seconds


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path), batch_size=5, is_unique=True)
    yield museum
    museum.close()


def there(museum: Museum) -> dict[str, str]:
    """Surnames by foreign_id."""
    assert museum.sandbox.duplicates() == []
    return {str(one.foreign_id): str(one.fields["surname"]) for one in museum.sandbox.customers}


def learn_that_ids_are_unique(museum: Museum) -> None:
    """As from a refusal in an earlier run."""
    museum.is_unique = False
    museum.store.instances.learn("main", {"unique": "yes"})


def let_others_be_there(museum: Museum, numbers: Sequence[int] = OTHERS, **fields: str) -> None:
    """As the desk enters them: each as the member, with some fields of its own."""
    for number in numbers:
        row = member(number)
        same = {"name": row["given"], "surname": row["family"], "email": row["mail"]}
        museum.sandbox.save({"foreign_id": f"M-{number:04d}", **same, **fields})


def kept(museum: Museum) -> int:
    """How many still have a word of the desk."""
    return sum(one.fields["notes"] == "desk" for one in museum.sandbox.customers)


def looked_for(museum: Museum) -> set[str]:
    """The ids of customers that were read."""
    paths = (one.path for one in museum.transport.happened if one.method == "GET" and "/customers/" in one.path)
    return {path.rpartition("/customers/")[2] for path in paths} - {"salutations", "titles"}


def test_a_first_load_reads_the_first_customer_alone(museum: Museum) -> None:
    learn_that_ids_are_unique(museum)
    museum.fill(40)
    assert museum.run().counts["create"] == 40
    assert {one.casefold() for one in looked_for(museum)} == {"m-0001"}
    assert len(there(museum)) == 40


def test_where_only_the_configuration_says_so_as_many_are_looked_for_as_go_into_a_call(museum: Museum) -> None:
    museum.concurrency = 1
    museum.fill(40)
    assert museum.run().counts["create"] == 40
    assert {one.casefold() for one in looked_for(museum)} == {f"m-{number:04d}" for number in range(1, 6)}


@pytest.mark.parametrize("every", [1, 5])
def test_where_the_configuration_is_wrong_nobody_is_made_twice_while_some_are_there(tmp_path: Path, every: int) -> None:
    museum = Museum(
        state_url=sqlite_url(tmp_path), batch_size=5, is_unique=True, switches=Switches(foreign_ids="repeatable")
    )
    let_others_be_there(museum, range(1, 41, every))
    museum.fill(40)
    assert museum.run().counts["adopt"] == 40 // every
    assert len(there(museum)) == 40
    museum.close()


@pytest.mark.parametrize("probe", [True, False])
def test_who_was_refused_before_is_looked_for(museum: Museum, *, probe: bool) -> None:
    learn_that_ids_are_unique(museum)
    museum.rows[:] = [member(1), member(2, family=""), member(3)]
    museum.run()
    museum.rows[:] = [*map(member, range(1, 10))]
    museum.run(probe=probe)
    assert looked_for(museum) == {"M-0002"}
    assert len(there(museum)) == 9


def test_where_nobody_says_so_everybody_is_looked_for(museum: Museum) -> None:
    museum.is_unique = False
    museum.fill(40)
    museum.run()
    assert {f"M-{number:04d}" for number in range(1, 41)} <= looked_for(museum)


def test_that_the_refused_are_not_there_says_nothing_of_the_others(museum: Museum) -> None:
    museum.concurrency = 1
    museum.rows[:] = [member(number, family="") for number in range(1, 6)]
    museum.run()
    museum.fill(20)
    museum.run()
    assert {f"M-{number:04d}" for number in range(1, 11)} <= looked_for(museum)


def test_an_id_with_letters_that_have_two_forms_is_looked_for(museum: Museum) -> None:
    museum.rows[:] = [member(number, id=f"{number:04d}ü") for number in range(1, 31)]
    museum.run()
    assert len(looked_for(museum)) >= 30


@pytest.mark.parametrize("form", ["lower", "upper"])
def test_where_ids_are_kept_in_other_letters_nobody_is_made_twice(
    tmp_path: Path, form: Literal["lower", "upper"]
) -> None:
    museum = Museum(
        state_url=sqlite_url(tmp_path), batch_size=5, is_unique=True, switches=Switches(foreign_id_form=form)
    )
    let_others_be_there(museum)
    museum.fill(30)
    assert museum.run().status is Status.DONE
    assert len({one.casefold() for one in there(museum)}) == len(there(museum)) == 30
    museum.close()


def test_an_id_that_may_be_the_number_of_another_is_looked_for(museum: Museum) -> None:
    museum.prefix = "2026-"
    museum.fill(12)
    museum.run()
    assert len(looked_for(museum)) >= 12


@pytest.mark.parametrize("batch_size", [1, 5])
def test_who_is_there_is_adopted_when_refused(museum: Museum, batch_size: int) -> None:
    museum.batch_size = batch_size
    let_others_be_there(museum)
    museum.fill(30)
    summary = museum.run()
    assert (summary.status, summary.counts["adopt"]) == (Status.DONE, len(OTHERS))
    assert len(there(museum)) == 30
    assert len(looked_for(museum)) < 30
    museum.run()
    assert museum.writes() == []


@pytest.mark.parametrize(("number", "status"), [(20, Status.DONE), (21, Status.HELD)])
def test_values_of_others_are_not_overwritten_without_a_word(museum: Museum, number: int, status: Status) -> None:
    let_others_be_there(museum, range(13, 13 + number), notes="desk")
    museum.fill(40)
    assert museum.run().status is status
    assert kept(museum) == (number if status is Status.HELD else 0)
    museum.approve()
    museum.run()
    assert kept(museum) == 0


def test_whom_a_call_that_was_turned_away_left_unmet_counts_as_overwritten(museum: Museum) -> None:
    museum.limits = replace(DEFAULT_LIMITS, first_contact=len(OTHERS) - 1)
    let_others_be_there(museum, notes="desk")
    museum.fill(30)
    throttled = with_member(19, "POST", Fault.THROTTLED)
    assert [museum.run(throttled).status, museum.run().status] == [Status.HELD, Status.HELD]
    assert kept(museum) == len(OTHERS)


@pytest.mark.parametrize("number", [22, 30])
def test_whom_nobody_could_look_for_after_a_lost_call_counts_as_overwritten(museum: Museum, number: int) -> None:
    """Whether others are still to be created or not."""
    museum.limits, museum.concurrency = replace(DEFAULT_LIMITS, first_contact=len(OTHERS)), 1
    let_others_be_there(museum, [*OTHERS, 22], notes="desk")
    museum.fill(number)
    with suppress(Killed):
        museum.run(with_member(22, "POST", Fault.KILLED_BEFORE))
    museum.reopen()
    museum.run(with_member(22, "GET", Fault.UNAVAILABLE))
    assert kept(museum) == len(OTHERS) + 1
    museum.run()
    assert kept(museum) == len(OTHERS) + 1


def with_member(number: int, method: str, fault: Fault) -> Callable[[httpx.Request, int], Fault | None]:
    """Whenever it is asked for, or sent."""
    name = f"M-{number:04d}".encode()

    def choose(request: httpx.Request, _number: int) -> Fault | None:
        is_concerned = name in request.content or request.url.raw_path.endswith(name)
        return fault if request.method == method and is_concerned else None

    return choose


@pytest.mark.parametrize("fault", [None, Fault.KILLED_BEFORE, Fault.KILLED_AFTER], ids=["commit", "before", "after"])
def test_killed_at_whichever_step_nobody_is_made_twice_and_others_keep_their_values(
    tmp_path: Path, fault: Fault | None
) -> None:
    """At each commit, or at each call before or after it acted."""
    for step in count(step=1 if IS_WHOLE else 3):
        folder = tmp_path / str(step)
        folder.mkdir()
        museum = Museum(state_url=sqlite_url(folder), batch_size=3, concurrency=1)
        museum.limits = replace(DEFAULT_LIMITS, first_contact=0)
        learn_that_ids_are_unique(museum)
        let_others_be_there(museum, range(4, 7), notes="desk")
        museum.fill(9)
        is_killed = is_killed_at(museum, step, fault)
        museum.reopen()
        assert museum.run().status is Status.HELD, step
        assert (len(there(museum)), kept(museum)) == (9, 3), step
        museum.approve()
        assert museum.run().status is Status.DONE, step
        assert kept(museum) == 0, step
        museum.close()
        if not is_killed:
            break
    assert step > 9


def is_killed_at(museum: Museum, step: int, fault: Fault | None) -> bool:
    try:
        with mortal(museum, 1000 if fault else step):
            museum.run(lambda _request, number: fault if number == step else None)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("fault", [Fault.KILLED_AFTER, Fault.READ_TIMEOUT])
def test_who_came_of_a_call_without_an_answer_is_ours_when_it_shows_what_was_sent(museum: Museum, fault: Fault) -> None:
    museum.fill(30)
    lose_a_batch(museum, fault)
    museum.run()
    assert len(there(museum)) == 30
    museum.rows[17]["family"] = "Changed"
    museum.run()
    assert there(museum)["M-0018"] == "Changed"
    museum.run()
    assert museum.writes() == []


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.READ_TIMEOUT, Fault.BAD_GATEWAY])
def test_whom_a_lost_call_did_not_make_keeps_its_values(museum: Museum, fault: Fault) -> None:
    museum.limits = replace(DEFAULT_LIMITS, first_contact=0)
    let_others_be_there(museum, notes="desk")
    museum.fill(30)
    lose_a_batch(museum, fault)
    assert museum.run().status is Status.HELD
    assert kept(museum) == len(OTHERS)


def lose_a_batch(museum: Museum, fault: Fault) -> None:
    """The one with the first of those who may be there."""

    def choose(request: httpx.Request, _number: int) -> Fault | None:
        return fault if request.method == "POST" and b"M-0013" in request.content else None

    try:
        museum.run(choose)
    except Killed:
        museum.reopen()


def test_who_left_the_list_after_a_lost_call_leaves_go_mus_as_others_do(museum: Museum) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=100)
    museum.fill(30)
    lose_a_batch(museum, Fault.KILLED_AFTER)
    lost = [intent.foreign_id for intent in museum.store.journal.open_intents("members")]
    made = set(there(museum)) & set(lost)
    assert made
    museum.remove(*(int(one.removeprefix("M-")) for one in made))
    museum.run()
    museum.run()
    assert not made & set(there(museum))
    assert museum.store.journal.open_intents("members") == []


def test_who_is_to_be_erased_after_a_lost_call_is_erased(museum: Museum) -> None:
    museum.fill(30)
    lose_a_batch(museum, Fault.KILLED_AFTER)
    [lost, *_] = [i.foreign_id for i in museum.store.journal.open_intents("members") if i.foreign_id in there(museum)]
    museum.erase(lost)
    assert lost not in there(museum)
    assert lost not in {intent.foreign_id for intent in museum.store.journal.open_intents("members")}
    museum.run()
    assert lost not in there(museum)
    assert len(there(museum)) == 29


def test_whoever_trusts_an_empty_go_mus_after_a_lost_call_makes_nobody_twice(tmp_path: Path) -> None:
    museum = Museum(
        state_url=sqlite_url(tmp_path), batch_size=5, is_unique=True, switches=Switches(foreign_ids="repeatable")
    )
    museum.fill(30)
    lose_a_batch(museum, Fault.KILLED_AFTER)
    museum.is_unique = False
    museum.clock.sleep(SETTLE)
    museum.run(probe=False)
    assert len(there(museum)) == 30
    museum.close()
