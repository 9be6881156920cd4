"""The lists that names are looked up in: kept for a day, then fetched again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.domain.records import LookupEntry
from syncd.mapping.lookups import Lookup
from syncd.runs.world import Sync, World
from syncd.state.store import Store

LOOKUP_AGE = timedelta(days=1)  # the vendor asks to refresh salutations and titles once a day


def find_lookups(sync: Sync, world: World, now: datetime) -> dict[str, Lookup]:
    """Those that the mapping needs. Raises as `Client.lookup` does."""
    return {kind: Lookup(kind, _entries(sync, world, kind, now)) for kind in sorted(sync.mapper.lookups_needed)}


def _entries(sync: Sync, world: World, kind: str, now: datetime) -> Sequence[LookupEntry]:
    """From the cache if it was fetched within a day, otherwise from go~mus."""
    kept = kept_entries(sync, world.store, kind, now)
    if kept is not None:
        return kept
    entries = world.client.lookup(kind)
    world.store.instances.keep_lookup(sync.instance, kind, sync.gomus.locale, entries, now)
    return entries


def kept_entries(sync: Sync, store: Store, kind: str, now: datetime) -> Sequence[LookupEntry] | None:
    """Those that were fetched within a day."""
    return store.instances.lookup(sync.instance, kind, sync.gomus.locale, since=now - LOOKUP_AGE)
