"""Questions to the state database: `status`, `history`, `show`, `held`, `failures`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from syncd.assembly import State, looking_at_state, now
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, PROBLEMS
from syncd.config.model import SyncConfig
from syncd.domain.guards import how_to_release
from syncd.report.files import write_csv
from syncd.report.standing import run_as_json, run_as_line, standing_as_json, standing_as_lines, standings
from syncd.report.words import iso, plain
from syncd.state.board import Board, Replica
from syncd.state.lease import holder_of

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def status(context: typer.Context, json: AsJson = False) -> None:
    """Show each sync: its last and next run, how many customers it knows, what is held and what failed."""
    with ctx.configured(context) as config, looking_at_state(config) as state:
        daemons = Board(state.engine).alive(now())
        found = list(standings(config.syncs.values(), state.store, now(), partial(_next_run, daemons)))
        holders = {one.sync: holder_of(state.engine, one.sync) for one in found}
        as_json = [
            standing_as_json(one) | _served_as_json(one.sync, daemons) | {"holder": holders[one.sync]} for one in found
        ]
        running = [f"{sync}: is run by {holder}" for sync, holder in holders.items() if holder]
        serving = [_daemon_as_line(daemon) for daemon in daemons] or ["No daemon is running: nothing runs by itself."]
        broken = [f"mistake: {problem.located}" for problem in config.mistakes]
        ctx.answer(json, as_json, chain(*map(standing_as_lines, found), running, broken, serving))


def _next_run(daemons: Sequence[Replica], sync: SyncConfig) -> datetime | None:
    """From a daemon, which also knows an overdue run; otherwise from the schedule."""
    told = [moment for daemon in daemons if (moment := daemon.agenda.get(sync.name))]
    return min(told, default=sync.schedule.next_after(now()) if sync.schedule else None)


def _served_as_json(sync: str, daemons: Sequence[Replica]) -> dict[str, object]:
    return {
        "daemons": [daemon.name for daemon in daemons if sync in daemon.agenda],
        "is_running": any(sync in daemon.running for daemon in daemons),
    }


def _daemon_as_line(daemon: Replica) -> str:
    seconds = max(0, round((now() - daemon.seen_at).total_seconds()))
    idle = "waiting" if daemon.is_at_work else "stands by, to take over when the one at work ends"
    doing = f"running {', '.join(daemon.running)}" if daemon.running else idle
    return f"daemon {daemon.name}: {doing}; last sign of life {seconds} s ago"


def history(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs.")] = 20,
    json: AsJson = False,
) -> None:
    """List past runs, the latest first."""
    with ctx.configured(context) as config, looking_at_state(config) as state:
        names = [sync.name for sync in ctx.pick(config, [name])] if name else [None]
        rows = [row for one in names for row in state.store.runs.latest(one, limit)]
        rows = sorted(rows, key=attrgetter("started_at"), reverse=True)[:limit]
        ctx.answer(
            json,
            [run_as_json(row, config.zone_of(row.sync)) for row in rows],
            [run_as_line(row, config.zone_of(row.sync)) for row in rows] or ["No run yet."],
        )


HELD_COLUMNS = ("sync", "foreign_id", "action", "fields", "guard", "since")


def held(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    file: Annotated[Path | None, typer.Option("--csv", help="Write the list to this file.")] = None,
    json: AsJson = False,
) -> None:
    """List every change that a guard holds: of whom, what it would do, since when. `syncd approve` releases them.

    Exit code: 0 where nothing is held, 3 where something is.
    """
    with ctx.configured(context) as config, looking_at_state(config) as state:
        syncs = ctx.pick(config, [name] if name else [])
        rows = [row for sync in syncs for row in _held_of(state, sync)]
        if file is not None:
            with ctx.writing(file):
                write_csv(file, HELD_COLUMNS, [{**row, "fields": ", ".join(row["fields"])} for row in rows])
        if json or file is None:
            ctx.answer(json, rows, chain.from_iterable(_held_in_words(state, sync, rows) for sync in syncs))
        raise typer.Exit(PROBLEMS if rows else DONE)


def _held_of(state: State, sync: SyncConfig) -> Iterator[dict[str, Any]]:
    for foreign_id, change in state.store.held.each(sync.name):
        yield {
            "sync": sync.name,
            "foreign_id": foreign_id,
            "action": change.action,
            "fields": list(change.fields),
            "guard": ", ".join(change.guards),
            "since": iso(change.since, sync.timezone),
        }


def _held_in_words(state: State, sync: SyncConfig, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    own = [row for row in rows if row["sync"] == sync.name]
    found = state.store.held.find(sync.name)
    if not (own and found):
        yield f"{sync.name}: nothing is held."
        return
    yield f"{sync.name}: {len(own)} held"
    yield from (f"  by the guard '{guard}': {reason}" for guard, reason in found.guards.items())
    for row in own:
        fields = f" ({', '.join(row['fields'])})" if row["fields"] else ""
        yield f"  {row['action']} {row['foreign_id']}{fields}  {row['guard']}, since {plain(row['since'])}"
    yield f"  {how_to_release(sync.name)}"


FAILURE_COLUMNS = ("sync", "foreign_id", "kind", "place", "field", "reason", "since", "next_try_at")


def failures(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    file: Annotated[
        Path | None, typer.Option("--csv", help="Write the list to this file, for the source's owner.")
    ] = None,
    json: AsJson = False,
) -> None:
    """List the records that could not be synced, and why: invalid ones and those that go~mus refused."""
    with ctx.configured(context) as config, looking_at_state(config) as state:
        rows = [row for sync in ctx.pick(config, [name] if name else []) for row in _failures_of(state, sync)]
        if file is not None:
            with ctx.writing(file):
                write_csv(file, FAILURE_COLUMNS, rows)
        if json or file is None:
            ctx.answer(json, rows, [_failure_in_words(row) for row in rows] or ["Nothing failed."])
        raise typer.Exit(PROBLEMS if rows else DONE)


def _failures_of(state: State, sync: SyncConfig) -> list[dict[str, str]]:
    zone = sync.timezone
    invalid = [
        {
            "sync": sync.name,
            "foreign_id": row.foreign_id or "",
            "kind": "invalid",
            "place": row.position,
            "field": problem.field,
            "reason": problem.reason,
            "since": "",
            "next_try_at": "when the record is mended",
        }
        for row in state.store.failures.invalid(sync.name)
        for problem in row.problems
    ]
    refused = [
        {
            "sync": sync.name,
            "foreign_id": row.foreign_id,
            "kind": "refused",
            "place": f"go~mus ({row.action})",
            "field": "",
            "reason": row.reason,
            "since": iso(row.since, zone),
            "next_try_at": iso(row.next_try_at, zone),
        }
        for row in state.store.failures.refused(sync.name)
    ]
    return invalid + refused


def _failure_in_words(row: dict[str, str]) -> str:
    field = f" {row['field']}" if row["field"] else ""
    name = row["foreign_id"] or "no id"
    again = plain(row["next_try_at"]) if row["since"] else row["next_try_at"]
    return f"{row['sync']}  {name}  {row['place']}:{field} {row['reason']} (tried again: {again})"
