"""Progress of long work on a terminal, and the stream of the log, which may go to the same terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from syncd.cli.output import silence_output

Report = Callable[[str, int, int | None], None]


@contextmanager
def showing_progress(name: str) -> Iterator[Report]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _stage, _done, _total: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # Lines for the same terminal are written above the bar; those for a file must stay out of it.
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(name, total=None)
        yield lambda stage, done, total: bar.update(task, description=f"{name}: {stage}", completed=done, total=total)


class _LogStream:
    """Standard output as it is at the moment of writing, because a progress bar replaces it for a while.

    Each line leaves when it is written, but for those that are held to leave together. Where its reader has gone away
    (`| head`) or its disk is full, the run goes on all the same.
    """

    encoding = property(lambda _self: sys.stdout.encoding)

    def __init__(self) -> None:
        self._held: list[str] | None = None
        self._lock = Lock()

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def write(self, text: str) -> None:
        with self._lock:
            if self._held is not None:
                self._held.append(text)
            else:
                _write(text)

    def flush(self) -> None:
        """Lines leave by themselves."""

    @contextmanager
    def holding(self) -> Iterator[None]:
        with self._lock:
            self._held = held = list[str]()
        try:
            yield
        finally:
            with self._lock:
                self._held = None
                _write("".join(held))


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        _write_no_more(error)


def _write_no_more(error: OSError) -> None:
    silence_output()
    with contextlib.suppress(OSError):
        print(f"The log can't be written any more ({error.strerror}); the run goes on.", file=sys.stderr)


def log_stream() -> TextIO:
    return cast("TextIO", _LogStream())
