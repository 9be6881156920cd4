"""Whole runs over an API that sends ids which are none, and things which are no records."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crm import Crm, open_crm
from flask import Response
from office import CONFIG, Office, open_office

SOURCE = 'type = "rest"\nurl = "{url}/api/all"\nattempts = 1\n'
GOOD = ['{"Nr": "0001", "Vorname": "Ada", "Nachname": "One"}', '{"Nr": 5.0, "Vorname": "Bo", "Nachname": "Five"}']
NO_IDS = [
    r'"A\ud83d"', "1e400", "-1e400", "NaN", "true", "false", "null", "[1]", '{"a": 1}', '""', "9" * 5000, "9" * 600,
    '" "', r'"\u0000"', "1e20", "9007199254740993.0", '"NaN"', '"null"',
]  # fmt: skip


@pytest.fixture
def crm() -> Crm:
    return Crm()


@pytest.fixture
def office(tmp_path: Path, crm: Crm) -> Iterator[Office]:
    with open_office(tmp_path) as office, open_crm(crm) as url:
        csv = CONFIG[CONFIG.index('type = "csv"') : CONFIG.index("[sync.members.foreign_id]")]
        text = CONFIG.format(url=office.url).replace(csv, SOURCE.format(url=url))
        fields = text[text.index("[sync.members.fields]") : text.index("[sync.members.delete]")]
        office.configure(text.replace(fields, '[sync.members.fields]\nname = "Vorname"\nsurname = "Nachname"\n'))
        yield office


def answer(crm: Crm, *records: str) -> None:
    crm.misbehave = lambda _number, _good: Response(f"[{', '.join(records)}]", content_type="application/json")


def ids(office: Office) -> list[object]:
    return sorted(str(customer["foreign_id"]) for customer in office.sandbox.customers)


@pytest.mark.in_part(3)
@pytest.mark.parametrize("one", NO_IDS, ids=lambda one: one[:20])
def test_an_id_that_is_none_spoils_its_own_record_alone(office: Office, crm: Crm, one: str) -> None:
    answer(crm, *GOOD, f'{{"Nr": {one}, "Vorname": "Zz", "Nachname": "Zz"}}')
    ended = office.syncd("--once")
    assert (ended.code, ids(office)) == (3, ["M-0001", "M-5"])
    assert len(ended.named("source.invalid_record")) == 1
    assert "Zz" not in ended.out + ended.err


@pytest.mark.parametrize("one", [r'"Zz\ud83d"', "1e400", "NaN", "9" * 5000, "[1]"], ids=lambda one: one[:9])
def test_a_value_that_is_none_spoils_its_own_record_alone(office: Office, crm: Crm, one: str) -> None:
    answer(crm, *GOOD, f'{{"Nr": "7", "Vorname": {one}, "Nachname": "Zz"}}')
    assert (office.syncd("--once").code, ids(office)) == (3, ["M-0001", "M-5"])


@pytest.mark.parametrize("one", [r'"Zz\ud83d"', "1e400", "NaN", "9" * 5000], ids=lambda one: one[:9])
def test_a_value_that_nobody_maps_spoils_nothing(office: Office, crm: Crm, one: str) -> None:
    answer(crm, *GOOD, f'{{"Nr": "7", "Vorname": "Cy", "Nachname": "Seven", "other": {one}}}')
    assert (office.syncd("--once").code, ids(office)) == (0, ["M-0001", "M-5", "M-7"])


@pytest.mark.in_part(3)
@pytest.mark.parametrize("thing", ["null", '"Zz"', "7", "[1]", "{}"])
def test_while_something_in_the_list_is_no_record_nobody_is_absent(office: Office, crm: Crm, thing: str) -> None:
    answer(crm, *GOOD)
    assert office.syncd("--once").code == 0
    answer(crm, GOOD[0], thing)
    ended = office.syncd("--once")
    assert (ended.code, ids(office)) == (3, ["M-0001", "M-5"])
    assert "Zz" not in ended.out + ended.err
    assert office.syncd("check").code == 3
    answer(crm, GOOD[0])
    office.syncd("--once")
    assert ids(office) == ["M-0001"]
