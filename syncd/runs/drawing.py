"""Draws up a plan: reads the source, compares it with what is known, and writes nothing anywhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from syncd.gomus.client import Client
from syncd.mapping.columns import require_columns
from syncd.mapping.lookups import Lookup
from syncd.plan.comparison import Comparison
from syncd.plan.plan import Plan, draw_up
from syncd.plan.reading import Read, read_whole
from syncd.plan.spool import Spool
from syncd.plan.watermark import find_bounds, next_watermark
from syncd.runs.world import Sync
from syncd.sources.base import NotAsRecognised
from syncd.state.recall import Recall
from syncd.state.runs import Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A plan, and the watermark for when it is settled; None leaves the watermark where it is."""

    plan: Plan
    watermark: Watermark | None


class SameAsBefore(Exception):
    """The source holds what is known already: there is nothing to compare."""


@contextmanager
def drawing_up(  # noqa: PLR0913 - what it asks its caller while it reads
    sync: Sync,
    recall: Recall,
    lookups: Mapping[str, Lookup],
    *,
    progress: Callable[[int], None],
    stop_if_asked: Callable[[], None] = lambda: None,
    is_known: Callable[[bytes], bool] = lambda _content: False,
) -> Iterator[Drawn]:
    """Read the source and compare. The plan lives as long as the block.

    `is_known` is asked, where a source can tell so before it is read, about a digest of its content, of who is in it
    and of how it is mapped.

    Raises IncompleteRead where the source can't be read to its end, StateUnusable, what `stop_if_asked` raises, and
    SameAsBefore where `is_known` answers so.
    """
    compare = comparing(sync, recall, lookups)
    context = recall.digester.context(compare.keywords["context"] + compare.keywords["reach"])
    bounds = find_bounds(sync.source, recall, context, is_whole=sync.only is not None)
    read_all = partial(read_whole, progress=progress, stop_if_asked=stop_if_asked)

    def is_same(content: bytes) -> bool:
        return sync.only is None and is_known(context + content)

    with ExitStack() as stack:
        try:
            read = stack.enter_context(_reading(sync, bounds.cursor, is_same, compare, read_all))
        except NotAsRecognised:
            compare = partial(compare, recognises=False)
            read = stack.enter_context(_reading(sync, bounds.cursor, is_same, compare, read_all))
        plan = draw_up(read, sync.absence_policy, now=recall.now, only=sync.only)
        yield Drawn(plan=plan, watermark=None if sync.only else next_watermark(plan, bounds, recall))


def comparing(sync: Sync, recall: Recall, lookups: Mapping[str, Lookup]) -> "partial[Comparison]":
    """Compares what is read with what is known; it lacks the reading and the spool."""
    today = sync.today(recall.now)
    return partial(
        Comparison,
        recall=recall,
        mapper=sync.mapper,
        lookups=lookups,
        context=sync.mapper.fingerprint
        + b"".join(lookups[kind].fingerprint for kind in sorted(lookups))
        + sync.mapper.errands.spelt_on(today),
        reach=_reach(sync, recall.now),
        today=today,
    )


@contextmanager
def _reading(
    sync: Sync,
    cursor: str | None,
    is_known: Callable[[bytes], bool],
    compare: Callable[..., Comparison],
    read_all: Callable[..., Read],
) -> Iterator[Read]:
    source = sync.source
    with Spool() as spool, source.open(cursor) if cursor else source.open_unless(is_known) as reading:
        if reading is None:
            raise SameAsBefore
        require_columns(sync.mapper.columns, reading.columns, reading.description, reading.hint)
        try:
            read = read_all(compare(reading=reading, spool=spool), keep_partial=source.options.on_incomplete == "apply")
        finally:
            sync.mapper.forget_cells()
        yield read


def _reach(sync: Sync, now: datetime) -> bytes:
    """Stands for all that decides who is in the source: where it differs, changes alone are not enough."""
    where = sync.mapper.where
    day = sync.today(now).isoformat() if where.is_of_today else ""
    return sync.source.fingerprint + (where.spelt + day).encode()


def fetch_lookups(sync: Sync, client: Client) -> dict[str, Lookup]:
    return {kind: Lookup(kind, client.lookup(kind)) for kind in sync.mapper.lookups_needed}
