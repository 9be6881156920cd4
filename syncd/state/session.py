"""Who holds a lock on PostgreSQL: each session carries the name of its process, and its beats show that it lives."""

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

LOOKS = 3
HANGING = 6.5  # seconds without a beat after which a holder is frozen or cut off
PROGRAM, WORKER = "syncd on ", "syncd worker of "
_HOLDER = text("""
    select a.pid, a.application_name, extract(epoch from clock_timestamp() - a.state_change) as silence
      from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1
       and l.database = (select oid from pg_database where datname = current_database())
       and l.classid::bigint = :high and l.objid::bigint = :low
""")


def process_name() -> str:
    """As a session carries it; the server keeps 63 bytes. Names of pods differ at their end."""
    return f"{PROGRAM}{socket.gethostname()[-40:]}, pid {os.getpid()}"


def worker_name(places: int) -> str:
    """Of the sessions by which a worker fetches jobs: how many runs it may have under way, and where it is."""
    return f"{WORKER}{places} on {socket.gethostname()[-28:]}, pid {os.getpid()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The session that has a lock."""

    pid: int
    name: str
    silence: float

    @property
    def is_hanging(self) -> bool:
        """An earlier version of syncd never beats, and has another name."""
        return self.name.startswith(PROGRAM) and self.silence > HANGING


def find_holder(connection: Connection, key: int) -> Holder | None:
    unsigned = key % (1 << 64)
    row = connection.execute(_HOLDER, {"high": unsigned >> 32, "low": unsigned % (1 << 32)}).first()
    return None if row is None else Holder(pid=row.pid, name=row.application_name or "", silence=float(row.silence))


def end_hanging(connection: Connection, holder: Holder) -> bool:
    """End its session, and with it its locks. False where the server does not let us."""
    return bool(connection.scalar(text("select pg_terminate_backend(:pid)"), {"pid": holder.pid}))


# Which server, of which history, and which database on it; a part that the server keeps to itself is left out.
_PLACE = (
    "select system_identifier::text from pg_control_system()",
    "select substring(pg_walfile_name(pg_current_wal_lsn()) for 8)",
    "select oid::text from pg_database where datname = current_database()",
    "select to_regclass('alembic_version')::oid::text",
)


def place_of(connection: Connection) -> str:
    """Changes where a backup was restored, a database copied, or another server took over. Without a transaction."""
    return "/".join(map(partial(_ask, connection), _PLACE))


def _ask(connection: Connection, question: str) -> str:
    with suppress(DBAPIError):
        return connection.scalar(text(question)) or ""
    return ""


def is_pooled(engine: Engine) -> bool:
    """Whether something between us and the server hands sessions round, so that no lock of a session holds.

    Then a session of ours is another one from one transaction to the next, or the same as one that another of ours has.
    """
    ours = text("select pg_backend_pid()")
    with engine.connect() as one, engine.connect() as other:
        for _ in range(LOOKS):
            with one.begin():
                mine = one.scalar(ours)
            with other.begin():
                theirs = other.scalar(ours)
                with one.begin():
                    if theirs == mine or one.scalar(ours) != mine:
                        return True
    return False
