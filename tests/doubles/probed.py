"""A probe of a sandbox in memory, whose time passes only where somebody waits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from databases import open_compiled, upgrade_by_copy
from museum import Clock
from pydantic import SecretStr

from syncd.delivery.delivery import Delivery
from syncd.domain.digest import Digester
from syncd.errors import Stopped
from syncd.gomus.client import Client
from syncd.gomus.fields import FIELDS
from syncd.gomus.options import GomusOptions
from syncd.probing.leftovers import Leftovers, forget_what_is_asked
from syncd.probing.probe import Probe, Probed
from syncd.runs.learning import Learning
from syncd.sandbox import TOKEN, Sandbox, Switches, called_by_httpx, create_app
from syncd.state.store import Store

INSTANCE = "test"


@dataclass
class Laboratory:
    """`token` stands for chance; `stopping` for Ctrl-C."""

    folder: Path
    switches: Switches = field(default_factory=Switches)
    token: str = "5eed"
    stopping: threading.Event = field(default_factory=threading.Event)
    wrap: Callable[[httpx.BaseTransport], httpx.BaseTransport] = lambda inner: inner

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.sandbox = Sandbox(self.switches, clock=self.clock, sleep=self.clock.sleep)
        engine = open_compiled(f"sqlite:///{self.folder / 'state.db'}")
        upgrade_by_copy(engine)
        self.engine = engine
        self.digester = Digester(b"the key", FIELDS)
        self.store = Store(engine, pack=self.digester.pack, unpack=self.digester.unpack)
        self.is_tidying = False

    def close(self) -> None:
        self.engine.dispose()

    def sleep(self, seconds: float) -> None:
        if self.stopping.is_set() and not self.is_tidying:
            raise Stopped
        self.clock.sleep(seconds)

    @contextmanager
    def tidying(self) -> Iterator[None]:
        self.is_tidying = True
        yield
        self.is_tidying = False

    def probe(self, *, writes: bool = True, token: str = TOKEN) -> Probed:
        options = GomusOptions(url="https://test.gomus.de", token=SecretStr(token), attempts=3)
        forget_what_is_asked(self.store.instances, INSTANCE)
        learning = Learning(INSTANCE, options, self.store.instances, self.clock(), "")
        transport = self.wrap(httpx.WSGITransport(app=called_by_httpx(create_app(self.sandbox))))
        with Client(options, transport=transport, sleep=self.sleep, clock=lambda: self.clock().timestamp()) as client:
            delivery = Delivery(
                client=client,
                digester=self.digester,
                catalogue=FIELDS,
                habits=learning.habits,
                writes={},
                attempts=options.attempts,
                timeout=options.timeout,
                clock=self.clock,
                sleep=self.sleep,
                is_stopping=self.stopping.is_set,
            )
            probe = Probe(
                delivery=delivery,
                leftovers=Leftovers(instances=self.store.instances, instance=INSTANCE),
                gomus=options,
                token=self.token,
                tidying=self.tidying,
            )
            try:
                return probe.write() if writes else probe.read()
            finally:
                learning.keep()

    @property
    def learned(self) -> dict[str, str]:
        return self.store.instances.learned(INSTANCE)
