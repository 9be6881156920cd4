"""How many calls a plan takes, and about how long they last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from syncd.delivery.habits import Habits
from syncd.gomus.options import GomusOptions

CALL = timedelta(milliseconds=200)  # as a go~mus on the web answers
TO_ERASE = {"delete": 7, "anonymize": 6, "release": 4}  # reads, writes, and reads that see them done
TO_LINK = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """At least so much: what is refused, lost or found already takes more."""

    calls: int
    lasts: timedelta


def estimate(counts: Mapping[str, int], habits: Habits, options: GomusOptions) -> Effort:
    """What the changes of a plan cost; `counts` are by action."""
    created, updated = counts.get("create", 0), counts.get("update", 0)
    batches = sum(-(-count // habits.sizes.size) for count in (created, updated))
    looks = 0 if habits.is_unique else created
    erasing = sum(calls * counts.get(action, 0) for action, calls in TO_ERASE.items())
    calls = batches + looks + erasing + TO_LINK * counts.get("link", 0)
    pause = max(CALL / options.concurrency, timedelta(seconds=1 / (options.requests_per_second or 1_000_000)))
    return Effort(calls=calls, lasts=max(CALL, calls * pause) if calls else timedelta())
