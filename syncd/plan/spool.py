"""The temporary database that holds a plan: it has no name and vanishes with the process.

It holds personal values for the length of a run, so nobody else can open it and nothing of it is kept.
"""

import json
import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from syncd.domain.changes import Change, Create
from syncd.domain.chunks import CHUNK
from syncd.domain.diff import Verdict
from syncd.domain.guards import Word
from syncd.domain.records import Digests, InvalidRecord, Position
from syncd.errors import Fatal
from syncd.plan.frozen import freeze, thaw

C = TypeVar("C", bound=Change)

SCHEMA = """
create table seen (
  foreign_id text primary key, source blob, verdict text, file text, line int, unit text
) without rowid;
create index seen_gone on seen (foreign_id) where verdict = 'gone';
create table change (id integer primary key, foreign_id text, kind int, body blob, word text);
create index change_of on change (foreign_id);
create index change_kind on change (kind, id);
create table absent (spelling text, foreign_id text);
create index absent_spelling on absent (spelling);
create table invalid (id integer primary key, foreign_id text, line int, body blob);
create index invalid_of on invalid (foreign_id);
create table relearned (foreign_id text primary key, source blob, body blob) without rowid;
create table nameless (digest blob primary key) without rowid;
create table errand (foreign_id text primary key, texts text) without rowid;
create table claim (foreign_id text primary key, gomus_id int) without rowid;
create index claim_number on claim (gomus_id);
create table email (foreign_id text primary key, digest blob, sends int) without rowid;
create table waiting (foreign_id text primary key, digest blob) without rowid;
create table merger (foreign_id text primary key, into_id text, is_own int) without rowid;
create table likeness (foreign_id text primary key, list text, other_id text, is_due int default 0) without rowid;
create index likeness_of on likeness (other_id) where is_due;
create table takeover (foreign_id text primary key, sync text, taken text, body blob) without rowid;
create table pile (number int, body blob);
create index pile_number on pile (number);
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A foreign_id that was read, the digest of its record, and what became of it."""

    foreign_id: str
    source_digest: bytes
    verdict: Verdict
    position: Position


def open_unnamed(schema: str) -> sqlite3.Connection:
    # An empty name asks SQLite for a temporary file that is unlinked as soon as it is open.
    db = sqlite3.connect("", isolation_level=None)
    db.executescript("pragma journal_mode = off; pragma cache_size = -16000;" + schema)
    db.execute("begin")  # and never committed: a transaction for each row takes longer than the row
    return db


def refuse_lack_of_room(error: BaseException | None) -> None:
    """Raises Fatal where `error` is of an unnamed database: the state database's come in words of their own."""
    if isinstance(error, sqlite3.OperationalError):
        is_full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        raise Fatal(
            f"the folder for temporary files {'is full' if is_full else 'can not be used'}",
            remedy="make room there, or name another by TMPDIR; the next run goes on from here",
        ) from None


