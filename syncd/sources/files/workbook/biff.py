"""The old form of Excel (.xls): calamine reads the values, and what it hides is looked for here before.

It hides how a number is shown, an error, and a formula without a result; and it makes room for all cells between the
first and the last, wherever they are.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from functools import partial

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from syncd.errors import IncompleteRead
from syncd.sources.files.opening import OpenFile
from syncd.sources.files.workbook.formats import BUILT_IN, PLAIN, Format, compile_format, plain_number
from syncd.sources.files.workbook.ole import Container
from syncd.sources.files.workbook.sheet import (
    NO_RESULT,
    SAVE,
    SHOWS_ERROR,
    Broken,
    Cell,
    DoubtfulCell,
    Row,
    Sheet,
    cell_name,
    is_protected,
)

_LARGEST = 512 << 20
_ROOM, _SPARSE = 4_000_000, 50  # cells; more than these, and so many times those that hold anything, are strays
_BOF, _EOF, _FILEPASS, _DATEMODE, _BOUNDSHEET, _RECALCID = 0x809, 0x0A, 0x2F, 0x22, 0x85, 0x1C1
_FORMAT, _FORMAT_OF_CELL = 0x41E, 0xE0
_NUMBER, _RK, _MULTIPLE_RK, _FORMULA, _BOOLEAN_OR_ERROR = 0x203, 0x27E, 0xBD, 0x06, 0x205
_TEXTS = frozenset((0xFD, 0x204, 0xD6))
_CELLS = _TEXTS | {_NUMBER, _RK, _MULTIPLE_RK, _FORMULA, _BOOLEAN_OR_ERROR}
_PLACE = struct.Struct("<3H").unpack_from
_STYLE_AND_NUMBER = struct.Struct("<4xHd").unpack_from
_HEAD = struct.Struct("<HH").unpack_from
_NO_NUMBER = b"\xff\xff"


def read_sheets(file: OpenFile) -> Sequence[Sheet]:
    """Raises Broken and IncompleteRead."""
    content = file.raw.read(_LARGEST + 1)
    file.raw.seek(0)
    container = Container(content)
    if "EncryptedPackage" in container or "EncryptionInfo" in container:
        raise is_protected(file.name)
    name = next((one for one in ("Workbook", "Book") if one in container), None)
    if name is None or len(content) > _LARGEST:
        raise IncompleteRead(file.name, "is a file of Office without a workbook", remedy=SAVE)
    book = _Book(file.name, container.stream(name))
    scans = [_Scan(book, start) for start in book.sheets]
    workbook = _opened(file)
    if len(workbook.sheets_metadata) != len(book.sheets):
        raise Broken
    return [
        _Sheet(one.name, workbook, scan, is_visible=one.visible is SheetVisibleEnum.Visible)
        for scan, one in zip(scans, workbook.sheets_metadata, strict=True)
        if one.typ is SheetTypeEnum.WorkSheet
    ]


def _opened(file: OpenFile) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(file.raw)
    except PasswordError:
        raise is_protected(file.name) from None
    except CalamineError as error:
        raise Broken from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's own: calamine is at its wits' end, and nothing else is
            raise
        raise Broken from error


class _Book:
    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self._content = content
        self.sheets: list[int] = []  # where they begin
        self._codes = dict(BUILT_IN)
        self._styles: list[int] = []
        self._is_1904 = self.is_calculated = False
        self._is_old = content[4:6] != b"\x00\x06"  # Excel 95
        for kind, body in self.records(0):
            self._take(kind, body)
        compiled = partial(compile_format, is_1904=self._is_1904)
        self._formats = [compiled(self._codes.get(one, "")) for one in self._styles]

    def _take(self, kind: int, body: bytes) -> None:
        if kind == _FILEPASS:
            raise is_protected(self.name)
        if kind == _BOUNDSHEET:
            self.sheets.append(struct.unpack_from("<I", body)[0])
        elif kind == _DATEMODE:
            self._is_1904 = body[:1] == b"\x01"
        elif kind == _RECALCID:
            self.is_calculated = body[4:8] != bytes(4)  # by a version of Excel; other programs write a 0 as the result
        elif kind == _FORMAT_OF_CELL:
            self._styles.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == _FORMAT:
            number = struct.unpack_from("<H", body)[0]
            if self._is_old:
                self._codes[number] = body[3:].decode("cp1252", "replace")
            else:
                self._codes[number] = body[5:].decode("utf-16-le" if body[4] & 1 else "latin-1", "replace")

    def records(self, at: int) -> Iterator[tuple[int, bytes]]:
        """Those of one sheet, or of the whole book, without those of the charts in it."""
        content, depth = self._content, 0
        while True:
            try:
                kind, length = _HEAD(content, at)
            except struct.error as error:
                raise Broken from error
            at += 4
            if kind == _BOF:
                depth += 1
            elif kind == _EOF:
                depth -= 1
                if depth <= 0:
                    return
            elif depth == 1:
                yield kind, content[at : at + length]
            at += length

    def format(self, style: int) -> Format:
        return self._formats[style] if style < len(self._formats) else PLAIN


class _Scan:
    """One sheet, as far as calamine hides it. Raises IncompleteRead where it would make room for too much.

    `shown` are, by row, the columns that show more than calamine gives, or what shows a text so.
    """

    def __init__(self, book: _Book, start: int) -> None:
        self._book = book
        self.shown: dict[int, list[tuple[int, str | Callable[[str], str]]]] = defaultdict(list)
        self.doubt: DoubtfulCell | None = None
        rows, left, right, count = [], 1 << 16, 0, 0
        for kind, body in book.records(start):
            if kind in _CELLS:
                row, column, style = _PLACE(body)
                last = column
                if kind in _TEXTS:
                    show_text = book.format(style).text
                    if show_text is not None:
                        self.shown[row + 1].append((column, show_text))
                else:
                    last = self._take_numbers(kind, body, row + 1, column)
                count += 1 + last - column
                rows.append(row)
                left, right = min(left, column), max(right, last)
        if count:
            room = (max(rows) - min(rows) + 1) * (right - left + 1)
            self._check_room(room, count, cell_name(max(rows) + 1, right))

    def _check_room(self, room: int, count: int, end: str) -> None:
        if room > max(_ROOM, _SPARSE * count):
            what = f"has {count} cells that hold anything, strewn up to {end}"
            raise IncompleteRead(self._book.name, what, remedy=f"delete the cells far from the list, or {SAVE}")

    def _take_numbers(self, kind: int, body: bytes, row: int, column: int) -> int:
        """From one cell or several beside each other; the last of them."""
        try:
            for style, number in self._numbers(kind, body, row, column):
                show = self._book.format(style).number
                if show is not None:
                    self.shown[row].append((column, show(number)))
                column += 1
        except DoubtfulCell as doubt:
            self.doubt = self.doubt or doubt
        return max(column - 1, 0)

    def _numbers(self, kind: int, body: bytes, row: int, column: int) -> Iterable[tuple[int, float]]:
        """The style and the number of the cells in a record."""
        if kind == _NUMBER:
            return [_STYLE_AND_NUMBER(body)]
        if kind == _RK:
            style, number = struct.unpack_from("<4xHI", body)
            return [(style, _unpacked(number))]
        if kind == _MULTIPLE_RK:
            return [(style, _unpacked(number)) for style, number in struct.iter_unpack("<HI", body[4:-2])]
        if kind == _BOOLEAN_OR_ERROR:
            if body[7:8] == b"\x01":
                raise DoubtfulCell(cell_name(row, column), SHOWS_ERROR)
            return []
        is_number = body[12:14] != _NO_NUMBER
        if not is_number and body[6] == 2:
            raise DoubtfulCell(cell_name(row, column), SHOWS_ERROR)
        if not self._book.is_calculated and (body[6:14] == bytes(8) or (not is_number and body[6] == 3)):
            # Excel's own 0 or empty text, or what a program writes that does not calculate
            raise DoubtfulCell(cell_name(row, column), NO_RESULT, SAVE)
        return [_STYLE_AND_NUMBER(body)] if is_number else []


def _unpacked(packed: int) -> float:
    """A number in 30 bits: whole, or the upper half of a fraction; both perhaps 100 times what is meant."""
    if packed & 2:
        number = float((packed >> 2) - (1 << 30) * (packed >> 31))
    else:
        number = struct.unpack("<d", struct.pack("<II", 0, packed & 0xFFFFFFFC))[0]
    return number / 100 if packed & 1 else number


class _Sheet(Sheet):
    def __init__(self, name: str, workbook: CalamineWorkbook, scan: _Scan, *, is_visible: bool) -> None:
        super().__init__(name, is_visible=is_visible)
        self._workbook, self._scan = workbook, scan

    def filled_rows(self) -> Iterator[Row]:
        if self._scan.doubt:
            raise self._scan.doubt
        shown = self._scan.shown
        rows = self._workbook.get_sheet_by_name(self.name).iter_rows()
        for number, cells in enumerate(rows, start=1):
            row = [cell if cell.__class__ is str else _plain(cell) for cell in cells]
            for column, show in shown.get(number, ()):
                row[column] = show if isinstance(show, str) else show(str(row[column]))
            while row and row[-1] == "":
                row.pop()
            if row:
                yield number, row

    def merged_rows(self) -> Iterable[int]:
        ranges = self._workbook.get_sheet_by_name(self.name).merged_cell_ranges or ()
        return [last + 1 for _, (last, _) in ranges]


def _plain(cell: object) -> Cell:
    match cell:
        case bool() | str():
            return cell
        case float() | int():
            return plain_number(cell)
        case datetime() if cell.time() == time():
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
    return str(cell)
