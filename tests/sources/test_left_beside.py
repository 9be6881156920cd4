"""What lies beside an export and is none: a pattern passes over it, whatever the source."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from source_contract import read

from syncd.errors import IncompleteRead
from syncd.sources.files.csv import CsvOptions, CsvSource

LEFT = (
    "~$members.csv",
    ".~lock.members.csv#",
    ".members.csv",
    "._members.csv",
    ".#members.csv",
    ".members.csv.a8Kx2Q",
    "members.csv.tmp",
    "members.tmp",
    "members.csv.part",
    "members.csv.filepart",
    "members.csv.crdownload",
    "members.csv~",
    "members.csv.swp",
    "members.csv.bak",
    "~members.tmp",
    "Thumbs.db",
    "desktop.ini",
    ".DS_Store",
)


def csv_source(folder: Path, pattern: str) -> CsvSource:
    options = CsvOptions.model_validate({"path": pattern, "settled": "0s"})
    return CsvSource(options, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def put(folder: Path, name: str, age: int) -> None:
    (folder / name).write_text(f"id;Name\n{age};Zz\n")
    os.utime(folder / name, (1_700_000_000 - age, 1_700_000_000 - age))


@pytest.mark.parametrize("pattern", ["*", "*members*", "?members*", "**/*"])
@pytest.mark.parametrize("name", LEFT)
def test_a_pattern_passes_over_what_other_programs_leave_beside(tmp_path: Path, name: str, pattern: str) -> None:
    put(tmp_path, "1members.csv", age=60)
    put(tmp_path, name, age=0)
    assert read(csv_source(tmp_path, pattern))[0].values["id"] == "60"


@pytest.mark.parametrize("name", LEFT)
def test_what_lies_beside_is_no_export_where_it_is_alone(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, age=0)
    with pytest.raises(IncompleteRead, match="no file matches"):
        read(csv_source(tmp_path, "*"))


@pytest.mark.parametrize("name", ["Mitglieder~2026.csv", "export.tmp.csv", "backup.csv", "partner.csv", "$members.csv"])
def test_names_that_are_alike_are_taken(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, age=0)
    assert len(read(csv_source(tmp_path, "*"))) == 1


@pytest.mark.parametrize(("pattern", "name"), [("members.tmp", "members.tmp"), (".ex*", ".export"), ("*.tmp", "a.tmp")])
def test_who_asks_for_such_a_file_gets_it(tmp_path: Path, pattern: str, name: str) -> None:
    put(tmp_path, name, age=0)
    assert len(read(csv_source(tmp_path, pattern))) == 1
