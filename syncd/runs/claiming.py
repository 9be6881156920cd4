"""Lets no address be sent that another customer has got since the plan was made, be it by another process."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from syncd.domain.changes import Create, Update
from syncd.domain.chunks import chunks
from syncd.domain.sharing import EMAIL, SharedEmail
from syncd.plan.sharing import refuse
from syncd.plan.spool import Spool
from syncd.runs.invalid import note_another_invalid
from syncd.state.ledger import Ledger

C = TypeVar("C", Create, Update)
AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """Whoever is about to get an address is written down before; `is_withdrawn` says who is not sent anyway."""

    ledger: Ledger
    spool: Spool
    is_withdrawn: Callable[[Create | Update], bool]

    def let_through(self, changes: Iterable[C]) -> Iterator[C]:
        """Those of the changes whose address nobody else has; they are judged shortly before they are sent."""
        if self.ledger.shared_email is not SharedEmail.REFUSE:
            yield from changes
            return
        for page in chunks(changes, AT_ONCE):
            sent = {one.foreign_id: one.fields.get(EMAIL) for one in page if not self.is_withdrawn(one)}
            salt, digester = self.ledger.instance.address, self.ledger.digester
            digests = {who: digester.email(str(email), salt) for who, email in sent.items() if email is not None}
            late = self.ledger.let_have_emails(digests) if digests else {}
            if late:
                note_another_invalid(self.ledger, refuse(self.spool, late), late)
            yield from (one for one in page if one.foreign_id not in late)
