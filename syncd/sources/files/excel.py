"""The source `excel`: a sheet of a workbook, with its values as a person sees them.

`workbook` reads what the programs write; here its rows become records.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, compress, islice
from typing import Literal, Self

from pydantic import Field, model_validator

from syncd.domain.nearest import suggest
from syncd.domain.records import SourceRecord
from syncd.errors import IncompleteRead
from syncd.sources.base import error_at
from syncd.sources.files.header import LOOKED_AT, Share, find_header, find_hint
from syncd.sources.files.opening import OpenFile
from syncd.sources.files.table import HARMLESS, TableOptions, TableReading, TableSource
from syncd.sources.files.workbook.recognize import is_broken, open_sheets
from syncd.sources.files.workbook.sheet import Broken, DoubtfulCell, ErrorCell, Row, Sheet, cell_name


class ExcelOptions(TableOptions):
    type: Literal["excel"] = Field(default="excel", description="A workbook.")
    sheet: str | None = Field(default=None, description="The sheet; may be left out where only one holds anything.")

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
        place = " ".join(filter(None, (file.name, self.options.sheet)))
        with _in_words(file, place):
            sheet = _choose_sheet(open_sheets(file), self.options.sheet, file.name)
            return ExcelReading(file, sheet, place, self.options, self.share)


class ExcelReading(TableReading):
    unit = "row"
    anew = "save the workbook anew"

    def __init__(self, file: OpenFile, sheet: Sheet, place: str, options: ExcelOptions, share: Share) -> None:
        super().__init__(file, place, options.complete)
        self._rows: Iterator[Row] = sheet.rows()
        self._share = share
        self._find_header(options.row_of_header, share)
        self._check_merged(sheet.merged_rows())
        self.description = place

    def _records(self) -> Iterator[SourceRecord]:
        with _in_words(self._file, self._place):
            yield from self._read_records()
        self._check_end()

    def _read_records(self) -> Iterator[SourceRecord]:
        width = self._width
        for number, cells in self._rows:
            if any(str(cell).strip() for cell in cells[width:]):
                what = f"the row has a value beyond the last of the {width} columns"
                raise self._doubt(number, what, "give that column a name in the header, or empty it")
            values = cells[:width] + [""] * (width - len(cells))
            if any(type(value) is ErrorCell for value in values):
                self._refuse_wanted(number, values)
            first = str(values[self._first])
            if (first in self._suspects or not first.isalnum()) and not self._is_record(number, values):
                continue
            if any(value != "" for value in compress(values, self._named)):
                yield self._record(number, values)

    def _refuse_wanted(self, number: int, cells: Sequence[object]) -> None:
        """Raises DoubtfulCell where a cell that is none is of a column that somebody wants."""
        for column, (cell, name) in enumerate(zip(cells, self._names, strict=True)):
            if isinstance(cell, ErrorCell) and name and self._share([name]) > 0:
                raise DoubtfulCell(cell_name(number, column), str(cell))

    def _find_header(self, header_row: int | None, share: Share) -> None:
        head = list(islice(self._rows, max(LOOKED_AT, header_row or 0)))
        rows = [cells for _, cells in head]
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

    def _check_merged(self, last_rows: Iterable[int]) -> None:
        """Only the first of merged cells has the value; the others would count as empty."""
        for row in last_rows:
            if row > self._header_line:
                raise self._doubt(row, "has merged cells", "unmerge them, and fill in each cell")


@contextmanager
def _in_words(file: OpenFile, place: str) -> Iterator[None]:
    try:
        yield
    except DoubtfulCell as cell:
        raise IncompleteRead(f"{place} cell {cell.at}", cell.what, remedy=cell.remedy) from None
    except Broken:
        raise is_broken(file.name) from None


def _choose_sheet(sheets: Sequence[Sheet], name: str | None, file: str) -> Sheet:
    """The sheet of that name; without a name, the only one that is visible and holds anything."""
    names = [one.name for one in sheets]
    if name is not None:
        if name not in names:
            what, listed = f"has no sheet {name!r}", ", ".join(map(repr, names))
            shown = f"{what}; it has {listed}{suggest(name, names)}"
            raise IncompleteRead(file, what, remedy="check sheet; `syncd check` lists those of the file", shown=shown)
        return sheets[names.index(name)]
    filled = [one for one in sheets if one.is_visible and not one.is_empty]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        raise IncompleteRead(file, "is empty", remedy=f"{ExcelReading.anew}; {HARMLESS}")
    listed = ", ".join(repr(sheet.name) for sheet in filled)
    what = "has several sheets"
    remedy = "name one: sheet = '...'; `syncd check` lists them"
    raise IncompleteRead(file, what, remedy=remedy, shown=f"{what} ({listed})")
