"""Taking a foreign_id off a customer that stays: whoever returns under it must not find somebody else's leavings."""

from dataclasses import dataclass

from syncd.delivery.leaver import Leaver
from syncd.domain.records import Field, RemoteCustomer, Value
from syncd.domain.trail import What
from syncd.errors import Missing, Refused, Unclear

FOREIGN_ID = Field(name="foreign_id", code=0, personal=False)


@dataclass(slots=True, kw_only=True)
class Releasing:
    """`is_touched` says that something has changed, or may have."""

    leaver: Leaver
    is_touched: bool = False

    def take_off(self, remote: RemoteCustomer) -> bool:
        """Whether it is off; False where go~mus will not let it go. Raises as `Leaver.write` and `named` do."""
        return any(self._send(remote, blank) for blank in self.leaver.delivery.habits.blanks_for(FOREIGN_ID))

    def _send(self, remote: RemoteCustomer, blank: Value) -> bool:
        delivery = self.leaver.delivery
        for tries in range(1, delivery.attempts + 1):
            try:
                answer = self.leaver.write(remote, {FOREIGN_ID.name: blank})
            except Missing:
                return self._is_off(remote, later=False)
            except Refused:
                return False
            except Unclear as lost:
                self.is_touched, failure = True, lost
                self.leaver.trail.note(What.RELEASE_LOST)
                is_off = self._is_off(remote, later=False)
                self.leaver.trail.note_effect(is_there=is_off)
                if is_off:
                    return True
                delivery.pause(tries)
            else:
                was_touched, self.is_touched = self.is_touched, True
                is_off = self._is_off(remote, later=True)
                self.is_touched = was_touched or is_off or answer.later
                if is_off and blank != delivery.habits.blanks.get(FOREIGN_ID.name):
                    delivery.habits.blanks[FOREIGN_ID.name] = blank
                return is_off
        raise failure

    def _is_off(self, remote: RemoteCustomer, *, later: bool) -> bool:
        """Seen once nobody shows it, or a twin does."""
        for _ in self.leaver.delivery.looks(later=later):
            named = self.leaver.named()
            if named is None or named.gomus_id != remote.gomus_id:
                return True
        return False
