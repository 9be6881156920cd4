"""One run that the desk orders, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from syncd.config.model import Config, SyncConfig
from syncd.domain.due import Due
from syncd.domain.runs import Status, Summary, Trigger


class Fate(Enum):
    """How a run ended, seen from the desk."""

    ENDED = auto()
    CUT = auto()  # asked to stop, or without its database: somebody goes on
    CRASHED = auto()
    BUSY = auto()  # the sync is being run by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run to be done."""

    config: Config
    sync: SyncConfig
    replica: str
    due: Due

    @property
    def trigger(self) -> Trigger:
        return Trigger.REQUEST if self.due.moment is None else Trigger.SCHEDULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of an order; a summary for every run that others should hear of."""

    order: Order
    fate: Fate
    started: datetime
    finished: datetime
    summary: Summary | None = None

    @property
    def status(self) -> Status:
        return self.summary.status if self.summary else Status.FAILED


def is_cut(summary: Summary, *, is_stopping: bool) -> bool:
    """A run that was asked to stop may also say that calls failed: they were given up."""
    return summary.is_cut or summary.status is Status.STOPPED or (is_stopping and summary.status is Status.FAILED)
