"""What all tables in files have in common: a header that names the columns, and below it a record in each row."""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import compress
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from syncd.domain.records import Position, Skipped, SourceRecord
from syncd.errors import IncompleteRead
from syncd.sources.base import Reading, ReadKind, Source, error_at
from syncd.sources.files.complete import NOTHING, Complete, check_marker
from syncd.sources.files.header import find_record_above, names_in
from syncd.sources.files.opening import FileOptions, OpenFile, Waiting, open_file

Row = TypeVar("Row", bound=tuple[Any, ...])

HARMLESS = "an empty table deletes nobody"
TOLD = 20  # so many rows that are left out are told one by one
_REPEATED = "the names of the columns stand here again"
_WORDLESS = "has neither a letter nor a digit"
_FEWEST_NAMES = 2
_TYPES = (
    r"(?:big|small|tiny)?int(?:eger)?|(?:n?var)?char|n?varchar2?|character varying|string|text|number|numeric|decimal|"
    r"float|double|real|bool(?:ean)?|bit|date|datetime2?|timestamp|uuid|guid|zahl|datum"
)
_TYPE = re.compile(rf"(?:{_TYPES})(?: ?\(\d+(?:, ?\d+)?\))?", re.IGNORECASE)
TYPES = frozenset(
    one for word in "int integer bigint text string varchar number".split() for one in (word, word.upper())
)
_KEY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def _check_header_row(value: object, check: ValidatorFunctionWrapHandler) -> object:
    try:
        return check(value)
    except ValidationError:
        shown = repr(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else "this"
        raise ValueError(f'{shown} is neither "auto" nor the number of a row, which counts from 1') from None


class TableOptions(FileOptions):
    """Options of all tables. `header_row` counts from 1, empty rows included."""

    header_row: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1, strict=True)], WrapValidator(_check_header_row)
    ] = Field(
        default="auto",
        description="The row with the names of the columns; else the first that holds all configured columns.",
    )
    complete: Complete | None = Field(
        default=None, description="What proves that the file is whole; all that are given must hold."
    )

    @model_validator(mode="after")
    def _marker_is_beside_a_path(self) -> Self:
        if self.url is not None and self.complete and self.complete.marker:
            raise error_at("complete", "marker is for a file on this machine: it is of no use with url")
        return self

    @property
    def row_of_header(self) -> int | None:
        return None if self.header_row == "auto" else self.header_row


class TableSource(Source):
    """One file, or the newest of several; always a snapshot."""

    options: TableOptions

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:  # noqa: ARG002 - a file tells no changes
        with self.opening_file() as file:
            yield self.read(file)

    @contextmanager
    def open_unless(self, is_known: Callable[[bytes], bool]) -> Iterator[Reading | None]:
        with self.opening_file() as file:
            if is_known(file.digest(lambda: self.sleep(0))):
                file.check_unchanged()
                yield None
            else:
                yield self.read(file)

    @contextmanager
    def opening_file(self) -> Iterator[OpenFile]:
        """The file as it is to be read: whole, as far as its name, its age and a marker tell."""
        waiting = Waiting(settled=self.options.settled, sleep=self.sleep, clock=self.clock)
        opening = _opening_remote() if self.options.url else open_file
        with opening(self.options, self.base, waiting) as file:
            if file.found and self.options.complete and self.options.complete.marker:
                check_marker(file.found, self.options.complete.marker)
            yield file

    @abstractmethod
    def read(self, file: OpenFile) -> "TableReading":
        """Raises IncompleteRead where the file is none of this kind, or its header is in doubt."""


def _opening_remote() -> Callable[[FileOptions, Path, Waiting], AbstractContextManager[OpenFile]]:
    from syncd.sources.files.remote import downloaded  # noqa: PLC0415 - with all that HTTP needs, which is slow to import

    return downloaded


