"""One record's story: where it stands, why, and what would have to happen. Words and names of fields, never a value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Any

from syncd.config.model import SyncConfig
from syncd.domain.changes import Cause, Create, Update
from syncd.domain.diff import DeleteMode, Verdict
from syncd.domain.guards import Word, how_to_release
from syncd.domain.matches import Match
from syncd.domain.matches import Word as Said
from syncd.domain.records import InvalidRecord, KnownCustomer, Stage
from syncd.domain.winner import Write
from syncd.report.words import iso, local
from syncd.runs.excerpt import Excerpt
from syncd.state.emails import Holder
from syncd.state.failures import InvalidRow, Quarantined
from syncd.state.held import Standing
from syncd.state.journal import OpenIntent
from syncd.state.mergers import Merger


class Lot(Enum):
    """Where a record stands. Each is one answer to "why is this one not in go~mus?"."""

    IN_STEP = "in step"
    TO_CREATE = "to be created"
    TO_LINK = "to be linked"
    TO_UPDATE = "to be updated"
    NOT_DONE = "not done"  # `actions` does not name it
    INVALID = "invalid"
    REFUSED = "refused"
    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    UNCLEAR = "unclear"
    MISSING = "missing in go~mus"  # as the audit or `verify` has seen
    LEFT_OUT = "left out"  # by `where`
    MERGED = "merged"  # went into another record
    SAME = "same person"  # as in another list, which has the customer
    ABSENT = "absent"  # within grace
    TO_ERASE = "to be erased"
    LEFT_ALONE = "left alone"  # by delete.mode
    ERASING = "being erased"
    ERASED = "erased"  # for absence
    ERASED_ON_REQUEST = "erased on request"
    UNREAD = "source not read"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the state knows of one id of one sync, and what the source says; `trouble` is why it does not.

    `now` is when the next run would begin.
    """

    sync: SyncConfig
    foreign_id: str
    now: datetime
    known: KnownCustomer | None
    tombstone: Cause | None
    refused: Quarantined | None
    invalid: Sequence[InvalidRow]
    held: Standing | None
    intents: Sequence[OpenIntent]
    settle: timedelta
    match: Match | None = None  # which customer of go~mus it is, or may be
    drifted: Sequence[str] = ()  # fields, or where it is in go~mus
    told: Sequence[str] = ()  # what the office is told of it
    sharing: Sequence[Holder] = ()  # who else has its e-mail address, or the one that it waits for
    merger: Merger | None = None  # into another record
    same_person: Sequence[str] = ()  # foreign_ids of other lists
    excerpt: Excerpt | None = None
    trouble: str | None = None

    @property
    def zone(self) -> tzinfo:
        return self.sync.timezone

    @property
    def is_remembered(self) -> bool:
        """Whether the state holds something of it, beside what was done."""
        facts = (
            self.known,
            self.tombstone,
            self.refused,
            self.invalid,
            self.held,
            self.intents,
            self.match,
            self.drifted,
            self.told,
            self.merger,
            self.same_person,
        )
        return any(map(bool, facts))


def tell(facts: Facts) -> tuple[Lot, str]:
    """Where the record stands, and a sentence that says why and what is next."""
    return _gone_for_good(facts) or _merged(facts) or _waiting(facts) or _by_source(facts) or _by_absence(facts)


def _gone_for_good(facts: Facts) -> tuple[Lot, str] | None:
    known = facts.known
    if facts.tombstone is Cause.REQUEST:
        return Lot.ERASED_ON_REQUEST, (
            "was erased on request, and is not sent again while that stands (`syncd erase --undo` takes it back)"
        )
    if known and known.stage is not Stage.ACTIVE:
        what = "is anonymized, and the delete is still due" if known.stage is Stage.ANONYMIZED else "has begun"
        return Lot.ERASING, f"is being erased: it {what}; the next run goes on"
    return None


def _merged(facts: Facts) -> tuple[Lot, str] | None:
    merger, excerpt = facts.merger, facts.excerpt
    if merger and not merger.is_open:
        return Lot.MERGED, "was merged into another customer in go~mus, and is not created again"
    if merger:
        into = f"its record went into {merger.into}" if merger.into else "its record went into another one"
        return Lot.MERGED, f"{into}: the customer is left alone until staff merge the two in go~mus"
    if excerpt and excerpt.verdict is Verdict.MERGED:
        return Lot.MERGED, "its record went into another one: the next run leaves it alone, and creates nobody"
    return None


