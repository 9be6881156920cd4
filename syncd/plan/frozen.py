"""Changes as bytes: parts that are no classes of ours, for those take several times as long."""

import marshal
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from syncd.domain.changes import Cause, Change, Create, Ending, Erase, Update
from syncd.domain.records import Digests

C = TypeVar("C", bound=Change)


def freeze(change: Change) -> bytes:
    parts: list[Any] = [change.foreign_id]
    match change:
        case Create():
            parts += dict(change.fields), _parts(change.digests), change.source_digest
            parts += change.gomus_id, change.is_decided
        case Update():
            parts += change.gomus_id, dict(change.fields), _parts(change.digests), change.source_digest
            parts += _parts(change.before), change.exchanged, change.is_adopted, change.kept
        case Erase():
            parts += change.gomus_id, change.cause.value, change.ending.value, change.anonymized, change.is_approved
    return marshal.dumps(parts)


def _parts(digests: Digests) -> tuple[object, ...]:
    return digests.record, dict(digests.fields), dict(digests.shown), digests.scheme


def _digests(parts: tuple[Any, ...]) -> Digests:
    record, fields, shown, scheme = parts
    return Digests(record=record, fields=fields, shown=shown, scheme=scheme)


def _create(foreign_id: str, *parts: Any) -> Create:  # noqa: ANN401 - as `freeze` has put them
    fields, digests, source_digest, gomus_id, is_decided = parts
    return Create(
        foreign_id=foreign_id,
        fields=fields,
        digests=_digests(digests),
        source_digest=source_digest,
        gomus_id=gomus_id,
        is_decided=is_decided,
    )


def _update(foreign_id: str, *parts: Any) -> Update:  # noqa: ANN401 - as `freeze` has put them
    gomus_id, fields, digests, source_digest, before, exchanged, is_adopted, kept = parts
    return Update(
        foreign_id=foreign_id,
        gomus_id=gomus_id,
        fields=fields,
        digests=_digests(digests),
        source_digest=source_digest,
        before=_digests(before),
        exchanged=exchanged,
        is_adopted=is_adopted,
        kept=kept,
    )


def _erase(foreign_id: str, *parts: Any) -> Erase:  # noqa: ANN401 - as `freeze` has put them
    gomus_id, cause, ending, anonymized, is_approved = parts
    return Erase(
        foreign_id=foreign_id,
        gomus_id=gomus_id,
        cause=Cause(cause),
        ending=Ending(ending),
        anonymized=anonymized,
        is_approved=is_approved,
    )


_THAWING: Mapping[type, Callable[..., Any]] = {Create: _create, Update: _update, Erase: _erase}


def thaw(kind: type[C], body: bytes) -> C:
    """Of bytes that `freeze` has made, from a file that nobody else can open."""
    change: C = _THAWING[kind](*marshal.loads(body))  # noqa: S302 - our own bytes
    return change
