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


def test_a_record_that_names_its_customer_is_not_compared_and_takes_it(office: Office) -> None:
    office.columns.append("Nr. in go~mus")
    office.rows = [[*row, "107" if row[0] == "0007" else ""] for row in office.rows]
    office.rows[5][1:4] = office.rows[6][1:4]  # another record of the same name and address
    office.export()
    office.reconfigure('prefix = "M-"', 'prefix = "M-"\ngomus_id = "Nr. in go~mus"')
    plan = found(office)
    assert "M-0007" not in {one["foreign_id"] for one in plan["open"] + plan["link"]}
    assert {"foreign_id": "M-0006", "gomus_id": 207} in plan["link"]


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
        (("export.csv", "--why", "asked"), "--why goes with --decide"),
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


# --- carrying out ---


def test_who_is_certain_gets_the_foreign_id_and_what_is_empty(office: Office) -> None:
    ended = link(office, "export.csv", "--apply", "--yes")
    assert (ended.code, "6 linked." in ended.out) == (3, True)
    linked = {one.id: one.fields["foreign_id"] for one in office.sandbox.customers if one.fields["foreign_id"]}
    assert linked == {100 + one: f"M-{one:04d}" for one in range(1, 7)}
    assert customer(office, 101).fields["tel"]


def test_an_application_says_in_json_who_was_linked(office: Office) -> None:
    done = found(office, "--apply")
    assert done["linked"] == {f"M-{one:04d}": 100 + one for one in range(1, 7)}
    assert (done["failed"], done["held"]) == ({}, [])


def test_a_customer_who_is_somebody_else_by_now_is_not_linked(office: Office) -> None:
    office.sandbox.save({"surname": "Zzanders"}, customer(office, 101))
    done = found(office, "--apply")
    assert list(done["failed"]) == ["M-0001"]
    assert "somebody else, by name, surname" in done["failed"]["M-0001"]
    assert customer(office, 101).fields["foreign_id"] is None


@pytest.mark.parametrize("is_other_export", [False, True])
def test_whoever_could_not_be_linked_is_compared_again_and_created_by_no_run(
    office: Office, is_other_export: bool
) -> None:
    office.sandbox.save({"foreign_id": "OTHER-1"}, customer(office, 101))  # since the export was written
    office.sandbox.save({"surname": "Zzimhof"}, customer(office, 102))
    assert link(office, "export.csv", "--apply", "--yes").code == 3
    before = len(office.sandbox.customers)
    if is_other_export:
        office.sandbox.save({"foreign_id": None}, customer(office, 101))
        back_office(office)
    plan = link(office, "export.csv", "--json")
    again = link(office, "export.csv", "--apply", "--yes")
    office.syncd("--once")
    assert (plan.code, again.code, "M-0001" in plan.out, "M-0002" in plan.out) == (3, 3, True, True)
    assert customer(office, 101).fields["foreign_id"] == ("M-0001" if is_other_export else "OTHER-1")
    assert len(office.sandbox.customers) == before + 2  # the two who are new
    assert not {"M-0001", "M-0002"} & {one.fields["foreign_id"] for one in office.sandbox.customers[before:]}


