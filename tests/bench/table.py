"""What syncd costs beside its peers, in one run: `make bench ROWS=1000000`.

Whole processes in turns, medians of three. Peers that are not installed are left out, with a word: DuckDB and polars
(a full join of both exports), csv-diff, and for the first load a plain script with one POST a row, and drt. `POSTGRES`
is the URL of an empty database, to measure with the state there too.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from measuring import TURNS, Cost, measure, serving, swap_last_lines, timed_gomus

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "syncd" / "example" / "config.toml"
SYNCD = [sys.executable, "-m", "syncd"]
LOADED = 20_000  # customers of a first load
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
CSV_DIFF = """
import csv, csv_diff
csv.register_dialect("semicolons", "excel", delimiter=";")
old, new = (csv_diff.load_csv(open(f"{name}.csv", encoding="utf-8"), key="Mitgliedsnummer", dialect="semicolons")
            for name in ("before", "members"))
print({name: len(found) for name, found in csv_diff.compare(old, new).items()})
"""
PLAIN_SCRIPT = """
import csv, httpx, os
names = {"Vorname": "name", "Nachname": "surname", "Firma": "institution", "Straße": "addr_street", "PLZ": "addr_zip",
         "Ort": "addr_city", "Telefon": "tel", "Mobil": "mobile", "E-Mail": "email", "Bemerkung": "notes"}
headers = {"Authorization": "Bearer " + os.environ["GOMUS_TOKEN"]}
with httpx.Client(base_url=os.environ["GOMUS_URL"], headers=headers) as http, open(
        "members.csv", encoding="cp1252", newline="") as file:
    for row in csv.DictReader(file, delimiter=";"):
        fields = {name: row[column] for column, name in names.items() if row[column]}
        customer = {"foreign_id": "MEMBER-" + row["Mitgliedsnummer"], **fields}
        http.post("/api/v4/customers", json={"customer": customer}).raise_for_status()
"""
DRT = {
    "drt_project.yml": "name: bench\nprofile: default\n",
    ".drt/profiles.yml": "default:\n  type: duckdb\n  database: members.duckdb\n",
    "syncs/members.yml": """
name: members
model: ref('members')
destination:
  type: rest_api
  url: "{url}/api/v4/customers"
  headers: {{Content-Type: "application/json", Authorization: "Bearer {token}"}}
  body_mode: batch
  batch_template: '{{"customer": {{{{ rows | tojson }}}}}}'
  max_records_per_request: 100
sync: {{mode: full, batch_size: 100}}
""",
}
TO_DUCKDB = """
import duckdb
from pathlib import Path
Path("utf8.csv").write_text(Path("members.csv").read_text("cp1252"), "utf-8")
with duckdb.connect("members.duckdb") as base:
    base.execute('''create table members as select 'MEMBER-' || Mitgliedsnummer as foreign_id, Vorname as name,
 Nachname as surname, PLZ as addr_zip, Ort as addr_city, Telefon as tel, "E-Mail" as email
 from read_csv('utf8.csv', delim=';', all_varchar=true, header=true)''')
