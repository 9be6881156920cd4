"""What a run learns, repeats and keeps once an answer is lost or refused: how often, and for how long."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from faults import Fault, Killed
from museum import Museum, member, sqlite_url
from werkzeug.wrappers import Response

from syncd.domain.diff import DeleteMode
from syncd.domain.records import Stage
from syncd.domain.runs import Status
from syncd.sandbox.proxy import Passing, in_json
from syncd.sandbox.switches import Switches


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.fill(4)
    museum.run()
    yield museum
    museum.close()


def fails(method: str, fault: Fault, path: str = ""):  # type: ignore[no-untyped-def]
    return lambda request, _n: fault if request.method == method and request.url.path.endswith(path) else None


# --- how often ---


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_where_ids_are_unique_a_lost_create_is_sent_as_often_as_configured(museum: Museum, attempts: int) -> None:
    museum.attempts = attempts
    museum.store.instances.learn("main", {"unique": "yes"})
    museum.rows.append(member(5))
    museum.run(fails("POST", Fault.SERVER_ERROR))
    assert len([call for call in museum.transport.happened if call.method == "POST"]) == attempts


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_a_call_that_is_turned_away_is_tried_as_often_as_configured(tmp_path: Path, attempts: int, method: str) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), attempts=attempts, prefix="", switches=Switches())
    museum.fill(0)
    museum.rows.append({**member(1), "id": "12ab"})  # is written by its number alone
    museum.run()
    museum.rows.clear()
    museum.run(fails(method, Fault.THROTTLED))
    assert len([call for call in museum.transport.happened if call.method == method]) == attempts


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_a_create_that_is_turned_away_is_tried_as_often_and_waited_for(museum: Museum, attempts: int) -> None:
    museum.attempts = attempts
    museum.rows.append(member(5))
    times = list[datetime]()

    def turn_away(request: httpx.Request, _number: int) -> Fault | None:
        if request.method == "POST":
            times.append(museum.clock.now)
            return Fault.THROTTLED
        return None

    museum.run(turn_away)
    assert len(times) == attempts
    assert all(later - earlier > timedelta(seconds=0.2) for earlier, later in pairwise(times))


def test_the_pauses_between_them_grow(museum: Museum) -> None:
    museum.attempts = 4
    museum.store.instances.learn("main", {"unique": "yes"})
    museum.rows.append(member(5))
    began = museum.clock.now
    museum.run(fails("POST", Fault.SERVER_ERROR))
    looks = 4 * museum.timeout
    assert timedelta(seconds=2) < museum.clock.now - began - looks < timedelta(seconds=6)


# --- what is learned ---


def test_a_first_look_that_fails_teaches_nothing_of_ids(tmp_path: Path) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path))
    museum.rows.append({**member(1), "id": "1.5"})
    posted = False

    def after_the_create(request: httpx.Request, _number: int) -> Fault | None:
        nonlocal posted
        posted |= request.method == "POST"
        return Fault.UNAVAILABLE if posted and request.method == "GET" else None

    museum.run(after_the_create)
    museum.rows.append({**member(2), "id": "2.5"})
    museum.run()
    assert {customer.foreign_id for customer in museum.sandbox.customers} == {"M-1.5", "M-2.5"}


@pytest.mark.parametrize("seconds", [3, 7])
def test_of_ids_that_cant_be_read_the_lag_is_that_of_the_number(tmp_path: Path, seconds: int) -> None:
    switches = Switches(dotted_ids="cut", reads="seconds-later", lag=seconds)
    museum = Museum(state_url=sqlite_url(tmp_path), switches=switches)
    museum.rows.append({**member(1), "id": "1.5"})
    museum.run()
    learned = museum.store.instances.learned("main")["read_lag"]
    assert float(learned.split()[0]) >= seconds


@pytest.mark.parametrize(("cleared_by", "calls"), [("null", [1, 1]), ("empty", [2, 1])])
def test_how_a_foreign_id_is_taken_off_is_learned_once(tmp_path: Path, cleared_by: str, calls: list[int]) -> None:
    switches = Switches(cleared_by=cleared_by)  # type: ignore[arg-type]
    museum = Museum(state_url=sqlite_url(tmp_path), mode=DeleteMode.RELEASE, switches=switches)
    museum.fill(4)
    museum.run()
    puts = []
    for number in (1, 2):
        museum.remove(number)
        museum.run()
        puts.append(len(museum.sandbox.calls_to("PUT")))
    assert puts == calls


@pytest.mark.parametrize(("look", "learned"), [(None, "yes"), (Fault.UNAVAILABLE, None)])
def test_that_ids_are_unique_is_learned_where_the_taken_one_is_seen(
    museum: Museum, look: Fault | None, learned: str | None
) -> None:
    museum.rows.append(member(5))
    refused = False

    def taken_meanwhile(request: httpx.Request, _number: int) -> Fault | None:
        nonlocal refused
        if request.method == "POST":
            museum.sandbox.add_customer(foreign_id="M-0005", surname="Muster5")
            refused = True
        return look if refused and request.method == "GET" else None

    museum.run(taken_meanwhile)
    assert museum.store.instances.learned("main").get("unique") == learned


# --- when a number is used ---


def lagging(museum: Museum, seconds: int) -> None:
    museum.sandbox.switches = replace(museum.sandbox.switches, reads="seconds-later", lag=seconds)


@pytest.mark.parametrize("seconds", [2, 9])
def test_a_number_is_used_once_reads_have_come_as_far_as_they_ever_lagged(tmp_path: Path, seconds: int) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), prefix="")
    museum.rows.append({**member(1), "id": "12ab"})
    museum.run()
    museum.clock.sleep(3600)
    museum.store.instances.learn("main", {"read_lag": f"{seconds}.000 3"})
    lagging(museum, seconds)
    museum.rows.clear()
    calls = list[tuple[str, datetime]]()
    museum.run(lambda request, _number: calls.append((request.method, museum.clock.now)))
    [put, delete] = [place for place, (method, _) in enumerate(calls) if method in ("PUT", "DELETE")]
    looks = [at for _, at in calls[put + 1 : delete]]
    assert calls[delete][1] - looks[-8] >= timedelta(seconds=seconds * 7 / 8)


@pytest.mark.parametrize("seconds", [1, 5, 25])
def test_whom_staff_delete_just_before_a_write_is_not_written_by_number(museum: Museum, seconds: int) -> None:
    """Reads lag as they never did, and a stranger has the number for a foreign_id."""
    [customer] = museum.sandbox.by_foreign_id("M-0002")
    museum.sandbox.add_stranger(foreign_id=str(customer.id), surname="Fremd")
    museum.clock.sleep(3600)
    lagging(museum, seconds)
    museum.remove(2)

    def delete_first(call: Passing) -> Response:
        if call.method == "PUT" and customer in museum.sandbox.customers:
            museum.sandbox.remove(customer)
        return call.act()

    museum.sandbox.hook = delete_first
    museum.run()
    assert museum.sandbox.touched_strangers() == []


# --- what is believed ---


def hook_into(museum: Museum, method: str, answer: Callable[[Passing], Response]) -> None:
    museum.sandbox.hook = lambda call: answer(call) if call.method == method else call.act()


def test_an_answer_with_errors_is_refused_by_them_where_it_shows_the_customer_as_before(museum: Museum) -> None:
    [customer] = museum.sandbox.by_foreign_id("M-0002")
    before = {"id": customer.id, **customer.fields}
    hook_into(museum, "PUT", lambda _call: in_json(200, {"customer": before, "errors": ["Tel is invalid"]}))
    museum.row(2)["phone"] = "+493023125999"
    museum.run()
    assert "Tel is invalid" in museum.listed()["M-0002"]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("foreign_ids", ["unique", "repeatable"])
def test_creates_that_met_a_refused_token_are_sent_as_soon_as_it_is_set(
    museum: Museum, status: int, foreign_ids: Any
) -> None:
    museum.sandbox.switches = replace(museum.sandbox.switches, foreign_ids=foreign_ids)
    museum.rows.extend(map(member, (5, 6)))
    hook_into(museum, "POST", lambda _call: in_json(status, {"error": "Not authorized"}))
    assert museum.run().status is Status.FAILED
    museum.sandbox.hook = None
    assert museum.run().status is Status.DONE
    assert len(museum.sandbox.customers) == 6


def test_a_refused_create_is_not_done_whomever_the_answer_shows(museum: Museum) -> None:
    shown = {"id": 4711, "foreign_id": None, "name": "Ada5", "surname": "Muster5"}
    hook_into(museum, "POST", lambda _call: in_json(200, {"customer": shown, "errors": ["Tel is invalid"]}))
    museum.rows.append(member(5))
    assert museum.run().status is Status.PROBLEMS
    assert "Tel is invalid" in museum.listed()["M-0005"]
    assert museum.store.known.find_one("members", "M-0005") is None


@pytest.mark.parametrize("count", [2, 3])
def test_of_several_of_one_name_who_are_shown_without_an_id_nobody_is_guessed(museum: Museum, count: int) -> None:
    museum.rows.extend(member(5 + number, given="Anna", family="Gleich") for number in range(count))

    def drop_the_ids(call: Passing) -> Response:
        call.act()
        new = [customer for customer in museum.sandbox.customers if customer["surname"] == "Gleich"]
        for customer in new:
            museum.sandbox.rename(customer.id, None)
        return in_json(
            201, {"customers": [{**customer.fields, "id": customer.id, "foreign_id": None} for customer in new]}
        )

    hook_into(museum, "POST", drop_the_ids)
    museum.run()
    assert museum.store.known.count("members") == 4


@pytest.mark.parametrize("emptied", [("surname",), ("name", "surname", "email", "tel")])
def test_fields_that_an_answer_alone_shows_emptied_are_not_erased(museum: Museum, emptied: tuple[str, ...]) -> None:
    [customer] = museum.sandbox.by_foreign_id("M-0002")
    shown = {"id": customer.id, **customer.fields, **dict.fromkeys(emptied)}
    hook_into(museum, "PUT", lambda _call: in_json(200, {"customer": shown}))
    museum.remove(2)
    museum.run()
    assert [call for call in museum.writes() if call.method == "DELETE"] == []
    assert [intent.foreign_id for intent in museum.store.journal.open_intents("members")] == ["M-0002"]


def test_a_new_number_in_an_answer_is_learned_from_a_look_alone(museum: Museum) -> None:
    [customer] = museum.sandbox.by_foreign_id("M-0002")
    museum.sandbox.recreate(customer.id, notes="alt")
    museum.row(2)["phone"] = "+493023125999"
    museum.run(fails("GET", Fault.UNAVAILABLE))
    known = museum.store.known.find_one("members", "M-0002")
    assert known is not None
    assert known.gomus_id == customer.id


@pytest.mark.parametrize("looks", ["failed", "lagging"])
def test_an_erasure_whose_call_was_lost_has_begun(museum: Museum, looks: str) -> None:
    museum.row(2)["notes"] = None
    museum.remove(2)
    lost = False

    def lose(request: httpx.Request, _number: int) -> Fault | None:
        nonlocal lost
        if request.method == "PUT":
            lost = True
            return Fault.READ_ERROR
        return Fault.UNAVAILABLE if lost and request.method == "GET" else None

    if looks == "lagging":
        museum.sandbox.switches = replace(museum.sandbox.switches, reads="seconds-later", lag=3600)
        museum.run([Fault.READ_ERROR] * 20)
    else:
        museum.run(lose)
    museum.rows.append(member(2))
    for _ in range(3):
        museum.clock.sleep(7200)
        museum.run()
    assert [customer["surname"] for customer in museum.sandbox.by_foreign_id("M-0002")] == ["Muster2"]


@pytest.mark.parametrize("answer", [None, Fault.READ_ERROR, Fault.BAD_GATEWAY])
def test_a_release_that_could_not_be_looked_at_has_begun(museum: Museum, answer: Fault | None) -> None:
    museum.mode = DeleteMode.RELEASE
    museum.remove(2)
    sent = False

    def lose(request: httpx.Request, _number: int) -> Fault | None:
        nonlocal sent
        sent |= request.method == "PUT"
        return answer if request.method == "PUT" else Fault.UNAVAILABLE if sent else None

    museum.run(lose)
    assert museum.sandbox.by_foreign_id("M-0002") == []
    museum.rows.append(member(2))
    for _ in range(3):
        museum.clock.sleep(7200)
        museum.run()
    assert len(museum.sandbox.by_foreign_id("M-0002")) == 1


def test_two_looks_that_fail_after_one_that_was_answered_do_not_end_the_looking(museum: Museum) -> None:
    museum.concurrency = museum.attempts = 1
    museum.rows.extend(map(member, (5, 6, 7, 8)))
    with pytest.raises(Killed):
        museum.run(fails("POST", Fault.KILLED_AFTER))
    looks = [None, Fault.UNAVAILABLE, Fault.UNAVAILABLE, None]
    museum.run(lambda request, _number: looks.pop(0) if request.method == "GET" and looks else None)
    opened = {intent.foreign_id for intent in museum.store.journal.open_intents("members")}
    assert opened == {"M-0006", "M-0007"}


# --- what is kept ---


def test_a_step_of_an_erasure_that_was_cut_off_is_settled_by_the_next_run(museum: Museum) -> None:
    museum.remove(2)
    with pytest.raises(Killed):
        museum.run(fails("PUT", Fault.KILLED_AFTER))
    assert museum.store.journal.open_intents("members")
    museum.run()
    assert museum.store.journal.open_intents("members") == []


def test_a_lost_answer_counts_from_when_it_was_given_up(museum: Museum) -> None:
    museum.rows.append(member(5))
    museum.transport._late_by = 1000
    museum.sandbox.switches = replace(museum.sandbox.switches, foreign_ids="repeatable")
    museum.run(fails("POST", Fault.LATE))
    [intent] = museum.store.journal.open_intents("members")
    assert intent.sent_at - intent.begun_at >= museum.timeout


def test_whoever_was_merged_is_no_leaver_any_more(museum: Museum) -> None:
    [loser] = museum.sandbox.by_foreign_id("M-0002")
    [survivor] = museum.sandbox.by_foreign_id("M-0003")
    museum.sandbox.switches = replace(museum.sandbox.switches, merged="by-both")
    museum.sandbox.merge(loser.id, survivor.id)
    museum.remove(2)
    museum.run()
    known = museum.store.known.find_one("members", "M-0002")
    assert known is not None
    assert known.stage is Stage.ACTIVE


def test_what_an_erasure_has_emptied_is_filled_again_where_nobody_is_erased_any_more(museum: Museum) -> None:
    museum.remove(2)
    with pytest.raises(Killed):
        museum.run(fails("PUT", Fault.KILLED_AFTER))
    museum.mode = DeleteMode.IGNORE
    museum.rows.append(member(2))
    for _ in range(2):
        museum.run()
    assert [customer["surname"] for customer in museum.sandbox.by_foreign_id("M-0002")] == ["Muster2"]
