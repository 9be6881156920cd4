"""What SIGTERM and Ctrl-C do to a command: what writes ends in order, what only reads ends at once."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from syncd.cli.exits import FAILED, stop
from syncd.machine import signals


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
    with signals.hearing(lambda _name: heard.put(None)):
        try:
            yield stopping
        finally:
            heard.put(None)  # the thread ends too


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """The first signal ends the command in words, wherever it is; the second ends the process."""
    with signals.hearing(_interrupt):
        try:
            yield
        except KeyboardInterrupt:
            stop("Stopped before its end; nothing was changed.", FAILED)


def _interrupt(_name: str) -> None:
    raise KeyboardInterrupt
