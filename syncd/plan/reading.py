"""Reads a source to its end, and says what the read tells of those who are not in it.

How a read ended decides: a `Snapshot` knows who is absent, `Changes` know who was reported as deleted, and a `Partial`
read, which broke off, knows nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from syncd.domain.chunks import chunks, until_stopped
from syncd.domain.records import KnownBrief, SourceRecord
from syncd.errors import IncompleteRead
from syncd.mapping.columns import watch_columns
from syncd.plan.comparison import Comparison


@dataclass(frozen=True, slots=True)
class Gone:
    """A known customer that a read does not contain. `is_told`: the source has reported it as deleted."""

    known: KnownBrief
    is_told: bool


@dataclass(frozen=True, slots=True)
class Read(ABC):
    """A finished read."""

    comparison: Comparison

    @abstractmethod
    def gone(self) -> Iterator[Gone]: ...


class Snapshot(Read):
    """A complete, verified read of all there is."""

    def gone(self) -> Iterator[Gone]:
        spool, recall, recognition = self.comparison.spool, self.comparison.recall, self.comparison.recognition
        known, sync = recall.store.known, recall.sync
        candidates = known.each_at(recognition.others) if recognition else known.each(sync)
        for page in chunks(candidates):
            ids = [known.foreign_id for known in page]
            present, told = spool.present_among(ids), spool.told_gone_among(ids)
            absent = (known for known in page if known.foreign_id not in present)
            yield from (Gone(known, known.told_gone or known.foreign_id in told) for known in absent)


class Changes(Read):
    """A complete read of what changed since a cursor; it can't prove absence."""

    def gone(self) -> Iterator[Gone]:
        spool, recall = self.comparison.spool, self.comparison.recall
        for names in chunks(spool.told_gone()):
            yield from (Gone(known, is_told=True) for known in recall.store.known.find_briefs(recall.sync, names))
        for page in chunks(recall.store.known.each_told_gone(recall.sync)):
            seen = spool.find_seen([known.foreign_id for known in page])
            yield from (Gone(known, is_told=True) for known in page if known.foreign_id not in seen)


@dataclass(frozen=True, slots=True)
class Partial(Read):
    """What was read before the source broke off."""

    failure: IncompleteRead

    def gone(self) -> Iterator[Gone]:
        return iter(())


def read_whole(
    comparison: Comparison, progress: Callable[[int], None], stop_if_asked: Callable[[], None], *, keep_partial: bool
) -> Read:
    """Read to the end; `progress` gets the number of records read, and `stop_if_asked` is called before each record.

    Raises IncompleteRead where the source breaks off, unless `keep_partial`, and what `stop_if_asked` raises.
    NotAsRecognised: the source has to be read without recognising any record.
    """
    failures: list[IncompleteRead] = []
    comparison.recognise(progress, stop_if_asked, is_twice=not keep_partial)
    reading, wanted = comparison.reading, comparison.mapper.columns
    unfound = watch_columns(wanted, reading.columns, reading.description, is_snapshot=comparison.is_snapshot)
    records = _until_broken(reading, failures if keep_partial else None)
    for chunk in chunks(until_stopped(records, stop_if_asked)):
        comparison.take(chunk)
        unfound.take(chunk)
        progress(max(comparison.looked_at, comparison.tally["records"] + reading.passed))
    comparison.tally["records"] += reading.passed
    if failures and unfound.is_missing:  # what came would empty a field
        raise failures[0]
    unfound.refuse()
    if failures:
        return Partial(comparison, failures[0])
    return Snapshot(comparison) if comparison.is_snapshot else Changes(comparison)


def _until_broken(records: Iterable[SourceRecord], failures: list[IncompleteRead] | None) -> Iterator[SourceRecord]:
    try:
        yield from records
    except IncompleteRead as failure:
        if failures is None:
            raise
        failures.append(failure)
