"""What the state database knows, as the run of one sync asks for it; nothing here writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.domain.changes import Action, Cause
from syncd.domain.digest import Digester
from syncd.domain.records import KnownBrief, KnownCustomer
from syncd.state.runs import Watermark
from syncd.state.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """`now` is the moment of the run, by which pauses are judged to be over."""

    store: Store
    digester: Digester
    sync: str
    now: datetime

    def known(self, foreign_ids: Sequence[str]) -> Mapping[str, KnownCustomer]:
        return self.store.known.find(self.sync, foreign_ids)

    def tombstones(self, foreign_ids: Sequence[str]) -> Mapping[str, Cause]:
        names = {self.digester.name(foreign_id): foreign_id for foreign_id in foreign_ids}
        return {names[name]: cause for name, cause in self.store.tombstones.find(self.sync, list(names)).items()}

    def refused(self, foreign_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Content digests of the refused records whose pause is not over."""
        found = self.store.failures.find_refused(self.sync, foreign_ids)
        return {name: row.content for name, row in found.items() if row.next_try_at > self.now}

    def set_aside(self) -> Mapping[str, Action]:
        """Everybody in the quarantine, with what was refused; also those whose pause is over."""
        return {row.foreign_id: Action(row.action) for row in self.store.failures.refused(self.sync)}

    def is_retry_due(self) -> bool:
        """Whether somebody's pause is over: their record has to be read again to be tried again."""
        return any(row.next_try_at <= self.now for row in self.store.failures.refused(self.sync))

    def watermark(self) -> Watermark | None:
        return self.store.runs.watermark(self.sync)

    def each_known(self) -> Iterable[KnownBrief]:
        return self.store.known.each(self.sync)

    def each_told_gone(self) -> Iterable[KnownBrief]:
        return self.store.known.each_told_gone(self.sync)

    def briefs(self, foreign_ids: Sequence[str]) -> Sequence[KnownBrief]:
        return self.store.known.find_briefs(self.sync, foreign_ids)

    def count_known(self) -> int:
        return self.store.known.count(self.sync)

    def nameless(self) -> Mapping[bytes, datetime]:
        return self.store.failures.nameless(self.sync)
