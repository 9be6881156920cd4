"""Copies of the file that a source reads, each read by the same adapter: for a rehearsal, which breaks them."""

import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePath
from typing import TextIO

from syncd.errors import IncompleteRead
from syncd.sources.base import Source
from syncd.sources.files.csv import CsvSource
from syncd.sources.files.opening import OpenFile
from syncd.sources.files.table import TableSource
from syncd.sources.files.text import decide_text

AN_HOUR = 3600.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCopy:
    """A copy of the whole file; `encoding` is that of a text, None for a workbook."""

    path: Path
    encoding: str | None
    _source: TableSource

    def reading(self, path: Path, *, is_finished: bool = True) -> Source:
        """The same source, which reads this file. One that is not finished has no marker as young as itself."""
        options = self._source.options
        if options.complete and options.complete.marker:
            marker, at = path.with_name(options.complete.marker), path.stat().st_mtime
            marker.touch()
            at += AN_HOUR if is_finished else -AN_HOUR
            os.utime(marker, (at, at))
        here = {"path": path.name, "url": None, "settled": timedelta()}
        source = self._source
        copied = type(source)(options.model_copy(update=here), base=path.parent, sleep=source.sleep, clock=source.clock)
        copied.share = source.share
        return copied

    def open_lines(self) -> TextIO:
        """Of a text, with their ends; counted as its positions count them."""
        return self.path.open(encoding=self.encoding, newline="")


def copy_file(source: Source, folder: Path) -> FileCopy | None:
    """None where the source reads no file. Raises IncompleteRead where it can't be read."""
    if not isinstance(source, TableSource):
        return None
    with source.opening_file() as file:
        path = folder / PurePath(file.name).name
        with path.open("wb") as whole:
            shutil.copyfileobj(file.raw, whole)
        file.check_unchanged()
    encoding = _encoding_of(source, path) if isinstance(source, CsvSource) else None
    return FileCopy(path=path, encoding=encoding, _source=source)


def _encoding_of(source: CsvSource, path: Path) -> str:
    with path.open("rb") as raw:
        text = decide_text(OpenFile(name=path.name, raw=raw), source.options.encoding)
    return text.encoding


def find_proof(source: Source, count: int) -> IncompleteRead | None:
    """Why a list that ends after so many records, without a word, is known to be cut short; None where it is not.

    For a list of which only the records are there: its file or its answer would be refused for this.
    """
    complete, total = getattr(source.options, "complete", None), getattr(source.options, "total", None)
    if total is not None:
        return IncompleteRead(str(source.options.type), f"has {count} records, and {total!r} tells of more")
    if complete is None:
        return None
    minimum = getattr(complete, "minimum", None)
    if minimum and count < minimum:
        return IncompleteRead(str(source.options.type), f"has {count} records, and complete.minimum is {minimum}")
    for key in ("trailer", "marker"):
        if getattr(complete, key, None):
            return IncompleteRead(str(source.options.type), f"lacks what complete.{key} names")
    return None
