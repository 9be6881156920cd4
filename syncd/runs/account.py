"""What has come of a run's calls so far: told in the log, counted for the summary."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from syncd.domain.changes import Create, Outcome, Result, names_sent

log = structlog.get_logger()
# Planned so; a summary counts what was done
DONE_BY_CALLS = {"create", "link", "update", "delete", "release", "unclear", "taken_over"}


@dataclass(slots=True, kw_only=True)
class Account:
    """`due` is how many changes there are. `unsettled` counts what has to be read again: stale, or failed without a
    refusal. `unreached` is why go~mus said nothing, where that is the last that was heard of it, and `last` whom the
    last call was about.
    """

    progress: Callable[[str, int, int | None], None]
    due: int = 0
    unsettled: int = 0
    unreached: str | None = None
    last: str | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    _log: Any = field(default_factory=log.bind, init=False, repr=False)  # found once: there is a line for each outcome

    def report(self, outcome: Outcome) -> None:
        action, result = outcome.action.value, outcome.result.value
        if not _is_unclear(outcome):  # they are counted in the end
            self.outcomes[action if outcome.result is Result.OK else result] += 1
        self.unreached = None if outcome.reached else outcome.error
        self.last = outcome.change.foreign_id
        self.unsettled += outcome.stale or (outcome.result is Result.FAILED and not outcome.refused)
        self.results[action, result] += 1
        self.progress("carrying out", self.results.total(), self.due)
        tell = self._log.info if outcome.result is not Result.FAILED else self._log.warning
        tell(
            "record.outcome",
            foreign_id=outcome.change.foreign_id,
            gomus_id=outcome.gomus_id,
            action=action,
            result=result,
            fields=sorted(names_sent(outcome.change)),
            status=outcome.status,
            attempts=outcome.attempts,
            error=outcome.error,
        )

    @property
    def has_failures(self) -> bool:
        return bool(self.outcomes[Result.FAILED.value])

    def counts(self, planned: Mapping[str, int]) -> dict[str, int]:
        """What was planned and needs no call, and what was done."""
        return {name: count for name, count in planned.items() if name not in DONE_BY_CALLS} | +self.outcomes


def _is_unclear(outcome: Outcome) -> bool:
    return isinstance(outcome.change, Create) and not outcome.settled
