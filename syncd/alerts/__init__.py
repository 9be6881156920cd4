"""Alarms: `alarms` judges and reports conditions, `channels` send them, `watch` does so for a whole process."""

__all__ = ["alarms", "channels", "watch"]
