"""CSV as exports really are: every delimiter and line end, and no benefit of the doubt where something may be missing.

`opening` finds the file and `text` decodes it; here its lines become rows, and in `table` rows become records.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Literal

from pydantic import AfterValidator

from syncd.domain.records import SourceRecord, Unsure
from syncd.errors import IncompleteRead
from syncd.sources.files.opening import FileOptions, OpenFile
from syncd.sources.files.table import FOOTER, TableReading, TableSource
from syncd.sources.files.text import TextFile, decide_text

_DELIMITERS = ";,\t|"
_LONGEST_CELL = 1 << 20
_SEP_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)
_BLOCK = 16  # rows; see `_fit`
_ONE_COLUMN = (False, 1, 0)


def _check_encoding(name: str) -> str:
    try:
        if name != "auto":
            "a".encode(name)
    except (LookupError, UnicodeError):
        raise ValueError(f"{name!r} is not an encoding such as 'utf-8', 'windows-1252', 'utf-16'") from None
    return name


class CsvOptions(FileOptions):
    type: Literal["csv"] = "csv"
    encoding: Annotated[str, AfterValidator(_check_encoding)] = "auto"
    delimiter: Literal["auto", ",", ";", "tab", "\t", "|"] = "auto"


class CsvSource(TableSource):
    Options = CsvOptions
    options: CsvOptions

    def read(self, file: OpenFile) -> "CsvReading":
        return CsvReading(decide_text(file, self.options.encoding), self.options.delimiter)


class CsvReading(TableReading):
    anew = "export the file anew"

    def __init__(self, text: TextFile, delimiter: str) -> None:
        super().__init__(text.file, text.file.name)
        # The limit is process-wide. It leaves room for any cell, and still stops at a quote that is never closed.
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
        sample = text.sample()
        sep_line = _SEP_LINE.fullmatch(sample[0]) if sample else None
        if delimiter == "auto":
            delimiter = sep_line[1] if sep_line else _recognize_delimiter(sample, self._place)
        self._delimiter = "\t" if delimiter == "tab" else delimiter
        self._lines = text.lines()
        self._rows = self._read_rows(has_sep_line=bool(sep_line))
        self._read_header((line, cells) for _, line, cells in self._rows)
        self._length = self._width  # of the rows at present; see `_fit`
        self._short_line = 0
        self.description = f"{self._place} ({text.encoding}, {_show(self._delimiter)})"

    def __iter__(self) -> Iterator[SourceRecord]:
        width, place, names = self._width, self._first, self._known_names
        for number, line, cells in self._rows:
            if len(cells) != width or self._length != width:
                if not self._is_record(line, cells):
                    continue
                cells = self._fit(cells, number, line)  # noqa: PLW2901 - the same row, padded
            elif ((first := cells[place]) in names or not first.isalnum()) and not self._is_record(line, cells):
                continue
            if any(cells):
                yield self._record(line, cells)
        if self._length < width and not self._lines.ends_whole:
            raise self._short_row(self._length, self._short_line)
        self._check_end()

    def _read_rows(self, *, has_sep_line: bool) -> Iterator[tuple[int, int, list[str]]]:
        """Each row with its number and its first line; blank ones too, as rows without cells."""
        lines = iter(self._lines)
        if has_sep_line:
            next(lines, None)
            self._lines.end_record()
        try:
            for number, cells in enumerate(csv.reader(lines, delimiter=self._delimiter, strict=True)):
                yield number, self._lines.end_record(), cells
        except csv.Error:
            raise self._broken_quote() from None

    def _fit(self, cells: list[str], number: int, line: int) -> list[str]:
        """Bring a row to the width of the header, if it is certain that only empty cells are missing.

        Excel leaves out empty cells at the end of a row only if they are empty in a whole block of 16 rows. A row that
        is short by itself was cut or split: to fill it up would empty fields in go~mus.
        """
        width = self._width
        cells, excess = cells[:width], cells[width:]
        if any(excess):
            what = f"the row has {width + len(excess)} cells, the header {width}"
            mark = _show(self._delimiter)
            remedy = f"put a cell that contains {mark} in quotes, or name the column; then {self.anew}"
            raise self._doubt(line, what, remedy)
        if not any(map(str.strip, cells)):
            return []
        if len(cells) != self._length and number % _BLOCK:
            if not self._is_footer(cells):
                raise self._short_row(*min((len(cells), line), (self._length, self._short_line)))
            self.unsure = Unsure(position=self._position(line), reason=FOOTER)
        self._length = len(cells)
        self._short_line = line
        return cells + [""] * (width - len(cells))

    def _is_footer(self, cells: Sequence[str]) -> bool:
        """Whether the row has one cell and is the last, with a line end: nothing of it is missing."""
        if sum(map(bool, map(str.strip, cells))) != 1:
            return False
        is_last = not any(any(map(str.strip, later)) and self._is_record(line, later) for _, line, later in self._rows)
        return is_last and self._lines.ends_whole

    # --- what is wrong ---

    def _short_row(self, length: int, line: int) -> IncompleteRead:
        what = f"the row has {length} of {self._width} cells: cut short, or split by a line break without quotes"
        remedy = f"{self.anew}; if it leaves out empty cells at the end of a row, add a last column that is never empty"
        return self._doubt(line, what, remedy)

    def _broken_quote(self) -> IncompleteRead:
        text = "".join(self._lines.under_way)
        whole = text[: _end_of_whole_cells(text, self._delimiter)]
        opened = self._lines.first + len(re.findall(r"\r\n?|\n", whole))
        if self._lines.ended:
            return self._doubt(
                opened, "the file ends within a cell whose quote opens here", f"it is cut short: {self.anew}"
            )
        remedy = f"a quote within a cell must be doubled, and the cell closed by another; correct it, or {self.anew}"
        return self._doubt(opened, "the quote that opens a cell here is not closed where the cell ends", remedy)


def _show(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else repr(delimiter)


def _end_of_whole_cells(text: str, delimiter: str) -> int:
    """Where the first cell begins that breaks the rules of CSV."""
    mark = re.escape(delimiter)
    cell = re.compile(rf'(?:"(?:[^"]++|"")*+"|[^"{mark}\r\n][^{mark}\r\n]*+|)(?:{mark}|\r\n?|\n)')
    end = 0
    while whole := cell.match(text, end):
        end = whole.end()
    return end


def _recognize_delimiter(sample: Sequence[str], name: str) -> str:
    """The delimiter that splits the header into the most columns, and most of the first rows into as many."""
    ranks = {delimiter: _rank(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(ranks.values())
    first, *others = (delimiter for delimiter, rank in ranks.items() if rank == best)
    if best > _ONE_COLUMN and others:
        choice = " or ".join(map(_show, [first, *others]))
        raise IncompleteRead(name, f"the delimiter may be {choice}", remedy=f"name it: delimiter = {first!r}")
    return first


def _rank(sample: Sequence[str], delimiter: str) -> tuple[bool, int, int]:
    """Whether at least half of the rows fit the header; how many columns it has; how many rows fit."""
    header, *others = _first_rows(sample, delimiter) or [[]]
    width = len(header) - next((place for place, cell in enumerate(reversed(header)) if cell.strip()), 0)
    if width <= 1:
        return _ONE_COLUMN
    fitting = sum(len(cells) >= width and not any(cells[width:]) for cells in others)
    return 2 * fitting >= len(others), width, fitting


def _first_rows(sample: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows up to the end of the sample, or up to a quote that shows that this is not the delimiter."""
    rows = []
    with suppress(csv.Error):
        for cells in csv.reader(sample, delimiter=delimiter, strict=True):
            if any(map(str.strip, cells)):
                rows.append(cells)  # noqa: PERF401 - those before an error count
    return rows
