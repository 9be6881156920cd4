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
