"""CSV as exports really are: every delimiter and line end, and no benefit of the doubt where something may be missing.

`files` finds the file and `text` decodes it; here its lines become rows, and rows records.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import compress
from typing import Annotated, Literal

from pydantic import AfterValidator

from syncd.domain.records import Position, SourceRecord
from syncd.errors import IncompleteRead
from syncd.sources.base import Reading, ReadKind, Source
from syncd.sources.files.opening import FileOptions, find_twins, open_file
from syncd.sources.files.text import TextFile, decide_text

_DELIMITERS = ";,\t|"
_NAMES = {"\t": "tab"}
_LONGEST_CELL = 1 << 20
_SEP_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)
_BLOCK = 16  # rows; see `_fit`
_ONE_COLUMN = (False, 1, 0)
_ANEW = "export the file anew"


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


class CsvSource(Source):
    """A file, or the newest of several; always a snapshot."""

    Options = CsvOptions
    options: CsvOptions

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:  # noqa: ARG002 - a file tells no changes
        with open_file(self.options, base=self.base, sleep=self.sleep, clock=self.clock) as file:
            yield CsvReading(decide_text(file, self.options.encoding), self.options.delimiter)


class CsvReading(Reading):
    kind = ReadKind.SNAPSHOT
    columns: tuple[str, ...]

    def __init__(self, text: TextFile, delimiter: str) -> None:
        # Process-wide, alas; wide enough for any cell, narrow enough to notice a quote that is never closed.
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
        self._file = text.file
        sample = text.sample()
        sep_line = _SEP_LINE.fullmatch(sample[0]) if sample else None
        if delimiter == "auto":
            delimiter = sep_line[1] if sep_line else _recognize_delimiter(sample, self._file.name)
        self._delimiter = "\t" if delimiter == "tab" else delimiter
        self._lines = text.lines()
        self._rows = self._read_rows(has_sep_line=bool(sep_line))
        self._header = self._read_header()
        self._length = len(self._header)  # of the rows at present; see `_fit`
        self._short_line = 0
        self.columns = tuple(filter(None, self._header))
        self.description = f"{self._file.name} ({text.encoding}, {_show(self._delimiter)})"

    def __iter__(self) -> Iterator[SourceRecord]:
        name, columns, width = self._file.name, self.columns, len(self._header)
        named = None if width == len(columns) else [bool(name) for name in self._header]
        is_empty = True
        for number, line, cells in self._rows:
            if len(cells) != width or self._length != width:
                cells = self._fit(cells, number, line)  # noqa: PLW2901 - the same row, padded
            if any(cells):
                is_empty = False
                values = dict(zip(columns, compress(cells, named) if named else cells, strict=True))
                yield SourceRecord(values=values, position=Position(source=name, line=line))
        self._check_end(is_empty=is_empty)

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

    def _read_header(self) -> list[str]:
        """The names of the columns, up to the last that has one; a nameless one in between has an empty name."""
        for _, line, cells in self._rows:
            names = [cell.strip() for cell in cells]
            while names and not names[-1]:
                names.pop()
            if names:
                self._check_names(names, line)
                return names
        raise self._doubt(None, "is empty", f"{_ANEW}; an empty file deletes nobody")

    def _check_names(self, names: Sequence[str], line: int) -> None:
        if twins := find_twins(names):
            raise self._doubt(line, twins, "rename one of them, for columns are told apart by their names")

    def _fit(self, cells: list[str], number: int, line: int) -> list[str]:
        """Bring a row to the width of the header, if it is certain that nothing but empty cells is missing.

        Excel leaves out trailing empty cells, but only where a whole block of 16 rows has none of them filled. A row
        that is short all by itself has been cut or split, and to fill it up would empty fields in go~mus.
        """
        width = len(self._header)
        cells, excess = cells[:width], cells[width:]
        if any(excess):
            what = f"the row has {width + len(excess)} cells, the header {width}"
            remedy = f"put a cell that contains {_show(self._delimiter)} in quotes, or name the column; then {_ANEW}"
            raise self._doubt(line, what, remedy)
        if not any(map(str.strip, cells)):
            return []
        if len(cells) != self._length and number % _BLOCK:
            raise self._short_row(*min((len(cells), line), (self._length, self._short_line)))
        self._length = len(cells)
        self._short_line = line
        return cells + [""] * (width - len(cells))

    def _check_end(self, *, is_empty: bool) -> None:
        if is_empty:
            raise self._doubt(None, "has a header but no records", f"{_ANEW}; an empty list deletes nobody")
        if self._length < len(self._header) and not self._lines.ends_whole:
            raise self._short_row(self._length, self._short_line)
        self._file.check_unchanged()

    # --- what is wrong ---

    def _doubt(self, line: int | None, what: str, remedy: str) -> IncompleteRead:
        return IncompleteRead(str(Position(source=self._file.name, line=line)), what, remedy=remedy)

    def _short_row(self, length: int, line: int) -> IncompleteRead:
        what = f"the row has {length} of {len(self._header)} cells: cut short, or split by a line break without quotes"
        remedy = f"{_ANEW}; if it leaves out empty cells at the end of a row, add a last column that is never empty"
        return self._doubt(line, what, remedy)

    def _broken_quote(self) -> IncompleteRead:
        text = "".join(self._lines.under_way)
        opened = self._lines.first + _count_lines(text[: _end_of_whole_cells(text, self._delimiter)])
        if self._lines.ended:
            return self._doubt(
                opened, "the file ends within a cell whose quote opens here", f"it is cut short: {_ANEW}"
            )
        remedy = f"a quote within a cell must be doubled, and the cell closed by another; correct it, or {_ANEW}"
        return self._doubt(opened, "the quote that opens a cell here is not closed where the cell ends", remedy)


def _show(delimiter: str) -> str:
    return _NAMES.get(delimiter, repr(delimiter))


def _count_lines(text: str) -> int:
    return len(re.findall(r"\r\n?|\n", text))


def _end_of_whole_cells(text: str, delimiter: str) -> int:
    """Where the first cell begins that is not as it should be."""
    mark = re.escape(delimiter)
    cell = re.compile(rf'(?:"(?:[^"]++|"")*+"|[^"{mark}\r\n][^{mark}\r\n]*+|)(?:{mark}|\r\n?|\n)')
    end = 0
    while whole := cell.match(text, end):
        end = whole.end()
    return end


def _recognize_delimiter(sample: Sequence[str], name: str) -> str:
    """The one that gives the header the most columns and most of the first rows as many."""
    ranks = {delimiter: _rank(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(ranks.values())
    first, *others = (delimiter for delimiter, rank in ranks.items() if rank == best)
    if best > _ONE_COLUMN and others:
        choice = " or ".join(map(_show, [first, *others]))
        raise IncompleteRead(name, f"the delimiter may be {choice}", remedy=f"name it: delimiter = {first!r}")
    return first


def _rank(sample: Sequence[str], delimiter: str) -> tuple[bool, int, int]:
    """Whether at least half of the rows fit the header, its columns, and the rows that fit."""
    header, *others = _first_rows(sample, delimiter) or [[]]
    width = len(header) - next((place for place, cell in enumerate(reversed(header)) if cell.strip()), 0)
    if width <= 1:
        return _ONE_COLUMN
    fitting = sum(len(cells) >= width and not any(cells[width:]) for cells in others)
    return 2 * fitting >= len(others), width, fitting


def _first_rows(sample: Sequence[str], delimiter: str) -> list[list[str]]:
    """Up to where the sample is cut, or quotes say that this is not the delimiter."""
    rows = []
    with suppress(csv.Error):
        for cells in csv.reader(sample, delimiter=delimiter, strict=True):
            if any(map(str.strip, cells)):
                rows.append(cells)  # noqa: PERF401 - those before an error count
    return rows
