"""How one go~mus instance is reached: the `[gomus.NAME]` table of the configuration."""

from datetime import timedelta
from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from syncd.durations import Duration

_AT_HOME = {"localhost", "127.0.0.1", "::1"}


def _check_url(url: str) -> str:
    """The token travels to this address, so it must be one that nobody can listen in on."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("must be an address such as 'https://demo.gomus.de'") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise ValueError("must be an address such as 'https://demo.gomus.de'")
    if parsed.scheme == "http" and parsed.host not in _AT_HOME:
        raise ValueError("must begin with 'https://', or the token could be read on its way")
    if parsed.path not in ("", "/") or parsed.query or parsed.fragment:
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
