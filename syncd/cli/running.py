"""`syncd --once`: one run now, of all syncs or the named ones."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeVar

import structlog
import typer

from syncd.alerts.watch import Watch
from syncd.assembly import (
    State,
    judge_prefix,
    make_sync,
    now,
    opening_alarms,
    opening_state,
    opening_world,
    write_worklist,
)
from syncd.cli import context as ctx
from syncd.cli.crashes import report_crash
from syncd.cli.exits import CODES, DONE, FAILED, HELD, PROBLEMS, USAGE, code_of, failing_in_words, gravest, say, stop
from syncd.cli.naming import spellings
from syncd.cli.planning import code_of_report, draw_report
from syncd.cli.progress import log_stream, showing_progress
from syncd.cli.stopping import ending_on_signals, stopping_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.domain.runs import Status, Summary, Trigger, failed_summary
from syncd.errors import LeaseTaken, Misconfigured, Problem, SyncdError
from syncd.report.pausing import in_words
from syncd.report.plan import plan_as_lines
from syncd.runs.run import run
from syncd.runs.unbegun import recording_unbegun

logger = structlog.get_logger()
S = TypeVar("S")
LONGEST_ANSWER = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How the syncs are to be run: `only` are ids as a person types them, of whom alone anything is sent."""

    probe: bool = True
    only: Sequence[str] = ()
    shows_answers: bool = False

    @property
    def trigger(self) -> Trigger:
        return Trigger.ONLY if self.only else Trigger.COMMAND_LINE


def run_once(
    context: typer.Context, names: list[str], *, only: list[str], show_answer: bool, dry_run: bool, assume_empty: bool
) -> None:
    """Every sync has its turn, whatever becomes of the one before; the exit code is the gravest of theirs."""
    if only and not all(map(str.strip, only)):
        stop("--only takes a foreign_id; it was given an empty one.")
    if only and dry_run:
        stop("--dry-run tells of all records; what would become of one, `syncd show FOREIGN_ID` tells.")
    if show_answer and not only:
        stop("--show-answer goes with --only.")
    if show_answer and not sys.stderr.isatty():
        stop("--show-answer shows what go~mus says, on a terminal only: it may name a person.")
    how = How(probe=not assume_empty, only=only, shows_answers=show_answer)
    ctx.options(context).configure_log(log_stream())
    with failing_in_words():
        config = ctx.options(context).load()
        syncs = ctx.pick(config, names)
        codes = [] if names else _tell_broken(config)
        if dry_run:
            with ending_on_signals():
                raise typer.Exit(gravest([*codes, *(_plan_one(config, sync) for sync in syncs)]))
        if not syncs:
            say(Misconfigured([Problem(path="", message=f"no museum of {config.base} can be run")]))
            raise typer.Exit(gravest([*codes, USAGE]))
        watch = Watch(lambda: config, opening_alarms, since=now())
        with (
            _leaving_metrics(config),
            stopping_on_signals() as stopping,
            _told(watch, syncs[0].name),
            opening_state(config) as state,
        ):
            missing = set(only)
            run_one = partial(_run_one, config, state, stopping, watch, how=how, missing=missing)
            code = run_syncs(syncs, run_one, is_stopping=stopping.is_set)
            if missing and code in (DONE, PROBLEMS, HELD):
                stop(f"Not in the source, or left out by `where`: {', '.join(sorted(missing))}.", USAGE)
            raise typer.Exit(gravest([*codes, code]))


def _tell_broken(config: Config) -> list[int]:
    """A museum whose file has mistakes is not run, and the others are; in the end the command has failed all the same.

    Answers the exit codes that follow.
    """
    if not config.broken:
        return []
    say(Misconfigured(config.mistakes))
    for name, museum in config.broken.items():
        problems = [problem.located for problem in museum.problems]
        logger.error("config.refused", museum=name, problems=problems, remedy="its syncs were not run: mend the file")
    return [USAGE]


@contextmanager
def _leaving_metrics(config: Config) -> Iterator[None]:
    """Whatever becomes of the runs: who watches them must see it."""
    try:
        yield
    finally:
        if config.metrics is not None:
            from syncd.web import leave_metrics  # a server comes with it, which no other run needs

            leave_metrics(config, config.metrics)


