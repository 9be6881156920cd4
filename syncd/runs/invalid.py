"""Tells which records of a read are invalid, and lists them in the place of those of earlier reads."""

from collections.abc import Mapping, Sequence

import structlog

from syncd.domain.records import InvalidRecord
from syncd.plan.plan import Plan
from syncd.state.failures import InvalidRow
from syncd.state.ledger import Ledger

log = structlog.get_logger()


def note_invalid(plan: Plan, ledger: Ledger) -> None:
    for record in plan.spool.invalid():
        _tell(record)
    among = None if plan.is_snapshot else plan.spool.each_seen()
    listed = set(ledger.store.failures.erased(ledger.sync))
    names = (ledger.digester.name(one) for one in (plan.spool.each_seen() if listed and among else ()))
    with ledger.writing() as store:
        store.failures.replace_invalid(
            ledger.sync,
            ledger.run_id,
            plan.spool.invalid(),
            among=among,
            erased_among=(name for name in names if name in listed),
        )


def note_another_invalid(ledger: Ledger, records: Sequence[InvalidRecord], waiting: Mapping[str, bytes]) -> None:
    """Of records that became invalid after the plan was made: they wait for an e-mail address."""
    for record in records:
        _tell(record)
    with ledger.writing() as store:
        store.failures.add_invalid(ledger.sync, ledger.run_id, records)
        store.emails.wait(ledger.sync, waiting)


def note_same_invalid(ledger: Ledger) -> None:
    """Where the read would list those who are listed already."""
    for row in ledger.store.failures.invalid(ledger.sync):
        _tell(row)
    with ledger.writing() as store:
        store.failures.found_again(ledger.sync, ledger.run_id)


def _tell(record: InvalidRecord | InvalidRow) -> None:
    log.warning(
        "source.invalid_record",
        foreign_id=record.foreign_id,
        position=str(record.position),
        problems=[str(problem) for problem in record.problems],
    )
