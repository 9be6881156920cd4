"""An office's folder: one list of people, as some ninety programs and settings write it.

`python tests/doubles/office_files.py FOLDER` writes them all. What syncd must be told of a file, beyond its path, is in
`Export.options`; most need nothing.
"""

import csv
import html
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import xlwt
from damages import COLUMNS, person
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

Rows: TypeAlias = list[list[str]]

COUNT = 40
BORN, ZIP, ID, NOTES = map(COLUMNS.index, ("Geburtsdatum", "PLZ", "Mitgl.-Nr.", "Bemerkung"))


@dataclass(frozen=True, kw_only=True)
class Export:
    name: str
    content: bytes = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the source."""
    iso_dates: bool = False
    null: str | None = None
    """What stands where there is nothing."""


def people() -> Rows:
    """Like the list that is damaged elsewhere, but with remarks of one line or of two."""
    found = [person(number) for number in range(1, COUNT + 1)]
    for number, row in enumerate(found):
        if number % 7 == 3:
            row[NOTES] = "erste Zeile\nzweite Zeile"
    return [COLUMNS, *found]


def plain_people() -> Rows:
    """Without what a format can't hold: line breaks, quotes and delimiters within a cell."""
    return [["Mitglied" if set(cell) & set('\n";,\t|') else cell for cell in row] for row in people()]


def text_of(
    rows: Rows, delimiter: str = ";", end: str = "\r\n", quoting: Any = csv.QUOTE_MINIMAL, breaks: str = "\n"
) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([[cell.replace("\n", breaks) for cell in row] for row in rows])
    return text.getvalue()


def with_iso_dates(rows: Rows) -> Rows:
    return [rows[0], *([*row[:BORN], iso(row[BORN]), *row[BORN + 1 :]] for row in rows[1:])]


def iso(day: str) -> str:
    return "-".join(reversed(day.split(".")))


# --- encodings x delimiters x line ends ---

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
DELIMITERS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
ENDS = {"\r\n": "crlf", "\n": "lf", "\r": "cr"}


def matrix() -> Iterator[Export]:
    for encoding, (delimiter, mark), (end, ending) in product(ENCODINGS, DELIMITERS.items(), ENDS.items()):
        breaks = "\r" if end == "\r" else "\n"
        content = text_of(people(), delimiter, end, breaks=breaks).encode(encoding)
        yield Export(name=f"{encoding}-{mark}-{ending}.csv", content=content)


# --- spreadsheets that write text ---


def spreadsheets() -> Iterator[Export]:
    rows = people()
    excel = text_of(rows)
    yield Export(name="excel-de.csv", content=excel.encode("cp1252"))
    yield Export(name="excel-de-utf-8.csv", content=excel.encode("utf-8-sig"))
    yield Export(name="excel-en.csv", content=text_of(rows, ",").encode("cp1252"))
    yield Export(name="excel-sep.csv", content=b"sep=;\r\n" + excel.encode("cp1252"))
    yield Export(name="excel-sep-utf-16.txt", content=("sep=\t\r\n" + text_of(rows, "\t")).encode("utf-16"))
    yield Export(name="excel-unicode-text.txt", content=text_of(rows, "\t").encode("utf-16"))
    yield Export(name="excel-dos.csv", content=excel.replace("’", "'").encode("cp850"), options={"encoding": "cp850"})
    mac = text_of(rows, end="\r", breaks="\r").encode("mac-roman")
    yield Export(name="excel-mac.csv", content=mac, options={"encoding": "mac-roman"})
    yield Export(name="excel-blank-columns.csv", content=text_of([[*row, "", ""] for row in rows]).encode("cp1252"))
    yield Export(name="excel-guarded.csv", content=text_of(guarded(rows)).encode("cp1252"))
    everything = text_of(rows, ",", "\n", csv.QUOTE_ALL)
    yield Export(name="libreoffice.csv", content=text_of(rows, ",", "\n").encode())
    yield Export(name="libreoffice-all-quoted.csv", content=everything.encode())
    yield Export(name="libreoffice-utf-16.csv", content=text_of(rows, ";", "\n").encode("utf-16"))
    yield Export(name="numbers.csv", content=text_of(rows, ";").encode())
    without_end = {"complete": {"end": "any"}}
    yield Export(name="google-sheets.csv", content=text_of(rows, ",").rstrip().encode(), options=without_end)
    yield Export(name="google-sheets.tsv", content=text_of(plain_people(), "\t").rstrip().encode(), options=without_end)


def guarded(rows: Rows) -> Rows:
    return [rows[0], *([f'="{row[ID]}"', *row[1:ZIP], f'="{row[ZIP]}"', *row[ZIP + 1 :]] for row in rows[1:])]


# --- databases ---


def databases() -> Iterator[Export]:
    rows = with_iso_dates(people())
    plain = with_iso_dates(plain_people())
    quoted = text_of(rows, ",", "\n", csv.QUOTE_ALL)
    yield Export(name="postgresql-copy.csv", content=text_of(rows, ",", "\n").encode(), iso_dates=True)
    footer = f"({COUNT} rows)\n"
    unaligned = text_of(plain, "|", "\n") + footer
    yield Export(
        name="postgresql-unaligned.txt",
        content=unaligned.encode(),
        options={"complete": {"trailer": "("}},
        iso_dates=True,
    )
    yield Export(name="sqlite.csv", content=text_of(rows, ",").encode(), iso_dates=True)
    nulls = with_null(plain, r"\N")
    yield Export(name="mysql-outfile.tsv", content=text_of(nulls, "\t", "\n").encode(), iso_dates=True, null=r"\N")
    nulls = with_null(plain, "NULL")
    yield Export(name="phpmyadmin.csv", content=text_of(nulls, ";", "\n").encode(), iso_dates=True, null="NULL")
    yield Export(name="mssql-results.csv", content=text_of(nulls, ",").encode("utf-8-sig"), iso_dates=True, null="NULL")
    yield Export(name="mssql-unicode.txt", content=text_of(plain, "\t").encode("utf-16"), iso_dates=True)
    yield Export(name="dbeaver.csv", content=quoted.encode(), iso_dates=True)
    ruled = text_of([plain[0], ["-" * len(name) for name in COLUMNS], *plain[1:]], ";")
    yield Export(name="oracle-spool.txt", content=ruled.encode("cp1252"), iso_dates=True)
    yield Export(name="access.txt", content=text_of(rows, ";", quoting=csv.QUOTE_ALL).encode("cp1252"), iso_dates=True)


