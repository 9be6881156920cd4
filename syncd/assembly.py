"""From a configuration to the parts of a run: state, digests, client, source, mapping."""

import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import structlog
from sqlalchemy import Engine

from syncd.config.likeness import kin_of
from syncd.config.model import ActionName, Config, DeleteOptions, GuardOptions, NotifyOptions, StateOptions, SyncConfig
from syncd.config.prefixes import REMEDY, find_shared_prefix
from syncd.domain.changes import Change, Create, Erase, Update
from syncd.domain.chunks import until_stopped
from syncd.domain.digest import Digester
from syncd.domain.guards import Limits
from syncd.errors import Misconfigured, Problem, StateUnusable, Stopped, SyncdError
from syncd.gomus.fields import FIELDS
from syncd.machine.files import is_open_to_others
from syncd.mapping.filters import Where
from syncd.sources import find_source
from syncd.sources.base import Source
from syncd.state import migrate
from syncd.state.board import Board
from syncd.state.conditions import Conditions
from syncd.state.connect import key_file, open_engine, open_engine_readonly, refuse_pooler
from syncd.state.erasures import Erasures, Key, Place
from syncd.state.keyring import CHECK, Keyring
from syncd.state.keys import make_key
from syncd.state.recall import Recall
from syncd.state.register import open_register
from syncd.state.slots import sharing
from syncd.state.store import Store
from syncd.state.tombstones import Instance

if TYPE_CHECKING:  # a question to the state needs no client of go~mus, and what that needs is slow to import
    from syncd.alerts.alarms import Alarms
    from syncd.gomus.client import Client, Observe
    from syncd.mapping.mapper import Mapper
    from syncd.runs.world import Sync, World

log = structlog.get_logger()
KINDS: Mapping[ActionName, type[Change]] = {"create": Create, "update": Update, "erase": Erase}
Sleep: TypeAlias = Callable[[float], None]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The open state database, the keys under which it is written, and the ledger that outlives it."""

    engine: Engine
    store: Store
    keyring: Keyring
    erasures: Erasures
    is_written: bool

    def digester(self, name: str) -> Digester:
        """For a sync or an instance, by its name. Raises Misconfigured where its museum's key has changed."""
        return self.keyring.of(name, writes=self.is_written)


@contextmanager
def opening_state(config: Config) -> Iterator[State]:
    """For a run: create the database and the key where they are missing, and upgrade the schema.

    Raises StateUnusable, and Misconfigured where a server's database needs a `digest_key`.
    """
    engine = open_engine(config.state.url)
    try:
        refuse_pooler(engine)
        migrate.upgrade(engine)
        state = _state(config, engine, _digest_key(config, engine), is_written=True)
        state.keyring.note()
        state.keyring.refuse_other()
        yield state
    finally:
        engine.dispose()


@contextmanager
def looking_at_state(config: Config) -> Iterator[State]:
    """For questions: create and write nothing. Where there is no state yet, an empty one answers.

    Raises StateUnusable.
    """
    engine = open_engine_readonly(config.state.url)
    try:
        key = _known_key(config)
        if key is None:
            _refuse_lost_key(config, engine)
        state = _state(config, engine, key or secrets.token_hex())
        state.keyring.refuse_other()
        yield state
    finally:
        engine.dispose()


@contextmanager
def opening_board(config: Config) -> Iterator[Board]:
    """For a request to the daemons, which have created the database."""
    engine = open_engine(config.state.url)
    try:
        yield Board(engine)
    finally:
        engine.dispose()


@contextmanager
def opening_alarms(config: Config, options: NotifyOptions) -> "Iterator[Alarms]":
    from syncd.alerts.alarms import Alarms

    with opening_state(config) as state:
        yield Alarms(config, options, store=state.store, conditions=Conditions(state.engine))


def _state(config: Config, engine: Engine, key: str, *, is_written: bool = False) -> State:
    def make(key: str) -> Digester:
        return Digester(key.encode(), FIELDS)

    own = {name: one.digest_key.get_secret_value() for name, one in config.museums.items() if one.digest_key}
    form = make(key)  # of what is packed, whatever the key
    store = Store(engine, pack=form.pack, unpack=form.unpack)
    keyring = Keyring(store, key, own, make)
    return State(
        engine=engine, store=store, keyring=keyring, erasures=make_erasures(config.state), is_written=is_written
    )


def make_erasures(options: StateOptions) -> Erasures:
    if options.ledger is None:
        return Erasures()
    return Erasures(open_register(options.ledger), [Key(secret) for secret in options.ledger_keys])


