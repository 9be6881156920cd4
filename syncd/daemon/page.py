"""The status page beside the daemon, where the configuration asks for one."""

from contextlib import ExitStack

from syncd.config.model import WebOptions
from syncd.errors import Misconfigured
from syncd.web import DaemonView, Metrics, serving


class Page:
    """Served, moved or taken down as `[web]` says."""

    def __init__(self, daemon: DaemonView, metrics: Metrics) -> None:
        self._daemon = daemon
        self._metrics = metrics
        self._options: WebOptions | None = None
        self._served = ExitStack()

    def arrange(self, options: WebOptions | None) -> None:
        """Raises Misconfigured where the address can't be had; the page is then where it was before."""
        if options == self._options:
            return
        before = self._options
        self.close()  # first, for the new one may be at the same address
        try:
            self._serve(options)
        except Misconfigured:
            self._serve(before)
            raise

    def _serve(self, options: WebOptions | None) -> None:
        if options is not None:
            self._served.enter_context(serving(options, self._daemon, self._metrics))
        self._options = options

    def close(self) -> None:
        self._served.close()
        self._options = None
