"""What every command starts from: the options before it, the configuration, the syncs that it names."""

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import typer

from syncd import log
from syncd.cli.exits import FAILED, USAGE, failing_in_words, stop
from syncd.config import find_config, load
from syncd.config.model import Config, SyncConfig
from syncd.domain.museums import museum_of, own_name
from syncd.domain.nearest import find_nearest
from syncd.errors import Misconfigured
from syncd.machine.processes import account
from syncd.report.files import opening_private

MOST_LISTED = 20


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
    """For commands that answer out of a configuration without mistakes; museums with some are left out, and named."""
    with answering(context) as chosen:
        config = chosen.load()
        for museum in config.broken.values():
            print(f"{museum.file} has mistakes, and is left out: `syncd check` tells them.", file=sys.stderr)
        yield config


def pick(loaded: Config, names: list[str]) -> list[SyncConfig]:
    """The named syncs, those of a named museum, or all. A sync's own name will do where only one museum has it."""
    found = [sync for name in names for sync in _named(loaded, name)]
    return list({sync.name: sync for sync in found}.values()) if names else list(loaded.syncs.values())


def pick_one(loaded: Config, name: str) -> SyncConfig:
    found = _named(loaded, name)
    if len(found) > 1:
        stop(f"The museum {name!r} has several syncs: name one of {_listed(found)}.", USAGE)
    return found[0]


def _named(loaded: Config, name: str) -> list[SyncConfig]:
    if name in loaded.syncs:
        return [loaded.syncs[name]]
    if own := [sync for sync in loaded.syncs.values() if museum_of(sync.name) == name and name]:
        return own
    alike = [sync for sync in loaded.syncs.values() if own_name(sync.name) == name]
    if len(alike) > 1:
        stop(f"Several museums have a sync {name!r}: name one of {_listed(alike)}.", USAGE)
    if alike:
        return alike
    if broken := loaded.broken.get(museum_of(name) or name):
        raise Misconfigured(broken.problems)
    near = find_nearest(name, loaded.syncs)
    hint = f"Did you mean {near!r}? " if near else ""
    known = f"has: {_listed(loaded.syncs.values())}" if loaded.syncs else "has none"
    return stop(f"There is no sync {name!r}. {hint}The configuration {known}.", USAGE)


def _listed(syncs: Collection[SyncConfig]) -> str:
    names = [sync.name for sync in syncs]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more


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
    return account()
