"""How answers and failures become outcomes; nothing here talks to anybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeVar

from syncd import reasons
from syncd.delivery.looking import Sighting, Whereabouts
from syncd.domain.changes import Action, Change, Create, Erase, Outcome, Result, Update
from syncd.domain.records import Digests, RemoteCustomer, Value
from syncd.errors import CallFailed, Fatal, Missing, NotYet, Refused, Retryable, Unclear
from syncd.gomus.wire import WriteAnswer

NOT_IN_TIME = (None, 408, 504)
BUSY = (409, 423)  # go~mus's own word that it is at it


class Again(Enum):
    """Why changes are to be sent once more."""

    NEW = auto()  # they were only looked for
    FOUND = auto()  # they are there under their number, and lack their foreign_id
    AS_IT_WAS = auto()  # turned away unprocessed
    TOO_MANY = auto()  # refused as a whole: perhaps for their number alone
    IN_PARTS = auto()  # among them is one that stands against the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call came to: an outcome for each change, but for those that are to be sent again.

    `named` are those whom a refusal blames, `number` is the one that it tells. `took` says that go~mus took the batch,
    `slow` that it did not answer it in time. `fatal` is why nothing more is to be sent.
    """

    outcomes: Sequence[Outcome] = ()
    again: Sequence[Create | Update] = ()
    why: Again = Again.NEW
    tries: int | None = None
    named: frozenset[str] = frozenset()
    number: int | None = None
    took: bool = False
    slow: bool = False
    fatal: Fatal | None = None


def other_ids() -> Fatal:
    """A customer was created and can't be looked for: the next one would be, too."""
    return Fatal(reasons.OTHER_IDS, remedy=reasons.KEEP_IDS)


C = TypeVar("C", Create, Update)


def outcomes_in(looked: Sequence[Outcome | C]) -> list[Outcome]:
    return [one for one in looked if isinstance(one, Outcome)]


def changes_in(looked: Sequence[Outcome | C]) -> list[C]:
    return [one for one in looked if not isinstance(one, Outcome)]


# --- what was done ---


def created(create: Create, remote: RemoteCustomer, known: Digests, answer: WriteAnswer) -> Outcome:
    return Outcome(
        change=create,
        action=Action.CREATE,
        result=Result.OK,
        gomus_id=remote.gomus_id,
        status=answer.status,
        attempts=answer.attempts,
        known=known,
    )


def found(
    create: Create, remote: RemoteCustomer, known: Digests, needed: Mapping[str, Value], action: Action = Action.CREATE
) -> Outcome:
    """`action` says whether it is our own doing that the customer is there."""
    return Outcome(
        change=create, action=action, result=Result.OK, gomus_id=remote.gomus_id, known=known, differing=needed
    )


def adopted(
    create: Create, remote: RemoteCustomer, known: Digests, needed: Mapping[str, Value], kept: Sequence[str]
) -> Outcome:
    return replace(found(create, remote, known, needed, Action.ADOPT), error=_left(kept))


def left_alone(update: Update) -> Outcome:
    """go~mus has it all, or keeps its own values: there is nothing to send."""
    return Outcome(
        change=update,
        action=Action.UPDATE,
        result=Result.SKIPPED,
        gomus_id=update.gomus_id,
        known=update.digests,
        error=_left(update.kept),
    )


def _left(names: Sequence[str]) -> str | None:
    """Fields whose `write` says that go~mus wins."""
    return f"left as go~mus has it: {', '.join(names)}" if names else None


def updated(update: Update, known: Digests, *, status: int | None = None, attempts: int = 1) -> Outcome:
    return Outcome(
        change=update,
        action=Action.UPDATE,
        result=Result.OK,
        gomus_id=update.gomus_id,
        status=status,
        attempts=attempts,
        known=known,
        error=_left(update.kept),
    )


def erased(erase: Erase, action: Action, result: Result, *, error: str | None = None) -> Outcome:
    return Outcome(change=erase, action=action, result=result, gomus_id=erase.gomus_id, error=error)


