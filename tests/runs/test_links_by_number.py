"""Customers that go~mus has already, under a number that the list or a person names: they are linked, not created."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from faults import Fault, Killed
from hypothesis import given, settings
from hypothesis import strategies as st
from museum import DEFAULT_LIMITS, FIELDS_MAPPED, Museum, member, mortal, sqlite_url

from syncd.domain.changes import Update
from syncd.domain.matches import Match, Word
from syncd.domain.records import Origin
from syncd.domain.runs import Status
from syncd.errors import Fatal
from syncd.sandbox.customers import Customer
from syncd.sandbox.switches import Switches, positions
from syncd.state.register import RegisterFile

SETTLE = 1200.0  # seconds, and more than it takes


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path), number_column="nr")
    fill(museum, 3)
    yield museum
    museum.close()


@pytest.fixture
def ledger(museum: Museum, tmp_path: Path) -> Path:
    """Of the museum, which has none otherwise."""
    file = tmp_path / "ledger"
    museum.ledger = str(file)
    return file


def fill(museum: Museum, count: int) -> None:
    museum.fill(count)
    for row in museum.rows:
        row["nr"] = ""


def enter(museum: Museum, number: int, *, names_it: bool = True, **fields: Any) -> Customer:
    """As the shop has it, without a foreign_id; `fields` as they stand there instead of the list's."""
    row = next(row for row in museum.rows if row["id"] == f"{number:04d}")
    same: dict[str, Any] = {name: row[column] for name, column in FIELDS_MAPPED.items()}
    entered = museum.sandbox.add_customer(**{**same, **fields})
    if names_it:
        row["nr"] = str(entered.id)
    return entered


def numbers(museum: Museum) -> dict[str | None, int]:
    return {customer.foreign_id: customer.id for customer in museum.sandbox.customers}


def shown(museum: Museum, number: int, field: str) -> object:
    (customer,) = museum.sandbox.by_foreign_id(f"M-{number:04d}")
    return customer[field]


def origins(museum: Museum) -> dict[str, Origin]:
    return {known.foreign_id: known.origin for known in museum.store.known.each("members")}


def say(museum: Museum, number: int, word: Word, gomus_id: int | None = None, *, by: str | None = None) -> None:
    foreign_id = f"M-{number:04d}"
    museum.store.matches.put(
        "members", [Match(foreign_id=foreign_id, word=word, gomus_id=gomus_id, by=by, at=museum.clock())]
    )


# --- what is done ---


def test_who_has_a_number_is_linked_and_the_others_are_created(museum: Museum) -> None:
    entered = enter(museum, 2)
    summary = museum.run()
    assert (summary.status, summary.outcomes) == (Status.DONE, {("link", "ok"): 1, ("create", "ok"): 2})
    assert numbers(museum)["M-0002"] == entered.id
    assert len(museum.sandbox.customers) == 3
    assert origins(museum)["M-0002"] is Origin.LINKED
    assert (museum.run().status, museum.calls()) == (Status.DONE, [])


def test_what_is_empty_is_filled_by_the_call_that_links(museum: Museum) -> None:
    enter(museum, 2, tel=None, notes="")
    museum.run()
    (write,) = [call for call in museum.writes() if call.method == "PUT"]
    assert write.customers == [{"foreign_id": "M-0002", "tel": member(2)["phone"], "notes": "Mitglied 2"}]


def test_another_value_is_overwritten_only_as_far_as_the_guard_lets(museum: Museum) -> None:
    museum.limits = replace(DEFAULT_LIMITS, first_contact=0)
    enter(museum, 2, notes="vom Kartentisch", tel=None)
    summary = museum.run()
    assert (summary.status, [held.guard.value for held in summary.held]) == (Status.HELD, ["first_contact"])
    assert (shown(museum, 2, "notes"), shown(museum, 2, "tel")) == ("vom Kartentisch", member(2)["phone"])
    museum.approve()
    museum.run()
    assert shown(museum, 2, "notes") == "Mitglied 2"


