"""The watch of one process over all its syncs: it judges the alarms after each run and each minute."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import structlog

from syncd.alerts.alarms import Alarms
from syncd.alerts.channels import Channels, Message
from syncd.config.model import Config, NotifyOptions
from syncd.domain.runs import Summary
from syncd.errors import StateUnusable

log = structlog.get_logger()
LOST = "state database"


class Watch:
    """Judges alarms for as long as the process lives, also while the state database is lost."""

    def __init__(
        self,
        config: Callable[[], Config],
        opening: Callable[[Config, NotifyOptions], AbstractContextManager[Alarms]],
        since: datetime,
    ) -> None:
        self._config = config
        self._opening = opening
        self._since = since
        self._is_lost = False

    def after_run(self, summary: Summary, now: datetime) -> None:
        if not summary.is_cut:  # it is begun again, and tells its end then
            self._act(lambda alarms: alarms.after_run(summary, now))

    def each_minute(self, now: datetime) -> None:
        self._act(lambda alarms: alarms.check_overdue(now, self._since))

    def _act(self, act: Callable[[Alarms], None]) -> None:
        config = self._config()
        if config.notify is None:
            return
        try:
            with self._opening(config, config.notify) as alarms:
                act(alarms)
        except StateUnusable as error:
            self._tell_lost(config.notify, "raised", str(error))
        except Exception as error:
            log.critical("crashed", exc_info=error)
        else:
            self._tell_lost(config.notify, "over", "The state database can be used again.")

    def _tell_lost(self, options: NotifyOptions, state: str, text: str) -> None:
        """Report that the state database is lost; only this object can remember that it was reported."""
        is_lost = state == "raised"
        if is_lost != self._is_lost and Channels(options).send(Message(sync=LOST, kind="lost", state=state, text=text)):
            self._is_lost = is_lost
