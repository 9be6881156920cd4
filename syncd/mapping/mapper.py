"""From a source record to the customer that go~mus should have; every problem is found, and none quotes a value.

Pure: the catalogue of go~mus fields and the instance's lookups come in as arguments.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from hashlib import blake2b
from typing import Annotated, Any, Literal, Self, TypeAlias

import jmespath
from email_validator import EmailNotValidError, validate_email
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from syncd.domain.records import Customer, FieldKind, FieldProblem, InvalidRecord, SourceRecord, Value
from syncd.domain.records import Field as GomusField
from syncd.mapping import transforms
from syncd.mapping.lookups import Lookup
from syncd.mapping.transforms import Transform, TransformError

VERSION = 1  # counts up when the same configuration begins to map differently
LONGEST_ID = 255
OLDEST, YOUNGEST = 1850, 2100

Lookups: TypeAlias = Mapping[str, Lookup]
Getter: TypeAlias = Callable[[Mapping[str, object]], object]


class ValueProblem(ValueError):
    """Why a value can't be used, without the value."""


# --- the configuration of a mapping ---


def _shorthand(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _check_transform(spec: object) -> object:
    transforms.compile_transform(spec)
    return spec


class ForeignIdSpec(BaseModel):
    """Where the foreign_id comes from; the prefix keeps it from being read as a go~mus id."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", min_length=1)
    prefix: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$", max_length=64)

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return _shorthand(value)


class FieldSpec(BaseModel):
    """Where one go~mus field comes from: exactly one of `from`, `value` and `template`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str | None = Field(default=None, alias="from", min_length=1)
    value: str | int | bool | None = None
    template: str | None = Field(default=None, min_length=1)
    map: dict[str, str | int | bool] | None = None
    transform: Annotated[list[Annotated[Any, BeforeValidator(_check_transform)]], BeforeValidator(_as_list)] = []
    lookup: Literal["salutation", "title", "country", "language"] | None = None
    default: str | int | bool | None = None
    empty: Literal["clear", "keep"] = "clear"

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return _shorthand(value)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.from_, self.value, self.template)) != 1:
            raise ValueError("takes exactly one of 'from', 'value' and 'template'")
        if self.template is not None:
            _parse_template(self.template)
        return self


# --- where a value is in a record ---


def _parse_template(template: str) -> list[str]:
    """Literal text and placeholders in turn; `{{` and `}}` stand for themselves."""
    if re.search(r"[{}]", re.sub(r"\{\{|\}\}|\{[^{}]+\}", "", template)):
        raise ValueError("has a brace without its partner; write '{Column}', and '{{' for a brace itself")
    pieces: list[str] = [""]
    for token in re.findall(r"\{\{|\}\}|\{[^{}]+\}|[^{}]+", template):
        if token in ("{{", "}}"):
            pieces[-1] += token[0]
        elif token.startswith("{"):
            pieces += [token[1:-1], ""]
        else:
            pieces[-1] += token
    return pieces


def _getter(path: str) -> Getter:
    """The literal key where the record has it, else what the path leads to as a JMESPath expression."""
    expression = _expression(path)

    def get(values: Mapping[str, object]) -> object:
        if path in values:
            return values[path]
        if expression is None:
            return None
        try:
            return expression.search(values)
        except JMESPathError:
            raise ValueProblem(f"the expression {path!r} does not fit this record") from None

    return get


def _expression(path: str) -> Any:  # noqa: ANN401 - jmespath's own type
    try:
        return jmespath.compile(path)
    except JMESPathError:
        return None  # 'E-Mail' or 'Straße Nr.': a key, and nothing else


def _roots(node: Mapping[str, Any]) -> Iterator[str]:
    """The names that an expression takes from the record itself."""
    match node["type"]:
        case "field":
            yield node["value"]
        case "subexpression" | "index_expression" | "projection" | "value_projection" | "filter_projection" | "pipe":
            yield from _roots(node["children"][0])
        case _:
            for child in node.get("children", ()):
                if isinstance(child, Mapping):
                    yield from _roots(child)


# --- values ---


def _is_empty(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, list | dict) and not value)
    )


