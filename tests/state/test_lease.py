"""The lease: one holder at a time, and none that a dead holder keeps. Real processes, both databases."""

import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import new_database
from real_processes import processes_with

from syncd.domain.digest import Digester
from syncd.errors import LeaseLost, LeaseTaken, StateUnusable
from syncd.gomus.fields import FIELDS
from syncd.state import lease, session
from syncd.state.connect import is_on_server, open_engine
from syncd.state.lease import holder_of, take_lease
from syncd.state.migrate import upgrade
from syncd.state.store import Store

STARTS = 20
processes = processes_with("syncd.state.lease")


def hold(url: str, answers: Any, *, child: bool = False) -> None:
    """Try for the lease, say how it went, and stay until killed."""
    try:
        with take_lease(open_engine(url), "members"):
            sleeper = subprocess.Popen(["sleep", "60"]).pid if child else None
            answers.put(("held", sleeper))
            time.sleep(60)
    except LeaseTaken as error:
        answers.put(("taken", str(error)))


def hold_at(moment: Any, url: str, answers: Any) -> None:
    moment.wait()
    hold(url, answers)


@contextmanager
def started(count: int, target: Any, *args: Any, **kwargs: Any) -> Iterator[list[Any]]:
    running = [processes.Process(target=target, args=args, kwargs=kwargs) for _ in range(count)]
    try:
        for process in running:
            process.start()
        yield running
    finally:
        for process in running:
            process.kill()
            process.join()


def take_within(url: str, seconds: float) -> None:
    """A server may need a moment to notice that its client is gone."""
    engine, deadline = open_engine(url), time.monotonic() + seconds
    try:
        while True:
            try:
                with take_lease(engine, "members"):
                    return
            except LeaseTaken:
                assert time.monotonic() < deadline
                time.sleep(0.02)
    finally:
        engine.dispose()


def test_another_process_is_told_that_the_lease_is_taken_and_by_whom(state_url: str) -> None:
    answers, engine = processes.Queue(), open_engine(state_url)
    with take_lease(engine, "members"), started(1, hold, state_url, answers):
        how, words = answers.get(timeout=20)
    engine.dispose()
    assert how == "taken"
    holder = (
        f"syncd on {socket.gethostname()[-40:]}, pid {os.getpid()}" if is_on_server(state_url) else f"pid {os.getpid()}"
    )
    assert words.startswith(f"another process ({holder}) is running the sync 'members': wait for it to end, or stop it")


def test_beside_a_file_it_is_told_how_to_end_the_holder(sqlite_url: str) -> None:
    answers, engine = processes.Queue(), open_engine(sqlite_url)
    with take_lease(engine, "members"), started(1, hold, sqlite_url, answers):
        _, words = answers.get(timeout=20)
    engine.dispose()
    assert words.endswith(f"stop it: kill {os.getpid()}; where it does not hear that, kill -9 {os.getpid()}")


@pytest.mark.parametrize("sync", ["members", "donors", "Förderkreis", *"abcdefgh"])
def test_whoever_looks_is_told_who_runs_it(state_url: str, sync: str) -> None:
    """PostgreSQL shows the number of a lock in two halves, and half of the numbers are negative."""
    engine = open_engine(state_url)
    with take_lease(engine, sync):
        told = holder_of(engine, sync)
    assert (told or "").endswith(f"pid {os.getpid()}")
    assert (holder_of(engine, sync), holder_of(engine, "others")) == (None, None)
    engine.dispose()


