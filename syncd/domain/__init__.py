"""The nouns of a sync, and the decisions about them. Pure: no I/O, no clock, no chance.

`records`, `changes` and `runs` are nouns; `digest` remembers content without holding it; `diff` decides what a record
or its absence asks for, `matches` say which customer a record is, `person` whether it can be, `winner` whose value
stands in a field, `guards` what waits for a person, `spelling` which ids may be one, `sharing` who may have an e-mail
address, `schedule` and `backoff` when something is due, `museums` whose a name is; `trail` is what an erasure did and
saw.
"""

__all__ = [
    "addresses",
    "backoff",
    "changes",
    "chunks",
    "diff",
    "digest",
    "due",
    "durations",
    "folding",
    "guards",
    "languages",
    "matches",
    "museums",
    "nearest",
    "person",
    "records",
    "runs",
    "schedule",
    "sharing",
    "spelling",
    "trail",
    "winner",
]
