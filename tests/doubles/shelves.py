"""Sources of every kind for a museum: what is on the shelf is given by the real adapter."""

import sqlite3
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
from crm import Crm, make_app
from flask import Response
from museum import FileShelf, Shelf, member
from openpyxl import Workbook

from syncd.sources.base import Reading, Source
from syncd.sources.files.excel import ExcelSource
from syncd.sources.rest.source import RestSource
from syncd.sources.sql import SqlSource

PAGE = 2


class AdapterShelf(Shelf):
    """`more` are further options of the adapter. It breaks off where the adapter can."""

    kind: type[Source]
    options_of_kind: Mapping[str, object]

    def __init__(self, folder: Path, **more: object) -> None:
        super().__init__()
        self.folder = folder
        self.source = self.kind(
            self.kind.Options.model_validate({**self.options_of_kind, **more}),
            base=folder,
            sleep=lambda _: None,
            clock=lambda: datetime.now(UTC),
        )
        self.options = self.source.options

    @property
    def fingerprint(self) -> bytes:
        return self.source.fingerprint

    @property
    def names(self) -> Sequence[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row)) or list(member(1))

    def table(self) -> list[list[object]]:
        return [[row.get(name) for name in self.names] for row in self.rows]

    @abstractmethod
    def write(self) -> None: ...

    def open(self, cursor: str | None = None) -> AbstractContextManager[Reading]:
        self.write()
        return self.source.open(cursor)


class SqlShelf(AdapterShelf):
    kind = SqlSource
    options_of_kind: Mapping[str, object] = {
        "type": "sql",
        "url": "sqlite:///shelf.db",
        "query": "select *, gone = 1 as deleted from member order by rowid",
        "deleted": "deleted",
    }

    def write(self) -> None:
        names = [*(name for name in self.names if name != "gone"), "gone"]
        with closing(sqlite3.connect(self.folder / "shelf.db")) as base, base:
            base.execute("drop table if exists member")
            base.execute(f"create table member ({', '.join(names)})")
            rows = [[row.get(name, 0 if name == "gone" else None) for name in names] for row in self.rows]
            marks = ", ".join("?" * len(names))
            base.executemany(f"insert into member values ({marks})", rows)  # noqa: S608 - only question marks


class RestShelf(AdapterShelf):
    kind = RestSource
    options_of_kind: Mapping[str, object] = {
        "type": "rest",
        "url": "http://localhost/api/pages",
        "records": "data.items",
        "pagination": {"type": "page"},
        "total": "meta.total_count",
        "attempts": 1,
        "deleted": "gone == `true`",
    }

    def __init__(self, folder: Path, **more: object) -> None:
        super().__init__(folder, **more)
        self.crm = Crm(cap=PAGE, misbehave=self._misbehave)
        self.source.transport = httpx.WSGITransport(app=make_app(self.crm))  # type: ignore[attr-defined] - of REST

    def _misbehave(self, number: int, good: Response) -> Response:
        is_off = self.breaks_after is not None and number * PAGE > self.breaks_after
        return Response("", 500) if is_off else good

    def write(self) -> None:
        self.crm.asked.clear()
        self.crm.records = [dict(row) for row in self.rows]


class ExcelShelf(AdapterShelf):
    kind = ExcelSource
    options_of_kind: Mapping[str, object] = {"type": "excel", "path": "shelf.xlsx", "settled": "0s"}

    def write(self) -> None:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(self.names)
        for row in self.table():
            sheet.append(row)
        book.save(self.folder / "shelf.xlsx")


SHELVES: Mapping[str, type[AdapterShelf | FileShelf]] = {
    "csv": FileShelf,
    "sql": SqlShelf,
    "rest": RestShelf,
    "excel": ExcelShelf,
}
