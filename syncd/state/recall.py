"""What a run asks the state database about one sync where the key or the time decides the answer; it writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from unicodedata import normalize

from syncd.domain.changes import Action, Cause
from syncd.domain.chunks import chunks
from syncd.domain.digest import Digester
from syncd.domain.sharing import SharedEmail
from syncd.state.absences import Counting
from syncd.state.erasures import NOBODY, Erased
from syncd.state.ledger import ERASURE
from syncd.state.mergers import Merger
from syncd.state.store import Store
from syncd.state.tombstones import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """`now` is the moment of the run, by which pauses are judged to be over.

    `unclear` are those whose create may still come to pass; `resends` says that others may be sent again, if the source
    still has them. `waiting` are those whose erasure was begun before and has changed nothing yet; one who is still
    absent is planned anew. `others` are the syncs of the same instance that have a state. `linking` are the numbers of
    customers who may still get another foreign_id. `absence_context` is the digest of what decides absence in the
    configuration, `counting` under which one it was counted and judged so far. `mergers` are the records that went into
    another one, `kin` the syncs of lists that may have the same people, this one included.
    """

    store: Store
    digester: Digester
    sync: str
    instance: Instance
    now: datetime
    erased: Erased = NOBODY
    unclear: frozenset[str] = frozenset()
    resends: bool = False
    waiting: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    shared_email: SharedEmail = SharedEmail.ALLOW
    linking: frozenset[int] = frozenset()
    absence_context: bytes = b""
    counting: Counting = field(default_factory=Counting)
    mergers: Mapping[str, Merger] = field(default_factory=dict)
    kin: frozenset[str] = frozenset()

    def is_merging(self, foreign_id: str) -> bool:
        """Whether its record went into another one, and go~mus may still have two customers."""
        return (merger := self.mergers.get(foreign_id)) is not None and merger.is_open

    @property
    def counts_anew(self) -> bool:
        return self.counting.counted_for not in (None, self.absence_context)

    @property
    def is_configuration_new(self) -> bool:
        """Whether no run has judged absence under this configuration yet."""
        return self.counting.judged_for not in (None, self.absence_context)

    def email(self, address: str) -> bytes:
        """The digest of an address, the same in all syncs of the instance."""
        return self.digester.email(address, self.instance.address)

    def lacks_emails(self) -> bool:
        """Whether no complete read has told of addresses yet: each record has to be compared once for it."""
        return self.shared_email is not SharedEmail.ALLOW and not self.store.has_read_emails(self.sync)

    def is_email_free(self) -> bool:
        """Whether somebody waits for an e-mail address that may be sent now."""
        if self.shared_email is SharedEmail.REFUSE:
            return self.store.emails.is_one_free(self.sync)
        return self.store.emails.is_waiting(self.sync)

    def is_unexplained(self, absent_since: datetime | None) -> bool:
        """Whether no person has said of this absence that it is one."""
        accepted = self.counting.accepted_at
        return not (accepted and absent_since and absent_since <= accepted)

    def owners(self, foreign_ids: Sequence[str]) -> Mapping[str, str]:
        """The other sync of the instance that each of these ids belongs to, in whichever Unicode form it has it."""
        if not self.others:
            return {}
        forms = {normalize(form, one) for one in foreign_ids for form in ("NFC", "NFD")}
        found = self.store.owners(self.others, forms.union(foreign_ids))
        owners = {normalize("NFC", name): sync for name, sync in found.items()}
        return {one: owners[name] for one in foreign_ids if (name := normalize("NFC", one)) in owners}

    def shared_rows(self) -> list[int]:
        """The rows of those who may belong to another sync too, by `owners`; nobody else does."""
        rows = self.store.known.shared(self.sync, self.others)
        unusual = self.store.known.each_unusual(self.sync) if self.others else ()
        unclear = (one for sync in self.others for one in self.store.journal.unclear(sync))
        for page in chunks(chain((one.foreign_id for one in unusual), unclear)):
            rows += [one.row for one in self.store.known.find_briefs(self.sync, list(self.owners(page)))]
        return rows

    def is_ledger_ahead(self) -> bool:
        """Whether it lists somebody of whom the state knows no request: it was lost, or is an older one."""
        if not (listed := self.erased.times):
            return False
        known = {one.ledger.hex() for one in self.store.tombstones.requested(self.instance) if one.ledger}
        return not known.issuperset(listed)

    def tombstones(self, foreign_ids: Sequence[str]) -> Mapping[str, Cause]:
        """Why these customers were erased, also where only the ledger knows."""
        found = self._tombstones(foreign_ids)
        return {**found, **dict.fromkeys(self.erased.among(foreign_ids), Cause.REQUEST)}

    def forgotten(self, foreign_ids: Sequence[str]) -> list[str]:
        """Those of them whose erasure on request only the ledger knows: the state was lost, or is an older one."""
        listed = self.erased.among(foreign_ids)
        found = self._tombstones(listed) if listed else {}
        return [foreign_id for foreign_id in listed if found.get(foreign_id) is not Cause.REQUEST]

    def _tombstones(self, foreign_ids: Sequence[str]) -> dict[str, Cause]:
        if self.store.tombstones.is_empty():
            return {}
        names = {self.digester.name(foreign_id): foreign_id for foreign_id in foreign_ids}
        return {names[name]: cause for name, cause in self.store.tombstones.find(self.instance, list(names)).items()}

    def remembered(self, foreign_ids: Sequence[str]) -> frozenset[str]:
        """Those of them that something still hangs on: known, erased on request, refused, or perhaps to be created."""
        if not foreign_ids:
            return frozenset()
        known = {one.foreign_id for one in self.store.known.find_briefs(self.sync, foreign_ids)}
        erased = {one for one, cause in self.tombstones(foreign_ids).items() if cause is Cause.REQUEST}
        refused = self.store.failures.find_refused(self.sync, foreign_ids).keys()
        return frozenset(known | erased | refused | self.unclear.intersection(foreign_ids))

    def refused(self, foreign_ids: Sequence[str]) -> Mapping[str, bytes]:
        """Content digests of the refused records whose pause is not over."""
        found = self.store.failures.find_refused(self.sync, foreign_ids)
        return {name: row.content for name, row in found.items() if row.next_try_at > self.now}

    def rests(self, foreign_ids: Sequence[str]) -> frozenset[str]:
        """Whose erasure was refused, while its pause is not over."""
        return frozenset(name for name, content in self.refused(foreign_ids).items() if content == ERASURE)

    def set_aside(self) -> Mapping[str, Action]:
        """Everybody in the quarantine, with what was refused; also those whose pause is over."""
        return {row.foreign_id: Action(row.action) for row in self.store.failures.refused(self.sync)}

    def is_retry_due(self) -> bool:
        """Whether somebody's pause is over: their record has to be read again to be tried again."""
        return any(row.next_try_at <= self.now for row in self.store.failures.refused(self.sync))
