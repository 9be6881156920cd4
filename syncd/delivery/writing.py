"""Creating and updating customers: what is sent, and what every kind of answer leads to.

A write whose answer is lost is looked up, never repeated blindly. A refused batch (422) is looked at, then cut down to
the records that are refused by themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from syncd.delivery.delivery import Delivery
from syncd.delivery.looking import Sighting
from syncd.delivery.meeting import adopt, look_before, made_anew
from syncd.delivery.outcomes import (
    created,
    failed,
    given_up,
    kept_as_before,
    not_done_in_time,
    not_here,
    not_sent,
    said_nothing,
    unsettled,
    updated,
    vanished,
)
from syncd.domain.changes import Action, Create, Outcome, Result, Update
from syncd.domain.records import RemoteCustomer
from syncd.errors import CallFailed, Missing, Refused, Retryable, Unclear
from syncd.gomus.wire import WriteAnswer

BATCH_REFUSALS = (413, 422)
NO_ANSWER = 0
C = TypeVar("C", Create, Update)


@dataclass(frozen=True, slots=True)
class Writing:
    """What becomes of each record is in its outcome; the three methods raise Fatal where no call can work, or Stopped.

    Of a batch for which they raise nothing is known: its intents stay open, and the next run looks.
    """

    delivery: Delivery

    # --- creating ---

    def probe(self, creates: Sequence[Create]) -> list[Outcome | Create]:
        """Look each one up before it is created: an outcome where it exists, the change itself where it does not.

        Once it is time to stop, the others are left out.
        """
        return [self._probe_one(create) for create in creates if not self.delivery.is_stopping()]

    def _probe_one(self, create: Create) -> Outcome | Create:
        try:
            remote = self.delivery.look(create.foreign_id)
        except CallFailed as failure:
            return failed(create, failure)
        return create if remote is None else adopt(self.delivery, create, remote)

    def _found(self, create: Create, remote: RemoteCustomer) -> Outcome:
        """What our own write has left may differ in form."""
        differing = self.delivery.other_than(remote, create.wanted)
        known = self.delivery.accepted(create.foreign_id, create.digests, create.wanted, remote)
        if differing:
            known = self.delivery.memory_of(create.foreign_id, remote, list(create.wanted))
        return Outcome(
            change=create,
            action=Action.CREATE,
            result=Result.OK,
            gomus_id=remote.gomus_id,
            known=known,
            differing=differing,
        )

    def create(self, creates: Sequence[Create]) -> list[Outcome]:
        attempts = self.delivery.attempts
        return [o for part in self._parts(creates) for o in self._create_part(part, tries=attempts)]

    def _create_part(self, creates: Sequence[Create], *, tries: int) -> list[Outcome]:
        bodies = [{"foreign_id": create.foreign_id, **create.fields} for create in creates]
        try:
            answer = self.delivery.client.create(bodies)
        except Refused as refusal:
            return self._create_refused(creates, refusal)
        except Unclear as lost:
            return self._create_lost(creates, lost, tries=tries)
        except Retryable as turned_away:
            return [failed(create, turned_away) for create in creates]
        return self._create_answered(creates, answer)

    def _create_answered(self, creates: Sequence[Create], answer: WriteAnswer) -> list[Outcome]:
        self.delivery.habits.is_immediate |= bool(answer.saved) and not answer.later
        outcomes: list[Outcome] = []
        unconfirmed: list[Create] = []
        is_refusal = len(creates) == 1 and bool(answer.errors)  # whatever else it shows
        for create in creates:
            shown = None if is_refusal else self.delivery.shown_in(answer, create.foreign_id, is_new=True)
            if shown:
                known = self.delivery.accepted(create.foreign_id, create.digests, create.wanted, shown)
                outcomes.append(created(create, shown, known, answer))
            else:
                unconfirmed.append(create)
        settled, missing = self._look_for(unconfirmed, later=answer.later)
        outcomes += settled
        if missing and len(creates) > 1 and not answer.later:
            return outcomes + self._send_apart(missing, frozenset(), self.create)
        failure: CallFailed = Unclear("accepted, but not to be found", status=answer.status, attempts=answer.attempts)
        if answer.later:
            failure = not_done_in_time(answer)
        elif answer.errors:
            failure = Refused("refused", reasons=answer.errors, status=answer.status, attempts=answer.attempts)
        return outcomes + [failed(create, failure) for create in missing]

    def _create_refused(self, creates: Sequence[Create], refusal: Refused) -> list[Outcome]:
        if len(creates) == 1:
            # "has already been taken": somebody created it since we looked, or it was not looked for.
            found = self._look_again(creates[0], is_ours=False)
            return [failed(creates[0], refusal) if isinstance(found, Create) else found]
        settled, missing = self._look_for(creates, later=False)
        outcomes = settled + self._send_apart(missing, refusal.named, self.create)
        self._learn_cap(len(creates), outcomes, refused_whole=not settled)
        return outcomes

    def _create_lost(self, creates: Sequence[Create], lost: Unclear, *, tries: int) -> list[Outcome]:
        # A 500 is an answer: where writes are done at once, whatever was to happen has happened by then.
        is_over = lost.status == 500 and self.delivery.habits.is_immediate
        outcomes, missing = self._look_for(creates, later=not is_over)
        if missing and tries <= 1:
            return outcomes + [given_up(create, lost, is_alone=len(creates) == 1) for create in missing]
        if missing:
            self.delivery.pause(self.delivery.attempts - tries + 1)
            # In halves, for one of them may be what the server stumbles over.
            outcomes += [o for half in _groups(missing) for o in self._create_part(half, tries=tries - 1)]
        return outcomes

    def _look_for(self, creates: Sequence[Create], *, later: bool) -> tuple[list[Outcome], list[Create]]:
        """Read each one until it is there: what is settled, and what is certainly not there."""
        outcomes: list[Outcome] = []
        missing = list(creates)
        for _ in self.delivery.looks(later=later):
            looked = [self._look_again(create) for create in missing]
            outcomes += [found for found in looked if isinstance(found, Outcome)]
            missing = [create for create in looked if isinstance(create, Create)]
            if not missing:
                break
        return outcomes, missing

    def _look_again(self, create: Create, *, is_ours: bool = True) -> Outcome | Create:
        try:
            remote = self.delivery.look(create.foreign_id)
        except Refused as refusal:
            return failed(create, refusal)
        except CallFailed as failure:
            return unsettled(create, failure)
        if remote is None:
            return create
        return self._found(create, remote) if is_ours else adopt(self.delivery, create, remote)

    # --- updating ---

    def look_before(self, updates: Sequence[Update]) -> list[Outcome | Update]:
        """Read the customers of whom a value may be staff's own; once it is time to stop, the others are left out."""
        return [look_before(self.delivery, update) for update in updates if not self.delivery.is_stopping()]

    def update(self, updates: Sequence[Update]) -> list[Outcome]:
        return [o for part in self._parts(updates) for o in self._update_part(part)]

    def _update_part(self, updates: Sequence[Update]) -> list[Outcome]:
        if len(updates) == 1:
            return [self._update_alone(updates[0], tries=self.delivery.attempts)]
        habits = self.delivery.habits
        bodies = [{"foreign_id": update.foreign_id, **habits.spell(update.fields)} for update in updates]
        try:
            answer = self.delivery.client.update(bodies)
        except Refused as refusal:
            outcomes = self._send_apart(updates, refusal.named, self.update)
            self._learn_cap(len(updates), outcomes, refused_whole=refusal.status in BATCH_REFUSALS)
            return outcomes
        except Unclear:
            answer = WriteAnswer(status=NO_ANSWER)
        except Retryable as turned_away:
            return [failed(update, turned_away) for update in updates]
        return [self._settle_update(update, answer) for update in updates]

    def _settle_update(self, update: Update, answer: WriteAnswer) -> Outcome:
        """One member of an answered batch: confirmed by the answer, or else by a look, or else sent alone."""
        remote = self.delivery.shown_in(answer, update.foreign_id)
        if remote is not None and self.delivery.shows_empty(remote, update.cleared):
            return self._done(update, remote, answer)
        looked = self._look_at_update(update, is_answered=answer.status != NO_ANSWER)
        return looked or self._update_alone(update, tries=self.delivery.attempts)

    def _done(self, update: Update, remote: RemoteCustomer, answer: WriteAnswer) -> Outcome:
        """Under another number it was made anew by staff, and all its fields are still to be compared."""
        if remote.gomus_id != update.gomus_id:
            return made_anew(self.delivery, update, remote)
        if kept := self.delivery.left_as_before(update, remote):
            return failed(update, kept_as_before(kept, answer))
        known = self.delivery.accepted(update.foreign_id, update.digests, update.fields, remote)
        return updated(update, known, status=answer.status, attempts=answer.attempts)

    def _look_at_update(self, update: Update, *, is_answered: bool) -> Outcome | None:
        """None where the customer does not hold what was sent; in a form of its own, where go~mus has answered."""
        try:
            sighting = self._find(update)
        except Refused as refusal:
            return failed(update, refusal)
        except CallFailed as failure:
            return unsettled(update, failure)
        remote = sighting.here
        if remote is None:
            return not_here(update, sighting)
        if remote.gomus_id != update.gomus_id:
            return made_anew(self.delivery, update, remote)
        left = self.delivery.left_as_before if is_answered else self.delivery.other_than_sent
        if left(update, remote):
            return None
        return updated(update, self.delivery.accepted(update.foreign_id, update.digests, update.fields, remote))

    def _find(self, update: Update) -> Sighting:
        return self.delivery.find(update.foreign_id, update.gomus_id, update.digests)

    def _update_alone(self, update: Update, *, tries: int) -> Outcome:
        try:
            answer = self.delivery.client.update_one(update.foreign_id, self.delivery.habits.spell(update.fields))
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
        if answer.errors and (remote is None or self.delivery.other_than(remote, update.fields)):
            refusal = Refused("refused", reasons=answer.errors, status=answer.status, attempts=answer.attempts)
            return failed(update, refusal)
        if remote is None:
            return self._update_lost(update, said_nothing(answer), tries=tries, is_answered=True)
        if update.cleared:
            return self._see_cleared(update, answer)
        return self._done(update, remote, answer)

    def _find_again(self, update: Update) -> Outcome:
        """Nobody has this foreign_id: the customer is gone, merged or renamed, or can be reached by its number only."""
        try:
            sighting = self._find(update)
            if sighting.here is None:
                return not_here(update, sighting)
            if sighting.here.gomus_id != update.gomus_id:
                return made_anew(self.delivery, update, sighting.here)
            answer = self.delivery.client.update_numbered(update.gomus_id, self.delivery.habits.spell(update.fields))
        except Unclear as lost:
            return failed(update, lost)
        except CallFailed as failure:
            return failed(update, failure)
        return self._update_answered(update, answer, tries=1)

    def _update_lost(self, update: Update, lost: Unclear, *, tries: int, is_answered: bool = False) -> Outcome:
        looked = self._look_at_update(update, is_answered=is_answered)
        if looked:
            return looked
        if tries <= 1:
            return given_up(update, lost, is_alone=True)
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

    # --- batches ---

    def _parts(self, changes: Sequence[C]) -> Iterator[Sequence[C]]:
        """Cut to the cap, as it is known by then."""
        start = 0
        while start < len(changes):
            size = max(1, self.delivery.habits.cap)
            yield changes[start : start + size]
            start += size

    def _send_apart(
        self, changes: Sequence[C], named: frozenset[str], send: Callable[[Sequence[C]], list[Outcome]]
    ) -> list[Outcome]:
        """Those that the refusal names each alone, the others together; where it names nobody, half and half."""
        outcomes: list[Outcome] = []
        for group in _groups(changes, named):
            is_over = self.delivery.is_stopping()
            outcomes += [not_sent(change) for change in group] if is_over else send(group)
        return outcomes

    def _learn_cap(self, size: int, outcomes: Sequence[Outcome], *, refused_whole: bool) -> None:
        """A batch that was refused although none of its members is refused by itself was too large."""
        if refused_whole and all(outcome.result is Result.OK for outcome in outcomes):
            habits = self.delivery.habits
            habits.cap = min(habits.cap, (size + 1) // 2)


def _groups(changes: Sequence[C], named: frozenset[str] = frozenset()) -> tuple[Sequence[C], ...]:
    """Smaller than the whole in any case, so that it comes to an end."""
    innocent = [change for change in changes if change.foreign_id not in named]
    if len(innocent) < len(changes):
        groups: list[Sequence[C]] = [[change] for change in changes if change.foreign_id in named]
        groups.append(innocent)
        return tuple(group for group in groups if group)
    middle = (len(changes) + 1) // 2
    return tuple(half for half in (changes[:middle], changes[middle:]) if half)
