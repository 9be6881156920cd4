"""A text file on its way in: decoded strictly, in an encoding that is certain.

The adapters of text formats read their lines from here; nothing here knows of rows or delimiters.
"""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from syncd.errors import IncompleteRead
from syncd.sources.files.opening import NO_TABLE, Content, OpenFile, check_contents, unreadable

LONGEST_LINE = 1 << 20
_CHUNK = 1 << 20
_HEAD = 4096
_SAMPLE = 1 << 16

# --- how its letters are written ---

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ASCII = bytes(range(0x80))
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
# What Windows-1252 shows where another encoding has a letter: a sign or a capital within a word (Mac: "Stra§e", DOS:
# "K”ln", Polish: "Pawe³a"), or a row of accented letters (Cyrillic, Greek).
_ODD = (
    re.compile(rb"[\x84\x8a\x8e\x94\x9f\xa1-\xa7\xb1\xb3\xb6\xb9\xbc\xbe\xbf](?<=[A-Za-z].)(?=[a-z])"),
    re.compile(rb"[\xc0-\xff][\xc0-\xff][\xc0-\xff][\xc0-\xff]"),  # twice as fast as with {4}
)
_FEW = 50  # one oddity among so many letters may be somebody's slip
_NAME_IT = 'export it as UTF-8, or name its encoding, for example encoding = "windows-1252" (or "cp850", "mac-roman")'

_NOT_TEXT: Sequence[Content] = (
    *NO_TABLE,
    (rb"PK\x03\x04|\xd0\xcf\x11\xe0", "is an Excel workbook or an archive, not text", 'set type = "excel"'),
)


def _recognize_encoding(raw: BinaryIO, head: bytes, name: str) -> str:
    """UTF-8, UTF-16 or Windows-1252, whichever the whole file fits. Raises IncompleteRead where that is not clear."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    low, high = head[::2], head[1::2]
    if 0 not in low and 2 * high.count(0) > len(high):
        return "utf-16-le"
    offset = _find_fault_of_utf_8(raw, name)
    if offset is None:
        return "utf-8"
    if _is_plain_windows_1252(raw):
        return "windows-1252"
    raise IncompleteRead(
        f"{name} line {_line_at(raw, offset)}",
        f"byte {offset} is not UTF-8, and the file does not look like Windows-1252",
        remedy=_NAME_IT,
    )


def _chunks(raw: BinaryIO) -> Iterator[bytes]:
    raw.seek(0)
    return iter(lambda: raw.read(_CHUNK), b"")


def _find_fault_of_utf_8(raw: BinaryIO, name: str) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    fed = 0
    try:
        for chunk in _chunks(raw):
            fed += len(chunk)
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise IncompleteRead(name, "ends in the middle of a letter", remedy=_NAME_IT) from None
        return fed - len(error.object) + error.start
    return None


def _is_plain_windows_1252(raw: BinaryIO) -> bool:
    """Whether the high bytes of a file, which is not all UTF-8, are single Western letters and signs."""
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    high = odd = 0
    for chunk in _chunks(raw):
        above = chunk.translate(None, _ASCII)
        if len(above.translate(None, _UNDEFINED)) < len(above):
            return False
        # The UTF-8 that is in it all the same: what spells é or ß so is UTF-8 with a broken byte, or two files in one.
        # Other letters come about by chance: "Spaß" and a closing quote, in Windows-1252, make one.
        text = decoder.decode(chunk)
        if text.encode("latin-1", "ignore").translate(None, _ASCII):
            return False
        letters_of_utf_8 = len(text) - (len(chunk) - len(above))
        odd += letters_of_utf_8 + sum(len(pattern.findall(chunk)) for pattern in _ODD)
        high += len(above)
    return odd * _FEW <= high


def _line_at(raw: BinaryIO, offset: int) -> int:
    """Counted in bytes, since the text there can't be decoded; NULs are those of UTF-16."""
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    line = 1
    for chunk in _chunks(raw):
        text = chunk[:offset].replace(b"\0", b"").decode("latin-1")
        line += newlines.decode(text).count("\n")
        offset = max(offset - len(chunk), 0)
    return line


# --- its lines ---


class TextFile:
    """An open text file whose encoding is decided."""

    def __init__(self, file: OpenFile, encoding: str) -> None:
        self.file = file
        self.encoding = encoding
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

    def read_line(self) -> str:
        try:
            return self._stream.readline(LONGEST_LINE)
        except UnicodeDecodeError as error:
            offset = self._raw.tell() - len(error.object) + error.start
            raise IncompleteRead(
                f"{self.file.name} line {_line_at(self._raw, offset)}",
                f"byte {offset} is not {self.encoding}",
                remedy="export it anew, or name the encoding that it is in",
            ) from None
        except OSError as error:
            raise unreadable(self.file.name, error) from error


@dataclass(slots=True)
class Lines:
    """The lines of a file with their line ends. Raises IncompleteRead at a line that can't be decoded or is no text.

    `under_way` holds the lines since the last `end_record`, since a record may have several. `ended` says that there
    are no more lines, and `is_open` that the line just given out has no line end: it is the last one.
    """

    text: TextFile
    number: int = 0
    under_way: list[str] = field(default_factory=list)
    ended: bool = False
    is_open: bool = False

    def __iter__(self) -> Iterator[str]:
        name = self.text.file.name
        while line := self.text.read_line():
            self.number += 1
            if "\0" in line or len(line) == LONGEST_LINE:
                what = "has a NUL byte" if "\0" in line else f"is longer than {LONGEST_LINE} characters"
                raise IncompleteRead(f"{name} line {self.number}", what, remedy="see whether this is a CSV file at all")
            if line[-1] not in "\r\n":
                self.is_open = True
            if self.number == 1:
                line = line.removeprefix("\ufeff")
            self.under_way.append(line)
            yield line
        self.ended = True

    @property
    def first(self) -> int:
        """The number of the first line under way."""
        return self.number - len(self.under_way) + 1

    def end_record(self) -> int:
        """The number of the record's first line; the next line begins a new record."""
        first = self.first
        self.under_way.clear()
        return first


def decide_text(file: OpenFile, encoding: str) -> TextFile:
    """Open it in the encoding, or the certain one for "auto". Raises IncompleteRead where it is no text or in doubt."""
    try:
        head = file.raw.read(_HEAD)
        check_contents(head, file.name, _NOT_TEXT)
        chosen = _recognize_encoding(file.raw, head, file.name) if encoding == "auto" else encoding
    except OSError as error:
        raise unreadable(file.name, error) from error
    return TextFile(file, chosen)
