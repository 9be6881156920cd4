"""From a read to a plan: the changes of a run, and who may be absent.

`identity` says under which id a record is dealt with, `claims` which customer of go~mus it is, `comparison` compares
records while they are read, and `recognising` passes over those that are still the same; `reading` says what a read
tells of those who are not in it, `spool` keeps what follows, `plan` is the result as data, `watermark` says where the
next read begins, `figures` what the guards are asked with, `approval` what a person has decided. `merging` judges who
went into whom, `kinship` and `likening` who stands in several lists, `sharing` who has the same e-mail address;
`wanting` and `sent` are digests and words of what would be sent.
"""

__all__ = ["approval", "comparison", "figures", "identity", "plan", "reading", "sharing", "spool", "watermark"]
