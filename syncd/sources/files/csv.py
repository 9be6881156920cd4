"""CSV as exports really are: every delimiter and line end, and no benefit of the doubt where something may be missing.

`opening` finds the file and `text` decodes it; here its lines become rows, and in `table` rows become records.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from syncd import reasons
from syncd.domain.records import SourceRecord, Unsure
from syncd.errors import IncompleteRead
from syncd.sources.base import RawRecords, Recognised
from syncd.sources.files.header import Share
from syncd.sources.files.layout import Form, find_layout, show
from syncd.sources.files.opening import OpenFile
from syncd.sources.files.table import TableOptions, TableReading, TableSource, has_words
from syncd.sources.files.text import TextFile, decide_text

_LONGEST_CELL = 1 << 20
_BLOCK = 16  # rows; see `_fit`
_VERSION = 1  # of what is told of a raw record; records are taken apart anew where it is another


_SIGNS = {"semikolon": ";", "semicolon": ";", "komma": ",", "comma": ",", "tabulator": "tab", "\\t": "tab", "pipe": "|"}


def _check_delimiter(text: str) -> str:
    if text in {"auto", "tab"} or (len(text) == 1 and not text.isalnum() and text not in "\"'. \r\n\0_-+@"):
        return text
    meant = _SIGNS.get(text.casefold())
    raise ValueError(
        f"{text!r} is not 'auto', 'tab' or one sign such as ';'" + (f"; did you mean {meant!r}?" if meant else "")
    )


def _check_encoding(name: str) -> str:
    try:
        if name != "auto":
            "a".encode(name)
    except (LookupError, UnicodeError):
        meant = "; did you mean 'windows-1252'?" if name.casefold() in ("ansi", "windows", "win") else ""
        raise ValueError(f"{name!r} is not an encoding such as 'utf-8', 'windows-1252', 'utf-16'{meant}") from None
    return name


class CsvOptions(TableOptions):
    type: Literal["csv"] = Field(default="csv", description="A CSV file.")
    encoding: Annotated[str, AfterValidator(_check_encoding)] = Field(
        default="auto", description="How letters are written."
    )
    delimiter: Annotated[str, AfterValidator(_check_delimiter)] = Field(
        default="auto", description="What stands between two cells."
    )


class CsvSource(TableSource):
    Options = CsvOptions
    options: CsvOptions

    def read(self, file: OpenFile) -> "CsvReading":
        return CsvReading(decide_text(file, self.options.encoding), self.options, self.share)


class CsvReading(TableReading):
    anew = "export the file anew"

    def __init__(self, text: TextFile, options: CsvOptions, share: Share) -> None:
        super().__init__(text.file, text.file.name, options.complete)
        # The limit is process-wide. It leaves room for any cell, and still stops at a quote that is never closed.
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
        delimiter = "\t" if options.delimiter == "tab" else options.delimiter
        layout = find_layout(text.sample(), delimiter, options.row_of_header, share, self._place)
        self._form, self.hint = layout.form, layout.hint
        self._text = text
        self._lines = text.lines()
        self._rows = self._read_rows(layout.lines, len(layout.above) - layout.has_sep_line)
        self._take_header((line, cells) for _, line, cells in self._rows)
        if options.row_of_header is None:
            self._refuse_records_above([*layout.above, layout.header])
        if self._complete.trailer:
            self._rows = self._up_to_trailer(self._rows)
        self._length = self._width  # of the rows at present; see `_fit`
        self._short_line = 0
        self.description = f"{self._place} ({text.encoding}, {show(self._form.delimiter)})"
        if text.raw_encoding and not self._complete.trailer:
            self.dialect = repr((_VERSION, text.raw_encoding, self._form, self._names)).encode()

    def raw_records(self) -> Iterator[RawRecords]:
        return self._text.raw_records(self._lines.number, self._form.quote)

    def pass_over(self, recognised: Recognised) -> None:
        behind = self._lines.number
        self._lines = self._text.lines()
        self._rows = self._read_rows(behind, self._row + 1)
        self._lines.recognised = recognised

    @property
    def passed(self) -> int:
        return self._lines.passed

    def _records(self) -> Iterator[SourceRecord]:
        width, place, names, lines = self._width, self._first, self._suspects, self._lines
        encoding, passed = self._text.raw_encoding, 0
        for number, line, cells in self._rows:
            if passed != lines.passed:
                passed, self._length = lines.passed, width  # whoever is recognised has all cells
            if lines.is_open and self._complete.end != "any":
                yield self._take_open_row(cells, number, line)
                continue
            raw = None
            if len(cells) != width or self._length != width:
                if not self._is_record(line, cells):
                    continue
                cells = self._fit(cells, number, line)  # noqa: PLW2901 - the same row, padded
            elif ((first := cells[place]) in names or not first.isalnum()) and not self._is_record(line, cells):
                continue
            elif encoding:
                raw = lines.last.encode(encoding)
            if any(cells):
                yield self._record(line, cells, raw)
        if lines.is_open and self._complete.end == "newline":
            what = "ends without a line end, and so may be cut short"
            raise self._doubt(None, what, f'{self.anew}; if it always ends so, complete = {{ end = "any" }}')
        self._check_end()

    def _take_open_row(self, cells: list[str], number: int, line: int) -> SourceRecord:
        """The last row of a file that ends without a line end: the last cell may be cut off within.

        It is a record even without a word, for what stood in it may be what is missing.
        """
        self.unsure = Unsure(position=self.position(line), reason=reasons.OPEN_END.tell(), version=self._file.version)
        if any(map(has_words, cells)):
            cells = self._fit(cells, number, line)
        return self._record(line, [*cells, *[""] * self._width][: self._width])

    def _read_rows(self, passed: int, first: int) -> Iterator[tuple[int, int, list[str]]]:
        """Each row with its number and its first line; blank ones too, as rows without cells.

        So many lines are `passed` over, and the row behind them has the number `first`.
        """
        lines = iter(self._lines)
        for _ in islice(lines, passed):
            self._lines.end_record()
        try:
            for number, cells in enumerate(self._form.reader(lines), max(first, 0)):
                self._row = number + self._lines.passed
                yield self._row, self._lines.end_record(), cells
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
            mark = show(self._form.delimiter)
            remedy = f"put a cell that contains {mark} in quotes, or name the column; then {self.anew}"
            raise self._doubt(line, what, remedy)
        if not any(map(str.strip, cells)):
            return []
        if len(cells) < width and self._lines.is_open:
            raise self._short_row(len(cells), line)
        if len(cells) != self._length and number % _BLOCK:
            if self._is_footer(cells):
                raise self._footer(line)
            raise self._short_row(*min((len(cells), line), (self._length, self._short_line)))
        self._length = len(cells)
        self._short_line = line
        return cells + [""] * (width - len(cells))

    def _is_footer(self, cells: Sequence[str]) -> bool:
        """Whether the row has one cell and is the last, with a line end: nothing of it is missing."""
        if sum(map(bool, map(str.strip, cells))) != 1:
            return False
        passed = self._lines.passed
        is_last = not any(any(map(str.strip, later)) and self._is_record(line, later) for _, line, later in self._rows)
        return is_last and passed == self._lines.passed and not self._lines.is_open

    # --- what is wrong ---

    def _footer(self, line: int) -> IncompleteRead:
        """It may be the rest of the record before it, so that none of the two is believed."""
        what = f"the last row has one of {self._width} cells: a footer, or the rest of a cell with a line break"
        remedy = 'if it is a footer, name how it begins: complete = { trailer = "..." }; a line break belongs in quotes'
        return self._doubt(line, what, remedy)

    def _short_row(self, length: int, line: int) -> IncompleteRead:
        what = f"the row has {length} of {self._width} cells: cut short, or split by a line break without quotes"
        remedy = f"{self.anew}; if it leaves out empty cells at the end of a row, add a last column that is never empty"
        return self._doubt(line, what, remedy)

    def _broken_quote(self) -> IncompleteRead:
        text = "".join(self._lines.under_way)
        end = _end_of_whole_cells(text, self._form)
        opened = self._lines.first + len(re.findall(r"\r\n?|\n", text[:end]))
        mark, quote = re.escape(self._form.delimiter), self._form.quote
        if re.match(rf"\s*{quote}[^{quote}]*\\{quote}", text[end:]):
            remedy = f"let the export double a quote within a cell, instead of a backslash before it; then {self.anew}"
            return self._doubt(opened, "a backslash stands before a quote", remedy)
        if re.match(rf"\s*{quote}[^{quote}]*{quote}[^\S\r\n]+({mark}|[\r\n])", text[end:]):
            remedy = f"let the export leave no blanks beside the delimiter; then {self.anew}"
            return self._doubt(opened, "a blank stands behind the quote that closes a cell", remedy)
        if self._lines.ended:
            what = "the file ends within a cell whose quote opens here"
            return self._doubt(opened, what, f"it is cut short, or the quote is too many: {self.anew}")
        remedy = f"a quote within a cell must be doubled, and the cell closed by another; correct it, or {self.anew}"
        return self._doubt(opened, "the quote that opens a cell here is not closed where the cell ends", remedy)


def _end_of_whole_cells(text: str, form: Form) -> int:
    """Where the first cell begins that breaks the rules of CSV."""
    mark, quote = re.escape(form.delimiter), form.quote
    in_quotes = f"{quote}(?:[^{quote}]++|{quote}{quote})*+{quote}"
    cell = re.compile(rf"(?: *{in_quotes}| *+(?:[^{quote}{mark}\r\n][^{mark}\r\n]*+|))(?:{mark}|\r\n?|\n)")
    end = 0
    while whole := cell.match(text, end):
        end = whole.end()
    return end
