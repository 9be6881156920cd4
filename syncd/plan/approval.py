"""A person's word on changes that were held. It covers exactly the changes that were shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from syncd.domain.changes import Action, Change, Create, Erase, Update
from syncd.domain.chunks import chunks
from syncd.domain.guards import Guard, Held, Word, held_part
from syncd.domain.runs import COMPLETE, WHOLE
from syncd.plan.plan import Plan
from syncd.state.held import Decided, HeldChange
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall

APPROVED_FOR = timedelta(hours=24)  # at least; and until the next complete run
ERASURES = (Action.DELETE.value, Action.RELEASE.value)


@dataclass(frozen=True, slots=True)
class Approval:
    """What was decided on the changes of one sync."""

    recall: Recall

    def apply(self, plan: Plan) -> None:
        """Mark in the plan what a person has decided on."""
        if next(self.recall.store.held.each_decided(self.recall.sync), None) is None:
            return
        since = self.approved_since
        for page in chunks(plan.changes()):
            found = self.recall.store.held.decided(
                self.recall.sync, [change.foreign_id for change in page], approved_since=since
            )
            decided = {one.foreign_id: one for one in found}
            concerned = (change for change in page if change.foreign_id in decided)
            plan.spool.decide(
                (change.foreign_id, decided[change.foreign_id].word)
                for change in concerned
                if self._covers(decided[change.foreign_id], change)
            )

    @property
    def approved_since(self) -> datetime:
        """An approval that is older holds no more."""
        last = self.recall.store.runs.last_ended(self.recall.sync, COMPLETE, WHOLE)
        never = datetime.min.replace(tzinfo=UTC)
        return min(self.recall.now - APPROVED_FOR, last.started_at) if last else never

    def _covers(self, decided: Decided, change: Change) -> bool:
        """Whoever was not to be erased is not, in whichever way."""
        if decided.word is Word.REJECTED and isinstance(change, Erase):
            return decided.action in ERASURES
        return decided.action == change.action.value and decided.content in self._contents(change)

    def _contents(self, change: Change) -> set[bytes]:
        """The digests of a change as a whole, and of what of it is held at first contact."""
        at_first_contact = held_part(change, [Held(guard=Guard.FIRST_CONTACT, reason="")])
        return {self._content(part) for part in (change, at_first_contact) if part}

    def _content(self, change: Change) -> bytes:
        match change:
            case Create():
                content = change.content
            case Update():
                content = change.digests.record + ",".join(sorted(change.fields)).encode()
            case Erase():
                content = f"{change.cause.value} {change.ending.value}".encode()
        return self.recall.digester.plan(content)

    def note(self, ledger: Ledger, plan: Plan, held: Sequence[Held]) -> None:
        """Write down what is held now, and forget what was decided on changes that are no more."""
        sync = self.recall.sync
        with ledger.writing() as store:
            for page in chunks(store.held.each_decided(sync)):
                back = plan.read.comparison.present_among(page) - plan.spool.decided_among(page)
                store.held.forget(sync, back)
            store.held.forget_approvals(sync, self.approved_since)
            if held:
                store.held.put(sync, ledger.run_id, held, self._each_held(plan, held), self.recall.now)
            else:
                store.held.clear(sync)

    def _each_held(self, plan: Plan, held: Sequence[Held]) -> Iterator[HeldChange]:
        for change in plan.held_by(held):
            yield HeldChange(
                foreign_id=change.foreign_id,
                action=change.action.value,
                content=self._content(change),
                guards=tuple(guard.guard.value for guard in held if guard.holds(change)),
                fields=() if isinstance(change, Erase) else tuple(sorted(change.fields)),
            )
