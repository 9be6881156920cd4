"""Drawing up a plan: read the source, compare it with what is known, and write nothing anywhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from syncd.domain.digest import Digester
from syncd.gomus.client import Client
from syncd.mapping.columns import require_columns
from syncd.mapping.lookups import Lookup
from syncd.plan.plan import Plan, draw_up
from syncd.plan.reading import Comparison, read_whole
from syncd.plan.spool import Spool
from syncd.plan.watermark import find_bounds, next_watermark
from syncd.runs.world import Sync
from syncd.state.recall import Recall
from syncd.state.store import Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A plan, and where the next read may begin once it is settled; None: where this one did."""

    plan: Plan
    watermark: Watermark | None


@contextmanager
def drawing_up(
    sync: Sync, recall: Recall, digester: Digester, lookups: Mapping[str, Lookup], progress: Callable[[int], None]
) -> Iterator[Drawn]:
    """Read the source and compare; the plan lives as long as the block, and nothing is written anywhere."""
    context = sync.mapper.fingerprint + b"".join(lookups[kind].fingerprint for kind in sorted(lookups))
    bounds = find_bounds(sync.source, recall, digester.context(context + sync.source.fingerprint))
    with Spool() as spool, sync.source.open(bounds.cursor) as reading:
        require_columns(sync.mapper.columns, reading.columns, reading.description)
        comparison = Comparison(
            reading=reading,
            spool=spool,
            recall=recall,
            mapper=sync.mapper,
            lookups=lookups,
            digester=digester,
            context=context,
        )
        read = read_whole(comparison, progress, keep_partial=sync.source.options.on_incomplete == "apply")
        plan = draw_up(read, now=recall.now, mode=sync.mode, grace=sync.grace)
        yield Drawn(plan=plan, watermark=next_watermark(plan, bounds, recall))


def fetch_lookups(sync: Sync, client: Client) -> dict[str, Lookup]:
    return {kind: Lookup(kind, client.lookup(kind)) for kind in sync.mapper.lookups_needed}
