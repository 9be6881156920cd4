"""Excel's own form (.xlsx, .xlsm, .xltx): XML in a zip. Rows are read one by one, whatever size the sheet claims.

Own code: the readers that there are hide the formats of numbers, errors and formulas without a result, or take several
times as long; and a fast one makes room for all that lies between two cells before the first is read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TypeAlias
from xml.etree import ElementTree as ET

from syncd.domain.records import DateCell
from syncd.sources.files.workbook.archive import Archive
from syncd.sources.files.workbook.formats import BUILT_IN, PLAIN, Format, compile_format, plain_number
from syncd.sources.files.workbook.sheet import (
    MOST_COLUMNS,
    NO_RESULT,
    SHOWS_ERROR,
    Broken,
    Cell,
    ErrorCell,
    Row,
    Sheet,
)
from syncd.sources.files.workbook.xml import Handler, parse

Styles: TypeAlias = Sequence[Format]
_MOST_TEXT = 1 << 28  # letters of all shared texts
_TEXTS = frozenset(("s", "str", "inlineStr"))
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*?\bref=["'][A-Z]+[0-9]+:[A-Z]+([0-9]+)["']""")
_OVERLAP = 256  # longer than such an element


def is_this_form(archive: Archive) -> bool:
    return _find_book(archive) in archive


def _find_book(archive: Archive) -> str:
    found = (part for kind, part in archive.related("").values() if kind == "officeDocument")
    book = next(found, "xl/workbook.xml")
    return book if re.search(r"(?:^|/)workbook[^/]*\.xml$", book, re.IGNORECASE) else ""


def read_sheets(archive: Archive) -> Sequence[Sheet]:
    """Raises Broken; none where it is no workbook but another document of this family."""
    book = _find_book(archive)
    tree, parts = archive.tree(book), archive.related(book)
    by_kind = dict(parts.values())
    settings = next(_all(tree, "workbookPr"), None)
    is_1904 = settings is not None and settings.get("date1904") in ("1", "true")
    calculation = next(_all(tree, "calcPr"), None)
    content = _Book(
        texts=_Texts(archive, by_kind.get("sharedStrings")),
        styles=_read_styles(archive, by_kind.get("styles"), is_1904=is_1904),
        is_calculated=calculation is None or calculation.get("fullCalcOnLoad") not in ("1", "true"),
    )
    sheets = []
    for one in _all(tree, "sheet"):
        key = next((value for name, value in one.items() if name.endswith("}id")), "")
        kind, part = parts.get(key, ("", ""))
        if kind == "worksheet":
            sheets.append(_Sheet(one, partial(archive.chunks, part), content))
    return sheets


def _all(tree: ET.Element, name: str) -> Iterator[ET.Element]:
    """The elements of that name in any namespace: the strict form has other ones."""
    return (one for one in tree.iter() if isinstance(one.tag, str) and one.tag.rpartition("}")[2] == name)


def _read_styles(archive: Archive, part: str | None, *, is_1904: bool) -> Styles:
    if part is None:
        return []
    tree = archive.tree(part)
    codes: Mapping[int, str] = {
        **BUILT_IN,
        **{int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in _all(tree, "numFmt")},
    }
    formats = next(_all(tree, "cellXfs"), ())
    compiled = partial(compile_format, is_1904=is_1904)
    return [compiled(codes.get(int(one.get("numFmtId", 0)), "")) for one in formats]


class _Texts:
    """The texts that cells refer to by number; read when the first one is asked for."""

    def __init__(self, archive: Archive, part: str | None) -> None:
        self._archive, self._part = archive, part
        self._texts: list[str] | None = None

    def __getitem__(self, place: int) -> str:
        if self._texts is None:
            if self._part is None:
                raise Broken
            reader = _TextReader()
            list(parse(self._archive.chunks(self._part), reader))
            self._texts = reader.texts
        if not 0 <= place < len(self._texts):
            raise Broken
        return self._texts[place]


