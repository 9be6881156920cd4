"""The customers that a probe has made, kept in the state until go~mus shows them no more.

Nobody else may be reached. So a customer is deleted by its foreign_id, which nobody else has; by its number only where
DELETE has been seen to take no foreign_id, and right after a read that shows ours under that number.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from syncd.delivery.delivery import Delivery
from syncd.delivery.leaver import Leaver
from syncd.delivery.looking import folded
from syncd.domain.records import RemoteCustomer
from syncd.errors import CallFailed, Fatal, Missing, Refused, Retryable, TokenRefused, Unclear
from syncd.gomus.wire import WriteAnswer
from syncd.probing.invented import Person
from syncd.state.instances import Instances

MARK = "probe."
ASKED_ANEW = ("deletes_by_number", "unique")  # to act on these does harm where they are of another instance
MOST_TRIES = 6  # a customer and a twin of it, each a few times


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A customer that was made, or may have been. `gomus_id` is None as long as no answer has shown it.

    `sent_at` is when the call was sent that may have made it; None once its answer has said that it is done with.
    """

    foreign_id: str
    gomus_id: int | None
    sent_at: datetime | None = None

    def has(self, foreign_id: str | None) -> bool:
        return Person(foreign_id=self.foreign_id).has(foreign_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Who could not be taken away, and why: a code of the words for it."""

    foreign_id: str
    gomus_id: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Those of one instance, among what the state has learned of it."""

    instances: Instances
    instance: str

    def __iter__(self) -> Iterator[Leftover]:
        for name, value in sorted(self.instances.learned(self.instance).items()):
            if name.startswith(MARK):
                number, _, sent_at = value.partition(" ")
                yield Leftover(
                    foreign_id=name.removeprefix(MARK),
                    gomus_id=int(number) or None,
                    sent_at=datetime.fromisoformat(sent_at) if sent_at else None,
                )

    def note(self, one: Leftover) -> None:
        """Before the call that makes it, and once its number is known."""
        sent_at = one.sent_at.isoformat() if one.sent_at else ""
        self.instances.learn(self.instance, {f"{MARK}{one.foreign_id}": f"{one.gomus_id or 0} {sent_at}"})

    def number(self, foreign_id: str, gomus_id: int) -> None:
        for one in self:
            if one.foreign_id == foreign_id:
                self.note(replace(one, gomus_id=gomus_id))

    def drop(self, foreign_id: str) -> None:
        self.instances.unlearn(self.instance, [f"{MARK}{foreign_id}"])


def forget_what_is_asked(instances: Instances, instance: str) -> None:
    """Before a probe: the address of an instance may have changed since, and a probe finds these out again."""
    instances.unlearn(instance, ASKED_ANEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """`settle`: so long after a create of unknown fate was sent it can't come to pass any more."""

    delivery: Delivery
    leftovers: Leftovers
    settle: timedelta
    refused: set[str] = field(default_factory=set)
    seen: dict[str, set[int]] = field(default_factory=dict)  # the numbers under which each was seen

    def clear(self) -> list[Left]:
        """Take all of them away. What fails for one of them does not spare the others, but for a call that can't."""
        left = []
        for one in self.leftovers:
            why = self._clear(one)
            if why is None:
                self.leftovers.drop(one.foreign_id)
            else:
                known = next((each.gomus_id for each in self.leftovers if each.foreign_id == one.foreign_id), None)
                left.append(Left(foreign_id=one.foreign_id, gomus_id=known, why=why))
        return left

    def _clear(self, one: Leftover) -> str | None:
        """Why it is left; None where it is gone."""
        try:
            for tries in range(1, MOST_TRIES + 1):
                remote = self._find(one)
                if remote is None:
                    return self._why_unseen(one)
                self.seen.setdefault(one.foreign_id, set()).add(remote.gomus_id)
                self.leftovers.number(one.foreign_id, remote.gomus_id)
                one = replace(one, gomus_id=remote.gomus_id)
                if why := self._remove(one, remote, tries):
                    return why
        except CallFailed:
            return "unanswered"
        except TokenRefused:
            return "permission"
        except Fatal:
            return "cut_off"
        return "refused" if one.foreign_id in self.refused else "stays"

    def _why_unseen(self, one: Leftover) -> str | None:
        """Who was never seen may come yet."""
        if one.gomus_id is not None or one.sent_at is None:
            return None
        return "may_come" if self.delivery.seconds_since(one.sent_at) <= self.settle.total_seconds() else None

    # --- where it is ---

    def _find(self, one: Leftover) -> RemoteCustomer | None:
        """Whoever shows one of its ids, as soon as reads have come so far."""
        for _ in self.delivery.looks(later=False):
            if remote := find_one(self.delivery, one):
                return remote
        return None

    # --- how it goes ---

    def _remove(self, one: Leftover, remote: RemoteCustomer, tries: int) -> str | None:
        """One try, after which it may still be there; why no other one would help."""
        try:
            renamed = self._under_plain_id(one, remote)
            if renamed is None:
                return "keeps_id"
            remote = renamed
            Leaver.of(self.delivery, one.foreign_id, remote.gomus_id).delete(remote, may_be_gone=tries > 1)
        except Missing:
            pass  # a look tells
        except (Refused, Unclear, Retryable) as failure:
            if isinstance(failure, Refused):
                self.refused.add(one.foreign_id)  # perhaps because somebody else is at it
            self.delivery.pause(tries)
        self._wait_until_gone(remote)
        return None

    def _under_plain_id(self, one: Leftover, remote: RemoteCustomer) -> RemoteCustomer | None:
        """None where it keeps one that may not come through a path: by its number somebody else might be deleted."""
        if has_plain_id(one, remote) or self.delivery.habits.deletes_by_number:
            return remote
        with suppress(Refused):
            rename(self.delivery, remote, one.foreign_id)
        for _ in self.delivery.looks(later=True):
            found = find_one(self.delivery, one)
            if found and has_plain_id(one, found):
                return found
        return None

    def _wait_until_gone(self, remote: RemoteCustomer) -> None:
        for _ in self.delivery.looks(later=False):
            if not self.delivery.number_shows(remote.gomus_id, str(remote.foreign_id)):
                return


def find_one(delivery: Delivery, one: Leftover) -> RemoteCustomer | None:
    """Whoever shows one of its ids now: under its number, under its id, or under that in other letters."""
    reads: list[Callable[[], RemoteCustomer | None]] = [
        *([partial(delivery.client.read, one.gomus_id)] if one.gomus_id else []),
        partial(delivery.read, one.foreign_id),
        partial(delivery.read_in_other_letters, one.foreign_id),
    ]
    found = (read() for read in reads)
    return next((remote for remote in found if remote and one.has(remote.foreign_id)), None)


def has_plain_id(one: Leftover, remote: RemoteCustomer) -> bool:
    return folded(str(remote.foreign_id)) == folded(one.foreign_id)


def rename(delivery: Delivery, remote: RemoteCustomer, foreign_id: str) -> WriteAnswer:
    """By number, right after a look that shows whose it is. Raises as `Delivery.write_by_number` does."""
    return delivery.write_by_number(
        remote.gomus_id,
        partial(delivery.shows_by_number, str(remote.foreign_id), remote.gomus_id),
        lambda number: delivery.client.update_numbered(number, {"foreign_id": foreign_id}),
    )
