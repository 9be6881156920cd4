"""What happens to an export on its way from a museum's CRM: some forty damages, each likely, of one real-shaped list.

An export is made of rows, and rows of cells; a damage is done to the cells, the text or the bytes.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypeAlias

import openpyxl

Rows: TypeAlias = list[list[str]]

COLUMNS = [
    *("Mitgl.-Nr.", "Anrede", "Vorname", "Nachname", "E-Mail", "Telefon privat", "Geburtsdatum", "Strasse", "PLZ"),
    *("Ort", "Land", "Bemerkung"),
]
GIVEN = "Jörg Käthe Günther Anneliese Björn Ursula François Małgorzata Zoë Hans-Jürgen Renée Søren".split()
FAMILY = (
    "Müller Weiß Groß Schäfer Özdemir Lefèvre Brandt von~der~Höhe Jäger O’Neill Strauß Krüger Nuñez Åkesson".split()
)
STREETS = "Königstraße Am~Markt Gröpelinger~Heerstraße Schloßplatz Bäckergasse".split()
TOWNS = {"01067": "Dresden", "80331": "München", "04109": "Leipzig", "50667": "Köln", "07743": "Jena"}
COUNT = 60
OTHERS = range(200, 230)  # people of another list


def person(number: int) -> list[str]:
    zip_code, town = list(TOWNS.items())[number % len(TOWNS)]
    family = FAMILY[number % len(FAMILY)].replace("~", " ")
    return [
        f"{number * 37:06d}",
        ("Frau", "Herr")[number % 2],
        GIVEN[number % len(GIVEN)].replace("ł", "l"),
        f"{family}-{chr(65 + number // len(FAMILY))}",
        f"mitglied{number}@post.example.org",
        f"030 23125{number:03d}",
        f"{number % 27 + 1:02d}.{number % 12 + 1:02d}.{1931 + number % 70}",
        f"{STREETS[number % len(STREETS)].replace('~', ' ')} {number}",
        zip_code,
        town,
        ("DE", "", "AT")[number % 3],
        ("", "hat die Schlüssel; bitte anrufen", 'genannt "die Große"')[number % 3],
    ]


def people() -> Rows:
    return [COLUMNS, *(person(number) for number in range(1, COUNT + 1))]


def as_text(rows: Rows, delimiter: str = ";") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def as_bytes(rows: Rows) -> bytes:
    """As Excel on a German Windows saves it."""
    return as_text(rows).encode("cp1252")


def column(name: str) -> int:
    return COLUMNS.index(name)


# --- done to cells ---


def in_column(rows: Rows, name: str, change: Callable[[str], str], every: int = 1) -> bytes:
    place = column(name)
    for number, row in enumerate(rows[1:]):
        if number % every == 0:
            row[place] = change(row[place])
    return in_utf_8(rows)


def in_utf_8(rows: Rows) -> bytes:
    return as_text(rows).encode("utf-8-sig")


def in_plain_quotes(rows: Rows) -> Rows:
    return [[cell.replace("’", "'") for cell in row] for row in rows]


def as_entities(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode()


def misread(text: str, as_if: str = "cp1252") -> str:
    return text.encode().decode(as_if, "replace")


def with_names_exchanged(rows: Rows, one: str, other: str) -> bytes:
    header = list(rows[0])
    header[column(one)], header[column(other)] = other, one
    return as_bytes([header, *rows[1:]])


def with_one_column_sorted(rows: Rows, name: str) -> bytes:
    place = column(name)
    for row, cell in zip(rows[1:], sorted(row[place] for row in rows[1:]), strict=True):
        row[place] = cell
    return as_bytes(rows)


def shifted(rows: Rows) -> bytes:
    return as_bytes([rows[0], *([row[0], "", *row[1:]] for row in rows[1:])])


def without_column(rows: Rows, name: str) -> bytes:
    return as_bytes([row[: column(name)] + row[column(name) + 1 :] for row in rows])


def renamed(rows: Rows, name: str, new: str) -> bytes:
    return as_bytes([[new if cell == name else cell for cell in rows[0]], *rows[1:]])


def with_half_of_others(rows: Rows) -> bytes:
    return as_bytes([*rows[: COUNT // 2 + 1], *map(person, OTHERS)])


def with_contradictions(rows: Rows) -> bytes:
    return as_bytes([*rows, *([row[0], *row[1:3], "Nachname-neu", *row[4:]] for row in rows[1:4])])


# --- done to the text ---


def delimited(rows: Rows, delimiter: str) -> bytes:
    return as_text(rows, delimiter).encode("cp1252")


def in_single_quotes(rows: Rows) -> bytes:
    return "".join(";".join(f"'{cell}'" for cell in row) + "\r\n" for row in without_quotes(rows)).encode("cp1252")


def with_blanks_before_quotes(rows: Rows) -> bytes:
    return "".join("; ".join(f'"{cell}"' for cell in row) + "\r\n" for row in without_quotes(rows)).encode("cp1252")


def with_backslashes(rows: Rows) -> bytes:
    escaped = [[cell.replace('"', '\\"') for cell in row] for row in rows]
    return "".join(";".join(f'"{cell}"' for cell in row) + "\r\n" for row in escaped).encode()


def without_quotes(rows: Rows) -> Rows:
    return [["" if set(cell) & set(";\"'") else cell for cell in row] for row in rows]


def unquoted(rows: Rows) -> bytes:
    return "".join(";".join(row) + "\r\n" for row in rows).encode("cp1252")


def wrapped_lines(rows: Rows) -> bytes:
    """A program that breaks lines after so many letters."""
    lines = as_text(rows).splitlines()
    return "".join(line[:80] + "\r\n" + (line[80:] + "\r\n") * bool(line[80:]) for line in lines).encode("cp1252")


# --- another file ---


def workbook(rows: Rows) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def web_page(rows: Rows) -> bytes:
    return (
        b"<!DOCTYPE html><html><head><title>Anmelden</title></head><body><form>Bitte melden Sie sich an</form>" * 3
        + f"<!-- {len(rows)} --></body></html>".encode()
    )


def api_answer(rows: Rows) -> bytes:
    return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]], ensure_ascii=False).encode()


def cut_in_a_cell(whole: bytes, share: float) -> bytes:
    place = int(len(whole) * share)
    while whole[place - 1 : place] in b"\r\n;" or whole[place - 2 : place - 1] in b"\r\n;":
        place += 1
    return whole[:place]


def cut_at_a_line_end(whole: bytes, lost: int) -> bytes:
    return b"".join(whole.splitlines(keepends=True)[:-lost])


DAMAGES: Mapping[str, Callable[[Rows], bytes]] = {
    # the file is not whole
    "cut within a cell, after a third": lambda rows: cut_in_a_cell(as_bytes(rows), 0.34),
    "cut within the last cell": lambda rows: as_bytes(rows[:-2])[:-5],
    "cut at a line end, a third is lost": lambda rows: cut_at_a_line_end(as_bytes(rows), 20),
    "empty": lambda _rows: b"",
    "only the header": lambda rows: as_bytes(rows[:1]),
    "a hole of NULs in the middle": lambda rows: as_bytes(rows)[:2000] + b"\0" * 512 + as_bytes(rows)[2512:],
    "half of the rows are another list's": with_half_of_others,
    # the table
    "the header is gone": lambda rows: as_bytes(rows[1:]),
    "two exports joined, each with its header": lambda rows: as_bytes(rows[:31]) + as_bytes([rows[0], *rows[31:]]),
    "two exports joined, in two encodings": lambda rows: as_bytes(rows[:31]) + as_text(rows[31:]).encode(),
    "all rows twice": lambda rows: as_bytes([*rows, *rows[1:]]),
    "three ids twice, with another surname": with_contradictions,
    "titles above": lambda rows: b"Mitgliederliste;;\r\nStand: 1. M\xe4rz;;\r\n\r\n" + as_bytes(rows),
    "a total below": lambda rows: as_bytes([*rows, ["Gesamt", *[""] * 10, "60"]]),
    "a footer of one cell": lambda rows: as_bytes(rows) + b"Ende der Liste\r\n",
    "two exports joined, the second with its names in capitals": lambda rows: as_bytes(
        [*rows[:31], [name.upper() for name in rows[0]], *rows[31:]]
    ),
    "a total with a count below": lambda rows: as_bytes([*rows, ["Gesamt", "", "60 Mitglieder", *[""] * 9]]),
    "a ruler below the header": lambda rows: as_bytes([rows[0], ["------"] * len(COLUMNS), *rows[1:]]),
    "a column is missing": lambda rows: without_column(rows, "Geburtsdatum"),
    "a column is renamed": lambda rows: renamed(rows, "Nachname", "Familienname"),
    "two columns have exchanged their names": lambda rows: with_names_exchanged(rows, "Vorname", "Nachname"),
    "the surnames are sorted alone": lambda rows: with_one_column_sorted(rows, "Nachname"),
    "all cells are a column further right": shifted,
    "lines are broken after 80 letters": wrapped_lines,
    # encodings
    "UTF-8 encoded twice": lambda rows: misread(as_text(rows)).encode(),
    "a part of it encoded twice": lambda rows: in_column(rows, "Nachname", misread, every=5),
    "letters lost to U+FFFD": lambda rows: as_text(rows).encode("cp1252").decode("utf-8", "replace").encode(),
    "letters lost to question marks": lambda rows: as_text(rows).encode("ascii", "replace"),
    "DOS letters (cp850)": lambda rows: as_text(rows).replace("’", "'").encode("cp850"),
    "Mac letters": lambda rows: as_text(rows).encode("mac-roman"),
    "UTF-16 without its mark": lambda rows: as_text(rows).encode("utf-16-le"),
    "decomposed letters": lambda rows: unicodedata.normalize("NFD", as_text(rows)).encode(),
    "the mark of UTF-8 twice": lambda rows: b"\xef\xbb\xbf" + in_utf_8(rows),
    "the end mark of DOS": lambda rows: as_bytes(rows) + b"\x1a",
    "a DOS list opened as one of Windows, and stored as UTF-8": lambda rows: (
        as_text(in_plain_quotes(rows)).encode("cp850").decode("cp1252", "replace").encode("utf-8-sig")
    ),
    "a part of it read as DOS letters": lambda rows: in_column(
        rows, "Ort", lambda cell: cell.encode("cp1252").decode("cp850")
    ),
    "letters written for a web page": lambda rows: in_column(rows, "Nachname", as_entities),
    # what Excel does
    "ids without leading zeros": lambda rows: in_column(rows, "Mitgl.-Nr.", lambda cell: cell.lstrip("0")),
    "ids as numbers with exponents": lambda rows: in_column(rows, "Mitgl.-Nr.", lambda cell: f"{float(cell):.2E}"),
    "telephone numbers with exponents": lambda rows: in_column(
        rows, "Telefon privat", lambda cell: f"{float(cell.replace(' ', '')):.5E}".replace(".", ",")
    ),
    "post codes without leading zeros": lambda rows: in_column(rows, "PLZ", lambda cell: cell.lstrip("0")),
    "a look-up that failed (#NV)": lambda rows: in_column(rows, "Ort", lambda _cell: "#NV", every=4),
    "columns too narrow (####)": lambda rows: in_column(rows, "Geburtsdatum", lambda _cell: "########"),
    "cells guarded as formulas": lambda rows: in_column(rows, "PLZ", lambda cell: f'="{cell}"'),
    "dates the American way": lambda rows: in_column(
        rows, "Geburtsdatum", lambda cell: "/".join((cell[3:5], cell[:2], cell[6:]))
    ),
    "dates with two digits of the year": lambda rows: in_column(rows, "Geburtsdatum", lambda cell: cell[:6] + cell[8:]),
    # what other programs do
    "NULL where there is nothing": lambda rows: in_column(rows, "Bemerkung", lambda cell: cell or "NULL"),
    "a column is empty all at once": lambda rows: in_column(rows, "E-Mail", lambda _cell: ""),
    "signs that nobody sees in the ids": lambda rows: in_column(rows, "Mitgl.-Nr.", lambda cell: cell + "\u200e"),
    "blanks that do not break": lambda rows: in_column(rows, "Nachname", lambda cell: f"\xa0{cell}\xa0"),
    "tabs for semicolons": lambda rows: delimited(rows, "\t"),
    "circumflexes for semicolons": lambda rows: delimited(rows, "^"),
    "line ends of an old Mac": lambda rows: as_bytes(rows).replace(b"\r\n", b"\r"),
    "single quotes": in_single_quotes,
    "blanks before quotes": with_blanks_before_quotes,
    "backslashes before quotes": with_backslashes,
    "no quotes around semicolons": unquoted,
    "a quote that is never closed": lambda rows: as_bytes(rows).replace(b";K\xf6ln;", b';"K\xf6ln;', 1),
    # another file under its name
    "a web page to log in": web_page,
    "an API's answer": api_answer,
    "a workbook": workbook,
}
