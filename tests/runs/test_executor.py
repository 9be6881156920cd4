"""What a run sends once something has gone wrong: what it repeats, when it begins nothing more, what an outage is."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx
import pytest
from faults import Fault, Killed
from museum import DEFAULT_LIMITS, Museum, member, mortal, sqlite_url
from werkzeug.wrappers import Response

from syncd.domain.runs import Status
from syncd.sandbox.proxy import Passing
from syncd.sandbox.switches import Switches

SETTLE = 600.0  # seconds


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    """One customer is known, so that new ones go in batches."""
    museum = Museum(state_url=sqlite_url(tmp_path), switches=Switches(foreign_ids="repeatable"))
    museum.fill(1)
    museum.run()
    yield museum
    museum.close()


def there(museum: Museum) -> set[str]:
    assert museum.sandbox.duplicates() == []
    return {str(customer.foreign_id) for customer in museum.sandbox.customers}


def at_call(number: int) -> Callable[[], bool]:
    """A signal at the n-th call or wait of a run, counted from 0."""
    moments = count()
    return lambda: next(moments) >= number


def every(method: str, fault: Fault, *ids: str) -> Callable[[httpx.Request, int], Fault | None]:
    """What becomes of each such call, or of those that name one of these ids."""

    def choose(request: httpx.Request, _number: int) -> Fault | None:
        sent = request.url.raw_path + request.content
        is_meant = not ids or any(one.encode() in sent for one in ids)
        return fault if request.method == method and is_meant else None

    return choose


# --- looks before creates ---


def test_as_many_look_for_new_customers_at_once_as_calls_may_be_made(museum: Museum) -> None:
    museum.concurrency = 4
    museum.fill(21)
    meeting = threading.Barrier(4)

    def meets(call: Passing) -> Response:
        if call.method == "GET" and "/customers/M-" in call.path:
            meeting.wait(10)
        return call.act()

    museum.sandbox.hook = meets
    assert museum.run().counts == {"create": 20, "records": 21, "unchanged": 1}


# --- a look that fails ---


def test_a_lost_create_of_which_the_look_fails_too_waits_like_any_other(museum: Museum) -> None:
    museum.transport._late_by = 1000
    museum.rows.append(member(2))
    museum.run([None, Fault.LATE, *[Fault.UNAVAILABLE] * 100])
    museum.run()
    museum.transport.flush()
    museum.run()
    assert there(museum) == {"M-0001", "M-0002"}


def test_a_look_that_fails_says_nothing_of_a_create_that_is_open(museum: Museum) -> None:
    museum.rows.append(member(2))
    museum.run([None, Fault.SERVER_ERROR])
    [before] = museum.store.journal.open_intents("members")
    museum.clock.sleep(SETTLE)
    museum.run([None, *[Fault.UNAVAILABLE] * 100])
    assert museum.store.journal.open_intents("members") == [before]


def test_a_look_that_fails_does_not_end_the_wait(museum: Museum) -> None:
    museum.rows.append(member(2))
    museum.run([None, Fault.READ_TIMEOUT, *[Fault.UNAVAILABLE] * 100])
    museum.clock.sleep(SETTLE)
    museum.run([Fault.UNAVAILABLE] * museum.attempts, probe=False)
    assert there(museum) == {"M-0001", "M-0002"}


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ([2], Status.PROBLEMS),
        ([3], Status.PROBLEMS),
        ([2, 3], Status.PROBLEMS),
        ([1, 2], Status.PROBLEMS),
        ([1, 3], Status.FAILED),
    ],
)
def test_whether_go_mus_answers_is_told_by_the_last_look_or_by_a_customer_who_is_there(
    museum: Museum, numbers: list[int], status: Status
) -> None:
    die_while_creating(museum, 3)
    ids = [f"M-{number:04d}" for number in numbers]
    assert museum.run(every("GET", Fault.UNAVAILABLE, *ids)).status is status


def test_three_looks_in_a_row_that_fail_are_enough_and_one_for_somebody_else(museum: Museum) -> None:
    museum.concurrency = 1
    die_while_creating(museum, 30)
    assert museum.run(every("GET", Fault.UNAVAILABLE)).status is Status.FAILED
    assert len(museum.transport.happened) == museum.attempts * 4


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.THROTTLED])
@pytest.mark.parametrize(("number", "status"), [(1, Status.FAILED), (2, Status.PROBLEMS)])
def test_one_record_that_go_mus_stumbles_over_is_no_outage(
    museum: Museum, fault: Fault, number: int, status: Status
) -> None:
    """Nobody else is known whom one could ask for where it is the first one."""
    museum.fill(number)
    museum.run()
    museum.row(number)["notes"] = "changed"
    last = f"M-{number:04d}"
    assert museum.run(every("PUT", fault) if number > 1 else lambda *_: fault).status is status
    assert museum.store.known.find_one("members", last) is not None


def die_while_creating(museum: Museum, count: int) -> None:
    museum.fill(count)
    with pytest.raises(Killed):
        museum.run(every("POST", Fault.KILLED_AFTER))
    museum.reopen()


# --- time to stop ---


@pytest.mark.parametrize("number", range(4))
def test_nothing_new_is_begun(museum: Museum, number: int) -> None:
    museum.batch_size = 10
    museum.fill(200)
    assert museum.run(probe=False, stops=at_call(number)).status is Status.STOPPED
    assert len(museum.calls()) <= number + museum.concurrency


def test_nobody_else_is_looked_for(museum: Museum) -> None:
    die_while_creating(museum, 20)
    assert museum.run(stops=at_call(0)).status is Status.STOPPED
    assert len(museum.calls()) <= museum.concurrency


@pytest.mark.parametrize("number", range(3, 12))
def test_who_was_to_be_sent_again_in_parts_is_sent_by_the_next_run_at_once(museum: Museum, number: int) -> None:
    museum.concurrency = 1
    refuse_a_batch(museum)
    museum.fill(13)
    museum.row(11)["family"] = ""
    museum.run(probe=False, stops=at_call(number))
    museum.run()
    assert there(museum) == {f"M-{one:04d}" for one in range(1, 14) if one != 11}


def refuse_a_batch(museum: Museum) -> None:
    """So that it is known that nobody of a refused one is saved."""
    museum.fill(3)
    museum.run()
    museum.fill(5)
    museum.row(5)["family"] = ""
    museum.run()


def test_of_whom_nothing_was_sent_nothing_is_told(museum: Museum) -> None:
    museum.concurrency, museum.batch_size = 1, 5
    museum.fill(30)
    summary = museum.run(probe=False, stops=at_call(1))
    assert (summary.status, summary.outcomes) == (Status.STOPPED, {("create", "ok"): 10})


@pytest.mark.parametrize("number", range(6))
def test_a_create_that_is_due_and_was_not_sent_again_stays_open(museum: Museum, number: int) -> None:
    museum.transport._late_by = 1000
    museum.concurrency = 1
    museum.fill(3)
    museum.run(every("POST", Fault.LATE))
    museum.clock.sleep(SETTLE)
    museum.run(stops=at_call(number))
    sent = {str(one["foreign_id"]) for call in museum.writes() for one in call.customers}
    opened = {intent.foreign_id for intent in museum.store.journal.open_intents("members")}
    assert sent | opened == {"M-0002", "M-0003"}


# --- what is an outage ---


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.THROTTLED])
def test_three_calls_in_a_row_that_fail_by_no_fault_of_a_record_end_the_run(museum: Museum, fault: Fault) -> None:
    museum.batch_size = museum.concurrency = 1
    museum.fill(8)
    museum.run()
    for row in museum.rows:
        row["notes"] = "changed"
    summary = museum.run(every("PUT", fault))
    assert summary.status is Status.FAILED
    assert str(summary.error).startswith("go~mus failed 3 calls in a row")


@pytest.mark.parametrize("fault", [Fault.NO_CONNECTION, Fault.CONNECT_TIMEOUT])
def test_three_tries_in_a_row_without_a_connection_end_the_run(museum: Museum, fault: Fault) -> None:
    museum.batch_size = museum.concurrency = 1
    museum.fill(8)
    museum.run()
    for row in museum.rows:
        row["notes"] = "changed"
    tried: list[str] = []

    def unplugged(request: httpx.Request, _number: int) -> Fault:
        tried.append(request.method)
        return fault

    summary = museum.run(unplugged)
    assert (summary.status, len(tried)) == (Status.FAILED, 3)
    assert str(summary.error).startswith("no connection to go~mus")


def test_a_call_that_succeeds_in_between_shows_that_it_is_none(museum: Museum) -> None:
    museum.batch_size = museum.concurrency = 1
    museum.fill(8)
    museum.run()
    for row in museum.rows:
        row["notes"] = "changed"
    stumble = every("PUT", Fault.SERVER_ERROR, "M-0001", "M-0002", "M-0004", "M-0005")
    assert museum.run(stumble).status is Status.PROBLEMS
    assert [one["notes"] for one in museum.sandbox.customers].count("changed") == 4


def test_records_that_the_server_stumbles_over_again_are_none(museum: Museum) -> None:
    bad = {f"M-{number:04d}" for number in range(2, 7)}
    museum.fill(6)
    museum.run(every("POST", Fault.SERVER_ERROR, *bad))
    museum.clock.sleep(SETTLE)
    museum.rows.append(member(9))
    assert museum.run(every("POST", Fault.SERVER_ERROR, *bad)).status is Status.PROBLEMS
    assert there(museum) == {"M-0001", "M-0009"}


def test_batches_that_are_too_much_for_the_server_are_none(museum: Museum) -> None:
    museum.sandbox.switches = Switches(foreign_ids="repeatable", milliseconds_a_member=4000)
    museum.fill(300)
    assert museum.run(probe=False).status is Status.PROBLEMS
    assert "M-0300" in there(museum)


# --- how often is written ---


def commits_of_erasing(count: int, folder: Path) -> int:
    museum = Museum(state_url=sqlite_url(folder), concurrency=1, limits=replace(DEFAULT_LIMITS, delete_percent=100))
    museum.fill(30)
    museum.run()
    museum.remove(*range(1, count + 1))
    with mortal(museum, 1_000_000) as commits:
        assert museum.run().counts["delete"] == count
    museum.close()
    return commits()


def test_an_erasure_takes_two_transactions(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    assert commits_of_erasing(15, many) - commits_of_erasing(5, few) == 2 * 10
