"""The customers that a probe invents: at most three, and nobody has their ids by chance.

E-mail addresses lie under example.com, and the telephone numbers are ones that the Bundesnetzagentur keeps free for
films. The letters are those over which servers stumble: umlauts, capitals, blanks at an end, signs of HTML.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.delivery.looking import folded
from syncd.domain.records import Value

MOST = 3
NAMED = "quasten"
"""In each given name, in plain letters: a server that repeats the name repeats these, in whatever spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    foreign_id: str
    fields: Mapping[str, Value] = field(default_factory=dict, repr=False)

    @property
    def dotted_id(self) -> str:
        return f"{self.foreign_id}.a"

    @property
    def accented_id(self) -> str:
        """With a letter in two signs, as macOS spells it."""
        return unicodedata.normalize("NFD", f"{self.foreign_id}-Prüfung")

    def has(self, foreign_id: str | None) -> bool:
        """Whether an id is one of this customer's, in whatever form it is kept."""
        own = (self.foreign_id, self.dotted_id, self.accented_id)
        return foreign_id is not None and folded(foreign_id) in map(folded, own)


def invent(token: str) -> tuple[Person, ...]:
    """`token` is by chance, and so long that no other customer has it in an id."""
    return tuple(_invent(f"SYNCD-Probe-{token}-{number}", number) for number in range(1, MOST + 1))


def _invent(foreign_id: str, number: int) -> Person:
    letter = "ABC"[number - 1]  # a figure might be taken for a position
    fields: dict[str, Value] = {
        "name": f"{NAMED} zoë",
        "surname": f"von Müller-Prüfung {letter}",
        "email": f"{foreign_id}@example.com",
        "tel": f"+49 30 23125 10{number}",
        "mobile": f"+49 171 39200 1{number}",
        "fax": f"+49 30 23125 20{number}",
        "notes": f" Invented by a probe of syncd: {letter} < D & E > {letter} ",
        "date_of_birth": "1971-04-03",
        "addr_street": f"Große Gasse {number}",
        "addr_zip": "01067",
        "addr_city": "Dresden",
    }
    return Person(foreign_id=foreign_id, fields=fields)
