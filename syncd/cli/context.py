"""What every command starts from: the options before it, the configuration, the syncs that it names."""

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import typer

from syncd import log
from syncd.cli.exits import FAILED, USAGE, failing_in_words, stop
from syncd.config import find_config, load
from syncd.config.model import Config, SyncConfig
from syncd.domain.nearest import find_nearest
from syncd.report.files import opening_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options before the command."""

    config: Path | None
    log_format: log.LogFormat | None
    verbose: bool = False

    def configure_log(self, stream: TextIO) -> None:
        log.configure(self.log_format, stream, is_calm=not self.verbose)

    def load(self, *, is_offline: bool = False) -> Config:
        return load(find_config(self.config, os.environ), os.environ, is_offline=is_offline)


def options(context: typer.Context) -> Options:
    found = context.find_object(Options)
    assert found is not None  # noqa: S101 - the callback before every command puts it there
    return found


@contextmanager
def answering(context: typer.Context) -> Iterator[Options]:
    """For commands that print an answer: it alone goes to standard output, logs and failures to standard error."""
    chosen = options(context)
    chosen.configure_log(sys.stderr)
    with failing_in_words():
        yield chosen


@contextmanager
def configured(context: typer.Context) -> Iterator[Config]:
    """For commands that answer out of a configuration without mistakes."""
    with answering(context) as chosen:
        yield chosen.load()


def pick(loaded: Config, names: list[str]) -> list[SyncConfig]:
    """The named syncs, or all."""
    unknown = [name for name in names if name not in loaded.syncs]
    if unknown:
        known = ", ".join(loaded.syncs)
        near = find_nearest(unknown[0], loaded.syncs)
        hint = f"Did you mean {near!r}? " if near else ""
        stop(f"There is no sync {unknown[0]!r}. {hint}The configuration has: {known}.", USAGE)
    return [loaded.syncs[name] for name in dict.fromkeys(names)] or list(loaded.syncs.values())


def zone_of(loaded: Config, name: str | None) -> ZoneInfo:
    """The time zone of a sync, or of the first one where the configuration no longer has it."""
    return (loaded.syncs.get(name or "") or next(iter(loaded.syncs.values()))).timezone


def answer(as_json: bool, found: object, lines: Iterable[str]) -> None:
    """Print an answer: for scripts as JSON, for people in lines."""
    if as_json:
        print_json(found)
    else:
        for line in lines:
            print(line)


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """End the command where the file can't be written."""
    try:
        yield
    except OSError as error:
        stop(f"{file} can't be written ({error.strerror}).", FAILED)


def write_page(file: Path, page: str) -> None:
    """Readable for its owner only."""
    with writing(file), opening_private(file) as opened:
        opened.write(page)


def print_json(found: object) -> None:
    is_wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(found, ensure_ascii=not is_wide, indent=2, default=str))


def who() -> str:
    """The person or account that gives the word, for the record."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a container's user has no name
        return f"uid {os.getuid()}@{socket.gethostname()}"
