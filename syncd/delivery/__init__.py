"""From changes to outcomes: the calls that change go~mus.

`executor` keeps calls under way, `writing` creates and updates, `erasing` anonymizes and deletes, `outcomes` says
what an answer means for a change, `looking` says whose answer it is, `meeting` what of go~mus is not ours, `delivery`
is shared, `recovery` settles what an earlier run left open, `requests` are erasures that come in meanwhile.
"""

__all__ = ["delivery", "erasing", "executor", "habits", "looking", "recovery", "requests", "writing"]
