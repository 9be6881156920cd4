"""Records that say that they went into another one, at the end of a read: into whom in the end, and who says nonsense.

Nothing is guessed: a record that went into itself, in a circle or to nobody is invalid, and stays as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncd import reasons
from syncd.domain.chunks import chunks
from syncd.domain.diff import Verdict
from syncd.domain.records import FieldProblem, InvalidRecord
from syncd.plan.reading import Read, Snapshot
from syncd.reasons import Told
from syncd.state.mergers import Merger

UNSURE = (Verdict.INVALID, Verdict.CONTRADICTED, Verdict.ERASED)  # whether it still has the mark is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """What is to be remembered: whose record went into whose, and of whom that is said no longer."""

    marked: Mapping[str, str | None] = field(default_factory=dict)
    unmarked: Sequence[str] = ()


def judge_mergers(read: Read) -> Merging:
    """Spool what is invalid. Only a complete read of all there is can say that an id is nobody's."""
    recall, marked = read.comparison.recall, dict[str, str | None]()
    for page in chunks(read.comparison.spool.mergers()):
        ends = {foreign_id: _end_of(read, foreign_id, into) for foreign_id, into, _ in page}
        elsewhere = {into for _, into, is_own in page if not is_own}
        circular = [foreign_id for foreign_id, end in ends.items() if end is None]
        found = {foreign_id: end for foreign_id, end in ends.items() if end is not None}
        unheard = _unheard(read, sorted(set(found.values()) - elsewhere))
        lost = [one for one, end in found.items() if end in unheard and one not in recall.mergers]
        _refuse(read, circular, reasons.MERGED_IN_A_CIRCLE.tell())
        _refuse(read, lost, reasons.MERGED_INTO_NOBODY.tell())
        known = {one.foreign_id for one in recall.store.known.find_briefs(recall.sync, list(found))}
        marked |= {one: end for one, end in found.items() if one in known | recall.mergers.keys() and one not in lost}
    closed, unmarked = _left_without_mark(read)
    marked |= dict.fromkeys(closed)
    news = {one: into for one, into in marked.items() if one not in recall.mergers or recall.mergers[one].into != into}
    return Merging(marked=news, unmarked=unmarked)


def _end_of(read: Read, foreign_id: str, into: str) -> str | None:
    """Whom it went into in the end, where that one went into another one itself; None where it goes round."""
    path = [foreign_id]
    following: str | None = into
    while following is not None:
        if following in path:
            return None
        path.append(following)
        following = read.comparison.spool.merged_into(following)
    return path[-1]


def _unheard(read: Read, foreign_ids: Sequence[str]) -> set[str]:
    """Those of them who are neither in the source nor known."""
    if not isinstance(read, Snapshot):
        return set()
    comparison, recall = read.comparison, read.comparison.recall
    return set(foreign_ids) - comparison.present_among(foreign_ids) - recall.remembered(foreign_ids)


def _refuse(read: Read, foreign_ids: Sequence[str], reason: Told) -> None:
    spool = read.comparison.spool
    for seen in spool.find_seen(foreign_ids).values():
        problem = FieldProblem(field="foreign_id", reason=reason)
        spool.add_invalid([InvalidRecord(foreign_id=seen.foreign_id, position=seen.position, problems=(problem,))])
        spool.note_seen([replace(seen, verdict=Verdict.INVALID)])


def _left_without_mark(read: Read) -> tuple[list[str], list[str]]:
    """Whom go~mus has merged though the source says so no longer, and whom nothing is to be remembered of any more."""
    closed, over, prefix = list[str](), list[str](), read.comparison.mapper.prefix
    for merger, verdict in _each_remembered(read):
        foreign_id = merger.foreign_id
        is_gone = verdict is Verdict.GONE or (verdict is None and isinstance(read, Snapshot))
        if verdict is Verdict.MERGED and read.comparison.spool.merged_into(foreign_id) is None:
            closed.append(foreign_id)
        elif is_gone:
            is_of_two_lists = not (merger.into or prefix).startswith(prefix)
            over += [foreign_id] if is_of_two_lists or not merger.is_open else []
        elif verdict not in (None, Verdict.MERGED, *UNSURE):
            over.append(foreign_id)
    return closed, over


def _each_remembered(read: Read) -> Iterator[tuple[Merger, Verdict | None]]:
    for page in chunks(read.comparison.recall.mergers.values()):
        seen = read.comparison.seen_among([merger.foreign_id for merger in page])
        for merger in page:
            verdict = seen[merger.foreign_id].verdict if merger.foreign_id in seen else None
            yield merger, verdict