def _waiting(facts: Facts) -> tuple[Lot, str] | None:
    held = facts.held
    if held and held.word is Word.REJECTED and held.said:
        return Lot.REJECTED, f"{held.action} was held, and rejected by {held.said.by}: it is left as it is"
    if held and held.word is Word.APPROVED and held.said:
        return Lot.APPROVED, f"{held.action} was held, and approved by {held.said.by}: the next run does it"
    if held:
        guards = ", ".join(held.guards) or "a guard"
        since = local(held.since, facts.zone)
        return Lot.HELD, f"{held.action} held since {since} by {guards}: {how_to_release(facts.sync.name)}"
    if facts.intents:
        return Lot.UNCLEAR, _unclear(facts, facts.intents[0])
    if (refused := facts.refused) and not (
        facts.excerpt and facts.excerpt.verdict in (Verdict.INVALID, Verdict.UPDATE)
    ):
        again = f"tried again {_at(facts, refused.next_try_at)}, when the record changes, or on `syncd retry`"
        return Lot.REFUSED, f"is not in step, because go~mus refused it ({refused.action}): {refused.reason}; {again}"
    return None


def _unclear(facts: Facts, intent: OpenIntent) -> str:
    sent = f"{intent.action.value} was sent {local(intent.sent_at, facts.zone)}"
    again = f"sent again no sooner than {_at(facts, intent.sent_at + facts.settle)}"
    return f"{sent}, and what became of it is not known: the next run looks for it, and it is {again}"


def _by_source(facts: Facts) -> tuple[Lot, str] | None:
    excerpt = facts.excerpt
    if excerpt is None and facts.invalid and not facts.trouble:
        told = "; ".join(f"{row.position}: {'; '.join(map(str, row.problems))}" for row in facts.invalid)
        return Lot.INVALID, f"is not sent, because the record was invalid when it was last read: {told}"
    if excerpt is None:
        return Lot.UNREAD, f"what the source says is not known: {facts.trouble}" if facts.trouble else "is known"
    match excerpt.verdict:
        case Verdict.INVALID | Verdict.CONTRADICTED:
            return Lot.INVALID, f"is not sent, because the record is invalid: {_problems(excerpt.invalid)}"
        case Verdict.CREATE | Verdict.LINK | Verdict.UPDATE:
            return _due(facts, excerpt)
        case Verdict.UNCHANGED | Verdict.RELEARNED if mark := next(
            (one for one in facts.drifted if one in MISSING), None
        ):
            return Lot.MISSING, f"go~mus had it, and {MISSING[mark]}"
        case Verdict.UNCHANGED | Verdict.RELEARNED if facts.drifted:
            changed = ", ".join(facts.drifted)
            return (
                Lot.IN_STEP,
                f"nothing is due; in go~mus somebody has changed {changed} (`syncd verify --fix` mends it)",
            )
        case Verdict.UNCHANGED | Verdict.RELEARNED:
            return Lot.IN_STEP, "is in step: go~mus has what the source says, and nothing is due"
        case Verdict.SAME:
            return (
                Lot.SAME,
                "stands in another list too, which has the customer: nothing is sent for this record",
            )
        case Verdict.TAKEN_OVER:
            return Lot.TO_UPDATE, "has a customer under the foreign_id of another list: the next run gives it this one"
        case _:
            return None


def _unchanged(facts: Facts) -> tuple[Lot, str]:
    if mark := next((one for one in facts.drifted if one in MISSING), None):
        return Lot.MISSING, f"go~mus had it, and {MISSING[mark]}"
    if facts.drifted:
        changed = ", ".join(facts.drifted)
        return (
            Lot.IN_STEP,
            f"nothing is due, but somebody has changed {changed} in go~mus: `syncd verify --fix` mends it",
        )
    return Lot.IN_STEP, "is in step: go~mus has what the source says, and nothing is due"


