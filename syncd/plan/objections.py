"""What is said of records that can't be taken for a customer, whatever their fields hold."""

from syncd import reasons
from syncd.domain.records import FieldProblem, InvalidRecord, Position, SourceRecord
from syncd.errors import IncompleteRead
from syncd.plan.spool import Seen


def of_another_sync(record: SourceRecord, foreign_id: str, owner: str) -> InvalidRecord:
    problem = FieldProblem(field="foreign_id", reason=reasons.OF_ANOTHER_SYNC.tell(sync=owner))
    return InvalidRecord(foreign_id=foreign_id, position=record.position, problems=(problem,))


def shifted(record: SourceRecord, first: Seen) -> IncompleteRead:
    return IncompleteRead(
        str(record.position),
        f"the record stands at {first.position} too: the list has shifted while it was read, and may have lost others",
        remedy="the next run reads it anew; let the source sort by something that never changes, such as its own id",
    )


def standing_twice(foreign_id: str, position: Position, first: Position) -> InvalidRecord:
    """Records that contradict each other are invalid each, and name the first of them."""
    problem = FieldProblem(field="foreign_id", reason=reasons.TWICE.tell(first=first))
    return InvalidRecord(foreign_id=foreign_id, position=position, problems=(problem,))


def earlier_of(one: Position, other: Position) -> Position:
    return other if one.source == other.source and (other.line or 0) < (one.line or 0) else one
