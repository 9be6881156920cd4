"""`show`: one record's story, from the source to go~mus."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import tzinfo
from typing import Annotated, Any

import typer

from syncd.assembly import State, looking_at_state, make_client, make_recall, make_sync
from syncd.cli import context as ctx
from syncd.cli.exits import USAGE, stop
from syncd.cli.naming import spellings
from syncd.cli.progress import showing_progress
from syncd.cli.stopping import ending_on_signals
from syncd.config.model import Config, SyncConfig
from syncd.errors import SyncdError
from syncd.gomus.client import Client
from syncd.mapping.lookups import Lookup
from syncd.report.live import live_as_json, live_as_lines, look_at
from syncd.report.sample import steps_as_lines
from syncd.report.story import Facts, Lot, facts_as_json, facts_as_lines, tell
from syncd.report.words import iso, plain
from syncd.runs.excerpt import Excerpt, read_excerpt
from syncd.runs.lookups import kept_entries
from syncd.runs.requests import with_kin
from syncd.state.journal import JournalLine

SHOWN_LINES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sync's part of the answer; `lines` may hold values, on a terminal alone."""

    as_json: dict[str, Any]
    lines: list[str]
    is_known: bool


def show(
    context: typer.Context,
    foreign_id: Annotated[str, typer.Argument(help="The customer's foreign_id, with its prefix, or without it.")],
    of: Annotated[
        str | None, typer.Option("--sync", help="Only of this sync, or of this museum; left out: of all.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All lines that name the customer, not the latest 50 only.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Also as go~mus has it now.")] = False,
    no_source: Annotated[
        bool, typer.Option("--no-source", help="Out of the state alone: the source is not read.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell one record's story: where it stands and why, how it is mapped, what was sent, what is due and when.

    The source is read for it, and nothing is written. Values are shown on a terminal only. With --everything nothing
    that names the customer is left out: the answer to somebody who asks what is kept.
    """
    with ending_on_signals(), ctx.configured(context) as config, looking_at_state(config) as state:
        limit = None if everything else SHOWN_LINES
        told = [
            one
            for sync in ctx.pick(config, [of] if of else [])
            for one in _Telling(config, sync, state, is_live=live, reads=not no_source).tell(foreign_id, limit)
        ]
        found = [one for one in told if one.is_known]
        ctx.answer(json, [one.as_json for one in found], [line for one in found for line in one.lines])
        if not found:
            troubles = {one.as_json["source"]["trouble"] for one in told} - {None}
            more = "".join(f" What the source says is not known: {trouble}." for trouble in sorted(troubles))
            stop(f"Nothing is known of {foreign_id}.{more}", USAGE)


@dataclass(slots=True, kw_only=True)
class _Read:
    """What the source says, or the trouble with it."""

    excerpt: Excerpt | None = None
    trouble: str | None = None
    lookups: Mapping[str, Lookup]


class _Telling:
    """Tells of the ids of one sync that a person may mean."""

    def __init__(self, config: Config, sync: SyncConfig, state: State, *, is_live: bool, reads: bool) -> None:
        self._config = config
        self._sync = sync
        self._state = state
        self._is_live = is_live
        self._reads = reads
        self._made = make_sync(config, sync, time.sleep)
        self._recall = make_recall(config, sync, state)

    def tell(self, text: str, limit: int | None) -> Iterator[Told]:
        forms = spellings(self._state, self._sync, [text])[text]
        facts = [self._facts(one) for one in forms]
        read = self._read(forms) if self._reads else _Read(lookups={})
        named = read.excerpt.foreign_id if read.excerpt else None
        unknown = [one for one in facts if one.foreign_id == named] or facts[:1]
        for one in [one for one in facts if one.is_remembered] or unknown:
            yield self._told(replace(one, excerpt=read.excerpt, trouble=read.trouble), read.lookups, limit)

    def _facts(self, foreign_id: str) -> Facts:
        store, name = self._state.store, self._sync.name
        intents = [one for one in store.journal.open_intents(name) if one.foreign_id == foreign_id]
        return Facts(
            sync=self._sync,
            foreign_id=foreign_id,
            now=self._recall.now,
            known=store.known.find_one(name, foreign_id),
            tombstone=self._recall.tombstones([foreign_id]).get(foreign_id),
            refused=store.failures.find_refused(name, [foreign_id]).get(foreign_id),
            invalid=store.failures.invalid(name, foreign_id),
            held=store.held.standing(name, foreign_id),
            intents=intents,
            match=store.matches.find(name, [foreign_id]).get(foreign_id),
            drifted=store.worklist.drift_of(name, foreign_id),
            told=store.worklist.errands_of(name, foreign_id),
            sharing=store.emails.shared_with(name, foreign_id),
            merger=store.mergers.of(name).get(foreign_id),
            same_person=sorted(
                one for one, _ in with_kin(store, name, self._made.kin, [foreign_id]) if one != foreign_id
            ),
            settle=self._config.gomus[self._sync.gomus].settle,
        )

    def _read(self, forms: Sequence[str]) -> _Read:
        read = _Read(lookups={})
        try:
            read.lookups = self._find_lookups()
            with showing_progress(self._sync.name) as progress:
                tell = lambda count: progress("reading", count, None)  # noqa: E731 - one line, used once
                read.excerpt = read_excerpt(self._made, self._recall, read.lookups, forms, progress=tell)
        except SyncdError as error:
            read.trouble = error.message
        return read

    def _find_lookups(self) -> dict[str, Lookup]:
        """As a run would: those of the last day, else go~mus is asked."""
        found: dict[str, Lookup] = {}
        for kind in sorted(self._made.mapper.lookups_needed):
            entries = kept_entries(self._made, self._state.store, kind, self._recall.now)
            if entries is None:
                with self._client() as client:
                    entries = client.lookup(kind)
            found[kind] = Lookup(kind, entries)
        return found

    def _client(self) -> Client:
        return make_client(self._config, self._sync, time.sleep)

    def _told(self, facts: Facts, lookups: Mapping[str, Lookup], limit: int | None) -> Told:
        journal = self._state.store.journal.of_customer(self._sync.name, facts.foreign_id, limit)
        lot, why = tell(facts)
        as_json = facts_as_json(facts, lot, why) | {
            "journal": [_line_as_json(line, self._sync.timezone) for line in journal]
        }
        lines = [*facts_as_lines(facts, why), *self._mapping(facts, lookups)]
        if self._is_live:
            as_json["live"], more = self._live(facts)
            lines += more
        lines += [_line_in_words(line, self._sync.timezone) for line in journal]
        is_known = lot not in (Lot.UNKNOWN, Lot.UNREAD) or facts.is_remembered or bool(journal)
        return Told(as_json=as_json, lines=lines, is_known=is_known)

    def _mapping(self, facts: Facts, lookups: Mapping[str, Lookup]) -> Iterator[str]:
        for record in facts.excerpt.records if facts.excerpt else ():
            yield f"  in the source: {record.position}"
            mapped = self._made.mapper.explain(record.values, lookups)
            yield from steps_as_lines(mapped, with_values=sys.stdout.isatty())

    def _live(self, facts: Facts) -> tuple[dict[str, object], list[str]]:
        try:
            with self._client() as client:
                remote = client.read(facts.foreign_id)
        except SyncdError as error:
            return {"error": error.message}, [f"  in go~mus now: {error.message}"]
        live = look_at(remote, facts.foreign_id, facts.known, self._state.digester(self._sync.name))
        return live_as_json(live), list(live_as_lines(live, with_values=sys.stdout.isatty()))


def _line_as_json(line: JournalLine, zone: tzinfo) -> dict[str, object]:
    columns = asdict(line)
    del columns["foreign_id"]  # of all lines alike
    times = {"begun_at": iso(line.begun_at, zone), "settled_at": line.settled_at and iso(line.settled_at, zone)}
    return {"run": columns.pop("run_id"), **columns, **times}


def _line_in_words(line: JournalLine, zone: tzinfo) -> str:
    fields = f" ({', '.join(line.fields)})" if line.fields else ""
    answer = f", go~mus answered {line.status}" if line.status else ""
    error = f": {line.error}" if line.error else ""
    return f"  {plain(iso(line.begun_at, zone))}  {line.action}{fields}  {line.result or 'not ended'}{answer}{error}"
