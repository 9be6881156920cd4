# ruff: noqa: E501 - a record reads best in one line
"""`syncd init` on lists as associations, schools and friends of museums keep them: the first sync is right without a hand.

What go~mus should have is written by hand for two records of each list; the others are like them.
"""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from odd_lists import CELLS_OF_A_COLUMN, HEADERS
from office import Office, open_office

from syncd.cli.starting import PLACEHOLDER
from syncd.config import load
from syncd.sandbox import Sandbox
from syncd.sandbox.reference import COUNTRIES

COUNT = 20
Row = list[Any]


@dataclass(frozen=True)
class List:
    """`rows` in turn, each with a number of its own in the place of `{n}`; `expected` by foreign_id, None for nobody."""

    name: str
    columns: str
    rows: list[Row]
    expected: dict[str, dict[str, Any] | None]
    above: list[Row] | None = None
    encoding: str = "cp1252"
    delimiter: str = ";"

    def filled(self) -> Iterator[Row]:
        for number, row in enumerate(islice(cycle(self.rows), COUNT), start=1):
            cells = [cell.replace("{n}", f"{number:02d}") if isinstance(cell, str) else cell for cell in row]
            yield [100 + number if cells[0] == 1 else cells[0], *cells[1:]]

    @property
    def count(self) -> int:
        """How many of them should be customers."""
        return sum(one is not None for one in islice(cycle(self.expected.values()), COUNT))

    def write(self, folder: Path) -> None:
        rows = [*(self.above or []), self.columns.split("|"), *self.filled()]
        if self.name.endswith(".xlsx"):
            book = openpyxl.Workbook()
            for row in rows:
                book.active.append([None if cell == "" else cell for cell in row])
            book.save(folder / self.name)
            return
        with (folder / self.name).open("w", newline="", encoding=self.encoding) as file:
            csv.writer(file, delimiter=self.delimiter).writerows(rows)


HERR, FRAU, DOCTOR = 7, 3, 5  # as the sandbox numbers them
DE, AT, GB, US = ({code: number for number, (code, _) in COUNTRIES.items()}[code] for code in ("DE", "AT", "GB", "US"))

