"""A web page that is called a workbook (.xls): many programs export so, and Excel opens it. Each table is a sheet."""

import codecs
import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from html.parser import HTMLParser

from syncd.errors import IncompleteRead
from syncd.sources.files.opening import OpenFile
from syncd.sources.files.workbook.sheet import MOST_COLUMNS, MOST_ROWS, SAVE, Broken, Cell, PlainSheet, Row, Sheet

LARGEST = 256 << 20
_PAGE = (
    "is a web page or XML, not a table",
    "see whether the download has stored a login or error page instead of the export",
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET = re.compile(rb"""<(?:meta\b[^>]*?charset|\?xml\b[^>]*?encoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_HEAD = 8192
_FORM = frozenset("form input select textarea frameset".split())
_UNSEEN = frozenset("script style title".split())


def is_no_table(name: str) -> IncompleteRead:
    what, remedy = _PAGE
    return IncompleteRead(name, what, remedy=remedy)


def read_page(file: OpenFile) -> Sequence[Sheet]:
    """Raises Broken where it ends within a table, and IncompleteRead where it is no export."""
    return _read_tables(file.name, [_decode(_read(file), file.name)])


def read_letter(file: OpenFile) -> Sequence[Sheet]:
    """A page in the form of a letter (MHTML), in parts; raises the same."""
    pages = []
    for part in message_from_bytes(_read(file)).walk():
        if part.get_content_type() == "text/html":
            content = part.get_payload(decode=True)
            pages.append(_decode(content, file.name, part.get_content_charset()))  # type: ignore[arg-type]  # decoded
    return _read_tables(file.name, pages)


def _read(file: OpenFile) -> bytes:
    content = file.raw.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise IncompleteRead(file.name, f"is a web page of more than {LARGEST >> 20} MiB", remedy=SAVE)
    return content


def _decode(content: bytes, name: str, charset: str | None = None) -> str:
    declared = _CHARSET.search(content[:_HEAD])
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    encoding = marked or charset or (declared[1].decode() if declared else "utf-8")
    if encoding.lower() in {"iso-8859-1", "latin1", "us-ascii"}:
        encoding = "windows-1252"  # as browsers and Excel read it
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        what = f"is a web page whose letters are not in the encoding that it names ({encoding})"
        raise IncompleteRead(name, what, remedy=SAVE) from None


def _read_tables(name: str, pages: Sequence[str]) -> Sequence[Sheet]:
    tables = [table for page in pages for table in _tables_of(page, name)]
    if not tables:
        raise is_no_table(name)
    return [
        PlainSheet(f"table {place}", table.filled(), merged=table.merged) for place, table in enumerate(tables, start=1)
    ]


def _tables_of(page: str, name: str) -> Iterator["_Table"]:
    reader = _PageReader()
    reader.feed(page)
    reader.close()
    if reader.is_form:
        raise is_no_table(name)
    if reader.is_open:
        raise Broken
    if reader.is_nested:
        raise IncompleteRead(name, "is a web page with a table in a cell of another", remedy=SAVE)
    yield from (table for table in reader.tables if len(table.rows) > 1)


class _Table:
    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.merged: list[int] = []

    def filled(self) -> Sequence[Row]:
        rows: list[Row] = []
        for number, texts in enumerate(self.rows, start=1):
            cells: list[Cell] = [_as_seen(text) for text in texts]
            while cells and cells[-1] == "":
                cells.pop()
            if cells:
                rows.append((number, cells))
        return rows


def _as_seen(text: str) -> str:
    """Blanks and line ends of the page are one blank; a line end within the cell is a vertical tab here."""
    lines = re.sub(r"[ \t\r\n\f]+", " ", text).split("\v")
    return "\n".join(line.strip(" \xa0") for line in lines).strip("\n")


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self.is_form = self.is_nested = False
        self._depth = 0
        self._is_cell = False
        self._unseen = ""

    @property
    def is_open(self) -> bool:
        return self._depth > 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_form |= tag in _FORM
        if tag in _UNSEEN:
            self._unseen = tag
        elif tag == "table":
            self.is_nested |= self._depth > 0
            self._depth += 1
            self.tables.append(_Table())
        elif self._depth == 0:
            return
        elif tag == "tr":
            self._is_cell = False
            self.tables[-1].rows.append([])
        elif tag in {"td", "th"}:
            self._start_cell(dict(attrs))
        elif tag in {"br", "p", "div"} and self._is_cell:
            self._add("\v")

    def _start_cell(self, attributes: dict[str, str | None]) -> None:
        table = self.tables[-1]
        if not table.rows:
            table.rows.append([])
        self._is_cell = True
        table.rows[-1].append("")
        if (height := _span(attributes, "rowspan")) != 1:  # the cells of the next rows stand under other names
            first, last = len(table.rows), len(table.rows) - 1 + (height or MOST_ROWS)  # 0 reaches to the end
            table.merged += [first, first + 1, last]  # the first of them below the header is told
        if (width := _span(attributes, "colspan")) != 1:
            table.merged.append(len(table.rows))
            table.rows[-1] += [""] * (min(width, MOST_COLUMNS) - 1)
            self._width = width
        else:
            self._width = 1

    def _add(self, text: str) -> None:
        self.tables[-1].rows[-1][-min(self._width, MOST_COLUMNS)] += text

    def handle_data(self, data: str) -> None:
        if self._is_cell and not self._unseen:
            self._add(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = ""
        elif tag == "table" and self._depth:
            self._depth -= 1
            self._is_cell = False
        elif tag in {"td", "th", "tr"}:
            self._is_cell = False


def _span(attributes: dict[str, str | None], name: str) -> int:
    text = (attributes.get(name) or "1").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1
