"""`forget`: a museum's contract has ended."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from syncd import __version__
from syncd.assembly import State, make_instance, now, opening_state
from syncd.cli import context as ctx
from syncd.cli.exits import BUSY, DONE, USAGE, stop
from syncd.config.model import Config
from syncd.report.files import opening_private
from syncd.state.board import Board
from syncd.state.forgetting import Departure, departing
from syncd.state.lease import take_lease


def forget(
    context: typer.Context,
    museum: Annotated[str, typer.Argument(help="The museum, whose file is no longer in the folder.")],
    export: Annotated[
        Path | None, typer.Option(help="Write what the state has to this file; left out: MUSEUM.jsonl.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Write out what the state has of a museum, and drop it. No customer in go~mus is touched.

    For the end of a contract: take the museum's file out of the folder first. The export has a line of JSON for each
    row: foreign ids, numbers in go~mus, runs, erasures; no names, addresses or other values, for the state has none.
    The ledger of erasures is kept.

    Exit code: 0, 2 where the file is still there or the state knows no such museum, 5 where it is being run.
    """
    with ctx.configured(context) as config:
        _require_gone(config, museum)
        with ExitStack() as stack:
            state = stack.enter_context(opening_state(config))
            with departing(state.engine, museum) as looking:
                syncs, customers = looking.syncs, looking.customers()
            if not syncs:
                stop(f"The state knows no museum {museum!r}.", USAGE)
            _refuse_served(Board(state.engine), syncs)
            leases = [stack.enter_context(take_lease(state.engine, name)) for name in syncs]
            if sys.stdin.isatty() and not yes and not typer.confirm(_question(museum, syncs, customers)):
                stop("Nothing was dropped.", DONE)
            file = export or Path(f"{museum}.jsonl")
            with departing(state.engine, museum, _used(config, state)) as departure:
                count, erased = _write(departure, file), departure.erased()
                for lease in leases:
                    lease.note(0)  # who comes back under this name begins anew, and no backup was restored
                departure.drop()
            state.store.shrink()
        print(f"{museum}: {count} rows are in {file}, and no longer in the state.")
        print(f"{customers} customers of {', '.join(syncs)} are left in go~mus as they are.")
        print("Nothing keeps them in step from now on, unless a sync of another name has them too.")
        if erased and not config.state.ledger:
            print(f"{erased} erasures on request are no longer known: under this go~mus a list may bring them back.")


def _used(config: Config, state: State) -> list[bytes]:
    """The addresses of the instances that museums have which stay."""
    return [make_instance(config, name, state).address for name in config.gomus]


def _question(museum: str, syncs: Sequence[str], customers: int) -> str:
    return f"Drop all that the state knows of {museum}: {len(syncs)} sync(s), {customers} customers?"


def _require_gone(config: Config, museum: str) -> None:
    if config.marks is None:
        stop("forget is for a folder of museums: --config DIR. For one museum, move the state database away.", USAGE)
    file = config.base / f"{museum}.toml"
    if museum in config.museums or file.exists():
        stop(f"{file} is still there, and its syncs run: move it out of the folder first.", USAGE)


def _refuse_served(board: Board, syncs: Sequence[str]) -> None:
    """What a daemon has in its agenda it may begin at any moment."""
    for replica in board.alive(now()):
        if not {*syncs}.isdisjoint({*replica.agenda, *replica.running}):
            stop(f"The daemon {replica.name} has not noticed yet that the file is gone: try again in a moment.", BUSY)


def _write(departure: Departure, file: Path) -> int:
    """How many rows; ends the command where the file can't be written, and then nothing is dropped."""
    if file.exists():
        stop(f"{file} is there already: name another with --export.", USAGE)
    head = {"museum": departure.museum, "syncs": departure.syncs, "at": now().isoformat(), "version": __version__}
    count = 0
    with ctx.writing(file), opening_private(file) as opened:
        opened.write(json.dumps(head, ensure_ascii=False) + "\n")
        for table, row in departure.rows():
            opened.write(json.dumps({"table": table, **row}, ensure_ascii=False) + "\n")
            count += 1
        opened.flush()
        os.fsync(opened.fileno())
    return count
