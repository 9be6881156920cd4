"""Erasures that an earlier run began: what is finished at once, what waits for this run's plan, what is taken back.

One on request goes on at once. One for absence goes on where its first step has taken effect, and the configuration
still erases; otherwise it is as if it had never been planned.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from syncd.delivery.delivery import STREAK, Delivery
from syncd.delivery.leaver import Leaver
from syncd.delivery.outcomes import failed
from syncd.delivery.placeholders import Placeholders
from syncd.domain.changes import Action, Cause, Ending, Erase, Outcome
from syncd.domain.diff import AbsencePolicy
from syncd.domain.records import KnownCustomer, RemoteCustomer, Stage
from syncd.errors import CallFailed
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall


@dataclass(slots=True, kw_only=True)
class Resuming:
    """`settle` is how long a call whose answer was lost may still take effect; `report` hears of looks that failed.

    `waiting` are those of whom nothing has changed yet, though a lost call may still change it: who is back in the
    source has to wait, and who is absent may be planned anew.
    """

    ledger: Ledger
    delivery: Delivery
    policy: AbsencePolicy
    settle: timedelta
    report: Callable[[Outcome], None]
    waiting: set[str] = field(default_factory=set)

    def each_begun(self, recall: Recall, *, but: Collection[str]) -> Iterator[Erase]:
        """The erasures to finish now; those that go~mus says nothing about are left for the next run.

        Raises CallFailed where it says nothing again and again.
        """
        failures = 0
        for known in recall.store.known.unfinished(recall.sync):
            if known.gomus_id is None or known.foreign_id in but or recall.rests([known.foreign_id]):
                continue
            cause = recall.tombstones([known.foreign_id]).get(known.foreign_id, Cause.ABSENCE)
            if cause is Cause.REQUEST:
                yield _erase(known, known.gomus_id, cause, Ending.DELETE)
                continue
            try:
                erase = self._judge(known, known.gomus_id, recall)
                failures = 0
            except CallFailed as failure:
                failures += 1
                if failures == STREAK:
                    raise
                self.report(_unlooked(_erase(known, known.gomus_id, cause, Ending.DELETE), failure))
                continue
            if erase:
                yield erase

    def _judge(self, known: KnownCustomer, gomus_id: int, recall: Recall) -> Erase | None:
        ending = self.policy.ending_of(known.origin)
        if known.stage is Stage.RELEASING:
            ending = Ending.RELEASE
        leaver = Leaver.of(self.delivery, known.foreign_id, gomus_id)
        remote = leaver.named() if known.stage is Stage.RELEASING else leaver.find().here
        has_begun = remote is None or (known.stage is not Stage.RELEASING and self._has_begun(known, remote))
        if has_begun and ending and not recall.owners([known.foreign_id]):
            return _erase(known, gomus_id, Cause.ABSENCE, ending)
        if has_begun or self._is_over(known, recall):
            delivery = self.delivery
            shown = delivery.as_shown(known, remote, delivery.drifted(known, remote)) if remote else None
            self.ledger.take_back(known.foreign_id, shown)
        else:
            self.waiting.add(known.foreign_id)
        return None

    def _has_begun(self, known: KnownCustomer, remote: RemoteCustomer) -> bool:
        """A placeholder of ours stands there, or something that was known is empty."""
        placeholders = Placeholders.of(self.delivery, known.foreign_id)
        if known.stage is Stage.ANONYMIZED or placeholders.stand_in(remote.fields):
            return True
        digests = known.digests
        digester = self.delivery.digester.of(known.foreign_id, digests.scheme)
        return any(
            digester.field(name, None)
            == digester.field(name, remote.fields.get(name))
            not in (digests.fields[name], digests.shown.get(name))
            for name in placeholders.values.keys() & digests.fields.keys()
        )

    def _is_over(self, known: KnownCustomer, recall: Recall) -> bool:
        """Whether the last call can't take effect any more."""
        last = recall.store.journal.of_customer(recall.sync, known.foreign_id, limit=1)
        return not last or recall.now - last[0].begun_at >= self.settle


def _erase(known: KnownCustomer, gomus_id: int, cause: Cause, ending: Ending) -> Erase:
    return Erase(
        foreign_id=known.foreign_id,
        gomus_id=gomus_id,
        cause=cause,
        ending=ending,
        anonymized=known.stage is Stage.ANONYMIZED,
    )


def _unlooked(erase: Erase, failure: CallFailed) -> Outcome:
    """One look that failed is no outage yet."""
    return replace(failed(erase, failure, Action.ANONYMIZE), reached=True)
