"""The links of an answer (RFC 8288)."""

import re
from collections.abc import Iterator

import httpx

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - of the grammar
_PARAMETER = rf'\s*;\s*({_TOKEN})\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?'
_LINK = re.compile(rf"\s*<([^>]*)>((?:{_PARAMETER})*)\s*(?:,|$)")


def next_link(headers: httpx.Headers) -> str | None:
    """The address that a `Link` header calls "next"; links of another page than this one (`anchor`) do not count."""
    for target, parameters in _links(headers.get("Link", "")):
        if "anchor" not in parameters and "next" in parameters.get("rel", "").lower().split():
            return target
    return None


def _links(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for link in _LINK.finditer(header):
        parameters: dict[str, str] = {}
        for name, value in re.findall(_PARAMETER, link[2]):
            parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value)
        yield link[1], parameters
