"""Carrying a plan out: intents before the calls, outcomes and state in one transaction after them.

The calls run in a small pool of threads (`writing`, `erasing`); everything about the database happens in the calling
thread.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from syncd.delivery.erasing import Erasing
from syncd.delivery.meeting import completing, needs_look
from syncd.delivery.requests import Requests
from syncd.delivery.writing import Writing
from syncd.domain.changes import Action, Change, Create, Erase, Outcome, Result, Update
from syncd.domain.chunks import chunks
from syncd.errors import Fatal, Outage
from syncd.state.ledger import Ledger

C = TypeVar("C", bound=Change)
STREAK = 3  # so many calls in a row that failed through no fault of a record, and the run ends

Answer: TypeAlias = Sequence[Outcome | Create | Update]
"""What a call came to; a change in it was looked at first, and is to be sent as it is now."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one thread does in one go. Without an action it only looks, and needs no intent."""

    action: Action | None
    changes: Sequence[Change]
    conduct: Callable[[], Answer]


@dataclass(slots=True, kw_only=True)
class Executor:
    """One run's calls to one instance. An erasure on request that comes in meanwhile goes before what is left.

    `report` hears of every outcome; `adopted` of every customer that was found and still differs; `stopping` lets the
    calls under way end and begins no other.

    Each of the three methods returns once all its calls are done, or those under way where it is time to stop. Each
    raises Fatal where the run can't go on: what was done by then is recorded, and what is not known stays open.
    """

    writing: Writing
    erasing: Erasing
    ledger: Ledger
    requests: Requests
    batch_size: int
    concurrency: int
    report: Callable[[Outcome], None]
    adopted: Callable[[Update], None]
    stopping: threading.Event
    _next: deque[Call] = field(default_factory=deque)
    unlooked: int = 0  # who could not be looked up, and may be in go~mus
    _looked_at: list[Create | Update] = field(default_factory=list)
    _streak: int = 0
    _failure: Fatal | None = None

    def create(self, creates: Iterable[Create], *, probe: bool) -> None:
        """With `probe`, look each one up first, and adopt whom go~mus has already."""
        batches = chunks(self._wanted(creates), self.batch_size)
        self._conduct(self._probing(batch) if probe else self._creating(batch) for batch in batches)

    def update(self, updates: Iterable[Update]) -> None:
        batches = chunks(self._wanted(updates), self.batch_size)
        self._conduct(self._looking(batch) if self._needs_look(batch) else self._updating(batch) for batch in batches)

    def erase(self, erasures: Iterable[Erase]) -> None:
        """Anonymize, then delete, each one from the step on at which it stands."""
        self._conduct(map(self._erasing, self._wanted(erasures)))

    def _wanted(self, changes: Iterable[C]) -> Iterator[C]:
        """Judged when it is about to be sent."""
        return (change for change in changes if not self.requests.is_withdrawn(change))

    # --- the calls ---

    def _erasing(self, erase: Erase) -> Call:
        return self._deleting(erase) if erase.anonymized else self._anonymizing(erase)

    def _probing(self, creates: Sequence[Create]) -> Call:
        return Call(None, creates, lambda: self.writing.probe(creates))

    def _needs_look(self, updates: Sequence[Update]) -> bool:
        return any(needs_look(self.writing.delivery, update) for update in updates)

    def _looking(self, updates: Sequence[Update]) -> Call:
        return Call(None, updates, lambda: self.writing.look_before(updates))

    def _creating(self, creates: Sequence[Create]) -> Call:
        return Call(Action.CREATE, creates, lambda: self.writing.create(creates))

    def _updating(self, updates: Sequence[Update]) -> Call:
        return Call(Action.UPDATE, updates, lambda: self.writing.update(updates))

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
                while len(under_way) < self.concurrency and (call := self._take(calls, under_way.values())):
                    numbers = self.ledger.begin(call.changes, call.action) if call.action else ()
                    under_way[pool.submit(call.conduct)] = (call, numbers)
                if not under_way:
                    break
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    self._receive(*under_way.pop(future), future)
        if self._failure:
            raise self._failure

    def _take(self, calls: Iterator[Call], under_way: Collection[tuple[Call, object]]) -> Call | None:
        if self._failure or self.stopping.is_set():
            return None
        if erasing := self._take_requested({one.foreign_id for call, _ in under_way for one in call.changes}):
            return erasing
        if self._next:
            return self._next.popleft()
        call = next(calls, None)
        if call is None and not under_way and self._looked_at:  # what is left over from the last looks
            self._send_looked_at(len(self._looked_at))
            return self._next.popleft()
        return call

    def _take_requested(self, busy: Collection[str]) -> Call | None:
        """The next erasure on request; while a call with the customer is under way, it waits for its end."""
        if self.requests.look():
            self._looked_at = list(self._wanted(self._looked_at))
            self._next = deque(left for call in self._next if (left := self._left_of(call)))
        erase = self.requests.next(busy)
        return self._erasing(erase) if erase else None

    def _left_of(self, call: Call) -> Call | None:
        """A call that was not sent yet, without those who are withdrawn."""
        left = list(self._wanted(call.changes))
        if len(left) == len(call.changes):
            return call
        return self._sending(left) if left else None

    def _receive(self, call: Call, numbers: Sequence[int | None], future: "Future[Answer]") -> None:
        try:
            answer = future.result()
        except Fatal as failure:
            self._failure = self._failure or failure
            return
        number_of = dict(zip((change.foreign_id for change in call.changes), numbers, strict=False))
        outcomes = [outcome for outcome in answer if isinstance(outcome, Outcome)]
        self.ledger.settle([(number_of.get(outcome.change.foreign_id), outcome) for outcome in outcomes])
        self._looked_at += self._wanted(change for change in answer if not isinstance(change, Outcome))
        while len(self._looked_at) >= self.batch_size:
            self._send_looked_at(self.batch_size)
        if call.action is None:
            self.unlooked += sum(outcome.result is Result.FAILED and not outcome.refused for outcome in outcomes)
        for outcome in outcomes:
            self.report(outcome)
            self._follow_up(outcome)
        self._watch_streak(answer)

    def _send_looked_at(self, count: int) -> None:
        self._next.append(self._sending(self._looked_at[:count]))
        del self._looked_at[:count]

    def _sending(self, changes: Sequence[Change]) -> Call:
        """They are all of one kind."""
        creates = [change for change in changes if isinstance(change, Create)]
        updates = [change for change in changes if isinstance(change, Update)]
        return self._creating(creates) if creates else self._updating(updates)

    def _follow_up(self, outcome: Outcome) -> None:
        change = outcome.change
        if outcome.result is Result.FAILED:
            return
        if isinstance(change, Create) and outcome.differing and outcome.gomus_id is not None:
            self.adopted(completing(change, outcome, outcome.gomus_id))
        is_anonymized = outcome.action is Action.ANONYMIZE and outcome.result is Result.OK
        if isinstance(change, Erase) and is_anonymized and not change.keep and not self.requests.is_withdrawn(change):
            self._next.append(self._deleting(replace(change, gomus_id=outcome.gomus_id or change.gomus_id)))

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
