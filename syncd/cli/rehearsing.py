"""`rehearse`: the real list against a sandbox in memory, then broken copies of it."""

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from syncd import log
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, PROBLEMS
from syncd.cli.progress import Report, showing_progress
from syncd.cli.stopping import ending_on_signals
from syncd.config.model import SyncConfig
from syncd.rehearsal.rehearsal import Outcome, Rehearsal
from syncd.rehearsal.telling import as_json, as_lines, first_as_json, first_as_lines


def rehearse(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Try the real list against a sandbox in memory, then broken copies of it: what stops each.

    Needs no token, asks no go~mus, and takes any word for a look-up. First the list as it is: what a first run makes of
    it. Then copies as they come from a night that went wrong: empty, cut at a line end and within a cell, encoded
    twice, zeros lost, columns swapped, header gone. Each is run by the same code as every run, with your guards: on the
    next night, and once more when grace is over. Example: `syncd rehearse members`

    Exit code: 0 where each copy is stopped that the default guards stop, 3 where yours let one through; what nothing
    can tell is named, with what would. 1 where the list can't be read, 2 for a mistake in the configuration.
    """
    with ending_on_signals(), ctx.answering(context) as chosen:
        config = chosen.load(is_offline=True)
        sync = ctx.pick_one(config, name)
        found: list[object] = []
        with (
            tempfile.TemporaryDirectory(prefix="syncd-rehearsal-") as folder,
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            showing_progress(sync.name) as progress,
        ):
            log.configure("json", nowhere)  # no run of a rehearsal is one of the log's
            code = _tell(
                Rehearsal(config, sync, Path(folder), partial(_step, progress)), sync, found, is_shown=not json
            )
        if json:
            ctx.print_json(found)
        raise typer.Exit(code)


def _tell(rehearsal: Rehearsal, sync: SyncConfig, found: list[object], *, is_shown: bool) -> int:
    """Each line as soon as it is known, where it `is_shown`; the exit code."""
    first = rehearsal.begin()
    found.append(first_as_json(first, sync))
    if is_shown:
        print(*first_as_lines(first, sync), sep="\n", flush=True)
    code = DONE if first.loaded else PROBLEMS
    for one in rehearsal.each():
        found.append(as_json(one, sync))
        if is_shown:
            print(*as_lines(one, sync), sep="\n", flush=True)
        if one.outcome is Outcome.NOT_STOPPED:
            code = PROBLEMS
    return code


def _step(progress: Report, step: str) -> Report:
    return lambda stage, done, total: progress(f"{step}: {stage}", done, total)
