"""Prefixes that do not keep the ids of one sync apart from those of another sync of the same instance."""

from syncd.config.model import Config, SyncConfig
from syncd.errors import Problem

REMEDY = "give each sync of an instance a foreign_id.prefix of its own, of which none is the beginning of another"


def find_shared_prefix(config: Config, sync: SyncConfig) -> Problem | None:
    """Which other syncs of the instance may have the same ids; None where none may. An empty prefix nests in any."""
    others = [other for other in config.beside(sync) if _nest(sync, other)]
    if not others:
        return None
    named = ", ".join(f"{other.foreign_id.prefix!r} of the sync {other.name!r}" for other in others)
    message = f"{sync.foreign_id.prefix!r} and {named} are equal, or one begins with the other, in one instance"
    return Problem(path=f"sync.{sync.name}.foreign_id.prefix", message=message)


def _nest(one: SyncConfig, other: SyncConfig) -> bool:
    """Without regard to case, for some instances keep ids without it."""
    first, second = one.foreign_id.prefix.casefold(), other.foreign_id.prefix.casefold()
    return first.startswith(second) or second.startswith(first)
