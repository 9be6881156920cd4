"""The list for the office that owns the data: its own columns and ids, its language, and no value unasked."""

import csv
import io
import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from office import CONFIG, MARKS, Office, open_office

from syncd.assembly import opening_state, write_worklist
from syncd.config import load

TELL = """
[[sync.members.tell]]
from = "Land"
is = ["FR"]
text = "Zollerklärung beilegen"
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def configure(office: Office, *, head: str = "", tail: str = "") -> None:
    office.configure(CONFIG.format(url=office.url).replace("[sync.members]\n", f"[sync.members]\n{head}\n") + tail)


def spoil(office: Office, row: int, column: str, cell: str) -> None:
    office.rows[row][office.columns.index(column)] = cell
    office.export()


def listed(office: Office, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(office.syncd("worklist", "--json", *options).out)
    return found


def test_without_anything_to_do_the_list_says_so(office: Office) -> None:
    office.syncd("--once")
    ended = office.syncd("worklist")
    assert (ended.code, ended.out) == (0, "Es ist nichts zu tun.\n")


def test_an_entry_has_the_columns_and_the_id_of_the_source(office: Office) -> None:
    spoil(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    (entry,) = listed(office)
    assert (entry["id"], entry["foreign_id"], entry["column"], entry["line"]) == ("0005", "M-0005", "E-Mail", 6)
    assert (entry["sync"], entry["code"]) == ("members", "no-email")


def test_it_speaks_german_unless_it_is_asked_otherwise(office: Office) -> None:
    spoil(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    german, english = office.syncd("worklist"), office.syncd("worklist", "--lang", "en")
    assert (german.code, english.code) == (3, 3)
    assert "Berichtigen Sie die Adresse" in german.out
    assert "members.csv, Zeile 6" in german.out
    assert "Mend the address" in english.out
    assert "members.csv, line 6" in english.out


def test_where_the_other_one_stands_is_told_in_the_same_language(office: Office) -> None:
    office.rows.append([*office.rows[4][:2], "Anders", *office.rows[4][3:]])
    office.export()
    office.syncd("--once")
    assert {entry["text"].partition("(")[2] for entry in listed(office)} == {"zuerst: members.csv, Zeile 6)."}


def test_what_is_mended_goes_by_itself(office: Office) -> None:
    spoil(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    spoil(office, 4, "E-Mail", "somebody@example.org")
    office.syncd("--once")
    assert listed(office) == []


def test_a_word_that_go_mus_does_not_know_is_told_with_words_that_it_knows(office: Office) -> None:
    spoil(office, 4, "Land", "Atlantis")
    office.reconfigure(', default = "DE"', "")
    office.syncd("--once")
    (entry,) = [one for one in listed(office) if one["id"] == "0005"]
    assert entry["code"] == "not-in-list"
    assert "Deutschland" in entry["remedy"]


def test_a_record_that_go_mus_refuses_is_listed_with_its_words(office: Office) -> None:
    spoil(office, 4, "Nachname", "")
    office.syncd("--once")
    (entry,) = listed(office)
    assert (entry["kind"], entry["id"], entry["code"]) == ("refused", "0005", "gomus-blank")


@pytest.mark.parametrize("grace", ["0s", "30d"])
def test_a_new_id_that_looks_like_an_old_one_waits_for_a_decision(office: Office, grace: str) -> None:
    office.reconfigure('grace = "0s"', f'grace = "{grace}"')
    office.syncd("--once")
    spoil(office, 6, "Nr", "7")
    office.syncd("--once")
    (entry,) = listed(office)
    assert (entry["kind"], entry["id"], entry["column"]) == ("pair", "7", "Nr")
    assert "0007" in entry["text"]


# --- changed in go~mus ---


def change_in_gomus(office: Office) -> None:
    office.syncd("--once")
    office.sandbox.by_foreign_id("M-0003")[0].fields["surname"] = "Changed"
    office.syncd("verify", "members", "--all")


def test_what_staff_changed_in_go_mus_is_listed_by_column(office: Office) -> None:
    change_in_gomus(office)
    (entry,) = listed(office)
    assert (entry["kind"], entry["id"], entry["column"]) == ("changed", "0003", "Nachname")


def test_what_was_changed_is_written_with_values_only_where_they_are_asked_for(office: Office) -> None:
    change_in_gomus(office)
    for more in ([], ["--values"]):
        office.syncd("verify", "members", "--all", "--csv", "changed.csv", *more)
        file = office.folder / "changed.csv"
        (row,) = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")), delimiter=";")
        assert (row["foreign_id"], row["column"], row["field"]) == ("M-0003", "Nachname", "surname")
        assert [row.get("in the source"), row.get("in go~mus")] == (["Zznäch3", "Changed"] if more else [None, None])
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert office.syncd("verify", "members", "--values").code == 2


def test_a_change_that_is_taken_into_the_source_is_listed_no_more(office: Office) -> None:
    change_in_gomus(office)
    spoil(office, 2, "Nachname", "Changed")
    office.syncd("--once")
    assert listed(office) == []


def test_a_change_that_is_mended_in_go_mus_is_listed_no_more(office: Office) -> None:
    change_in_gomus(office)
    office.syncd("verify", "members", "--all", "--fix")
    assert listed(office) == []


def test_an_update_of_another_field_leaves_a_change_listed(office: Office) -> None:
    change_in_gomus(office)
    spoil(office, 2, "E-Mail", "another@example.org")
    office.syncd("--once")
    assert [entry["column"] for entry in listed(office)] == ["Nachname"]


@pytest.mark.parametrize("finding", ["audit", "verify"])
def test_who_was_deleted_in_go_mus_is_told_once_and_not_as_changed(office: Office, finding: str) -> None:
    configure(office, head="audit_per_run = 40")
    office.syncd("--once")
    office.sandbox.remove(office.sandbox.by_foreign_id("M-0003")[0])
    office.syncd(*(["--once"] if finding == "audit" else ["verify", "members", "--all"]))
    assert [(entry["id"], entry["column"], entry["code"]) for entry in listed(office)] == [("0003", "Nr", "vanished")]


def test_the_audit_of_a_run_lists_changes_too(office: Office) -> None:
    configure(office, head="audit_per_run = 40")
    office.syncd("--once")
    office.sandbox.by_foreign_id("M-0003")[0].fields["surname"] = "Changed"
    office.syncd("--once")
    assert [(entry["kind"], entry["id"]) for entry in listed(office)] == [("changed", "0003")]


# --- one person, two records ---


def test_two_records_that_are_one_person_are_to_be_merged_in_go_mus(office: Office) -> None:
    office.reconfigure('prefix = "M-"', 'prefix = "M-"\nmerged_into = "Aufgegangen in"')
    office.columns.append("Aufgegangen in")
    office.rows[:] = [[*row, ""] for row in office.rows]
    office.rows[4][-1] = "0003"
    office.export()
    office.reconfigure("merged_into", "# merged_into")
    office.syncd("--once")
    office.reconfigure("# merged_into", "merged_into")
    assert office.syncd("--once").code == 0
    (entry,) = listed(office)
    assert (entry["kind"], entry["code"], entry["id"], entry["column"]) == (
        "merged",
        "to-merge",
        "0005",
        "Aufgegangen in",
    )
    assert ("M-0005" in entry["text"], "M-0003" in entry["text"]) == (True, True)
    assert json.loads(office.syncd("show", "0005", "--json").out)[0]["merged_into"] == "M-0003"


@pytest.mark.parametrize("finding", ["audit", "update"])
def test_whom_staff_have_merged_is_listed_as_such(office: Office, finding: str) -> None:
    configure(office, head="audit_per_run = 40" if finding == "audit" else "")
    office.sandbox.switches = replace(office.sandbox.switches, merged="by-both")
    office.syncd("--once")
    office.sandbox.merge(*(office.sandbox.by_foreign_id(f"M-000{number}")[0].id for number in (5, 3)))
    spoil(office, 4, "Nachname", "Anders" if finding == "update" else "Zznäch5")
    office.syncd("--once")
    assert [(entry["kind"], entry["id"], entry["code"]) for entry in listed(office)] == [
        ("merged", "0005", "merged-in-gomus")
    ]


# --- what the source says ---


def test_what_the_office_is_told_is_listed_until_the_cell_changes(office: Office) -> None:
    configure(office, tail=TELL)
    spoil(office, 4, "Land", "FR")
    office.syncd("--once")
    (entry,) = listed(office)
    assert (entry["kind"], entry["id"], entry["column"], entry["text"]) == (
        "tell",
        "0005",
        "Land",
        "Zollerklärung beilegen",
    )
    spoil(office, 4, "Land", "")
    office.syncd("--once")
    assert listed(office) == []


def test_a_further_run_with_nothing_new_lists_the_same(office: Office) -> None:
    configure(office, tail=TELL)
    spoil(office, 4, "Land", "FR")
    for _ in range(3):
        office.syncd("--once")
    assert len(listed(office)) == 1


def test_a_new_condition_is_asked_of_all_records_and_costs_no_call(office: Office) -> None:
    spoil(office, 4, "Land", "FR")
    office.syncd("--once")
    before = len(office.sandbox.calls)
    configure(office, tail=TELL)
    office.syncd("--once")
    assert len(listed(office)) == 1
    assert len(office.sandbox.calls) == before


def test_a_condition_that_is_taken_out_tells_nothing_more(office: Office) -> None:
    configure(office, tail=TELL)
    spoil(office, 4, "Land", "FR")
    office.syncd("--once")
    configure(office)
    office.syncd("--once")
    assert listed(office) == []


def test_nobody_is_told_of_who_has_left(office: Office) -> None:
    configure(office, tail=TELL)
    spoil(office, 4, "Land", "FR")
    office.syncd("--once")
    del office.rows[4]
    office.export()
    office.syncd("--once")
    assert listed(office) == []


def test_who_is_erased_on_request_is_on_no_list(office: Office) -> None:
    configure(office, tail=TELL)
    spoil(office, 4, "Land", "FR")
    office.syncd("--once")
    office.syncd("erase", "M-0005")
    office.syncd("--once")
    assert [entry["kind"] for entry in listed(office)] == ["invalid"]
    assert "0005" not in json.dumps(listed(office)).replace("members.csv", "")


def test_a_column_that_is_told_of_and_missing_ends_the_run(office: Office) -> None:
    configure(office, tail=TELL.replace('"Land"', '"Staat"'))
    ended = office.syncd("--once")
    assert ended.code == 1
    assert "'Staat'" in ended.out


# --- the files ---


@pytest.mark.parametrize("name", ["office.html", "office.csv"])
def test_the_list_is_written_after_each_run_for_its_owner_alone(office: Office, name: str) -> None:
    configure(office, head=f'worklist = "{name}"')
    spoil(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    file = office.folder / name
    assert "Berichtigen Sie die Adresse" in file.read_text(encoding="utf-8-sig")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    spoil(office, 4, "E-Mail", "somebody@example.org")
    office.syncd("--once")
    assert "Berichtigen Sie die Adresse" not in file.read_text(encoding="utf-8-sig")


def test_the_group_may_read_it_where_the_configuration_says_so(office: Office) -> None:
    configure(office, head='worklist = { path = "office.csv", lang = "en", mode = "0640" }')
    office.syncd("--once")
    file = office.folder / "office.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_text(encoding="utf-8-sig").startswith("List;Number;Column;")


def test_values_are_in_it_only_where_they_are_asked_for(office: Office) -> None:
    spoil(office, 4, "Geboren", "1971-04")
    for options, is_shown in (('"office.csv"', False), ('{ path = "office.csv", values = true }', True)):
        configure(office, head=f"worklist = {options}")
        office.syncd("--once")
        text = (office.folder / "office.csv").read_text(encoding="utf-8-sig")
        assert any(mark in text for mark in MARKS) is is_shown
        (row,) = csv.DictReader(io.StringIO(text), delimiter=";")
        assert row.get("Was dort steht") == ("1971-04" if is_shown else None)


def test_a_list_that_cannot_be_written_spoils_no_run(office: Office) -> None:
    configure(office, head='worklist = "nowhere/office.html"')
    ended = office.syncd("--once")
    assert ended.code == 0
    assert [event["error"] for event in ended.named("worklist.failed")] == [
        "nowhere/office.html can't be written (No such file or directory)"
    ]


@pytest.mark.parametrize("path", ["members.csv", "./members.csv", "state/../members.csv"])
def test_a_list_is_never_written_over_the_export(office: Office, path: str) -> None:
    configure(office, head=f'worklist = "{path}"')
    before = (office.folder / "members.csv").read_bytes()
    ended = office.syncd("--once")
    assert ended.code == 2
    assert "is the list that the sync 'members' reads" in ended.err
    assert (office.folder / "members.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("read", "written"),
    [("members*.csv", "members-new.csv"), ("members[1].csv", "members[1].csv"), ("in/**/*.csv", "in/a/b/list.csv")],
)
def test_a_list_is_never_written_where_a_pattern_would_find_it(office: Office, read: str, written: str) -> None:
    configure(office, head=f'worklist = "{written}"')
    office.reconfigure('path = "members.csv"', f'path = "{read}"')
    ended = office.syncd("check", "--offline")
    assert (ended.code, "it would be written over" in ended.out) == (2, True)


def test_a_list_may_lie_in_a_folder_that_a_pattern_does_not_look_into(office: Office) -> None:
    configure(office, head='worklist = "lists/members.csv"')
    office.reconfigure('path = "members.csv"', 'path = "*.csv"')
    assert "✗ configuration" not in office.syncd("check", "--offline").out


def test_two_syncs_have_no_list_in_common(office: Office) -> None:
    text = CONFIG.format(url=office.url).replace("[sync.members]\n", '[sync.members]\nworklist = "l.csv"\n')
    other = text[text.index("[sync.members]") :].replace("sync.members", "sync.donors").replace('"M-"', '"D-"')
    office.configure(text + other)
    assert "is the worklist of the sync 'members' already" in office.syncd("check", "--offline").out


def test_reading_for_values_hears_a_stop(office: Office) -> None:
    configure(office, head='worklist = { path = "office.csv", values = true }')
    spoil(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    (office.folder / "office.csv").unlink()
    config = load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token})
    for is_stopping, is_written in ((True, False), (False, True)):
        stopping = threading.Event()
        if is_stopping:
            stopping.set()
        with opening_state(config) as state:
            write_worklist(config, config.syncs["members"], state, stopping)
        assert (office.folder / "office.csv").exists() is is_written


def test_a_formula_in_a_cell_is_inert_in_the_table(office: Office) -> None:
    configure(office, head='worklist = { path = "office.csv", values = true }')
    spoil(office, 4, "E-Mail", "=cmd()@x")
    office.syncd("--once")
    assert ";'=cmd()@x;" in (office.folder / "office.csv").read_text(encoding="utf-8-sig")


def test_commands_write_both_forms(office: Office) -> None:
    spoil(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    ended = office.syncd("worklist", "members", "--csv", "list.csv", "--html", "list.html", "--lang", "en")
    assert (ended.code, ended.out) == (3, "")
    assert "Mend the address" in (office.folder / "list.csv").read_text(encoding="utf-8-sig")
    assert '<html lang="en">' in (office.folder / "list.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('"office.txt"', "'office.txt' ends neither in .html, for a page, nor in .csv, for a table"),
        ('{ path = "a.csv", mode = "rw" }', "'0640' for the group too"),
        ('{ path = "a.csv", lang = "fr" }', "'en' or 'de'"),
    ],
)
def test_a_list_that_is_configured_wrongly_is_refused(office: Office, written: str, words: str) -> None:
    configure(office, head=f"worklist = {written}")
    ended = office.syncd("check", "--offline")
    assert ended.code == 2
    assert words in ended.err + ended.out
