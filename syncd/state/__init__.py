"""The state database: ids, digests and times, never a value.

`store` is all of it, in parts for each family of tables (`known`, `absences`, `journal`, `runs`, `failures`, `held`,
`instances`, `tombstones`, `worklist`, `matches`, `mergers`, `likeness`, `emails`, `pauses`) over one base
(`transactions`). `ledger` is what a run writes, `found` what a read showed, `recall` what it asks; `erasures`, kept in
a `register`, outlive all of it. `board` and `conditions` are what daemons share, `queue` shows what workers do; `lease`
is the right to run a sync, `slots` are the locks behind an instance's budget. `connect`, `tables`, `migrate` and
`copying` keep the database itself, `keys` makes the key of its digests, `keyring` has that and those of museums;
`forgetting` drops a museum.
"""

__all__ = [
    "board",
    "conditions",
    "connect",
    "copying",
    "emails",
    "erasures",
    "failures",
    "forgetting",
    "found",
    "held",
    "instances",
    "journal",
    "keyring",
    "keys",
    "known",
    "lease",
    "ledger",
    "likeness",
    "mergers",
    "migrate",
    "pauses",
    "queue",
    "recall",
    "register",
    "runs",
    "session",
    "slots",
    "store",
    "tombstones",
]