class _TextReader(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._is_text = self._is_sound = False
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - expat gives them
        name = name.removeprefix(self.prefix)
        if name == "si":
            self._parts = []
        elif name == "t":
            self._is_text = not self._is_sound
        elif name == "rPh":  # how Japanese is pronounced
            self._is_sound = True

    def text(self, text: str) -> None:
        if self._is_text:
            self._parts.append(text)

    def end(self, name: str) -> None:
        name = name.removeprefix(self.prefix)
        if name == "t":
            self._is_text = False
        elif name == "rPh":
            self._is_sound = False
        elif name == "si":
            text = _unescaped("".join(self._parts))
            self._length += len(text)
            if self._length > _MOST_TEXT:
                raise Broken
            self.texts.append(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """What the cells of all sheets refer to.

    In one that is not calculated, a program has written no results, or 0, and that Excel is to calculate them.
    """

    texts: _Texts
    styles: Styles
    is_calculated: bool


class _Sheet(Sheet):
    def __init__(self, entry: ET.Element, chunks: Callable[[], Iterator[bytes]], book: _Book) -> None:
        super().__init__(entry.get("name", ""), is_visible=entry.get("state", "visible") == "visible")
        self._chunks, self._book = chunks, book

    def filled_rows(self) -> Iterator[Row]:
        return parse(self._chunks(), _SheetReader(self._book))

    def merged_rows(self) -> Iterator[int]:
        """They stand behind the rows, and must be known before."""
        rest = b""
        for chunk in self._chunks():
            part = rest + chunk
            yield from (int(one[1]) for one in _MERGED.finditer(part))
            rest = part[-_OVERLAP:]


class _SheetReader(Handler):
    """Most of the time goes here: some ten calls a cell."""

    def __init__(self, book: _Book) -> None:
        super().__init__()
        self._texts, self._styles, self._is_calculated = book.texts, book.styles, book.is_calculated
        self._columns: dict[str, int] = {}
        self._number = 0  # of the row
        self._cells: list[Cell] = []
        self._at = -1  # the column
        self._type, self._style = "n", "0"
        self._parts: list[str] = []
        self._has_formula = self._has_value = self._is_value = self._is_sound = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.prefix:
            name = name.removeprefix(self.prefix)
        if name == "c":
            at = attributes.get("r", "").rstrip("0123456789")
            column = self._columns.get(at)
            self._at = self._find_column(at) if column is None else column
            self._type = attributes.get("t", "n")
            self._style = attributes.get("s", "0")
            self._parts = []
            self._has_formula = self._has_value = False
        elif name in {"v", "t"}:
            self._is_value = not self._is_sound
            self._has_value = True
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._is_sound = True
        elif name == "row":
            self._number = int(attributes.get("r", self._number + 1))
            self._cells, self._at = [], -1

    def text(self, text: str) -> None:
        if self._is_value:
            self._parts.append(text)

    def end(self, name: str) -> None:
        if self.prefix:
            name = name.removeprefix(self.prefix)
        if name in {"v", "t"}:
            self._is_value = False
        elif name == "c":
            if self._parts or self._has_formula or (self._type == "s" and not self._has_value):
                self._take_cell("".join(self._parts))
        elif name == "rPh":
            self._is_sound = False
        elif name == "row" and self._cells:
            self.rows.append((self._number, self._cells))

    def _find_column(self, letters: str) -> int:
        if not letters:  # it stands behind the last one
            return self._at + 1
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        if not letters.isalpha() or not 0 < column <= MOST_COLUMNS:
            raise Broken
        self._columns[letters] = column - 1
        return column - 1

    def _take_cell(self, text: str) -> None:
        kind = self._type
        is_open = not text.strip() or (text == "0" and not self._is_calculated)
        has_none = not self._has_value or (is_open and kind not in _TEXTS)
        value: Cell
        if kind == "e":
            value = ErrorCell(SHOWS_ERROR)
        elif has_none and (self._has_formula or kind == "s"):
            value = ErrorCell(NO_RESULT)
        else:
            value = self._read(kind, text)
        missing = self._at - len(self._cells)
        if value == "":
            return
        if missing > 0:
            self._cells += [""] * missing
        if missing >= 0:
            self._cells.append(value)
        else:
            self._cells[self._at] = value

    def _read(self, kind: str, text: str) -> Cell:
        place = int(self._style)
        shown = self._styles[place] if place < len(self._styles) else PLAIN
        if kind in _TEXTS:
            if kind != "s":
                text = _unescaped(text)
            elif text:
                text = self._texts[int(text)]
            return text if shown.text is None or not text else shown.text(text)
        if kind == "n":
            return _show(text, shown)
        if kind == "b":
            return text.strip() in ("1", "true")
        if kind == "d":
            return DateCell(text.strip().removesuffix("T00:00:00"))
        raise Broken


def _show(text: str, shown: Format) -> str:
    if shown.number is None and text.isdecimal() and text[0] != "0" and (len(text) < 16 or text[15:].strip("0")):
        return text
    number = float(text)
    if not isfinite(number):
        raise Broken
    return plain_number(number) if shown.number is None else shown.number(number)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
