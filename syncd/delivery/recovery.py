"""The first thing in a run: what an earlier one began and did not see the end of.

An intent without an outcome was cut off between writing it down and writing down what came of it. Whether its call
took effect, only go~mus can tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.delivery.writing import Delivery
from syncd.domain.changes import Action, Result
from syncd.domain.records import RemoteCustomer
from syncd.errors import Refused
from syncd.state.journal import OpenIntent
from syncd.state.known import KnownRow
from syncd.state.ledger import Ledger

A_MOMENT = 0.05  # seconds, lest the clock be a little behind the sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Settles open intents by looking; `names` are the mapped fields, `timeout` how long a call may be at work."""

    ledger: Ledger
    delivery: Delivery
    names: Sequence[str]
    timeout: timedelta
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    def settle_intents(self, intents: Sequence[OpenIntent]) -> None:
        """Settle each; one that was just sent and is not there yet is looked for again when its time is over."""
        missing = [intent for intent in intents if not self._settle(intent, is_late=self._is_late(intent))]
        if not missing:
            return
        youngest = max(intent.begun_at for intent in missing)
        self.sleep(max(0.0, (youngest + self.timeout - self.clock()).total_seconds()) + A_MOMENT)
        for intent in missing:
            self._settle(intent, is_late=self._is_late(intent))  # a sleep that was cut short proves nothing

    def _is_late(self, intent: OpenIntent) -> bool:
        return self.clock() - intent.begun_at >= self.timeout

    def _settle(self, intent: OpenIntent, *, is_late: bool) -> bool:
        """False where it has to be looked at again."""
        match intent.action:
            case Action.CREATE | Action.ADOPT:
                return self._settle_create(intent, is_late=is_late)
            case Action.UPDATE:
                return self._settle_update(intent)
            case Action.ANONYMIZE | Action.DELETE:  # the customer's stage says where to go on
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
        remote = self.delivery.client.read(intent.gomus_id) if intent.gomus_id is not None else None
        row = self._row(intent, remote) if remote else None
        words = "cut off; read back, and compared anew" if remote else "cut off; the customer is no longer in go~mus"
        self.ledger.settle_open(intent, Result.SKIPPED, words=words, row=row)
        return True

    def _row(self, intent: OpenIntent, remote: RemoteCustomer) -> KnownRow:
        digests = self.delivery.memory_of(remote, self.names)
        return KnownRow(foreign_id=intent.foreign_id, gomus_id=remote.gomus_id, digests=digests)
