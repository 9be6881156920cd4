"""Whole runs of the command over a tap: ids that are none, things that are no records, properties that are gone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import CONFIG, Office, open_office

SOURCE = 'type = "singer"\ncommand = ["cat", "said"]\nstream = "c"\n'
GOOD = ['{"id": "a", "name": "Ada", "surname": "One"}', '{"id": 5.0, "name": "Bo", "surname": "Five"}']


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        csv = CONFIG[CONFIG.index('type = "csv"') : CONFIG.index("[sync.members.foreign_id]")]
        text = CONFIG.format(url=office.url).replace(csv, SOURCE).replace('from = "Nr"', 'from = "id"')
        fields = text[text.index("[sync.members.fields]") : text.index("[sync.members.delete]")]
        office.configure(text.replace(fields, '[sync.members.fields]\nname = "name"\nsurname = "surname"\n'))
        yield office


def say(
    office: Office, *records: str, names: tuple[str, ...] = ("id", "name", "surname"), is_open: bool = False
) -> None:
    properties = {"properties": {name: {} for name in names}, "additionalProperties": is_open or None}
    schema = {"type": "SCHEMA", "stream": "c", "schema": properties}
    lines = [json.dumps(schema), *(f'{{"type": "RECORD", "stream": "c", "record": {one}}}' for one in records)]
    (office.folder / "said").write_text("\n".join(lines) + "\n", encoding="utf-8")


def ids(office: Office) -> list[str]:
    return sorted(str(customer["foreign_id"]) for customer in office.sandbox.customers)


@pytest.mark.in_part(2)
@pytest.mark.parametrize("one", [r'"A\ud83d"', "1e400", "NaN", "true", "null", "[1]", "{}", "9" * 5000, "1e20"])
def test_an_id_that_is_none_spoils_its_own_record_alone(office: Office, one: str) -> None:
    say(office, *GOOD, f'{{"id": {one}, "name": "Zz", "surname": "Zz"}}')
    ended = office.syncd("--once")
    assert (ended.code, ids(office)) == (3, ["M-5", "M-a"])
    assert len(ended.named("source.invalid_record")) == 1
    assert "Zz" not in ended.out + ended.err


@pytest.mark.parametrize("thing", ["null", '"Zz"', "7", "[1]"])
def test_while_something_is_no_record_nobody_is_absent(office: Office, thing: str) -> None:
    say(office, *GOOD)
    assert office.syncd("--once").code == 0
    say(office, GOOD[0], thing)
    assert (office.syncd("--once").code, ids(office)) == (3, ["M-5", "M-a"])


def test_a_property_that_is_gone_empties_nobodys_field(office: Office) -> None:
    say(office, *GOOD)
    assert office.syncd("--once").code == 0
    say(office, '{"id": "a", "name": "Ada"}', '{"id": 5.0, "name": "Bo"}', names=("id", "name"))
    ended = office.syncd("--once")
    (failed,) = ended.named("run.failed")
    assert (ended.code, "there is no column 'surname'" in failed["error"]) == (1, True)
    assert "the tap's catalog" in failed["remedy"]
    assert sorted(str(customer["surname"]) for customer in office.sandbox.customers) == ["Five", "One"]
    assert office.syncd("check").code == 1


def test_a_property_that_no_record_of_an_open_schema_has_empties_nobodys_field(office: Office) -> None:
    say(office, *GOOD, is_open=True)
    assert office.syncd("--once").code == 0
    say(office, '{"id": "a", "name": "Ada"}', '{"id": 5.0, "name": "Bo"}', is_open=True)
    ended = office.syncd("--once")
    (failed,) = ended.named("run.failed")
    assert (ended.code, "there is no 'surname' in any record" in failed["error"]) == (1, True)
    assert sorted(str(customer["surname"]) for customer in office.sandbox.customers) == ["Five", "One"]
