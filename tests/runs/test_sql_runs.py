"""Whole runs of the command over a database: changes, deletions, and ids that are none."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import CONFIG, Office, open_office

SOURCE = """type = "sql"
url = "sqlite:///club.db"
query = "select * from members where changed_at >= :since and coalesce(name, '') <> ':since'"
incremental = { param = "since", cursor = "changed_at" }
deleted = "gone"
"""
YESTERDAY = "2020-11-22 10:00:00"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        csv = CONFIG[CONFIG.index('type = "csv"') : CONFIG.index("[sync.members.foreign_id]")]
        text = CONFIG.format(url=office.url).replace(csv, SOURCE).replace('from = "Nr"', 'from = "id"')
        fields = text[text.index("[sync.members.fields]") : text.index("[sync.members.delete]")]
        office.configure(text.replace(fields, '[sync.members.fields]\nname = "name"\nsurname = "surname"\n'))
        do(office, "create table members (id, name text, surname text, changed_at text, gone integer)")
        yield office


def do(office: Office, statement: str, *values: object) -> None:
    database = sqlite3.connect(office.folder / "club.db")
    with database:
        database.execute(statement, values)
    database.close()


def add(office: Office, number: object, name: str = "Ada") -> None:
    do(office, "insert into members values (?, ?, 'Zz', ?, 0)", number, name, YESTERDAY)


def ids(office: Office) -> list[str]:
    return sorted(str(customer["foreign_id"]) for customer in office.sandbox.customers)


def test_a_change_is_sent_and_who_is_told_deleted_is_deleted(office: Office) -> None:
    for number in ("a", "b", "c"):
        add(office, number)
    assert (office.syncd("--once").code, ids(office)) == (0, ["M-a", "M-b", "M-c"])
    do(office, "update members set name = 'Bo', changed_at = '2020-11-23 10:00:00' where id = 'b'")
    do(office, "update members set gone = 1, changed_at = '2020-11-23 10:00:00' where id = 'c'")
    do(office, "delete from members where id = 'a'")
    ended = office.syncd("--once")
    assert (ended.code, ids(office)) == (0, ["M-a", "M-b"])
    assert "Bo" in [customer["name"] for customer in office.sandbox.customers]


@pytest.mark.parametrize("one", [None, float("inf"), 1e20, "", " ", b"A\xff", 2.0**53])
def test_an_id_that_is_none_spoils_its_own_record_alone(office: Office, one: object) -> None:
    add(office, "a")
    add(office, 5.0)
    do(office, "insert into members values (?, 'Zz', 'Zz', ?, 0)", one, YESTERDAY)
    if isinstance(one, bytes):
        do(office, "update members set id = cast(id as text)")
    ended = office.syncd("--once")
    assert (ended.code, "M-a" in ids(office), len(ids(office))) == (3, True, 2)
    assert len(ended.named("source.invalid_record")) == 1
    assert "Zz" not in ended.out + ended.err


def test_a_name_in_another_encoding_spoils_its_own_record_until_the_encoding_is_named(office: Office) -> None:
    add(office, "a")
    do(office, "insert into members values ('b', cast(x'4dfc6c6c6572' as text), 'Zz', ?, 0)", YESTERDAY)
    ended = office.syncd("--once")
    assert (ended.code, ids(office)) == (3, ["M-a"])
    assert "a letter was lost" in str(ended.named("source.invalid_record")[0]["problems"])
    office.reconfigure('deleted = "gone"', 'deleted = "gone"\nencoding = "windows-1252"')
    assert (office.syncd("--once").code, ids(office)) == (0, ["M-a", "M-b"])
    assert "Müller" in [customer["name"] for customer in office.sandbox.customers]
