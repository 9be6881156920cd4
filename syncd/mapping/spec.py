"""What may be configured of a mapping: where the foreign_id and each go~mus field come from."""

import re
from typing import Annotated, Any, Literal, Self, TypeAlias
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from syncd.domain.winner import Write
from syncd.mapping.lookups import LookupKind
from syncd.mapping.origin import parse_template
from syncd.mapping.transforms import compile_transform


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _check_transform(spec: object) -> object:
    compile_transform(spec)
    return spec


class _Spec(BaseModel):
    """A text alone stands for `from`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return {"from": value} if isinstance(value, str) else value


def _check_template(template: str) -> str:
    parse_template(template)
    return template


def _check_paths(value: object) -> object:
    paths = value if isinstance(value, list) else [value]
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise ValueError("takes a column, or a list of columns of which the first counts that is not empty")
    return value


Transforms: TypeAlias = Annotated[list[Annotated[Any, BeforeValidator(_check_transform)]], BeforeValidator(_as_list)]


_PREFIX = "^[A-Za-z0-9._-]*$"
_SPELT_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", " ": "-", "/": "-"}


def _check_prefix(prefix: str) -> str:
    if not re.fullmatch(_PREFIX[1:-1], prefix):
        letters = normalize("NFD", "".join(_SPELT_OUT.get(one, one) for one in normalize("NFC", prefix.strip())))
        fit = re.sub(r"[^A-Za-z0-9._-]", "", letters)
        raise ValueError(
            f"{prefix!r} may have letters from A to Z, digits, '.', '_' and '-' only"
            + (f"; did you mean {fit!r}?" if fit.strip("._-") else "")
        )
    return prefix


class SameAs(BaseModel):
    """Which record of another list is the same person."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    sync: str = Field(min_length=1, description="The sync of that list.")
    from_: str = Field(alias="from", min_length=1, description="The column with the person's id in it.")


class ForeignIdSpec(_Spec):
    """Where the foreign_id comes from; the prefix keeps it from being read as a go~mus id."""

    from_: str = Field(alias="from", min_length=1, description="The column that identifies a person for good.")
    prefix: Annotated[str, AfterValidator(_check_prefix)] = Field(
        default="",
        max_length=64,
        json_schema_extra={"pattern": _PREFIX},
        description="Text put before it, which keeps it from being read as go~mus's own number.",
    )
    transform: Transforms = Field(default=[], description="Steps that make an id fit.")
    gomus_id: str | None = Field(
        default=None,
        min_length=1,
        description="The column with the number of a customer that go~mus has already, where there is one.",
    )
    merged_into: str | None = Field(
        default=None,
        min_length=1,
        description="The column with the id of the record that this one went into: it is left alone, and listed.",
    )
    same_as: SameAs | None = Field(
        default=None, description="Another list that has the same people: nobody gets a second customer."
    )


class FieldSpec(_Spec):
    """Where one go~mus field comes from: exactly one of `from`, `value` and `template`.

    Of several columns in `from` it is the first that is not empty, once the steps of `transform` are done.
    """

    from_: Annotated[str | list[str], BeforeValidator(_check_paths)] | None = Field(
        default=None,
        alias="from",
        description="The column, or several of which the first counts that is not empty; a JMESPath expression too.",
    )
    value: str | int | bool | None = Field(default=None, description="The same fixed value for everybody.")
    template: Annotated[str, Field(min_length=1), AfterValidator(_check_template)] | None = Field(
        default=None, description="Text with columns in braces."
    )
    map: dict[str, str | int | bool] | None = Field(default=None, description="A table that replaces values.")
    transform: Transforms = Field(default=[], description="Steps, done one after the other.")
    lookup: LookupKind | None = Field(
        default=None, description="Turns a name into the number that the instance has for it."
    )
    default: str | int | bool | None = Field(
        default=None,
        description="What to take where the source has nothing, or `map` or `lookup` does not know the value.",
    )
    empty: Literal["clear", "keep"] = Field(
        default="clear", description="Whether an empty cell empties the field in go~mus, or leaves it."
    )
    write: Write = Field(default=Write.ALWAYS, description="Who wins where go~mus has another value.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.from_, self.value, self.template)) != 1:
            raise ValueError(
                "takes exactly one of 'from', the column, 'value', the same for everybody, and 'template', a text with "
                "columns in { }"
            )
        return self

    @property
    def paths(self) -> list[str]:
        """What `from` names."""
        return [self.from_] if isinstance(self.from_, str) else (self.from_ or [])

    @property
    def columns(self) -> list[str]:
        """All that it takes from a record."""
        return self.paths or parse_template(self.template or "")[1::2]
