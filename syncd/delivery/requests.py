"""Erasures on request, as a run meets them: those that were open when it began, and those that come in meanwhile.

Whoever asks writes the tombstone at once, whoever holds the lease; the run under way learns of it between two calls.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.domain.changes import Cause, Change, Erase
from syncd.domain.digest import Digester
from syncd.domain.records import Stage
from syncd.state.store import Store
from syncd.state.tombstones import Instance

PAUSE = timedelta(seconds=1)  # between two questions
SLACK = timedelta(days=1)  # by which the clocks of two machines may differ


@dataclass(slots=True, kw_only=True)
class Requests:
    """One run's view. `taken` are the ids that it erases itself; nothing else is sent for anybody who is withdrawn.

    A run takes those given for its sync, and those with its prefix, for the sync may have had another name.
    """

    store: Store
    digester: Digester
    instance: Instance
    sync: str
    prefix: str
    clock: Callable[[], datetime]
    is_resting: Callable[[str], bool]
    taken: set[str] = field(default_factory=set)
    _pending: list[str] = field(default_factory=list)
    _withdrawn: set[bytes] = field(default_factory=set)
    _since: datetime | None = None
    _next_look: datetime | None = None

    def look(self, *, at_once: bool = False) -> bool:
        """Whether some came in since; the state is asked once a second. Raises StateUnusable."""
        now = self.clock()
        if self._next_look and now < self._next_look and not at_once:
            return False
        self._next_look, self._since = now + PAUSE, self._since or now - SLACK
        asked = self.store.tombstones.requested_lately(self.instance, self._since)
        found = [one for one in asked if one.name not in self._withdrawn]
        self._withdrawn |= {one.name for one in found}
        mine = [one.foreign_id for one in found if one.foreign_id and self._is_mine(one.sync, one.foreign_id)]
        self._pending += [foreign_id for foreign_id in mine if not self.is_resting(foreign_id)]
        self.taken |= set(mine)
        return bool(found)

    def _is_mine(self, sync: str, foreign_id: str) -> bool:
        return sync == self.sync or foreign_id.startswith(self.prefix)

    def is_withdrawn(self, change: Change) -> bool:
        """Whether it must not be sent, because its customer is erased on request."""
        if not self._withdrawn or (isinstance(change, Erase) and change.cause is Cause.REQUEST):
            return False
        return self.digester.name(change.foreign_id) in self._withdrawn

    def next(self, busy: Collection[str]) -> Erase | None:
        """The next erasure, by what is known of the customer at this moment; not of one that is `busy`."""
        foreign_id = next((one for one in self._pending if one not in busy), None)
        if foreign_id is None:
            return None
        self._pending.remove(foreign_id)
        known = self.store.known.find_one(self.sync, foreign_id)
        return Erase(
            foreign_id=foreign_id,
            gomus_id=known.gomus_id if known else None,
            cause=Cause.REQUEST,
            anonymized=known is not None and known.stage is Stage.ANONYMIZED,
        )
