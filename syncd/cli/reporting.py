"""`syncd report`: one run as a page to keep or to send on."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from syncd.assembly import State, looking_at_state
from syncd.cli import context as ctx
from syncd.cli.exits import USAGE, stop
from syncd.domain.nearest import find_nearest
from syncd.report.html import report_as_html, report_run
from syncd.state.runs import RunRow

NEAR = 500  # among so many of the latest runs a nearest name is looked for


def report(
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(help="The run, as `syncd history --json` has it; left out: the last.")
    ] = None,
    sync: Annotated[str | None, typer.Option(help="The last run of this sync.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write it to this file, readable for you only; else to standard output.")
    ] = None,
) -> None:
    """Write one run as a page of HTML: counts, outcomes, changed fields, failures; ids and fields, no values."""
    with ctx.configured(context) as config, looking_at_state(config) as state:
        ctx.pick(config, [sync] if sync else [])
        row = _find(state, run, sync)
        page = report_as_html(report_run(state.store, row), ctx.zone_of(config, row.sync))
        if output is None:
            sys.stdout.buffer.write(page.encode())
        else:
            ctx.write_page(output, page)


def _find(state: State, run: str | None, sync: str | None) -> RunRow:
    if run is None:
        return next(iter(state.store.runs.latest(sync, limit=1)), None) or stop(
            "There is no run yet to report on.", USAGE
        )
    row = state.store.runs.find(run)
    if row is None:
        near = find_nearest(run, (known.id for known in state.store.runs.latest(sync, limit=NEAR)), cutoff=0.8)
        hint = f" Did you mean {near}?" if near else ""
        stop(f"There is no run {run}.{hint} `syncd history --json` lists them.", USAGE)
    if sync and row.sync != sync:
        stop(f"The run {run} was one of {row.sync}, not of {sync}.", USAGE)
    return row
