"""A file by sftp, from a host whose key is known."""

import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from syncd.errors import IncompleteRead
from syncd.network import NoConnection, open_socket
from syncd.sources.files.download import (
    AGAIN,
    AT_ONCE,
    CHANGED,
    CUT,
    LOOK,
    MADE,
    TIMEOUT,
    Download,
    Named,
    choose,
    is_pattern,
    name_in,
)
from syncd.sources.files.opening import wait_for_quiet

if TYPE_CHECKING:
    import paramiko

METHODS = {"publickey": "key_file", "password": "password", "keyboard-interactive": "password"}
FOREIGN_KEYS = {
    b"PuTTY-User-Key-File": ("is a key of PuTTY", "export it as an OpenSSH key, in PuTTYgen under Conversions"),
    b"ssh-": ("is the public key", "name the private one, which has no .pub"),
    b"ecdsa-": ("is the public key", "name the private one, which has no .pub"),
    b"---- BEGIN SSH2 PUBLIC": ("is the public key", "name the private one"),
}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as it was when it was found; two are equal only if nothing was written in between, as far as it shows."""

    path: str
    size: int
    modified: float

    @property
    def name(self) -> str:
        return name_in(self.path)


def fetch(download: Download) -> Named:
    import paramiko

    path = unquote(download.url.path)
    with closing(paramiko.SSHClient()) as ssh:
        download.heard(lambda: _connect(ssh, download))
        with _told(name_in(path), download.host), closing(download.heard(lambda: _open(ssh))) as sftp:
            found = wait_for_quiet(lambda: download.heard(lambda: _find(sftp, path)), download.waiting)
            download.heard(lambda: _copy(sftp, found, download))
            return found.name, str(found.modified)


@contextmanager
def _told(name: str, host: str) -> Iterator[None]:
    import paramiko

    try:
        yield
    except FileNotFoundError:
        raise IncompleteRead(name, "there is no such file", remedy=MADE) from None
    except PermissionError:
        raise IncompleteRead(name, "the user may not read it", remedy="give the user the right to") from None
    except (OSError, EOFError, paramiko.SSHException):
        raise IncompleteRead(host, "the connection broke, or the file can't be read", remedy=LOOK) from None


# --- the door ---


def _connect(ssh: "paramiko.SSHClient", download: Download) -> None:
    import paramiko

    host, port = download.host, download.url.port or 22
    known = _load_known_hosts(ssh, download)
    key, password = _find_credentials(download)
    try:
        ssh.connect(
            host,
            port,
            sock=open_socket(host, port),
            username=download.options.username,
            password=password,
            pkey=key,
            allow_agent=False,
            look_for_keys=False,
            timeout=TIMEOUT,
            banner_timeout=TIMEOUT,
            auth_timeout=TIMEOUT,
        )
    except NoConnection as error:
        raise IncompleteRead(host, f"can't be reached: {error.words}", remedy=f"check url; {LOOK}") from None
    except paramiko.BadHostKeyException:
        remedy = f"ask its operator why; only then replace its lines in {known}"
        raise IncompleteRead(host, "shows another key than the one that is known of it", remedy=remedy) from None
    except paramiko.BadAuthenticationType as error:
        remedy = _name_login(error.allowed_types, has_key=key is not None)
        raise IncompleteRead(host, "does not take a login of this kind", remedy=remedy) from None
    except paramiko.AuthenticationException:
        remedy = f"check username and {'key_file' if key else 'password'}, and that the host knows them"
        raise IncompleteRead(host, "refuses the login", remedy=remedy) from None
    except paramiko.ssh_exception.IncompatiblePeer:
        remedy = "ask its operator to renew its SSH server"
        raise IncompleteRead(host, "takes only ciphers or keys that are no longer safe", remedy=remedy) from None
    except (OSError, EOFError, paramiko.SSHException):
        remedy = f"check host and port in url; {LOOK}"
        raise IncompleteRead(host, "does not answer as an SSH server, or breaks off", remedy=remedy) from None


def _name_login(methods: Iterable[str], *, has_key: bool) -> str:
    keys = sorted({METHODS[method] for method in methods if method in METHODS})
    if not keys:
        return "ask its operator what it takes"
    return f"set {' or '.join(keys)}" + (", and leave out key_file" if has_key and "key_file" not in keys else "")


def _load_known_hosts(ssh: "paramiko.SSHClient", download: Download) -> Path:
    import paramiko

    given = download.options.known_hosts
    known = download.base / given if given else Path("~/.ssh/known_hosts").expanduser()
    try:
        with suppress(FileNotFoundError):
            ssh.load_host_keys(str(known))
    except PermissionError:
        remedy = "give the user that runs syncd the right to"
        raise IncompleteRead(str(known), "syncd may not read it", remedy=remedy) from None
    except (OSError, ValueError, paramiko.hostkeys.InvalidHostKey):
        remedy = "make it anew with ssh-keyscan, and compare the keys with what their operators say"
        raise IncompleteRead(str(known), "is no list of keys of hosts", remedy=remedy) from None
    ssh.set_missing_host_key_policy(cast("paramiko.MissingHostKeyPolicy", _Unknown(known)))
    return known


@dataclass(frozen=True, slots=True)
class _Unknown:
    """What happens at a host whose key is not among the `known`: it is refused."""

    known: Path

    def missing_host_key(self, _client: object, hostname: str, _key: object) -> None:
        host, _, port = hostname.strip("[]").partition("]:")
        asked = f"ssh-keyscan -p {port} {host}" if port else f"ssh-keyscan {host}"
        remedy = f"compare its key with what its operator says, then: {asked} >> {quote(str(self.known))}"
        raise IncompleteRead(host, "is not a known host", remedy=remedy)


def _find_credentials(download: Download) -> tuple["paramiko.PKey | None", str | None]:
    """The key, and what is sent as the password: never what only opens the key."""
    password = download.login[1]
    if (name := download.options.key_file) is None:
        if password is None:
            raise IncompleteRead(download.host, "there is nothing to log in with", remedy="set password or key_file")
        return None, password
    file = download.base / Path(name).expanduser()
    try:
        key = _load_key(file, None)
    except TypeError:  # it is encrypted
        if password is None:
            raise IncompleteRead(name, "the key has a passphrase", remedy="set it as password") from None
        return _load_key(file, password.encode()), None
    return key, password


def _load_key(file: Path, passphrase: bytes | None) -> "paramiko.PKey":
    """Raises TypeError where the key has a passphrase and none is given."""
    import paramiko
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = _decode_key(file.read_bytes(), passphrase)
        if (certificate := Path(f"{file}-cert.pub")).exists():
            key.load_certificate(str(certificate))
        return key
    except FileNotFoundError:
        remedy = "check key_file; it is searched from the folder of the configuration"
        raise IncompleteRead(str(file), "there is no such key", remedy=remedy) from None
    except OSError:
        remedy = "give the user that runs syncd the right to"
        raise IncompleteRead(str(file), "the key can't be read", remedy=remedy) from None
    except (ValueError, UnsupportedAlgorithm, paramiko.SSHException):
        head = file.read_bytes()[:30]
        for beginning, (what, remedy) in FOREIGN_KEYS.items():
            if head.startswith(beginning):
                raise IncompleteRead(str(file), what, remedy=remedy) from None
        if passphrase is not None:
            raise IncompleteRead(str(file), "the passphrase does not open the key", remedy="check password") from None
        remedy = "make one with: ssh-keygen -t ed25519"
        raise IncompleteRead(str(file), "is no private key of a kind that is taken", remedy=remedy) from None


def _decode_key(data: bytes, passphrase: bytes | None) -> "paramiko.PKey":
    """By cryptography: paramiko itself knows no PKCS 8, and takes some OpenSSH keys for damaged, by their length."""
    import paramiko
    from cryptography.hazmat.primitives import serialization as written
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        secret: object = written.load_ssh_private_key(data, passphrase)
    except ValueError:
        secret = written.load_pem_private_key(data, passphrase)
    kind: type[paramiko.PKey]
    match secret:
        case rsa.RSAPrivateKey():
            kind, form = paramiko.RSAKey, written.PrivateFormat.TraditionalOpenSSL
        case ec.EllipticCurvePrivateKey():
            kind, form = paramiko.ECDSAKey, written.PrivateFormat.TraditionalOpenSSL
        case ed25519.Ed25519PrivateKey():
            kind, form = paramiko.Ed25519Key, written.PrivateFormat.OpenSSH
        case _:
            raise ValueError("another kind of key")
    text = secret.private_bytes(written.Encoding.PEM, form, written.NoEncryption()).decode("ascii")
    return kind.from_private_key(StringIO(text))


# --- the file ---


def _open(ssh: "paramiko.SSHClient") -> "paramiko.SFTPClient":
    sftp = ssh.open_sftp()
    channel = sftp.get_channel()
    assert channel is not None  # noqa: S101 - it is open
    channel.settimeout(TIMEOUT)
    return sftp


def _find(sftp: "paramiko.SFTPClient", path: str) -> RemoteFile:
    """The newest that matches, where `path` is a pattern."""
    folder, wanted = PurePosixPath(path).parent, name_in(path)
    if not is_pattern(wanted):
        return _require_file(path, sftp.stat(path))
    try:
        listed = {entry.filename: entry for entry in sftp.listdir_attr(str(folder))}
    except FileNotFoundError:
        raise IncompleteRead(
            folder.name, "there is no such folder", remedy="check url, as the user sees it there"
        ) from None
    except PermissionError:
        remedy = "give the user the right to, or name the file without *"
        raise IncompleteRead(folder.name, "the user may not list the folder", remedy=remedy) from None
    found = []
    for name in choose(listed, wanted):
        entry, place = listed[name], str(folder / name)
        if stat.S_ISLNK(entry.st_mode or 0):
            with suppress(FileNotFoundError):  # a link that leads nowhere
                entry = sftp.stat(place)
        if _is_file(entry):
            found.append(_as_found(place, entry))
    if not found:
        raise FileNotFoundError
    return max(found, key=lambda file: (file.modified, file.name))


def _is_file(entry: "paramiko.SFTPAttributes") -> bool:
    """Or of no kind that the server tells."""
    return stat.S_IFMT(entry.st_mode or 0) in (0, stat.S_IFREG)


def _require_file(path: str, entry: "paramiko.SFTPAttributes") -> RemoteFile:
    if not _is_file(entry):
        raise IncompleteRead(name_in(path), "is not a file", remedy="url must name a file, or files with *")
    return _as_found(path, entry)


def _as_found(path: str, entry: "paramiko.SFTPAttributes") -> RemoteFile:
    return RemoteFile(path, int(entry.st_size or 0), float(entry.st_mtime or 0))


def _copy(sftp: "paramiko.SFTPClient", found: RemoteFile, download: Download) -> None:
    with sftp.open(found.path, "rb") as remote:
        before = _as_found(found.path, remote.stat())
        _keep_quiet(remote)
        remote.prefetch(before.size)
        while part := remote.read(AT_ONCE):
            download.keep(part)
    if not before == found == _as_found(found.path, sftp.stat(found.path)):
        raise IncompleteRead(found.name, CHANGED, remedy=AGAIN)
    if download.file.tell() != found.size:
        raise IncompleteRead(found.name, CUT, remedy=LOOK)


def _keep_quiet(remote: "paramiko.SFTPFile") -> None:
    """What asks ahead would print a traceback where the connection breaks; who reads is told of it anyway."""
    import paramiko

    file = cast("Any", remote)  # paramiko has no public way
    ask_ahead = file._prefetch_thread  # noqa: SLF001

    def ask(*arguments: object) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            ask_ahead(*arguments)

    file._prefetch_thread = ask  # noqa: SLF001
