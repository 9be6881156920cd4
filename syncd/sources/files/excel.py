"""The source `excel`: a sheet of a workbook (.xlsx, .xls, .ods), with its values as a person sees them.

The library that reads it shows an error (#N/A) and a formula without a result as empty, and an empty value clears a
field. So the XML of an .xlsx is searched for both first. In .xls and .ods they can't be found.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, compress, islice
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Literal, Self
from xml.etree import ElementTree as ET

from pydantic import model_validator
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from syncd.domain.nearest import suggest
from syncd.domain.records import SourceRecord
from syncd.errors import IncompleteRead
from syncd.sources.base import error_at
from syncd.sources.files.header import LOOKED_AT, Share, find_header, find_hint
from syncd.sources.files.opening import NO_TABLE, OpenFile, check_contents, unreadable
from syncd.sources.files.table import HARMLESS, TableOptions, TableReading, TableSource

HEAD = 4096
_NOT_A_WORKBOOK = (*NO_TABLE, (rb"(?!PK\x03\x04|\xd0\xcf\x11\xe0)", "is no workbook", 'if it is CSV, set type = "csv"'))


class ExcelOptions(TableOptions):
    type: Literal["excel"] = "excel"
    sheet: str | None = None

    @model_validator(mode="after")
    def _ends_whole(self) -> Self:
        if self.complete and self.complete.end is not None:
            raise error_at("complete", "end is for CSV: a workbook that is cut short can't be opened")
        return self


class ExcelSource(TableSource):
    """Hidden rows and columns count."""

    Options = ExcelOptions
    options: ExcelOptions

    def read(self, file: OpenFile) -> "ExcelReading":
        workbook = _open_workbook(file)
        sheet = _choose_sheet(workbook, self.options.sheet, file.name)
        place = " ".join(filter(None, (file.name, self.options.sheet)))
        with suppress(zipfile.BadZipFile):  # .xls
            _check_cells(file.raw, sheet.name, place)
        return ExcelReading(file, sheet, place, self.options, self.share)


class ExcelReading(TableReading):
    unit = "row"
    anew = "save the workbook anew"

    def __init__(self, file: OpenFile, sheet: CalamineSheet, place: str, options: ExcelOptions, share: Share) -> None:
        super().__init__(file, place, options.complete)
        self._rows: Iterator[tuple[int, list[Any]]] = enumerate(sheet.iter_rows(), start=1)
        self._find_header(options.row_of_header, share)
        self._check_merged(sheet.merged_cell_ranges or ())
        self.description = place

    def _records(self) -> Iterator[SourceRecord]:
        width = self._width
        for number, cells in self._rows:
            if any(cell != "" for cell in cells[width:]):
                what = f"the row has a value beyond the last of the {width} columns"
                raise self._doubt(number, what, "give that column a name in the header, or empty it")
            values = [_plain(cell) for cell in cells[:width]]
            first = str(values[self._first])
            if (first in self._known_names or not first.isalnum()) and not self._is_record(number, values):
                continue
            if any(value not in ("", None) for value in compress(values, self._named)):
                yield self._record(number, values)
        self._check_end()

    def _find_header(self, header_row: int | None, share: Share) -> None:
        head = list(islice(self._rows, max(LOOKED_AT, header_row or 0)))
        rows = [[_plain(cell) for cell in cells] for _, cells in head]
        place = find_header(rows, share, header_row)
        if place is None and header_row is not None:
            what, remedy = f"has no names in row {header_row}", "header_row counts from 1, empty rows included"
            raise self._doubt(None, what, remedy)
        place = place or 0
        self._take_header(zip((number for number, _ in head[place:]), rows[place:], strict=True))
        self.hint = find_hint(rows, place, share)
        if header_row is None:
            self._refuse_records_above(rows[: place + 1])
        self._rows = chain(head[place + 1 :], self._rows)
        if self._complete.trailer:
            self._rows = self._up_to_trailer(self._rows)

    def _check_merged(self, ranges: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        """Only the first of merged cells has the value; the others would count as empty."""
        for _, (last_row, _) in ranges:
            if last_row + 1 > self._header_line:
                raise self._doubt(last_row + 1, "has merged cells", "unmerge them, and fill in each cell")


def _open_workbook(file: OpenFile) -> CalamineWorkbook:
    try:
        head = file.raw.read(HEAD)
        check_contents(head, file.name, _NOT_A_WORKBOOK)
        file.raw.seek(0)
        return CalamineWorkbook.from_filelike(file.raw)
    except PasswordError:
        raise IncompleteRead(file.name, "is protected by a password", remedy="save it without one") from None
    except CalamineError:
        raise IncompleteRead(
            file.name, "is no workbook, or is cut short", remedy="save it anew as .xlsx, in Excel or LibreOffice"
        ) from None
    except OSError as error:
        raise unreadable(file.name, error) from error


def _choose_sheet(workbook: CalamineWorkbook, name: str | None, file: str) -> CalamineSheet:
    """The sheet of that name; without a name, the only one that is visible and holds anything."""
    names = workbook.sheet_names
    if name is not None:
        if name not in names:
            what, listed = f"has no sheet {name!r}", ", ".join(map(repr, names))
            shown = f"{what}; it has {listed}{suggest(name, names)}"
            raise IncompleteRead(file, what, remedy="check sheet; `syncd check` lists those of the file", shown=shown)
        return workbook.get_sheet_by_name(name)
    tables = [one for one in workbook.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
    visible = [one.name for one in tables if one.visible is SheetVisibleEnum.Visible]
    filled = [sheet for sheet in map(workbook.get_sheet_by_name, visible) if sheet.height]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        raise IncompleteRead(file, "is empty", remedy=f"{ExcelReading.anew}; {HARMLESS}")
    listed = ", ".join(repr(sheet.name) for sheet in filled)
    what = "has several sheets"
    remedy = "name one: sheet = '...'; `syncd check` lists them"
    raise IncompleteRead(file, what, remedy=remedy, shown=f"{what} ({listed})")


def _plain(cell: object) -> object:
    """As Excel shows it: a whole number without a point, no number with an exponent, a date as 1980-12-31."""
    match cell:
        case bool() | str():
            return cell
        case float() | int():
            return format(Decimal(repr(cell)).normalize(), "f")
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)


# --- what the library does not show ---

_ERROR = re.compile(rb'<(?:\w+:)?c\b[^>]*?\bt="e"[^>]*>')
_NO_RESULT = re.compile(
    rb"<(?:\w+:)?c\b(?![^>]*\bt=\"(?:str|s|inlineStr)\")[^>]*>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_REFERENCE = re.compile(rb'\br="([A-Z]+[0-9]+)"')
_PART = 1 << 20
_OVERLAP = 1 << 14  # longer than any cell that is looked for
_SHEETS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def _check_cells(raw: BinaryIO, sheet: str, place: str) -> None:
    raw.seek(0)
    with zipfile.ZipFile(raw) as archive:
        part = _find_part(archive, sheet)
        if part is None:  # .ods
            return
        with archive.open(part) as xml:
            for cell, what in _find_doubtful(xml):
                raise IncompleteRead(
                    f"{place} cell {cell}", what, remedy="open the workbook in Excel, correct it, and save it"
                )


def _find_part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    try:
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat bounds entities
        relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    except (KeyError, ET.ParseError):
        return None
    key = next((one.get(_ID) for one in book.iter(_SHEETS) if one.get("name") == sheet), None)
    target = next((one.get("Target", "") for one in relations if one.get("Id") == key), None)
    if target is None:
        return None
    part = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
    return part if part in archive.namelist() else None


def _find_doubtful(xml: Iterable[bytes] | BinaryIO) -> Iterator[tuple[str, str]]:
    rest = b""
    while part := xml.read(_PART):  # type: ignore[union-attr]  # an open part of an archive
        text = rest + part
        for pattern, what in ((_ERROR, "shows an error"), (_NO_RESULT, "has a formula without a result")):
            if found := pattern.search(text):
                reference = _REFERENCE.search(found[0])
                yield (reference[1].decode() if reference else "?"), what
        rest = text[-_OVERLAP:]
