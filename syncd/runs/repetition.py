"""Ends a run at once where it would only repeat the last one, which found nothing to do.

A run that leaves the state as it was leaves the next one where it began itself: the same records, compared with the
same state under the same configuration, lead to the same end, until time makes something due. Who is invalid is told
again from the state. What is asked of go~mus whatever the source says, a run does all the same: open intents, erasures
on request, lookups, the audit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from syncd import __version__
from syncd.domain.diff import DeleteMode
from syncd.domain.records import SCHEME
from syncd.domain.runs import Status
from syncd.plan.plan import Plan
from syncd.runs.world import Sync
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall
from syncd.state.runs import Standstill

# What a plan may count that has nothing to do
COUNTED = {"records", "unchanged", "duplicates", "filtered", "absent", "ignored", "invalid", "quarantined", "merged"}
UNJOINED = frozenset("-_./:#")  # signs that no letter behind them changes, however it is composed


@dataclass(slots=True, kw_only=True)
class Repetition:
    """`sync` has the mode of this run. `is_idle` says whether it is as any other, and has had nothing to do so far."""

    sync: Sync
    ledger: Ledger
    recall: Recall
    is_idle: Callable[[], bool]
    counts: Mapping[str, int] = field(default_factory=dict)  # of the last run's plan, where this one repeats it
    _content: bytes | None = None
    _was_quiet: bool = False

    def holds_for(self, content: bytes) -> bool:
        """Whether a run that reads this need not compare it; `content` is its digest, and that of its meaning."""
        self._content = self.recall.digester.context(content + self._terms())
        self._was_quiet = self.is_idle() and self._is_quiet()
        last = self.recall.store.runs.standstill(self.sync.name)
        if last is None or last.content != self._content or last.fence != self.ledger.fence - 1:
            return False
        is_due = last.due_at is not None and last.due_at <= self.recall.now
        self.counts = last.counts
        return self._was_quiet and not is_due

    def note(self, counts: Mapping[str, int], status: Status) -> None:
        """Remember that the plan of this run, which is about to end, had nothing to do: unless something else had."""
        is_done = status in (Status.DONE, Status.PROBLEMS) and self.is_idle()
        if self._content is None or not (is_done and self._was_quiet and self._is_quiet()):
            return
        first = None if self.sync.mode is DeleteMode.IGNORE else self.recall.store.known.first_absent(self.sync.name)
        due_at = first and first + self.sync.grace
        still = Standstill(fence=self.ledger.fence, content=self._content, counts=counts, due_at=due_at)
        with self.ledger.writing() as store:
            store.runs.stand_still(self.sync.name, still)

    def _terms(self) -> bytes:
        """All that decides beside the source and its mapping, but for what `_is_quiet` wants not to be there."""
        sync, recall = self.sync, self.recall
        terms = (
            (__version__, SCHEME),
            (recall.instance, recall.erased.mark),
            (sync.mode.value, sync.grace, sync.releases_linked, recall.absence_context, recall.counting),
            [(one.name, one.at) for one in recall.store.tombstones.requested(recall.instance)],
            [(one.foreign_id, one.position, one.problems) for one in recall.store.failures.invalid(sync.name)],
            [(one.foreign_id, one.content, one.next_try_at) for one in recall.store.failures.refused(sync.name)],
        )
        return repr(terms).encode()

    def _is_quiet(self) -> bool:
        """Whether nothing is held or open, so that nothing but absence and a new try may fall due."""
        store, name, recall = self.recall.store, self.sync.name, self.recall
        return not (
            recall.is_retry_due()
            or recall.is_email_free()
            or recall.lacks_emails()
            or store.failures.nameless(name)
            or store.journal.open_intents(name)
            or store.held.find(name)
            or next(store.held.each_decided(name), None)
            or store.known.unfinished(name)
            or recall.counts_anew
            or recall.is_configuration_new
            or len(self.sync.kin) > 1  # another list may have given somebody up
            or self._may_share()
        )

    def _may_share(self) -> bool:
        """Whether another sync of the instance may know somebody, or make somebody, who is in this list too."""
        others, prefix, store = self.recall.others, self.sync.mapper.prefix, self.recall.store
        if not others:
            return False
        if not prefix.isascii() or prefix[-1:] not in UNJOINED:
            return True
        sent = (foreign_id for other in others for foreign_id in store.journal.unclear(other))
        return any(one.startswith(prefix) for one in sent) or store.known.has_beginning_with(others, prefix)


def finds_nothing(plan: Plan) -> bool:
    """Whether nothing follows from a read: no call, no word to a person, and nothing to be remembered."""
    comparison, found, reading = plan.read.comparison, plan.found, plan.read.comparison.reading
    is_sure = plan.is_snapshot and not (reading.unsure or comparison.may_hide or comparison.is_doubtful)
    learns = (
        *(found.newly_absent, found.newly_told, found.left_to_others, found.returned, found.mended),
        *(found.nameless, comparison.forgotten, next(plan.spool.relearned(), None)),
        *(found.mergers, found.unmerged),
    )
    return is_sure and not any(learns) and plan.counts.keys() <= COUNTED
