"""What is done where a run enters a state that is of another instance, or an older one than it should be."""

import structlog

from syncd.domain.changes import Create
from syncd.errors import StateUnusable
from syncd.runs.requests import instance_of, place_of
from syncd.runs.world import Sync, World
from syncd.state.erasures import Erased
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall
from syncd.state.runs import Entry

log = structlog.get_logger()
ELSEWHERE = "the state is of another instance than the one that is configured"
MOVING = "put its `url` right; or run the sync, which drops what is known of the other one and adopts customers anew"


def refuse_another_instance(recall: Recall) -> None:
    """For whatever only looks. Raises StateUnusable where the state of the sync is of another instance."""
    if recall.store.runs.is_elsewhere(recall.sync, recall.instance.address):
        raise StateUnusable(ELSEWHERE, remedy=f"{MOVING}; to look first, give this instance a state of its own")


def make_ledger(sync: Sync, world: World, erased: Erased, *, run_id: str, fence: int) -> Ledger:
    return Ledger(
        store=world.store,
        digester=world.digester,
        sync=sync.name,
        instance=instance_of(sync, world),
        erased=erased,
        linked=world.erasures.linked(place_of(sync), erased),
        run_id=run_id,
        fence=fence,
        clock=world.clock,
        patience=sync.gomus.patience,
        recreate_vanished=sync.recreate_vanished and Create in sync.limits.actions,
        shared_email=sync.gomus.shared_email,
    )


def make_fit(sync: Sync, ledger: Ledger, entry: Entry, *, is_restored: bool, may_move: bool) -> None:
    """Raises StateUnusable where it may not move to the instance that is configured."""
    if not (entry.is_same_instance or may_move):
        raise StateUnusable(ELSEWHERE, remedy=MOVING)
    if entry.is_new_there:
        with ledger.writing() as store:
            store.instances.forget(sync.instance)
    if not entry.is_same_instance:
        log.warning("state.other_instance", remedy="what is known is dropped; customers are adopted anew")
        ledger.move_to(ledger.instance.address)
    elif is_restored:
        log.warning("state.restored", remedy="nobody is deleted in this run, and grace begins anew")
        with ledger.writing() as store:
            store.forget_absence(sync.name)
