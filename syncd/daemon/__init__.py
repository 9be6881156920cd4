"""`syncd` without a command: every sync on its schedule, and on request, until a signal says to stop.

`agenda` decides what is due, `desk` does what is to be done, `post` tells whether it is ours to do. `crew` carries runs
out by `conducting` or, in a process of their own, by `apart`; `order` is what it hands over. `waking` wakes, `reading`
reads the configuration again, `page` serves the status page, `service` holds them together. `worker` is
`syncd worker`, which does what a queue holds.
"""

from syncd.daemon.service import serve

__all__ = ["serve", "worker"]
