"""A text file on its way in: decoded strictly, in an encoding that is certain.

The adapters of text formats read their lines from here; nothing here knows of rows or delimiters.
"""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os import SEEK_END
from typing import BinaryIO

from syncd.errors import IncompleteRead
from syncd.sources.base import NotAsRecognised, RawRecords, Recognised
from syncd.sources.files.encodings import check_named, find_mark, line_at, recognize
from syncd.sources.files.opening import NO_TABLE, Content, OpenFile, check_contents, unreadable

LONGEST_LINE = 1 << 20
_HEAD = 4096
_SAMPLE = 1 << 16
_MOST_LINES = 1_000  # of one record; where it has more, a quote is too many

_WORKBOOK = "is an Excel workbook or an archive, not text"
_AS_CSV = "export the list as CSV"
_NOT_TEXT: Sequence[Content] = (
    (
        rb"PK\x03\x04[\s\S]{,26}(\[Content_Types\]|_rels/|docProps/|xl/|mimetype)|\xd0\xcf\x11\xe0",
        _WORKBOOK,
        'set type = "excel"',
    ),
    *NO_TABLE,
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf", _WORKBOOK, "unpack it first"),
    (rb"\s*<(!--|script|meta|div|\?php|\w+>\s*<)", NO_TABLE[-1][1], NO_TABLE[-1][2]),
    (
        rb'\s*(\{\s*"|\[\s*[\[{]|\[\s*"[^"]*"\s*,)',
        "is JSON, not CSV",
        f'{_AS_CSV}, or read the API itself with type = "rest"',
    ),
    (rb"BEGIN:V(CARD|CALENDAR)", "holds electronic cards or dates, not CSV", _AS_CSV),
    (rb"\{\\rtf", "is a document of a word processor, not CSV", _AS_CSV),
    (
        rb"(from |(received|return-path|delivered-to|mime-version|message-id|from|to|subject|date):\s.*\n[\w-]+:?\s)",
        "is an e-mail, not CSV",
        "store the file that is attached to it",
    ),
    (
        rb"(--.*\s+)*(insert into|create table|drop table|set names)\s|-- (mysql|postgresql|mariadb)",
        "is a dump of a database, not CSV",
        f'{_AS_CSV}, or read the database itself with type = "sql"',
    ),
    (
        rb"SQLite format 3|\x01Standard (Jet|ACE) DB",
        "is a database, not CSV",
        f'{_AS_CSV}, or read the database itself with type = "sql"',
    ),
    (rb"version: \d|dn:+ ", "is LDIF, the export of a directory, not CSV", _AS_CSV),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "is a picture, not CSV", _AS_CSV),
)
_END = re.compile(rb"\x1a[\x1a\0\s]*\Z")
_AFTER_END = "\x1a\0 \t\r\n"
_AT_END = 1024


# --- its lines ---


class TextFile:
    """An open text file whose encoding is decided."""

    def __init__(self, file: OpenFile, encoding: str, *, has_end_mark: bool = False) -> None:
        self.file = file
        self.encoding = encoding
        self.has_end_mark = has_end_mark
        self.raw_encoding = _raw_encoding(encoding)
        self._raw = raw = file.raw
        self._stream = io.TextIOWrapper(raw, encoding, "strict", newline="")

    def sample(self) -> Sequence[str]:
        """The first lines, some 64 KiB."""
        lines, length = [], 0
        for line in self.lines():
            lines.append(line)
            length += len(line)
            if length >= _SAMPLE:
                break
        return lines

    def lines(self) -> "Lines":
        """From the first line on. Lines that were given out before must not be read any further."""
        self._stream.seek(0)
        return Lines(self)

    def raw_records(self, after: int, quote: str) -> Iterator[RawRecords]:
        """The records behind so many lines, as far as quotes tell. Lines that were given out before are over."""
        raw, sign, first = self._raw, quote.encode(), after + 1
        raw.seek(0)
        has_bare_return = _has_bare_return(b"".join(islice(raw, after)))
        while not has_bare_return and (block := raw.readlines(_SAMPLE)):
            found = RawRecords(range(first, first + len(block)), block, first + len(block))
            if any(line.count(sign) % 2 for line in block if sign in line):
                found = _join_open(block, raw, sign, first)
            if has_bare_return := _has_bare_return(b"".join(found.records)):
                return  # it ends a line too: from here on lines would have other numbers
            yield found
            first = found.end

    def read_line(self) -> str:
        try:
            return self._stream.readline(LONGEST_LINE)
        except UnicodeDecodeError as error:
            offset = self._raw.tell() - len(error.object) + error.start
            place = f"{self.file.name} line {line_at(self._raw, offset)}"
            raise IncompleteRead(
                place, f"byte {offset} is not {self.encoding}", remedy=self._right_encoding()
            ) from None
        except OSError as error:
            raise unreadable(self.file.name, error) from error

    def _right_encoding(self) -> str:
        self._raw.seek(0)
        if find_mark(self._raw.read(_HEAD)):
            return "export it anew, in one encoding: its first bytes are the mark of this one"
        return 'export it as UTF-8, or correct `encoding`; "auto" says what the file looks like'

    def check_end(self, line: int) -> None:
        """Raises IncompleteRead where something stands after the line with the mark of the end."""
        while text := self._stream.read(_SAMPLE):
            if text.strip(_AFTER_END):
                what = "has the mark of a file's end (Ctrl-Z), and goes on after it"
                raise IncompleteRead(f"{self.file.name} line {line}", what, remedy="two files were joined: export anew")


