"""The queue and its workers, as the page and the metrics tell them; with a queue only."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from syncd.config.model import Config
from syncd.state.connect import advisory_key
from syncd.state.lease import DAEMON
from syncd.state.queue import Crowd, Line, WorkerSeen, count_jobs, look_around
from syncd.state.session import PROGRAM
from syncd.state.slots import slot_key


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStanding:
    """`leases` has the place of who runs a sync; `slots`, of each instance, the rights to a call that are taken."""

    lines: tuple[Line, ...]
    workers: tuple[WorkerSeen, ...]
    scheduler: str | None
    leases: Mapping[str, str]
    slots: Mapping[str, int]

    @property
    def places(self) -> int:
        return sum(worker.places for worker in self.workers)

    def runs_at(self, worker: WorkerSeen) -> int:
        """Those with a process of their own are not among them."""
        return sum(holder.endswith(worker.place) for holder in self.leases.values())


def look_at_queue(config: Config, engine: Engine) -> QueueStanding | None:
    """Raises StateUnusable."""
    if not config.daemon.queue:
        return None
    crowd = look_around(engine)
    holders = {sync: holder for sync in config.syncs if (holder := _holder(crowd, sync))}
    return QueueStanding(
        lines=tuple(sorted(count_jobs(engine), key=lambda line: line.name)),
        workers=crowd.workers,
        scheduler=_holder(crowd, DAEMON),
        leases=holders,
        slots={
            name: sum(slot_key(options.url, slot) in crowd.holders for slot in range(options.concurrency))
            for name, options in config.gomus.items()
        },
    )


def _holder(crowd: Crowd, purpose: str) -> str | None:
    name = crowd.holders.get(advisory_key(purpose))
    return name and name.removeprefix(PROGRAM)
