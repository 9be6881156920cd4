"""Addresses that receive a secret: which may, and to which server they lead."""

from urllib.parse import urlsplit

USUAL_PORTS = (None, 80, 443)
AT_HOME = {"localhost", "127.0.0.1", "::1"}


def check_address(url: str, *, example: str, is_secret: bool = True) -> str:
    """Answer the address; ValueError where it holds a login itself, or where others could read a secret sent there."""
    try:
        parsed = urlsplit(url)
        host, _ = parsed.hostname, parsed.port
    except ValueError:
        raise ValueError(f"must be an address such as {example!r}") from None
    if parsed.scheme not in ("http", "https") or not host or any(letter.isspace() for letter in url):
        raise ValueError(f"must be an address such as {example!r}")
    if parsed.username is not None:
        raise ValueError("must not hold a user or password: leave them out")
    if is_secret and parsed.scheme == "http" and host not in AT_HOME:
        raise ValueError("must begin with 'https://', or secrets and personal data could be read on their way")
    if parsed.fragment:
        raise ValueError("must have no '#': leave it out, and what follows")
    return url


def server_of(url: str) -> str:
    """The host, and the port where it is not a usual one: the same however an address is written."""
    parsed = urlsplit(url)
    host = (parsed.hostname or "").rstrip(".")
    return host if parsed.port in USUAL_PORTS else f"{host}-{parsed.port}"
