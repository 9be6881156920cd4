"""Writes members.csv, the example export: `python -m syncd.example.make [FILE]`, always the same bytes.

Names are invented, e-mail addresses lie under example.org and its like, and every phone number is one that the
Bundesnetzagentur keeps free for films; Austria and Switzerland keep none, so members there give a German number.
"""

import csv
import io
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias, TypeVar

FILE = Path(__file__).with_name("members.csv")
SEED = 1871
DISTINCT_MEMBERS = 498

COLUMNS = (
    *("Mitgliedsnummer", "Anrede", "Titel", "Vorname", "Nachname", "Firma", "Typ"),
    *("Straße", "PLZ", "Ort", "Land", "Telefon", "Mobil", "E-Mail"),
    *("Geburtsdatum", "Eintritt", "Newsletter", "Bemerkung"),
)

WOMEN = """Anna Birgit Käthe Dörte Elif Franziska Gülay Hannelore Ines Jördis Karin Lieselotte Margarethe Nele Olga
Petra Renate Sabine Tülay Ursula Verena Walburga Zoë""".split()
MEN = """Achim Björn Cem Dietmar Emil Friedrich Günter Henning Ivo Jürgen Karl-Heinz Lutz Mehmet Norbert Oskar René
Rüdiger Sören Thilo Ulrich Volker Wolfgang Yannick""".split()
SURNAMES = """Ackermann Böttcher Çelik Dreßler Ebersbach Förster Großmann Hüttenrauch Iversen Jäkel Köhler Löwenstein
Müller Nußbaum Öztürk Preißler Quandt Rößler Schönfeld Strauß Thürmer Uhlmann Vößing Weiß Özdemir Zöllner Krüger
Lindqvist-Maaß Meyer-Lübke O'Brien Schulze Wagenknecht""".split()
PARTICLES = ("", "", "", "", "", "", "", "", "", "", "von ", "van der ")
TITLES = ("", "", "", "", "", "", "", "", "Dr.", "Prof.", "Prof. Dr.")
STREETS = (
    *("Ahornweg", "Bäckergasse", "Elbstraße", "Fährstr.", "Große Gasse", "Hauptstraße", "Jüdenhof", "Königsplatz"),
    *("Am Mühlgraben", "Obere Schloßstraße", "Rosa-Luxemburg-Str.", "Straße des Friedens", "Zum Güterbahnhof"),
)
FIRMS = ("Buchhandlung {}", "{} & Söhne GmbH", "Bäckerei {} e. K.", "{} Gebäudetechnik GmbH & Co. KG", "Stiftung {}")
NOTES = (
    "Zahlt in bar",
    "Wünscht Einladungen per Post",
    "Ehrenmitglied; kein Beitrag",
    "Rückruf erbeten –\nam besten vormittags",
    'Stiftet für den Saal "Nord"',
    "Spende 50 €\nQuittung geschickt\nDanke gesagt",
)
GERMAN_TOWNS = (
    *(("01067", "Dresden"), ("02826", "Görlitz"), ("04109", "Leipzig"), ("06108", "Halle (Saale)")),
    *(("07743", "Jena"), ("10115", "Berlin"), ("20095", "Hamburg"), ("50667", "Köln")),
    *(("60311", "Frankfurt am Main"), ("80331", "München"), ("97070", "Würzburg")),
)
TOWNS_ABROAD = (
    *(("1010", "Wien", "Österreich"), ("5020", "Salzburg", "Österreich"), ("6900", "Bregenz", "Österreich")),
    *(("3011", "Bern", "Schweiz"), ("8001", "Zürich", "Schweiz"), ("9000", "St. Gallen", "Schweiz")),
)
LANDLINES = {
    "Berlin": ("30", "23125{:03}"),
    "Frankfurt am Main": ("69", "90009{:03}"),
    "Hamburg": ("40", "66969{:03}"),
    "Köln": ("221", "4710{:03}"),
    "München": ("89", "99998{:03}"),
}
MOBILES = (("171", "39200{:02}"), ("176", "040690{:02}"))
SPELLINGS_AT_HOME = ("0{} {}", "0{}/{}", "0{} / {}", "0{}-{}", "(0{}) {}", "0{}{}")
SPELLINGS_ABROAD = ("+49 {} {}", "+49 (0){} {}", "+49{}{}", "0049 {} {}", "0049-{}-{}")
PLAIN_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "Ö": "Oe", "ß": "ss", "Ç": "C", "ë": "e", "é": "e", "'": "", " ": "-"}

MISTAKES: tuple[dict[str, str], ...] = (
    {"Geburtsdatum": "31.02.1975"},
    {"Geburtsdatum": "1962-07-04"},
    {"E-Mail": "vorstand@@example.org"},
    {"E-Mail": "kassenwart@"},
    {"E-Mail": "erste@example.org; zweite@example.org"},
    {"Telefon": "privat"},
    {"Mobil": "0171 3920012 oder 030 23125123"},
    {"Anrede": "Eheleute"},
    {"Titel": "Dipl.-Kfm."},
)

