"""A rehearsal: the real list against a sandbox in memory, then broken copies of it, by the same code as every run.

`tape` keeps the records of one read, `damages` break them, `files` breaks the file itself; `copies` are those that are
tried, on a `stage`: a sandbox with a state of its own. `rehearsal` is the story, `telling` its words.
"""

__all__ = ["rehearsal", "telling"]
