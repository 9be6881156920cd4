"""What a read shows of the records that name another list of the same people, and who of them has left."""

from collections.abc import Collection
from datetime import datetime

from syncd.domain.diff import AbsencePolicy, Verdict
from syncd.plan.merging import UNSURE
from syncd.plan.reading import Partial, Read, Snapshot
from syncd.state.likeness import Likened

AS_BEFORE = (Verdict.UNCHANGED, *UNSURE)  # the record is the same, or what it says is not known


def liken(read: Read, policy: AbsencePolicy, *, offered: Collection[str], now: datetime) -> Likened:
    """`offered` are the customers whose absence is over and whom another list has.

    A record that has left its list counts until the grace time is over, and for as long as its own customer is known.
    """
    comparison, recall, spool = read.comparison, read.comparison.recall, read.comparison.spool
    if recall.kin <= {recall.sync}:
        return Likened()
    absent, returned, over = list[str](), list[str](), list[str]()
    for page in recall.store.likeness.each(recall.sync):
        ids = [foreign_id for foreign_id, _ in page]
        seen, named = comparison.seen_among(ids), spool.likened_among(ids)
        known = {one.foreign_id for one in recall.store.known.find_briefs(recall.sync, ids)}
        for foreign_id, since in page:
            verdict = seen[foreign_id].verdict if foreign_id in seen else None
            if verdict is Verdict.GONE or (verdict is None and isinstance(read, Snapshot)):
                if since is None:
                    absent.append(foreign_id)
                elif _is_over(since, policy, now) and foreign_id not in known:
                    over.append(foreign_id)
            elif foreign_id in named or verdict in AS_BEFORE:
                returned += [foreign_id] if since else []
            elif verdict is not None:
                over.append(foreign_id)
    is_partial = isinstance(read, Partial)
    return Likened(
        named=spool.likened(), absent=absent, returned=returned, over=over, offered=None if is_partial else offered
    )


def _is_over(since: datetime, policy: AbsencePolicy, now: datetime) -> bool:
    is_hidden = policy.hidden_since is not None and policy.hidden_since >= since
    return not is_hidden and now - since >= policy.grace
