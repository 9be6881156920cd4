"""From a source record to the customer that go~mus should have. Pure.

`spec` is what may be configured; `filters` say which records count, `errands` what their owner is told, `origin` finds
a value in a record, `cells` say how its text is written and what is no value, `transforms` change it, `lookups` turn
names into ids, `numbers` say which customer a record is, `checks` say whether it is fit, `columns` which configured
columns a table lacks, `id_columns` which are unfit for an id; `mapper` puts them together, and `examples` say what must
come out.
"""

__all__ = [
    "cells",
    "checks",
    "columns",
    "errands",
    "examples",
    "filters",
    "id_columns",
    "lookups",
    "mapper",
    "numbers",
    "spec",
    "transforms",
]
