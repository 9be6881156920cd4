"""What is wrong at present, and whether somebody has been told: an alarm is raised once, and not by every run.

Several replicas may look at the same conditions: each step holds only where the condition is still as it was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from syncd.state import tables as t
from syncd.state.connect import LOOKING, translate_errors


class Telling(Enum):
    """Where the telling of a condition is."""

    DUE = "due"  # raised, and nobody knows yet
    TOLD = "told"
    OVER = "over"  # it was told, and is no longer so: that is due to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`level` is how bad it was when it was last told; `words` are what is to be told.

    `claimed_until`: so long it is being told by somebody.
    """

    sync: str
    kind: str
    since: datetime
    level: int
    telling: Telling
    words: str
    claimed_until: datetime | None = None


class Conditions:
    """Every method is one transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looking = engine.execution_options(**LOOKING)

    def _rows(self, *where: ColumnElement[bool]) -> Sequence[Row[Any]]:
        query = select(t.condition).where(*where).order_by(t.condition.c.sync, t.condition.c.kind)
        with translate_errors(self._engine), self._looking.connect() as connection:
            return connection.execute(query).all()

    def _write(self, statement: Any) -> bool:  # noqa: ANN401 - any DML
        with translate_errors(self._engine), self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def all(self) -> list[Condition]:
        return [_condition(row) for row in self._rows()]

    def find(self, sync: str, kind: str) -> Condition | None:
        c = t.condition.c
        return next(map(_condition, self._rows(c.sync == sync, c.kind == kind)), None)

    def add(self, condition: Condition) -> None:
        """Unless somebody else has noted it."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        values = {"sync": condition.sync, "kind": condition.kind, **_values(condition)}
        self._write(dialect.insert(t.condition).values(values).on_conflict_do_nothing())

    def change(self, seen: Condition, to: Condition) -> None:
        self._write(update(t.condition).where(*_still(seen)).values(_values(to)))

    def expect_more(self, sync: str, kind: str) -> None:
        """Whatever comes from now on is news to those who were told."""
        c = t.condition.c
        told = (c.sync == sync, c.kind == kind, c.telling == Telling.TOLD.value)
        self._write(update(t.condition).where(*told).values(level=0))

    def drop(self, seen: Condition) -> None:
        self._write(delete(t.condition).where(*_still(seen)))

    def claim(self, seen: Condition, now: datetime, until: datetime) -> bool:
        """True for the one who may tell it now."""
        claimed = t.condition.c.claimed_until
        free = update(t.condition).where(*_still(seen), or_(claimed.is_(None), claimed < now))
        return self._write(free.values(claimed_until=until))


def _condition(row: Row[Any]) -> Condition:
    return Condition(**{**row._asdict(), "telling": Telling(row.telling)})


def _still(seen: Condition) -> tuple[ColumnElement[bool], ...]:
    c = t.condition.c
    return (
        c.sync == seen.sync,
        c.kind == seen.kind,
        c.telling == seen.telling.value,
        c.level == seen.level,
        c.since == seen.since,
    )


def _values(condition: Condition) -> dict[str, Any]:
    return {
        "since": condition.since,
        "level": condition.level,
        "telling": condition.telling.value,
        "words": condition.words,
        "claimed_until": condition.claimed_until,
    }
