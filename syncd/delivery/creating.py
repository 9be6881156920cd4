"""Creating customers: who is looked for before, one POST, and what every kind of answer leads to.

A create whose answer is lost is looked for, never repeated blindly. A refused batch is looked at; whoever is not there
is sent again, in parts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from syncd.delivery.delivery import Delivery
from syncd.delivery.habits import Lag
from syncd.delivery.meeting import adopt, meet, under_other_ids, under_own_ids
from syncd.delivery.outcomes import (
    NOT_IN_TIME,
    Again,
    Answer,
    created,
    failed,
    found,
    not_sent,
    other_ids,
    refused_in,
    said_nothing,
    unsettled,
)
from syncd.domain.changes import Create, Outcome, Result
from syncd.domain.records import RemoteCustomer
from syncd.errors import CallFailed, NoTurn, Outage, Refused, Retryable, Stopped, TokenRefused, Unclear
from syncd.gomus.wire import WriteAnswer

AT_MOST = Lag(seconds=5.0, reads=1)  # so long reads may lag that never did; each look is a call for each member


# --- before ---


def probe(delivery: Delivery, create: Create) -> Outcome | Create:
    """The create itself where nobody has the foreign_id."""
    try:
        remote = meet(delivery, create, delivery.read(create.foreign_id))
    except CallFailed as failure:
        return failed(create, failure)
    return create if remote is None else adopt(delivery, create, remote)


def probe_in_other_letters(delivery: Delivery, create: Create) -> Outcome | Create:
    """The same for who may be there in small letters alone, or in capitals."""
    return _look(delivery, create, delivery.read_in_other_letters, partial(adopt, delivery))


def _look(
    delivery: Delivery,
    create: Create,
    read: Callable[[str], RemoteCustomer | None],
    take: Callable[[Create, RemoteCustomer], Outcome],
) -> Outcome | Create:
    try:
        remote = meet(delivery, create, read(create.foreign_id))
    except Refused as refusal:
        return failed(create, refusal)
    except CallFailed as failure:
        return unsettled(create, failure)
    return create if remote is None else take(create, remote)


# --- the call ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating:
    """One call, for customers of whom none is known to be there."""

    delivery: Delivery
    creates: Sequence[Create]
    tries: int
    sent_at: datetime

    def post(self) -> Answer:
        """Raises Fatal where no call can work, and Stopped; then nothing is known of the customers."""
        try:
            answer = self.delivery.client.create([{"foreign_id": one.foreign_id, **one.fields} for one in self.creates])
        except Refused as refusal:
            return self._refused(refusal)
        except Unclear as lost:
            return self._lost(lost)
        except NoTurn:  # the intents say when it is sent
            return Answer(again=self.creates, why=Again.AS_IT_WAS, tries=self.tries)
        except (Outage, TokenRefused, Stopped) as ended:
            fatal = None if isinstance(ended, Stopped) else ended
            return Answer(outcomes=[not_sent(create) for create in self.creates], fatal=fatal)
        except Retryable as failure:
            return self._turned_away(failure)
        return self._answered(answer)

    def _answered(self, answer: WriteAnswer) -> Answer:
        """Whom the answer shows by name alone may have the id all the same: a look tells."""
        creates = self.creates
        is_refusal = len(creates) == 1 and bool(answer.errors)  # whatever else it shows
        shown = {} if is_refusal else under_own_ids(self.delivery, creates, answer)
        by_name = {} if is_refusal else under_other_ids(self.delivery, creates, answer, shown)
        if not (answer.errors or shown or by_name):
            return self._lost(said_nothing(answer))
        outcomes = [self._created(one, shown[one.foreign_id], answer) for one in creates if one.foreign_id in shown]
        others = [create for create in creates if create.foreign_id not in shown]
        settled, missing = self.delivery.look_for(others, self._look_again, later=answer.later or bool(by_name))
        ends = {outcome.change.foreign_id: outcome for outcome in settled}
        by_name = {id_: one for id_, one in by_name.items() if id_ not in ends or ends[id_].result is not Result.OK}
        outcomes += [outcome for outcome in settled if outcome.change.foreign_id not in by_name]
        outcomes += [self._created(one, by_name[one.foreign_id], answer) for one in others if one.foreign_id in by_name]
        missing = [create for create in missing if create.foreign_id not in by_name]
        if any(id_ not in ends or ends[id_].refused for id_ in by_name):  # a look that failed tells nothing
            self.delivery.habits.keeps_ids = False
            return Answer(outcomes=outcomes, again=missing, why=Again.IN_PARTS, took=True, fatal=other_ids())
        if missing and len(creates) > 1:
            return Answer(outcomes=outcomes, again=missing, why=Again.IN_PARTS, took=bool(shown))
        refused = [failed(create, refused_in(answer)) for create in missing]
        return Answer(outcomes=outcomes + refused, took=bool(shown))

    def _created(self, create: Create, shown: RemoteCustomer, answer: WriteAnswer) -> Outcome:
        self.delivery.habits.saw_created(create.foreign_id)
        is_new = not self.delivery.habits.is_acquainted(create.foreign_id)
        if is_new and self.delivery.is_same_id(shown.foreign_id, create.foreign_id):
            self.delivery.read_back(create.foreign_id, shown.gomus_id)
        known = self.delivery.accepted(create.foreign_id, create.digests, create.wanted, shown)
        return created(create, shown, known, answer)

    def _refused(self, refusal: Refused) -> Answer:
        if len(self.creates) > 1:
            outcomes, missing = self._look_for_saved()
            why = Again.IN_PARTS if outcomes else Again.TOO_MANY
            return Answer(outcomes=outcomes, again=missing, why=why, named=refusal.named, number=refusal.number)
        outcomes, missing = self.delivery.look_for(self.creates, self._look_at_taken, later=False)
        adopted = [outcome for outcome in outcomes if outcome.result is Result.OK]
        self.delivery.habits.is_seen_unique |= bool(adopted) and refusal.says_taken
        return Answer(outcomes=adopted or [failed(create, refusal) for create in missing] or outcomes)

    def _look_for_saved(self) -> tuple[list[Outcome], list[Create]]:
        """Some servers save the good ones of a batch that they refuse, and reads may lag more than they ever did.

        Whoever is found shows how far reads have come by then: who was looked for before is looked for once more.
        """
        look_again = partial(self.delivery.look_for, look=self._look_again, later=False)
        outcomes, missing = look_again(self.creates)
        if not outcomes and self.delivery.habits.may_save_some:
            outcomes, missing = look_again(self.creates, lag=AT_MOST)
            if not outcomes:
                self.delivery.habits.saved_nobody([create.foreign_id for create in self.creates])
        if outcomes:
            more, missing = look_again(missing)
            outcomes += more
        return outcomes, missing

    def _lost(self, lost: Unclear) -> Answer:
        """What is not found may come to pass yet: it is not sent again in this run, but where ids are unique."""
        outcomes, missing = self.delivery.look_for(self.creates, self._look_again, later=True, sent_at=self.sent_at)
        is_slow = lost.status in NOT_IN_TIME
        if not (missing and self.delivery.habits.is_unique and self.tries > 1):
            return Answer(outcomes=outcomes + [failed(create, lost) for create in missing], slow=is_slow)
        self.delivery.pause(self.delivery.attempts - self.tries + 1)
        # In parts, for one of them may be what the server stumbles over.
        return Answer(outcomes=outcomes, again=missing, why=Again.IN_PARTS, tries=self.tries - 1, slow=is_slow)

    def _turned_away(self, failure: Retryable) -> Answer:
        try:
            self.delivery.wait_as_asked(self.delivery.attempts - self.tries + 1, failure)
        except Retryable:
            return Answer(outcomes=[failed(create, failure) for create in self.creates])
        except Stopped:
            return Answer(outcomes=[not_sent(create) for create in self.creates])
        return Answer(again=self.creates, why=Again.AS_IT_WAS, tries=self.tries - 1)

    # --- looking after it ---

    def _look_again(self, create: Create) -> Outcome | Create:
        """After a call of our own: what it has left is ours, unless it may have been there before."""
        return _look(self.delivery, create, self.delivery.read, self._meet if create.is_unmet else self._found)

    def _look_at_taken(self, create: Create) -> Outcome | Create:
        """After "has already been taken": somebody created it since we looked, or it was not looked for."""
        return _look(self.delivery, create, self.delivery.read, self._meet)

    def _meet(self, create: Create, remote: RemoteCustomer) -> Outcome:
        return adopt(self.delivery, create, remote)

    def _found(self, create: Create, remote: RemoteCustomer) -> Outcome:
        """What our own write has left may differ in form."""
        differing = self.delivery.other_than(remote, create.wanted)
        known = self.delivery.accepted(create.foreign_id, create.digests, create.wanted, remote)
        if differing:
            known = self.delivery.memory_of(create.foreign_id, remote, list(create.wanted))
        return found(create, remote, known, differing)
