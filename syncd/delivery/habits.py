"""What is learned of an instance while talking to it, for this run and for later ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.domain.records import Field, FieldKind, Value

BLANK = "blank."
BLANKS: Mapping[Value, str] = {None: "null", "": "empty text"}
TEXTS = (FieldKind.TEXT, FieldKind.EMAIL)


@dataclass(slots=True)
class Habits:
    """What is learned of an instance while talking to it. Written by any thread; each value stands alone."""

    cap: int  # batches over this size are refused
    blanks: dict[str, Value] = field(default_factory=dict)  # what has been seen to clear a field: null or empty text
    is_immediate: bool = False  # a write has been seen to be done when it was answered
    deletes_by_number: bool = False  # DELETE has been seen to take no foreign_id
    folds_ids: bool = False  # a foreign_id has been seen to be kept in other letters, small for capital

    @classmethod
    def recalled(cls, learned: Mapping[str, str], *, batch_size: int) -> "Habits":
        """From what earlier runs have learned; `batch_size` is the configured one."""
        cap = min(int(learned.get("batch_size", batch_size)), batch_size)
        blanks = {text: blank for blank, text in BLANKS.items()}
        return cls(
            cap=cap,
            blanks={
                name.removeprefix(BLANK): blanks[text]
                for name, text in learned.items()
                if name.startswith(BLANK) and text in blanks
            },
            deletes_by_number="deletes_by_number" in learned,
            folds_ids="folds_ids" in learned,
        )

    def learned(self, *, batch_size: int) -> dict[str, str]:
        """What is worth to be kept for later runs."""
        facts = {
            "batch_size": str(self.cap) if self.cap < batch_size else None,
            "deletes_by_number": "yes" if self.deletes_by_number else None,
            "folds_ids": "yes" if self.folds_ids else None,
        }
        known = {name: value for name, value in facts.items() if value is not None}
        return known | {f"{BLANK}{name}": BLANKS[blank] for name, blank in self.blanks.items()}

    def spell(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        """The fields as they are sent: what is to be cleared holds what clears it here."""
        return {name: self.blanks.get(name) if value is None else value for name, value in fields.items()}

    def blanks_for(self, field: Field) -> tuple[Value, ...]:
        """What may clear a field, the likeliest first. An empty text is no date and no id, and is refused there."""
        if field.kind not in TEXTS:
            return (None,)
        return (None, "") if self.blanks.get(field.name) is None else ("", None)
