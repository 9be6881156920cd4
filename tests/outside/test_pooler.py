"""PgBouncer before PostgreSQL: in transaction mode a session is anybody's, and none of its locks holds."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from daemons import until
from parts import tool

from syncd.errors import StateUnusable
from syncd.state.connect import open_engine, open_engine_readonly, refuse_pooler

CONFIG = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits,options
"""
Open = Callable[[str], str]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def pooled(cloned_url: str, tmp_path: Path) -> Iterator[Open]:
    """The address of the database through a pooler in this mode."""
    program = tool("pgbouncer", "pgbouncer")
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []  # root it would refuse to be
    with ExitStack() as stack:

        def open_pooler(mode: str) -> str:
            server, port = sa.make_url(cloned_url), free_port()
            users, config = tmp_path / "users.txt", tmp_path / "pgbouncer.ini"
            users.write_text(f'"{server.username}" "{server.password}"\n')
            config.write_text(CONFIG.format(host=server.host, port=server.port, own=port, users=users, mode=mode))
            for file in (*tmp_path.parents, tmp_path, users, config):
                if file.is_relative_to(tmp_path.parents[1]):
                    file.chmod(0o755)  # for the user that it becomes, who is not root
            process = subprocess.Popen([program, "-q", *as_nobody, config])
            stack.callback(process.wait)
            stack.callback(process.kill)
            until(lambda: answers(port))
            return server.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)

        yield open_pooler


def test_in_transaction_mode_it_is_refused(pooled: Open) -> None:
    engine = open_engine(pooled("transaction"))
    with pytest.raises(StateUnusable, match=r"through a pooler that hands sessions round .*: let state.url lead to"):
        refuse_pooler(engine)
    engine.dispose()


def test_who_only_looks_is_told_as_well(pooled: Open) -> None:
    with pytest.raises(StateUnusable, match="through a pooler"):
        open_engine_readonly(pooled("transaction"))


def test_in_session_mode_it_may_stay(pooled: Open) -> None:
    engine = open_engine(pooled("session"))
    refuse_pooler(engine)
    engine.dispose()


def test_the_server_itself_is_no_pooler(cloned_url: str) -> None:
    engine = open_engine(cloned_url)
    refuse_pooler(engine)
    engine.dispose()