LISTS = [
    List(
        "mitglieder.csv",
        "Mitgl.-Nr.|Anrede|Vorname|Nachname|Straße|Hausnr.|PLZ|Wohnort|Tel. privat|Tel. dienstl.|Telefon (mobil)|"
        "E-Mail privat|E-Mail dienstl.|Geb.-Datum|Eintritt|Austritt|Bemerkung",
        [
            ["00{n}", "Frau", "Änne", "Groß", "Am Markt", "{n} a", "01067", "Dresden", "0351 4567{n}", "", "0170 1234{n}",
             "Anne{n}@Example.org", "", "31.12.1980", "01.01.2001", "", "zahlt bar"],
            ["00{n}", "Herr", "Jörg", "von Au", "Ring", "5", "10115", "Berlin", "-", "030 9876{n}", "",
             "", "j{n}@firma.example", "01.02.1970", "01.01.2001", "31.12.2999", ""],
            ["00{n}", "Herr und Frau", "Ina", "Weg", "Ring", "6", "10115", "Berlin", "", "", "",
             "", "", "01.02.1970", "01.01.2001", "31.12.2024", ""],
        ],
        {
            "M-0001": {"name": "Änne", "surname": "Groß", "customer_salutation_id": FRAU, "addr_street": "Am Markt 01 a",
                       "addr_zip": "01067", "addr_city": "Dresden", "tel": "+49351456701", "mobile": "+49170123401",
                       "email": "anne01@example.org", "date_of_birth": None, "notes": None, "is_institution": False},
            "M-0002": {"surname": "von Au", "tel": "+4930987602", "mobile": None, "email": "j02@firma.example",
                       "addr_street": "Ring 5"},
            "M-0003": None,
        },
    ),
    List(
        "Vereinsliste 2026.xlsx",
        "Mitgliedsnummer|Anrede|Titel|Name|Vorname|Straße / Nr.|PLZ|Ort|Land|Telefon|Handy|E-Mail|Geburtsdatum|Status",
        [
            [1, "Herr", "Dr.", "MÜLLER", "HANS", "Weg {n}", 1067, "Dresden", "D", "0351/1234{n}", "", "h{n}@example.org",
             date(1960, 5, 4), "aktiv"],
            [1, "Frau", "", "SCHMIDT", "EVA-MARIA", "Weg 1", 10115, "Berlin", "Deutschland", "", "0151-2345{n}", "k.A.",
             None, "ruhend"],
            [1, "Frau", "", "ALT", "EVA", "Weg 1", 10115, "Berlin", "Deutschland", "", "", "",
             None, "verstorben"],
        ],
        {
            "V-101": {"name": "Hans", "surname": "Müller", "customer_title_id": DOCTOR, "addr_zip": "01067", "addr_country_id": DE,
                      "tel": "+49351123401", "email": "h01@example.org", "addr_street": "Weg 01"},
            "V-102": {"name": "Eva-Maria", "surname": "Schmidt", "addr_zip": "10115", "mobile": "+49151234502",
                      "email": None},
            "V-103": None,
        },
        above=[["Mitgliederverzeichnis"], [], ["Stand: 1. November"]],
    ),
    List(
        "schulen.xlsx",
        "Schul-Nr.|Name der Schule|Schulform|Straße/Nr.|PLZ/Ort|Telefon|E-Mail|Schulleitung",
        [
            ["S{n}", "Goethe-Schule {n}", "GS", "Hof {n}", "01067 Dresden", "0351 1111{n}", "gs{n}@schule.example",
             "Frau Ludwig"],
            ["S{n}", "Gymnasium am See", "GYM", "Ufer 3", "10115 Berlin", "", "", ""],
        ],
        {
            "S-S01": {"institution": "Goethe-Schule 01", "is_institution": True, "surname": "Frau Ludwig",
                      "addr_street": "Hof 01", "addr_zip": "01067", "addr_city": "Dresden", "tel": "+49351111101"},
            "S-S02": {"institution": "Gymnasium am See", "is_institution": True, "surname": "Gymnasium am See"},
        },
        above=[["Schulen im Kreis"]],
    ),
    List(
        "schools.csv",
        "ID,School,Type,Address,City,Postcode,Phone number,Email address".replace(",", "|"),
        [
            ["K{n}", "Elm Primary {n}", "primary", "{n} Elm Road", "Leeds", "LS1 1AB", "+44 113 496 00{n}", "o{n}@elm.example"],
            ["K{n}", "Oak College", "secondary", "2 Oak Road", "Leeds", "LS1 1AB", "", ""],
        ],
        {
            "S-K01": {"institution": "Elm Primary 01", "surname": "Elm Primary 01", "is_institution": True,
                      "addr_street": "01 Elm Road", "addr_zip": "LS1 1AB", "addr_city": "Leeds",
                      "tel": "+44 113 496 0001", "email": "o01@elm.example"},
            "S-K02": {"institution": "Oak College", "surname": "Oak College"},
        },
        encoding="utf-8",
        delimiter=",",
    ),
    List(
        "donors.csv",
        "Donor ID|Title|First Name|Last name|Company|Street|City|Postal Code|Country|Email 1|Email 2|Mobile Phone|DOB|"
        "Deceased|Do not contact|Last gift",
        [
            ["D/{n}", "Mrs", "Jo", "O'Neil", "", "1 High St", "London", "SW1A 1AA", "UK", "", "jo{n}@example.org",
             "07700 9000{n}", "1980-02-01", "", "no", "10.50"],
            ["D/{n}", "Mr", "Al", "Burns", "", "9 Main St", "Boston", "02139", "USA", "al{n}@example.org", "",
             "", "1980-02-28", "no", "yes", "1,000.00"],
            ["D/{n}", "", "", "", "ACME Ltd", "9 Main St", "Boston", "02139", "USA", "acme{n}@example.org", "",
             "", "", "", "", ""],
            ["D/{n}", "Mr", "Ed", "Gone", "", "9 Main St", "Boston", "02139", "USA", "", "", "", "", "yes", "", ""],
        ],
        {
            "D-D-01": {"name": "Jo", "surname": "O'Neil", "customer_salutation_id": FRAU, "email": "jo01@example.org",
                       "mobile": "07700 900001", "addr_country_id": GB, "is_institution": False, "date_of_birth": None},
            "D-D-02": {"surname": "Burns", "customer_salutation_id": HERR, "email": "al02@example.org",
                       "addr_zip": "02139", "addr_country_id": US},
            "D-D-03": {"name": None, "surname": "ACME Ltd", "institution": "ACME Ltd", "is_institution": True},
            "D-D-04": None,
        },
        encoding="utf-8-sig",
        delimiter=",",
    ),
    List(
        "spender.csv",
        "Spender-ID|Typ|Firmenname|Vor- und Nachname|Anschrift|Telefonnummer|E-Mail-Adresse|Verstorben am|Werbesperre",
        [
            ["4{n}", "Privat", "", "Anna von der Heide", "Lange Gasse 4, 01099 Dresden", "+49 351 1234{n}",
             "A{n}@example.org", "", ""],
            ["4{n}", "Privat", "", "Karl Otto Maier", "Hof 4, 10115 Berlin", "030 1234{n}", "k{n}@example.org", "", "x"],
            ["4{n}", "Privat", "", "Karl Tod", "Hof 4, 10115 Berlin", "030 1234{n}", "", "01.03.2025", ""],
            ["4{n}", "Firma", "Bau AG", "Bea Kunz", "Hof 4, 10115 Berlin", "030 1234{n}", "", "", ""],
        ],
        {
            "S-401": {"name": "Anna", "surname": "von der Heide", "addr_street": "Lange Gasse 4", "addr_zip": "01099",
                      "addr_city": "Dresden", "is_institution": False, "email": "a01@example.org", "institution": None},
            "S-402": {"name": "Karl Otto", "surname": "Maier"},
            "S-403": None,
            "S-404": {"surname": "Kunz", "institution": "Bau AG", "is_institution": True},
        },
    ),
    List(
        "freunde.csv",
        "Lfd. Nr.|Kundennummer|Nachname, Vorname|Strasse|Nr.|PLZ|Ort|Festnetz|E-Mail",
        [
            ["{n}", "F-{n}", "Müller, Anna", "Hof", "4", "8010", "Graz", "0316 1234{n}", "a{n}@example.org"],
            ["{n}", "F-{n}", "Öhl, Max Emil", "Weg", "7b", "1010", "Wien", "01 12345{n}", "m{n}@example.org; n{n}@example.org"],
        ],
        {
            "F-F-01": {"name": "Anna", "surname": "Müller", "addr_street": "Hof 4", "addr_zip": "8010",
                       "tel": "0316 123401", "email": "a01@example.org"},
            "F-F-02": {"name": "Max Emil", "surname": "Öhl", "addr_zip": "1010", "email": "m02@example.org"},
        },
        encoding="utf-8",
        delimiter="\t",
    ),
    List(
        "kunden.csv",
        "Kd.-Nr.|Anrede|Vorname|Name|Firma|Strasse|PLZ|Ort|Land|Gekündigt zum|Geburtstag",
        [
            ["7{n}", "Hr.", "Al", "Ost", "", "Weg 1", "1010", "Wien", "A", "", "31.12.80"],
            ["7{n}", "Fr.", "Bo", "West", "", "Weg 1", "80331", "München", "D", "30.06.21", "01.01.61"],
            ["7{n}", "Firma", "", "", "Kiosk KG", "Weg 2", "8001", "Zürich", "CH", "31.12.68", ""],
        ],
        {
            "K-701": {"name": "Al", "surname": "Ost", "customer_salutation_id": HERR, "addr_zip": "1010", "addr_country_id": AT},
            "K-702": None,
            "K-703": None,
        },
    ),
    List(
        "adressen.csv",
        "Adressnummer|Anrede|Vorname|Nachname|Straße|PLZ|Ort|Rufnummer|Kommunikation",
        [
            ["9{n}", "Firma", "", "Verlag Nord", "Weg 1", "80331", "München", "089/12 34 {n}", "v{n}@example.org"],
            ["9{n}", "Frau", "Ida", "Süd", "Weg 1", "80331", "München", "", "i{n}@example.org"],
        ],
        {
            "A-901": {"surname": "Verlag Nord", "is_institution": True, "customer_salutation_id": None,
                      "email": "v01@example.org", "institution": "Verlag Nord"},
            "A-902": {"surname": "Süd", "is_institution": False, "customer_salutation_id": FRAU, "institution": None},
        },
    ),
    List(
        "members.xlsx",
        "memberNo|firstName|lastName|street|houseNumber|zipCode|city|eMail|phone|active",
        [
            [1, "Ann", "Lee", "Hof", 3, "10115", "Berlin", "ann{n}@example.org", "030 1234{n}", "yes"],
            [1, "Bob", "Ray", "Hof", 4, "10115", "Berlin", "bob{n}@example.org", "030 1234{n}", "no"],
        ],
        {
            "M-101": {"name": "Ann", "surname": "Lee", "addr_street": "Hof 3", "email": "ann01@example.org",
                      "tel": "030 123401"},
            "M-102": None,
        },
    ),
    List(
        "firmen.csv",
        "Debitorennummer|Organisation|Ansprechpartner|Adresse|Postleitzahl|Stadt|Telefax|USt-IdNr.|Kontonummer",
        [
            ["1/{n}", "Werk {n} GmbH", "Herr Bär", "Hof 1", "01067", "Dresden", "0351 77{n}", "DE1234567{n}", "123"],
            ["1/{n}", "Amt West", "", "Hof 2", "01067", "Dresden", "", "", ""],
        ],
        {
            "F-1-01": {"institution": "Werk 01 GmbH", "surname": "Herr Bär", "vat_number": "DE123456701",
                       "fax": "+493517701", "is_institution": True},
            "F-1-02": {"institution": "Amt West", "surname": "Amt West"},
        },
        above=[["Firmenliste"], ["gedruckt am", "1.11.2026"]],
    ),
    List(
        "foerderkreis.csv",
        "Fördernummer|Name|PLZ Ort|Kontakt E-Mail|Mobil-Nr.|Mitglied bis",
        [
            ["FK{n}", "Anna Groß", "01067 Dresden", "anna{n}@example.org", "0171 / 1234{n}", "2999-12-31"],
            ["FK{n}", "Dirk ten Brink", "10115 Berlin", "", "", "2021-12-31"],
            ["FK{n}", "Eva van Loo", "10115 Berlin", "", "", ""],
        ],
        {
            "F-FK01": {"name": "Anna", "surname": "Groß", "addr_zip": "01067", "addr_city": "Dresden",
                       "email": "anna01@example.org", "mobile": "+49171123401"},
            "F-FK02": None,
            "F-FK03": {"name": "Eva", "surname": "van Loo"},
        },
        encoding="utf-8",
    ),
]  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        (tmp_path / "config.toml").unlink()
        yield office


