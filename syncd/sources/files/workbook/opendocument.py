"""The form of LibreOffice (.ods, .fods): it holds what a person sees of each cell beside the value.

A row or a cell may say that it stands there a million times: LibreOffice writes so what is empty and has a colour.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from math import isfinite
from typing import TypeAlias

from syncd.domain.records import DateCell
from syncd.sources.files.workbook.archive import Archive
from syncd.sources.files.workbook.formats import plain_number
from syncd.sources.files.workbook.sheet import (
    MOST_COLUMNS,
    MOST_ROWS,
    NO_RESULT,
    SHOWS_ERROR,
    Broken,
    Cell,
    DoubtfulCell,
    Row,
    Sheet,
    cell_name,
)
from syncd.sources.files.workbook.styles import Style, StyleReader
from syncd.sources.files.workbook.xml import LONGEST_TEXT, Handler, parse

Open: TypeAlias = Callable[[], Iterator[bytes]]

_SPANNED = re.compile(rb'number-(?:rows|columns)-spanned="(?:[2-9]|[1-9][0-9])')
_TABLE = re.compile(rb"<table:table(?:\s[^>]*)?>|</table:table>")
_ATTRIBUTE = re.compile(rb"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_LONGEST_TAG = 1 << 14
_LONGEST_HEAD = 64 << 20
_ERROR = re.compile(r"#(?:N/A|NV|[\w/]+[!?])|[A-Z][a-z]+:[0-9]{3}")
_SPAN = re.compile(r"(-?)PT?(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,][0-9]+)?S)?")
_UNREAD = frozenset(("office:annotation", "draw:frame", "draw:g", "draw:custom-shape", "text:ruby-text", "text:note"))
_CELLS = frozenset(("table:table-cell", "table:covered-table-cell"))
_IN_TEXT = {"text:tab": "\t", "text:line-break": "\n"}


def read_archive(archive: Archive) -> Sequence[Sheet]:
    """Raises Broken where it is no workbook of this form, and IncompleteRead where it is encrypted."""
    styles = StyleReader()
    if "styles.xml" in archive:
        list(parse(archive.chunks("styles.xml"), styles))
    return _read_sheets(lambda: archive.chunks("content.xml"), styles)


def read_flat(chunks: Open) -> Sequence[Sheet]:
    return _read_sheets(chunks, StyleReader())


def _read_sheets(chunks: Open, styles: StyleReader) -> Sequence[Sheet]:
    list(parse(_up_to_body(chunks()), styles, is_whole=False))
    return [
        _Sheet(name, place, chunks, styles.cells, is_visible=style not in styles.hidden_tables)
        for place, (name, style) in enumerate(_find_tables(chunks()))
    ]


def _up_to_body(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Styles stand before the tables; all in one, so that no chunk ends within the mark."""
    head = b""
    for chunk in chunks:
        head += chunk
        before, mark, _ = head.partition(b"<office:body")
        if mark or len(head) > _LONGEST_HEAD:
            yield before
            return
    raise Broken


