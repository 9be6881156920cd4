"""The pure comparison: what one source record, or its absence, asks for. Decides everything, touches nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from syncd.domain.changes import Cause, Change, Create, Ending, Update, content_of
from syncd.domain.digest import PersonDigester
from syncd.domain.guards import OF_IDENTITY
from syncd.domain.records import Customer, Digests, FieldProblem, KnownCustomer, Origin, Stage
from syncd.domain.winner import Write, is_due


class Verdict(Enum):
    """What becomes of a record that is present; `Plan` counts them under these names."""

    CREATE = "create"
    LINK = "link"  # go~mus has it already, under a number that is known, and without its foreign_id
    UPDATE = "update"
    UNCHANGED = "unchanged"
    RELEARNED = "relearned"  # go~mus has it all already; only our memory of the record is renewed
    UNCLEAR = "unclear"  # a create of it was sent whose fate is unknown, and which may still come to pass
    WAITING = "waiting"  # an erasure is under way and must end first
    QUARANTINED = "quarantined"  # refused before, not changed since, and its pause is not over
    ERASED = "erased"  # erased on request: never again without a person's word
    INVALID = "invalid"
    CONTRADICTED = "contradicted"  # stands more than once, with different contents
    MERGED = "merged"  # went into another one, in the source or in go~mus
    SAME = "same"  # another list has the person, and the customer
    TAKEN_OVER = "taken_over"  # gets the customer that another list has, or has given up
    GONE = "gone"  # the source itself tells it as deleted


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    change: Change | None = None
    digests: Digests | None = None  # for RELEARNED: what is to be remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the state database says about one foreign_id."""

    known: KnownCustomer | None = None
    tombstone: Cause | None = None
    refused: bytes | None = None  # record digest that go~mus refused, while its pause lasts
    is_unclear: bool = False  # a create was sent whose fate is unknown
    owner: str | None = None  # another sync of the instance that knows it
    gomus_id: int | None = None  # of the customer that it is, where it is not known yet
    is_decided: bool = False  # a person has said that it is that one
    doubt: FieldProblem | None = None  # why it can't be told which one it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A mapped record's digests: under the scheme of those that they are compared with, and under today's.

    `digester` is of the former; `writes` says who wins, field by field.
    """

    digester: PersonDigester
    as_known: Digests
    today: Digests
    writes: Mapping[str, Write]

    @property
    def is_renewed(self) -> bool:
        return self.as_known.scheme != self.today.scheme

    def is_refused(self, memory: Memory) -> bool:
        records = (self.as_known.record, self.today.record)
        return memory.refused in [content_of(record, memory.gomus_id) for record in records]

    def due(self, known: Digests) -> tuple[str, ...]:
        """The fields that are to be sent."""
        wanted, trace = self.as_known.fields, self.digester.trace
        differing = (name for name, digest in wanted.items() if known.fields.get(name) != digest)
        return tuple(name for name in differing if is_due(self.writes[name], wanted[name], trace(name, known)))

    def exchanges(self, name: str, known: Digests) -> bool:
        """Whether one value would take the place of another."""
        nothing = (None, self.digester.field(name, None))
        return known.fields.get(name) not in nothing and self.as_known.fields[name] not in nothing

    def beside(self, known: Digests, sent: Collection[str]) -> Digests:
        """All that is known once these fields are accepted."""
        agreed = {
            name: digest
            for name, digest in self.today.fields.items()
            if name in sent or self.as_known.fields[name] in (known.fields.get(name), known.shown.get(name))
        }
        if self.is_renewed:  # what is not mapped any more can't be made anew
            return replace(self.today, fields=agreed)
        shown = {name: digest for name, digest in known.shown.items() if name not in sent}
        return replace(self.today, fields={**known.fields, **agreed}, shown=shown)


def compare(customer: Customer, wanted: Wanted, memory: Memory, *, source_digest: bytes) -> Decision:
    """Compare one valid record with what we know; `source_digest` is that of the record it was mapped from."""
    known = memory.known
    if memory.tombstone is Cause.REQUEST:
        return Decision(Verdict.ERASED)
    if wanted.is_refused(memory):
        return Decision(Verdict.QUARANTINED)
    if known is None and memory.is_unclear:
        return Decision(Verdict.UNCLEAR)
    if known is None:
        return _begin(customer, wanted, memory, source_digest)
    if known.stage is not Stage.ACTIVE or known.gomus_id is None:
        return Decision(Verdict.WAITING)
    names = wanted.due(known.digests)
    held = wanted.beside(known.digests, names)
    if not names:
        is_same_record = known.digests.record == wanted.today.record and not wanted.is_renewed
        is_remembered = is_same_record and known.source_digest == source_digest
        return Decision(Verdict.UNCHANGED) if is_remembered else Decision(Verdict.RELEARNED, digests=held)
    return Decision(
        Verdict.UPDATE,
        Update(
            foreign_id=customer.foreign_id,
            gomus_id=known.gomus_id,
            fields={name: customer.fields[name] for name in names},
            digests=held,
            source_digest=source_digest,
            before=known.digests,
            exchanged=tuple(name for name in OF_IDENTITY if name in names and wanted.exchanges(name, known.digests)),
        ),
    )


def _begin(customer: Customer, wanted: Wanted, memory: Memory, source_digest: bytes) -> Decision:
    """Also after a deletion for absence: whoever comes back is a new customer."""
    create = Create(
        foreign_id=customer.foreign_id,
        fields={name: value for name, value in customer.fields.items() if value is not None},
        digests=wanted.today,
        source_digest=source_digest,
        gomus_id=memory.gomus_id,
        is_decided=memory.is_decided,
    )
    return Decision(Verdict.CREATE if memory.gomus_id is None else Verdict.LINK, create)


class DeleteMode(Enum):
    ANONYMIZE_THEN_DELETE = "anonymize-then-delete"
    ANONYMIZE = "anonymize"
    RELEASE = "release"
    IGNORE = "ignore"


ENDINGS = {
    DeleteMode.ANONYMIZE_THEN_DELETE: Ending.DELETE,
    DeleteMode.ANONYMIZE: Ending.KEEP,
    DeleteMode.RELEASE: Ending.RELEASE,
}


class Absence(Enum):
    """What becomes of a known customer that a complete read did not hold."""

    IGNORED = "ignored"
    HIDDEN = "hidden"  # may be behind a record whose id can't be read
    WAITING = "absent"  # within grace
    DUE = "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsencePolicy:
    """`hidden_since`: when the youngest record without a readable id appeared, of those that the source still has.

    `releases_linked`: whom go~mus had before leaves the list, and no more.
    """

    mode: DeleteMode
    grace: timedelta
    hidden_since: datetime | None = None
    releases_linked: bool = True

    def ending_of(self, origin: Origin) -> Ending | None:
        """None where nothing becomes of who is absent."""
        if origin is Origin.LINKED and self.releases_linked and self.mode in ENDINGS:
            return Ending.RELEASE
        return ENDINGS.get(self.mode)


def judge_absence(absent_since: datetime | None, *, now: datetime, policy: AbsencePolicy) -> Absence:
    """Judge one absent customer; `absent_since` is None where this read is the first without it.

    A nameless record that already stood in a read which also held the customer is somebody else. Only one that
    appeared with the absence, or after it, may be the customer: absence is then not sure.
    """
    since = absent_since or now
    if policy.mode is DeleteMode.IGNORE:
        return Absence.IGNORED
    if policy.hidden_since is not None and policy.hidden_since >= since:
        return Absence.HIDDEN
    return Absence.DUE if now - since >= policy.grace else Absence.WAITING
