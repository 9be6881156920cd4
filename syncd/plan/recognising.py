"""Recognises records that are still those that led to what go~mus holds, before anything else is asked about them.

Every record of a file is digested as it stands there, before it is taken apart. The digests are sorted into piles, and
each pile is held against the digests of those who are known; so the order of the file makes no difference, and memory
stays bounded. The records of any other source come once only: a chunk of them at a time is held against the known.
"""

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from struct import Struct
from typing import TypeAlias

from syncd.domain.records import Position, SourceRecord
from syncd.plan.spool import Spool
from syncd.sources.base import Reading, Recognised
from syncd.state.recall import Recall

_PILES = 256  # one for each first byte of a digest
_ENTRY = Struct("16sI")  # a digest, and the line where its record begins
_IN_MEMORY = 64 << 20  # bytes of all piles; what is more goes to the spool
_AT_ONCE = 20_000  # records that are held against the state by one query
_PAGE = 12  # bits of a row's number within a page
_MASK = (1 << _PAGE) - 1
_MOST = (1 << 32) - 1  # in four bytes

Digested: TypeAlias = tuple[SourceRecord, bytes]
"""A record, and the digest of what it says."""


class Marks:
    """Row → line, in four bytes each; rows may have gaps.

    A row is spent, and counted no longer, where what became of it is in the spool.
    """

    _SPENT = _MOST

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, found: Sequence[tuple[int, int]]) -> None:
        self._set(found)
        self._count += len(found)

    def spend(self, rows: Iterable[int]) -> None:
        """Those of them that have no line are from now on spent."""
        self._set((row, self._SPENT) for row in rows if not self._at(row))

    def take_back(self, row: int) -> int:
        """Its line, once; 0 where there is none."""
        line = self._at(row)
        if not line or line == self._SPENT:
            return 0
        self._set([(row, self._SPENT)])
        self._count -= 1
        return line

    def is_free(self, row: int) -> bool:
        """Whether it neither has a line nor is spent."""
        return not self._at(row)

    def without_line(self, rows: Iterable[int]) -> Iterator[int]:
        return (row for row in rows if self._at(row) in (0, self._SPENT))

    def _at(self, row: int) -> int:
        page = self._pages.get(row >> _PAGE)
        return 0 if page is None else page[row & _MASK]

    def _set(self, found: Iterable[tuple[int, int]]) -> None:
        pages = self._pages
        for row, line in found:
            try:
                pages[row >> _PAGE][row & _MASK] = line
            except KeyError:
                pages[row >> _PAGE] = array("I", bytes(4 << _PAGE))
                pages[row >> _PAGE][row & _MASK] = line


class Piles:
    """Digests with the lines of their records, by first byte."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._piles = [bytearray() for _ in range(_PILES)]
        self._size = 0

    def add(self, digests: Sequence[bytes], lines: Sequence[int]) -> None:
        piles, pack = self._piles, _ENTRY.pack
        for digest, line in zip(digests, lines, strict=True):
            piles[digest[0]] += pack(digest, line)
        self._size += _ENTRY.size * len(digests)
        if self._size > _IN_MEMORY:
            self._store()

    def _store(self) -> None:
        self._spool.store_piles(self._piles)
        for pile in self._piles:
            pile.clear()
        self._size = 0

    def groups(self) -> Iterator[tuple[bytes, bytes | None, bytes]]:
        """Neighbouring piles together: from which digest on, up to before which, and their entries."""
        low, entries = b"", bytearray()
        for number, pile in enumerate(self._piles, start=1):
            entries += self._spool.pile(number - 1) + pile
            if number == _PILES:
                yield low, None, bytes(entries)
            elif len(entries) >= _AT_ONCE * _ENTRY.size:
                yield low, bytes([number]), bytes(entries)
                low, entries = bytes([number]), bytearray()


class Places:
    """Positions as numbers, from 1 on. It takes room for each change of the source or unit, as from page to page."""

    def __init__(self) -> None:
        self._heads: list[tuple[str, str]] = []
        self._starts: list[int] = []  # the number before the first of each head
        self._highest = 0

    def number(self, position: Position) -> int:
        """0 for a position that can't be told by a number."""
        head, line = (position.source, position.unit), position.line or 0
        if not self._heads or self._heads[-1] != head:
            self._heads.append(head)
            self._starts.append(self._highest)
        number = self._starts[-1] + line
        if line <= 0 or number >= _MOST:
            return 0
        self._highest = max(self._highest, number)
        return number

    def position(self, number: int) -> Position:
        place = bisect_left(self._starts, number) - 1
        source, unit = self._heads[place]
        return Position(source=source, line=number - self._starts[place], unit=unit)


