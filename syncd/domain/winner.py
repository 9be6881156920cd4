"""Who wins where the source and go~mus differ: what is sent of one field, and what of it is drift. Pure, by digests."""

from dataclasses import dataclass
from enum import Enum


class Write(Enum):
    """When the value of a field is sent to a customer that go~mus has; a new customer gets them all."""

    ALWAYS = "always"  # go~mus follows the source
    CREATE = "create"  # with a new customer only; then it belongs to go~mus
    IF_EMPTY = "if-empty"  # where go~mus has nothing
    UNLESS_CHANGED = "unless-changed"  # while go~mus shows what it has from us

    @property
    def needs_look(self) -> bool:
        """Whether what go~mus shows at the moment decides."""
        return self in (Write.IF_EMPTY, Write.UNLESS_CHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is known of one field of one customer, as digests; `empty` is that of nothing.

    `ours` is what go~mus has from us, or agrees with us about. `shown` is what it showed for it, in a form of its own;
    without `ours` it is a value that somebody else put there. `is_flag`: "no" is a value, though it equals nothing.
    """

    ours: bytes | None
    shown: bytes | None
    empty: bytes
    is_flag: bool = False

    @property
    def is_theirs(self) -> bool:
        return self.ours is None and self.shown not in (None, self.empty)

    @property
    def is_filled_by_us(self) -> bool:
        return self.ours is not None and (self.ours != self.empty or self.is_flag)


def is_due(write: Write, wanted: bytes, trace: Trace) -> bool:
    """Whether a value is to be sent to a known customer. What syncd did not put there is not emptied."""
    if wanted in (trace.ours, trace.shown):
        return False
    if wanted == trace.empty and not trace.is_flag:
        return trace.is_filled_by_us and write in (Write.ALWAYS, Write.UNLESS_CHANGED)
    match write:
        case Write.ALWAYS:
            return True
        case Write.CREATE:
            return False
        case Write.IF_EMPTY:
            return (trace.shown or trace.ours) in (None, trace.empty)
        case Write.UNLESS_CHANGED:
            return not trace.is_theirs


def is_free(write: Write, shows: bytes | None, trace: Trace) -> bool:
    """Whether a value that is due may be sent over what go~mus shows now; None: it does not show the field."""
    match write:
        case Write.IF_EMPTY:
            return shows == trace.empty
        case Write.UNLESS_CHANGED:
            return shows is None or shows in ({trace.ours, trace.shown} - {None} or {trace.empty})
        case _:
            return True


def is_drift(write: Write, shows: bytes, trace: Trace) -> bool:
    """Whether what go~mus shows now is to be set right again."""
    if shows in (trace.ours, trace.shown) or not trace.is_filled_by_us:
        return False
    return write is Write.ALWAYS or (write is Write.IF_EMPTY and shows == trace.empty)