class Spool:
    """Everything that follows from one read, on disk."""

    def __init__(self) -> None:
        self._db = open_unnamed(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._db.close()
        refuse_lack_of_room(error)

    # --- records seen ---

    def find_seen(self, foreign_ids: Sequence[str]) -> dict[str, Seen]:
        rows = self._db.execute(
            f"select * from seen where foreign_id in ({_marks(foreign_ids)})",  # noqa: S608 - only question marks
            foreign_ids,
        )
        return {
            foreign_id: Seen(foreign_id, source_digest, Verdict(verdict), Position(source=file, line=line, unit=unit))
            for foreign_id, source_digest, verdict, file, line, unit in rows
        }

    def note_seen(self, seen: Iterable[Seen]) -> None:
        self._db.executemany(
            "insert or replace into seen values (?, ?, ?, ?, ?, ?)",
            (
                (s.foreign_id, s.source_digest, s.verdict.value, s.position.source, s.position.line, s.position.unit)
                for s in seen
            ),
        )

    def count_verdicts(self) -> dict[Verdict, int]:
        rows = self._db.execute("select verdict, count(*) from seen group by verdict")
        return {Verdict(name): count for name, count in rows}

    def each_seen(self) -> Iterator[str]:
        return (row[0] for row in self._db.execute("select foreign_id from seen"))

    def told_gone(self) -> Iterator[str]:
        """The ids that the source itself reports as deleted."""
        return (row[0] for row in self._db.execute("select foreign_id from seen where verdict = 'gone'"))

    def present_among(self, foreign_ids: Sequence[str]) -> set[str]:
        return self._among(foreign_ids, "verdict != 'gone'")

    def told_gone_among(self, foreign_ids: Sequence[str]) -> set[str]:
        return self._among(foreign_ids, "verdict = 'gone'")

    def _among(self, foreign_ids: Sequence[str], condition: str) -> set[str]:
        question = f"select foreign_id from seen where foreign_id in ({_marks(foreign_ids)}) and {condition}"  # noqa: S608 - only question marks and our own words
        return {row[0] for row in self._db.execute(question, foreign_ids)}

    # --- changes ---

    def add_changes(self, changes: Iterable[Change]) -> None:
        self._db.executemany(
            "insert into change (foreign_id, kind, body) values (?, ?, ?)",
            ((change.foreign_id, change.order, freeze(change)) for change in changes),
        )

    def changes(self, kind: type[C]) -> Iterator[C]:
        """All changes of one kind; also those that are added during the iteration."""
        return (change for change, _ in self.decided(kind))

    def decided(self, kind: type[C]) -> Iterator[tuple[C, Word | None]]:
        """All changes of one kind, each with what a person has decided on it."""
        last = 0
        while rows := self._db.execute(
            "select id, body, word from change where kind = ? and id > ? order by id limit ?", (kind.order, last, CHUNK)
        ).fetchall():
            for last, body, word in rows:  # noqa: B007 - `last` is where the next page begins
                yield thaw(kind, body), Word(word) if word else None

    def decide(self, words: Iterable[tuple[str, Word]]) -> None:
        """Note what a person has decided on the changes of these customers."""
        rows = [(word.value, foreign_id) for foreign_id, word in words]
        self._db.executemany("update change set word = ? where foreign_id = ?", rows)

    def decided_among(self, foreign_ids: Sequence[str]) -> set[str]:
        """The customers of whom a change is planned on which a person has decided."""
        question = f"select foreign_id from change where foreign_id in ({_marks(foreign_ids)}) and word is not null"  # noqa: S608 - only question marks
        return {row[0] for row in self._db.execute(question, foreign_ids)}

    def count_changes(self, kind: type[Change]) -> int:
        return int(self._db.execute("select count(*) from change where kind = ?", (kind.order,)).fetchone()[0])

    def count_undecided(self, kind: type[Change]) -> int:
        question = "select count(*) from change where kind = ? and word is null"
        return int(self._db.execute(question, (kind.order,)).fetchone()[0])

    def count_rejected(self, kind: type[Change]) -> int:
        question = "select count(*) from change where kind = ? and word = ?"
        return int(self._db.execute(question, (kind.order, Word.REJECTED.value)).fetchone()[0])

    # --- ids alike ---

    def add_absent(self, spellings: Iterable[tuple[str, str]]) -> None:
        """Note the ids of absent customers; a spelling is what an id has in common with those that equal it."""
        self._db.executemany("insert into absent values (?, ?)", spellings)

    def has_new(self) -> bool:
        """Whether there may be somebody who is not known: to be created, or not fit for it."""
        return bool(self.count_changes(Create) or self.count_invalid())

    def each_invalid_id(self) -> Iterator[str]:
        question = "select distinct foreign_id from invalid where foreign_id is not null"
        return (row[0] for row in self._db.execute(question).fetchall())

    def undecided_among(self, kind: type[Change], foreign_ids: Sequence[str]) -> set[str]:
        """The customers of whom such a change is planned on which nobody has decided."""
        question = (
            f"select foreign_id from change where foreign_id in ({_marks(foreign_ids)}) and kind = ? and word is null"  # noqa: S608 - only question marks
        )
        return {row[0] for row in self._db.execute(question, (*foreign_ids, kind.order))}

    def has_absent(self) -> bool:
        return self._db.execute("select 1 from absent limit 1").fetchone() is not None

    def find_absent(self, spellings: Sequence[str]) -> Iterator[tuple[str, str]]:
        """The spellings among these under which somebody is absent, with whom."""
        question = f"select spelling, foreign_id from absent where spelling in ({_marks(spellings)})"  # noqa: S608 - only question marks
        return iter(self._db.execute(question, spellings).fetchall())

    def withdraw(self, foreign_id: str) -> None:
        """Take back what follows from a record which another record contradicts."""
        self._db.execute("delete from errand where foreign_id = ?", (foreign_id,))
        self._db.execute("delete from change where foreign_id = ?", (foreign_id,))
        self._db.execute("delete from relearned where foreign_id = ?", (foreign_id,))
        for table in ("email", "waiting", "merger", "likeness", "takeover"):
            self._db.execute(f"delete from {table} where foreign_id = ?", (foreign_id,))  # noqa: S608 - our own words

    def forget_invalid(self, foreign_id: str) -> None:
        self._db.execute("delete from invalid where foreign_id = ?", (foreign_id,))

    # --- the rest ---

    def add_invalid(self, records: Iterable[InvalidRecord]) -> None:
        rows = ((record.foreign_id, record.position.line, pickle.dumps(record)) for record in records)
        self._db.executemany("insert into invalid (foreign_id, line, body) values (?, ?, ?)", rows)

    def add_erased(self, foreign_id: str, record: InvalidRecord) -> None:
        """A record of somebody who was erased on request; its id is kept here alone, and no longer than the spool."""
        row = (foreign_id, record.position.line, pickle.dumps(record))
        self._db.execute("insert into invalid (foreign_id, line, body) values (?, ?, ?)", row)

    def disown(self, foreign_id: str, name: bytes) -> None:
        """Take the id out of the records of somebody whose erasure was asked for after they were read."""
        found = self._db.execute("select id, body from invalid where foreign_id = ?", (foreign_id,)).fetchall()
        rows = [(pickle.dumps(replace(_thaw(body), foreign_id=None, name=name)), number) for number, body in found]
        self._db.executemany("update invalid set body = ? where id = ?", rows)

    def invalid(self) -> Iterator[InvalidRecord]:
        return (_thaw(row[0]) for row in self._db.execute("select body from invalid order by line, id"))

    def count_invalid(self) -> int:
        return int(self._db.execute("select count(*) from invalid").fetchone()[0])

    def add_relearned(self, foreign_id: str, source_digest: bytes, digests: Digests) -> None:
        self._db.execute(
            "insert or replace into relearned values (?, ?, ?)", (foreign_id, source_digest, pickle.dumps(digests))
        )

    def relearned(self) -> Iterator[tuple[str, bytes, Digests]]:
        rows = self._db.execute("select foreign_id, source, body from relearned")
        return ((row[0], row[1], _thaw(row[2])) for row in rows)

    def add_errands(self, told: Iterable[tuple[str, Sequence[str]]]) -> None:
        """What the owner of the data is to be told of each; nothing, where it is over."""
        rows = ((foreign_id, json.dumps(texts)) for foreign_id, texts in told)
        self._db.executemany("insert or replace into errand values (?, ?)", rows)

    def errands(self) -> Iterator[tuple[str, Sequence[str]]]:
        rows = self._db.execute("select foreign_id, texts from errand")
        return ((foreign_id, json.loads(texts)) for foreign_id, texts in rows)

    def add_claims(self, claims: Iterable[tuple[str, int]]) -> None:
        """Note which customers of go~mus records say that they are."""
        self._db.executemany("insert or replace into claim values (?, ?)", claims)

    def shared_claims(self) -> Iterator[tuple[int, str]]:
        """The numbers that more than one record claims, each with every one of them."""
        shared = "select gomus_id from claim group by gomus_id having count(*) > 1"
        claims = f"select gomus_id, foreign_id from claim where gomus_id in ({shared}) order by gomus_id, foreign_id"  # noqa: S608 - no part is from outside
        return iter(self._db.execute(claims).fetchall())

    # --- e-mail addresses, as digests ---

    def add_emails(self, emails: Iterable[tuple[str, bytes | None, bool]]) -> None:
        """Of each customer the address, and whether it would be sent; else go~mus has it."""
        self._db.executemany("insert or replace into email values (?, ?, ?)", emails)

    def emails_to_send(self) -> Iterator[tuple[bytes, str]]:
        """Each address with who is to get it, the lower id first: a shorter one is lower, as 9 before 10."""
        question = "select digest, foreign_id from email where sends order by digest, length(foreign_id), foreign_id"
        return iter(self._db.execute(question))

    def emails_held(self) -> Iterator[tuple[str, bytes | None]]:
        return iter(self._db.execute("select foreign_id, digest from email where not sends"))

    def add_waiting(self, digests: Mapping[str, bytes]) -> None:
        """Who does not get an address, for somebody else has it."""
        self._db.executemany("insert or replace into waiting values (?, ?)", digests.items())

    def waiting(self) -> dict[str, bytes]:
        return dict(self._db.execute("select foreign_id, digest from waiting").fetchall())

    def add_merger(self, foreign_id: str, into: str, *, is_own: bool = True) -> None:
        """A record that went into another one, of the same list or of another."""
        self._db.execute("insert or replace into merger values (?, ?, ?)", (foreign_id, into, is_own))

    def mergers(self) -> Iterator[tuple[str, str, bool]]:
        rows = self._db.execute("select foreign_id, into_id, is_own from merger").fetchall()
        return ((foreign_id, into, bool(is_own)) for foreign_id, into, is_own in rows)

    def merged_into(self, foreign_id: str) -> str | None:
        row = self._db.execute("select into_id from merger where foreign_id = ?", (foreign_id,)).fetchone()
        return row[0] if row else None

    def add_likeness(self, foreign_id: str, other: tuple[str, str]) -> None:
        """A record that names one of another list: a sync, and a foreign_id of it."""
        row = (foreign_id, *other)
        self._db.execute("insert or replace into likeness (foreign_id, list, other_id) values (?, ?, ?)", row)

    def likened(self) -> Iterator[tuple[str, tuple[str, str]]]:
        rows = self._db.execute("select foreign_id, list, other_id from likeness")
        return ((foreign_id, (sync, other_id)) for foreign_id, sync, other_id in rows)

    def likened_among(self, foreign_ids: Sequence[str]) -> set[str]:
        question = f"select foreign_id from likeness where foreign_id in ({_marks(foreign_ids)})"  # noqa: S608 - only question marks
        return {row[0] for row in self._db.execute(question, foreign_ids)}

    def note_due(self, foreign_id: str) -> None:
        """From now on another record of the same person needs no customer."""
        self._db.execute("update likeness set is_due = 1 where foreign_id = ?", (foreign_id,))

    def is_person_due(self, other_id: str) -> bool:
        question = "select 1 from likeness where other_id = ? and is_due"
        return self._db.execute(question, (other_id,)).fetchone() is not None

    def add_takeover(self, create: Create, person: tuple[str, str]) -> None:
        """A record that gets the customer of another list."""
        self._db.execute(
            "insert or replace into takeover values (?, ?, ?, ?)", (create.foreign_id, *person, freeze(create))
        )

    def takeovers(self) -> Iterator[tuple[Create, tuple[str, str]]]:
        """By list."""
        rows = self._db.execute("select sync, taken, body from takeover order by sync, foreign_id").fetchall()
        return ((thaw(Create, body), (sync, taken)) for sync, taken, body in rows)

    def add_nameless(self, digest: bytes) -> bool:
        """Note a record without a readable id; False where one just like it was noted before."""
        return self._db.execute("insert or ignore into nameless values (?)", (digest,)).rowcount == 1

    def store_piles(self, piles: Iterable[bytes | bytearray]) -> None:
        self._db.executemany("insert into pile values (?, ?)", enumerate(piles))

    def pile(self, number: int) -> bytes:
        """All that was stored under this number."""
        return b"".join(row[0] for row in self._db.execute("select body from pile where number = ?", (number,)))

    def nameless(self) -> Iterator[bytes]:
        return (row[0] for row in self._db.execute("select digest from nameless"))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _thaw(body: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202 - whatever was put in
    return pickle.loads(body)  # noqa: S301 - our own bytes, from a file that nobody else can open