class TableReading(Reading):
    """A subclass reads the header first, then yields a record for each row that is not empty, then checks the end.

    `place` names the table in messages, `unit` what its rows are counted in; `anew` is what to do where the whole file
    is in doubt.
    """

    kind = ReadKind.SNAPSHOT
    columns: tuple[str, ...]
    unit = "line"
    anew: str

    def __init__(self, file: OpenFile, place: str, complete: Complete | None) -> None:
        self._complete = complete or NOTHING
        self._file = file
        self._place = place
        self._is_empty = True
        self.skipped: list[Skipped] = []

    def __iter__(self) -> Iterator[SourceRecord]:
        return self._counted() if self._complete.minimum else self._records()

    @abstractmethod
    def _records(self) -> Iterator[SourceRecord]: ...

    def _counted(self) -> Iterator[SourceRecord]:
        count, minimum = 0, self._complete.minimum or 0
        for record in self._records():
            count += 1
            yield record
        count += self.passed
        if count < minimum:
            what = f"has {count} records, and complete.minimum is {minimum}"
            raise self._doubt(None, what, f"{self.anew}; if so few are right, lower minimum")

    def _up_to_trailer(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The rows before the trailer, where one is asked for. Raises IncompleteRead where it is not the last row.

        A row ends with its cells, and before them stands its line. The trailer begins in the first column that has a
        name, or in one before it.
        """
        trailer = self._complete.trailer or ""
        for row in rows:
            if any(str(cell).strip().startswith(trailer) for cell in row[-1][: self._first + 1]):
                break
            yield row
        else:
            what = f"does not end with a row that begins with {trailer!r}"
            raise self._doubt(None, what, f"it is cut short: {self.anew}; or correct complete.trailer")
        for row in rows:
            if any(has_words(str(cell)) for cell in row[-1]):
                what = f"a row stands after the one that begins with {trailer!r}"
                raise self._doubt(row[-2], what, f"{self.anew}; or name more of the trailer's beginning")

    def _take_header(self, rows: Iterable[tuple[int, Sequence[object]]]) -> None:
        """From the first row that is not empty, up to the last name; columns without a name are left out."""
        for line, cells in rows:
            if names := names_in(cells):
                if twins := _find_twins(names):
                    raise self._doubt(line, twins, "rename one of them, for columns are told apart by their names")
                self._header_line = line
                self.header = f"{self.unit} {line}"
                self._width = len(names)
                self._named = [bool(name) for name in names]
                self._has_names_alone = all(self._named)
                self._first = self._named.index(True)  # the first column with a name
                self._names = names
                self._known_names = frozenset(filter(None, names))
                self._suspects = _written_otherwise(self._known_names) | TYPES
                self.columns = tuple(filter(None, names))
                return
        raise self._doubt(None, "is empty", f"{self.anew}; {HARMLESS}")

    def _refuse_records_above(self, rows: Sequence[Sequence[object]]) -> None:
        """`rows` end with the header. Who stands above it would count as absent."""
        place = find_record_above(rows, len(rows) - 1)
        if place is not None:
            what = f"row {place + 1} stands above the names of the columns, and looks like a record"
            remedy = f"sort the list so that the names come first; if it is a title, header_row = {len(rows)}"
            raise self._doubt(None, what, remedy)

    def _is_record(self, line: int, cells: Sequence[object]) -> bool:
        """False for a row that can't be a record; it is noted.

        Called only where the first cell is a name, or more than letters and digits: it is no light test. Raises
        IncompleteRead where the names of the columns stand here in another order.
        """
        texts = [str(cell).strip() for cell in cells]
        found = list(filter(None, texts))
        if found and self._known_names.issuperset(found) and len(found) == len(self._known_names):
            if texts[: self._width] != self._names:
                what = "the names of the columns stand here again, in another order"
                raise self._doubt(line, what, "two exports were joined: put them into files and syncs of their own")
            self._skip(line, _REPEATED)
            return False
        if found and not any(map(has_words, found)):
            self._skip(line, _WORDLESS)
            return False
        if self._names_again(texts, found):
            self._skip(line, _REPEATED)
            return False
        return True

    def _names_again(self, texts: Sequence[str], found: Sequence[str]) -> bool:
        """Whether most of the cells name their columns, written otherwise, or say of what type or name those are."""
        pairs = zip(texts, self._names, strict=False)
        alike = sum(has_words(text) and _fold(text) == _fold(name) for text, name in pairs)
        if alike >= _FEWEST_NAMES and 2 * alike >= len(found) and not any(map(str.isdigit, "".join(found))):
            return True
        if len(found) < _FEWEST_NAMES or len(found) < len(self._known_names) / 2:
            return False
        are_types = all(_TYPE.fullmatch(text) for text in found)
        return are_types or _are_keys(found)

    def _skip(self, line: int, reason: str) -> None:
        self.skips += 1
        if self.skips <= TOLD:
            self.skipped.append(Skipped(position=self.position(line), reason=reason))

    def _record(self, line: int, cells: Iterable[object], raw: bytes | None = None) -> SourceRecord:
        self._is_empty = False
        named = cells if self._has_names_alone else compress(cells, self._named)
        values = dict(zip(self.columns, named, strict=True))
        return SourceRecord(values=values, position=self.position(line), raw=raw)

    def _check_end(self) -> None:
        if self._is_empty and not self.passed:
            raise self._doubt(None, "has a header but no records", f"{self.anew}; {HARMLESS}")
        self._file.check_unchanged()

    def _doubt(self, line: int | None, what: str, remedy: str) -> IncompleteRead:
        return IncompleteRead(str(self.position(line)), what, remedy=remedy)

    def position(self, line: int | None) -> Position:
        return Position(source=self._place, line=line, unit=self.unit)


def _are_keys(found: Sequence[str]) -> bool:
    """Whether they read as names in a program: `first_name`. A record has its id, which has a digit."""
    if len(set(found)) < len(found) or 2 * sum(any(map(str.isdigit, text)) for text in found) >= len(found):
        return False
    return all(map(_KEY.fullmatch, found)) and sum("_" in text for text in found) >= _FEWEST_NAMES


def has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _written_otherwise(names: Iterable[str]) -> frozenset[str]:
    return frozenset(form for name in names for form in (name, name.upper(), name.lower(), name.title()))


def _fold(name: str) -> str:
    """What is left of a name where case and signs do not matter."""
    return "".join(filter(str.isalnum, name.casefold()))


def _find_twins(names: Sequence[str]) -> str | None:
    """What is wrong with a header in which a name stands twice; columns without a name are no twins."""
    for place, name in enumerate(names, start=1):
        first = names.index(name) + 1
        if name and first < place:
            return f"the columns {first} and {place} have the same name"
    return None
