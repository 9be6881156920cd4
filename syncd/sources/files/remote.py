"""A file on another machine: it is downloaded whole, into a file without a name, before anything of it is read.

httpx fetches https, paramiko sftp (and checks the key of the host), fsspec everything else.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast
from urllib.parse import unquote, urlsplit

import httpx

from syncd import __version__
from syncd.domain.addresses import AT_HOME
from syncd.domain.backoff import Backoff
from syncd.errors import IncompleteRead, Stopped
from syncd.network import open_http, reach, words_of
from syncd.sources.files.opening import FileOptions, OpenFile, Waiting

if TYPE_CHECKING:
    import paramiko

Named: TypeAlias = tuple[str, str]
"""The file's name, and when it was changed as far as its server tells it."""
TIMEOUT = 30.0  # seconds without a sign of life
ATTEMPTS = 3
AT_ONCE = 1 << 20
BACKOFF = Backoff(first=2.0)
LOOK = "see whether the server is up; the next run tries again"
MADE = "check url, and that the export was made"
REFUSALS: Mapping[int, tuple[str, str]] = {
    **dict.fromkeys((401, 403), ("the server refuses the credentials", "set new ones")),
    **dict.fromkeys((404, 410), ("there is no such file", MADE)),
}


@contextmanager
def downloaded(options: FileOptions, base: Path, waiting: Waiting) -> Iterator[OpenFile]:
    """The file under `options.url`, whole.

    Raises IncompleteRead where it can't be had. No message holds more of the address than the name and the host.
    """
    url = str(options.url)
    with TemporaryFile() as file:
        match urlsplit(url).scheme:
            case "https" | "http":
                name, changed = _by_https(url, options, file, waiting.sleep)
            case "sftp":
                name, changed = _by_sftp(url, options, file, base, waiting)
            case scheme:
                name, changed = _by_fsspec(scheme, url, options, file, waiting.sleep)
        version = f"{file.seek(0, os.SEEK_END)} {changed}"
        file.seek(0)
        yield OpenFile(name=name, raw=cast("BinaryIO", file), version=version)


def _login(options: FileOptions) -> tuple[str | None, str | None]:
    return options.username, options.password.get_secret_value() if options.password else None


def _name_of(url: str) -> str:
    parsed = urlsplit(url)
    return unquote(PurePosixPath(parsed.path).name) or str(parsed.hostname)


# --- https ---


def _by_https(url: str, options: FileOptions, file: IO[bytes], sleep: Callable[[float], None]) -> Named:
    name = _name_of(url)
    headers = {"User-Agent": f"syncd/{__version__}"}
    if options.token:
        headers["Authorization"] = f"Bearer {options.token.get_secret_value()}"
    username, password = _login(options)
    auth = httpx.BasicAuth(username, password or "") if username is not None else httpx.Auth()
    hooks = {"request": [_refuse_open_line]}
    attempts = min(ATTEMPTS, reach().tries)
    with open_http(timeout=TIMEOUT, headers=headers, auth=auth, follow_redirects=True, event_hooks=hooks) as client:
        for attempt in range(1, attempts + 1):
            try:
                status, changed = _download(client, url, file, sleep)
            except httpx.TooManyRedirects:
                raise IncompleteRead(name, "is redirected without end", remedy="check url") from None
            except httpx.TransportError as error:
                if attempt == attempts:
                    words = words_of(error, error.request.url.host, "the server") or "the connection broke"
                    raise IncompleteRead(name, words, remedy=LOOK) from None
            else:
                if status < 300:
                    break
                if status < 500 or attempt == attempts:
                    what, remedy = REFUSALS.get(status, ("the server failed", LOOK))
                    raise IncompleteRead(name, f"{what} ({status})", remedy=remedy)
            sleep(BACKOFF.pause(attempt))
    return name, changed


def _download(client: httpx.Client, url: str, file: IO[bytes], sleep: Callable[[float], None]) -> tuple[int, str]:
    file.seek(0)
    file.truncate()
    with client.stream("GET", url) as response:
        if response.is_success:
            for part in response.iter_bytes():
                sleep(0.0)
                file.write(part)
        return response.status_code, response.headers.get("Last-Modified", response.headers.get("ETag", ""))


def _refuse_open_line(request: httpx.Request) -> None:
    """A redirect may lead anywhere. httpx sends credentials to no other host; we send nothing without encryption."""
    if request.url.scheme != "https" and request.url.host not in AT_HOME:
        raise IncompleteRead(
            _name_of(str(request.url)), "is redirected to an address without https", remedy="check url"
        )


# --- sftp ---


def _by_sftp(url: str, options: FileOptions, file: IO[bytes], base: Path, waiting: Waiting) -> Named:
    import paramiko  # noqa: PLC0415 - an extra

    host, path = str(urlsplit(url).hostname), unquote(urlsplit(url).path)
    with closing(paramiko.SSHClient()) as ssh:
        _connect(ssh, url, options, base)
        try:
            with closing(ssh.open_sftp()) as sftp:
                channel = sftp.get_channel()
                assert channel is not None  # noqa: S101 - it is open
                channel.settimeout(TIMEOUT)
                name, size = _wait_for_quiet_file(sftp, path, waiting)
                sftp.getfo(name, file, callback=lambda _done, _total: waiting.sleep(0.0))
                after = sftp.stat(name)
                if file.tell() != size or after.st_size != size:
                    raise IncompleteRead(PurePosixPath(name).name, "was changed while it was read", remedy=LOOK)
                return PurePosixPath(name).name, str(after.st_mtime or "")
        except FileNotFoundError:
            raise IncompleteRead(PurePosixPath(path).name, "there is no such file", remedy=MADE) from None
        except PermissionError:
            remedy = "give the user the right to"
            raise IncompleteRead(PurePosixPath(path).name, "the user may not read it", remedy=remedy) from None
        except (OSError, EOFError, paramiko.SSHException):
            raise IncompleteRead(host, "the connection broke, or the file can't be read", remedy=LOOK) from None


