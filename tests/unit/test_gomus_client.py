"""The go~mus client: what an answer means, what is tried again and what never is, where the token goes."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count, pairwise
from typing import ClassVar

import httpx
import pytest
from faults import Fault, FaultTransport
from hypothesis import given
from hypothesis import strategies as st
from rude import HEAD, saying
from stop import interrupted

from syncd.domain.records import LookupEntry
from syncd.errors import Fatal, Missing, Outage, Refused, Retryable, Stopped, TokenRefused, Unclear
from syncd.gomus.client import Client
from syncd.gomus.options import GomusOptions
from syncd.gomus.wire import find_named, read_customers, read_errors, read_list
from syncd.sandbox import TOKEN, Sandbox, Switches, create_app, each_turned, serve

ADA = {"foreign_id": "M-1", "name": "Ada", "surname": "Muster"}


def client(
    transport: httpx.BaseTransport, sleep: Callable[[float], None] = lambda _s: None, **options: object
) -> Client:
    made = GomusOptions.model_validate({"url": "https://demo.gomus.de", "token": TOKEN, "attempts": 3, **options})
    return Client(made, transport=transport, sleep=sleep, random=lambda: 0.0)


def on(sandbox: Sandbox, *faults: Fault | None) -> tuple[Client, FaultTransport]:
    transport = FaultTransport(httpx.WSGITransport(app=create_app(sandbox)), faults)
    return client(transport), transport


def answering(*answers: httpx.Response) -> Client:
    """In turn, the last of them for ever."""
    left = list(answers)
    return client(httpx.MockTransport(lambda _request: left.pop(0) if len(left) > 1 else left[0]))


@pytest.mark.parametrize(("name", "switches"), each_turned(), ids=[name for name, _ in each_turned()])
def test_a_customer_is_created_and_read_in_every_shape(name: str, switches: Switches) -> None:
    hours = (datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=n) for n in count())
    sandbox = Sandbox(switches, clock=lambda: next(hours))
    calling, _ = on(sandbox)
    calling.create([{**ADA, "addr_city": "Köln", "customer_salutation_id": next(iter(sandbox.salutations))}])
    sandbox.apply_accepted()
    (kept,) = sandbox.customers
    assert (str(kept.foreign_id).upper(), str(kept["surname"]).title()) == ("M-1", "Muster")
    remote = next(filter(None, (calling.read(str(kept.foreign_id)) for _ in range(switches.lag + 1))), None)
    assert remote is not None, name
    assert (remote.foreign_id, remote.fields["surname"]) == (kept.foreign_id, kept["surname"])
    assert remote.fields["addr_city"] == "Köln"
    assert remote.fields["customer_salutation_id"] == next(iter(sandbox.salutations))


@pytest.mark.parametrize(("name", "switches"), each_turned(), ids=[name for name, _ in each_turned()])
def test_lists_are_read_whole_in_every_shape(name: str, switches: Switches) -> None:
    sandbox = Sandbox(switches)
    calling, _ = on(sandbox)
    assert len(calling.lookup("country")) == len(sandbox.countries), name
    assert {entry.id for entry in calling.lookup("salutation")} == set(sandbox.salutations)


def test_a_list_that_goes_round_is_noticed() -> None:
    page = httpx.Response(200, json={"countries": [{"id": 1, "name": "A"}], "meta": {"total_count": 3}})
    with pytest.raises(Fatal, match="announces 3"):
        client(httpx.MockTransport(lambda _request: page)).lookup("country")


def test_a_list_without_ids_offers_nothing() -> None:
    assert answering(httpx.Response(200, json={"locales": ["de", "en"]})).lookup("language") == ()


@pytest.mark.parametrize(
    "fault", [Fault.READ_TIMEOUT, Fault.READ_ERROR, Fault.DISCONNECTED, Fault.BAD_GATEWAY, Fault.UNAVAILABLE]
)
def test_a_write_whose_answer_is_lost_is_never_repeated(fault: Fault) -> None:
    calling, transport = on(Sandbox(), fault)
    with pytest.raises(Unclear):
        calling.create([ADA])
    assert len(transport.happened) == 1


@pytest.mark.parametrize("fault", [Fault.NO_CONNECTION, Fault.CONNECT_TIMEOUT, Fault.THROTTLED])
def test_a_write_that_was_not_processed_is_tried_again(fault: Fault) -> None:
    sandbox = Sandbox()
    sandbox.add_customer(foreign_id="M-1", surname="Lovelace")
    calling, transport = on(sandbox, fault, fault)
    calling.delete("M-1")
    assert (len(transport.happened), sandbox.customers) == (3, [])


def test_a_write_to_a_number_is_tried_once() -> None:
    sandbox = Sandbox()
    number = sandbox.add_customer(foreign_id="M-1", surname="Lovelace").id
    for write in (lambda c: c.delete(number), lambda c: c.update_numbered(number, {"surname": "King"})):
        calling, transport = on(sandbox, Fault.THROTTLED)
        with pytest.raises(Retryable):
            write(calling)
        assert len(transport.happened) == 1


def test_a_try_lasts_no_longer_than_twice_the_time() -> None:
    def seconds() -> float:
        began = time.monotonic()
        with saying(HEAD + b"Content-Length: 100000\r\n\r\n", b" ") as url:
            options = GomusOptions.model_validate(
                {"url": url, "token": TOKEN, "attempts": 1, "timeout": timedelta(seconds=0.5)}
            )
            with Client(options) as calling, pytest.raises(Retryable, match="no answer"):
                calling.whoami()
        return time.monotonic() - began

    assert any(0.5 < seconds() < 1.1 for _ in range(5))  # a machine that has much to do may be late once


@pytest.mark.parametrize(("answered", "tries"), [([], 3), ([2], 5)])
def test_an_instance_that_says_nothing_for_long_is_out_of_reach(answered: list[int], tries: int) -> None:
    now, asked = [0.0], count(1)

    def answer(_request: httpx.Request) -> httpx.Response:
        now[0] += 30
        if next(asked) in answered:
            return httpx.Response(503)
        raise httpx.ReadTimeout("")

    options = GomusOptions.model_validate({"url": "https://demo.gomus.de", "token": TOKEN, "attempts": 9})
    transport = httpx.MockTransport(answer)
    with Client(options, transport=transport, clock=lambda: now[0], sleep=lambda _s: None) as calling:
        with pytest.raises(Retryable, match="no answer from go~mus in time"):
            calling.whoami()
        assert (next(asked) - 1, calling.out_of_reach) == (tries, "no answer from go~mus in time")
        with pytest.raises(Outage):
            calling.whoami()


def test_tries_are_bounded() -> None:
    calling, transport = on(Sandbox(), *[Fault.NO_CONNECTION] * 10)
    with pytest.raises(Retryable):
        calling.update([ADA])
    assert len(transport.happened) == 3


def test_a_create_is_tried_once_and_says_how_long_to_wait() -> None:
    tries: list[httpx.Request] = []
    answer = httpx.Response(429, headers={"Retry-After": "7"})
    with pytest.raises(Retryable) as turned_away:
        client(httpx.MockTransport(lambda request: tries.append(request) or answer)).create([ADA])
    assert (len(tries), turned_away.value.retry_after) == (1, 7)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_page_of_html_is_no_refusal_of_the_token_nor_of_the_record(status: int) -> None:
    with pytest.raises(Unclear):
        answering(httpx.Response(status, html="<h1>No</h1>")).create([ADA])


@pytest.mark.parametrize("fault", [Fault.READ_TIMEOUT, Fault.SERVER_ERROR, Fault.GATEWAY_TIMEOUT, Fault.UNAVAILABLE])
def test_a_read_is_tried_again_on_anything_that_may_pass(fault: Fault) -> None:
    calling, transport = on(Sandbox(), fault, fault)
    assert calling.read("M-1") is None
    assert len(transport.happened) == 3


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 8), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 1), (None, 0.2, 1), ("soon", 0.2, 1)],
)
def test_retry_after_is_heeded_in_both_spellings(header: str | None, least: float, most: float) -> None:
    slept: list[float] = []
    headers = {"Retry-After": header} if header else {}
    answers = iter([httpx.Response(429, headers=headers), httpx.Response(200, json={"customer": {"id": 1}})])
    client(httpx.MockTransport(lambda _request: next(answers)), slept.append).update([ADA])
    assert least <= slept[0] <= most


@pytest.mark.parametrize("call", [lambda c: c.read(7), lambda c: c.update([ADA]), lambda c: c.delete("M-7")])
def test_a_wait_that_is_cut_short_is_followed_by_no_other_try(call: Callable[[Client], object]) -> None:
    answers = iter([httpx.Response(429, headers={"Retry-After": "120"})])
    with pytest.raises(Stopped):
        call(client(httpx.MockTransport(lambda _request: next(answers)), interrupted))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_final(status: int) -> None:
    with pytest.raises(TokenRefused):
        answering(httpx.Response(status)).create([ADA])


@pytest.mark.parametrize("status", [404, 410])
def test_who_is_not_there_is_missing(status: int) -> None:
    gone = httpx.Response(status, json={"error": "customer not found"})
    assert answering(gone).read(7) is None
    with pytest.raises(Missing):
        answering(gone).delete(7)
    with pytest.raises(Missing):
        answering(gone).update_one("M-7", {"tel": "1"})


NOBODYS_WORD = [
    httpx.Response(404, html="<h1>Not found</h1>"),
    httpx.Response(404),
    httpx.Response(404, json={}),
    httpx.Response(422, html="<h1>No</h1>"),
    httpx.Response(400, text="bad request"),
    httpx.Response(200, html="<h1>We are back soon</h1>"),
    httpx.Response(202, text="later"),
    httpx.Response(408, json={"error": "Request timeout"}),
    httpx.Response(425, json={"error": "Too early"}),
    httpx.Response(503, json={"error": "Unavailable"}),
]


@pytest.mark.parametrize("answer", NOBODYS_WORD, ids=lambda answer: f"{answer.status_code} {answer.text[:9]}")
def test_what_go_mus_has_not_said_itself_says_nothing(answer: httpx.Response) -> None:
    for write in (lambda c: c.create([ADA]), lambda c: c.update_one("M-7", {"tel": "1"}), lambda c: c.delete(7)):
        with pytest.raises(Unclear):
            write(answering(answer))
    with pytest.raises(Retryable):
        answering(answer).read("M-7")


@pytest.mark.parametrize("status", [409, 423, 429])
def test_what_was_turned_away_is_no_fault_of_the_record(status: int) -> None:
    with pytest.raises(Retryable):
        answering(httpx.Response(status, json={"error": "Not now"})).update([ADA])


@pytest.mark.parametrize("status", [408, 409, 423, 425, 500, 503])
def test_a_create_that_was_not_simply_refused_may_have_been_done(status: int) -> None:
    with pytest.raises(Unclear):
        answering(httpx.Response(status, json={"error": "Not now"})).create([ADA])


def redirecting(times: int) -> tuple[Client, list[str]]:
    """To the next customer, so many times; the last one answers."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) <= times:
            return httpx.Response(301, headers={"Location": f"/api/v4/customers/{len(asked)}"})
        return httpx.Response(200, json={"customer": {"id": times, "foreign_id": "M-9"}})

    return client(httpx.MockTransport(answer)), asked