def as_text(value: object) -> str:
    """A source's value as a person would write it; the text of a number has no '.0'."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            raise ValueProblem("is a list or an object, not a single value")


YES = {"true", "1", "ja", "yes", "wahr", "x"}
NO = {"false", "0", "nein", "no", "falsch"}
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9]{1,20}\.){1,3}[A-Za-z]{2,6}")


def _check_text(text: str, field: GomusField) -> Value:
    if FORBIDDEN.search(text):
        raise ValueProblem("holds a control character")
    if len(text) > field.max_length:
        raise ValueProblem(f"is longer than {field.max_length} characters")
    return text


def _check_email(text: str, field: GomusField) -> Value:
    _check_text(text, field)
    if not PLAIN_ADDRESS.fullmatch(text) or len(text) > 64:
        try:
            validate_email(text, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            raise ValueProblem("is not an e-mail address") from None
    return text


def _check_date(text: str, _field: GomusField) -> Value:
    try:
        if len(text) != len("1980-12-31"):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueProblem(
            'is not a date such as 1980-12-31; give the source\'s form with transform = [{ date = "%d.%m.%Y" }]'
        ) from None
    if not OLDEST <= day.year <= YOUNGEST:
        raise ValueProblem(f"is not between the years {OLDEST} and {YOUNGEST}")
    return text


def _check_boolean(text: str, _field: GomusField) -> Value:
    known = text.casefold()
    if known not in YES | NO:
        raise ValueProblem("is neither true nor false; say which it is with 'map'")
    return known in YES


def _check_id(text: str, _field: GomusField) -> Value:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**63):
        raise ValueProblem("is not the number of an id; find it by name with 'lookup', or with 'map'")
    return int(text)


CHECKS: Mapping[FieldKind, Callable[[str, GomusField], Value]] = {
    FieldKind.TEXT: _check_text,
    FieldKind.EMAIL: _check_email,
    FieldKind.DATE: _check_date,
    FieldKind.BOOLEAN: _check_boolean,
    FieldKind.ID: _check_id,
}

KEEP = object()
"""What a field's mapping answers where the field is to be left alone."""


class _FieldMapper:
    """One field, compiled: from, transform, map, lookup, default, check; in this order."""

    def __init__(self, name: str, spec: FieldSpec, field: GomusField) -> None:
        self.name = name
        self._spec = spec
        self._field = field
        self._check = CHECKS[field.kind]
        self._transforms: list[Transform] = [transforms.compile_transform(one) for one in spec.transform]
        self._map = {_folded(key): value for key, value in (spec.map or {}).items()}
        self._get = _getter(spec.from_) if spec.from_ is not None else None
        self._pieces = _parse_template(spec.template) if spec.template is not None else []
        self._placeholders = [_getter(path) for path in self._pieces[1::2]]

    def value(self, values: Mapping[str, object], lookups: Lookups) -> object:
        """The value to be sent, None to clear, KEEP to leave alone; ValueProblem where there is none."""
        found = self._origin(values)
        text = None if _is_empty(found) else self._transform(as_text(found))
        result = None if text is None or not text.strip() else self._look_up(text.strip(), lookups)
        if result is None and self._spec.default is not None:
            result = self._find_default(lookups)
        if result is None:
            return KEEP if self._spec.empty == "keep" else None
        return result

    def _origin(self, values: Mapping[str, object]) -> object:
        if self._get is not None:
            return self._get(values)
        if self._spec.value is not None:
            return self._spec.value
        filled = [get(values) for get in self._placeholders]
        if self._placeholders and all(_is_empty(value) for value in filled):
            return None
        texts = ["" if _is_empty(value) else as_text(value) for value in filled]
        literals = self._pieces[0::2]
        return "".join(literal + text for literal, text in zip(literals, [*texts, ""], strict=True))

    def _transform(self, text: str) -> str | None:
        result: str | None = text
        for transform in self._transforms:
            if result is None or not result.strip():
                return None
            result = transform(result)
        return result

    def _look_up(self, text: str, lookups: Lookups) -> Value:
        """Through map and lookup; None where neither knows it and a default stands in."""
        if self._map:
            mapped = self._map.get(_folded(text))
            if mapped is None:
                self._require_default("is not one of the values in 'map'")
                return None
            if isinstance(mapped, bool | int):
                return self._check(as_text(mapped), self._field)
            text = mapped
        if self._spec.lookup is None:
            return self._check(text, self._field)
        number = lookups[self._spec.lookup].find(text)
        if number is None:
            self._require_default(f"is not a {self._spec.lookup} of this instance")
        return number

    def _require_default(self, reason: str) -> None:
        if self._spec.default is None:
            raise ValueProblem(reason)

    def _find_default(self, lookups: Lookups) -> Value:
        default = self._spec.default
        if self._spec.lookup is None or not isinstance(default, str):
            return self._check(as_text(default), self._field)
        number = lookups[self._spec.lookup].find(default)
        if number is None:
            raise ValueProblem(f"the default is not a {self._spec.lookup} of this instance")
        return number

    def paths(self) -> Iterator[tuple[str, str]]:
        """What it takes from a record, and where the configuration says so."""
        if self._spec.from_ is not None:
            yield f"fields.{self.name}.from", self._spec.from_
        for path in self._pieces[1::2]:
            yield f"fields.{self.name}.template", path


def _folded(text: str) -> str:
    return text.strip().casefold()


