"""Which customer of go~mus a record is, where that was found by comparing them or a person has said it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Word(Enum):
    """What is to become of a record that is not known yet."""

    LINK = "link"  # it is the customer with this number
    NEW = "new"  # a person says that it is nobody whom go~mus has: created as any
    OPEN = "open"  # a person has to decide: neither created nor linked until then


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`candidates` are the numbers that a person chooses from, `reason` is the code of why one has to.

    `by` is the person who has decided on this very record; None where it was found by comparing alone. A number that a
    person has given is not compared again.
    """

    foreign_id: str
    word: Word
    gomus_id: int | None = None
    candidates: tuple[int, ...] = ()
    reason: str | None = None
    by: str | None = None
    why: str | None = None
    at: datetime