@pytest.mark.parametrize("times", [1, 2, 5])
def test_who_was_merged_again_and_again_shows_who_is_left(times: int) -> None:
    calling, asked = redirecting(times)
    found = calling.read("M-7")
    assert (found and found.gomus_id, len(asked)) == (times, times + 1)


def test_a_redirect_without_an_end_is_no_customer_who_is_gone() -> None:
    calling, asked = redirecting(100)
    with pytest.raises(Fatal):
        calling.read("M-7")
    assert len(asked) < 10


@pytest.mark.parametrize(
    "there",
    [
        "https://elsewhere.example/api/v4/customers/1",
        "https://demo.gomus.de:8443/api/v4/customers/1",
        "http://demo.gomus.de/api/v4/customers/1",
        "/login",
        "/api/v4/customers/M-7/",
    ],
)
@pytest.mark.parametrize("call", [lambda c: c.read("M-7"), lambda c: c.delete("M-7")])
def test_the_token_follows_no_other_redirect(there: str, call: Callable[[Client], object]) -> None:
    with pytest.raises(Fatal):
        call(answering(httpx.Response(302, headers={"Location": there})))


def test_an_id_that_begins_with_a_digit_is_never_in_the_path_of_a_write() -> None:
    sandbox = Sandbox()
    calling, _ = on(sandbox)
    calling.create([{**ADA, "foreign_id": "2019-7"}])
    calling.update_one("2019-7", {"tel": "+49301"})
    assert [(str(call), call.customers) for call in sandbox.calls_to("PUT")] == [
        ("PUT /api/v4/customers", [{"foreign_id": "2019-7", "tel": "+49301"}])
    ]