# --- the foreign_id ---

UNFIT = re.compile(r"[\s/?#%\\\x00-\x1f\x7f]")
SHORTENED = re.compile(r"\d[.,]\d+E\+?\d+", re.IGNORECASE)


def _check_foreign_id(text: str, prefix: str) -> str:
    if SHORTENED.fullmatch(text):
        raise ValueProblem("was shortened by Excel (as in 1,2E+11): format the column as text, and export it again")
    foreign_id = prefix + text
    if foreign_id.isdecimal():
        raise ValueProblem("is all digits, which go~mus would take for an id of its own: set foreign_id.prefix")
    if UNFIT.search(foreign_id) or foreign_id in (".", ".."):
        raise ValueProblem("holds a space or one of / ? # % \\, which can't stand in the address of a call")
    if len(foreign_id) > LONGEST_ID:
        raise ValueProblem(f"is longer than {LONGEST_ID} characters")
    return foreign_id


# --- the whole ---


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingColumn:
    """A column that the configuration names and the table does not have."""

    name: str
    used_by: str
    nearest: str | None

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"there is no column {self.name!r} ({self.used_by}){hint}"


class Mapper:
    """One sync's mapping, compiled once. `catalogue` describes the go~mus fields."""

    def __init__(
        self, *, foreign_id: ForeignIdSpec, fields: Mapping[str, FieldSpec], catalogue: Mapping[str, GomusField]
    ) -> None:
        self.names = tuple(fields)
        self.lookups_needed = frozenset(spec.lookup for spec in fields.values() if spec.lookup is not None)
        self.fingerprint = _fingerprint(foreign_id, fields)
        self._foreign_id = foreign_id
        self._get_id = _getter(foreign_id.from_)
        self._fields = [_FieldMapper(name, spec, catalogue[name]) for name, spec in fields.items()]

    def foreign_id_of(self, record: SourceRecord) -> str | FieldProblem:
        """The id with its prefix."""
        try:
            found = self._get_id(record.values)
            if _is_empty(found):
                raise ValueProblem(f"{self._foreign_id.from_!r} is empty")
            return _check_foreign_id(as_text(found), self._foreign_id.prefix)
        except ValueProblem as problem:
            return FieldProblem(field="foreign_id", reason=str(problem))

    def customer(self, record: SourceRecord, lookups: Lookups) -> Customer | InvalidRecord:
        problems: list[FieldProblem] = []
        foreign_id = self.foreign_id_of(record)
        if isinstance(foreign_id, FieldProblem):
            problems.append(foreign_id)
        fields: dict[str, Value] = {}
        for mapper in self._fields:
            try:
                value = mapper.value(record.values, lookups)
            except (ValueProblem, TransformError) as problem:
                problems.append(FieldProblem(field=mapper.name, reason=str(problem)))
            else:
                if value is not KEEP:
                    fields[mapper.name] = value  # type: ignore[assignment]  # KEEP is the only other thing
        if isinstance(foreign_id, FieldProblem) or problems:
            known = None if isinstance(foreign_id, FieldProblem) else foreign_id
            return InvalidRecord(foreign_id=known, position=record.position, problems=tuple(problems))
        return Customer(foreign_id=foreign_id, fields=fields, position=record.position)

    def missing_columns(self, columns: Sequence[str]) -> tuple[MissingColumn, ...]:
        """What the configuration takes from a table that has no such column, each with the likeliest one."""
        return tuple(
            MissingColumn(name=path, used_by=used_by, nearest=_nearest(path, columns))
            for used_by, path in self._paths()
            if not _is_there(path, columns)
        )

    def _paths(self) -> Iterator[tuple[str, str]]:
        yield "foreign_id.from", self._foreign_id.from_
        for mapper in self._fields:
            yield from mapper.paths()


def _is_there(path: str, columns: Sequence[str]) -> bool:
    if path in columns:
        return True
    expression = _expression(path)
    if expression is None:
        return False
    roots = set(_roots(expression.parsed))
    return bool(roots) and roots <= set(columns)


def _nearest(name: str, columns: Sequence[str]) -> str | None:
    """First one that differs in case and punctuation only, then one that looks alike."""
    bare = {_bare(column): column for column in columns}
    if _bare(name) in bare:
        return bare[_bare(name)]
    near = get_close_matches(_bare(name), bare, n=1, cutoff=0.6)
    return bare[near[0]] if near else None


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _fingerprint(foreign_id: ForeignIdSpec, fields: Mapping[str, FieldSpec]) -> bytes:
    spec = {name: spec.model_dump(mode="json") for name, spec in sorted(fields.items())}
    text = json.dumps([VERSION, foreign_id.model_dump(mode="json"), spec], sort_keys=True)
    return blake2b(text.encode(), digest_size=16).digest()
