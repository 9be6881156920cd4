"""Whose e-mail address is whose: who of a read would share one with another customer of the instance.

While records are read it notes addresses, as digests; once all are read it says who may have which. A customer keeps
the address that go~mus has; among those who are to get the same one the lower id wins, wherever it stands in the list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from syncd import reasons
from syncd.domain.changes import Create, Update
from syncd.domain.chunks import chunks
from syncd.domain.diff import Decision, Memory, Verdict, Wanted
from syncd.domain.records import Customer, FieldProblem, InvalidRecord
from syncd.domain.sharing import EMAIL, SharedEmail
from syncd.plan.spool import Seen, Spool
from syncd.state.emails import Holder
from syncd.state.recall import Recall


@dataclass(kw_only=True)
class Sharing:
    """`count` is how many would share an address by what is to be sent."""

    spool: Spool
    recall: Recall
    count: int = 0
    _noted: list[tuple[str, bytes | None, bool]] = field(default_factory=list)

    def note(self, customer: Customer, wanted: Wanted, memory: Memory, decision: Decision) -> None:
        """Take in one record that was compared."""
        if self.recall.shared_email is SharedEmail.ALLOW or EMAIL not in customer.fields:
            return
        value, change, known = customer.fields[EMAIL], decision.change, memory.known
        digest = None if value is None else self.recall.email(str(value))
        if isinstance(change, Create | Update) and EMAIL in change.fields:
            if digest is not None:
                self._noted.append((customer.foreign_id, digest, True))
        elif known and known.digests.fields.get(EMAIL) == wanted.as_known.fields.get(EMAIL):
            self._noted.append((customer.foreign_id, digest, False))

    def flush(self) -> None:
        self.spool.add_emails(self._noted)
        self._noted.clear()

    def judge(self) -> None:
        """Once all is read: whoever would share an address is invalid, or only counted."""
        is_refusing = self.recall.shared_email is SharedEmail.REFUSE
        for page in chunks(self._losers()):
            self.count += len(page)
            if is_refusing:
                self.spool.add_waiting(dict(page))
        for losers in chunks(self.spool.waiting().items()):
            refuse(self.spool, dict(losers))

    def _losers(self) -> Iterator[tuple[str, bytes]]:
        if self.recall.shared_email is SharedEmail.ALLOW:
            return
        before = None
        for page in chunks(self.spool.emails_to_send()):
            holders = self.recall.store.emails.holders({digest for digest, _ in page})
            for digest, foreign_id in page:
                others = set(holders.get(digest, ())) - {Holder(self.recall.sync, foreign_id)}
                if others or digest == before:
                    yield foreign_id, digest
                before = digest


def refuse(spool: Spool, waiting: Mapping[str, bytes]) -> list[InvalidRecord]:
    """Take back what follows for those who wait for an address, and list them; all of them have been read."""
    seen = spool.find_seen(list(waiting)).values()
    for foreign_id in waiting:
        spool.withdraw(foreign_id)
    spool.note_seen(Seen(one.foreign_id, one.source_digest, Verdict.INVALID, one.position) for one in seen)
    problem = FieldProblem(field=EMAIL, reason=reasons.EMAIL_TAKEN.tell())
    records = [InvalidRecord(foreign_id=one.foreign_id, position=one.position, problems=(problem,)) for one in seen]
    spool.add_invalid(records)
    spool.add_waiting(waiting)
    return records
