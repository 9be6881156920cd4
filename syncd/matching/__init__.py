"""Whom of the source go~mus has already: a source, compared with an export of the back office.

`columns` says which columns of the export are meant, `index` holds its customers, `newcomers` are those of the source
who are not known, `judging` says what is certain and what is not, `plan` is what comes of `comparing` them.
"""

__all__ = ["columns", "comparing", "index", "judging", "newcomers", "plan"]
