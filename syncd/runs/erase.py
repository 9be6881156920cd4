"""Erasure on request: at once, without grace, and a later read of the source does not take it back.

What was asked is written down before anything else, and without the lease. Then whoever holds the lease carries it
out: this process, or the run under way; and if both are killed, the next run.
"""

from collections.abc import Sequence
from dataclasses import replace

from syncd.domain.runs import Status, Summary, Trigger
from syncd.errors import LeaseTaken, Stopped
from syncd.runs.requests import open_requests, request_erasure
from syncd.runs.run import Run, opening
from syncd.runs.world import Sync, World

PAUSE = 0.5  # seconds between two looks at a run that is under way
WAITING = "waiting for the run under way, which erases them between two calls"


def erase(
    sync: Sync, world: World, foreign_ids: Sequence[str], *, by: str | None = None, why: str | None = None
) -> Summary:
    """Anonymize, read back and delete these customers.

    Raises Misconfigured or Fatal where the ledger can't be written, and StateUnusable.
    """
    request_erasure(sync, world, foreign_ids, by=by, why=why)
    return carry_out(sync, world, foreign_ids)


def carry_out(sync: Sync, world: World, foreign_ids: Sequence[str]) -> Summary:
    """Do what was requested, or wait for the run that does it. Raises StateUnusable."""
    while True:
        try:
            with opening(sync, world, trigger=Trigger.ERASE) as run:
                return run.conduct(lambda _now: _erase(run, foreign_ids))
        except LeaseTaken as taken:
            under_way, left = taken.message, open_requests(sync, world, foreign_ids)
        if not left:
            return _done_elsewhere(sync)
        world.progress(f"{WAITING}: {under_way}", len(foreign_ids) - len(left), len(foreign_ids))
        try:
            world.sleep(PAUSE)
        except Stopped as stopped:
            return replace(_done_elsewhere(sync), status=Status.STOPPED, error=stopped.message, remedy=stopped.remedy)


def _done_elsewhere(sync: Sync) -> Summary:
    return Summary(sync=sync.name, run_id="", status=Status.DONE, counts={})


def _erase(run: Run, foreign_ids: Sequence[str]) -> Summary:
    run.erase_requested(foreign_ids)
    left = open_requests(run.sync, run.world, foreign_ids)
    if left:
        run.world.stop_if_asked()
    return run.summary(Status.PROBLEMS if left else run.status_of_outcomes())
