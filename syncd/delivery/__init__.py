"""From changes to outcomes: the calls that change go~mus.

`executor` keeps calls under way, `writing` creates and updates, `erasing` anonymizes, deletes and releases, with
`leaver` (how a customer that goes is reached), `placeholders` and `blanking` (what is emptied, and how), `releasing`
(the foreign_id). `outcomes` says what an answer means for a change, `looking` says whose answer it is, `meeting` what
of go~mus is not ours, `delivery` is shared, `recovery` settles what an earlier run left open, `resuming` goes on with
its erasures, `requests` are erasures that come in meanwhile, `renaming` gives a customer another foreign_id, `sizes`
are how many go at once.
"""

__all__ = [
    "blanking",
    "delivery",
    "erasing",
    "executor",
    "habits",
    "leaver",
    "looking",
    "outcomes",
    "placeholders",
    "recovery",
    "renaming",
    "requests",
    "resuming",
    "sizes",
    "writing",
]