@pytest.mark.parametrize(("write", "is_filled"), [("always", True), ("create", False), ("if-empty", True)])
def test_what_is_empty_is_filled_where_the_list_may(museum: Museum, write: str, is_filled: bool) -> None:
    museum.who_wins = {"tel": write}
    enter(museum, 2, tel=None)
    museum.run()
    assert shown(museum, 2, "tel") == (member(2)["phone"] if is_filled else None)
    assert (museum.run().status, museum.calls()) == (Status.DONE, [])


def test_nothing_is_emptied(museum: Museum) -> None:
    enter(museum, 2)
    museum.row(2)["phone"] = ""
    museum.run()
    assert shown(museum, 2, "tel") == member(2)["phone"]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Muster2", "surname": "Ada2"},
        {"name": " ADA2 ", "surname": "muster2"},
        {"email": None},
        {"email": "ADA2@example.org"},
    ],
)
def test_the_same_person_may_be_written_otherwise(museum: Museum, fields: dict[str, Any]) -> None:
    entered = enter(museum, 2, **fields)
    museum.run()
    assert numbers(museum)["M-0002"] == entered.id


def test_umlauts_may_be_spelt_out(museum: Museum) -> None:
    museum.row(2)["family"] = "Müller"
    entered = enter(museum, 2, surname="Mueller")
    museum.run()
    assert numbers(museum)["M-0002"] == entered.id


# --- whom it is not done to ---


def merge(museum: Museum, entered: Customer) -> None:
    museum.sandbox.merge(entered.id, enter(museum, 3, names_it=False).id)


BARS: dict[str, Callable[[Museum, Customer], object]] = {
    "no customer with the number": lambda museum, _: museum.row(2).update(nr="77"),
    "answers another customer": lambda museum, entered: museum.sandbox.remove(entered),
    "another foreign_id already": lambda museum, entered: museum.sandbox.rename(entered.id, "X-9"),
    "somebody else, by name, surname": lambda museum, entered: museum.sandbox.save({"surname": "Anders"}, entered),
    "somebody else, by email": lambda museum, entered: museum.sandbox.save({"email": "b@example.org"}, entered),
    "was deleted, or merged": merge,
}


@pytest.mark.parametrize("reason", BARS)
def test_whoever_is_not_the_person_is_left_alone_and_nobody_created(museum: Museum, reason: str) -> None:
    museum.sandbox.switches = Switches(merged="by-number")
    BARS[reason](museum, enter(museum, 2))
    before = {one.id: one.fields for one in museum.sandbox.customers}
    assert museum.run().status is Status.PROBLEMS
    assert reason in museum.listed()["M-0002"]
    after = {one.id: one.fields for one in museum.sandbox.customers if one.foreign_id not in ("M-0001", "M-0003")}
    assert after == {number: before[number] for number in after}
    assert "M-0002" not in numbers(museum)


def test_a_number_that_is_a_strangers_foreign_id_reaches_nobody(museum: Museum) -> None:
    museum.row(2)["nr"] = str(museum.sandbox.strangers[50].foreign_id)
    museum.run()
    assert "answers another customer" in museum.listed()["M-0002"]
    assert museum.sandbox.touched_strangers() == []


def test_a_number_that_was_mended_is_tried_at_once(museum: Museum) -> None:
    entered = enter(museum, 2)
    museum.row(2)["nr"] = "77"
    museum.run()
    museum.row(2)["nr"] = str(entered.id)
    assert museum.run().status is Status.DONE
    assert numbers(museum)["M-0002"] == entered.id


def test_a_refusal_that_stands_costs_no_call(museum: Museum) -> None:
    museum.row(2)["nr"] = "77"
    museum.run()
    assert (museum.run().status, museum.calls()) == (Status.PROBLEMS, [])


def test_whoever_has_the_foreign_id_already_is_adopted(museum: Museum) -> None:
    entered = enter(museum, 2)
    other = museum.sandbox.add_customer(foreign_id="M-0002", surname="Muster2")
    museum.run()
    assert numbers(museum)["M-0002"] == other.id
    assert origins(museum)["M-0002"] is Origin.ADOPTED
    assert next(one for one in museum.sandbox.customers if one.id == entered.id).foreign_id is None


