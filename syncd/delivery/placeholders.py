"""What an erasure leaves in the personal fields of a customer: nothing, or a placeholder of the field's kind."""

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.delivery.delivery import Delivery
from syncd.domain.digest import is_same_but_for_form
from syncd.domain.records import FieldKind, Value
from syncd.gomus.options import TOKEN

# Where go~mus insists on a value
NEUTRAL = {FieldKind.EMAIL: f"{TOKEN}@anonymized.invalid", FieldKind.TEXT: "-", FieldKind.DATE: "1900-01-01"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholders:
    """Those of one customer: each personal field with the value for it, None where its kind has none.

    `preferred` are the fields that are given theirs at once; the others only where go~mus insists on a value.
    """

    delivery: Delivery
    values: Mapping[str, Value]
    preferred: frozenset[str]

    @classmethod
    def of(cls, delivery: Delivery, foreign_id: str) -> "Placeholders":
        """The e-mail address is unique, for orders are found by it."""
        token = token_of(delivery, foreign_id)
        personal = {name: field for name, field in delivery.catalogue.items() if field.personal}
        defaults = {name: field.placeholder or NEUTRAL.get(field.kind) for name, field in personal.items()}
        chosen = {name: delivery.placeholder.get(name, value) for name, value in defaults.items()}
        return cls(
            delivery=delivery,
            values={n: v.replace(TOKEN, token) if isinstance(v, str) else v for n, v in chosen.items()},
            preferred=frozenset(n for n, f in personal.items() if f.placeholder or f.kind is FieldKind.EMAIL),
        )

    def spellings(self, name: str) -> list[Value]:
        """What may stand in place of a value, in the order in which it is tried."""
        blanks = self.delivery.habits.blanks_for(self.delivery.catalogue[name])
        placeholder = self.values[name]
        return list(dict.fromkeys((placeholder, *blanks) if name in self.preferred else (*blanks, placeholder)))

    def is_one(self, name: str, value: Value) -> bool:
        """Whether it is our placeholder, in whatever form the server keeps it."""
        placeholder, is_same = self.values[name], self.delivery.digester.is_same
        if placeholder is None:
            return False
        return is_same(name, value, placeholder) or is_same_but_for_form(value, placeholder)

    def is_personal(self, name: str, value: Value) -> bool:
        is_empty = self.delivery.digester.is_same(name, value, None)
        return not is_empty and not self.is_one(name, value)

    def stand_in(self, fields: Mapping[str, Value]) -> bool:
        """Whether any of them stands there already."""
        return any(name in fields and self.is_one(name, fields[name]) for name in self.values)


def token_of(delivery: Delivery, foreign_id: str) -> str:
    """Tells that a customer without foreign_id is the one that we gave our placeholder."""
    return delivery.digester.name(foreign_id).hex()
