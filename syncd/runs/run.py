"""One run, told from top to bottom: read, map, compare, ask the guards, write down, carry out, record."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime

import structlog

from syncd.delivery.delivery import Delivery
from syncd.delivery.erasing import Erasing
from syncd.delivery.executor import Executor
from syncd.delivery.recovery import Recovery
from syncd.delivery.requests import Requests
from syncd.delivery.resuming import Resuming
from syncd.delivery.writing import Writing
from syncd.domain.changes import Create, Erase, Update
from syncd.domain.diff import DeleteMode
from syncd.domain.guards import Guard, Held
from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import GOES_ON, CallFailed, Fatal, LeaseLost, StateUnusable, Stopped
from syncd.plan.plan import Plan, find_missing
from syncd.plan.spool import Spool
from syncd.runs.account import Account
from syncd.runs.audit import audit
from syncd.runs.claiming import Claiming
from syncd.runs.drawing import Drawn, SameAsBefore, drawing_up
from syncd.runs.entering import make_fit, make_ledger
from syncd.runs.guarding import Guarding, count_absence_anew
from syncd.runs.invalid import note_invalid, note_same_invalid
from syncd.runs.learning import Learning
from syncd.runs.lookups import find_lookups
from syncd.runs.merging import close_mergers
from syncd.runs.recalling import recall
from syncd.runs.renaming import Renamer
from syncd.runs.repetition import Repetition, finds_nothing
from syncd.runs.requests import instance_of, place_of, request_erasure, request_forgotten
from syncd.runs.skipped import tell_skipped
from syncd.runs.taking_over import take_over
from syncd.runs.turns import taking_turn
from syncd.runs.unbegun import run_id_at
from syncd.runs.unclear import close_who_left, count_unclear, count_unmet
from syncd.runs.world import Sync, World
from syncd.state.journal import OpenIntent
from syncd.state.known import KnownRow
from syncd.state.lease import take_lease
from syncd.state.ledger import ERASURE, Ledger
from syncd.state.recall import Recall

log = structlog.get_logger()
WITNESSES = 5  # so many customers are asked for before all are said to be gone


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
    sync: Sync,
    world: World,
    *,
    trigger: Trigger,
    entering: Callable[[str], None] = lambda _run: None,
    may_move: bool = True,
) -> Iterator["Run"]:
    """Take the lease and enter the sync; everything that writes to go~mus happens inside.

    Raises LeaseTaken where another process runs this sync, and StateUnusable: also where the state is of another
    instance, unless it may move to this one.
    """
    with take_lease(world.store.engine, sync.name) as lease, world.client.confirming(lease.confirm):
        run_id = run_id_at(world.clock())
        entering(run_id)
        instance, erased = instance_of(sync, world), world.erasures.read(place_of(sync))
        entry = world.store.runs.enter(sync.name, instance.address)
        ledger = make_ledger(sync, world, erased, run_id=run_id, fence=entry.fence)
        with structlog.contextvars.bound_contextvars(sync=sync.name, run=ledger.run_id):
            is_restored = lease.is_older(entry.fence)
            make_fit(sync, ledger, entry, is_restored=is_restored, may_move=may_move)
            world.store.tombstones.follow(instance)
            world.erasures.follow(place_of(sync), erased, world.clock())
            lease.note(entry.fence)
            yield Run(sync, world, ledger, trigger=trigger, may_erase=not is_restored)


class Run:
    """One run under way, with the lease held."""

    def __init__(self, sync: Sync, world: World, ledger: Ledger, *, trigger: Trigger, may_erase: bool) -> None:
        self.sync = sync
        self.world = world
        self.ledger = ledger
        self._trigger = trigger
        self._mode = sync.mode if may_erase else DeleteMode.IGNORE
        self.account = Account(progress=world.progress)
        self._waiting: frozenset[str] = frozenset()
        self._overdue: Mapping[str, OpenIntent] = {}  # creates to be made by this run, or met
        self._found: Mapping[str, KnownRow] = {}  # those of them who are there
        self._learning = Learning.of_run(sync, world)
        self.delivery = Delivery(
            client=world.client,
            digester=world.digester,
            catalogue=sync.catalogue,
            habits=self._learning.habits,
            writes=sync.mapper.writes,
            attempts=sync.gomus.attempts,
            timeout=sync.gomus.timeout,
            clock=world.clock,
            placeholder=sync.gomus.placeholder,
            witnesses=world.store.known.witnesses(sync.name, WITNESSES),
            sleep=world.sleep,
            is_stopping=world.stopping.is_set,
        )
        self._requests = Requests(
            store=world.store,
            digester=world.digester,
            instance=ledger.instance,
            sync=sync.name,
            prefix=sync.mapper.prefix,
            clock=world.clock,
            is_resting=lambda one: self.recall(world.clock()).refused([one]).get(one) == ERASURE,
        )

    def conduct(self, body: Callable[[datetime], Summary]) -> Summary:
        """Record the beginning, do the body, record the end. Fatal and CallFailed become a failed summary."""
        started = self.world.clock()
        self.world.store.runs.begin(self.ledger.run_id, self.ledger.sync, self.sync.instance, self._trigger, started)
        log.info("run.started", instance=self.sync.instance, trigger=self._trigger.value)
        is_alone = nullcontext() if self._trigger is Trigger.ERASE else taking_turn(self.sync, self.world)
        try:
            with is_alone:
                summary = body(started)
        except (Fatal, CallFailed) as failure:
            status = Status.STOPPED if isinstance(failure, Stopped) else Status.FAILED
            with suppress(StateUnusable):
                self.account.outcomes["unclear"] = count_unclear(self.ledger, self.sync.gomus.patience)
            failed = self.summary(status, error=failure.message, remedy=failure.remedy)
            summary = replace(failed, is_cut=isinstance(failure, (StateUnusable, LeaseLost)))
        except BaseException:
            self._finish(self.summary(Status.FAILED, error="crashed"), started)
            raise
        self._finish(summary, started)
        return summary

    def sync_all(self, now: datetime, *, probe: bool) -> Summary:
        self.settle_what_was_begun()
        self.ledger.let_try(self.sync.only or (), now)
        count_absence_anew(self.sync, self.ledger)
        lookups = find_lookups(self.sync, self.world, now)
        remembered, sync = self.recall(now), replace(self.sync, mode=self._mode)
        repetition = Repetition(sync=sync, ledger=self.ledger, recall=remembered, is_idle=self._is_idle)
        try:
            stop, is_known = self.world.stop_if_asked, repetition.holds_for
            with drawing_up(
                sync, remembered, lookups, progress=self._between_records, stop_if_asked=stop, is_known=is_known
            ) as drawn:
                summary = self._follow(drawn, remembered, probe=probe)
                if finds_nothing(drawn.plan):
                    repetition.note(drawn.plan.counts, summary.status)
        except SameAsBefore:
            note_same_invalid(self.ledger)
            log.info("run.planned", counts=repetition.counts, figures={})
            self._look_after(now)
            summary = self._ended(self._status(()), repetition.counts, ())
            repetition.note(repetition.counts, summary.status)
        return summary

    def _follow(self, drawn: Drawn, remembered: Recall, *, probe: bool) -> Summary:
        """Do what a plan says, as far as the guards let it through."""
        plan, now = drawn.plan, remembered.now
        self._heed_requests(plan)
        tell_skipped(plan.read.comparison.reading)
        note_invalid(plan, self.ledger)
        log.info("run.planned", counts=plan.counts, figures=plan.fields)
        is_judging = self._mode is self.sync.mode
        guarding = Guarding(sync=self.sync, ledger=self.ledger, recall=remembered, plan=plan, is_judging=is_judging)
        held = guarding.ask()
        if not any(one.guard is Guard.IDENTITY for one in held):
            self.ledger.note_read(plan.found, now, erased=self._requests.taken)
            held = self._carry_out(guarding, held, probe=probe)
            close_who_left(self.ledger, plan, self._overdue.values(), self._found)
            self.ledger.settle_emails()
            self.account.outcomes["shown_only"] = undone = plan.count_undone(self.sync.limits.actions)
            is_open = bool(undone or self.world.store.journal.open_intents(self.sync.name))
            if drawn.watermark and not (held or self.account.unsettled or is_open or self.world.stopping.is_set()):
                with self.ledger.writing() as store:
                    store.runs.move_watermark(self.sync.name, drawn.watermark)
            self._look_after(now)
        if failure := plan.failure:
            return self.summary(Status.FAILED, plan.counts, held, error=failure.message, remedy=failure.remedy)
        return replace(self._ended(self._status(held), plan.counts, held), missing=find_missing(plan))

    def _look_after(self, now: datetime) -> None:
        """What each run does beside the source."""
        close_mergers(self.sync, self.world, self.ledger, self.delivery)
        audit(self.sync, self.world, self.ledger, self.delivery, self.account)
        if not self.world.stopping.is_set():
            self.ledger.tidy(now - self.sync.keep, now)

    def _is_idle(self) -> bool:
        """Whether the run is as any other, and has had nothing to do so far."""
        self._requests.look(at_once=True)
        has_acted = self.account.results or self.account.outcomes["drifted"] or self.account.unreached
        return self._mode is self.sync.mode and not (self._requests.taken or has_acted)

    def recall(self, now: datetime) -> Recall:
        return recall(self.sync, self.ledger, now, overdue=self._overdue, waiting=self._waiting)

    # --- the steps ---

    def settle_what_was_begun(self) -> None:
        self._overdue = self._settle(self.world.store.journal.open_intents(self.sync.name))
        remembered = self.recall(self.world.clock())
        request_forgotten(self.sync, self.world, remembered)
        with self.executor() as executor:
            executor.erase(self._erasures_begun(remembered))

    def _settle(self, intents: Sequence[OpenIntent]) -> dict[str, OpenIntent]:
        """Answers the creates that this run is to make, or to meet."""
        if not intents:
            return {}
        recovery = Recovery(
            ledger=self.ledger,
            delivery=self.delivery,
            names=self.sync.mapper.names,
            patience=self.sync.gomus.patience,
            concurrency=self.sync.gomus.concurrency,
            tombstones=self.recall(self.world.clock()).tombstones,
        )
        overdue = recovery.settle_intents(intents)
        self._found = recovery.found
        self.account.unreached = recovery.failure.message if recovery.failure else None
        return overdue

    def _erasures_begun(self, remembered: Recall) -> Sequence[Erase]:
        """Those of earlier runs that are to be finished now; those that are open as requests the executor learns of."""
        self._requests.look(at_once=True)
        if Erase not in self.sync.limits.actions:
            return []
        policy = replace(self.sync, mode=self._mode).absence_policy
        settle, report = self.sync.gomus.settle, self.account.report
        resuming = Resuming(ledger=self.ledger, delivery=self.delivery, policy=policy, settle=settle, report=report)
        begun = list(resuming.each_begun(remembered, but=self._requests.taken))
        self._waiting = frozenset(resuming.waiting)
        return begun

    # --- erasures on request ---

    def erase_requested(self, foreign_ids: Collection[str] = ()) -> None:
        """Carry out those that are open; what was begun for these ids is settled first."""
        begun = self.world.store.journal.open_intents(self.sync.name) if foreign_ids else []
        self._settle([intent for intent in begun if intent.foreign_id in foreign_ids])
        with self.executor() as executor:
            executor.erase(())

    def _between_records(self, count: int) -> None:
        self.world.progress("reading", count, None)
        if self._requests.look():
            self.erase_requested()

    def _heed_requests(self, plan: Plan) -> None:
        """Take back what follows for those whose erasure was asked for meanwhile, or is known to the ledger alone."""
        request_erasure(self.sync, self.world, plan.read.comparison.forgotten)
        self._requests.look(at_once=True)
        for foreign_id in self._requests.taken:
            plan.spool.withdraw(foreign_id)
            plan.spool.disown(foreign_id, self.world.digester.name(foreign_id))

    def _carry_out(self, guarding: Guarding, held: tuple[Held, ...], *, probe: bool) -> tuple[Held, ...]:
        """Answers what is held in the end: some of it shows only when the customers have been looked up."""
        plan, actions = guarding.plan, self.sync.limits.actions
        let = Claiming(ledger=self.ledger, spool=plan.spool, is_withdrawn=self._requests.is_withdrawn).let_through
        self.account.due = sum(plan.count_released(kind, held) for kind in actions)
        if actions & {Create, Update}:
            renamer = Renamer(delivery=self.delivery, ledger=self.ledger, account=self.account)
            take_over(self.world, renamer, self._requests, plan.claims())
        with self.executor(plan.spool) as executor:
            if actions & {Create, Update}:  # whom go~mus has already is no new customer
                executor.create(let(plan.released(Create, held)), probe=probe or Create not in actions)
            unlooked = executor.unlooked + count_unmet(self.ledger, self._overdue)
            if (plan.counts.keys() & {"create", "link"} or unlooked) and not self.world.stopping.is_set():
                held = guarding.ask_at_first_contact(held, unlooked)
            executor.update(let(plan.released(Update, held)) if Update in actions else ())
            executor.erase(plan.released(Erase, held) if Erase in actions else ())
        return plan.concerning(held)

    @contextmanager
    def executor(self, spool: Spool | None = None) -> Iterator[Executor]:
        try:
            yield Executor(
                writing=Writing(self.delivery),
                erasing=Erasing(self.delivery, self.sync.holds_addresses, self._is_taken_lately),
                ledger=self.ledger,
                requests=self._requests,
                habits=self._learning.habits,
                concurrency=self.sync.gomus.concurrency,
                tries=self.sync.gomus.attempts,
                unclear=self._overdue,
                report=self.account.report,
                may_create=Create in self.sync.limits.actions,
                adopted=lambda update: spool.add_changes([update]) if spool else None,
                stopping=self.world.stopping,
            )
        finally:
            self._learning.keep()

    def _is_taken_lately(self, foreign_id: str) -> bool:
        since = self.world.clock() - self.sync.gomus.settle
        return self.ledger.store.journal.is_taken(self.sync.name, foreign_id, since=since)

    # --- the end ---

    def _status(self, held: tuple[Held, ...]) -> Status:
        if self.world.stopping.is_set():
            return Status.STOPPED
        if self._is_out_of_reach():
            return Status.FAILED
        if held:
            return Status.HELD
        # also an erasure that rests, which is in no plan
        has_failures = self.world.store.failures.count(self.sync.name, self.sync.only)
        has_open = bool(self.world.store.journal.unclear(self.sync.name))
        return Status.PROBLEMS if has_failures or has_open or self.account.has_failures else Status.DONE

    def status_of_outcomes(self) -> Status:
        if self._is_out_of_reach():
            return Status.FAILED
        return Status.PROBLEMS if self.account.has_failures else Status.DONE

    def _is_out_of_reach(self) -> bool:
        """One record that go~mus stumbles over is no outage."""
        return self.account.unreached is not None and not self.delivery.answers_for_others(self.account.last)

    def _ended(self, status: Status, counts: Mapping[str, int], held: tuple[Held, ...]) -> Summary:
        self.account.outcomes["unclear"] = count_unclear(self.ledger, self.sync.gomus.patience)
        if status is not Status.FAILED:
            return self.summary(status, counts, held)
        error = f"go~mus did not answer: {self.account.unreached}"
        return self.summary(status, counts, held, error=error, remedy=GOES_ON)

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
            counts=self.account.counts(counts or {}),
            outcomes=dict(self.account.results),
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
