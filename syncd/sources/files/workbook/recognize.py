"""Which form of workbook a file is: told by its contents, never by its name."""

import re
import struct
import zipfile
from collections.abc import Iterator, Sequence

from syncd.errors import IncompleteRead
from syncd.sources.files.opening import NO_TABLE, OpenFile, check_contents, unreadable
from syncd.sources.files.workbook import biff, ooxml, opendocument, web, xml2003
from syncd.sources.files.workbook.archive import AT_ONCE, Archive
from syncd.sources.files.workbook.sheet import SAVE, Broken, Sheet, is_protected

HEAD = 4096
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_OLDER = re.compile(rb"\x09[\x00\x02\x04][\x04-\x06]\x00")  # Excel 2 to 4
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<[\x00]?(?:[a-z!?])", re.IGNORECASE)
_LETTER = re.compile(rb"(?:[\w-]+: [^\n]*\n|[ \t][^\n]*\n)*?MIME-Version:", re.IGNORECASE)
_TEXT = re.compile(rb"\xff\xfe|\xfe\xff|[^\x00-\x08\x0e-\x19]*\x1a?", re.DOTALL)


def open_sheets(file: OpenFile) -> Sequence[Sheet]:
    """Raises IncompleteRead where it is no workbook, or is cut short; and DoubtfulCell."""
    try:
        head = file.raw.read(HEAD)
        file.raw.seek(0)
        return _open(file, head)
    except (Broken, zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, LookupError):
        raise is_broken(file.name) from None
    except OSError as error:
        raise unreadable(file.name, error) from error


def is_broken(name: str) -> IncompleteRead:
    return IncompleteRead(name, "is no workbook, or is cut short", remedy=SAVE)


def _open(file: OpenFile, head: bytes) -> Sequence[Sheet]:
    if head.startswith(_ZIP):
        return _open_archive(Archive(file, zipfile.ZipFile(file.raw)))
    if head.startswith(_OLE):
        return biff.read_sheets(file)
    if _OLDER.match(head):
        raise IncompleteRead(file.name, "is a workbook of Excel 4 or older", remedy=SAVE)
    if _MARKUP.match(head):
        return _open_markup(file, head)
    if _LETTER.match(head):
        return web.read_letter(file)
    check_contents(head, file.name, NO_TABLE)
    is_text = _TEXT.fullmatch(head) or head[:2] in (b"\xff\xfe", b"\xfe\xff")
    remedy = 'it is text: set type = "csv"' if is_text else SAVE
    raise IncompleteRead(file.name, "is no workbook", remedy=remedy)


def _open_archive(archive: Archive) -> Sequence[Sheet]:
    sheets: Sequence[Sheet] = ()
    manifest = archive.chunks("META-INF/manifest.xml") if "META-INF/manifest.xml" in archive else ()
    if any(b"encryption-data" in chunk for chunk in manifest):
        raise is_protected(archive.name)
    if ooxml.is_this_form(archive):
        sheets = ooxml.read_sheets(archive)
    elif archive.is_spreadsheet:
        sheets = opendocument.read_archive(archive)
    if sheets:
        return sheets
    what, remedy = archive.in_words()
    raise IncompleteRead(archive.name, what, remedy=remedy)


def _open_markup(file: OpenFile, head: bytes) -> Sequence[Sheet]:
    def chunks() -> Iterator[bytes]:
        file.raw.seek(0)
        return iter(lambda: file.raw.read(AT_ONCE), b"")

    plain = head.replace(b"\0", b"")
    if b"<office:document" in plain and b"opendocument.spreadsheet" in plain:
        return opendocument.read_flat(chunks)
    if xml2003.NAMESPACE in plain and re.search(rb"<(?:\w+:)?Workbook\b", plain):
        return xml2003.read_sheets(chunks())
    if re.search(rb"<(?:!doctype html|html|head|body|table|meta|style|div)\b", plain, re.IGNORECASE):
        return web.read_page(file)
    raise web.is_no_table(file.name)