def start(office: Office, one: List, *, asks: bool) -> None:
    one.write(office.folder)
    office.age(one.name)
    ended = office.syncd("init", one.name, *(["--url", office.url] if asks else []))
    assert (ended.code, ended.err) == (0, "")
    if not asks:
        office.reconfigure(PLACEHOLDER, office.url)


each = pytest.mark.parametrize("one", LISTS, ids=lambda one: one.name)


@pytest.mark.in_part(2)
@each
@pytest.mark.parametrize("asks", [True, False], ids=["asking go~mus", "without"])
def test_the_first_sync_makes_the_customers_that_were_written_by_hand(office: Office, one: List, asks: bool) -> None:
    start(office, one, asks=asks)
    assert not asks or office.syncd("check").code in (0, 3)
    ended = office.syncd("--once")
    assert (ended.code, ended.named("run.finished")[0]["counts"].get("create")) == (0, one.count)
    for foreign_id, expected in one.expected.items():
        found = office.sandbox.by_foreign_id(foreign_id)
        assert [{name: customer[name] for name in expected or {}} for customer in found] == (
            [expected] if expected else []
        ), foreign_id


def test_all_lists_together_are_one_configuration_whose_prefixes_do_not_nest(office: Office) -> None:
    for one in LISTS:
        one.write(office.folder)
    assert office.syncd("init", *(one.name for one in LISTS)).code == 0
    syncs = load(office.folder / "config.toml", {"GOMUS_TOKEN": "of nobody"}).syncs
    prefixes = [sync.foreign_id.prefix.casefold() for sync in syncs.values()]
    assert len(syncs) == len(LISTS)
    assert not [(one, two) for one in prefixes for two in prefixes if one is not two and one.startswith(two)]


@settings(max_examples=int(os.environ.get("SYNCD_TEST_INIT_EXAMPLES", "16")))  # two processes each
@given(st.data())
def test_whatever_stands_in_a_list_what_init_writes_passes_check_offline(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(st.sampled_from(HEADERS), max_size=12, unique=True).filter(lambda of: "Nachname" not in of)
    )
    cells = [data.draw(CELLS_OF_A_COLUMN) for _ in names]
    rows = [[f"{n:03d}", f"Groß{n}", *(of[n % len(of)] for of in cells)] for n in range(COUNT)]
    with TemporaryDirectory() as folder:
        office = Office(Path(folder), PLACEHOLDER, Sandbox(), columns=["Nr.", "Nachname", *names], rows=rows)
        (office.folder / "config.toml").unlink()
        office.age("members.csv")
        begun = office.syncd("init", "members.csv")
        assume(begun.code == 0)  # a file whose quotes can't be told is refused, and nothing is written
        ended = office.syncd("check", "--offline")
        assert ended.code in (0, 3), ended.out + ended.err
