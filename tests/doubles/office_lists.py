"""Five lists as museums' offices export them, each with the customers that go~mus should have of it.

`python tests/doubles/office_lists.py FOLDER` writes the lists; with `--expected` what is expected of each stands beside
it as JSON, by the list's own id. Both are made of the same invented people, without a look at how syncd maps a list.
Expected are words where go~mus has numbers ("Frau", "DE"), and no field that is empty.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
from damages import FAMILY, STREETS, TOWNS

Cells: TypeAlias = Mapping[str, Any]
Fields: TypeAlias = dict[str, Any]
Expected: TypeAlias = dict[str, Fields]

WOMEN = "Anneliese Käthe Ursula Renée Zoë Gudrun Heike Sabine Ingrid Jana Dörte Brigitte".split()
MEN = "Jörg Günther Björn François Hans-Jürgen Søren Karl Otto Uwe Rüdiger Peter Matthias".split()
FIRMS = ("Bäckerei {} GmbH", "{} & Söhne KG", "Tischlerei {}", "{} Bau AG", "Apotheke {} e. K.")
SCHOOLS = {"Grundschule": "{}-Grundschule", "Gymnasium": "{}-Gymnasium", "Oberschule": "Oberschule am {}platz"}
LEFT, STAYS = "31.12.{}", "31.12.2099"
ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "é": "e", "è": "e", "ñ": "n", "ç": "c"})


@dataclass(frozen=True, kw_only=True)
class OfficeList:
    file: str
    content: bytes = field(repr=False)
    expected: Expected = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    number: int

    @property
    def salutation(self) -> str:
        return ("Frau", "Herr")[self.number % 2]

    @property
    def given(self) -> str:
        return (WOMEN, MEN)[self.number % 2][self.number // 2 % 12]

    @property
    def family(self) -> str:
        return FAMILY[self.number * 5 % len(FAMILY)].replace("~", " ")

    @property
    def firm(self) -> str:
        return FIRMS[self.number % len(FIRMS)].format(self.family)

    @property
    def street(self) -> str:
        return STREETS[self.number % len(STREETS)].replace("~", " ")

    @property
    def house(self) -> str:
        return f"{self.number % 97 + 1}{('', '', ' a')[self.number % 3]}"

    @property
    def town(self) -> tuple[str, str]:
        return list(TOWNS.items())[self.number % len(TOWNS)]

    @property
    def born(self) -> date:
        return date(1935 + self.number % 60, self.number % 12 + 1, self.number % 28 + 1)

    def email(self, host: str = "example.org") -> str:
        letters = (f"{self.given}.{self.family}{self.number}").casefold().translate(ASCII)
        return f"{''.join(one for one in letters if one.isascii() and one != ' ')}@{host}"

    @property
    def named(self) -> Fields:
        return {"name": self.given, "surname": self.family}

    @property
    def address(self) -> Fields:
        code, town = self.town
        return {"addr_street": f"{self.street} {self.house}", "addr_zip": code, "addr_city": town}


def telephone(number: int, area: str) -> tuple[str, str]:
    """As people write it, and as go~mus should have it."""
    digits = f"2007{number:03d}"
    forms = (f"0{area} {digits}", f"0{area}/{digits}", f"(0{area}) {digits[:4]} {digits[4:]}", f"+49 {area} {digits}")
    return forms[number % len(forms)], f"+49{area}{digits}"


def as_cells(fields: Fields) -> Fields:
    """Without what is empty."""
    return {name: value for name, value in fields.items() if value}


# --- a members' list, saved by Excel as CSV ---

MEMBERS = (
    "Mitgl.-Nr.;Anrede;Titel;Vorname;Nachname;Straße;Hausnr.;PLZ;Ort;Land;Geb.-Datum;E-Mail privat;E-Mail dienstl.;"
    "Tel. privat;Mobil;Eintritt;Austritt;Beitragsgruppe;Zahlungsart;IBAN;Bemerkung"
).split(";")
REMARKS = ("", "", "zahlt bar; Quittung!", 'genannt "die Große"', "", "erst anrufen,\nnicht schreiben", "")
TITLES = {7: "Dr.", 11: "Prof. Dr.", 29: "Dr. h. c."}  # the last is none of go~mus


def members() -> OfficeList:
    """180 members, of whom 16 are firms, 19 couples, 13 have left and one will."""
    rows, expected = [], {}
    for number in range(1, 181):
        cells, fields, stays = member(Person(number))
        rows.append(cells)
        if stays:
            expected[cells["Mitgl.-Nr."]] = as_cells(fields)
    above = [["Mitgliederverzeichnis Freundeskreis"], ["Stand: 2. November 2026"], []]
    text = as_csv(MEMBERS, rows, above=above)
    return OfficeList(file="Mitgliederliste 2026.csv", content=text.encode("cp1252"), expected=expected)


def member(one: Person) -> tuple[Cells, Fields, bool]:
    number = one.number
    is_firm, is_couple, leaves = number % 11 == 6, number % 9 == 4, number % 13 == 5
    title = "" if is_firm or is_couple else next((text for n, text in TITLES.items() if number % 31 == n), "")
    own, work = one.email() if number % 3 else "", one.email("firma.example") if number % 4 else ""
    (tel, tel_sent), (mobile, mobile_sent) = telephone(number, "351"), telephone(number, "170")
    person: Fields = {"Anrede": one.salutation, "Vorname": one.given, "Nachname": one.family}
    fields: Fields = {**one.named, "customer_salutation_id": one.salutation, "customer_title_id": title}
    if title == "Dr. h. c.":
        fields["customer_title_id"] = ""
    if is_firm:
        person = {"Anrede": "Firma", "Vorname": "", "Nachname": one.firm}
        fields = {"surname": one.firm, "institution": one.firm, "is_institution": True}
    elif is_couple:
        both = f"{MEN[number % 12]} und {WOMEN[number % 12]}"
        person |= {"Anrede": "Herr und Frau", "Vorname": both}
        fields |= {"name": both, "customer_salutation_id": "Familie"}
    cells = person | {
        "Mitgl.-Nr.": f"{number:04d}",
        "Titel": title,
        "Straße": one.street,
        "Hausnr.": one.house,
        "PLZ": one.town[0],
        "Ort": one.town[1] + ("  " if number % 33 == 3 else ""),
        "Land": "D" if number % 2 else "",
        "Geb.-Datum": "" if is_firm or number % 25 == 1 else f"{one.born:%d.%m.%Y}",
        "E-Mail privat": f"{own.capitalize()}; {one.email('old.example')}"
        if own and number % 23 == 2
        else own.capitalize(),
        "E-Mail dienstl.": work,
        "Tel. privat": tel if number % 5 else ("", "-")[number % 2],
        "Mobil": mobile if number % 2 else "",
        "Eintritt": f"01.04.{1990 + number % 30}",
        "Austritt": (STAYS if number == 174 else LEFT.format(2015 + number % 9)) if leaves else "",
        "Beitragsgruppe": "Firmen" if is_firm else "Familie" if is_couple else "Einzel",
        "Zahlungsart": ("Lastschrift", "Überweisung")[number % 2],
        "IBAN": "" if number % 2 else f"DE{number % 80 + 10}500105170000{number:06d}",
        "Bemerkung": REMARKS[number % len(REMARKS)],
    }
    fields |= one.address | {"addr_country_id": "DE", "email": own or work}
    fields |= {"tel": tel_sent if number % 5 else "", "mobile": mobile_sent if number % 2 else ""}
    return cells, fields, not leaves or number == 174


# --- a workbook of schools ---

SCHOOL = "Schulname;Schulart;Schulnummer;Ansprechpartner/in;E-Mail Sekretariat;Telefon;Straße/Nr.;PLZ;Ort;;Fax;Schüler"


def schools() -> OfficeList:
    """64 schools below titles, with a column of nothing, a sum at the end, and a sheet of remarks."""
    rows: list[list[Any]] = [["Schulen im Landkreis"], ["Schuljahr 2026/27"], [], SCHOOL.split(";")]
    expected = {}
    for number in range(1, 65):
        one, kind = Person(number), list(SCHOOLS)[number % len(SCHOOLS)]
        name, key = SCHOOLS[kind].format(one.family), 104_000 + number * 7
        contact = ("", f"{one.salutation} {one.family}", f"{one.salutation} Dr. {one.family}")[number % 3]
        email, (tel, tel_sent) = f"Sekretariat{number}@schule.example", telephone(number, "3421")
        address = one.address
        place = [address["addr_street"], int(address["addr_zip"]), address["addr_city"]]
        rows.append([name, kind, key, contact, email if number % 6 else "", tel, *place, "", "", 200 + number])
        expected[str(key)] = as_cells(
            {
                "institution": name,
                "is_institution": True,
                "surname": contact or name,
                "email": email.casefold() if number % 6 else "",
                "tel": tel_sent,
                **address,
            }
        )
    rows.append(["Summe", *[""] * 10, sum(row[-1] for row in rows[4:])])
    book = openpyxl.Workbook()
    fill(book.active, "Schulen", rows)
    book.active.merge_cells("A1:D1")
    fill(book.create_sheet(), "Hinweise", [["Ferien beachten"], ["Plakate gehen an das Sekretariat"]])
    return OfficeList(file="Schulen im Landkreis.xlsx", content=saved(book), expected=expected)


def fill(sheet: Any, title: str, rows: list[list[Any]]) -> None:
    sheet.title = title
    for row in rows:
        sheet.append([None if cell == "" else cell for cell in row])


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# --- donors, from a web program ---

DONORS = "Spender-ID;Name;Firma;Typ;Status;Straße;PLZ;Ort;E-Mail;Letzte Spende;Betrag".split(";")


def donors() -> OfficeList:
    """120 donors: people as 'family name, first name', firms with and without a contact, the dead and the blocked."""
    rows, expected = [], {}
    for number in range(1, 121):
        one = Person(number)
        kind = "Stiftung" if number % 20 == 7 else "Firma" if number % 5 == 3 else "Privat"
        has_contact = kind == "Firma" and number % 3 == 0
        firm = f"Stiftung {one.family}" if kind == "Stiftung" else one.firm
        if number == 58:
            firm = "Vogel, Brandt & Partner GbR"
        status = {4: "verstorben", 9: "gesperrt", 12: ""}.get(number % 17, "aktiv")
        own = kind == "Privat" or has_contact
        cells = {
            "Spender-ID": f"SP{number:05d}",
            "Name": f"{one.family}, {one.given}" if own else firm,
            "Firma": "" if kind == "Privat" else firm,
            "Typ": kind,
            "Status": status,
            "Straße": one.address["addr_street"],
            "PLZ": one.town[0],
            "Ort": one.town[1],
            "E-Mail": one.email() if number % 4 else "k. A.",
            "Letzte Spende": f"{one.born:%d.%m.}{2020 + number % 6}",
            "Betrag": f"{number * 12}.{number:03d},50" if number % 9 == 0 else f"{number % 90 + 10},00",
        }
        rows.append(cells)
        if status in ("aktiv", ""):
            fields = dict(one.named if own else {"surname": firm}) | one.address
            fields |= {"institution": firm, "is_institution": True} if kind != "Privat" else {}
            expected[cells["Spender-ID"]] = as_cells(fields | {"email": one.email() if number % 4 else ""})
    return OfficeList(file="spender.csv", content=as_csv(DONORS, rows).encode("utf-8-sig"), expected=expected)


# --- the list of members that JVerein exports ---

# Its handbook (jverein-Book, "Auswertung Mitglieder") describes the export of members as CSV, with all fields of a
# member; what they are called stands in its source (MitgliedVar), and their order is that of a hash table of Java. `j`
# is a juristische Person: a firm, whose name stands in the field of the surname.
JVEREIN = [
    f"mitglied_{name}"
    for name in (
        "titel kontoinhaber_plz telefon_dienstlich kontoinhaber_ort kontoinhaber_titel vermerk2 beitragsgruppe_betrag "
        "vermerk1 arbeitseinsatz_betrag eingabedatum beitragsgruppe_id empfaenger handy kontoinhaber_vorname "
        "kontoinhaber_geschlecht zahlungsrhytmus zahlungsweg externe_mitgliedsnummer bic plz geburtsdatum_f "
        "kontoinhaber_name kontoinhaber_adressierungszusatz ort email name eingabedatum_f iban iban_maskiert zahlerid "
        "zahlungstermin kuendigung anrede_foermlich kontoinhaber_strasse kontoinhaber_anrede telefon_privat austritt "
        "personenart kontoinhaber_personenart strasse vornamename vorname adressierungszusatz id sterbetag "
        "beitragsgruppe_bezeichnung mandatdatum_f kontoinhaber_staat namevorname individuellerbeitrag staat "
        "kontoinhaber_vornamename eintritt kontoinhaber_email arbeitseinsatz_stunden bankname austritt_f "
        "letzte.aenderung geschlecht mandatid mandatdatum eintritt_f adresstyp anrede geburtsdatum "
        "kontoinhaber_empfaenger anrede_du zahlungsrhythmus kontoinhaber eigenschaft_Newsletter"
    ).split()
]
GRAZ = ("8010", "Graz")


def jverein() -> OfficeList:
    """150 members, with firms, leavers, the dead, some who have given notice, and parents who pay for children."""
    rows, expected = [], {}
    for number in range(1, 151):
        one = Person(number)
        cells, fields = of_jverein(one)
        leaves, died, gave_notice = number % 16 == 3, number % 50 == 20, number % 60 == 10
        cells |= {
            "austritt": LEFT.format(2020 + number % 5) if leaves else STAYS if gave_notice else "",
            "kuendigung": f"30.09.{2020 + number % 5}" if leaves or gave_notice else "",
            "sterbetag": "12.03.2024" if died else "",
        }
        rows.append({f"mitglied_{name}": text for name, text in cells.items()})
        if not leaves and not died:
            expected[cells["id"]] = as_cells(fields)
    text = as_csv(JVEREIN, rows, end="\n")
    return OfficeList(file="mitglied-20261102.CSV", content=text.encode(), expected=expected)


def of_jverein(one: Person) -> tuple[dict[str, str], Fields]:
    number, is_firm, is_abroad = one.number, one.number % 19 == 8, one.number % 37 == 5
    code, town = GRAZ if is_abroad else one.town
    street = f"{one.street} {one.house}"
    salutation = "" if is_firm else one.salutation.replace("Herr", "Herrn")
    given, family = ("", one.firm) if is_firm else (one.given, one.family)
    tel = f"0351 2007{number:03d}" + (" (abends)" if number % 29 == 4 else "")
    state = "Österreich" if is_abroad else ""
    whole = " ".join(filter(None, [given, family]))
    cells = {
        "id": str(number + 12),
        "adresstyp": "1",
        "personenart": "j" if is_firm else "n",
        "anrede": salutation,
        "titel": "Dr." if number % 23 == 1 and not is_firm else "",
        "vorname": given,
        "name": family,
        "vornamename": whole,
        "namevorname": f"{family}, {given}",
        "empfaenger": "\n".join(filter(None, [salutation, whole, street, f"{code} {town}", state])),
        "anrede_du": f"Hallo {given}," if given else "Guten Tag,",
        "strasse": street,
        "plz": code,
        "ort": town,
        "staat": state,
        "geschlecht": "o" if is_firm else "wm"[number % 2],
        "geburtsdatum": "" if is_firm else f"{one.born:%d.%m.%Y}",
        "geburtsdatum_f": "" if is_firm else f"{one.born:%Y%m%d}",
        "email": one.email() if number % 7 else "",
        "telefon_privat": tel if number % 3 else "",
        "telefon_dienstlich": f"0351 3007{number:03d}" if number % 2 else "",
        "handy": f"0170-2007{number:03d}" if number % 4 == 0 else "",
        "eintritt": f"01.04.{1990 + number % 30}",
        "beitragsgruppe_bezeichnung": "Firmen" if is_firm else "Erwachsene",
        "beitragsgruppe_betrag": "60,00",
        "zahlungsweg": str(number % 3 + 1),
        "eigenschaft_Newsletter": "X" if number % 2 else "",
        "vermerk1": "hat die Schlüssel" if number % 40 == 9 else "",
    }
    if number % 10 == 6:
        payer = Person(number + 301)
        cells |= {"kontoinhaber_vorname": payer.given, "kontoinhaber_name": payer.family, "kontoinhaber_plz": "99999"}
        cells |= {"kontoinhaber": f"{payer.family}, {payer.given}", "kontoinhaber_email": payer.email("bank.example")}
    fields: Fields = {
        "name": given,
        "surname": family,
        **({"institution": family, "is_institution": True} if is_firm else {}),
        "customer_salutation_id": "" if is_firm else one.salutation,
        "customer_title_id": cells["titel"],
        "email": cells["email"],
        "tel": cells["telefon_privat"] or cells["telefon_dienstlich"],
        "mobile": cells["handy"],
        "addr_street": street,
        "addr_zip": code,
        "addr_city": town,
        "addr_country_id": "AT" if is_abroad else "DE",
    }
    return cells, fields


# --- addresses, as Linear Vereinsverwaltung has them ---

# The columns that the pages of its support ("Datenimport - Vorbereitung") list for a workbook of members and other
# addresses. Whoever is no member has no Mitgliedsnummer.
LINEAR = (
    "Adressnummer;Mitgliedsnummer;Anrede;Titel;Geschlecht;Adresszusatz;Vorname;Nachname;Firma;"
    "Straße mit der Hausnummer;PLZ;Ort;Geburtsdatum;Eintrittsdatum;Austrittsdatum;Telefon1;Telefon2;"
    "Mobiltelefon;Telefax;E-Mail;Web;Spender;IBAN;BIC;Bankbezeichnung;Kontoinhaber;Lastschrift J/N;"
    "Sepa-Mandatsnummer;Abteilung 1;Abteilung 2;Abteilung 3;Kennung 1;Kennung 2;Freifeld 1;Freifeld 2"
).split(";")


def linear() -> OfficeList:
    """200 addresses: members, firms with and without a contact, donors who are no members; some have left or died."""
    rows, expected = [], {}
    for number in range(1, 201):
        one = Person(number)
        cells, fields = of_linear(one)
        leaves, died = number % 21 == 2, number % 45 == 11
        if leaves:
            cells["Austrittsdatum"] = typed(date(2016 + number % 9, 12, 31), number)
        elif number % 70 == 33:
            cells["Austrittsdatum"] = date(2099, 12, 31)
        cells["Kennung 1"] = "verstorben" if died else {1: "Ehrenmitglied", 8: "Vorstand"}.get(number % 25, "")
        rows.append([cells.get(column, "") for column in LINEAR])
        if not leaves and not died:
            expected[str(cells["Adressnummer"])] = as_cells(fields)
    book = openpyxl.Workbook()
    fill(book.active, "Adressen", [LINEAR, *rows])
    return OfficeList(file="Adressen Förderverein.xlsx", content=saved(book), expected=expected)


def typed(day: date, number: int) -> date | str:
    """Now and then a date is typed as text, and stays one."""
    return f"{day:%d.%m.%Y}" if number % 22 == 2 else day


def of_linear(one: Person) -> tuple[dict[str, Any], Fields]:
    number, is_firm, is_donor = one.number, one.number % 14 == 5, one.number % 14 == 9
    has_person = not is_firm or number % 3 == 0
    (first, first_sent), (second, second_sent) = telephone(number, "351"), telephone(number, "30")
    mobile, mobile_sent = telephone(number, "171")
    address = one.address
    cells: dict[str, Any] = {
        "Adressnummer": 1000 + number,
        "Mitgliedsnummer": "" if is_donor else 300 + number,
        "Anrede": "Firma" if is_firm else one.salutation,
        "Geschlecht": "" if is_firm else ("weiblich", "männlich")[number % 2],
        "Adresszusatz": "Hinterhaus" if number % 30 == 12 else "",
        "Vorname": one.given if has_person else "",
        "Nachname": one.family if has_person else "",
        "Firma": one.firm if is_firm else "",
        "Straße mit der Hausnummer": address["addr_street"],
        "PLZ": int(address["addr_zip"]),
        "Ort": address["addr_city"],
        "Geburtsdatum": "" if is_firm or number % 5 == 0 else typed(one.born, number),
        "Eintrittsdatum": "" if is_donor else date(1990 + number % 30, 4, 1),
        "Telefon1": first if number % 3 else "",
        "Telefon2": second if number % 4 == 0 else "",
        "Mobiltelefon": int(mobile_sent[3:]) if number % 26 == 7 else mobile if number % 2 else "",
        "E-Mail": one.email() if number % 8 else "",
        "Spender": "J" if is_donor else "N",
        "Lastschrift J/N": "N" if is_donor else "J",
        "Bankbezeichnung": "" if is_donor else "Sparkasse",
        "Abteilung 1": "" if is_donor else "Freundeskreis",
    }
    fields: Fields = {
        **(one.named if has_person else {"surname": one.firm}),
        **({"institution": one.firm, "is_institution": True} if is_firm else {}),
        "customer_salutation_id": "" if is_firm else one.salutation,
        "date_of_birth": "" if cells["Geburtsdatum"] == "" else one.born.isoformat(),
        "tel": first_sent if number % 3 else second_sent if number % 4 == 0 else "",
        "mobile": mobile_sent if number % 2 else "",
        "email": cells["E-Mail"],
        **address,
    }
    return cells, fields


# --- files ---


def as_csv(columns: list[str], rows: list[Cells], *, above: list[list[str]] | None = None, end: str = "\r\n") -> str:
    """Rows above the header are filled up to its width, as Excel does."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator=end)
    writer.writerows([*row, *[""] * (len(columns) - len(row))] for row in above or [])
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return text.getvalue()


def office_lists() -> Iterator[OfficeList]:
    for make in (members, schools, donors, jverein, linear):
        yield make()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for one in office_lists():
        (folder / one.file).write_bytes(one.content)
        if "--expected" in sys.argv:
            words = json.dumps(one.expected, ensure_ascii=False, indent=1)
            (folder / f"{one.file}.json").write_text(words, encoding="utf-8")
        print(f"{one.file}: {len(one.expected)} customers")
