"""Creates whose fate is unknown, at the end of a run: who is not to be expected any more, and how many are left."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import structlog

from syncd.domain.changes import Action, Result
from syncd.domain.chunks import chunks
from syncd.domain.diff import Verdict
from syncd.plan.plan import Plan
from syncd.state.journal import OpenIntent
from syncd.state.known import KnownRow
from syncd.state.ledger import Ledger

log = structlog.get_logger()
FOUND = "cut off; found in go~mus, and no longer in the list"
NEVER_FOUND = "never found, and no longer in the list"
NOT_WANTED = (Verdict.GONE, Verdict.ERASED, Verdict.MERGED, Verdict.SAME)


def close_who_left(ledger: Ledger, plan: Plan, overdue: Iterable[OpenIntent], found: Mapping[str, KnownRow]) -> None:
    """Whoever is not to be made any more, and was looked for when its time was over, is not to be expected.

    Those of them who were found are known from now on, so that they leave as others do.
    """
    for page in chunks(overdue):
        seen = plan.read.comparison.seen_among([intent.foreign_id for intent in page])
        for intent in page:
            verdict = seen[intent.foreign_id].verdict if intent.foreign_id in seen else None
            if verdict in NOT_WANTED or (verdict is None and plan.is_snapshot):
                row = found.get(intent.foreign_id)
                result, words = (Result.OK, FOUND) if row else (Result.FAILED, NEVER_FOUND)
                ledger.settle_open(intent, result, words=words, row=row)


def count_unmet(ledger: Ledger, overdue: Mapping[str, OpenIntent]) -> int:
    """How many were sent without a look before, and nobody knows whether go~mus had them; `overdue` were looked for."""
    intents = ledger.store.journal.open_intents(ledger.sync)
    return sum(intent.is_unmet and intent.foreign_id not in overdue for intent in intents)


def count_unclear(ledger: Ledger, patience: timedelta) -> int:
    """How many are open; the log says until when."""
    intents = ledger.store.journal.open_intents(ledger.sync)
    unclear = [intent.sent_at for intent in intents if intent.action is Action.CREATE or intent.is_unmet]
    if unclear:
        remedy = "each run looks for them; who is not found by then is sent again, alone"
        log.warning("run.unclear", count=len(unclear), until=max(unclear) + patience, remedy=remedy)
    return len(unclear)
