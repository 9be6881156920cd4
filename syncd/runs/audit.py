"""A few customers are read back in each run, those first whose last reading back is longest ago."""

import structlog

from syncd.delivery.delivery import Delivery
from syncd.runs.account import Account
from syncd.runs.world import Sync, World
from syncd.state.ledger import Ledger

log = structlog.get_logger()


def audit(sync: Sync, world: World, ledger: Ledger, delivery: Delivery, account: Account) -> None:
    """Tell what drifted; with `fix_drift` the next run sends it again. Raises as `Delivery.find` does."""
    for known in world.store.known.longest_unverified(sync.name, sync.audit_per_run):
        if world.stopping.is_set():
            return
        sighting = delivery.find(known.foreign_id, known.gomus_id, known.digests)
        remote = sighting.here
        drifted = delivery.drifted(known, remote)
        account.outcomes["audited"] += 1
        if drifted:
            account.outcomes["drifted"] += 1
            log.warning("record.drift", foreign_id=known.foreign_id, gomus_id=known.gomus_id, fields=list(drifted))
        is_mended = drifted and sync.fix_drift
        shown = delivery.as_shown(known, remote, drifted) if remote and is_mended else None
        ledger.note_verified(known, drifted if remote else [sighting.whereabouts.mark], shown)
