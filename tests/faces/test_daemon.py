"""The daemon as real processes: signals, requests, replicas, outages."""

import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from daemons import Wire, started, until
from office import Office, open_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


def slow_down(office: Office, latency: float) -> None:
    """One call after the other, four customers each, until the latency is taken back."""
    office.sandbox.latency = latency
    office.reconfigure('timeout = "5s"', 'timeout = "5s"\nbatch_size = 4\nconcurrency = 1')


def schedule(office: Office, text: str) -> None:
    office.reconfigure("[sync.members]\n", f'[sync.members]\nschedule = "{text}"\n')


# --- the schedule ---


def test_a_schedule_fires_again_and_again_and_an_idle_daemon_ends_at_once(office: Office) -> None:
    schedule(office, "every 1s")
    with started(office) as daemon:
        daemon.wait_for("run.finished", 3, sync="members", status="done")
        assert daemon.end() == 0
    assert len(office.sandbox.customers) == 40
    starts = [event["timestamp"][:19] for event in daemon.named("run.started")]
    assert len(starts) == len(set(starts)), "twice at one moment"
    assert {event["trigger"] for event in daemon.named("run.started")} == {"schedule"}
    assert daemon.events[-1]["event"] == "daemon.stopped"


def test_a_run_that_fell_due_while_no_daemon_was_there_is_made_up_for_at_once(office: Office) -> None:
    schedule(office, "0 0 * * *")
    office.syncd("--once")
    with started(office) as daemon:
        assert daemon.end() == 0
    assert daemon.named("run.started") == []
    _ask(office, "update run set started_at = datetime(started_at, '-3 days')")
    with started(office) as daemon:
        daemon.wait_for("run.finished")
        assert daemon.end() == 0
    assert [event["trigger"] for event in daemon.named("run.started")] == ["schedule"]


def test_a_sync_that_fails_is_tried_again_and_leaves_the_others_alone(office: Office) -> None:
    schedule(office, "every 1s")
    text = (office.folder / "config.toml").read_text()
    other = text[text.index("[sync.members]") :].replace("sync.members", "sync.other").replace('"M-"', '"O-"')
    office.configure(text + other.replace('"members.csv"', '"gone.csv"'))
    with started(office) as daemon:
        daemon.wait_for("run.failed", 2, sync="other")
        daemon.wait_for("run.finished", 2, sync="members")
        (office.folder / "gone.csv").write_bytes((office.folder / "members.csv").read_bytes())
        daemon.wait_for("run.finished", sync="other", status="done")
        assert daemon.end() == 0


# --- stopping ---


def test_stopped_in_the_middle_of_a_load_nothing_is_lost_or_done_twice(office: Office) -> None:
    office.sandbox.latency = 0.15
    office.reconfigure('timeout = "5s"', 'timeout = "5s"\nbatch_size = 4\nconcurrency = 2')
    with started(office) as daemon:
        office.syncd("trigger", "members")
        daemon.wait_for("record.outcome", 6)
        began = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - began < 10
    assert daemon.wait_for("run.finished")["status"] == "stopped"
    outcomes = daemon.named("record.outcome", result="ok")
    assert 0 < len(office.sandbox.customers) == len(outcomes) < 40
    assert daemon.wait_for("daemon.stopped")["syncs"] == ["members"]
    assert json.loads(office.syncd("status", "--json").out)[0]["open_intents"] == 0
    with started(office) as daemon:  # the next start goes on by itself
        assert daemon.wait_for("run.finished")["status"] == "done"
        assert daemon.end() == 0
    assert len(office.sandbox.customers) == 40
    assert office.sandbox.duplicates() == []


def test_what_hangs_is_left_behind_after_the_limit(office: Office) -> None:
    office.configure('[daemon]\nshutdown_timeout = "1s"\n' + (office.folder / "config.toml").read_text())
    office.sandbox.latency = 4
    with started(office) as daemon:
        office.syncd("trigger", "members")
        daemon.wait_for("run.started")
        until(lambda: office.sandbox.calls)
        began = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - began < 3.5
    assert daemon.wait_for("daemon.stopped")["syncs"] == ["members"]


