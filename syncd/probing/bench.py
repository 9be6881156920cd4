"""What the steps of a probe share: the calls on its customers, what has been found, and how many were made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from syncd.delivery.delivery import Delivery
from syncd.domain.digest import is_same_but_for_form
from syncd.domain.records import RemoteCustomer, Value
from syncd.errors import CallFailed, Fatal, Refused, Retryable
from syncd.gomus.wire import WriteAnswer
from syncd.probing.findings import LOST, Finding
from syncd.probing.hearing import Ear, Heard
from syncd.probing.invented import MOST, Person
from syncd.probing.leftovers import Leftover, Leftovers, find_one

TRIES = 3  # of a call that may be sent again without harm, while its answer is lost
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Bench:
    """`made` counts every customer that a call may have made. `numbers` are those that go~mus has given them."""

    delivery: Delivery
    ear: Ear
    leftovers: Leftovers
    people: Sequence[Person]
    made: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    found: dict[str, Finding] = field(default_factory=dict)
    lost: int = 0

    # --- findings ---

    def tell(self, code: str, answer: str, **values: str | int) -> None:
        self.found[code] = Finding(code=code, answer=answer, values=values)

    def lose(self, *codes: str) -> None:
        """What could not be told because no answer came; what is told already stays."""
        for code in codes:
            self.found.setdefault(code, Finding(code=code, answer=LOST))

    # --- calls ---

    def ask(self, call: Callable[[], T]) -> Heard[T]:
        heard = self.ear.ask(call)
        self.lost += heard.is_lost
        return heard

    def ask_again(self, call: Callable[[], T]) -> Heard[T]:
        """For what does no harm if it is done twice."""
        for tries in range(1, TRIES + 1):
            heard = self.ask(call)
            if not heard.is_lost or tries == TRIES:
                break
            self.delivery.pause(tries)
        return heard

    @property
    def may_make_one(self) -> bool:
        return self.made < MOST

    def make(self, person: Person, fields: Mapping[str, Value], *, is_batch: bool = False) -> Heard[WriteAnswer]:
        """One create, sent once, noted before; whether it has made somebody a look tells."""
        sent = {"foreign_id": person.foreign_id, **fields}
        self.expect(person)
        try:
            heard = self.ask(lambda: self.delivery.client.create([sent], is_list=is_batch))
        except Fatal:  # it was not sent, or the token was refused
            self.was_not_made(person)
            raise
        if isinstance(heard.failure, Retryable):
            self.was_not_made(person)
        elif heard.is_refused:
            self.note_answer(person)
        return heard

    def expect(self, person: Person) -> None:
        """A call is to be sent that makes this customer, or may."""
        self.made += 1
        known = self.numbers.get(person.foreign_id)
        self.leftovers.note(Leftover(foreign_id=person.foreign_id, gomus_id=known, sent_at=self.delivery.clock()))

    def note_answer(self, person: Person) -> None:
        """What the call has not made until now it will not make."""
        self.leftovers.note(Leftover(foreign_id=person.foreign_id, gomus_id=self.numbers.get(person.foreign_id)))

    def put(self, person: Person, fields: Mapping[str, Value]) -> Heard[WriteAnswer]:
        spelt = self.delivery.habits.spell_id(person.foreign_id)
        return self.ask_again(lambda: self.delivery.client.update_one(spelt, fields))

    def put_batch(self, entries: Sequence[tuple[Person, Mapping[str, Value]]]) -> Heard[WriteAnswer]:
        spell = self.delivery.habits.spell_id
        sent = [{"foreign_id": spell(person.foreign_id), **fields} for person, fields in entries]
        return self.ask_again(lambda: self.delivery.client.update(sent))

    # --- looking ---

    def read(self, person: Person) -> RemoteCustomer | None:
        """The customer as reads show it now, under its number where that is known. Raises CallFailed."""
        number = self.numbers.get(person.foreign_id)
        return find_one(self.delivery, Leftover(foreign_id=person.foreign_id, gomus_id=number))

    def see(
        self, person: Person, until: Callable[[RemoteCustomer], bool], *, later: bool = False
    ) -> RemoteCustomer | None:
        """The customer once it is so, or as it is when the read lag is over; None where nothing can be seen."""
        seen: RemoteCustomer | None = None
        for _ in self.delivery.looks(later=later):
            try:
                seen = self.read(person) or seen
            except CallFailed:
                continue
            if seen is not None and until(seen):
                break
        return seen

    def shows(self, person: Person, name: str, value: Value, *, later: bool = False) -> bool:
        """Whether a field comes to show a value, in whatever form."""
        seen = self.see(person, lambda remote: is_same_but_for_form(remote.fields.get(name), value), later=later)
        return seen is not None and is_same_but_for_form(seen.fields.get(name), value)

    def appears(self, person: Person, *, later: bool) -> RemoteCustomer | None:
        """The customer as soon as it shows."""
        remote = self.see(person, lambda _remote: True, later=later)
        if remote is not None:
            self.numbers[person.foreign_id] = remote.gomus_id
            self.leftovers.number(person.foreign_id, remote.gomus_id)
        return remote

    def was_not_made(self, person: Person) -> None:
        """The call has made nobody; somebody with the same id may be there since before."""
        self.made -= 1
        if person.foreign_id not in self.numbers:
            self.leftovers.drop(person.foreign_id)


def refusal_of(heard: Heard[T]) -> str:
    """What the catalogue knows of a refusal; empty where that is nothing."""
    if isinstance(heard.failure, Refused):
        return "; ".join(heard.failure.reasons)
    return "; ".join(heard.taken.errors) if isinstance(heard.taken, WriteAnswer) else ""
