"""The records of one read: recorded while a source is read, and played again as a source of their own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import compress

from syncd.domain.records import FieldProblem, SourceRecord
from syncd.errors import IncompleteRead
from syncd.sources.base import NO_OBJECT, Reading, ReadKind, Source

Values = Mapping[str, object]
Change = Callable[[Values], Values]


class _Passing(Reading):
    """A reading that passes on what another one reads."""

    def __init__(self, inner: Reading) -> None:
        self._inner = inner
        self.kind, self.columns, self.header, self.hint = inner.kind, inner.columns, inner.header, inner.hint
        self.description, self.shifts = inner.description, inner.shifts

    def __iter__(self) -> Iterator[SourceRecord]:
        for record in self._inner:
            self.unsure = self._inner.unsure
            if self.takes(record):
                yield record
        self.cursor, self.skipped, self.skips = self._inner.cursor, self._inner.skipped, self._inner.skips

    def takes(self, record: SourceRecord) -> bool:
        raise NotImplementedError


class _Around(Source):
    """A source around another one, whose options and fingerprint it has."""

    def __init__(self, inner: Source) -> None:
        super().__init__(inner.options, base=inner.base, sleep=inner.sleep, clock=inner.clock)
        self._inner = inner
        self.share = inner.share

    @property
    def fingerprint(self) -> bytes:
        return self._inner.fingerprint


# --- recording ---


@dataclass(slots=True)
class Tape:
    """Of a list with more than `most` records only one in so many is kept, the first among them, and with it the first
    that each of the `changes` makes a difference to.

    Which ones is told by a hash of their number, so that no list has a period in step with it. `last` is the last
    record of all, whether it is kept or not.
    """

    most: int
    changes: Mapping[str, Change] = field(default_factory=dict)
    every: int = 1
    count: int = 0
    records: list[SourceRecord] = field(default_factory=list)
    last: SourceRecord | None = None
    reading: Reading | None = None  # the one that was recorded, read to its end

    _numbers: list[int] = field(default_factory=list)  # of the records that are kept
    _concerned: dict[str, int] = field(default_factory=dict)  # the number of the first record, by the change

    def take(self, record: SourceRecord) -> None:
        for name, change in self.changes.items():
            if name not in self._concerned and change(record.values) != record.values:
                self._concerned[name] = self.count
        if self.keeps(self.count):
            self.records.append(record)
            self._numbers.append(self.count)
        self.count += 1
        self.last = record
        if len(self.records) > self.most + len(self.changes):
            self.every *= 2
            kept = [self.keeps(number) for number in self._numbers]
            self.records[:] = compress(self.records, kept)
            self._numbers[:] = compress(self._numbers, kept)

    def draw(self, count: int) -> "Tape":
        """The same with only so many of the records, or all where there are no more."""
        chosen = set(sorted(self._numbers, key=_lot)[:count])
        kept = [number in chosen for number in self._numbers]
        return replace(self, records=list(compress(self.records, kept)), _numbers=sorted(chosen))

    def keeps(self, number: int) -> bool:
        """Whether the record of this number takes part, counted from 0."""
        return _lot(number) % self.every == 0 or number in self._concerned.values()

    def is_concerned(self, name: str) -> bool:
        """Whether the change of this name makes a difference to any record of all that were read."""
        return name in self._concerned


def _lot(number: int) -> int:
    return int.from_bytes(blake2b(number.to_bytes(8)).digest()) if number else 0


class Recorded(_Around):
    """A source that is recorded while it is read."""

    def __init__(self, inner: Source, tape: Tape) -> None:
        super().__init__(inner)
        self._tape = tape

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:  # noqa: ARG002 - read whole, whatever it can do
        with self._inner.open() as reading:
            yield _Recording(reading, self._tape)


class _Recording(_Passing):
    def __init__(self, inner: Reading, tape: Tape) -> None:
        super().__init__(inner)
        self._tape = tape
        tape.reading = inner

    def takes(self, record: SourceRecord) -> bool:
        self._tape.take(record)
        return True


class Thinned(_Around):
    """A source of which those records count that a tape keeps."""

    def __init__(self, inner: Source, tape: Tape) -> None:
        super().__init__(inner)
        self._tape = tape

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        with self._inner.open(cursor) as reading:
            yield _Thinning(reading, self._tape) if self._tape.every > 1 else reading


class _Thinning(_Passing):
    def __init__(self, inner: Reading, tape: Tape) -> None:
        super().__init__(inner)
        self._tape, self._count = tape, 0

    def takes(self, record: SourceRecord) -> bool:
        self._count += 1
        return self._tape.keeps(self._count - 1) or self._inner.doubt_about(record) is not None


# --- playing ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a list ends: after so many records of a tape, or all; `failure` is why its source would tell a cut."""

    keeps: int | None = None
    failure: IncompleteRead | None = None


WHOLE = Ending()


class Played(_Around):
    """A source that gives the records of a tape, each changed, up to the ending."""

    def __init__(
        self, inner: Source, tape: Tape, change: Change = lambda values: values, ending: Ending = WHOLE
    ) -> None:
        super().__init__(inner)
        self._tape, self._change, self._ending = tape, change, ending

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:  # noqa: ARG002 - a tape is played whole
        yield _Playing(self._tape, self._change, self._ending)


class Headless(Played):
    """A table that has lost its header, so that the first record is taken for it."""

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        with super().open(cursor) as reading:
            reading.columns = tuple(str(cell) for cell in self._tape.records[0].values.values())
            yield reading


class _Playing(Reading):
    def __init__(self, tape: Tape, change: Change, ending: Ending) -> None:
        inner = tape.reading
        assert inner is not None  # noqa: S101 - a tape is played after it was recorded
        self._inner, self._change, self._failure = inner, change, ending.failure
        self._records = tape.records[: ending.keeps]
        self.kind, self.columns, self.header = inner.kind, inner.columns, inner.header
        self.description, self.skipped, self.skips = inner.description, inner.skipped, inner.skips
        self.unsure = inner.unsure

    def __iter__(self) -> Iterator[SourceRecord]:
        for record in self._records:
            yield _changed(record, self._change)
        if self._failure:
            raise self._failure
        if not self._records and self.kind is ReadKind.SNAPSHOT:
            raise IncompleteRead(self.description, "has no records")

    def doubt_about(self, record: SourceRecord) -> FieldProblem | None:
        return self._inner.doubt_about(record)


def _changed(record: SourceRecord, change: Change) -> SourceRecord:
    values = record.values if record.values is NO_OBJECT else change(record.values)
    return SourceRecord(values=values, position=record.position, deleted=record.deleted)
