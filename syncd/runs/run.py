"""One run, told from top to bottom: read, map, compare, ask the guards, write down, carry out, record."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from syncd.delivery.delivery import Delivery
from syncd.delivery.erasing import Erasing
from syncd.delivery.executor import Executor
from syncd.delivery.habits import Habits
from syncd.delivery.recovery import Recovery
from syncd.delivery.writing import Writing
from syncd.domain.changes import Cause, Create, Erase, Outcome, Result, Update
from syncd.domain.diff import DeleteMode
from syncd.domain.guards import Guard, Held, ask_guards, how_to_release
from syncd.domain.records import LookupEntry, Stage
from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import CallFailed, Fatal, StateUnusable, Stopped
from syncd.mapping.lookups import Lookup
from syncd.plan.approval import Approval
from syncd.plan.plan import Plan
from syncd.plan.spool import Spool
from syncd.runs.drawing import drawing_up
from syncd.runs.unclear import close_who_left, count_unclear, is_unclear
from syncd.runs.world import Sync, World
from syncd.state.journal import OpenIntent
from syncd.state.lease import take_lease
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall
from syncd.state.tombstones import Instance

log = structlog.get_logger()
DONE_BY_CALLS = {"create", "update", "delete", "unclear"}  # planned under these names; a summary counts what was done
LOOKUP_AGE = timedelta(days=1)  # the vendor asks to refresh salutations and titles once a day


def run(
    sync: Sync,
    world: World,
    *,
    trigger: Trigger,
    probe: bool = True,
    entering: Callable[[str], None] = lambda _run: None,
) -> Summary:
    """Carry out one whole run.

    `probe=False` trusts that go~mus holds none of the customers yet. `entering` gets the run's id once the lease is
    held; if it raises, there is no run. Raises LeaseTaken where another process runs this sync, and StateUnusable where
    the run can't be entered; whatever goes wrong later is in the summary.
    """
    with opening(sync, world, trigger=trigger, entering=entering) as run_:
        return run_.conduct(lambda now: run_.sync_all(now, probe=probe))


@contextmanager
def opening(
    sync: Sync, world: World, *, trigger: Trigger, entering: Callable[[str], None] = lambda _run: None
) -> Iterator["Run"]:
    """Take the lease and enter the sync; everything that writes to go~mus happens inside.

    Raises LeaseTaken where another process runs this sync, and StateUnusable.
    """
    with take_lease(world.store.engine, sync.name) as lease:
        run_id = f"{world.clock():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"  # the time comes first, so that ids sort by it
        entering(run_id)
        instance = instance_of(sync, world)
        entry = world.store.runs.enter(sync.name, instance.address)
        ledger = Ledger(
            store=world.store,
            digester=world.digester,
            sync=sync.name,
            instance=instance,
            run_id=run_id,
            fence=entry.fence,
            clock=world.clock,
            recreate_vanished=sync.recreate_vanished,
        )
        with structlog.contextvars.bound_contextvars(sync=sync.name, run=ledger.run_id):
            is_restored = lease.is_older(entry.fence)
            if not entry.is_same_instance:
                log.warning("state.other_instance", remedy="what is known is dropped; customers are adopted anew")
                ledger.move_to(instance.address)
            elif is_restored:
                log.warning("state.restored", remedy="nobody is deleted in this run, and grace begins anew")
                with ledger.writing() as store:
                    store.forget_absence(sync.name)
            lease.note(entry.fence)
            yield Run(sync, world, ledger, trigger=trigger, may_erase=not is_restored)


def instance_of(sync: Sync, world: World) -> Instance:
    return Instance(sync.instance, world.digester.name(sync.gomus.url))


class Run:
    """One run under way, with the lease held."""

    def __init__(self, sync: Sync, world: World, ledger: Ledger, *, trigger: Trigger, may_erase: bool) -> None:
        self.sync = sync
        self.world = world
        self.ledger = ledger
        self._trigger = trigger
        self._mode = sync.mode if may_erase else DeleteMode.IGNORE
        self._outcomes: Counter[str] = Counter()
        self._results: Counter[tuple[str, str]] = Counter()
        self._due = 0
        self._unsettled = 0  # stale, or failed without a refusal: has to be read again
        self._overdue: Mapping[str, OpenIntent] = {}  # creates that were not found when their time was over
        self._unreached: str | None = None  # why go~mus said nothing, where that is the last that was heard of it
        learned = world.store.instances.learned(sync.instance)
        self._habits = Habits.recalled(
            learned, batch_size=sync.gomus.batch_size, is_unique=sync.gomus.unique_foreign_ids, now=world.clock()
        )
        self.delivery = Delivery(
            client=world.client,
            digester=world.digester,
            catalogue=sync.catalogue,
            habits=self._habits,
            attempts=sync.gomus.attempts,
            timeout=sync.gomus.timeout,
            clock=world.clock,
            sleep=world.sleep,
            is_stopping=world.stopping.is_set,
        )

    def conduct(self, body: Callable[[datetime], Summary]) -> Summary:
        """Record the beginning, do the body, record the end. Fatal and CallFailed become a failed summary."""
        started = self.world.clock()
        self.world.store.runs.begin(self.ledger.run_id, self.ledger.sync, self.sync.instance, self._trigger, started)
        log.info("run.started", instance=self.sync.instance, trigger=self._trigger.value)
        try:
            summary = body(started)
        except (Fatal, CallFailed) as failure:
            status = Status.STOPPED if isinstance(failure, Stopped) else Status.FAILED
            with suppress(StateUnusable):
                self._count_unclear()
            failed = self.summary(status, error=failure.message, remedy=failure.remedy)
            summary = replace(failed, is_cut=isinstance(failure, StateUnusable))
        except BaseException:
            self._finish(self.summary(Status.FAILED, error="crashed"), started)
            raise
        self._finish(summary, started)
        return summary

    def sync_all(self, now: datetime, *, probe: bool) -> Summary:
        self.settle_what_was_begun()
        lookups = self.lookups(now)
        recall = self.recall(now)
        with drawing_up(
            replace(self.sync, mode=self._mode),
            recall,
            lookups,
            progress=lambda count: self.world.progress("reading", count, None),
            stop_if_asked=self.world.stop_if_asked,
        ) as drawn:
            plan = drawn.plan
            self._note_invalid(plan)
            held = self._ask_guards(plan, recall)
            log.info("run.planned", counts=plan.counts, figures=plan.fields)
            for guard in held:
                log.warning(
                    "run.held", guard=guard.guard.value, reason=guard.reason, remedy=how_to_release(self.sync.name)
                )
            if not any(one.guard is Guard.IDENTITY for one in held):
                self.ledger.note_read(plan.found, now)
                self._carry_out(plan, held, probe=probe)
                close_who_left(self.ledger, self._overdue, plan)
                is_open = bool(self.world.store.journal.open_intents(self.sync.name))
                if drawn.watermark and not (held or self._unsettled or is_open or self.world.stopping.is_set()):
                    with self.ledger.writing() as store:
                        store.runs.move_watermark(self.sync.name, drawn.watermark)
                self._audit()
                if not self.world.stopping.is_set():
                    self.ledger.tidy(now - self.sync.keep, now)
            if failure := plan.failure:
                return self.summary(Status.FAILED, plan.counts, held, error=failure.message, remedy=failure.remedy)
            return self._ended(self._status(plan, held), plan.counts, held)

    def recall(self, now: datetime) -> Recall:
        ledger = self.ledger
        return Recall(
            store=ledger.store,
            digester=ledger.digester,
            sync=ledger.sync,
            instance=ledger.instance,
            now=now,
            unclear=ledger.store.journal.unclear(ledger.sync) - self._overdue.keys(),
            resends=bool(self._overdue),
        )

    # --- the steps ---

    def settle_what_was_begun(self) -> None:
        gomus = self.sync.gomus
        recovery = Recovery(
            ledger=self.ledger,
            delivery=self.delivery,
            names=self.sync.mapper.names,
            patience=gomus.patience,
            concurrency=gomus.concurrency,
            tombstones=self.recall(self.world.clock()).tombstones,
        )
        self._overdue = recovery.settle_intents(self.world.store.journal.open_intents(self.sync.name))
        self._unreached = recovery.failure.message if recovery.failure else None
        with self.executor() as executor:
            executor.erase(self._unfinished_erasures())

    def _unfinished_erasures(self) -> Iterator[Erase]:
        recall = self.recall(self.world.clock())
        for known in self.world.store.known.unfinished(self.sync.name):
            if known.gomus_id is not None and not recall.refused([known.foreign_id]):
                cause = recall.tombstones([known.foreign_id]).get(known.foreign_id, Cause.ABSENCE)
                yield Erase(
                    foreign_id=known.foreign_id,
                    gomus_id=known.gomus_id,
                    cause=cause,
                    keep=self.sync.mode is DeleteMode.ANONYMIZE and cause is Cause.ABSENCE,
                    anonymized=known.stage is Stage.ANONYMIZED,
                )

    def lookups(self, now: datetime) -> dict[str, Lookup]:
        return {kind: Lookup(kind, self._entries(kind, now)) for kind in sorted(self.sync.mapper.lookups_needed)}

    def _entries(self, kind: str, now: datetime) -> Sequence[LookupEntry]:
        """From the cache if it was fetched within a day, otherwise from go~mus."""
        cache, instance, locale = self.world.store.instances, self.sync.instance, self.sync.gomus.locale
        kept = cache.lookup(instance, kind, locale, since=now - LOOKUP_AGE)
        if kept is not None:
            return kept
        entries = self.world.client.lookup(kind)
        cache.keep_lookup(instance, kind, locale, entries, now)
        return entries

    def _note_invalid(self, plan: Plan) -> None:
        for record in plan.spool.invalid():
            log.warning(
                "source.invalid_record",
                foreign_id=record.foreign_id,
                position=str(record.position),
                problems=[str(problem) for problem in record.problems],
            )
        among = None if plan.is_snapshot else plan.spool.each_seen()
        with self.ledger.writing() as store:
            store.failures.replace_invalid(self.sync.name, self.ledger.run_id, plan.spool.invalid(), among=among)

    def _ask_guards(self, plan: Plan, recall: Recall) -> tuple[Held, ...]:
        approval = Approval(recall)
        tripped = ask_guards(plan.figures, self.sync.limits)
        held = approval.still_held(plan, tripped)
        if held:
            approval.note(self.ledger, plan, held)
        elif not tripped:
            with self.ledger.writing() as store:
                store.held.clear(self.sync.name)
        return held

    def _carry_out(self, plan: Plan, held: tuple[Held, ...], *, probe: bool) -> None:
        self._due = sum(1 for kind in (Create, Update, Erase) for _ in plan.released(kind, held))
        with self.executor(plan.spool) as executor:
            executor.create(plan.released(Create, held), probe=probe)
            executor.update(plan.released(Update, held))
            executor.erase(plan.released(Erase, held))

    def _audit(self) -> None:
        """Read back the customers that were not verified for the longest time, so that all are seen in time."""
        for known in self.world.store.known.longest_unverified(self.sync.name, self.sync.audit_per_run):
            if self.world.stopping.is_set():
                return
            remote = self.delivery.find(known.foreign_id, known.gomus_id, known.digests).here
            drifted = self.delivery.drifted(known, remote)
            self._outcomes["audited"] += 1
            if drifted:
                self._outcomes["drifted"] += 1
                log.warning("record.drift", foreign_id=known.foreign_id, gomus_id=known.gomus_id, fields=list(drifted))
            is_mended = drifted and self.sync.fix_drift
            shown = self.delivery.as_shown(known, remote, drifted) if remote and is_mended else None
            self.ledger.note_verified(known, shown)

    @contextmanager
    def executor(self, spool: Spool | None = None) -> Iterator[Executor]:
        try:
            yield Executor(
                writing=Writing(self.delivery),
                erasing=Erasing(self.delivery),
                ledger=self.ledger,
                habits=self._habits,
                concurrency=self.sync.gomus.concurrency,
                tries=self.sync.gomus.attempts,
                unclear=self._overdue,
                report=self._report,
                adopted=lambda update: spool.add_changes([update]) if spool else None,
                stopping=self.world.stopping,
            )
        finally:
            self._remember_habits()

    def _remember_habits(self) -> None:
        for name, value in self._habits.learned().items():
            self.world.store.instances.learn(self.sync.instance, name, value)

    def _report(self, outcome: Outcome) -> None:
        if not is_unclear(outcome):  # they are counted in the end
            self._outcomes[outcome.action.value if outcome.result is Result.OK else outcome.result.value] += 1
        self._unreached = None if outcome.reached else outcome.error
        self._unsettled += outcome.stale or (outcome.result is Result.FAILED and not outcome.refused)
        self._results[outcome.action.value, outcome.result.value] += 1
        self.world.progress("carrying out", self._results.total(), self._due)
        tell = log.info if outcome.result is not Result.FAILED else log.warning
        tell(
            "record.outcome",
            foreign_id=outcome.change.foreign_id,
            gomus_id=outcome.gomus_id,
            action=outcome.action.value,
            result=outcome.result.value,
            fields=[] if isinstance(outcome.change, Erase) else sorted(outcome.change.fields),
            status=outcome.status,
            attempts=outcome.attempts,
            error=outcome.error,
        )

    # --- the end ---

    def _status(self, plan: Plan, held: tuple[Held, ...]) -> Status:
        if self.world.stopping.is_set():
            return Status.STOPPED
        if self._unreached:
            return Status.FAILED
        if held:
            return Status.HELD
        has_failures = any(plan.counts.get(name) for name in ("invalid", "quarantined"))
        if has_failures or (not plan.is_snapshot and self.world.store.failures.count(self.sync.name)):
            return Status.PROBLEMS
        return self.status_of_outcomes()

    def status_of_outcomes(self) -> Status:
        if self._unreached:
            return Status.FAILED
        is_open = bool(self.world.store.journal.unclear(self.sync.name))
        return Status.PROBLEMS if is_open or self._outcomes[Result.FAILED.value] else Status.DONE

    def _count_unclear(self) -> None:
        self._outcomes["unclear"] = count_unclear(self.ledger, self.sync.gomus.patience)

    def _ended(self, status: Status, counts: Mapping[str, int], held: tuple[Held, ...]) -> Summary:
        self._count_unclear()
        if status is not Status.FAILED:
            return self.summary(status, counts, held)
        remedy = "what was done is recorded; the next run goes on from here"
        return self.summary(status, counts, held, error=f"go~mus did not answer: {self._unreached}", remedy=remedy)

    def summary(
        self,
        status: Status,
        counts: Mapping[str, int] | None = None,
        held: tuple[Held, ...] = (),
        *,
        error: str | None = None,
        remedy: str | None = None,
    ) -> Summary:
        return Summary(
            sync=self.sync.name,
            run_id=self.ledger.run_id,
            status=status,
            counts={name: count for name, count in (counts or {}).items() if name not in DONE_BY_CALLS}
            | +self._outcomes,
            outcomes=dict(self._results),
            held=held,
            error=error,
            remedy=remedy,
        )

    def _finish(self, summary: Summary, started: datetime) -> None:
        now = self.world.clock()
        duration = round((now - started).total_seconds(), 3)
        if summary.status is Status.FAILED:
            log.error(
                "run.failed", error=summary.error, remedy=summary.remedy, counts=summary.counts, duration=duration
            )
        else:
            log.info("run.finished", status=summary.status.value, counts=summary.counts, duration=duration)
        self.world.store.runs.finish(summary, now)
