"""Turns what went wrong into words, a remedy and an exit code; the only place where that happens."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import indent
from typing import NoReturn

import typer

from syncd.cli.crashes import report_crash
from syncd.cli.output import give_up_answer
from syncd.domain.runs import Status
from syncd.errors import LeaseTaken, Misconfigured, SyncdError
from syncd.machine.files import NO_ROOM

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
        print(sentence(f"{about}: {error.shown}" if about else error.shown), file=sys.stderr)
    if error.remedy:
        print(sentence(f"What to do: {error.remedy}"), file=sys.stderr)


def sentence(words: str) -> str:
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
            give_up_answer(error)
        report_crash(error)
        raise typer.Exit(FAILED) from None
