"""The journal: intents stay open until they are settled, and every line is found again."""

from dataclasses import replace

from rows import LATER, NOW, create, ids, outcome

from syncd.domain.changes import Action
from syncd.state.store import Store


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
