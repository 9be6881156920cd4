"""A museum for tests: a source that can be edited, a sandbox, a state database, a clock; and runs between them."""

import csv
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import sqlalchemy as sa
from databases import open_compiled, upgrade_by_copy
from faults import Choose, Fault, FaultTransport, Killed

from syncd.assembly import make_limits
from syncd.config.model import DeleteOptions, GuardOptions, StateOptions
from syncd.domain.diff import DeleteMode
from syncd.domain.digest import Digester
from syncd.domain.guards import Limits, Word
from syncd.domain.records import Position, SourceRecord
from syncd.domain.runs import Summary, Trigger
from syncd.errors import IncompleteRead, Stopped
from syncd.gomus.client import Client
from syncd.gomus.fields import FIELDS
from syncd.gomus.options import GomusOptions
from syncd.mapping.filters import Condition
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.runs.erase import erase
from syncd.runs.link import Linking, link_renamed
from syncd.runs.requests import undo_erasure
from syncd.runs.run import run
from syncd.runs.verify import Verification, verify
from syncd.runs.world import Sync, World
from syncd.sandbox.app import called_by_httpx, create_app
from syncd.sandbox.store import TOKEN, Sandbox
from syncd.sandbox.switches import Switches
from syncd.sources.base import Reading, ReadKind, Source, SourceOptions
from syncd.sources.files.csv import CsvOptions, CsvSource
from syncd.state.erasures import Erasures, Key
from syncd.state.held import Signature
from syncd.state.register import open_register
from syncd.state.store import Store
from syncd.state.tombstones import Instance

DEFAULT_LIMITS = make_limits(DeleteOptions(), GuardOptions())


