"""`--once --only`: one record is sent, and nothing else happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office, person
from terminal import on_a_terminal


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        opened.syncd("--once")
        yield opened


def change(office: Office, row: int, column: str, cell: str) -> None:
    office.rows[row][office.columns.index(column)] = cell
    office.export()


def surname(office: Office, foreign_id: str) -> object:
    return office.sandbox.by_foreign_id(foreign_id)[0].fields["surname"]


@pytest.mark.parametrize("spelling", ["0005", "M-0005"])
def test_one_record_is_sent_and_the_others_wait(office: Office, spelling: str) -> None:
    change(office, 4, "Nachname", "Neu")
    change(office, 5, "Nachname", "Neu")
    assert office.syncd("--once", "--only", spelling).code == 0
    assert (surname(office, "M-0005"), surname(office, "M-0006")) == ("Neu", "Zznäch6")
    office.syncd("--once")
    assert surname(office, "M-0006") == "Neu"


def test_a_new_record_is_created_alone(office: Office) -> None:
    office.rows += [person(41), person(42)]
    office.export()
    office.syncd("--once", "--only", "0042")
    assert [len(office.sandbox.by_foreign_id(one)) for one in ("M-0041", "M-0042")] == [0, 1]


def test_nobody_is_erased(office: Office) -> None:
    del office.rows[0]
    change(office, 4, "Nachname", "Neu")
    office.syncd("--once", "--only", "0006")
    assert len(office.sandbox.by_foreign_id("M-0001")) == 1
    office.syncd("--once", "--only", "M-0001")
    assert len(office.sandbox.by_foreign_id("M-0001")) == 1


def test_the_exit_code_tells_of_the_one_alone(office: Office) -> None:
    change(office, 4, "E-Mail", "nobody")
    assert office.syncd("--once", "--only", "0005").code == 3
    assert office.syncd("--once", "--only", "0006").code == 0


def test_who_is_not_in_the_source_is_named(office: Office) -> None:
    ended = office.syncd("--once", "--only", "0099", "--only", "0005")
    assert ended.code == 2
    assert "Not in the source, or left out by `where`: 0099." in ended.err


def test_who_is_known_and_gone_from_the_source_is_not_in_it(office: Office) -> None:
    del office.rows[0]
    office.export()
    assert office.syncd("--once", "--only", "0001").code == 2


def test_what_a_guard_holds_is_not_sent(office: Office) -> None:
    change(office, 6, "Nr", "7")
    assert office.syncd("--once", "--only", "7").code == 4
    assert office.sandbox.by_foreign_id("M-7") == []


def test_what_was_refused_is_tried_again_at_once(office: Office) -> None:
    change(office, 4, "Nachname", "")
    office.syncd("--once")
    calls = len(office.sandbox.calls)
    office.syncd("--once")
    assert len(office.sandbox.calls) == calls
    assert office.syncd("--once", "--only", "0005").code == 3
    assert len(office.sandbox.calls) > calls


def test_an_approval_of_others_stays(office: Office) -> None:
    del office.rows[30:]
    office.export()
    assert office.syncd("--once").code == 4
    office.syncd("approve", "members")
    change(office, 4, "Nachname", "Neu")
    office.syncd("--once", "--only", "0005")
    office.syncd("--once")
    assert len(office.sandbox.customers) == 30


def test_that_nothing_was_sent_is_said(office: Office) -> None:
    ended = office.syncd("--once", "--only", "0005")
    assert (ended.code, ended.err) == (0, "members: nothing was sent; `syncd show 0005` tells why.\n")


def test_the_last_run_of_the_sync_stays_the_last_whole_one(office: Office) -> None:
    change(office, 4, "E-Mail", "nobody")
    office.syncd("--once")
    office.syncd("--once", "--only", "0006")
    assert "done with problems" in office.syncd("status").out


def test_it_goes_with_once_alone(office: Office) -> None:
    for arguments in (
        ["--only", "0005"],
        ["--once", "--only", "0005", "--dry-run"],
        ["--once", "--show-answer"],
        ["--once", "--only", ""],
    ):
        assert office.syncd(*arguments).code == 2


def test_what_go_mus_answers_is_shown_on_a_terminal_and_nowhere_else(office: Office) -> None:
    change(office, 4, "Nachname", "")
    assert office.syncd("--once", "--only", "0005", "--show-answer").code == 2
    code, shown = on_a_terminal(office, "--once", "--only", "0005", "--show-answer")
    assert code == 3
    assert b"go~mus answers 422: {" in shown
    assert b"can't be blank" in shown
