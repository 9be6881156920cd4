"""`rehearse`: what the real list and its broken copies come to in a sandbox, and that nothing else is touched."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from crm import Crm, open_crm
from daemons import until
from office import COLUMNS, MARKS, Ended, Office, open_office, person

from syncd.config import load
from syncd.rehearsal.rehearsal import Outcome, Rehearsal

OPENED = """grace = "0s"
max_percent = 100
max_count = 100000
[sync.members.guards]
update_percent = 100
clear_percent = 100
identity_percent = 100
invalid_percent = 100
"""
DAMAGES = [
    *("empty", "cut at a line end", "cut within a cell", "encoded twice", "zeros lost", "columns swapped"),
    "header gone",
]
LAST = "cut at a line end, the last 1 missing"


Found = dict[str, dict[str, Any]]


@contextmanager
def preparing(folder: Path) -> Iterator[Office]:
    """Without a token, and with the guards and the grace of the defaults."""
    with open_office(folder) as office:
        office.token = ""
        office.reconfigure('[sync.members.delete]\ngrace = "0s"\n', "")
        yield office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with preparing(tmp_path) as office:
        yield office


def rehearse(office: Office, code: int = 0) -> Found:
    ended = office.syncd("rehearse", "members", "--json")
    assert (ended.code, ended.err) == (code, "")
    return {one["copy"] or "the list": one for one in json.loads(ended.out)}


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@dataclass(frozen=True)
class Usual:
    """One rehearsal of a sound list under the default guards; `calls` are those that go~mus got."""

    found: Found
    calls: int
    before: dict[Path, bytes]
    after: dict[Path, bytes]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Usual:
    folder = tmp_path_factory.mktemp("usual")
    with preparing(folder) as office:
        before = contents(folder)
        return Usual(rehearse(office), len(office.sandbox.calls), before, contents(folder))


@pytest.fixture(scope="module")
def in_words(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """As a person reads it, of a list with an invalid record, with all guards open."""
    with preparing(tmp_path_factory.mktemp("opened")) as office:
        office.rows[39][3] = "zzmail@@example.org"
        office.export()
        text = (office.folder / "config.toml").read_text(encoding="utf-8")
        office.configure(f"{text}\n[sync.members.delete]\n{OPENED}")
        return office.syncd("rehearse", "members")


def outcome(found: Found, copy: str) -> str:
    return next(str(one["outcome"]) for name, one in found.items() if name.startswith(copy))


def line(ended: Ended, copy: str) -> str:
    """What is said of a copy, with what to do about it."""
    lines = ended.out.splitlines()
    place = next(number for number, one in enumerate(lines) if one[2:].startswith(copy))
    return " ".join(lines[place : place + 2])


# --- the list as it is ---


def test_the_list_is_loaded_without_a_token(usual: Usual) -> None:
    found = usual.found["the list"]
    assert (found["loaded"], found["counts"]["create"], found["calls_unchanged"]) == (40, 40, 0)


def test_go_mus_is_not_asked(usual: Usual) -> None:
    assert usual.calls == 0


def test_nothing_in_the_folder_is_touched(usual: Usual) -> None:
    assert usual.after == usual.before


def test_who_is_invalid_or_left_out_is_told_and_any_word_fits_a_look_up(office: Office) -> None:
    for number, row in enumerate(office.rows):
        row[6] = f"Land {number}"
    for row in office.rows[:3]:
        row[3] = "zzmail@@example.org"
    office.export()
    where = 'where = [{ from = "Vorname", is_not = ["Zzvor5", "Zzvor6"] }]'
    office.reconfigure("[sync.members]\n", f"[sync.members]\n{where}\n")
    found = rehearse(office)["the list"]
    (group,) = found["failures"]
    assert (group["kind"], group["field"], group["count"]) == ("invalid", "email", 3)
    assert (found["counts"]["filtered"], found["loaded"]) == (2, 35)


def test_a_list_of_whom_nobody_can_be_loaded_is_told(office: Office) -> None:
    for row in office.rows:
        row[3] = "zzmail@@example.org"
    office.export()
    ended = office.syncd("rehearse", "members")
    assert (ended.code, "nobody could be loaded" in ended.out) == (3, True)


def test_a_where_that_leaves_out_everybody_is_named(office: Office) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\nwhere = [{ from = "Vorname", is = ["A"] }]\n')
    ended = office.syncd("rehearse", "members")
    assert (ended.code, "where leaves out all of them: mend where first" in ended.out) == (3, True)


def test_a_long_list_that_is_refused_for_one_reason_is_not_tried_to_its_end(office: Office) -> None:
    office.rows = [person(number) for number in range(1, 1001)]
    office.export()
    office.reconfigure('surname = "Nachname"\n', "")
    found = rehearse(office, 3)["the list"]
    (group,) = found["failures"]
    assert (group["kind"], group["count"], found["loaded"]) == ("refused (create)", 100, 0)


def test_no_value_is_shown_and_no_run_is_logged(in_words: Ended) -> None:
    assert [mark for mark in (*MARKS, "run.") if mark in in_words.out] == []
    assert in_words.err == ""


# --- broken copies ---


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_stopped_by_default(usual: Usual, damage: str) -> None:
    assert outcome(usual.found, damage) == "stopped"


def test_what_nothing_can_tell_is_named_with_what_would(usual: Usual) -> None:
    found = usual.found[LAST]
    assert (found["outcome"], found["erased"], "trailer" in found["remedy"]) == ("nothing can tell", 1, True)


def test_erasures_after_grace_are_told_as_such(usual: Usual) -> None:
    assert "erase 1 after 30d" in usual.found[LAST]["text"]


def test_who_is_absent_is_looked_at_again_once_grace_is_over(usual: Usual) -> None:
    found = usual.found["cut at a line end, half is missing"]
    assert (found["absent"], found["guards"]) == (20, ["delete"])


@pytest.mark.parametrize(
    ("complete", "row"), [('trailer = "Summe"', ["Summe", *[""] * 6]), ('marker = "members.done"', None)]
)
def test_what_proves_that_a_file_is_whole_tells_a_cut_at_a_line_end(
    office: Office, complete: str, row: list[str] | None
) -> None:
    office.reconfigure('settled = "0s"', f'settled = "0s"\ncomplete = {{ {complete} }}')
    office.rows += [row] if row else []
    office.export()
    (office.folder / "members.done").touch()
    assert rehearse(office)[LAST]["outcome"] == "stopped"


def test_guards_that_are_opened_let_copies_through(in_words: Ended) -> None:
    assert in_words.code == 3
    cut, swapped = line(in_words, "cut at a line end, half"), line(in_words, "columns swapped, 'Vorname'")
    assert "NOT STOPPED: would erase 19" in cut
    assert "take out sync.members.delete.max_percent" in cut
    assert "NOT STOPPED: would change 39 (name 39, surname 39)" in swapped
    assert "sync.members.guards.identity_percent" in swapped


def test_a_grace_of_none_is_named_where_the_usual_one_gives_time(office: Office) -> None:
    text = (office.folder / "config.toml").read_text(encoding="utf-8")
    office.configure(f'{text}\n[sync.members.delete]\ngrace = "0s"\n')
    found = rehearse(office)[LAST]
    assert (found["outcome"], found["text"]) == ("nothing can tell", "nothing can tell: would erase 1")
    assert "take out sync.members.delete.grace: by default somebody has 30d to notice" in found["remedy"]


def test_zeros_are_brought_back_by_pad_or_do_not_apply(office: Office) -> None:
    office.columns.append("PLZ")
    office.rows = [[f"9{row[0]}", *row[1:], "01067"] for row in office.rows]
    office.export()
    zip_code = 'addr_zip = { from = "PLZ", transform = [{ pad = 5 }] }'
    office.reconfigure("[sync.members.fields]", f"[sync.members.fields]\n{zip_code}")
    found = rehearse(office)
    assert found["zeros lost in other columns"]["outcome"] == "harmless"
    assert found["zeros lost in ids"]["text"] == "does not apply: no leading zero in ids"


def test_whoever_leaves_by_the_calendar_is_no_victim_of_a_damage(office: Office) -> None:
    office.columns.append("Austritt")
    tomorrow = f"{datetime.now(ZoneInfo('Europe/Berlin')) + timedelta(days=1):%d.%m.%Y}"
    for number, row in enumerate(office.rows):
        row.append("" if number else tomorrow)
    office.export()
    where = 'where = [{ from = "Austritt", date = "%d.%m.%Y", after = "today", or_empty = true }]'
    office.reconfigure("[sync.members]\n", f"[sync.members]\n{where}\n")
    assert rehearse(office)[LAST]["erased"] == 1


def test_of_a_long_list_each_so_many_take_part(office: Office, tmp_path: Path) -> None:
    config = load(office.folder / "config.toml", {}, is_offline=True)
    folder = tmp_path / "rehearsal"
    folder.mkdir()
    showing = lambda _step: lambda _stage, _done, _total: None  # noqa: E731 - nobody looks
    rehearsal = Rehearsal(config, config.syncs["members"], folder, showing, most=10)
    first = rehearsal.begin()
    assert (first.counts["records"], first.every, first.loaded) == (40, 4, 11)
    half = next(one for one in rehearsal.each() if one.copy.startswith("cut at a line end, half"))
    assert (half.outcome, half.absent, half.holds[0].reason.rpartition(" is ")[2]) == (Outcome.STOPPED, 6, "5 % and 25")


# --- other sources ---


def test_a_workbook_is_broken_too(office: Office) -> None:
    book = openpyxl.Workbook()
    for row in [office.columns, *office.rows]:
        book.active.append(row)
    book.save(office.folder / "members.xlsx")
    office.reconfigure('type = "csv"\npath = "members.csv"', 'type = "excel"\npath = "members.xlsx"')
    found = rehearse(office)
    assert {damage: outcome(found, damage) for damage in DAMAGES} == dict.fromkeys(DAMAGES, "stopped")


def test_the_list_of_an_api_is_read_once_and_broken_too(office: Office) -> None:
    crm = Crm(records=[dict(zip(COLUMNS, row, strict=True)) for row in office.rows], cap=100)
    with open_crm(crm) as url:
        csv = 'type = "csv"\npath = "members.csv"\nsettled = "0s"'
        office.reconfigure(csv, f'type = "rest"\nurl = "{url}/api/all"')
        found = rehearse(office)
    told = {damage: outcome(found, damage) for damage in DAMAGES}
    unfit = dict.fromkeys(("cut within a cell", "header gone"), "does not apply")
    assert told == {**dict.fromkeys(DAMAGES, "stopped"), **unfit}
    assert len(crm.asked) == 1


# --- how it ends ---


def test_an_unknown_sync_is_told(office: Office) -> None:
    ended = office.syncd("rehearse", "member")
    assert (ended.code, "Did you mean 'members'?" in ended.err) == (2, True)


def test_a_list_that_cannot_be_read_is_told(office: Office) -> None:
    (office.folder / "members.csv").unlink()
    ended = office.syncd("rehearse", "members")
    assert (ended.code, ended.out, "there is no such file" in ended.err) == (1, "", True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_where_it_is_interrupted(
    office: Office, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    folder = tmp_path_factory.mktemp("tmp")
    monkeypatch.setenv("TMPDIR", str(folder))
    process = office.start("rehearse", "members")
    until(lambda: list(folder.glob("syncd-rehearsal-*/broken.db")))
    (made,) = folder.iterdir()
    assert made.stat().st_mode & 0o777 == 0o700
    process.send_signal(number)
    process.communicate(timeout=20)
    assert (process.returncode, list(folder.iterdir())) == (1, [])