class Recognition(ABC):
    """`marks`: who was recognised, and at which place."""

    def __init__(self) -> None:
        self.marks = Marks()

    @property
    @abstractmethod
    def others(self) -> Sequence[int]:
        """After the read: the rows of all who are known and were not recognised; some of them may be in the spool."""

    @abstractmethod
    def position(self, place: int) -> Position: ...

    def sift(self, records: Sequence[Digested], is_sure: Callable[[SourceRecord], bool]) -> Sequence[Digested]:  # noqa: ARG002 - there is nobody
        """Those of the next records that are not recognised. Only who `is_sure` may be."""
        return records

    def spend(self, rows: Iterable[int]) -> None:
        """Note who is known and was read without being recognised."""
        self.marks.spend(rows)


class RecognitionByFile(Recognition):
    """Of the records that a reading passes over; their places are lines."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading
        self.rest = array("q")

    @property
    def others(self) -> Sequence[int]:
        return self.rest

    def position(self, place: int) -> Position:
        return self._reading.position(place)


class RecognitionByChunk(Recognition):
    """Of the records of a source that is read once only. Who is recognised was not read before in another form."""

    def __init__(self, recall: Recall) -> None:
        super().__init__()
        self._places = Places()
        self._recall = recall
        self._never = frozenset(recall.shared_rows())

    def sift(self, records: Sequence[Digested], is_sure: Callable[[SourceRecord], bool]) -> Sequence[Digested]:
        digests = {digest for _, digest in records}
        rows = self._recall.store.known.settled_among(self._recall.sync, digests)
        known, marks, found, others = _sole(rows, self._never), self.marks, list[tuple[int, int]](), list[Digested]()
        for record, digest in records:
            row = known.get(digest)
            if row and marks.is_free(row) and is_sure(record) and (number := self._places.number(record.position)):
                found.append((row, number))
                del known[digest]  # the second of two alike is new
            else:
                others.append((record, digest))
        marks.put(found)
        return others

    def position(self, place: int) -> Position:
        return self._places.position(place)

    @cached_property
    def others(self) -> Sequence[int]:
        known, sync = self._recall.store.known, self._recall.sync
        others = array("q", known.unsettled(sync))
        step = _PILES // min(_PILES, 1 + len(self.marks) // _AT_ONCE)
        for first in range(0, _PILES, step):
            high = bytes([first + step]) if first + step < _PILES else None
            others.extend(self.marks.without_line(row for _, row in known.settled(sync, bytes([first]), high)))
        return others


def recognise(
    reading: Reading,
    spool: Spool,
    recall: Recall,
    digest: Callable[[Sequence[bytes]], list[bytes]],
    progress: Callable[[int], None],
) -> RecognitionByFile:
    """Tells the reading to pass over whoever is recognised. `progress` gets the number of records looked at."""
    recognised, piles, count = Recognised(), Piles(spool), 0
    for block in reading.raw_records():
        recognised.add(block)
        piles.add(digest(block.records), block.lines)
        count += len(block.records)
        progress(count)
    recognition = RecognitionByFile(reading)
    _hold_against_known(piles, recognised, recall, recognition)
    reading.pass_over(recognised)
    return recognition


def _hold_against_known(piles: Piles, recognised: Recognised, recall: Recall, recognition: RecognitionByFile) -> None:
    never, others = frozenset(recall.shared_rows()), recognition.rest
    for low, high, entries in piles.groups():
        rows = recall.store.known.settled(recall.sync, low, high)
        known = _sole(rows, never)
        if len(known) < len(rows):
            others.extend(row for digest, row in rows if digest not in known)
        # The second of two alike is new: the first is the one who is known.
        found = [(row, line) for digest, line in _ENTRY.iter_unpack(entries) if (row := known.pop(digest, None))]
        recognised.know(line for _, line in found)
        recognition.marks.put(found)
        others.extend(known.values())
    others.extend(recall.store.known.unsettled(recall.sync))


def _sole(rows: Sequence[tuple[bytes, int]], never: frozenset[int]) -> dict[bytes, int]:
    """Digest → row. A digest that stands for several stands for nobody."""
    known = dict(rows)
    if len(known) == len(rows) and never.isdisjoint(known.values()):
        return known
    counts = Counter(digest for digest, _ in rows)
    return {digest: row for digest, row in rows if counts[digest] == 1 and row not in never}
