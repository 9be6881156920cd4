"""What is wrong at present, and whether somebody has been told: an alarm is raised once, and not by every run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Engine, delete, select, update

from syncd.state import tables as t
from syncd.state.connect import LOOKING, translate_errors


class Telling(Enum):
    """Where the telling of a condition is."""

    DUE = "due"  # raised, and nobody knows yet
    TOLD = "told"
    OVER = "over"  # it was told, and is no longer so: that is due to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`level` is how bad it was when it was last told; `words` are what is to be told."""

    sync: str
    kind: str
    since: datetime
    level: int
    telling: Telling
    words: str


class Conditions:
    """Every method is one transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looking = engine.execution_options(**LOOKING)

    def all(self) -> Sequence[Condition]:
        query = select(t.condition).order_by(t.condition.c.sync, t.condition.c.kind)
        with translate_errors(self._engine), self._looking.connect() as connection:
            rows = connection.execute(query).all()
        return [Condition(**{**row._asdict(), "telling": Telling(row.telling)}) for row in rows]

    def put(self, condition: Condition) -> None:
        c = t.condition.c
        where = (c.sync == condition.sync, c.kind == condition.kind)
        values: dict[str, Any] = {
            "since": condition.since,
            "level": condition.level,
            "telling": condition.telling.value,
            "words": condition.words,
        }
        with translate_errors(self._engine), self._engine.begin() as connection:
            if not connection.execute(update(t.condition).where(*where).values(values)).rowcount:
                connection.execute(t.condition.insert(), {"sync": condition.sync, "kind": condition.kind, **values})

    def drop(self, condition: Condition) -> None:
        c = t.condition.c
        with translate_errors(self._engine), self._engine.begin() as connection:
            connection.execute(delete(t.condition).where(c.sync == condition.sync, c.kind == condition.kind))
