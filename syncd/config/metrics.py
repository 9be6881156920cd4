"""`[metrics]`: where a command that ends leaves what Prometheus would ask a daemon for."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncd.domain.addresses import check_address

EXAMPLE = "http://pushgateway:9091"


def _check_file(path: str) -> str:
    if not path.endswith(".prom"):
        raise ValueError(f"{path!r} does not end in .prom: the exporter reads no other file")
    return path


def _check_gateway(url: str) -> str:
    """No secret and no personal data goes there, so http will do."""
    if urlsplit(check_address(url, example=EXAMPLE, is_secret=False)).query:
        raise ValueError(f"must be an address such as {EXAMPLE!r}")
    return url.rstrip("/")


class MetricsOptions(BaseModel):
    """After each `syncd --once`; a daemon is asked at [web]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    textfile: Annotated[str, AfterValidator(_check_file)] | None = Field(
        default=None, description="A file for the textfile collector of node_exporter, written after `syncd --once`."
    )
    pushgateway: Annotated[str, AfterValidator(_check_gateway)] | None = Field(
        default=None, description="The address of a Pushgateway, told after `syncd --once`."
    )
    job: str = Field(default="syncd", min_length=1, description="As what the Pushgateway keeps it.")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.textfile or self.pushgateway):
            raise ValueError("needs `textfile` or `pushgateway`")
        return self

    def path(self, base: Path) -> Path | None:
        """Where the file is: beside the configuration, unless it says otherwise."""
        return base / self.textfile if self.textfile else None
