"""What the configuration file may say (pydantic), and what the rest of syncd is given (`Config`)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from syncd.config.checks import (
    check_field,
    check_key,
    check_ledger,
    check_listen,
    check_memory,
    check_name,
    check_schedule,
    check_state_url,
    check_zone,
    is_url,
    split_listen,
    validate_source,
)
from syncd.config.metrics import MetricsOptions
from syncd.config.worklist import WorklistOptions
from syncd.domain.addresses import server_of
from syncd.domain.diff import DeleteMode
from syncd.domain.durations import Duration
from syncd.domain.languages import Language
from syncd.domain.nearest import suggest
from syncd.domain.schedule import Schedule, parse_schedule
from syncd.errors import Problem, lacks_extra
from syncd.gomus.options import GomusOptions, check_token
from syncd.mapping.errands import Errand
from syncd.mapping.examples import ID, Example
from syncd.mapping.filters import Condition
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.sources.base import SourceOptions, error_at

ZONE = "Europe/Berlin"
Key = Annotated[SecretStr, AfterValidator(check_key)]
TriggerToken = Annotated[SecretStr, AfterValidator(check_token), AfterValidator(check_key)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StateOptions(_Table):
    """Where syncd keeps its memory; `digest_key` keys the digests in it.

    `ledger` outlives it: who was erased on request, under `ledger_key`, or the `digest_key`.
    """

    url: Annotated[str, AfterValidator(check_state_url)] = Field(
        default="sqlite:///syncd.db", repr=False, description="The state database."
    )
    digest_key: Key | None = Field(
        default=None, description="The key of the digests: beside SQLite syncd makes one, PostgreSQL needs one."
    )
    ledger: Annotated[str, AfterValidator(check_ledger)] | None = Field(
        default=None, repr=False, description="A second place for erasures on request: a path, or a URL."
    )
    ledger_key: Key | None = Field(default=None, description="The key of the ledger; without it, the digest_key.")
    ledger_old_keys: tuple[SecretStr, ...] = Field(default=(), description="Former keys, which are only read.")
    keep: Duration = Field(
        default=timedelta(days=400), ge=timedelta(days=7), description="How long outcomes and runs are kept."
    )

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

    def anchored(self, base: Path) -> Self:
        """A relative file, plain or of SQLite, lies beside the configuration, wherever syncd is started."""
        ledger = self.ledger and _anchored(self.ledger, base)
        return self.model_copy(update={"url": _anchored(self.url, base), "ledger": ledger})


def _anchored(url: str, base: Path) -> str:
    if not is_url(url):
        return str(base / url)
    kind, slashes, file = url.partition(":///")
    return f"{kind}{slashes}{base / file}" if kind == "sqlite" else url


Percent = Annotated[float, Field(ge=0, le=100)]


class DeleteOptions(_Table):
    """What becomes of customers that the source no longer has."""

    mode: DeleteMode = Field(
        default=DeleteMode.ANONYMIZE_THEN_DELETE, description="What becomes of who is gone from the source."
    )
    grace: Duration = Field(
        default=timedelta(days=30), description="How long somebody must be absent before anything happens."
    )
    max_percent: Percent = Field(
        default=5, description="Where more of the known customers would be deleted within 24 hours, none is."
    )
    max_count: int = Field(
        default=100, ge=0, description="Where more customers would be deleted within 24 hours, none is."
    )
    linked: Literal["release", "as-created"] = Field(
        default="release", description="What becomes of leavers whom go~mus had before they got their foreign_id."
    )
    further_addresses: Literal["hold", "delete"] = Field(
        default="hold", description="What becomes of leavers with more than one address."
    )


class GuardOptions(_Table):
    """More than this at once is held until a person approves."""

    update_percent: Percent = Field(
        default=50, description="Updates are held where more of the known customers would get one."
    )
    clear_percent: Percent = Field(
        default=20, description="Held where one field would be emptied for more of the known customers."
    )
    identity_percent: Percent = Field(
        default=5, description="Held where more would get another surname, email or date_of_birth."
    )
    first_contact: int = Field(
        default=20, ge=0, description="Held where values of more customers whom go~mus had before would be overwritten."
    )
    invalid_percent: Percent = Field(default=20, description="Nobody is deleted where more rows can't be mapped.")


class WebOptions(_Table):
    """The status page; without the table there is none. Port 0 takes a free one."""

    listen: Annotated[str, AfterValidator(check_listen)] = Field(
        default="127.0.0.1:8080", description="The address and port of the status page, health and metrics."
    )
    show_ids: bool = Field(default=False, description="Show the foreign ids of some records that failed.")
    lang: Language | None = Field(
        default=None, description="The language of the pages; left out, the one that the browser prefers."
    )
    trigger_token: TriggerToken | None = Field(
        default=None, description="Whoever shows it may ask for a run: POST /syncs/NAME/trigger."
    )

    @property
    def host(self) -> str:
        return split_listen(self.listen)[0]

    @property
    def port(self) -> int:
        return split_listen(self.listen)[1]


class DaemonOptions(_Table):
    """How the daemon, `syncd` without a command, runs."""

    max_concurrent_runs: int = Field(default=2, ge=1, le=32, description="How many syncs may run at once.")
    max_runs_of_museum: int | None = Field(default=None, ge=1, description="How many of one museum's file, of those.")
    shutdown_timeout: Duration = Field(
        default=timedelta(seconds=30), description="How long a run may take to end when the daemon is stopped."
    )
    jitter: Duration = Field(
        default=timedelta(seconds=2), description="Syncs that are due at one moment start within so much of each other."
    )
    isolate_runs: bool = Field(default=False, description="Whether each run has a process of its own.")
    run_memory: Annotated[int, AfterValidator(check_memory)] | None = Field(
        default=None, ge=64, description="How much memory such a process may use, in megabytes."
    )
    run_timeout: Duration | None = Field(
        default=None, ge=timedelta(seconds=1), description="How long such a process may take; then it is ended."
    )
    queue: Literal["procrastinate"] | None = Field(
        default=None, description="Runs are carried out by `syncd worker`, by way of this queue on PostgreSQL."
    )

    @field_validator("queue")
    @classmethod
    def _needs_package(cls, queue: str | None) -> str | None:
        if queue and not find_spec(queue):
            raise ValueError(lacks_extra("cluster"))
        return queue


class NotifyOptions(_Table):
    """Who is told when something goes wrong. Every address may hold a secret."""

    webhook: SecretStr | None = Field(default=None, description="An address that takes each alarm as JSON by POST.")
    urls: tuple[SecretStr, ...] = Field(default=(), description="Addresses of Apprise: mail, chat and others.")
    heartbeat_url: SecretStr | None = Field(
        default=None, description="Called after each successful run; {sync} in it becomes the name of the sync."
    )
    overdue_after: int = Field(
        default=3, ge=1, description="After so many turns of the schedule without a success there is an alarm."
    )

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
            raise ValueError(lacks_extra("notify"))
        return urls


ActionName: TypeAlias = Literal["create", "update", "erase"]


class SyncTable(_Table):
    """`[sync.NAME]` as the file has it."""

    use: str | None = Field(
        default=None, description="The template whose keys the sync takes over where it has none of its own."
    )
    gomus: str | None = Field(default=None, description="The name of the instance; may be left out where there is one.")
    written_schedule: Annotated[str, AfterValidator(check_schedule)] | None = Field(
        default=None,
        alias="schedule",
        description="When the sync is due: five fields as in cron, or 'every 15m'; without it, on request.",
    )
    zone: Annotated[str, AfterValidator(check_zone)] = Field(
        default=ZONE, alias="timezone", description="The clock by which the schedule is meant."
    )
    source: Annotated[SourceOptions, PlainValidator(validate_source)] = Field(
        description="Where the customers come from."
    )
    actions: tuple[ActionName, ...] = Field(default=("create", "update", "erase"), description="What a run may do.")
    where: tuple[Condition, ...] = Field(default=(), description="Which records count.")
    worklist: WorklistOptions | None = Field(
        default=None, description="Where the list for the office that owns the data is written after each run."
    )
    tell: tuple[Errand, ...] = Field(default=(), description="What that office is told of a record.")
    foreign_id: ForeignIdSpec = Field(description="How a customer is recognized: a column, or a table.")
    fields: dict[Annotated[str, AfterValidator(check_field)], FieldSpec] = Field(
        min_length=1, description="What goes where."
    )
    vanished: Literal["report", "recreate"] = Field(
        default="report", description="What becomes of a known customer that somebody has deleted in go~mus."
    )
    audit_per_run: int = Field(default=0, ge=0, description="How many customers are read back from go~mus in each run.")
    fix_drift: bool = Field(
        default=False, description="Set right in the next run what the audit finds changed in go~mus."
    )
    delete: DeleteOptions = Field(
        default=DeleteOptions(), description="What becomes of customers who are gone from the source."
    )
    guards: GuardOptions = Field(default=GuardOptions(), description="How much may change at once.")
    examples: tuple[Example, ...] = Field(
        default=(),
        description="Records, and what must become of them; `syncd check` tells those that come out otherwise.",
    )

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


Marks: TypeAlias = Mapping[str, tuple[int, ...]]
"""Tells, for each file of a folder, whether it is still the one that was read."""


class SyncConfig(SyncTable):
    """One source paired with one instance; `gomus` is the instance's name."""

    name: str
    gomus: str
    twin: ForeignIdSpec | None = None  # how the list that `same_as` names has its ids


