"""Who stands in a list: the same id or the same person more than once, who lacks a surname, who is a child.

Digests of all records are kept on disk, under a key of this process alone, so memory does not grow with the list.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Self

from syncd.domain.digest import Digester
from syncd.domain.records import SourceRecord, Value
from syncd.domain.sharing import SharedEmail
from syncd.gomus.fields import FIELDS
from syncd.mapping.lookups import fold
from syncd.plan.spool import open_unnamed, refuse_lack_of_room
from syncd.report.findings import Finding, Weight, as_examples
from syncd.sources.base import ReadKind

SHOWN = 3
BUFFER = 1000
OF_AGE = 16
SCHEMA = """
create table record (id integer primary key, place text);
create table mark (kind int, key int, content int, record int);
"""


class _Kind(IntEnum):
    ID = 1
    NAME_AND_EMAIL = 2
    NAME_AND_BIRTHDAY = 3
    EMAIL = 4


_REPEATED = """
select count(*), count(distinct content) > 1 as differ, min(record), max(record) from mark
where kind = ? group by key having count(*) > 1
"""
_ALIKE = """
select group_concat(record) as who from (select * from mark where kind = {} order by key, record)
group by key having count(distinct content) > 1
"""
_SAME_PERSON = f"{_ALIKE.format(int(_Kind.NAME_AND_EMAIL))} union {_ALIKE.format(int(_Kind.NAME_AND_BIRTHDAY))}"
_SHARED = _ALIKE.format(int(_Kind.EMAIL))


@dataclass
class _Repeated:
    """Ids that stand more than once."""

    ids: int = 0
    records: int = 0
    places: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return f"{self.ids} id{' stands' if self.ids == 1 else 's stand'} more than once"


class People:
    """Takes in each record of a list as it is read, and tells of all of them at its end."""

    def __init__(self, today: date, shared_email: SharedEmail = SharedEmail.REPORT) -> None:
        self._today = today
        self._shared_email = shared_email
        self._digester = Digester(secrets.token_bytes(), FIELDS)
        self._db = open_unnamed(SCHEMA)
        self._records: list[tuple[int, str]] = []
        self._marks: list[tuple[int, int, int, int]] = []
        self._count = self._children = self._nameless = 0
        self._without_surname: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._db.close()
        refuse_lack_of_room(error)

    def take(self, record: SourceRecord, foreign_id: str, fields: Mapping[str, Value], unfit: Collection[str]) -> None:
        """`fields` are those that could be mapped, `unfit` those that could not."""
        self._count += 1
        self._records.append((self._count, str(record.position)))
        self._mark(_Kind.ID, foreign_id, self._digester.source(record.values, b""))
        self._take_person(fields, self._digester.name(foreign_id))
        if not _text(fields, "surname") and "surname" not in unfit:
            self._nameless += 1
            if self._nameless <= SHOWN:
                self._without_surname.append(str(record.position))
        if len(self._records) >= BUFFER:
            self._flush()

    def _take_person(self, fields: Mapping[str, Value], who: bytes) -> None:
        names, email, birthday = _names(fields), fold(_text(fields, "email")), _text(fields, "date_of_birth")
        key = " ".join(names)
        if email:
            self._mark(_Kind.EMAIL, email, who)
        if email and any(names):
            self._mark(_Kind.NAME_AND_EMAIL, f"{key}\n{email}", who)
        if birthday and all(names):
            self._mark(_Kind.NAME_AND_BIRTHDAY, f"{key}\n{birthday}", who)
        self._children += bool(birthday) and _age(date.fromisoformat(birthday), self._today) < OF_AGE

    def _mark(self, kind: _Kind, key: str, content: bytes) -> None:
        self._marks.append((kind, _number(self._digester.name(key)), _number(content), self._count))

    def _flush(self) -> None:
        self._db.executemany("insert into record values (?, ?)", self._records)
        self._db.executemany("insert into mark values (?, ?, ?, ?)", self._marks)
        self._records.clear()
        self._marks.clear()

    # --- what is found ---

    def contradicted(self, foreign_ids: Collection[str]) -> set[str]:
        """Those of a few ids that stand more than once, with different contents."""
        self._flush()
        question = "select count(distinct content) > 1 from mark where kind = ? and key = ?"
        keys = {one: _number(self._digester.name(one)) for one in foreign_ids}
        return {one for one, key in keys.items() if self._db.execute(question, (_Kind.ID, key)).fetchone()[0]}

    def findings(self, name: str, kind: ReadKind) -> Iterator[Finding]:
        self._flush()
        if kind is ReadKind.SNAPSHOT:  # of changes of one customer the last one counts
            yield from self._find_repeated(f"{name}: duplicates")
        yield from self._find_same_person(f"{name}: people")
        yield from self._find_shared_email(f"{name}: email")
        if self._nameless:
            places = as_examples(self._without_surname)
            words = f"{self._nameless} of {self._count} without a surname, which go~mus asks for{places}"
            remedy = 'take it from further columns, as in surname = { from = ["Nachname", "Firma"] }'
            yield Finding(what=f"{name}: surname", words=f"{words}: {remedy}", weight=Weight.DOUBT)
        if self._children:
            words = f"{self._children} of {self._count} are under {OF_AGE}: may what is known of them be passed on?"
            remedy = "Who must not be sent is left out by 'where'"
            yield Finding(what=f"{name}: date_of_birth", words=f"{words} {remedy}", weight=Weight.DOUBT)

    def _find_repeated(self, what: str) -> Iterator[Finding]:
        alike, different = _Repeated(), _Repeated()
        for count, differs, first, last in self._db.execute(_REPEATED, (_Kind.ID,)):
            found = different if differs else alike
            found.ids += 1
            found.records += count
            if found.ids <= SHOWN:
                found.places.append(self._places([first, last]))
        if different.ids:
            words = f"{different.words} with different contents: all {different.records} records are invalid"
            yield Finding(what=what, words=f"{words}{as_examples(different.places)}", weight=Weight.INVALID)
        if alike.ids:
            words = f"{alike.words} with the same contents: {alike.records - alike.ids} more than are needed"
            yield Finding(what=what, words=f"{words}{as_examples(alike.places)}", weight=Weight.DOUBT)

    def _find_same_person(self, what: str) -> Iterator[Finding]:
        count, _, places = self._groups(_SAME_PERSON)
        if count:
            who = "1 person stands" if count == 1 else f"{count} people stand"
            words = (
                f"{who} probably more than once, under different ids, with the same name and e-mail address or birthday"
            )
            yield Finding(what=what, words=f"{words}{as_examples(places)}", weight=Weight.DOUBT)

    def _find_shared_email(self, what: str) -> Iterator[Finding]:
        count, records, places = self._groups(_SHARED)
        if not count or self._shared_email is SharedEmail.ALLOW:
            return
        words = f"{records} records share {count} e-mail address{'' if count == 1 else 'es'}{as_examples(places)}"
        reason = "go~mus finds the customer of an order by its address, and may take another one"
        if self._shared_email is SharedEmail.REFUSE:
            refused = f"{records - count} of them are invalid, for shared_email refuses an address to the second"
            yield Finding(what=what, words=f"{words}: {refused}", weight=Weight.INVALID)
        else:
            yield Finding(what=what, words=f"{words}: {reason}", weight=Weight.DOUBT)

    def _groups(self, question: str) -> tuple[int, int, list[str]]:
        """How many there are, how many records they have together, and where the first are."""
        count = records = 0
        places: list[str] = []
        for (who,) in self._db.execute(f"select who from ({question}) order by cast(who as integer)"):  # noqa: S608 - our own
            count += 1
            records += who.count(",") + 1
            if len(places) < SHOWN:
                places.append(self._places([int(one) for one in who.split(",")[:SHOWN]]))
        return count, records, places

    def _places(self, records: list[int]) -> str:
        found = [self._db.execute("select place from record where id = ?", (one,)).fetchone()[0] for one in records]
        return " and ".join(found)


def _names(fields: Mapping[str, Value]) -> list[str]:
    """Name and surname in either order, those that are mapped; of an institution without them its name."""
    names = [fold(_text(fields, name)) for name in ("name", "surname") if name in fields]
    return sorted(names) if any(names) else [fold(_text(fields, "institution"))]


def _text(fields: Mapping[str, Value], name: str) -> str:
    return str(fields.get(name) or "")


def _age(birthday: date, today: date) -> int:
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:8], signed=True)
