"""What the source says of one record, and what would follow from it. Writes nothing anywhere."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from syncd.domain.changes import Change, Create, Update
from syncd.domain.chunks import chunks, until_stopped
from syncd.domain.diff import Verdict
from syncd.domain.records import InvalidRecord, SourceRecord
from syncd.mapping.columns import require_columns
from syncd.mapping.lookups import Lookup
from syncd.mapping.mapper import Mapper
from syncd.plan.spool import Spool
from syncd.runs.drawing import comparing
from syncd.runs.world import Sync
from syncd.state.recall import Recall


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """`records` are those with one of the ids, which is `foreign_id` as the source has it today.

    So many of them are `filtered`: left out by `where`. `verdict` is what becomes of them, `change` what of it would be
    sent; both are None where there is nothing.
    """

    foreign_id: str | None
    records: tuple[SourceRecord, ...] = field(repr=False)
    filtered: int
    verdict: Verdict | None
    change: Change | None
    invalid: tuple[InvalidRecord, ...]


def read_excerpt(  # noqa: PLR0913 - what it asks its caller while it reads
    sync: Sync,
    recall: Recall,
    lookups: Mapping[str, Lookup],
    foreign_ids: Collection[str],
    *,
    progress: Callable[[int], None],
    stop_if_asked: Callable[[], None] = lambda: None,
) -> Excerpt:
    """Read the whole source, from its start, for the records that have one of these ids.

    Raises IncompleteRead where it can't be read to its end, and what `stop_if_asked` raises.
    """
    found: list[SourceRecord] = []
    count = 0
    with Spool() as spool, sync.source.open() as reading:
        require_columns(sync.mapper.columns, reading.columns, reading.description, reading.hint)
        comparison = comparing(sync, recall, lookups)(reading=reading, spool=spool, recognises=False)
        for chunk in chunks(until_stopped(reading, stop_if_asked)):
            wanted = [record for record in chunk if _is_one_of(sync.mapper, record, foreign_ids)]
            comparison.take(wanted)
            found += wanted
            count += len(chunk)
            progress(count)
        seen = spool.find_seen(list(foreign_ids))
        changes = [change for kind in (Create, Update) for change in spool.changes(kind)]
        ids = [one for record in found if isinstance(one := sync.mapper.foreign_id_of(record), str)]
        return Excerpt(
            foreign_id=ids[0] if ids else None,
            records=tuple(found),
            filtered=comparison.tally["filtered"],
            verdict=next((one.verdict for one in seen.values()), None),
            change=changes[0] if changes else None,
            invalid=tuple(spool.invalid()),
        )


def _is_one_of(mapper: Mapper, record: SourceRecord, foreign_ids: Collection[str]) -> bool:
    return any(one in foreign_ids for one in mapper.ids_of(record) if isinstance(one, str))
