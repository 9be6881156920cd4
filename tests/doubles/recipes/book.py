"""The people that a product keeps: invented, and alike whichever product stands in for it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from flask import Flask

from syncd.sandbox import serve

COUNT = 250
GIVEN = ("Ada", "Bodo", "Çelik", "Dörte", "Enno", "Femke", "Gösta", "Hiltrud", "Ilse", "Jörn")
FAMILY = ("Apfelbaum", "Birnstengel", "Dattelkern", "Erbsmühl", "Feigenblüth", "Gurkenheim", "Hollerbusch")
CITIES = (("DE", "10115", "Berlin"), ("AT", "1010", "Wien"), ("CH", "8001", "Zürich"), ("DE", "01067", "Dresden"))
DECEASED, NO_MEMBER, NO_CONTACT, OPTED_OUT = 31, 61, 91, 121  # there from the beginning
COUNTRIES = {"DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`deleted`: in the bin, where the product has one. `opted_out`: of mass mail; `no_contact`: of everything."""

    number: int
    given: str
    family: str
    email: str
    phone: str | None
    street: str
    zip: str
    city: str
    country: str
    salutation: str | None
    born: str | None
    changed: datetime
    deleted: bool = False
    member: bool = True
    deceased: bool = False
    opted_out: bool = False
    no_contact: bool = False

    @property
    def joined(self) -> str:
        return f"{2000 + self.number % 20}-04-01"

    @property
    def is_wanted(self) -> bool:
        """Whether a museum wants them in go~mus."""
        return self.member and not (self.deleted or self.deceased or self.no_contact)


def invent(number: int, changed: datetime) -> Person:
    country, zip_, city = CITIES[number % len(CITIES)]
    return Person(
        number=number,
        given=GIVEN[number % len(GIVEN)],
        family=f"{FAMILY[number % len(FAMILY)]}{number}",
        email=f"Person{number}@Example.org",
        phone=None if number % 9 == 0 else f"+4930231250{number:03d}",
        street=f"Gartenweg {number}",
        zip=zip_,
        city=city,
        country=country,
        salutation=(None, "Frau", "Herr")[number % 3],
        born=None if number % 11 == 0 else f"19{number % 60 + 30}-0{number % 9 + 1}-1{number % 10}",
        changed=changed,
        member=number != NO_MEMBER,
        deceased=number == DECEASED,
        opted_out=number == OPTED_OUT,
        no_contact=number == NO_CONTACT,
    )


def _month() -> dict[int, Person]:
    """Everybody changed on some day of the last month; the last of them an hour ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        number: invent(number, now - timedelta(hours=3 * (COUNT - number) + 1, milliseconds=500))
        for number in range(1, COUNT + 1)
    }


@dataclass
class Book:
    """A product's contacts. `page` is what it gives at once, however much is asked for.

    `asked`: for each list that was begun, since when changes were wanted, None for all there is. `given`: how many
    people came of it in all.
    """

    people: dict[int, Person] = field(default_factory=_month)
    page: int = 100
    asked: list[datetime | None] = field(default_factory=list)
    given: list[int] = field(default_factory=list)

    def begin(self, since: datetime | None) -> None:
        self.asked.append(since)
        self.given.append(0)

    def give(self, people: list[Person]) -> list[Person]:
        self.given[-1] += len(people)
        return people

    def changed_since(self, since: datetime | None) -> list[Person]:
        """In the order of their numbers, those in the bin too."""
        found = (self.people[number] for number in sorted(self.people))
        return [person for person in found if since is None or person.changed >= since]

    def kept(self, since: datetime | None = None) -> list[Person]:
        return [person for person in self.changed_since(since) if not person.deleted]

    # What happens in the product

    def change(self, number: int, **fields: object) -> None:
        self.people[number] = replace(self.people[number], **fields, changed=datetime.now(UTC))

    def throw_away(self, number: int) -> None:
        self.change(number, deleted=True)

    def destroy(self, number: int) -> None:
        del self.people[number]


@dataclass(frozen=True, kw_only=True)
class Product:
    """`page` has the recipe. `secrets`: what it takes from the environment; the last is a secret indeed.

    `bin`: it tells who was deleted. Where it has none, only a whole read shows that somebody is gone. `untold`: changes
    of a person that the answer for changes does not tell. `owned`: fields in which the desk's value stays. `notes`:
    what the recipe writes there once.
    """

    page: str
    make_app: Callable[[Book], Flask]
    secrets: Mapping[str, str]
    foreign_id: Callable[[int], str]
    bin: bool
    untold: tuple[str, ...] = ()
    owned: tuple[str, ...] = ("tel",)
    notes: Callable[[Person], str | None] = lambda _person: None
    phone_field: str = "tel"

    @contextmanager
    def open(self, book: Book) -> Iterator[str]:
        with serve(self.make_app(book)) as url:
            yield url


def since_when(person: Person) -> str:
    return f"Mitglied seit {person.joined}"


def part(people: list[Person], start: int, size: int) -> list[Person]:
    return people[start : start + size]
