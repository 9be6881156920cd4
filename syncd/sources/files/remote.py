"""A file on another machine: it is downloaded whole, into a file without a name, before anything of it is read.

httpx fetches https, paramiko sftp (and checks the key of the host), fsspec everything else.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import httpx

from syncd import __version__
from syncd.domain.addresses import AT_HOME
from syncd.domain.backoff import Backoff
from syncd.errors import IncompleteRead, Stopped

if TYPE_CHECKING:
    import paramiko

TIMEOUT = 60.0  # seconds without a sign of life
ATTEMPTS = 3
AT_ONCE = 1 << 20
BACKOFF = Backoff(first=2.0)
SCHEMES = ("https", "sftp", "s3")
LOOK = "see whether the server is up; the next run tries again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The credentials for a server, and the files they are in; None where the configuration names none."""

    username: str | None
    password: str | None
    token: str | None
    key_file: Path | None
    known_hosts: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait until a file is quiet: until nothing was written to it for as long as `settled`."""

    settled: timedelta
    sleep: Callable[[float], None]
    clock: Callable[[], datetime]


MADE = "check url, and that the export was made"


@contextmanager
def downloaded(url: str, login: Login, waiting: Waiting) -> Iterator[tuple[str, IO[bytes]]]:
    """The name of the file and its content.

    Raises IncompleteRead where the file can't be had whole. No message holds more of the address than the name and the
    host.
    """
    parsed = urlsplit(url)
    with TemporaryFile() as file:
        match parsed.scheme:
            case "https" | "http":
                name = _by_https(url, login, file, waiting.sleep)
            case "sftp":
                name = _by_sftp(url, login, file, waiting)
            case scheme:
                name = _by_fsspec(scheme, url, login, file, waiting.sleep)
        if not file.tell():
            raise IncompleteRead(name, "is empty", remedy="export it anew; an empty file deletes nobody")
        file.seek(0)
        yield name, file


def _name_of(url: str) -> str:
    parsed = urlsplit(url)
    return unquote(PurePosixPath(parsed.path).name) or str(parsed.hostname)


# --- https ---


def _by_https(url: str, login: Login, file: IO[bytes], sleep: Callable[[float], None]) -> str:
    name = _name_of(url)
    headers = {"User-Agent": f"syncd/{__version__}"}
    if login.token is not None:
        headers["Authorization"] = f"Bearer {login.token}"
    auth = httpx.BasicAuth(login.username, login.password or "") if login.username is not None else httpx.Auth()
    hooks = {"request": [_refuse_open_line]}
    with httpx.Client(timeout=TIMEOUT, headers=headers, auth=auth, follow_redirects=True, event_hooks=hooks) as client:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status = _download(client, url, file, sleep)
            except httpx.TooManyRedirects:
                raise IncompleteRead(name, "is redirected without end", remedy="check url") from None
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise IncompleteRead(name, "can't be reached, or the connection broke", remedy=LOOK) from None
            else:
                if status < 500 or attempt == ATTEMPTS:
                    _check_status(status, name)
                    break
            sleep(BACKOFF.pause(attempt))
    return name


def _download(client: httpx.Client, url: str, file: IO[bytes], sleep: Callable[[float], None]) -> int:
    file.seek(0)
    file.truncate()
    with client.stream("GET", url) as response:
        if response.is_success:
            for part in response.iter_bytes():
                sleep(0.0)
                file.write(part)
        return response.status_code


def _refuse_open_line(request: httpx.Request) -> None:
    """A redirect may lead anywhere. httpx sends credentials to no other host; we send nothing without encryption."""
    if request.url.scheme != "https" and request.url.host not in AT_HOME:
        raise IncompleteRead(
            _name_of(str(request.url)), "is redirected to an address without https", remedy="check url"
        )


def _check_status(status: int, name: str) -> None:
    if status < 300:
        return
    if status in (401, 403):
        raise IncompleteRead(name, f"the server refuses the credentials ({status})", remedy="set new ones")
    if status in (404, 410):
        raise IncompleteRead(
            name, f"there is no such file ({status})", remedy="check url, and that the export was made"
        )
    raise IncompleteRead(name, f"the server failed ({status})", remedy=LOOK)


# --- sftp ---


def _by_sftp(url: str, login: Login, file: IO[bytes], waiting: Waiting) -> str:
    import paramiko  # noqa: PLC0415 - an extra

    host, path = str(urlsplit(url).hostname), unquote(urlsplit(url).path)
    with closing(paramiko.SSHClient()) as ssh:
        _connect(ssh, url, login)
        try:
            with closing(ssh.open_sftp()) as sftp:
                channel = sftp.get_channel()
                assert channel is not None  # noqa: S101 - it is open
                channel.settimeout(TIMEOUT)
                name, size = _wait_for_quiet_file(sftp, path, waiting)
                sftp.getfo(name, file, callback=lambda _done, _total: waiting.sleep(0.0))
                if file.tell() != size or sftp.stat(name).st_size != size:
                    raise IncompleteRead(PurePosixPath(name).name, "was changed while it was read", remedy=LOOK)
                return PurePosixPath(name).name
        except FileNotFoundError:
            raise IncompleteRead(PurePosixPath(path).name, "there is no such file", remedy=MADE) from None
        except PermissionError:
            remedy = "give the user the right to"
            raise IncompleteRead(PurePosixPath(path).name, "the user may not read it", remedy=remedy) from None
        except (OSError, EOFError, paramiko.SSHException):
            raise IncompleteRead(host, "the connection broke, or the file can't be read", remedy=LOOK) from None


def _connect(ssh: "paramiko.SSHClient", url: str, login: Login) -> None:
    import paramiko  # noqa: PLC0415 - an extra

    parsed = urlsplit(url)
    host, port = str(parsed.hostname), parsed.port or 22
    known = login.known_hosts or Path("~/.ssh/known_hosts").expanduser()
    with suppress(FileNotFoundError):
        ssh.load_host_keys(str(known))
    ssh.set_missing_host_key_policy(cast("paramiko.MissingHostKeyPolicy", _Unknown(known)))
    try:
        ssh.connect(
            host,
            port,
            username=login.username,
            password=login.password,
            key_filename=str(login.key_file) if login.key_file else None,
            allow_agent=False,
            look_for_keys=False,
            timeout=TIMEOUT,
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


class _Unknown:
    """What happens at a host whose key is not known: it is refused."""

    def __init__(self, known: Path) -> None:
        self._known = known

    def missing_host_key(self, client: object, hostname: str, key: object) -> None:
        del client, key
        host, _, port = hostname.strip("[]").partition("]:")
        asked = f"ssh-keyscan -p {port} {host}" if port else f"ssh-keyscan {host}"
        remedy = f"compare its key with what its operator says, then: {asked} >> {self._known}"
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


def _by_fsspec(scheme: str, url: str, login: Login, file: IO[bytes], sleep: Callable[[float], None]) -> str:
    import fsspec  # noqa: PLC0415 - an extra

    name, path = _name_of(url), url.partition("://")[2]
    known: Mapping[str, Any] = {"key": login.username, "secret": login.password} if login.username else {}
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
        size = system.size(path)
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
    return name
