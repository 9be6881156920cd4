"""`syncd` without a command is the daemon; `syncd trigger` asks it for a run."""

import time
from datetime import timedelta
from typing import Annotated

import typer

from syncd.assembly import looking_at_state, now, opening_board
from syncd.cli import context as ctx
from syncd.cli.exits import CODES, DONE, FAILED, failing_in_words, stop
from syncd.cli.progress import log_stream
from syncd.config.model import Config, WebOptions
from syncd.domain.runs import Status
from syncd.report.pausing import in_words
from syncd.state.board import Board, Request

ANSWERED_WITHIN = timedelta(seconds=5)
BEGUN_WITHIN = timedelta(seconds=1)
VOID_AFTER = timedelta(minutes=10)  # of a request whose command was killed before it could withdraw it
LOOK = 0.1


def run_daemon(context: typer.Context, *, waits: bool) -> None:
    chosen = ctx.options(context)
    chosen.configure_log(log_stream())
    with failing_in_words():
        from syncd.daemon import serve

        serve(chosen.load, waits=waits)


def _check_listen(listen: str | None) -> str | None:
    try:
        return listen and WebOptions(listen=listen).listen
    except ValueError:
        raise typer.BadParameter(f"{listen!r} is not an address and a port such as '127.0.0.1:8080'") from None


def worker(
    context: typer.Context,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", metavar="HOST:PORT", callback=_check_listen, help="Serve /metrics and /healthz there."
        ),
    ] = None,
) -> None:
    """Carry out the runs that the daemons put into the queue, until SIGTERM; where the table daemon has `queue`.

    Any number may work on one state; a worker does as many runs at once as `max_concurrent_runs` says.
    """
    chosen = ctx.options(context)
    chosen.configure_log(log_stream())
    with failing_in_words():
        if chosen.load().daemon.queue is None:
            stop('There is no queue to work on: [daemon] needs queue = "procrastinate". Without one, `syncd` does all.')
        from syncd.daemon.worker import work

        work(chosen.load, WebOptions(listen=listen) if listen else None)


def trigger(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The sync.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the run to end; its exit code is the answer.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Ask the running daemon for a run now. While one is under way, another follows right after it.

    Any daemon on the same state database may answer, also on another machine. Exit code: 0 once one has taken the
    request, 1 where none answers; with --wait that of the run.
    """
    with ctx.configured(context) as config:
        sync = ctx.pick_one(config, name)
        name = sync.name
        _require_daemon(config, name)
        with opening_board(config) as board:
            asked_at = now()
            pause = board.pauses.find(name, asked_at)
            id_ = board.ask(name, at=asked_at, expires_at=asked_at + VOID_AFTER)
            _await_taken(board, id_, name)
            taken = _await_end(board, id_, name) if wait else _await_beginning(board, id_)
        found = {
            "sync": name,
            "replica": taken.replica,
            "run": taken.run_id,
            "status": taken.status,
            "paused": pause is not None,
        }
        zone = sync.timezone
        goes_on = [f"{name} is {in_words(pause, zone)}: its schedule rests, this run goes on."] if pause else []
        ctx.answer(json, found, [_in_words(taken), *goes_on])
        raise typer.Exit(CODES[Status(taken.status)] if wait else DONE)


def _in_words(taken: Request) -> str:
    who = f"{taken.sync}: accepted by the daemon {taken.replica}"
    if taken.status:
        return f"{who}; run {taken.run_id or 'not begun'}: {taken.status}"
    return f"{who}; run {taken.run_id}" if taken.run_id else f"{who}; it begins as soon as what is under way has ended"


def _require_daemon(config: Config, name: str) -> None:
    with looking_at_state(config) as state:
        replicas = Board(state.engine).alive(now())
    if not replicas:
        stop(f"No daemon is running. Start `syncd`, or do the run here: `syncd --once --sync {name}`.", FAILED)
    if not any(replica.is_at_work for replica in replicas):
        return  # the next one takes over in a moment
    if not any(name in replica.agenda for replica in replicas):
        stop(f"The daemon that is running does not know {name}: let it read its configuration (SIGHUP).", FAILED)


def _await_taken(board: Board, id_: str, name: str) -> None:
    deadline = time.monotonic() + ANSWERED_WITHIN.total_seconds()
    while (request := board.request(id_)) and request.replica is None:
        if time.monotonic() > deadline and board.withdraw(id_):
            stop(
                f"No daemon has answered within {ANSWERED_WITHIN.seconds} s; the request is withdrawn. See its log and "
                f"`syncd status`, or do the run here: `syncd --once --sync {name}`.",
                FAILED,
            )
        time.sleep(LOOK)


def _await_beginning(board: Board, id_: str) -> Request:
    """Wait a moment for the run to begin; it may have to wait for another run to end."""
    deadline = time.monotonic() + BEGUN_WITHIN.total_seconds()
    while True:
        request = _still_there(board, id_)
        if request.run_id or request.status or time.monotonic() > deadline:
            return request
        time.sleep(LOOK)


def _await_end(board: Board, id_: str, name: str) -> Request:
    """Wait for the end of the run as long as a daemon is alive."""
    while not (request := _still_there(board, id_)).status:
        if not board.alive(now()):
            stop(f"The daemon is gone; the next one that starts will run {name}.", FAILED)
        time.sleep(LOOK)
    return request


def _still_there(board: Board, id_: str) -> Request:
    return board.request(id_) or stop("The request is gone from the state database.", FAILED)