@pytest.mark.parametrize("cell", ["4711", "vielleicht", ""])
def test_of_who_is_known_the_number_says_nothing(museum: Museum, cell: str) -> None:
    museum.run()
    museum.row(2).update(nr=cell, notes="neu")
    assert museum.run().outcomes == {("update", "ok"): 1}


@pytest.mark.parametrize("cell", ["M-17", "12,5", "0", "1 2", True])
def test_what_is_no_number_makes_the_record_invalid(museum: Museum, cell: object) -> None:
    museum.row(2)["nr"] = cell
    assert museum.run().status is Status.PROBLEMS
    assert "not the number of a customer" in museum.listed()["M-0002"]
    assert "M-0002" not in numbers(museum)


@pytest.mark.parametrize("spell", [str, int, float, lambda number: f" 00{number} "])
def test_a_number_may_be_written_in_several_ways(museum: Museum, spell: Callable[[int], object]) -> None:
    entered = enter(museum, 2)
    museum.row(2)["nr"] = spell(entered.id)
    museum.run()
    assert numbers(museum)["M-0002"] == entered.id


def test_two_records_with_one_number_are_both_invalid(museum: Museum) -> None:
    museum.row(3)["nr"] = str(enter(museum, 2).id)
    assert museum.run().status is Status.PROBLEMS
    assert [one for one, why in museum.listed().items() if "the number of another record" in why] == [
        "M-0002",
        "M-0003",
    ]
    assert set(numbers(museum)) == {"M-0001", None}


def test_where_nobody_may_be_created_nobody_is_linked(museum: Museum) -> None:
    museum.limits = replace(DEFAULT_LIMITS, actions=frozenset({Update}))
    enter(museum, 2)
    summary = museum.run()
    assert (museum.writes(), summary.counts["shown_only"]) == ([], 3)


# --- what was found out before, or said ---


def test_whom_comparing_has_found_is_linked_if_it_is_still_the_person(museum: Museum) -> None:
    right, wrong = enter(museum, 2, names_it=False), enter(museum, 3, names_it=False, surname="Anders")
    say(museum, 2, Word.LINK, right.id)
    say(museum, 3, Word.LINK, wrong.id)
    museum.run()
    assert numbers(museum) == {"M-0001": numbers(museum)["M-0001"], "M-0002": right.id, None: wrong.id}
    assert list(museum.store.matches.find("members", ["M-0002", "M-0003"])) == ["M-0003"]


def test_whom_a_person_has_chosen_need_not_look_alike(museum: Museum) -> None:
    entered = enter(museum, 2, names_it=False, surname="Anders", email="b@example.org")
    say(museum, 2, Word.LINK, entered.id, by="Ada")
    museum.run()
    assert numbers(museum)["M-0002"] == entered.id


def test_not_even_a_person_gives_away_who_has_another_foreign_id(museum: Museum) -> None:
    entered = enter(museum, 2, names_it=False, foreign_id="X-9")
    say(museum, 2, Word.LINK, entered.id, by="Ada")
    museum.run()
    assert (numbers(museum)["X-9"], "another foreign_id" in museum.listed()["M-0002"]) == (entered.id, True)


def test_who_is_new_by_a_persons_word_is_created_whatever_the_column_says(museum: Museum) -> None:
    entered = enter(museum, 2)
    say(museum, 2, Word.NEW, by="Ada")
    museum.run()
    assert numbers(museum)["M-0002"] != entered.id
    assert list(museum.store.matches.each("members")) == []


def test_on_whom_a_person_has_to_decide_is_present_and_not_created_until_then(museum: Museum) -> None:
    say(museum, 2, Word.OPEN)
    assert museum.run().status is Status.PROBLEMS
    assert "a person has to say" in museum.listed()["M-0002"]
    assert set(numbers(museum)) == {"M-0001", "M-0003"}
    say(museum, 2, Word.NEW, by="Ada")
    assert museum.run().status is Status.DONE
    assert "M-0002" in numbers(museum)