def _find_tables(chunks: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    """Name and style of each; by its tags alone, for to hear of each cell takes as long as to read it."""
    depth, rest = 0, b""
    for chunk in chunks:
        part = rest + chunk
        end = 0
        for tag in _TABLE.finditer(part):
            end = tag.end()
            if tag[0] == b"</table:table>":
                depth -= 1
                continue
            if depth == 0:
                found = {name: unescape((one or two).decode()) for name, one, two in _ATTRIBUTE.findall(tag[0])}
                yield found.get(b"table:name", ""), found.get(b"table:style-name", "")
            depth += not tag[0].endswith(b"/>")
        rest = part[max(end, len(part) - _LONGEST_TAG) :]


class _Sheet(Sheet):
    def __init__(self, name: str, place: int, chunks: Open, styles: dict[str, Style], *, is_visible: bool) -> None:
        super().__init__(name, is_visible=is_visible)
        self._place, self._chunks, self._styles = place, chunks, styles

    def filled_rows(self) -> Iterator[Row]:
        return parse(self._chunks(), _SheetReader(self._place, self._styles))

    def merged_rows(self) -> Sequence[int]:
        rest = b""
        for chunk in self._chunks():
            if _SPANNED.search(rest + chunk):
                break
            rest = chunk[-64:]
        else:
            return ()
        reader = _SheetReader(self._place, self._styles)
        for _ in parse(self._chunks(), reader):
            pass
        return reader.merged


class _SheetReader(Handler):
    """Reads the table at one place of the document, and passes over the others."""

    def __init__(self, place: int, styles: dict[str, Style]) -> None:
        super().__init__()
        self.merged: list[int] = []
        self._left, self._styles = place + 1, styles
        self._has_texts = any(one.format.text for one in styles.values())
        self._depth = 0  # of tables: a table may stand in a cell
        self._is_here = False
        self._columns: list[tuple[int, str]] = []  # the last column, and the style of its cells
        self._unread = 0
        self._last_row = 0
        self._cells: list[Cell] = []
        self._end = 0  # the column behind the last cell
        self._row_style = ""
        self._repeated = 1
        self._cell: dict[str, str] | None = None
        self._lines: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table:table":
            self._depth += 1
            self._left -= self._depth == 1
            self._is_here = self._left == 0 and self._depth == 1
        elif not self._is_here:
            return
        elif self._unread or name in _UNREAD:
            self._unread += 1
        elif name == "text:p":
            self._lines = [""] if self._lines is None else [*self._lines, ""]
        elif name in _CELLS:
            self._cell, self._lines = attributes, None
        elif name == "table:table-row":
            self._cells, self._end = [], 0
            self._row_style = attributes.get("table:default-cell-style-name", "")
            self._repeated = int(attributes.get("table:number-rows-repeated", 1))
        elif name == "table:table-column":
            last = self._columns[-1][0] if self._columns else 0
            width = int(attributes.get("table:number-columns-repeated", 1))
            self._columns.append((last + width, attributes.get("table:default-cell-style-name", "")))
        elif self._lines:
            self._start_text(name, attributes)

    def _start_text(self, name: str, attributes: dict[str, str]) -> None:
        lines = self._lines or [""]
        if name == "text:s":
            lines[-1] += " " * min(int(attributes.get("text:c", 1)), LONGEST_TEXT)
        elif name in _IN_TEXT:
            lines[-1] += _IN_TEXT[name]

    def text(self, text: str) -> None:
        if self._lines and not self._unread:
            self._lines[-1] += text

    def end(self, name: str) -> None:
        if name == "table:table":
            self._depth -= 1
            self._left -= self._depth == 0 and self._left == 0  # the next tables are others
            self._is_here = self._left == 0 and self._depth == 1
        elif not self._is_here:
            return
        elif self._unread:
            self._unread -= 1
        elif name in _CELLS:
            if self._cell is not None:
                self._take_cell(self._cell, self._lines)
            self._cell = self._lines = None
        elif name == "table:table-row":
            self._take_row()

    def _take_row(self) -> None:
        first, self._last_row = self._last_row + 1, self._last_row + self._repeated
        if not self._cells:
            return
        if self._last_row > MOST_ROWS:
            raise Broken
        self.rows += [(number, self._cells) for number in range(first, self._last_row + 1)]

    def _take_cell(self, cell: dict[str, str], lines: list[str] | None) -> None:
        column, self._end = self._end, self._end + int(cell.get("table:number-columns-repeated", 1))
        text = "" if lines is None else lines[0] if len(lines) == 1 else "\n".join(lines).rstrip("\n")
        if "table:number-rows-spanned" in cell or "table:number-columns-spanned" in cell:
            rows = int(cell.get("table:number-rows-spanned", 1))
            if rows > 1 or int(cell.get("table:number-columns-spanned", 1)) > 1:
                self.merged.append(self._last_row + rows)
        try:
            value = self._read(cell, text, column)
        except ValueError as error:
            raise DoubtfulCell(cell_name(self._last_row + 1, column), str(error)) from None
        if value == "":
            return
        if self._end > MOST_COLUMNS:
            raise Broken
        if column > len(self._cells):
            self._cells += [""] * (column - len(self._cells))
        self._cells += [value] * (self._end - column)

    def _read(self, cell: dict[str, str], text: str, column: int) -> Cell:
        """Raises ValueError with what is wrong with it."""
        kind = cell.get("office:value-type", "")
        is_formula = "table:formula" in cell
        is_number = kind not in ("string", "")
        if cell.get("calcext:value-type") == "error" or ((is_formula or is_number) and _ERROR.fullmatch(text)):
            raise ValueError(SHOWS_ERROR)
        stored = cell.get("office:" + _VALUES.get(kind, "string-value"))
        if not is_number:
            if is_formula and not (kind or text):
                raise ValueError(NO_RESULT)
            text = stored if stored is not None and kind else text
            if not self._has_texts or not text:
                return text
            style = self._style_of(cell, column)
            return style.format.text(text) if style and style.format.text else text
        if stored is None:
            if is_formula or not text:
                raise ValueError(NO_RESULT)
            return text
        return self._show(kind, stored, self._style_of(cell, column))

    def _style_of(self, cell: dict[str, str], column: int) -> Style | None:
        name = cell.get("table:style-name") or self._row_style
        if not name:
            name = next((style for last, style in self._columns if column < last), "")
        return self._styles.get(name)

    def _show(self, kind: str, stored: str, style: Style | None) -> Cell:
        match kind:
            case "boolean":
                return stored == "true"
            case "date":
                day, _, moment = stored.partition("T")
                moment = moment.partition(".")[0]
                is_shown = moment.strip("0:") and (style is None or style.has_time)
                return DateCell(f"{day}T{moment}" if is_shown else day)
            case "time":
                return _show_span(stored)
        number = float(stored)
        if not isfinite(number):
            raise Broken
        show = style.format.number if style else None
        return plain_number(number) if show is None else show(number)


_VALUES = {"boolean": "boolean-value", "date": "date-value", "time": "time-value"} | dict.fromkeys(
    ("float", "percentage", "currency"), "value"
)


def _show_span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise Broken
    sign, hours, minutes, seconds = found[1], *(int(part or 0) for part in found.groups()[1:])
    return f"{sign}{hours:02}:{minutes:02}:{seconds:02}"