Row: TypeAlias = dict[str, str]
T = TypeVar("T")


class Chance:
    """Chance by `random()` alone, the one method that Python promises to keep as it is from version to version."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing here is a secret

    def happens(self, share: float) -> bool:
        return self._random.random() < share

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]


def members(chance: Chance) -> Iterator[Row]:
    """Member numbers rise with gaps, for members leave."""
    number = 100
    for _ in range(DISTINCT_MEMBERS):
        number += 1 + chance.below(4)
        yield member(number, chance)


def member(number: int, chance: Chance) -> Row:
    given, surname = chance.one_of(WOMEN + MEN), chance.one_of(PARTICLES) + chance.one_of(SURNAMES)
    is_firm = chance.happens(0.06)
    return {
        "Mitgliedsnummer": f"{number:06}",
        "Anrede": ("Frau" if given in WOMEN else "Herr") + (" " if chance.happens(0.03) else ""),
        "Titel": chance.one_of(TITLES),
        "Vorname": given,
        "Nachname": surname,
        "Firma": chance.one_of(FIRMS).format(surname) if is_firm else "",
        "Typ": "Firma" if is_firm else "Privat",
        "Straße": f"{chance.one_of(STREETS)} {1 + chance.below(120)}{chance.one_of(('', '', '', '', 'a', ' b'))}",
        **town_and_phone(chance),
        "E-Mail": email(number, given, surname, chance) if chance.happens(0.9) else "",
        "Geburtsdatum": "" if is_firm or chance.happens(0.1) else a_day(chance, since=1931, years=60),
        "Eintritt": a_day(chance, since=2005, years=20),
        "Newsletter": chance.one_of(("ja", "ja", "nein")),
        "Bemerkung": chance.one_of(NOTES) if chance.happens(0.15) else "",
    }


def town_and_phone(chance: Chance) -> Row:
    if is_abroad := chance.happens(0.06):
        zip_code, town, country = chance.one_of(TOWNS_ABROAD)
    else:
        zip_code, town = chance.one_of(GERMAN_TOWNS)
        country = chance.one_of(("Deutschland", "Deutschland", "Deutschland", "DE", ""))
    spellings = SPELLINGS_ABROAD if is_abroad else SPELLINGS_AT_HOME + SPELLINGS_ABROAD
    has_landline = town in LANDLINES and chance.happens(0.7)
    return {
        "PLZ": zip_code,
        "Ort": town,
        "Land": country,
        "Telefon": phone(LANDLINES[town], 1000, spellings, chance) if has_landline else "",
        "Mobil": phone(chance.one_of(MOBILES), 100, spellings, chance) if chance.happens(0.6) else "",
    }


def phone(number_range: tuple[str, str], size: int, spellings: Sequence[str], chance: Chance) -> str:
    area, pattern = number_range
    number = pattern.format(chance.below(size))
    if chance.happens(0.4):
        number = f"{number[:3]} {number[3:5]} {number[5:]}"
    return chance.one_of(spellings).format(area, number)


def email(number: int, given: str, surname: str, chance: Chance) -> str:
    """Its own for every member; some with capitals or a blank behind, as people type them."""
    name = f"{given}.{surname}"
    for letter, plain in PLAIN_LETTERS.items():
        name = name.replace(letter, plain)
    if chance.happens(0.8):
        name = name.lower()
    host = chance.one_of(("example.org", "example.com", "example.net"))
    return f"{name}{number}@{host}{' ' if chance.happens(0.03) else ''}"


def a_day(chance: Chance, *, since: int, years: int) -> str:
    return f"{date(since, 1, 1) + timedelta(days=chance.below(years * 365)):%d.%m.%Y}"


def with_mistakes(rows: list[Row], chance: Chance) -> list[Row]:
    """Nine rows spoilt one by one, one number given twice, and one row pasted a second time."""
    places = list(dict.fromkeys(chance.below(len(rows)) for _ in range(100)))
    for place, mistake in zip(places, MISTAKES, strict=False):
        rows[place] = rows[place] | mistake
    given_twice, pasted_twice = rows[places[len(MISTAKES)]], rows[places[len(MISTAKES) + 1]]
    moved = given_twice | {"Nachname": "Schönfeld-Krüger", "Straße": "Neuer Weg 7"}
    return [*rows, moved, dict(pasted_twice)]


def example() -> bytes:
    """As Excel saves "CSV (Trennzeichen-getrennt)" in Germany."""
    chance = Chance(SEED)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(with_mistakes(list(members(chance)), chance))
    return text.getvalue().encode("windows-1252")


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else FILE).write_bytes(example())
