"""Which columns look unfit for a foreign_id."""

import pytest

from syncd.mapping.id_columns import IdColumn
from syncd.mapping.spec import FieldSpec, ForeignIdSpec


def doubt(path: str, values: list[object], fields: dict[str, str] | None = None) -> str | None:
    specs = {name: FieldSpec.model_validate({"from": column}) for name, column in (fields or {}).items()}
    column = IdColumn(ForeignIdSpec.model_validate({"from": path}), specs)
    for value in values:
        column.take(value)
    return column.find_doubt()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("E-Mail", "an e-mail address"),
        ("E-Mail-Adresse", "an e-mail address"),
        ("email", "an e-mail address"),
        ("contact.emailAddress", "an e-mail address"),
        ("emails[0]", None),
        ("Telefon privat", "a telephone number"),
        ("Handynummer", "a telephone number"),
        ("mobilePhone", "a telephone number"),
        ("Nachname", "a name"),
        ("last_name", "a name"),
        ("Name, Vorname", "a name"),
        ("Geburtsdatum", "a date"),
        ("date_of_birth", "a date"),
        ("updated_at", "a date"),
        ("geändert am", "a date"),
        ("lfd. Nr.", "the number of a row"),
        ("row_number", "the number of a row"),
        ("Nr", None),
        ("Mitgliedsnummer", None),
        ("id", None),
        ("properties.hs_object_id", None),
        ("Mail-ID", None),
        ("username", None),
        ("Kundennummer", None),
        ("index_no", None),
    ],
)
def test_a_column_is_told_by_its_name(path: str, kind: str | None) -> None:
    told = doubt(path, ["4711"])
    assert (told is not None and f"looks like {kind}," in told) if kind else told is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("zz@example.org", "an e-mail address"),
        ("1980-12-31", "a date"),
        ("31.12.1980", "a date"),
        ("2026-11-20T10:00:00Z", "a date"),
        ("+49 30 231250", "a telephone number"),
        ("030 / 231250", None),
        ("030/2312501", "a telephone number"),
        ("0001", None),
        ("2019-0123", None),
        ("4917000", None),
        ("6d0b9d6e-0000-4000-8000-000000000001", None),
        (17, None),
        (None, None),
    ],
)
def test_a_column_is_told_by_what_stands_in_it(value: object, kind: str | None) -> None:
    told = doubt("Nr", [value] * 9 + [""])
    assert (told is not None and f"looks like {kind}," in told) if kind else told is None
    assert str(value) not in str(told) or value is None


def test_a_few_ids_that_look_alike_are_no_doubt() -> None:
    assert doubt("Nr", ["zz@example.org", "0001", "0002"]) is None


def test_a_column_that_is_mapped_to_a_field_that_changes_is_told_by_it() -> None:
    assert "an e-mail address" in str(doubt("Kontakt", ["4711"], {"email": "Kontakt"}))
    assert doubt("Nr", ["4711"], {"email": "Kontakt"}) is None
