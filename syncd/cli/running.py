"""`syncd --once`: one run now, of all syncs or the named ones."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from syncd import log
from syncd.assembly import State, make_sync, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.failing import CODES, code_of, failing_in_words, gravest
from syncd.cli.planning import code_of_report, draw_report
from syncd.config.model import Config, SyncConfig
from syncd.errors import LeaseTaken, Misconfigured, SyncdError
from syncd.report.plan import plan_as_lines
from syncd.run import Summary, run

logger = structlog.get_logger()
Report = Callable[[str, int, int | None], None]


def run_once(context: typer.Context, names: list[str], *, dry_run: bool, assume_empty: bool) -> None:
    """Every sync has its turn, whatever becomes of the one before; the exit code is the gravest of theirs."""
    log.configure(ctx.options(context).log_format, sys.stdout)
    with failing_in_words():
        config = ctx.options(context).load()
        syncs = ctx.pick(config, names)
        if dry_run:
            raise typer.Exit(gravest([_plan_one(config, sync) for sync in syncs]))
        with stopping_on_signals() as stopping, _told_in_the_log(), opening_state(config) as state:
            codes = []
            for sync in syncs:
                if stopping.is_set():
                    break
                codes.append(_run_one(config, sync, state, stopping, probe=not assume_empty))
        raise typer.Exit(gravest(codes))


@contextmanager
def _told_in_the_log() -> Iterator[None]:
    """A state database that can't be opened fails every run; who watches the log must hear of it."""
    try:
        yield
    except SyncdError as error:
        logger.error("run.failed", error=error.message, remedy=error.remedy)
        raise


def _run_one(config: Config, sync: SyncConfig, state: State, stopping: threading.Event, *, probe: bool) -> int:
    try:
        with (
            showing_progress(sync.name) as progress,
            opening_world(config, sync, state, stopping=stopping, progress=progress) as world,
        ):
            summary = run(make_sync(config, sync), world, trigger="command line", probe=probe)
    except Misconfigured:
        raise
    except SyncdError as error:
        words = "another process is running it" if isinstance(error, LeaseTaken) else error.message
        logger.error("run.failed", sync=sync.name, error=words, remedy=error.remedy)
        return code_of(error)
    _sum_up(summary)
    return CODES[summary.status]


def _plan_one(config: Config, sync: SyncConfig) -> int:
    """As a run would log it, without the run."""
    try:
        report = draw_report(config, sync)
    except Misconfigured:
        raise
    except SyncdError as error:
        logger.error("run.failed", sync=sync.name, error=error.message, remedy=error.remedy)
        return code_of(error)
    for record in report.invalid:
        problems = [str(problem) for problem in record.problems]
        logger.warning(
            "source.invalid_record",
            sync=sync.name,
            foreign_id=record.foreign_id,
            position=str(record.position),
            problems=problems,
        )
    logger.info("run.planned", sync=sync.name, counts=report.counts, figures=report.fields, trigger="dry run")
    for held in report.held:
        logger.warning("run.held", sync=sync.name, guard=held.guard.value, reason=held.reason)
    if sys.stderr.isatty():
        print("\n".join(plan_as_lines(report)), file=sys.stderr)
    return code_of_report(report)


def _sum_up(summary: Summary) -> None:
    """For the person at the terminal; the log has told everything already."""
    if not sys.stderr.isatty():
        return
    done = ", ".join(f"{name} {count}" for name, count in summary.counts.items())
    print(f"{summary.sync}: {summary.status.value}" + (f" ({done})" if done else ""), file=sys.stderr)
    for held in summary.held:
        print(f"  held: {held.reason}", file=sys.stderr)
    if summary.error:
        print(f"  {summary.error}" + (f": {summary.remedy}" if summary.remedy else ""), file=sys.stderr)


@contextmanager
def stopping_on_signals() -> Iterator[threading.Event]:
    """The first SIGTERM or Ctrl-C lets the calls under way end and be recorded; the second ends the process."""
    stopping = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def showing_progress(name: str) -> Iterator[Report]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _stage, _done, _total: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda stage, done, total: bar.update(task, description=f"{name}: {stage}", completed=done, total=total)
