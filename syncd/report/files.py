"""Files that syncd writes for people: readable for their owner only, and harmless where Excel opens them."""

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from syncd.machine.files import make_private, open_own

FORMULA = tuple("=@+-＝＠＋－")  # Excel takes the wide ones for the beginning of a formula too


@contextmanager
def opening_private(file: Path, *, encoding: str = "utf-8", newline: str | None = None) -> Iterator[TextIO]:
    """The file, emptied. Raises OSError where it can't be written."""
    descriptor = open_own(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding=encoding, newline=newline) as opened:
        make_private(descriptor)
        yield opened


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A draft beside the file, readable for its owner only, that takes its place at the end: nobody reads half of it.

    Raises OSError where it can't be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def write_csv(file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """As Excel opens it by a double click. Raises OSError where the file can't be written."""
    with opening_private(file, encoding="utf-8-sig", newline="") as opened:  # a mark, so that Excel sees UTF-8
        writer = csv.writer(opened, delimiter=";")
        writer.writerow(columns)
        writer.writerows([make_inert(row[column]) for column in columns] for row in rows)


def make_inert(cell: str) -> str:
    """Excel carries out what looks like a formula; an apostrophe before it says that it is text."""
    is_formula = cell.lstrip().startswith(FORMULA) or cell[:1] in ("\t", "\r", "\n")
    return f"'{cell}" if is_formula else cell