"""


def run_python(code: str, *arguments: str, folder: Path = HERE) -> None:
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, cwd=folder)


def say(work: str, costs: Sequence[Cost], more: str = "") -> None:
    print(f"  {work:<34} {Cost.of(costs)}{more}", flush=True)


# --- an export that is known ---


def joins() -> dict[str, list[str]]:
    codes = {"duckdb": DUCKDB, "polars": POLARS, "csv_diff": CSV_DIFF}
    for name in codes:
        if not find_spec(name):
            print(f"  ({name} is not installed)")
    return {name: [sys.executable, "-c", code] for name, code in codes.items() if find_spec(name)}


def compare_known(folder: Path, environment: Mapping[str, str], peers: Mapping[str, Sequence[str]]) -> None:
    """The state knows each record of the export."""
    members = folder / "members.csv"
    works: dict[str, Sequence[str]] = {"syncd": [*SYNCD, "--once"], **peers}
    once(folder, environment)
    once(folder, environment)
    say("the same file again: syncd", [measure(works["syncd"], folder, environment) for _ in range(TURNS)])
    for order, export in {"in order": "before.csv", "shuffled": "shuffled.csv"}.items():
        copyfile(folder / export, members)
        compare_in_turns(f"nothing changed, {order}", works, members, environment)
    copyfile(folder / "changed.csv", members)
    shown = {"syncd, calls left out": [*SYNCD, "--once", "--config", "shown.toml"], **peers}
    compare_in_turns("1 % changed, shuffled", shown, members, environment)


def compare_in_turns(
    what: str, works: Mapping[str, Sequence[str]], members: Path, environment: Mapping[str, str]
) -> None:
    costs: dict[str, list[Cost]] = {work: [] for work in works}
    for _ in range(TURNS):
        swap_last_lines(members)
        for work, command in works.items():
            costs[work].append(measure(command, members.parent, environment))
    for work, some in costs.items():
        say(f"{what}: {work}", some)


def once(folder: Path, environment: Mapping[str, str]) -> None:
    measure([*SYNCD, "--once"], folder, environment)


def size_of(state: Path, rows: int) -> str:
    return f"{state.stat().st_size / rows:6.0f} bytes of state a customer"


@contextmanager
def accepted(rows: int, url_of_state: str | None = None) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """A folder with exports whose records are all known, and the environment for it."""
    with TemporaryDirectory() as name, serving() as url:
        keys = {"GOMUS_TOKEN": "sandbox-token", "SYNCD_DIGEST_KEY": "of nobody but a bench"}
        environment = {**os.environ, "GOMUS_URL": url, **keys}
        state = [url_of_state] if url_of_state else []
        prepare = [sys.executable, str(HERE / "accepted.py"), name, str(rows), *state]
        subprocess.run(prepare, check=True, env=environment)
        yield Path(name), environment


def known(rows: int, url_of_state: str | None, peers: Mapping[str, Sequence[str]]) -> None:
    with accepted(rows, url_of_state) as (folder, environment):
        with (folder / "before.csv").open("rb") as file:
            records = sum(1 for _ in file) - 1
        print(f"{records:,} records that are known, state in {'PostgreSQL' if url_of_state else 'SQLite'}")
        compare_known(folder, environment, peers)
        if not url_of_state:
            print(f"  {size_of(folder / 'syncd.db', records)}")


def grow(rows: int) -> None:
    """What one run costs that finds nothing in a shuffled export, from a hundredth of the rows on.

    The run before it reads all that is known, for no run has counted what the state holds.
    """
    print("growth: nothing changed, shuffled, once each")
    for count in (rows // 100, rows // 10, rows):
        with accepted(count) as (folder, environment):
            (folder / "shuffled.csv").replace(folder / "members.csv")
            once(folder, environment)
            swap_last_lines(folder / "members.csv")
            cost = measure([*SYNCD, "--once"], folder, environment)
            say(f"{count:,}", [cost], f"  {1e6 * cost.cpu / count:6.1f} µs each  {size_of(folder / 'syncd.db', count)}")


# --- a first load ---


def load(command: Sequence[str], export: Path) -> Cost:
    """In a folder of its own, with no state before."""
    with TemporaryDirectory() as name, timed_gomus(0) as url:
        folder = Path(name)
        copyfile(export, folder / "members.csv")
        copyfile(EXAMPLE, folder / "config.toml")
        environment = {**os.environ, "GOMUS_URL": url, "GOMUS_TOKEN": "sandbox-token", "HOME": name}
        if command[-1] == "run":
            run_python(TO_DUCKDB, folder=folder)
            for path, text in DRT.items():
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_text(text.format(url=url, token="sandbox-token"), encoding="utf-8")
        return measure(command, folder, environment)


def load_first(rows: int) -> None:
    works: dict[str, Sequence[str]] = {
        "syncd": [*SYNCD, "--once", "--assume-empty"],
        "a plain script": [sys.executable, "-c", PLAIN_SCRIPT],
    }
    drt = Path(sys.executable).with_name("drt")
    if drt.exists():
        works["drt"] = [str(drt), "run"]
    else:
        print("  (drt-core is not installed)")
    with TemporaryDirectory() as name:
        export = Path(name) / "members.csv"
        write = "import sys, pathlib, large_export; large_export.write(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
        run_python(write, str(export), str(rows))
        costs: dict[str, list[Cost]] = {work: [] for work in works}
        for _ in range(TURNS):
            for work, command in works.items():
                costs[work].append(load(command, export))
    print(f"first load of {rows:,} without latency")
    for work, some in costs.items():
        cpu = Cost.of(some).cpu
        say(work, some, f"  {cpu * 1e6 / rows:6.0f} µs each  {rows / cpu:7,.0f} a second of CPU")


# --- small commands ---


def ask() -> None:
    print("small commands")
    with TemporaryDirectory() as name:
        folder = Path(name)
        copyfile(EXAMPLE, folder / "config.toml")
        environment = {**os.environ, "GOMUS_URL": "http://127.0.0.1:1", "GOMUS_TOKEN": "sandbox-token"}
        for command in ("--version", "--help", "status"):
            measure([*SYNCD, command], folder, environment)
            say(command, [measure([*SYNCD, command], folder, environment) for _ in range(TURNS)])


def main(rows: int, postgres: str | None) -> None:
    ask()
    load_first(min(rows, LOADED))
    known(rows, None, joins())
    if postgres:
        known(rows, postgres, {})
    grow(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000, os.environ.get("POSTGRES"))