class Clock:
    """Time that passes only when somebody waits, and a little with every look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
        self._lock = Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self.now += timedelta(milliseconds=1)
            return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += timedelta(seconds=seconds)


class ShelfOptions(SourceOptions):
    pass


class Shelf(Source):
    """A source in memory. `breaks_after` makes the read end early after so many records."""

    Options = ShelfOptions

    def __init__(self) -> None:
        self.options = ShelfOptions(type="shelf")
        self.rows: list[dict[str, object]] = []
        self.breaks_after: int | None = None

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:  # noqa: ARG002 - it tells no changes
        yield _ShelfReading(list(self.rows), self.breaks_after)


class _ShelfReading(Reading):
    kind = ReadKind.SNAPSHOT
    columns = None
    description = "shelf"

    def __init__(self, rows: Sequence[dict[str, object]], breaks_after: int | None) -> None:
        self._rows = rows
        self._breaks_after = breaks_after

    def __iter__(self) -> Iterator[SourceRecord]:
        for number, row in enumerate(self._rows):
            if number == self._breaks_after:
                raise IncompleteRead(f"shelf line {number + 2}", "the read broke off")
            yield SourceRecord(values=row, position=Position(source="shelf", line=number + 2))


class FileShelf(Shelf):
    """A source that is a real CSV file, read by the adapter, so that records may be recognised."""

    def __init__(self, folder: Path, **options: object) -> None:
        super().__init__()
        self.file = folder / "shelf.csv"
        self._source = CsvSource(
            CsvOptions.model_validate({"path": self.file.name, "settled": "0s", **options}),
            base=folder,
            sleep=lambda _: None,
            clock=lambda: datetime.now(UTC),
        )
        self.options = self._source.options
        self.text: str | None = None  # what is in the file, where it is not the rows

    @property
    def fingerprint(self) -> bytes:
        return self._source.fingerprint

    def write_rows(self) -> str:
        names = list(dict.fromkeys(name for row in self.rows for name in row)) or list(member(1))
        text = StringIO()
        writer = csv.DictWriter(text, names, delimiter=";", restval="")
        writer.writeheader()
        writer.writerows(self.rows if self.breaks_after is None else self.rows[: self.breaks_after])
        return text.getvalue() + ("" if self.breaks_after is None else '"cut off')

    def open(self, cursor: str | None = None) -> AbstractContextManager[Reading]:
        self._write()
        return self._source.open(cursor)

    def open_unless(self, is_known: Callable[[bytes], bool]) -> AbstractContextManager[Reading | None]:
        self._write()
        return self._source.open_unless(is_known)

    def _write(self) -> None:
        content = (self.write_rows() if self.text is None else self.text).encode()
        if not self.file.exists() or self.file.read_bytes() != content:
            self.file.write_bytes(content)


class Feed(Shelf):
    """A source in memory that can also tell what changed: every record has the number of its last change.

    A reading is given in pages of `page_size`; `told_twice` are records that it gives once more at its end.
    """

    full_every = timedelta(days=7)

    def __init__(self) -> None:
        super().__init__()
        self.changed_at: dict[str, int] = {}
        self.deleted: dict[str, dict[str, object]] = {}
        self.cursors: list[str | None] = []  # what each read was asked for
        self.told_twice: list[tuple[dict[str, object], bool]] = []
        self.shifts = False
        self.page_size = 100

    def put(self, row: dict[str, object]) -> None:
        self.rows[:] = [other for other in self.rows if other["id"] != row["id"]]
        self.rows.append(row)
        self.deleted.pop(str(row["id"]), None)
        self._touch(row)

    def delete(self, number: int) -> None:
        """And tell it."""
        name = f"{number:04d}"
        self.deleted[name] = next(row for row in self.rows if row["id"] == name)
        self.vanish(number)
        self._touch(self.deleted[name])

    def vanish(self, number: int) -> None:
        self.rows[:] = [row for row in self.rows if row["id"] != f"{number:04d}"]

    def _touch(self, row: dict[str, object]) -> None:
        self.changed_at[str(row["id"])] = max(self.changed_at.values(), default=0) + 1

    @contextmanager
    def open(self, cursor: str | None = None) -> Iterator[Reading]:
        self.cursors.append(cursor)
        since = int(cursor) if cursor else 0
        told = [(row, False) for row in self.rows] + [({"id": name}, True) for name in self.deleted]
        told = [one for one in told if self.changed_at.get(str(one[0]["id"]), 0) >= since]
        yield _FeedReading(self, cursor, told + self.told_twice)


class WatchfulFeed(Feed):
    """A feed that notices by itself what was edited since it was last read.

    One that tells deletions too is hardly ever read whole again: nothing may rest on that.
    """

    def __init__(self, *, tells_deletions: bool) -> None:
        super().__init__()
        self.full_every = timedelta(days=3650 if tells_deletions else 7)
        self.tells_deletions = tells_deletions
        self._seen: dict[str, list[dict[str, object]]] = {}

    def open(self, cursor: str | None = None) -> AbstractContextManager[Reading]:
        rows: dict[str, list[dict[str, object]]] = {}
        for row in self.rows:
            rows.setdefault(str(row["id"]), []).append(dict(row))
        for name in sorted(rows.keys() | self._seen.keys()):
            if rows.get(name) != self._seen.get(name):
                self._touch({"id": name})
                self.deleted.pop(name, None)
                if name not in rows and self.tells_deletions:
                    self.deleted[name] = {"id": name}
        self._seen = rows
        return super().open(cursor)


class _FeedReading(Reading):
    columns = None
    description = "feed"

    def __init__(self, feed: Feed, cursor: str | None, told: Sequence[tuple[dict[str, object], bool]]) -> None:
        self.kind = ReadKind.CHANGES if cursor else ReadKind.SNAPSHOT
        self.shifts = feed.shifts
        self.cursor = None
        self._feed = feed
        self._told = told
        self._latest = str(max(feed.changed_at.values(), default=0))

    def __iter__(self) -> Iterator[SourceRecord]:
        self.cursor = self._latest  # a read that breaks off has one as well, as a plug-in's may
        for number, (row, is_deleted) in enumerate(self._told):
            if number == self._feed.breaks_after:
                raise IncompleteRead(f"feed record {number}", "the read broke off", remedy="read it again")
            page, place = divmod(number, self._feed.page_size)
            position = Position(source=f"feed page {page + 1}", line=place + 1, unit="record")
            yield SourceRecord(values=row, position=position, deleted=is_deleted)


FIELDS_MAPPED = {
    "name": "given",
    "surname": "family",
    "email": "mail",
    "tel": "phone",
    "notes": "notes",
    "date_of_birth": "born",
}


def member(number: int, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "id": f"{number:04d}",
        "given": f"Ada{number}",
        "family": f"Muster{number}",
        "mail": f"ada{number}@example.org",
        "phone": f"+493023125{number:03d}",
        "notes": f"Mitglied {number}",
        "born": "1980-12-31",
    }
    return row | changes


@dataclass(kw_only=True)
class Museum:
    state_url: str
    name: str = "members"
    switches: Switches = field(default_factory=Switches)
    batch_size: int = 100
    concurrency: int = 2
    grace: timedelta = timedelta(0)
    mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE
    limits: Limits = DEFAULT_LIMITS
    recreate_vanished: bool = False
    attempts: int = 3
    releases_linked: bool = True
    holds_addresses: bool = True
    number_column: str | None = None  # with the numbers of customers that go~mus has already
    placeholder: Mapping[str, str | int] = field(default_factory=dict)
    audit_per_run: int = 0
    fix_drift: bool = False
    address: str = "https://demo.gomus.de"
    prefix: str = "M-"
    ids: dict[str, object] = field(default_factory=dict)  # what else the configuration says of ids
    twin: ForeignIdSpec | None = None  # how the list that `same_as` names has its ids
    kin: frozenset[str] = frozenset()  # the syncs of lists that may have the same people
    path: str = "members.csv"  # what decides absence in the configuration
    instance_name: str = "main"
    others: tuple[str, ...] = ()  # the other syncs of the instance
    ledger: str | None = None
    ledger_keys: tuple[str, ...] = ("the ledger's key",)
    shared_email: str = "report"
    is_unique: bool = False  # the configuration says that go~mus keeps foreign_ids unique
    who_wins: dict[str, str] = field(default_factory=dict)  # who wins, where it is not the source
    where: list[dict[str, object]] = field(default_factory=list)  # which records count
    timeout: timedelta = timedelta(seconds=30)
    clock: Clock = field(default_factory=Clock)
    standing: Sandbox | None = None  # an instance that is there already; a copy of it is used
    shelf: Shelf = field(default_factory=Shelf)
    opening: Callable[[str], sa.Engine] = open_compiled
    upgrading: Callable[[sa.Engine], None] = upgrade_by_copy

    def __post_init__(self) -> None:
        opened = {"clock": self.clock, "sleep": self._take_time}
        self.sandbox = self.standing.copy(**opened) if self.standing else Sandbox(self.switches, **opened)
        self._open_state()
        self.digester = Digester(b"the museum's key", FIELDS)
        self.transport = FaultTransport(
            httpx.WSGITransport(app=called_by_httpx(create_app(self.sandbox))), time=self.clock
        )

    def beside(self, name: str, prefix: str, shelf: Shelf) -> "Museum":
        """Another sync of the same instance, on the same state."""
        other = copy(self)
        other.name, other.prefix, other.shelf, other.others = name, prefix, shelf, (*self.others, self.name)
        self.others = tuple({*self.others, name})
        return other

    def _open_state(self) -> None:
        self.engine = self.opening(self.state_url)
        try:
            self.upgrading(self.engine)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.engine.dispose()

    def reopen(self) -> None:
        """As the next process finds it."""
        self.close()
        self._open_state()

    def _take_time(self, seconds: float) -> None:
        """go~mus's sleep: it is at work on a call of ours."""
        self.transport.take_time(seconds)

    @property
    def rows(self) -> list[dict[str, object]]:
        return self.shelf.rows

    def fill(self, count: int) -> None:
        self.shelf.rows[:] = [member(number) for number in range(1, count + 1)]

    def row(self, number: int) -> dict[str, object]:
        return next(row for row in self.shelf.rows if row["id"] == f"{number:04d}")

    def change_remotely(self, number: int, **fields: Any) -> None:
        """As a person does in go~mus itself."""
        customer = self.sandbox.by_foreign_id(f"M-{number:04d}")[0]
        self.sandbox.save(fields, customer)

    def remove(self, *numbers: int) -> None:
        gone = {f"{number:04d}" for number in numbers}
        self.shelf.rows[:] = [row for row in self.shelf.rows if row["id"] not in gone]

    @property
    def store(self) -> Store:
        return Store(self.engine, pack=self.digester.pack, unpack=self.digester.unpack)

    @property
    def erasures(self) -> Erasures:
        """The ledger that outlives the state."""
        keys = [Key(secret) for secret in self.ledger_keys]
        return Erasures(open_register(self.ledger), keys) if self.ledger else Erasures()

    @property
    def instance(self) -> Instance:
        return Instance.at(self.instance_name, self.options.url, self.digester)

    @property
    def options(self) -> GomusOptions:
        return GomusOptions.model_validate(
            {
                "url": self.address,
                "token": TOKEN,
                "batch_size": self.batch_size,
                "concurrency": self.concurrency,
                "attempts": self.attempts,
                "timeout": self.timeout,
                "placeholder": self.placeholder,
                "unique_foreign_ids": self.is_unique,
                "shared_email": self.shared_email,
            }
        )

    @property
    def sync(self) -> Sync:
        return Sync(
            name=self.name,
            instance=self.instance_name,
            gomus=self.options,
            source=self.shelf,
            mapper=Mapper(
                foreign_id=ForeignIdSpec.model_validate(
                    {"from": "id", "prefix": self.prefix, "gomus_id": self.number_column} | self.ids
                ),
                fields={
                    name: FieldSpec.model_validate({"from": column, "write": self.who_wins.get(name, "always")})
                    for name, column in FIELDS_MAPPED.items()
                },
                catalogue=FIELDS,
                where=[Condition.model_validate(one) for one in self.where],
                twin=self.twin,
            ),
            catalogue=FIELDS,
            limits=self.limits,
            mode=self.mode,
            grace=self.grace,
            recreate_vanished=self.recreate_vanished,
            audit_per_run=self.audit_per_run,
            fix_drift=self.fix_drift,
            keep=StateOptions().keep,
            absence_terms=f"{self.path}{self.where or ''}".encode(),
            timezone=ZoneInfo("Europe/Berlin"),
            others=self.others,
            kin=self.kin,
            releases_linked=self.releases_linked,
            holds_addresses=self.holds_addresses,
        )

    @contextmanager
    def world(self, faults: Choose = (), stops: Callable[[], bool] = lambda: False) -> Iterator[World]:
        """`stops` is asked at every call and every wait, and says when a signal comes."""
        stopping = threading.Event()

        def choose(request: httpx.Request, number: int) -> Fault | None:
            if stops():
                stopping.set()
            if callable(faults):
                return faults(request, number)
            return faults[number] if number < len(faults) else None

        def sleep(seconds: float) -> None:
            if stops():
                stopping.set()
            if stopping.is_set():
                raise Stopped
            self.clock.sleep(seconds)

        self.transport.choose = choose
        self.transport.happened.clear()
        self.transport.revive()
        client = Client(
            self.options,
            transport=self.transport,
            sleep=sleep,
            random=lambda: 0.5,
            clock=lambda: self.clock().timestamp(),
        )
        yield World(
            store=self.store,
            erasures=self.erasures,
            digester=self.digester,
            client=client,
            clock=self.clock,
            sleep=sleep,
            stopping=stopping,
        )

    def run(self, faults: Choose = (), *, probe: bool = True, stops: Callable[[], bool] = lambda: False) -> Summary:
        """One run; the calls it made are in `sandbox.calls`."""
        self.sandbox.reset_calls()
        with self.world(faults, stops) as world:
            return run(self.sync, world, trigger=Trigger.COMMAND_LINE, probe=probe)

    def erase(self, foreign_id: str, faults: Choose = (), *, stops: Callable[[], bool] = lambda: False) -> Summary:
        self.sandbox.reset_calls()
        with self.world(faults, stops) as world:
            return erase(self.sync, world, [foreign_id])

    def undo(self, foreign_id: str) -> bool:
        with self.world() as world:
            return undo_erasure(self.sync, world, foreign_id)

    def let_late_writes_come(self) -> None:
        """Whatever is on its way to go~mus arrives, and reads show it."""
        self.transport.flush()
        self.clock.sleep(120)
        with self.world() as world:
            for _ in range(self.sandbox.switches.lag + 2):
                world.client.whoami()
        self.sandbox.apply_accepted()

    def verify(self, *, sample: int | None = None, fix: bool = False) -> Verification:
        self.sandbox.reset_calls()
        with self.world() as world:
            return verify(self.sync, world, sample=sample, fix=fix)

    def link(self, pairs: Mapping[str, str], faults: Choose = ()) -> Linking:
        """`pairs`: new ids with the old ones."""
        self.sandbox.reset_calls()
        with self.world(faults) as world:
            return link_renamed(self.sync, world, pairs)

    def approve(self, word: Word = Word.APPROVED, *, but: Collection[str] = ()) -> bool:
        """A person's word on what is held, or else on what was rejected; False where there is nothing."""
        held = self.store.held.find(self.name)
        if not self.store.held.count_open(self.name):
            return False
        said = Signature(by="somebody", why=None, at=self.clock.now)
        return self.store.held.decide(self.name, held.run_id if held else None, word, but=but, said=said)

    def listed(self) -> dict[str, str]:
        """Who is shown as invalid or refused, and why."""
        invalid = {str(row.foreign_id): str(row.problems) for row in self.store.failures.invalid(self.name)}
        return invalid | {row.foreign_id: row.reason for row in self.store.failures.refused(self.name)}

    def lose_state(self) -> None:
        """Beside SQLite."""
        self.close()
        for file in Path(str(self.engine.url.database)).parent.glob("state.db*"):
            file.unlink()
        self._open_state()

    def back_up(self) -> bytes:
        """The database of now, beside SQLite."""
        self.engine.dispose()
        return Path(str(self.engine.url.database)).read_bytes()

    def restore(self, backup: bytes) -> None:
        """Beside SQLite."""
        self.close()
        file = Path(str(self.engine.url.database))
        for beside in file.parent.glob("state.db-*"):
            beside.unlink()
        file.write_bytes(backup)
        self._open_state()

    def calls(self) -> list[str]:
        return [str(call).replace("/api/v4", "") for call in self.sandbox.calls]

    def writes(self) -> list[Any]:
        return [call for call in self.sandbox.calls if call.method != "GET"]


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'state.db'}"


@contextmanager
def mortal(museum: Museum, commits: int) -> Iterator[Callable[[], int]]:
    """Dies when it is about to commit for the n-th time, and commits nothing after it was killed in a call.

    Answers what counts the commits.
    """
    done = 0

    def count(_connection: sa.Connection) -> None:
        nonlocal done
        if done >= commits or museum.transport.is_dead:
            raise Killed
        done += 1

    sa.event.listen(museum.engine, "commit", count)
    try:
        yield lambda: done
    finally:
        sa.event.remove(museum.engine, "commit", count)
