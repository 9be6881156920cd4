"""What the configuration file may say (pydantic), and what the rest of syncd is given (`Config`)."""

import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from syncd.domain.addresses import server_of
from syncd.domain.diff import DeleteMode
from syncd.domain.durations import Duration
from syncd.domain.languages import Language
from syncd.domain.nearest import suggest
from syncd.domain.schedule import Schedule, parse_schedule
from syncd.gomus.fields import FIELDS
from syncd.gomus.options import GomusOptions, check_token
from syncd.mapping.errands import Errand
from syncd.mapping.examples import ID, Example
from syncd.mapping.filters import Condition
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.sources import find_source
from syncd.sources.base import SourceOptions, error_at

_STATE_URLS = "must be 'sqlite:///FILE' or 'postgresql+psycopg://HOST/DATABASE'"


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"the name {name!r} may have letters, digits, '-' and '_' only")
    return name


def _check_state_url(url: str) -> str:
    """Never quotes the URL, which may hold a password."""
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(_STATE_URLS) from None
    if parsed.drivername == "sqlite":
        if parsed.host or parsed.query or parsed.database in (None, "", ":memory:"):
            raise ValueError("names no file: 'sqlite:///syncd.db' is one beside this configuration")
    elif parsed.drivername != "postgresql+psycopg":
        raise ValueError(_STATE_URLS)
    return url


def _check_ledger(place: str) -> str:
    """A path, or a URL as that of the state."""
    if ":/" in place:
        return _check_state_url(place)
    if not place.strip():
        raise ValueError("names no file: 'erasures.ledger' is one beside this configuration")
    return place


def _check_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not a time zone such as 'Europe/Berlin'{_suggest_zone(name)}")
    return name


def _suggest_zone(name: str) -> str:
    if re.fullmatch(r"ME(S)?Z|CES?T", name, re.IGNORECASE):
        return "; did you mean 'Europe/Berlin'?"
    if re.search(r"\d", name):  # UTC+1 is not near to UTC
        return "; a city tells summer from winter time, which a number of hours does not"
    if name.endswith(" Time"):  # as Windows calls them
        return ""
    return suggest(name, [zone for zone in available_timezones() if "/" in zone])


def _check_schedule(text: str) -> str:
    parse_schedule(text, UTC)
    return text


def _check_field(name: str) -> str:
    if name not in FIELDS:
        raise ValueError(f"go~mus has no customer field {name!r}{suggest(name, FIELDS)}")
    return name


def _validate_source(value: object) -> SourceOptions:
    """Each adapter declares its options beside itself; `type` says which."""
    if not isinstance(value, dict):
        raise ValueError('must be a table such as { type = "csv", path = "members.csv" }')  # noqa: TRY004 - pydantic collects ValueErrors
    if not isinstance(type_name := value.get("type"), str):
        raise error_at("type", "says what kind of source this is, for example 'csv'")
    try:
        adapter = find_source(type_name)
    except LookupError as error:
        raise error_at("type", str(error)) from None
    except ImportError as error:
        raise error_at("type", f"the source {type_name!r} needs the package {error.name!r}: install it") from None
    return adapter.Options.model_validate(value)


