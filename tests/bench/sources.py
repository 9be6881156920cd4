"""What a run costs that finds nothing to do, by kind of source: `make bench-sources ROWS=100000 KINDS="rest sql"`.

Each is measured at a tenth of the rows and at all of them: what does not grow with the source takes as much memory for
both. Whole processes, the median of three. This one stays small, for what it uses counts for those it starts.
"""

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import TURNS, Cost, listening, measure, serving

SERVER = ("http.server", "--protocol", "HTTP/1.1", "--directory")
AT_ONCE = 500  # records a page
Row = dict[str, str]


def keep_csv(_folder: Path, _rows: Iterator[Row]) -> str:
    return 'type = "csv"\npath = "members.csv"\nsettled = "0s"'


def write_sql(folder: Path, rows: Iterator[Row]) -> str:
    with closing(sqlite3.connect(folder / "members.db")) as base, base:
        first = next(rows)
        names = ", ".join(f'"{name}"' for name in first)
        base.execute(f"create table member ({names})")
        question = f"insert into member values ({', '.join('?' * len(first))})"  # noqa: S608 - only question marks
        base.execute(question, list(first.values()))
        base.executemany(question, (list(row.values()) for row in rows))
    return 'type = "sql"\nurl = "sqlite:///members.db"\nquery = "select * from member"'


def write_pages(folder: Path, rows: Iterator[Row]) -> str:
    """Pages as they are sent, for a server that only hands them out."""
    from syncd.domain.chunks import chunks

    pages = list(enumerate(chunks(rows, AT_ONCE), start=1))
    for number, page in pages:
        following = f"page-{number + 1}.json" if number < len(pages) else None
        (folder / f"page-{number}.json").write_text(json.dumps({"records": page, "next": following}), encoding="utf-8")
    url = f'type = "rest"\nurl = "{os.environ["CRM_URL"]}/page-1.json"\nrecords = "records"\n'
    return url + 'pagination = { type = "next-url", next = "next" }'


def write_excel(folder: Path, rows: Iterator[Row]) -> str:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Members")
    first = next(rows)
    for row in (list(first), list(first.values())):
        sheet.append(row)
    for one in rows:
        sheet.append(list(one.values()))
    book.save(folder / "members.xlsx")
    return 'type = "excel"\npath = "members.xlsx"\nsettled = "0s"'


KINDS: Mapping[str, Callable[[Path, Iterator[Row]], str]] = {
    "csv": keep_csv,
    "rest": write_pages,
    "sql": write_sql,
    "excel": write_excel,
}


def prepare(folder: Path, kind: str, rows: int) -> None:
    """Write the source, and the state in which all of it is accepted."""
    from accepted import accept_all, write_export

    write_export(folder, rows)
    with (folder / "members.csv").open(encoding="utf-8", newline="") as text:
        source = KINDS[kind](folder, csv.DictReader(text, delimiter=";"))
    config = folder / "config.toml"
    text_of_all = config.read_text(encoding="utf-8")
    table = re.compile(r"(?<=\[sync\.members\.source\]\n).*?(?=\n\[)", re.DOTALL)
    config.write_text(table.sub(lambda _: source + "\n", text_of_all), encoding="utf-8")
    accept_all(folder)


def compare(kind: str, rows: int, environment: Mapping[str, str]) -> None:
    with TemporaryDirectory() as name, listening([*SERVER, name]) as crm:
        surroundings = {**environment, "CRM_URL": crm}
        subprocess.run([sys.executable, __file__, "prepare", name, kind, str(rows)], check=True, env=surroundings)
        command = [sys.executable, "-m", "syncd", "--once"]
        costs = []
        for _ in range(TURNS):
            with closing(sqlite3.connect(Path(name) / "syncd.db")) as state, state:
                state.execute("delete from standstill")  # or a file would be known as the one of the last turn
            costs.append(measure(command, Path(name), surroundings))
    print(f"  {kind:<6} {rows:>9,} rows {Cost.of(costs)} at most", flush=True)


def main(rows: int, kinds: list[str]) -> None:
    with serving() as url:
        environment = {**os.environ, "GOMUS_URL": url, "GOMUS_TOKEN": "sandbox-token"}
        for kind in kinds or KINDS:
            for count in (rows // 10, rows):
                compare(kind, count, environment)


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 100_000, sys.argv[2:])
