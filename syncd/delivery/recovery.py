"""The first thing in a run: what an earlier one began and did not see the end of.

An intent without an outcome was cut off between writing it down and writing down what came of it. Whether its call
took effect, only go~mus can tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.delivery.delivery import Delivery
from syncd.domain.changes import Action, Result
from syncd.domain.records import RemoteCustomer
from syncd.errors import Refused, Stopped
from syncd.state.journal import OpenIntent
from syncd.state.known import KnownRow
from syncd.state.ledger import Ledger

A_MOMENT = 0.05  # seconds, lest the clock be a little behind the sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Settles open intents by looking; `names` are the mapped fields."""

    ledger: Ledger
    delivery: Delivery
    names: Sequence[str]
    clock: Callable[[], datetime]

    def settle_intents(self, intents: Sequence[OpenIntent]) -> None:
        """Settle each; one that was just sent and is not there yet is looked for again when its time is over.

        Raises CallFailed where go~mus does not answer, and Stopped; what is not settled by then stays open.
        """
        missing = self._settle_all(intents)
        if not missing:
            return
        youngest = max(intent.begun_at for intent in missing)
        left = (youngest + self.delivery.timeout - self.clock()).total_seconds()
        self.delivery.sleep(max(0.0, left) + A_MOMENT)
        self._settle_all(missing)

    def _settle_all(self, intents: Sequence[OpenIntent]) -> list[OpenIntent]:
        """Those that have to be looked at again."""
        return [intent for intent in intents if not self._settle(intent, is_late=self._is_late(intent))]

    def _is_late(self, intent: OpenIntent) -> bool:
        return self.clock() - intent.begun_at >= self.delivery.timeout

    def _settle(self, intent: OpenIntent, *, is_late: bool) -> bool:
        """False where it has to be looked at again."""
        if self.delivery.is_stopping():
            raise Stopped
        match intent.action:
            case Action.CREATE | Action.ADOPT:
                return self._settle_create(intent, is_late=is_late)
            case Action.UPDATE:
                return self._settle_update(intent)
            case Action.ANONYMIZE | Action.DELETE | Action.RELEASE:  # the customer's stage says where to go on
                self.ledger.settle_open(intent, Result.SKIPPED, words="cut off; taken up again")
                return True

    def _settle_create(self, intent: OpenIntent, *, is_late: bool) -> bool:
        try:
            remote = self.delivery.look(intent.foreign_id)
        except Refused as refusal:  # it can't be told, and must not hold up everybody else
            self.ledger.settle_open(intent, Result.FAILED, words=refusal.message)
            return True
        if remote:
            row = self._row(intent, remote)
            self.ledger.settle_open(intent, Result.OK, words="cut off; found to have taken effect", row=row)
        elif is_late:
            self.ledger.settle_open(intent, Result.FAILED, words="cut off; found to have had no effect")
        return bool(remote) or is_late

    def _settle_update(self, intent: OpenIntent) -> bool:
        try:
            remote = self.delivery.find(intent.foreign_id, intent.gomus_id).here
        except Refused as refusal:
            self.ledger.settle_open(intent, Result.FAILED, words=refusal.message)
            return True
        row = self._row(intent, remote) if remote else None
        words = "cut off; read back, and compared anew" if remote else "cut off; the customer is no longer in go~mus"
        self.ledger.settle_open(intent, Result.SKIPPED, words=words, row=row)
        return True

    def _row(self, intent: OpenIntent, remote: RemoteCustomer) -> KnownRow:
        digests = self.delivery.memory_of(intent.foreign_id, remote, self.names)
        return KnownRow(foreign_id=intent.foreign_id, gomus_id=remote.gomus_id, digests=digests)
