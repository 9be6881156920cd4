"""A text file on its way in: found, settled, decoded without a guess left open, unchanged to its end.

The adapters of text formats read their lines from here; nothing here knows of rows or delimiters.
"""

import codecs
import io
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from glob import escape, glob
from pathlib import Path
from typing import BinaryIO

from syncd.errors import IncompleteRead

LONGEST_LINE = 1 << 20
_PATIENCE = timedelta(minutes=10)  # with a file that keeps growing
_CHUNK = 1 << 20
_HEAD = 4096
_SAMPLE = 1 << 16
_AGAIN = "the next run reads it anew; a longer `settled` gives the writer more time"

# --- which file ---


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file as it was when it was found; equal only while nothing has been written to it."""

    path: Path
    inode: int
    size: int
    modified_ns: int

    @property
    def name(self) -> str:
        return self.path.name

    def check_unchanged(self) -> None:
        if _inspect(self.path) != self:
            raise IncompleteRead(self.name, "was changed while it was being read", remedy=_AGAIN)


def find_settled_file(
    pattern: str, *, base: Path, settled: timedelta, sleep: Callable[[float], None], clock: Callable[[], datetime]
) -> FoundFile:
    """The newest file that matches, once nothing has been written to it for as long as `settled`."""
    seen, quiet, waited = None, 0.0, 0.0
    while True:
        found = _find_newest(pattern, base)
        if found != seen:
            # A time in the future, from a server whose clock is ahead, counts as now; from here on we count ourselves.
            seen, quiet = found, max(clock().timestamp() - found.modified_ns / 1e9, 0.0)
        if (pause := settled.total_seconds() - quiet) <= 0:
            return found
        if waited > (settled + _PATIENCE).total_seconds():
            raise IncompleteRead(found.name, "is still being written to", remedy="see what keeps writing to it")
        sleep(pause)
        quiet, waited = quiet + pause, waited + pause


def _find_newest(pattern: str, base: Path) -> FoundFile:
    if not set(pattern) & set("*?["):
        return _inspect(base / pattern)
    # A file may really be called "Export [neu].csv".
    names = glob(escape(pattern), root_dir=base) or glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [_inspect(path) for name in names if not stat.S_ISDIR(_stat(path := base / name).st_mode)]
    if not files:
        raise IncompleteRead(
            str(base / pattern), "no file matches", remedy="check `path`, and that syncd may look into the folder"
        )
    return max(files, key=lambda file: (file.modified_ns, file.name))


def _inspect(path: Path) -> FoundFile:
    found = _stat(path)
    if not stat.S_ISREG(found.st_mode):
        # To open a pipe would wait for its writer for ever.
        kind = "is a folder" if stat.S_ISDIR(found.st_mode) else "is not a regular file"
        raise IncompleteRead(str(path), kind, remedy="`path` must name a file, or files with *")
    return FoundFile(path=path, inode=found.st_ino, size=found.st_size, modified_ns=found.st_mtime_ns)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> IncompleteRead:
    if isinstance(error, FileNotFoundError):
        return IncompleteRead(str(path), "there is no such file", remedy="check `path`, and that the export was made")
    if isinstance(error, PermissionError):
        return IncompleteRead(str(path), "syncd may not read it", remedy="give the user that runs syncd the right to")
    return IncompleteRead(str(path), f"can't be read ({error.strerror})", remedy="check the disk or the network share")


# --- how its letters are written ---

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ASCII, _HIGH = bytes(range(0x80)), bytes(range(0x80, 0x100))
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
# What Windows-1252 shows where another encoding has a letter: a sign or a capital within a word (Mac: "Stra§e", DOS:
# "K”ln", Polish: "Pawe³a"), or a row of accented letters (Cyrillic, Greek).
_ODD = (
    re.compile(rb"[\x84\x8a\x8e\x94\x9f\xa1-\xa7\xb1\xb3\xb6\xb9\xbc\xbe\xbf](?<=[A-Za-z].)(?=[a-z])"),
    re.compile(rb"[\xc0-\xff][\xc0-\xff][\xc0-\xff][\xc0-\xff]"),  # twice as fast as with {4}
)
_FEW = 50  # one oddity among so many letters may be somebody's slip
_NAME_IT = 'export it as UTF-8, or name its encoding, for example encoding = "windows-1252" (or "cp850", "mac-roman")'

_CONTENTS = (  # what the bytes at the start give away
    (rb"PK\x03\x04|\xd0\xcf\x11\xe0", "is an Excel workbook or an archive, not text", "export the sheet as CSV"),
    (rb"%PDF-", "is a PDF, not text", "export the list as CSV"),
    (rb"\x1f\x8b", "is compressed", "unpack it first"),
    (
        rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml)",
        "is a web page or XML, not a table",
        "see whether the download has stored a login or error page instead of the export",
    ),
)


def _check_contents(head: bytes, name: str) -> None:
    if not head:
        raise IncompleteRead(name, "is empty", remedy="export it anew; an empty file deletes nobody")
    for pattern, what, remedy in _CONTENTS:
        if re.match(pattern, head, re.IGNORECASE):
            raise IncompleteRead(name, what, remedy=remedy)


def _recognize_encoding(raw: BinaryIO, head: bytes, name: str) -> str:
    """Of UTF-8, UTF-16 and Windows-1252 the one that the whole file fits; where that is not clear, an error."""
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
    """Asked of a file that is not all UTF-8: are its high bytes single Western letters and signs?"""
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
    """Counted in bytes, for what stands there can't be decoded; the NULs are those of UTF-16."""
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

    def __init__(self, file: FoundFile, raw: BinaryIO, encoding: str) -> None:
        self.file = file
        self.encoding = encoding
        self._raw = raw
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
        """From the first line on; lines that were handed out before must not be read any further."""
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
            raise _unreadable(self.file.path, error) from error


