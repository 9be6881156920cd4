"""What is kept how long, and moving to another database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from museum import Museum, sqlite_url
from office import CONFIG, Office, open_office
from rows import store_on

from syncd.domain.runs import Status
from syncd.errors import StateUnusable
from syncd.state import copying, migrate
from syncd.state import tables as t
from syncd.state.connect import open_engine
from syncd.state.copying import TABLES, copy_state
from syncd.state.lease import take_lease


@pytest.fixture
def museum(state_url: str) -> Iterator[Museum]:
    museum = Museum(state_url=state_url)
    yield museum
    museum.close()


def wait(museum: Museum, days: float) -> None:
    museum.clock.sleep(days * 86_400)


def count(museum: Museum, table: sa.Table) -> int:
    with museum.engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0)


def add_old_outcomes(museum: Museum, count: int) -> None:
    """Older than any that is kept."""
    long_ago = museum.clock.now - timedelta(days=401)
    row = {column.name: None for column in t.journal.columns if column.name != "id"} | {"round": 0}
    row |= {"run_id": "x", "sync": "members", "foreign_id": "x", "action": "create", "fields": "x" * 2000}
    row |= {"begun_at": long_ago, "settled_at": long_ago, "is_unmet": False}
    with museum.engine.begin() as connection:
        connection.execute(t.journal.insert(), [row] * count)


# --- what is kept ---


def test_outcomes_and_runs_are_forgotten_when_they_are_old(museum: Museum) -> None:
    museum.fill(5)
    museum.run()
    wait(museum, 300)
    museum.row(1)["notes"] = "anders"
    museum.run()
    assert (count(museum, t.journal), count(museum, t.run)) == (6, 2)
    wait(museum, 101)
    museum.run()
    assert (count(museum, t.journal), count(museum, t.run)) == (1, 2)


def test_customers_and_tombstones_are_never_forgotten(museum: Museum) -> None:
    museum.fill(5)
    museum.run()
    museum.erase("M-0005")
    museum.remove(5)
    for _ in range(3):
        wait(museum, 500)
        assert museum.run().status is Status.DONE
    assert museum.calls() == []
    assert (count(museum, t.known), count(museum, t.tombstone)) == (4, 1)


def test_what_is_still_open_is_never_forgotten(museum: Museum) -> None:
    museum.fill(1)
    museum.run()
    with museum.engine.begin() as connection:
        connection.execute(t.journal.update().values(settled_at=None))
    wait(museum, 1000)
    assert not museum.store.forget_history("members", museum.clock.now)
    assert count(museum, t.journal) == 1


def test_the_last_run_of_each_ending_stays(museum: Museum) -> None:
    museum.fill(3)
    museum.run()
    museum.shelf.breaks_after = 1
    museum.run()
    wait(museum, 1000)
    museum.store.forget_history("members", museum.clock.now)
    assert {run.status for run in museum.store.runs.latest("members")} == {"done", "failed"}


def test_it_is_done_once_a_day(museum: Museum) -> None:
    museum.fill(1)
    museum.run()
    add_old_outcomes(museum, 1)
    for hours, left in ((1, 2), (30, 1)):
        museum.clock.sleep(hours * 3600)
        museum.run()
        assert count(museum, t.journal) == left


def test_a_file_gives_its_free_pages_back(tmp_path: Path) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(1)
    museum.run()
    add_old_outcomes(museum, 6000)
    wait(museum, 401)
    large = (tmp_path / "state.db").stat().st_size
    museum.run()
    museum.close()
    assert (tmp_path / "state.db").stat().st_size < large / 10


# --- another database ---


@pytest.fixture(params=["to PostgreSQL", "to SQLite"])
def move(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> tuple[str, str]:
    file = sqlite_url(tmp_path)
    return (file, postgres_url) if request.param == "to PostgreSQL" else (postgres_url, file)


def test_after_a_move_nothing_is_sent_and_work_goes_on(move: tuple[str, str]) -> None:
    old, new = move
    museum = Museum(state_url=old)
    museum.fill(30)
    museum.row(7)["mail"] = "not an address"
    museum.row(8)["family"] = ""
    museum.run()
    target = open_engine(new)
    migrate.upgrade(target)
    told: list[tuple[str, int]] = []
    assert copy_state(museum.engine, target, lambda table, done: told.append((table, done))) > 60
    assert ("known", 28) in told
    target.dispose()
    museum.close()
    moved = Museum(state_url=new, clock=museum.clock, shelf=museum.shelf)
    moved.sandbox, moved.transport = museum.sandbox, museum.transport
    moved.run()
    assert moved.calls() == []
    moved.fill(31)
    moved.run()
    assert [str(call) for call in moved.writes()]
    assert moved.sandbox.duplicates() == []
    moved.close()


@pytest.fixture
def other_file(tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty state in another file."""
    engine = open_engine(f"sqlite:///{tmp_path / 'other.db'}")
    migrate.upgrade(engine)
    yield engine
    engine.dispose()