def _due(facts: Facts, excerpt: Excerpt) -> tuple[Lot, str]:
    change = excerpt.change
    action = "update" if excerpt.verdict is Verdict.UPDATE else "create"
    if action not in facts.sync.actions:
        return Lot.NOT_DONE, f"the next run would {action} it, but `actions` does not name that"
    if isinstance(change, Update):
        return Lot.TO_UPDATE, f"the next run sends {', '.join(sorted(change.fields))}, unless a guard holds it"
    if isinstance(change, Create) and change.gomus_id is not None:
        words = f"is customer {change.gomus_id} in go~mus, which gets this foreign_id from the next run"
        return Lot.TO_LINK, f"{words}, unless a guard holds it"
    names = ", ".join(sorted(change.fields)) if isinstance(change, Create) else ""
    again = " again, for it had left the source" if facts.tombstone else ""
    words = f"is not in go~mus yet: the next run creates it{again}, or adopts the one that go~mus has under this id"
    return Lot.TO_CREATE, f"{words} ({names}), unless a guard holds it"


def _by_absence(facts: Facts) -> tuple[Lot, str]:
    known, excerpt = facts.known, facts.excerpt
    is_left_out = excerpt is not None and excerpt.filtered > 0
    where = "is in the source, but `where` leaves it out" if is_left_out else "is not in the source any more"
    if known is None:
        if is_left_out:
            return Lot.LEFT_OUT, f"{where}: it is not sent"
        if facts.tombstone is Cause.ABSENCE:
            return Lot.ERASED, "was erased after it had left the source; where it comes back, it is created anew"
        return Lot.UNKNOWN, "is neither known nor in the source"
    lot, words = _absent(facts, known)
    return (Lot.LEFT_OUT if is_left_out and lot is Lot.ABSENT else lot), f"{where}: {words}"


def _absent(facts: Facts, known: KnownCustomer) -> tuple[Lot, str]:
    options = facts.sync.delete
    if options.mode is DeleteMode.IGNORE:
        return Lot.LEFT_ALONE, 'it is left alone in go~mus (delete.mode = "ignore")'
    if "erase" not in facts.sync.actions:
        return Lot.NOT_DONE, "it would be erased, but `actions` does not name that"
    since = known.absent_since or facts.now
    due = since + options.grace
    noted = f"absent since {local(since, facts.zone)}" if known.absent_since else "the next run notes it as absent"
    what = {DeleteMode.RELEASE: "released", DeleteMode.ANONYMIZE: "anonymized"}.get(options.mode, "erased")
    if due > facts.now:
        return Lot.ABSENT, f"{noted}; it is {what} after {local(due, facts.zone)}, unless it comes back"
    return Lot.TO_ERASE, f"{noted}; its grace is over, and the next run has it {what}, unless a guard holds it"


def _problems(invalid: Sequence[InvalidRecord]) -> str:
    return "; ".join(f"{record.position}: {'; '.join(map(str, record.problems))}" for record in invalid)


def _at(facts: Facts, at: datetime) -> str:
    return local(at, facts.zone) if at > facts.now else "by the next run"


MISSING = {
    "gone": "somebody has deleted it there: once its record changes that is a failure, or it is created anew where "
    '`vanished = "recreate"` says so',
    "merged": "somebody has merged it into another customer there",
    "renamed": "somebody has changed or emptied its foreign_id there: set it again",
}

# --- who owns which field ---

OWNED = {
    Write.ALWAYS: "go~mus follows the source",
    Write.CREATE: "sent once, with the new customer; then go~mus's own",
    Write.IF_EMPTY: "sent only where go~mus has nothing",
    Write.UNLESS_CHANGED: "sent until somebody changes it in go~mus",
}


def owners(sync: SyncConfig) -> dict[str, list[str]]:
    """Fields by who wins, in words."""
    found: dict[str, list[str]] = {}
    for name, spec in sync.fields.items():
        found.setdefault(OWNED[spec.write], []).append(name)
    return found


# --- the answer ---


def facts_as_json(facts: Facts, lot: Lot, why: str) -> dict[str, Any]:
    known, refused, held, zone = facts.known, facts.refused, facts.held, facts.zone
    return {
        "sync": facts.sync.name,
        "foreign_id": facts.foreign_id,
        "state": lot.value,
        "why": why,
        "gomus_id": known.gomus_id if known else None,
        "standing": known.stage.value if known else None,
        "absent_since": iso(known.absent_since, zone) if known and known.absent_since else None,
        "fields": sorted(known.digests.fields) if known else [],
        "of_others": sorted(known.digests.of_others) if known else [],
        "owners": owners(facts.sync),
        "erased_for": facts.tombstone.value if facts.tombstone else None,
        "refused": {"reason": refused.reason, "next_try_at": iso(refused.next_try_at, zone)} if refused else None,
        "invalid": [{"position": row.position, "problems": [str(p) for p in row.problems]} for row in facts.invalid],
        "held": _held_as_json(held, zone) if held else None,
        "match": _match_as_json(facts.match, zone) if facts.match else None,
        "drifted": list(facts.drifted),
        "told": list(facts.told),
        "shares_email_with": [{"sync": one.sync, "foreign_id": one.foreign_id} for one in facts.sharing],
        "merged_into": facts.merger.into if facts.merger else None,
        "same_person": list(facts.same_person),
        "source": _source_as_json(facts),
    }


