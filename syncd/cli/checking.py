"""`check`: whether everything that a run needs is there and right; nothing is written anywhere."""

import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from syncd.alerts.channels import try_out
from syncd.assembly import (
    check_state_folder,
    looking_at_state,
    make_client,
    make_erasures,
    make_mapper,
    make_source,
    now,
    state_folder,
)
from syncd.cli import context as ctx
from syncd.cli.exits import DONE, FAILED, PROBLEMS, USAGE, gravest, stop
from syncd.cli.naming import spellings
from syncd.cli.progress import showing_progress
from syncd.cli.recognized import Letters, describe
from syncd.cli.stopping import ending_on_signals
from syncd.config import NOT_ASKED
from syncd.config.model import Config, SyncConfig
from syncd.config.prefixes import REMEDY, find_shared_prefix
from syncd.domain.museums import within
from syncd.domain.records import RemoteCustomer
from syncd.errors import Misconfigured, SyncdError
from syncd.gomus.client import Client
from syncd.machine.files import HAS_RIGHTS
from syncd.network import in_haste
from syncd.report.findings import Finding, Weight, failure, find
from syncd.report.instance import Instance, find_sizes
from syncd.report.pausing import RESTS, how_to_resume, in_words
from syncd.report.people import People
from syncd.report.sample import Sample
from syncd.report.survey import Survey, find_in_examples
from syncd.sources.base import Reading
from syncd.state.erasures import Place
from syncd.state.pauses import Pause

SHOWN = 3
NAMES = ("name", "surname")
LEAST_ROOM = 500_000_000  # bytes
CODES = {Weight.GOOD: DONE, Weight.DOUBT: DONE, Weight.INVALID: PROBLEMS, Weight.FAILED: FAILED, Weight.MISTAKE: USAGE}


