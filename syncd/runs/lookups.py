"""The lists that names are looked up in: kept for a day, then fetched again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.domain.records import LookupEntry
from syncd.mapping.lookups import Lookup
from syncd.runs.world import Sync, World

LOOKUP_AGE = timedelta(days=1)  # the vendor asks to refresh salutations and titles once a day


def find_lookups(sync: Sync, world: World, now: datetime) -> dict[str, Lookup]:
    """Those that the mapping needs. Raises as `Client.lookup` does."""
    return {kind: Lookup(kind, _entries(sync, world, kind, now)) for kind in sorted(sync.mapper.lookups_needed)}


def _entries(sync: Sync, world: World, kind: str, now: datetime) -> Sequence[LookupEntry]:
    """From the cache if it was fetched within a day, otherwise from go~mus."""
    cache, locale = world.store.instances, sync.gomus.locale
    kept = cache.lookup(sync.instance, kind, locale, since=now - LOOKUP_AGE)
    if kept is not None:
        return kept
    entries = world.client.lookup(kind)
    cache.keep_lookup(sync.instance, kind, locale, entries, now)
    return entries
