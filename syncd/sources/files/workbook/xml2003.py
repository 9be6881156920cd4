"""The form of Excel 2003 in XML (SpreadsheetML), which many programs write under the name .xls or .xml."""

from collections.abc import Iterable, Sequence
from math import isfinite

from syncd.domain.records import DateCell
from syncd.sources.files.workbook.formats import PLAIN, Format, compile_format, plain_number
from syncd.sources.files.workbook.sheet import (
    MOST_COLUMNS,
    NO_RESULT,
    SHOWS_ERROR,
    Broken,
    Cell,
    DoubtfulCell,
    PlainSheet,
    Row,
    Sheet,
    cell_name,
)
from syncd.sources.files.workbook.xml import Handler, parse

NAMESPACE = b"urn:schemas-microsoft-com:office:spreadsheet"
_NAMED = {"Percent": "0.00%", "Yes/No": '"Yes";"Yes";"No"', "True/False": '"True";"True";"False"'}
_NAMED |= {"On/Off": '"On";"On";"Off"'} | dict.fromkeys(("Currency", "Euro Currency", "Fixed", "Standard"), "")
_NAMED |= dict.fromkeys(("Scientific", "General Number", "General"), "")


def read_sheets(chunks: Iterable[bytes]) -> Sequence[Sheet]:
    """Raises Broken and DoubtfulCell."""
    reader = _Reader()
    for _ in parse(chunks, reader):
        raise Broken
    for sheet in reader.sheets:
        sheet.is_visible = sheet.name not in reader.hidden
    return reader.sheets


class _Reader(Handler):
    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[PlainSheet] = []
        self.hidden: set[str] = set()
        self._shows: dict[str, Format] = {}
        self._style = ""  # that is being defined
        self._sheet_rows: list[Row] = []
        self._merged: list[int] = []
        self._columns: dict[int, str] = {}  # the style of their cells
        self._column = self._number = 0
        self._cells: list[Cell] = []
        self._at = 0
        self._row_style = ""
        self._cell: dict[str, str] | None = None
        self._kind: str | None = None  # of the data under way
        self._text: list[str] = []
        self._in_comment = False
        self._name = ""
        self._span = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name in _READ:
            attributes = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            if name in {"Row", "Cell", "Data", "Comment"}:
                self._start_row(name, attributes)
            else:
                self._start_sheet(name, attributes)

    def _start_sheet(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "Style":
                self._style = attributes.get("ID", "")
                self._shows[self._style] = self._shows.get(attributes.get("Parent", "Default"), PLAIN)
            case "NumberFormat":
                code = attributes.get("Format", "")
                self._shows[self._style] = compile_format(_NAMED.get(code, code))
            case "Worksheet":
                self._sheet_rows, self._merged, self._columns = [], [], {}
                self._column = self._number = 0
                self._name = attributes.get("Name", "")
            case "Column":
                self._take_column(attributes)
            case "Visible":  # it says how it is hidden
                self.hidden.add(self._name)

    def _start_row(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "Row":
                self._number = int(attributes.get("Index", self._number + 1))
                self._row_style = attributes.get("StyleID", "")
                self._span = int(attributes.get("Span", 0))
                self._cells, self._at = [], 0
            case "Cell":
                self._at = int(attributes.get("Index", self._at + 1))
                self._cell, self._kind, self._text = attributes, None, []
            case "Comment":
                self._in_comment = True
            case "Data" if not self._in_comment:
                self._kind = attributes.get("Type", "String")

    def _take_column(self, attributes: dict[str, str]) -> None:
        first = int(attributes.get("Index", self._column + 1))
        self._column = first + min(int(attributes.get("Span", 0)), MOST_COLUMNS)
        self._columns |= dict.fromkeys(range(first, self._column + 1), attributes.get("StyleID", ""))

    def text(self, text: str) -> None:
        if self._kind is not None and not self._in_comment:
            self._text.append(text)

    def end(self, name: str) -> None:
        match name.rpartition(":")[2]:
            case "Comment":
                self._in_comment = False
            case "Cell" if self._cell is not None:
                self._take_cell(self._cell)
                self._cell = self._kind = None
            case "Row":
                if self._cells:
                    self._sheet_rows.append((self._number, self._cells))
                self._number += self._span
            case "Worksheet":
                self.sheets.append(PlainSheet(self._name, self._sheet_rows, merged=self._merged))

    def _take_cell(self, cell: dict[str, str]) -> None:
        wide, high = int(cell.get("MergeAcross", 0)), int(cell.get("MergeDown", 0))
        if wide or high:
            self._merged.append(self._number + high)
        if not 0 < self._at + wide <= MOST_COLUMNS:
            raise Broken
        text = "".join(self._text)
        at = cell_name(self._number, self._at - 1)
        if self._kind == "Error":
            raise DoubtfulCell(at, SHOWS_ERROR)
        if "Formula" in cell and not text and self._kind != "String":
            raise DoubtfulCell(at, NO_RESULT)
        value = self._read(text, cell.get("StyleID") or self._row_style or self._columns.get(self._at, "Default"))
        if value != "":
            self._cells += [""] * (self._at - 1 - len(self._cells))
            self._cells.append(value)
        self._at += wide

    def _read(self, text: str, style: str) -> Cell:
        shown = self._shows.get(style, PLAIN)
        match self._kind:
            case "Number" if text.strip():
                number = float(text)
                if not isfinite(number):
                    raise Broken
                return plain_number(number) if shown.number is None else shown.number(number)
            case "Boolean":
                return text.strip() == "1"
            case "DateTime":
                day, _, moment = text.strip().partition("T")
                moment = moment.partition(".")[0]
                if day == "1899-12-31":  # a time without a day
                    return moment
                return DateCell(f"{day}T{moment}" if moment.strip("0:") else day)
        return shown.text(text) if shown.text and text else text


_READ = frozenset("Style NumberFormat Worksheet Column Row Cell Comment Data Visible".split())
