"""Recognises records that are still those that led to what go~mus holds, before they are taken apart.

Every record of a file is digested as it stands there. The digests are sorted into piles, and each pile is held against
the digests of those who are known; so the order of the file makes no difference, and memory stays bounded.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from struct import Struct

from syncd.plan.spool import Spool
from syncd.sources.base import Reading, Recognised
from syncd.state.recall import Recall

_PILES = 256  # one for each first byte of a digest
_ENTRY = Struct("16sI")  # a digest, and the line where its record begins
_IN_MEMORY = 64 << 20  # bytes of all piles; what is more goes to the spool
_AT_ONCE = 20_000  # records that are held against the state by one query
_PAGE = 12  # bits of a row's number within a page
_MASK = (1 << _PAGE) - 1


class Marks:
    """Row → line, in four bytes each; rows may have gaps."""

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, found: Sequence[tuple[int, int]]) -> None:
        pages = self._pages
        for row, line in found:
            try:
                pages[row >> _PAGE][row & _MASK] = line
            except KeyError:
                pages[row >> _PAGE] = array("I", bytes(4 << _PAGE))
                pages[row >> _PAGE][row & _MASK] = line
        self._count += len(found)

    def take_back(self, row: int) -> int:
        """Its line, once; 0 where there is none."""
        page = self._pages.get(row >> _PAGE)
        if page is None or not (line := page[row & _MASK]):
            return 0
        page[row & _MASK] = 0
        self._count -= 1
        return line


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


@dataclass(kw_only=True)
class Recognition:
    """`marks`: who was recognised, and in which line. `others` are the rows of all who are known and were not."""

    marks: Marks = field(default_factory=Marks)
    others: "array[int]" = field(default_factory=lambda: array("q"))


def recognise(
    reading: Reading,
    spool: Spool,
    recall: Recall,
    digest: Callable[[Sequence[bytes]], list[bytes]],
    progress: Callable[[int], None],
) -> Recognition:
    """Tells the reading to pass over whoever is recognised. `progress` gets the number of records looked at."""
    recognised, piles, count = Recognised(), Piles(spool), 0
    for block in reading.raw_records():
        recognised.add(block)
        piles.add(digest(block.records), block.lines)
        count += len(block.records)
        progress(count)
    recognition = _hold_against_known(piles, recognised, recall)
    reading.pass_over(recognised)
    return recognition


def _hold_against_known(piles: Piles, recognised: Recognised, recall: Recall) -> Recognition:
    recognition, never = Recognition(), frozenset(recall.shared_rows())
    others = recognition.others
    for low, high, entries in piles.groups():
        rows = recall.store.known.settled(recall.sync, low, high)
        known = dict(rows)
        if len(known) < len(rows) or not never.isdisjoint(known.values()):
            known = _without(rows, never)
            others.extend(row for digest, row in rows if digest not in known)
        # The second of two alike is new: the first is the one who is known.
        found = [(row, line) for digest, line in _ENTRY.iter_unpack(entries) if (row := known.pop(digest, None))]
        recognised.know(line for _, line in found)
        recognition.marks.put(found)
        others.extend(known.values())
    others.extend(recall.store.known.unsettled(recall.sync))
    return recognition


def _without(rows: Sequence[tuple[bytes, int]], never: Collection[int]) -> dict[bytes, int]:
    """A digest that stands for several stands for nobody."""
    counts = Counter(digest for digest, _ in rows)
    return {digest: row for digest, row in rows if counts[digest] == 1 and row not in never}
