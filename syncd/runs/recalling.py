"""What a run is to remember of its sync, put together from the state."""

from collections.abc import Collection
from datetime import datetime

from syncd.runs.world import Sync
from syncd.state.ledger import Ledger
from syncd.state.recall import Recall


def recall(
    sync: Sync, ledger: Ledger, now: datetime, *, overdue: Collection[str] = (), waiting: frozenset[str] = frozenset()
) -> Recall:
    """`overdue` are the creates that this run is to make, or to meet; `waiting` as the recall has them."""
    store = ledger.store
    linking = (store.journal.linking(one) for one in {ledger.sync} | sync.kin)
    return Recall(
        store=store,
        digester=ledger.digester,
        sync=ledger.sync,
        instance=ledger.instance,
        now=now,
        erased=ledger.erased,
        unclear=store.journal.unclear(ledger.sync) - set(overdue),
        resends=bool(overdue) or (len(sync.kin) > 1 and store.likeness.is_due(ledger.sync)),
        waiting=waiting,
        shared_email=ledger.shared_email,
        linking=frozenset().union(*linking),
        kin=sync.kin,
        absence_context=ledger.digester.context(sync.absence_terms),
        counting=store.absences.counting(ledger.sync),
        mergers=store.mergers.of(ledger.sync),
        others=store.runs.neighbours(ledger.sync, ledger.instance.address, configured=sync.others, now=now),
    )
