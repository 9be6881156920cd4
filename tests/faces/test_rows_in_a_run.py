"""Rows that are no records, and files that may not be whole: what the whole command makes of them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import COLUMNS, MARKS, Office, open_office

from syncd.sandbox import Sandbox


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        office.rows = office.rows[:6]
        office.export()
        yield office


def append(office: Office, text: str) -> None:
    with (office.folder / "members.csv").open("a", encoding="cp1252", newline="") as file:
        file.write(text)


def put_above(office: Office, text: str) -> None:
    file = office.folder / "members.csv"
    file.write_bytes(text.encode("cp1252") + file.read_bytes())


def surnames(fake: Sandbox) -> list[str]:
    return sorted(str(customer["surname"]) for customer in fake.customers)


ALL = [f"Zznäch{number}" for number in range(1, 7)]


def test_rows_that_are_no_records_are_skipped_with_a_warning(office):
    append(office, ";".join(COLUMNS) + "\r\n==;==\r\n")
    ended = office.syncd("--once")
    assert (ended.code, surnames(office.sandbox)) == (0, ALL)
    assert [(event["position"], event["reason"]) for event in ended.named("source.skipped_row")] == [
        ("members.csv line 8", "the names of the columns stand here again"),
        ("members.csv line 9", "has neither a letter nor a digit"),
    ]
    assert ended.named("run.finished")[0]["counts"]["left_out"] == 2


def test_many_skipped_rows_make_few_warnings(office):
    append(office, "--\r\n" * 100)
    ended = office.syncd("--once")
    assert len(ended.named("source.skipped_row")) == 20
    assert [event["count"] for event in ended.named("source.skipped_rows")] == [100]


def test_check_and_plan_show_what_was_left_out(office):
    append(office, "~~~;~~\r\n")
    assert "1 rows can't be records and are left out, for example members.csv line 8" in office.syncd("check").out
    assert "left out: members.csv line 8: has neither a letter nor a digit" in office.syncd("plan").out


@pytest.mark.parametrize("row", ["Gesamt;;;;;;", "Summe;;;;;;", "0099;;;;;;", "Stand-3-Uhr;;;;;;"])
def test_a_row_with_nothing_but_an_id_is_listed_and_not_sent(office, row):
    append(office, row + "\r\n")
    ended = office.syncd("--once")
    assert (ended.code, surnames(office.sandbox)) == (3, ALL)
    (event,) = ended.named("source.invalid_record")
    assert event["position"] == "members.csv line 8"
    assert "trailer" in event["problems"][0]
    assert "Zzende" not in ended.out
    assert office.syncd("check").code == 3


@pytest.mark.parametrize("row", ["Gesamt", "Stand 3 Uhr", ";Zzende"])
def test_a_last_row_of_one_cell_ends_the_run_and_deletes_nobody(office, row):
    assert office.syncd("--once").code == 0
    office.rows = office.rows[:3]
    office.export()
    append(office, row + "\r\n")
    ended = office.syncd("--once")
    assert (ended.code, surnames(office.sandbox)) == (1, ALL)
    assert "complete = { trailer" in str(ended.named("run.failed")[0]["remedy"])


@pytest.mark.parametrize("row", ["Gesamt;;;;;;", "0003;;;;;;"])
def test_a_doubtful_row_does_not_keep_who_left_but_is_present(office, row):
    assert office.syncd("--once").code == 0
    office.rows = [one for one in office.rows if one[0] not in ("0003", "0004")]
    office.export()
    append(office, row + "\r\n")
    office.syncd("--once")
    left = [3] if row.startswith("0003") else []
    assert surnames(office.sandbox) == [f"Zznäch{number}" for number in sorted([1, 2, 5, 6, *left])]


@pytest.mark.parametrize("titles", ["Mitglieder, Stand Mai, intern\r\n", "\r\nListe;;;\r\n\r\n", "Für:;die Kasse\r\n"])
def test_titles_above_the_header_are_passed_over(office, titles):
    put_above(office, titles)
    assert (office.syncd("--once").code, surnames(office.sandbox)) == (0, ALL)


def test_a_file_without_its_header_leaves_no_cell_anywhere(office):
    (office.folder / "members.csv").write_bytes((office.folder / "members.csv").read_bytes().partition(b"\r\n")[2])
    told = [office.syncd(*words) for words in (["--once"], ["check"], ["plan"], ["status"], ["history", "--json"])]
    assert [ended.code for ended in told[:3]] == [1, 1, 1]
    assert "the first row does not look like names" in told[0].out
    everything = "".join(ended.out + ended.err for ended in told)
    state = b"".join(file.read_bytes() for file in (office.folder / "state").iterdir())
    assert [mark for mark in MARKS if mark in everything or mark.encode() in state] == []


# --- a file that ends without a line end ---


def cut(office: Office, count: int) -> None:
    file = office.folder / "members.csv"
    file.write_bytes(file.read_bytes()[:-count])


def test_the_last_record_without_a_line_end_is_sent_when_a_later_file_shows_it_again(office):
    office.rows[-1][-1] = "AT"
    office.export()
    cut(office, 2)
    first, again = office.syncd("--once"), office.syncd("--once")
    assert (first.code, again.code, surnames(office.sandbox)) == (3, 3, ALL[:-1])
    (event,) = first.named("source.invalid_record")
    assert (event["foreign_id"], event["position"]) == ("M-0006", "members.csv line 7")
    assert 'complete = { end = "any" }' in event["problems"][0]
    os.utime(office.folder / "members.csv", (1_800_000_000, 1_800_000_000))
    assert (office.syncd("--once").code, surnames(office.sandbox)) == (3, ALL)
    assert office.syncd("failures").code in (0, 3)


@pytest.mark.parametrize("end", ["", "\r\n0099;Zzvor99;Zzn\u00e4ch99;;;;"])
def test_who_is_missing_in_a_file_that_ends_so_is_not_deleted(office, end):
    assert office.syncd("--once").code == 0
    del office.rows[2:4]
    office.export()
    cut(office, 2)
    append(office, end)
    assert (office.syncd("--once").code, surnames(office.sandbox)) == (3, ALL)
    append(office, "\r\n")
    office.syncd("--once")
    assert not {"Zzn\u00e4ch3", "Zzn\u00e4ch4"} & set(surnames(office.sandbox))


def test_any_end_is_believed_where_the_configuration_says_so(office):
    office.reconfigure('settled = "0s"', 'settled = "0s"\ncomplete = { end = "any" }')
    cut(office, 2)
    assert (office.syncd("--once").code, surnames(office.sandbox)) == (0, ALL)


def test_a_demand_that_fails_is_an_incomplete_read(office):
    assert office.syncd("--once").code == 0
    del office.rows[2:4]
    office.export()
    office.reconfigure('settled = "0s"', 'settled = "0s"\ncomplete = { minimum = 5 }')
    assert (office.syncd("--once").code, surnames(office.sandbox)) == (1, ALL)


def test_init_believes_an_export_that_ends_so(office):
    cut(office, 2)
    (office.folder / "config.toml").unlink()
    assert office.syncd("init", "members.csv", "--id", "Nr").code == 0
    assert 'complete = { end = "any" }' in (office.folder / "config.toml").read_text(encoding="utf-8")
