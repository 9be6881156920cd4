"""One customer gets another foreign_id: written down before and after, whichever sync it was of."""

from dataclasses import dataclass, replace

from syncd.delivery.delivery import Delivery
from syncd.delivery.outcomes import failed, updated
from syncd.delivery.renaming import Renaming
from syncd.domain.changes import Action, Create, Outcome
from syncd.domain.records import Stage
from syncd.errors import CallFailed
from syncd.runs.account import Account
from syncd.state.ledger import Ledger
from syncd.state.likeness import Person

LEAVING = "the customer with the old id is being erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamer:
    delivery: Delivery
    ledger: Ledger
    account: Account

    def rename(self, create: Create, old: Person) -> Outcome | str:
        """What came of it; a text where the customer under its old id is no longer there to be renamed.

        `create` is the record that has the new id.
        """
        sync, foreign_id = old
        known = self.ledger.store.known.find_one(sync, foreign_id)
        if known is None or known.gomus_id is None or known.stage is not Stage.ACTIVE:
            return LEAVING
        renaming = Renaming(delivery=self.delivery, create=create, known=known)
        change = renaming.change(known.gomus_id)
        intent = None
        try:
            remote = renaming.find()
            (intent,) = self.ledger.begin([change], Action.LINK)
            digests = renaming.memory(renaming.rename(remote))
        except CallFailed as failure:
            outcome = replace(failed(change, failure, Action.LINK), refused=False)
            self.ledger.settle([(intent, outcome)] if intent is not None else [])
        else:
            outcome = replace(updated(change, digests), action=Action.LINK)
            self.ledger.link(intent, outcome, known, sync)
        self.account.report(outcome)
        return outcome
