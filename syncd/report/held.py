"""What guards hold of a sync, as pages tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from syncd.report.saying import without_pairs
from syncd.state.held import Standing
from syncd.state.store import Store

LISTED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPart:
    """`changes` wait for a person, `decided` are those on which one has decided; both are numbers by name.

    `listed` are the first of those that wait, by foreign_id, and `further` are so many more.
    """

    run_id: str
    since: datetime
    reasons: Sequence[str]
    changes: Mapping[str, int]
    decided: Mapping[str, int]
    listed: Sequence[tuple[str, Standing]]
    further: int


def gather_held(store: Store, sync: str, *, with_ids: bool) -> HeldPart | None:
    """None where nothing is held. Without ids nothing is listed, and no reason contains one either."""
    if (held := store.held.find(sync)) is None:
        return None
    changes = store.held.count_changes(sync)
    listed = list(islice(store.held.each(sync), LISTED)) if with_ids else []
    decided: dict[str, int] = {}
    for said in store.held.said(sync):
        decided[said.word.value] = decided.get(said.word.value, 0) + said.number
    return HeldPart(
        run_id=held.run_id,
        since=held.held_at,
        reasons=[reason if with_ids else without_pairs(reason) for reason in held.guards.values()],
        changes=changes,
        decided=decided,
        listed=listed,
        further=sum(changes.values()) - len(listed) if with_ids else 0,
    )
