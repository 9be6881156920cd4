"""`syncd init`: from a real export to a configuration that works, with no value of the export in it."""

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from office import COLUMNS, MARKS, Office, open_office, person

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