def test_every_row_is_copied_and_told(tmp_path: Path, other_file: sa.Engine) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(1200)
    museum.run(probe=False)
    told: list[tuple[str, int]] = []
    rows = copy_state(museum.engine, other_file, lambda table, done: told.append((table, done)))
    assert [done for table, done in told if table == "known"] == [1000, 1200]
    assert rows == sum(dict(told).values())
    moved = store_on(other_file)
    assert moved.tally() == museum.store.tally()
    assert list(moved.known.each("members")) == list(museum.store.known.each("members"))
    museum.close()


def test_a_copy_that_differs_from_the_original_is_none(
    tmp_path: Path, other_file: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(3)
    museum.run()
    copied = copying._copy_table

    def lose_one(table: sa.Table, old: sa.Connection, new: sa.Connection, progress: Any) -> int:
        done = copied(table, old, new, progress)
        if table is t.known:
            new.execute(sa.delete(t.known).where(t.known.c.foreign_id == "M-0002"))
        return done

    monkeypatch.setattr(copying, "_copy_table", lose_one)
    with pytest.raises(StateUnusable, match="the copy of known differs from the original"):
        copy_state(museum.engine, other_file, lambda _table, _done: None)
    assert store_on(other_file).known.count("members") == 0
    museum.close()


def test_a_target_that_holds_anything_is_refused_and_left_alone(move: tuple[str, str]) -> None:
    museums = [Museum(state_url=url) for url in move]
    for museum in museums:
        museum.fill(2)
        museum.run()
    with pytest.raises(StateUnusable, match="is not empty"):
        copy_state(museums[0].engine, museums[1].engine, lambda *_: None)
    assert count(museums[1], t.known) == 2
    for museum in museums:
        museum.close()


def test_what_breaks_off_leaves_nothing_behind(move: tuple[str, str]) -> None:
    museum = Museum(state_url=move[0])
    museum.fill(5)
    museum.run()
    target = open_engine(move[1])
    migrate.upgrade(target)

    def break_off(table: str, _done: int) -> None:
        if table == "run":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_state(museum.engine, target, break_off)
    with target.connect() as connection:
        assert all(connection.execute(sa.select(sa.func.count()).select_from(one)).scalar() == 0 for one in TABLES)
    target.dispose()
    museum.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def test_the_command_copies_and_says_what_is_left_to_do(office: Office, postgres_url: str) -> None:
    office.syncd("--once")
    ended = office.syncd("db", "copy", "--to", postgres_url)
    assert ended.code == 0, ended.err
    assert "Copied" in ended.out
    key = office.folder / "state/syncd.key"
    assert f'digest_key = {{ file = "{key}" }}' in ended.out
    state = f'url = "{postgres_url}"\ndigest_key = {{ file = "{key}" }}'
    office.configure(CONFIG.format(url=office.url).replace('url = "sqlite:///state/syncd.db"', state))
    office.sandbox.reset_calls()
    assert office.syncd("--once").code == 0
    assert list(office.sandbox.calls) == []


def test_the_command_waits_for_nobody(office: Office, postgres_url: str) -> None:
    office.syncd("--once")
    engine = open_engine(f"sqlite:///{office.folder / 'state/syncd.db'}")
    with take_lease(engine, "members"):
        assert office.syncd("db", "copy", "--to", postgres_url).code == 5
    engine.dispose()


@pytest.mark.parametrize("url", ["nonsense", "sqlite:///state/syncd.db", "mysql://x/y"])
def test_a_target_that_is_none_is_told(office: Office, url: str) -> None:
    ended = office.syncd("db", "copy", "--to", url)
    assert (ended.code, "--to" in ended.err) == (2, True)
