"""The command as users run it: real processes against a sandbox over HTTP."""

import csv
import json
import re
import signal
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from office import CONFIG, MARKS, Office, open_office
from sqlalchemy import insert, select
from terminal import on_a_terminal

from syncd.report.words import plain
from syncd.sandbox import Sandbox, create_app, serve
from syncd.state.connect import open_engine
from syncd.state.lease import take_lease
from syncd.state.tables import journal


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        yield office


# --- a run ---


def test_a_run_logs_json_events_on_standard_output_and_exits_with_0(office: Office) -> None:
    ended = office.syncd("--once")
    assert ended.code == 0
    names = [event["event"] for event in ended.events]
    assert (names[:2], names[-1]) == (["run.started", "run.planned"], "run.finished")
    assert names.count("record.outcome") == 40


def test_the_end_of_a_run_counts_what_was_done(office: Office) -> None:
    office.rows[4][5] = "31.02.1971"
    office.export()
    (finished,) = office.syncd("--once").named("run.finished")
    assert (finished["counts"], finished["status"]) == (
        {"records": 40, "create": 39, "invalid": 1},
        "done with problems",
    )
    assert finished["duration"] > 0


def test_an_outcome_tells_everything_but_values(office: Office) -> None:
    outcome = office.syncd("--once").named("record.outcome")[0]
    assert set(outcome) >= {"sync", "run", "foreign_id", "gomus_id", "action", "result", "fields", "status", "attempts"}
    assert (outcome["action"], outcome["result"], outcome["sync"]) == ("create", "ok", "members")
    assert "tel" in outcome["fields"]


def test_an_unchanged_run_makes_no_call_at_all(office: Office) -> None:
    office.syncd("--once")
    office.sandbox.reset_calls()
    assert office.syncd("--once").code == 0
    assert list(office.sandbox.calls) == []


def test_a_dry_run_writes_nothing_anywhere(office: Office) -> None:
    before = office.files()
    ended = office.syncd("--once", "--dry-run")
    assert (ended.code, office.files()) == (0, before)
    assert ended.named("run.planned")[0]["counts"]["create"] == 40
    assert {call.method for call in office.sandbox.calls} == {"GET"}


def test_an_invalid_record_is_logged_with_its_line_and_exits_with_3(office: Office) -> None:
    office.rows[4][5] = "31.02.1971"
    office.export()
    ended = office.syncd("--once")
    assert ended.code == 3
    (event,) = ended.named("source.invalid_record")
    assert (event["foreign_id"], event["position"]) == ("M-0005", "members.csv line 6")
    assert event["problems"] == ["date_of_birth: is not a date in the form 31.12.1980"]
    assert len(office.sandbox.customers) == 39


def test_a_refused_record_is_listed_with_words_and_exits_with_3(office: Office) -> None:
    office.rows[4][2] = ""
    office.export()
    assert office.syncd("--once").code == 3
    (failure,) = json.loads(office.syncd("failures", "--json").out)
    assert (failure["foreign_id"], failure["kind"]) == ("M-0005", "refused")
    assert "blank" in failure["reason"]
    assert len(office.sandbox.customers) == 39


def test_what_the_desk_has_corrected_is_overwritten_by_approval_alone(office: Office) -> None:
    office.syncd("--once")
    for customer in office.sandbox.customers[:30]:
        office.sandbox.save({"tel": "+49301", "date_of_birth": None}, customer)
    for file in (office.folder / "state").iterdir():
        file.unlink()
    assert "more than 20 such customers are held" in office.syncd("plan").out
    ended = office.syncd("--once")
    (held,) = ended.named("run.held")
    assert (ended.code, held["guard"]) == (4, "first_contact")
    assert "(tel 30)" in held["reason"]
    assert held["reason"] in office.syncd("status").out
    assert {one["date_of_birth"] for one in office.sandbox.customers} == {"1971-04-03"}
    assert sum(one["tel"] == "+49301" for one in office.sandbox.customers) == 30
    assert office.syncd("plan").code == 4
    office.syncd("approve", "members")
    assert office.syncd("--once").code == 0
    assert not [one for one in office.sandbox.customers if one["tel"] == "+49301"]