def test_a_second_signal_ends_at_once(office: Office) -> None:
    office.sandbox.latency = 4
    with started(office) as daemon:
        office.syncd("trigger", "members")
        daemon.wait_for("run.started")
        daemon.send(signal.SIGINT)
        daemon.wait_for("daemon.stopping", signal="SIGINT")
        assert daemon.end() == -signal.SIGTERM


# --- the configuration read anew ---


def test_a_bad_configuration_is_refused_with_all_mistakes_and_the_old_one_goes_on(office: Office) -> None:
    schedule(office, "every 1s")
    with started(office) as daemon:
        good = (office.folder / "config.toml").read_text()
        office.configure(good.replace("settled", "setled").replace('"0s"', '"0 dys"', 2))
        daemon.send(signal.SIGHUP)
        refused = daemon.wait_for("daemon.config_refused")
        assert len(refused["problems"]) == 2
        done = len(daemon.named("run.finished"))
        daemon.wait_for("run.finished", done + 2)
        assert daemon.end() == 0


def test_a_good_configuration_adds_removes_and_reschedules_without_disturbing_a_run(office: Office) -> None:
    slow_down(office, 0.2)
    with started(office) as daemon:
        office.syncd("trigger", "members")
        daemon.wait_for("run.started")
        schedule(office, "every 1s")
        office.reconfigure("[sync.members]\n", "[sync.renamed]\n")
        text = (office.folder / "config.toml").read_text().replace("sync.members", "sync.renamed")
        office.configure(text.replace('"M-"', '"N-"'))
        daemon.send(signal.SIGHUP)
        assert daemon.wait_for("daemon.reloaded")["syncs"] == ["renamed"]
        assert daemon.named("run.finished") == []
        office.sandbox.latency = 0
        assert daemon.wait_for("run.finished", sync="members")["status"] == "done"
        assert daemon.wait_for("run.finished", sync="renamed")["status"] == "done"
        assert daemon.end() == 0
    assert len(office.sandbox.customers) == 80


# --- asking for a run ---


def test_a_run_that_is_asked_for_begins_within_two_seconds(office: Office) -> None:
    with started(office) as daemon:
        answers, begun = [], []
        for number in (1, 2, 3):
            answers.append(json.loads(office.syncd("trigger", "members", "--json").out))
            begun.append(daemon.wait_for("run.started", number, trigger="request"))
            daemon.wait_for("run.finished", number)  # one that is under way would be waited for
        assert daemon.end() == 0
    assert [answer["run"] for answer in answers] == [event["run"] for event in begun]
    asked = [
        datetime.fromisoformat(text).replace(tzinfo=UTC) for text in _ask(office, "select requested_at from request")
    ]
    waits = [datetime.fromisoformat(event["timestamp"]) - at for event, at in zip(begun, sorted(asked), strict=True)]
    assert max(waits) < timedelta(seconds=2)


def _ask(office: Office, query: str) -> list[str]:
    with closing(sqlite3.connect(office.folder / "state/syncd.db")) as connection, connection:
        return [row[0] for row in connection.execute(query)]


def test_waiting_for_the_run_answers_with_its_exit_code(office: Office) -> None:
    office.rows[0][5] = "31.02.1971"
    office.export()
    with started(office) as daemon:
        ended = office.syncd("trigger", "members", "--wait", "--json")
        assert (ended.code, json.loads(ended.out)["status"]) == (3, "done with problems")
        assert daemon.end() == 0


