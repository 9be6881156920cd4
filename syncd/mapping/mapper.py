"""From a source record to the customer that go~mus should have; every problem is found, and none quotes a value.

Pure: the catalogue of go~mus fields and the instance's lookups come in as arguments.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from hashlib import blake2b
from typing import TypeAlias

from syncd import reasons
from syncd.domain.records import (
    Customer,
    Field,
    FieldKind,
    FieldProblem,
    InvalidRecord,
    SourceRecord,
    Value,
)
from syncd.domain.winner import Write
from syncd.mapping.cells import in_lines, in_one_line, make_reader
from syncd.mapping.checks import CHECKS, ValueProblem
from syncd.mapping.columns import cell, name_columns
from syncd.mapping.errands import Errand, Errands
from syncd.mapping.filters import Condition, Where
from syncd.mapping.ids import Ids, check_number
from syncd.mapping.lookups import Lookup, LookupKind, fold
from syncd.mapping.numbers import NumberColumn
from syncd.mapping.origin import as_text, from_path, from_template, is_empty
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.mapping.transforms import compile_transform, transformed

# Counts up when the same configuration begins to map differently, and what go~mus has must not stay. That `cells` came
# is no such case: who has not changed is not written anew.
VERSION = 1

Lookups: TypeAlias = Mapping[str, Lookup]

REMEMBERED = 2_000  # cells of a field

NOBODY = FieldProblem(
    field="foreign_id",
    reason=reasons.NOBODY.tell(),
)
NAMES = ("surname", "name", "institution")
FOOTERS = frozenset(
    "summe gesamt gesamtsumme total totale totaal anzahl zwischensumme endsumme ergebnis stand datum seite ende end "
    "page count sum subtotal date somme nombre aantal suma razem".split()
)


class Keep(Enum):
    """What a field's mapping answers instead of a value where the field is to be left alone."""

    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a record says in a field that has a `lookup` or a `map`, and whether they know it."""

    name: str
    text: str = field(repr=False)
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One field of a record: the cells that it is taken from, by column, and what becomes of them.

    `steps` are the transforms that it went through, as configured, each with the text behind it.
    """

    name: str
    cells: Mapping[str, object] = field(repr=False)
    steps: Sequence[tuple[object, str | None]] = field(repr=False)
    value: Value | Keep | FieldProblem = field(repr=False)