def test_a_word_after_a_refusal_is_heard_at_once(museum: Museum) -> None:
    entered = enter(museum, 2, surname="Anders")
    museum.run()
    say(museum, 2, Word.LINK, entered.id, by="Ada")
    assert museum.run().status is Status.DONE
    assert numbers(museum)["M-0002"] == entered.id


# --- whatever breaks ---


def on_put(fault: Fault) -> Callable[[httpx.Request, int], Fault | None]:
    return lambda request, _number: fault if request.method == "PUT" else None


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.KILLED_BEFORE, Fault.KILLED_AFTER)])
def test_one_whose_answer_is_lost_is_looked_for_and_nobody_created(museum: Museum, fault: Fault) -> None:
    entered = enter(museum, 2, tel=None)
    museum.run(on_put(fault))
    assert len(museum.sandbox.customers) == 3
    museum.let_late_writes_come()
    for _ in range(2):
        museum.clock.sleep(SETTLE)
        museum.run()
    assert (numbers(museum)["M-0002"], shown(museum, 2, "tel")) == (entered.id, member(2)["phone"])
    assert (len(museum.sandbox.customers), origins(museum)["M-0002"]) == (3, Origin.LINKED)
    assert (museum.run().status, museum.writes()) == (Status.DONE, [])


@pytest.mark.parametrize("step", range(8))
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_killed_at_any_call_the_next_runs_finish_it(museum: Museum, fault: Fault, step: int) -> None:
    museum.rows[:] = museum.rows[:1]
    museum.limits = replace(DEFAULT_LIMITS, first_contact=0)
    entered = enter(museum, 1, tel=None, notes="vom Kartentisch")
    with suppress(Killed):
        museum.run(lambda _request, number: fault if number == step else None)
    finish(museum, entered)


@pytest.mark.parametrize("commits", range(12))
def test_killed_at_any_commit_the_next_runs_finish_it(museum: Museum, commits: int) -> None:
    museum.rows[:] = museum.rows[:1]
    museum.limits = replace(DEFAULT_LIMITS, first_contact=0)
    entered = enter(museum, 1, tel=None, notes="vom Kartentisch")
    with suppress(Killed), mortal(museum, commits):
        museum.run()
    finish(museum, entered)


def finish(museum: Museum, entered: Customer, notes: str = "vom Kartentisch") -> None:
    museum.reopen()
    for _ in range(2):
        museum.clock.sleep(SETTLE)
        museum.run()
    assert numbers(museum) == {"M-0001": entered.id}
    assert (shown(museum, 1, "tel"), shown(museum, 1, "notes")) == (member(1)["phone"], notes)
    assert (origins(museum), museum.store.journal.open_intents("members")) == ({"M-0001": Origin.LINKED}, [])


def test_one_that_was_cut_off_and_has_left_the_list_is_released(museum: Museum) -> None:
    enter(museum, 2)
    with suppress(Killed):
        museum.run(on_put(Fault.KILLED_AFTER))
    museum.remove(2)
    for _ in range(3):
        museum.clock.sleep(SETTLE)
        museum.run()
    assert set(numbers(museum)) == {"M-0001", "M-0003", None}
    assert museum.sandbox.deleted == []


def test_one_of_whom_a_create_was_sent_in_vain_is_linked_once_that_is_over(museum: Museum) -> None:
    museum.rows[:] = museum.rows[:1]
    museum.run(lambda request, _number: Fault.SERVER_ERROR if request.method == "POST" else None)
    entered = enter(museum, 1)
    museum.run()
    assert museum.writes() == []
    finish(museum, entered, notes="Mitglied 1")


def test_one_that_may_still_come_to_pass_is_counted_and_not_created(museum: Museum) -> None:
    enter(museum, 2)
    museum.transport._late_by = 1000
    museum.run(on_put(Fault.LATE))
    summary = museum.run()
    assert (summary.status, summary.counts["unclear"]) == (Status.PROBLEMS, 1)
    assert len(museum.sandbox.customers) == 3


