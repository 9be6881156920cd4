"""What stays of an erased customer: a keyed digest of the foreign_id, called its name, and why it was erased."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, literal_column, select, update

from syncd.domain.changes import Action, Cause, Result
from syncd.domain.digest import Digester
from syncd.domain.trail import Entry, What
from syncd.state import tables as t
from syncd.state.transactions import Transactions

C = t.tombstone.c
REQUESTED = C.reason == literal_column(f"'{Cause.REQUEST.value}'")  # as the index has it: no parameter would do


@dataclass(frozen=True, slots=True)
class Instance:
    """One go~mus: its name in the configuration, and the digest of its url. Either may change; the other tells it."""

    name: str
    address: bytes

    @classmethod
    def at(cls, name: str, url: str, digester: Digester) -> "Instance":
        return cls(name, digester.name(url))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an erasure on request, without a word about whom; `times` it came to nothing but this.

    Steps of earlier versions have no trail.
    """

    at: str
    action: str
    result: str
    remark: str | None
    times: int = 1
    trail: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, at: datetime, action: Action, result: Result, remark: str | None, trail: tuple[Entry, ...]) -> "Step":
        return cls(at=at.isoformat(), action=action.value, result=result.value, remark=remark, trail=trail)

    def is_again(self, earlier: "Step") -> bool:
        """Whether it failed as the one before did: a museum whose go~mus is out of reach tries it with each run."""
        this, that = ((one.action, one.result, one.remark, _gist(one.trail)) for one in (self, earlier))
        return this == that and self.result == Result.FAILED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """`sync`, `by` and `why` are of the erasure.

    `foreign_id` is there as long as an erasure on request is open. `ledger` is the person's digest in the ledger of
    erasures.
    """

    name: bytes
    sync: str
    cause: Cause
    at: datetime
    by: str | None = None
    why: str | None = None
    foreign_id: str | None = None
    steps: tuple[Step, ...] = ()
    ledger: bytes | None = None

    @property
    def latest(self) -> tuple[Step, ...]:
        """The steps since it was asked for the last time."""
        return tuple(step for step in self.steps if datetime.fromisoformat(step.at) >= self.at)


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The table `tombstone`; those of an instance hold for all its syncs."""

    db: Transactions

    # --- questions ---

    def is_empty(self) -> bool:
        return self.db.first(select(C.reason).limit(1)) is None

    def find(self, instance: Instance, names: Collection[bytes]) -> dict[bytes, Cause]:
        rows = list(self.db.rows_among(select(C.name, C.reason).where(_of(instance)), C.name, names))
        requested = {row.name: Cause.REQUEST for row in rows if row.reason == Cause.REQUEST.value}
        return {row.name: Cause(row.reason) for row in rows} | requested

    def find_requested(self, instance: Instance, name: bytes) -> Tombstone | None:
        return next(iter(self._requested(instance, C.name == name)), None)

    def requested(self, instance: Instance) -> list[Tombstone]:
        """The erasures on request, the latest first."""
        return self._requested(instance)

    def requested_lately(self, instance: Instance, since: datetime) -> list[Tombstone]:
        """The erasures on request that are open, or were asked for since a moment."""
        return self._requested(instance, C.foreign_id.is_not(None) | (C.at >= since))

    def _requested(self, instance: Instance, *where: ColumnElement[bool]) -> list[Tombstone]:
        latest = {row.name: _tombstone(row) for row in self._rows(instance, *where)}  # one that has moved has copies
        return sorted(latest.values(), key=lambda one: (one.at, one.name), reverse=True)

    def _rows(self, instance: Instance, *where: ColumnElement[bool]) -> list[Row[Any]]:
        """Sorted out here: a database would rather look through all tombstones of the instance."""
        rows = self.db.rows(select(t.tombstone).where(REQUESTED, *where).order_by(C.at))
        return [row for row in rows if row.instance == instance.name or row.address == instance.address]

    # --- writes ---

    def put(self, instance: Instance, tombstone: Tombstone) -> None:
        """One of a request stays one."""
        columns = {
            **asdict(tombstone),
            "steps": _written(tombstone.steps),
            "instance": instance.name,
            "address": instance.address,
            "reason": tombstone.cause.value,
        }
        del columns["cause"]
        key = ["instance", "address", "name"]
        statement = self.db.insert(t.tombstone)
        new = {name: statement.excluded[name] for name in columns if name not in key}
        replaced = None if tombstone.cause is Cause.REQUEST else ~REQUESTED
        self.db.write(statement.on_conflict_do_update(index_elements=key, set_=new, where=replaced), [columns])

    def add_step(self, instance: Instance, name: bytes, step: Step) -> None:
        """Write down what was done for an erasure on request; nothing where none is open."""
        found = self.find_requested(instance, name)
        if found is None or found.foreign_id is None:
            return
        *before, last = found.steps or (None,)
        steps = [*before, last, step] if last else [step]
        if last and step.is_again(last):
            steps = [*before, replace(step, times=last.times + 1)]
        self._change(instance, name, {"steps": _written(steps)})

    def finish(self, instance: Instance, name: bytes) -> None:
        """Note that an erasure on request is over. One that was taken back meanwhile is none any more."""
        self._change(instance, name, {"foreign_id": None})

    def _change(self, instance: Instance, name: bytes, values: Mapping[str, str | None]) -> None:
        self.db.write(update(t.tombstone).where(_of(instance), REQUESTED, C.name == name).values(values))

    def lift(self, instance: Instance, names: Collection[bytes], cause: Cause) -> None:
        """Forget the erasures of this cause; one on request is lifted by a person's word only."""
        statement = delete(t.tombstone).where(_of(instance), C.reason == cause.value)
        self.db.write_among(statement, C.name, names)

    def follow(self, instance: Instance) -> None:
        """Let the requests made under its former name or address hold, whichever of the two changes next."""
        today = {"instance": instance.name, "address": instance.address}
        rows = [row._asdict() for row in self._rows(instance)]
        exact = {row["name"] for row in rows if row.items() >= today.items()}
        left = {row["name"]: row | today for row in rows if row["name"] not in exact}
        self.db.write(self.db.insert(t.tombstone).on_conflict_do_nothing(), list(left.values()))


