"""Ids that are spelt anew: the customer gets the new one, and is the same as before."""

from datetime import timedelta
from pathlib import Path

import pytest
from faults import Fault, Killed
from museum import Museum, member, sqlite_url

from syncd.domain.guards import Guard
from syncd.domain.runs import Status
from syncd.sandbox.switches import Switches

PAIR = {"M-7": "M-0007"}
LOST = [
    Fault.READ_TIMEOUT,
    Fault.DISCONNECTED,
    Fault.SERVER_ERROR,
    Fault.SERVER_ERROR_AFTER,
    Fault.BAD_GATEWAY,
    Fault.LATE,
]
PAIR_BACK = {old: new for new, old in PAIR.items()}


@pytest.fixture
def museum(tmp_path: Path) -> Museum:
    museum = Museum(state_url=sqlite_url(tmp_path), grace=timedelta(0))
    museum.fill(30)
    museum.run()
    museum.row(7)["id"] = "7"
    return museum


def numbers(museum: Museum) -> dict[str | None, int]:
    return {customer.foreign_id: customer.id for customer in museum.sandbox.customers}


def test_the_customer_gets_the_new_id_and_costs_no_call_after(museum: Museum) -> None:
    before = numbers(museum)
    assert [held.guard for held in museum.run().held] == [Guard.PAIR]
    linking = museum.link(PAIR)
    assert (linking.summary.status, linking.failures) == (Status.DONE, {})
    assert numbers(museum) == {PAIR_BACK.get(name or "", name): number for name, number in before.items()}
    assert (museum.run().status, museum.calls()) == (Status.DONE, [])


def test_a_change_that_came_with_the_new_id_is_sent_and_no_other(museum: Museum) -> None:
    museum.rows[6]["notes"] = "neu"
    museum.link(PAIR)
    museum.run()
    [write] = museum.writes()
    assert list(write.customers[0]) in (["notes"], ["foreign_id", "notes"])


@pytest.mark.parametrize("form", [{"tel_form": "compact"}, {"name_form": "upper"}])
def test_the_servers_own_form_is_known_under_the_new_id(tmp_path: Path, form: dict[str, str]) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), switches=Switches(**form))  # type: ignore[arg-type]
    museum.fill(8)
    museum.run()
    museum.row(7)["id"] = "7"
    museum.link(PAIR)
    museum.run()
    assert museum.writes() == []


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_form_is_told_from_a_change_by_hand_under_the_new_id(tmp_path: Path, by_hand: bool) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), switches=Switches(name_form="upper"))
    museum.fill(8)
    museum.run()
    if by_hand:
        museum.change_remotely(7, surname="ANDERS")
    museum.row(7)["id"] = "7"
    museum.link(PAIR)
    museum.run()
    assert [drift.fields for drift in museum.verify().drifts] == ([("surname",)] if by_hand else [])


def test_it_is_erased_under_the_new_id(museum: Museum) -> None:
    museum.link(PAIR)
    museum.run()
    museum.rows[:] = [row for row in museum.rows if row["id"] != "7"]
    assert museum.run().status is Status.DONE
    assert "M-7" not in numbers(museum)


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_that_is_lost_is_looked_for(museum: Museum, fault: Fault) -> None:
    before = numbers(museum)
    museum.link(PAIR, lambda request, _number: fault if request.method == "PUT" else None)
    museum.clock.sleep(1200)
    museum.run()
    if "M-7" not in numbers(museum):
        assert museum.link(PAIR).failures == {}
        museum.run()
    assert numbers(museum)["M-7"] == before["M-0007"]
    assert (len(numbers(museum)), museum.run().status) == (30, Status.DONE)


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_killed_in_between_it_is_settled_by_the_next_run(museum: Museum, fault: Fault) -> None:
    before = numbers(museum)
    with pytest.raises(Killed):
        museum.link(PAIR, lambda request, _number: fault if request.method == "PUT" else None)
    museum.clock.sleep(1200)
    museum.run()
    assert museum.store.journal.open_intents("members") == []
    after = numbers(museum)
    assert sorted(after.values()) == sorted(before.values())
    assert after.get("M-7", after.get("M-0007")) == before["M-0007"]
    if fault is Fault.KILLED_AFTER:
        assert (museum.run().status, museum.store.known.find_one("members", "M-0007")) == (Status.DONE, None)


@pytest.mark.parametrize("grace", [0, 30])
def test_while_a_link_may_come_to_pass_neither_id_is_made_or_erased(museum: Museum, grace: int) -> None:
    museum.grace, museum.transport._late_by = timedelta(days=grace), 1000
    before = numbers(museum)
    museum.run()
    museum.link(PAIR, lambda request, _number: Fault.LATE if request.method == "PUT" else None)
    museum.approve()
    for _ in range(2):
        assert museum.run().status is Status.PROBLEMS
        assert museum.writes() == []
    museum.transport.flush()
    museum.clock.sleep(1200)
    museum.run()
    museum.run()
    assert numbers(museum) == {PAIR_BACK.get(name or "", name): number for name, number in before.items()}


def test_whoever_has_the_new_id_already_is_left_alone(museum: Museum) -> None:
    museum.sandbox.add_customer(foreign_id="M-7", surname="Anders")
    linking = museum.link(PAIR)
    assert (linking.summary.status, list(linking.failures)) == (Status.PROBLEMS, ["M-7"])
    assert museum.writes() == []


def test_an_instance_that_keeps_its_ids_is_told_of(museum: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    save = museum.sandbox.save
    monkeypatch.setattr(
        museum.sandbox, "save", lambda sent, customer=None: save({**sent, "foreign_id": "M-0007"}, customer)
    )
    linking = museum.link(PAIR)
    assert (linking.summary.status, linking.failures) == (
        Status.PROBLEMS,
        {"M-7": "go~mus keeps the foreign_id as it was"},
    )
    assert [held.guard for held in museum.run().held] == [Guard.PAIR]


def test_who_was_merged_or_deleted_meanwhile_is_listed(museum: Museum) -> None:
    [customer] = museum.sandbox.by_foreign_id("M-0007")
    museum.sandbox.remove(customer)
    assert list(museum.link(PAIR).failures) == ["M-7"]
    assert museum.writes() == []


def test_what_is_no_pair_any_more_is_left_alone(museum: Museum) -> None:
    museum.rows[6]["id"] = "0007"
    linking = museum.link(PAIR)
    assert (list(linking.failures), museum.writes()) == (["M-7"], [])


def test_two_new_ids_for_one_old_one_are_left_alone(museum: Museum) -> None:
    museum.rows.append({**member(40), "id": "07"})
    linking = museum.link({"M-7": "M-0007", "M-07": "M-0007"})
    assert (sorted(linking.failures), museum.writes()) == (["M-07", "M-7"], [])


def test_a_record_that_is_not_fit_yet_is_told_of(museum: Museum) -> None:
    museum.rows[6]["born"] = "gestern"
    linking = museum.link(PAIR)
    assert (linking.summary.status, list(linking.failures), museum.writes()) == (Status.PROBLEMS, ["M-7"], [])


def test_what_was_not_seen_by_a_person_is_left_alone(museum: Museum) -> None:
    museum.row(8)["id"] = "8"
    assert museum.link(PAIR).failures == {}
    assert "M-0008" in numbers(museum)
