"""Customers that go~mus has already, as the commands tell of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import MARKS, Office, open_office, person

COLUMN = "go~mus-Nr."


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Two members are synced; of the next two the office knows the numbers, of whom one is somebody else."""
    with open_office(tmp_path) as office:
        office.rows = [person(number) for number in (1, 2)]
        office.export()
        office.syncd("--once")
        office.columns.append(COLUMN)
        shop = [office.sandbox.add_customer(name=f"Zzvor{number}", surname=f"Zznäch{number}") for number in (3, 5)]
        office.rows = [[*row, ""] for row in office.rows]
        office.rows += [[*person(number), str(customer.id)] for number, customer in zip((3, 4), shop, strict=True)]
        office.reconfigure('prefix = "M-"', f'prefix = "M-"\ngomus_id = "{COLUMN}"')
        office.export()
        yield office


def test_a_plan_tells_who_is_to_be_linked(office: Office) -> None:
    ended = office.syncd("plan")
    assert "2  to link: go~mus has them already" in ended.out
    assert "0 to create, 2 to link, 0 to update, 0 to erase" in ended.out
    assert json.loads(office.syncd("plan", "--json").out)["plans"][0]["counts"]["link"] == 2


def test_a_record_that_is_to_be_linked_says_so(office: Office) -> None:
    number = office.rows[2][-1]
    story = office.syncd("show", "M-0003").out
    assert f"is customer {number} in go~mus, which gets this foreign_id from the next run" in story


def test_a_run_links_and_lists_who_is_somebody_else_with_the_column(office: Office) -> None:
    ended = office.syncd("--once", "--log-format", "json")
    (linked,) = [one for one in ended.named("record.outcome") if one["result"] == "ok"]
    assert (linked["foreign_id"], linked["action"], str(linked["gomus_id"])) == ("M-0003", "link", office.rows[2][-1])
    assert linked["fields"] == ["addr_country_id", "date_of_birth", "email", "foreign_id", "tel"]
    (entry,) = json.loads(office.syncd("worklist", "--json").out)
    assert (entry["id"], entry["code"]) == ("0004", "other-person")
    assert entry["text"].endswith("abweichend: Vorname, Nachname.")
    assert not any(mark in ended.out + ended.err for mark in MARKS)


def test_a_cell_that_is_no_number_is_listed_by_its_column(office: Office) -> None:
    office.rows[3][-1] = "siehe Akte"
    office.export()
    office.syncd("--once")
    (entry,) = json.loads(office.syncd("worklist", "--json").out)
    assert (entry["code"], entry["column"]) == ("no-customer-number", COLUMN)
