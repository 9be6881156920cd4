"""Carrying a plan out: intents before the calls, outcomes and state in one transaction after them.

The calls run in a small pool of threads (`writing`, `erasing`); everything about the database happens in the calling
thread. What a call leaves to be sent again comes back to it, so that each call goes out under intents that say when.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from syncd.delivery.calls import C, Call, in_groups, is_barred, is_of_instance, is_unlooked
from syncd.delivery.delivery import STREAK
from syncd.delivery.erasing import Erasing
from syncd.delivery.habits import Habits
from syncd.delivery.meeting import completing, needs_look
from syncd.delivery.newcomers import Newcomers
from syncd.delivery.outcomes import Again, Answer, not_sent
from syncd.delivery.requests import Requests
from syncd.delivery.writing import Writing
from syncd.domain.changes import Action, Change, Create, Ending, Erase, Outcome, Result, Update
from syncd.domain.chunks import chunks
from syncd.errors import Fatal, Outage
from syncd.log import together
from syncd.state.journal import OpenIntent
from syncd.state.ledger import Ledger

PROBED = 5  # customers that one thread looks for in one go: few, so that all threads look


@dataclass(slots=True, kw_only=True)
class Executor:
    """One run's calls to one instance. An erasure on request that comes in meanwhile goes before what is left.

    `unclear` are creates of earlier runs that were not found in their time: where they are due they are sent again.
    `report` hears of every outcome; `adopted` of every customer that was found and still differs; `stopping` lets the
    calls under way end and begins no other.

    Each of the three methods returns once all its calls are done, or those under way where it is time to stop. Each
    raises Fatal where the run can't go on: what was done by then is recorded, and what is not known stays open.
    """

    writing: Writing
    erasing: Erasing
    ledger: Ledger
    requests: Requests
    habits: Habits
    concurrency: int
    tries: int
    unclear: Mapping[str, OpenIntent]
    report: Callable[[Outcome], None]
    adopted: Callable[[Update], None]
    may_create: bool = True  # else those who are not there are only looked for
    stopping: threading.Event
    unlooked: int = 0  # who could not be looked up, and may be in go~mus
    _next: deque[Call] = field(default_factory=deque)
    _newcomers: Newcomers = field(init=False)
    _intents: dict[str, int] = field(init=False)  # the open ones of changes in hand
    _told: list[Outcome] = field(default_factory=list)  # written down, and not reported yet
    _probes: bool = True
    _streaks: Counter[bool] = field(default_factory=Counter)  # of looks, and of calls that write
    _failure: Fatal | None = None

    def __post_init__(self) -> None:
        self._newcomers = Newcomers(habits=self.habits, unclear=self.unclear)
        self._intents = {foreign_id: intent.number for foreign_id, intent in self.unclear.items()}

    def create(self, creates: Iterable[Create], *, probe: bool) -> None:
        """With `probe`, adopt whom go~mus has already: who may be there is looked for first, or met when refused.

        Without it all are taken for new, but for those of whom an earlier run has sent something.
        """
        self._probes = probe
        self._newcomers.refused = {one.foreign_id for one in self.ledger.store.failures.refused(self.ledger.sync)}
        self._conduct(self._looks_before(self._wanted(creates)))

    def update(self, updates: Iterable[Update]) -> None:
        batches = self._cut(self._wanted(updates))
        self._conduct(self._looking(batch) if self._needs_look(batch) else self._updating(batch) for batch in batches)

    def erase(self, erasures: Iterable[Erase]) -> None:
        """Anonymize, then delete, each one from the step on at which it stands; or release."""
        self._conduct(map(self._erasing, self._wanted(erasures)))

    def _looks_before(self, creates: Iterable[Create]) -> Iterator[Call | None]:
        """Who needs no look waits at once; None where enough of them do."""
        for batch in chunks(creates, min(PROBED, self.habits.sizes.most)):
            links = [one for one in batch if self._is_linked(one)]
            if judged := self._judged(links):
                yield Call(action=None, changes=judged, conduct=partial(self.writing.look_at_links, judged))
            others = [one for one in batch if not self._is_linked(one)]
            looked_for = self._newcomers.admit(others, probes=self._probes, may_create=self.may_create)
            if looked_for:
                yield self._probing(looked_for)
            elif self._newcomers.has_enough:
                yield None

    def _is_linked(self, create: Create) -> bool:
        """Where nobody may be created nobody is linked, but whoever has the foreign_id is met."""
        return create.action is Action.LINK and self.may_create

    def _judged(self, creates: Iterable[Create]) -> list[Create]:
        """Those that may be sent; who was linked by an earlier run may have its foreign_id from it.

        Of whom an earlier run has sent a create, which was not found in its time, that is over.
        """
        judged = [(create, self._newcomers.judge(create)) for create in creates]
        fit = [create for create, outcome in judged if not outcome]
        begun = {one: intent.action for one, intent in self.unclear.items() if one in self._intents}
        created = [one for one in fit if begun.get(one.foreign_id, Action.LINK) is not Action.LINK]
        self._settle([outcome for _, outcome in judged if outcome] + [not_sent(one) for one in created])
        return [replace(one, is_unmet=begun.get(one.foreign_id) is Action.LINK) for one in fit]

    def _wanted(self, changes: Iterable[C]) -> Iterator[C]:
        """Judged when it is about to be sent."""
        return (change for change in changes if not self.requests.is_withdrawn(change))

    # --- the calls ---

    def _needs_look(self, updates: Sequence[Update]) -> bool:
        return any(needs_look(self.writing.delivery, update) for update in updates)

    def _looking(self, updates: Sequence[Update]) -> Call:
        return Call(action=None, changes=updates, conduct=lambda: self.writing.look_before(updates))

    def _probing(self, creates: Sequence[Create]) -> Call:
        return Call(action=None, changes=creates, conduct=lambda: self.writing.probe(creates))

    def _linking(self, creates: Sequence[Create]) -> Call:
        conduct, is_round = partial(self.writing.link, creates), creates[0].foreign_id in self.unclear
        return Call(action=Action.LINK, changes=creates, conduct=conduct, is_round=is_round)

    def _creating(self, creates: Sequence[Create], tries: int | None = None) -> Call:
        tries = self.tries if tries is None else tries
        post = partial(self.writing.create, creates, tries=tries, is_probed=self._probes)
        return Call(action=Action.CREATE, changes=creates, conduct=post)

    def _updating(self, updates: Sequence[Update]) -> Call:
        return Call(action=Action.UPDATE, changes=updates, conduct=lambda: self.writing.update(updates))

    def _erasing(self, erase: Erase) -> Call:
        if erase.ending is Ending.RELEASE:
            return self._step(Action.RELEASE, self.erasing.release, erase)
        is_next = erase.anonymized and erase.ending is Ending.DELETE
        return self._deleting(erase) if is_next else self._step(Action.ANONYMIZE, self.erasing.anonymize, erase)

    def _deleting(self, erase: Erase) -> Call:
        return self._step(Action.DELETE, self.erasing.delete, erase)

    def _step(self, action: Action, step: Callable[[Erase], Outcome], erase: Erase) -> Call:
        return Call(action=action, changes=[erase], conduct=lambda: Answer(outcomes=[step(erase)]))

    # --- the loop ---

    def _conduct(self, calls: Iterator[Call | None]) -> None:
        """Keep `concurrency` calls under way until none is left; a fatal error lets those under way end, and record."""
        under_way: dict[Future[Answer], Call] = {}
        done: Sequence[tuple[Call, Future[Answer]]] = ()
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="gomus") as pool:
            while True:
                begun = self._turn(done, calls, list(under_way.values()))
                under_way |= {pool.submit(call.conduct): call for call in begun}
                self._tell()
                if not under_way:
                    break
                ended = wait(under_way, return_when=FIRST_COMPLETED).done
                done = [(under_way.pop(future), future) for future in ended]
        self._give_back()
        if self._failure:
            raise self._failure

    def _turn(
        self, done: Sequence[tuple[Call, "Future[Answer]"]], calls: Iterator[Call | None], under_way: Sequence[Call]
    ) -> list[Call]:
        """Write down what has come of calls, and in the same transaction what goes out in their place."""
        begun: list[Call] = []
        has_written = any(call.action for call, _ in done)
        with self.ledger.writing() if has_written else nullcontext():
            for ended, future in done:
                self._receive(ended, future)
            while len(under_way) + len(begun) < self.concurrency and (call := self._take(calls, [*under_way, *begun])):
                self._begin(call)
                begun.append(call)
        return begun

    def _tell(self) -> None:
        """Report what is written down for sure."""
        told, self._told = self._told, []
        with together():
            for outcome in told:
                self.report(outcome)

    def _give_back(self) -> None:
        """What is left when it is time to stop."""
        left = self._left()
        self._next.clear()
        self._newcomers.keep(())
        self._close_unsent(left)
        self._tell()

    def _withdraw(self) -> None:
        """Take out of what is left whoever is erased on request."""
        withdrawn = [one for one in self._left() if self.requests.is_withdrawn(one)]
        self._newcomers.keep(self._wanted(list(self._newcomers)))
        self._next = deque(kept for call in self._next if (kept := self._left_of(call)))
        self._close_unsent(withdrawn)

    def _still_wanted(self, changes: Sequence[Create | Update]) -> Sequence[Create | Update]:
        """Without those whose erasure was asked for while they were under way."""
        self._close_unsent([change for change in changes if self.requests.is_withdrawn(change)])
        return list(self._wanted(changes))

    def _left(self) -> list[Change]:
        return [change for call in self._next for change in call.changes] + list(self._newcomers)

    def _close_unsent(self, changes: Sequence[Change]) -> None:
        """Whoever was to be sent again in this run: it is certain that they are not there."""
        refused = [one for one in changes if one.foreign_id in self._intents and one.foreign_id not in self.unclear]
        self._settle([not_sent(change) for change in refused])

    def _left_of(self, call: Call) -> Call | None:
        left = list(self._wanted(call.changes))
        if len(left) == len(call.changes):
            return call
        return replace(self._sending(left), is_alone=call.is_alone, is_round=call.is_round) if left else None

    def _sending(self, changes: Sequence[Change], tries: int | None = None) -> Call:
        """They are all of one kind."""
        creates = [one for one in changes if isinstance(one, Create)]
        updates = [one for one in changes if isinstance(one, Update)]
        if creates and creates[0].action is Action.LINK:
            return self._linking(creates)
        return self._creating(creates, tries) if creates else self._updating(updates)

    def _take_requested(self, busy: Collection[str]) -> Call | None:
        """The next erasure on request; while a call with the customer is under way, it waits for its end."""
        if self.requests.look():
            self._withdraw()
        erase = self.requests.next(busy)
        return self._erasing(erase) if erase else None

    def _take(self, calls: Iterator[Call | None], under_way: Sequence[Call]) -> Call | None:
        if self._failure or self.stopping.is_set():
            return None
        if erasing := self._take_requested({one.foreign_id for call in under_way for one in call.changes}):
            return erasing
        if self._next:
            return self._next.popleft()
        while True:
            if not self._newcomers.has_enough and (looking := next(calls, None)):
                return looking
            is_left_over = bool(self._newcomers) and not under_way
            if not (self._newcomers.has_enough or is_left_over) or self._must_wait(under_way):
                return None
            if drawn := self._draw():
                return drawn

    def _must_wait(self, under_way: Sequence[Call]) -> bool:
        creating = [call for call in under_way if call.action is Action.CREATE]
        return any(call.is_alone for call in creating) or (self._newcomers.is_trial and bool(creating))

    def _draw(self) -> Call | None:
        """The next creates; None where none of those that waited is to be sent."""
        drawn, ended = self._newcomers.draw()
        self._settle(ended)
        if not drawn:
            return None
        is_alone = self._newcomers.goes_alone(drawn[0]) or self.habits.sizes.is_searching
        return replace(self._creating(drawn), is_alone=is_alone, is_round=drawn[0].foreign_id in self.unclear)

    def _cut(self, updates: Iterable[Update]) -> Iterator[Sequence[Update]]:
        """To the size that is known by the time when they are sent."""
        left = iter(updates)
        while batch := list(islice(left, self.habits.sizes.size)):
            yield batch

    # --- intents and outcomes ---

    def _begin(self, call: Call) -> None:
        """Under the intents that are open of an earlier call, with the time of this one; otherwise under new ones."""
        if call.action is None:
            return
        begun = [self._intents[change.foreign_id] for change in call.changes if change.foreign_id in self._intents]
        fresh = [change for change in call.changes if change.foreign_id not in self._intents]
        self.ledger.send_again(begun, is_round=call.is_round)
        numbers = self.ledger.begin(fresh, call.action)
        self._intents.update(zip((change.foreign_id for change in fresh), numbers, strict=True))

    def _receive(self, call: Call, future: "Future[Answer]") -> None:
        try:
            answer = future.result()
        except Fatal as failure:
            self._failure = self._failure or failure
            return
        self._learn_sizes(call, answer)
        self._settle(answer.outcomes, is_look=call.action is None)
        if call.action is None:
            self._newcomers.looked_for(answer)
        self.unlooked += sum(is_unlooked(outcome, call) for outcome in answer.outcomes)
        self._failure = self._failure or answer.fatal
        self._go_on(replace(answer, again=self._still_wanted(answer.again)))
        self._watch_streak(call, answer)

    def _settle(self, outcomes: Sequence[Outcome], *, is_look: bool = False) -> None:
        """A look that failed says nothing of an intent that is open, but that a number can't be linked any more."""
        keep = [is_look and outcome.result is Result.FAILED and not is_barred(outcome) for outcome in outcomes]
        ids = [outcome.change.foreign_id for outcome in outcomes]
        numbers = [None if kept else self._intents.pop(id_, None) for kept, id_ in zip(keep, ids, strict=True)]
        self.ledger.settle(list(zip(numbers, outcomes, strict=True)))
        for outcome in outcomes:
            self.habits.sizes.ended(outcome.change.foreign_id, is_taken=outcome.result is Result.OK)
            self._told.append(outcome)
            self._follow_up(outcome)

    def _learn_sizes(self, call: Call, answer: Answer) -> None:
        if answer.took:
            self.habits.sizes.took(len(call.changes))
        if answer.slow:
            self.habits.sizes.too_slow(len(call.changes), self.ledger.clock())

    def _go_on(self, answer: Answer) -> None:
        """With what is to be sent again."""
        if not answer.again:
            return
        if answer.why is Again.NEW and not self.may_create:
            return
        if answer.why is Again.NEW:
            self._newcomers.add(one for one in answer.again if isinstance(one, Create))
        elif answer.why in (Again.AS_IT_WAS, Again.FOUND):
            self._send_again([answer.again], answer.tries)
        elif answer.why is Again.TOO_MANY and not answer.named and self._suspect(answer):
            self._send_fewer(answer.again)
        else:
            self._send_again(in_groups(answer.again, answer.named), answer.tries)

    def _suspect(self, answer: Answer) -> bool:
        ids = [change.foreign_id for change in answer.again]
        return self.habits.sizes.suspect(ids, said=answer.number, at=self.ledger.clock())

    def _send_fewer(self, changes: Sequence[Create | Update]) -> None:
        """New customers with those that still wait, so that there are enough to try a size with."""
        self._newcomers.put_back([one for one in changes if isinstance(one, Create)])
        updates = [one for one in changes if isinstance(one, Update)]
        self._send_again(list(chunks(updates, self.habits.sizes.size)))

    def _send_again(self, groups: Iterable[Sequence[Create | Update]], tries: int | None = None) -> None:
        self._next += [self._sending(group, tries) for group in groups]

    def _follow_up(self, outcome: Outcome) -> None:
        change = outcome.change
        if outcome.result is Result.FAILED:
            return
        if isinstance(change, Create) and outcome.differing and outcome.gomus_id is not None:
            self.adopted(completing(change, outcome, outcome.gomus_id))
        is_anonymized = outcome.action is Action.ANONYMIZE and outcome.result is Result.OK
        if not isinstance(change, Erase) or not is_anonymized or self.requests.is_withdrawn(change):
            return
        if change.ending is Ending.DELETE:
            self._next.append(self._deleting(replace(change, gomus_id=outcome.gomus_id or change.gomus_id)))

    def _watch_streak(self, call: Call, answer: Answer) -> None:
        """A failure that is not the record's own is the instance's; that looks succeed says nothing of writes."""
        if words := self.writing.delivery.client.out_of_reach:
            self._failure = self._failure or Outage(words)
        if self.stopping.is_set() or (answer.slow and len(call.changes) > 1):  # too much at once says nothing of it
            return
        failed = [outcome for outcome in answer.outcomes if is_of_instance(outcome, call)]
        is_all = failed and len(failed) == len(answer.outcomes) and not answer.again
        is_look = call.action is None
        self._streaks[is_look] = self._streaks[is_look] + 1 if is_all else 0
        if self._streaks[is_look] >= STREAK:
            words = f"go~mus failed {self._streaks[is_look]} calls in a row, the last with: {failed[-1].error}"
            self._failure = self._failure or Outage(words)
