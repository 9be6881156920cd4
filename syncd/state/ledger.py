"""How outcomes become knowledge: what one run of one sync writes to the state database.

State advances on acceptance only. Each method and each `writing` block is one transaction and checks the fencing number
of its lease: all raise LeaseLost where another process has taken the sync over, and StateUnusable where the database
can't be used.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.domain.changes import Action, Cause, Change, Create, Ending, Erase, Outcome, Result, Update
from syncd.domain.digest import Digester
from syncd.domain.records import Digests, KnownCustomer, Origin, Stage
from syncd.domain.sharing import SharedEmail, email_now, has_unseen_email
from syncd.domain.trail import Entry, What
from syncd.state.emails import Holder
from syncd.state.erasures import NOBODY, NOBODY_LINKED, Erased, Linked
from syncd.state.failures import Quarantined, pause_after
from syncd.state.found import Found
from syncd.state.journal import OpenIntent
from syncd.state.known import KnownRow
from syncd.state.likeness import Person
from syncd.state.store import Store
from syncd.state.tombstones import Instance, Step, Tombstone

ERASURE = b"erasure"  # stands for the content of a refused erasure
VANISHED = (404, 410)
ERASING = (Action.ANONYMIZE, Action.DELETE, Action.RELEASE)
STAGES = {Action.ANONYMIZE: Stage.ERASING, Action.RELEASE: Stage.RELEASING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One run's pen; `fence` is the number that it entered the sync with, `erased` who it must leave erased.

    `patience` is how long a call may still take effect after it was sent.
    """

    store: Store
    digester: Digester
    sync: str
    instance: Instance
    run_id: str
    fence: int
    clock: Callable[[], datetime]
    patience: timedelta
    recreate_vanished: bool = False
    shared_email: SharedEmail = SharedEmail.ALLOW
    erased: Erased = NOBODY
    linked: Linked = NOBODY_LINKED

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """One transaction for all that is written in the block."""
        with self.store.runs.writing(self.sync, self.fence):
            yield self.store

    # --- intents and outcomes ---

    def begin(self, changes: Sequence[Change], action: Action) -> Sequence[int]:
        """Write the intents down before their calls; answers their numbers, in the same order.

        Raises Fatal where it is to outlive the state who is linked, and can't be written.
        """
        if not changes:
            return ()
        if action is Action.LINK:
            self.linked.add([one.foreign_id for one in changes if isinstance(one, Create)], self.clock())
        with self.writing() as store:
            if stage := STAGES.get(action):
                self._set_stage(changes, stage)
            return store.journal.begin(self.run_id, self.sync, changes, action, self.clock())

    def send_again(self, numbers: Sequence[int], *, is_round: bool = False) -> None:
        """Write down that open intents are carried out once more."""
        if numbers:
            with self.writing() as store:
                store.journal.send_again(numbers, self.clock(), is_round=is_round)

    def settle(self, outcomes: Sequence[tuple[int | None, Outcome]]) -> None:
        """Write outcomes and what they make known. None: found by looking, with no intent before it."""
        if not outcomes:
            return
        with self.writing() as store:
            now = self.clock()
            begun = [(number, outcome) for number, outcome in outcomes if number is not None and outcome.settled]
            store.journal.settle(begun, now)
            store.journal.keep_open([n for n, outcome in outcomes if n is not None and not outcome.settled], now)
            store.journal.note(self.run_id, self.sync, [o for number, o in outcomes if number is None], now)
            self._note_steps([outcome for _, outcome in outcomes], now)
            self._learn([outcome for _, outcome in outcomes])

    def settle_open(self, intent: OpenIntent, result: Result, *, words: str, row: KnownRow | None = None) -> None:
        """Write down what a look made of an intent that an earlier run left open, and what is known by it."""
        with self.writing() as store:
            gomus_id, now = row.gomus_id if row else intent.gomus_id, self.clock()
            store.journal.close(intent, result.value, gomus_id=gomus_id, words=words, at=now)
            if intent.action in ERASING:
                cut_off = Entry(at=intent.sent_at, what=What.CUT_OFF)
                self._add_step(intent.foreign_id, Step.of(now, intent.action, result, words, (cut_off,)))
            if row and intent.action is Action.LINK:
                row = self._take_from_others(row)
            store.known.put(self.sync, [row] if row else [])
            store.matches.drop(self.sync, [row.foreign_id] if row else [])
            if row and result is Result.OK:
                store.emails.got(self.sync, row.foreign_id)
            if row and intent.action in (Action.CREATE, Action.ADOPT):
                self._lift_tombstones([row.foreign_id])

    def _take_from_others(self, row: KnownRow) -> KnownRow:
        """The customer is known under its new id alone, and goes on being what it was."""
        for sync in {self.sync, *self.store.runs.syncs_at(self.instance.address)}:
            for before in self.store.known.at_number(sync, row.gomus_id, but=row.foreign_id):
                row = replace(row, origin=before.origin)
                self.store.known.drop(sync, [before.foreign_id])
                self.store.emails.hand_over(Holder(sync, before.foreign_id), Holder(self.sync, row.foreign_id))
                self.store.likeness.take((sync, before.foreign_id))
        return row

    def link(self, number: int, outcome: Outcome, before: KnownCustomer, of: str) -> None:
        """Write down that a customer has the foreign_id of the outcome now, and is known under no other.

        Before, it was one of the sync `of`.
        """
        taken: Person = (of, before.foreign_id)
        row = KnownRow(
            foreign_id=outcome.change.foreign_id,
            gomus_id=before.gomus_id,
            digests=outcome.known or Digests(),
            origin=before.origin,
        )
        with self.writing() as store:
            store.journal.settle([(number, outcome)], self.clock())
            for sync, foreign_id in ((self.sync, row.foreign_id), taken):
                store.known.drop(sync, [foreign_id])
                store.failures.lift(sync, [foreign_id])
                store.held.forget(sync, [foreign_id])
            store.known.put(self.sync, [row])
            store.matches.drop(self.sync, [row.foreign_id])
            store.emails.hand_over(Holder(of, before.foreign_id), Holder(self.sync, row.foreign_id))
            store.likeness.take(taken)

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        accepted = [o for o in outcomes if o.result is not Result.FAILED]
        adopted = {one.change.foreign_id: one.gomus_id for one in accepted if one.action is Action.ADOPT}
        linked = self.store.linked_at(self.instance.address, adopted)
        written = [self._known_row(o, o.change, linked) for o in accepted if isinstance(o.change, Create | Update)]
        self.store.known.put(self.sync, written)
        self._learn_emails(outcomes)
        settled = {o.change.foreign_id: o.change.fields.keys() for o in accepted if isinstance(o.change, Update)}
        self.store.worklist.end_drift(self.sync, settled)
        self.store.failures.lift(self.sync, [o.change.foreign_id for o in accepted])
        created = [o.change.foreign_id for o in accepted if isinstance(o.change, Create)]
        self._lift_tombstones(created)
        self.store.matches.drop(self.sync, created)
        self.linked.remove([o.change.foreign_id for o in accepted if o.action is Action.CREATE], self.clock())
        for outcome in accepted:
            if isinstance(outcome.change, Erase):
                self._learn_erasure(outcome, outcome.change)
        for outcome in outcomes:
            if outcome.untouched and isinstance(outcome.change, Erase) and outcome.change.cause is Cause.ABSENCE:
                self._set_stage([outcome.change], Stage.ACTIVE)  # the next plan decides anew
            if outcome.refused:
                self._learn_refusal(outcome)

    def _known_row(self, outcome: Outcome, change: Create | Update, linked: Collection[str]) -> KnownRow:
        is_unsure = bool(outcome.differing) or outcome.stale or has_unseen_email(outcome, change)
        return KnownRow(
            foreign_id=change.foreign_id,
            gomus_id=outcome.gomus_id,
            digests=outcome.known or change.digests,
            source_digest=None if is_unsure else change.source_digest,
            origin=self._origin_of(outcome, linked),
        )

    def _origin_of(self, outcome: Outcome, linked: Collection[str]) -> Origin:
        """Whoever was linked before the state was lost, or under a former name of the sync, is adopted now."""
        foreign_id, is_adopted = outcome.change.foreign_id, outcome.action is Action.ADOPT
        if outcome.action is Action.LINK or (is_adopted and (foreign_id in linked or self.linked.has(foreign_id))):
            return Origin.LINKED
        return Origin.ADOPTED if is_adopted else Origin.CREATED

    def _learn_emails(self, outcomes: Sequence[Outcome]) -> None:
        if self.shared_email is SharedEmail.ALLOW:
            return
        found = (email_now(one) for one in outcomes if one.result is not Result.FAILED)
        salt = self.instance.address
        digests = [
            (who, self.digester.email(address, salt) if address else None) for who, address in filter(None, found)
        ]
        self.store.emails.put(self.sync, digests)
        if self.shared_email is SharedEmail.REFUSE:
            self.store.emails.settle(self.sync, [one.change.foreign_id for one in outcomes if one.settled])

    def let_have_emails(self, digests: Mapping[str, bytes]) -> dict[str, bytes]:
        """Write down who may get which e-mail address; answers those who may not, for somebody else has theirs."""
        with self.writing() as store:
            store.emails.lock(self.instance.address)
            holders = store.emails.holders(set(digests.values()))
            let: dict[bytes, str] = {}
            for foreign_id, digest in digests.items():
                if not set(holders.get(digest, ())) - {Holder(self.sync, foreign_id)}:
                    let.setdefault(digest, foreign_id)
            store.emails.let_get(self.sync, {foreign_id: digest for digest, foreign_id in let.items()})
        return {foreign_id: digest for foreign_id, digest in digests.items() if let.get(digest) != foreign_id}

    def settle_emails(self) -> None:
        """Whoever may get an address, and for whom no call has begun, does not get it."""
        if self.shared_email is not SharedEmail.ALLOW:
            begun = {intent.foreign_id for intent in self.store.journal.open_intents(self.sync)}
            with self.writing() as store:
                store.emails.settle_others(self.sync, begun)

    def _drop(self, foreign_ids: Sequence[str]) -> None:
        self.store.known.drop(self.sync, foreign_ids)
        self.store.emails.forget(self.sync, foreign_ids)

    def _learn_erasure(self, outcome: Outcome, change: Erase) -> None:
        is_first_step = outcome.action in (Action.ANONYMIZE, Action.RELEASE) and outcome.result is Result.OK
        if is_first_step and change.cause is Cause.ABSENCE:
            counts = not change.is_approved
            self.store.absences.note_departure(self.sync, self.run_id, counts=counts, at=self.clock())
        is_last_step = outcome.action is not Action.ANONYMIZE or change.ending is Ending.KEEP
        if not (is_last_step or outcome.result is Result.SKIPPED):
            self._set_stage([change], Stage.ANONYMIZED)
            self.store.emails.forget(self.sync, [change.foreign_id])
            return
        self._drop([change.foreign_id])
        match change.cause:
            case Cause.ABSENCE:
                self._put_tombstone(change.foreign_id)
            case Cause.REQUEST:
                self._end_request(change.foreign_id)

    def _end_request(self, foreign_id: str) -> None:
        """Forget the customer in all syncs of the instance, unless a write whose fate is unknown may still bring it.

        This sync settles its own; another one may be gone from the configuration, so that its time alone tells.
        """
        syncs = {self.sync, *self.store.runs.syncs_at(self.instance.address)}
        name, sent_lately = self.digester.name(foreign_id), self.clock() - self.patience
        has_open_write = self.store.journal.has_open_write
        may_come = has_open_write([self.sync], foreign_id) or has_open_write(syncs, foreign_id, since=sent_lately)
        requested = self.store.tombstones.find_requested(self.instance, name)
        if requested and may_come:
            now = self.clock()
            waiting = Entry(at=now, what=What.MAY_COME)
            self._add_step(foreign_id, Step.of(now, Action.CREATE, Result.FAILED, None, (waiting,)))
        elif requested:
            self.store.tombstones.finish(self.instance, name)
        for sync in syncs:
            self.store.forget_customer(sync, foreign_id, keep_open=may_come)

    def _note_steps(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """What was done for erasures on request, for their certificates; also where absence was the cause at first."""
        for outcome in outcomes:
            if isinstance(outcome.change, Erase):
                step = Step.of(now, outcome.action, outcome.result, outcome.error, outcome.trail)
                self._add_step(outcome.change.foreign_id, step)

    def _add_step(self, foreign_id: str, step: Step) -> None:
        self.store.tombstones.add_step(self.instance, self.digester.name(foreign_id), step)

    def _set_stage(self, changes: Sequence[Change], stage: Stage) -> None:
        self.store.known.set_stage(self.sync, [change.foreign_id for change in changes], stage)

    def _put_tombstone(self, foreign_id: str) -> None:
        name, now = self.digester.name(foreign_id), self.clock()
        self.store.tombstones.put(self.instance, Tombstone(name=name, sync=self.sync, cause=Cause.ABSENCE, at=now))

    def _lift_tombstones(self, foreign_ids: Sequence[str]) -> None:
        """Whoever is there again was absent; a request stands, and is carried out again."""
        if not foreign_ids or self.store.tombstones.is_empty():
            return
        names = [self.digester.name(foreign_id) for foreign_id in foreign_ids]
        self.store.tombstones.lift(self.instance, names, Cause.ABSENCE)

    def _learn_refusal(self, outcome: Outcome) -> None:
        change = outcome.change
        if outcome.status in VANISHED and isinstance(change, Update) and self.recreate_vanished:
            self._drop([change.foreign_id])  # the next read finds it unknown
            return
        self._set_aside(outcome)

    def _set_aside(self, outcome: Outcome) -> None:
        """Refused: not again until the record changes, a person asks, or the pause is over."""
        change, now = outcome.change, self.clock()
        before = self.store.failures.find_refused(self.sync, [change.foreign_id]).get(change.foreign_id)
        tries = before.tries + 1 if before else 1
        refused = Quarantined(
            foreign_id=change.foreign_id,
            content=_content(change),
            action=outcome.action.value,
            reason=outcome.error or "refused",
            status=outcome.status,
            tries=tries,
            since=before.since if before else now,
            next_try_at=now + pause_after(tries),
        )
        self.store.failures.set_aside(self.sync, refused)

    def take_back(self, foreign_id: str, shown: Digests | None) -> None:
        """An erasure for absence that is not to be finished; `shown` is what go~mus holds, where that has changed."""
        with self.writing() as store:
            store.known.set_stage(self.sync, [foreign_id], Stage.ACTIVE)
            if shown is not None:
                store.known.relearn(self.sync, [(foreign_id, None, shown)])

    def let_try(self, foreign_ids: Collection[str], now: datetime) -> None:
        """Whoever of them was refused is tried again by the run that began now."""
        if foreign_ids:
            with self.writing() as store:
                store.failures.make_due(self.sync, now, among=foreign_ids)

    # --- the read ---

    def note_read(self, found: Found, now: datetime, *, erased: Iterable[str] = ()) -> None:
        """Remember a read that the guards let through; nothing of whom this run has `erased` on request meanwhile."""
        with self.writing() as store:
            store.failures.lift(self.sync, found.mended)
            store.known.mark_absent(self.sync, found.newly_absent, now)
            store.known.mark_told_gone(self.sync, found.newly_told)
            self._drop(found.left_to_others)
            store.known.mark_present(self.sync, found.returned)
            store.failures.replace_nameless(self.sync, found.nameless)
            store.known.relearn(self.sync, found.relearned)
            store.worklist.replace_errands(self.sync, found.errands)
            store.note_emails(self.sync, found.emails)
            store.mergers.note(self.sync, found.mergers, now)
            store.mergers.drop(self.sync, found.unmerged)
            store.likeness.note(self.sync, found.likened, now)
            store.note_unsure(self.sync, found.unsure)
            for foreign_id in erased:
                requested = store.tombstones.find_requested(self.instance, self.digester.name(foreign_id))
                if requested and requested.foreign_id is None:
                    store.forget_customer(self.sync, foreign_id, keep_open=True)

    def note_drift(self, drifted: Mapping[str, Iterable[str]]) -> None:
        """What of these customers go~mus shows otherwise than it accepted it; no fields where all is in step."""
        with self.writing() as store:
            store.worklist.note_drift(self.sync, drifted, self.clock())

    def note_verified(self, known: KnownCustomer, drifted: Iterable[str], shown: Digests | None) -> None:
        """Read back; `shown` is what go~mus holds instead, to be compared anew by the next run."""
        with self.writing() as store:
            store.worklist.note_drift(self.sync, {known.foreign_id: drifted}, self.clock())
            if shown is not None:
                store.known.relearn(self.sync, [(known.foreign_id, None, shown)])
            store.known.mark_verified(self.sync, known.row, self.clock())

    def note_merger(self, foreign_id: str, *, is_over: bool, is_final: bool) -> None:
        """Looked at; where go~mus has one customer now, the one whose record went into another is known no longer.

        `is_final`: nor is it to be created again.
        """
        with self.writing() as store:
            store.mergers.note_look(self.sync, foreign_id, self.clock(), is_over=is_over)
            if is_over and not is_final:
                store.mergers.drop(self.sync, [foreign_id])
            if is_over:
                store.known.drop(self.sync, [foreign_id])
                store.failures.lift(self.sync, [foreign_id])
                store.held.forget(self.sync, [foreign_id])

    def tidy(self, before: datetime, now: datetime) -> None:
        """Once a day, forget outcomes and runs that are older, in transactions so short that nobody waits."""
        note = f"tidied {self.sync}"
        if self.store.meta(note) == f"{now:%Y-%m-%d}":
            return
        is_left = True
        while is_left:
            with self.writing() as store:
                is_left = store.forget_history(self.sync, before)
        with self.writing() as store:
            store.absences.forget_departures(self.sync, before)
            store.worklist.forget_who_left(self.sync)
            store.matches.forget_who_left(self.sync, before)
        self.store.set_meta(note, f"{now:%Y-%m-%d}")
        self.store.shrink()

    # --- a state that is not what it was ---

    def move_to(self, address: bytes) -> None:
        """Drop what is known, for it is of another instance; `address` is the digest of this one's."""
        with self.writing() as store:
            store.forget_sync(self.sync)
            store.runs.move_to(self.sync, address)


def _content(change: Change) -> bytes:
    match change:
        case Erase():
            return ERASURE
        case Create():
            return change.content
        case Update():
            return change.digests.record
