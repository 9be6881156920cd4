"""The state database as one run of one sync sees it: what is known, and how outcomes become knowledge.

State advances on acceptance only. Every write checks the fencing number of the lease it was taken under.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.changes import Action, Cause, Change, Create, Erase, Outcome, Result, Update
from syncd.domain.digest import Digester
from syncd.domain.records import Digests, InvalidRecord, KnownCustomer, Stage
from syncd.state.store import HeldChange, Intent, KnownRow, OpenIntent, Quarantined, Settled, Store, Watermark

PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))  # the last one again and again
ERASURE = b"erasure"  # stands for the content of a refused erasure


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a read showed beside changes; absent and returned customers by their rows in the database."""

    newly_absent: Sequence[int]
    newly_told: Sequence[int]  # gone by the source's own word
    returned: Sequence[int]
    mended: Sequence[str]  # set aside before, and in order without a call, or no longer in the source
    nameless: Mapping[bytes, datetime]  # records without a readable id → since when they stand there
    relearned: Iterable[tuple[str, bytes, Digests]]  # another record that leads to the customer as go~mus has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a run writes; each method is one transaction."""

    store: Store
    digester: Digester
    sync: str
    run_id: str
    fence: int
    clock: Callable[[], datetime]
    recreate_vanished: bool = False

    def begin(self, changes: Sequence[Change], action: Action) -> Sequence[int]:
        """Write the intents down before their calls; answers their numbers, in the same order."""
        intents = [
            Intent(
                foreign_id=change.foreign_id,
                gomus_id=None if isinstance(change, Create) else change.gomus_id,
                action=action.value,
                fields=() if isinstance(change, Erase) else tuple(change.fields),
            )
            for change in changes
        ]
        with self.store.writing(self.sync, self.fence):
            if action is Action.ANONYMIZE:
                self._set_stage(changes, Stage.ERASING)
            return self.store.begin_intents(self.run_id, self.sync, intents, self.clock())

    def settle(self, outcomes: Sequence[tuple[int | None, Outcome]]) -> None:
        """Write outcomes and what they make known. None: found by looking, with no intent before it."""
        if not outcomes:
            return
        with self.store.writing(self.sync, self.fence):
            looked = [outcome for number, outcome in outcomes if number is None]
            numbers = iter(self.store.begin_intents(self.run_id, self.sync, [_intent(o) for o in looked], self.clock()))
            settled = [(next(numbers) if n is None else n, outcome) for n, outcome in outcomes]
            self.store.settle([_settled(n, outcome) for n, outcome in settled if outcome.settled], self.clock())
            self._learn([outcome for _, outcome in settled])

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        accepted = [o for o in outcomes if o.result is not Result.FAILED]
        self.store.put_known([self._row(o) for o in accepted if isinstance(o.change, Create | Update)])
        self.store.lift_quarantine(self.sync, [o.change.foreign_id for o in accepted])
        created = [o.change.foreign_id for o in accepted if isinstance(o.change, Create)]
        self.store.lift_tombstones(self.sync, [self.digester.name(foreign_id) for foreign_id in created])
        for outcome in accepted:
            if isinstance(outcome.change, Erase):
                self._learn_erasure(outcome, outcome.change)
        for outcome in outcomes:
            if outcome.refused:
                self._set_aside(outcome)

    def _row(self, outcome: Outcome) -> KnownRow:
        change = outcome.change
        assert isinstance(change, Create | Update)  # noqa: S101 - as the caller sorted
        known = outcome.known or change.digests
        return KnownRow(
            sync=self.sync,
            foreign_id=change.foreign_id,
            gomus_id=outcome.gomus_id,
            record=known.record,
            source_digest=None if outcome.differing or outcome.stale else change.source_digest,
            fields=known.fields,
            absent_since=None,
            stage=Stage.ACTIVE,
            changed_at=self.clock(),
        )

    def _learn_erasure(self, outcome: Outcome, change: Erase) -> None:
        is_over = outcome.action is Action.DELETE or outcome.result is Result.SKIPPED or change.keep
        if not is_over:
            self._set_stage([change], Stage.ANONYMIZED)
            return
        self.store.drop_known(self.sync, [change.foreign_id])
        self.store.put_tombstone(self.sync, self.digester.name(change.foreign_id), change.cause.value, self.clock())
        if change.cause is Cause.REQUEST:
            self.store.forget(self.sync, change.foreign_id)

    def _set_stage(self, changes: Sequence[Change], stage: Stage) -> None:
        self.store.set_stage(self.sync, [change.foreign_id for change in changes], stage)

    def _set_aside(self, outcome: Outcome) -> None:
        """Refused: not again until the record changes, a person asks, or the pause is over."""
        change, now = outcome.change, self.clock()
        if outcome.status in VANISHED and isinstance(change, Update) and self.recreate_vanished:
            self.store.drop_known(self.sync, [change.foreign_id])  # the next read finds it unknown
            return
        if outcome.action is Action.ANONYMIZE and isinstance(change, Erase) and change.cause is Cause.ABSENCE:
            # Not erased after all, but perhaps in part: whoever comes back is compared field by field.
            self._set_stage([change], Stage.ACTIVE)
            self.store.relearn(self.sync, [(change.foreign_id, None, Digests(record=b"", fields={}))])
        before = self.store.find_quarantine(self.sync, [change.foreign_id]).get(change.foreign_id)
        tries = before.tries + 1 if before else 1
        self.store.put_quarantine(
            self.sync,
            Quarantined(
                foreign_id=change.foreign_id,
                content=ERASURE if isinstance(change, Erase) else change.digests.record,
                action=outcome.action.value,
                reason=outcome.error or "refused",
                status=outcome.status,
                tries=tries,
                since=before.since if before else now,
                next_try_at=now + PAUSES[min(tries, len(PAUSES)) - 1],
            ),
        )

    # --- the read ---

    def note_read(self, found: Found, now: datetime, *, is_complete: bool) -> None:
        """Remember a read that the guards let through: who is absent since when, who is back."""
        with self.store.writing(self.sync, self.fence):
            self.store.lift_quarantine(self.sync, found.mended)
            self.store.mark_absent(self.sync, found.newly_absent, now)
            self.store.mark_told_gone(self.sync, found.newly_told)
            self.store.mark_present(self.sync, found.returned)
            self.store.replace_nameless(self.sync, found.nameless)
            self.store.relearn(self.sync, found.relearned)
            if is_complete:
                self.store.complete_read(self.sync, now)

    def note_invalid(self, records: Iterable[InvalidRecord], *, among: Iterable[str] | None) -> None:
        """`among`: who was read, where that was not everybody."""
        with self.store.writing(self.sync, self.fence):
            self.store.replace_invalid(self.sync, self.run_id, records, among=among)

    def move_watermark(self, mark: Watermark) -> None:
        with self.store.writing(self.sync, self.fence):
            self.store.put_watermark(self.sync, mark)

    def note_held(
        self,
        guards: Sequence[tuple[str, str]],
        changes: Iterable[HeldChange],
        counts: Mapping[str, int],
        now: datetime,
    ) -> None:
        """`guards` are names and reasons."""
        with self.store.writing(self.sync, self.fence):
            self.store.put_held(self.sync, self.run_id, changes, guards=guards, counts=counts, at=now)

    def clear_held(self) -> None:
        with self.store.writing(self.sync, self.fence):
            self.store.clear_held(self.sync)

    def note_verified(self, known: KnownCustomer, shown: Digests | None) -> None:
        """Read back; `shown` is what go~mus holds instead, to be compared anew by the next run."""
        with self.store.writing(self.sync, self.fence):
            if shown is not None:
                self.store.relearn(self.sync, [(known.foreign_id, None, shown)])
            self.store.mark_verified(self.sync, known.row, self.clock())

    def tidy(self, before: datetime, now: datetime) -> None:
        """Once a day, forget outcomes and runs that are older, in transactions so short that nobody waits."""
        note = f"tidied {self.sync}"
        if self.store.meta(note) == f"{now:%Y-%m-%d}":
            return
        is_left = True
        while is_left:
            with self.store.writing(self.sync, self.fence):
                is_left = self.store.forget_history(self.sync, before)
        self.store.set_meta(note, f"{now:%Y-%m-%d}")
        self.store.shrink()

    # --- a state that is not what it was ---

    def reset(self, instance: str, address: bytes) -> None:
        """Drop what is known: it is of another instance."""
        with self.store.writing(self.sync, self.fence):
            self.store.reset(self.sync, instance, address)

    def forget_absence(self) -> None:
        """Grace begins anew for everybody."""
        with self.store.writing(self.sync, self.fence):
            self.store.forget_absence(self.sync)

    # --- erasure on request ---

    def note_erasure(self, foreign_id: str, gomus_id: int | None) -> None:
        """Write down, before anything is done, that this customer is erased and stays so."""
        with self.store.writing(self.sync, self.fence):
            name = self.digester.name(foreign_id)
            self.store.put_tombstone(self.sync, name, Cause.REQUEST.value, self.clock())
            if gomus_id is None:
                self.store.forget(self.sync, foreign_id)
                return
            row = KnownRow(
                sync=self.sync,
                foreign_id=foreign_id,
                gomus_id=gomus_id,
                record=None,
                source_digest=None,
                fields={},
                absent_since=None,
                stage=Stage.ERASING,
                changed_at=self.clock(),
            )
            self.store.put_known([row])

    # --- recovery ---

    def settle_open(self, intent: OpenIntent, result: Result, *, words: str, row: KnownRow | None = None) -> None:
        with self.store.writing(self.sync, self.fence):
            outcome = Settled(
                journal_id=intent.journal_id,
                action=intent.action,
                result=result.value,
                gomus_id=row.gomus_id if row else intent.gomus_id,
                status=None,
                attempts=0,
                error=words,
            )
            self.store.settle([outcome], self.clock())
            if row:
                self.store.put_known([row])


VANISHED = (404, 410)


def _intent(outcome: Outcome) -> Intent:
    return Intent(
        foreign_id=outcome.change.foreign_id, gomus_id=outcome.gomus_id, action=outcome.action.value, fields=()
    )


def _settled(number: int, outcome: Outcome) -> Settled:
    return Settled(
        journal_id=number,
        action=outcome.action.value,
        result=outcome.result.value,
        gomus_id=outcome.gomus_id,
        status=outcome.status,
        attempts=outcome.attempts,
        error=outcome.error,
    )
