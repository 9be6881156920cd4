"""What the page and the metrics ask the daemon; they read everything else from the state database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from syncd.config.model import Config


class DaemonView(Protocol):
    """May be asked from any thread."""

    @property
    def config(self) -> Config:
        """The configuration in force."""

    def problems(self) -> Sequence[str]:
        """Why the daemon is not ready, in words for the operator; empty where it is."""

    def next_run(self, sync: str) -> datetime | None: ...

    def running(self) -> Collection[str]:
        """The syncs of which this process carries out a run now."""
