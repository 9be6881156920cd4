"""Customers that are to be created: who goes into the next call, and who is not sent at all."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncd.delivery.habits import Habits, signs_in
from syncd.delivery.looking import folded
from syncd.delivery.outcomes import Answer, alike, never_found, unkept, unreadable
from syncd.domain.changes import Create, Outcome, Result
from syncd.state.journal import OpenIntent

ROUNDS = 3  # so often a create is sent again that was never found


@dataclass(slots=True, kw_only=True)
class Newcomers:
    """The creates that wait to be sent, in their order.

    `unclear` are those that earlier runs have sent without an end, `refused` those that were refused.
    """

    habits: Habits
    unclear: Mapping[str, OpenIntent]
    refused: Collection[str] = ()
    _strangers: int = 0  # so many in a row were looked for, and were not there
    _waiting: deque[Create] = field(default_factory=deque)
    _folded: dict[str, str] = field(default_factory=dict)  # who was sent, while ids may lose their capital letters

    def __iter__(self) -> Iterator[Create]:
        return iter(self._waiting)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    # --- coming and going ---

    def admit(self, creates: Sequence[Create], *, probes: bool, may_create: bool) -> list[Create]:
        """Let those wait who need no look before; answers the others."""
        first = {
            one.foreign_id
            for one in creates
            if self._was_sent(one.foreign_id) or (probes and not (may_create and self._is_refused_if_there(one)))
        }
        waiting = (one for one in creates if one.foreign_id not in first)
        self.add(replace(one, is_unmet=True) if probes else one for one in waiting)
        return [one for one in creates if one.foreign_id in first]

    def add(self, creates: Iterable[Create]) -> None:
        self._waiting.extend(creates)

    def put_back(self, creates: Sequence[Create]) -> None:
        """With those that still wait, and before them."""
        self._waiting.extendleft(reversed(creates))

    def keep(self, creates: Iterable[Create]) -> None:
        """No others."""
        self._waiting = deque(creates)

    # --- judging ---

    def _was_sent(self, foreign_id: str) -> bool:
        """By an earlier run."""
        return foreign_id in self.unclear or foreign_id in self.refused

    def _is_refused_if_there(self, create: Create) -> bool:
        """Whether go~mus refuses it where it has a customer with exactly this id."""
        id_ = create.foreign_id
        return self._refuses_who_is_there and not (signs_in(id_) or id_[:1].isdigit())

    @property
    def _refuses_who_is_there(self) -> bool:
        """The configuration alone is believed once as many as go into a call were looked for, and nobody was there."""
        habits = self.habits
        return habits.is_seen_unique or (habits.is_told_unique and self._strangers >= habits.sizes.most)

    def looked_for(self, answer: Answer) -> None:
        """What came of looking for some; that nobody is there who was refused before, says nothing of the others."""
        is_known = any(outcome.result is Result.OK for outcome in answer.outcomes)
        strangers = sum(not self._was_sent(one.foreign_id) for one in answer.again)
        self._strangers = 0 if is_known else self._strangers + strangers

    @property
    def has_enough(self) -> bool:
        """For a call."""
        return len(self._waiting) >= self.habits.sizes.size

    @property
    def is_trial(self) -> bool:
        """Whether the next call shows how the others are to be sent, so that none of them may be under way."""
        return self.habits.sizes.is_searching or (bool(self._waiting) and self.goes_alone(self._waiting[0]))

    def goes_alone(self, create: Create) -> bool:
        return create.foreign_id in self.unclear or not self.habits.is_acquainted(create.foreign_id)

    def judge(self, create: Create) -> Outcome | None:
        """What is known of a create without sending it."""
        if not self.habits.keeps_ids:
            return unkept(create)
        if self.habits.can_read(create.foreign_id) is False:
            return unreadable(create, signs_in(create.foreign_id) & self.habits.unreadable)
        id_ = create.foreign_id
        may_fold = self.habits.folds_ids or (id_ != id_.lower() and self.habits.may_fold(id_))
        if may_fold and self._folded.setdefault(folded(id_), id_) != id_:
            return alike(create)
        intent = self.unclear.get(create.foreign_id)
        return never_found(create) if intent and intent.round >= ROUNDS else None

    # --- the next call ---

    def draw(self) -> tuple[list[Create], list[Outcome]]:
        """The next ones, as many as may go together, and what became of those before them that are not sent."""
        drawn: list[Create] = []
        ended: list[Outcome] = []
        while (
            self._waiting and len(drawn) < self.habits.sizes.size and not (drawn and self.goes_alone(self._waiting[0]))
        ):
            create = self._waiting.popleft()
            if outcome := self.judge(create):
                ended.append(outcome)
                continue
            if create.foreign_id in self.unclear and self.habits.can_read(create.foreign_id) is None:
                continue  # that it was not found proves nothing yet: it stays open
            drawn.append(create)
            if self.goes_alone(create):
                break
        return drawn, ended
