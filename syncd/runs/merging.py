"""Looks whether staff have merged in go~mus whom the source says to be one; the other one is then known no longer."""

import structlog

from syncd.delivery.delivery import Delivery
from syncd.delivery.looking import Whereabouts
from syncd.domain.records import KnownCustomer, Stage
from syncd.errors import Refused
from syncd.runs.world import Sync, World
from syncd.state.ledger import Ledger

log = structlog.get_logger()
LOOKS = 20  # in each run


def close_mergers(sync: Sync, world: World, ledger: Ledger, delivery: Delivery) -> None:
    """One look at each of those whose last look is longest ago. Raises as `Delivery.find` does, but for Refused."""
    mergers = world.store.mergers.of(sync.name)
    for foreign_id in world.store.mergers.longest_unseen(sync.name, LOOKS):
        if world.stopping.is_set():
            return
        known = world.store.known.find_one(sync.name, foreign_id)
        if known and known.stage is not Stage.ACTIVE:
            continue
        is_over = known is None or _is_one(delivery, known)
        is_of_one_list = (mergers[foreign_id].into or "").startswith(sync.mapper.prefix)
        ledger.note_merger(foreign_id, is_over=is_over, is_final=is_of_one_list)
        if is_over:
            log.info("record.merged", foreign_id=foreign_id, gomus_id=known.gomus_id if known else None)


def _is_one(delivery: Delivery, known: KnownCustomer) -> bool:
    """Whether neither the foreign_id nor the number shows the customer itself any more."""
    try:
        sighting = delivery.find(known.foreign_id, known.gomus_id, known.digests)
    except Refused:  # it can't be told
        return False
    return sighting.whereabouts in (Whereabouts.MERGED, Whereabouts.GONE)
