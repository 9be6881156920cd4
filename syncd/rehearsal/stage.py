"""Where a list is rehearsed: a sandbox in memory and a state of its own, on a night that is not today.

Runs are those of every day: the same run, guards and delivery. Only what stands around them is made for the rehearsal.
"""

import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr

from syncd.assembly import State, opening_state, sleeping
from syncd.config.model import Config, StateOptions, SyncConfig
from syncd.domain.chunks import CHUNK
from syncd.domain.records import LookupEntry
from syncd.domain.runs import Summary, Trigger
from syncd.errors import Fatal
from syncd.gomus.client import Client
from syncd.mapping.lookups import AnyWord, LookupKind, fold
from syncd.report.failures import FailureGroup, group_failures
from syncd.runs.run import run
from syncd.runs.world import Sync, World
from syncd.sandbox import TOKEN, Customer, Sandbox, called_by_httpx, create_app

MOST_WORDS = 2_000  # of one list: no instance has so many
Progress = Callable[[str, int, int | None], None]


class HeardWords(AnyWord):
    """Any word is one of the instance's, and each gets an id of its own: what was heard becomes the instance's list."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self._heard: dict[str, int] = {}

    def find(self, name: str) -> int | None:
        word = fold(name)
        if not word or (word not in self._heard and len(self._heard) >= MOST_WORDS):
            return None
        return self._heard.setdefault(word, len(self._heard) + 1)

    @property
    def entries(self) -> list[LookupEntry]:
        return [LookupEntry(id=number, names=(word,)) for word, number in self._heard.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a run has changed in the sandbox: how many customers, how often which field, and which foreign_ids."""

    created: int = 0
    changed: int = 0
    erased: int = 0
    fields: Mapping[str, int] = field(default_factory=dict)
    emptied: Mapping[str, int] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`folder` takes the states; `progress` is told of each run. `words` are what the list says in look-ups."""

    config: Config
    sync: Sync
    folder: Path
    words: Mapping[LookupKind, HeardWords]
    stopping: threading.Event
    key: str = field(default_factory=secrets.token_hex, repr=False)

    def open_first(self) -> "Night":
        """Before anybody is known."""
        sandbox = Sandbox(strangers=())
        numbers = range(1, MOST_WORDS + 1)
        sandbox.salutations = sandbox.titles = {number: {"de": "any"} for number in numbers}
        sandbox.countries = dict.fromkeys(numbers, ("", "any"))
        sandbox.calls = type(sandbox.calls)(maxlen=CHUNK)  # nobody looks at more, and their bodies are large
        return Night(self, "first", sandbox)

    def options_of(self, night: str) -> StateOptions:
        return StateOptions(
            url=f"sqlite:///{self.folder / night}.db", digest_key=SecretStr(self.key), keep=self.config.state.keep
        )


class Night:
    """One course of events: what the sandbox and the state have come to."""

    def __init__(self, stage: Stage, name: str, sandbox: Sandbox) -> None:
        self._stage, self._name, self.sandbox = stage, name, sandbox
        self.config = stage.config.model_copy(update={"state": stage.options_of(name)})

    def branch(self, name: str) -> "Night":
        """Another course from here on."""
        shutil.copyfile(self._stage.folder / f"{self._name}.db", self._stage.folder / f"{name}.db")
        return Night(self._stage, name, self.sandbox.copy())

    def end(self) -> None:
        for file in self._stage.folder.glob(f"{self._name}.db*"):
            file.unlink()

    def run(self, sync: Sync, at: datetime, progress: Progress, *, is_first: bool = False) -> Summary:
        """One whole run at that time. Raises Fatal where the stage itself gave way."""
        self.sandbox.reset_calls()
        with self._opening_world(sync, at, progress) as world:
            for kind, words in self._stage.words.items():
                world.store.instances.keep_lookup(sync.instance, kind, sync.gomus.locale, words.entries, at)
            summary = run(sync, world, trigger=Trigger.REHEARSAL, probe=not is_first)
            if summary.is_cut or world.client.out_of_reach:
                raise Fatal(f"the rehearsal could not go on: {summary.error}")
            return summary

    @contextmanager
    def _opening_world(self, sync: Sync, at: datetime, progress: Progress) -> Iterator[World]:
        transport = httpx.WSGITransport(app=called_by_httpx(create_app(self.sandbox)))
        options = sync.gomus.model_copy(update={"token": SecretStr(TOKEN)})
        sleep, began = sleeping(self._stage.stopping), time.monotonic()
        with opening_state(self.config) as state, Client(options, transport=transport, sleep=sleep) as client:
            yield World(
                store=state.store,
                digester=state.digester(sync.name),
                client=client,
                clock=lambda: at + timedelta(seconds=time.monotonic() - began),
                sleep=sleep,
                stopping=self._stage.stopping,
                progress=progress,
            )

    @contextmanager
    def opening_state(self) -> Iterator[State]:
        with opening_state(self.config) as state:
            yield state

    def failures(self) -> list[FailureGroup]:
        """Who could not be synced, by reason."""
        with self.opening_state() as state:
            return group_failures(state.store, self._stage.sync.name, with_ids=False)

    def customers(self) -> dict[str, Customer]:
        return {one.foreign_id: one for one in self.sandbox.customers if one.foreign_id is not None}


def compare(before: Mapping[str, Customer], after: Mapping[str, Customer], *, but: frozenset[str]) -> Effect:
    """What differs; of these foreign_ids nothing counts."""
    differing = [name for name in before.keys() & after.keys() if before[name].fields != after[name].fields]
    changed = set(differing) - but
    fields, emptied = Counter[str](), Counter[str]()
    for name in changed:
        old, new = before[name].fields, after[name].fields
        fields.update(one for one in new if new[one] != old[one])
        emptied.update(one for one in new if new[one] is None and old[one] is not None)
    created, erased = after.keys() - before.keys() - but, before.keys() - after.keys() - but
    return Effect(
        created=len(created),
        changed=len(changed),
        erased=len(erased),
        fields=fields,
        emptied=emptied,
        ids=frozenset(changed | created | erased),
    )


def for_sandbox(sync: Sync, batch_size: int = 100) -> Sync:
    """The sync with a pace that suits a sandbox in memory."""
    pace = {"batch_size": batch_size, "requests_per_second": None, "concurrency": 1}
    return replace(sync, gomus=sync.gomus.model_copy(update=pace))


def without_numbers(sync: SyncConfig) -> SyncConfig:
    """The sync without the numbers of customers that go~mus has already: the sandbox has none of them."""
    return sync.model_copy(update={"foreign_id": sync.foreign_id.model_copy(update={"gomus_id": None})})
