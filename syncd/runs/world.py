"""What a run is given: the sync, as configured, and the world around it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

from syncd.domain.diff import AbsencePolicy, DeleteMode
from syncd.domain.digest import Digester
from syncd.domain.guards import Limits
from syncd.domain.records import Field
from syncd.errors import Stopped
from syncd.gomus.client import Client
from syncd.gomus.options import GomusOptions
from syncd.mapping.mapper import Mapper
from syncd.sources.base import Source
from syncd.state.erasures import Erasures
from syncd.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """A configured pairing of a source with an instance."""

    name: str
    instance: str
    gomus: GomusOptions
    source: Source
    mapper: Mapper
    catalogue: Mapping[str, Field]
    limits: Limits
    mode: DeleteMode
    grace: timedelta
    recreate_vanished: bool
    audit_per_run: int  # so many of the longest unverified customers are read back in each run
    fix_drift: bool
    keep: timedelta  # outcomes and runs
    absence_terms: bytes = b""  # what decides in the configuration who is absent
    others: tuple[str, ...] = ()  # the other syncs of the same instance
    kin: frozenset[str] = frozenset()  # those of lists that may have the same people, this one included
    releases_linked: bool = True  # whom go~mus had before is released, whatever becomes of the others
    holds_addresses: bool = True  # for absence, whoever has addresses out of reach is left as it is
    timezone: tzinfo = UTC
    only: frozenset[str] | None = None  # of whom alone anything is sent; None: of everybody

    @property
    def absence_policy(self) -> AbsencePolicy:
        return AbsencePolicy(mode=self.mode, grace=self.grace, releases_linked=self.releases_linked)

    def today(self, now: datetime) -> date:
        """The day that it is where the museum is."""
        return now.astimezone(self.timezone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a run needs beside its sync: the state, the client, the time.

    `stopping` is the one event that ends the run. `sleep`, also that of the client and of the source, hears it too and
    raises Stopped when it is cut short.
    """

    store: Store
    erasures: Erasures = field(default_factory=Erasures)  # the ledger that outlives the state, where there is one
    digester: Digester
    client: Client
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    stopping: threading.Event = field(default_factory=threading.Event)
    progress: Callable[[str, int, int | None], None] = lambda _stage, _done, _total: None

    def stop_if_asked(self) -> None:
        """Raises Stopped once it is time to end."""
        if self.stopping.is_set():
            raise Stopped
