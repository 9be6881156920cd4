"""What SIGTERM and Ctrl-C do to a command: what writes ends in order, what only reads ends at once."""

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from syncd.cli.exits import FAILED, stop

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopping_on_signals() -> Iterator[threading.Event]:
    """The first signal lets the calls under way end and be recorded; the second ends the process."""
    stopping = threading.Event()
    heard: queue.SimpleQueue[None] = queue.SimpleQueue()

    def listen() -> None:
        heard.get()
        stopping.set()

    # In a thread: a handler interrupts whoever waits for the event, and to set it there may wait for that one.
    threading.Thread(target=listen, name="signals", daemon=True).start()
    with _hearing(lambda: heard.put(None)):
        try:
            yield stopping
        finally:
            heard.put(None)  # the thread ends too


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """The first signal ends the command in words, wherever it is; the second ends the process."""
    with _hearing(_interrupt):
        try:
            yield
        except KeyboardInterrupt:
            stop("Stopped before its end; nothing was changed.", FAILED)


def _interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def _hearing(act: Callable[[], None]) -> Iterator[None]:
    def hear(_number: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        act()

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
