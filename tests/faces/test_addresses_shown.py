"""What people read of e-mail addresses that several customers have."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office

REFUSING = 'attempts = 2\nshared_email = "refuse"'


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        opened.rows[6][3] = opened.rows[4][3] = opened.rows[2][3]
        opened.export()
        yield opened


@pytest.fixture
def refusing(office: Office) -> Office:
    office.reconfigure("attempts = 2", REFUSING)
    return office


def test_the_worklist_has_all_who_share_an_address_under_one_heading(office: Office) -> None:
    assert office.syncd("--once").code == 0
    listed = office.syncd("worklist", "--lang", "en")
    assert listed.code == 3
    assert listed.out.count("share an e-mail address") == 1
    assert "In go~mus 0003, 0005, 0007 share" in listed.out


def test_an_entry_is_of_the_column_that_holds_the_address(office: Office) -> None:
    office.syncd("--once")
    entries = json.loads(office.syncd("worklist", "--json").out)
    assert {(one["kind"], one["code"], one["column"]) for one in entries} == {("shared", "email-shared", "E-Mail")}


def test_status_counts_who_shares_an_address(office: Office) -> None:
    office.syncd("--once")
    assert "shared e-mail addresses: 3 customers" in office.syncd("status").out
    assert json.loads(office.syncd("status", "--json").out)[0]["shared_emails"] == 3


def test_a_plan_says_how_many_would_share_an_address(office: Office) -> None:
    planned = office.syncd("plan")
    assert planned.code == 0
    assert "2  would share an e-mail address" in planned.out


def test_show_names_the_others(office: Office) -> None:
    office.syncd("--once")
    shown = office.syncd("show", "0005", "--no-source").out
    assert "its e-mail address is also that of M-0003 (members)" in shown


def test_who_is_refused_an_address_is_told_who_has_it(refusing: Office) -> None:
    assert refusing.syncd("--once").code == 3
    listed = refusing.syncd("worklist", "--lang", "en").out
    assert "This e-mail address is that of 0003 in go~mus already" in listed
    assert refusing.syncd("failures").out.count("another customer of the instance has this address") == 2


def test_a_plan_lists_who_would_be_refused(refusing: Office) -> None:
    planned = refusing.syncd("plan")
    assert planned.code == 3
    assert "invalid, 2: email: another customer of the instance has this address" in planned.out


def test_a_check_says_that_some_are_invalid(refusing: Office) -> None:
    assert "2 of them are invalid, for shared_email refuses an address to the second" in refusing.syncd("check").out


def test_nobody_looks_where_sharing_is_allowed(office: Office) -> None:
    office.reconfigure("attempts = 2", 'attempts = 2\nshared_email = "allow"')
    assert "share" not in office.syncd("check").out
    office.syncd("--once")
    assert office.syncd("worklist").code == 0