def test_a_day_of_birth_that_contradicts_is_left_to_a_person(office: Office) -> None:
    office.sandbox.save({"date_of_birth": "1950-01-01"}, customer(office, 101))
    ended = link(office, "export.csv", "--apply", "--yes")
    assert "M-0001: the customer with the number that the record names, or that was found for it" in ended.out
    office.syncd("--once")
    assert customer(office, 101).fields["date_of_birth"] == "1950-01-01"
    assert link(office, "--decide", "0001=101").code == 0
    office.syncd("--once")
    assert customer(office, 101).fields["foreign_id"] == "M-0001"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("ID", "1.001", "no row has the number of a customer"), ("E-Mail", "Zzvor", "no row has an e-mail address")],
)
def test_an_export_that_can_find_nobody_is_no_plan(office: Office, column: str, value: str, words: str) -> None:
    with (office.folder / "export.csv").open(encoding="utf-8", newline="") as file:
        rows = [{**row, column: value} for row in csv.DictReader(file, delimiter=";")]
    with (office.folder / "export.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER, delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    ended = link(office, "export.csv")
    assert (ended.code, words in ended.err) == (2, True)


def test_an_export_of_other_people_is_told_as_such(office: Office) -> None:
    (office.folder / "export.csv").write_text(";".join(HEADER) + "\n7;Zzeva;Zzfremd;zzeva@example.org\n")
    assert "Nobody of members was found in it" in link(office, "export.csv").out


def test_an_export_in_letters_of_old_is_read_where_they_are_named(office: Office) -> None:
    text = (office.folder / "export.csv").read_text(encoding="utf-8")
    (office.folder / "export.csv").write_text(text, encoding="cp850")
    assert link(office, "export.csv", "--encoding", "cp850").code == 3
    assert link(office, "export.csv", "--encoding", "cp85o").code == 2


def test_after_it_a_run_creates_the_new_alone_and_nobody_twice(office: Office) -> None:
    link(office, "export.csv", "--apply")
    office.syncd("--once")
    created = {one.fields["foreign_id"] for one in office.sandbox.customers if one.id not in {*range(101, 111), 207}}
    assert created == {"M-0011", "M-0012"}


def test_the_same_once_more_finds_nobody_new(office: Office) -> None:
    link(office, "export.csv", "--apply")
    done = found(office, "--apply")
    assert (done["link"], done["linked"], len(done["open"])) == ([], {}, 4)


def test_what_a_person_decides_is_done_by_the_next_run(office: Office) -> None:
    link(office, "export.csv", "--apply")
    assert link(office, "--decide", "M-0007=207", "--decide", "0008=new", "--why", "asked them").code == 0
    office.syncd("--once")
    assert customer(office, 207).fields["foreign_id"] == "M-0007"
    assert [one.fields["name"] for one in office.sandbox.by_foreign_id("M-0008")] == ["Zzvor8"]


def test_what_a_person_has_decided_stays(office: Office) -> None:
    link(office, "--decide", "M-0001=new")
    done = found(office, "--apply")
    assert (done["counts"]["decided"], "M-0001" in done["linked"]) == (1, False)


def test_a_person_names_no_customer_of_another_record(office: Office) -> None:
    link(office, "export.csv", "--apply")
    ended = link(office, "--decide", "M-0007=101")
    assert (ended.code, "customer 101 is known already" in ended.err) == (2, True)


def test_nothing_is_decided_on_who_is_known(office: Office) -> None:
    link(office, "export.csv", "--apply")
    ended = link(office, "--decide", "M-0001=107")
    assert (ended.code, "is known already" in ended.err) == (2, True)


@pytest.mark.parametrize(("taken", "shown"), [((), "+49"), (("--take", "source"), "+4930231250")])
def test_what_differs_is_sent_at_once_only_where_that_is_asked_for(
    office: Office, taken: tuple[str, ...], shown: str
) -> None:
    office.sandbox.save({"tel": "+49 89 1"}, customer(office, 101))
    link(office, "export.csv", "--apply", *taken)
    tel = customer(office, 101).fields["tel"]
    assert (tel != "+49 89 1") == bool(taken)


def test_a_sync_that_creates_nobody_links_nobody(office: Office) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\nactions = ["update"]\n')
    ended = link(office, "export.csv", "--apply")
    assert (ended.code, "does not name 'create'" in ended.err) == (2, True)


# --- who decides is told ---


def test_whoever_waits_stands_on_the_worklist_once_with_the_numbers(office: Office) -> None:
    link(office, "export.csv", "--apply")
    listed = json.loads(office.syncd("worklist", "--json").out)
    assert {(one["foreign_id"], one["kind"], one["code"]) for one in listed} == {
        ("M-0007", "match", "match-several"),
        ("M-0008", "match", "match-email"),
        ("M-0009", "match", "match-misspelt"),
        ("M-0010", "match", "match-names"),
    }
    assert "107, 207" in next(one["text"] for one in listed if one["foreign_id"] == "M-0007")


def test_whoever_was_decided_on_leaves_the_worklist(office: Office) -> None:
    link(office, "export.csv", "--apply")
    link(office, "--decide", "M-0007=new")
    listed = json.loads(office.syncd("worklist", "--json").out)
    assert "M-0007" not in {one["foreign_id"] for one in listed}


def test_the_story_of_a_record_says_among_whom_to_choose(office: Office) -> None:
    link(office, "export.csv", "--apply")
    told = office.syncd("show", "M-0007").out
    assert "107, 207" in told
    assert "--decide" in told


def test_the_status_counts_who_waits(office: Office) -> None:
    link(office, "export.csv", "--apply")
    assert "4 may be in go~mus already" in office.syncd("status").out
    assert json.loads(office.syncd("status", "--json").out)[0]["undecided"] == 4
