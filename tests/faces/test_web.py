"""The status page, health and metrics: what they say, and what they never say."""

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from bad_day import (
    NOW,
    QuietDaemon,
    add_invalid,
    add_known,
    add_refused,
    add_run,
    fail_updates,
    fill,
    hold,
    make_daemon,
    writing,
)
from daemons import started, until
from flask.testing import FlaskClient
from office import MARKS, Office, open_office
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from waitress.buffers import OverflowableBuffer  # type: ignore[import-untyped]  # waitress has no types
from werkzeug.test import TestResponse

from syncd.assembly import opening_board
from syncd.config import load
from syncd.config.model import Museum, WebOptions
from syncd.domain.guards import Word
from syncd.domain.runs import Status, Summary
from syncd.errors import Misconfigured
from syncd.report.html import STYLE_HASH
from syncd.state.board import Board, Replica
from syncd.state.held import Signature
from syncd.state.pauses import Pause
from syncd.web import Metrics, serving
from syncd.web.app import create_app
from syncd.web.page import FEW

PATHS = ("/", "/healthz", "/readyz", "/metrics")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def daemon(tmp_path: Path) -> QuietDaemon:
    return make_daemon(tmp_path, "members", "schools", "donors", "foerderkreis")


@pytest.fixture
def bad_day(daemon: QuietDaemon) -> QuietDaemon:
    fill(daemon)
    return daemon


def client_of(daemon: QuietDaemon, metrics: Metrics | None = None, **options: object) -> FlaskClient:
    chosen = WebOptions.model_validate(options)
    return create_app(chosen, daemon, metrics or Metrics(), lambda: NOW).test_client()


def page_of(daemon: QuietDaemon, *, show_ids: bool = False) -> str:
    return client_of(daemon, show_ids=show_ids).get("/").text


