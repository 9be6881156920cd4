"""A list as a check reads it: how many records, which of them can't be sent, and what is doubtful about all of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from syncd.config.model import SyncConfig
from syncd.domain.nearest import suggest
from syncd.domain.records import Customer, FieldProblem, InvalidRecord, SourceRecord, Value
from syncd.mapping.columns import require_columns, watch_columns
from syncd.mapping.examples import Miss, find_misses, lacks_list
from syncd.mapping.id_columns import IdColumn
from syncd.mapping.lookups import AnyWord, Lookup
from syncd.mapping.mapper import Keep, Mapper
from syncd.report.findings import Finding, Weight
from syncd.report.people import People
from syncd.report.sample import Sample
from syncd.report.unknown_words import UnknownWords
from syncd.sources.base import Reading, ReadKind

SHOWN = 3
SHOWN_EVERY = 500


class Survey:
    """One sync's list. Nothing of it is kept in memory but a few examples."""

    def __init__(
        self, sync: SyncConfig, mapper: Mapper, lookups: Mapping[str, Lookup], today: date, people: People
    ) -> None:
        self._name = sync.name
        self._mapper = mapper
        self._lookups = lookups
        self._today = today
        self._people = people
        self._id_column = IdColumn(sync.foreign_id, sync.fields)
        self._words = UnknownWords(mapper, sync.fields, lookups)
        self._kind = ReadKind.SNAPSHOT
        self._invalid = 0
        self.columns: tuple[str, ...] | None = None  # of a table whose header could be read
        self._examples: list[InvalidRecord] = []
        self.sample = Sample(mapper, lookups)
        self.count = self.left_out = 0

    def read(self, reading: Reading, look_at: Callable[[SourceRecord], None], progress: Callable[[int], None]) -> None:
        """Raises IncompleteRead."""
        require_columns(self._mapper.columns, reading.columns, reading.description, reading.hint)
        self._kind = reading.kind
        self.columns = None if reading.columns is None else tuple(reading.columns)
        is_snapshot = reading.kind is ReadKind.SNAPSHOT
        columns = self._mapper.columns
        unfound = watch_columns(columns, reading.columns, reading.description, is_snapshot=is_snapshot)
        for record in reading:
            self.count += 1
            unfound.take([record])
            look_at(record)
            if self.count % SHOWN_EVERY == 0:
                progress(self.count)
            counts = self._mapper.counts(record, self._today)
            if counts is False:
                self.left_out += 1
                continue
            self._id_column.take(self._mapper.id_as_read(record))
            if not record.deleted:
                self._take(record, reading.doubt_about(record) or (None if counts is True else counts))
        unfound.refuse()

    def _take(self, record: SourceRecord, doubt: FieldProblem | None) -> None:
        mapped = self._mapper.customer(record, self._lookups)
        foreign_id = self._mapper.foreign_id_of(record) if isinstance(mapped, InvalidRecord) else mapped.foreign_id
        if doubt:
            mapped = InvalidRecord(foreign_id=None, position=record.position, problems=(doubt,))
        if isinstance(mapped, InvalidRecord):
            self._invalid += 1
            if len(self._examples) < SHOWN:
                self._examples.append(mapped)
        if isinstance(foreign_id, str):
            fields, unfit = self._fields_of(record, mapped)
            self._people.take(record, foreign_id, fields, unfit)
        self._words.take(record)
        self.sample.take(record, mapped)

    def _fields_of(
        self, record: SourceRecord, mapped: Customer | InvalidRecord
    ) -> tuple[Mapping[str, Value], list[str]]:
        """Those that could be mapped, and the names of the others."""
        if isinstance(mapped, Customer):
            return mapped.fields, []
        each = list(self._mapper.explain(record.values, self._lookups))
        fit = {one.name: one.value for one in each if not isinstance(one.value, FieldProblem | Keep)}
        return fit, [one.name for one in each if isinstance(one.value, FieldProblem)]

    def findings(self) -> Iterator[Finding]:
        if doubt := self._id_column.find_doubt():
            yield Finding(what=f"{self._name}: foreign_id", words=doubt, weight=Weight.DOUBT)
        if self._kind is ReadKind.SNAPSHOT and 0 < self.count == self.left_out:
            words = f"leaves out all {self.count} records: nobody would be a customer"
            yield Finding(what=f"{self._name}: where", words=words, weight=Weight.INVALID)
        else:
            yield self._find_invalid()
        yield from self._words.findings(self._name)
        yield from self._people.findings(self._name, self._kind)

    def _find_invalid(self) -> Finding:
        what, count = f"{self._name}: mapping", self.count - self.left_out
        unknown = sorted(kind for kind, lookup in self._lookups.items() if isinstance(lookup, AnyWord))
        open_words = (
            f"; any word counted as a {' or '.join(unknown)}, for go~mus was not there to tell" if unknown else ""
        )
        if not self._invalid:
            weight = Weight.DOUBT if unknown else Weight.GOOD
            return Finding(what=what, words=f"all {count} records{open_words}", weight=weight)
        shown = " | ".join(f"{one.position}: {'; '.join(map(str, one.problems))}" for one in self._examples)
        words = f"{self._invalid} of {count} records are invalid, for example {shown}{open_words}"
        return Finding(what=what, words=words, weight=Weight.INVALID)


def find_in_examples(
    sync: SyncConfig, mapper: Mapper, lookups: Mapping[str, Lookup], columns: Sequence[str] | None
) -> Iterator[Finding]:
    """A line for each example that comes out otherwise, or has `columns` that the table lacks, and one for the others.

    Without `columns` nothing is known of them.
    """
    fitting = 0
    for number, example in enumerate(sync.examples):
        misses = list(find_misses(example, mapper, lookups))
        unknown = [name for name in example.given if columns is not None and name not in columns]
        fitting += not (misses or unknown)
        if unknown:
            lacks = [f"the source has no column {name!r} (given)" for name in unknown]
            nearest = [suggest(name, columns or ()) for name in unknown]
            yield Finding(
                what=f"{sync.name}: examples[{number}]",
                words="; ".join(lacks),
                shown="; ".join(map("".join, zip(lacks, nearest, strict=True))),
                weight=Weight.MISTAKE,
            )
        elif misses:
            words = "; ".join(f"{miss.name}: {miss.problem or 'is not what is expected'}" for miss in misses)
            shown = "; ".join(map(_as_shown, misses))
            yield Finding(what=f"{sync.name}: examples[{number}]", words=words, shown=shown, weight=Weight.MISTAKE)
    expected = {name for example in sync.examples for name in example.expect}
    if fitting:
        unjudged = sorted(name for name in expected if lacks_list(name, mapper, lookups))
        ends = f"; without go~mus's lists not judged: {', '.join(unjudged)}" if unjudged else ""
        yield Finding(
            what=f"{sync.name}: examples", words=f"{fitting} of {len(sync.examples)} come out as expected{ends}"
        )


def _as_shown(miss: Miss) -> str:
    return f"{miss.name}: {miss.problem or f'comes out as {miss.found!r}'}, expected was {miss.expected!r}"
