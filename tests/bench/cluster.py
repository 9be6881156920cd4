"""How the work of many museums grows faster with more workers: `make bench-cluster POSTGRES=URL`.

Each museum has its own instance, and takes its first load. Real processes, a new database for each number of workers.
`ROWS` customers for each of `MUSEUMS`; go~mus answers each call after so long that one worker mostly waits.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
from calls import FIELDS, write
from measuring import timed_instances

from syncd.assembly import opening_board
from syncd.config import load

MILLISECONDS, PLACES, CONCURRENCY, BATCH = 1200, 4, 4, 20  # a worker waits four fifths of its time
SYNCD = [sys.executable, "-m", "syncd"]
HEAD = """
[state]
url = {{ env = "STATE_URL" }}
digest_key = {{ env = "SYNCD_DIGEST_KEY" }}
[daemon]
queue = "procrastinate"
max_concurrent_runs = {places}
"""
MUSEUM = """
[gomus.m{number}]
url = "{url}"
token = {{ env = "GOMUS_TOKEN" }}
concurrency = {concurrency}
batch_size = {batch}
{instance}
[sync.m{number}]
gomus = "m{number}"
[sync.m{number}.source]
type = "csv"
path = "{file}"
settled = "0s"
[sync.m{number}.foreign_id]
from = "id"
prefix = "M{number}-"
[sync.m{number}.fields]
{fields}
"""


@contextmanager
def new_database(server: str) -> Iterator[str]:
    name = f"bench_{os.getpid()}_{int(monotonic() * 1000)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


def configure(
    folder: Path, urls: list[str], files: list[str], *, instance: str = "unique_foreign_ids = true", more: str = ""
) -> None:
    """`instance` are lines of each museum's go~mus, `more` is put behind its tables."""
    fields = "\n".join(f'{name} = "{name}"' for name in FIELDS)
    alike = {"concurrency": CONCURRENCY, "batch": BATCH, "instance": instance, "fields": fields}
    museums = [
        (MUSEUM + more).format(number=number, url=url, file=file, **alike)
        for number, (url, file) in enumerate(zip(urls, files, strict=True))
    ]
    (folder / "config.toml").write_text(HEAD.format(places=PLACES) + "".join(museums))


@contextmanager
def processes(folder: Path, environment: dict[str, str], workers: int) -> Iterator[None]:
    with ExitStack() as stack:
        for command in [SYNCD, *[[*SYNCD, "worker"]] * workers]:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


def believe_ids_unique(url: str, instances: int) -> None:
    """As where an earlier run has seen it: nobody is looked for first."""
    with psycopg.connect(url) as state:
        for number in range(instances):
            state.execute("insert into learned values (%s, 'unique', 'yes')", [f"m{number}"])


def ask_for_all(folder: Path, environment: dict[str, str]) -> None:
    config = load(folder / "config.toml", environment)
    with opening_board(config) as board:
        for name in config.syncs:
            board.ask(name, at=datetime.now(UTC), expires_at=None)


def await_ends(url: str, museums: int) -> list[tuple[str, float]]:
    """Each sync with the seconds from now on until its run had ended."""
    began, ended = monotonic(), dict[str, float]()
    with psycopg.connect(url, autocommit=True) as state:
        while len(ended) < museums:
            for (sync,) in state.execute("select sync from run where finished_at is not null").fetchall():
                ended.setdefault(sync, monotonic() - began)
            sleep(0.2)
        lost = state.execute("select count(*) from syncd_queue.procrastinate_jobs where status = 'aborted'").fetchone()
        statuses = state.execute("select status, count(*) from run group by status").fetchall()
    print(f"    runs: {dict(statuses)}, attempts lost to another: {lost[0] if lost else '?'}", flush=True)
    return sorted(ended.items(), key=lambda one: one[1])


def count(urls: list[str]) -> tuple[int, int]:
    """Most calls at once of any instance, and all customers."""
    told = [json.load(urlopen(f"{url}/counted")) for url in urls]  # noqa: S310 - our own server
    return max(one["most"] for one in told), sum(one["customers"] for one in told)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(server: str, files: list[str], folder: Path, workers: int) -> dict[str, float]:
    with timed_instances(MILLISECONDS, len(files)) as urls, new_database(server) as url:
        configure(folder, urls, files)
        keys = {"GOMUS_TOKEN": "of-nobody", "SYNCD_DIGEST_KEY": "of nobody but a bench"}
        environment = {**os.environ, **keys, "STATE_URL": url}
        subprocess.run([*SYNCD, "db", "upgrade"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        believe_ids_unique(url, len(urls))
        before = cpu()
        with processes(folder, environment, workers):
            sleep(8)
            ask_for_all(folder, environment)
            ends = await_ends(url, len(files))
            most, customers = count(urls)
        print(
            f"  {workers} workers: {ends[-1][1]:7.1f} s  {cpu() - before:6.1f} s CPU of all processes  "
            f"at most {most} calls at once of an instance (allowed: {CONCURRENCY})  {customers:,} customers",
            flush=True,
        )
        return dict(ends)


def main(server: str, museums: int, rows: int, *, large: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, numbers in {"members.csv": range(rows), "large.csv": range(large)}.items():
            write(folder, numbers)
            (folder / "members.csv").rename(folder / f"made-{file}")
        small = ["made-members.csv"] * museums
        print(
            f"{museums} museums of {rows:,} customers, {MILLISECONDS} ms a call, {PLACES} runs at once of each worker"
        )
        for workers in (1, 2, 4):
            measure(server, small, folder, workers)
        if large:
            print(f"beside one of {large:,}")
            ends = measure(server, ["made-large.csv", *small], folder, 1)
            print(f"    the small ones were done after {max(ends[f'm{n}'] for n in range(1, museums + 1)):.1f} s")


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:]]
    main(os.environ["POSTGRES"], *(numbers[:2] or [40, 500]), large=numbers[2] if numbers[2:] else 0)
