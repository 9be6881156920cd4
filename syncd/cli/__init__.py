"""The commands: they parse and call, and decide nothing."""

__all__ = ["main"]
