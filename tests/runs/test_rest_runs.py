"""Whole runs of the command over REST, when the source breaks off in the middle."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crm import Crm, open_crm
from flask import Response
from office import CONFIG, Office, open_office

SOURCE = """type = "rest"
url = "{url}/api/pages"
records = "data.items"
attempts = 1
pagination = {{ type = "page" }}
{more}"""


@pytest.fixture
def crm() -> Crm:
    return Crm(records=[{"Nr": f"{number:04d}", "Vorname": "Ada", "Nachname": "Quandt"} for number in range(1, 26)])


@pytest.fixture
def office(tmp_path: Path, crm: Crm) -> Iterator[Office]:
    with open_office(tmp_path) as office, open_crm(crm) as url:
        csv = CONFIG[CONFIG.index('type = "csv"') : CONFIG.index("[sync.members.foreign_id]")]
        text = CONFIG.format(url=office.url).replace(csv, SOURCE.format(url=url, more="# more\n"))
        fields = text[text.index("[sync.members.fields]") : text.index("[sync.members.delete]")]
        office.configure(text.replace(fields, '[sync.members.fields]\nname = "Vorname"\nsurname = "Nachname"\n'))
        yield office


def break_off(crm: Crm) -> None:
    start = len(crm.asked)
    crm.misbehave = lambda number, good: Response("", 500) if number - start >= 7 else good


def test_a_source_that_breaks_off_fails_the_run_and_nothing_is_done(office: Office, crm: Crm) -> None:
    break_off(crm)
    ended = office.syncd("--once")
    assert ended.code == 1
    (failed,) = ended.named("run.failed")
    assert failed["error"] == "pages page 7: the source failed (500)"
    assert failed["remedy"]
    assert office.sandbox.customers == []


def test_where_it_is_wanted_what_came_is_carried_out_and_the_run_has_failed(office: Office, crm: Crm) -> None:
    office.reconfigure("# more", 'on_incomplete = "apply"')
    break_off(crm)
    ended = office.syncd("--once")
    assert (ended.code, len(office.sandbox.customers)) == (1, 18)
    assert "pages page 7" in ended.named("run.failed")[0]["error"]


def test_nobody_is_deleted_by_it(office: Office, crm: Crm) -> None:
    assert office.syncd("--once").code == 0
    office.reconfigure("# more", 'on_incomplete = "apply"')
    break_off(crm)
    assert office.syncd("--once").code == 1
    assert len(office.sandbox.customers) == 25
    crm.misbehave = lambda _number, good: good
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.customers) == 25


# --- keys that no record has ---


def rename(crm: Crm, old: str = "Vorname", new: str = "Vornamen") -> None:
    crm.records = [{new if key == old else key: value for key, value in record.items()} for record in crm.records]


def missing(office: Office) -> tuple[str, str]:
    """The words and the remedy of a run that changes nobody."""
    before = list(office.sandbox.customers)
    ended = office.syncd("--once")
    assert (ended.code, office.sandbox.customers) == (1, before)
    (failed,) = ended.named("run.failed")
    return failed["error"], failed["remedy"]


@pytest.mark.parametrize("more", ["# more", 'on_incomplete = "apply"'])
def test_a_key_that_no_record_has_any_more_fails_the_run(office: Office, crm: Crm, more: str) -> None:
    assert office.syncd("--once").code == 0
    office.reconfigure("# more", more)
    rename(crm)
    error, remedy = missing(office)
    assert "there is no 'Vorname' in any record (fields.name.from)" in error
    assert "where all of them may lack it, write '@.Vorname'" in remedy


def test_a_read_that_breaks_off_without_the_key_empties_nothing(office: Office, crm: Crm) -> None:
    assert office.syncd("--once").code == 0
    office.reconfigure("# more", 'on_incomplete = "apply"')
    rename(crm)
    break_off(crm)
    assert "pages page 7" in missing(office)[0]


@pytest.mark.in_part(2)
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ('name = "address.first"', "'address.first' in any record (fields.name.from)"),
        ('name = "names[0].first"', "'names[0].first' in any record (fields.name.from)"),
        ('name = "First name"', "'First name' in any record (fields.name.from)"),
        ('name = { template = "{Vorname} {Zweitname}" }', "'Zweitname' in any record (fields.name.template)"),
        ('name = { from = ["Rufname", "Vorname"] }', "'Rufname' in any record (fields.name.from)"),
        ('name = { from = "Rufname", default = "x" }', "'Rufname' in any record (fields.name.from)"),
    ],
)
def test_each_way_to_a_key_that_no_record_has_is_judged(office: Office, crm: Crm, name: str, told: str) -> None:
    crm.records = [{**record, "address": {"city": "Zzstadt"}} for record in crm.records]
    office.reconfigure('name = "Vorname"', name)
    assert told in missing(office)[0]


@pytest.mark.in_part(2)
@pytest.mark.parametrize(
    "name",
    [
        'name = "@.Rufname"',
        "name = '@.\"Zweiter Vorname\"'",
        'name = { from = "Rufname", empty = "keep" }',
        'name = "address.first"',
        'name = { from = ["@.Rufname", "Vorname"] }',
        'name = { template = "{Vorname} {@.Zweitname}" }',
        'name = "Nachname"',
    ],
)
def test_a_key_that_may_be_missing_in_all_records_does_no_harm(office: Office, crm: Crm, name: str) -> None:
    crm.records = [{**record, "address": None} for record in crm.records]
    office.reconfigure('name = "Vorname"', name)
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.customers) == 25


def test_what_is_advised_for_a_key_with_a_blank_is_an_expression(office: Office) -> None:
    office.reconfigure('name = "Vorname"', 'name = "Zweiter Vorname"')
    assert """write '@."Zweiter Vorname"'""" in missing(office)[1]


def test_a_key_that_a_single_record_has_is_there(office: Office, crm: Crm) -> None:
    crm.records = [{key: record[key] for key in ("Nr", "Nachname")} for record in crm.records[:-1]] + [
        {**crm.records[-1], "Vorname": None}
    ]
    assert office.syncd("--once").code == 0


def test_check_tells_the_key_that_is_missing(office: Office, crm: Crm) -> None:
    rename(crm)
    ended = office.syncd("check")
    assert ended.code != 0
    assert "there is no 'Vorname' in any record (fields.name.from)" in ended.out
