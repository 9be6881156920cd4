"""Alarms, with receivers that are real servers: once for each condition, and once more when it is over."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from daemons import started
from flask import Flask, Response, request
from museum import DEFAULT_LIMITS, Museum, sqlite_url
from office import MARKS, Office, open_office
from pydantic import SecretStr
from structlog.testing import capture_logs

from syncd.alerts.alarms import CLAIM, Alarms, Kind
from syncd.alerts.channels import TIMEOUT, Channels, Message, try_out
from syncd.alerts.watch import Watch
from syncd.assembly import now, opening_alarms, opening_state
from syncd.cli import running
from syncd.config import load
from syncd.config.model import Config, NotifyOptions
from syncd.domain.runs import Status, Summary, failed_summary
from syncd.errors import StateUnusable
from syncd.sandbox import serve
from syncd.state.conditions import Condition, Conditions, Telling
from syncd.state.pauses import Pause

CONFIG = """
[state]
url = "sqlite:///state.db"
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "TOKEN" }
[notify]
webhook = { env = "WEBHOOK" }
heartbeat_url = { env = "HEARTBEAT" }
[sync.members]
schedule = "every 1h"
source = { type = "csv", path = "members.csv" }
foreign_id = { from = "id", prefix = "M-" }
fields = { surname = "family" }
"""


@dataclass
class Receiver:
    """A server that takes webhooks, heartbeats, and what apprise sends as JSON."""

    url: str = ""
    is_up: bool = True
    is_free: threading.Event = field(default_factory=threading.Event)  # else it hangs
    called: threading.Event = field(default_factory=threading.Event)
    calls: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    beats: list[str] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        return [f"{message['condition']} {message['state']}" for message in self.messages]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver, app = Receiver(), Flask(__name__)
    receiver.is_free.set()

    @app.post("/hook")
    def hook() -> Response:
        receiver.calls += 1
        receiver.called.set()
        assert receiver.is_free.wait(30)
        if receiver.is_up:
            receiver.messages.append(request.get_json())
        return Response(status=200 if receiver.is_up else 500)

    @app.get("/alive/<sync>")
    def alive(sync: str) -> Response:
        receiver.beats.append(sync)
        return Response()

    with serve(app) as url:
        receiver.url = url
        yield receiver


@pytest.fixture
def config(tmp_path: Path, receiver: Receiver) -> Config:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    addresses = {"WEBHOOK": f"{receiver.url}/hook", "HEARTBEAT": receiver.url + "/alive/{sync}"}
    return load(tmp_path / "config.toml", {"TOKEN": "of nobody", **addresses})


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    yield museum
    museum.close()


@pytest.fixture
def alarms(config: Config, museum: Museum) -> Alarms:
    assert config.notify
    return Alarms(config, config.notify, store=museum.store, conditions=Conditions(museum.engine))


def go(museum: Museum, alarms: Alarms) -> Summary:
    summary = museum.run()
    alarms.after_run(summary, museum.clock.now)
    return summary


# --- once for each condition ---


def test_a_failure_is_told_once_and_so_is_its_end(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.fill(3)
    museum.shelf.breaks_after = 1
    for _ in range(3):
        assert go(museum, alarms).status is Status.FAILED
    assert receiver.told == ["failed raised"]
    museum.shelf.breaks_after = None
    for _ in range(2):
        go(museum, alarms)
    assert receiver.told == ["failed raised", "failed over"]


def test_a_message_says_what_where_and_what_to_do(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.fill(3)
    museum.shelf.breaks_after = 1
    summary = go(museum, alarms)
    (message,) = receiver.messages
    assert message["title"] == "syncd: members failed"
    assert message["text"] == f"The run has failed (run {summary.run_id}): shelf line 3: the read broke off."
    assert message["since"]


def test_what_a_guard_holds_is_told_with_the_command_that_releases_it(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=1)
    museum.fill(10)
    go(museum, alarms)
    museum.remove(1, 2, 3)
    for _ in range(2):
        assert go(museum, alarms).status is Status.HELD
    assert receiver.told == ["held raised"]
    assert "`syncd approve members`" in receiver.messages[0]["text"]
    museum.fill(10)
    go(museum, alarms)
    assert receiver.told == ["held raised", "held over"]


def test_what_is_held_beyond_an_approval_is_told_again(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=1)
    museum.fill(30)
    go(museum, alarms)
    museum.remove(1, 2, 3, 4, 5)
    go(museum, alarms)
    assert museum.approve()
    Conditions(museum.engine).expect_more("members", Kind.HELD.value)
    museum.remove(6, 7, 8, 9)
    for _ in range(2):
        assert go(museum, alarms).status is Status.HELD
    assert receiver.told == ["held raised", "held raised"]


def test_what_is_held_is_told_again_when_it_has_doubled(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=1)
    museum.fill(30)
    go(museum, alarms)
    for gone in (4, 6, 8):
        museum.remove(*range(1, gone + 1))
        go(museum, alarms)
    assert [message["text"].split(": ")[1].split()[0] for message in receiver.messages] == ["4", "8"]


def test_failures_are_told_again_only_when_they_have_doubled(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    museum.fill(20)
    for spoilt in (2, 3, 4, 4, 7, 8):
        for number in range(1, spoilt + 1):
            museum.row(number)["mail"] = "not an address"
        go(museum, alarms)
    assert [message["text"].split()[0] for message in receiver.messages] == ["2", "4", "8"]
    museum.fill(20)
    go(museum, alarms)
    assert receiver.told[-1] == "failures over"


def test_a_run_that_was_asked_to_stop_says_nothing(alarms: Alarms, museum: Museum, receiver: Receiver) -> None:
    alarms.after_run(Summary(sync="members", run_id="1", status=Status.STOPPED, counts={}), museum.clock.now)
    assert receiver.told == []


# --- nothing for too long ---


def test_no_success_for_three_turns_is_told_once(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.fill(1)
    go(museum, alarms)
    began = museum.clock.now
    for hours in (1, 2, 3.4, 3.6, 5, 9):
        museum.clock.now = began + timedelta(hours=hours)
        alarms.check_overdue(museum.clock.now, began - timedelta(days=1))
        assert receiver.told == (["overdue raised"] if hours > 3.5 else [])
    go(museum, alarms)
    assert receiver.told == ["overdue raised", "overdue over"]


def test_a_sync_that_is_held_is_not_overdue(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.limits = replace(DEFAULT_LIMITS, delete_percent=10, delete_count=1)
    museum.fill(10)
    go(museum, alarms)
    museum.remove(1, 2, 3)
    began = museum.clock.now
    for _ in range(6):
        museum.clock.sleep(3600)
        go(museum, alarms)
        alarms.check_overdue(museum.clock.now, began)
    assert receiver.told == ["held raised"]


def test_a_verification_is_no_run_of_everything(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.fill(1)
    go(museum, alarms)
    began = museum.clock.now
    museum.clock.sleep(3600 * 9)
    assert museum.verify().summary.status is Status.DONE
    alarms.check_overdue(museum.clock.now, began - timedelta(days=1))
    assert receiver.told == ["overdue raised"]


def test_a_daemon_that_has_just_started_gives_a_sync_one_turn(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    museum.fill(1)
    go(museum, alarms)
    museum.clock.sleep(86_400 * 7)
    now = museum.clock.now
    alarms.check_overdue(now, since=now)
    assert receiver.told == []
    alarms.check_overdue(now + timedelta(hours=2), since=now)
    assert receiver.told == ["overdue raised"]


def rest(museum: Museum) -> None:
    museum.store.pauses.begin(Pause(sync="members", since=museum.clock.now, until=None, by="Zzname", why="zzwhy"))


def test_a_pause_of_more_than_a_week_is_told_once_and_so_is_its_end(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    rest(museum)
    began = museum.clock.now
    for days in (1, 6.9, 7.1, 20):
        museum.clock.now = began + timedelta(days=days)
        alarms.check_overdue(museum.clock.now, began)
        assert receiver.told == (["paused raised"] if days > 7 else [])
    museum.store.pauses.end("members", museum.clock.now)
    alarms.check_overdue(museum.clock.now, began)
    assert receiver.told == ["paused raised", "paused over"]
    assert "zz" not in str(receiver.messages).casefold()


def test_a_paused_sync_is_not_overdue_and_has_a_turn_once_it_is_resumed(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    began = museum.clock.now
    rest(museum)
    museum.clock.sleep(86_400 * 2)
    alarms.check_overdue(museum.clock.now, began)
    museum.store.pauses.end("members", museum.clock.now)
    museum.clock.sleep(60)
    alarms.check_overdue(museum.clock.now, began)
    assert receiver.told == []
    museum.clock.sleep(86_400)
    alarms.check_overdue(museum.clock.now, began)
    assert receiver.told == ["overdue raised"]


def test_each_success_calls_the_dead_mans_switch_and_nothing_else_does(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    museum.fill(2)
    go(museum, alarms)
    museum.shelf.breaks_after = 1
    go(museum, alarms)
    assert receiver.beats == ["members"]


# --- receivers that are down ---


def test_an_alarm_waits_until_somebody_can_be_reached(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.fill(3)
    museum.shelf.breaks_after = 1
    receiver.is_up = False
    go(museum, alarms)
    receiver.is_up = True
    alarms.check_overdue(museum.clock.now, museum.clock.now)
    assert receiver.told == ["failed raised"]


def test_where_nobody_can_be_reached_it_is_tried_once_and_not_for_every_condition(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    museum.fill(3)
    museum.row(1)["mail"] = "not an address"
    receiver.is_up = False
    go(museum, alarms)
    museum.shelf.breaks_after = 1
    go(museum, alarms)
    assert receiver.calls == 2
    receiver.is_up = True
    go(museum, alarms)
    assert receiver.told == ["failed raised", "failures raised"]


def test_a_receiver_that_hangs_is_waited_for_no_longer_than_the_limit(config: Config, receiver: Receiver) -> None:
    receiver.is_free.clear()
    assert config.notify
    began = time.monotonic()
    assert not Channels(config.notify, timeout=0.2).send(Message(sync="a", kind="failed", state="raised", text=""))
    assert time.monotonic() - began < TIMEOUT
    receiver.is_free.set()


def test_a_receiver_that_gives_its_answer_bit_by_bit_is_not_waited_for(config: Config) -> None:
    """No single read takes long, so that the time limits of a connection never strike."""
    is_over = threading.Event()

    def drip(_environ: object, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        while not is_over.wait(0.05):
            yield b"x"

    assert config.notify
    with serve(drip) as url:
        options = config.notify.model_copy(update={"webhook": SecretStr(url)})
        began = time.monotonic()
        assert not Channels(options, timeout=0.3).send(Message(sync="a", kind="failed", state="raised", text=""))
        assert time.monotonic() - began < TIMEOUT
        is_over.set()


def test_what_could_not_be_sent_is_logged_without_its_address(config: Config, receiver: Receiver) -> None:
    receiver.is_up = False
    assert config.notify
    structlog.reset_defaults()
    with capture_logs() as events:
        Channels(config.notify).send(Message(sync="a", kind="failed", state="raised", text=""))
    failed = {"event": "notify.failed", "log_level": "warning", "source": "webhook"}
    assert events == [{**failed, "error": "HTTPStatusError", "status": 500}]


def test_two_replicas_that_look_at_once_tell_once(config: Config, receiver: Receiver, state_url: str) -> None:
    museum = Museum(state_url=state_url)
    assert config.notify
    one, other = (
        Alarms(config, config.notify, store=museum.store, conditions=Conditions(museum.engine)) for _ in range(2)
    )
    now = museum.clock.now
    receiver.is_free.clear()
    telling = threading.Thread(target=one.check_overdue, args=(now, now - timedelta(days=1)))
    telling.start()
    assert receiver.called.wait(30)
    other.check_overdue(now, now - timedelta(days=1))
    receiver.is_free.set()
    telling.join()
    other.check_overdue(now, now - timedelta(days=1))
    assert receiver.told == ["overdue raised"]
    museum.close()


def test_what_somebody_died_of_telling_is_told_by_the_next(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    conditions, now = Conditions(museum.engine), museum.clock.now
    due = Condition(sync="members", kind="failed", since=now, level=1, telling=Telling.DUE, words="It broke.")
    conditions.add(due)
    assert conditions.claim(due, now, now + CLAIM)
    for minutes in (1, 3):
        alarms.check_overdue(now + timedelta(minutes=minutes), now)
        assert receiver.told == (["failed raised"] if minutes > 2 else [])


def test_what_is_over_before_it_could_be_told_is_not_told(museum: Museum, alarms: Alarms, receiver: Receiver) -> None:
    museum.fill(3)
    museum.shelf.breaks_after = 1
    receiver.is_up = False
    go(museum, alarms)
    museum.shelf.breaks_after = None
    receiver.is_up = True
    go(museum, alarms)
    assert receiver.told == []


def test_what_comes_back_before_its_end_was_told_is_one_condition(
    museum: Museum, alarms: Alarms, receiver: Receiver
) -> None:
    museum.fill(3)
    for breaks_after, is_up in ((1, True), (None, False), (1, True), (1, True)):
        museum.shelf.breaks_after, receiver.is_up = breaks_after, is_up
        go(museum, alarms)
    assert receiver.told == ["failed raised"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise itself
def test_apprise_takes_it_too(config: Config, receiver: Receiver) -> None:
    url = receiver.url.replace("http://", "json://") + "/hook"
    options = NotifyOptions.model_validate({"urls": [url, "nonsense"], "webhook": receiver.url + "/nowhere"})
    assert list(try_out(options)) == [("webhook", False), ("urls 1", True), ("urls 2", False)]
    assert "alarms (test)" in receiver.messages[0]["title"]


# --- the process that watches ---


def test_a_state_that_is_lost_is_told_once_by_a_process(config: Config, receiver: Receiver, museum: Museum) -> None:
    is_lost = True

    def opening(_config: Config, _options: NotifyOptions) -> Any:
        if is_lost:
            raise StateUnusable("the state database is gone")
        assert config.notify
        return open_alarms(Alarms(config, config.notify, store=museum.store, conditions=Conditions(museum.engine)))

    watch = Watch(lambda: config, opening, since=museum.clock.now)
    for _ in range(3):
        watch.each_minute(museum.clock.now)
    assert receiver.told == ["lost raised"]
    is_lost = False
    for _ in range(2):
        watch.each_minute(museum.clock.now)
    assert receiver.told == ["lost raised", "lost over"]


def test_a_mistake_of_ours_in_an_alarm_ends_nothing(config: Config, museum: Museum) -> None:
    watch = Watch(lambda: config, lambda *_: 1 // 0, since=museum.clock.now)  # type: ignore[arg-type,return-value]
    watch.each_minute(museum.clock.now)
    watch.after_run(failed_summary("members", "it broke", None), museum.clock.now)


class open_alarms:  # noqa: N801 - a context manager of one line
    def __init__(self, alarms: Alarms) -> None:
        self.alarms = alarms

    def __enter__(self) -> Alarms:
        return self.alarms

    def __exit__(self, *_: object) -> None:
        pass


def test_without_a_table_nobody_is_told(config: Config, museum: Museum) -> None:
    quiet = config.model_copy(update={"notify": None})
    watch = Watch(lambda: quiet, lambda *_: pytest.fail("must not be opened"), since=museum.clock.now)
    watch.each_minute(museum.clock.now)


# --- the commands ---


@pytest.fixture
def office(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("WEBHOOK", f"{receiver.url}/hook?key=s3cret")
    with open_office(tmp_path) as office:
        office.configure((tmp_path / "config.toml").read_text(encoding="utf-8") + NOTIFY)
        yield office


NOTIFY = '[notify]\nwebhook = { env = "WEBHOOK" }\n'


def test_a_run_by_hand_raises_alarms_too_and_tells_no_value(office: Office, receiver: Receiver) -> None:
    office.rows[3][5] = "31.02.1971"
    office.rows[4][3] = "zzmail"
    office.export()
    office.syncd("--once")
    (office.folder / "members.csv").unlink()
    ended = office.syncd("--once")
    assert receiver.told == ["failures raised", "failed raised"]
    assert not any(mark in json.dumps(receiver.messages) for mark in MARKS)
    assert "s3cret" not in ended.out + ended.err


def test_a_state_that_cannot_be_opened_is_told(office: Office, receiver: Receiver) -> None:
    office.reconfigure("state/syncd.db", "nowhere/syncd.db")
    assert office.syncd("--once").code == 1
    assert receiver.told == ["lost raised"]


@pytest.mark.parametrize("crash", [True, False], ids=["crashed", "without its database"])
def test_a_run_by_hand_that_ends_like_no_other_is_told(
    config: Config, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    cut = replace(failed_summary("members", "the state database is gone", None), is_cut=True)
    monkeypatch.setattr(running, "run", lambda *_, **__: 1 // 0 if crash else cut)
    watch = Watch(lambda: config, opening_alarms, since=now())
    with opening_state(config) as state:
        run_one = partial(running._run_one, config, state, threading.Event(), watch, how=running.How(), missing=set())
        assert running.run_syncs(list(config.syncs.values()), run_one, is_stopping=lambda: False) == 1
    assert receiver.told == ["failed raised"]


def test_check_can_send_a_trial_message(office: Office, receiver: Receiver) -> None:
    assert "✓ notify: webhook: a trial message was sent" in office.syncd("check", "--notify").out
    receiver.is_up = False
    ended = office.syncd("check", "--notify")
    assert (ended.code, "✗ notify: webhook" in ended.out) == (1, True)
    assert "s3cret" not in ended.out + ended.err


def test_an_address_in_plain_text_is_refused(office: Office) -> None:
    office.reconfigure('{ env = "WEBHOOK" }', '"https://hooks.example.org/s3cret"')
    ended = office.syncd("check")
    assert ended.code == 2
    assert "notify.webhook" in ended.out
    assert "s3cret" not in ended.out + ended.err


def test_an_address_that_is_none_is_refused_unquoted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK", "hooks.example.org/s3cret")
    ended = office.syncd("check")
    assert ended.code == 2
    assert "notify.webhook: what the environment variable WEBHOOK holds must begin with" in ended.out
    assert "s3cret" not in ended.out + ended.err


def test_a_message_names_its_state_in_the_title() -> None:
    assert Message(sync="a", kind="failed", state="raised", text="").title == "syncd: a failed"
    assert Message(sync="a", kind="failed", state="over", text="").title == "syncd: a failed (over)"


def test_the_daemon_raises_alarms_too_and_once(office: Office, receiver: Receiver) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\nschedule = "every 1s"\n')
    (office.folder / "members.csv").unlink()
    with started(office) as daemon:
        daemon.wait_for("run.failed", 2)
        office.export()
        daemon.wait_for("run.finished", 2)
        assert daemon.end() == 0
    assert receiver.told == ["failed raised", "failed over"]
