"""What proves that a file is whole, where its form does not: a line end, a marker beside it, a number, a last row."""

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncd.errors import IncompleteRead
from syncd.sources.files.opening import FoundFile


def _check_name(name: str) -> str:
    if PurePosixPath(name).name != name:
        raise ValueError("stands beside the file: it is a name without a folder")
    return name


def _check_words(text: str) -> str:
    if not text.strip():
        raise ValueError("is the beginning of a cell, for example 'Summe'")
    return text.strip()


class Complete(BaseModel):
    """`complete` of a table in a file: all that are given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    end: Literal["newline", "any"] | None = Field(
        default=None, description="How the file ends: always with a line end, or in any way."
    )
    marker: Annotated[str, AfterValidator(_check_name)] | None = Field(
        default=None, description="A file that stands beside the export, and is not older."
    )
    minimum: int | None = Field(default=None, ge=1, strict=True, description="So many records at least.")
    trailer: Annotated[str, AfterValidator(_check_words)] | None = Field(
        default=None, description="How the first cell of the last row begins; that row is no record."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("names nothing: end, marker, minimum or trailer")
        return self


NOTHING = Complete.model_construct()


def check_marker(file: FoundFile, marker: str) -> None:
    """Raises IncompleteRead where the marker is missing, or older than the file."""
    try:
        at = file.path.with_name(marker).stat().st_mtime_ns
    except OSError:
        what, remedy = f"has no {marker!r} beside it", "let the export write it once the file is whole"
        raise IncompleteRead(file.name, what, remedy=remedy) from None
    if at < file.modified_ns:
        what, remedy = f"is younger than {marker!r}", "let each export write the marker anew, once the file is whole"
        raise IncompleteRead(file.name, what, remedy=remedy)
