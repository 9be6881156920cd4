"""A zip archive that holds a workbook's parts, read in bounds; and what other archives are, in words."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO
from xml.etree import ElementTree as ET

from syncd.errors import IncompleteRead
from syncd.sources.files.opening import OpenFile
from syncd.sources.files.workbook.sheet import SAVE, Broken, is_protected

AT_ONCE = 1 << 18
_LARGEST = 4 << 30
_LIGHT, _DENSEST = 64 << 20, 250  # from this size on it must not shrink more; sheets shrink 10 to 50 times
_LARGEST_IN_MEMORY = 256 << 20
_OTHERS = (
    (r"Index\.zip|Index/.*\.iwa", "is a file of Apple Numbers", "export it from Numbers as .xlsx, or as CSV"),
    (r"xl/workbook\.bin", "is a binary workbook (.xlsb)", "save it as .xlsx"),
    (r"word/.*", "is a text document, not a table", "export the list as a workbook or as CSV"),
    (r"content\.xml", "is a document of LibreOffice, and no spreadsheet", "export the list as a workbook or as CSV"),
    (r"ppt/.*", "is a presentation, not a table", "export the list as a workbook or as CSV"),
    (r"[^/]*\.(?:csv|txt|tsv)", "is a zip with a text file in it", 'unpack it first, and set type = "csv"'),
    (r"(?:.*/)?[^/]*\.(?:xls[xmb]?|ods)", "is a zip with a workbook in it", "unpack it first"),
)


class Archive:
    def __init__(self, file: OpenFile, archive: zipfile.ZipFile) -> None:
        self.name = file.name
        self._archive = archive
        self._parts = {_spelt(one.filename): one for one in archive.infolist()}

    def __contains__(self, part: str) -> bool:
        return _spelt(part) in self._parts

    @contextmanager
    def open(self, part: str) -> Iterator[IO[bytes]]:
        """Raises Broken where there is no such part, and IncompleteRead where it would not end."""
        info = self._parts.get(_spelt(part))
        if info is None:
            raise Broken
        if info.flag_bits & 1:
            raise is_protected(self.name)
        is_dense = info.file_size > max(_LIGHT, _DENSEST * info.compress_size)
        if is_dense or info.file_size > _LARGEST:
            what = f"would unpack to {info.file_size >> 20} MiB, {info.file_size // max(info.compress_size, 1)} times"
            raise IncompleteRead(self.name, f"{what} its size: no program writes such a workbook", remedy=SAVE)
        with self._archive.open(info) as opened:
            yield opened

    def chunks(self, part: str) -> Iterator[bytes]:
        """Raises Broken where it can't be unpacked."""
        try:
            with self.open(part) as opened:
                while chunk := opened.read(AT_ONCE):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise Broken from error

    def tree(self, part: str) -> ET.Element:
        """A small part, whole."""
        if part in self and self._parts[_spelt(part)].file_size > _LARGEST_IN_MEMORY:
            raise Broken
        try:
            return ET.fromstring(b"".join(self.chunks(part)))  # noqa: S314 - expat bounds entities
        except ET.ParseError as error:
            raise Broken from error

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by the id of the relation its type, without namespace, and the part."""
        folder = PurePosixPath(part).parent
        beside = str(folder / "_rels" / f"{PurePosixPath(part).name}.rels")
        if beside not in self:
            return {}
        found = {}
        for one in self.tree(beside):
            target = one.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else _resolved(folder, target)
            found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], path)
        return found

    @property
    def is_spreadsheet(self) -> bool:
        """Of LibreOffice; its texts and drawings may have tables too."""
        kind = b"".join(self.chunks("mimetype")) if "mimetype" in self else b"spreadsheet"
        return "content.xml" in self and b"spreadsheet" in kind

    def in_words(self) -> tuple[str, str]:
        """What it is, where it is none of our workbooks, and the remedy."""
        for pattern, what, remedy in _OTHERS:
            if any(re.fullmatch(pattern, name, re.IGNORECASE) for name in self._parts):
                return what, remedy
        return "is an archive without a workbook", f"unpack it, or {SAVE}"


def _spelt(part: str) -> str:
    """Some programs write other capitals than they refer to, or Windows' separators."""
    return part.replace("\\", "/").lower()


def _resolved(folder: PurePosixPath, target: str) -> str:
    parts: list[str] = []
    for one in (folder / target).parts:
        parts = parts[:-1] if one == ".." else [*parts, one]
    return "/".join(parts)
