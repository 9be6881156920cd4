"""What is learned of an instance while talking to it, for this run and for later ones."""

from collections.abc import Mapping
from dataclasses import dataclass

from syncd.domain.records import Value


@dataclass(slots=True)
class Habits:
    """What is learned of an instance while talking to it. Written by any thread; each value stands alone."""

    cap: int  # batches over this size are refused
    blank: Value = None  # what clears a field: null or empty text
    is_immediate: bool = False  # a write has been seen to be done when it was answered
    deletes_by_number: bool = False  # DELETE has been seen to take no foreign_id
    folds_ids: bool = False  # a foreign_id has been seen to be kept in other letters, small for capital

    @classmethod
    def recalled(cls, learned: Mapping[str, str], *, batch_size: int) -> "Habits":
        """From what earlier runs have learned; `batch_size` is the configured one."""
        cap = min(int(learned.get("batch_size", batch_size)), batch_size)
        return cls(
            cap=cap,
            blank=learned.get("blank"),
            deletes_by_number="deletes_by_number" in learned,
            folds_ids="folds_ids" in learned,
        )

    def learned(self, *, batch_size: int) -> dict[str, str]:
        """What is worth to be kept for later runs."""
        facts = {
            "batch_size": str(self.cap) if self.cap < batch_size else None,
            "blank": None if self.blank is None else str(self.blank),
            "deletes_by_number": "yes" if self.deletes_by_number else None,
            "folds_ids": "yes" if self.folds_ids else None,
        }
        return {name: value for name, value in facts.items() if value is not None}

    def spell(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        """The fields as they are sent: what is to be cleared holds what clears it here."""
        return {name: self.blank if value is None else value for name, value in fields.items()}