def test_what_a_guard_holds_is_released_by_approve(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    ended = office.syncd("--once")
    assert ended.code == 4
    assert "30 of 40 known customers" in ended.named("run.held")[0]["reason"]
    assert "syncd approve members" in office.syncd("status").out
    assert len(office.sandbox.customers) == 40
    assert office.syncd("approve", "members").code == 0
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.customers) == 10


def test_what_is_held_of_somebody_is_shown_with_what_releases_it(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    told = office.syncd("show", "M-0006").out
    assert "delete held since" in told
    assert "by delete: see `syncd plan members`" in told
    office.syncd("approve", "members", "--except", "0006", "--by", "Ada")
    assert "rejected by Ada" in office.syncd("show", "0006").out
    (shown,) = json.loads(office.syncd("show", "M-0007", "--json").out)
    assert (shown["held"]["decided"], shown["held"]["action"]) == ("approved", "delete")


def test_every_change_that_is_held_is_listed(office: Office) -> None:
    office.syncd("--once")
    assert (office.syncd("held").code, office.syncd("held", "--json").out) == (0, "[]\n")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    listed = office.syncd("held", "members", "--json")
    rows = json.loads(listed.out)
    assert listed.code == 3
    assert [row["foreign_id"] for row in rows] == [f"M-{number:04d}" for number in range(6, 36)]
    since = rows[0].pop("since")
    assert rows[0] == {"sync": "members", "foreign_id": "M-0006", "action": "delete", "fields": [], "guard": "delete"}
    assert f"delete M-0006  delete, since {plain(since)}" in office.syncd("held").out
    assert office.syncd("held", "--csv", "held.csv").code == 3
    assert (office.folder / "held.csv").read_text("utf-8-sig").count("M-") == 30
    office.syncd("approve", "members")
    assert (office.syncd("held").code, office.syncd("held").out) == (0, "members: nothing is held.\n")


def test_every_moment_is_told_in_local_time_to_the_second(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.rows[0][5] = "31.02.1971"
    office.export()
    office.syncd("--once")
    local = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"
    for command in (["status"], ["history"], ["show", "M-0006"], ["held"]):
        told = office.syncd(*command).out
        assert re.search(local, told)
        assert not re.search(r"\d\dT\d\d|\d:\d\d\.\d|\+0\d:", told), command
        scripted = office.syncd(*command, "--json").out
        assert {*re.findall(r"T\d\d:\d\d:\d\d(.*?)\"", scripted)} <= {"+01:00", "+02:00"}, command
    office.syncd("approve", "members")
    assert re.search(rf"approved by .* at {local} CES?T", office.syncd("status").out)


def test_all_that_names_a_customer_is_shown_on_demand(office: Office) -> None:
    office.syncd("--once")
    engine = open_engine(f"sqlite:///{office.folder}/state/syncd.db")
    with engine.begin() as state:
        line = dict(state.execute(select(journal).where(journal.c.foreign_id == "M-0001")).mappings().one())
        del line["id"]
        state.execute(insert(journal), [line] * 59)
    engine.dispose()
    few, all_ = (json.loads(office.syncd("show", "M-0001", *more, "--json").out)[0] for more in ((), ("--everything",)))
    assert (len(few["journal"]), len(all_["journal"])) == (50, 60)


def test_a_person_may_leave_some_out_and_say_why(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    ended = office.syncd("approve", "members", "--except", "0006", "--except", "M-0007", "--by", "Ada", "--why", "year")
    assert "not so M-0006, M-0007" in ended.out
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.customers) == 12
    assert "2 held change(s) rejected by Ada" in office.syncd("status").out
    assert office.syncd("approve", "members").code == 0
    office.syncd("--once")
    assert len(office.sandbox.customers) == 10


def test_what_is_rejected_stays(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    assert "Rejecting drops: 30 delete" in office.syncd("approve", "members", "--reject").out
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.customers) == 40


def test_only_what_is_held_can_be_left_out(office: Office) -> None:
    office.syncd("--once")
    del office.rows[5:35]
    office.export()
    office.syncd("--once")
    ended = office.syncd("approve", "members", "--except", "0001")
    assert (ended.code, "0001: nothing is held of it" in ended.err) == (2, True)
    assert office.syncd("--once").code == 4


def test_two_spellings_of_an_id_are_linked_or_told_apart(office: Office) -> None:
    office.syncd("--once")
    office.rows[6][0], office.rows[7][0] = "7", "8"
    office.export()
    ended = office.syncd("--once")
    assert (ended.code, ended.named("run.held")[0]["guard"]) == (4, "pair")
    linked = office.syncd("link", "members", "--renamed")
    assert (linked.code, "M-0007 is to become M-7" in linked.out, "2 linked." in linked.out) == (0, True, True)
    assert office.syncd("--once").code == 0
    assert {customer.foreign_id for customer in office.sandbox.customers} >= {"M-7", "M-8"}
    assert len(office.sandbox.customers) == 40
    assert "0 linked." in office.syncd("link", "members", "--renamed").out
    assert office.syncd("link", "members").code == 2


@pytest.mark.in_part(3)
@pytest.mark.parametrize("half", ["M-7", "M-0007", "0007"])
def test_half_a_pair_is_not_left_out_alone(office: Office, half: str) -> None:
    office.syncd("--once")
    office.rows[6][0] = "7"
    office.export()
    office.syncd("--once")
    assert office.syncd("approve", "members", "--except", half).code == 0
    for _ in range(2):
        office.syncd("--once")
    assert {one.foreign_id for one in office.sandbox.customers} == {f"M-{number:04d}" for number in range(1, 41)}


@pytest.mark.parametrize("half", ["M-7", "M-0007"])
def test_half_a_pair_is_not_erased_alone(office: Office, half: str) -> None:
    office.syncd("--once")
    office.rows[6][0] = "7"
    office.export()
    office.syncd("--once")
    refused = office.syncd("erase", half)
    assert (refused.code, "may be the same person" in refused.err) == (2, True)
    assert office.syncd("erase", "M-7", "M-0007").code == 0
    office.syncd("--once")
    assert not {one.foreign_id for one in office.sandbox.customers} & {"M-7", "M-0007"}


def test_a_sync_that_another_process_runs_exits_with_5(office: Office) -> None:
    office.syncd("--once")
    engine = open_engine(f"sqlite:///{office.folder}/state/syncd.db")
    with take_lease(engine, "members"):
        assert office.syncd("--once").code == 5
    engine.dispose()
    assert office.syncd("--once").code == 0


def test_sigterm_ends_a_run_with_everything_recorded(office: Office) -> None:
    office.reconfigure("attempts = 2", "attempts = 2\nbatch_size = 2\nconcurrency = 1")
    office.sandbox.latency = 0.05
    process = office.start("--once")
    while len(office.sandbox.customers) < 4:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    recorded = [json.loads(line) for line in out.splitlines() if '"record.outcome"' in line]
    assert len(recorded) == len(office.sandbox.customers) < 40
    office.sandbox.latency = 0
    assert office.syncd("--once").code == 0
    assert (len(office.sandbox.customers), office.sandbox.duplicates()) == (40, [])


# --- the likeliest mistakes ---


def test_a_column_that_is_not_there_stops_the_run_and_check_names_the_likely_one(office: Office) -> None:
    office.reconfigure('email = "E-Mail"', 'email = "Email"')
    ended = office.syncd("--once")
    assert ended.code == 1
    [failed] = ended.named("run.failed")
    assert failed["error"].endswith("there is no column 'Email' (fields.email.from)")
    assert "`syncd check`" in failed["remedy"]
    assert "there is no column 'Email' (fields.email.from); did you mean 'E-Mail'?" in office.syncd("check").out
    assert office.sandbox.calls_to("POST") == []


def test_a_refused_token_exits_with_1_and_says_what_to_do(office: Office) -> None:
    office.token = "expired"
    ended = office.syncd("--once")
    assert ended.code == 1
    failed = ended.named("run.failed")[0]
    assert ("401" in failed["error"], "set a new one" in failed["remedy"]) == (True, True)


def test_an_instance_out_of_reach_exits_with_1(office: Office) -> None:
    office.reconfigure(office.url, "http://127.0.0.1:9")
    ended = office.syncd("--once")
    words = "no connection to go~mus at 127.0.0.1: it refuses the connection"
    assert (ended.code, ended.named("run.failed")[0]["error"]) == (1, words)


def test_every_mistake_in_the_configuration_is_told_at_once(office: Office) -> None:
    office.configure(CONFIG.format(url="ftp://nowhere").replace('grace = "0s"', 'grace = "7 dys"\nmodus = "ignore"'))
    ended = office.syncd("--once")
    assert ended.code == 2
    for words in (
        "gomus.main.url",
        "sync.members.delete.grace: '7 dys' is not a duration such as '7d', '12h', '30m'",
        "did you mean 'mode'",
    ):
        assert words in ended.err


def test_a_missing_configuration_is_told_with_a_remedy(office: Office) -> None:
    ended = office.syncd("--config", "nowhere.toml", "plan")
    assert (ended.code, ended.out) == (2, "")
    assert "nowhere.toml" in ended.err
    assert "Traceback" not in ended.err


def test_an_unknown_sync_is_told_with_the_nearest(office: Office) -> None:
    ended = office.syncd("--once", "--sync", "member")
    assert ended.code == 2
    assert "Did you mean 'members'?" in ended.err


@pytest.mark.parametrize("content", [b"", b"<html>Login</html>", b'Nr;Vorname\n1;"Ad', b"PK\x03\x04xlsx"])
def test_a_source_that_is_no_whole_export_deletes_nobody(office: Office, content: bytes) -> None:
    office.syncd("--once")
    (office.folder / "members.csv").write_bytes(content)
    ended = office.syncd("--once")
    assert ended.code == 1
    assert "members.csv" in ended.named("run.failed")[0]["error"]
    assert len(office.sandbox.customers) == 40


def test_a_lost_key_is_told_and_nothing_is_done(office: Office) -> None:
    office.syncd("--once")
    (office.folder / "state/syncd.key").unlink()
    ended = office.syncd("--once")
    assert ended.code == 1
    assert "restore it from a backup" in ended.err
    assert "is gone" in ended.named("run.failed")[0]["error"]


# --- questions ---


def test_a_plan_makes_no_file_and_prints_its_answer_alone(office: Office) -> None:
    before = office.files()
    ended = office.syncd("plan", "members", "--json")
    assert (ended.code, office.files()) == (0, before)
    (plan,) = json.loads(ended.out)["plans"]
    assert plan["counts"] == {"create": 40, "records": 40}


def test_a_plan_after_a_run_shows_the_changed_fields(office: Office) -> None:
    office.syncd("--once")
    office.rows[3][4] = "030 23125999"
    office.export()
    before = office.files()
    (plan,) = json.loads(office.syncd("plan", "--json").out)["plans"]
    assert (plan["fields"], plan["samples"]) == (
        {"tel": 1},
        [{"foreign_id": "M-0004", "action": "update", "fields": ["tel"]}],
    )
    assert office.files() == before


def test_a_plan_ends_with_what_it_comes_to(office: Office) -> None:
    assert office.syncd("plan").out.endswith(
        "members: 40 to create, 0 to update, 0 to erase; some 41 calls, about 2.0 s\n"
    )
    office.syncd("--once")
    assert office.syncd("plan").out.endswith("members: 0 to create, 0 to update, 0 to erase; no call\n")
    for row in office.rows[:12]:
        row[4] = "030 23125999"
    office.export()
    told = office.syncd("plan").out
    assert "\n  ████████████      12  tel\n" in told
    assert "as near to a guard as it may be: update 12 of 20" in told
    assert told.endswith("members: 0 to create, 12 to update, 0 to erase; one call, about 0.2 s\n")


def test_a_plan_is_written_as_a_page_of_its_own(office: Office) -> None:
    office.syncd("--once")
    for row in office.rows[:12]:
        row[4] = "030 23125999"
    office.rows[20][5] = "31.02.1971"
    del office.rows[30:]
    office.export()
    assert office.syncd("plan", "--html", "plan.html").code == 4
    page = office.folder / "plan.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    told = page.read_text(encoding="utf-8")
    assert "0 to create, 12 to update, 10 to erase; some 71 calls" in told
    assert '<th scope="row"><code>tel</code></th><td class="count">12</td>' in told
    assert "10 of 40 known customers would be deleted" in told
    assert "members.csv line 22 (M-0021)" in told
    assert not [cell for row in office.rows for cell in row[1:6] if cell and cell in told]
    assert "http" not in re.sub(r"http-equiv", "", told)


def test_the_page_of_a_plan_can_be_in_german(office: Office) -> None:
    assert office.syncd("plan", "--html", "plan.html", "--lang", "de").code == 0
    told = (office.folder / "plan.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in told
    assert "40 anzulegen, 0 zu ändern, 0 zu löschen; rund " in told


def test_a_terminal_is_told_of_the_run_and_with_v_of_each_record(office: Office) -> None:
    office.rows[4][3] = "nobody"
    office.export()
    _, calm = on_a_terminal(office, "--once")
    assert b"run.finished" in calm
    assert b"syncd failures members" in calm
    assert not any(name in calm for name in (b"record.outcome", b"source.invalid_record", b"M-0007"))
    _, verbose = on_a_terminal(office, "-v", "--once")
    assert b"source.invalid_record" in verbose


def test_a_log_that_is_no_terminal_tells_of_each_record(office: Office) -> None:
    assert "record.outcome" in office.syncd("--log-format", "console", "--once").out


def test_a_plan_shows_values_on_a_terminal_alone(office: Office) -> None:
    office.syncd("--once")
    office.rows[0][4] = "030 23125999"
    office.rows.append(["0041", "Zzvor41", "Zznäch41", "zzmail41@example.org", "", "", ""])
    office.export()
    before = office.files()
    code, shown = on_a_terminal(office, "plan", "--values")
    told = shown.decode()
    assert code == 0
    assert '  update M-0001\r\n      tel: "+493023125001" → "+493023125999"\r\n' in told
    assert "  create M-0041\r\n" in told
    assert 'email: "zzmail41@example.org"' in told
    assert office.files() == before
    for refused in (office.syncd("plan", "--values"), office.syncd("plan", "--values", "--json")):
        assert (refused.code, refused.out) == (2, "")
    assert on_a_terminal(office, "plan", "--values", "--json")[0] == 2


def test_a_plan_groups_what_is_invalid_by_its_reason(office: Office) -> None:
    for number in range(4):
        office.rows[number][5] = "31.02.1971"
    office.rows[9][3] = "nobody"
    office.export()
    told = [line for line in office.syncd("plan").out.splitlines() if line.startswith("  invalid")]
    assert len(told) == 2
    assert told[0].startswith("  invalid, 4: date_of_birth: ")
    assert told[0].endswith(
        "members.csv line 2 (M-0001), members.csv line 3 (M-0002), members.csv line 4 (M-0003) and 1 more"
    )


def test_check_tells_everything_in_one_line_each(office: Office) -> None:
    ended = office.syncd("check")
    assert ended.code == 0
    assert [line[0] for line in ended.out.splitlines()] == ["✓"] * 6


def test_check_tells_all_problems_at_once(office: Office) -> None:
    office.token = "expired"
    (office.folder / "members.csv").unlink()
    ended = office.syncd("check")
    assert ended.code == 1
    assert len([line for line in ended.out.splitlines() if line.startswith("✗")]) == 2


def test_status_history_and_show_answer_in_json(office: Office) -> None:
    office.syncd("--once")
    (status,) = json.loads(office.syncd("status", "--json").out)
    assert (status["sync"], status["known_customers"], status["last_run"]["status"]) == ("members", 40, "done")
    (run,) = json.loads(office.syncd("history", "--json").out)
    assert run["counts"]["create"] == 40
    (known,) = json.loads(office.syncd("show", "M-0007", "--json").out)
    assert [line["action"] for line in known["journal"]] == ["create"]


def test_questions_before_the_first_run_are_answered_and_make_no_file(office: Office) -> None:
    before = office.files()
    for command in (["status"], ["history"], ["failures"], ["erasures"]):
        assert office.syncd(*command).code == 0
    assert office.syncd("show", "M-1").code == 2
    assert office.files() == before


def test_failures_are_written_for_the_owner_of_the_source(office: Office) -> None:
    office.rows[4][5] = "31.02.1971"
    office.export()
    office.syncd("--once")
    assert office.syncd("failures", "members", "--csv", "list.csv").code == 3
    with (office.folder / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file, delimiter=";")
    assert (row["foreign_id"], row["place"], row["field"]) == ("M-0005", "members.csv line 6", "date_of_birth")


def test_retry_makes_a_refused_record_due_at_once(office: Office) -> None:
    office.rows[4][2] = ""
    office.export()
    office.syncd("--once")
    office.sandbox.switches = type(office.sandbox.switches)(required=frozenset())
    assert office.syncd("--once").code == 3
    assert office.syncd("retry", "members").code == 0
    assert office.syncd("--once").code == 0
    assert len(office.sandbox.customers) == 40


def test_erase_is_done_at_once(office: Office) -> None:
    office.syncd("--once")
    ended = office.syncd("erase", "M-0007")
    assert (ended.code, office.sandbox.by_foreign_id("M-0007")) == (0, [])
    assert "Nothing is known" not in office.syncd("show", "M-0007").out  # the tombstone, by its keyed hash


def test_verify_lists_what_was_changed_by_hand_and_mends_it(office: Office) -> None:
    office.syncd("--once")
    office.sandbox.save({"tel": "+49301"}, office.sandbox.by_foreign_id("M-0007")[0])
    ended = office.syncd("verify", "members", "--all", "--json")
    assert (ended.code, json.loads(ended.out)["drifts"]) == (
        3,
        [{"foreign_id": "M-0007", "missing": False, "fields": ["tel"]}],
    )
    assert office.syncd("verify", "members", "--all", "--fix").code == 0
    assert office.syncd("verify", "members", "--sample", "40").code == 0


# --- what is left behind, and what is not ---


def test_the_files_that_syncd_makes_are_for_the_owner_only(office: Office) -> None:
    office.syncd("--once")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (office.folder / "state").iterdir()}
    assert {"syncd.db", "syncd.key", "syncd.db.members.lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_no_personal_value_leaves_on_any_path(office: Office) -> None:
    office.sandbox.switches = type(office.sandbox.switches)(errors_quote_values=True, email_unique=True)
    office.rows[3][5] = "31.02.1971"
    office.rows[4][2] = ""
    office.rows[6][3] = office.rows[5][3]
    office.rows[8][3] = "zzmail@@example.org"
    office.export()
    told = [office.syncd("plan"), office.syncd("--once"), office.syncd("--once", "--log-format", "console")]
    office.rows[10][4] = "030 23125998"
    del office.rows[20]
    office.export()
    told += [office.syncd("--once"), office.syncd("check"), office.syncd("failures"), office.syncd("status")]
    told += [office.syncd("show", "M-0005"), office.syncd("history", "--json"), office.syncd("erase", "M-0012")]
    assert [ended.code for ended in told[1:2]] == [3]
    for ended in told:
        for mark in MARKS:
            assert mark.lower() not in (ended.out + ended.err).lower()
    for file in office.folder.rglob("*"):
        if file.is_file() and file.name != "members.csv":
            content = file.read_bytes().lower()
            assert not [mark for mark in MARKS if mark.lower().encode() in content], file.name


def test_the_token_is_nowhere(office: Office) -> None:
    office.token = "Zz-secret-token"
    office.sandbox.tokens = {"another"}
    told = [office.syncd("--once"), office.syncd("check"), office.syncd("plan")]
    assert not [ended for ended in told if "Zz-secret" in ended.out + ended.err]
    assert not [file for file in office.folder.rglob("*") if file.is_file() and b"Zz-secret" in file.read_bytes()]


# --- the rest ---


def test_the_schema_of_the_configuration_is_json(office: Office) -> None:
    assert "properties" in json.loads(office.syncd("config", "schema").out)


def test_the_configuration_is_shown_as_it_holds(office: Office) -> None:
    office.reconfigure('token = { env = "GOMUS_TOKEN" }', 'token = { env = "NOBODY_SET_IT" }')
    told, whole = office.syncd("config", "show"), office.syncd("config", "show", "members", "--json")
    assert (told.code, whole.code, told.err) == (0, 0, "")
    assert tomllib.loads(told.out)["sync"] == json.loads(whole.out)["sync"]
    assert tomllib.loads(told.out)["gomus"]["main"]["token"] == "***"
    assert office.syncd("config", "show", "membres").code == 2


def test_the_database_can_be_upgraded_by_hand(office: Office) -> None:
    assert "was upgraded" in office.syncd("db", "upgrade").out
    assert "is up to date" in office.syncd("db", "upgrade").out


@pytest.mark.parametrize(
    "command",
    ["plan", "check", "trigger", "status", "failures", "approve", "link", "erase", "rehearse", "sandbox", "demo"],
)
def test_help_teaches_each_command(office: Office, command: str) -> None:
    ended = office.syncd(command, "--help")
    assert (ended.code, "Usage" in ended.out) == (0, True)


def test_the_daemon_runs_every_sync_and_no_other_way(office: Office) -> None:
    ended = office.syncd("--sync", "members")
    assert (ended.code, "go with --once" in ended.err) == (2, True)


def test_the_sandbox_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd", "sandbox", "--port", "0", "--switch", "bad_entry=partial-200"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/_sandbox/state").json()["customers"] == []
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_the_demo_shows_a_whole_sync(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "syncd", "demo"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (ended.returncode, ended.stderr, list(tmp_path.iterdir())) == (0, "", [])
    for words in (
        "488  to create",
        "488 create",
        "Calls to /customers: 0",
        "3 update, 1 anonymize, 1 delete",
        "GET, PUT, GET, GET, DELETE, GET, GET",
        "It counts as present",
    ):
        assert words in ended.stdout


@pytest.mark.parametrize("asked", [["plan"], ["--once", "--dry-run"], ["verify", "members", "--all"]])
def test_who_only_looks_does_not_compare_with_another_instance(office: Office, asked: list[str]) -> None:
    office.syncd("--once")
    with serve(create_app(Sandbox())) as url:
        office.reconfigure(office.url, url)
        ended = office.syncd(*asked)
        assert (ended.code, "is of another instance" in ended.err + ended.out) == (1, True), ended.err + ended.out
        assert office.syncd("--once").named("run.finished")[0]["counts"]["create"] == len(office.rows)
