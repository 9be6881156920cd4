"""A scheduler's desk and the queue on PostgreSQL; what workers do to jobs and runs is done by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa
from office import CONFIG

from syncd.assembly import State, opening_state
from syncd.cluster import Jobs
from syncd.config import load
from syncd.config.model import Config
from syncd.daemon.desk import Desk
from syncd.domain.due import Due
from syncd.errors import StateUnusable
from syncd.state.board import Board, Request
from syncd.state.lease import take_lease

JOBS = "syncd_queue.procrastinate_jobs"


@dataclass
class Control:
    """Some desks, one after the other, on one state."""

    config: Config
    state: State
    ticks: float = 0.0

    def desk(self, name: str = "one") -> Desk:
        def refuse(_order: object) -> None:
            raise AssertionError("with a queue a desk starts nothing itself")

        return Desk(
            name=name,
            config=self.config,
            start=refuse,
            clock=lambda: datetime.now(UTC),
            monotonic=lambda: monotonic() + self.ticks,
            reload=lambda: self.config,
        )

    def ask(self) -> str:
        return Board(self.state.engine).ask("members", at=datetime.now(UTC), expires_at=None)

    def request(self, id_: str) -> Request:
        request = Board(self.state.engine).request(id_)
        assert request
        return request

    def live(self) -> list[tuple[str, ...]]:
        """The requests of each job that waits or is under way."""
        rows = self._execute(f"select args->'requests' from {JOBS} where status in ('todo', 'doing') order by id")  # noqa: S608
        return [tuple(requests) for (requests,) in rows]

    def begin_job(self, *, silent_for: float) -> None:
        """By a worker that has given no sign of life for so many seconds."""
        worker = "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 s' * {}) returning id"
        [(number,)] = self._execute(worker.format(silent_for))
        self._execute(f"update {JOBS} set status = 'doing', worker_id = {number} where status = 'todo' returning id")  # noqa: S608

    def end_job(self, status: str) -> None:
        self._execute(f"update {JOBS} set status = '{status}' where status in ('todo', 'doing') returning id")  # noqa: S608

    def lose_database(self, desk: Desk) -> None:
        desk._close_board()

    def _execute(self, statement: str) -> list[sa.Row[tuple[object, ...]]]:
        with self.state.engine.begin() as connection:
            connection.execute(sa.text("set local search_path to syncd_queue"))
            return list(connection.execute(sa.text(statement)).all())  # type: ignore[arg-type]


@pytest.fixture
def control(tmp_path: Path, postgres_url: str) -> Iterator[Control]:
    text = CONFIG.format(url="https://demo.gomus.de").replace(
        '"sqlite:///state/syncd.db"', f'"{postgres_url}"\ndigest_key = {{ env = "KEY" }}'
    )
    (tmp_path / "config.toml").write_text('[daemon]\nqueue = "procrastinate"\n' + text)
    config = load(tmp_path / "config.toml", {"GOMUS_TOKEN": "of nobody", "KEY": "a key for tests"})
    with opening_state(config) as state:
        yield Control(config, state)


@contextmanager
def at_work(control: Control, name: str = "one") -> Iterator[Desk]:
    desk = control.desk(name)
    desk.look()
    try:
        yield desk
    finally:
        desk._close_board()


def test_who_asked_for_a_run_that_was_cut_twice_is_told(control: Control) -> None:
    with at_work(control) as desk:
        id_ = control.ask()
        for _ in range(2):
            desk.look()
            assert control.live() == [(id_,)]
            control.end_job("failed")
        desk.look()
        assert (control.live(), control.request(id_).status) == ([], "failed")


def test_a_request_whose_job_could_not_be_deferred_is_deferred_later(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work(control) as desk:
        id_ = control.ask()
        with monkeypatch.context() as broken:
            broken.setattr(Jobs, "defer", fail)
            desk.look()
        assert control.live() == []
        control.ticks += 100
        desk.look()
        assert control.live() == [(id_,)]


def fail(_jobs: Jobs, _due: Due, *, is_long: bool) -> None:
    raise StateUnusable(f"the queue failed ({is_long})")


@pytest.mark.parametrize(
    ("is_held", "silent_for", "is_lost"), [(False, 6, True), (False, 3, False), (True, 6, False), (True, 9, True)]
)
def test_a_silent_worker_is_lost_sooner_where_nobody_has_the_lease(
    control: Control, *, is_held: bool, silent_for: float, is_lost: bool
) -> None:
    with at_work(control) as desk, take_lease(control.state.engine, "members") if is_held else nullcontext():
        control.ask()
        desk.look()
        control.begin_job(silent_for=silent_for)
        assert desk.jobs
        assert bool(desk.jobs.take_ended()) == is_lost


@pytest.mark.parametrize("end", ["failed", "aborted"])
def test_a_job_that_was_cut_while_its_scheduler_had_no_database_is_gone_on_with(control: Control, end: str) -> None:
    with at_work(control) as desk:
        id_ = control.ask()
        desk.look()
        control.lose_database(desk)
        control.end_job(end)
        desk.look()
        assert control.live() == [(id_,)]


@pytest.mark.parametrize(("ends", "is_begun_again"), [(["failed"], True), (["failed", "failed"], False), ([], False)])
def test_a_scheduled_run_that_was_cut_while_nobody_looked_is_gone_on_with_once(
    control: Control, ends: list[str], is_begun_again: bool
) -> None:
    with at_work(control) as desk:
        defer: Callable[..., None] = desk.jobs.defer if desk.jobs else lambda: None
        for end in ["succeeded", *ends]:
            defer(Due(sync="members", moment=datetime.now(UTC)), is_long=False)
            control.end_job(end)
    with at_work(control, "two"):
        assert control.live() == ([()] if is_begun_again else [])


def test_who_is_asked_for_while_a_job_of_the_sync_waits_is_not_forgotten(control: Control) -> None:
    """As where the answer to the first was lost on its way."""
    with at_work(control) as desk:
        assert desk.jobs
        desk.jobs.defer(Due(sync="members", moment=datetime.now(UTC)), is_long=False)
        desk.jobs._live.clear()
        id_ = control.ask()
        desk.look()
        control.end_job("succeeded")
        desk.look()
        assert control.live() == [(id_,)]