def _of(instance: Instance) -> ColumnElement[bool]:
    return (C.instance == instance.name) | (C.address == instance.address)


def _tombstone(row: Row[Any]) -> Tombstone:
    steps = tuple(_step(**step) for step in json.loads(row.steps or "[]"))
    columns = {name: getattr(row, name) for name in Tombstone.__slots__ if name not in ("cause", "steps")}
    return Tombstone(**columns, cause=Cause(row.reason), steps=steps)


def _written(steps: Iterable[Step]) -> str:
    return json.dumps([asdict(step) | {"trail": [_plain(entry) for entry in step.trail]} for step in steps])


def _plain(entry: Entry) -> dict[str, Any]:
    """Without what is empty."""
    columns = {name: value for name, value in asdict(entry).items() if value not in (None, ())}
    return {**columns, "at": entry.at.isoformat(), "what": entry.what.value}


def _step(trail: Iterable[Mapping[str, Any]] = (), **columns: Any) -> Step:  # noqa: ANN401 - as json reads them
    return Step(**columns, trail=tuple(map(_entry, trail)))


def _entry(columns: Mapping[str, Any]) -> Entry:
    at, what = datetime.fromisoformat(columns["at"]), What(columns["what"])
    return Entry(**{**columns, "at": at, "what": what, "fields": tuple(columns.get("fields", ()))})


def _gist(trail: Iterable[Entry]) -> list[Entry]:
    """All but the times."""
    return [replace(entry, at=datetime.min.replace(tzinfo=UTC)) for entry in trail]
