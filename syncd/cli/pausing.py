"""`syncd pause` and `resume`: a person lets the schedule of a sync rest."""

from datetime import datetime, tzinfo
from typing import Annotated

import typer

from syncd.assembly import now, opening_state
from syncd.cli import context as ctx
from syncd.cli.exits import USAGE, stop
from syncd.report.pausing import RESTS, how_to_resume, in_words
from syncd.state.pauses import Pause

FORMS = "a date such as 2026-12-24, which is when that day begins, or a time such as 2026-12-24T08:00"


def pause(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"When it goes on by itself: {FORMS}; left out: never.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who has decided; left out: who runs this command.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="A reason to keep.")] = None,
) -> None:
    """Let a sync rest: no run by schedule, and none by the web trigger, until `syncd resume` or the time is over.

    A run under way goes on to its end. `syncd --once` and `syncd trigger` run the sync all the same, and say so.
    """
    with ctx.configured(context) as config:
        sync = ctx.pick_one(config, name)
        name = sync.name
        at = now()
        ends = _read(until, sync.timezone, at) if until is not None else None
        with opening_state(config) as state:
            state.store.pauses.begin(Pause(sync=name, since=at, until=ends, by=by or ctx.who(), why=why))
            found = state.store.pauses.find(name, at)
        if found:
            print(f"{name}: {in_words(found, sync.timezone)}. {RESTS.capitalize()}; {how_to_resume(name)}.")


def _read(text: str, zone: tzinfo, at: datetime) -> datetime:
    """What has no zone is meant in that of the sync."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        stop(f"--until {text}: is no time; write {FORMS}.", USAGE)
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    if found <= at:
        stop(f"--until {text}: is over already; name a time to come, or leave it out.", USAGE)
    return found


def resume(context: typer.Context, name: Annotated[str, typer.Argument(help="The sync.")]) -> None:
    """Let a paused sync run again. A daemon starts one run at once for all that the schedule has missed."""
    with ctx.configured(context) as config:
        name = ctx.pick_one(config, name).name
        with opening_state(config) as state:
            was_paused = state.store.pauses.end(name, now())
        print(f"{name}: its schedule goes on." if was_paused else f"{name} is not paused.")
