"""Records that are not known yet, and the customers of go~mus that they are, or may be."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, or_, select

from syncd.domain.chunks import chunks
from syncd.domain.matches import Match, Word
from syncd.state import tables as t
from syncd.state.transactions import PAGE, Transactions

C = t.match.c


@dataclass(frozen=True, slots=True)
class Matches:
    """The table `match`; the row of a record goes when its customer is known."""

    db: Transactions

    def put(self, sync: str, matches: Iterable[Match]) -> None:
        """In place of what was said of these records before. The next run reads the source whole, and tries each."""
        refused = delete(t.quarantine).where(t.quarantine.c.sync == sync)
        with self.db.transaction():
            for table in (t.watermark, t.standstill):
                self.db.write(delete(table).where(table.c.sync == sync))
            for page in chunks(matches):
                self.db.upsert(t.match, [_row(sync, match) for match in page], key=["sync", "foreign_id"])
                self.db.write_among(refused, t.quarantine.c.foreign_id, [match.foreign_id for match in page])

    def find(self, sync: str, ids: Sequence[str]) -> dict[str, Match]:
        rows = self.db.rows_among(select(t.match).where(C.sync == sync), C.foreign_id, ids)
        return {row.foreign_id: _match(row) for row in rows}

    def each(self, sync: str, word: Word | None = None) -> Iterator[Match]:
        """By foreign_id; with no transaction open in between."""
        last, matches = "", select(t.match).where(C.sync == sync).order_by(C.foreign_id).limit(PAGE)
        matches = matches if word is None else matches.where(C.word == word.value)
        while rows := self.db.rows(matches.where(C.foreign_id > last)):
            yield from map(_match, rows)
            last = rows[-1].foreign_id

    def drop(self, sync: str, ids: Iterable[str]) -> None:
        self.db.write_among(delete(t.match).where(C.sync == sync), C.foreign_id, ids)

    def forget_who_left(self, sync: str, before: datetime) -> None:
        """Delete what was said before then of records of which nothing is listed any more."""
        tables = (t.known, t.invalid, t.quarantine, t.held_change)
        is_listed = [exists().where(one.c.sync == sync, one.c.foreign_id == C.foreign_id) for one in tables]
        self.db.write(delete(t.match).where(C.sync == sync, C.at < before, ~or_(*is_listed)))


def _match(row: Row[Any]) -> Match:
    return Match(
        foreign_id=row.foreign_id,
        word=Word(row.word),
        gomus_id=row.gomus_id,
        candidates=tuple(json.loads(row.candidates)),
        reason=row.reason,
        by=row.by,
        why=row.why,
        at=row.at,
    )


def _row(sync: str, match: Match) -> dict[str, object]:
    return {
        "sync": sync,
        "foreign_id": match.foreign_id,
        "word": match.word.value,
        "gomus_id": match.gomus_id,
        "candidates": json.dumps(match.candidates),
        "reason": match.reason,
        "by": match.by,
        "why": match.why,
        "at": match.at,
    }
