"""What a draft makes of columns: by their names, by what stands in them, and what it leaves to a person."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_lists import CELLS_OF_A_COLUMN, HEADERS

from syncd.config import load
from syncd.config.drafting import Draft, Setting, draw_draft, write_drafts
from syncd.domain.records import DateCell, LookupEntry
from syncd.mapping.transforms import compile_transform, transformed

TODAY = date(2026, 11, 27)
COUNT = 20


def draft_of(
    columns: Mapping[str, Sequence[object]], *, key: str | None = None, sync: str = "members", **given
) -> Draft:
    """Of each column its cells in turn; `Nr` comes by itself."""
    setting = Setting(**{"foreign_id": key, "today": TODAY, "lists": {}, "shows_words": False} | given)
    cells = {"Nr": [f"{n:03d}" for n in range(COUNT)], **columns} if key is None else columns
    rows = [{name: of[n % len(of)] for name, of in cells.items()} for n in range(COUNT)]
    return draw_draft(sync, list(cells), rows, source={"type": "csv", "path": "members.csv"}, setting=setting)


def fields_of(draft: Draft, *, off: bool = False) -> dict[str, str]:
    return {one.key: one.value for one in draft.fields if one.is_off is off}


def mapped(fields: Mapping[str, str], whole: str) -> tuple[object, object]:
    """The name and the surname that the draft makes of whole names."""
    steps = [tomllib.loads(f"v = {fields[key]}")["v"]["transform"] for key in ("name", "surname")]
    name, surname = (transformed(whole, [compile_transform(one) for one in each]) for each in steps)
    return name, surname


def notes_of(draft: Draft, key: str) -> str:
    return "; ".join(note for one in draft.fields if one.key == key for note in one.notes)


# --- the id ---


@pytest.mark.parametrize(
    ("numbers", "id_"),
    [
        ([f"{n}" for n in range(1, COUNT + 1)], "Mitgliedsnummer"),
        ([f"{n}" for n in range(101, COUNT + 101)], "Nr"),
        ([f"{n:03d}" for n in range(1, COUNT + 1)], "Nr"),
    ],
)
def test_a_number_that_counts_the_rows_is_not_the_id_where_there_is_another(numbers, id_) -> None:
    others = [f"{n * 7 + 3}" for n in range(COUNT)]
    draft = draft_of({"Nr": numbers, "Nachname": ["Ahorn", "Buche"], "Mitgliedsnummer": others})
    assert draft.id.column.name == id_


def test_of_an_only_number_that_counts_from_one_on_it_is_said() -> None:
    draft = draft_of({"Nr": [f"{n}" for n in range(1, COUNT + 1)], "Nachname": ["Ahorn", "Buche"]})
    assert (draft.id.column.name, "counts from 1 on without a gap" in draft.id.reasons[0]) == ("Nr", True)


# --- dates, telephones, postcodes ---


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (["31.12.1980", "1.2.1970"], '{ date = "%d.%m.%Y" }'),
        (["1980-12-31"], '{ date = "%Y-%m-%d" }'),
        (["31.12.80"], '{ date = "%d.%m.%y", pivot = 2026 }'),
        (["31/12/1980", "01/02/1980"], '{ date = "%d/%m/%Y" }'),
        (["12/31/1980", "01/02/1980"], '{ date = "%m/%d/%Y" }'),
        (["31.12.1980", "1980-12-31"], '{ date = ["%d.%m.%Y", "%Y-%m-%d"] }'),
        (["1980-12-31 00:00:00"], '{ date = "%Y-%m-%d %H:%M:%S", zone = "Europe/Berlin" }'),
    ],
)
def test_the_form_of_dates_is_found(days: list[str], step: str) -> None:
    assert fields_of(draft_of({"Ort": ["A"], "Geb.-Datum": days}), off=True)["date_of_birth"].endswith(
        f"transform = [{step}] }}"
    )


def test_where_day_and_month_may_be_swapped_a_person_is_asked() -> None:
    draft = draft_of({"Ort": ["A"], "Geboren": ["01/02/1980"], "Austritt": ["01/02/2020", ""]})
    assert "either order" in notes_of(draft, "date_of_birth")
    assert [one.is_off for one in draft.where] == [True]


@pytest.mark.parametrize(
    ("beside", "is_written_anew"),
    [
        ({"PLZ": ["10115"]}, True),
        ({"Land": ["D", "Deutschland"]}, True),
        ({"Land": ["DE", "AT"]}, False),
        ({"PLZ": ["1010", "10115"]}, False),
        ({"Post Code": ["SW1A 1AA"]}, False),
        ({}, True),
    ],
)
def test_telephones_are_written_anew_only_where_all_are_german(
    beside: dict[str, list[str]], is_written_anew: bool
) -> None:
    tel = fields_of(draft_of({"Tel. privat": ["030 1234567"], **beside}))["tel"]
    assert ("phone" in tel) is is_written_anew


@pytest.mark.parametrize(("code", "is_written_anew"), [("+49 30", True), ("0049-30", True), ("+43 1", False)])
def test_country_codes_tell_the_country_of_telephones_where_postcodes_do_not(code: str, is_written_anew: bool) -> None:
    numbers = ["030 1234567", *(f"+49 30 123456{n}" for n in range(8)), f"{code} 1234567"]
    tel = fields_of(draft_of({"Telefon": numbers, "PLZ": ["1067", "10115"]}))["tel"]
    assert ("phone" in tel) is is_written_anew


def test_english_columns_say_nothing_of_the_country_of_a_telephone() -> None:
    assert fields_of(draft_of({"Phone": ["212 5550123"], "ZIP": ["10115"]}))["tel"] == '"Phone"'


def test_telephones_with_words_in_them_are_sent_as_they_stand() -> None:
    draft = draft_of({"Telefon": ["030 1234567", "030 1234567 (abends)"]})
    assert fields_of(draft)["tel"] == '"Telefon"'
    assert "numbers alone" in notes_of(draft, "tel")


@pytest.mark.parametrize(
    ("beside", "codes", "is_padded"),
    [
        ({}, ["1067", "10115"], True),
        ({"Land": ["Deutschland"]}, ["1067"], True),
        ({"Land": ["Deutschland", "Österreich"]}, ["1067", "10115"], False),
        ({}, ["1010", "8010"], False),
        ({}, ["1067", "NL-1011"], False),
        ({"Ort": ["Dresden", "München", "Graz"]}, ["1067", "80331", "8010"], False),
        ({"Ort": ["Dresden", "Linz am Rhein"]}, ["1067", "53545"], True),
        ({"Telefon": ["+43 316 123456", "0351 123456"]}, ["8010", "10115"], False),
        ({}, ["5020", "10115"], False),
    ],
)
def test_only_postcodes_of_germany_get_their_zero_back(beside: dict, codes: list[str], is_padded: bool) -> None:
    assert ("pad = 5" in fields_of(draft_of({"PLZ": codes, **beside}))["addr_zip"]) is is_padded


# --- several columns for one field ---


def test_a_person_s_own_address_comes_before_that_at_work() -> None:
    draft = draft_of({"E-Mail dienstlich": ["a@work.example"], "E-Mail privat": ["a@home.example"]})
    assert fields_of(draft)["email"] == '{ from = ["E-Mail privat", "E-Mail dienstlich"], transform = ["lower"] }'


def test_street_and_house_number_go_together() -> None:
    assert (
        fields_of(draft_of({"Straße": ["Am Ring"], "Hausnr.": ["5"]}))["addr_street"]
        == '{ template = "{Straße} {Hausnr.}" }'
    )


def test_a_house_number_that_stands_in_the_street_already_is_left_out() -> None:
    draft = draft_of({"Straße": ["Am Ring 5"], "Hausnr.": ["5"]})
    assert fields_of(draft)["addr_street"] == '"Straße"'
    assert draft.left_out["Hausnr."] == "numbers; stands in 'Straße' already"


def test_names_in_capitals_become_names() -> None:
    assert fields_of(draft_of({"Vorname": ["ANNA"], "Nachname": ["Groß"]})) == {
        "name": '{ from = "Vorname", transform = ["name"] }',
        "surname": '"Nachname"',
    }


def test_words_for_nothing_are_nothing() -> None:
    email = fields_of(draft_of({"E-Mail": ["a@example.org", "k. A.", "-"]}))["email"]
    assert email == '{ from = "E-Mail", transform = [{ null-if = ["k. A.", "-"] }, "lower"] }'


# --- what is guessed by its values, and what is not ---


def test_what_is_guessed_by_its_values_says_so() -> None:
    draft = draft_of({"Kommunikation": ["a@example.org"]})
    assert "'Kommunikation' holds e-mail addresses" in notes_of(draft, "email")


@pytest.mark.parametrize("column", ["Jubiläum", "Kundennr", "Ausweisnummer"])
def test_days_and_numbers_of_something_else_are_no_telephones(column: str) -> None:
    cells = ["01.07.2024", "01.01.2023", ""] if column == "Jubiläum" else ["0711 00123", "0711 00124", ""]
    draft = draft_of({"Ort": ["A"], column: cells})
    assert (fields_of(draft), "telephone" in draft.left_out[column]) == ({"addr_city": '"Ort"'}, False)


@pytest.mark.parametrize(
    "columns",
    [{"Feld 1": ["a@example.org"], "Feld 2": ["b@example.org"]}, {"Vater": ["a@example.org"]}],
    ids=["two that may be it", "another person's"],
)
def test_an_address_that_may_be_another_s_is_not_guessed(columns: dict[str, list[str]]) -> None:
    draft = draft_of({"Nachname": ["A"], **columns})
    assert "email" not in fields_of(draft)
    assert set(draft.left_out) == set(columns)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("E-Mail", ["ja", "nein"]),
        ("Telefon", ["ja", "nein"]),
        ("PLZ", ["Berlin", "Bonn"]),
        ("Ort", ["10115", "53111"]),
        ("Vorname", ["4711", "4712"]),
    ],
)
def test_a_column_that_holds_something_else_than_its_name_says_is_left_out(column: str, cells: list[str]) -> None:
    draft = draft_of({"Nachname": ["A"], column: cells})
    assert fields_of(draft) == {"surname": '"Nachname"'}
    assert draft.left_out[column].endswith("; holds something else than its name says")


def test_a_contact_that_is_an_address_is_no_name() -> None:
    draft = draft_of({"Kontakt": ["a@example.org"], "Schule": ["A-Schule"]})
    assert fields_of(draft)["surname"] == '"Schule"'
    assert "'Kontakt' holds e-mail addresses" in notes_of(draft, "email")


def test_what_is_left_out_is_listed_without_a_value() -> None:
    draft = draft_of(
        {"Ort": ["A"], "Betreuer": ["Zzmeier", "Zzschulz"], "Beitrag": ["12,50"], "Bank": ["DE02120300000000202051"]}
    )
    assert draft.left_out == {"Betreuer": "a few words: 2 different", "Beitrag": "amounts", "Bank": "bank accounts"}


def test_columns_that_look_alike_are_left_out_in_one_line() -> None:
    draft = draft_of({"Ort": ["A"], "BIC": [""], "Beitrag": ["12,50"], "IBAN": [""]})
    text = write_drafts([draft], url="https://demo.gomus.de", mode="ignore")
    assert [line for line in text.splitlines() if "left out:" in line] == [
        '# left out: "BIC", "IBAN": empty',
        '# left out: "Beitrag": amounts',
    ]


# --- who counts ---


@pytest.mark.parametrize(
    ("columns", "condition"),
    [
        (
            {"Austritt": ["31.12.2020", ""]},
            '{ from = "Austritt", date = "%d.%m.%Y", after = "today", or_empty = true }',
        ),
        (
            {"Status": ["aktiv", "Verstorben", "ausgetreten"]},
            '{ from = "Status", is_not = ["Verstorben", "ausgetreten"] }',
        ),
        ({"Verstorben": ["", "Ja"]}, '{ from = "Verstorben", is_not = ["Ja"] }'),
        ({"Verstorben am": ["", "31.12.2020"]}, '{ from = "Verstorben am", empty = true }'),
        ({"verstorben am": ["", "03.04.2020", "unbekannt"]}, '{ from = "verstorben am", empty = true }'),
        ({"Sterbedatum": ["", "", "", "?"]}, '{ from = "Sterbedatum", empty = true }'),
        ({"Todestag": ["", "ja", "3.4.2020", "im Mai"]}, '{ from = "Todestag", empty = true }'),
        ({"†": ["", "k. A.", "ja"]}, '{ from = "†", empty = true }'),
        ({"verst.": ["", "x"]}, '{ from = "verst.", is_not = ["x"] }'),
        ({"Verstorben": ["nein", "ja", "unbekannt"]}, '{ from = "Verstorben", is_not = ["ja"] }'),
        (
            {"Verstorben": ["-", "3.4.2020", "nein", "?"]},
            '{ from = "Verstorben", transform = [{ null-if = ["-", "nein"] }], empty = true }',
        ),
        ({"Status": ["aktiv", "†", "verst.", "expired"]}, '{ from = "Status", is_not = ["expired", "verst.", "†"] }'),
        ({"Verstorben": ["", "†"]}, '{ from = "Verstorben", empty = true }'),
        ({"Aktiv": ["ja", "nein"]}, '{ from = "Aktiv", is_not = ["nein"] }'),
        ({"Aktiv": ["x", ""]}, '{ from = "Aktiv", empty = false }'),
        ({"active": ["1"]}, '{ from = "active", is_not = ["0"] }'),
    ],
)
def test_who_has_left_or_died_does_not_count(columns: dict[str, list[str]], condition: str) -> None:
    assert [(one.value, one.is_off) for one in draft_of({"Ort": ["A"], **columns}).where] == [(condition, False)]


def test_words_beside_days_of_leaving_are_never_nothing() -> None:
    dated, worded = draft_of({"Ort": ["A"], "Austritt": ["", "31.12.2020", "unbekannt", "ja", "-"]}).where
    assert worded.value == '{ from = "Austritt", is_not = ["unbekannt", "ja"] }'
    assert 'null-if = ["-"]' in dated.value
    assert (dated.is_off, worded.is_off) == (False, False)


def test_an_unknown_end_is_no_leaving() -> None:
    dated, worded = draft_of({"Ort": ["A"], "Mitglied bis": ["31.12.2020", "unbekannt"]}).where
    assert (dated.is_off, worded.is_off) == (False, True)


def test_where_nearly_all_are_unknown_to_have_died_a_person_is_asked() -> None:
    (one,) = draft_of({"Ort": ["A"], "Sterbedatum": ["unbekannt"]}).where
    assert (one.is_off, "20 records have a word for unknown" in one.note) == (True, True)


@pytest.mark.parametrize(("odd", "is_off"), [(1, False), (4, True)])
def test_cells_that_are_no_dates_are_counted_and_turn_nothing_off_while_they_are_few(odd: int, is_off: bool) -> None:
    cells = [*["31.12.2020 verst.", "im Mai", "weg", "s. Brief"][:odd], *["30.06.2021"] * (COUNT - odd)]
    (one,) = draft_of({"Ort": ["A"], "Austritt": cells}).where
    assert (one.is_off, f"{odd} of its 20 texts are no dates" in one.note) == (is_off, True)
    assert 'after = "today"' in one.value


def test_a_condition_that_would_drop_who_leaves_in_future_says_so() -> None:
    (one,) = draft_of({"Ort": ["A"], "Austritt": ["alt", "neu", ""]}).where
    assert "are no dates" in one.note
    assert "in future too" in one.note


@pytest.mark.parametrize(
    ("name", "cells", "condition"),
    [
        ("Löschkennzeichen", ["", "X"], '{ from = "Löschkennzeichen", is_not = ["X"] }'),
        ("Hausverbot", ["", "ja"], '{ from = "Hausverbot", is_not = ["ja"] }'),
        ("Aktiv bis", ["", "31.12.2020"], 'date = "%d.%m.%Y", after = "today"'),
        ("Gekündigt am", ["", "31.12.2020"], 'date = "%d.%m.%Y", after = "today"'),
        ("Kündigung", ["", "31.12.2020"], 'date = "%d.%m.%Y", after = "today"'),
        ("Mitglied", ["ja", "nein"], '{ from = "Mitglied", is_not = ["nein"] }'),
        ("expired", ["", "x"], '{ from = "expired", is_not = ["x"] }'),
        ("passiv", ["", "ja"], '{ from = "passiv", is_not = ["ja"] }'),
        ("Status", ["aktiv", "passiv", "gesperrt"], '{ from = "Status", is_not = ["gesperrt", "passiv"] }'),
    ],
)
def test_who_may_no_longer_count_comes_commented_out(name: str, cells: list[str], condition: str) -> None:
    (one,) = draft_of({"Ort": ["A"], name: cells}).where
    assert (condition in one.value, one.is_off) == (True, True), one.value


def test_what_was_written_of_a_person_is_not_shown() -> None:
    cells = [*["aktiv"] * 12, "verstorben", *["Sohn Otto Zzmann (Krebs)", "gestorben bei Otto Zzmann"] * 3]
    draft = draft_of({"Ort": ["A"], "Status": cells})
    text = write_drafts([draft], url="https://demo.gomus.de", mode="ignore")
    assert "Zzmann" not in text
    assert '{ from = "Status", is_not = ["verstorben"] }' in text
    assert "it has 4 different words, of which 1 more may be of leavers" in text


@pytest.mark.parametrize("name", ["Kontoinhaber", "Zahler"])
def test_names_of_people_are_not_shown_on_a_terminal_either(name: str) -> None:
    cells = ["Zzmann"] * 8 + ["Zzgross"] * 11 + ["Zzau"]
    draft = draft_of({"Ort": ["A"], name: cells}, shows_words=True)
    assert draft.left_out[name] == "a few words: 3 different"


def test_date_cells_of_a_workbook_can_be_judged() -> None:
    (one,) = draft_of({"Ort": ["A"], "Austritt": [DateCell("2020-12-31"), ""]}).where
    assert 'transform = [{ date = "%Y-%m-%d" }]' in one.value


@pytest.mark.parametrize(
    "columns", [{"Werbesperre": ["ja", ""]}, {"Status": ["A", "B"]}, {"Austritt": ["alt", "neu", ""]}]
)
def test_where_it_is_a_person_s_to_decide_the_condition_is_commented_out(columns: dict[str, list[str]]) -> None:
    assert [one.is_off for one in draft_of({"Ort": ["A"], **columns}).where] == [True]


def test_a_word_for_leavers_in_a_column_for_something_else_is_for_a_person_to_judge() -> None:
    (one,) = draft_of({"Ort": ["A"], "Kennung 1": ["Vorstand", "verstorben", ""]}).where
    assert (one.value, one.is_off) == ('{ from = "Kennung 1", is_not = ["verstorben"] }', True)
    assert "its words: Vorstand, verstorben" in one.note


def test_a_status_that_is_each_person_s_own_is_left_out() -> None:
    draft = draft_of({"Ort": ["A"], "Status": [f"Zzmeier {n} ist ausgetreten" for n in range(COUNT - 3)]})
    assert draft.where == []
    assert draft.left_out["Status"] == "text; has 17 different texts, too many to tell who has left"


def test_birthdays_and_remarks_come_commented_out() -> None:
    draft = draft_of({"Nachname": ["A"], "Geburtstag": ["31.12.1980"], "Bemerkung": ["x"]})
    assert set(fields_of(draft, off=True)) == {"date_of_birth", "notes"}


# --- names and institutions ---


def test_a_list_without_a_surname_says_so() -> None:
    assert draft_of({"Vorname": ["Anna"]}).missing != []


@pytest.mark.parametrize(
    ("columns", "surname"),
    [
        ({"Schulname": ["A-Schule"]}, '"Schulname"'),
        ({"Schulname": ["A-Schule"], "Ansprechpartner": ["Frau A", ""]}, '{ from = ["Ansprechpartner", "Schulname"] }'),
        ({"Firma": ["A", ""], "Nachname": ["", "B"]}, '{ from = ["Nachname", "Firma"] }'),
        ({"Firma": ["A", ""], "Nachname": ["B"]}, '"Nachname"'),
    ],
)
def test_an_institution_has_a_surname_for_go_mus(columns: dict[str, list[str]], surname: str) -> None:
    assert fields_of(draft_of(columns))["surname"] == surname


@pytest.mark.parametrize(
    ("whole", "name", "surname"),
    [
        ("Anna Groß", "Anna", "Groß"),
        ("Anna Maria Groß-Au", "Anna Maria", "Groß-Au"),
        ("Anna von der Heide", "Anna", "von der Heide"),
        ("von der Heide", None, "von der Heide"),
        ("Groß", None, "Groß"),
        ("Bau Groß GmbH", None, "Bau Groß GmbH"),
        ("Freunde e.V.", None, "Freunde e.V."),
        ("Goethe-Schule Bonn", None, "Goethe-Schule Bonn"),
    ],
)
def test_whole_names_are_taken_apart_and_those_of_institutions_are_not(whole: str, name: str, surname: str) -> None:
    people = [f"Anna Groß{n}" for n in range(COUNT - 2)]
    fields = fields_of(draft_of({"Name": [*people, whole, "Bau GmbH"]}))
    assert mapped(fields, whole) == (name, surname)


@pytest.mark.parametrize(
    ("whole", "name", "surname"),
    [
        ("Groß, Anna", "Anna", "Groß"),
        ("von der Schulenburg, Anna", "Anna", "von der Schulenburg"),
        ("Bäckerei Groß", None, "Bäckerei Groß"),
        ("Groß, Au & Partner GbR", None, "Groß, Au & Partner GbR"),
        ("Vogel, Brandt & Partner", None, "Vogel, Brandt & Partner"),
        ("Kinder, Jugend & Familie", None, "Kinder, Jugend & Familie"),
        ("Groß, Anna & Otto", "Anna & Otto", "Groß"),
        ("Groß, Corinna", "Corinna", "Groß"),
        ("Groß, Undine", "Undine", "Groß"),
    ],
)
def test_names_before_a_comma_are_family_names_unless_it_is_a_firm_s(whole: str, name: str, surname: str) -> None:
    people = [f"Groß{n}, Anna" for n in range(COUNT - 8)]
    firms = [f"Bäckerei {n}" for n in range(6)]
    fields = fields_of(draft_of({"Name": [*people, *firms, whole, "Au, Groß & Co. KG"]}))
    assert mapped(fields, whole) == (name, surname)


def test_a_list_with_couples_keeps_them_and_what_is_surely_a_firm() -> None:
    couples = [
        "Au, Anna und Otto",
        "Au, Otto",
        *(f"Groß{n}, Anna" for n in range(COUNT - 3)),
        "Vogel, Brandt & Partner",
    ]
    fields = fields_of(draft_of({"Name": couples}))
    assert mapped(fields, "Au, Anna und Otto") == ("Anna und Otto", "Au")
    assert mapped(fields, "Vogel, Brandt & Partner") == (None, "Vogel, Brandt & Partner")


@pytest.mark.parametrize(("sync", "key"), [("schulen", "institution"), ("mitglieder-schulverein", "name")])
def test_a_column_of_names_is_of_institutions_where_list_and_values_say_so(sync: str, key: str) -> None:
    names = {"schulen": ["Goethe-Schule", "Haus am See", "Am Ring"], "mitglieder-schulverein": ["Anna Groß", "Otto Au"]}
    assert key in fields_of(draft_of({"Name": names[sync]}, sync=sync))


@pytest.mark.parametrize(
    ("words", "map_"),
    [
        (["Privat", "Firma"], "{ Firma = true, Privat = false }"),
        (["Individual", "Organization"], "{ Individual = false, Organization = true }"),
        (
            ["Fördermitglied", "Vereinsmitglied", "Verein"],
            "{ Fördermitglied = false, Verein = true, Vereinsmitglied = false }",
        ),
        (["n", "j"], "{ j = true, n = false }"),
    ],
)
def test_the_words_for_a_kind_tell_institutions_from_people(words: list[str], map_: str) -> None:
    found = fields_of(draft_of({"Nachname": ["A"], "Typ": words}))["is_institution"]
    assert found == f'{{ from = "Typ", map = {map_} }}'.replace("Fördermitglied", '"Fördermitglied"')


def test_words_of_a_kind_that_are_all_of_people_say_nothing() -> None:
    assert "is_institution" not in fields_of(draft_of({"Nachname": ["A"], "Typ": ["aktiv", "passiv", "J"]}))


def test_who_is_called_a_firm_in_the_salutation_is_an_institution_with_a_contact_too() -> None:
    draft = draft_of({"Anrede": ["Frau", "Firma", "Firma"], "Nachname": ["A", "B", ""], "Firma": ["", "C AG", "D AG"]})
    spec = tomllib.loads(f"v = {fields_of(draft)['is_institution']}")["v"]
    records = [
        ("Frau", "A", ""),
        ("Frau", "A", "C AG"),
        ("Firma", "B", "C AG"),
        ("Firma", "", "D AG"),
        ("", "", "D AG"),
    ]
    rows = [dict(zip(("Anrede", "Nachname", "Firma"), record, strict=True)) for record in records]
    assert [bool(jmespath.search(spec["from"], row)) for row in rows] == [False, False, True, True, True]


def test_couples_are_a_family_where_go_mus_has_that_salutation() -> None:
    lists = {"salutation": tuple(LookupEntry(id=n, names=(word,)) for n, word in enumerate(("Frau", "Familie")))}
    fields = fields_of(draft_of({"Anrede": ["Frau", "Herr und Frau"]}, lists=lists))
    assert '"Herr und Frau" = "Familie"' in fields["customer_salutation_id"]


def test_records_without_a_country_are_counted_with_what_may_stand_in() -> None:
    assert "10 records name none" in notes_of(draft_of({"Land": ["AT", ""]}), "addr_country_id")


def test_salutations_that_go_mus_has_are_taken_and_others_named() -> None:
    lists = {"salutation": (LookupEntry(id=1, names=("Frau",)), LookupEntry(id=2, names=("Eheleute",)))}
    draft = draft_of({"Anrede": ["Fr.", "Eheleute", "Firma"]}, lists=lists)
    assert fields_of(draft)["customer_salutation_id"] == (
        '{ from = "Anrede", transform = [{ null-if = ["Firma"] }], map = { Eheleute = "Eheleute", "Fr." = "Frau" }, '
        'lookup = "salutation" }'
    )
    assert "Frau, Eheleute" in notes_of(draft, "customer_salutation_id")


@pytest.mark.parametrize(
    ("words", "mapped"),
    [
        (["Deutschland", "AT"], ""),
        (["D", "Deutschland"], ', map = { D = "DE", Deutschland = "DE" }'),
        (["UK", "BR"], ', map = { BR = "BR", UK = "GB" }'),
        (["Holland", "Utopia"], ', map = { Holland = "NL", Utopia = "Utopia" }'),
    ],
)
def test_countries_are_mapped_where_go_mus_has_other_words(words: list[str], mapped: str) -> None:
    found = fields_of(draft_of({"Land": words}))["addr_country_id"]
    assert found == f'{{ from = "Land"{mapped}, lookup = "country" }}'


# --- the id ---


NUMBERS = [f"{n:03d}" for n in range(COUNT)]


def id_of(columns: dict[str, list[str]], key: str | None = None) -> str:
    columns = {**columns, "Vorname": ["A"]}
    rows = [{name: of[n % len(of)] for name, of in columns.items()} for n in range(COUNT)]
    setting = Setting(foreign_id=key, today=TODAY, lists={}, shows_words=False)
    return draw_draft("m", list(columns), rows, source={}, setting=setting).id.column.name


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"Lfd. Nr.": NUMBERS, "Mitgl.-Nr.": NUMBERS}, "Mitgl.-Nr."),
        ({"Kundennummer": ["1", ""], "Mitgl.-Nr.": NUMBERS}, "Mitgl.-Nr."),
        ({"Kennung": NUMBERS, "E-Mail": [f"a{n}@example.org" for n in NUMBERS]}, "Kennung"),
        ({"Straße": ["Ring"], "Nr.": ["5"], "ID": NUMBERS}, "ID"),
        ({"Kennung": NUMBERS, "Eintritt": [f"01.01.2{n}" for n in NUMBERS]}, "Kennung"),
    ],
)
def test_the_id_is_the_column_that_is_full_and_different(columns: dict[str, list[str]], key: str) -> None:
    assert id_of(columns) == key


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"Kennung": NUMBERS, "Zeichen": NUMBERS}, "several columns may be the id ('Kennung', 'Zeichen')"),
        ({"Lfd. Nr.": NUMBERS, "Ort": ["A"]}, "no column looks like an id"),
        ({"Kundennummer": ["1", ""], "Ort": ["A"]}, "'Kundennummer': 19 records lack it or share it"),
        ({"E-Mail": [f"a{n}@example.org" for n in NUMBERS]}, "no column looks like an id"),
    ],
)
def test_where_no_column_is_surely_the_id_it_is_asked_for(columns: dict[str, list[str]], words: str) -> None:
    with pytest.raises(LookupError) as caught:
        id_of(columns)
    assert words in str(caught.value)


def test_what_may_be_cells_of_a_record_is_counted_and_not_shown() -> None:
    columns = {"Zzmann": NUMBERS, "Zzgross": NUMBERS, "Zzau": ["A"], "Zzort": ["B"], "Zzweg": ["C"], "Zztal": ["D"]}
    for key in (None, "Nr"):
        with pytest.raises(LookupError) as caught:
            id_of(columns, key)
        assert "Zz" not in str(caught.value)


def test_signs_that_an_id_may_not_have_are_replaced() -> None:
    draft = draft_of({"Ort": ["A"], "Nr.": [f"2020/{n}" for n in NUMBERS]}, key="Nr.")
    assert draft.id.transform == [{"replace": {"/": "-"}}]


# --- the file ---


def test_a_list_of_which_nothing_is_known_makes_no_file() -> None:
    with pytest.raises(LookupError, match="none of its 2 columns is known"):
        draft_of({"Farbe": ["rot"]})


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_list_what_is_written_is_valid(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(HEADERS), min_size=1, unique=True))
    columns = {name: data.draw(CELLS_OF_A_COLUMN) for name in names}
    draft = draft_of({"Ort": ["A"], **columns, "Nachname": ["A"]})
    text = write_drafts([draft], url="https://demo.gomus.de", mode="ignore")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_text(text, encoding="utf-8")
        sync = load(file, {**os.environ, "GOMUS_TOKEN": "of nobody"}).syncs["members"]
    assert set(sync.fields) == set(fields_of(draft))
    assert len(sync.where) == sum(not one.is_off for one in draft.where)
