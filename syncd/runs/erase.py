"""Erasure on request: at once, without grace, and a later read of the source does not take it back.

The tombstone and the customer's stage are written in one transaction, before anything is written to go~mus. If the
process is killed after that, the next run of the sync finishes the erasure.
"""

from syncd.domain.changes import Cause, Erase
from syncd.domain.runs import Summary, Trigger
from syncd.runs.run import Run, opening
from syncd.runs.world import Sync, World


def erase(sync: Sync, world: World, foreign_id: str) -> Summary:
    """Anonymize, read back and delete one customer. Raises LeaseTaken where another process runs this sync."""
    with opening(sync, world, trigger=Trigger.ERASE) as run:
        return run.conduct(lambda _now: _erase(run, foreign_id))


def _erase(run: Run, foreign_id: str) -> Summary:
    run.settle_what_was_begun()
    known = run.ledger.store.known.find_one(run.ledger.sync, foreign_id)
    gomus_id = known.gomus_id if known else None
    if gomus_id is None and (remote := run.delivery.look(foreign_id)):
        gomus_id = remote.gomus_id
    run.ledger.note_erasure(foreign_id, gomus_id)
    if gomus_id is not None:
        with run.executor() as executor:
            executor.erase([Erase(foreign_id=foreign_id, gomus_id=gomus_id, cause=Cause.REQUEST)])
        if run.ledger.store.known.find_one(run.ledger.sync, foreign_id):
            run.world.stop_if_asked()
    return run.summary(run.status_of_outcomes())
