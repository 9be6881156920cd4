"""The spool gives back what was put into it."""

import pytest

from syncd.domain.changes import Cause, Change, Create, Ending, Erase, Update
from syncd.domain.records import Digests
from syncd.plan.spool import Spool

DIGESTS = Digests(record=b"record", fields={"name": b"n", "tel": b"t"}, shown={"notes": b"s"})
EARLIER = Digests(record=b"earlier", fields={"name": b"o"}, scheme=1)


@pytest.mark.parametrize(
    "change",
    [
        Create(
            foreign_id="M-ü", fields={"name": "Käthe\ud800", "is_institution": True}, digests=DIGESTS, source_digest=b""
        ),
        Create(foreign_id="M-1", fields={}, digests=DIGESTS, source_digest=b"", gomus_id=2**40, is_decided=True),
        Update(
            foreign_id="M-2",
            gomus_id=2**40,
            fields={"name": None, "addr_country_id": 60},
            digests=DIGESTS,
            source_digest=b"source",
            before=EARLIER,
            exchanged=("name",),
            is_adopted=True,
            kept=("tel",),
        ),
        Erase(
            foreign_id="M-3",
            gomus_id=None,
            cause=Cause.REQUEST,
            ending=Ending.KEEP,
            anonymized=True,
            is_approved=True,
        ),
    ],
)
def test_a_change_comes_out_of_the_spool_as_it_was_put_in(change: Change) -> None:
    with Spool() as spool:
        spool.add_changes([change])
        assert list(spool.changes(type(change))) == [change]
