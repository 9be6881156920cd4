"""What scheduler and workers ask of PostgreSQL, idle and for each run: `make bench-idle POSTGRES=URL`.

A folder of `MUSEUMS`, a scheduler, one that stands by, and two workers, as real processes on a database of their own.
Connections are counted in pg_stat_activity, statements in pg_stat_statements, which the server must have loaded
(`shared_preload_libraries`). Then some museums run: once for the first time, once with a new file that has nothing
new, once with the same file.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import psycopg
from calls import FIELDS, write
from cluster import new_database, processes
from measuring import timed_instances

from syncd.assembly import opening_board
from syncd.config import load

IDLE, RUNNING, ROWS, WORKERS = 60.0, 10, 500, 2
SHARED = """
[state]
url = {{ env = "STATE_URL" }}
digest_key = {{ env = "SYNCD_DIGEST_KEY" }}
[daemon]
queue = "procrastinate"
max_concurrent_runs = 4
[template.club]
source = {{ type = "csv", settled = "0s" }}
foreign_id.from = "id"
[template.club.fields]
{fields}
"""
MUSEUM = """
[gomus.main]
url = "{url}"
token = {{ env = "GOMUS_TOKEN" }}
unique_foreign_ids = true
[sync.members]
use = "club"
source.path = "../members.csv"
foreign_id.prefix = "M{number}-"
"""
CALLS = """
    select sum(calls), sum(total_exec_time)
      from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = %s
"""
SESSIONS = """
    select application_name, count(*) from pg_stat_activity
     where datname = %s and application_name like 'syncd%%' group by 1 order by 1
"""


def configure(folder: Path, museums: int, urls: list[str]) -> None:
    (folder / "museums").mkdir()
    fields = "\n".join(f'{name} = "{name}"' for name in FIELDS)
    (folder / "museums/syncd.toml").write_text(SHARED.format(fields=fields))
    for number in range(museums):
        url = urls[number] if number < len(urls) else f"https://m{number}.gomus.example"
        (folder / f"museums/m{number:05d}.toml").write_text(MUSEUM.format(url=url, number=number))


def count_statements(server: str, database: str, act: Callable[[], object]) -> tuple[int, float]:
    """While something is done, and how many milliseconds the server needed. The count itself is of another database."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("select pg_stat_statements_reset()")
        act()
        row = connection.execute(CALLS, [database]).fetchone()
    return (int(row[0] or 0), float(row[1] or 0)) if row else (0, 0.0)


def await_all(server: str, database: str, museums: int) -> list[tuple[str, int]]:
    """Who is connected, once all are, and the scheduler has asked when each museum last ran."""
    with psycopg.connect(server, autocommit=True) as connection:
        while True:
            found = connection.execute(SESSIONS, [database]).fetchall()
            if sum(name.startswith("syncd worker") for name, _ in found) == WORKERS and len(found) >= WORKERS * 2 + 2:
                break
            sleep(1)
        sleep(20 + museums / 25)
        return connection.execute(SESSIONS, [database]).fetchall()


def cpu_of_children() -> float:
    """Of the processes that this one has started, which still run."""
    ticks = 0
    for pid in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        ticks += sum(map(int, Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def carry_out(url: str, ask: Callable[[], None], runs: int) -> None:
    most = 0
    with psycopg.connect(url, autocommit=True) as state:
        query = "select count(*) from run where finished_at is not null"
        before = state.execute(query).fetchone()
        ask()
        while (now := state.execute(query).fetchone()) and before and now[0] < before[0] + runs:
            found = state.execute(SESSIONS, [state.info.dbname]).fetchall()
            most = max(most, sum(count for _, count in found))
            sleep(0.25)
    print(f"  at most {most} connections", flush=True)


def main(server: str, museums: int) -> None:
    with TemporaryDirectory() as name, timed_instances(50, RUNNING) as urls, new_database(server) as url:
        folder, database = Path(name), url.rsplit("/", 1)[1]
        write(folder, range(ROWS))
        configure(folder, museums, urls)
        keys = {"GOMUS_TOKEN": "of-nobody", "SYNCD_DIGEST_KEY": "of nobody but a bench", "STATE_URL": url}
        environment = {**os.environ, **keys, "SYNCD_CONFIG": str(folder / "museums")}
        with processes(folder, environment, WORKERS), processes(folder, environment, 0):
            for process, count in await_all(server, database, museums):
                print(f"  {count} connections of {process}", flush=True)
            used = cpu_of_children()
            asked, needed = count_statements(server, database, lambda: sleep(IDLE))
            print(f"idle, {museums:,} museums: {asked * 60 / IDLE:.0f} statements a minute, {needed:.0f} ms, ", end="")
            print(f"{(cpu_of_children() - used) * 60 / IDLE:.1f} s CPU a minute of all four", flush=True)
            for what in ("first load", "nothing new", "the same file"):
                if what == "nothing new":
                    write(folder, range(ROWS - 1, -1, -1))
                measure_runs(server, url, what, lambda: ask_for(folder, environment, RUNNING))


def ask_for(folder: Path, environment: dict[str, str], runs: int) -> None:
    config = load(folder / "museums", environment)
    with opening_board(config) as board:
        for name in sorted(config.syncs)[:runs]:
            board.ask(name, at=datetime.now(UTC), expires_at=None)


def measure_runs(server: str, url: str, what: str, ask: Callable[[], None]) -> None:
    """Of the idle cost, what falls into this time is among it."""
    began, used = monotonic(), cpu_of_children()
    asked, needed = count_statements(server, url.rsplit("/", 1)[1], lambda: carry_out(url, ask, RUNNING))
    took, cpu = monotonic() - began, cpu_of_children() - used
    print(f"{what}: {asked / RUNNING:.0f} statements a run, which take the server {needed / RUNNING:.0f} ms, ", end="")
    print(f"{cpu / RUNNING:.2f} s CPU, {took:.1f} s all", flush=True)


if __name__ == "__main__":
    main(os.environ["POSTGRES"], int(sys.argv[1]) if sys.argv[1:] else 100)