def test_a_foreign_id_that_another_has_meanwhile_is_a_refusal(museum: Museum) -> None:
    enter(museum, 2)
    museum.sandbox.hook = None
    save = museum.sandbox.save

    def taken(sent: Any, customer: Customer | None = None) -> Any:
        if customer and sent.get("foreign_id") == "M-0002" and not museum.sandbox.by_foreign_id("M-0002"):
            museum.sandbox.add_customer(foreign_id="M-0002", surname="Muster2")
        return save(sent, customer)

    museum.sandbox.save = taken  # type: ignore[method-assign]
    assert museum.run().status is Status.PROBLEMS
    assert "taken" in museum.listed()["M-0002"]
    assert len(museum.sandbox.customers) == 4


def test_an_instance_that_keeps_no_foreign_id_is_told_of(museum: Museum) -> None:
    enter(museum, 2)
    save = museum.sandbox.save
    museum.sandbox.save = lambda sent, customer=None: save(  # type: ignore[method-assign]
        {**sent, **({"foreign_id": None} if customer else {})}, customer
    )
    assert museum.run().status is Status.PROBLEMS
    assert "keeps the foreign_id as it was" in museum.listed()["M-0002"]


ODD: list[dict[str, Any]] = [
    {"foreign_id_form": "lower"},
    {"foreign_id_form": "upper"},
    {"foreign_id_found": "in-any-form", "foreign_id_form": "lower"},
    {"reads": "seconds-later"},
    {"reads": "calls-later"},
    {"writes": "accepted", "accepted_for": 2},
    {"foreign_ids": "repeatable"},
    {"single_answer": "bare", "batch_answer": "nothing"},
    {"bad_single": "200"},
    {"tel_form": "compact", "name_form": "upper"},
    {"lenient_numeric": True},
    {"merged": "by-both"},
    {"proxy": "504-late"},
    {"proxy": "empty-object"},
    {"busy": "423"},
    {"cleared_fields": "empty"},
]


@pytest.mark.in_part(2)
@pytest.mark.parametrize("switches", ODD, ids=str)
def test_on_an_odd_instance_each_is_linked_once_and_nobody_else_touched(
    tmp_path: Path, switches: dict[str, Any]
) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), number_column="nr", switches=Switches(**switches))
    fill(museum, 4)
    entered = {f"M-{number:04d}": enter(museum, number, tel=None).id for number in (1, 2, 3)}
    museum.row(3)["nr"] = str(museum.sandbox.strangers[9].foreign_id)
    del entered["M-0003"]
    for _ in range(5):
        museum.run()
        museum.clock.sleep(SETTLE)
        museum.let_late_writes_come()
    found = {str(one.foreign_id).upper(): one for one in museum.sandbox.customers}
    assert {foreign_id: found[foreign_id].id for foreign_id in entered} == entered
    assert (len(found), museum.sandbox.touched_strangers(), museum.sandbox.duplicates()) == (4, [], [])
    assert all(str(found[one]["tel"]).replace(" ", "") == member(int(one[-1]))["phone"] for one in entered)
    museum.close()


# --- when it leaves ---


def test_who_was_linked_is_released_when_it_leaves(museum: Museum) -> None:
    entered = enter(museum, 2)
    museum.run()
    museum.remove(2)
    museum.run()
    assert (numbers(museum)[None], museum.sandbox.deleted) == (entered.id, [])


def test_it_is_released_also_when_the_sync_was_renamed(museum: Museum) -> None:
    entered = enter(museum, 2)
    museum.run()
    museum.name = "friends"
    museum.run()
    museum.remove(2)
    museum.run()
    assert (numbers(museum)[None], museum.sandbox.deleted) == (entered.id, [])


@pytest.mark.parametrize("has_ledger", [True, False])
def test_by_the_ledger_it_is_released_also_when_the_state_was_lost(
    museum: Museum, ledger: Path, has_ledger: bool
) -> None:
    museum.ledger = str(ledger) if has_ledger else None
    enter(museum, 2)
    museum.run()
    museum.lose_state()
    museum.run()
    museum.remove(2)
    museum.run()
    assert (None in numbers(museum)) is has_ledger


