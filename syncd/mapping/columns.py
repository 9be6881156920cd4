"""The columns that a mapping takes from a table, and those of them that the table does not have."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from syncd.domain.nearest import suggest
from syncd.errors import IncompleteRead
from syncd.mapping.filters import Condition
from syncd.mapping.origin import find_roots, parse_template
from syncd.mapping.spec import FieldSpec, ForeignIdSpec

_NESTED = re.compile(r"\w+(\.\w+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the configuration takes from a record by name or by an expression, and the key that says so."""

    path: str
    used_by: str


def name_columns(
    foreign_id: ForeignIdSpec, fields: Mapping[str, FieldSpec], where: Sequence[Condition]
) -> Iterator[Column]:
    yield Column(path=foreign_id.from_, used_by="foreign_id.from")
    for condition in where:
        yield Column(path=condition.from_, used_by="where.from")
    for name, spec in fields.items():
        for path in spec.paths:
            yield Column(path=path, used_by=f"fields.{name}.from")
        for path in parse_template(spec.template or "")[1::2]:
            yield Column(path=path, used_by=f"fields.{name}.template")


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
        remedy = "write it as the header does; `syncd check` shows the name that may be meant"
        raise IncompleteRead(
            description, "; ".join(missing), remedy=remedy, shown="; ".join(map("".join, missing.items()))
        )
