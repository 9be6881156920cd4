"""Who stands in a list more than once, where a read is of changes, and where the list is long."""

from datetime import date

import pytest

from syncd.domain.records import Position, SourceRecord, Value
from syncd.domain.sharing import SharedEmail
from syncd.errors import Fatal
from syncd.report.people import BUFFER, People
from syncd.sources.base import ReadKind

TODAY = date(2026, 11, 27)


def take(people: People, line: int, foreign_id: str, **fields: Value) -> None:
    position = Position(source="list.csv", line=line)
    people.take(SourceRecord(values={"Nr": foreign_id, **fields}, position=position), foreign_id, fields, ())


def told(people: People, kind: ReadKind = ReadKind.SNAPSHOT) -> list[str]:
    return [f"{one.what}: {one.words}" for one in people.findings("m", kind) if "surname" not in one.what]


def test_of_changes_the_last_counts_so_that_none_is_a_duplicate() -> None:
    with People(TODAY) as people:
        take(people, 1, "A", name="Anna")
        take(people, 2, "A", name="Anne")
        assert told(people, ReadKind.CHANGES) == []


def test_two_who_are_far_apart_are_found() -> None:
    with People(TODAY) as people:
        for line in range(2 * BUFFER + 1):
            take(people, line, f"A{line % (2 * BUFFER)}", surname=f"Muster{line}")
        (one,) = told(people)
    assert one.endswith(f"all 2 records are invalid, for example list.csv line 0 and list.csv line {2 * BUFFER}")


@pytest.mark.parametrize(
    "fields",
    [
        {"institution": "Schule am See", "email": "schule@example.org"},
        {"surname": "Muster", "email": "muster@example.org"},
        {"surname": "Muster", "name": "Anna", "date_of_birth": "1980-12-31"},
        {"surname": "Anna Muster", "date_of_birth": "1980-12-31"},
    ],
)
def test_what_makes_one_person(fields: dict[str, Value]) -> None:
    with People(TODAY) as people:
        take(people, 1, "A", **fields)
        take(people, 2, "B", **fields)
        assert any("1 person stands probably more than once" in one for one in told(people))


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "muster@example.org"},
        {"surname": "", "name": "", "email": "muster@example.org"},
        {"surname": "Muster", "name": "", "date_of_birth": "1980-12-31"},
        {"surname": "Muster", "name": "Anna"},
        {"date_of_birth": "1980-12-31"},
    ],
)
def test_what_makes_no_person(fields: dict[str, Value]) -> None:
    with People(TODAY) as people:
        take(people, 1, "A", **fields)
        take(people, 2, "B", **fields)
        assert [one for one in told(people) if "people" in one] == []


def test_one_id_twice_is_one_person() -> None:
    with People(TODAY) as people:
        for line in (1, 2):
            take(people, line, "A", surname="Muster", email="muster@example.org")
        assert [one for one in told(people) if "duplicates" not in one] == []


@pytest.mark.parametrize(
    ("policy", "words"), [(SharedEmail.REPORT, "may take another one"), (SharedEmail.REFUSE, "1 of them are invalid")]
)
def test_two_with_one_address_are_told(policy: SharedEmail, words: str) -> None:
    with People(TODAY, policy) as people:
        take(people, 1, "A", surname="Muster", email="familie@example.org")
        take(people, 2, "B", surname="Andere", email="familie@example.org")
        assert [one for one in told(people) if words in one]


def test_two_with_one_address_are_not_told_where_that_is_allowed() -> None:
    with People(TODAY, SharedEmail.ALLOW) as people:
        take(people, 1, "A", surname="Muster", email="familie@example.org")
        take(people, 2, "B", surname="Andere", email="familie@example.org")
        assert told(people) == []


def test_a_child_is_of_age_on_the_birthday() -> None:
    counts = []
    for today in (date(2026, 2, 28), date(2026, 3, 1)):
        with People(today) as people:
            take(people, 1, "A", date_of_birth="2010-03-01", surname="M")
            counts.append(len(told(people)))
    assert counts == [1, 0]


def fill(room: int) -> None:
    with People(TODAY) as people:
        people._db.execute(f"pragma max_page_count = {room}")
        for line in range(20 * BUFFER):
            take(people, line, f"A{line}", surname=f"Muster{line}")


def test_a_folder_for_temporary_files_that_is_full_is_told() -> None:
    with pytest.raises(Fatal, match="the folder for temporary files is full"):
        fill(10)
