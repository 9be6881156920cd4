"""`link NAME FILE`: an export of go~mus' back office is compared with the list, and a person decides the rest."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from office import MARKS, Ended, Office, open_office, person
from openpyxl import Workbook

HEADER = ["ID", "Vorname", "Nachname", "E-Mail"]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Ten of its list are customers of the shop already: 1 to 6 plainly, 7 to 10 each in a way of its own."""
    with open_office(tmp_path) as office:
        del office.rows[12:]
        office.rows[9] = [*person(10)[:3], "", *person(10)[4:]]  # without an address in the list
        office.export()
        for number in range(1, 11):
            _, name, surname, email, *_ = person(number)
            office.sandbox.add_customer(id=100 + number, name=name, surname=surname, email=email)
        office.sandbox.add_customer(id=207, **dict(zip(("name", "surname", "email"), person(7)[1:4], strict=True)))
        office.sandbox.save({"name": "Zzmax"}, customer(office, 108))
        office.sandbox.save({"email": "zzmial9@example.org"}, customer(office, 109))
        back_office(office)
        yield office


def customer(office: Office, number: int) -> Any:
    return next(one for one in office.sandbox.customers if one.id == number)


def back_office(office: Office, header: list[str] = HEADER, name: str = "export.csv") -> None:
    """The export, as the back office writes it."""
    with (office.folder / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(header)
        writer.writerows(
            [str(one.id), one.fields["name"], one.fields["surname"], one.fields["email"]]
            for one in office.sandbox.customers
        )


def link(office: Office, *arguments: str) -> Ended:
    return office.syncd("link", "members", *arguments)


def found(office: Office, *arguments: str) -> Any:
    return json.loads(link(office, "export.csv", "--json", *arguments).out)


def test_a_plan_says_who_is_certain_and_why_others_are_not(office: Office) -> None:
    plan = found(office)
    assert plan["link"] == [{"foreign_id": f"M-{one:04d}", "gomus_id": 100 + one} for one in range(1, 7)]
    assert plan["open"] == [
        {"foreign_id": "M-0007", "reason": "match-several", "candidates": [107, 207]},
        {"foreign_id": "M-0008", "reason": "match-email", "candidates": [108]},
        {"foreign_id": "M-0009", "reason": "match-misspelt", "candidates": [109]},
        {"foreign_id": "M-0010", "reason": "match-names", "candidates": [110]},
    ]
    assert plan["counts"]["new"] == 2


def test_a_plan_ends_with_3_and_writes_nothing_anywhere(office: Office) -> None:
    before = office.files()
    ended = link(office, "export.csv")
    assert (ended.code, office.files()) == (3, before)
    assert all(call.method == "GET" for call in office.sandbox.calls)


def test_a_plan_without_doubts_ends_with_0(office: Office) -> None:
    del office.rows[6:]
    office.export()
    assert link(office, "export.csv").code == 0


def test_a_plan_holds_no_value(office: Office) -> None:
    told = link(office, "export.csv"), link(office, "export.csv", "--json")
    assert not any(mark in one.out + one.err for mark in MARKS for one in told)


def test_a_record_that_is_invalid_is_compared_too(office: Office) -> None:
    office.rows[0][4] = "Telefon folgt"
    office.export()
    assert {"foreign_id": "M-0001", "gomus_id": 101} in found(office)["link"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.csv",), "There is no file nowhere.csv"),
        (("export.csv", "--by", "email,phone"), "'phone' is none of email, name, surname"),
        (("export.csv", "--columns", "number=ID"), "'number=ID' is not ROLE=COLUMN"),
        (("export.csv", "--columns", "id=Nr"), "there is no such column"),
        (("export.csv", "--take", "source"), "--plan and --take with --apply"),
        (("export.csv", "--renamed"), "Say which customers"),
        ((), "Say which customers"),
        (("--apply",), "Say which customers"),
        (("--decide", "M-0001"), "is not ID=NUMBER"),
        (("--decide", "M-0001=old"), "is not ID=NUMBER"),
        (("--decide", "=4"), "is not ID=NUMBER"),
        (("--decide", "M-0099=4"), "there is no such new record"),
        (("--decide", "M-0001=4", "--decide", "M-0002=4"), "customer 4 can't be two records"),
        (("--decide", "M-0001=4", "--decide", "1=5"), "there is no such new record"),
        (("--decide", "M-0001=4", "--decide", "0001=5"), "a record is named twice"),
    ],
)
def test_what_can_not_be_meant_is_told_with_a_remedy(office: Office, arguments: tuple[str, ...], words: str) -> None:
    ended = link(office, *arguments)
    assert ended.code == 2
    assert words in ended.err


def test_columns_that_are_not_known_are_named(office: Office) -> None:
    back_office(office, ["Satz", "Vorname", "Nachname", "E-Mail"])
    ended = link(office, "export.csv")
    assert (ended.code, "the number of a customer" in ended.err, "'Satz'" in ended.err) == (2, True, True)
    assert link(office, "export.csv", "--columns", "id=Satz").code == 3


def test_an_export_without_its_header_is_not_quoted(office: Office) -> None:
    lines = (office.folder / "export.csv").read_text(encoding="utf-8").splitlines()
    (office.folder / "export.csv").write_text("\n".join(lines[1:]) + "\n", encoding="utf-8")
    ended = link(office, "export.csv")
    assert ended.code in (1, 2)
    assert not any(mark in ended.err for mark in MARKS)


def test_a_plan_that_is_another_by_now_is_refused(office: Office) -> None:
    plan = found(office)["plan"]
    del office.rows[0]
    office.export()
    ended = link(office, "export.csv", "--apply", "--plan", plan)
    assert (ended.code, "The plan is another by now" in ended.err) == (2, True)
    assert all(call.method == "GET" for call in office.sandbox.calls)


def test_a_workbook_is_an_export_too(office: Office) -> None:
    book = Workbook()
    for row in csv.reader((office.folder / "export.csv").read_text(encoding="utf-8").splitlines(), delimiter=";"):
        book.active.append([int(row[0]) if row[0].isdigit() else row[0], *row[1:]])
    book.save(office.folder / "export.xlsx")
    ended = link(office, "export.xlsx", "--json")
    assert ended.err == ""
    assert json.loads(ended.out)["plan"] == found(office)["plan"]
