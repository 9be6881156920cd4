"""How one go~mus instance is reached: the `[gomus.NAME]` table of the configuration."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from syncd.domain.addresses import check_address
from syncd.domain.durations import Duration


def _check_url(url: str) -> str:
    """The token travels to this address, so it must be one that nobody can listen in on."""
    parsed = urlsplit(check_address(url, example="https://demo.gomus.de"))
    if parsed.path not in ("", "/") or parsed.query:
        raise ValueError("must have no path and no query, as in 'https://demo.gomus.de'")
    return url.rstrip("/")


class GomusOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_check_url)]
    token: SecretStr
    batch_size: int = Field(default=100, ge=1)
    concurrency: int = Field(default=4, ge=1, le=32)
    requests_per_second: float | None = Field(default=None, gt=0)
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta())
    attempts: int = Field(default=5, ge=1)
    locale: str = Field(default="de", min_length=2)
    settle: Duration = Field(default=timedelta(minutes=10), gt=timedelta())
    unique_foreign_ids: bool = False

    @property
    def patience(self) -> timedelta:
        """How long after it was written down a create may still act: its call may have waited for its turn first."""
        rate = self.requests_per_second
        return self.settle + (timedelta(seconds=self.concurrency / rate) if rate else timedelta())