Name = Annotated[str, AfterValidator(check_name)]


class Shared(_Table):
    """What is said once, however many museums there are."""

    state: StateOptions = Field(default=StateOptions(), description="What syncd remembers, and where.")
    daemon: DaemonOptions = Field(
        default=DaemonOptions(), description="How `syncd` without a command goes about its runs."
    )
    web: WebOptions | None = Field(
        default=None, description="The status page, health and metrics; without this table there are none."
    )
    metrics: MetricsOptions | None = Field(default=None, description="Where `syncd --once` leaves its metrics.")
    notify: NotifyOptions | None = Field(default=None, description="Who is told when something goes wrong.")

    @model_validator(mode="after")
    def _server_for_a_queue(self) -> Self:
        if self.daemon.queue and not self.state.url.startswith("postgresql"):
            raise error_at("daemon.queue", "needs PostgreSQL: [state] has url = ... of a file")
        return self


class Document(Shared):
    """The whole file."""

    gomus: dict[Name, GomusOptions] = Field(min_length=1, description="The instances, by a name of yours.")
    syncs: Mapping[Name, SyncTable] = Field(
        alias="sync", min_length=1, description="The pairs of a source and an instance, by a name of yours."
    )


class Museum(_Table):
    """One file of a folder. Where it has `problems`, they are told, and what it said before goes on, if anything."""

    file: Path
    digest_key: SecretStr | None = None
    problems: tuple[Problem, ...] = ()


