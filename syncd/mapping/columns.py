"""The columns that a mapping takes from a table, and those of them that the table does not have."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from syncd.domain.nearest import suggest
from syncd.domain.records import SourceRecord
from syncd.errors import IncompleteRead
from syncd.mapping.checks import ValueProblem
from syncd.mapping.filters import Condition
from syncd.mapping.origin import find_roots, from_path, is_expression, parse_template
from syncd.mapping.spec import FieldSpec, ForeignIdSpec

_NESTED = re.compile(r"\w+(\.\w+)+")
_SHOWING = 100  # records whose keys a near one is looked for among


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the configuration takes from a record by name or by an expression, and the key that says so.

    `may_lack`: where it is missing, nothing is lost.
    """

    path: str
    used_by: str
    may_lack: bool = False


def name_columns(
    foreign_id: ForeignIdSpec,
    fields: Mapping[str, FieldSpec],
    where: Sequence[Condition],
    tell: Sequence[Condition] = (),
) -> Iterator[Column]:
    yield Column(path=foreign_id.from_, used_by="foreign_id.from")
    if foreign_id.gomus_id:
        yield Column(path=foreign_id.gomus_id, used_by="foreign_id.gomus_id")
    if foreign_id.merged_into:
        yield Column(path=foreign_id.merged_into, used_by="foreign_id.merged_into")
    if foreign_id.same_as:
        yield Column(path=foreign_id.same_as.from_, used_by="foreign_id.same_as.from")
    for condition in where:
        yield Column(path=condition.from_, used_by="where.from")
    for condition in tell:
        yield Column(path=condition.from_, used_by="tell.from")
    for name, spec in fields.items():
        keeps = spec.empty == "keep" and spec.default is None
        for path in spec.paths:
            yield Column(path=path, used_by=f"fields.{name}.from", may_lack=keeps)
        for path in parse_template(spec.template or "")[1::2]:
            yield Column(path=path, used_by=f"fields.{name}.template", may_lack=keeps)


def cell(values: Mapping[str, object], path: str) -> object:
    """What stands in a column; None where nothing does."""
    try:
        return from_path(path)(values)
    except ValueProblem:
        return None


def find_missing(wanted: Iterable[Column], columns: Sequence[str]) -> dict[str, str]:
    """A sentence for each wanted column that the table lacks, with the end of it that tells which may be meant."""
    return {
        f"there is no column {column.path!r} ({column.used_by})": suggest(column.path, columns)
        for column in wanted
        if not _is_there(column.path, columns)
    }


def _is_there(path: str, columns: Sequence[str]) -> bool:
    """What is known of an object are its parts, as in 'address.city': then no other part is there."""
    if path in columns:
        return True
    roots = find_roots(path)
    if not roots or not roots <= set(columns):
        return False
    steps = list(accumulate(path.split("."), "{}.{}".format)) if _NESTED.fullmatch(path) else []
    return all(part in columns or not _has_parts(outer, columns) for outer, part in pairwise(steps))


def _has_parts(outer: str, columns: Sequence[str]) -> bool:
    return any(name.startswith(f"{outer}.") for name in columns)


def measure(wanted: Iterable[Column]) -> Callable[[Sequence[str]], float]:
    """A function that answers which share of the wanted columns is among some names."""
    paths = [column.path for column in wanted]
    return lambda names: sum(_is_there(path, names) for path in paths) / len(paths)


def require_columns(
    wanted: Iterable[Column], columns: Sequence[str] | None, description: str, hint: str | None = None
) -> None:
    """Raises IncompleteRead where a table lacks a wanted column, since reading it would empty a field of everybody.

    `columns` is None for nested records: each may have other keys. `description` says what is read. With a `hint` at
    what is wrong, no column is shown: they may be cells of a record.
    """
    if columns is not None and (missing := find_missing(wanted, columns)):
        if hint is not None:
            raise IncompleteRead(description, "; ".join(missing), remedy=hint)
        remedy = "write it as the header does"
        if any(missing.values()):
            remedy += "; `syncd check` shows the name that may be meant"
        raise IncompleteRead(
            description, "; ".join(missing), remedy=remedy, shown="; ".join(map("".join, missing.items()))
        )


@dataclass(slots=True)
class Unfound:
    """The wanted columns that no record of a list has shown yet, where each record may have other keys.

    A key that is there and null is found. Of an expression only the names that it takes from the record are judged, so
    of '@.mobile' none is.
    """

    wanted: list[Column]
    description: str
    _keys: dict[str, None] = field(default_factory=dict)
    _count: int = 0

    @property
    def is_settled(self) -> bool:
        return not self.wanted

    @property
    def is_missing(self) -> bool:
        """Whether there were records, and one of the columns is in none of them."""
        return self._count > 0 and not self.is_settled

    def take(self, records: Iterable[SourceRecord]) -> None:
        for record in records:
            if self.is_settled:
                return
            if record.deleted or not record.values:
                continue
            if self._count < _SHOWING:
                self._keys |= dict.fromkeys(_keys_of(record.values))
            self._count += 1
            self.wanted = [column for column in self.wanted if not _has(record.values, column.path)]

    def refuse(self) -> None:
        """Raises IncompleteRead at the end of a list that never showed one: reading it would empty a field of all."""
        if not self.is_missing:
            return
        missing = {
            f"there is no {column.path!r} in any record ({column.used_by})": suggest(column.path, self._keys)
            for column in self.wanted
        }
        remedy = "write it as the records do"
        if spelt := next(filter(None, map(_spell_lacking, self.wanted)), None):
            remedy += f"; where all of them may lack it, write '{spelt}'"
        raise IncompleteRead(
            self.description, "; ".join(missing), remedy=remedy, shown="; ".join(map("".join, missing.items()))
        )


def watch_columns(
    wanted: Iterable[Column], columns: Sequence[str] | None, description: str, *, is_snapshot: bool
) -> Unfound:
    """What a snapshot of nested records has to show at least once; a table shows its columns beforehand."""
    judged = [column for column in wanted if not column.may_lack and _is_judged(column.path)]
    return Unfound(judged if is_snapshot and columns is None else [], description)


def _spell_lacking(column: Column) -> str | None:
    """The path in a form that is not judged; None where that is not simple, or makes no sense."""
    if column.used_by == "foreign_id.from":
        return None
    if not is_expression(column.path):
        return None if '"' in column.path or "'" in column.path else f'@."{column.path}"'
    return f"@.{column.path}" if re.fullmatch(r"[\w.\[\]]+", column.path) else None


def _is_judged(path: str) -> bool:
    return bool(find_roots(path)) or not is_expression(path)


def _has(values: Mapping[str, object], path: str) -> bool:
    if path in values:
        return True
    roots = find_roots(path)
    if not roots or not roots <= values.keys():
        return False
    inner: object = values
    for part in path.split(".") if _NESTED.fullmatch(path) else ():
        if not isinstance(inner, Mapping):  # null, or a list that stands for an empty object
            return True
        if part not in inner:
            return False
        inner = inner[part]
    return True


def _keys_of(values: Mapping[str, object]) -> Iterator[str]:
    yield from values
    yield from (f"{name}.{part}" for name, inner in values.items() if isinstance(inner, Mapping) for part in inner)
