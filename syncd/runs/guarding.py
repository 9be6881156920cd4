"""Asks the guards of one run: what they hold is told and written down, until a person has decided on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from syncd.domain.guards import Guard, Held, Word, ask_at_first_contact, ask_guards, how_to_release
from syncd.plan.approval import Approval
from syncd.plan.figures import count_at_first_contact, count_up
from syncd.plan.plan import Plan
from syncd.runs.world import Sync
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall

log = structlog.get_logger()
NOT_JUDGED = b""  # absence under this configuration, also where it was one of before


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarding:
    """`is_judging`: what is erased for absence is what the configuration says, so that the guards have seen it."""

    sync: Sync
    ledger: Ledger
    recall: Recall
    plan: Plan
    is_judging: bool

    def ask(self) -> tuple[Held, ...]:
        """What is held of the plan."""
        approval = Approval(self.recall)
        approval.apply(self.plan)
        held = ask_guards(count_up(self.plan, self.recall), self.sync.limits)
        guards = {guard.guard for guard in held}
        self._learn(guards)
        approval.note(self.ledger, self.plan, held)
        self._tell(held)
        return held

    def _learn(self, guards: set[Guard]) -> None:
        """Who was absent when a person released ids that looked changed has left; a configuration was judged."""
        sync, before = self.sync.name, self.recall.store.held.find(self.sync.name)
        with self.ledger.writing() as store:
            was_held = before and Guard.IDENTITY.value in before.guards and Guard.IDENTITY not in guards
            if was_held and self.plan.count_decided()[Word.APPROVED]:
                store.absences.accept(sync, self.recall.now)
            if self.is_judging and not self.plan.failure and guards.isdisjoint({Guard.IDENTITY, Guard.CONFIGURATION}):
                store.absences.judged_for(sync, self.recall.absence_context)

    def ask_at_first_contact(self, held: tuple[Held, ...], unlooked: int) -> tuple[Held, ...]:
        """What is held in the end: whose values would be overwritten shows only when the new ones were looked up.

        Whom this run has met is counted together with whom an earlier one has met and not finished.
        """
        others = tuple(guard for guard in held if guard.guard is not Guard.FIRST_CONTACT)
        figures = count_at_first_contact(self.plan, unlooked=unlooked)
        now_held = (*others, *ask_at_first_contact(figures, self.sync.limits))
        if now_held != held:
            Approval(self.recall).note(self.ledger, self.plan, now_held)
            self._tell(now_held)
        return now_held

    def _tell(self, held: Sequence[Held]) -> None:
        for guard in held:
            remedy = how_to_release(self.sync.name)
            log.warning("run.held", guard=guard.guard.value, reason=guard.reason, remedy=remedy)


def count_absence_anew(sync: Sync, ledger: Ledger) -> None:
    """Where something that decides absence has changed in the configuration, absence counts from now."""
    counting, context = ledger.store.absences.counting(sync.name), ledger.digester.context(sync.absence_terms)
    if counting.counted_for == context:
        return
    with ledger.writing() as store:
        if counting.counted_for is None:
            store.absences.judged_for(sync.name, context)
        else:
            log.warning(
                "absence.counts_anew",
                reason="what decides who is absent has changed in the configuration",
                remedy="nothing to do: grace begins anew, and what falls due at once is held",
            )
            store.forget_absence(sync.name)
            store.absences.judged_for(sync.name, NOT_JUDGED)
        store.absences.count_for(sync.name, context)
