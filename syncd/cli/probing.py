"""`probe`: what a test instance answers to the open points of its API."""

import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from syncd.assembly import State, looking_at_state, make_instance, now, opening_state
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, FAILED, PROBLEMS, USAGE, say, sentence, stop
from syncd.cli.progress import Report, showing_progress
from syncd.cli.stopping import ending_on_signals, stopping_on_signals
from syncd.config.model import Config
from syncd.delivery.delivery import Delivery
from syncd.domain.addresses import server_of
from syncd.domain.languages import Language
from syncd.domain.nearest import suggest
from syncd.errors import Fatal, LeaseTaken, Stopped
from syncd.gomus.client import Client
from syncd.gomus.fields import FIELDS
from syncd.gomus.options import GomusOptions
from syncd.probing.leftovers import Left, Leftovers, forget_what_is_asked
from syncd.probing.probe import Probe, Probed
from syncd.probing.telling import as_html, as_json, as_lines, promise
from syncd.probing.waiting import Waiting
from syncd.runs.learning import Learning
from syncd.state.lease import Lease, take_lease
from syncd.state.slots import sharing


def probe(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The instance: NAME of the table gomus.NAME.")],
    write: Annotated[bool, typer.Option("--write", help="Make three invented customers, and remove them.")] = False,
    test_instance: Annotated[
        bool, typer.Option("--test-instance", help="It is one for tests, although the state knows customers of it.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write it to this file, as a page for the vendor.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="The language.")] = Language.ENGLISH,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Ask a test instance the open points of its API, and keep what was learned for runs.

    With `--write` at most three invented customers are created, changed, cleared, anonymized and deleted; nobody else
    is touched, and who could not be deleted is named. Without it this command reads, and says what it would do.

    Exit code: 0, 3 where an invented customer is left, 1 where the instance does not answer or refuses the token.
    """
    with ctx.configured(context) as config:
        if name not in config.gomus:
            stop(sentence(f"There is no [gomus.{name}] in the configuration{suggest(name, config.gomus)}"), USAGE)
        probed = _write(config, name, lang, is_test=test_instance, is_sure=yes) if write else _read(config, name)
        if page is not None:
            zone = config.zone_of(None)
            ctx.write_page(page, as_html(name, probed, lang, at=now(), zone=zone))
        lines = [*as_lines(name, probed, lang), *([] if write else [promise(name, lang)])]
        if json or page is None:
            ctx.answer(json, as_json(probed, lang), lines)
        if probed.failure:
            again = f"`syncd probe {name} --write` takes away whoever is left"
            say(Fatal(probed.failure.message, remedy=again) if isinstance(probed.failure, Stopped) else probed.failure)
        raise typer.Exit(PROBLEMS if probed.left else FAILED if probed.failure else DONE)


def _read(config: Config, name: str) -> Probed:
    waiting = Waiting(threading.Event())
    with (
        ending_on_signals(),
        looking_at_state(config) as state,
        showing_progress(name) as progress,
        _open_client(config, name, waiting, is_looking=True) as client,
    ):
        place, options = _Place(name, state, waiting, progress), config.gomus[name]
        opened = _make(client, options, place, _learning(options, place))
        found = opened.read()
        left = [Left(foreign_id=one.foreign_id, gomus_id=one.gomus_id, why="earlier") for one in opened.leftovers]
        return Probed(findings=found.findings, left=left)


def _write(config: Config, name: str, lang: Language, *, is_test: bool, is_sure: bool) -> Probed:
    with opening_state(config) as state:
        if not is_test:
            _refuse_productive(config, name, state)
        print(promise(name, lang), file=sys.stderr)
        if sys.stdin.isatty() and not is_sure and not typer.confirm(f"Is {name} an instance for tests?"):
            stop("Nothing was written.", DONE)
        with (
            _alone(state, name) as lease,
            stopping_on_signals() as stopping,
            showing_progress(name) as progress,
            _open_client(config, name, waiting := Waiting(stopping), is_looking=False) as client,
            client.confirming(lease.confirm),
        ):
            forget_what_is_asked(state.store.instances, name)
            place, options = _Place(name, state, waiting, progress), config.gomus[name]
            learning = _learning(options, place)
            try:
                return _make(client, options, place, learning).write()
            finally:
                learning.keep()


@contextmanager
def _alone(state: State, name: str) -> Iterator[Lease]:
    """Two probes of an instance would take away each other's customers."""
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(take_lease(state.engine, f"probe of {name}"))
        except LeaseTaken:
            raise LeaseTaken(f"another process is probing {name}", remedy="wait for it to end, or stop it") from None
        yield lease


def _refuse_productive(config: Config, name: str, state: State) -> None:
    """Whoever is known was brought by a sync: such an instance is in use."""
    here = server_of(config.gomus[name].url)
    ours = {one.name for one in config.syncs.values() if server_of(config.gomus[one.gomus].url) == here}
    ours.update(state.store.runs.syncs_at(make_instance(config, name, state).address))
    known = [one for one in sorted(ours) if state.store.known.count(one)]
    if known:
        stop(
            f"The state knows customers of {name}, of {', '.join(known)}: it is in use. Probe an instance for tests; "
            "where this is one, say --test-instance.",
            USAGE,
        )


def _open_client(config: Config, name: str, waiting: Waiting, *, is_looking: bool) -> Client:
    options = config.gomus[name]
    return Client(options, sleep=waiting, sharing=sharing(config.state.url, options.url, is_looking=is_looking))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one instance is probed."""

    name: str
    state: State
    waiting: Waiting
    progress: Report


def _make(client: Client, options: GomusOptions, place: _Place, learning: Learning) -> Probe:
    delivery = Delivery(
        client=client,
        digester=place.state.digester(place.name),
        catalogue=FIELDS,
        habits=learning.habits,
        writes={},
        attempts=options.attempts,
        timeout=options.timeout,
        clock=now,
        placeholder=options.placeholder,
        sleep=place.waiting,
        is_stopping=lambda: False,
    )
    return Probe(
        delivery=delivery,
        leftovers=Leftovers(instances=place.state.store.instances, instance=place.name),
        gomus=options,
        token=secrets.token_hex(8),
        tidying=place.waiting.tidying,
        step=lambda step: place.progress(step, 0, None),
    )


def _learning(options: GomusOptions, place: _Place) -> Learning:
    return Learning(place.name, options, place.state.store.instances, now(), "")
