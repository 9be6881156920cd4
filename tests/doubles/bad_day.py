"""What a status page is shown for: a daemon that only answers, and a state database in which weeks have passed."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncd.assembly import opening_state
from syncd.config import load
from syncd.config.model import Config
from syncd.domain.changes import Action, Outcome, Result, Update
from syncd.domain.guards import Guard, Held
from syncd.domain.records import Digests, FieldProblem, InvalidRecord, Position
from syncd.domain.runs import Status, Summary, Trigger
from syncd.state.failures import Quarantined
from syncd.state.held import HeldChange
from syncd.state.known import KnownRow
from syncd.state.store import Store

NOW = datetime(2026, 3, 9, 13, 5, tzinfo=UTC)  # a Monday, 14:05 in Berlin
SYNC = """
[sync.{name}]
{schedule}
[sync.{name}.source]
type = "csv"
path = "{name}.csv"
[sync.{name}.foreign_id]
from = "Nr"
prefix = "{name}-"
[sync.{name}.fields]
name = "Vorname"
"""


@dataclass
class QuietDaemon:
    """The daemon as the page asks it; a test sets what it answers."""

    config: Config
    why: list[str] = field(default_factory=list)
    due: dict[str, datetime] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)

    def problems(self) -> Sequence[str]:
        return self.why

    def next_run(self, sync: str) -> datetime | None:
        return self.due.get(sync)

    def running(self) -> Collection[str]:
        return self.under_way


def make_daemon(
    folder: Path, *names: str, state: str = "sqlite:///syncd.db", schedule: str = "every 15m"
) -> QuietDaemon:
    text = f'[state]\nurl = "{state}"\ndigest_key = {{ env = "KEY" }}\n[gomus.main]\n'
    text += 'url = "https://demo.gomus.de"\ntoken = { env = "TOKEN" }\n'
    text += "".join(SYNC.format(name=name, schedule=f'schedule = "{schedule}"' if schedule else "") for name in names)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return QuietDaemon(load(folder / "config.toml", {"TOKEN": "Zz-secret-token", "KEY": "Zz-secret-key"}))


@contextmanager
def writing(daemon: QuietDaemon) -> Iterator[Store]:
    """As a run would; the clock of the fences starts with the first."""
    with opening_state(daemon.config) as state:
        for name in daemon.config.syncs:
            state.store.runs.enter(name, b"address")
        yield state.store


def add_run(
    store: Store,
    sync: str,
    status: Status | None,
    counts: dict[str, int] | None = None,
    *,
    at: datetime = NOW - timedelta(minutes=5),
    error: str | None = None,
    remedy: str | None = None,
) -> str:
    run_id = f"{at:%Y%m%dT%H%M%S}-{sync}"
    store.runs.begin(run_id, sync, "main", Trigger.SCHEDULE, at)
    if status is not None:
        summary = Summary(sync=sync, run_id=run_id, status=status, counts=counts or {}, error=error, remedy=remedy)
        store.runs.finish(summary, at + timedelta(seconds=12.4))
    return run_id


def add_known(store: Store, sync: str, count: int) -> None:
    digests = Digests(record=b"r")
    rows = [
        KnownRow(foreign_id=f"{sync}-{number}", gomus_id=number + 1000, digests=digests, source_digest=b"s")
        for number in range(count)
    ]
    store.known.put(sync, rows)


def add_invalid(store: Store, sync: str, run_id: str, problems: dict[tuple[str, str], int]) -> None:
    kinds = [problem for problem, count in problems.items() for _ in range(count)]
    store.failures.replace_invalid(
        sync,
        run_id,
        [
            InvalidRecord(
                foreign_id=f"{sync}-{900 + line}",
                position=Position(source=f"{sync}.csv", line=line),
                problems=(FieldProblem(field=name, reason=reason),),
            )
            for line, (name, reason) in enumerate(kinds, start=2)
        ],
    )


def add_refused(store: Store, sync: str, reasons: dict[str, int]) -> None:
    for number, reason in enumerate(reason for reason, count in reasons.items() for _ in range(count)):
        store.failures.set_aside(
            sync,
            Quarantined(
                foreign_id=f"{sync}-{700 + number}",
                content=b"c",
                action="update",
                reason=reason,
                status=422,
                tries=2,
                since=NOW - timedelta(days=2),
                next_try_at=NOW + timedelta(hours=4),
            ),
        )


def hold(store: Store, sync: str, run_id: str, reason: str, count: int) -> None:
    changes = [
        HeldChange(foreign_id=f"{sync}-{number}", action="delete", content=b"c", guards=("delete",))
        for number in range(count)
    ]
    store.held.put(sync, run_id, [Held(guard=Guard.DELETE, reason=reason)], changes, NOW - timedelta(hours=3))


def fail_updates(store: Store, sync: str, run_id: str, count: int, *, error: str) -> None:
    """So many updates that the run has sent, and go~mus refused, in the journal."""
    changes = [
        Update(foreign_id=f"{sync}-{number}", gomus_id=number + 1000, fields={}, digests=Digests(), source_digest=b"s")
        for number in range(count)
    ]
    numbers = store.journal.begin(run_id, sync, changes, Action.UPDATE, NOW)
    outcomes = [
        Outcome(change=one, action=Action.UPDATE, result=Result.FAILED, gomus_id=one.gomus_id, status=422, error=error)
        for one in changes
    ]
    store.journal.settle(list(zip(numbers, outcomes, strict=True)), NOW)


def fill(daemon: QuietDaemon) -> None:
    """Four syncs as they might stand on a bad day: in order, with failures, held, failed."""
    with writing(daemon) as store:
        counts = {"records": 12480, "update": 3, "create": 1, "invalid": 9}
        _weeks(store, "members", last=(Status.PROBLEMS, counts))
        add_known(store, "members", 1240)
        add_invalid(
            store,
            "members",
            store.runs.latest("members", 1)[0].id,
            {
                ("date_of_birth", "is not a date in the form 31.12.1980"): 5,
                ("email", "is not an e-mail address"): 2,
                ("customer_salutation_id", "has no entry in the column 'Anrede (gewünscht)' that go~mus knows"): 1,
                ("foreign_id", "stands more than once, with different contents (first: members.csv line 77)"): 1,
            },
        )
        add_refused(store, "members", {"go~mus refused (422): Customer 4711: surname can't be blank": 2})
        _weeks(store, "schools", last=(Status.HELD, {"records": 310}))
        add_known(store, "schools", 412)
        run_id = store.runs.latest("schools", 1)[0].id
        reason = "102 of 412 known customers would be deleted within 24 hours; the limit is 5 % and 100"
        hold(store, "schools", run_id, reason, 102)
        _weeks(store, "donors", last=(Status.FAILED, {}), error=True)
        add_known(store, "donors", 87)
        _weeks(store, "foerderkreis", last=(Status.DONE, {"records": 640, "unchanged": 640}))
        add_known(store, "foerderkreis", 640)
    daemon.due = {name: NOW + timedelta(minutes=10) for name in ("members", "schools", "donors")}


def _weeks(store: Store, sync: str, *, last: tuple[Status, dict[str, int]], error: bool = False) -> None:
    """A first import, then quiet days with a few changes, and the last run."""
    for day in range(28, 0, -1):
        at = NOW - timedelta(days=day, minutes=5)
        counts = {"records": 400, "create": 390} if day == 28 else {"records": 400, "update": day * 7 % 5 * (day % 3)}
        status = {20: Status.FAILED, 13: Status.PROBLEMS, 9: Status.STOPPED}.get(day, Status.DONE)
        add_run(
            store,
            sync,
            status,
            counts if status is not Status.FAILED else {},
            at=at,
            error="no connection to go~mus" if status is Status.FAILED else None,
        )
    add_run(
        store,
        sync,
        *last,
        error="Förderkreis-März.csv line 214: the row has 11 cells, the header 12" if error else None,
        remedy="mend the export; nothing was written, nobody was deleted" if error else None,
    )
