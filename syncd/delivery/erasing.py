"""Anonymizing and deleting a customer: what is personal is overwritten, read back, and only then deleted."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from syncd.delivery.delivery import Delivery
from syncd.delivery.outcomes import erased, failed, words
from syncd.domain.changes import Action, Erase, Outcome, Result
from syncd.domain.records import RemoteCustomer, Value
from syncd.errors import CallFailed, Refused, Retryable, Unclear
from syncd.gomus.wire import WriteAnswer


@dataclass(frozen=True, slots=True)
class Erasing:
    """The steps of an erasure. What becomes of a step is in its outcome; each raises Fatal where no call can work."""

    delivery: Delivery

    def anonymize(self, erase: Erase) -> Outcome:
        """Read, overwrite every personal field, and read back to see it."""
        try:
            remote = self.delivery.client.read(erase.gomus_id)
            if remote is None:
                return erased(erase, Action.ANONYMIZE, Result.SKIPPED, error="is no longer in go~mus")
            if remote.foreign_id not in (erase.foreign_id, None):
                raise Refused("go~mus shows another foreign_id under this customer's id; nothing was changed")
            return self._anonymize(erase, remote)
        except CallFailed as failure:
            return failed(erase, failure, Action.ANONYMIZE)

    def _anonymize(self, erase: Erase, remote: RemoteCustomer) -> Outcome:
        blank = self._blank_customer(erase.foreign_id)
        answer = WriteAnswer(status=0)
        with suppress(Unclear):  # reading back tells
            answer = self.delivery.client.update_one(erase.gomus_id, self.delivery.habits.spell(blank))
        for _ in self.delivery.looks(later=answer.later):
            left = self._left_personal(erase.gomus_id, blank)
            if not left:
                break
        if left:
            self.delivery.clear_otherwise(erase.gomus_id, [name for name in left if blank[name] is None])
            left = self._left_personal(erase.gomus_id, blank)
        if left:
            raise Retryable(f"still holds {', '.join(left)} after being anonymized")
        if erase.keep:
            self._detach(erase)
        notice = None
        if remote.addresses > 1:
            notice = f"has {remote.addresses} addresses; the API reaches the first only, clear the others by hand"
        return replace(erased(erase, Action.ANONYMIZE, Result.OK, error=notice), attempts=answer.attempts)

    def _blank_customer(self, foreign_id: str) -> dict[str, Value]:
        """Every personal field, emptied or under a placeholder; the address is unique, for orders are found by it."""
        catalogue = self.delivery.catalogue.values()
        fields: dict[str, Value] = {field.name: field.placeholder for field in catalogue if field.personal}
        return fields | {"email": f"{self.delivery.digester.name(foreign_id).hex()}@anonymized.invalid"}

    def _left_personal(self, gomus_id: int, blank: Mapping[str, Value]) -> tuple[str, ...]:
        remote = self.delivery.client.read(gomus_id)
        return () if remote is None else tuple(self.delivery.differing(remote, blank))

    def delete(self, erase: Erase) -> Outcome:
        """Delete who is anonymized; where go~mus refuses, the anonymized customer stays, without its foreign_id."""
        for tries in range(1, self.delivery.attempts + 1):
            try:
                self.delivery.client.delete(erase.gomus_id)
                return erased(erase, Action.DELETE, Result.OK)
            except Refused as refusal:
                self._detach(erase)
                kept = f"go~mus keeps the anonymized customer: {words(refusal)}"
                return replace(erased(erase, Action.DELETE, Result.SKIPPED, error=kept), status=refusal.status)
            except Retryable as turned_away:
                return failed(erase, turned_away)
            except Unclear as lost:
                last = lost
                self.delivery.pause(tries)  # a repeated delete is harmless: it answers 404 or 410
        return failed(erase, last)

    def _detach(self, erase: Erase) -> None:
        """Where the anonymized customer stays, its foreign_id goes: whoever returns under it must not find a ghost."""
        with suppress(CallFailed):  # an instance that insists on the foreign_id keeps it
            self.delivery.client.update_one(erase.gomus_id, {"foreign_id": self.delivery.habits.blank})
