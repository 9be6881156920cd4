"""What the state database knows, as the run of one sync asks for it; nothing here writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.domain.changes import Action, Cause
from syncd.domain.digest import Digester
from syncd.domain.records import KnownBrief, KnownCustomer
from syncd.state.store import Store, Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """`now` is the moment of the run, by which pauses are judged to be over."""

    store: Store
    digester: Digester
    sync: str
    now: datetime

    def known(self, foreign_ids: Sequence[str]) -> Mapping[str, KnownCustomer]:
        return self.store.find_known(self.sync, foreign_ids)

    def tombstones(self, foreign_ids: Sequence[str]) -> Mapping[str, Cause]:
        names = {self.digester.name(foreign_id): foreign_id for foreign_id in foreign_ids}
        found = self.store.find_tombstones(self.sync, list(names))
        return {names[name]: Cause(reason) for name, reason in found.items()}

    def refused(self, foreign_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Content digests of the refused records whose pause is not over."""
        found = self.store.find_quarantine(self.sync, foreign_ids)
        return {name: row.content for name, row in found.items() if row.next_try_at > self.now}

    def set_aside(self) -> Mapping[str, Action]:
        """Everybody in the quarantine, whether their pause is over or not, and what was refused."""
        return {row.foreign_id: Action(row.action) for row in self.store.quarantine(self.sync)}

    def is_retry_due(self) -> bool:
        """Whether somebody's pause is over: their record has to be read again to be tried again."""
        return any(row.next_try_at <= self.now for row in self.store.quarantine(self.sync))

    def watermark(self) -> Watermark | None:
        return self.store.watermark(self.sync)

    def each_known(self) -> Iterable[KnownBrief]:
        return self.store.each_known(self.sync)

    def each_told_gone(self) -> Iterable[KnownBrief]:
        return self.store.each_told_gone(self.sync)

    def briefs(self, foreign_ids: Sequence[str]) -> Sequence[KnownBrief]:
        return self.store.find_briefs(self.sync, foreign_ids)

    def count_known(self) -> int:
        return self.store.count_known(self.sync)

    def nameless(self) -> Mapping[bytes, datetime]:
        return self.store.nameless(self.sync)
