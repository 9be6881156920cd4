"""Erasure on request: `erase` and its `--undo`."""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias
from unicodedata import normalize

import typer

from syncd.assembly import State, make_instance, make_sync, opening_state, opening_world
from syncd.cli import context as ctx
from syncd.cli.erased import CertificateFile, CertificateLanguage, certified, certify, require_form
from syncd.cli.exits import CODES, DONE, USAGE, gravest, stop
from syncd.cli.naming import spellings
from syncd.cli.progress import Report, showing_progress
from syncd.cli.stopping import stopping_on_signals
from syncd.config.likeness import kin_of
from syncd.config.model import Config, SyncConfig
from syncd.domain.languages import Language
from syncd.domain.runs import Summary
from syncd.domain.spelling import spellings_of
from syncd.mapping.cells import id_in_one_line, in_one_line
from syncd.report.certificate import Certified
from syncd.runs.erase import WAITING, carry_out
from syncd.runs.requests import request_erasure, undo_erasure, with_kin
from syncd.runs.world import Sync, World
from syncd.state.tombstones import Tombstone

Form: TypeAlias = tuple[SyncConfig, str]
"""A sync, and a foreign_id of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one sync is asked to erase."""

    sync: SyncConfig
    foreign_ids: Sequence[str]


def erase(
    context: typer.Context,
    foreign_ids: Annotated[
        list[str] | None, typer.Argument(metavar="FOREIGN_ID...", help="With the sync's prefix, or without it.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one id a line.")] = None,
    sync: Annotated[str | None, typer.Option(help="The sync, where it is not plain which one is meant.")] = None,
    by: Annotated[str | None, typer.Option(help="Who asks for it; left out: who types this.")] = None,
    why: Annotated[str | None, typer.Option(help="For the record, such as the number of a letter.")] = None,
    certificate: CertificateFile = None,
    lang: CertificateLanguage = Language.ENGLISH,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person be created again by the next run.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase customers on request: anonymize, read back, delete; at once. The source can't bring them back.

    What was asked holds at once, whatever run is under way; that run carries it out between two calls, and this command
    waits for it. Interrupted, the next run goes on. What stays here is a keyed hash that nobody can read back.
    """
    require_form(certificate)
    with ctx.configured(context) as config, opening_state(config) as state:
        asked = _which_syncs(config, state, [*(foreign_ids or ()), *_listed_in(file)], sync, undo=undo)
        if undo:
            _undo(config, state, asked)
            return
        _confirm(asked, is_sure=yes)
        with stopping_on_signals() as stopping:
            codes = _erase(config, state, asked, stopping=stopping, by=by or ctx.who(), why=why)
        if certificate is not None:
            certify(config, _certified(config, state, asked), certificate, lang)
        raise typer.Exit(gravest(codes))


def _listed_in(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        stop(f"{file} can't be read ({error.strerror}).")
    except UnicodeDecodeError:
        stop(f"{file} is not UTF-8 text. Save it with the encoding UTF-8.")
    return [line.strip() for line in lines if line.strip()]


def _confirm(asked: Sequence[Asked], *, is_sure: bool) -> None:
    whom = "; ".join(f"{_few(one.foreign_ids)} in {one.sync.gomus}" for one in asked)
    if sys.stdin.isatty() and not is_sure and not typer.confirm(f"Erase {whom} for good?"):
        stop("Nothing was erased.", DONE)


def _few(foreign_ids: Sequence[str]) -> str:
    return ", ".join(foreign_ids) if len(foreign_ids) <= 5 else f"{len(foreign_ids)} customers"


# --- whom, and of which sync ---


def _which_syncs(config: Config, state: State, typed: Sequence[str], name: str | None, *, undo: bool) -> list[Asked]:
    """The named sync, the only one, or for each id the one that knows it, or whose prefix it has.

    To erase somebody is to erase them in all lists that have the person.
    """
    if not typed:
        stop("Say who is to be erased: one foreign_id or several, or --file with one a line.", USAGE)
    if len(config.museums) > 1 and not name:
        stop("Say whose customers are meant, with --sync and a museum or a sync: ids are each museum's own.", USAGE)
    candidates = ctx.pick(config, [name] if name else [])
    found: dict[str, list[str]] = {}
    spelt = {sync.name: spellings(state, sync, typed) for sync in candidates}
    for text in typed:
        forms = [(sync, foreign_id) for sync in candidates for foreign_id in spelt[sync.name][text]]
        which, foreign_id = _which_sync(config, state, forms, text)
        ids = found.setdefault(which.name, [])
        ids.append(foreign_id)
        written = _written(which, foreign_id)
        if _may_come_back(state, which, foreign_id) and (
            not undo or _was_asked_to_erase(config, state, which, written)
        ):
            ids.append(written)
    for sync_name, ids in list(found.items()) if not undo else ():
        for foreign_id, of in with_kin(state.store, sync_name, kin_of(config, config.syncs[sync_name]), ids):
            found.setdefault(of, []).append(foreign_id)
    asked = [Asked(sync=config.syncs[one], foreign_ids=list(dict.fromkeys(ids))) for one, ids in found.items()]
    for one in asked:
        _refuse_half_a_pair(state, one)
    return asked


def _refuse_half_a_pair(state: State, asked: Asked) -> None:
    """Who is held as one of a pair may be there under the other id, or come back under it."""
    name, prefix = asked.sync.name, asked.sync.foreign_id.prefix
    wanted = frozenset().union(*(spellings_of(one, prefix) for one in asked.foreign_ids))
    held = state.store.held.partners(name, wanted, prefix)
    if not held:
        return
    absent = (known.foreign_id for known in state.store.known.each(name) if known.absent_since)
    alike = (one for one in absent if not spellings_of(one, prefix).isdisjoint(wanted))
    twins = {*held, *alike} - set(asked.foreign_ids)
    if twins:
        both = " ".join(sorted(twins.union(asked.foreign_ids)))
        stop(
            f"{', '.join(sorted(twins))} may be the same person under another spelling of the id. Erase both: "
            f"`syncd erase {both}`; or say first that they are one (`syncd link {name} --renamed`) or two "
            f"(`syncd approve {name}`).",
            USAGE,
        )


def _which_sync(config: Config, state: State, spelt: Sequence[Form], text: str) -> Form:
    """The sync and the id that is meant; `spelt` are all that may be, those first that are spelt as the text is."""
    known = [form for form in spelt if state.store.known.find_one(form[0].name, form[1])]
    erased = [form for form in spelt if not known and _was_asked_to_erase(config, state, *form)]
    plain = [form for form in spelt if form[1] == _written(*form)]
    prefixed = [form for form in plain if _has_prefix(*form) and form[1] == in_one_line(text)]
    names = list(dict.fromkeys(sync.name for sync, _ in spelt))
    for found in (_but_for_form(known), _but_for_form(erased), prefixed, plain[:1] if len(names) == 1 else []):
        if len(found) == 1:
            return found[0]
    return stop(f"Say which sync {in_one_line(text)} belongs to: --sync with one of {', '.join(names)}.", USAGE)


def _but_for_form(forms: Sequence[Form]) -> list[Form]:
    """The first of those that are written alike."""
    return list({(form[0].name, _written(*form)): form for form in reversed(forms)}.values())


def _may_come_back(state: State, sync: SyncConfig, foreign_id: str) -> bool:
    """Whether the source may yet name the person by the id as it is written today, which leads to no hash of this one.

    Not where that id is somebody else's.
    """
    written = _written(sync, foreign_id)
    return written != normalize("NFC", foreign_id) and not state.store.known.find_one(sync.name, written)


def _was_asked_to_erase(config: Config, state: State, sync: SyncConfig, foreign_id: str) -> bool:
    instance, name = make_instance(config, sync.gomus, state), state.digester(sync.name).name(foreign_id)
    return state.store.tombstones.find_requested(instance, name) is not None


def _written(sync: SyncConfig, foreign_id: str) -> str:
    return id_in_one_line(foreign_id, sync.foreign_id.prefix)


def _has_prefix(sync: SyncConfig, foreign_id: str) -> bool:
    return bool(sync.foreign_id.prefix) and foreign_id.startswith(sync.foreign_id.prefix)


# --- what is done ---


def _erase(
    config: Config,
    state: State,
    asked: Sequence[Asked],
    *,
    stopping: threading.Event,
    by: str,
    why: str | None,
) -> list[int]:
    """All of it is written down before anything of it is done."""
    codes = []
    for one in asked:
        with _opening(config, state, one.sync, stopping) as (sync, world):
            request_erasure(sync, world, one.foreign_ids, by=by, why=why)
    for one in asked:
        with _opening(config, state, one.sync, stopping) as (sync, world):
            summary = carry_out(sync, world, one.foreign_ids)
        codes.append(_tell(config, state, one, summary))
    return codes


@contextmanager
def _opening(
    config: Config, state: State, which: SyncConfig, stopping: threading.Event
) -> Iterator[tuple[Sync, World]]:
    with (
        showing_progress(which.name) as progress,
        opening_world(config, which, state, stopping=stopping, progress=_Waiting(which.name, progress)) as world,
    ):
        yield make_sync(config, which, world.sleep), world


class _Waiting:
    """Progress that is told in a line too, once, where there is no terminal."""

    def __init__(self, name: str, progress: Report) -> None:
        self._name, self._progress, self._is_told = name, progress, sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage.startswith(WAITING) and not self._is_told:
            print(f"{self._name}: {stage}.", file=sys.stderr, flush=True)
            self._is_told = True
        self._progress(stage, done, total)


def _tell(config: Config, state: State, asked: Asked, summary: Summary) -> int:
    found = _tombstones(config, state, asked)
    for foreign_id, tombstone in found.items():
        why = _why_open(state, asked.sync.name, foreign_id) if tombstone and tombstone.foreign_id else None
        print(f"{foreign_id}: {_outcome_in_words(tombstone)}{f': {why}' if why else ''}")
    if summary.error:
        then = "The erasure is noted: the next run goes on with it"
        is_over = all(tombstone is None or not tombstone.foreign_id for tombstone in found.values())
        print(f"{summary.error}. {'All of it was done' if is_over else then}.", file=sys.stderr)
    return CODES[summary.status]


def _outcome_in_words(tombstone: Tombstone | None) -> str:
    if tombstone is None:
        return "the request was taken back meanwhile"
    if tombstone.foreign_id:
        return "not erased yet; the next run goes on"
    actions = [step.action for step in tombstone.latest if step.result == "ok"]
    if not actions:
        return "go~mus has no such customer; none will be created under this id"
    remarks = [step.remark for step in tombstone.latest if step.remark]
    done = "anonymized, read back and deleted" if "delete" in actions else "anonymized and read back"
    return "; ".join([done, *remarks])


def _why_open(state: State, sync: str, foreign_id: str) -> str | None:
    if refused := state.store.failures.find_refused(sync, [foreign_id]).get(foreign_id):
        return refused.reason
    if state.store.journal.has_open_write([sync], foreign_id):
        return "a call that was sent before may still take effect"
    return None


def _tombstones(config: Config, state: State, asked: Asked) -> Mapping[str, Tombstone | None]:
    instance = make_instance(config, asked.sync.gomus, state)
    find, digester = state.store.tombstones.find_requested, state.digester(asked.sync.name)
    return {foreign_id: find(instance, digester.name(foreign_id)) for foreign_id in asked.foreign_ids}


def _certified(config: Config, state: State, asked: Sequence[Asked]) -> list[Certified]:
    return [
        certified(config, one.sync.gomus, tombstone)
        for one in asked
        for tombstone in _tombstones(config, state, one).values()
        if tombstone
    ]


def _undo(config: Config, state: State, asked: Sequence[Asked]) -> None:
    unknown = []
    for one in asked:
        with _opening(config, state, one.sync, threading.Event()) as (sync, world):
            for foreign_id in one.foreign_ids:
                if undo_erasure(sync, world, foreign_id):
                    print(f"{foreign_id}: may be created again; the next run of {sync.name} reads the source whole.")
                else:
                    unknown.append(foreign_id)
    if unknown:
        stop(f"Nobody has asked to erase {', '.join(unknown)}.", USAGE)
