"""The journal: every intent before its call, every outcome after it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, select, update

from syncd.domain.changes import Action, Change, Create, Outcome, Result, names_sent
from syncd.state import tables as t
from syncd.state.columns import Moment
from syncd.state.transactions import Transactions

C = t.journal.c
OUTCOME = ("action", "gomus_id", "result", "status", "attempts", "error", "settled_at")
INSERT = t.journal.insert()
SETTLE = update(t.journal).where(C.id == bindparam("number")).values({name: bindparam(name) for name in OUTCOME})

REMARKABLE = (C.result != "ok") | C.error.is_not(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIntent:
    """An intent without an outcome: its call was cut off, or its effect is still unknown; `fields` are those sent."""

    number: int
    foreign_id: str
    gomus_id: int | None
    action: Action
    fields: tuple[str, ...]
    begun_at: datetime
    sent_at: datetime  # when its call last went out, or its answer was given up
    round: int = 0  # how often it was sent again, and never found
    is_unmet: bool = False  # a create that nobody has looked for before: go~mus may have had the customer


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line as people read it; `fields` are names, `result` is None while the intent is open."""

    run_id: str
    foreign_id: str
    gomus_id: int | None
    action: str
    fields: tuple[str, ...]
    begun_at: datetime
    settled_at: datetime | None
    result: str | None
    status: int | None
    attempts: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """The table `journal`; an outcome completes the line of its intent."""

    db: Transactions

    # --- writes ---

    def begin(self, run_id: str, sync: str, changes: Sequence[Change], action: Action, at: datetime) -> list[int]:
        """Write intents down before their calls; answers their numbers in the same order."""
        if not changes:
            return []
        with self.db.transaction():
            numbers = self.db.next_numbers(C.id, len(changes))
            lines = [
                {
                    "id": number,
                    "run_id": run_id,
                    "sync": sync,
                    "foreign_id": change.foreign_id,
                    "gomus_id": change.gomus_id,
                    "action": action.value,
                    "fields": ",".join(names_sent(change)),
                    "begun_at": at,
                    "sent_at": at,
                    "round": 0,
                    "is_unmet": isinstance(change, Create) and change.is_unmet,
                }
                for number, change in zip(numbers, changes, strict=True)
            ]
            self.db.write_many(INSERT, lines)
        return list(numbers)

    def send_again(self, numbers: Sequence[int], at: datetime, *, is_round: bool = False) -> None:
        """Write down, before the call, that intents are carried out once more; `is_round` counts it."""
        values = {"sent_at": at} | ({"round": C.round + 1} if is_round else {})
        self.db.write_among(update(t.journal).values(values), C.id, numbers)

    def keep_open(self, numbers: Sequence[int], at: datetime) -> None:
        """Write down that the answers to these were given up."""
        self.db.write_among(update(t.journal).values(sent_at=at), C.id, numbers)

    def settle(self, outcomes: Sequence[tuple[int, Outcome]], at: datetime) -> None:
        """Write down what became of the intents with these numbers."""
        self.db.write_many(SETTLE, [{"number": number, **_settled(outcome, at)} for number, outcome in outcomes])

    def note(self, run_id: str, sync: str, outcomes: Sequence[Outcome], at: datetime) -> None:
        """Write down outcomes that were found by looking, with no intent before them."""
        lines = [
            {
                "run_id": run_id,
                "sync": sync,
                "foreign_id": outcome.change.foreign_id,
                "fields": "",
                "begun_at": at,
                "round": 0,
                "is_unmet": False,
                **_settled(outcome, at if outcome.settled else None),
            }
            for outcome in outcomes
        ]
        self.db.write_many(INSERT, lines)

    def close(self, intent: OpenIntent, result: str, *, gomus_id: int | None, words: str, at: datetime) -> None:
        """Write down what a look made of an open intent."""
        values = {"result": result, "gomus_id": gomus_id, "attempts": 0, "error": words, "settled_at": at}
        self.db.write(update(t.journal).where(C.id == intent.number).values(values))

    # --- questions ---

    def open_intents(self, sync: str) -> list[OpenIntent]:
        sent_at = func.coalesce(C.sent_at, C.begun_at, type_=Moment).label("sent_at")
        columns = (C.foreign_id, C.gomus_id, C.action, C.fields, C.begun_at, sent_at, C.round, C.is_unmet)
        query = select(C.id.label("number"), *columns).where(C.sync == sync, C.settled_at.is_(None)).order_by(C.id)
        rows = self.db.rows(query)
        return [
            OpenIntent(**{**row._asdict(), "action": Action(row.action), "fields": names_in(row.fields)})
            for row in rows
        ]

    def has_open_write(self, syncs: Collection[str], foreign_id: str, *, since: datetime | None = None) -> bool:
        """Whether a call is open that may still make the customer, or fill it again."""
        writes = [action.value for action in (Action.CREATE, Action.ADOPT, Action.LINK, Action.UPDATE)]
        query = select(C.id).where(C.sync.in_(syncs), C.foreign_id == foreign_id, C.settled_at.is_(None))
        if since is not None:
            query = query.where(func.coalesce(C.sent_at, C.begun_at) > since)
        return self.db.first(query.where(C.action.in_(writes)).limit(1)) is not None

    def is_taken(self, sync: str, foreign_id: str, *, since: datetime) -> bool:
        """Whether the last that go~mus has taken since is the customer, not its erasure."""
        taken = (C.sync == sync, C.foreign_id == foreign_id, C.result == Result.OK.value, C.settled_at > since)
        last = self.db.first(select(C.action).where(*taken).order_by(C.settled_at.desc(), C.id.desc()).limit(1))
        gone = (Action.ANONYMIZE.value, Action.DELETE.value, Action.RELEASE.value)
        return last is not None and last.action not in gone

    def count_created(self, sync: str, *, since: datetime) -> int:
        """How many customers were created since."""
        created = (C.sync == sync, C.action == Action.CREATE.value, C.result == "ok", C.settled_at >= since)
        return int(self.db.rows(select(func.count()).where(*created))[0][0])

    def unclear(self, sync: str) -> frozenset[str]:
        """Whose create was sent and may still come to pass, or who may still get this foreign_id."""
        makes = C.action.in_((Action.CREATE.value, Action.LINK.value))
        rows = self.db.rows(select(C.foreign_id).where(C.sync == sync, C.settled_at.is_(None), makes))
        return frozenset(row.foreign_id for row in rows)

    def linking(self, sync: str) -> frozenset[int]:
        """The numbers of the customers who may still get another foreign_id."""
        is_open = (C.sync == sync, C.settled_at.is_(None), C.action == Action.LINK.value)
        return frozenset(row.gomus_id for row in self.db.rows(select(C.gomus_id).where(*is_open)))

    def of_customer(self, sync: str, foreign_id: str, limit: int | None = 50) -> list[JournalLine]:
        """The latest first; all without a limit."""
        query = select(t.journal).where(C.sync == sync, C.foreign_id == foreign_id).order_by(C.id.desc()).limit(limit)
        return [_line(row) for row in self.db.rows(query)]

    def remarks_of(self, run_id: str, limit: int) -> list[JournalLine]:
        """What did not simply go well in a run: failed, skipped, or with words."""
        query = select(t.journal).where(C.run_id == run_id, REMARKABLE).order_by(C.id).limit(limit)
        return [_line(row) for row in self.db.rows(query)]

    def count_remarks(self, run_id: str) -> dict[tuple[str, str, str], int]:
        """By action, result and words, whom they concern left aside."""
        columns = (C.action, C.result, C.error)
        query = select(*columns, func.count().label("number")).where(C.run_id == run_id, REMARKABLE).group_by(*columns)
        return {(row.action, row.result or "open", row.error or ""): row.number for row in self.db.rows(query)}

    def count_outcomes(self, run_id: str) -> dict[tuple[str, str], int]:
        """By action and result; what has not ended has the result "open"."""
        return self._count_outcomes(C.run_id == run_id)

    def count_outcomes_since(self, sync: str, since: datetime) -> dict[tuple[str, str], int]:
        """The same of all runs of a sync that began since then."""
        return self._count_outcomes(_in_runs_since(sync, since))

    def _count_outcomes(self, which: ColumnElement[bool]) -> dict[tuple[str, str], int]:
        query = select(C.action, C.result, func.count().label("number")).where(which).group_by(C.action, C.result)
        return {(row.action, row.result or "open"): row.number for row in self.db.rows(query)}

    def count_fields(self, run_id: str, actions: Sequence[str]) -> dict[str, int]:
        """For how many customers each field was sent, and accepted."""
        return self._count_fields(C.run_id == run_id, actions)

    def count_fields_since(self, sync: str, since: datetime, actions: Sequence[str]) -> dict[str, int]:
        """How often, in all runs of a sync that began since then."""
        return self._count_fields(_in_runs_since(sync, since), actions)

    def _count_fields(self, which: ColumnElement[bool], actions: Sequence[str]) -> dict[str, int]:
        query = select(C.fields, func.count().label("number")).where(which, C.result == "ok", C.action.in_(actions))
        counted: Counter[str] = Counter()
        for row in self.db.rows(query.group_by(C.fields)):
            counted.update(dict.fromkeys(names_in(row.fields), row.number))
        return dict(counted)


def _in_runs_since(sync: str, since: datetime) -> ColumnElement[bool]:
    runs = select(t.run.c.id).where(t.run.c.sync == sync, t.run.c.started_at >= since)
    return and_(C.sync == sync, C.run_id.in_(runs))


def _settled(outcome: Outcome, at: datetime | None) -> dict[str, Any]:
    """The columns of an outcome; all but the first two are empty where the intent stays open."""
    columns: dict[str, Any] = {"action": outcome.action.value, "gomus_id": outcome.gomus_id}
    if at is None:
        return {**dict.fromkeys(OUTCOME), **columns}
    return {
        **columns,
        "result": outcome.result.value,
        "status": outcome.status,
        "attempts": outcome.attempts,
        "error": outcome.error,
        "settled_at": at,
    }


def _line(row: Row[Any]) -> JournalLine:
    columns = {name: getattr(row, name) for name in JournalLine.__slots__}
    return JournalLine(**{**columns, "fields": names_in(row.fields)})


def names_in(fields: str) -> tuple[str, ...]:
    return tuple(name for name in fields.split(",") if name)
