"""Opening the state database: for its owner only, with its locks kept; what goes wrong is said without a value."""

import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rows import store_on

from syncd.errors import StateUnusable
from syncd.machine.files import file_system
from syncd.state import connect
from syncd.state.connect import open_engine, open_engine_readonly
from syncd.state.migrate import upgrade
from syncd.state.store import Store
from syncd.state.transactions import Transactions

SECRET = "Geheimrat"  # stands for whatever must never be quoted

# --- several engines in one process ---


def test_opening_the_database_again_keeps_the_locks_of_who_has_it_open(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    open_engine(sqlite_url).dispose()
    visit = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('select * from meta').close()"
    subprocess.run([sys.executable, "-c", visit, tmp_path / "state.db"], check=True)
    # a visitor who sees no lock takes itself for the last one, and clears the log away under our feet
    assert (tmp_path / "state.db-wal").exists()
    engine.dispose()


# --- only looking ---


def test_looking_sees_what_was_written_and_can_write_nothing(store: Store, state_url: str) -> None:
    store.set_meta("check", "one")  # the writer stays open, so that in SQLite this is still in the -wal file
    looking = open_engine_readonly(state_url)
    assert store_on(looking).meta("check") == "one"
    with pytest.raises(StateUnusable, match=r"(can't be written|is read-only)"):
        store_on(looking).set_meta("check", "two")
    assert store.meta("check") == "one"
    looking.dispose()


def test_looking_leaves_every_file_as_it_was(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    store_on(engine).set_meta("check", "one")
    engine.dispose()
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    looking = open_engine_readonly(sqlite_url)
    assert store_on(looking).meta("check") == "one"
    looking.dispose()
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before


def test_looking_at_no_database_yet_finds_an_empty_one_and_makes_none(empty_url: str, tmp_path: Path) -> None:
    looking = open_engine_readonly(empty_url)
    assert store_on(looking).known.count("members") == 0
    assert list(tmp_path.iterdir()) == []
    looking.dispose()
    plain = sa.create_engine(empty_url)
    assert sa.inspect(plain).get_table_names() == []
    plain.dispose()


@pytest.mark.parametrize(
    ("version", "words"), [("0000", "older than this program: run `syncd db upgrade`"), ("9999", "newer syncd")]
)
def test_looking_at_another_version_is_refused_with_a_remedy(
    store: Store, state_url: str, version: str, words: str
) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = :version"), {"version": version})
    with pytest.raises(StateUnusable, match=words):
        open_engine_readonly(state_url)


# --- files ---


def test_the_database_and_what_lies_beside_it_are_for_the_owner_only(sqlite_url: str, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        engine = open_engine(sqlite_url)
        upgrade(engine)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    engine.dispose()
    assert modes == dict.fromkeys(["state.db", "state.db-shm", "state.db-wal", "state.db.migrate.lock"], 0o600)


def test_sqlite_runs_with_a_durable_write_ahead_log(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        answers = [connection.exec_driver_sql(f"pragma {name}").scalar() for name in asked]
    engine.dispose()
    assert answers == ["wal", 2, 1, 1, 10_000]


def test_postgresql_is_asked_with_keepalives(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        parameters = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    engine.dispose()
    assert (parameters["keepalives_idle"], parameters["keepalives_count"]) == ("10", "3")


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match=r"the folder of the state database, .*/nowhere, does not exist: make it"):
        open_engine(f"sqlite:///{tmp_path}/nowhere/state.db")


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("disk / ext4 rw 0 0\n", "ext4"),
        ("disk / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0\n", "nfs4"),
        ("auto /srv/state autofs rw 0 0\n//nas/x /srv/state cifs rw 0 0\n", "cifs"),  # the later one lies on top
        ("server:/x /srv/stat nfs rw 0 0\ndisk / xfs rw 0 0\n", "xfs"),
        ("server:/x /srv/state\\040x nfs rw 0 0\n", ""),
    ],
)
def test_the_file_system_of_a_folder_is_the_nearest_mount(tmp_path: Path, mounts: str, kind: str) -> None:
    (tmp_path / "mounts").write_text(mounts)
    assert file_system(Path("/srv/state"), tmp_path / "mounts") == kind


def test_a_network_share_is_refused_with_advice(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "file_system", lambda _folder: "nfs4")
    for opening in (open_engine, lambda url: open_engine_readonly(_made(url))):
        with pytest.raises(
            StateUnusable, match=r"a network share \(nfs4\).*: put it on a local disk, or use PostgreSQL"
        ):
            opening(sqlite_url)


def _made(url: str) -> str:
    Path(url.removeprefix("sqlite:///")).touch()
    return url


# --- what goes wrong ---


@pytest.mark.parametrize(
    "url", [f"mysql://u:{SECRET}@h/x", f"postgresql://u:{SECRET}@h:port/x", f"{SECRET}", f"oracle+{SECRET}://x"]
)
def test_an_address_that_cannot_be_used_is_refused_and_not_quoted(url: str) -> None:
    for opening in (open_engine, open_engine_readonly):
        with pytest.raises(StateUnusable, match=r"write state\.url as sqlite:///syncd.db or postgresql") as caught:
            opening(url)
        assert SECRET not in repr(caught.value)


def said(url: str) -> str:
    """What one question and one write to the database are answered with."""
    engine = open_engine(url)
    try:
        with pytest.raises(StateUnusable) as caught:
            store_on(engine).set_meta(SECRET, SECRET)
    finally:
        engine.dispose()
    error = caught.value
    assert SECRET not in f"{error!r} {error} {error.__cause__}"
    assert error.__suppress_context__
    return str(error)


def test_a_database_that_is_not_set_up_is_said_so(empty_url: str) -> None:
    assert said(empty_url) == "the state database is not set up, or older than this program: run `syncd db upgrade`"


def test_a_lock_that_is_not_given_up_is_said_so(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_MS", 20)
    engine = open_engine(sqlite_url)
    upgrade(engine)
    with engine.begin():
        assert said(sqlite_url).startswith("the state database is locked by another program: ")
    engine.dispose()


def test_a_full_disk_is_said_so_and_costs_nothing_that_was_written(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    upgrade(engine)
    store = store_on(engine)
    store.set_meta("check", "one")
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")
    with pytest.raises(StateUnusable, match="finds the disk full: make room; the next run goes on from here"):
        store.set_meta("check", "x" * 1_000_000)
    assert store.meta("check") == "one"
    engine.dispose()


def test_what_is_not_known_is_said_by_its_kind_and_without_the_statement(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with pytest.raises(StateUnusable, match=r"^the state database failed \(OperationalError SQLITE_ERROR\)$"):
        Transactions(engine).rows(sa.text("select nothing_of_that_name('secret')"))
    engine.dispose()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"id;name\n" * 1000, "is no SQLite database: check state.url"), (None, "is damaged: restore a backup")],
)
def test_a_file_that_is_no_sound_database_is_said_so(sqlite_url: str, content: bytes | None, words: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    if content is None:
        engine = open_engine(sqlite_url)
        upgrade(engine)
        engine.dispose()
        whole = path.read_bytes()
        content = whole[:4096] + b"\xff" * (len(whole) - 4096)  # the schema is sound, the tables are not
    path.write_bytes(content)
    assert words in said(sqlite_url)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": "nobody", "password": SECRET}, "refuses the user or password: check state.url"),
        ({"database": SECRET}, "does not exist on its server: make it there"),
        ({"host": "127.0.0.1", "port": 1}, "at 127.0.0.1 can't be reached: it refuses the connection: see that"),
        ({"host": "no-host.invalid"}, "at no-host.invalid can't be reached: there is no host of this name"),
        ({"query": {"sslmode": "never-heard-of"}}, "an option that nobody knows: check state.url after the '?'"),
        ({"query": {"sslmode": "require"}}, "the encryption that state.url asks for: check sslmode"),
    ],
)
def test_what_is_wrong_with_a_server_is_told_apart(postgres_url: str, changes: dict[str, Any], words: str) -> None:
    assert words in said(sa.make_url(postgres_url).set(**changes).render_as_string(hide_password=False))


@pytest.fixture
def guest_url(postgres_url: str) -> Iterator[str]:
    """A user who may do nothing in the database."""
    name, admin = f"guest_{uuid.uuid4().hex[:8]}", sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"create role {name} login password 'guest'")
        connection.exec_driver_sql("revoke create on schema public from public")
        yield sa.make_url(postgres_url).set(username=name, password="guest").render_as_string(hide_password=False)
        connection.exec_driver_sql(f"drop role {name}")
    admin.dispose()


def test_a_server_that_does_not_let_the_user_make_tables_is_said_so(guest_url: str) -> None:
    engine = open_engine(guest_url)
    with pytest.raises(StateUnusable, match=r"refuses its user the right .*: make the user in state\.url the owner"):
        upgrade(engine)
    engine.dispose()
