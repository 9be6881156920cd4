"""Where go~mus is known to refuse whom it has already, nobody is looked for first: who is there is met when refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import httpx
import pytest
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, Museum, member, sqlite_url

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


def let_others_be_there(museum: Museum, **fields: str) -> None:
    """As the desk enters them: each as the member, with some fields of its own."""
    for number in OTHERS:
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
    museum.fill(40)
    assert museum.run().counts["create"] == 40
    assert {one.casefold() for one in looked_for(museum)} == {"m-0001"}
    assert len(there(museum)) == 40


def test_where_nobody_says_so_everybody_is_looked_for(museum: Museum) -> None:
    museum.is_unique = False
    museum.fill(40)
    museum.run()
    assert {f"M-{number:04d}" for number in range(1, 41)} <= looked_for(museum)


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


def test_who_is_there_is_adopted_when_refused(museum: Museum) -> None:
    let_others_be_there(museum)
    museum.fill(30)
    summary = museum.run()
    assert (summary.status, summary.counts["adopt"]) == (Status.DONE, len(OTHERS))
    assert len(there(museum)) == 30
    museum.run()
    assert museum.writes() == []


def test_values_of_others_are_not_overwritten_without_a_word(museum: Museum) -> None:
    museum.limits = replace(DEFAULT_LIMITS, first_contact=len(OTHERS) - 1)
    let_others_be_there(museum, notes="desk")
    museum.fill(30)
    assert museum.run().status is Status.HELD
    assert kept(museum) == len(OTHERS)


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
