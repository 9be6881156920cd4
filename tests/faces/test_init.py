"""`syncd init`: from a real export to a configuration that works, with no value of the export in it."""

import csv
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from importlib.metadata import packages_distributions
from pathlib import Path

import openpyxl
import pytest
from distributions import needed_by_the_core, normalized
from office import COLUMNS, MARKS, Office, open_office, person
from office_lists import schools

from syncd.cli.starting import _name_database
from syncd.config import load


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        (tmp_path / "config.toml").unlink()
        yield office


def written(office: Office) -> str:
    return (office.folder / "config.toml").read_text(encoding="utf-8")


def test_what_it_writes_syncs_the_export(office: Office) -> None:
    assert office.syncd("init", "members.csv", "--url", office.url).code == 0
    ended = office.syncd("--once")
    assert ended.code == 0
    assert ended.named("run.finished")[0]["counts"]["create"] == 40
    customer = office.sandbox.by_foreign_id("M-0007")[0]
    assert (customer["surname"], customer["tel"]) == ("Zznäch7", "+493023125007")


def test_every_column_of_the_example_is_recognized_but_those_that_need_a_person(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes(resources.files("syncd.example").joinpath("members.csv").read_bytes())
    with open_office(tmp_path) as office:
        (tmp_path / "config.toml").unlink()
        ended = office.syncd("init", "export.csv", "--name", "members")
    assert ended.code == 0
    assert [line.split()[2] for line in ended.out.splitlines() if "left out:" in line] == ["Eintritt:", "Newsletter:"]
    fields = load(tmp_path / "config.toml", {"GOMUS_TOKEN": "of nobody"}).syncs["members"].fields
    assert len(fields) == 13


def test_no_value_of_the_export_shows(office: Office) -> None:
    ended = office.syncd("init", "members.csv")
    assert not any(mark in text for mark in MARKS for text in (ended.out, ended.err, written(office)))


def test_the_form_of_dates_is_that_of_the_export(office: Office) -> None:
    for row in office.rows:
        row[5] = "1971-04-03"
    office.export()
    office.syncd("init", "members.csv")
    assert 'date = "%Y-%m-%d"' in written(office)


def test_a_configuration_that_is_there_is_not_overwritten(office: Office) -> None:
    (office.folder / "config.toml").write_text("mine", encoding="utf-8")
    ended = office.syncd("init", "members.csv")
    assert (ended.code, written(office)) == (2, "mine")
    assert "exists already" in ended.err


def test_without_a_column_that_can_be_an_id_it_asks_for_one(office: Office) -> None:
    with_letters = [[chr(ord("a") + n // 26) + chr(ord("a") + n % 26), *row[1:]] for n, row in enumerate(office.rows)]
    with (office.folder / "members.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["Zeichen", *COLUMNS[1:]], *with_letters])
    ended = office.syncd("init", "members.csv")
    assert ended.code == 2
    assert "name it with --id" in ended.err
    assert office.syncd("init", "members.csv", "--id", "Zeichen").code == 0


@pytest.mark.parametrize(
    ("column", "words"),
    [("Nrr", "there is no column 'Nrr'"), ("Land", "40 records have nothing in the column 'Land'")],
)
def test_a_column_that_is_no_id_is_refused(office: Office, column: str, words: str) -> None:
    ended = office.syncd("init", "members.csv", "--id", column)
    assert ended.code == 2
    assert words in ended.err


def test_a_few_records_without_an_id_are_told(office: Office) -> None:
    office.rows.append(["", *person(41)[1:]])
    office.export()
    assert "1 records lack it or share it" in office.syncd("init", "members.csv").out


@pytest.mark.parametrize("arguments", [["nowhere.csv"], ["members.csv", "--name", "a b"], []])
def test_a_mistake_is_told_in_words(office: Office, arguments: list[str]) -> None:
    ended = office.syncd("init", *arguments)
    assert ended.code in (1, 2)
    assert ended.err
    assert "Traceback" not in ended.err


def test_several_lists_become_one_configuration_of_several_syncs(office: Office) -> None:
    (office.folder / "friends.csv").write_bytes((office.folder / "members.csv").read_bytes())
    assert office.syncd("init", "members.csv", "friends.csv").code == 0
    syncs = load(office.folder / "config.toml", {"GOMUS_TOKEN": "of nobody"}).syncs
    assert {name: sync.foreign_id.prefix for name, sync in syncs.items()} == {"members": "M-", "friends": "F-"}


def test_two_lists_of_one_name_are_told_apart(office: Office) -> None:
    (office.folder / "old").mkdir()
    (office.folder / "old/members.csv").write_bytes((office.folder / "members.csv").read_bytes())
    assert office.syncd("init", "members.csv", "old/members.csv").code == 0
    syncs = load(office.folder / "config.toml", {"GOMUS_TOKEN": "of nobody"}).syncs
    assert {name: sync.foreign_id.prefix for name, sync in syncs.items()} == {"members": "M-", "members-2": "ME-"}


def test_a_table_of_a_database_is_an_export_too(office: Office) -> None:
    with sqlite3.connect(office.folder / "club.db") as club:
        club.execute("create table friends (id integer, first_name text, last_name text)")
        club.executemany("insert into friends values (?, 'Anna', ?)", [(n, f"Groß{n}") for n in range(1, 6)])
    club.close()
    assert office.syncd("init", "sqlite:///club.db", "--table", "friends", "--url", office.url).code == 0
    assert office.syncd("--once").code == 0
    assert office.sandbox.by_foreign_id("F-3")[0]["surname"] == "Groß3"


def test_a_password_of_a_database_is_not_written(tmp_path: Path) -> None:
    export = _name_database("postgresql://me:geheim@host/club", "friends", "friends", tmp_path / "config.toml")
    assert export.table["url"] == {"env": "FRIENDS_DB_URL"}
    assert "geheim" not in str(export.table)


def test_an_option_of_the_source_is_read_with_and_written(office: Office) -> None:
    office.rows[0][2] = "Größe"
    with (office.folder / "members.csv").open("w", newline="", encoding="cp850") as file:
        csv.writer(file, delimiter=";").writerows([COLUMNS, *office.rows])
    ended = office.syncd("init", "members.csv")
    assert (ended.code, "init takes it as --source KEY=VALUE" in ended.err) == (1, True), ended.err
    assert office.syncd("init", "members.csv", "--source", "encoding=cp850").code == 0
    assert load(office.folder / "config.toml", {"GOMUS_TOKEN": "of nobody"}).syncs["members"].source.encoding == "cp850"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["members.csv", "--source", "encoding=klingon"], "encoding: 'klingon' is not an encoding"),
        (["members.csv", "--source", "encodin=cp850"], "encodin: there is no such key"),
        (["members.csv", "--source", "cp850"], "is not KEY=VALUE"),
        (["members.csv", "members.csv", "--id", "Nr"], "--id and --name are for one export"),
        (["sqlite:///club.db"], "--table names the table"),
        (["answer.json"], "reads tables only"),
        (["members.csv", "--url", "ftp://demo.gomus.de"], "--url: "),
    ],
)
def test_what_it_can_t_do_is_told_with_what_to_do(office: Office, arguments: list[str], words: str) -> None:
    ended = office.syncd("init", *arguments)
    assert (ended.code, words in ended.err) == (2, True), ended.err
    assert not (office.folder / "config.toml").exists()


def test_without_go_mus_it_goes_on_and_says_so(office: Office) -> None:
    ended = office.syncd("init", "members.csv", "--url", "http://127.0.0.1:9")
    assert ended.code == 0
    assert "go~mus was not asked for its lists" in ended.err


def test_each_column_shows_where_it_goes_or_what_it_looks_like(office: Office) -> None:
    office.columns.append("Beitrag")
    office.rows = [[*row, "12,50"] for row in office.rows]
    office.export()
    out = office.syncd("init", "members.csv").out
    assert [line for line in out.splitlines() if line.startswith("  ") and not line.startswith("   ")] == [
        "  read:      members.csv (windows-1252, ';'): 8 columns, named in line 1",
        "  id:        Nr",
        "  mapped:    Vorname → name",
        "  mapped:    Nachname → surname",
        "  mapped:    E-Mail → email",
        "  mapped:    Telefon → tel",
        "  commented: Geboren → date_of_birth",
        "  left out:  Land: empty",
        "  left out:  Beitrag: amounts",
        "  `syncd rehearse members` tries it without a token, and sends nothing;",
        "  export GOMUS_TOKEN=..., then `syncd check` and `syncd plan`.",
        "  With a token in GOMUS_TOKEN and --url, `init` maps the words of your list to those of go~mus.",
        "  Which of name and surname is the family name differs between instances:",
        "  `syncd check --customer ID` shows both of a customer you know.",
    ]


def test_who_is_left_out_shows_with_the_words_that_were_found(office: Office) -> None:
    office.columns.append("Status")
    office.rows = [[*row, "ausgetreten" if n % 3 else "aktiv"] for n, row in enumerate(office.rows)]
    office.export()
    out = office.syncd("init", "members.csv").out
    assert "  where not: who is ausgetreten, by 'Status'; its words: aktiv, ausgetreten\n" in out


@pytest.mark.parametrize(
    ("arguments", "typed", "mode"), [([], "ignore\n", "ignore"), (["--yes"], "", "anonymize-then-delete")]
)
def test_what_becomes_of_those_who_leave_is_asked_on_a_terminal(
    office: Office, monkeypatch: pytest.MonkeyPatch, arguments: list[str], typed: str, mode: str
) -> None:
    monkeypatch.chdir(office.folder)
    master, terminal = pytest.importorskip("pty", reason="no terminals to be had").openpty()
    os.write(master, typed.encode())
    with subprocess.Popen(
        [sys.executable, "-m", "syncd", "init", "members.csv", *arguments], stdin=terminal, stdout=terminal
    ) as process:
        assert process.wait(timeout=60) == 0
    os.close(master)
    os.close(terminal)
    assert load(Path("config.toml"), {"GOMUS_TOKEN": "of nobody"}).syncs["members"].delete.mode.value == mode


def test_a_list_without_its_header_shows_no_cell_and_writes_nothing(tmp_path):
    rows = "".join(f"{n:06d};Zzname{n};zz{n}@example.org;01.01.1950\r\n" for n in range(47, 50))
    (tmp_path / "list.csv").write_text(rows, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "syncd", "init", "list.csv", "--id", "000047"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, (tmp_path / "config.toml").exists()) == (1, False)
    assert "does not look like names" in ended.stderr
    assert "zz" not in (ended.stdout + ended.stderr).casefold()


def test_words_in_the_place_of_a_header_are_not_shown_either(office: Office) -> None:
    rows = "".join(f"M{n:03d};Zzanna{n};Zzgross{n};Dresden;aktiv\r\n" for n in range(20))
    (office.folder / "list.csv").write_text(rows, encoding="utf-8")
    ended = office.syncd("init", "list.csv")
    assert (ended.code, "few or none of its 5 are known" in ended.err) == (1, True), ended.err
    assert "zz" not in (ended.out + ended.err).casefold()


def test_a_file_that_is_named_twice_is_told(office: Office) -> None:
    ended = office.syncd("init", "members.csv", str(office.folder / "members.csv"))
    assert (ended.code, "named twice" in ended.err) == (0, True), ended.err


def test_a_last_row_of_totals_is_no_record_also_where_the_first_column_is_empty(office: Office) -> None:
    office.columns = ["", *COLUMNS]
    office.rows = [*(["", *row] for row in office.rows), ["", "Summe: 40", *[""] * (len(COLUMNS) - 1)]]
    office.export()
    out = office.syncd("init", "members.csv", "--url", office.url).out
    assert "'Summe', is no record" in out
    assert [office.syncd(*command).code for command in (["check"], ["--once"])] == [0, 0]
    assert len(office.sandbox.customers) == 40


def test_a_table_of_a_database_has_no_row_of_totals(office: Office) -> None:
    with sqlite3.connect(office.folder / "club.db") as club:
        club.execute("create table friends (place text, id integer, first_name text, last_name text)")
        club.executemany("insert into friends values (?, ?, ?, ?)", [("Bonn", 1, "A", "B"), ("Total", 2, None, None)])
    club.close()
    assert office.syncd("init", "sqlite:///club.db", "--table", "friends").code == 0
    assert "trailer" not in written(office)


def test_of_a_workbook_with_several_sheets_one_is_named_with_an_option(office: Office) -> None:
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Hinweise")):
        sheet.append(["Nr", "Nachname"])
    book.save(office.folder / "members.xlsx")
    ended = office.syncd("init", "members.xlsx")
    assert (ended.code, "init takes it as --sheet NAME" in ended.err) == (1, True), ended.err
    assert "syncd check" not in ended.err


@pytest.mark.parametrize(
    ("file", "sync"),
    [("Förderer 2026.csv", "foerderer"), ("2026.csv", "members"), ("Große Spender-neu.csv", "grosse-spender-neu")],
)
def test_a_sync_is_called_after_the_words_of_the_file(office: Office, file: str, sync: str) -> None:
    (office.folder / "members.csv").rename(office.folder / file)
    assert f"Wrote config.toml: '{sync}'." in office.syncd("init", file).out


def test_a_workbook_needs_nothing_but_what_syncd_depends_on(office: Office) -> None:
    (office.folder / "schools.xlsx").write_bytes(schools().content)
    root = Path(__file__).parents[2]
    core = needed_by_the_core()
    absent = {
        module
        for module, names in packages_distributions().items()
        if module != "syncd" and core.isdisjoint(map(normalized, names))
    }
    assert {"openpyxl", "paramiko"} <= absent
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); from syncd.cli.main import main; main()"
    command = [sys.executable, "-c", code, "init", "schools.xlsx", "--sheet", "Schulen"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(command, cwd=office.folder, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
