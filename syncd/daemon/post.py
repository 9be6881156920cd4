"""The post of the daemon at work on a state: one has it by a lease, others stand by and take over when it is free."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from syncd.errors import LeaseTaken
from syncd.state.lease import DAEMON, Lease, holder_of, take_lease

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Post:
    """`ahead` is who has it while this daemon stands by. `refused` hears of that where it is not to wait."""

    refused: Callable[[LeaseTaken], None] | None
    ahead: str | None = None
    _lease: Lease | None = None

    @property
    def is_ours(self) -> bool:
        return self._lease is not None

    @property
    def problem(self) -> str | None:
        """Why a daemon that stands by is not ready."""
        return (
            f"{self.ahead} is at work on this state; this daemon takes over when that one ends" if self.ahead else None
        )

    def confirm(self) -> bool:
        """Whether it is ours. Raises LeaseLost where it was."""
        if self._lease is not None:
            self._lease.confirm()
        return self.is_ours

    def take(self, engine: Engine, during: ExitStack) -> bool:
        """Take it where it is free, for as long as the stack is open."""
        try:
            self._lease = during.enter_context(take_lease(engine, DAEMON))
        except LeaseTaken:
            self._stand_by(holder_of(engine, DAEMON) or "another process")
            return False
        return True

    def _stand_by(self, holder: str) -> None:
        if self.refused:
            why = f"another daemon, {holder}, is at work on this state"
            self.refused(
                LeaseTaken(why, remedy="stop that one, or start this one without --no-wait: it takes over then")
            )
        if holder != self.ahead:
            log.info("daemon.standby", holder=holder)
        self.ahead = holder

    def begin(self) -> str | None:
        """Answers who was ahead."""
        before, self.ahead, self.refused = self.ahead, None, None
        return before

    def drop(self) -> None:
        self._lease = None