def check_state_folder(config: Config) -> None:
    """Raise StateUnusable where the folder is missing, or closed: a run creates the file but not the folder."""
    folder = state_folder(config)
    if folder is not None and not folder.is_dir():
        raise StateUnusable(f"the folder of the state database, {folder}, does not exist", remedy="make it")
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        raise StateUnusable(
            f"the folder of the state database, {folder}, can't be written",
            remedy="let the user that runs syncd write it",
        )


def state_folder(config: Config) -> Path | None:
    """None where a server has the state."""
    file = key_file(config.state.url)
    return file and file.parent


# --- the digest key ---


def _known_key(config: Config) -> str | None:
    if config.state.digest_key is not None:
        return config.state.digest_key.get_secret_value()
    file = key_file(config.state.url)
    if file is None or not file.exists():
        return None
    try:
        if is_open_to_others(file):
            raise StateUnusable(f"the key {file} can be read by others", remedy=f"chmod 600 {file}")
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise StateUnusable(
            f"the key {file} can't be read", remedy="let the user that runs syncd read it, or restore it from a backup"
        ) from None
    if not key:
        raise StateUnusable(f"the key {file} is empty", remedy="restore it from a backup")
    return key


def _digest_key(config: Config, engine: Engine) -> str:
    """The key from the configuration, otherwise from the key file; a new file only where no digest was written yet."""
    key = _known_key(config)
    if key is not None:
        return key
    file = key_file(config.state.url)
    if file is None:
        raise Misconfigured([Problem(path="state.digest_key", message='is needed: { env = "SYNCD_DIGEST_KEY" }')])
    _refuse_lost_key(config, engine)
    return make_key(file)


def _refuse_lost_key(config: Config, engine: Engine) -> None:
    if _state(config, engine, "any key reads this").store.meta(CHECK) is not None:
        raise StateUnusable(
            f"the key {key_file(config.state.url)} of the state database is gone",
            remedy="restore it from a backup; without it, move the database away too: it is then rebuilt by adoption",
        )


# --- a sync ---


def make_source(config: Config, sync: SyncConfig, sleep: Sleep) -> Source:
    from syncd.mapping.columns import measure, name_columns

    source = find_source(sync.source.type)(sync.source, base=config.base, sleep=sleep, clock=now)
    source.share = measure(name_columns(sync.foreign_id, sync.fields, sync.where, sync.tell))
    return source


def make_client(
    config: Config,
    sync: SyncConfig,
    sleep: Sleep,
    observe: "Observe" = lambda _method, _status, _seconds: None,
    *,
    is_looking: bool = True,
) -> "Client":
    """Who is only looking makes its calls one by one, and also without a state."""
    from syncd.gomus.client import Client

    options = config.gomus[sync.gomus]
    shared = sharing(config.state.url, options.url, is_looking=is_looking)
    return Client(options, sleep=sleep, observe=observe, sharing=shared)


def make_mapper(sync: SyncConfig) -> "Mapper":
    from syncd.mapping.mapper import Mapper

    return Mapper(
        foreign_id=sync.foreign_id,
        fields=sync.fields,
        catalogue=FIELDS,
        where=sync.where,
        tell=sync.tell,
        twin=sync.twin,
    )


def make_sync(config: Config, sync: SyncConfig, sleep: Sleep, *, only: frozenset[str] | None = None) -> "Sync":
    """Where `only` some customers are meant, nobody is erased."""
    from syncd.runs.world import Sync

    return Sync(
        name=sync.name,
        instance=sync.gomus,
        gomus=config.gomus[sync.gomus],
        source=make_source(config, sync, sleep),
        mapper=make_mapper(sync),
        timezone=sync.timezone,
        catalogue=FIELDS,
        limits=make_limits(sync.delete, sync.guards, set(sync.actions) - ({"erase"} if only else set())),
        mode=sync.delete.mode,
        grace=sync.delete.grace,
        recreate_vanished=sync.vanished == "recreate",
        audit_per_run=0 if only else sync.audit_per_run,
        fix_drift=sync.fix_drift,
        keep=config.state.keep,
        absence_terms=_absence_terms(sync),
        others=tuple(other.name for other in config.beside(sync)),
        kin=kin_of(config, sync),
        releases_linked=sync.delete.linked == "release",
        holds_addresses=sync.delete.further_addresses == "hold",
        only=only,
    )