def with_null(rows: Rows, null: str) -> Rows:
    return [rows[0], *([cell or null for cell in row] for row in rows[1:])]


# --- programs of associations ---


def associations() -> Iterator[Export]:
    rows = people()
    text = text_of(rows)
    titles = "Mitgliederliste;;\r\nFreundeskreis des Museums;Stand 1. März\r\n\r\n"
    yield Export(name="verein-titles.csv", content=(titles + text).encode("cp1252"))
    total = text_of([["Summe", *[""] * (len(COLUMNS) - 2), str(COUNT)]])
    trailer = {"complete": {"trailer": "Summe"}}
    yield Export(name="verein-total.csv", content=(text + total).encode("cp1252"), options=trailer)
    yield Export(name="verein-trailing-delimiter.csv", content=text_of([[*row, ""] for row in rows]).encode("cp1252"))
    blank = text.replace("\r\n", "\r\n\r\n", 1) + "\r\n\r\n"
    yield Export(name="verein-blank-lines.csv", content=blank.encode("utf-8-sig"))
    ruled = text_of([rows[0], ["-----"] * len(COLUMNS), *rows[1:]])
    yield Export(name="verein-ruler.csv", content=ruled.encode("cp1252"))
    joined = text_of([*rows[:21], rows[0], *rows[21:]])
    yield Export(name="verein-joined.csv", content=joined.encode("cp1252"))
    yield Export(name="verein-dos-end.csv", content=text.encode("cp1252") + b"\x1a")
    spaced = text_of([[f" {cell}\xa0" for cell in row] for row in rows])
    yield Export(name="verein-spaces.csv", content=spaced.encode("utf-8"))


# --- workbooks ---


def workbooks() -> Iterator[Export]:
    for name, make in WORKBOOKS.items():
        yield Export(name=name, content=make(people()), options={"type": "excel"}, iso_dates=name in WITH_DATES)


def xlsx(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


def xlsx_of_numbers(rows: Rows) -> bytes:
    """Ids and post codes as numbers with a format that shows their zeros, birthdays as dates."""
    book = openpyxl.Workbook()
    book.active.append(rows[0])
    for row in rows[1:]:
        day, month, year = map(int, row[BORN].split("."))
        book.active.append(
            [int(row[ID]), *row[1:BORN], date(year, month, day), row[BORN + 1], int(row[ZIP]), *row[ZIP + 1 :]]
        )
        last = book.active.max_row
        book.active.cell(last, ID + 1).number_format = "000000"
        book.active.cell(last, ZIP + 1).number_format = "00000"
        book.active.cell(last, BORN + 1).number_format = "DD.MM.YYYY"
    return saved(book)


def xlsx_with_titles(rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Mitgliederliste"])
    book.active.merge_cells("A1:D1")
    book.active.append([])
    for row in rows:
        book.active.append(row)
    return saved(book)


def saved(book: Any) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def xls(rows: Rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Mitglieder")
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell)
    return saved(book)


def xls_of_numbers(rows: Rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Mitglieder")
    styles = {
        ID: xlwt.easyxf(num_format_str="000000"),
        ZIP: xlwt.easyxf(num_format_str="00000"),
        BORN: xlwt.easyxf(num_format_str="DD.MM.YYYY"),
    }
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if not number or place not in styles:
                sheet.write(number, place, cell)
            elif place == BORN:
                day, month, year = map(int, cell.split("."))
                sheet.write(number, place, date(year, month, day), styles[place])
            else:
                sheet.write(number, place, int(cell), styles[place])
    return saved(book)


def ods(rows: Rows) -> bytes:
    document, table = OpenDocumentSpreadsheet(), Table(name="Mitglieder")
    for row in rows:
        line = TableRow()
        for cell in row:
            one = TableCell(valuetype="string")
            for paragraph in cell.split("\n"):
                one.addElement(P(text=paragraph))
            line.addElement(one)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    return saved(document)


def web_table(rows: Rows) -> bytes:
    """What many web programs call an Excel export."""
    lines = "".join("<tr>" + "".join(f"<td>{as_html(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    head = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>'
    return f"{head}<table>\n{lines}</table></body></html>".encode()


def as_html(cell: str) -> str:
    return html.escape(cell).replace("\n", "<br>")


WORKBOOKS: Mapping[str, Callable[[Rows], bytes]] = {
    "excel.xlsx": xlsx,
    "excel-numbers.xlsx": xlsx_of_numbers,
    "excel-titles.xlsx": xlsx_with_titles,
    "excel-97.xls": xls,
    "excel-97-numbers.xls": xls_of_numbers,
    "libreoffice.ods": ods,
    "web-program.xls": web_table,
}
WITH_DATES = {"excel-numbers.xlsx", "excel-97-numbers.xls"}


def exports() -> Iterator[Export]:
    for kind in (matrix, spreadsheets, databases, associations, workbooks):
        yield from kind()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for export in exports():
        (folder / export.name).write_bytes(export.content)
        print(export.name, dict(export.options) or "")
