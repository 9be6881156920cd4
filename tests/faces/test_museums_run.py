"""Many museums, by way of the commands and of the daemon."""

import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from agency import Agency
from daemons import started, until
from office import MARKS, open_office

from syncd.sandbox import Sandbox, create_app, serve
from syncd.state.connect import open_engine
from syncd.state.lease import take_lease


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    with open_office(tmp_path) as office:
        yield Agency(office, "louvre", "prado")


def sqlite_rows(agency: Agency, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(agency.office.folder / "state" / "syncd.db")) as connection:
        return connection.execute(query).fetchall()


def test_a_sync_is_run_by_its_whole_name_its_museum_or_its_own_name_where_that_is_plain(agency: Agency) -> None:
    assert agency.syncd("--once", "--sync", "louvre/members").code == 0
    assert (len(agency.customers("louvre-")), agency.customers("prado-")) == (40, [])
    assert agency.syncd("--once", "--sync", "prado").code == 0
    assert len(agency.customers("prado-")) == 40
    ended = agency.syncd("pause", "members")
    assert ended.err == "Several museums have a sync 'members': name one of louvre/members, prado/members.\n"
    (agency.folder / "prado.toml").unlink()
    assert agency.syncd("pause", "members").out.startswith("louvre/members: paused ")
    assert json.loads(agency.syncd("history", "louvre", "--json").out)[0]["sync"] == "louvre/members"


def test_of_many_museums_one_with_mistakes_stops_only_itself(agency: Agency) -> None:
    agency.spoil("louvre")
    ended = agency.syncd("--once")
    assert (ended.code, agency.customers("louvre-"), len(agency.customers("prado-"))) == (2, [], 40)
    (refused,) = ended.named("config.refused")
    assert (refused["museum"], len(refused["problems"])) == ("louvre", 1)
    assert "museums/louvre.toml:" in ended.err
    assert agency.syncd("--once", "--sync", "prado").code == 0
    assert agency.syncd("--once", "--sync", "louvre/members").code == 2
    assert "museums/louvre.toml has mistakes, and is left out" in agency.syncd("history").err


def test_check_tells_the_mistakes_of_all_museums_and_checks_the_others(agency: Agency) -> None:
    agency.spoil("louvre")
    ended = agency.syncd("check", "--json")
    lines = {line["what"]: line for line in json.loads(ended.out)}
    assert ended.code == 2
    assert "louvre.toml:" in lines["louvre: file"]["words"]
    assert "prado/members: source" in lines
    assert "mistake: " in agency.syncd("status").out


def test_whom_to_erase_is_said_with_the_museum(agency: Agency) -> None:
    agency.syncd("--once")
    assert agency.syncd("erase", "0001").err.startswith("Say whose customers are meant, with --sync and a museum")
    assert agency.syncd("erase", "0001", "--sync", "prado").code == 0
    assert (len(agency.customers("louvre-")), len(agency.customers("prado-"))) == (40, 39)


def test_museums_come_change_and_go_while_the_daemon_runs(agency: Agency) -> None:
    """A file with mistakes leaves in force what it said before."""
    agency.write("syncd", (agency.folder / "syncd.toml").read_text() + '[web]\nlisten = "127.0.0.1:0"\n')
    with started(agency.office, "daemon.scheduled", "--config", "museums") as daemon:
        page = f"http://127.0.0.1:{daemon.wait_for('web.listening')['port']}"
        agency.add("uffizi", "")
        agency.spoil("louvre")
        (agency.folder / "prado.toml").unlink()
        assert daemon.wait_for("daemon.reloaded")["syncs"] == ["louvre/members", "uffizi/members"]
        assert daemon.wait_for("daemon.config_refused")["museum"] == "louvre"
        until(lambda: agency.syncd("trigger", "uffizi", "--wait").code == 0)
        ready = httpx.get(f"{page}/readyz")
        assert (ready.status_code, ready.json()["broken"]) == (200, ["louvre"])
        assert "louvre.toml:" in httpx.get(f"{page}/?still").text
        assert 'syncd_config_mistakes{museum="louvre"} 1.0' in httpx.get(f"{page}/metrics").text
        agency.add("louvre")
        assert "louvre/members" in daemon.wait_for("daemon.reloaded", 2)["syncs"]
        until(lambda: "broken" not in httpx.get(f"{page}/readyz").json())
        agency.spoil("syncd")
        assert "museum" not in daemon.wait_for("daemon.config_refused", 2)
        assert httpx.get(f"{page}/readyz").status_code == 503
        assert agency.syncd("status").code == 2
        assert daemon.end() == 0
    assert (len(agency.customers("uffizi-")), agency.customers("prado-")) == (40, [])


