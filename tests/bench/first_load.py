"""The CPU of a first load, beside a plain script with one POST for each row: `make bench-first-load ROWS=20000`.

Whole processes, in turns, each against a quick server of its own in a process of its own; the median of three.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from calls import serving
from unchanged import TURNS, Cost, measure

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "syncd" / "example" / "config.toml"
WRITE = (
    "import sys; from pathlib import Path; from large_export import write; write(Path(sys.argv[1]), int(sys.argv[2]))"
)
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


def load(command: Sequence[str], export: Path) -> Cost:
    """In a folder of its own, with no state before."""
    with TemporaryDirectory() as name, serving(0) as url:
        folder = Path(name)
        copyfile(export, folder / "members.csv")
        copyfile(EXAMPLE, folder / "config.toml")
        environment = {**os.environ, "GOMUS_URL": url, "GOMUS_TOKEN": "sandbox-token"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or each run would compile the program anew
        return measure(command, folder, environment)


def main(rows: int) -> None:
    works = {
        "syncd --once": [sys.executable, "-m", "syncd", "--once", "--assume-empty"],
        "plain script": [sys.executable, "-c", PLAIN_SCRIPT],
    }
    with TemporaryDirectory() as name:
        export = Path(name) / "members.csv"
        subprocess.run([sys.executable, "-c", WRITE, str(export), str(rows)], check=True, cwd=HERE)
        costs: dict[str, list[Cost]] = {work: [] for work in works}
        for _ in range(TURNS):
            for work, command in works.items():
                costs[work].append(load(command, export))
    print(f"{rows:,} customers, first load")
    for work, some in costs.items():
        cpu, wall = (statistics.median(getattr(one, what) for one in some) for what in ("cpu", "wall"))
        memory = max(one.memory for one in some)
        figures = f"{cpu * 1e6 / rows:6.0f} µs each  {rows / cpu:7,.0f} a second of CPU  {memory:4.0f} MiB"
        print(f"  {work:<14} {cpu:7.2f} s CPU  {wall:7.2f} s  {figures}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000)
