"""Connecting to the queue: an app of procrastinate that sees the schema of the queue and nothing else."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from procrastinate import App, BaseConnector, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy import Engine

from syncd.cluster.outcome import RUN
from syncd.errors import StateUnusable
from syncd.state.connect import KEEPALIVES
from syncd.state.queue import SCHEMA
from syncd.state.session import process_name, worker_name

WAIT = 10.0  # seconds for a connection
OF_WORKER, OF_SCHEDULER = 4, 1  # connections; a worker listens on two


def of_scheduler(engine: Engine) -> App:
    return _app(SyncPsycopgConnector(**_pool(engine, OF_SCHEDULER, process_name())), lambda **_told: None)


def of_worker(engine: Engine, carry_out: Callable[..., Awaitable[None]], places: int) -> App:
    return _app(PsycopgConnector(**_pool(engine, OF_WORKER, worker_name(places))), carry_out)


def _pool(engine: Engine, size: int, name: str) -> dict[str, Any]:
    _, arguments = engine.dialect.create_connect_args(engine.url)
    ours = {"application_name": name, "options": f"-c search_path={SCHEMA}", **KEEPALIVES}
    return {"kwargs": {**arguments, **ours}, "min_size": size, "max_size": size, "timeout": WAIT}


def _app(connector: BaseConnector, carry_out: Callable[..., object]) -> App:
    for name in ("procrastinate", "psycopg.pool"):  # what they would say is in our own events
        logging.getLogger(name).setLevel(logging.CRITICAL)
    app = App(connector=connector)
    app.task(name=RUN)(carry_out)
    return app


@contextmanager
def translate_errors() -> Iterator[None]:
    try:
        yield
    except ConnectorException as error:
        cause = type(error.__cause__ or error).__name__
        raise StateUnusable(f"the queue in the state database failed ({cause})") from None
