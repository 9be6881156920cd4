"""The journal: intents stay open until they are settled, and every line is found again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from rows import LATER, NOW, create, ids, outcome

from syncd.domain.changes import Action, Result
from syncd.state.store import Store

SECOND = timedelta(seconds=1)


def test_intents_are_numbered_in_their_order_and_open_until_settled(store: Store) -> None:
    changes = [create(name, "name", "tel") for name in ids(1_500)]
    numbers = store.journal.begin("run", "members", changes, Action.CREATE, NOW)
    begun = list(zip(numbers, ids(1_500), strict=True))
    assert [(intent.number, intent.foreign_id) for intent in store.journal.open_intents("members")] == begun
    outcomes = [(number, outcome(change)) for number, change in zip(numbers, changes, strict=True)]
    store.journal.settle(outcomes[1:], LATER)
    (left,) = store.journal.open_intents("members")
    assert (left.foreign_id, left.action, left.begun_at) == ("M-00000", Action.CREATE, NOW)
    (line,) = store.journal.of_customer("members", "M-00000")
    assert (line.run_id, line.fields, line.settled_at, line.result) == ("run", ("name", "tel"), None, None)
    assert store.journal.open_intents("donors") == []


def test_processes_that_begin_at_once_share_no_number(store: Store, other: Store) -> None:
    def begin_some(of: Store, sync: str) -> list[int]:
        changes = [create(name) for name in ids(20)]
        return [number for _ in range(10) for number in of.journal.begin("run", sync, changes, Action.CREATE, NOW)]

    with ThreadPoolExecutor() as pool:
        numbers = list(pool.map(begin_some, (store, other), ("members", "donors")))
    assert len({*numbers[0], *numbers[1]}) == 400
    open_now = [[intent.number for intent in store.journal.open_intents(sync)] for sync in ("members", "donors")]
    assert open_now == numbers


def test_the_journal_of_a_customer_has_the_latest_first(store: Store) -> None:
    for run_id, change in (("run-1", create("M-1")), ("run-2", create("M-1", "name", "tel"))):
        (number,) = store.journal.begin(run_id, "members", [change], Action.CREATE, NOW)
        store.journal.settle([(number, outcome(change, action=Action.ADOPT, error="found"))], LATER)
    latest, first = store.journal.of_customer("members", "M-1")
    assert (latest.run_id, latest.fields, latest.action) == ("run-2", ("name", "tel"), "adopt")
    assert (latest.settled_at, latest.result, latest.gomus_id) == (LATER, "ok", 5)
    assert (latest.status, latest.attempts, latest.error) == (201, 1, "found")
    assert (first.error, first.fields) == ("found", ())
    assert [line.run_id for line in store.journal.of_customer("members", "M-1", limit=1)] == ["run-2"]


def test_what_was_found_by_looking_is_a_line_of_its_own_and_open_only_while_it_is_unclear(store: Store) -> None:
    clear, unclear = (outcome(create(name), action=Action.ADOPT, error="found") for name in ("M-1", "M-2"))
    store.journal.note("run", "members", [clear], NOW)
    store.journal.note("run", "members", [replace(unclear, settled=False)], NOW)
    (line,) = store.journal.of_customer("members", "M-1")
    assert (line.action, line.result, line.gomus_id, line.settled_at) == ("adopt", "ok", 5, NOW)
    assert (line.status, line.attempts, line.error) == (201, 1, "found")
    (open_line,) = store.journal.of_customer("members", "M-2")
    assert (open_line.action, open_line.gomus_id, open_line.result, open_line.error) == ("adopt", 5, None, None)
    assert [intent.foreign_id for intent in store.journal.open_intents("members")] == ["M-2"]


def begin(store: Store, foreign_id: str, *fields: str, sync: str = "members", action: Action = Action.UPDATE) -> int:
    [number] = store.journal.begin("run", sync, [create(foreign_id, *fields)], action, NOW)
    return number


def test_what_is_sent_again_has_the_time_of_its_last_call_and_counts_its_rounds(store: Store) -> None:
    first, second = begin(store, "M-1"), begin(store, "M-2")
    store.journal.send_again([first], LATER)
    store.journal.send_again([first], LATER, is_round=True)
    store.journal.keep_open([second], LATER + SECOND)
    found = [(one.begun_at, one.sent_at, one.round) for one in store.journal.open_intents("members")]
    assert found == [(NOW, LATER, 1), (NOW, LATER + SECOND, 0)]


def test_an_open_intent_is_closed_by_what_a_look_made_of_it(store: Store) -> None:
    begin(store, "M-1")
    begin(store, "M-2")
    first, second = store.journal.open_intents("members")
    store.journal.close(first, "skipped", gomus_id=7, words="cut off", at=LATER)
    assert store.journal.open_intents("members") == [second]
    [line] = store.journal.of_customer("members", "M-1")
    assert (line.result, line.gomus_id, line.error, line.attempts, line.settled_at) == (
        "skipped",
        7,
        "cut off",
        0,
        LATER,
    )


def test_a_write_that_is_open_in_any_sync_may_still_bring_a_customer(store: Store) -> None:
    begin(store, "M-1", sync="donors", action=Action.CREATE)
    begin(store, "M-2", action=Action.DELETE)
    store.journal.settle([(begin(store, "M-3"), outcome(create("M-3")))], LATER)
    syncs = ["members", "donors"]
    assert [store.journal.has_open_write(syncs, name) for name in ("M-1", "M-2", "M-3", "M-4")] == [True, *[False] * 3]
    assert not store.journal.has_open_write(["members"], "M-1")


def test_unclear_are_those_whose_create_is_open(store: Store) -> None:
    begin(store, "M-1", action=Action.CREATE)
    begin(store, "M-2")
    begin(store, "D-1", sync="donors", action=Action.CREATE)
    store.journal.settle([(begin(store, "M-3", action=Action.CREATE), outcome(create("M-3")))], LATER)
    assert store.journal.unclear("members") == {"M-1"}


def test_the_outcomes_of_a_run_are_counted(store: Store) -> None:
    changed = [outcome(create(name, "tel", "fax")) for name in ids(3)]
    refused = outcome(create("M-9", "tel"), result=Result.FAILED, error="tel: is bad")
    said = outcome(create("M-8", "fax"), error="left as go~mus has it: fax")
    for one in (*changed, refused, said):
        number = begin(store, one.change.foreign_id, *one.change.fields, action=Action.CREATE)
        store.journal.settle([(number, one)], LATER)
    begin(store, "M-7", "tel")
    store.journal.begin("another", "members", [create("M-1", "tel")], Action.UPDATE, NOW)
    journal = store.journal
    assert journal.count_outcomes("run") == {("create", "ok"): 4, ("create", "failed"): 1, ("update", "open"): 1}
    assert journal.count_fields("run", ["create"]) == {"tel": 3, "fax": 4}
    assert journal.count_fields("run", ["update"]) == {}
    assert [line.foreign_id for line in journal.remarks_of("run", 5)] == ["M-9", "M-8"]
    assert [line.foreign_id for line in journal.remarks_of("run", 1)] == ["M-9"]
