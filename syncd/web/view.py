"""What the page and the metrics ask of the daemon; all else they read from the state database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from syncd.config.model import Config


class DaemonView(Protocol):
    """Asked from other threads than the daemon's own."""

    @property
    def config(self) -> Config:
        """The one in force."""

    def problems(self) -> Sequence[str]:
        """Why the daemon is not ready, in words for the operator; empty where it is."""

    def next_run(self, sync: str) -> datetime | None: ...

    def running(self) -> Collection[str]:
        """The syncs of which this process carries out a run now."""