def _held_as_json(held: Standing, zone: tzinfo) -> dict[str, object]:
    said = held.said
    return {
        "action": held.action,
        "guards": held.guards,
        "fields": held.fields,
        "since": iso(held.since, zone),
        "decided": held.word.value if held.word else None,
        **({"by": said.by, "why": said.why, "at": iso(said.at, zone)} if said else {}),
    }


def _match_as_json(match: Match, zone: tzinfo) -> dict[str, object]:
    return {
        "word": match.word.value,
        "gomus_id": match.gomus_id,
        "candidates": list(match.candidates),
        "reason": match.reason,
        "by": match.by,
        "why": match.why,
        "at": iso(match.at, zone),
    }


def _match_in_words(facts: Facts, found: Match) -> str:
    by = f", as {found.by} has decided" if found.by else ""
    why = f" ({found.why})" if found.why else ""
    match found.word:
        case Said.OPEN:
            numbers, said = ", ".join(map(str, found.candidates)), f"--decide {facts.foreign_id}="
            words = f"may be one of the customers {numbers} ({found.reason}); say which"
            return f"{words}: `syncd link {facts.sync.name} {said}NUMBER`, or `{said}new` where it is none"
        case Said.LINK:
            return f"is customer {found.gomus_id}{by}{why}: the next run gives it this foreign_id"
        case Said.NEW:
            return f"is nobody whom go~mus has{by}{why}: the next run creates it"


def _source_as_json(facts: Facts) -> dict[str, object]:
    excerpt = facts.excerpt
    if excerpt is None:
        return {"trouble": facts.trouble, "positions": None}
    change = excerpt.change
    return {
        "trouble": None,
        "positions": [str(record.position) for record in excerpt.records],
        "left_out": bool(excerpt.filtered),
        "verdict": excerpt.verdict.value if excerpt.verdict else None,
        "fields": sorted(change.fields) if isinstance(change, Create | Update) else [],
        "problems": [str(problem) for record in excerpt.invalid for problem in record.problems],
    }


def facts_as_lines(facts: Facts, why: str) -> Iterator[str]:
    refused, zone = facts.refused, facts.zone
    yield f"{facts.foreign_id} in {facts.sync.name}"
    yield f"  {why}"
    if facts.known:
        yield from _known_as_lines(facts.known, zone)
    if facts.tombstone:
        yield f"  erased ({facts.tombstone.value})"
    if refused:
        yield f"  refused: {refused.reason}; tried again {local(refused.next_try_at, zone)}"
    if facts.excerpt is None:  # the source tells it as it is now
        yield from (f"  invalid: {row.position}: {'; '.join(map(str, row.problems))}" for row in facts.invalid)
    if facts.match:
        yield f"  {_match_in_words(facts, facts.match)}"
    if facts.drifted:
        yield f"  seen to be changed in go~mus: {', '.join(facts.drifted)}"
    yield from (f"  the office is told: {text}" for text in facts.told)
    yield from (f"  its e-mail address is also that of {one.foreign_id} ({one.sync})" for one in facts.sharing)
    if facts.same_person:
        yield f"  the same person in other lists: {', '.join(facts.same_person)}"
    for words, names in owners(facts.sync).items():
        yield f"  {words}: {', '.join(names)}"


def _known_as_lines(known: KnownCustomer, zone: tzinfo) -> Iterator[str]:
    what = "" if known.stage is Stage.ACTIVE else f", {known.stage.value}"
    yield f"  known: go~mus id {known.gomus_id}{what}; fields {', '.join(sorted(known.digests.fields))}"
    if others := sorted(known.digests.of_others):
        yield f"  values that syncd did not put there: {', '.join(others)}"
    if known.absent_since:
        yield f"  absent from the source since {local(known.absent_since, zone)}"
