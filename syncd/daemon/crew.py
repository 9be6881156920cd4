"""The runs under way, each in a thread of its own with a connection to the state database of its own."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from syncd import log as logs
from syncd.daemon.apart import conduct_apart
from syncd.daemon.conducting import conduct
from syncd.daemon.order import Ended, Order
from syncd.gomus.client import Observe


def carry_out(order: Order, stopping: threading.Event, observing: Callable[[str], Observe]) -> Ended:
    """Here, or in a process of its own."""
    how = conduct_apart if order.config.daemon.isolate_runs else conduct
    return how(order, stopping, observing)


@dataclass(slots=True, kw_only=True)
class Crew:
    """Starts runs, and knows which still go on. `hand_in` is called in their threads; `observing` watches calls.

    Once `stopping` is set, no run begins another batch, and nothing waits any more.
    """

    hand_in: Callable[[Ended], None]
    observing: Callable[[str], Observe]
    stopping: threading.Event = field(default_factory=threading.Event)
    _threads: dict[threading.Thread, str] = field(default_factory=dict)

    def start(self, order: Order) -> None:
        self._forget_ended()
        name = order.sync.name
        thread = threading.Thread(target=self._conduct, args=(order,), name=f"run {name}", daemon=True)
        self._threads[thread] = name
        thread.start()

    def _conduct(self, order: Order) -> None:
        with logs.bound(replica=order.replica):
            self.hand_in(carry_out(order, self.stopping, self.observing))

    def _forget_ended(self) -> None:
        self._threads = {thread: name for thread, name in self._threads.items() if thread.is_alive()}

    def wait(self, seconds: float) -> list[str]:
        """Wait so long for the runs to end; answers those that did not."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._forget_ended()
        return sorted(self._threads.values())
