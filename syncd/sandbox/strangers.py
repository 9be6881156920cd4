"""Customers of another system in the same instance: they have plain numbers for foreign_ids.

`/customers/1001` reaches one of them once go~mus has no customer 1001 of its own. Nobody who syncs his own people may.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from .customers import BLANK, Customer

FOREIGN_IDS = range(1001, 1301)  # from the number that the instance's next customer gets
FIRST_ID = 700_001


def make_strangers(foreign_ids: Iterable[int], now: datetime) -> Iterator[Customer]:
    for place, number in enumerate(foreign_ids):
        fields = {
            **BLANK,
            "foreign_id": str(number),
            "name": "Fremde",
            "surname": f"Person {number}",
            "email": f"{number}@elsewhere.example",
            "tel": f"+4930231259{number}",
            "notes": "Abo Theater",
            "date_of_birth": "1961-04-12",
        }
        yield Customer(id=FIRST_ID + place, fields=fields, created_at=now, updated_at=now)