class _FieldMapper:
    """One field, compiled: cell, transform, map, lookup, default, check; in this order."""

    def __init__(self, name: str, spec: FieldSpec, field: Field) -> None:
        self.name = name
        self._spec = spec
        self._field = field
        self._check = CHECKS[field.kind]
        self._text = _compile_origin(spec, field)
        self.is_taken = bool(spec.columns)
        self._transforms = [compile_transform(one) for one in spec.transform]
        self._map = {fold(key): value for key, value in (spec.map or {}).items()}
        self.has_words = bool(self._map) or spec.lookup is not None
        self._cell = spec.paths[0] if len(spec.paths) == 1 and spec.template is None else None
        self._known: tuple[Lookups | None, dict[str, Value | Keep]] = (None, {})  # found with these lookups, by cell

    def value(self, values: Mapping[str, object], lookups: Lookups) -> Value | Keep:
        """The value to be sent, None to clear, KEEP to leave alone. Raises ValueProblem where there is none."""
        cell = values.get(self._cell) if self._cell is not None else None
        if type(cell) is not str:
            return self._value(values, lookups)
        by, known = self._known
        if by is not lookups:
            known = {}
            self._known = (lookups, known)
        if cell in known:  # towns, titles and first names come again and again
            return known[cell]
        value = self._value(values, lookups)
        if len(known) < REMEMBERED:
            known[cell] = value
        return value

    def forget_cells(self) -> None:
        self._known = (None, {})

    def _value(self, values: Mapping[str, object], lookups: Lookups) -> Value | Keep:
        result: Value = None
        text = self._text(values)
        if self._transforms:
            text = transformed(text, self._transforms)
        if text and (text := text.strip()):
            result = self._look_up(text, lookups) if self.has_words else self._check(text, self._field)
        default = self._spec.default
        if result is None and default is not None:
            result = self._find(default.strip() if isinstance(default, str) else default, lookups)
            if result is None:
                raise ValueProblem(reasons.DEFAULT_NOT_IN_LIST.tell(list=self._spec.lookup))
        if result is None and self._spec.empty == "keep":
            return Keep.KEEP
        return result

    def _read(self, values: Mapping[str, object]) -> str | None:
        text = self._text(values)
        if self._transforms:
            text = transformed(text, self._transforms)
        return text.strip() if text else None

    def word(self, values: Mapping[str, object], lookups: Lookups) -> Word | None:
        """None where there is none, or none that could be read. A default does not make a word known."""
        try:
            text = self._read(values)
        except ValueProblem:
            return None
        if not text:
            return None
        try:
            is_known = self._find_word(text, lookups) is not None
        except ValueProblem:
            is_known = True  # `map` has it, and leads to what does not fit
        return Word(name=self.name, text=text, is_known=is_known)

    def explain(self, values: Mapping[str, object], lookups: Lookups) -> Mapped:
        value: Value | Keep | FieldProblem
        try:
            value = self.value(values, lookups)
        except ValueProblem as problem:
            value = FieldProblem(field=self.name, reason=problem.reason)
        cells = {column: cell(values, column) for column in self._spec.columns}
        return Mapped(name=self.name, cells=cells, steps=list(self._steps(values)), value=value)

    def _steps(self, values: Mapping[str, object]) -> Iterator[tuple[object, str | None]]:
        with suppress(ValueProblem):
            text = self._text(values)
            for spec, transform in zip(self._spec.transform, self._transforms, strict=True):
                text = transformed(text, [transform])
                yield spec, text

    def tells(self, values: Mapping[str, object]) -> bool:
        """Whether the cell says who it is about: of a person's names a letter, of others anything but signs."""
        try:
            text = self._text(values)
        except ValueProblem:
            return True
        if text is None or text[:1].isalpha():
            return text is not None
        return any(map(str.isalpha if self.name in ("surname", "name") else str.isalnum, text))

    def _look_up(self, text: str, lookups: Lookups) -> Value:
        """Through map and lookup; None where one does not know it and a default stands in."""
        found = self._find_word(text, lookups)
        if found is None and self._spec.default is None:
            is_in_map = not self._map or fold(text) in self._map
            raise ValueProblem(
                reasons.NOT_IN_LIST.tell(list=self._spec.lookup) if is_in_map else reasons.NOT_IN_MAP.tell()
            )
        return found

    def _find_word(self, text: str, lookups: Lookups) -> Value:
        mapped = self._map.get(fold(text)) if self._map else text
        return None if mapped is None else self._find(mapped, lookups)

    def _find(self, value: str | int, lookups: Lookups) -> Value:
        """The id that a name has in the field's lookup, None for an unknown name; anything else once it is checked."""
        if self._spec.lookup is None or not isinstance(value, str):
            return self._check(value if isinstance(value, str) else as_text(value), self._field)
        return lookups[self._spec.lookup].find(value)


def _compile_origin(spec: FieldSpec, field: Field) -> Callable[[Mapping[str, object]], str | None]:
    """From a record to the text that is transformed, None where there is none."""
    write = in_lines if field.has_lines else in_one_line
    takes_days = field.kind is not FieldKind.TEXT or field.has_lines
    reader = make_reader(write, transforms=spec.transform, words=(spec.map or {}).keys(), takes_days=takes_days)
    if spec.template is not None:
        fill = from_template(spec.template, reader.read)
        return lambda values: None if (found := fill(values)) is None else as_text(found)
    if len(spec.paths) == 1:
        find = from_path(spec.paths[0])
        return lambda values: reader.read(find(values))
    if spec.paths:
        finds = [from_path(path) for path in spec.paths]
        steps = [compile_transform(one) for one in spec.transform]

        def first(values: Mapping[str, object]) -> str | None:
            texts = (reader.read(find(values)) for find in finds)
            return next((text for text in texts if (transformed(text, steps) or "").strip()), None)

        return first
    text = as_text("" if spec.value is None else spec.value)
    return lambda _values: text or None