def test_beside_a_file_a_database_that_is_older_than_the_last_run_is_noticed(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with take_lease(engine, "members") as held:
        assert not held.is_older(7)
        held.note(7)
    with take_lease(engine, "members") as held:
        assert [held.is_older(fence) for fence in (6, 7, 8)] == [True, True, False]
    engine.dispose()


def hold_until_lost(url: str, answers: Any) -> None:
    with take_lease(open_engine(url), "members") as held:
        answers.put("held")
        with suppress(LeaseLost):
            while True:
                held.confirm()
                time.sleep(0.01)
        answers.put("lost")


def test_a_frozen_holder_is_ended_and_finds_out_before_it_writes(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "HANGING", lease.BEAT + 2)
    answers = processes.Queue()
    with started(1, hold_until_lost, postgres_url, answers) as (holder,):
        assert answers.get(timeout=20) == "held"
        os.kill(holder.pid, signal.SIGSTOP)
        take_within(postgres_url, lease.BEAT + 5)
        os.kill(holder.pid, signal.SIGCONT)
        assert answers.get(timeout=10) == "lost"


def test_who_hears_nothing_of_its_session_writes_no_more(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is still there can't be known."""
    for name, seconds in {"BEAT": 60.0, "SURE": 0.1, "PATIENCE": 0.3}.items():
        monkeypatch.setattr(lease, name, seconds)
    engine = open_engine(postgres_url)
    with take_lease(engine, "members") as held:
        time.sleep(0.2)
        with pytest.raises(LeaseLost):
            held.confirm()
    engine.dispose()


def test_a_holder_that_beats_is_never_ended(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HANGING", lease.BEAT + 2)
    engine = open_engine(postgres_url)
    with take_lease(engine, "members") as held:
        with pytest.raises(AssertionError):
            take_within(postgres_url, lease.BEAT + 5)
        held.confirm()
    engine.dispose()


def test_who_was_frozen_goes_on_where_nobody_has_taken_over(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SURE", 0.1)
    engine = open_engine(postgres_url)
    with take_lease(engine, "members") as held:
        time.sleep(0.2)
        held.confirm()
    engine.dispose()


def note(url: str) -> bool:
    """What a run does; whether the database looks restored."""
    engine = open_engine(url)
    with take_lease(engine, "members") as held:
        is_older = held.is_older(1)
        held.note(1)
    engine.dispose()
    return is_older


def test_a_copy_of_a_database_is_noticed_once(postgres: str, cloned_url: str) -> None:
    assert [note(cloned_url), note(cloned_url)] == [False, False]
    with new_database(postgres, str(sa.make_url(cloned_url).database)) as copy:
        assert [note(copy), note(copy)] == [True, False]
    assert not note(cloned_url)


def test_a_server_that_keeps_its_history_to_itself_is_no_hindrance(cloned_url: str) -> None:
    tell(
        cloned_url,
        "create role shy login password 'shy'",
        "grant all on all tables in schema public to shy",
        "revoke execute on function pg_control_system() from public",
    )
    url = sa.make_url(cloned_url).set(username="shy", password="shy").render_as_string(hide_password=False)
    assert [note(url), note(url)] == [False, False]
    tell(cloned_url, "drop owned by shy", "drop role shy")


def tell(url: str, *statements: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_lock_file_that_was_removed_is_noticed(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    with take_lease(engine, "members") as held:
        held.confirm()
        (tmp_path / "state.db.members.lock").unlink()
        with pytest.raises(LeaseLost, match="was removed"):
            held.confirm()
    engine.dispose()


def test_a_lock_file_that_was_made_anew_is_noticed(sqlite_url: str, tmp_path: Path) -> None:
    engine, other = open_engine(sqlite_url), open_engine(sqlite_url)
    with take_lease(engine, "members") as held:
        (tmp_path / "state.db.members.lock").unlink()
        with take_lease(other, "members"), pytest.raises(LeaseLost):
            held.confirm()
    engine.dispose()
    other.dispose()


def test_of_twenty_starts_at_once_exactly_one_holds_it(state_url: str) -> None:
    answers, moment = processes.Queue(), processes.Barrier(STARTS)
    with started(STARTS, hold_at, moment, state_url, answers):
        outcomes = [answers.get(timeout=60)[0] for _ in range(STARTS)]
    assert sorted(outcomes) == ["held"] + ["taken"] * (STARTS - 1)


def test_a_killed_holder_blocks_nobody(state_url: str) -> None:
    answers = processes.Queue()
    with started(1, hold, state_url, answers) as (holder,):
        assert answers.get(timeout=20)[0] == "held"
        os.kill(holder.pid, signal.SIGKILL)
        take_within(state_url, 5)


def test_a_child_process_that_outlives_the_holder_does_not_keep_the_lease(state_url: str) -> None:
    answers = processes.Queue()
    with started(1, hold, state_url, answers, child=True) as (holder,):
        _, child = answers.get(timeout=20)
        try:
            os.kill(holder.pid, signal.SIGKILL)
            take_within(state_url, 5)
            os.kill(child, 0)  # still there
        finally:
            os.kill(child, signal.SIGKILL)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres), "memory"])
def url(request: pytest.FixtureRequest) -> str:
    return "sqlite://" if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_url"))


def test_one_process_cannot_hold_it_twice(url: str) -> None:
    engine = open_engine(url)
    with take_lease(engine, "members"), pytest.raises(LeaseTaken), take_lease(engine, "members"):
        pass
    engine.dispose()


def test_it_can_be_taken_again_after_it_was_refused_and_given_back(url: str) -> None:
    engine = open_engine(url)
    with take_lease(engine, "members"):
        with pytest.raises(LeaseTaken), take_lease(engine, "members"):
            pass
        with pytest.raises(LeaseTaken), take_lease(engine, "members"):  # the refusal freed nothing
            pass
    with take_lease(engine, "members"):
        pass
    engine.dispose()


def test_syncs_do_not_hinder_each_other(url: str) -> None:
    engine = open_engine(url)
    with take_lease(engine, "members"), take_lease(engine, "donors"):
        pass
    engine.dispose()


def test_an_error_of_the_block_passes_as_it_is_and_frees_the_lease(url: str) -> None:
    engine = open_engine(url)
    with pytest.raises(BlockingIOError, match="of the block"), take_lease(engine, "members"):
        raise BlockingIOError("of the block")
    with take_lease(engine, "members"):
        pass
    engine.dispose()


def test_two_databases_in_memory_are_two() -> None:
    with take_lease(open_engine("sqlite://"), "members"), take_lease(open_engine("sqlite://"), "members"):
        pass


def test_the_lock_file_is_private_and_stays(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.db'}")
    with take_lease(engine, "members"):
        pass
    lock = tmp_path / "state.db.members.lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_a_database_by_another_name_is_the_same_lease(tmp_path: Path) -> None:
    one = open_engine(f"sqlite:///{tmp_path / 'state.db'}")
    (tmp_path / "alias.db").symlink_to(tmp_path / "state.db")
    other = open_engine(f"sqlite:///{tmp_path / 'alias.db'}")
    with take_lease(one, "members"), pytest.raises(LeaseTaken), take_lease(other, "members"):
        pass


def test_a_lock_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.db'}")
    (tmp_path / "state.db.members.lock").mkdir()
    with pytest.raises(StateUnusable, match=r"the lock, .*, can't be written \(Is a directory\)"):
        take_lease(engine, "members").__enter__()


def test_who_lost_the_lease_with_its_connection_writes_no_more(postgres_url: str) -> None:
    engine, other = open_engine(postgres_url), open_engine(postgres_url)
    upgrade(engine)
    digester = Digester(b"key", FIELDS)
    ours, theirs = (Store(e, pack=digester.pack, unpack=digester.unpack) for e in (engine, other))
    with take_lease(engine, "members"):
        fence = ours.runs.enter("members", b"address").fence
        _cut_off_all_but(other)
        take_within(postgres_url, 5)
        theirs.runs.enter("members", b"address")
        with pytest.raises(LeaseLost), ours.runs.writing("members", fence):
            pass
    engine.dispose()
    other.dispose()


def _cut_off_all_but(engine: sa.Engine) -> None:
    ours = "pid = pg_backend_pid() or datname <> current_database()"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"select pg_terminate_backend(pid) from pg_stat_activity where not ({ours})")  # noqa: S608 - our own words
