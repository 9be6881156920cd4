"""Who of a source is whom of an export: which columns count, and what is certain."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from syncd.domain.matches import Match, Word
from syncd.matching.columns import BY, Columns, find_columns
from syncd.matching.index import Index
from syncd.matching.judging import Lot
from syncd.matching.plan import MatchPlan

COLUMNS = Columns(id="ID", email="E-Mail", name="Vorname", surname="Nachname", foreign_id="Fremd-ID")
ADA = ("Ada", "Muster", "ada.muster@example.org")


def row(number: object, name: str = "", surname: str = "", email: str = "", foreign_id: str = "") -> dict[str, str]:
    return {"ID": str(number), "Vorname": name, "Nachname": surname, "E-Mail": email, "Fremd-ID": foreign_id}


def fields(name: str | None, surname: str | None, email: str | None) -> Mapping[str, str | None]:
    return {"name": name, "surname": surname, "email": email}


def compare(
    customers: list[dict[str, str]],
    *records: tuple[str | None, str | None, str | None],
    by: tuple[str, ...] = BY,
    decided: Mapping[str, Match] | None = None,
) -> list[tuple[Lot, tuple[int, ...]]]:
    """What is found of each record, in their order: `R-0`, `R-1`."""
    with Index(COLUMNS, by) as index, MatchPlan(index, decided or {}) as plan:
        index.take(customers)
        plan.take((f"R-{place}", fields(*one)) for place, one in enumerate(records))
        return [(one.lot, one.numbers) for one in plan.findings()]


@pytest.mark.parametrize(
    ("customer", "record", "found"),
    [
        (ADA, ADA, Lot.CERTAIN),
        (("Muster", "Ada", ADA[2]), ADA, Lot.CERTAIN),
        (("Dr. ADA", "muster", " Ada.Muster@Example.org"), ADA, Lot.CERTAIN),
        (("Max", "Meier", ADA[2]), ADA, Lot.EMAIL),
        (("Max", "Muster", ADA[2]), ADA, Lot.EMAIL),
        (("", "Muster", ADA[2]), (None, "Muster", ADA[2]), Lot.EMAIL),
        (("", "", ADA[2]), ADA, Lot.EMAIL),
        (("Ada", "Muster", "info@example.org"), ("Ada", "Muster", "info@example.org"), Lot.ROLE),
        (("Ada", "Muster", "ada.mustre@example.org"), ADA, Lot.MISSPELT),
        (("Ada", "Muster", ""), ADA, Lot.NAMES),
        (ADA, ("Ada", "Muster", None), Lot.NAMES),
        (("Ada", "Muster", "a.m@elsewhere.org"), ADA, Lot.NAMESAKE),
        (("Max", "Meier", "max@example.org"), ADA, Lot.NEW),
        (("", "", ""), (None, None, None), Lot.NEW),
    ],
)
def test_what_a_record_is_beside_one_customer(
    customer: tuple[str, str, str], record: tuple[str | None, str | None, str | None], found: Lot
) -> None:
    assert [lot for lot, _ in compare([row(7, *customer)], record)] == [found]


def test_of_two_customers_nobody_chooses_but_a_person() -> None:
    assert compare([row(7, *ADA), row(8, *ADA)], ADA) == [(Lot.SEVERAL, (7, 8))]


def test_a_customer_that_stands_there_twice_is_one() -> None:
    assert compare([row(7, *ADA), row(7, *ADA), row(7, "Ada", "Muster", "other@example.org")], ADA) == [
        (Lot.CERTAIN, (7,))
    ]


def test_a_customer_of_two_names_at_one_address_is_one() -> None:
    twice = [row(7, *ADA), row(7, "Ada", "Meier", ADA[2])]
    assert compare(twice, ADA, by=("email",)) == [(Lot.CERTAIN, (7,))]


def test_two_records_of_one_customer_are_left_to_a_person() -> None:
    assert compare([row(7, *ADA)], ADA, ADA) == [(Lot.SHARED, (7,))] * 2


def test_beside_a_family_at_one_address_each_finds_its_own() -> None:
    family = [row(7, *ADA), row(8, "Max", "Muster", ADA[2])]
    assert compare(family, ADA, ("Max", "Muster", ADA[2]), ("Eva", "Muster", ADA[2])) == [
        (Lot.CERTAIN, (7,)),
        (Lot.CERTAIN, (8,)),
        (Lot.EMAIL, (7, 8)),
    ]


def test_who_is_certainly_somebody_else_is_no_namesake_without_an_address() -> None:
    assert compare([row(7, *ADA)], ADA, ("Ada", "Muster", None)) == [(Lot.CERTAIN, (7,)), (Lot.NEW, ())]


def test_a_name_that_many_have_tells_nothing_without_an_address() -> None:
    many = [row(number, "Ada", "Muster") for number in range(1, 5)]
    assert [lot for lot, _ in compare(many, ADA)] == [Lot.NAMESAKE]


def test_a_customer_with_a_foreign_id_is_nobody_to_choose() -> None:
    assert compare([row(7, *ADA, foreign_id="X-1")], ADA) == [(Lot.NEW, ())]


def test_a_record_whose_foreign_id_is_there_is_known() -> None:
    with Index(COLUMNS, BY) as index, MatchPlan(index, {}) as plan:
        index.take([row(7, *ADA, foreign_id="R-0"), row(8, *ADA)])
        plan.take([("R-0", fields(*ADA))])
        assert (plan.count().known, list(plan.findings())) == (1, [])


def test_a_number_that_is_none_leaves_its_row_out() -> None:
    with Index(COLUMNS, BY) as index:
        index.take([row("Summe", *ADA), row("", *ADA), row("7.5"), row("9" * 40), row("8")])
        assert (index.without_number, index.customers) == (4, 1)


def test_who_was_linked_meanwhile_is_left_out() -> None:
    with Index(COLUMNS, BY) as index, MatchPlan(index, {}) as plan:
        index.take([row(7, *ADA)])
        index.leave_out([7])
        plan.take([("R-0", fields(*ADA))])
        assert [one.lot for one in plan.findings()] == [Lot.NEW]


def test_what_a_person_has_decided_stays_and_takes_the_customer(decided: Mapping[str, Match]) -> None:
    assert compare([row(7, *ADA)], ("Eva", "Meier", None), ADA, decided=decided) == [(Lot.SHARED, (7,))]


@pytest.fixture
def decided() -> Mapping[str, Match]:
    return {"R-0": Match(foreign_id="R-0", word=Word.LINK, gomus_id=7, by="me", at=datetime(2026, 1, 1, tzinfo=UTC))}


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (("email",), Lot.CERTAIN),
        (("email", "surname"), Lot.CERTAIN),
        (("email", "name"), Lot.EMAIL),
        (("name", "surname"), Lot.NEW),
        (("surname",), Lot.CERTAIN),
    ],
)
def test_what_has_to_agree_is_said_by_a_person(by: tuple[str, ...], found: Lot) -> None:
    assert [lot for lot, _ in compare([row(7, "Eva", "Muster", ADA[2])], ADA, by=by)] == [found]


def test_another_plan_has_another_digest() -> None:
    digests = set()
    for customers in ([row(7, *ADA)], [row(8, *ADA)], [row(7, *ADA), row(8, *ADA)]):
        with Index(COLUMNS, BY) as index, MatchPlan(index, {}) as plan:
            index.take(customers)
            plan.take([("R-0", fields(*ADA))])
            digests.add(plan.digest)
    assert len(digests) == 3


# --- columns ---


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("ID;Vorname;Nachname;E-Mail;Fremd-ID", ("ID", "E-Mail", "Vorname", "Nachname", "Fremd-ID")),
        ("Nr.;Vorname;Name;Email", ("Nr.", "Email", "Vorname", "Name", None)),
        ("Kundennummer;Vor- und Nachname;E-Mail", ("Kundennummer", "E-Mail", None, "Vor- und Nachname", None)),
        ("Kunden-ID;Name;E-Mail", ("Kunden-ID", "E-Mail", None, "Name", None)),
        (
            "Customer ID;First name;Last name;Email;external_id",
            ("Customer ID", "Email", "First name", "Last name", "external_id"),
        ),
        ("id;foreign_id;name;firstname;surname;email", ("id", "email", "firstname", "surname", "foreign_id")),
        ("id;foreign_id;name;surname;email", ("id", "email", "name", "surname", "foreign_id")),
        ("Nr;Vorname;Nachname;E-Mail dienstlich;E-Mail", ("Nr", "E-Mail", "Vorname", "Nachname", None)),
    ],
)
def test_columns_are_known_by_their_names(header: str, found: tuple[str | None, ...]) -> None:
    columns = find_columns(header.split(";"), {}, BY)
    assert (columns.id, columns.email, columns.name, columns.surname, columns.foreign_id) == found


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("ID;Kundennummer;Vorname;Nachname;E-Mail", r"several columns may be the number .*'ID', 'Kundennummer'"),
        ("ID;Vorname;Nachname", r"no column is known as the e-mail address.*'ID', 'Vorname', 'Nachname'"),
        ("ID;Nachname;E-Mail", r"no column is known as the first name"),
        ("17;Ada;Muster;ada@example.org", r"The file has 4 columns"),
    ],
)
def test_a_column_in_doubt_is_for_a_person_to_name(header: str, words: str) -> None:
    with pytest.raises(LookupError, match=words):
        find_columns(header.split(";"), {}, BY)


def test_a_named_column_is_believed() -> None:
    header = ["ID", "Kundennummer", "Rufname", "Nachname", "Kontakt"]
    columns = find_columns(header, {"id": "Kundennummer", "email": "Kontakt"}, BY)
    assert (columns.id, columns.email) == ("Kundennummer", "Kontakt")


def test_a_named_column_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(LookupError, match=r"email=EMail: there is no such column.*'E-Mail'"):
        find_columns(["ID", "E-Mail", "Vorname", "Nachname"], {"email": "EMail"}, BY)
