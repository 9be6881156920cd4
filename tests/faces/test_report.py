"""`syncd report`: one run as a page that stands for itself, from real runs."""

import json
import re
import stat
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from bad_day import add_known, add_run, fail_updates, hold, make_daemon, writing
from office import MARKS, Office, open_office

from syncd.domain.runs import Status
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