def _connect(ssh: "paramiko.SSHClient", url: str, options: FileOptions, base: Path) -> None:
    import paramiko  # noqa: PLC0415 - an extra

    parsed = urlsplit(url)
    host, port = str(parsed.hostname), parsed.port or 22
    username, password = _login(options)
    known = base / options.known_hosts if options.known_hosts else Path("~/.ssh/known_hosts").expanduser()
    with suppress(FileNotFoundError):
        ssh.load_host_keys(str(known))
    ssh.set_missing_host_key_policy(cast("paramiko.MissingHostKeyPolicy", _Unknown(known)))
    try:
        ssh.connect(
            host,
            port,
            username=username,
            password=password,
            key_filename=str(base / options.key_file) if options.key_file else None,
            allow_agent=False,
            look_for_keys=False,
            timeout=reach().connect,
            banner_timeout=TIMEOUT,
            auth_timeout=TIMEOUT,
        )
    except paramiko.BadHostKeyException:
        remedy = f"ask its operator why; only then replace its lines in {known}"
        raise IncompleteRead(host, "shows another key than the one that is known of it", remedy=remedy) from None
    except paramiko.AuthenticationException:
        raise IncompleteRead(host, "refuses the login", remedy="check username, password and key_file") from None
    except (OSError, EOFError, paramiko.SSHException):
        raise IncompleteRead(host, "can't be reached, or breaks off", remedy=LOOK) from None


@dataclass(frozen=True, slots=True)
class _Unknown:
    """What happens at a host whose key is not among the `known`: it is refused."""

    known: Path

    def missing_host_key(self, _client: object, hostname: str, _key: object) -> None:
        host, _, port = hostname.strip("[]").partition("]:")
        asked = f"ssh-keyscan -p {port} {host}" if port else f"ssh-keyscan {host}"
        remedy = f"compare its key with what its operator says, then: {asked} >> {self.known}"
        raise IncompleteRead(host, "is not a known host", remedy=remedy)


def _wait_for_quiet_file(sftp: "paramiko.SFTPClient", pattern: str, waiting: Waiting) -> tuple[str, int]:
    """The newest file that matches, and its size, once nothing was written to it for long enough."""
    while True:
        name = _find_newest(sftp, pattern)
        found = sftp.stat(name)
        age = waiting.clock().timestamp() - (found.st_mtime or 0)
        pause = waiting.settled.total_seconds() - max(age, 0.0)
        if pause <= 0:
            return name, int(found.st_size or 0)
        waiting.sleep(pause)
        after = sftp.stat(name)
        if (after.st_size, after.st_mtime) == (found.st_size, found.st_mtime):
            return name, int(after.st_size or 0)


def _find_newest(sftp: "paramiko.SFTPClient", pattern: str) -> str:
    folder, wanted = str(PurePosixPath(pattern).parent), PurePosixPath(pattern).name
    if not set(wanted) & set("*?["):
        return pattern
    found = [entry for entry in sftp.listdir_attr(folder) if fnmatchcase(entry.filename, wanted)]
    if not found:
        raise FileNotFoundError
    newest = max(found, key=lambda entry: (entry.st_mtime or 0, entry.filename))
    return str(PurePosixPath(folder) / newest.filename)


# --- the rest ---


def _by_fsspec(scheme: str, url: str, options: FileOptions, file: IO[bytes], sleep: Callable[[float], None]) -> Named:
    import fsspec  # noqa: PLC0415 - an extra

    name, path = _name_of(url), url.partition("://")[2]
    username, password = _login(options)
    known: Mapping[str, Any] = {"key": username, "secret": password} if username else {}
    try:
        system = fsspec.filesystem(scheme, **known)
        if set(path) & set("*?["):
            found = [system.info(one) for one in system.glob(path)]
            if not found:
                raise FileNotFoundError
            path = max(found, key=lambda one: (str(one.get("LastModified") or one.get("created") or ""), one["name"]))[
                "name"
            ]
            name = PurePosixPath(path).name
        info = system.info(path)
        size, changed = info["size"], str(info.get("LastModified") or info.get("created") or "")
        with system.open(path, "rb") as remote:
            while part := remote.read(AT_ONCE):
                sleep(0.0)
                file.write(part)
    except Stopped:
        raise
    except FileNotFoundError:
        raise IncompleteRead(name, "there is no such file", remedy=MADE) from None
    except PermissionError:
        raise IncompleteRead(name, "the credentials may not read it", remedy="check username and password") from None
    except Exception as error:  # noqa: BLE001 - every file system has errors of its own, and their words hold addresses
        raise IncompleteRead(name, f"can't be read ({type(error).__name__})", remedy=LOOK) from None
    if file.tell() != size:
        raise IncompleteRead(name, "came cut short", remedy=LOOK)
    return name, changed
