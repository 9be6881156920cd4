"""A go~mus with the customers of a shop, and a list of which many are among them: who is whom is known here alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from syncd.sandbox.store import Sandbox

GIVEN = (
    "Anna Bernd Carla Dörte Emil Frieda Günter Hanna Ingo Jörg Käthe Lars Mia Nils Olga Paul Rosa Søren Tim Ute Vera "
    "Willi Zoé José Ümit Łukasz Ada Björn Cem Élodie"
).split()
FAMILY = (
    "Müller Schmidt Weiß Köhler Groß Jäger Lüdke Meyer Özdemir Petersen Quast Richter Schäfer Thiele Ulrich Vogel "
    "Wagner Ziegler Böhm Dąbrowski García Nørgaard Lefèvre Hübner Strauß Kranz Lang Busch Franke Horn"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Someone:
    given: str
    family: str
    mail: str


@dataclass(kw_only=True)
class Shop:
    """`customers` are so many people of the shop, `members` so many of the list, of whom `both` are in the two."""

    customers: int
    members: int
    both: int
    chance: Random = field(default_factory=lambda: Random(7))
    numbers: dict[int, list[int]] = field(default_factory=dict)  # of whom → customers that they are
    plain: set[int] = field(default_factory=set)  # members whom nothing but their spelling tells from one customer

    def __post_init__(self) -> None:
        count = self.customers + self.members - self.both
        self.people = [self._someone(place) for place in range(count)]
        self.listed = range(count - self.members, count)
        for place in range(0, count - 1, 25):  # a family at one address
            one = self.people[place]
            mine = self.people[place + 1]
            self.people[place + 1] = Someone(given=mine.given, family=one.family, mail=one.mail)
        for place in range(7, count, 50):
            one = self.people[place]
            self.people[place] = Someone(given=one.given, family=one.family, mail=f"info@verein{place}.example")

    def _someone(self, place: int) -> Someone:
        given, family = self.chance.choice(GIVEN), self.chance.choice(FAMILY)
        middle = self.chance.choice(GIVEN)
        return Someone(
            given=f"{given} {middle}", family=family, mail=f"person.{place:05d}.{middle.lower()}@mail.example"
        )

    def fill(self, sandbox: Sandbox) -> None:
        for place in range(self.customers):
            one, kind = self.people[place], self.chance.randrange(100)
            name, surname = (one.family, one.given) if kind % 10 == 3 else (one.given, one.family)
            name = f"Dr. {name}" if kind % 10 == 4 else name.upper() if kind % 10 == 5 else name
            surname = surname.replace("ü", "ue").replace("ß", "ss") if kind % 10 == 6 else surname
            mail = self._misspelt(one.mail) if kind < 5 else None if kind < 8 else one.mail
            self._add(sandbox, place, name=name, surname=surname, email=mail)
            if kind == 99:  # twice
                self._add(sandbox, place, name=one.given, surname=one.family, email=one.mail)
            elif kind >= 8 and not one.mail.startswith("info@"):
                self.plain.add(place)
        self.plain &= set(self.listed)

    def _add(self, sandbox: Sandbox, place: int, **fields: str | None) -> None:
        self.numbers.setdefault(place, []).append(sandbox.add_customer(**fields).id)

    def _misspelt(self, mail: str) -> str:
        at = self.chance.randrange(1, mail.index("@") - 1)
        return (
            mail[:at] + mail[at + 1] + mail[at] + mail[at + 2 :]
            if mail[at] != mail[at + 1]
            else mail[:at] + mail[at + 1 :]
        )

    def rows(self) -> Iterator[Mapping[str, object]]:
        for place in self.listed:
            one = self.people[place]
            yield {
                "id": f"{place:05d}",
                "given": one.given,
                "family": one.family,
                "mail": one.mail,
                "phone": f"+493023{place:06d}",
                "notes": "Mitglied",
                "born": None,
            }
