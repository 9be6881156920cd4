"""What is learned of instances."""

from datetime import timedelta

from rows import NOW

from syncd.domain.records import LookupEntry
from syncd.state.store import Store


def test_what_is_learned_and_looked_up_is_kept_for_each_instance(store: Store) -> None:
    entries = (LookupEntry(id=1, names=("Herr", "mr")), LookupEntry(id=2, names=("Frau", "\ud800")))
    store.instances.learn("main", {"batch_size": "50"})
    store.instances.learn("main", {"batch_size": "25"})
    store.instances.keep_lookup("main", "salutation", "de", entries, NOW)
    before = NOW - timedelta(microseconds=1)
    assert store.instances.learned("main") == {"batch_size": "25"}
    assert store.instances.learned("test") == {}
    assert store.instances.lookup("main", "salutation", "de", since=before) == entries
    assert store.instances.lookup("main", "salutation", "de", since=NOW) is None  # it is too old
    assert store.instances.lookup("main", "salutation", "en", since=before) is None


def test_what_is_unlearned_is_of_one_instance_and_of_one_name(store: Store) -> None:
    for instance in ("main", "test"):
        store.instances.learn(instance, {"unique": "yes", "batch_size": "50"})
    store.instances.unlearn("main", ["unique"])
    assert [store.instances.learned(one) for one in ("main", "test")] == [
        {"batch_size": "50"},
        {"unique": "yes", "batch_size": "50"},
    ]