def test_the_ledger_names_nobody(museum: Museum, ledger: Path) -> None:
    entered = enter(museum, 2)
    museum.run()
    text = ledger.read_text()
    assert " linked " in text
    assert not any(word in text for word in ("0002", str(entered.id), "Muster"))


@pytest.mark.usefixtures("ledger")
def test_where_the_ledger_cannot_be_written_nobody_is_linked(museum: Museum, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Fatal("the ledger can't be written")

    enter(museum, 2)
    monkeypatch.setattr(RegisterFile, "append", refuse)
    assert museum.run().status is Status.FAILED
    assert [call for call in museum.writes() if call.method == "PUT"] == []
    monkeypatch.undo()
    assert museum.run().status is Status.DONE


@pytest.mark.usefixtures("ledger")
def test_who_is_created_under_the_id_of_one_that_was_released_is_no_linked_one(museum: Museum) -> None:
    museum.grace = timedelta(0)
    enter(museum, 2)
    museum.run()
    row = museum.row(2)
    museum.remove(2)
    museum.run()
    museum.rows.append({**row, "nr": ""})
    museum.run()
    museum.lose_state()
    museum.run()
    museum.remove(2)
    museum.run()
    assert set(numbers(museum)) == {"M-0001", "M-0003", None}
    assert len(museum.sandbox.deleted) == 1


# --- whatever happens ---


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`linked`: whose number the list has; of those `others` it has the number of somebody else."""

    switches: dict[str, object]
    linked: frozenset[int]
    others: frozenset[int]
    faults: dict[int, Fault]


PEOPLE = 5
some = st.frozensets(st.integers(1, PEOPLE))
worlds = st.builds(
    World,
    switches=st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from(positions()[name])
            for name in (
                "foreign_ids",
                "reads",
                "writes",
                "merged",
                "foreign_id_form",
                "single_answer",
                "bad_single",
                "tel_form",
                "proxy",
                "busy",
                "deleted_status",
            )
        },
    ),
    linked=some,
    others=some,
    faults=st.dictionaries(st.integers(0, 40), st.sampled_from(list(Fault)), max_size=3),
)


@pytest.mark.usefixtures("silence")
@settings(
    max_examples=int(os.environ.get("SYNCD_TEST_LINK_EXAMPLES", "12")),
    deadline=None,
    database=None,
    derandomize="SYNCD_TEST_LINK_EXAMPLES" not in os.environ,
)
@given(world=worlds)
def test_whatever_breaks_nobody_is_made_twice_and_nobody_else_is_changed(world: World) -> None:
    with TemporaryDirectory() as folder:
        museum = Museum(state_url=sqlite_url(Path(folder)), number_column="nr", switches=Switches(**world.switches))  # type: ignore[arg-type]
        fill(museum, PEOPLE)
        entered = {number: enter(museum, number, tel=None).id for number in sorted(world.linked)}
        strangers = [museum.sandbox.add_customer(surname=f"Fremd{number}", name="Eva") for number in range(PEOPLE)]
        for number in world.others & world.linked:
            museum.row(number)["nr"] = str(strangers[number - 1].id)
        fate = dict(world.faults)
        for _ in range(6):
            with suppress(Killed):
                museum.run(lambda _request, number: fate.pop(number, None))
            museum.let_late_writes_come()
            museum.clock.sleep(SETTLE)
        living = {one.id: one for one in museum.sandbox.customers}
        assert [living[one.id].fields for one in strangers] == [one.fields for one in strangers]
        for number in world.linked:
            expected = None if number in world.others else f"M-{number:04d}"
            assert (living[entered[number]].foreign_id or "").upper() == (expected or "")
        assert len(living) == PEOPLE + len(strangers)
        assert (museum.sandbox.touched_strangers(), museum.sandbox.duplicates()) == ([], [])
        museum.close()
