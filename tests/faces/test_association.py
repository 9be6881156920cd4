"""The page of an association's export: its configuration, over a list as such programs write it."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office

PAGE = Path(__file__).parents[2] / "docs/recipes/association.md"
COLUMNS = (
    "Mitgliedsnummer;Art;Anrede;Vorname;Nachname;Firma;Straße;Hausnummer;PLZ;Ort;E-Mail;E-Mail dienstlich;Telefon;"
    "Mobil;Eintritt;Austritt;Status;Keine Post;Vorname Partner;Nachname Partner;E-Mail Partner"
).split(";")


def row(number: int, **cells: str) -> list[str]:
    usual = {
        "Mitgliedsnummer": f"{number:04d}",
        "Art": "Einzel",
        "Anrede": "Frau",
        "Vorname": f"Zzvor{number}",
        "Nachname": f"Zznäch{number}",
        "Straße": "Königstraße",
        "Hausnummer": f"{number}a",
        "PLZ": "1067",
        "Ort": "Dresden",
        "E-Mail": f"Zz{number}@Example.org",
        "Telefon": f"030 23125{number:03d}",
        "Eintritt": "01.04.1999",
        "Status": "aktiv",
    }
    of = usual | {name.replace("_", " "): value for name, value in cells.items()}
    return [of.get(column, "") for column in COLUMNS]


ROWS = [
    row(1),
    row(2, Austritt="31.12.2019", Status="ausgetreten"),
    row(3, Austritt="31.12.2099", Status="ruhend"),
    row(4, Status="verstorben"),
    row(5, Keine_Post="ja"),
    row(6, Art="Firma", Anrede="Firma", Vorname="", Nachname="", Firma="Zzwerk GmbH"),
    row(7, Art="Familie", Anrede="Familie", **{"E-Mail": "", "E-Mail dienstlich": "Buero7@Example.org"}),
    row(8, Telefon="", Mobil="0171 2312508", Vorname_Partner="Zzpar8", **{"E-Mail Partner": "par8@example.org"}),
]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        (text,) = re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"))
        office.configure(text.replace("https://demo.gomus.de", office.url))
        (tmp_path / "export").mkdir()
        with (tmp_path / "export/mitglieder-2026.csv").open("w", encoding="cp1252", newline="") as file:
            csv.writer(file, delimiter=";").writerows([COLUMNS, *ROWS])
        yield office


def shown(office: Office) -> dict[str, tuple[object, ...]]:
    names = ("name", "surname", "email", "tel", "addr_street", "addr_zip")
    return {str(one["foreign_id"]): tuple(one[name] for name in names) for one in office.sandbox.customers}


def test_the_page_makes_the_customers_that_an_office_expects(office):
    assert office.syncd("check").code == 0
    assert office.syncd("--once").code == 0
    street = "Königstraße"
    assert shown(office) == {
        "MEMBER-0001": ("Zzvor1", "Zznäch1", "zz1@example.org", "+493023125001", f"{street} 1a", "01067"),
        "MEMBER-0003": ("Zzvor3", "Zznäch3", "zz3@example.org", "+493023125003", f"{street} 3a", "01067"),
        "MEMBER-0006": (None, "Zzwerk GmbH", "zz6@example.org", "+493023125006", f"{street} 6a", "01067"),
        "MEMBER-0007": ("Zzvor7", "Zznäch7", "buero7@example.org", "+493023125007", f"{street} 7a", "01067"),
        "MEMBER-0008": ("Zzvor8", "Zznäch8", "zz8@example.org", "+491712312508", f"{street} 8a", "01067"),
        "PARTNER-0008": ("Zzpar8", "Zznäch8", "par8@example.org", None, f"{street} 8a", "01067"),
    }
    (firm,) = [one for one in office.sandbox.customers if one["foreign_id"] == "MEMBER-0006"]
    assert (firm["is_institution"], firm["institution"]) == (True, "Zzwerk GmbH")
    second = office.syncd("--once")
    assert (second.code, second.named("record.outcome")) == (0, [])