def test_a_museum_under_another_key_stops_only_itself(agency: Agency) -> None:
    own = 'digest_key = { file = "key" }\n'
    sandbox = Sandbox()
    with serve(create_app(sandbox)) as url:
        agency.add("prado", own, url)
        (agency.folder / "key").write_text("a key of the prado's own", encoding="utf-8")
        assert agency.syncd("--once").code == 0
        (agency.folder / "key").write_text("a key that somebody has changed", encoding="utf-8")
        ended = agency.syncd("--once")
    assert ended.code == 2
    assert [event["sync"] for event in ended.named("run.finished")] == ["louvre/members"]
    assert (len(agency.customers("louvre-")), len(sandbox.customers)) == (40, 40)
    assert "prado: digest_key: is not the one that the museum 'prado' was written under" in ended.err


def test_a_museum_whose_contract_has_ended_is_exported_and_forgotten(agency: Agency) -> None:
    agency.syncd("--once")
    known = sqlite_rows(agency, "select count(*) from known where sync = 'prado/members'")
    ended = agency.syncd("forget", "louvre")
    assert (ended.code, "louvre.toml is still there" in ended.err) == (2, True)
    with started(agency.office, "daemon.scheduled", "--config", "museums") as daemon:
        (agency.folder / "louvre.toml").unlink()
        ended = agency.syncd("forget", "louvre")
        assert (ended.code, "has not noticed yet that the file is gone" in ended.err) == (5, True)
        daemon.wait_for("daemon.reloaded")
        before = len(agency.office.sandbox.calls)
        while (ended := agency.syncd("forget", "louvre")).code == 5:
            time.sleep(0.1)
        assert len(agency.office.sandbox.calls) == before
        assert daemon.end() == 0
    assert "40 customers of louvre/members are left in go~mus as they are" in ended.out
    export = agency.office.folder / "louvre.jsonl"
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    rows = [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]
    assert rows[0]["syncs"] == ["louvre/members"]
    ids = {(row["foreign_id"], row["gomus_id"] > 0) for row in rows if row.get("table") == "known"}
    assert ids == {(foreign_id, True) for foreign_id in agency.customers("louvre-")}
    assert not [mark for mark in MARKS if mark in export.read_text(encoding="utf-8")]
    assert sqlite_rows(agency, "select count(*) from known") == known
    assert agency.syncd("forget", "louvre").err == "The state knows no museum 'louvre'.\n"


def test_a_museum_that_is_being_run_is_not_forgotten(agency: Agency) -> None:
    agency.syncd("--once")
    (agency.folder / "louvre.toml").unlink()
    engine = open_engine(f"sqlite:///{agency.office.folder}/state/syncd.db")
    with take_lease(engine, "louvre/members"):
        assert agency.syncd("forget", "louvre").code == 5
    engine.dispose()
    ended = agency.syncd("forget", "louvre", "--export", "nowhere/louvre.jsonl")
    assert (ended.code, ended.err.startswith("nowhere/louvre.jsonl can't be written")) == (1, True)
    assert sqlite_rows(agency, "select count(*) from known") == [(80,)]
    agency.add("louvre")
    assert agency.syncd("--once").code == 0
    assert len(agency.customers("louvre-")) == 40


def test_a_museum_that_comes_back_begins_anew_without_a_second_customer(agency: Agency) -> None:
    agency.syncd("--once")
    text = (agency.folder / "louvre.toml").read_text(encoding="utf-8")
    (agency.folder / "louvre.toml").unlink()
    assert agency.syncd("forget", "louvre").code == 0
    agency.write("louvre", text)
    ended = agency.syncd("--once", "--sync", "louvre")
    (finished,) = ended.named("run.finished")
    assert (ended.code, finished["counts"]["adopt"]) == (0, 40)
    assert len(agency.customers("louvre-")) == 40


def test_check_names_a_museum_under_another_key(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    agency.syncd("--once")
    monkeypatch.setenv("LOUVRE_KEY", "another key of the louvre")
    agency.add("louvre", 'digest_key = { env = "LOUVRE_KEY" }\n', url="https://louvre.example.org")
    checked = agency.syncd("check", "--offline")
    assert checked.code == 2
    assert "louvre: digest_key: is not the one that the museum 'louvre' was written under" in checked.out


def test_a_folder_without_museums_is_no_success(agency: Agency) -> None:
    for file in agency.folder.glob("*.toml"):
        if file.stem != "syncd":
            file.unlink()
    ended = agency.syncd("--once")
    assert (ended.code, "can be run" in ended.err) == (2, True)


def test_an_erasure_is_listed_once_where_two_museums_have_the_go_mus(agency: Agency) -> None:
    agency.syncd("--once")
    agency.syncd("erase", "louvre-0001", "--sync", "louvre")
    (listed,) = json.loads(agency.syncd("erasures", "--json").out)
    assert listed["sync"] == "louvre/members"
