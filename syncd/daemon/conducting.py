"""Carrying out an order, from opening what a run needs to how it ended."""

import threading
from collections.abc import Callable
from functools import partial

import structlog

from syncd.assembly import judge_prefix, make_sync, now, opening_state, opening_world, write_worklist
from syncd.daemon.order import Ended, Fate, Order, is_cut
from syncd.domain.runs import Summary, failed_summary
from syncd.errors import LeaseTaken, StateUnusable, SyncdError
from syncd.gomus.client import Observe
from syncd.runs.run import run
from syncd.runs.unbegun import recording_unbegun
from syncd.state.board import Board

log = structlog.get_logger()


def conduct(order: Order, stopping: threading.Event, observing: Callable[[str], Observe]) -> Ended:
    """Carry an order out. Whatever goes wrong is in the answer: a run ends itself and nothing else."""
    started = now()
    ended = partial(Ended, order=order, started=started)
    sync = order.sync.name
    try:
        summary = _run(order, stopping, observing)
    except LeaseTaken:
        return ended(fate=Fate.BUSY, finished=now())
    except SyncdError as error:
        log.error("run.failed", sync=sync, error=error.message, remedy=error.remedy)
        fate = Fate.CUT if isinstance(error, StateUnusable) else Fate.ENDED
        return ended(fate=fate, finished=now(), summary=failed_summary(sync, error.message, error.remedy))
    except Exception as error:
        log.critical("crashed", sync=sync, error=type(error).__name__, exc_info=error)
        summary = failed_summary(sync, f"crashed ({type(error).__name__})", None)
        return ended(fate=Fate.CRASHED, finished=now(), summary=summary)
    fate = Fate.CUT if is_cut(summary, is_stopping=stopping.is_set()) else Fate.ENDED
    return ended(fate=fate, finished=now(), summary=summary)


def _run(order: Order, stopping: threading.Event, observing: Callable[[str], Observe]) -> Summary:
    with (
        opening_state(order.config) as state,
        recording_unbegun(state.store, order.sync.name, order.sync.gomus, order.trigger, now()),
        opening_world(
            order.config,
            order.sync,
            state,
            stopping=stopping,
            progress=lambda _stage, _done, _total: None,
            observe=observing(order.sync.gomus),
        ) as world,
    ):
        judge_prefix(order.config, order.sync, state)
        board = Board(state.engine)
        summary = run(
            make_sync(order.config, order.sync, world.sleep),
            world,
            trigger=order.trigger,
            entering=lambda id_: board.note_run(order.due.requests, id_),
        )
        write_worklist(order.config, order.sync, state, stopping)
        return summary