def test_a_refusal_tells_why_without_the_values_that_were_sent() -> None:
    answer = httpx.Response(422, json={"error": "no", "errors": ["Email 'ada@example.org' of Ada is invalid"]})
    with pytest.raises(Refused) as caught:
        answering(answer).create([{**ADA, "email": "ada@example.org"}])
    assert caught.value.reasons == ("Email is invalid",)


def test_a_refusal_in_unknown_words_tells_the_status_and_the_fields_that_it_names() -> None:
    answer = httpx.Response(422, json={"errors": ["we like neither email nor Muster's tel"]})
    with pytest.raises(Refused) as caught:
        answering(answer).update([{**ADA, "email": "ada@home"}, {"foreign_id": "M-2", "surname": "Muster", "tel": "1"}])
    words = "go~mus refused it in words that are not in the catalogue (422); it names email, tel"
    assert caught.value.reasons == (words,)


@pytest.mark.parametrize(
    ("said", "is_taken"),
    [
        ("Foreign id has already been taken", True),
        ("Foreign has already been taken", True),
        ("Validation failed: Foreign has already been taken", True),
        ("Foreigner ist bereits vergeben", False),
        ("Die Fremd-ID von Anna Beispiel ist schon vergeben", True),
        ("Email has already been taken", False),
        ("Foreign id is invalid", False),
    ],
)
def test_that_an_id_is_taken_is_read_in_any_words(said: str, is_taken: bool) -> None:
    with pytest.raises(Refused) as caught:
        answering(httpx.Response(422, json={"error": said})).create([ADA])
    assert caught.value.says_taken is is_taken


