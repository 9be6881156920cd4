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
    type: Literal["bearer"] = Field(description="A token in the header Authorization.")
    token: SecretStr = Field(description="The token.")


class Basic(_Table):
    type: Literal["basic"] = Field(description="A user and a password.")
    username: str = Field(description="The user.")
    password: SecretStr = Field(description="The password.")


class ApiKey(_Table):
    """Sent in a header or in the query: exactly one of them."""

    type: Literal["api-key"] = Field(description="A key in a header or in the query.")
    header: HeaderName | None = Field(default=None, description="The header that takes the key.")
    query: Name | None = Field(default=None, description="The parameter that takes the key.")
    value: SecretStr = Field(description="The key.")
    prefix: str = Field(default="", description="Text before the key, such as 'Token '.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.header is None) == (self.query is None):
            raise ValueError('needs the header or the query parameter that takes the key, as in header = "api-key"')
        return self


class OAuth2(_Table):
    """Client credentials. The token is renewed before it expires, and once when it is refused."""

    type: Literal["oauth2"] = Field(description="Client credentials.")
    token_url: Url = Field(description="Where a token is asked for.")
    client_id: str = Field(description="Who asks.")
    client_secret: SecretStr = Field(description="The secret of who asks.")
    scope: str | None = Field(default=None, description="What is asked for.")
    params: Mapping[str, str] = Field(default={}, repr=False, description="Further fields, such as an audience.")
    client_auth: Literal["body", "basic"] = Field(default="body", description="Where the id and the secret go.")


Auth = Annotated[Bearer | Basic | ApiKey | OAuth2, Field(discriminator="type")]


# --- page by page ---


class _Placed(_Table):
    """With `in = "body"` the parameters are paths in the JSON body, as in "params.offset"."""

    in_: Place = Field(
        default="query", alias="in", description="Whether the parameters go into the query or into the JSON body."
    )

    @property
    def parameters(self) -> tuple[str, ...]:
        """What stands under `param` and each key that ends so, in their order."""
        return tuple(value for key, value in self if key.endswith("param"))


class _Paged(_Placed):
    """`more` is where an answer says whether there is another page."""

    more: Path | None = Field(default=None, description="Where an answer says whether there is another page.")


class ByPage(_Paged):
    """With an empty `size_param` no page size is asked for."""

    type: Literal["page"] = Field(description="Pages by number.")
    page_param: Name = Field(default="page", description="The parameter for the number of the page.")
    size_param: str = Field(
        default="per_page", description="The parameter for the size of a page; empty: no size is asked for."
    )
    size: int = Field(default=100, ge=1, description="How many records a page has.")
    start: int = Field(default=1, ge=0, description="The number of the first page.")


class ByOffset(_Paged):
    type: Literal["offset"] = Field(description="Pages by the number of the first record.")
    offset_param: Name = Field(default="offset", description="The parameter for that number.")
    limit_param: str = Field(
        default="limit", description="The parameter for the size of a page; empty: no size is asked for."
    )
    limit: int = Field(default=100, ge=1, description="How many records a page has.")
    start: int = Field(default=0, ge=0, description="The number of the first record.")


class ByCursor(_Paged):
    type: Literal["cursor"] = Field(description="Pages by a mark that each answer holds for the next.")
    cursor_param: Name = Field(description="The parameter for the mark.")
    cursor: Path = Field(description="Where the answer holds the next page's.")


class ByNextUrl(_Table):
    type: Literal["next-url"] = Field(description="Pages by an address in the answer.")
    next: Path = Field(description="Where the answer holds the next page's address.")


class ByLinkHeader(_Table):
    type: Literal["link-header"] = Field(description="Pages by the header Link.")


class ByHeader(_Table):
    type: Literal["header"] = Field(description="Pages by an address in a header.")
    header: HeaderName = Field(description="The header that holds the next page's address.")


Pagination = Annotated[ByPage | ByOffset | ByCursor | ByNextUrl | ByLinkHeader | ByHeader, Field(discriminator="type")]


class Incremental(_Placed):
    """`cursor` is where a record shows when it was last changed; `param` is set to `template`.

    `format` is how the API wants the time, if not as its records spell it. With `counts` the records show no time but a
    number that goes up with each change. `beginning` is sent instead of a time when all is read; without it, `param` is
    left out then.
    """

    param: Name = Field(description="The parameter that asks for what has changed since a time.")
    cursor: Path = Field(description="Where each record tells when it was last changed.")
    overlap: Duration = Field(default=timedelta(minutes=5), description="How much further back is asked.")
    full_every: Duration = Field(
        default=timedelta(days=7), description="How often the whole list is read all the same."
    )
    template: str = Field(
        default="{since}", description="What the parameter is set to, where the time stands within a larger text."
    )
    format: Format = Field(default="as-read", description="How the API wants the time.")
    counts: bool = Field(
        default=False, description="The records tell no times, but numbers that go up with every change."
    )
    beginning: Beginning | None = Field(
        default=None,
        description="What stands for the time where the whole list is read; else the parameter is left out.",
    )

    @model_validator(mode="after")
    def _holds_since(self) -> Self:
        if "{since}" not in self.template:
            raise ValueError("template must hold {since}, as in 'modified ge {since}'")
        return self


class RestOptions(SourceOptions):
    type: Literal["rest"] = Field(default="rest", description="An API that answers JSON.")
    url: Url = Field(repr=False, description="The address of the list.")
    method: Literal["GET", "POST"] = Field(
        default="GET", description="GET, or POST for an API that is asked by a query in JSON."
    )
    params: Params = Field(default={}, repr=False, description="What goes into the query.")
    headers: Headers = Field(default={}, repr=False, description="Further headers.")
    json_: dict[str, Any] | None = Field(default=None, alias="json", repr=False, description="The body of a POST.")
    form: bool = Field(default=False, description="The body goes as a form, each key of `json` a field of it.")
    records: Path | None = Field(
        default=None, description="Where the list stands in an answer; else it is the answer itself."
    )
    auth: Auth | None = Field(default=None, description="Who asks.")
    pagination: Pagination | None = Field(
        default=None, description="How pages follow each other; without it, one answer is the whole list."
    )
    total: Annotated[str, Field(min_length=1), AfterValidator(_check_total)] | None = Field(
        default=None, description="Where the number of all records stands: in the answer, or in a header."
    )
    incremental: Incremental | None = Field(default=None, description="Only what has changed.")
    deleted: Path | None = Field(
        default=None, description="Something in each record that is true where the customer is deleted."
    )
    requests_per_second: float | None = Field(default=None, gt=0, description="An upper limit of calls a second.")
    timeout: Duration = Field(
        default=timedelta(seconds=30), gt=timedelta(), description="How long to wait for an answer to go on."
    )
    attempts: int = Field(
        default=5, ge=1, description="How often a question is asked where the API is busy, broken or out of reach."
    )
    max_response: int = Field(default=50, ge=1, description="How large one answer may be, in megabytes.")

    @model_validator(mode="after")
    def _body_needs_post(self) -> Self:
        tables = (self.pagination, self.incremental)
        placed = [table for table in tables if isinstance(table, _Placed) and table.in_ == "body"]
        if (placed or self.json_ is not None) and self.method != "POST":
            raise ValueError('a JSON body needs method = "POST"')
        for path in filter(None, (path for table in placed for path in table.parameters)):
            put(self.json_ or {}, path, 0)  # ValueError where there is no such place
        return self
