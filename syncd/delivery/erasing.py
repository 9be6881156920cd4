"""Anonymizing and deleting a customer: what is personal is overwritten, read back, and only then deleted."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from syncd.delivery.delivery import Delivery
from syncd.delivery.looking import Sighting, Whereabouts
from syncd.delivery.outcomes import erased, failed, not_here, words
from syncd.domain.changes import Action, Erase, Outcome, Result
from syncd.domain.records import RemoteCustomer, Value
from syncd.errors import CallFailed, Missing, Refused, Retryable, Unclear
from syncd.gomus.client import is_addressable
from syncd.gomus.wire import WriteAnswer


@dataclass(frozen=True, slots=True)
class Erasing:
    """The steps of an erasure. What becomes of a step is in its outcome; each raises Fatal where no call can work."""

    delivery: Delivery

    def anonymize(self, erase: Erase) -> Outcome:
        """Read, overwrite every personal field, and read back to see it."""
        try:
            for _ in self.delivery.looks(later=False):
                sighting = self._find(erase)
                if sighting.whereabouts is not Whereabouts.GONE:
                    break
            if sighting.whereabouts is Whereabouts.GONE:
                return erased(erase, Action.ANONYMIZE, Result.SKIPPED, error="is no longer in go~mus")
            if sighting.here is None:
                return not_here(erase, sighting)
            return self._anonymize(erase, sighting.here)
        except CallFailed as failure:
            return failed(erase, failure, Action.ANONYMIZE)

    def _anonymize(self, erase: Erase, remote: RemoteCustomer) -> Outcome:
        blank = self._blank_customer(erase)
        answer = WriteAnswer(status=0)
        with suppress(Unclear):  # reading back tells
            answer = self._write(erase, remote, self.delivery.habits.spell(blank))
        for _ in self.delivery.looks(later=answer.later):
            left = self._left_personal(erase, remote, blank)
            if not left:
                break
        if left:
            self.delivery.clear_otherwise(erase.foreign_id, [name for name in left if blank[name] is None])
            left = self._left_personal(erase, remote, blank)
        if left:
            raise Retryable(f"still holds {', '.join(left)} after being anonymized")
        if erase.keep:
            self._detach(erase, remote)
        notice = None
        if remote.addresses > 1:
            notice = f"has {remote.addresses} addresses; the API reaches the first only, clear the others by hand"
        done = erased(erase, Action.ANONYMIZE, Result.OK, error=notice)
        return replace(done, attempts=answer.attempts, gomus_id=remote.gomus_id)

    def _write(self, erase: Erase, remote: RemoteCustomer, fields: Mapping[str, Value]) -> WriteAnswer:
        """By foreign_id; a customer that the look has found by its number only, by that."""
        try:
            return self.delivery.client.update_one(erase.foreign_id, fields)
        except Missing:
            if self._find(erase, remote).here is None:
                raise
            return self.delivery.client.update_numbered(remote.gomus_id, fields)

    def _find(self, erase: Erase, remote: RemoteCustomer | None = None) -> Sighting:
        gomus_id = remote.gomus_id if remote else erase.gomus_id
        return self.delivery.find(erase.foreign_id, gomus_id, mark=self._mark(erase))

    def _mark(self, erase: Erase) -> str:
        """The e-mail address of the erased; it is unique, for orders are found by it."""
        return f"{self.delivery.digester.name(erase.foreign_id).hex()}@anonymized.invalid"

    def _blank_customer(self, erase: Erase) -> dict[str, Value]:
        """Every personal field, emptied or under a placeholder."""
        catalogue = self.delivery.catalogue.values()
        fields: dict[str, Value] = {field.name: field.placeholder for field in catalogue if field.personal}
        return fields | {"email": self._mark(erase)}

    def _left_personal(self, erase: Erase, remote: RemoteCustomer, blank: Mapping[str, Value]) -> tuple[str, ...]:
        shown = self._find(erase, remote).here
        return () if shown is None else tuple(self.delivery.differing(shown, blank))

    def delete(self, erase: Erase) -> Outcome:
        """Delete who is anonymized; where go~mus refuses, the anonymized customer stays, without its foreign_id.

        "Deleted" is said only when neither the foreign_id nor the known number shows the customer any more.
        """
        last: CallFailed = Retryable("go~mus shows the customer although it was deleted")
        for tries in range(1, self.delivery.attempts + 1):
            try:
                sighting = self._find(erase)
                if sighting.whereabouts is Whereabouts.GONE:
                    return erased(erase, Action.DELETE, Result.OK)
                if sighting.here is None:
                    return replace(not_here(erase, sighting), action=Action.DELETE)
                if sighting.here.fields.get("email") != self._mark(erase):  # made anew, or filled again, since
                    self._anonymize(erase, sighting.here)
                self._delete(erase, sighting.here)
            except Missing:
                continue  # the next look tells whether it is gone
            except Refused as refusal:
                return self._kept(erase, refusal)
            except Retryable as turned_away:
                return failed(erase, turned_away)
            except Unclear as lost:
                last = lost
                self.delivery.pause(tries)
        return failed(erase, last)

    def _delete(self, erase: Erase, remote: RemoteCustomer) -> None:
        """By foreign_id, where DELETE is not known to take numbers only; by number only right after a look at it."""
        habits = self.delivery.habits
        is_named = remote.foreign_id is not None and is_addressable(erase.foreign_id)
        if is_named and not habits.deletes_by_number:
            with suppress(Missing):
                self.delivery.client.delete(erase.foreign_id)
                return
            habits.deletes_by_number = True
        if self.delivery.shows_by_number(erase.foreign_id, remote.gomus_id, mark=self._mark(erase)):
            self.delivery.client.delete(remote.gomus_id)

    def _kept(self, erase: Erase, refusal: Refused) -> Outcome:
        with suppress(CallFailed):
            if remote := self._find(erase).here:
                self._detach(erase, remote)
        kept = f"go~mus keeps the anonymized customer: {words(refusal)}"
        return replace(erased(erase, Action.DELETE, Result.SKIPPED, error=kept), status=refusal.status)

    def _detach(self, erase: Erase, remote: RemoteCustomer) -> None:
        """Where the anonymized customer stays, its foreign_id goes: whoever returns under it must not find a ghost."""
        with suppress(CallFailed):  # an instance that insists on the foreign_id keeps it
            if remote.foreign_id is not None:
                self._write(erase, remote, {"foreign_id": self.delivery.habits.blank})