class Config(Document):
    """A valid configuration. `base` is the folder of its file: relative paths start there.

    Where that folder as a whole is the configuration, `museums` are its files, and `marks` tell when it has changed.
    """

    base: Path
    syncs: Mapping[str, SyncConfig]
    museums: Mapping[str, Museum] = {}
    marks: Marks | None = None

    @property
    def broken(self) -> dict[str, Museum]:
        return {name: museum for name, museum in self.museums.items() if museum.problems}

    @property
    def mistakes(self) -> list[Problem]:
        """Those of museums' files; a configuration with others does not come to be."""
        return [problem for museum in self.museums.values() for problem in museum.problems]

    def zone_of(self, sync: str | None) -> ZoneInfo:
        """The time zone of a sync, or of the first one where there is no such sync."""
        found = self.syncs.get(sync or "") or next(iter(self.syncs.values()), None)
        return found.timezone if found else ZoneInfo(ZONE)

    def beside(self, sync: SyncConfig) -> list[SyncConfig]:
        """The other syncs of its instance, which is the same by its name or by its address."""
        here = server_of(self.gomus[sync.gomus].url)
        return [
            other
            for other in self.syncs.values()
            if other.name != sync.name and (other.gomus == sync.gomus or here == server_of(self.gomus[other.gomus].url))
        ]
