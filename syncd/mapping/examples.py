"""Examples of a mapping, as the configuration gives them: a record, and what must become of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from syncd.domain.records import DateCell, FieldProblem, Position, SourceRecord
from syncd.mapping.lookups import AnyWord
from syncd.mapping.mapper import Keep, Lookups, Mapper

ID = "foreign_id"


def _as_cells(value: object) -> object:
    """A date of TOML is one of a workbook."""
    if isinstance(value, date):
        return DateCell(value.isoformat())
    if isinstance(value, dict):
        return {key: _as_cells(inner) for key, inner in value.items()}
    return [_as_cells(inner) for inner in value] if isinstance(value, list) else value


def _as_value(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str | int | bool):
        raise ValueError('takes a text, a number, true, false, or "" for an empty field')  # noqa: TRY004 - pydantic collects ValueErrors
    return value


Expected: TypeAlias = Annotated[Any, BeforeValidator(_as_value)]


class Example(BaseModel):
    """A record, by its columns, and the fields that must come out; others are not looked at. "" expects no value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    given: Annotated[dict[str, Any], BeforeValidator(_as_cells)] = Field(min_length=1, description="Columns and cells.")
    expect: dict[str, Expected] = Field(min_length=1, description='Fields with their values; "" expects none.')


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A field of an example that comes out otherwise, or not at all: then `problem` says why."""

    name: str
    expected: object = field(repr=False)
    found: object = field(repr=False)
    problem: str | None = None


def find_misses(example: Example, mapper: Mapper, lookups: Lookups) -> Iterator[Miss]:
    """Each field that does not come out as expected; all are mapped. Those that lack their list are not judged."""
    record = SourceRecord(values=example.given, position=Position(source="the example"))
    mapped: dict[str, object] = {one.name: one.value for one in mapper.explain(example.given, lookups)}
    mapped[ID] = mapper.foreign_id_of(record)
    for name, expected in example.expect.items():
        found = None if mapped[name] is Keep.KEEP else mapped[name]
        if isinstance(found, FieldProblem):
            yield Miss(name=name, expected=expected, found=None, problem=found.reason)
        elif not (lacks_list(name, mapper, lookups) or _is_as_expected(name, expected, found, mapper, lookups)):
            yield Miss(name=name, expected=expected, found=found)


def lacks_list(name: str, mapper: Mapper, lookups: Lookups) -> bool:
    """Whether a field's ids are in a list that could not be fetched."""
    kind = mapper.lookup_of(name)
    return kind is not None and isinstance(lookups[kind], AnyWord)


def _is_as_expected(name: str, expected: object, found: object, mapper: Mapper, lookups: Lookups) -> bool:
    """Of a field with a lookup, a name or code of the list may be expected in the place of its id."""
    if expected == "" or found is None:
        return expected == "" and found is None
    kind = mapper.lookup_of(name)
    if kind and isinstance(expected, str) and lookups[kind].find(expected) == found:
        return True
    return (type(expected) is type(found) and expected == found) or str(expected) == found
