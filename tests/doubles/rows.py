"""What tests write into a state database."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from syncd.domain.changes import Cause, Change, Create, Erase, Outcome, Result
from syncd.domain.digest import Digester
from syncd.domain.records import Digests, FieldProblem, InvalidRecord, Position
from syncd.gomus.fields import FIELDS
from syncd.state.failures import Quarantined
from syncd.state.known import KnownRow
from syncd.state.store import Store
from syncd.state.tombstones import Instance, Tombstone

NOW = datetime(2026, 3, 1, 8, 30, 15, 123456, tzinfo=UTC)
MAIN = Instance("main", b"address")
LATER = NOW + timedelta(hours=1)
DIGESTER = Digester(b"key", FIELDS)
DIGESTS = Digests(record=b"r" * 16, fields={"name": b"12345678", "email": b"abcdefgh"})


def store_on(engine: sa.Engine) -> Store:
    return Store(engine, pack=DIGESTER.pack, unpack=DIGESTER.unpack)


def ids(count: int) -> list[str]:
    return [f"M-{number:05}" for number in range(count)]


def known(foreign_id: str, **changes: object) -> KnownRow:
    row: dict[str, object] = {"gomus_id": 2**40, "digests": DIGESTS, "source_digest": b"s" * 16}
    return KnownRow(foreign_id=foreign_id, **(row | changes))  # type: ignore[arg-type]


def create(foreign_id: str, *fields: str) -> Create:
    return Create(foreign_id=foreign_id, fields=dict.fromkeys(fields, "x"), digests=DIGESTS, source_digest=b"s" * 16)


def erase(foreign_id: str) -> Erase:
    return Erase(foreign_id=foreign_id, gomus_id=1, cause=Cause.REQUEST)


def outcome(change: Change, **changes: object) -> Outcome:
    row: dict[str, object] = {"action": change.action, "result": Result.OK, "gomus_id": 5, "status": 201}
    return Outcome(change=change, **(row | changes))  # type: ignore[arg-type]


def tombstone(foreign_id: str, cause: Cause = Cause.REQUEST, /, **changes: object) -> Tombstone:
    row: dict[str, object] = {"name": DIGESTER.name(foreign_id), "sync": "members", "cause": cause, "at": NOW}
    return Tombstone(**(row | changes))  # type: ignore[arg-type]


def invalid(foreign_id: str | None, line: int) -> InvalidRecord:
    problem = FieldProblem(field="email", reason="is no address")
    return InvalidRecord(foreign_id=foreign_id, position=Position(source="m.csv", line=line), problems=(problem,))


def refused(foreign_id: str, **changes: object) -> Quarantined:
    row: dict[str, object] = {
        "foreign_id": foreign_id,
        "content": b"c" * 16,
        "action": "create",
        "reason": "email: is invalid",
        "status": 422,
        "tries": 1,
        "since": NOW,
        "next_try_at": LATER,
    }
    return Quarantined(**(row | changes))  # type: ignore[arg-type]
