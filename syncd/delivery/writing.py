"""Creating and updating customers: what is sent, and what every kind of answer leads to.

A write whose answer is lost is looked up, never repeated blindly. A refused batch is looked at; whoever is not there is
sent again, in parts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from syncd.delivery.delivery import Delivery
from syncd.delivery.habits import Lag
from syncd.delivery.looking import Sighting, Whereabouts
from syncd.delivery.meeting import adopt, look_before, made_anew, meet, under_other_ids, under_own_ids
from syncd.delivery.outcomes import (
    BUSY,
    Again,
    Answer,
    C,
    changes_in,
    created,
    failed,
    found,
    given_up,
    kept_as_before,
    not_done_in_time,
    not_here,
    not_sent,
    other_ids,
    outcomes_in,
    refused_in,
    said_nothing,
    unsettled,
    updated,
    vanished,
)
from syncd.domain.changes import Create, Outcome, Result, Update
from syncd.domain.records import RemoteCustomer
from syncd.errors import CallFailed, Missing, NoTurn, Outage, Refused, Retryable, Stopped, TokenRefused, Unclear
from syncd.gomus.wire import WriteAnswer

BATCH_REFUSALS = (413, 422)
NOT_IN_TIME = (None, 408, 504)
NO_ANSWER = 0
AT_MOST = Lag(seconds=5.0, reads=1)  # so long reads may lag that never did; each look is a call for each member


@dataclass(frozen=True, slots=True)
class Writing:
    """What becomes of each record is in its outcome; the three methods raise Fatal where no call can work, or Stopped.

    Of a batch for which they raise nothing is known: its intents stay open, and the next run looks.
    """

    delivery: Delivery

    # --- creating ---

    def probe(self, creates: Sequence[Create]) -> Answer:
        """Look each one up before it is created: an outcome where it exists, otherwise it is to be sent.

        Once it is time to stop, the others are left out.
        """
        looked = [self._probe_one(create) for create in creates if not self.delivery.is_stopping()]
        return Answer(outcomes=outcomes_in(looked), again=changes_in(looked))

    def _probe_one(self, create: Create) -> Outcome | Create:
        try:
            remote = meet(self.delivery, create, self.delivery.read(create.foreign_id))
        except CallFailed as failure:
            return failed(create, failure)
        return create if remote is None else adopt(self.delivery, create, remote)

    def _found(self, create: Create, remote: RemoteCustomer) -> Outcome:
        """What our own write has left may differ in form."""
        differing = self.delivery.other_than(remote, create.wanted)
        known = self.delivery.accepted(create.foreign_id, create.digests, create.wanted, remote)
        if differing:
            known = self.delivery.memory_of(create.foreign_id, remote, list(create.wanted))
        return found(create, remote, known, differing)

    def create(self, creates: Sequence[Create], *, tries: int, probed: bool = True) -> Answer:
        """One POST, and the looks that settle it.

        `probed`: nobody was found as the source writes them; where the instance may keep them in other letters, in
        those too. The first one that may be goes alone, and tells.
        """
        if not (probed and self.delivery.habits.may_fold(creates[0].foreign_id)):
            return self._post(creates, tries=tries)
        looked = [
            self._look_at(create, partial(adopt, self.delivery), self.delivery.read_in_other_letters)
            for create in creates
        ]
        answer = self._post(left, tries=tries) if (left := changes_in(looked)) else Answer()
        return replace(answer, outcomes=[*outcomes_in(looked), *answer.outcomes])

    def _post(self, creates: Sequence[Create], *, tries: int) -> Answer:
        sent_at = self.delivery.clock()
        try:
            answer = self.delivery.client.create([{"foreign_id": one.foreign_id, **one.fields} for one in creates])
        except Refused as refusal:
            return self._create_refused(creates, refusal)
        except Unclear as lost:
            return self._create_lost(creates, lost, sent_at, tries=tries)
        except NoTurn:  # the intents say when it is sent
            return Answer(again=creates, why=Again.AS_IT_WAS, tries=tries)
        except (Outage, TokenRefused, Stopped) as ended:
            fatal = None if isinstance(ended, Stopped) else ended
            return Answer(outcomes=[not_sent(create) for create in creates], fatal=fatal)
        except Retryable as turned_away:
            return self._turned_away(creates, turned_away, tries=tries)
        return self._create_answered(creates, answer, sent_at, tries=tries)

    def _create_answered(
        self, creates: Sequence[Create], answer: WriteAnswer, sent_at: datetime, *, tries: int
    ) -> Answer:
        """Whom the answer shows by name alone may have the id all the same: a look tells."""
        is_refusal = len(creates) == 1 and bool(answer.errors)  # whatever else it shows
        shown = {} if is_refusal else under_own_ids(self.delivery, creates, answer)
        by_name = {} if is_refusal else under_other_ids(self.delivery, creates, answer, shown)
        if not (answer.errors or shown or by_name):
            return self._create_lost(creates, said_nothing(answer), sent_at, tries=tries)
        outcomes = [self._created(one, shown[one.foreign_id], answer) for one in creates if one.foreign_id in shown]
        others = [create for create in creates if create.foreign_id not in shown]
        settled, missing = self._look_for(others, self._look_again, later=answer.later or bool(by_name))
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

    def _create_refused(self, creates: Sequence[Create], refusal: Refused) -> Answer:
        if len(creates) > 1:
            outcomes, missing = self._look_for_saved(creates)
            why = Again.IN_PARTS if outcomes else Again.TOO_MANY
            return Answer(outcomes=outcomes, again=missing, why=why, named=refusal.named, number=refusal.number)
        outcomes, missing = self._look_for(creates, self._look_at_taken, later=False)
        adopted = [outcome for outcome in outcomes if outcome.result is Result.OK]
        self.delivery.habits.is_seen_unique |= bool(adopted) and refusal.says_taken
        return Answer(outcomes=adopted or [failed(create, refusal) for create in missing] or outcomes)

    def _look_for_saved(self, creates: Sequence[Create]) -> tuple[list[Outcome], list[Create]]:
        """Some servers save the good ones of a batch that they refuse, and reads may lag more than they ever did.

        Whoever is found shows how far reads have come by then: who was looked for before is looked for once more.
        """
        outcomes, missing = self._look_for(creates, self._look_again, later=False)
        if not outcomes and self.delivery.habits.may_save_some:
            outcomes, missing = self._look_for(creates, self._look_again, later=False, lag=AT_MOST)
            if not outcomes:
                self.delivery.habits.saved_nobody([create.foreign_id for create in creates])
        if outcomes:
            more, missing = self._look_for(missing, self._look_again, later=False)
            outcomes += more
        return outcomes, missing

    def _create_lost(self, creates: Sequence[Create], lost: Unclear, sent_at: datetime, *, tries: int) -> Answer:
        """What is not found may come to pass yet: it is not sent again in this run, but where ids are unique."""
        outcomes, missing = self._look_for(creates, self._look_again, later=True, sent_at=sent_at)
        is_slow = lost.status in NOT_IN_TIME
        if not (missing and self.delivery.habits.is_unique and tries > 1):
            return Answer(outcomes=outcomes + [failed(create, lost) for create in missing], slow=is_slow)
        self.delivery.pause(self.delivery.attempts - tries + 1)
        # In parts, for one of them may be what the server stumbles over.
        return Answer(outcomes=outcomes, again=missing, why=Again.IN_PARTS, tries=tries - 1, slow=is_slow)

    def _turned_away(self, creates: Sequence[Create], failure: Retryable, *, tries: int) -> Answer:
        try:
            self.delivery.wait_as_asked(self.delivery.attempts - tries + 1, failure)
        except Retryable:
            return Answer(outcomes=[failed(create, failure) for create in creates])
        except Stopped:
            return Answer(outcomes=[not_sent(create) for create in creates])
        return Answer(again=creates, why=Again.AS_IT_WAS, tries=tries - 1)

    def _look_for(
        self,
        changes: Sequence[C],
        look: Callable[[C], Outcome | C],
        *,
        later: bool,
        sent_at: datetime | None = None,
        lag: Lag | None = None,
    ) -> tuple[list[Outcome], list[C]]:
        """Read each one until it is there: what is settled, and what is not to be found."""
        outcomes: list[Outcome] = []
        if not changes:
            return outcomes, []
        missing, habits = list(changes), self.delivery.habits
        is_new, began = habits.lag is None, sent_at or self.delivery.clock()
        for reads, _ in enumerate(self.delivery.looks(later=later, lag=lag)):
            looked = [look(change) for change in missing]
            outcomes += outcomes_in(looked)
            missing = changes_in(looked)
            if any(one.result is Result.OK for one in outcomes_in(looked)) and (is_new or (reads and not later)):
                habits.saw_lag(self.delivery.seconds_since(began), reads if is_new else 0)
            if not missing:
                break
        return outcomes, missing

    def _look_again(self, create: Create) -> Outcome | Create:
        """After a call of our own."""
        return self._look_at(create, self._found)

    def _look_at_taken(self, create: Create) -> Outcome | Create:
        """After "has already been taken": somebody created it since we looked, or it was not looked for."""
        return self._look_at(create, partial(adopt, self.delivery))

    def _look_at(
        self,
        create: Create,
        take: Callable[[Create, RemoteCustomer], Outcome],
        read: Callable[[str], RemoteCustomer | None] | None = None,
    ) -> Outcome | Create:
        try:
            remote = meet(self.delivery, create, (read or self.delivery.read)(create.foreign_id))
        except Refused as refusal:
            return failed(create, refusal)
        except CallFailed as failure:
            return unsettled(create, failure)
        return create if remote is None else take(create, remote)

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
        settled, missing = self._look_for(
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
            return failed(update, Refused(f"go~mus does not empty {', '.join(left)}", status=answer.status))
        return vanished(update) if remote is None else self._done(update, remote, answer)
