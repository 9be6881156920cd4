"""Lists that have the same people: which list each `same_as` names, and whether that makes sense."""

from collections.abc import Iterator

from syncd.config.model import Config, SyncConfig
from syncd.config.places import KeyPath, spell
from syncd.domain.nearest import suggest
from syncd.errors import Problem


def find_wrong_lists(config: Config) -> dict[KeyPath, Problem]:
    """Each `same_as` that names no list, its own, one of another instance, or leads round."""
    found: dict[KeyPath, Problem] = {}
    for sync in config.syncs.values():
        if message := _wrong_list(config, sync):
            place: KeyPath = ("sync", sync.name, "foreign_id", "same_as")
            found[place] = Problem(path=spell(place), message=message)
    return found


def _wrong_list(config: Config, sync: SyncConfig) -> str | None:
    if (same_as := sync.foreign_id.same_as) is None:
        return None
    if same_as.sync == sync.name:
        return "names its own sync: name that of the other list"
    other = config.syncs.get(same_as.sync)
    if other is None:
        return f"there is no [sync.{same_as.sync}]{suggest(same_as.sync, config.syncs)}"
    if other not in config.beside(sync):
        return f"[sync.{same_as.sync}] is of another instance: nobody has a customer in both"
    if sync.name in list(_each_before(config, other)):
        return f"[sync.{same_as.sync}] comes back to this list by its own same_as: one list must come first"
    return None


def _each_before(config: Config, sync: SyncConfig) -> Iterator[str]:
    """The lists that come before one, each once."""
    met: list[str] = []
    same_as = sync.foreign_id.same_as
    while same_as and same_as.sync not in met and (other := config.syncs.get(same_as.sync)):
        met.append(same_as.sync)
        yield same_as.sync
        same_as = other.foreign_id.same_as


def kin_of(config: Config, sync: SyncConfig) -> frozenset[str]:
    """The syncs of all lists that may have the same people, this one included."""
    pairs = [(one.name, one.foreign_id.same_as.sync) for one in config.syncs.values() if one.foreign_id.same_as]
    found: set[str] = set()
    new = {sync.name}
    while new:
        found |= new
        new = {one for pair in pairs for one in pair if not found.isdisjoint(pair)} - found
    return frozenset(found)