def _split_listen(text: str) -> tuple[str, int]:
    """Host and port; an IPv6 address stands in brackets."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})", text)
    if found is None or int(found[2]) > 65535:
        raise ValueError(f"{text!r} is not an address and a port such as '127.0.0.1:8080'")
    return found[1].strip("[]"), int(found[2])


def _check_listen(text: str) -> str:
    _split_listen(text)
    return text


SHORTEST_KEY, FEWEST_SIGNS = 12, 6  # signs in all, and different ones


def _check_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if len(text) < SHORTEST_KEY or len(set(text)) < FEWEST_SIGNS:
        raise PydanticCustomError("weak_key", "is too weak")
    return key


Key = Annotated[SecretStr, AfterValidator(_check_key)]
TriggerToken = Annotated[SecretStr, AfterValidator(check_token), AfterValidator(_check_key)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StateOptions(_Table):
    """Where syncd keeps its memory; `digest_key` keys the digests in it.

    `ledger` outlives it: who was erased on request, under `ledger_key`, or the `digest_key`.
    """

    url: Annotated[str, AfterValidator(_check_state_url)] = Field(default="sqlite:///syncd.db", repr=False)
    digest_key: Key | None = None
    ledger: Annotated[str, AfterValidator(_check_ledger)] | None = Field(default=None, repr=False)
    ledger_key: Key | None = None
    ledger_old_keys: tuple[SecretStr, ...] = ()
    keep: Duration = Field(default=timedelta(days=400), ge=timedelta(days=7))  # outcomes and runs

    @model_validator(mode="after")
    def _key_for_a_server(self) -> Self:
        # beside SQLite a key file is made; a server has no "beside" that all replicas share
        if self.url.startswith("postgresql") and self.digest_key is None:
            raise error_at("digest_key", 'is needed with PostgreSQL: digest_key = { env = "SYNCD_DIGEST_KEY" }')
        return self

    @model_validator(mode="after")
    def _key_for_the_ledger(self) -> Self:
        # a key that is made beside the state is lost with it, and the ledger is there for that day
        if self.ledger is not None and not (self.ledger_key or self.digest_key):
            raise error_at("ledger_key", 'is needed with a ledger: ledger_key = { env = "SYNCD_LEDGER_KEY" }')
        return self

    @property
    def ledger_keys(self) -> tuple[str, ...]:
        """The first one writes, all of them read: the digest_key may have written before there was another."""
        keys = (self.ledger_key, self.digest_key, *self.ledger_old_keys)
        return tuple(key.get_secret_value() for key in keys if key)


Percent = Annotated[float, Field(ge=0, le=100)]


class DeleteOptions(_Table):
    """What becomes of customers that the source no longer has."""

    mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE
    grace: Duration = timedelta(days=30)
    max_percent: Percent = 5
    max_count: int = Field(default=100, ge=0)
    linked: Literal["release", "as-created"] = "release"  # customers that go~mus had before
    further_addresses: Literal["hold", "delete"] = "hold"  # customers with addresses that the API does not reach


class GuardOptions(_Table):
    """More than this at once is held until a person approves."""

    update_percent: Percent = 50
    clear_percent: Percent = 20
    identity_percent: Percent = 5
    first_contact: int = Field(default=20, ge=0)
    invalid_percent: Percent = 20


class WebOptions(_Table):
    """The status page; without the table there is none. Port 0 takes a free one."""

    listen: Annotated[str, AfterValidator(_check_listen)] = "127.0.0.1:8080"
    show_ids: bool = False
    lang: Language | None = None  # of the pages; else what the browser prefers
    trigger_token: TriggerToken | None = None  # whoever shows it may ask for a run

    @property
    def host(self) -> str:
        return _split_listen(self.listen)[0]

    @property
    def port(self) -> int:
        return _split_listen(self.listen)[1]


class DaemonOptions(_Table):
    """How the daemon, `syncd` without a command, runs."""

    max_concurrent_runs: int = Field(default=2, ge=1, le=32)
    shutdown_timeout: Duration = timedelta(seconds=30)
    jitter: Duration = timedelta(seconds=2)  # syncs due at one moment start within so much of each other


class NotifyOptions(_Table):
    """Who is told when something goes wrong. Every address may hold a secret."""

    webhook: SecretStr | None = None  # takes JSON by POST
    urls: tuple[SecretStr, ...] = ()  # of apprise
    heartbeat_url: SecretStr | None = None  # called after each success; {sync} is the name of the sync
    overdue_after: int = Field(default=3, ge=1)

    @field_validator("webhook", "heartbeat_url")
    @classmethod
    def _is_address(cls, url: SecretStr | None) -> SecretStr | None:
        """Never quotes the address, which may hold a secret."""
        if url is not None and not re.match(r"https?://[^/\s]", url.get_secret_value()):
            raise PydanticCustomError("no_address", "is no address")
        return url

    @field_validator("urls")
    @classmethod
    def _need_apprise(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if urls and not find_spec("apprise"):
            raise ValueError("needs the package 'apprise': install it, or syncd with the extra 'notify'")
        return urls


def _as_mode(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3}", value):
        return int(value, 8)
    raise ValueError("says who may read the file, as chmod does: '0600', or '0640' for the group too")


class WorklistOptions(_Table):
    """Where the list for the owner of the data is written after each run: a page (.html) or a table (.csv).

    With `values` it says what stands in the cells that are wrong; they are read anew from the source for it.
    """

    path: Annotated[str, Field(min_length=1)]
    lang: Language = Language.GERMAN
    values: bool = False
    mode: Annotated[int, BeforeValidator(_as_mode)] = 0o600

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _is_page_or_table(cls, path: str) -> str:
        if Path(path).suffix.lower() not in (".html", ".htm", ".csv"):
            raise ValueError(f"{path!r} ends neither in .html, for a page, nor in .csv, for a table")
        return path

    @property
    def is_page(self) -> bool:
        return Path(self.path).suffix.lower() != ".csv"


ActionName: TypeAlias = Literal["create", "update", "erase"]


class SyncTable(_Table):
    """`[sync.NAME]` as the file has it."""

    gomus: str | None = None
    written_schedule: Annotated[str, AfterValidator(_check_schedule)] | None = Field(default=None, alias="schedule")
    zone: Annotated[str, AfterValidator(_check_zone)] = Field(default="Europe/Berlin", alias="timezone")
    source: Annotated[SourceOptions, PlainValidator(_validate_source)]
    actions: tuple[ActionName, ...] = ("create", "update", "erase")
    where: tuple[Condition, ...] = ()
    worklist: WorklistOptions | None = None
    tell: tuple[Errand, ...] = ()  # what the owner of the data is told of a record
    foreign_id: ForeignIdSpec
    fields: dict[Annotated[str, AfterValidator(_check_field)], FieldSpec] = Field(min_length=1)
    vanished: Literal["report", "recreate"] = "report"  # a customer that somebody deleted in go~mus
    audit_per_run: int = Field(default=0, ge=0)
    fix_drift: bool = False
    delete: DeleteOptions = DeleteOptions()
    guards: GuardOptions = GuardOptions()
    examples: tuple[Example, ...] = ()  # what `check` maps to see whether the mapping does what is meant

    @model_validator(mode="after")
    def _expect_what_is_mapped(self) -> Self:
        known = [ID, *self.fields]
        errors = [
            InitErrorDetails(
                type=PydanticCustomError("unmapped", "is not among 'fields'{near}", {"near": suggest(name, known)}),
                loc=("examples", number, "expect", name),
                input=None,
            )
            for number, example in enumerate(self.examples)
            for name in example.expect
            if name not in known
        ]
        if errors:
            raise ValidationError.from_exception_data("examples", errors)
        return self

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def schedule(self) -> Schedule | None:
        return parse_schedule(self.written_schedule, self.timezone) if self.written_schedule else None


class SyncConfig(SyncTable):
    """One source paired with one instance; `gomus` is the instance's name."""

    name: str
    gomus: str


Name = Annotated[str, AfterValidator(_check_name)]


class Document(_Table):
    """The whole file."""

    state: StateOptions = StateOptions()
    gomus: dict[Name, GomusOptions] = Field(min_length=1)
    syncs: Mapping[Name, SyncTable] = Field(alias="sync", min_length=1)
    daemon: DaemonOptions = DaemonOptions()
    web: WebOptions | None = None
    notify: NotifyOptions | None = None


class Config(Document):
    """A valid configuration. `base` is the folder of its file: relative paths start there."""

    base: Path
    syncs: Mapping[str, SyncConfig]

    def beside(self, sync: SyncConfig) -> list[SyncConfig]:
        """The other syncs of its instance, which is the same by its name or by its address."""
        here = server_of(self.gomus[sync.gomus].url)
        return [
            other
            for other in self.syncs.values()
            if other.name != sync.name and (other.gomus == sync.gomus or here == server_of(self.gomus[other.gomus].url))
        ]