# --- what was not ---


def failed(change: Change, failure: CallFailed, action: Action | None = None) -> Outcome:
    return Outcome(
        change=change,
        action=action or change.action,
        result=Result.FAILED,
        gomus_id=change.gomus_id,
        status=failure.status,
        attempts=failure.attempts,
        error=words(failure),
        settled=not isinstance(failure, Unclear),
        refused=isinstance(failure, Refused),
        reached=not isinstance(failure, Retryable) or isinstance(failure, NotYet) or failure.status in BUSY,
    )


def unsettled(change: Create | Update, failure: CallFailed) -> Outcome:
    """It may have been done, and the look that was to tell has failed."""
    return replace(failed(change, failure), settled=False)


def given_up(change: Update | Erase, failure: CallFailed, action: Action | None = None) -> Outcome:
    """A server that stumbles over one record again and again, and answers in between, will do so tomorrow."""
    outcome = failed(change, failure, action)
    is_final = isinstance(failure, Unclear) and failure.status == 500
    return replace(outcome, refused=True, settled=True) if is_final else outcome


def not_sent(change: Change) -> Outcome:
    return replace(failed(change, Retryable("was not sent again in this run", attempts=0)), reached=True)


def never_found(create: Create) -> Outcome:
    """Sent again and again, each time waited for, and never there."""
    return failed(create, Refused(reasons.NEVER_FOUND.tell(), attempts=0))


def unreadable(create: Create, signs: Iterable[str]) -> Outcome:
    """Not created: once an answer is lost, nobody could tell whether it is there."""
    which = " or ".join(repr(sign) for sign in sorted(signs))
    return failed(create, Refused(reasons.UNREADABLE_ID.tell(signs=which), attempts=0))


def unkept(create: Create) -> Outcome:
    """Not created, for nobody could look for it under its id."""
    return failed(create, Refused(reasons.UNKEPT_ID.tell(), attempts=0))


def alike(create: Create) -> Outcome:
    """Not created: go~mus would take it for the other one."""
    return failed(create, Refused(reasons.ALIKE.tell(), attempts=0))


def vanished(update: Update) -> Outcome:
    return failed(update, Missing(reasons.VANISHED.tell(), status=404))


def not_here(change: Update | Erase, sighting: Sighting) -> Outcome:
    """Where a known customer is not to be found any more: nothing is written to whoever stands in its place."""
    return failed(change, refused_as(sighting), Action.ANONYMIZE if isinstance(change, Erase) else change.action)


def refused_as(sighting: Sighting) -> Refused:
    match sighting.whereabouts:
        case Whereabouts.MERGED:
            return Refused(reasons.MERGED.tell())
        case Whereabouts.RENAMED:
            return Refused(reasons.RENAMED.tell())
        case _:
            return Missing(reasons.VANISHED.tell(), status=404)


def said_nothing(answer: WriteAnswer) -> Unclear:
    """A 2xx that shows no customer is no outcome by itself."""
    return Unclear("go~mus answered, but showed no customer", status=answer.status, attempts=answer.attempts)


def refused_in(answer: WriteAnswer) -> Refused:
    """A 2xx with errors that does not show what was sent."""
    return Refused(
        reasons.REFUSED_IN_PASSING.tell(), reasons=answer.errors, status=answer.status, attempts=answer.attempts
    )


def kept_as_before(names: Sequence[str], answer: WriteAnswer) -> Refused:
    """A 2xx that shows the old values: go~mus will not have them changed."""
    return Refused(reasons.KEPT.tell(fields=", ".join(names)), status=answer.status, attempts=answer.attempts)


def not_done_in_time(answer: WriteAnswer) -> Refused:
    """A 202 to an update that came to nothing: whether late or refused in silence, the record rests."""
    return Refused(reasons.NOT_IN_TIME.tell(), status=answer.status)


def words(failure: CallFailed) -> str:
    reasons = failure.reasons if isinstance(failure, Refused) else ()
    return "; ".join(reasons) if reasons else str(failure)
