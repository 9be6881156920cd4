"""What people read: never a value, only counts, ids, names of fields and reasons."""

__all__ = ["certificate", "failures", "files", "html", "plan", "standing", "words"]
