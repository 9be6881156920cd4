"""The answers of an instance to the open points of its API, as names that have words in each language."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LOST, UNTRIED = "lost", "untried"

POINTS: Mapping[str, int | None] = {
    "access": None,
    "single_answer": 1,
    "batch_answer": 2,
    "batch_create": 2,
    "batch_order": 2,
    "bad_entry": 3,
    "bad_single": 3,
    "errors_name": 3,
    "errors_tell": 3,
    "foreign_ids": 4,
    "unknown_update": 5,
    "cleared_by": 6,
    "cleared_fields": 6,
    "blank_dates": 6,
    "delete_with_orders": 7,
    "delete_answer": 8,
    "deleted_again": 8,
    "address": 9,
    "reference_keys": 10,
    "lookup_key": 11,
    "lookup_name": 11,
    "lookup_pages": 11,
    "per_page": 11,
    "lost_calls": 12,
    "writes": 12,
    "emptied": 13,
    "anonymized": 13,
    "name_form": 14,
    "tel_form": 14,
    "email_form": 14,
    "notes_form": 14,
    "foreign_id_form": 14,
    "foreign_id_found": 14,
    "id_form": 14,
    "reads": 15,
    "dotted_ids": 16,
    "accented_ids": 16,
    "lenient_numeric": 16,
    "merged": 17,
    "nobody": 18,
    "between": 18,
    "languages": 19,
    "category": 19,
    "order_keys": 20,
    "unknown_fields": 20,
    "delete_key": 21,
    "renaming": None,
    "email_unique": None,
    "login_email": None,
    "batch_cap": None,
}
"""What is asked, in the order in which it is told, with its number in the list of open points."""

OUT_OF_REACH = ("delete_with_orders", "lost_calls", "merged", "login_email", "batch_cap")
"""What three invented customers can't tell: it takes an order, a broken line, a person in the back office, a crowd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`values` are figures and names of fields, for the words of the answer."""

    code: str
    answer: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def point(self) -> int | None:
        return POINTS[self.code]

    @property
    def section(self) -> str:
        """Where its words stand: all forms share theirs."""
        return "form" if self.code in FORMS else self.code


FORMS = ("name_form", "tel_form", "email_form", "notes_form", "foreign_id_form")


def in_order(found: Mapping[str, Finding]) -> list[Finding]:
    return [found[code] for code in POINTS if code in found]