def part_of(page: str, sync: str) -> str:
    """A sync's own section, as text."""
    found = re.search(rf'<section class="card" id="sync-{sync}".*?</section>', page, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def metrics_of(daemon: QuietDaemon, metrics: Metrics | None = None) -> dict[tuple[str, frozenset[str]], float]:
    """By name and the values of the labels."""
    families = text_string_to_metric_families(client_of(daemon, metrics).get("/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value for one in families for sample in one.samples
    }


# --- the page ---


def test_the_page_says_how_many_syncs_need_a_person(bad_day: QuietDaemon) -> None:
    assert "<h1>2 of 4 syncs need you</h1>" in page_of(bad_day)


def test_a_page_without_trouble_says_so(daemon: QuietDaemon) -> None:
    with writing(daemon) as store:
        add_run(store, "members", Status.DONE, {"records": 3, "unchanged": 3})
    assert "<h1>Nothing needs you</h1>" in page_of(daemon)


def test_a_sync_is_told_in_the_time_of_its_museum(bad_day: QuietDaemon) -> None:
    part = part_of(page_of(bad_day), "members")
    for words in (
        "Mon 9 Mar 2026, 14:00 CET 5 minutes ago (schedule); it took 12 s",
        "1 created, 3 updated, 9 invalid; 12 480 records read.",
        "Mon 9 Mar 2026, 14:15 CET in 10 minutes",
        "9 invalid, 2 refused by go~mus",
    ):
        assert words in part


def test_what_is_held_comes_with_its_reason_and_the_command_that_releases_it(bad_day: QuietDaemon) -> None:
    part = part_of(page_of(bad_day), "schools")
    assert "102 of 412 known customers would be deleted within 24 hours; the limit is 5 % and 100." in part
    assert "Waiting: 102 × delete." in part
    assert "syncd approve schools" in part


def test_what_was_decided_is_shown_without_who_did(bad_day: QuietDaemon) -> None:
    with writing(bad_day) as store:
        run = store.runs.latest("schools", 1)[0].id
        said = Signature(by="zzperson@zzhost", why="zzwhy", at=NOW)
        store.held.decide("schools", run, Word.APPROVED, but=["schools-7"], said=said)
    page = page_of(bad_day)
    part = part_of(page, "schools")
    assert "1 × rejected" in part
    assert "101 × approved" in part
    assert "syncd approve schools" not in part
    assert "zz" not in page.replace("zzz", "")


def test_a_failed_run_comes_with_what_to_do_and_when_it_last_went_well(bad_day: QuietDaemon) -> None:
    part = part_of(page_of(bad_day), "donors")
    assert "Förderkreis-März.csv line 214: the row has 11 cells, the header 12." in part
    assert "What to do: mend the export; nothing was written, nobody was deleted." in part
    assert "Last done Sun 8 Mar 2026, 14:00 CET 1 day ago" in part


def test_failures_are_counted_by_reason_wherever_the_records_stand(daemon: QuietDaemon) -> None:
    with writing(daemon) as store:
        run = add_run(store, "members", Status.PROBLEMS)
        reason = "stands more than once, with different contents (first: members.csv line {})"
        add_invalid(store, "members", run, {("foreign_id", reason.format(line)): 2 for line in (17, 29)})
        add_refused(store, "members", {"go~mus refused (422): Customer 4711: surname can't be blank": 1})
        add_refused(store, "members", {"go~mus refused (422): Customer 4712: surname can't be blank": 2})
    part = part_of(page_of(daemon), "members")
    assert "foreign_id stands more than once, with different contents · invalid 4" in part
    assert "go~mus refused (422): Customer …: surname can&#39;t be blank · refused (update) 2" in part


@pytest.mark.parametrize(
    ("finished", "running", "words"),
    [
        (False, True, "Under way"),
        (False, False, "not finished: under way in another process, or cut short"),
        (True, False, "Nothing to do; 3 records read."),
    ],
)
def test_a_run_that_has_not_ended_is_told_apart(daemon: QuietDaemon, finished: bool, running: bool, words: str) -> None:
    with writing(daemon) as store:
        add_run(store, "members", Status.DONE if finished else None, {"records": 3})
    daemon.under_way = {"members"} if running else set()
    assert words in part_of(page_of(daemon), "members")


def test_a_sync_that_never_ran_says_so(daemon: QuietDaemon) -> None:
    part = part_of(page_of(daemon), "members")
    assert "Last run none yet Next run on demand only syncd trigger members Known customers 0" in part


def test_other_daemons_and_what_they_run_are_known_from_the_database(daemon: QuietDaemon) -> None:
    with writing(daemon) as store:
        add_run(store, "members", None)
        board = Board(store.engine)
        for name, age, running in (("a", 1, ["members"]), ("b", 2, []), ("dead", 3600, ["schools"])):
            seen = NOW - timedelta(seconds=age)
            board.beat(Replica(name=f"zzhost-{name}", seen_at=seen, agenda={}, running=running))
    page = page_of(daemon)
    assert "2 daemons are running; each sync starts in one of them when it is due." in page
    assert "Under way" in part_of(page, "members")
    assert "Under way" not in part_of(page, "schools")
    assert "zzhost" not in page
    assert metrics_of(daemon)["syncd_daemons", frozenset()] == 2


def test_a_real_daemon_counts_what_it_does_and_shows_it(office: Office) -> None:
    office.configure('[web]\nlisten = "127.0.0.1:0"\n' + (office.folder / "config.toml").read_text(encoding="utf-8"))
    office.rows[4][2] = ""
    office.export()
    with started(office) as process:
        url = f"http://127.0.0.1:{process.wait_for('web.listening')['port']}"
        assert "No run yet" in httpx.get(url).text
        office.syncd("trigger", "members")
        process.wait_for("run.finished")
        until(lambda: "syncd_runs_total{" in httpx.get(f"{url}/metrics").text)
        metrics, page = httpx.get(f"{url}/metrics").text, httpx.get(url).text
        assert process.end() == 0
    for line in (
        'syncd_runs_total{status="done with problems",sync="members"} 1.0',
        'syncd_outcomes_total{action="create",result="ok",sync="members"} 39.0',
        'syncd_outcomes_total{action="create",result="failed",sync="members"} 1.0',
        'syncd_known_customers{sync="members"} 39.0',
    ):
        assert line in metrics.splitlines()
    assert re.search(r'(?m)^syncd_gomus_calls_total\{gomus="main",method="POST",status="20\d"\} [1-9]', metrics)
    assert "39 created, 1 refused or failed; 40 records read." in part_of(page, "members")
    assert [mark for mark in (*MARKS, office.token) if mark in page + metrics] == []


@pytest.mark.parametrize("sent", ["", "GET / HTTP/1.1\r\nX-Slow: "], ids=["idle", "dripping"])
@pytest.mark.parametrize("count", [120, 300])
def test_connections_that_ask_for_nothing_keep_nobody_out(office: Office, sent: str, count: int) -> None:
    office.configure('[web]\nlisten = "127.0.0.1:0"\n' + (office.folder / "config.toml").read_text(encoding="utf-8"))
    over = threading.Event()

    def drip(held: list[socket.socket]) -> None:
        while sent and not over.wait(0.5):
            for connection in held:
                with suppress(OSError):
                    connection.sendall(b"x")

    with started(office) as process, ExitStack() as open_:
        port = process.wait_for("web.listening")["port"]
        held = [open_.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
        for connection in held:
            with suppress(OSError):
                connection.sendall(sent.encode())
        open_.callback(over.set)
        threading.Thread(target=drip, args=(held,), daemon=True).start()
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).status_code == 200


def test_the_chart_is_told_in_words_too(bad_day: QuietDaemon) -> None:
    page = page_of(bad_day)
    assert (
        'aria-label="The last 29 runs: 2 done, with problems, 25 done, 1 stopped early, 1 failed. '
        'At most 390 changes in one run."' in page
    )
    assert "<title>Sun 1 Mar 2026, 14:00 CET: failed; nothing written</title>" not in page
    assert page.count('<tr><th scope="row"><a href="runs/') == 4 * 29


def test_a_name_of_html_is_shown_as_it_is(daemon: QuietDaemon) -> None:
    with writing(daemon) as store:
        add_run(store, "members", Status.FAILED, error="<script>alert(1)</script> & 'ß'")
    page = page_of(daemon)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;ß&#39;." in page


def test_a_state_that_cannot_be_read_is_said_with_a_remedy(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members")
    (tmp_path / "syncd.db").write_text("of something else, and long enough to be read as such" * 20)
    answer = client_of(daemon).get("/")
    assert answer.status_code == 503
    assert "the state database is no SQLite database." in answer.text
    assert "check state.url." in answer.text


def test_an_unready_daemon_says_why_on_the_page(daemon: QuietDaemon) -> None:
    daemon.why = ["the configuration was not taken over: gomus.main.url is missing"]
    assert "gomus.main.url is missing." in page_of(daemon)


def test_the_syncs_that_need_a_person_come_first(bad_day: QuietDaemon) -> None:
    page = page_of(bad_day)
    worst_first = ["donors", "schools", "members", "foerderkreis"]
    assert re.findall(r'<a href="#sync-(\w+)">', page) == worst_first
    assert re.findall(r'<section class="card" id="sync-(\w+)"', page) == worst_first


def test_of_many_syncs_those_that_are_done_are_folded(tmp_path: Path) -> None:
    names = [f"list{number}" for number in range(FEW + 1)]
    daemon = make_daemon(tmp_path, *names)
    with writing(daemon) as store:
        for name in names:
            add_run(store, name, Status.FAILED if name == "list0" else Status.DONE)
    assert page_of(daemon).count("<summary>Figures and runs</summary>") == FEW


def test_the_page_renews_itself_until_somebody_wants_it_to_stand_still(daemon: QuietDaemon) -> None:
    page, still = client_of(daemon).get("/"), client_of(daemon).get("/?still")
    assert (page.headers["Refresh"], "The page renews itself every minute." in page.text) == ("60", True)
    assert ("Refresh" in still.headers, "The page stands still." in still.text) == (False, True)


# --- the language ---


@pytest.mark.parametrize(
    ("lang", "accepted", "shown"),
    [
        (None, None, "en"),
        (None, "fr", "en"),
        (None, "de-AT,de;q=0.9,en;q=0.5", "de"),
        (None, "fr,en;q=0.4,de;q=0.6", "de"),
        ("de", "en", "de"),
        ("en", "de", "en"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/runs/20260309T130000-members"])
def test_the_language_is_the_configured_one_or_what_the_browser_prefers(
    daemon: QuietDaemon, path: str, lang: str | None, accepted: str | None, shown: str
) -> None:
    with writing(daemon) as store:
        add_run(store, "members", Status.DONE)
    headers = {"Accept-Language": accepted} if accepted else {}
    answer = client_of(daemon, lang=lang).get(path, headers=headers)
    assert f'<html lang="{shown}">' in answer.text
    assert answer.headers["Vary"] == "Accept-Language"


def test_a_sync_is_told_in_german_with_its_reasons(bad_day: QuietDaemon) -> None:
    page = client_of(bad_day, lang="de").get("/").text
    assert "<h1>Bei 2 von 4 Abgleichen sind Sie gefragt</h1>" in page
    assert "1 angelegt, 3 geändert, 9 ungültig; 12 480 Datensätze gelesen." in part_of(page, "members")
    assert "Das ist keine E-Mail-Adresse." in page


# --- the report of a run ---


def test_each_run_leads_to_its_report(bad_day: QuietDaemon) -> None:
    client = client_of(bad_day)
    linked = set(re.findall(r'href="(runs/[^"]+)"', client.get("/").text))
    assert len(linked) == 4 * 29
    answers = [client.get(f"/{one}") for one in sorted(linked)[:5]]
    assert {(one.status_code, "The run" in one.text, 'href=".."' in one.text) for one in answers} == {(200, True, True)}


def test_a_run_that_nobody_knows_is_not_found(bad_day: QuietDaemon) -> None:
    answer = client_of(bad_day).get("/runs/20260101T000000-abcdef")
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_a_report_is_let_in_by_the_hash_of_its_style(bad_day: QuietDaemon) -> None:
    answer = client_of(bad_day).get("/runs/20260309T130000-members")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    told = "sha256-" + base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src '{told}'" in answer.headers["Content-Security-Policy"]


def test_a_report_shows_ids_only_if_asked_for(bad_day: QuietDaemon) -> None:
    ids = re.compile(r"(?:members|schools)-\d+|4711")
    with writing(bad_day) as store:
        fail_updates(store, "members", "20260309T130000-members", 3, error="Customer 4711 was merged")
    for run in ("20260309T130000-members", "20260309T130000-schools"):
        hidden, shown = (client_of(bad_day, show_ids=show).get(f"/runs/{run}").text for show in (False, True))
        assert (ids.findall(hidden), bool(ids.findall(shown))) == ([], True)


def test_without_ids_a_report_counts_what_needs_a_look(bad_day: QuietDaemon) -> None:
    with writing(bad_day) as store:
        fail_updates(store, "members", "20260309T130000-members", 3, error="Customer 4711 was merged")
    page = client_of(bad_day).get("/runs/20260309T130000-members").text
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "update: failed Customer … was merged 3" in text
    assert "date_of_birth is not a date in the form 31.12.1980 5" in text


# --- ids and values ---


def test_a_reason_that_names_ids_is_told_without_them(daemon: QuietDaemon) -> None:
    reason = (
        "2 new ids equal absent ones but for their spelling (M-1 (a) for M-01 (a), M-2 for M-02): `syncd link "
        "--renamed` says that they are the same customers, `syncd approve` that they are not"
    )
    with writing(daemon) as store:
        hold(store, "members", add_run(store, "members", Status.HELD), reason, 2)
    hidden, shown = (part_of(page_of(daemon, show_ids=show), "members") for show in (False, True))
    assert ("M-0" in hidden, "M-1 (a) for M-01 (a)" in shown) == (False, True)
    assert "but for their spelling: syncd link --renamed says" in hidden


def test_ids_are_shown_only_if_asked_for(bad_day: QuietDaemon) -> None:
    ids = re.compile(r"members-[79]\d\d|4711")
    told = [client_of(bad_day).get(path).text for path in PATHS]
    assert [ids.findall(text) for text in told] == [[], [], [], []]
    assert "It shows no value, and no ids." in told[0]
    shown = page_of(bad_day, show_ids=True)
    assert "members-902, members-903" in shown
    assert "It shows ids of records, and no value." in shown


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def test_no_value_of_anybody_and_no_token_is_on_any_page(office: Office) -> None:
    office.rows[3][5] = "31.02.1971"
    office.rows[4][2] = ""
    office.export()
    office.syncd("--once")
    del office.rows[8:]
    office.export()
    office.syncd("--once")
    daemon = QuietDaemon(load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token}))
    told = "".join(client_of(daemon, show_ids=shown).get(path).text for path in PATHS for shown in (False, True))
    assert "would be deleted within 24 hours" in told
    assert [mark for mark in (*MARKS, office.token) if mark in told] == []


# --- health ---


def test_the_daemon_is_alive_whatever_is_wrong(daemon: QuietDaemon) -> None:
    daemon.why = ["everything"]
    answer = client_of(daemon).get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_a_daemon_without_problems_is_ready(daemon: QuietDaemon) -> None:
    answer = client_of(daemon).get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"ready": True, "problems": []})


def test_what_is_missing_for_readiness_is_listed(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members")
    daemon.why = ["the scheduler has stopped"]
    (tmp_path / "syncd.db").write_text("of something else, and long enough to be read as such" * 20)
    answer = client_of(daemon).get("/readyz")
    problems = ["the scheduler has stopped", "the state database is no SQLite database: check state.url"]
    assert (answer.status_code, answer.json) == (503, {"ready": False, "problems": problems})


def test_an_unreachable_database_gives_away_no_password(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members", state="postgresql+psycopg://zzuser:zzsecret@127.0.0.1:9/syncd")
    for path in PATHS:
        assert "zz" not in client_of(daemon).get(path).text
    assert client_of(daemon).get("/readyz").status_code == 503


# --- metrics ---


def test_metrics_tell_how_the_syncs_stand(bad_day: QuietDaemon) -> None:
    told = metrics_of(bad_day)
    for name, labels, value in [
        ("syncd_state_up", set(), 1),
        ("syncd_ready", set(), 1),
        ("syncd_known_customers", {"members"}, 1240),
        ("syncd_quarantined_records", {"members"}, 2),
        ("syncd_invalid_records", {"members"}, 9),
        ("syncd_held_changes", {"schools", "delete"}, 102),
        ("syncd_held_changes", {"members", "delete"}, 0),
        ("syncd_open_intents", {"members"}, 0),
        ("syncd_last_run_status", {"donors", "failed"}, 1),
        ("syncd_last_run_status", {"donors", "done"}, 0),
        ("syncd_source_records", {"members"}, 12480),
        ("syncd_last_success_age_seconds", {"donors"}, 24 * 3600 + 300 - 12.4),
        ("syncd_last_success_timestamp_seconds", {"members"}, NOW.timestamp() - 300 + 12.4),
        ("syncd_next_run_timestamp_seconds", {"members"}, NOW.timestamp() + 600),
    ]:
        assert told[name, frozenset(labels)] == pytest.approx(value), name


def test_metrics_survive_a_database_that_is_gone(bad_day: QuietDaemon, tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.note_run(Summary(sync="members", run_id="r", status=Status.DONE, counts={}), timedelta(seconds=3))
    (tmp_path / "syncd.db").write_bytes(b"gone" * 1000)
    told = metrics_of(bad_day, metrics)
    assert told["syncd_state_up", frozenset()] == 0
    assert told["syncd_runs_total", frozenset({"members", "done"})] == 1
    assert "syncd_known_customers" not in {name for name, _ in told}


def test_runs_and_outcomes_are_counted(daemon: QuietDaemon) -> None:
    metrics = Metrics()
    outcomes = {("update", "ok"): 3, ("update", "failed"): 1}
    summary = Summary(sync="members", run_id="r", status=Status.PROBLEMS, counts={}, outcomes=outcomes)
    metrics.note_run(summary, timedelta(seconds=40))
    metrics.note_run(summary, timedelta(seconds=2))
    told = metrics_of(daemon, metrics)
    assert told["syncd_runs_total", frozenset({"members", "done with problems"})] == 2
    assert told["syncd_outcomes_total", frozenset({"members", "update", "failed"})] == 2
    assert told["syncd_outcomes_total", frozenset({"members", "update", "ok"})] == 6
    assert told["syncd_run_duration_seconds_sum", frozenset({"members"})] == 42
    assert told["syncd_run_duration_seconds_bucket", frozenset({"members", "60.0"})] == 2
    assert [name for name, _ in told if name.endswith("_created")] == []


def test_calls_are_counted_by_status_and_by_none_where_no_answer_came(daemon: QuietDaemon) -> None:
    metrics = Metrics()
    observe = metrics.observing("main")
    observe("PUT", 200, 0.3)
    observe("PUT", None, 30.0)
    told = metrics_of(daemon, metrics)
    assert told["syncd_gomus_calls_total", frozenset({"main", "PUT", "200"})] == 1
    assert told["syncd_gomus_calls_total", frozenset({"main", "PUT", "none"})] == 1
    assert told["syncd_gomus_call_duration_seconds_sum", frozenset({"main", "PUT"})] == pytest.approx(30.3)


def test_the_page_of_the_manual_lists_every_metric_with_type_and_labels(bad_day: QuietDaemon) -> None:
    metrics = Metrics()
    outcomes = {("update", "ok"): 1}
    metrics.note_run(
        Summary(sync="members", run_id="r", status=Status.DONE, counts={}, outcomes=outcomes), timedelta(1)
    )
    metrics.observing("main")("GET", 200, 0.1)
    museums = {"louvre": Museum(file=Path("louvre.toml"))}
    bad_day.config = bad_day.config.model_copy(update={"museums": museums})
    page, _ = (ROOT / "docs/web.md").read_text(encoding="utf-8").split("### With a queue")
    told, listed = families_of(bad_day, metrics), rows_of(page)
    assert {one[:2] for one in told} == {one[:2] for one in listed}
    assert {one for one in told if one[2]} <= listed  # of museums' files there are none here


def families_of(daemon: QuietDaemon, metrics: Metrics | None = None) -> set[tuple[str, str, frozenset[str]]]:
    """Each metric that is told, with its type and labels."""
    return {
        (
            f"{one.name}_total" if one.type == "counter" else one.name,
            one.type,
            frozenset(label for sample in one.samples for label in sample.labels) - {"le"},
        )
        for one in text_string_to_metric_families(client_of(daemon, metrics).get("/metrics").text)
        if not one.name.endswith("_created")
    }


def rows_of(page: str) -> set[tuple[str, str, frozenset[str]]]:
    """The same, as the manual has it."""
    rows = re.findall(r"(?m)^\| `(syncd_\w+)` \| (\w+) \|([^|]*)\|", page)
    return {(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


# --- over the wire ---


@contextmanager
def served(daemon: QuietDaemon) -> Iterator[httpx.Client]:
    with (
        serving(WebOptions(listen="127.0.0.1:0"), daemon, Metrics(), lambda: NOW) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


def test_every_path_is_served_with_headers_that_keep_browsers_on_guard(daemon: QuietDaemon) -> None:
    with served(daemon) as client:
        for path in (*PATHS, "/nowhere"):
            answer = client.get(path)
            headers = answer.headers
            assert answer.status_code == (404 if path == "/nowhere" else 200)
            assert headers["Content-Security-Policy"].startswith(f"default-src 'none'; style-src '{STYLE_HASH}';")
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert "Server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
def test_nothing_can_be_done_but_read(daemon: QuietDaemon, method: str, path: str) -> None:
    with served(daemon) as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_answers_like_get_without_a_body(daemon: QuietDaemon) -> None:
    with served(daemon) as client:
        for path in PATHS:
            assert (client.head(path).status_code, client.head(path).content) == (200, b"")


@pytest.mark.parametrize(
    "path", [*PATHS, "//", "//evil.example/x", "/%2e%2e/", "/healthz/", "/healthz//", "/.//metrics", "/runs//x"]
)
def test_the_name_of_the_host_comes_back_in_no_answer(daemon: QuietDaemon, path: str) -> None:
    with served(daemon) as client:
        url = client.base_url.copy_with(raw_path=path.encode())
        answer = client.get(url, headers={"Host": "zz.evil.example", "X-Forwarded-Host": "zz.evil.example"})
    assert not answer.is_redirect
    assert "zz.evil" not in answer.text + str(answer.headers)


def test_umlauts_arrive_as_utf_8(bad_day: QuietDaemon) -> None:
    with served(bad_day) as client:
        answer = client.get("/")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Förderkreis-März.csv".encode() in answer.content


def test_a_port_in_use_is_told_with_a_remedy(daemon: QuietDaemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Misconfigured) as refused, serving(WebOptions(listen=listen), daemon, Metrics()):
            pass
    assert str(refused.value).startswith(f"web.listen: {listen}: another program listens there already")
    assert "set another port" in str(refused.value.remedy)


def test_the_port_is_free_again_after_the_end(daemon: QuietDaemon) -> None:
    with serving(WebOptions(listen="127.0.0.1:0"), daemon, Metrics()) as url:
        listen = url.removeprefix("http://")
    with serving(WebOptions(listen=listen), daemon, Metrics()) as url:
        assert httpx.get(f"{url}/healthz").text == "ok\n"


def test_an_address_of_ipv6_is_served_too(daemon: QuietDaemon) -> None:
    with serving(WebOptions(listen="[::1]:0"), daemon, Metrics()) as url:
        assert httpx.get(f"{url}/healthz").text == "ok\n"


@pytest.mark.parametrize("listen", ["203.0.113.9:80", "no-such-host.invalid:80"])
def test_an_address_of_another_machine_is_told(daemon: QuietDaemon, listen: str) -> None:
    with pytest.raises(Misconfigured, match=r"web\.listen: "), serving(WebOptions(listen=listen), daemon, Metrics()):
        pass


def test_the_daemon_is_alive_while_everything_else_waits(daemon: QuietDaemon) -> None:
    released = threading.Event()

    class Waiting(QuietDaemon):
        def problems(self) -> list[str]:
            assert released.wait(30)
            return []

    with served(Waiting(daemon.config)) as client, ThreadPoolExecutor(20) as crowd:
        answers = [crowd.submit(client.get, "/readyz", timeout=30) for _ in range(20)]
        turned_away = next(as_completed(answers)).result()
        assert client.get("/healthz").text == "ok\n"
        released.set()
        codes = {answer.result().status_code for answer in answers}
    assert (turned_away.status_code, codes) == (503, {200, 503})


def test_an_error_that_nobody_foresaw_tells_nothing_of_itself(daemon: QuietDaemon) -> None:
    class Broken(QuietDaemon):
        def problems(self) -> list[str]:
            raise RuntimeError("Zz-secret")

    with served(Broken(daemon.config)) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (500, "500 Internal Server Error\n")


# --- the configuration ---


def config_with(folder: Path, table: str, env: dict[str, str]) -> WebOptions | None:
    make_daemon(folder, "members")
    with (folder / "config.toml").open("a", encoding="utf-8") as file:
        file.write(table)
    return load(folder / "config.toml", {"TOKEN": "t", "KEY": "a key for tests", **env}).web


@pytest.mark.parametrize(
    ("table", "env", "listen"),
    [
        ("", {}, None),
        ("[web]", {}, "127.0.0.1:8080"),
        ("", {"SYNCD_WEB_LISTEN": ""}, None),
        ("", {"SYNCD_WEB_LISTEN": "0.0.0.0:8080"}, "0.0.0.0:8080"),
        ("[web]\nshow_ids = true", {"SYNCD_WEB_LISTEN": "0.0.0.0:8080"}, "0.0.0.0:8080"),
        ('[web]\nlisten = "[::]:80"', {"SYNCD_WEB_LISTEN": "0.0.0.0:8080"}, "[::]:80"),
    ],
)
def test_the_page_is_on_only_where_somebody_says_so(
    tmp_path: Path, table: str, env: dict[str, str], listen: str | None
) -> None:
    web = config_with(tmp_path, table, env)
    assert (web.listen if web else None) == listen


@pytest.mark.parametrize(("listen", "place"), [("[::]:80", ("::", 80)), ("localhost:0", ("localhost", 0))])
def test_an_address_has_a_host_and_a_port(listen: str, place: tuple[str, int]) -> None:
    options = WebOptions(listen=listen)
    assert (options.host, options.port) == place


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:80", "::1:80", "a b:80"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, listen: str) -> None:
    with pytest.raises(Misconfigured, match=r"web\.listen: .* is not an address and a port such as '127.0.0.1:8080'"):
        config_with(tmp_path, f'[web]\nlisten = "{listen}"', {})


def test_a_wrong_address_in_the_environment_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"web\.listen: .*SYNCD_WEB_LISTEN"):
        config_with(tmp_path, "", {"SYNCD_WEB_LISTEN": "nonsense"})


def test_readyz_is_json_for_machines(daemon: QuietDaemon) -> None:
    assert json.loads(client_of(daemon).get("/readyz").data)["ready"] is True


def test_what_is_held_and_known_is_read_on_postgresql_too(tmp_path: Path, postgres_url: str) -> None:
    daemon = make_daemon(tmp_path, "members", state=postgres_url)
    with writing(daemon) as store:
        run = add_run(store, "members", Status.HELD, {"records": 50})
        add_known(store, "members", 50)
        add_refused(store, "members", {"go~mus refused (422)": 2})
        add_invalid(store, "members", run, {("email", "is no address"): 3})
        hold(store, "members", run, "30 of 50", 30)
    assert metrics_of(daemon)["syncd_held_changes", frozenset({"members", "delete"})] == 30
    assert "3 invalid, 2 refused by go~mus" in part_of(page_of(daemon), "members")


# --- the trigger ---

TOKEN = "a-token-of-nobody-0815"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


def asked(daemon: QuietDaemon) -> list[str]:
    """The syncs that a daemon would run now, a name for each request."""
    with opening_board(daemon.config) as board:
        return [request.sync for request in board.open_requests()]


@pytest.fixture
def quiet(daemon: QuietDaemon) -> QuietDaemon:
    with writing(daemon):
        return daemon


def trigger(daemon: QuietDaemon, name: str = "members", headers: dict[str, str] | None = None) -> TestResponse:
    client = client_of(daemon, trigger_token=TOKEN)
    return client.post(f"/syncs/{name}/trigger", headers=SHOWN if headers is None else headers)


def test_whoever_shows_the_token_gets_a_run(quiet: QuietDaemon) -> None:
    answer = trigger(quiet)
    assert (answer.status_code, answer.mimetype, answer.text.count("\n")) == (202, "text/plain", 1)
    assert asked(quiet) == ["members"]


def test_asked_for_again_while_a_request_waits_it_is_still_one_run(quiet: QuietDaemon) -> None:
    assert [trigger(quiet).status_code for _ in range(3)] == [202, 202, 202]
    assert asked(quiet) == ["members"]


def rest(daemon: QuietDaemon, until: timedelta | None = None) -> None:
    with writing(daemon) as store:
        ends = NOW + until if until else None
        store.pauses.begin(Pause(sync="members", since=NOW, until=ends, by="Zzname", why="zzwhy"))


def test_a_paused_sync_is_not_triggered_and_the_answer_says_until_when(quiet: QuietDaemon) -> None:
    rest(quiet, timedelta(days=1))
    answer = trigger(quiet)
    assert (answer.status_code, asked(quiet)) == (409, [])
    assert "members is paused since 2026-03-09 14:05:00 CET until 2026-03-10 14:05:00 CET" in answer.text


def test_the_page_shows_a_pause_without_a_name(quiet: QuietDaemon) -> None:
    rest(quiet)
    part = part_of(page_of(quiet), "members")
    assert "Paused since Mon 9 Mar 2026, 14:05 CET" in part
    assert "Next run not by itself: paused" in part
    assert "zz" not in part.casefold()


def test_a_pause_is_a_metric(quiet: QuietDaemon) -> None:
    rest(quiet)
    metrics = metrics_of(quiet)
    assert [metrics["syncd_paused", frozenset({name})] for name in ("members", "schools")] == [1, 0]


def test_a_request_that_was_accepted_stands_until_a_daemon_is_there(quiet: QuietDaemon) -> None:
    trigger(quiet)
    with opening_board(quiet.config) as board:
        board.tidy(NOW + timedelta(days=3))
        assert [request.expires_at for request in board.open_requests()] == [None]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer ä\u00ff"},
        {"X-Token": TOKEN},
    ],
)
def test_without_the_token_nothing_is_run_and_no_name_of_a_sync_is_given_away(
    quiet: QuietDaemon, headers: dict[str, str]
) -> None:
    answers = [trigger(quiet, name, headers) for name in ("members", "nobody")]
    assert [(one.status_code, one.headers["WWW-Authenticate"]) for one in answers] == [(401, "Bearer")] * 2
    assert answers[0].text == answers[1].text
    assert asked(quiet) == []


@pytest.mark.parametrize("name", ["nobody", "museum/nobody", "members/"])
def test_a_sync_that_is_not_there_is_not_found(quiet: QuietDaemon, name: str) -> None:
    assert (trigger(quiet, name).status_code, asked(quiet)) == (404, [])


def test_a_name_may_hold_a_slash(quiet: QuietDaemon) -> None:
    one = quiet.config.syncs["members"].model_copy(update={"name": "museum/members"})
    quiet.config = quiet.config.model_copy(update={"syncs": {"museum/members": one}})
    assert trigger(quiet, "museum/members").status_code == 202
    assert asked(quiet) == ["museum/members"]


def test_without_a_configured_token_there_is_no_trigger(quiet: QuietDaemon) -> None:
    client = client_of(quiet)
    assert client.post("/syncs/members/trigger", headers=SHOWN).status_code == 405
    assert client.get("/syncs/members/trigger", headers=SHOWN).status_code == 404
    assert asked(quiet) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_trigger_is_pulled_by_post_alone(quiet: QuietDaemon, method: str) -> None:
    answer = client_of(quiet, trigger_token=TOKEN).open("/syncs/members/trigger", method=method, headers=SHOWN)
    assert (answer.status_code, answer.headers["Allow"], asked(quiet)) == (405, "POST", [])


def test_a_database_that_is_gone_is_told_and_not_accepted(tmp_path: Path) -> None:
    daemon = make_daemon(tmp_path, "members", state="postgresql+psycopg://zzuser:zzsecret@127.0.0.1:9/syncd")
    answer = trigger(daemon)
    assert (answer.status_code, "zz" in answer.text) == (503, False)


def chunks(count: int) -> Iterator[bytes]:
    yield from (b"x" * 65536 for _ in range(count))


@pytest.mark.parametrize("body", ["with a length", "in chunks"])
def test_a_large_body_is_passed_over_and_not_kept(
    quiet: QuietDaemon, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    kept: list[bytes] = []

    class Keeping(OverflowableBuffer):  # type: ignore[misc]  # waitress has no types
        """In memory, and in a file where it grows."""

        def append(self, data: bytes) -> None:
            kept.append(data)

    monkeypatch.setattr("waitress.parser.OverflowableBuffer", Keeping)
    options = WebOptions(listen="127.0.0.1:0", trigger_token=SecretStr(TOKEN))
    length = {"Content-Length": str(1000 * 65536)} if body == "with a length" else {}
    with serving(options, quiet, Metrics(), lambda: NOW) as url:
        answer = httpx.post(f"{url}/syncs/members/trigger", headers=SHOWN | length, content=chunks(1000))
    assert (answer.status_code, len(b"".join(kept))) == (202, 0)
    assert asked(quiet) == ["members"]


def test_a_chunk_without_an_end_is_cut_off(quiet: QuietDaemon) -> None:
    options = WebOptions(listen="127.0.0.1:0", trigger_token=SecretStr(TOKEN))
    head = "POST /syncs/members/trigger HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with ExitStack() as open_:
        url = httpx.URL(open_.enter_context(serving(options, quiet, Metrics(), lambda: NOW)))
        connection = open_.enter_context(socket.create_connection((url.host, url.port or 0), timeout=5))
        connection.sendall(head.encode() + b"1;" + b"x" * 40_000)
        assert b" 400 " in connection.recv(100)


def test_a_webhook_starts_a_real_run_and_its_token_is_told_nowhere(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIGGER", TOKEN)
    web = '[web]\nlisten = "127.0.0.1:0"\ntrigger_token = { env = "TRIGGER" }\n'
    office.configure(web + (office.folder / "config.toml").read_text(encoding="utf-8"))
    with started(office) as process:
        url = f"http://127.0.0.1:{process.wait_for('web.listening')['port']}/syncs/members/trigger"
        assert httpx.post(url, headers={"Authorization": "Bearer of somebody else"}).status_code == 401
        assert httpx.post(url, headers=SHOWN, json={"changed": "Zzvor1"}).status_code == 202
        assert process.wait_for("run.finished", sync="members")
        assert process.end() == 0
    assert [event["trigger"] for event in process.named("run.started")] == ["request"]
    told = json.dumps(process.events)
    assert [one for one in (TOKEN, "Zzvor1", "of somebody else") if one in told] == []
