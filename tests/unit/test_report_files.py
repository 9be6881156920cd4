"""Files for people: inert in Excel, and readable for their owner only."""

import csv
import os
import stat
from pathlib import Path

import pytest

from syncd.report.files import make_inert, write_csv


@pytest.mark.parametrize(
    "cell", ["=1+1", "@SUM(A1)", "+49 30", "-1", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "=cmd|' /C calc'!A0"]
)
def test_what_excel_would_carry_out_is_text(cell: str) -> None:
    assert make_inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "M-0001", "1=1", "a@example.org", "'=1", "0", "Straße"])
def test_what_is_harmless_stays_as_it_is(cell: str) -> None:
    assert make_inert(cell) == cell


@pytest.mark.parametrize("is_there", [False, True])
def test_a_list_is_inert_and_readable_for_its_owner_only(tmp_path: Path, is_there: bool) -> None:
    file = tmp_path / "list.csv"
    if is_there:
        file.write_text("much more than will be written, so that nothing of it is left\n" * 10)
        file.chmod(0o644)
    before = os.umask(0)
    try:
        write_csv(file, ["id", "why"], [{"id": "-1", "why": "a;b\n=1"}, {"id": "=1", "why": "+1"}])
    finally:
        os.umask(before)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        assert [*csv.reader(opened, delimiter=";")] == [["id", "why"], ["'-1", "a;b\n=1"], ["'=1", "'+1"]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
