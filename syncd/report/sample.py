"""Some records of a list, and some changes of a plan, field by field, with their values: for a terminal alone."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from syncd.domain.changes import Create, Update
from syncd.domain.records import Customer, FieldProblem, InvalidRecord, RemoteCustomer, SourceRecord
from syncd.mapping.lookups import AnyWord, Lookup
from syncd.mapping.mapper import Keep, Mapped, Mapper

MOST = 10
MOST_INVALID, MOST_ALIKE = 7, 2  # of those with problems; of those with problems in the same fields


class Sample:
    """The first records with problems, and then the first ones without."""

    def __init__(self, mapper: Mapper, lookups: Mapping[str, Lookup]) -> None:
        self._mapper = mapper
        self._lookups = lookups
        self._invalid: list[tuple[SourceRecord, InvalidRecord]] = []
        self._kinds: Counter[tuple[str, ...]] = Counter()
        self._valid: list[tuple[SourceRecord, Customer]] = []

    def take(self, record: SourceRecord, mapped: Customer | InvalidRecord) -> None:
        if isinstance(mapped, InvalidRecord):
            kind = tuple(problem.field for problem in mapped.problems)
            if len(self._invalid) < MOST_INVALID and self._kinds[kind] < MOST_ALIKE:
                self._kinds[kind] += 1
                self._invalid.append((record, mapped))
        elif len(self._valid) < MOST:
            self._valid.append((record, mapped))

    @property
    def ids(self) -> list[str]:
        """Of those without problems that are shown."""
        return [customer.foreign_id for _, customer in self._shown]

    @property
    def count(self) -> int:
        return len(self._invalid) + len(self._shown)

    @property
    def _shown(self) -> list[tuple[SourceRecord, Customer]]:
        return self._valid[: MOST - len(self._invalid)]

    def lines(self, contradicted: Collection[str], remote: RemoteCustomer | None = None) -> Iterator[str]:
        """`contradicted` are ids that stand more than once; `remote` is one of the customers as go~mus has it."""
        for record, invalid in self._invalid:
            yield f"  {record.position}: {invalid.foreign_id or 'without an id'}, not sent"
            fields = {problem.field for problem in invalid.problems}
            yield from (f"    ✗ {one}" for one in invalid.problems if one.field not in self._mapper.names)
            mapped = sorted(self._mapper.explain(record.values, self._lookups), key=lambda one: one.name not in fields)
            yield from map(self._line, mapped)
        for record, customer in self._shown:
            ends = ", not sent: its id stands more than once" if customer.foreign_id in contradicted else ""
            yield f"  {record.position}: {customer.foreign_id}{ends}"
            is_remote = remote is not None and remote.foreign_id == customer.foreign_id
            for one in self._mapper.explain(record.values, self._lookups):
                yield self._line(one) + (_beside(remote, one.name) if remote and is_remote else "")

    def _line(self, one: Mapped) -> str:
        cells = ", ".join(f"{column} {quoted(value)}" for column, value in one.cells.items()) or "a fixed value"
        if isinstance(one.value, FieldProblem):
            return f"    ✗ {cells} → {one.name}: {one.value.reason}"
        if one.value is Keep.KEEP:
            return f"      {cells} → {one.name} is left as it is"
        kind = self._mapper.lookup_of(one.name)
        if kind and one.value is not None and isinstance(self._lookups[kind], AnyWord):
            return f"      {cells} → {one.name}: an id of the {kind} list, which is not known here"
        return f"      {cells} → {one.name} = {quoted(one.value)}"


def steps_as_lines(mapped: Iterable[Mapped], *, with_values: bool) -> Iterator[str]:
    """How each field comes about, step by step; without values by the names of columns and steps alone."""
    for one in mapped:
        problem = one.value.reason if isinstance(one.value, FieldProblem) else None
        yield f"    {'✗' if problem else ' '} {one.name}{' = ' + _outcome(one) if with_values and not problem else ''}"
        for column, value in one.cells.items():
            yield f"        from {column!r}{': ' + quoted(value) if with_values else ''}"
        for spec, text in one.steps:
            yield f"        {_spelt(spec)}{': ' + quoted(text) if with_values else ''}"
        if problem:
            yield f"        {problem}"


def _outcome(one: Mapped) -> str:
    return "left as it is" if one.value is Keep.KEEP else quoted(one.value)


def _spelt(spec: object) -> str:
    if isinstance(spec, Mapping):
        return ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in spec.items())
    return str(spec)


def change_as_lines(change: Create | Update, remote: RemoteCustomer | None) -> Iterator[str]:
    """What each field is in go~mus, as far as it shows it, and what it is to be."""
    yield f"  {change.action.value} {change.foreign_id}"
    for name, value in sorted(change.fields.items()):
        now = "" if isinstance(change, Create) else f"{_shown(remote, name)} → "
        yield f"      {name}: {now}{quoted(value)}"


def _shown(remote: RemoteCustomer | None, name: str) -> str:
    return quoted(remote.fields[name]) if remote and name in remote.fields else "not shown"


def _beside(remote: RemoteCustomer, name: str) -> str:
    return f"   (go~mus has {_shown(remote, name)})"


def quoted(value: object) -> str:
    return "nothing" if value in (None, "") else json.dumps(value, ensure_ascii=False, default=str)
