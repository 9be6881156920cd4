"""`syncd` without a command: every sync on its schedule, and on request, until a signal says to stop.

`agenda` decides what is due, `desk` does what is to be done, `post` tells whether it is ours to do, `crew` carries
runs out, `waking` wakes (APScheduler), `page` serves the status page, `service` holds them together.
"""

from syncd.daemon.service import serve

__all__ = ["serve"]
