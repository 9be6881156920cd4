"""What people read: never a value, only counts, ids, names of fields and reasons.

`findings` are the lines of a check: `instance` is what go~mus answers, `survey` what stands in a list, with its
`people`, `unknown_words` and a `sample`; the last two hold values, for a terminal alone. Pages are made by `html`: of a
`run`, of a `period`, of plans; their words stand in `languages`, and `words` says them.
`pausing` is of a sync that rests.
"""

__all__ = [
    "certificate",
    "effort",
    "failures",
    "files",
    "findings",
    "held",
    "html",
    "instance",
    "live",
    "pausing",
    "people",
    "period",
    "plan",
    "run",
    "sample",
    "standing",
    "story",
    "survey",
    "words",
    "worklist",
]
