"""`syncd report`: one run as a page that stands for itself, from real runs."""

import json
import re
import stat
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from bad_day import NOW, QuietDaemon, add_known, add_run, fail_updates, hold, make_daemon, writing
from office import MARKS, Office, open_office

from syncd.domain.runs import Status
from syncd.report import held
from syncd.report.period import LISTED_RUNS, period_as_html, report_period
from syncd.report.run import LISTED, report_as_html, report_run


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.split("</style>")[1])).split())


class Links(HTMLParser):
    """Everything by which a page would fetch something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.found += [tag] if tag in ("script", "link", "iframe", "object", "img") else []


def test_the_last_run_is_told_with_counts_and_changed_fields(office: Office) -> None:
    office.syncd("--once")
    for row in office.rows[:3]:
        row[4] = row[4].replace("030", "040")
    office.rows[0][1] = "Zzvorneu"
    office.export()
    office.syncd("--once")
    ended = office.syncd("report")
    text = text_of(ended.out)
    assert (ended.code, ended.err) == (0, "")
    for words in (
        "members → main Done 3 updated; 40 records read.",
        "Started by command line",
        "Records read 40 ",
        "Action Done update 3",
        "tel 3",
        "name 1",
    ):
        assert words in text


def test_a_named_run_is_told_and_not_the_last(office: Office) -> None:
    office.syncd("--once")
    office.syncd("--once")
    first = json.loads(office.syncd("history", "--json").out)[-1]["run"]
    assert "40 created; 40 records read." in text_of(office.syncd("report", first).out)


def test_failures_are_told_with_ids_and_reasons_and_without_values(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.rows[4][2] = ""
    office.export()
    office.syncd("--once")
    page = office.syncd("report").out
    text = text_of(page)
    assert "M-0005 create: failed Surname can't be blank" in text
    assert "date_of_birth is not a date in the form 31.12.1980 1" in text
    assert "M-0004 members.csv line 5 date_of_birth is not a date in the form 31.12.1980" in text
    assert [mark for mark in MARKS if mark in page] == []


def test_invalid_records_of_an_older_run_are_counted_only(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.export()
    office.syncd("--once")
    office.syncd("--once")
    first = json.loads(office.syncd("history", "--json").out)[-1]["run"]
    text = text_of(office.syncd("report", first).out)
    assert "1 of the source's records could not be mapped." in text
    assert "M-0004" not in text


def test_a_failed_run_comes_with_its_remedy(office: Office) -> None:
    office.token = "expired"
    office.syncd("--once")
    text = text_of(office.syncd("report").out)
    assert "go~mus refuses the token (401). What to do: it is wrong or has expired: set a new one." in text


def test_what_is_held_comes_with_the_command_that_releases_it(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    text = text_of(office.syncd("report").out)
    assert (
        "30 of 40 known customers would be deleted within 24 hours; the limit is 5 % and 100. Waiting: 30 × delete."
        in text
    )
    assert "syncd approve members" in text


def test_the_page_needs_nothing_from_elsewhere(office: Office) -> None:
    office.syncd("--once")
    page = office.syncd("report").out
    assert Links(page).found == ["#content"]
    assert "url(" not in page
    assert "default-src 'none'" in unescape(page)


def test_a_file_is_readable_for_its_owner_only_also_where_it_was_there_before(office: Office) -> None:
    office.syncd("--once")
    file = office.folder / "report.html"
    file.write_text("older, and longer" * 10000)
    file.chmod(0o644)
    ended = office.syncd("report", "--output", "report.html")
    assert (ended.code, ended.out) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text(encoding="utf-8").endswith("</html>")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["20260101T000000-abcdef"], "There is no run 20260101T000000-abcdef. `syncd history --json` lists them."),
        (["--sync", "member"], "Did you mean 'members'?"),
        (["--output", "nowhere/report.html"], "nowhere/report.html can't be written (No such file or directory)."),
    ],
)
def test_what_cannot_be_told_is_said(office: Office, arguments: list[str], words: str) -> None:
    office.syncd("--once")
    ended = office.syncd("report", *arguments)
    assert (ended.out, words in ended.err) == ("", True)
    assert ended.code == (1 if "--output" in arguments else 2)


def test_an_almost_right_run_is_answered_with_the_nearest(office: Office) -> None:
    office.syncd("--once")
    run = json.loads(office.syncd("history", "--json").out)[0]["run"]
    ended = office.syncd("report", run[:-1])
    assert (ended.code, f"Did you mean {run}?" in ended.err) == (2, True)


def test_before_the_first_run_there_is_nothing_to_report(office: Office) -> None:
    ended = office.syncd("report")
    assert (ended.code, ended.out, ended.err) == (2, "", "There is no run yet to report on.\n")


def test_a_run_of_another_sync_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        text = (office.folder / "config.toml").read_text(encoding="utf-8")
        other = text[text.index("[sync.members]") :].replace("sync.members", "sync.other").replace('"M-"', '"O-"')
        office.configure(text + other)
        office.syncd("--once")
        run = json.loads(office.syncd("history", "other", "--json").out)[0]["run"]
        ended = office.syncd("report", run, "--sync", "members")
    assert (ended.code, ended.err) == (2, f"The run {run} was one of other, not of members.\n")


def test_a_crowd_is_cut_off_and_says_so(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members")
    with writing(daemon) as store:
        run = add_run(store, "members", Status.PROBLEMS, {"failed": LISTED + 5})
        fail_updates(store, "members", run, LISTED + 5, error="go~mus refused (422)")
        row = store.runs.find(run)
        assert row is not None
        page = report_as_html(report_run(store, row), daemon.config.syncs["members"].timezone)
    assert page.count('<tr><th scope="row"><code>members-') == LISTED
    assert "; the first 1\N{NARROW NO-BREAK SPACE}000" in page


def test_what_was_held_and_is_no_longer_is_said_so(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members")
    with writing(daemon) as store:
        add_known(store, "members", 3)
        older = add_run(store, "members", Status.HELD)
        hold(store, "members", "another run", "30 of 40", 30)
        row = store.runs.find(older)
        assert row is not None
        page = report_as_html(report_run(store, row), daemon.config.syncs["members"].timezone)
    assert "It was released, or replaced by a later run" in page
    assert "30 of 40" not in page


def test_each_held_change_is_listed_with_its_fields_and_its_guard(office: Office) -> None:
    office.syncd("--once")
    for row in office.rows[:30]:
        row[4] = "030 23125999"
    office.export()
    office.syncd("--once")
    page = office.syncd("report").out
    assert len(re.findall(r"M-\d{4} update tel Many updates since \w{3} ", text_of(page))) == 30
    assert [mark for mark in MARKS if mark in page] == []


def test_of_very_many_held_changes_the_first_are_listed_and_the_rest_is_counted(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members")
    with writing(daemon) as store:
        run = add_run(store, "members", Status.HELD)
        hold(store, "members", run, "too many", held.LISTED + 3)
        row = store.runs.find(run)
        assert row is not None
        page = report_as_html(report_run(store, row), daemon.config.syncs["members"].timezone)
    assert page.count('<tr><th scope="row"><code>members-') == held.LISTED
    assert "And 3 more: syncd held members lists all." in text_of(page)


# --- in German ---


def test_a_report_in_german_is_marked_so_and_has_german_reasons(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.export()
    office.syncd("--once")
    page = office.syncd("report", "--lang", "de").out
    assert '<html lang="de">' in page
    assert "Das ist kein Datum in der Form 31.12.1980, oder diesen Tag gibt es nicht." in page
    assert "39 angelegt, 1 ungültig; 40 Datensätze gelesen." in text_of(page)


def test_a_report_in_english_marks_nothing_as_english(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.export()
    office.syncd("--once")
    assert re.findall(r'lang="\w+"', office.syncd("report").out) == ['lang="en"']


# --- over a time ---


@pytest.fixture
def month(tmp_path: Path) -> QuietDaemon:
    """A run a day, of which one in four did something, and one failed."""
    daemon = make_daemon(tmp_path, "members", "schools")
    with writing(daemon) as store:
        for day in range(40):
            counts = {"records": 9, "update": 2} if day % 4 == 0 else {"records": 9}
            at = NOW - timedelta(days=day, minutes=5)
            add_run(store, "members", Status.FAILED if day == 3 else Status.DONE, {} if day == 3 else counts, at=at)
    return daemon


def over(daemon: QuietDaemon, days: int, *syncs: str) -> str:
    with writing(daemon) as store:
        chosen = [daemon.config.syncs[name] for name in syncs or daemon.config.syncs]
        since = NOW - timedelta(days=days)
        return period_as_html(report_period(store, chosen, since), since, NOW)


def test_the_runs_of_the_time_are_counted_by_how_they_ended(month: QuietDaemon) -> None:
    text = text_of(over(month, 10))
    assert "10 runs of 2 syncs" in text
    assert "10 runs: 9 done, 1 failed." in text


def test_runs_with_nothing_to_do_are_counted_and_the_others_listed(month: QuietDaemon) -> None:
    page = over(month, 10)
    assert len(re.findall(r"<code>\d{8}T\d{6}-members</code>", page)) == 4
    assert "6 runs had nothing to do, and are not listed." in page


def test_very_many_runs_are_cut_off_and_the_rest_is_counted(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members")
    with writing(daemon) as store, store.transaction():
        for minute in range(LISTED_RUNS + 4):
            add_run(store, "members", Status.DONE, {"update": 1}, at=NOW - timedelta(minutes=minute))
    text = text_of(over(daemon, 1))
    assert "4 older runs are not listed: syncd history members ." in text


def test_totals_and_fields_are_those_of_all_runs_of_the_time(office: Office) -> None:
    office.syncd("--once")
    for number in (1, 2):
        for row in office.rows[:3]:
            row[4] = f"030 2312{number}999"
        office.export()
        office.syncd("--once")
    text = text_of(office.syncd("report", "--since", "1h").out)
    assert "3 runs: 3 done." in text
    assert "Action Done create 40 update 6" in text
    assert "tel 6" in text


def test_what_is_held_and_what_fails_is_told_as_it_stands(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.export()
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    page = office.syncd("report", "--since", "30d").out
    text = text_of(page)
    assert "30 of 39 known customers would be deleted" in text
    assert "M-0006 delete – Many deletions since" in text
    assert "date_of_birth is not a date in the form 31.12.1980 · invalid M-0004 1" in text
    assert [mark for mark in MARKS if mark in page] == []


def test_one_sync_alone_can_be_asked_for(month: QuietDaemon) -> None:
    text = text_of(over(month, 10, "schools"))
    assert "members" not in text


def test_a_report_over_a_time_needs_nothing_from_elsewhere(month: QuietDaemon) -> None:
    page = over(month, 10)
    assert Links(page).found == ["#content", "#sync-members", "#sync-schools"]
    assert "default-src 'none'" in unescape(page)


def test_a_time_without_a_run_is_told_as_such(office: Office) -> None:
    ended = office.syncd("report", "--since", "30d", "--lang", "de")
    assert (ended.code, ended.err, "<h1>Kein Lauf in dieser Zeit</h1>" in ended.out) == (0, "", True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["20260101T000000-abcdef", "--since", "1d"], "Name a run, or a time with --since, not both.\n"),
        (["--since", "a month"], "--since: 'a month' is not a duration such as '7d', '12h', '30m'.\n"),
        (["--since", "7 days"], "--since: '7 days' is not a duration such as '7d', '12h', '30m'; did you mean '7d'?\n"),
        (["--since", "1d", "--sync", "member"], "There is no sync 'member'. Did you mean 'members'?"),
    ],
)
def test_a_time_that_cannot_be_told_is_said(office: Office, arguments: list[str], words: str) -> None:
    ended = office.syncd("report", *arguments)
    assert (ended.code, ended.out, ended.err[: len(words)]) == (2, "", words)
