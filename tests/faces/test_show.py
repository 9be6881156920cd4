"""`show` answers "why is this one not in go~mus?" for every state that a record can be in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from office import CONFIG, MARKS, Office, open_office, person
from terminal import on_a_terminal

from syncd.report.story import Lot
from syncd.sandbox.switches import Switches


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def configure(office: Office, *, sync: str = "", grace: str = "0s") -> None:
    text = CONFIG.format(url=office.url).replace("[sync.members]\n", f"[sync.members]\n{sync}\n")
    office.configure(text.replace('grace = "0s"', f'grace = "{grace}"'))


def change(office: Office, row: int, column: str, cell: str) -> None:
    office.rows[row][office.columns.index(column)] = cell
    office.export()


def leave(office: Office, *rows: int) -> None:
    office.rows = [row for number, row in enumerate(office.rows) if number not in rows]
    office.export()


def shown(office: Office, foreign_id: str = "0005", *options: str) -> dict[str, Any]:
    (found,) = json.loads(office.syncd("show", foreign_id, "--json", *options).out)
    return dict(found)


# --- the states: each is brought about, and what must stand in the sentence ---


def in_step(office: Office) -> None:
    office.syncd("--once")


def to_be_linked(office: Office) -> None:
    entered = office.sandbox.add_customer(name="Zzvor5", surname="Zznäch5")
    office.columns.append("Nr. dort")
    office.rows = [[*row, str(entered.id) if row[0] == "0005" else ""] for row in office.rows]
    office.reconfigure('prefix = "M-"', 'prefix = "M-"\ngomus_id = "Nr. dort"')
    office.export()


def to_be_created(_office: Office) -> None:
    pass


def to_be_updated(office: Office) -> None:
    office.syncd("--once")
    change(office, 4, "Nachname", "Neu")


def not_to_be_done(office: Office) -> None:
    configure(office, sync='actions = ["update"]')


def invalid(office: Office) -> None:
    change(office, 4, "E-Mail", "nobody")


def twice_in_the_list(office: Office) -> None:
    office.rows.append([*person(5)[:2], "Anders", *person(5)[3:]])
    office.export()


def refused(office: Office) -> None:
    change(office, 4, "Nachname", "")
    office.syncd("--once")


def held(office: Office) -> None:
    office.syncd("--once")
    leave(office, *range(4, 30))
    office.syncd("--once")


def approved(office: Office) -> None:
    held(office)
    office.syncd("approve", "members", "--by", "Ada")


def rejected(office: Office) -> None:
    held(office)
    office.syncd("approve", "members", "--reject", "--by", "Ada")


def unclear(office: Office) -> None:
    office.sandbox.switches = Switches(proxy="504-late", spoilt_every=1)
    leave(office, *range(4), *range(5, 40))
    office.syncd("--once")


def left_out(office: Office) -> None:
    configure(office, sync='where = [{ from = "Land", is_not = ["FR"] }]')
    change(office, 4, "Land", "FR")


def left_out_once_known(office: Office) -> None:
    office.syncd("--once")
    configure(office, sync='where = [{ from = "Land", is_not = ["FR"] }]', grace="30d")
    change(office, 4, "Land", "FR")
    office.syncd("--once")


def absent(office: Office) -> None:
    configure(office, grace="30d")
    office.syncd("--once")
    leave(office, 4)
    office.syncd("--once")


def to_be_erased(office: Office) -> None:
    configure(office, grace="0s")
    office.syncd("--once")
    leave(office, 4)


def left_alone(office: Office) -> None:
    office.syncd("--once")
    leave(office, 4)
    office.reconfigure('grace = "0s"', 'mode = "ignore"')


def being_erased(office: Office) -> None:
    office.syncd("--once")
    office.sandbox.switches = Switches(permissions=frozenset({"read", "create", "update"}))
    leave(office, 4)
    office.syncd("--once")


def erased(office: Office) -> None:
    office.syncd("--once")
    leave(office, 4)
    office.syncd("--once")


def erased_on_request(office: Office) -> None:
    office.syncd("--once")
    office.syncd("erase", "M-0005")


def unread(office: Office) -> None:
    office.syncd("--once")
    (office.folder / "members.csv").unlink()


def missing_in_gomus(office: Office) -> None:
    configure(office, sync="audit_per_run = 40")
    office.syncd("--once")
    office.sandbox.remove(office.sandbox.by_foreign_id("M-0005")[0])
    office.syncd("--once")


def merged(office: Office) -> None:
    office.syncd("--once")
    office.columns.append("Aufgegangen in")
    office.rows[:] = [[*row, "0003" if row is office.rows[4] else ""] for row in office.rows]
    office.export()
    office.reconfigure('prefix = "M-"', 'prefix = "M-"\nmerged_into = "Aufgegangen in"')


LETTERS = """
[sync.letters.source]
type = "csv"
path = "members.csv"
settled = "0s"
[sync.letters.foreign_id]
from = "Nr"
prefix = "N-"
same_as = { sync = "members", from = "Nr" }
[sync.letters.fields]
surname = "Nachname"
"""


def the_same_person(office: Office) -> None:
    office.syncd("--once")
    office.configure((office.folder / "config.toml").read_text(encoding="utf-8") + LETTERS)


STATES: dict[Callable[[Office], None], tuple[Lot, str]] = {
    in_step: (Lot.IN_STEP, "nothing is due"),
    to_be_created: (Lot.TO_CREATE, "the next run creates it"),
    to_be_linked: (Lot.TO_LINK, "in go~mus, which gets this foreign_id"),
    to_be_updated: (Lot.TO_UPDATE, "the next run sends surname"),
    not_to_be_done: (Lot.NOT_DONE, "`actions` does not name that"),
    invalid: (Lot.INVALID, "members.csv line 6: email: is not an e-mail address"),
    twice_in_the_list: (Lot.INVALID, "stands more than once"),
    refused: (Lot.REFUSED, "Surname can't be blank"),
    held: (Lot.HELD, "syncd approve members"),
    approved: (Lot.APPROVED, "approved by Ada: the next run does it"),
    unclear: (Lot.UNCLEAR, "the next run looks for it, and it is sent again no sooner than"),
    rejected: (Lot.REJECTED, "rejected by Ada"),
    missing_in_gomus: (Lot.MISSING, "somebody has deleted it there"),
    left_out: (Lot.LEFT_OUT, "`where` leaves it out"),
    left_out_once_known: (Lot.LEFT_OUT, "it is erased after"),
    merged: (Lot.MERGED, "its record went into another one"),
    the_same_person: (Lot.SAME, "stands in another list too"),
    absent: (Lot.ABSENT, "unless it comes back"),
    to_be_erased: (Lot.TO_ERASE, "its grace is over"),
    left_alone: (Lot.LEFT_ALONE, 'delete.mode = "ignore"'),
    being_erased: (Lot.ERASING, "the delete is still due"),
    erased: (Lot.ERASED, "where it comes back, it is created anew"),
    erased_on_request: (Lot.ERASED_ON_REQUEST, "syncd erase --undo"),
    unread: (Lot.UNREAD, "what the source says is not known"),
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_state_is_told_with_what_is_next(office: Office, state: Callable[[Office], None]) -> None:
    lot, words = STATES[state]
    state(office)
    known = {erased: ("M-0005",), the_same_person: ("N-0005",)}.get(state, ("0005",))
    found = shown(office, *known)
    assert found["state"] == lot.value
    assert words in found["why"]
    assert words in office.syncd("show", *known).out


def test_who_stands_in_two_lists_is_told_with_the_other_id(office: Office) -> None:
    the_same_person(office)
    office.syncd("--once")
    assert [shown(office, one)["same_person"] for one in ("M-0005", "N-0005")] == [["N-0005"], ["M-0005"]]


def test_the_states_that_are_tried_are_all_there_are() -> None:
    assert {lot for lot, _ in STATES.values()} == set(Lot) - {Lot.UNKNOWN}


def test_who_is_unknown_and_not_in_the_source_ends_with_2(office: Office) -> None:
    office.syncd("--once")
    ended = office.syncd("show", "0099")
    assert (ended.code, ended.err) == (2, "Nothing is known of 0099.\n")


@pytest.mark.parametrize("typed", ["0005", "M-0005"])
def test_one_that_is_not_known_yet_is_named_as_it_will_be(office: Office, typed: str) -> None:
    assert shown(office, typed)["foreign_id"] == "M-0005"


def test_without_the_source_only_the_state_is_asked(office: Office) -> None:
    office.syncd("--once")
    (office.folder / "members.csv").unlink()
    found = shown(office, "0005", "--no-source")
    assert (found["state"], found["source"]) == ("source not read", {"trouble": None, "positions": None})


def test_the_mapping_is_told_step_by_step_by_name_alone(office: Office) -> None:
    told = office.syncd("show", "0005").out
    assert "tel\n        from 'Telefon'\n        phone \"DE\"\n" in told
    assert not any(mark in told for mark in MARKS)


def test_what_the_worklist_has_of_it_is_told_too(office: Office) -> None:
    office.reconfigure(
        "[sync.members.foreign_id]",
        '[[sync.members.tell]]\nfrom = "Nr"\nis = ["0005"]\ntext = "Call"\n[sync.members.foreign_id]',
    )
    office.syncd("--once")
    office.sandbox.by_foreign_id("M-0005")[0].fields["surname"] = "Changed"
    office.syncd("verify", "members", "--all")
    found = shown(office, "0005", "--everything")
    assert (found["drifted"], found["told"]) == (["surname"], ["Call"])


def test_on_a_terminal_each_step_has_its_value(office: Office) -> None:
    _, told = on_a_terminal(office, "show", "0005")
    assert b"from 'Telefon': \"030 23125005\"" in told
    assert b'phone "DE": "+493023125005"' in told


def test_who_wins_is_told_by_field(office: Office) -> None:
    office.reconfigure('name = "Vorname"', 'name = { from = "Vorname", write = "create" }')
    found = shown(office)
    assert found["owners"]["sent once, with the new customer; then go~mus's own"] == ["name"]
    assert "surname" in found["owners"]["go~mus follows the source"]


def test_live_tells_what_was_changed_in_go_mus_and_shows_no_value(office: Office) -> None:
    office.syncd("--once")
    office.sandbox.by_foreign_id("M-0005")[0].fields["surname"] = "Changed"
    live = shown(office, "0005", "--live")["live"]
    assert live["fields"]["surname"] == "changed in go~mus"
    assert live["fields"]["email"] == "as go~mus accepted it"
    assert "Changed" not in office.syncd("show", "0005", "--live").out


def test_live_of_somebody_whom_go_mus_does_not_have(office: Office) -> None:
    assert shown(office, "0005", "--live")["live"]["found"] is False


def test_live_tells_nothing_of_another_customer(office: Office) -> None:
    office.syncd("--once")
    customer = office.sandbox.by_foreign_id("M-0005")[0]
    office.sandbox.add_customer(foreign_id="X", surname="Other")
    office.sandbox.rename(customer.id, "X")
    live = shown(office, "0005", "--live")["live"]
    assert (live["found"], live["fields"]) == (False, {})


def test_nothing_is_written_by_it(office: Office) -> None:
    office.syncd("--once")
    change(office, 4, "Nachname", "Neu")
    before, calls = (office.folder / "state/syncd.db").read_bytes(), len(office.sandbox.calls)
    office.syncd("show", "0005", "--live")
    assert (office.folder / "state/syncd.db").read_bytes() == before
    assert [call.method for call in list(office.sandbox.calls)[calls:]] == ["GET"]
