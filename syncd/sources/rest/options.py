"""`[sync.NAME.source]` with `type = "rest"`."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, WithJsonSchema, model_validator

from syncd.domain.addresses import check_address
from syncd.domain.durations import Duration
from syncd.sources.base import SourceOptions
from syncd.sources.cursors.bounds import Beginning
from syncd.sources.cursors.times import Format
from syncd.sources.rest.body import put

Scalar: TypeAlias = str | int | float | bool
Place: TypeAlias = Literal["query", "body"]

HEADER = "header:"  # before the name of a header, where a path may stand too
_HEADER = r"[A-Za-z0-9_-]+"
_CREDENTIALS = {"authorization", "cookie", "proxy-authorization"}


def _check_path(path: str) -> str:
    try:
        jmespath.compile(path)
    except JMESPathError:
        raise ValueError(f"{path!r} is not a JMESPath expression such as 'data.items'") from None
    return path


def _check_total(total: str) -> str:
    if not total.startswith(HEADER):
        return _check_path(total)
    if not re.fullmatch(r"header: ?[\w-]+", total):
        raise ValueError(f"{total!r} names no header as 'header:X-Total-Count' does")
    return total


def _check_url(url: str) -> str:
    return check_address(url, example="https://crm.example.org/api/contacts")


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in _CREDENTIALS:
            raise ValueError(f"{name!r} is a secret: use auth = {{ type = ... }}")
        if not re.fullmatch(_HEADER, name):
            raise ValueError(f"{name!r} is no name of a header")
        if re.search(r"[^\t\x20-\x7e]", value):
            raise ValueError(f"the header {name!r} can't be sent: it has line breaks, or letters beyond ASCII")
    return headers


def _secret_if_called(names: str, value: Mapping[str, Any]) -> WithJsonSchema:
    """What is called a token or a key is a secret wherever it goes, and may not stand in the file in plain text."""
    letters = re.sub(r"[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", names)  # JSON Schema has no flags
    secret = {"type": "string", "writeOnly": True}
    return WithJsonSchema(
        {"type": "object", "patternProperties": {f"({letters})$": secret}, "additionalProperties": dict(value)}
    )


Path = Annotated[str, Field(min_length=1), AfterValidator(_check_path)]
Url = Annotated[str, AfterValidator(_check_url)]
Name = Annotated[str, Field(min_length=1)]
HeaderName = Annotated[str, Field(pattern=f"^{_HEADER}$")]
_ONE_OR_MANY = {"anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "array")]}
Params = Annotated[
    dict[str, Scalar | list[Scalar]],
    _secret_if_called("token|secret|password|api[-_]?key|access[-_]?key", _ONE_OR_MANY),
]
Headers = Annotated[
    dict[str, str],
    AfterValidator(_check_headers),
    _secret_if_called("token|secret|password|key", {"type": "string"}),
]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- credentials ---


class Bearer(_Table):
    type: Literal["bearer"]
    token: SecretStr


class Basic(_Table):
    type: Literal["basic"]
    username: str
    password: SecretStr


class ApiKey(_Table):
    """Sent in a header or in the query: exactly one of them."""

    type: Literal["api-key"]
    header: HeaderName | None = None
    query: Name | None = None
    value: SecretStr
    prefix: str = ""  # "Token " before the key, where the API wants it

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.header is None) == (self.query is None):
            raise ValueError('needs the header or the query parameter that takes the key, as in header = "api-key"')
        return self


class OAuth2(_Table):
    """Client credentials. The token is renewed before it expires, and once when it is refused."""

    type: Literal["oauth2"]
    token_url: Url
    client_id: str
    client_secret: SecretStr
    scope: str | None = None
    params: Mapping[str, str] = Field(default={}, repr=False)  # such as an audience or a resource
    client_auth: Literal["body", "basic"] = "body"


Auth = Annotated[Bearer | Basic | ApiKey | OAuth2, Field(discriminator="type")]


# --- page by page ---


class _Placed(_Table):
    """With `in = "body"` the parameters are paths in the JSON body, as in "params.offset"."""

    in_: Place = Field(default="query", alias="in")

    @property
    def parameters(self) -> tuple[str, ...]:
        """What stands under `param` and each key that ends so, in their order."""
        return tuple(value for key, value in self if key.endswith("param"))


class _Paged(_Placed):
    """`more` is where an answer says whether there is another page."""

    more: Path | None = None


class ByPage(_Paged):
    """With an empty `size_param` no page size is asked for."""

    type: Literal["page"]
    page_param: Name = "page"
    size_param: str = "per_page"
    size: int = Field(default=100, ge=1)
    start: int = Field(default=1, ge=0)


class ByOffset(_Paged):
    type: Literal["offset"]
    offset_param: Name = "offset"
    limit_param: str = "limit"
    limit: int = Field(default=100, ge=1)
    start: int = Field(default=0, ge=0)


class ByCursor(_Paged):
    type: Literal["cursor"]
    cursor_param: Name
    cursor: Path


class ByNextUrl(_Table):
    type: Literal["next-url"]
    next: Path


class ByLinkHeader(_Table):
    type: Literal["link-header"]


class ByHeader(_Table):
    type: Literal["header"]
    header: HeaderName


Pagination = Annotated[ByPage | ByOffset | ByCursor | ByNextUrl | ByLinkHeader | ByHeader, Field(discriminator="type")]


class Incremental(_Placed):
    """`cursor` is where a record shows when it was last changed; `param` is set to `template`.

    `format` is how the API wants the time, if not as its records spell it. With `counts` the records show no time but a
    number that goes up with each change. `beginning` is sent instead of a time when all is read; without it, `param` is
    left out then.
    """

    param: Name
    cursor: Path
    overlap: Duration = timedelta(minutes=5)
    full_every: Duration = timedelta(days=7)
    template: str = "{since}"
    format: Format = "as-read"
    counts: bool = False
    beginning: Beginning | None = None

    @model_validator(mode="after")
    def _holds_since(self) -> Self:
        if "{since}" not in self.template:
            raise ValueError("template must hold {since}, as in 'modified ge {since}'")
        return self


class RestOptions(SourceOptions):
    type: Literal["rest"] = "rest"
    url: Url = Field(repr=False)
    method: Literal["GET", "POST"] = "GET"
    params: Params = Field(default={}, repr=False)
    headers: Headers = Field(default={}, repr=False)
    json_: dict[str, Any] | None = Field(default=None, alias="json", repr=False)
    form: bool = False  # the body goes as a form, each top-level value of `json` as JSON text
    records: Path | None = None
    auth: Auth | None = None
    pagination: Pagination | None = None
    total: Annotated[str, Field(min_length=1), AfterValidator(_check_total)] | None = None
    incremental: Incremental | None = None
    deleted: Path | None = None
    requests_per_second: float | None = Field(default=None, gt=0)
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta())
    attempts: int = Field(default=5, ge=1)
    max_response: int = Field(default=50, ge=1)  # megabytes

    @model_validator(mode="after")
    def _body_needs_post(self) -> Self:
        tables = (self.pagination, self.incremental)
        placed = [table for table in tables if isinstance(table, _Placed) and table.in_ == "body"]
        if (placed or self.json_ is not None) and self.method != "POST":
            raise ValueError('a JSON body needs method = "POST"')
        for path in filter(None, (path for table in placed for path in table.parameters)):
            put(self.json_ or {}, path, 0)  # ValueError where there is no such place
        return self
