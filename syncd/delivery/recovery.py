"""The first thing in a run: what an earlier one began and did not see the end of.

An intent without an outcome was cut off between writing it down and writing down what came of it, or its call was not
answered. Whether it took effect, only go~mus can tell; and that it has not yet, does not say that it never will.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from syncd.delivery.delivery import STREAK, Delivery
from syncd.delivery.looking import is_same_letters
from syncd.domain.changes import Action, Cause, Result
from syncd.domain.chunks import chunks
from syncd.domain.records import Origin, RemoteCustomer, Stage
from syncd.errors import CallFailed, Refused, Stopped
from syncd.state.journal import OpenIntent
from syncd.state.known import KnownRow
from syncd.state.ledger import Ledger

log = structlog.get_logger()

Seen = RemoteCustomer | CallFailed | None


@dataclass(slots=True, kw_only=True)
class Recovery:
    """Settles open intents by looking; `names` are the mapped fields, `patience` is how long a create may still act.

    `tombstones` tells of some ids who was erased. `failure` is that of the last look, where it failed. `found` are
    those of creates without a look before: they are there, but may have been there before; their intents stay open.
    """

    ledger: Ledger
    delivery: Delivery
    names: Sequence[str]
    patience: timedelta
    concurrency: int
    tombstones: Callable[[Sequence[str]], Mapping[str, Cause]]
    failure: CallFailed | None = None
    found: dict[str, KnownRow] = field(default_factory=dict)
    _in_a_row: int = field(default=0)

    def settle_intents(self, intents: Sequence[OpenIntent]) -> dict[str, OpenIntent]:
        """Settle each that can be told; nothing waits for the others, which stay open.

        Answers the creates that were not found when their time was over, and those `found`. Raises Stopped.
        """
        steps = [intent for intent in intents if intent.action in (Action.ANONYMIZE, Action.DELETE, Action.RELEASE)]
        for intent in steps:  # the customer's stage says where to go on
            self.ledger.settle_open(intent, Result.SKIPPED, words="cut off; taken up again")
        overdue: dict[str, OpenIntent] = {}
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="gomus") as pool:
            for page in chunks((intent for intent in intents if intent not in steps), self.concurrency):
                if self.delivery.is_stopping():
                    raise Stopped
                now = self.ledger.clock()
                for intent, found in zip(page, pool.map(self._look, page), strict=True):
                    seen = None if self._is_anothers(intent, found) else found
                    is_settled = self._settle(intent, seen)
                    is_new = intent.action is not Action.LINK or intent.is_unmet
                    if not is_settled and is_new and self._is_overdue(intent, now, seen):
                        overdue[intent.foreign_id] = intent
                if self._in_a_row >= STREAK:
                    return overdue
        return overdue

    def _look(self, intent: OpenIntent) -> Seen:
        try:
            if intent.action is Action.UPDATE:
                return self.delivery.find(intent.foreign_id, intent.gomus_id).here
            return self.delivery.look(intent.foreign_id)
        except CallFailed as failure:
            return failure

    def _is_anothers(self, intent: OpenIntent, seen: Seen) -> bool:
        """Where an instance keeps no capital letters, the id of another one may look the same."""
        if not isinstance(seen, RemoteCustomer) or is_same_letters(seen.foreign_id, intent.foreign_id):
            return False
        return self.ledger.store.known.has_number(self.ledger.sync, seen.gomus_id, but=intent.foreign_id)

    def _is_overdue(self, intent: OpenIntent, now: datetime, seen: Seen) -> bool:
        if intent.foreign_id in self.found:
            return True
        is_over = self.delivery.habits.is_unique or now - intent.sent_at >= self.patience
        return seen is None and is_over

    def _settle(self, intent: OpenIntent, seen: Seen) -> bool:
        """False where it stays open."""
        if isinstance(seen, Refused):  # it can't be told, and must not hold up everybody else
            self.ledger.settle_open(intent, Result.FAILED, words=seen.message)
            return True
        self.failure = seen if isinstance(seen, CallFailed) else None
        self._in_a_row = self._in_a_row + 1 if self.failure else 0
        if isinstance(seen, CallFailed):
            log.warning("record.unclear", foreign_id=intent.foreign_id, action=intent.action.value, error=seen.message)
            return False
        match intent.action:
            case Action.UPDATE:
                return self._settle_update(intent, seen)
            case Action.LINK:
                return self._settle_link(intent, seen)
        return self._settle_create(intent, seen)

    def _settle_link(self, intent: OpenIntent, remote: RemoteCustomer | None) -> bool:
        """A person has to say it again where nothing came of another id; a first one the run sends again."""
        if intent.is_unmet:
            return self._settle_create(intent, remote)
        if remote and remote.gomus_id == intent.gomus_id:
            return self._settle_create(intent, remote)
        if not self._is_overdue(intent, self.ledger.clock(), None):
            return False
        self.ledger.settle_open(intent, Result.SKIPPED, words="cut off; the customer has its old foreign_id")
        return True

    def _settle_create(self, intent: OpenIntent, remote: RemoteCustomer | None) -> bool:
        """Who may have been there before is met by the run, which has the values; but for who is to be erased."""
        if remote is None:
            return False
        row = self._row(intent, remote)
        if intent.is_unmet and row.stage is Stage.ACTIVE:
            theirs = replace(row.digests, fields={}, shown=row.digests.fields)
            is_linked = intent.action is Action.LINK and remote.gomus_id == intent.gomus_id
            origin = Origin.LINKED if is_linked else Origin.ADOPTED
            self.found[intent.foreign_id] = replace(row, digests=theirs, origin=origin)
            return False
        self.ledger.settle_open(intent, Result.OK, words="cut off; found to have taken effect", row=row)
        return True

    def _settle_update(self, intent: OpenIntent, remote: RemoteCustomer | None) -> bool:
        row = self._row_of_update(intent, remote) if remote else None
        words = "cut off; read back, and compared anew" if remote else "cut off; the customer is no longer in go~mus"
        self.ledger.settle_open(intent, Result.SKIPPED, words=words, row=row)
        return True

    def _row_of_update(self, intent: OpenIntent, remote: RemoteCustomer) -> KnownRow:
        """Only what was sent is learned: the rest may have been changed by staff, and is judged as ever."""
        known = self.ledger.store.known.find_one(self.ledger.sync, intent.foreign_id)
        if known is None or known.gomus_id != remote.gomus_id:
            return self._row(intent, remote)
        digests = self.delivery.as_shown(known, remote, intent.fields)
        return KnownRow(foreign_id=intent.foreign_id, gomus_id=remote.gomus_id, digests=digests)

    def _row(self, intent: OpenIntent, remote: RemoteCustomer) -> KnownRow:
        """Who was to be erased while it was not there is erased now."""
        is_erased = self.tombstones([intent.foreign_id]).get(intent.foreign_id) is Cause.REQUEST
        return KnownRow(
            foreign_id=intent.foreign_id,
            gomus_id=remote.gomus_id,
            digests=self.delivery.memory_of(intent.foreign_id, remote, self.names),
            stage=Stage.ERASING if is_erased else Stage.ACTIVE,
        )
