"""What an erasure did and saw, entry by entry, as a certificate tells it: times and names of fields, never a value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class What(Enum):
    """What one entry says; the values are kept in the state."""

    FOUND = "found"  # go~mus shows the customer; the number is that of its addresses
    EMPTYING = "emptying"  # a call goes out that is to empty so many fields
    EMPTIED = "emptied"  # fields that held something personal, and do not any more
    REPLACED = "replaced"  # fields in which a placeholder stands
    READ_BACK = "read-back"  # of so many personal fields none holds anything personal
    KEPT = "kept"  # fields that go~mus does not let go
    EMPTYING_LOST = "emptying-lost"  # a call without an answer that can be relied on
    DELETE_LOST = "delete-lost"
    RELEASE_LOST = "release-lost"
    TOOK_EFFECT = "took-effect"  # a look showed it of the lost call
    NO_EFFECT = "no-effect"  # so far
    DELETED = "deleted"  # go~mus says so
    REFUSED = "refused"  # go~mus keeps the customer; the number is the status of its answer
    NEEDED = "needed"  # the same, because of what hangs on the customer, such as orders
    RELEASED = "released"  # its foreign_id is off
    NOT_RELEASED = "not-released"
    GONE = "gone"  # neither the foreign_id nor the known number shows anybody
    TWIN = "twin"  # another customer shows the same foreign_id
    CUT_OFF = "cut-off"  # syncd itself ended before it heard of the call
    FAILED = "failed"  # the step ended here, and is taken up again
    MAY_COME = "may-come"  # an earlier call may still make the customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`number` is what `what` says; `reason` is a sentence of `syncd.reasons`, or another one of ours."""

    at: datetime
    what: What
    fields: tuple[str, ...] = ()
    number: int | None = None
    reason: str | None = None


@dataclass(slots=True)
class Trail:
    """The entries of one step, while it is under way."""

    clock: Callable[[], datetime]
    entries: list[Entry] = field(default_factory=list)

    def note(
        self,
        what: What,
        *,
        fields: Iterable[str] = (),
        number: int | None = None,
        reason: str | None = None,
    ) -> None:
        entry = Entry(at=self.clock(), what=what, fields=tuple(fields), number=number, reason=reason)
        self.entries.append(entry)

    def note_effect(self, *, is_there: bool) -> None:
        """What a look found of a call whose answer was lost."""
        self.note(What.TOOK_EFFECT if is_there else What.NO_EFFECT)
