"""Held changes and their release. An approval covers exactly the changes that were shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncd.domain.changes import Change, Create, Erase, Update
from syncd.domain.chunks import chunks
from syncd.domain.guards import Held
from syncd.plan.plan import Plan
from syncd.state.held import HeldChange
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall


@dataclass(frozen=True, slots=True)
class Approval:
    """The approvals of one sync."""

    recall: Recall

    def still_held(self, plan: Plan, tripped: Sequence[Held]) -> tuple[Held, ...]:
        """The guards that still hold. An approval releases all guards that it covers together, or none."""
        row = self.recall.store.held.find(self.recall.sync)
        is_valid = row is not None and row.expires_at is not None and self.recall.now < row.expires_at
        if not row or not is_valid or not {guard.guard.value for guard in tripped} <= set(row.guards):
            return tuple(tripped)
        return () if self._covers(plan.held_by(tripped)) else tuple(tripped)

    def _covers(self, changes: Iterator[Change]) -> bool:
        for page in chunks(changes):
            names = [change.foreign_id for change in page]
            shown = self.recall.store.held.find_changes(self.recall.sync, names)
            if any(self._as_held(change) not in shown for change in page):
                return False
        return True

    def _as_held(self, change: Change) -> HeldChange:
        match change:
            case Create():
                content = change.digests.record
            case Update():
                content = change.digests.record + ",".join(sorted(change.fields)).encode()
            case Erase():
                content = f"{change.cause.value} {change.ending.value}".encode()
        return HeldChange(change.foreign_id, change.action.value, self.recall.digester.plan(content))

    def note(self, ledger: Ledger, plan: Plan, held: Sequence[Held]) -> None:
        """Replace what is kept as held. An earlier approval goes with it."""
        changes = (self._as_held(change) for change in plan.held_by(held))
        with ledger.writing() as store:
            store.held.put(ledger.sync, ledger.run_id, held, changes, self.recall.now)