class Lines:
    """The lines of a file with their line ends, as they stand in it.

    `under_way` holds those since the last `end_record`, for a record may go over several and only its end shows that
    it was one. `ended` says that there are no more, and `ends_whole` that the last
    one has a line end.
    """

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._number = 0
        self.under_way: list[str] = []
        self.ended = False
        self.ends_whole = False

    def __iter__(self) -> Iterator[str]:
        name, last = self._text.file.name, ""
        while line := self._text.read_line():
            self._number += 1
            if "\0" in line or len(line) == LONGEST_LINE:
                what = "has a NUL byte" if "\0" in line else f"is longer than {LONGEST_LINE} characters"
                raise IncompleteRead(
                    f"{name} line {self._number}", what, remedy="see whether this is a CSV file at all"
                )
            if self._number == 1:
                line = line.removeprefix("\ufeff")
            self.under_way.append(line)
            yield (last := line)
        self.ended = True
        self.ends_whole = last.endswith(("\n", "\r"))

    @property
    def first(self) -> int:
        """The number of the first line under way."""
        return self._number - len(self.under_way) + 1

    def end_record(self) -> int:
        """Its first line."""
        first = self.first
        self.under_way.clear()
        return first


@contextmanager
def open_text(file: FoundFile, encoding: str) -> Iterator[TextFile]:
    """`encoding` may be "auto"; it is decoded strictly in any case."""
    with _opened(file) as raw:
        try:
            head = raw.read(_HEAD)
            _check_contents(head, file.name)
            chosen = _recognize_encoding(raw, head, file.name) if encoding == "auto" else encoding
        except OSError as error:
            raise _unreadable(file.path, error) from error
        yield TextFile(file, raw, chosen)


def _opened(file: FoundFile) -> BinaryIO:
    try:
        return file.path.open("rb")
    except OSError as error:
        raise _unreadable(file.path, error) from error
