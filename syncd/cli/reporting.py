"""`syncd report`: one run, or the runs of a time, as a page to keep or to send on."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from syncd.assembly import State, looking_at_state, now
from syncd.cli import context as ctx
from syncd.cli.exits import USAGE, sentence, stop
from syncd.domain.durations import parse_duration
from syncd.domain.languages import Language
from syncd.domain.nearest import find_nearest
from syncd.report.period import period_as_html, report_period
from syncd.report.run import report_as_html, report_run
from syncd.state.runs import RunRow

NEAR = 500  # among so many of the latest runs a nearest name is looked for


def report(
    context: typer.Context,
    run: Annotated[
        str | None, typer.Argument(help="The run, as `syncd history --json` has it; left out: the last.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="All runs of so long until now, such as 30d or 12h.")
    ] = None,
    sync: Annotated[str | None, typer.Option(help="The last run of this sync; with --since only this sync.")] = None,
    lang: Annotated[Language, typer.Option(help="The language of the page.")] = Language.ENGLISH,
    output: Annotated[
        Path | None, typer.Option(help="Write it to this file, readable for you only; else to standard output.")
    ] = None,
) -> None:
    """Write one run, or all runs of a time, as a page of HTML: counts, outcomes, changed fields, what is held.

    It tells what failed too; it names ids and fields, and holds no values.
    """
    if run is not None and since is not None:
        stop("Name a run, or a time with --since, not both.", USAGE)
    span = _span(since) if since is not None else None
    with ctx.configured(context) as config, looking_at_state(config) as state:
        syncs = ctx.pick(config, [sync] if sync else [])
        if span is None:
            row = _find(state, run, ctx.pick_one(config, sync).name if sync else None)
            page = report_as_html(report_run(state.store, row), config.zone_of(row.sync), lang)
        else:
            until = now()
            page = period_as_html(report_period(state.store, syncs, until - span), until - span, until, lang)
        if output is None:
            sys.stdout.buffer.write(page.encode())
        else:
            ctx.write_page(output, page)


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        stop(sentence(f"--since: {error}"), USAGE)


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
