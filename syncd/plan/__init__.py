"""From a read to a plan: the changes of a run, and who may be absent.

`identity` says under which id a record is dealt with, `reading` compares records while they are read, `spool` keeps
what follows from them, `plan` is the result as data, `watermark` says where the next read begins, `figures` what the
guards are asked with, `approval` what a person has decided.
"""

__all__ = ["approval", "figures", "identity", "plan", "reading", "spool", "watermark"]
