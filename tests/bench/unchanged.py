"""What a run costs that finds nothing to do, beside a full join of both exports: `make bench-unchanged ROWS=1000000`.

Whole processes, in turns; the median of three. This one stays small, for what it uses counts for those it starts.
DuckDB and polars are compared with where they are installed.
"""

import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from time import monotonic, sleep

TURNS = 3
DUCKDB = """
import duckdb
options = "delim=';', all_varchar=true, quote='\\"', header=true"
old, new = (f"read_csv('{name}.csv', {options})" for name in ("before", "members"))
print(duckdb.sql(f'''select count(*) from {old} a full join {new} b on a.Mitgliedsnummer = b.Mitgliedsnummer
 where a is distinct from b''').fetchall())
"""
POLARS = """
import polars
old, new = (polars.scan_csv(f"{name}.csv", separator=";", infer_schema=False) for name in ("before", "members"))
print(old.join(new, on=old.collect_schema().names(), how="anti", nulls_equal=True).select(polars.len()).collect())
"""


@dataclass(frozen=True, slots=True)
class Cost:
    cpu: float
    wall: float
    memory: float  # MiB


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    begun = monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, monotonic() - begun, used.ru_maxrss / 1024)


@contextmanager
def listening(module: Sequence[str]) -> Iterator[str]:
    """A server of its own, as `python -m` starts it; the port is the argument behind those that are given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *module, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            sleep(5)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def swap_last_lines(path: Path) -> None:
    """So that it is not the file of the last run, though nothing has changed."""
    head, one, other, end = path.read_bytes().rsplit(b"\n", 3)
    path.write_bytes(b"\n".join([head, other, one, end]))


def serving() -> AbstractContextManager[str]:
    return listening(["syncd", "sandbox", "--port"])


def main(rows: int) -> None:
    with TemporaryDirectory() as name, serving() as url:
        folder, environment = Path(name), {**os.environ, "GOMUS_URL": url, "GOMUS_TOKEN": "sandbox-token"}
        prepare = [sys.executable, str(Path(__file__).with_name("accepted.py")), str(folder), str(rows)]
        subprocess.run(prepare, check=True, env=environment)
        with (folder / "members.csv").open("rb") as file:
            records = sum(1 for _ in file) - 1
        works = {"syncd --once": [sys.executable, "-m", "syncd", "--once"]}
        works |= {"DuckDB": [sys.executable, "-c", DUCKDB]} if find_spec("duckdb") else {}
        works |= {"polars": [sys.executable, "-c", POLARS]} if find_spec("polars") else {}
        for order in ("in order", "shuffled", "the same file again"):
            if order == "shuffled":
                copyfile(folder / "shuffled.csv", folder / "members.csv")
            costs: dict[str, list[Cost]] = {work: [] for work in works}
            for _ in range(TURNS):
                if order != "the same file again":
                    swap_last_lines(folder / "members.csv")
                for work, command in works.items():
                    costs[work].append(measure(command, folder, environment))
            print(f"{records:,} records, nothing changed, {order}")
            for work, some in costs.items():
                cpu, wall = (statistics.median(getattr(one, what) for one in some) for what in ("cpu", "wall"))
                print(f"  {work:<14} {cpu:7.2f} s CPU  {wall:7.2f} s  {max(one.memory for one in some):6.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
