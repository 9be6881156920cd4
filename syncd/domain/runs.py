"""A run in words: what started it, how it ended, and what it came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from syncd.domain.guards import Held


class Trigger(Enum):
    """What started a run; the names are those of the log and the state database."""

    SCHEDULE = "schedule"
    REQUEST = "request"  # `syncd trigger`
    COMMAND_LINE = "command line"
    DEMO = "demo"
    REHEARSAL = "rehearsal"  # against a sandbox
    ERASE = "erase"
    VERIFY = "verify"
    LINK = "link"
    ONLY = "single records"

    @property
    def is_whole(self) -> bool:
        """Whether the run reads the source and carries out what follows, as a scheduled run does."""
        return self not in (Trigger.ERASE, Trigger.VERIFY, Trigger.LINK, Trigger.ONLY)


WHOLE = tuple(trigger for trigger in Trigger if trigger.is_whole)


class Status(Enum):
    """How a run ended; the exit codes follow from it."""

    DONE = "done"
    PROBLEMS = "done with problems"  # records were invalid or refused
    HELD = "held"
    FAILED = "failed"
    STOPPED = "stopped"  # asked to; the next run goes on


SUCCEEDED = (Status.DONE, Status.PROBLEMS)
COMPLETE = (*SUCCEEDED, Status.HELD)  # what is held has been told, and the rest went through


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run came to.

    `counts`: each action with how many succeeded, `failed`, `skipped`, and what the plan counted beside changes.
    `outcomes`: how many of each action and result. `is_cut`: the state database was lost, or the lease; the run is to
    be begun again as soon as it may. `missing` are those who alone were meant, and are not in the source.
    """

    sync: str
    run_id: str
    status: Status
    counts: Mapping[str, int]
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    error: str | None = None
    remedy: str | None = None
    is_cut: bool = False
    missing: frozenset[str] = frozenset()


def failed_summary(sync: str, error: str, remedy: str | None) -> Summary:
    """The summary of a run that could not even begin."""
    return Summary(sync=sync, run_id="", status=Status.FAILED, counts={}, error=error, remedy=remedy)