def test_asked_for_during_a_run_another_follows_once(office: Office) -> None:
    slow_down(office, 0.5)
    with started(office) as daemon:
        office.syncd("trigger", "members")
        daemon.wait_for("run.started")
        waiting = [office.start("trigger", "members", "--wait", "--json") for _ in range(2)]
        daemon.wait_for("daemon.requested", 3)
        office.sandbox.latency = 0
        answers = [json.loads(process.communicate(timeout=30)[0]) for process in waiting]
        assert len({answer["run"] for answer in answers}) == 1
        assert daemon.end() == 0
    assert len(daemon.named("run.started")) == 2


def test_without_a_daemon_the_answer_is_what_to_do(office: Office) -> None:
    ended = office.syncd("trigger", "members")
    assert ended.code == 1
    assert ended.err == ("No daemon is running. Start `syncd`, or do the run here: `syncd --once --sync members`.\n")
    assert office.syncd("trigger", "nobody").code == 2


def test_a_daemon_that_does_not_answer_gets_the_request_taken_back(office: Office) -> None:
    with started(office) as daemon:
        daemon.send(signal.SIGSTOP)
        ended = office.syncd("trigger", "members")
        daemon.send(signal.SIGCONT)
        assert (ended.code, "the request is withdrawn" in ended.err) == (1, True)
        assert daemon.end() == 0
    assert daemon.named("run.started") == []


# --- what one sees of it ---


def test_status_says_whether_a_daemon_is_alive_and_what_it_will_do(office: Office) -> None:
    schedule(office, "0 3 * * 0")
    assert "No daemon is running: nothing runs by itself." in office.syncd("status").out
    with started(office) as daemon:
        (told,) = json.loads(office.syncd("status", "--json").out)
        assert told["next_run"] == daemon.wait_for("daemon.scheduled")["next_run"]
        assert datetime.fromisoformat(told["next_run"]).isoweekday() == 7
        assert (len(told["daemons"]), told["is_running"]) == (1, False)
        assert daemon.end() == 0
    assert json.loads(office.syncd("status", "--json").out)[0]["daemons"] == []


def test_the_page_is_served_where_the_configuration_asks_and_moves_with_it(office: Office) -> None:
    office.configure('[web]\nlisten = "127.0.0.1:0"\n' + (office.folder / "config.toml").read_text())
    with started(office) as daemon:
        first = f"http://127.0.0.1:{daemon.wait_for('web.listening')['port']}"
        until(lambda: httpx.get(f"{first}/readyz").status_code == 200)
        office.syncd("trigger", "members", "--wait")
        until(lambda: 'syncd_runs_total{status="done",sync="members"} 1.0' in httpx.get(f"{first}/metrics").text)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            office.reconfigure("127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}")
            daemon.send(signal.SIGHUP)
            (problem,) = daemon.wait_for("daemon.config_refused")["problems"]
            assert problem.startswith("web.listen: ")
        again = f"http://127.0.0.1:{daemon.wait_for('web.listening', 2)['port']}"
        assert httpx.get(f"{again}/readyz").status_code == 503
        daemon.send(signal.SIGHUP)  # the port is free now
        daemon.wait_for("daemon.reloaded")
        moved = f"http://127.0.0.1:{daemon.wait_for('web.listening', 3)['port']}"
        until(lambda: httpx.get(f"{moved}/readyz").status_code == 200)
        assert daemon.end() == 0


# --- beside others ---


def test_the_daemon_waits_for_the_end_of_a_run_by_hand(office: Office) -> None:
    slow_down(office, 0.5)
    with started(office) as daemon:
        by_hand = office.start("--once")
        until(lambda: office.sandbox.calls)
        office.syncd("trigger", "members")
        daemon.wait_for("daemon.skipped")
        office.sandbox.latency = 0
        by_hand.communicate(timeout=30)
        assert by_hand.returncode == 0
        assert daemon.wait_for("run.finished")["counts"] == {"records": 40, "unchanged": 40}
        assert daemon.end() == 0
    assert len(daemon.named("daemon.skipped")) == 1


