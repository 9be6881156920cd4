"""Which customers of go~mus the records of a read are: as their column says, or as was found out before.

What a person, or `link`, has said of a record goes before what stands in its column.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from syncd import reasons
from syncd.domain.diff import Verdict
from syncd.domain.matches import Match, Word
from syncd.domain.records import FieldProblem, InvalidRecord, Position, SourceRecord
from syncd.mapping.mapper import Mapper
from syncd.mapping.numbers import FIELD
from syncd.plan.spool import Seen, Spool
from syncd.state.recall import Recall

UNFIT = (Verdict.INVALID, Verdict.CONTRADICTED, Verdict.ERASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Without a number the record is created as any; with a `problem` it is neither created nor linked."""

    gomus_id: int | None = None
    is_decided: bool = False
    problem: FieldProblem | None = None


NONE = Claim()


def find_claims(mapper: Mapper, recall: Recall, records: Mapping[str, SourceRecord]) -> dict[str, Claim]:
    """Whom these records, none of which is known yet, are said to be; nothing of those that are new to go~mus."""
    found = recall.store.matches.find(recall.sync, list(records))
    claims = {one: _said(found[one]) for one in records if one in found}
    for foreign_id, record in records.items() if mapper.numbers else ():
        if foreign_id not in claims and not record.deleted:
            claims[foreign_id] = _written(mapper.numbers.of(record.values))
    return claims


def _said(match: Match) -> Claim:
    if match.word is Word.OPEN:
        return Claim(problem=FieldProblem(field="foreign_id", reason=reasons.UNDECIDED.tell()))
    gomus_id = match.gomus_id if match.word is Word.LINK else None
    return Claim(gomus_id=gomus_id, is_decided=match.by is not None)


def _written(number: int | FieldProblem | None) -> Claim:
    return Claim(problem=number) if isinstance(number, FieldProblem) else Claim(gomus_id=number)


def refuse_shared(spool: Spool) -> None:
    """A customer is one record: of several that claim the same, none is sent."""
    claims: dict[int, list[str]] = {}
    for number, foreign_id in spool.shared_claims():
        claims.setdefault(number, []).append(foreign_id)
    for ids in claims.values():
        seen = spool.find_seen(ids)
        there = [one for one in seen.values() if one.verdict is not Verdict.GONE]
        for one in _each_fit(there if len(there) > 1 else ()):
            first = next(other.position for other in there if other is not one)
            spool.withdraw(one.foreign_id)
            spool.add_invalid([_shared(one, first)])
            spool.note_seen([Seen(one.foreign_id, one.source_digest, Verdict.INVALID, one.position)])


def _each_fit(seen: Iterable[Seen]) -> Iterator[Seen]:
    return (one for one in seen if one.verdict not in UNFIT)


def _shared(one: Seen, other: Position) -> InvalidRecord:
    problem = FieldProblem(field=FIELD, reason=reasons.NUMBER_TWICE.tell(first=other))
    return InvalidRecord(foreign_id=one.foreign_id, position=one.position, problems=(problem,))
