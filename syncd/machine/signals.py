"""How a process is told to stop, or to read its configuration anew."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP = tuple(signal.Signals[name] for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name))
RELOAD = tuple(signal.Signals[name] for name in ("SIGHUP",) if hasattr(signal, name))  # Windows has nothing like it


@contextmanager
def hearing(stop: Callable[[str], object], reload: Callable[[], object] | None = None) -> Iterator[None]:
    """In the block the first signal to stop calls `stop` with its name, and the second ends the process.

    Both are called between any two steps of the main thread, so they may do next to nothing.
    """

    def hear(number: int, _frame: FrameType | None) -> None:
        for one in STOP:
            signal.signal(one, signal.SIG_DFL)
        stop(signal.Signals(number).name)

    def read_anew(_number: int, _frame: FrameType | None) -> None:
        if reload is not None:
            reload()

    handlers = dict.fromkeys(STOP, hear) | dict.fromkeys(RELOAD if reload else (), read_anew)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
