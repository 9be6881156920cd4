"""Creating (`creating`) and updating customers: what is sent, and what every kind of answer leads to.

A write whose answer is lost is looked up, never repeated blindly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from syncd import reasons
from syncd.delivery.creating import Creating, probe, probe_in_other_letters
from syncd.delivery.delivery import Delivery
from syncd.delivery.linking import Linking
from syncd.delivery.looking import Sighting, Whereabouts
from syncd.delivery.meeting import look_before, made_anew
from syncd.delivery.outcomes import (
    BUSY,
    NOT_IN_TIME,
    Again,
    Answer,
    changes_in,
    failed,
    given_up,
    kept_as_before,
    not_done_in_time,
    not_here,
    not_sent,
    outcomes_in,
    refused_in,
    said_nothing,
    unsettled,
    updated,
    vanished,
)
from syncd.domain.changes import Create, Outcome, Result, Update
from syncd.domain.records import RemoteCustomer
from syncd.errors import CallFailed, Missing, Refused, Retryable, Unclear
from syncd.gomus.wire import WriteAnswer

BATCH_REFUSALS = (413, 422)
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Writing:
    """What becomes of each record is in its outcome; the three methods raise Fatal where no call can work, or Stopped.

    Of a batch for which they raise nothing is known: its intents stay open, and the next run looks.
    """

    delivery: Delivery

    def probe(self, creates: Sequence[Create]) -> Answer:
        """Look each one up before it is created: an outcome where it exists, otherwise it is to be sent.

        Once it is time to stop, the others are left out.
        """
        looked = [probe(self.delivery, create) for create in creates if not self.delivery.is_stopping()]
        return Answer(outcomes=outcomes_in(looked), again=changes_in(looked))

    def create(self, creates: Sequence[Create], *, tries: int, is_probed: bool = True) -> Answer:
        """One POST, and the looks that settle it.

        `is_probed`: nobody was found as the source writes them; where the instance may keep them in other letters, in
        those too. The first one that may be goes alone, and tells.
        """
        looked: list[Outcome | Create] = list(creates)
        if is_probed and self.delivery.habits.may_fold(creates[0].foreign_id):
            looked = [probe_in_other_letters(self.delivery, create) for create in creates]
        left = changes_in(looked)
        creating = Creating(delivery=self.delivery, creates=left, tries=tries, sent_at=self.delivery.clock())
        answer = creating.post() if left else Answer()
        return replace(answer, outcomes=[*outcomes_in(looked), *answer.outcomes])

    # --- linking ---

    def look_at_links(self, creates: Sequence[Create]) -> Answer:
        """Read whom the numbers show: who may be linked is to be sent. Once it is time to stop, the others are left."""
        links = (Linking(delivery=self.delivery, create=one) for one in creates if not self.delivery.is_stopping())
        looked = [link.look() for link in links]
        return Answer(outcomes=outcomes_in(looked), again=changes_in(looked), why=Again.FOUND)

    def link(self, creates: Sequence[Create]) -> Answer:
        """A look and one PUT for each, and the looks that settle it."""
        return Answer(outcomes=[self._link(create) for create in creates])

    def _link(self, create: Create) -> Outcome:
        if self.delivery.is_stopping():
            return not_sent(create)
        return Linking(delivery=self.delivery, create=create).link()

    # --- updating ---

    def look_before(self, updates: Sequence[Update]) -> Answer:
        """Read the customers of whom a value may be staff's own; once it is time to stop, the others are left out."""
        looked = [look_before(self.delivery, update) for update in updates if not self.delivery.is_stopping()]
        return Answer(outcomes=outcomes_in(looked), again=changes_in(looked), why=Again.AS_IT_WAS)

    def update(self, updates: Sequence[Update]) -> Answer:
        """One PUT; what it leaves open of each customer is settled by looks, and by calls for that one alone."""
        if len(updates) == 1:
            return Answer(outcomes=[self._update_alone(updates[0], tries=self.delivery.attempts)])
        habits, slow = self.delivery.habits, False
        bodies = [{"foreign_id": habits.spell_id(one.foreign_id), **habits.spell(one.fields)} for one in updates]
        try:
            answer = self.delivery.client.update(bodies)
        except Refused as refusal:
            why = Again.TOO_MANY if refusal.status in BATCH_REFUSALS else Again.IN_PARTS
            return Answer(again=updates, why=why, named=refusal.named, number=refusal.number)
        except Unclear as lost:
            answer, slow = WriteAnswer(status=NO_ANSWER), lost.status in NOT_IN_TIME
        except Retryable as turned_away:
            if turned_away.status in BUSY:  # perhaps with one of them
                return Answer(again=updates, why=Again.IN_PARTS)
            return Answer(outcomes=[failed(update, turned_away) for update in updates])
        outcomes = self._settle_updates(updates, answer)
        return Answer(outcomes=outcomes, took=answer.status != NO_ANSWER, slow=slow)

    def _settle_updates(self, updates: Sequence[Update], answer: WriteAnswer) -> list[Outcome]:
        """Each is confirmed by the answer, or else by a look, or else sent alone."""
        confirmed = [self._confirm(update, answer) for update in updates]
        outcomes, is_answered = outcomes_in(confirmed), answer.status != NO_ANSWER
        settled, missing = self.delivery.look_for(
            changes_in(confirmed),
            lambda one: self._look_at_update(one, is_answered=is_answered) or one,
            later=answer.later,
        )
        alone = [self._update_alone(update, tries=self.delivery.attempts) for update in missing]
        return outcomes + settled + alone

    def _confirm(self, update: Update, answer: WriteAnswer) -> Outcome | Update:
        remote = self.delivery.shown_in(answer, update.foreign_id)
        if remote is not None and self.delivery.shows_empty(remote, update.cleared):
            return self._done(update, remote, answer)
        return update

    def _done(self, update: Update, remote: RemoteCustomer, answer: WriteAnswer) -> Outcome:
        """Under another number it was made anew by staff, and all its fields are still to be compared."""
        if remote.gomus_id != update.gomus_id:
            return self._look_at_update(update, is_answered=True) or made_anew(self.delivery, update, remote)
        if kept := self.delivery.left_as_before(update, remote):
            return failed(update, kept_as_before(kept, answer))
        known = self.delivery.accepted(update.foreign_id, update.digests, update.fields, remote)
        return updated(update, known, status=answer.status, attempts=answer.attempts)

    def _look_at_update(self, update: Update, *, is_answered: bool) -> Outcome | None:
        """None where the customer does not hold what was sent, in a form of its own where go~mus has answered.

        Nor does one that is not to be found, for reads may lag: a call to it tells.
        """
        try:
            sighting = self._find(update)
        except Refused as refusal:
            return failed(update, refusal)
        except CallFailed as failure:
            return unsettled(update, failure)
        remote = sighting.here
        if remote is None:
            return None if sighting.whereabouts is Whereabouts.GONE else not_here(update, sighting)
        if remote.gomus_id != update.gomus_id:
            return made_anew(self.delivery, update, remote)
        left = self.delivery.left_as_before if is_answered else self.delivery.other_than_sent
        if left(update, remote):
            return None
        return updated(update, self.delivery.accepted(update.foreign_id, update.digests, update.fields, remote))

    def _find(self, update: Update) -> Sighting:
        return self.delivery.find(update.foreign_id, update.gomus_id, update.digests)

    def _update_alone(self, update: Update, *, tries: int) -> Outcome:
        habits = self.delivery.habits
        try:
            answer = self.delivery.client.update_one(habits.spell_id(update.foreign_id), habits.spell(update.fields))
        except Missing:
            return self._find_again(update)
        except (Refused, Retryable) as failure:
            return failed(update, failure)
        except Unclear as lost:
            return self._update_lost(update, lost, tries=tries)
        return self._update_answered(update, answer, tries=tries)

    def _update_answered(self, update: Update, answer: WriteAnswer, *, tries: int) -> Outcome:
        """What a 2xx to one customer's update means; an answer that does not show the customer proves nothing."""
        if answer.later:
            return self._await_update(update, answer)
        remote = self.delivery.shown_in(answer, update.foreign_id)
        if answer.errors and not (remote and self._shows_all(remote, update)):
            return failed(update, refused_in(answer))
        if remote is None:
            return self._update_lost(update, said_nothing(answer), tries=tries, is_answered=True)
        if update.cleared:
            return self._see_cleared(update, answer)
        return self._done(update, remote, answer)

    def _shows_all(self, remote: RemoteCustomer, update: Update) -> bool:
        return update.fields.keys() <= remote.fields.keys() and not self.delivery.other_than(remote, update.fields)

    def _find_again(self, update: Update) -> Outcome:
        """Nobody has this foreign_id: the customer is gone, merged or renamed, or can be reached by its number only."""
        try:
            sighting = self.delivery.find_in_time(update.foreign_id, update.gomus_id, update.digests)
            if sighting.here is None:
                return not_here(update, sighting)
            if sighting.here.gomus_id != update.gomus_id:
                return made_anew(self.delivery, update, sighting.here)
            answer = self.delivery.write_by_number(
                update.gomus_id,
                lambda: self.delivery.shows_by_number(update.foreign_id, update.gomus_id),
                lambda number: self.delivery.client.update_numbered(number, self.delivery.habits.spell(update.fields)),
            )
        except Missing:
            return vanished(update)
        except CallFailed as failure:
            return failed(update, failure)
        return self._update_answered(update, answer, tries=1)

    def _update_lost(self, update: Update, lost: Unclear, *, tries: int, is_answered: bool = False) -> Outcome:
        for _ in self.delivery.looks(later=False):
            if looked := self._look_at_update(update, is_answered=is_answered):
                return looked
        if tries <= 1:
            return given_up(update, lost)
        self.delivery.pause(self.delivery.attempts - tries + 1)
        return self._update_alone(update, tries=tries - 1)

    def _await_update(self, update: Update, answer: WriteAnswer) -> Outcome:
        for _ in self.delivery.looks(later=True):
            if looked := self._look_at_update(update, is_answered=True):
                return looked
        is_cleared = bool(update.cleared) and self._see_cleared(update, answer).result is Result.OK
        looked = self._look_at_update(update, is_answered=True) if is_cleared else None
        return looked or failed(update, not_done_in_time(answer))

    def _see_cleared(self, update: Update, answer: WriteAnswer) -> Outcome:
        """Some servers clear by null and others by empty text: look which, and remember."""
        try:
            remote = self.delivery.shown_in(answer, update.foreign_id)
            if remote is None or not self.delivery.shows_empty(remote, update.cleared):
                remote = self._find(update).here
            left = self.delivery.still_filled(remote, update.cleared)
            if left:
                remote = self.delivery.clear_otherwise(update.foreign_id, left)
                left = self.delivery.still_filled(remote, left)
        except Missing:
            return vanished(update)
        except Refused as refusal:
            return failed(update, refusal)
        except CallFailed as failure:
            return unsettled(update, failure)
        if left:
            return failed(update, Refused(reasons.NOT_EMPTIED.tell(fields=", ".join(left)), status=answer.status))
        return vanished(update) if remote is None else self._done(update, remote, answer)
