"""Anonymizing, deleting and releasing a customer: what is personal is emptied, read back, and only then deleted.

Nothing that a server says of somebody who is erased is kept: an outcome has words of ours and names of fields.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from syncd import reasons
from syncd.delivery.blanking import Blanking
from syncd.delivery.delivery import Delivery
from syncd.delivery.leaver import Leaver
from syncd.delivery.looking import Sighting, Whereabouts
from syncd.delivery.outcomes import erased, given_up, not_here
from syncd.delivery.placeholders import Placeholders
from syncd.delivery.releasing import Releasing
from syncd.domain.changes import Action, Cause, Ending, Erase, Outcome, Result
from syncd.domain.records import RemoteCustomer, Value
from syncd.domain.trail import What
from syncd.errors import CallFailed, Missing, NotYet, Refused, Unclear
from syncd.gomus.sentences import is_needed

MOST_TWINS = 10  # so many customers of one foreign_id are erased in one go
GONE = reasons.VANISHED.tell()
NOT_SHOWN_YET = "go~mus has taken the customer lately and does not show it; reads may lag, so the next run looks again"
STILL_SHOWN = "go~mus shows the customer although it was deleted"
TOO_MANY = f"more than {MOST_TWINS} customers in go~mus have this foreign_id"


@dataclass(frozen=True, slots=True)
class Erasing:
    """The steps of an erasure. What becomes of a step is in its outcome; each raises Fatal where no call can work.

    `holds_addresses`: for absence, a customer with addresses that the API does not reach is left as it is.
    `is_taken_lately`: go~mus has taken the customer, and reads may lag as they never did.
    """

    delivery: Delivery
    holds_addresses: bool = True
    is_taken_lately: Callable[[str], bool] = lambda _foreign_id: False
    _left: dict[int, Mapping[str, Value]] = field(default_factory=dict)  # what this run left in a customer's fields

    def anonymize(self, erase: Erase) -> Outcome:
        """Read, empty every personal field, and read back to see it; take the foreign_id off who stays."""
        erasure = self._begin(erase)
        try:
            return erasure.told(erasure.anonymize())
        except CallFailed as failure:
            failed = given_up(erase, failure, Action.ANONYMIZE)
            return erasure.told(replace(failed, untouched=not erasure.is_touched))

    def delete(self, erase: Erase) -> Outcome:
        """Delete who is anonymized; where go~mus refuses, the anonymized customer stays, without its foreign_id.

        "Deleted" is said only when neither the foreign_id nor the known number shows the customer any more.
        """
        erasure = self._begin(erase)
        try:
            return erasure.told(erasure.delete())
        except CallFailed as failure:
            return erasure.told(given_up(erase, failure))

    def release(self, erase: Erase) -> Outcome:
        """Take the foreign_id off, and touch nothing else."""
        erasure = self._begin(erase)
        try:
            return erasure.told(erasure.release())
        except CallFailed as failure:
            return erasure.told(replace(given_up(erase, failure), untouched=not erasure.is_touched))

    def _begin(self, erase: Erase) -> "Erasure":
        leaver = Leaver.of(self.delivery, erase.foreign_id, erase.gomus_id)
        holds_addresses = self.holds_addresses and erase.cause is Cause.ABSENCE
        return Erasure(
            erase=erase,
            leaver=leaver,
            holds_addresses=holds_addresses,
            left=self._left,
            is_taken_lately=self.is_taken_lately,
        )


@dataclass(slots=True, kw_only=True)
class Erasure:
    """One step of one erasure under way; each method raises CallFailed where it can't go on.

    `is_touched` says that something has changed in go~mus, or may have. `notices` is what a person has to know.
    """

    erase: Erase
    leaver: Leaver
    holds_addresses: bool
    left: dict[int, Mapping[str, Value]]
    is_taken_lately: Callable[[str], bool]
    blankings: list[Blanking] = field(default_factory=list)
    releasings: list[Releasing] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    kept: dict[int, Refused] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    deleted: set[int] = field(default_factory=set)  # go~mus says so
    last: CallFailed = field(default_factory=lambda: NotYet(STILL_SHOWN))

    @property
    def is_touched(self) -> bool:
        steps: list[Blanking | Releasing] = [*self.blankings, *self.releasings]
        return any(step.is_touched for step in steps)

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome of the step, with its trail."""
        trail = self.leaver.trail
        if outcome.result is Result.FAILED:
            trail.note(What.FAILED, reason=outcome.error)
        return replace(outcome, trail=tuple(trail.entries))

    def _see(self, sighting: Sighting) -> Sighting:
        if sighting.here:
            self.leaver.trail.note(What.FOUND, number=sighting.here.addresses)
        return sighting

    def _done(self, action: Action, result: Result = Result.OK) -> Outcome:
        return erased(self.erase, action, result, error="; ".join(dict.fromkeys(self.notices)) or None)

    def _refuse_if_taken_lately(self) -> None:
        """That somebody is gone is not believed of who may only not be shown yet."""
        if self.is_taken_lately(self.erase.foreign_id):
            raise NotYet(NOT_SHOWN_YET)

    # --- anonymizing ---

    def anonymize(self) -> Outcome:
        sighting = self._see(self.leaver.find_first())
        if sighting.whereabouts is Whereabouts.GONE:
            self._refuse_if_taken_lately()
            self.leaver.trail.note(What.GONE)
            return erased(self.erase, Action.ANONYMIZE, Result.SKIPPED, error=GONE)
        if sighting.here is None:
            return replace(not_here(self.erase, sighting), untouched=True)
        self._blank(sighting.here)
        if self.erase.ending is Ending.KEEP:
            self._detach_all(sighting.here)
        done = self._done(Action.ANONYMIZE)
        return replace(done, attempts=self.blankings[0].attempts, gomus_id=sighting.here.gomus_id)

    def _blank(self, remote: RemoteCustomer) -> None:
        self._hold_addresses(remote)
        placeholders = Placeholders.of(self.leaver.delivery, self.erase.foreign_id)
        blanking = Blanking(leaver=self.leaver, old=remote, placeholders=placeholders)
        self.blankings.append(blanking)
        if kept := blanking.empty():
            self.notices.append(reasons.NOT_LET_GO.tell(fields=", ".join(kept)))
        if blanking.insisted:
            self.notices.append(f"go~mus takes no empty {', '.join(blanking.insisted)}: a placeholder stands there")
        if remote.addresses > 1:
            self.notices.append(
                f"has {remote.addresses} addresses, of which the API reaches the first only; clear the others by hand"
            )
        self.left[remote.gomus_id] = self._personal(blanking.shown or remote)

    def _hold_addresses(self, remote: RemoteCustomer) -> None:
        if self.holds_addresses and remote.addresses > 1:
            raise Refused(reasons.FURTHER_ADDRESSES.tell(number=remote.addresses))

    def _personal(self, remote: RemoteCustomer) -> dict[str, Value]:
        catalogue = self.leaver.delivery.catalogue
        return {name: remote.fields.get(name) for name, field in catalogue.items() if field.personal}

    def _detach_all(self, remote: RemoteCustomer) -> None:
        """Take the foreign_id off an anonymized customer, and see to a twin that shows it then."""
        for _ in range(MOST_TWINS):
            if not self._detach(remote):
                return
            twin = self.leaver.named()
            if twin is None:
                return
            remote = twin
            self.leaver.trail.note(What.TWIN)
            self._blank(remote)
        raise NotYet(TOO_MANY)

    def _detach(self, remote: RemoteCustomer) -> bool:
        """Whoever returns under the foreign_id must not find a ghost; an instance that insists on it keeps it."""
        if remote.foreign_id is None:
            return True
        is_off = self._take_off(remote)
        self.leaver.trail.note(What.RELEASED if is_off else What.NOT_RELEASED)
        if not is_off:
            self.notices.append(reasons.NOT_RELEASED.tell())
        return is_off

    def _take_off(self, remote: RemoteCustomer) -> bool:
        releasing = Releasing(leaver=self.leaver)
        self.releasings.append(releasing)
        return releasing.take_off(remote)

    # --- releasing ---

    def release(self) -> Outcome:
        sighting = self.leaver.find_first()
        remote = sighting.here or self.leaver.named()
        is_mixed_up = remote is None and sighting.whereabouts is Whereabouts.MERGED  # perhaps by a proxy
        is_anothers = remote is not None and sighting.whereabouts is Whereabouts.RENAMED
        if is_mixed_up or is_anothers:
            return replace(not_here(self.erase, sighting), action=Action.RELEASE, untouched=True)
        if remote is None or remote.foreign_id is None:
            self._refuse_if_taken_lately()
            return erased(self.erase, Action.RELEASE, Result.SKIPPED, error="go~mus shows nobody under this foreign_id")
        for _ in range(MOST_TWINS):
            if not self._take_off(remote):
                raise Refused(reasons.NOT_RELEASED.tell())
            twin = self.leaver.named()
            if twin is None:
                return self._done(Action.RELEASE)
            remote = twin
        raise NotYet(TOO_MANY)

    # --- deleting ---

    def delete(self) -> Outcome:
        sighting = self._see(self.leaver.find_first())
        while remote := self._next(sighting):
            if self.tries and remote.gomus_id not in self.tries:
                self.leaver.trail.note(What.TWIN)
            self.tries[remote.gomus_id] += 1
            self._make_sure(remote)
            sighting = self._delete_one(remote)
        if (sighting.here and sighting.here.gomus_id not in self.kept) or self._is_elsewhere():
            return given_up(self.erase, self.last)
        is_kept = sighting.remote is not None and sighting.remote.gomus_id in self.kept  # and has lost its foreign_id
        if sighting.here is None and sighting.whereabouts is not Whereabouts.GONE and not is_kept:
            return replace(not_here(self.erase, sighting), action=Action.DELETE)
        if not self.kept:
            self.leaver.trail.note(What.GONE)
        if len(self.tries) > 1:
            self.notices.append(f"{len(self.tries)} customers had this foreign_id")
        if self.kept:
            refusal = next(iter(self.kept.values()))
            self.notices.insert(0, f"go~mus keeps the anonymized customer: {refusal}")
            return replace(self._done(Action.DELETE, Result.SKIPPED), status=refusal.status)
        return self._done(Action.DELETE)

    def _next(self, sighting: Sighting) -> RemoteCustomer | None:
        """Who is still to be deleted: the customer itself or a twin; None where there is nobody, or no end of it."""
        remote = sighting.here
        if remote is None or remote.gomus_id in self.kept or len(self.tries) > MOST_TWINS:
            return None
        return remote if self.tries[remote.gomus_id] < self.leaver.delivery.attempts else None

    def _make_sure(self, remote: RemoteCustomer) -> None:
        """Who was made anew since, or filled again, is anonymized first."""
        self._hold_addresses(remote)
        if self.left.get(remote.gomus_id) != self._personal(remote):
            self._blank(remote)

    def _delete_one(self, remote: RemoteCustomer) -> Sighting:
        trail, is_lost = self.leaver.trail, False
        may_be_gone = self.erase.anonymized or self.tries[remote.gomus_id] > 1
        try:
            if remote.gomus_id not in self.deleted:
                self.leaver.delete(remote, may_be_gone=may_be_gone)
                self.deleted.add(remote.gomus_id)
                trail.note(What.DELETED)
        except Missing:
            pass  # the look tells whether it is gone
        except Refused as refusal:
            self.kept[remote.gomus_id] = refusal
            trail.note(What.NEEDED if is_needed(refusal.reasons) else What.REFUSED, number=refusal.status)
            self._detach(remote)
        except Unclear as lost:
            self.last, is_lost = lost, True
            trail.note(What.DELETE_LOST)
            self.leaver.delivery.pause(self.tries[remote.gomus_id])
        for _ in self.leaver.delivery.looks(later=remote.gomus_id in self.deleted):
            sighting = self.leaver.find()
            if sighting.here is None or sighting.here.gomus_id != remote.gomus_id:
                break
        if is_lost:
            trail.note_effect(is_there=sighting.here is None or sighting.here.gomus_id != remote.gomus_id)
        return sighting

    def _is_elsewhere(self) -> bool:
        """Whether a number other than the known one still shows the customer."""
        others = self.tries.keys() - self.kept.keys() - {self.erase.gomus_id}
        return any(self.leaver.is_at(number) for number in others)