def _absence_terms(sync: SyncConfig) -> bytes:
    parts = sync.source, sync.foreign_id
    texts = [part.model_dump_json(exclude_defaults=True, exclude={"gomus_id"}) for part in parts]
    texts += [Where(sync.where).spelt] if sync.where else []
    return "\n".join([*texts, sync.delete.mode.value, str(sync.delete.grace)]).encode()


def write_worklist(config: Config, sync: SyncConfig, state: State, stopping: threading.Event) -> None:
    """Write what the owner of the data has to do where the configuration says; where that fails, the log tells."""
    if (options := sync.worklist) is None:
        return
    from syncd.report.files import replacing
    from syncd.report.worklist import list_entries, with_values, write_page, write_table

    file, at = config.base / options.path, now()
    try:
        entries = list_entries(state.store, config, [sync], options.lang)
        if options.values and entries:
            sleep = sleeping(stopping)
            with make_source(config, sync, sleep).open() as reading:
                records = until_stopped(reading, lambda: sleep(0))
                entries = with_values(entries, records, make_mapper(sync))
        with replacing(file) as draft:
            if options.is_page:
                write_page(entries, draft, options.lang, at=at, zone=sync.timezone)
            else:
                write_table(entries, draft, options.lang)
            draft.chmod(options.permissions)
    except OSError as error:
        log.warning("worklist.failed", sync=sync.name, error=f"{options.path} can't be written ({error.strerror})")
    except SyncdError as error:
        log.warning("worklist.failed", sync=sync.name, error=error.message, remedy=error.remedy)


def make_recall(config: Config, sync: SyncConfig, state: State) -> Recall:
    """Raises Misconfigured or Fatal where the ledger of erasures can't be read."""
    at, instance = now(), make_instance(config, sync.gomus, state)
    return Recall(
        store=state.store,
        digester=state.digester(sync.name),
        sync=sync.name,
        instance=instance,
        now=at,
        erased=state.erasures.read(Place(sync.gomus, config.gomus[sync.gomus].url)),
        unclear=state.store.journal.unclear(sync.name),
        shared_email=config.gomus[sync.gomus].shared_email,
        linking=frozenset().union(*(state.store.journal.linking(one) for one in kin_of(config, sync))),
        absence_context=state.digester(sync.name).context(_absence_terms(sync)),
        counting=state.store.absences.counting(sync.name),
        mergers=state.store.mergers.of(sync.name),
        kin=kin_of(config, sync),
        others=state.store.runs.neighbours(
            sync.name, instance.address, configured=[other.name for other in config.beside(sync)], now=at
        ),
    )


def judge_prefix(config: Config, sync: SyncConfig, state: State) -> Problem | None:
    """Which other syncs of the instance may have the same ids; None where none may.

    Raises Misconfigured where this one has no state yet: it can still be given another prefix.
    """
    problem = find_shared_prefix(config, sync)
    if problem and not state.store.has_state(sync.name):
        raise Misconfigured([problem], remedy=REMEDY)
    if problem:
        log.warning("prefix.shared", sync=sync.name, error=problem.message, remedy=REMEDY)
    return problem


def make_instance(config: Config, name: str, state: State) -> Instance:
    return Instance.at(name, config.gomus[name].url, state.digester(name))


def make_limits(delete: DeleteOptions, guards: GuardOptions, actions: Iterable[ActionName] = tuple(KINDS)) -> Limits:
    return Limits(
        delete_percent=delete.max_percent,
        delete_count=delete.max_count,
        actions=frozenset(KINDS[name] for name in actions),
        **dict(guards),
    )


@contextmanager
def opening_world(  # noqa: PLR0913 - a world has so many parts
    config: Config,
    sync: SyncConfig,
    state: State,
    *,
    stopping: threading.Event,
    progress: Callable[[str, int, int | None], None],
    observe: "Observe" = lambda _method, _status, _seconds: None,
) -> "Iterator[World]":
    from syncd.runs.world import World

    sleep = sleeping(stopping)
    with make_client(config, sync, sleep, observe, is_looking=False) as client:
        yield World(
            store=state.store,
            erasures=state.erasures,
            digester=state.digester(sync.name),
            client=client,
            clock=now,
            sleep=sleep,
            stopping=stopping,
            progress=progress,
        )


def sleeping(stopping: threading.Event) -> Sleep:
    """A sleep that raises Stopped where it is cut short, or should not begin."""

    def sleep(seconds: float) -> None:
        if stopping.wait(seconds):
            raise Stopped

    return sleep
