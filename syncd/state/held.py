"""What guards hold, change by change, and a person's word on it."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, update

from syncd.domain.chunks import chunks
from syncd.domain.guards import Guard, Held, Word
from syncd.domain.spelling import spellings_of
from syncd.state import tables as t
from syncd.state.journal import names_in
from syncd.state.transactions import PAGE, Transactions

C = t.held_change.c


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """`content` is the digest of what the change would do; `guards` and `fields` are names."""

    foreign_id: str
    action: str
    content: bytes
    guards: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """A change on which a person has decided."""

    foreign_id: str
    action: str
    content: bytes
    word: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """What guards hold of a sync; `guards` are names with their reasons."""

    run_id: str
    guards: Mapping[str, str]
    held_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who decided, why, and when."""

    by: str
    why: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a person has said of so many changes."""

    word: Word
    number: int
    signature: Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A change that was held: since when, by which guards, and what a person has decided on it, if anything."""

    action: str
    guards: tuple[str, ...]
    fields: tuple[str, ...]
    since: datetime
    word: Word | None
    said: Signature | None


@dataclass(frozen=True, slots=True)
class HeldChanges:
    """The tables `held` and `held_change`."""

    db: Transactions

    # --- what is held ---

    def put(self, sync: str, run_id: str, guards: Sequence[Held], changes: Iterable[HeldChange], at: datetime) -> None:
        """In place of what was held before; what is held still keeps its date, and what was decided stays."""
        since = self.find(sync)
        reasons = json.dumps([(held.guard.value, held.reason) for held in guards])
        row = {"sync": sync, "run_id": run_id, "guards": reasons, "held_at": since.held_at if since else at}
        with self.db.transaction():
            self.db.upsert(t.held, [row], key=["sync"])
            for page in chunks(changes):
                rows = [_row(sync, run_id, change, at) for change in page]
                self.db.upsert(t.held_change, rows, key=["sync", "foreign_id"], kept=["since"])
            self.db.write(delete(t.held_change).where(C.sync == sync, C.word.is_(None), C.run_id != run_id))

    def clear(self, sync: str) -> None:
        """Nothing is held any more; what was decided stays."""
        with self.db.transaction():
            self.db.write(delete(t.held).where(t.held.c.sync == sync))
            self.db.write(delete(t.held_change).where(C.sync == sync, C.word.is_(None)))

    def find(self, sync: str) -> HeldRow | None:
        columns = [t.held.c[name] for name in HeldRow.__slots__]
        row = self.db.first(select(*columns).where(t.held.c.sync == sync))
        return HeldRow(**{**row._asdict(), "guards": dict(json.loads(row.guards))}) if row else None

    def standing(self, sync: str, foreign_id: str) -> Standing | None:
        """How it stands with a change of one customer; None where none was held."""
        row = self.db.first(select(*_STANDING).where(C.sync == sync, C.foreign_id == foreign_id))
        return _standing(row) if row else None

    def each(self, sync: str) -> Iterator[tuple[str, Standing]]:
        """The changes on which nobody has decided, by foreign_id."""
        last, held = "", select(C.foreign_id, *_STANDING).where(C.sync == sync, C.word.is_(None))
        while rows := self.db.rows(held.where(C.foreign_id > last).order_by(C.foreign_id).limit(PAGE)):
            yield from ((row.foreign_id, _standing(row)) for row in rows)
            last = rows[-1].foreign_id

    def count_changes(self, sync: str) -> dict[str, int]:
        """Those on which nobody has decided, by action."""
        query = select(C.action, func.count().label("number")).where(C.sync == sync, C.word.is_(None))
        return {row.action: row.number for row in self.db.rows(query.group_by(C.action))}

    # --- what was decided ---

    def _is_open(self, sync: str) -> ColumnElement[bool]:
        return C.word.is_(None) if self.count_changes(sync) else C.word == Word.REJECTED.value

    def count_open(self, sync: str) -> dict[str, int]:
        """What a person may decide on now, by action: what is held, or else what was rejected before."""
        query = select(C.action, func.count().label("number")).where(C.sync == sync, self._is_open(sync))
        return {row.action: row.number for row in self.db.rows(query.group_by(C.action))}

    def open_among(self, sync: str, foreign_ids: Sequence[str]) -> list[str]:
        found = select(C.foreign_id).where(C.sync == sync, self._is_open(sync))
        return [row.foreign_id for row in self.db.rows_among(found, C.foreign_id, foreign_ids)]

    def partners(self, sync: str, spellings: Collection[str], prefix: str) -> list[str]:
        """Those that are held as one of a pair, which nobody has approved, and have one of these spellings."""
        is_open = or_(C.word.is_(None), C.word == Word.REJECTED.value)
        pairs = select(C.foreign_id).where(C.sync == sync, C.guards.contains(Guard.PAIR.value), is_open)
        ids = (row.foreign_id for row in self.db.rows(pairs))
        return [one for one in ids if not spellings_of(one, prefix).isdisjoint(spellings)]

    def decide(self, sync: str, run_id: str | None, word: Word, *, but: Collection[str], said: Signature) -> bool:
        """A person's word on all that the named run held. Those in `but` stay as they are, whatever is said.

        Where nothing is held it is said of what was rejected before. False where another run has held something else
        since.
        """
        with self.db.transaction():
            row = self.find(sync)
            if (row and row.run_id) != run_id:
                return False
            statement = update(t.held_change).where(C.sync == sync, self._is_open(sync)).values(asdict(said))
            if word is Word.APPROVED:
                self.db.write_among(statement.values(word=Word.REJECTED.value), C.foreign_id, but)
            self.db.write(statement.where(C.foreign_id.not_in(but)).values(word=word.value))
            return True

    def decided(self, sync: str, foreign_ids: Sequence[str], *, approved_since: datetime) -> list[Decided]:
        """What was decided on these; an approval counts only where it is younger."""
        holds = or_(C.word == Word.REJECTED.value, and_(C.word == Word.APPROVED.value, C.at > approved_since))
        found = select(C.foreign_id, C.action, C.content, C.word).where(C.sync == sync, holds)
        rows = self.db.rows_among(found, C.foreign_id, foreign_ids)
        return [Decided(row.foreign_id, row.action, row.content, Word(row.word)) for row in rows]

    def each_decided(self, sync: str) -> Iterator[str]:
        """The customers on whom something was decided, whatever its age."""
        last = ""
        decided = select(C.foreign_id).where(C.sync == sync, C.word.is_not(None)).order_by(C.foreign_id).limit(PAGE)
        while rows := self.db.rows(decided.where(C.foreign_id > last)):
            yield from (row.foreign_id for row in rows)
            last = rows[-1].foreign_id

    def forget(self, sync: str, foreign_ids: Iterable[str]) -> None:
        self.db.write_among(delete(t.held_change).where(C.sync == sync), C.foreign_id, foreign_ids)

    def forget_approvals(self, sync: str, before: datetime) -> None:
        is_old = and_(C.word == Word.APPROVED.value, C.at <= before)
        self.db.write(delete(t.held_change).where(C.sync == sync, is_old))

    def said(self, sync: str) -> list[Said]:
        """What persons have said and what still stands, the latest first."""
        columns = (C.word, C.by, C.why, C.at)
        query = select(*columns, func.count().label("number")).where(C.sync == sync, C.word.is_not(None))
        rows = self.db.rows(query.group_by(*columns).order_by(C.at.desc()))
        return [Said(Word(row.word), row.number, Signature(by=row.by, why=row.why, at=row.at)) for row in rows]


_STANDING = (C.action, C.guards, C.fields, C.since, C.word, C.by, C.why, C.at)


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        action=row.action,
        guards=names_in(row.guards),
        fields=names_in(row.fields),
        since=row.since,
        word=Word(row.word) if row.word else None,
        said=Signature(by=row.by, why=row.why, at=row.at) if row.word else None,
    )


def _row(sync: str, run_id: str, change: HeldChange, at: datetime) -> dict[str, object]:
    return {
        "sync": sync,
        "foreign_id": change.foreign_id,
        "run_id": run_id,
        "action": change.action,
        "content": change.content,
        "guards": ",".join(change.guards),
        "fields": ",".join(change.fields),
        "since": at,
        **dict.fromkeys(("word", "by", "why", "at")),
    }