def test_a_run_by_hand_respects_the_lease_of_the_daemon(office: Office) -> None:
    slow_down(office, 0.5)
    with started(office) as daemon:
        office.syncd("trigger", "members")
        daemon.wait_for("run.started")
        assert office.syncd("--once").code == 5
        office.sandbox.latency = 0
        daemon.wait_for("run.finished")
        assert daemon.end() == 0


# --- a process for each run ---


def isolate(office: Office, more: str = "") -> None:
    office.configure(f"[daemon]\nisolate_runs = true\n{more}\n" + (office.folder / "config.toml").read_text())


def test_a_run_in_a_process_of_its_own_is_told_as_any_other(office: Office) -> None:
    isolate(office)
    with started(office) as daemon:
        answer = json.loads(office.syncd("trigger", "members", "--wait", "--json").out)
        finished = daemon.wait_for("run.finished")
        assert [answer["status"], finished["run"], finished["replica"]] == ["done", answer["run"], answer["replica"]]
        assert daemon.end() == 0
    assert len(office.sandbox.customers) == 40


@pytest.mark.parametrize("more", ["run_memory = 64", 'run_timeout = "1s"'])
def test_a_run_that_takes_too_much_is_ended_and_the_daemon_goes_on(office: Office, more: str) -> None:
    isolate(office, more)
    office.sandbox.latency = 0 if "memory" in more else 5
    with started(office) as daemon:
        assert office.syncd("trigger", "members", "--wait").code == 1
        assert daemon.named("run.failed", sync="members")
        (office.folder / "config.toml").write_text((office.folder / "config.toml").read_text().replace(more, ""))
        daemon.send(signal.SIGHUP)
        daemon.wait_for("daemon.reloaded")
        office.sandbox.latency = 0
        assert office.syncd("trigger", "members", "--wait").code == 0
        assert daemon.end() == 0
    assert [len(office.sandbox.customers), office.sandbox.duplicates()] == [40, []]


def test_a_daemon_that_stops_or_dies_takes_the_process_of_a_run_with_it(office: Office) -> None:
    isolate(office)
    slow_down(office, 0.15)
    for number, how in enumerate((signal.SIGTERM, signal.SIGKILL), start=1):
        with started(office) as daemon:
            office.syncd("trigger", "members")
            until(lambda: len(office.sandbox.customers) >= 4 * number)  # noqa: B023 - called here
            daemon.end(how)
            until(lambda: "is run by" not in office.syncd("status").out)
        assert len(office.sandbox.customers) < 40
    office.sandbox.latency = 0
    assert office.syncd("--once").code == 0
    assert [len(office.sandbox.customers), office.sandbox.duplicates()] == [40, []]


# --- PostgreSQL ---


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    url = sa.make_url(postgres_url)
    wire = Wire(url.host or "", url.port or 5432)
    yield wire
    wire.cut()


