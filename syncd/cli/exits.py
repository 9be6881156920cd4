"""Turns what went wrong into words, a remedy and an exit code; the only place where that happens."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import indent
from typing import NoReturn

import structlog
import typer

from syncd.domain.runs import Status
from syncd.errors import LeaseTaken, Misconfigured, SyncdError

DONE, FAILED, USAGE, PROBLEMS, HELD, BUSY = 0, 1, 2, 3, 4, 5
GRAVITY = (USAGE, FAILED, BUSY, HELD, PROBLEMS, DONE)

CODES = {
    Status.DONE: DONE,
    Status.PROBLEMS: PROBLEMS,
    Status.HELD: HELD,
    Status.FAILED: FAILED,
    Status.STOPPED: FAILED,
}


def gravest(codes: list[int]) -> int:
    return min(codes, key=GRAVITY.index, default=DONE)


def code_of(error: SyncdError) -> int:
    match error:
        case Misconfigured():
            return USAGE
        case LeaseTaken():
            return BUSY
        case _:
            return FAILED


def say(error: SyncdError, *, about: str | None = None) -> None:
    if isinstance(error, Misconfigured):
        print(
            "The configuration has mistakes:" if len(error.problems) > 1 else "The configuration has a mistake:",
            file=sys.stderr,
        )
        for problem in error.problems:
            print(indent("\n".join(filter(None, (problem.located, problem.excerpt))), "  "), file=sys.stderr)
    else:
        print(_sentence(f"{about}: {error.shown}" if about else error.shown), file=sys.stderr)
    if error.remedy:
        print(_sentence(f"What to do: {error.remedy}"), file=sys.stderr)


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


def stop(message: str, code: int = USAGE) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def failing_in_words() -> Iterator[None]:
    """Let no traceback reach a user: print a known error, log an unknown one without values."""
    try:
        yield
    except SyncdError as error:
        say(error)
        raise typer.Exit(code_of(error)) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(DONE) from None
    except (typer.Exit, typer.Abort, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - the last resort
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            _give_up_answer(error)
        report_crash(error)
        raise typer.Exit(FAILED) from None


NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def answering_to_the_end() -> Iterator[None]:
    """Write the rest of the buffer here, where a failure can still be reported."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:  # its reader has read enough
            silence_output()
        except OSError as error:
            _give_up_answer(error)


def _give_up_answer(error: OSError) -> NoReturn:
    silence_output()
    print(f"The answer can't be written ({error.strerror}).", file=sys.stderr)
    raise SystemExit(FAILED)


def silence_output() -> None:
    """Discard standard output, also what is still in its buffer, so that nothing fails once more at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def report_crash(error: Exception) -> None:
    """Report the class and the places only, because the message may quote a value."""
    structlog.get_logger().critical("crashed", exc_info=error)
    print(f"syncd failed in a way that it does not know ({type(error).__name__}).", file=sys.stderr)
