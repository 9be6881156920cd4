"""What is said of a sync that rests."""

from datetime import tzinfo

from syncd.report.words import iso, local
from syncd.state.pauses import Pause

RESTS = "its schedule and the web trigger rest"


def span_of(pause: Pause, zone: tzinfo) -> str:
    """Since when, and until when."""
    until = f" until {local(pause.until, zone)}" if pause.until else ""
    return f"since {local(pause.since, zone)}{until}"


def in_words(pause: Pause, zone: tzinfo) -> str:
    """With who has said so; for whoever runs syncd."""
    why = f" ({pause.why})" if pause.why else ""
    return f"paused {span_of(pause, zone)} by {pause.by}{why}"


def as_json(pause: Pause, zone: tzinfo) -> dict[str, object]:
    return {
        "since": iso(pause.since, zone),
        "until": pause.until and iso(pause.until, zone),
        "by": pause.by,
        "why": pause.why,
    }


def how_to_resume(sync: str) -> str:
    return f"`syncd resume {sync}` ends it"
