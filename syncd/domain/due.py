"""A run that is to start, by its schedule or because somebody asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """`moment` is that of the schedule, None for a run that was asked for."""

    sync: str
    moment: datetime | None
    requests: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        moment = self.moment.isoformat() if self.moment else None
        return {"sync": self.sync, "moment": moment, "requests": list(self.requests)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Due":
        moment = datetime.fromisoformat(told["moment"]) if told["moment"] else None
        return cls(sync=told["sync"], moment=moment, requests=tuple(told["requests"]))
