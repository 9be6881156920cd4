"""Broken copies of a file itself, so that whatever its adapter looks at is broken too: line ends, quotes, letters."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from syncd.domain.records import SourceRecord
from syncd.rehearsal.damages import encode_twice
from syncd.rehearsal.tape import Tape
from syncd.sources.base import Source
from syncd.sources.copying import FileCopy


class Files:
    """`folder` takes the broken copies, each in a folder of its own under the name of the file."""

    def __init__(self, whole: FileCopy, folder: Path, tape: Tape) -> None:
        self._whole, self._folder, self._tape = whole, folder, tape
        self.is_text = whole.encoding is not None

    def empty(self) -> Source:
        return self._copy("empty", b"", is_finished=False)

    def cut_in_bytes(self) -> Source:
        """Of a workbook: the first half of its bytes."""
        with self._whole.path.open("rb") as raw:
            return self._copy("cut", raw.read(self._whole.path.stat().st_size // 2), is_finished=False)

    def cut_before(self, record: SourceRecord) -> Source:
        """At a line end: this record is the first that is missing."""
        before = _line(record) - 1
        return self._write(f"end-{before}", lambda lines: islice(lines, before), is_finished=False)

    def cut_within(self, record: SourceRecord, *, is_late: bool) -> Source:
        """Within a cell of this record: in its middle, or in the last word of its first line."""
        before = _line(record) - 1

        def cut(lines: Iterator[str]) -> Iterator[str]:
            yield from islice(lines, before)
            yield _cut_in_a_word(next(lines), is_late=is_late)

        return self._write(f"cell-{before}", cut, is_finished=False)

    def headless(self) -> Source:
        """Without all that stands above the first record."""
        first = _line(self._tape.records[0])
        return self._write("header", lambda lines: islice(lines, first - 1, None))

    def encoded_twice(self) -> Source:
        return self._write("twice", lambda lines: map(encode_twice, lines), encoding="utf-8")

    def _write(
        self,
        name: str,
        breaking: Callable[[Iterator[str]], Iterable[str]],
        *,
        encoding: str | None = None,
        is_finished: bool = True,
    ) -> Source:
        path = self._place(name)
        with (
            self._whole.open_lines() as lines,
            path.open("w", encoding=encoding or self._whole.encoding, newline="") as text,
        ):
            text.writelines(breaking(lines))
        return self._whole.reading(path, is_finished=is_finished)

    def _copy(self, name: str, content: bytes, *, is_finished: bool) -> Source:
        path = self._place(name)
        path.write_bytes(content)
        return self._whole.reading(path, is_finished=is_finished)

    def _place(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder / self._whole.path.name


def _line(record: SourceRecord) -> int:
    """Where the record begins in its file, counted from 1."""
    assert record.position.line is not None  # noqa: S101 - a record of a file has one
    return record.position.line


def _cut_in_a_word(line: str, *, is_late: bool) -> str:
    """The beginning of a line, up to a place between two letters or digits; so little is missing where it `is_late`."""
    inner = [place for place in range(1, len(line)) if line[place - 1].isalnum() and line[place].isalnum()]
    if not inner:
        return line.rstrip("\r\n")
    return line[: inner[-1] if is_late else inner[len(inner) // 2]]
