"""A first configuration, guessed from real exports: `init` writes it, and a person reads it.

`names` and `vocabulary` are the tables of what columns and cells are called; `cells` counts what stands in a column;
`ids`, `people`, `contact` and `leavers` draft their lines; `totals` knows a last row that is no record; `draft` puts a
sync together, `writing` the file.
"""

from syncd.config.drafting.draft import Draft, Setting, draw_draft
from syncd.config.drafting.lines import Lists
from syncd.config.drafting.names import SURE_OF_NAMES, share_of_names, split_name
from syncd.config.drafting.totals import Totals
from syncd.config.drafting.writing import DEFAULT_MODE, write_drafts

__all__ = [
    "DEFAULT_MODE",
    "SURE_OF_NAMES",
    "Draft",
    "Lists",
    "Setting",
    "Totals",
    "draw_draft",
    "share_of_names",
    "split_name",
    "write_drafts",
]
