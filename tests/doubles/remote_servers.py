"""Servers that others wrote, started for a test on free ports: OpenSSH, moto's S3, and Python's own over TLS."""

import getpass
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from parts import tool

# --- TLS ---


class Authority:
    """An authority of our own, as a museum's IT has one; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Museum CA")])
        made = self._builder(self._name, self._key, timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta) -> x509.CertificateBuilder:
        begin = datetime.now(UTC) - timedelta(days=30)
        made = x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
        return made.not_valid_before(begin).not_valid_after(datetime.now(UTC) + lasts)

    def issue(self, host: str = "127.0.0.1", lasts: timedelta = timedelta(days=1)) -> tuple[Path, Path]:
        """The files of a certificate and of its key; it has expired where `lasts` is negative."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key, lasts)
        shown = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        made = made.add_extension(x509.SubjectAlternativeName([shown]), critical=False)
        issued = made.sign(self._key, hashes.SHA256())
        certificate, secret = self._folder / f"{host}.pem", self._folder / f"{host}.key"
        certificate.write_bytes(issued.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return certificate, secret


@dataclass
class Web:
    """What was asked, and what is answered."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    asked: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def https_server(certificate: Path, key: Path) -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append(dict(self.headers))
            self.send_response(web.status)
            for name, value in {"Content-Length": str(len(web.body)), **web.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(web.body)

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...  # whoever calls may hang up

    with Server(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        web.url = f"https://127.0.0.1:{server.server_port}"
        yield web
        server.shutdown()
        thread.join()


# --- OpenSSH ---


@dataclass
class Sshd:
    port: int
    folder: Path  # with `served/` in it, and the keys
    process: subprocess.Popen[bytes]

    @property
    def served(self) -> Path:
        return self.folder / "served"

    def url(self, name: str = "members.csv") -> str:
        return f"sftp://127.0.0.1:{self.port}{self.served}/{name}"

    def die(self) -> None:
        """With all who are connected, as a machine does whose power is cut."""
        victims = [self.process.pid]
        for victim in victims:
            with suppress(OSError):
                children = Path(f"/proc/{victim}/task/{victim}/children").read_text(encoding="ascii")
                victims += [int(child) for child in children.split()]
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, 9)


def ssh_keygen() -> str:
    return tool("ssh-keygen", "openssh-client")


def make_key(file: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> Path:
    made = [ssh_keygen(), "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(file), *options]
    subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    return file


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def wait_until(is_there: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with suppress(OSError, httpx.HTTPError):
            is_there()
            return
        time.sleep(0.05)
    pytest.fail(log.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def sshd(folder: Path, *lines: str, kinds: tuple[str, ...] = ("ed25519", "rsa", "ecdsa")) -> Iterator[Sshd]:
    """An OpenSSH server with keys of these kinds that lets us in with `user_key`, and `known_hosts` for it."""
    command, port = tool("sshd", "openssh-server"), free_port()
    (folder / "served").mkdir()
    host_keys = [make_key(folder / f"host_{kind}", kind) for kind in kinds]
    make_key(folder / "user_key")
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    shown = [key.with_suffix(".pub").read_text(encoding="ascii").strip() for key in host_keys]
    known = "".join(f"[127.0.0.1]:{port} {key}\n" for key in shown)
    (folder / "known_hosts").write_text(known, encoding="ascii")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd of root asks for it
    settings = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        *(f"HostKey {key}" for key in host_keys),
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "AuthenticationMethods publickey",
        "PermitRootLogin yes",
        "StrictModes no",
        # Whoever is not root can't see in /etc/shadow that an account is not locked; PAM can.
        f"UsePAM {'no' if os.getuid() == 0 else 'yes'}",
        "PidFile none",
        *(lines or ("Subsystem sftp internal-sftp",)),
    ]
    (folder / "sshd_config").write_text("\n".join(settings) + "\n", encoding="utf-8")
    log = folder / "sshd.log"
    with log.open("wb") as told:
        process = subprocess.Popen([command, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=told, stderr=told)
    server = Sshd(port, folder, process)
    try:
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close(), process, log)
        yield server
    finally:
        server.die()
        process.wait()


USER = getpass.getuser()

# --- S3 ---

REGION = "eu-central-1"


@dataclass
class Bucket:
    """`museum`, and the login of one who may read it."""

    endpoint: str
    access_key: str
    secret_key: str
    client: Any

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket="museum", Key=key, Body=body)

    def check_logins(self, after: int = 0) -> None:
        """From now on, after so many calls, moto takes nobody whom it does not know."""
        httpx.post(f"{self.endpoint}/moto-api/reset-auth", content=str(after)).raise_for_status()


@contextmanager
def moto(folder: Path, *options: str, trusted: Path | None = None) -> Iterator[Bucket]:
    """With `trusted`, an authority's certificate, it speaks https; `options` name its own certificate then."""
    port, log = free_port(), folder / "moto.log"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), *options]
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told)
    endpoint = f"{'https' if trusted else 'http'}://127.0.0.1:{port}"
    try:
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close(), process, log)
        setup = _session("setup", "setup")
        places = {"endpoint_url": endpoint, "verify": str(trusted) if trusted else None}
        iam = setup.client("iam", **places)
        iam.create_user(UserName="syncd")
        allowed = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
        iam.put_user_policy(UserName="syncd", PolicyName="all", PolicyDocument=allowed)
        key = iam.create_access_key(UserName="syncd")["AccessKey"]
        s3 = _session(key["AccessKeyId"], key["SecretAccessKey"]).client("s3", **places)
        s3.create_bucket(Bucket="museum", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield Bucket(endpoint, key["AccessKeyId"], key["SecretAccessKey"], s3)
    finally:
        process.kill()
        process.wait()


def _session(access_key: str, secret_key: str) -> boto3.Session:
    return boto3.Session(aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=REGION)
