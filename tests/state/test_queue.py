"""The queue and its workers, as one sees them from outside."""

import time

import psycopg
import pytest

from syncd.state import queue
from syncd.state.connect import advisory_key, open_engine
from syncd.state.session import worker_name


def test_a_worker_is_counted_while_it_says_something(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = postgres_url.replace("+psycopg", "")
    engine = open_engine(postgres_url)
    with psycopg.connect(address, application_name=worker_name(4), autocommit=True) as worker:
        worker.execute("select 1")
        assert [one.places for one in queue.look_around(engine).workers] == [4]
        monkeypatch.setattr(queue, "HANGING", 0.2)
        time.sleep(0.3)
        assert queue.look_around(engine).workers == ()
    engine.dispose()


def test_the_sessions_of_one_worker_are_one_worker_and_who_has_a_lock_is_named(postgres_url: str) -> None:
    address = postgres_url.replace("+psycopg", "")
    engine = open_engine(postgres_url)
    with (
        psycopg.connect(address, application_name="syncd worker of 4 on h, pid 1"),
        psycopg.connect(address, application_name="syncd worker of 4 on h, pid 1"),
        psycopg.connect(address, application_name="syncd on h, pid 1") as holder,
    ):
        holder.execute("select pg_advisory_lock(%s)", [advisory_key("members")])
        crowd = queue.look_around(engine)
    engine.dispose()
    assert [(one.place, one.places) for one in crowd.workers] == [("h, pid 1", 4)]
    assert crowd.holders == {advisory_key("members"): "syncd on h, pid 1"}


def test_where_the_tables_are_yet_to_be_made_nothing_waits(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    assert queue.count_jobs(engine) == []
    engine.dispose()