class Mapper:
    """One sync's mapping, compiled once. `catalogue` describes the go~mus fields; it has every field of `fields`.

    `twin` is how the list that `same_as` names has its ids.
    """

    def __init__(  # noqa: PLR0913 - what the configuration says of a sync
        self,
        *,
        foreign_id: ForeignIdSpec,
        fields: Mapping[str, FieldSpec],
        catalogue: Mapping[str, Field],
        where: Sequence[Condition] = (),
        tell: Sequence[Errand] = (),
        twin: ForeignIdSpec | None = None,
    ) -> None:
        self.names = tuple(fields)
        self.where = Where(where)
        self.errands = Errands(tell)
        self.numbers = NumberColumn(foreign_id.gomus_id)
        self.columns = tuple(name_columns(foreign_id, fields, where, tell))
        self.lookups_needed = frozenset(spec.lookup for spec in fields.values() if spec.lookup is not None)
        self._lookups = {name: spec.lookup for name, spec in fields.items()}
        self.fingerprint = _fingerprint(foreign_id, fields) + (_fingerprint(twin, {}) if twin else b"")
        self.writes = {name: spec.write for name, spec in fields.items()}
        self.prefix = foreign_id.prefix
        self._ids = Ids(foreign_id)
        self._mergers = Ids(foreign_id, foreign_id.merged_into) if foreign_id.merged_into else None
        same_as = foreign_id.same_as
        self.same_list = same_as.sync if same_as and twin else None
        self._twins = Ids(twin, same_as.from_) if same_as and twin else None
        self._fields = [_FieldMapper(name, spec, catalogue[name]) for name, spec in fields.items()]
        taken = [field for field in self._fields if field.is_taken]
        has_names = any(field.name in NAMES for field in taken)
        self._telling = [field for field in taken if not has_names or field.name in (*NAMES, "email")]
        self._has_more = len(taken) > 1
        self._with_words = [field for field in self._fields if field.is_taken and field.has_words]

    def forget_cells(self) -> None:
        """At the end of a read: nobody's values stay in memory until the next."""
        for one in self._fields:
            one.forget_cells()

    def counts(self, record: SourceRecord, today: date) -> bool | FieldProblem:
        """Whether the record fulfils `where`, or why that can't be judged. Of a deletion only the id need be there."""
        try:
            return record.deleted or self.where.holds(record.values, today)
        except ValueProblem as problem:
            return FieldProblem(field="where", reason=problem.reason)

    def foreign_id_of(self, record: SourceRecord) -> str | FieldProblem:
        """The id with its prefix, or why the record has none that can be used."""
        return self.ids_of(record)[0]

    def ids_of(self, record: SourceRecord) -> tuple[str | FieldProblem, str | None]:
        """The id of today, as in `foreign_id_of`, and the id as it was spelt before cells were read as they are today.

        The latter is None where it is the same, or was none.
        """
        former: str | None = None
        try:
            found = self._ids.find(record.values)
            check_number(found)
            former = self._ids.read_former(found)
            return self._ids.read(found), former
        except ValueProblem as problem:
            return FieldProblem(field="foreign_id", reason=problem.reason), former

    def id_as_read(self, record: SourceRecord) -> object:
        """What stands where the id is taken from, None where nothing can be found."""
        try:
            return self._ids.find(record.values)
        except ValueProblem:
            return None

    def merged_into(self, record: SourceRecord) -> str | FieldProblem | None:
        """The id of the record that this one says it went into, None where it says nothing, or why it can't be used."""
        return _mark_in(self._mergers, record)

    def same_as(self, record: SourceRecord) -> str | FieldProblem | None:
        """The id of the same person in the list that `same_as` names, as `merged_into` has it."""
        return _mark_in(self._twins, record)

    def customer(
        self, record: SourceRecord, lookups: Lookups, *, known_as: str | None = None
    ) -> Customer | InvalidRecord:
        """The customer, or every problem of the record. `lookups` has each kind of `lookups_needed`.

        `known_as` is the id under which the customer is known, where it is spelt otherwise.
        """
        foreign_id = self.foreign_id_of(record) if known_as is None else known_as
        fields, problems = self._map_fields(record.values, lookups)
        if self._is_nobody(record, foreign_id):
            problems.insert(0, NOBODY)
        elif isinstance(foreign_id, FieldProblem):
            problems.insert(0, foreign_id)
        if isinstance(foreign_id, FieldProblem):
            return InvalidRecord(foreign_id=None, position=record.position, problems=tuple(problems))
        if problems:
            return InvalidRecord(foreign_id=foreign_id, position=record.position, problems=tuple(problems))
        return Customer(foreign_id=foreign_id, fields=fields, position=record.position)

    def _is_nobody(self, record: SourceRecord, foreign_id: str | FieldProblem) -> bool:
        """A row that has something where the id belongs, and can't be anybody."""
        is_word = isinstance(foreign_id, str) and not foreign_id[-1].isdigit()
        if is_word and str(foreign_id).removeprefix(self.prefix).rstrip(":. ").casefold() in FOOTERS:
            return True
        if not self._has_more or any(field.tells(record.values) for field in self._telling):
            return False
        return isinstance(foreign_id, str) or not is_empty(self.id_as_read(record))

    def lookup_of(self, name: str) -> LookupKind | None:
        return self._lookups.get(name)

    def words_of(self, values: Mapping[str, object], lookups: Lookups) -> Iterator[Word]:
        """What a record says in the fields that have a `lookup` or a `map`."""
        for mapper in self._with_words:
            if word := mapper.word(values, lookups):
                yield word

    def explain(self, values: Mapping[str, object], lookups: Lookups) -> Iterator[Mapped]:
        """Each field by itself, whatever is wrong with others."""
        return (mapper.explain(values, lookups) for mapper in self._fields)

    def _map_fields(
        self, values: Mapping[str, object], lookups: Lookups
    ) -> tuple[dict[str, Value], list[FieldProblem]]:
        fields: dict[str, Value] = {}
        problems: list[FieldProblem] = []
        for mapper in self._fields:
            try:
                value = mapper.value(values, lookups)
            except ValueProblem as problem:
                problems.append(FieldProblem(field=mapper.name, reason=problem.reason))
            else:
                if value is not Keep.KEEP:
                    fields[mapper.name] = value
        return fields, problems


def _mark_in(ids: Ids | None, record: SourceRecord) -> str | FieldProblem | None:
    try:
        return ids.read_mark(record.values) if ids else None
    except ValueProblem as problem:
        return FieldProblem(field="foreign_id", reason=problem.reason)


def _fingerprint(foreign_id: ForeignIdSpec, fields: Mapping[str, FieldSpec]) -> bytes:
    spec = {name: _spelt(spec) for name, spec in sorted(fields.items())}
    unsaid = {name for name in ("transform", "gomus_id", "merged_into", "same_as") if not getattr(foreign_id, name)}
    who = foreign_id.model_dump(mode="json", exclude=unsaid)
    text = json.dumps([VERSION, who, spec], sort_keys=True)
    return blake2b(text.encode(), digest_size=16).digest()


def _spelt(spec: FieldSpec) -> dict[str, object]:
    """As it has always been spelt where it says nothing of `write`: an upgrade is no reason to map all anew."""
    return spec.model_dump(mode="json", exclude={"write"} if spec.write is Write.ALWAYS else None)
