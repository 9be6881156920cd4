"""What a read showed that the state remembers, whatever is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from syncd.domain.records import Digests
from syncd.state.emails import EmailsRead
from syncd.state.likeness import Likened


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a read showed beside changes; absent and returned customers by their rows in the database."""

    newly_absent: Sequence[int]
    newly_told: Sequence[int]  # gone by the source's own word
    left_to_others: Sequence[str]  # gone from this list, and known to another sync of the instance
    returned: Sequence[int]
    mended: Sequence[str]  # set aside before, and in order without a call, or no longer in the source
    nameless: Mapping[bytes, datetime]  # records without a readable id → since when they stand there
    relearned: Iterable[tuple[str, bytes, Digests]]  # another record that leads to the customer as go~mus has it
    errands: Iterable[tuple[str, Sequence[str]]] | None = None  # what the owner of the data is told, by foreign_id
    emails: EmailsRead | None = None  # None where nothing is kept of addresses
    mergers: Mapping[str, str | None] = field(default_factory=dict)  # records that went into another one, unnoted
    unmerged: Sequence[str] = ()  # of whom that is said no longer
    likened: Likened = field(default_factory=Likened)
    unsure: str | None = None  # digests of the last record and of the file that ends within it
