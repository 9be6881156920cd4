"""The digests of a mapped record, under today's scheme and under that of what is known."""

from collections.abc import Mapping

from syncd.domain.diff import Memory, Wanted
from syncd.domain.digest import OLDEST_SCHEME, Digester
from syncd.domain.records import Customer
from syncd.domain.winner import Write


def digest_wanted(customer: Customer, memory: Memory, digester: Digester, writes: Mapping[str, Write]) -> Wanted:
    current = digester.of(customer.foreign_id)
    today = current.customer(customer.fields)
    scheme = memory.known.digests.scheme if memory.known else today.scheme
    if memory.refused and not memory.known:
        scheme = OLDEST_SCHEME  # it may be as old as the refusal
    earlier = current if scheme == today.scheme else digester.of(customer.foreign_id, scheme)
    as_known = today if earlier is current else earlier.customer(customer.fields)
    if memory.known and as_known.fields != memory.known.digests.fields:
        values = earlier.as_held(customer.fields, memory.known.digests.fields)
        if values is not customer.fields:
            today, as_known = current.customer(values), earlier.customer(values)
    return Wanted(digester=earlier, as_known=as_known, today=today, writes=writes)