@dataclass(slots=True)
class Lines:
    """The lines of a file with their line ends. Raises IncompleteRead at a line that can't be decoded or is no text.

    `under_way` holds the lines since the last `end_record`, since a record may have several, and `last` is the record
    that was ended last. Those that are `recognised` are passed over, and `passed` counts them. `ended` says that there
    are no more lines, and `is_open` that the line just given out has no line end: it is the last one.
    """

    text: TextFile
    number: int = 0
    under_way: list[str] = field(default_factory=list)
    last: str = ""
    ended: bool = False
    is_open: bool = False
    recognised: Recognised | None = None
    passed: int = 0

    def __iter__(self) -> Iterator[str]:
        read_line, has_end_mark, under_way = self.text.read_line, self.text.has_end_mark, self.under_way
        kinds, is_passing = self.recognised.kinds if self.recognised else b"", False
        new, known, continued = Recognised.NEW, Recognised.KNOWN, Recognised.CONTINUED
        while line := read_line():
            self.number += 1
            if kinds:
                kind = kinds[self.number] if self.number < len(kinds) else new
                if kind == known and under_way:
                    raise NotAsRecognised
                is_passing = kind == known or (is_passing and kind == continued)
                if is_passing:
                    self.passed += kind == known
                    continue
            if has_end_mark and "\x1a" in line:
                line = self._before_end_mark(line)
                if not line:
                    break
            elif line[-1] not in "\r\n":
                self.is_open = True
            if "\0" in line or len(line) == LONGEST_LINE:
                raise self._no_text(line)
            if line[0] == "\ufeff":
                line = line.lstrip("\ufeff")  # the mark, or those of files that were joined
            under_way.append(line)
            yield line
        self.ended = True

    def _before_end_mark(self, line: str) -> str:
        """What stands before Ctrl-Z, with which DOS ends a text. The line is whole: the mark is behind it."""
        line, _, rest = line.partition("\x1a")
        if rest.strip(_AFTER_END):
            raise IncompleteRead(
                f"{self.text.file.name} line {self.number}", "has a control character (Ctrl-Z)", remedy="take it out"
            )
        self.text.check_end(self.number)
        return line

    def _no_text(self, line: str) -> IncompleteRead:
        if not line.strip("\0"):
            what, remedy = "is of NUL bytes: the file was not written to its end", "export it anew"
        elif "\0" in line:
            what, remedy = "has a NUL byte", "see whether this is a CSV file at all"
        else:
            what, remedy = f"is longer than {LONGEST_LINE} characters", "see whether this is a CSV file at all"
        return IncompleteRead(f"{self.text.file.name} line {self.number}", what, remedy=remedy)

    @property
    def first(self) -> int:
        """The number of the first line under way."""
        return self.number - len(self.under_way) + 1

    def end_record(self) -> int:
        """The number of the record's first line; the next line begins a new record."""
        first, under_way = self.first, self.under_way
        self.last = under_way[0] if len(under_way) == 1 else "".join(under_way)
        under_way.clear()
        return first


def _has_bare_return(text: bytes) -> bool:
    return text.count(b"\r") != text.count(b"\r\n")


def _join_open(block: Sequence[bytes], raw: BinaryIO, sign: bytes, number: int) -> RawRecords:
    """Lines between which a quote is open are one record, which may go on behind the block."""
    lines, records, rest = list[int](), list[bytes](), iter(block)
    for line in rest:
        parts, is_open = [line], line.count(sign) % 2
        while is_open and len(parts) < _MOST_LINES and (more := next(rest, None) or raw.readline()):
            parts.append(more)
            is_open = (is_open + more.count(sign)) % 2
        lines.append(number)
        records.append(b"".join(parts))
        number += len(parts)
    return RawRecords(lines, records, number)


def _raw_encoding(encoding: str) -> str | None:
    """Under which a text has always the same bytes, and a line end and a quote are one; None: it may be otherwise."""
    name = codecs.lookup(encoding).name.removesuffix("-sig")
    return name if name in {"utf-8", "ascii"} or name.startswith(("cp125", "iso8859")) else None


def decide_text(file: OpenFile, encoding: str) -> TextFile:
    """Open it in the encoding, or the certain one for "auto". Raises IncompleteRead where it is no text or in doubt."""
    try:
        head = file.raw.read(_HEAD)
        check_contents(head.lstrip(b"\xff\xfe").replace(b"\0", b""), file.name, _NOT_TEXT)
        is_named = encoding != "auto"
        encoding = check_named(head, encoding, file.name) if is_named else recognize(file.raw, head, file.name)
        length = file.raw.seek(0, SEEK_END)
        file.raw.seek(max(length - _AT_END, 0))
        has_end_mark = bool(_END.search(file.raw.read()))
    except OSError as error:
        raise unreadable(file.name, error) from error
    return TextFile(file, encoding, has_end_mark=has_end_mark)
