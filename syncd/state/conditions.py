"""What is wrong at present, and whether it has been reported: an alarm goes out once, and not with every run.

Several replicas may look at the same conditions: each step counts only if the condition is still as it was seen.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, delete, or_, select, update

from syncd.state import tables as t
from syncd.state.transactions import Transactions

C = t.condition.c


class Telling(Enum):
    """Whether the condition has been reported."""

    DUE = "due"  # raised, and nobody knows yet
    TOLD = "told"
    OVER = "over"  # it was told, and is no longer so: that is due to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`level` is how bad it was when it was last reported; `words` are the report.

    `claimed_until`: until then one process is busy reporting it.
    """

    sync: str
    kind: str
    since: datetime
    level: int
    telling: Telling
    words: str
    claimed_until: datetime | None = None


class Conditions:
    """The table `condition`. Each method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._db = Transactions(engine)

    def all(self) -> list[Condition]:
        return [_condition(row) for row in self._db.rows(select(t.condition).order_by(C.sync, C.kind))]

    def find(self, sync: str, kind: str) -> Condition | None:
        row = self._db.first(select(t.condition).where(C.sync == sync, C.kind == kind))
        return _condition(row) if row else None

    def add(self, condition: Condition) -> None:
        """Add a condition, unless another process has added it already."""
        self._db.write(self._db.insert(t.condition).values(_columns(condition)).on_conflict_do_nothing())

    def change(self, seen: Condition, to: Condition) -> None:
        self._db.write(update(t.condition).where(*_still(seen)).values(_columns(to)))

    def expect_more(self, sync: str, kind: str) -> None:
        """Let the next alarm of this kind go out even if nothing got worse: a person has dealt with the last one."""
        told = (C.sync == sync, C.kind == kind, C.telling == Telling.TOLD.value)
        self._db.write(update(t.condition).where(*told).values(level=0))

    def drop(self, seen: Condition) -> None:
        self._db.write(delete(t.condition).where(*_still(seen)))

    def claim(self, seen: Condition, now: datetime, until: datetime) -> bool:
        """Claim the right to report a condition; True for one process only."""
        free = update(t.condition).where(*_still(seen), or_(C.claimed_until.is_(None), C.claimed_until < now))
        return self._db.write(free.values(claimed_until=until)) == 1


def _condition(row: Row[Any]) -> Condition:
    return Condition(**{**row._asdict(), "telling": Telling(row.telling)})


def _still(seen: Condition) -> tuple[ColumnElement[bool], ...]:
    return (
        C.sync == seen.sync,
        C.kind == seen.kind,
        C.telling == seen.telling.value,
        C.level == seen.level,
        C.since == seen.since,
    )


def _columns(condition: Condition) -> dict[str, Any]:
    return {**asdict(condition), "telling": condition.telling.value}
