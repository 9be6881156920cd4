"""Carrying a plan out: intents before the calls, outcomes and state in one transaction after them.

The calls run in a small pool of threads (`writing`, `erasing`); everything about the database happens in the calling
thread.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeAlias

from syncd.delivery.erasing import Erasing
from syncd.delivery.writing import Writing
from syncd.domain.changes import Action, Change, Create, Ending, Erase, Outcome, Result, Update
from syncd.domain.chunks import chunks
from syncd.domain.records import Digests
from syncd.errors import Fatal, Outage
from syncd.state.ledger import Ledger

STREAK = 3  # so many calls in a row that failed through no fault of a record, and the run ends

Answer: TypeAlias = Sequence[Outcome | Create]
"""What a call came to; a Create in it was looked for, is not there, and is to be sent."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one thread does in one go. Without an action it only looks, and needs no intent."""

    action: Action | None
    changes: Sequence[Change]
    conduct: Callable[[], Answer]


@dataclass(slots=True, kw_only=True)
class Executor:
    """One run's calls to one instance.

    `report` hears of every outcome; `adopted` of every customer that was found and still differs; `stopping` lets the
    calls under way end and begins no other.

    Each of the three methods returns once all its calls are done, or those under way where it is time to stop. Each
    raises Fatal where the run can't go on: what was done by then is recorded, and what is not known stays open.
    """

    writing: Writing
    erasing: Erasing
    ledger: Ledger
    batch_size: int
    concurrency: int
    report: Callable[[Outcome], None]
    adopted: Callable[[Update], None]
    stopping: threading.Event
    _next: deque[Call] = field(default_factory=deque)
    _to_create: list[Create] = field(default_factory=list)
    _streak: int = 0
    _failure: Fatal | None = None

    def create(self, creates: Iterable[Create], *, probe: bool) -> None:
        """With `probe`, look each one up first, and adopt whom go~mus has already."""
        batches = chunks(creates, self.batch_size)
        self._conduct(self._probing(batch) if probe else self._creating(batch) for batch in batches)

    def update(self, updates: Iterable[Update]) -> None:
        self._conduct(self._updating(batch) for batch in chunks(updates, self.batch_size))

    def erase(self, erasures: Iterable[Erase]) -> None:
        """Anonymize, then delete, each one from the step on at which it stands; or release."""
        self._conduct(map(self._erasing, erasures))

    # --- the calls ---

    def _probing(self, creates: Sequence[Create]) -> Call:
        return Call(None, creates, lambda: self.writing.probe(creates))

    def _creating(self, creates: Sequence[Create]) -> Call:
        return Call(Action.CREATE, creates, lambda: self.writing.create(creates))

    def _updating(self, updates: Sequence[Update]) -> Call:
        return Call(Action.UPDATE, updates, lambda: self.writing.update(updates))

    def _erasing(self, erase: Erase) -> Call:
        if erase.ending is Ending.RELEASE:
            return Call(Action.RELEASE, [erase], lambda: [self.erasing.release(erase)])
        is_next = erase.anonymized and erase.ending is Ending.DELETE
        return self._deleting(erase) if is_next else self._anonymizing(erase)

    def _anonymizing(self, erase: Erase) -> Call:
        return Call(Action.ANONYMIZE, [erase], lambda: [self.erasing.anonymize(erase)])

    def _deleting(self, erase: Erase) -> Call:
        return Call(Action.DELETE, [erase], lambda: [self.erasing.delete(erase)])

    # --- the loop ---

    def _conduct(self, calls: Iterator[Call]) -> None:
        """Keep `concurrency` calls under way until none is left; a fatal error lets those under way end, and record."""
        under_way: dict[Future[Answer], tuple[Call, Sequence[int | None]]] = {}
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="gomus") as pool:
            while True:
                while len(under_way) < self.concurrency and (call := self._take(calls, is_idle=not under_way)):
                    numbers = self.ledger.begin(call.changes, call.action) if call.action else ()
                    under_way[pool.submit(call.conduct)] = (call, numbers)
                if not under_way:
                    break
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    self._receive(*under_way.pop(future), future)
        if self._failure:
            raise self._failure

    def _take(self, calls: Iterator[Call], *, is_idle: bool) -> Call | None:
        if self._failure or self.stopping.is_set():
            return None
        if self._next:
            return self._next.popleft()
        call = next(calls, None)
        if call is None and is_idle and self._to_create:  # what is left over from the last probes
            self._send_probed(len(self._to_create))
            return self._next.popleft()
        return call

    def _receive(self, call: Call, numbers: Sequence[int | None], future: "Future[Answer]") -> None:
        try:
            answer = future.result()
        except Fatal as failure:
            self._failure = self._failure or failure
            return
        number_of = dict(zip((change.foreign_id for change in call.changes), numbers, strict=False))
        outcomes = [outcome for outcome in answer if isinstance(outcome, Outcome)]
        self.ledger.settle([(number_of.get(outcome.change.foreign_id), outcome) for outcome in outcomes])
        self._to_create += [create for create in answer if isinstance(create, Create)]
        while len(self._to_create) >= self.batch_size:
            self._send_probed(self.batch_size)
        for outcome in outcomes:
            self.report(outcome)
            self._follow_up(outcome)
        self._watch_streak(answer)

    def _send_probed(self, count: int) -> None:
        self._next.append(self._creating(self._to_create[:count]))
        del self._to_create[:count]

    def _follow_up(self, outcome: Outcome) -> None:
        change = outcome.change
        if outcome.result is Result.FAILED:
            return
        if isinstance(change, Create) and outcome.differing and outcome.gomus_id is not None:
            self.adopted(
                Update(
                    foreign_id=change.foreign_id,
                    gomus_id=outcome.gomus_id,
                    fields=outcome.differing,
                    digests=change.digests,
                    source_digest=change.source_digest,
                    before=outcome.known or Digests(),
                )
            )
        is_anonymized = outcome.action is Action.ANONYMIZE and outcome.result is Result.OK
        if isinstance(change, Erase) and is_anonymized and change.ending is Ending.DELETE:
            self._next.append(self._deleting(change))

    def _watch_streak(self, answer: Answer) -> None:
        """A failure that is not the record's own is the instance's; anything else shows that it is alive."""
        if self.stopping.is_set():  # what was not sent for that reason says nothing of the instance
            return
        failed = [
            o
            for o in answer
            if isinstance(o, Outcome) and o.result is Result.FAILED and (not o.refused or o.status == 500)
        ]
        self._streak = self._streak + 1 if failed and len(failed) == len(answer) else 0
        if self._streak >= STREAK:
            self._failure = self._failure or Outage(
                f"go~mus failed {self._streak} calls in a row, the last with: {failed[-1].error}",
                remedy="what was done is recorded; the next run goes on from here",
            )
