"""One call as the executor keeps it under way, and what its outcomes say of the instance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from syncd.delivery.outcomes import Answer
from syncd.domain.changes import Action, Change, Create, Erase, Outcome, Result

C = TypeVar("C", bound=Change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one thread does in one go. Without an action it only looks, and needs no intent.

    Beside a call that is `alone` no other customer is created: what it shows decides how the others are sent.
    """

    action: Action | None
    changes: Sequence[Change]
    conduct: Callable[[], Answer]
    is_alone: bool = False
    is_round: bool = False  # it sends again what an earlier run has sent


def is_unlooked(outcome: Outcome, call: Call) -> bool:
    """Whether nobody knows if go~mus has the customer. Where the intent stays open, that tells."""
    was_sent_unmet = isinstance(outcome.change, Create) and outcome.change.is_unmet and outcome.settled
    is_unknown = outcome.result is Result.FAILED and not outcome.refused
    return is_unknown and (call.action is None or was_sent_unmet)


def is_barred(outcome: Outcome) -> bool:
    """Whether the number of a customer is known to show somebody who is not to get the foreign_id."""
    return outcome.action is Action.LINK and outcome.refused


def is_of_instance(outcome: Outcome, call: Call) -> bool:
    """What is the record's own fault: a create that is never answered, an erasure that go~mus stumbles over."""
    is_own = call.is_round or (isinstance(outcome.change, Erase) and outcome.settled)
    if is_own and outcome.reached:
        return False
    return outcome.result is Result.FAILED and (not outcome.refused or outcome.status == 500)


def in_groups(changes: Sequence[C], named: frozenset[str]) -> tuple[Sequence[C], ...]:
    """Whom a refusal names each alone, the others together; where it names nobody, half and half.

    Smaller than the whole in any case, so that it comes to an end.
    """
    innocent = [change for change in changes if change.foreign_id not in named]
    if len(innocent) < len(changes):
        groups: list[Sequence[C]] = [[change] for change in changes if change.foreign_id in named]
        return tuple(group for group in (*groups, innocent) if group)
    middle = (len(changes) + 1) // 2
    return tuple(half for half in (changes[:middle], changes[middle:]) if half)
