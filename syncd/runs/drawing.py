"""Draws up a plan: reads the source, compares it with what is known, and writes nothing anywhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from syncd.gomus.client import Client
from syncd.mapping.columns import require_columns
from syncd.mapping.lookups import Lookup
from syncd.plan.plan import Plan, draw_up
from syncd.plan.reading import Comparison, read_whole
from syncd.plan.spool import Spool
from syncd.plan.watermark import find_bounds, next_watermark
from syncd.runs.world import Sync
from syncd.state.recall import Recall
from syncd.state.runs import Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A plan, and the watermark for when it is settled; None leaves the watermark where it is."""

    plan: Plan
    watermark: Watermark | None


@contextmanager
def drawing_up(
    sync: Sync,
    recall: Recall,
    lookups: Mapping[str, Lookup],
    *,
    progress: Callable[[int], None],
    stop_if_asked: Callable[[], None] = lambda: None,
) -> Iterator[Drawn]:
    """Read the source and compare. The plan lives as long as the block.

    Raises IncompleteRead where the source can't be read to its end, StateUnusable, and what `stop_if_asked` raises.
    """
    context = sync.mapper.fingerprint + b"".join(lookups[kind].fingerprint for kind in sorted(lookups))
    bounds = find_bounds(sync.source, recall, recall.digester.context(context + _reach(sync, recall.now)))
    with Spool() as spool, sync.source.open(bounds.cursor) as reading:
        require_columns(sync.mapper.columns, reading.columns, reading.description, reading.hint)
        comparison = Comparison(
            reading=reading,
            spool=spool,
            recall=recall,
            mapper=sync.mapper,
            lookups=lookups,
            context=context,
            today=sync.today(recall.now),
        )
        keep_partial = sync.source.options.on_incomplete == "apply"
        read = read_whole(comparison, progress, stop_if_asked, keep_partial=keep_partial)
        plan = draw_up(read, now=recall.now, mode=sync.mode, grace=sync.grace, releases_linked=sync.releases_linked)
        yield Drawn(plan=plan, watermark=next_watermark(plan, bounds, recall))


def _reach(sync: Sync, now: datetime) -> bytes:
    """Stands for all that decides who is in the source: where it differs, changes alone are not enough."""
    where = sync.mapper.where
    day = sync.today(now).isoformat() if where.is_of_today else ""
    return sync.source.fingerprint + (where.spelt + day).encode()


def fetch_lookups(sync: Sync, client: Client) -> dict[str, Lookup]:
    return {kind: Lookup(kind, client.lookup(kind)) for kind in sync.mapper.lookups_needed}