def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The sync; left out: all.")] = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Without a call to go~mus, and without its token: any word fits a look-up."),
    ] = False,
    show_values: Annotated[
        bool,
        typer.Option("--show-values", help="Ten records field by field, as they would be sent; on a terminal only."),
    ] = False,
    customer: Annotated[
        str | None,
        typer.Option(
            help="Show name and surname of this foreign_id, to see which one go~mus takes for the family's; the values "
            "on a terminal only."
        ),
    ] = None,
    notify: Annotated[bool, typer.Option("--notify", help="Send a trial message to all in [notify].")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check everything a run needs, one line each: configuration, state, go~mus, lookups, source, mapping, the list.

    Each line is printed at once. Exit code: 0 where all is well or only doubtful (!), 3 where records are invalid, 1
    where a run could not go on, 2 for a mistake in the configuration, an example that comes out otherwise included.
    """
    with ending_on_signals(), in_haste(), ctx.answering(context) as chosen:
        if show_values and (json or not sys.stdout.isatty()):
            stop("--show-values shows values, on a terminal only: neither in a file, a pipe nor as JSON.")
        if offline and (customer is not None or notify):
            stop("--offline makes no call: it goes neither with --customer nor with --notify.")
        found = []
        for finding in _check(chosen, name, customer, notify=notify, is_offline=offline, shows_values=show_values):
            found.append(finding)
            if not json:
                print(*finding.lines(on_terminal=sys.stdout.isatty()), sep="\n", flush=True)
        if json:
            ctx.print_json([one.as_json for one in found])
        raise typer.Exit(gravest([CODES[one.weight] for one in found]))


def _check(
    chosen: ctx.Options, name: str | None, customer: str | None, *, notify: bool, is_offline: bool, shows_values: bool
) -> Iterator[Finding]:
    try:
        config = chosen.load(is_offline=is_offline)
    except Misconfigured as error:
        remedy = f": {error.remedy}" if error.remedy else ""
        for one in error.problems:
            words = f"{one.located}{remedy}"
            yield Finding(what="configuration", words=words, weight=Weight.MISTAKE, excerpt=one.excerpt)
        return
    syncs = ctx.pick(config, [name] if name else [])
    for museum, broken in config.broken.items() if not name else ():
        for one in broken.problems:
            yield Finding(what=f"{museum}: file", words=one.located, weight=Weight.MISTAKE, excerpt=one.excerpt)
    yield from _Check(config, is_offline=is_offline, shows_values=shows_values).findings(syncs)
    if customer:
        yield from _look_at_customer(config, syncs, customer)
    if notify:
        yield from _try_alarms(config)


def _try_alarms(config: Config) -> Iterator[Finding]:
    tried = try_out(config.notify) if config.notify else ()
    if not tried:
        yield Finding(what="notify", words="[notify] names nobody", weight=Weight.MISTAKE)
    for channel, is_reached in tried:
        words = "a trial message was sent" if is_reached else "can't be reached, or refuses the message; see the log"
        yield Finding(what=f"notify: {channel}", words=words, weight=Weight.GOOD if is_reached else Weight.FAILED)


def _look_at_customer(config: Config, syncs: list[SyncConfig], foreign_id: str) -> Iterator[Finding]:
    """Name and surname of one customer of each instance; the id is understood with and without a sync's prefix."""
    for instance, sync in {sync.gomus: sync for sync in syncs}.items():
        what = f"{instance}: customer {foreign_id}"
        try:
            with looking_at_state(config) as state, make_client(config, sync, time.sleep) as client:
                forms = [
                    one
                    for each in syncs
                    if each.gomus == instance
                    for one in spellings(state, each, [foreign_id])[foreign_id]
                ]
                yield _tell_names(instance, what, client, dict.fromkeys([*forms, foreign_id]))
        except SyncdError as error:
            yield failure(what, error)


def _tell_names(instance: str, what: str, client: Client, forms: Iterable[str]) -> Finding:
    """Of the first of these ids that go~mus has."""
    remote = next(filter(None, map(client.read, forms)), None)
    if remote is None:
        return Finding(what=what, words="go~mus has none")
    name, surname = (remote.fields[one] for one in NAMES)
    filled = ", ".join(f"{one} is {'filled' if remote.fields[one] else 'empty'}" for one in NAMES)
    equal = "they are equal" if name == surname else "they differ"
    return Finding(
        what=f"{instance}: customer {remote.foreign_id}",
        words=f"{filled}, {equal}; their values are shown on a terminal only, without --json",
        shown=f"name = {name!r}, surname = {surname!r}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """Everything that is looked at, from the configuration on."""

    config: Config = field(kw_only=False)
    is_offline: bool
    shows_values: bool
    instances: dict[str, Instance] = field(default_factory=dict)

    def findings(self, syncs: list[SyncConfig]) -> Iterator[Finding]:
        words = f"{len(self.config.syncs)} sync(s), {len(self.config.gomus)} instance(s)"
        yield Finding(what="configuration", words=words)
        yield (state := find("state database", self._count_known))
        yield from self._find_other_keys() if state.is_good else ()
        if folder := state_folder(self.config):
            yield from find_lack_of_room(folder)
            yield from tell_rights(folder)
        if self.config.state.ledger is not None:
            yield find("ledger of erasures", self._count_erased)
        pauses = self._find_pauses() if state.is_good else {}
        for sync in syncs:
            yield from self._check_prefix(sync)
            if pause := pauses.get(sync.name):
                words = f"{in_words(pause, sync.timezone)}: {RESTS}; {how_to_resume(sync.name)}"
                yield Finding(what=f"{sync.name}: pause", words=words, weight=Weight.DOUBT)
            if self.is_offline:
                yield self._tell_offline(sync)
            else:
                yield from self._ask(sync, has_state=state.is_good)
            yield from self._check_list(sync, has_state=state.is_good)

    def _count_known(self) -> str:
        check_state_folder(self.config)
        with looking_at_state(self.config) as state:
            known = sum(state.store.known.count(name) for name in self.config.syncs)
        return f"{known} known customers"

    def _find_other_keys(self) -> Iterator[Finding]:
        """Of museums that have run under another key than they have now: none of their syncs can begin."""
        with looking_at_state(self.config) as state:
            for museum in self.config.museums.keys() - self.config.broken.keys():
                try:
                    state.digester(within(museum, ""))
                except SyncdError as error:
                    yield failure(museum, error)

    def _find_pauses(self) -> Mapping[str, Pause]:
        with looking_at_state(self.config) as state:
            return state.store.pauses.in_force(now())

    def _count_erased(self) -> str:
        places = [Place(name, options.url) for name, options in self.config.gomus.items()]
        erasures = make_erasures(self.config.state)
        return f"{sum(len(erasures.read(place).times) for place in places)} people erased on request"

    def _check_prefix(self, sync: SyncConfig) -> Iterator[Finding]:
        """A line only where there is something to say."""
        if problem := find_shared_prefix(self.config, sync):
            what, words = f"{sync.name}: prefix", f"{problem.message}: {REMEDY}"
            try:
                with looking_at_state(self.config) as state:
                    weight = Weight.INVALID if state.store.has_state(sync.name) else Weight.MISTAKE
            except SyncdError as error:
                weight = failure(what, error).weight
            yield Finding(what=what, words=words, weight=weight)

    # --- go~mus ---

    def _tell_offline(self, sync: SyncConfig) -> Finding:
        lacks_token = self.config.gomus[sync.gomus].token.get_secret_value() == NOT_ASKED
        words = "not asked (--offline)" + ("; its token is not there, which a run needs" if lacks_token else "")
        return Finding(what=f"{sync.name}: go~mus", words=words, weight=Weight.DOUBT)

    def _ask(self, sync: SyncConfig, *, has_state: bool) -> Iterator[Finding]:
        is_new = sync.gomus not in self.instances
        instance = self.instances.setdefault(sync.gomus, Instance())
        try:
            with make_client(self.config, sync, time.sleep) as client:
                yield from instance.ask(client, sync.name, make_mapper(sync).lookups_needed, now)
        except SyncdError as error:
            yield failure(f"{sync.name}: go~mus", error)
        if is_new and has_state:
            yield from self._find_sizes(sync)

    def _find_sizes(self, sync: SyncConfig) -> Iterator[Finding]:
        with looking_at_state(self.config) as state:
            learned = state.store.instances.learned(sync.gomus)
        yield from find_sizes(learned, self.config.gomus[sync.gomus], f"{sync.gomus}: batches", now())

    # --- the list ---

    def _check_list(self, sync: SyncConfig, *, has_state: bool) -> Iterator[Finding]:
        mapper, instance = make_mapper(sync), self.instances.get(sync.gomus, Instance())
        lookups = instance.known(mapper.lookups_needed)
        today = now().astimezone(sync.timezone).date()
        with People(today, self.config.gomus[sync.gomus].shared_email) as people:
            survey = Survey(sync, mapper, lookups, today, people)
            yield (source := find(f"{sync.name}: source", partial(self._read, sync, survey)))
            if source.is_good:
                yield from survey.findings()
            if source.is_good and self.shows_values:
                remote = self._find_remote(sync, survey.sample.ids) if has_state else None
                yield _show(sync, survey.sample, people, remote)
        yield from find_in_examples(sync, mapper, lookups, survey.columns)

    def _read(self, sync: SyncConfig, survey: Survey) -> str:
        letters = Letters()
        with showing_progress(sync.name) as progress, make_source(self.config, sync, time.sleep).open() as reading:
            survey.read(
                reading,
                look_at=lambda record: letters.look_at(record.values),
                progress=lambda count: progress("reading", count, None),
            )
            left_out = f", {survey.left_out} of them left out by where" if survey.left_out else ""
            return f"{survey.count} records in {describe(reading)}{letters}{left_out}{_tell_skipped(reading)}"

    def _find_remote(self, sync: SyncConfig, ids: list[str]) -> RemoteCustomer | None:
        """One of them as go~mus has it; None where none is known, or go~mus is not there."""
        instance = self.instances.get(sync.gomus)
        if instance is None or not instance.answers:
            return None
        try:
            with looking_at_state(self.config) as state:
                known = state.store.known.find(sync.name, ids)
            first = next((one for one in ids if one in known), None)
            if first is None:
                return None
            with make_client(self.config, sync, time.sleep) as client:
                return client.read(first)
        except SyncdError:
            return None


def _show(sync: SyncConfig, sample: Sample, people: People, remote: RemoteCustomer | None) -> Finding:
    lines = tuple(sample.lines(people.contradicted(sample.ids), remote))
    words = f"{sample.count} records field by field, those with problems first"
    return Finding(what=f"{sync.name}: values", words=words, below=lines)


def find_lack_of_room(folder: Path, least: int = LEAST_ROOM) -> Iterator[Finding]:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # told of the state itself
    if free < least:
        words = f"{free // 1_000_000} MB are free for the state: make room, a run that can't note what it does ends"
        yield Finding(what="disk", words=words, weight=Weight.DOUBT)


def tell_rights(folder: Path) -> Iterator[Finding]:
    """Where files can't be closed to others one by one."""
    if not HAS_RIGHTS:
        words = f"whoever may read the folder {folder} may read the state and its key: let in nobody else"
        yield Finding(what="rights", words=words)


def _tell_skipped(reading: Reading) -> str:
    """The end of a sentence; nothing where no row was left out."""
    if not reading.skips:
        return ""
    rows = " | ".join(f"{row.position}: {row.reason}" for row in reading.skipped[:SHOWN])
    return f"; {reading.skips} rows can't be records and are left out, for example {rows}"
