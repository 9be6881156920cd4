"""Creates whose fate is unknown, at the end of a run: who is not to be expected any more, and how many are left."""

from collections.abc import Iterable
from datetime import datetime

import structlog

from syncd.domain.changes import Action, Result
from syncd.domain.chunks import chunks
from syncd.domain.diff import Verdict
from syncd.plan.plan import Plan
from syncd.runs.account import Account
from syncd.runs.world import Sync
from syncd.state.journal import OpenIntent
from syncd.state.ledger import Ledger

log = structlog.get_logger()
NOT_WANTED = (Verdict.GONE, Verdict.ERASED)


def close_who_left(ledger: Ledger, plan: Plan, overdue: Iterable[OpenIntent]) -> None:
    """Whoever is not to be made any more, and was looked for when its time was over, is not to be expected."""
    for page in chunks(overdue):
        seen = plan.spool.find_seen([intent.foreign_id for intent in page])
        for intent in page:
            verdict = seen[intent.foreign_id].verdict if intent.foreign_id in seen else None
            if verdict in NOT_WANTED or (verdict is None and plan.is_snapshot):
                ledger.settle_open(intent, Result.FAILED, words="never found, and no longer in the list")


def tell_unclear(sync: Sync, ledger: Ledger, account: Account) -> datetime | None:
    """Count them; answers when the last of them may be sent again."""
    unclear = [one for one in ledger.store.journal.open_intents(sync.name) if one.action is Action.CREATE]
    if not unclear:
        return None
    account.outcomes["unclear"] = len(unclear)
    until = max(intent.sent_at for intent in unclear) + sync.gomus.settle + sync.gomus.longest_wait
    remedy = "they are looked for by each run, and sent again alone where they are not found by then"
    log.warning("run.unclear", count=len(unclear), until=until, remedy=remedy)
    return until
