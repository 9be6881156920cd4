"""How one go~mus instance is reached: the `[gomus.NAME]` table of the configuration."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from syncd.domain.addresses import check_address
from syncd.domain.durations import Duration
from syncd.domain.nearest import suggest
from syncd.domain.records import FieldKind, Value
from syncd.domain.sharing import SharedEmail
from syncd.gomus.fields import FIELDS
from syncd.gomus.pace import SLACK
from syncd.mapping.checks import CHECKS, ValueProblem

TOKEN = "{token}"  # noqa: S105 - stands for the keyed hash of a foreign_id
LONGEST_TOKEN = 32
LONGEST_TURN = timedelta(seconds=10)
SHORTEST_SENTENCE = 2


def _check_url(url: str) -> str:
    """The token travels to this address, so it must be one that nobody can listen in on."""
    parsed = urlsplit(check_address(url, example="https://demo.gomus.de"))
    if parsed.path not in ("", "/") or parsed.query:
        raise ValueError(f"must have no path and no query: write '{parsed.scheme}://{parsed.netloc}'")
    return url.rstrip("/")


def check_token(token: SecretStr) -> SecretStr:
    """Quotes are of the shell, `Bearer` is of the header, and a line end is of the file."""
    text = token.get_secret_value()
    can_be_sent = re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", text)
    if not can_be_sent or re.match(r"bearer\s|[\"'].*[\"']$", text, re.IGNORECASE):
        raise PydanticCustomError("no_token", "is no token")
    return token


def _check_sentence(text: str) -> str:
    """One or two words may be anybody's name, and they would be kept wherever they stand."""
    if len(text.split()) < SHORTEST_SENTENCE:
        raise ValueError(f"must be a whole sentence of the instance, of at least {SHORTEST_SENTENCE} words")
    return text


def _check_placeholder(name: str, text: str) -> Value:
    """The customer is known by its address afterwards, so that has to be its own."""
    field = FIELDS.get(name)
    if field is None or not field.personal:
        personal = [known for known, one in FIELDS.items() if one.personal]
        raise ValueError(f"{name!r} is no personal field of go~mus{suggest(name, personal)}")
    if field.kind is FieldKind.EMAIL and TOKEN not in text:
        raise ValueError(f"{name}: needs {TOKEN} in it, as in 'erased-{TOKEN}@museum.example'")
    if not text.strip():
        raise ValueError(f"{name}: is empty, which is tried before it anyway")
    try:
        CHECKS[field.kind](text.replace(TOKEN, "0" * LONGEST_TOKEN), field)
    except ValueProblem as problem:
        raise ValueError(f"{name}: {problem}") from None
    return int(text) if field.kind is FieldKind.ID else text


class GomusOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_check_url)] = Field(
        description="The address at which you open go~mus, without /api."
    )
    token: Annotated[SecretStr, AfterValidator(check_token)] = Field(
        description="The token of an API user who may read, create, update and delete customers."
    )
    batch_size: int = Field(default=100, ge=1, description="How many customers go into one call.")
    concurrency: int = Field(
        default=4, ge=1, le=32, description="How many calls may be under way at once, from all processes together."
    )
    requests_per_second: float | None = Field(
        default=None, gt=0, description="An upper limit of calls a second, from all processes together."
    )
    timeout: Duration = Field(
        default=timedelta(seconds=30),
        gt=timedelta(),
        description="How long to wait for a sign of life; a whole try lasts no longer than twice this time.",
    )
    attempts: int = Field(
        default=5, ge=1, description="How often one call is tried where go~mus is busy or out of reach."
    )
    locale: str = Field(
        default="de", min_length=2, description="The language in which go~mus names salutations, titles and countries."
    )
    settle: Duration = Field(
        default=timedelta(minutes=10),
        gt=timedelta(),
        description="A create whose fate is unknown is not sent again before so long after it was sent.",
    )
    shared_email: SharedEmail = Field(
        default=SharedEmail.REPORT,
        description="One e-mail address at two customers, in whichever syncs: it is listed, or refused to the second.",
    )
    unique_foreign_ids: bool = Field(
        default=False, description="The instance refuses a second customer with the same foreign_id."
    )
    sentences: tuple[Annotated[str, AfterValidator(_check_sentence)], ...] = Field(
        default=(), description="Sentences of its errors that hold nothing about a person; they are kept and told."
    )
    placeholder: Mapping[str, str | int] = Field(
        default={}, description="By field, what an erasure writes where go~mus takes no empty value."
    )

    @property
    def longest_turn(self) -> timedelta:
        """How long a call may wait for its turn that must go out soon after it was decided upon."""
        return min(self.settle / 10, LONGEST_TURN) + self._round

    @property
    def patience(self) -> timedelta:
        """How long after it was written down a create may still act: its call may have waited for its turn first."""
        return self.settle + self._round

    @property
    def _round(self) -> timedelta:
        """In which each slot has its turn."""
        rate = self.requests_per_second
        return timedelta(seconds=self.concurrency * SLACK / rate) if rate else timedelta()

    @field_validator("placeholder")
    @classmethod
    def _fit_their_fields(cls, placeholder: Mapping[str, str | int]) -> Mapping[str, Value]:
        return {name: _check_placeholder(name, str(value)) for name, value in placeholder.items()}
