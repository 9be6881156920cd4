"""How answers and failures become outcomes; nothing here talks to anybody."""

from collections.abc import Sequence
from dataclasses import replace

from syncd.delivery.looking import Sighting, Whereabouts
from syncd.domain.changes import Action, Change, Create, Erase, Outcome, Result, Update
from syncd.domain.records import Digests, RemoteCustomer
from syncd.errors import CallFailed, Missing, Refused, Retryable, Unclear
from syncd.gomus.wire import WriteAnswer

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


def updated(update: Update, known: Digests, *, status: int | None = None, attempts: int = 1) -> Outcome:
    return Outcome(
        change=update,
        action=Action.UPDATE,
        result=Result.OK,
        gomus_id=update.gomus_id,
        status=status,
        attempts=attempts,
        known=known,
    )


def erased(erase: Erase, action: Action, result: Result, *, error: str | None = None) -> Outcome:
    return Outcome(change=erase, action=action, result=result, gomus_id=erase.gomus_id, error=error)


# --- what was not ---


def failed(change: Change, failure: CallFailed, action: Action | None = None) -> Outcome:
    return Outcome(
        change=change,
        action=action or change.action,
        result=Result.FAILED,
        gomus_id=None if isinstance(change, Create) else change.gomus_id,
        status=failure.status,
        attempts=failure.attempts,
        error=str(failure) if isinstance(change, Erase) else words(failure),  # nothing that a server says of the erased
        settled=not isinstance(failure, Unclear),
        refused=isinstance(failure, Refused),
    )


def unsettled(change: Create | Update, failure: CallFailed) -> Outcome:
    """It may have been done, and the look that was to tell has failed."""
    return replace(failed(change, failure), settled=False)


def given_up(change: Create | Update, lost: Unclear, *, is_alone: bool) -> Outcome:
    """A server that stumbles over one record again and again, and answers in between, will do so tomorrow."""
    return replace(failed(change, lost), refused=is_alone and lost.status == 500)


def not_sent(change: Create | Update) -> Outcome:
    return failed(change, Retryable("asked to stop before it was sent again", attempts=0))


def vanished(update: Update) -> Outcome:
    return failed(update, Missing("is no longer in go~mus", status=404))


def not_here(change: Update | Erase, sighting: Sighting) -> Outcome:
    """Where a known customer is not to be found any more: nothing is written to whoever stands in its place."""
    return failed(change, refused_as(sighting), Action.ANONYMIZE if isinstance(change, Erase) else change.action)


def refused_as(sighting: Sighting) -> Refused:
    match sighting.whereabouts:
        case Whereabouts.MERGED:
            return Refused(
                "was merged into another customer in go~mus; nothing was written: keep one of the two records"
            )
        case Whereabouts.RENAMED:
            return Refused(
                "has another foreign_id in go~mus, or none; nothing was written: set its foreign_id there again"
            )
        case _:
            return Missing("is no longer in go~mus", status=404)


def said_nothing(answer: WriteAnswer) -> Unclear:
    """A 2xx that shows no customer is no outcome by itself."""
    return Unclear("go~mus answered, but showed no customer", status=answer.status, attempts=answer.attempts)


def kept_as_before(names: Sequence[str], answer: WriteAnswer) -> Refused:
    """A 2xx that shows the old values: go~mus will not have them changed."""
    words = f"go~mus keeps {', '.join(names)} as it was"
    return Refused(words, status=answer.status, attempts=answer.attempts)


def not_done_in_time(answer: WriteAnswer) -> Refused:
    """A 202 that came to nothing: whether late or refused in silence, the record rests, and is looked up before it is
    sent again.
    """
    return Refused("go~mus accepted it for later, but has not done it in time", status=answer.status)


def words(failure: CallFailed) -> str:
    reasons = failure.reasons if isinstance(failure, Refused) else ()
    return "; ".join(reasons) if reasons else str(failure)