def test_an_operator_says_which_sentences_to_trust() -> None:
    answer = httpx.Response(422, json={"error": "Anna Beispiel: Kunde hat offene Rechnungen!"})
    transport = httpx.MockTransport(lambda _request: answer)
    with pytest.raises(Refused) as caught:
        client(transport, sentences=["Kunde hat offene Rechnungen"]).delete("M-1")
    assert caught.value.reasons == ("Kunde hat offene Rechnungen",)


def sent_by(act: Callable[[Client], object]) -> httpx.Request:
    """The only request that a call makes."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"customer": {"id": 1}})

    act(client(httpx.MockTransport(answer)))
    [request] = requests
    return request


def test_a_deletion_has_no_body() -> None:
    assert sent_by(lambda calling: calling.delete("M-1")).content == b""


def test_one_customer_is_created_as_an_object_and_several_as_a_list() -> None:
    one, two = {"foreign_id": "M-1"}, {"foreign_id": "M-2"}
    requests = [sent_by(lambda calling, them=them: calling.create(them)) for them in ([one], [one, two])]
    assert [json.loads(request.content) for request in requests] == [{"customer": one}, {"customer": [one, two]}]


@pytest.mark.parametrize("rest", ["/api", "?x=1", "/api?x=1"])
def test_an_address_has_no_path_and_no_query(rest: str) -> None:
    with pytest.raises(ValueError, match="must have no path and no query"):
        GomusOptions.model_validate({"url": f"https://demo.gomus.de{rest}", "token": TOKEN})


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json={"error": "not found"}),
        httpx.Response(410, json={"error": "gone"}),
        httpx.Response(404, text="<h1>Not found</h1>"),
    ],
)
@pytest.mark.parametrize("call", [lambda c: c.whoami(), lambda c: c.lookup("country")])
def test_an_address_at_which_there_is_nothing_ends_the_run(
    answer: httpx.Response, call: Callable[[Client], object]
) -> None:
    with pytest.raises(Fatal, match="there is nothing at"):
        call(answering(answer))


def test_a_redirect_ends_the_run() -> None:
    with pytest.raises(Fatal):
        answering(httpx.Response(302, headers={"Location": "/x"})).read("M-1")


def test_a_page_for_people_is_no_answer() -> None:
    with pytest.raises(Retryable, match="something that is no JSON: is gomus"):
        answering(httpx.Response(200, html="<h1>Login</h1>")).read("M-1")


@pytest.mark.parametrize("odd", ["a/b", "..", ".", "a?b", "ä ö", "a%2Fb"])
def test_an_odd_id_stays_one_part_of_the_path(odd: str) -> None:
    paths: list[bytes] = []

    def see(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(404, json={"error": "customer not found"})

    client(httpx.MockTransport(see)).read(odd)
    assert paths[0].startswith(b"/api/v4/customers/")
    assert paths[0].count(b"/") == 4


# --- over real sockets ---


class _Catching(BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def elsewhere() -> Iterator[str]:
    _Catching.seen.clear()
    server = HTTPServer(("127.0.0.1", 0), _Catching)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_redirect_takes_the_token_nowhere(elsewhere: str) -> None:
    redirecting = httpx.MockTransport(lambda _r: httpx.Response(302, headers={"Location": f"{elsewhere}/api"}))
    with pytest.raises(Fatal, match="the token goes to no other"):
        client(redirecting).whoami()
    assert _Catching.seen == []


def test_a_netrc_does_not_replace_the_token(elsewhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    options = GomusOptions.model_validate({"url": elsewhere, "token": "ours"})
    with Client(options, sleep=lambda _: None) as calling, pytest.raises(Retryable):
        calling.whoami()
    assert set(_Catching.seen) == {"Bearer ours"}


def test_no_more_calls_at_once_than_allowed() -> None:
    sandbox = Sandbox(latency=0.03)
    with serve(create_app(sandbox)) as url:
        options = GomusOptions.model_validate({"url": url, "token": TOKEN, "concurrency": 3})
        with Client(options) as calling:
            threads = [threading.Thread(target=calling.read, args=(f"M-{n}",)) for n in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert sandbox.busiest == 3


def test_the_pace_is_kept() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(404, json={"error": "customer not found"}))
    options = GomusOptions.model_validate({"url": "https://demo.gomus.de", "token": TOKEN, "requests_per_second": 50})
    calling = Client(options, transport=transport)
    started = time.monotonic()
    for number in range(11):
        calling.read(f"M-{number}")
    assert time.monotonic() - started >= 0.19


def test_the_pace_is_little_slower_than_asked_for() -> None:
    now, starts = 7.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def answer(_request: httpx.Request) -> httpx.Response:
        starts.append(now)
        return httpx.Response(404, json={"error": "customer not found"})

    options = GomusOptions.model_validate({"url": "https://demo.gomus.de", "token": TOKEN, "requests_per_second": 50})
    calling = Client(options, transport=httpx.MockTransport(answer), clock=lambda: now, sleep=sleep)
    for number in range(5):
        calling.read(f"M-{number}")
    pauses = [after - before for before, after in pairwise(starts[1:])]
    assert pauses == pytest.approx([0.022] * 3)


# --- the wire ---

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "customer", "customers", "errors", "meta", "addresses", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_no_answer_makes_the_reader_fail(answer: object) -> None:
    read_customers(answer)
    read_list(answer)
    read_errors(answer)


def test_a_bare_list_is_read_as_one_under_any_key() -> None:
    entries = [{"id": 1, "name": "Herr", "code": " "}, {"name": "Frau"}]
    pages = [read_list(answer) for answer in (entries, {"any": entries, "meta": {"total_count": 2}})]
    assert [(page.entries, page.count, page.total) for page in pages if page] == [
        ((LookupEntry(id=1, names=("Herr",)),), 2, None),
        ((LookupEntry(id=1, names=("Herr",)),), 2, 2),
    ]
    assert [read_list(answer) for answer in ({"any": {}}, "list", None)] == [None, None, None]


def test_culprits_are_found_as_whole_words() -> None:
    assert find_named(["Customer M-1: Email is invalid"], ["M-1", "M-12", "M"]) == {"M-1"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"errors": {"email": ["is invalid", "is taken"], "tel": ["is bad"]}},
            ("email is invalid", "email is taken", "tel is bad"),
        ),
        ({"errors": {"0": {"email": ["is invalid"]}}}, ("email is invalid",)),
        ({"errors": ["Email is invalid"], "error": "could not be saved"}, ("Email is invalid",)),
        ({"errors": [], "error": "could not be saved"}, ("could not be saved",)),
        ({"message": "not now"}, ("not now",)),
        ([{"error": "x"}], ()),
    ],
)
def test_errors_are_read_in_every_shape(answer: object, told: tuple[str, ...]) -> None:
    assert read_errors(answer) == told


@pytest.mark.parametrize("foreign_id", ["", None])
def test_an_empty_foreign_id_is_none(foreign_id: str | None) -> None:
    (customer,) = read_customers({"customer": {"id": 1, "foreign_id": foreign_id}})
    assert customer.foreign_id is None


@pytest.mark.parametrize("number", [0, 7, 12345])
def test_a_foreign_id_that_is_a_number_is_text(number: int) -> None:
    (customer,) = read_customers({"id": 1, "foreign_id": number})
    assert customer.foreign_id == str(number)


@pytest.mark.parametrize(("id_", "numbers"), [(17, [17]), ("17", [17]), ("x17", []), ("²", []), (True, []), (None, [])])
def test_a_customer_without_a_number_is_none(id_: object, numbers: list[int]) -> None:
    assert [customer.gomus_id for customer in read_customers({"id": id_})] == numbers


def test_an_answer_in_several_parts_is_read_whole() -> None:
    parts = [b'{"customer": {"id": 1, "fore', b'ign_id": "M-1", "surname"', b': "M\xc3', b'\xbcller"}}']

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from parts

    answer = httpx.Response(200, headers={"Content-Type": "application/json"}, stream=Dripping())
    customer = answering(answer).read("M-1")
    assert customer is not None
    assert (customer.foreign_id, customer.fields["surname"]) == ("M-1", "Müller")


def test_what_a_write_does_not_name_is_not_said_and_what_a_read_does_not_name_is_empty() -> None:
    (written,) = read_customers({"id": 1, "tel": None})
    assert dict(written.fields) == {"tel": None}
    (seen,) = read_customers({"id": 1, "tel": "1"}, is_whole=True)
    assert (seen.fields["tel"], seen.fields["mobile"]) == ("1", None)
    assert "addr_category" not in seen.fields


def test_what_may_pass_is_no_refusal() -> None:
    assert not issubclass(Retryable, Refused)
    assert not issubclass(Unclear, Refused)


@pytest.mark.parametrize("length", [300_000, 10], ids=["long", "dripping"])
def test_the_rest_of_an_error_is_not_waited_for(length: int) -> None:
    head = b'HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"error": "'
    with saying(head + b"x" * length, b"x") as url:
        options = GomusOptions.model_validate({"url": url, "token": TOKEN, "timeout": "1s"})
        began = time.monotonic()
        with Client(options) as calling, pytest.raises(Refused):
            calling.update_one("M-1", {"surname": "Muster"})
    assert time.monotonic() - began < 2.2
