"""A fault does to the client and to the world what its name says."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from faults import KILLS, UNCLEAR, Effect, Fault, FaultTransport, Killed

from syncd.sandbox import TOKEN, Sandbox, create_app

CUSTOMERS = "/api/v4/customers"
ANNA = {"foreign_id": "M-1", "surname": "Müller"}
ERRORS = {
    "connect error": httpx.ConnectError,
    "connect time-out": httpx.ConnectTimeout,
    "read time-out": httpx.ReadTimeout,
    "connection reset": httpx.ReadError,
    "server disconnected": httpx.RemoteProtocolError,
    "kill": Killed,
}


@pytest.fixture
def sandbox():
    return Sandbox()


def broken(sandbox, choose, **options):
    faults = FaultTransport(httpx.WSGITransport(app=create_app(sandbox)), choose, **options)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return faults, httpx.Client(transport=faults, base_url="http://sandbox", headers=headers)


def post(client, foreign_id="M-1"):
    return client.post(CUSTOMERS, json={"customer": ANNA | {"foreign_id": foreign_id}})


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.seen in ERRORS])
def test_a_broken_connection_acted_or_not_as_its_effect_says(sandbox, fault):
    _, client = broken(sandbox, [fault])
    with pytest.raises(ERRORS[fault.seen]):
        post(client)
    assert len(sandbox.customers) == (fault.effect is Effect.DONE)


@pytest.mark.parametrize("fault", [fault for fault in Fault if isinstance(fault.seen, int)])
def test_a_status_acted_or_not_as_its_effect_says(sandbox, fault):
    _, client = broken(sandbox, [fault])
    assert post(client).status_code == fault.seen
    assert len(sandbox.customers) == (fault.effect is Effect.DONE)


def test_only_a_server_that_is_busy_says_when_to_come_back(sandbox):
    _, client = broken(sandbox, [Fault.THROTTLED, Fault.UNAVAILABLE, Fault.BAD_GATEWAY], retry_after="7")
    assert [post(client).headers.get("Retry-After") for _ in range(3)] == ["7", "7", None]


def test_half_an_answer_is_no_json(sandbox):
    _, client = broken(sandbox, [Fault.TRUNCATED])
    answer = post(client)
    assert answer.status_code == 201
    with pytest.raises(ValueError):
        answer.json()
    assert len(sandbox.customers) == 1


@pytest.mark.parametrize(("late_by", "seen"), [(1, [200, 200]), (2, [404, 200])])
def test_a_late_request_acts_after_the_client_gave_up(sandbox, late_by, seen):
    _, client = broken(sandbox, [Fault.LATE], late_by=late_by)
    with pytest.raises(httpx.ReadTimeout):
        post(client)
    assert sandbox.customers == []
    assert [client.get(f"{CUSTOMERS}/M-1").status_code for _ in range(2)] == seen


def test_a_late_request_outlives_the_process_that_sent_it(sandbox):
    faults, client = broken(sandbox, [Fault.LATE, Fault.KILLED_BEFORE], late_by=99)
    with pytest.raises(httpx.ReadTimeout):
        post(client)
    with pytest.raises(Killed):
        post(client, "M-2")
    faults.revive()
    faults.flush()
    assert [customer.foreign_id for customer in sandbox.customers] == ["M-1"]


def test_a_killed_process_calls_nothing_more(sandbox):
    faults, client = broken(sandbox, [Fault.KILLED_AFTER])
    for _ in range(2):
        with pytest.raises(Killed):
            post(client)
    assert len(sandbox.calls) == 1
    faults.revive()
    assert client.get(f"{CUSTOMERS}/M-1").status_code == 200


def test_faults_may_be_chosen_by_request_and_number(sandbox):
    faults, client = broken(
        sandbox, lambda request, n: Fault.BAD_GATEWAY if request.method == "GET" and n > 1 else None
    )
    statuses = [post(client).status_code, *(client.get(f"{CUSTOMERS}/M-1").status_code for _ in range(2))]
    assert statuses == [201, 200, 502]
    assert [(one.method, one.path, one.fault) for one in faults.happened][-1] == (
        "GET",
        f"{CUSTOMERS}/M-1",
        Fault.BAD_GATEWAY,
    )


def test_a_plan_is_used_up_once_whatever_the_threads(sandbox):
    faults, client = broken(sandbox, [None, Fault.SERVER_ERROR] * 10)
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda n: post(client, f"M-{n}").status_code, range(30)))
    assert statuses.count(500) == 10
    assert len(sandbox.customers) == 20
    assert len(faults.happened) == 30


def test_unclear_is_what_a_client_cannot_tell():
    assert {fault.seen for fault in UNCLEAR} == {
        "read time-out",
        "connection reset",
        "server disconnected",
        "half an answer",
        500,
        502,
        504,
    }
    assert not UNCLEAR & KILLS
