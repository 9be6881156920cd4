"""What comes of comparing a source with an export of go~mus: who is linked, and who waits for a person."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Self

from syncd.domain.matches import Match, Word
from syncd.domain.records import Value
from syncd.matching.index import Index
from syncd.matching.judging import SHOWN, Finding, Lot, judge, settle
from syncd.plan.spool import open_unnamed, refuse_lack_of_room

_SCHEMA = """
create table finding (foreign_id text primary key, lot text, numbers text) without rowid;
create table known (foreign_id text primary key) without rowid;
create table claim (number int, foreign_id text);
create index claim_number on claim (number);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`known` are in go~mus under their foreign_id, `decided` those on whom a person has."""

    known: int
    decided: int
    lots: Mapping[Lot, int]

    @property
    def named(self) -> Mapping[str, int]:
        return {"known": self.known, "decided": self.decided, **{lot.value: self.lots.get(lot, 0) for lot in Lot}}

    @property
    def open(self) -> int:
        return sum(count for lot, count in self.lots.items() if lot.is_open)


class MatchPlan:
    """Lies in a temporary database without a name: ids and numbers, no values."""

    def __init__(self, index: Index, decided: Mapping[str, Match]) -> None:
        self._index = index
        self._decided = decided
        self._db = open_unnamed(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._db.close()
        refuse_lack_of_room(error)

    def take(self, newcomers: Iterable[tuple[str, Mapping[str, Value]]]) -> None:
        """Compare each; `newcomers` are foreign_ids with fields."""
        words = (match for match in self._decided.values() if match.word is Word.LINK)
        self._db.executemany("insert into claim values (?, ?)", ((one.gomus_id, one.foreign_id) for one in words))
        for foreign_id, fields in newcomers:
            if foreign_id in self._decided:
                continue
            if self._index.has_foreign_id(foreign_id):
                self._db.execute("insert or ignore into known values (?)", (foreign_id,))
                continue
            self._note(judge(self._index, foreign_id, self._index.person(fields)))

    def _note(self, finding: Finding) -> None:
        row = (finding.foreign_id, finding.lot.value, json.dumps(finding.numbers))
        self._db.execute("insert or replace into finding values (?, ?, ?)", row)
        if finding.lot is Lot.CERTAIN:
            self._db.execute("insert into claim values (?, ?)", (*finding.numbers, finding.foreign_id))

    # --- questions ---

    def findings(self) -> Iterator[Finding]:
        """By foreign_id."""
        rows = self._db.execute("select foreign_id, lot, numbers from finding order by foreign_id")
        for foreign_id, lot, numbers in rows:
            found = Finding(foreign_id=foreign_id, lot=Lot(lot), numbers=tuple(json.loads(numbers)))
            depends_on_others = found.lot in (Lot.CERTAIN, Lot.NAMES)
            yield settle(found, {one: self._claims(one) for one in found.numbers}) if depends_on_others else found

    def _claims(self, number: int) -> int:
        return int(self._db.execute("select count(*) from claim where number = ?", (number,)).fetchone()[0])

    def has_compared(self, foreign_id: str) -> bool:
        question = "select 1 from finding where foreign_id = ? union all select 1 from known where foreign_id = ?"
        return self._db.execute(question, (foreign_id, foreign_id)).fetchone() is not None

    def count(self) -> Counts:
        lots = Counter(finding.lot for finding in self.findings())
        known = int(self._db.execute("select count(*) from known").fetchone()[0])
        return Counts(known=known, decided=len(self._decided), lots=lots)

    @property
    def digest(self) -> str:
        """Of all that is to be written, and with how many it was compared: another plan has another one."""
        digest = blake2b(f"{self._index.customers}\n".encode(), digest_size=8)
        for one in self.findings():
            if one.lot is Lot.CERTAIN or one.lot.is_open:
                digest.update(f"{one.foreign_id}\t{one.lot}\t{one.numbers}\n".encode())
        return digest.hexdigest()

    def matches(self, at: datetime) -> Iterator[Match]:
        for one in self.findings():
            if one.lot is Lot.CERTAIN:
                yield Match(foreign_id=one.foreign_id, word=Word.LINK, gomus_id=one.numbers[0], at=at)
            elif one.lot.is_open:
                numbers, reason = one.numbers[:SHOWN], one.lot.value
                yield Match(foreign_id=one.foreign_id, word=Word.OPEN, candidates=numbers, reason=reason, at=at)
