"""A customer as go~mus has it now, beside what is known of it; values for a terminal alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncd.domain.digest import Digester
from syncd.domain.records import KnownCustomer, RemoteCustomer
from syncd.report.sample import quoted

OWN, HIDDEN = "go~mus's own", "not shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """`fields`: each with how it stands beside what go~mus accepted; `remote` is None where go~mus shows nobody.

    `is_another`: under this id go~mus answers somebody else, of whom nothing is told.
    """

    remote: RemoteCustomer | None
    is_another: bool
    fields: Mapping[str, str]


def look_at(remote: RemoteCustomer | None, foreign_id: str, known: KnownCustomer | None, digester: Digester) -> Live:
    is_another = remote is not None and (remote.foreign_id or "").casefold() != foreign_id.casefold()
    if remote is None or is_another:
        return Live(remote=None, is_another=is_another, fields={})
    if known is None:
        return Live(remote=remote, is_another=False, fields=dict.fromkeys(remote.fields, OWN))
    shows = digester.of(known.foreign_id, known.digests.scheme).fields(remote.fields)
    fields = {name: _stands(shows[name], name, known) for name in sorted(shows)}
    hidden = dict.fromkeys(sorted(known.digests.fields.keys() - shows.keys()), HIDDEN)
    return Live(remote=remote, is_another=False, fields=fields | hidden)


def _stands(shown: bytes, name: str, known: KnownCustomer) -> str:
    if name not in known.digests.fields:
        return OWN
    is_same = shown in (known.digests.fields[name], known.digests.shown.get(name))
    return "as go~mus accepted it" if is_same else "changed in go~mus"


def live_as_json(live: Live) -> dict[str, object]:
    remote = live.remote
    return {
        "found": remote is not None,
        "is_another": live.is_another,
        "gomus_id": remote.gomus_id if remote else None,
        "addresses": remote.addresses if remote else None,
        "fields": dict(live.fields),
    }


def live_as_lines(live: Live, *, with_values: bool) -> Iterator[str]:
    if live.remote is None:
        who = "another customer under this id" if live.is_another else "nobody under this id"
        yield f"  in go~mus now: {who}"
        return
    yield f"  in go~mus now: go~mus id {live.remote.gomus_id}"
    for name, stands in live.fields.items():
        value = live.remote.fields.get(name)
        if stands == OWN and value in (None, "", False):
            continue
        told = f" = {quoted(value)}" if with_values and stands != HIDDEN else ""
        yield f"      {name}{told}: {stands}"
