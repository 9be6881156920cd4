"""`worklist`: where the list for the office that owns the data is written."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncd.domain.languages import Language


def _check_path(path: str) -> str:
    if Path(path).suffix.lower() not in (".html", ".htm", ".csv"):
        raise ValueError(f"{path!r} ends neither in .html, for a page, nor in .csv, for a table")
    return path


def _check_mode(mode: str) -> str:
    if not re.fullmatch(r"0?[0-7]{3}", mode):
        raise ValueError(
            f"{mode!r} does not say who may read the file as chmod does: '0600', or '0640' for the group too"
        )
    return mode


class WorklistOptions(BaseModel):
    """A text alone stands for `path`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, AfterValidator(_check_path)] = Field(
        min_length=1, description="The file, written after each run: a page (.html) or a table (.csv)."
    )
    lang: Language = Field(default=Language.GERMAN, description="The language of the list.")
    values: bool = Field(default=False, description="Also say what stands in the cells that are wrong.")
    mode: Annotated[str, AfterValidator(_check_mode)] = Field(
        default="0600", description="Who may read the file, as chmod has it: '0600', '0640'."
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @property
    def is_page(self) -> bool:
        return Path(self.path).suffix.lower() != ".csv"

    @property
    def permissions(self) -> int:
        return int(self.mode, 8)
