"""The guarantees where go~mus has some of the people already, from a shop: links, in any order with everything else.

The machine of `test_guarantees`, to which a shop, a person who says who is who, and staff who correct and merge come.
"""

from collections.abc import Mapping

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from museum import FIELDS_MAPPED, member
from test_guarantees import EXAMPLES, IS_LONG, Guarantees, name_of, numbers

from syncd.domain.matches import Match, Word
from syncd.sandbox.customers import Customer

pytestmark = pytest.mark.long


class Linked(Guarantees):
    def __init__(self) -> None:
        super().__init__()
        self.entered: dict[int, int] = {}  # by the shop: person → the number of the customer
        self.as_entered: dict[int, Mapping[str, object]] = {}  # while nobody has linked or merged it

    def entered_as(self, number: int) -> Customer | None:
        return next((one for one in self.museum.sandbox.customers if one.id == self.entered.get(number)), None)

    # --- what the shop, a person and staff do ---

    @rule(number=numbers, has_phone=st.booleans())
    def enter_in_the_shop(self, number: int, has_phone: bool) -> None:
        if number in self.entered:
            return
        row = member(number)
        fields = {name: row[column] for name, column in FIELDS_MAPPED.items()}
        unasked = ["tel"] if not has_phone else []
        unasked += ["email"] if self.museum.sandbox.switches.email_unique else []  # or nobody could be created beside
        customer = self.museum.sandbox.add_customer(**fields | dict.fromkeys(unasked))
        self.entered[number] = customer.id
        self.as_entered[customer.id] = dict(customer.fields)

    @rule(number=numbers, is_person=st.booleans())
    def say_who_it_is(self, number: int, is_person: bool) -> None:
        """To be refused where it is wrong by now: merged, deleted, or linked already."""
        if number not in self.entered:
            return
        name, by = f"M-{number:04d}", "Ada" if is_person else None
        match = Match(foreign_id=name, word=Word.LINK, gomus_id=self.entered[number], by=by, at=self.museum.clock())
        self.museum.store.matches.put(self.museum.name, [match])
        self.strange.add(name)
        if self.entered[number] not in self.as_entered:  # linked before, and let go of or renamed since
            self.lost_to_staff.add(name)

    @rule(number=numbers)
    def correct_in_the_shop(self, number: int) -> None:
        if customer := self.entered_as(number):
            self.museum.sandbox.save({"tel": "+493023125007"}, customer)
            self.corrected.add(f"M-{number:04d}")
            if customer.id in self.as_entered:
                self.as_entered[customer.id] = {**self.as_entered[customer.id], "tel": "+493023125007"}

    @rule(number=numbers)
    def merge_what_was_entered(self, number: int) -> None:
        loser, survivor = self.entered_as(number), self.museum.sandbox.strangers[0]
        if loser:
            self.museum.sandbox.merge(loser.id, survivor.id)
            self.as_entered.pop(loser.id, None)
            self.lost_to_staff.add(f"M-{number:04d}")

    # --- the guarantees ---

    @invariant()
    def whoever_was_entered_is_linked_as_who_they_are(self) -> None:
        for number in self.entered:
            customer = self.entered_as(number)
            if customer and customer.foreign_id is not None and not customer.foreign_id.upper().startswith("DESK-"):
                self.as_entered.pop(customer.id, None)
                assert name_of(customer) == f"M-{number:04d}"

    @invariant()
    def whoever_is_not_linked_is_as_staff_left_them(self) -> None:
        if hasattr(self, "museum"):
            living = {one.id: one for one in self.museum.sandbox.customers}
            for gomus_id, fields in self.as_entered.items():
                assert gomus_id in living
                assert {name: living[gomus_id][name] for name in fields} == fields


TestLinked = pytest.mark.timeout(0)(Linked.TestCase)
TestLinked.settings = type(Guarantees.TestCase.settings)(
    Guarantees.TestCase.settings, max_examples=EXAMPLES if IS_LONG else 8
)