@contextmanager
def _told(watch: Watch, sync: str) -> Iterator[None]:
    """A state database that can't be opened fails every run; who watches must hear of it."""
    try:
        yield
    except SyncdError as error:
        logger.error("run.failed", error=error.message, remedy=error.remedy)
        watch.after_run(failed_summary(sync, error.message, error.remedy), now())
        raise


def run_syncs(syncs: Sequence[S], run_one: Callable[[S], int], *, is_stopping: Callable[[], bool]) -> int:
    codes = []
    for sync in syncs:
        if is_stopping():
            codes.append(FAILED)  # what was not run is no success
            break
        try:
            codes.append(run_one(sync))
        except SyncdError:
            raise
        except Exception as error:  # noqa: BLE001 - the other syncs have their turn all the same
            report_crash(error)
            codes.append(FAILED)
    return gravest(codes)


def _run_one(
    config: Config,
    state: State,
    stopping: threading.Event,
    watch: Watch,
    sync: SyncConfig,
    *,
    how: How,
    missing: set[str],
) -> int:
    """Takes those who are in the source out of `missing`."""
    try:
        with (
            recording_unbegun(state.store, sync.name, sync.gomus, how.trigger, now()),
            showing_progress(sync.name) as progress,
            opening_world(config, sync, state, stopping=stopping, progress=progress) as world,
        ):
            _look_before(config, sync, state)
            asked = spellings(state, sync, how.only)
            made = make_sync(config, sync, world.sleep, only=frozenset(chain(*asked.values())) if how.only else None)
            world.client.show = _show_answer if how.shows_answers else world.client.show
            summary = run(made, world, trigger=how.trigger, probe=how.probe)
            missing -= {text for text, ids in asked.items() if not summary.missing.issuperset(ids)}
            write_worklist(config, sync, state, stopping)
    except SyncdError as error:
        if isinstance(error, Misconfigured):
            say(error, about=sync.name)
        logger.error("run.failed", sync=sync.name, error=error.message, remedy=error.remedy)
        if not isinstance(error, LeaseTaken):
            watch.after_run(failed_summary(sync.name, error.message, error.remedy), now())
        return code_of(error)
    except Exception as error:
        watch.after_run(failed_summary(sync.name, f"crashed ({type(error).__name__})", None), now())
        raise
    if not how.only:  # of the sync as a whole it tells nothing
        watch.after_run(replace(summary, is_cut=False), now())  # nobody begins it again but the next start
    elif not (summary.outcomes or summary.missing):
        print(f"{sync.name}: nothing was sent; `syncd show {how.only[0]}` tells why.", file=sys.stderr)
    _sum_up(summary)
    return CODES[summary.status]


def _look_before(config: Config, sync: SyncConfig, state: State) -> None:
    """Raises Misconfigured. Where the sync is paused a person runs it all the same, and is told."""
    judge_prefix(config, sync, state)
    if pause := state.store.pauses.find(sync.name, now()):
        logger.warning("sync.paused", sync=sync.name, until=pause.until, reason="its schedule rests; this run goes on")
        if sys.stderr.isatty():
            print(
                f"{sync.name} is {in_words(pause, sync.timezone)}: its schedule rests, this run goes on.",
                file=sys.stderr,
            )


def _show_answer(method: str, status: int, text: bytes) -> None:
    """Of a write."""
    if method == "GET":
        return
    shown = "".join(one if one.isprintable() else " " for one in text[:LONGEST_ANSWER].decode(errors="replace"))
    print(f"go~mus answers {status}: {shown}", file=sys.stderr)


def _plan_one(config: Config, sync: SyncConfig) -> int:
    """As a run would log it, without the run."""
    try:
        report = draw_report(config, sync)
    except SyncdError as error:
        if isinstance(error, Misconfigured):
            say(error, about=sync.name)
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
    if summary.status is Status.PROBLEMS:
        print(f"  what could not be synced: `syncd failures {summary.sync}`, or with -v here", file=sys.stderr)
    if summary.error:
        print(f"  {summary.error}" + (f": {summary.remedy}" if summary.remedy else ""), file=sys.stderr)
