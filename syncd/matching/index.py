"""The customers of an export of go~mus, to be asked for by e-mail address, by names and by foreign_id.

It lies in a temporary database without a name: an export of half a million customers needs no more memory than a small
one, and nothing of it is kept.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from syncd.domain.chunks import chunks
from syncd.domain.folding import fold_email, fold_names
from syncd.matching.columns import Columns
from syncd.plan.spool import open_unnamed, refuse_lack_of_room

_SCHEMA = """
create table customer (number int, email text, names text);
create index customer_number on customer (number);
create index customer_email on customer (email) where email != '';
create index customer_names on customer (names) where names != '';
create table named (foreign_id text primary key) without rowid;
"""
_LONGEST_NUMBER = 18  # digits: more are none of go~mus, and do not go into a database


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is compared of somebody, folded: an e-mail address, and the names that count."""

    email: str
    names: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer of the export, by its number."""

    number: int
    person: Person


class Index:
    """`by` says which of e-mail, name and surname are compared."""

    def __init__(self, columns: Columns, by: Iterable[str]) -> None:
        self._columns = columns
        self._named = {"name": columns.name, "surname": columns.surname}
        self.by = frozenset(by)
        self.customers = 0  # without a foreign_id
        self.with_foreign_id = 0
        self.without_number = 0  # rows that are left out
        self.addressed = 0  # of the customers, those who can be compared by it
        self._db = open_unnamed(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._db.close()
        refuse_lack_of_room(error)

    def person(self, values: Mapping[str, object]) -> Person:
        """Of the fields of a customer, called as go~mus calls them."""
        email = values.get("email") if "email" in self.by else None
        names = [values.get(name) for name in ("name", "surname") if name in self.by]
        return Person(email=fold_email(_text(email)), names=fold_names(*map(_text, names)))

    # --- what is in it ---

    def take(self, rows: Iterable[Mapping[str, object]]) -> None:
        for page in chunks(rows):
            self._db.executemany("insert into customer values (?, ?, ?)", list(self._customers(page)))

    def _customers(self, rows: Iterable[Mapping[str, object]]) -> Iterator[tuple[int, str, str]]:
        for row in rows:
            if self._columns.foreign_id and (foreign_id := _text(row.get(self._columns.foreign_id)).strip()):
                self.with_foreign_id += 1
                self._db.execute("insert or ignore into named values (?)", (_fold_id(foreign_id),))
                continue
            number = _text(row.get(self._columns.id)).strip()
            if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
                self.without_number += 1
                continue
            self.customers += 1
            person = self.person(self._fields(row))
            self.addressed += "@" in person.email
            yield int(number), person.email, person.names

    def _fields(self, row: Mapping[str, object]) -> Mapping[str, object]:
        columns = {"email": self._columns.email, **self._named}
        return {name: row.get(column) for name, column in columns.items() if column is not None}

    def leave_out(self, numbers: Iterable[int]) -> None:
        """Customers who have a foreign_id by now."""
        self._db.executemany("delete from customer where number = ?", ((number,) for number in numbers))

    # --- questions ---

    def has_foreign_id(self, foreign_id: str) -> bool:
        question = "select 1 from named where foreign_id = ?"
        return self._db.execute(question, (_fold_id(foreign_id),)).fetchone() is not None

    def agreeing(self, person: Person) -> list[int]:
        """The numbers of those who agree in all that is compared; nobody agrees where some of it is missing."""
        asked = {"email": person.email} if "email" in self.by else {}
        if named := self.by & {"name", "surname"}:
            asked["names"] = person.names if len(person.names.split()) >= len(named) else ""
        if not all(asked.values()):
            return []
        condition = " and ".join(f"{column} = ? and {column} != ''" for column in asked)
        return list(dict.fromkeys(one.number for one in self._find(condition, *asked.values())))

    def with_email(self, email: str) -> list[Candidate]:
        return self._find("email = ? and email != ''", email)

    def with_names(self, names: str) -> list[Candidate]:
        return self._find("names = ? and names != ''", names)

    def _find(self, condition: str, *values: str) -> list[Candidate]:
        question = f"select distinct number, email, names from customer where {condition} order by number limit ?"  # noqa: S608 - our own words
        rows = self._db.execute(question, (*values, MOST)).fetchall()
        return [Candidate(number, Person(email=email, names=names)) for number, email, names in rows]


MOST = 200  # customers with one address, or of one name


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _fold_id(foreign_id: str) -> str:
    return unicodedata.normalize("NFC", foreign_id).casefold()