@pytest.fixture
def city_office(office: Office, wire: Wire, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Its state is on a server, at the end of a wire."""
    monkeypatch.setenv("SYNCD_DIGEST_KEY", "a key for tests")
    url = sa.make_url(postgres_url).set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
    office.reconfigure('"sqlite:///state/syncd.db"', f'"{url}"\ndigest_key = {{ env = "SYNCD_DIGEST_KEY" }}')
    return office


def test_a_database_that_goes_and_comes_back_is_waited_for(city_office: Office, wire: Wire) -> None:
    slow_down(city_office, 0)
    wire.cut()
    with started(city_office, "daemon.database_lost") as daemon:
        wire.mend()
        daemon.wait_for("daemon.database_back")  # gone at the start
        wire.cut()
        daemon.wait_for("daemon.database_lost", 2)  # gone between two runs
        wire.mend()
        daemon.wait_for("daemon.database_back", 2)
        city_office.sandbox.latency = 0.2
        city_office.syncd("trigger", "members")
        daemon.wait_for("record.outcome")
        wire.cut()
        daemon.wait_for("run.failed")  # gone in a run
        daemon.wait_for("daemon.database_lost", 3)
        city_office.sandbox.latency = 0
        wire.mend()
        assert daemon.wait_for("run.finished")["status"] == "done"
        assert daemon.end() == 0
    assert len(daemon.named("daemon.database_lost")) == len(daemon.named("daemon.database_back")) == 3
    assert len(city_office.sandbox.customers) == 40
    assert city_office.sandbox.duplicates() == []
    assert "postgres" not in str([event for event in daemon.events if event["event"] != "daemon.started"])


def test_stopped_while_the_database_is_gone_it_ends_all_the_same(city_office: Office, wire: Wire) -> None:
    with started(city_office) as daemon:
        wire.cut()
        daemon.wait_for("daemon.database_lost")
        assert daemon.end() == 0


def test_one_is_at_work_and_who_stands_by_goes_on_within_ten_seconds_where_it_is_killed(city_office: Office) -> None:
    slow_down(city_office, 0)
    with started(city_office) as one, started(city_office, "daemon.standby") as other:
        [standby] = other.named("daemon.standby")
        assert f"pid {one.process.pid}" in standby["holder"]
        answers = [json.loads(city_office.syncd("trigger", "members", "--wait", "--json").out) for _ in range(3)]
        assert len({answer["run"] for answer in answers}) == 3
        assert [len(daemon.named("run.started")) for daemon in (one, other)] == [3, 0]
        city_office.rows += [[f"{number:04d}", *city_office.rows[0][1:]] for number in range(100, 140)]
        city_office.sandbox.latency = 0.2
        city_office.export()
        city_office.syncd("trigger", "members")
        until(lambda: len(city_office.sandbox.customers) > 40)
        one.end(signal.SIGKILL)
        killed_at = time.monotonic()
        assert other.wait_for("daemon.took_over")["syncs"] == ["members"]
        assert time.monotonic() - killed_at < 10
        city_office.sandbox.latency = 0
        until(lambda: len(city_office.sandbox.customers) == 80)
        assert other.end() == 0
    assert city_office.sandbox.duplicates() == []


def test_a_frozen_daemon_is_replaced_within_ten_seconds_and_writes_no_more_when_it_wakes(city_office: Office) -> None:
    slow_down(city_office, 0.2)
    with started(city_office) as frozen, started(city_office, "daemon.standby") as left:
        city_office.syncd("trigger", "members")
        until(lambda: city_office.sandbox.calls_to("POST"))
        frozen.send(signal.SIGSTOP)
        began = time.monotonic()
        city_office.sandbox.latency = 0
        until(lambda: left.named("daemon.took_over"), 20)
        assert time.monotonic() - began < 11  # 10 s, and what a busy machine needs to tell
        left.wait_for("run.finished")
        calls = len(city_office.sandbox.calls)
        frozen.send(signal.SIGCONT)
        frozen.wait_for("run.failed")
        frozen.wait_for("daemon.standby")
        assert {call.method for call in list(city_office.sandbox.calls)[calls:]} <= {"GET"}
    assert len(city_office.sandbox.customers) == 40
    assert city_office.sandbox.duplicates() == []


def test_who_is_not_to_wait_exits_with_5_and_names_who_is_at_work(office: Office) -> None:
    with started(office) as daemon:
        refused = office.syncd("--no-wait")
        assert refused.code == 5
        assert f"pid {daemon.process.pid}" in refused.err
        assert daemon.end() == 0


def test_who_runs_a_sync_is_told(city_office: Office) -> None:
    slow_down(city_office, 0.2)
    with started(city_office) as daemon:
        city_office.syncd("trigger", "members")
        daemon.wait_for("run.started")
        holder = f"syncd on {socket.gethostname()[-40:]}, pid {daemon.process.pid}"
        refused = city_office.syncd("--once")
        assert refused.code == 5
        assert holder in refused.named("run.failed")[0]["error"]
        assert f"members: is run by {holder}" in city_office.syncd("status").out
