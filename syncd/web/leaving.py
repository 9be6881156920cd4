"""Metrics of a command that ends: nobody can ask it, so it leaves them in a file or with a Pushgateway."""

from http.client import HTTPException

import structlog
from prometheus_client import CollectorRegistry, push_to_gateway, write_to_textfile

from syncd.assembly import now
from syncd.config.metrics import MetricsOptions
from syncd.config.model import Config
from syncd.web.metrics import Standings

log = structlog.get_logger()
READABLE = 0o644  # for the exporter, which is another account; nothing personal is in it
LONGEST = 10.0  # seconds that a Pushgateway has


def leave_metrics(config: Config, options: MetricsOptions) -> None:
    """How the syncs stand. What can't be left is told in the log, and fails no run."""
    registry = CollectorRegistry()
    registry.register(Standings(lambda: config, now, is_left=True))
    if path := options.path(config.base):
        try:
            write_to_textfile(str(path), registry)
            path.chmod(READABLE)
        except OSError as error:
            remedy = "see that its folder is there, and that the user that runs syncd may write in it"
            log.warning("metrics.failed", source=str(path), error=type(error).__name__, remedy=remedy)
    if gateway := options.pushgateway:
        try:
            push_to_gateway(gateway, options.job, registry, timeout=LONGEST)
        except (OSError, HTTPException) as error:
            remedy = "look at the Pushgateway, and at metrics.pushgateway"
            log.warning("metrics.failed", source=gateway, error=type(error).__name__, remedy=remedy)
