"""Standard output and standard error, when they are narrow, full or gone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from syncd import __version__
from syncd.machine.files import NO_ROOM


@contextmanager
def answering_to_the_end() -> Iterator[None]:
    """Write the rest of the buffer here, where a failure can still be reported."""
    try:
        yield
    except BrokenPipeError:
        silence_output()
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        give_up_answer(error)
    finally:
        _flush()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # its reader has read enough
        silence_output()
    except OSError as error:
        give_up_answer(error)


def give_up_answer(error: OSError) -> NoReturn:
    silence_output()
    print(f"The answer can't be written ({error.strerror}).", file=sys.stderr)
    raise SystemExit(1)  # failed


def silence_output() -> None:
    """Discard standard output, also what is still in its buffer, so that nothing fails once more at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def survive_narrow_outputs() -> None:
    """Let outputs escape the characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if callable(reconfigure := getattr(stream, "reconfigure", None)):
            reconfigure(errors="backslashreplace")


def print_version() -> None:
    print(f"syncd {__version__}")
