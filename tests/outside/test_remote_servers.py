"""Files from servers that nobody here wrote: over TLS with an authority of our own, OpenSSH, and S3."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from parts import tool
from remote_servers import USER, Authority, Bucket, Sshd, Web, free_port, https_server, make_key, moto, ssh_keygen, sshd

from syncd.errors import IncompleteRead, Misconfigured, Stopped
from syncd.network import in_haste
from syncd.sources.files.csv import CsvOptions, CsvSource
from syncd.sources.files.download import Download

TEXT = b"Nr;Name\n0001;Zzquandt\n0002;Zzmeyer\n"
OTHER = b"Nr;Name\n0009;Zzother\n"


def source(folder: Path, url: str, **options: Any) -> CsvSource:
    parsed = CsvOptions.model_validate({"type": "csv", "url": url, "settled": "0s", **options})
    return CsvSource(parsed, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def numbers(made: CsvSource) -> list[object]:
    with made.open() as reading:
        return [record.values["Nr"] for record in reading]


def refused(made: CsvSource) -> str:
    with pytest.raises(IncompleteRead) as caught:
        numbers(made)
    assert caught.value.remedy
    told = str(caught.value)
    assert not any(secret in told for secret in ("s3cret", "Zz", "?", "export/", "http://", "https://"))
    return told


# --- https ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trust(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


@pytest.fixture
def web(authority: Authority) -> Iterator[Web]:
    with https_server(*authority.issue()) as web:
        web.body = TEXT
        yield web


def on(web: Web, **options: Any) -> CsvSource:
    return source(Path(), f"{web.url}/export/members.csv?signature=s3cret", **options)


def test_an_authority_of_our_own_is_trusted_by_its_file(web: Web, trust: None) -> None:
    assert numbers(on(web)) == ["0001", "0002"]


def test_an_authority_that_nobody_named_is_refused(web: Web) -> None:
    told = refused(on(web))
    assert "signed by nobody who is trusted here" in told
    assert "SSL_CERT_FILE" in told
    assert web.asked == []


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        ({"lasts": timedelta(days=-1)}, "its certificate can't be verified: it has expired"),
        ({"host": "other.example.org"}, "its certificate can't be verified: it is another host's"),
    ],
)
def test_a_certificate_that_is_not_right_is_refused(
    authority: Authority, trust: None, issued: dict[str, Any], words: str
) -> None:
    with https_server(*authority.issue(**issued)) as web:
        assert words in refused(on(web, token="s3cret"))
        assert web.asked == []


@pytest.mark.parametrize(
    ("login", "header"),
    [({"token": "s3cret"}, "Bearer s3cret"), ({"username": "u", "password": "s3cret"}, "Basic dTpzM2NyZXQ=")],
)
def test_a_login_goes_over_tls(web: Web, trust: None, login: dict[str, str], header: str) -> None:
    numbers(on(web, **login))
    assert web.asked[0]["Authorization"] == header


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"Content-Length": "999"}, TEXT), "came cut short"),
        ((200, {"Transfer-Encoding": "chunked", "Content-Length": ""}, b"5\r\nNr;Na"), "came cut short"),
        ((200, {"Content-Encoding": "gzip"}, TEXT), "came damaged"),
        ((200, {}, b"<!DOCTYPE html><html><body>Login Zz"), "members.csv: is a web page or XML"),
        ((302, {"Location": "http://files.example.org/members.csv?s3cret"}, b""), "without https"),
        ((302, {"Location": "ftp://files.example.org/members.csv"}, b""), "without https"),
        ((400, {}, b"Zz"), "refuses (400)"),
        ((403, {}, b"Zz"), "refuses the credentials (403)"),
        ((429, {}, b"Zz"), "asked too often (429)"),
        ((500, {}, b"Zz"), "the server failed (500)"),
    ],
)
def test_what_comes_wrong_over_tls_is_told(
    web: Web, trust: None, answer: tuple[int, dict[str, str], bytes], words: str
) -> None:
    web.status, web.headers, web.body = answer
    assert words in refused(on(web, token="s3cret"))


def test_a_redirect_to_another_host_takes_no_token_along(web: Web, authority: Authority, trust: None) -> None:
    with https_server(*authority.issue()) as other:
        other.body = TEXT
        web.status, web.headers = 302, {"Location": f"{other.url}/members.csv"}
        assert numbers(on(web, token="s3cret")) == ["0001", "0002"]
        assert "Authorization" not in other.asked[0]


def test_a_path_that_is_a_secret_is_not_named(web: Web, trust: None) -> None:
    web.status = 404
    assert refused(source(Path(), f"{web.url}/s/s3cret")).startswith("127.0.0.1: there is no such file")


# --- sftp ---


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path) as server:
        (server.served / "members.csv").write_bytes(TEXT)
        yield server


def over_sftp(server: Sshd, name: str = "members.csv", **options: Any) -> CsvSource:
    login = {"username": USER, "key_file": "user_key", "known_hosts": "known_hosts"}
    made = {**login, **options}
    return source(server.folder, server.url(name), **{key: value for key, value in made.items() if value is not None})


def at_pause(number: int, act: Callable[[], object]) -> Callable[[float], None]:
    """A sleep that does something when it is called for so many times. After the third the file is found."""
    left = [None] * (number - 1)

    def sleep(_seconds: float) -> None:
        if left:
            left.pop()
        else:
            act()

    return sleep


def test_openssh_lets_us_in_with_a_key(server: Sshd) -> None:
    assert numbers(over_sftp(server)) == ["0001", "0002"]


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", "s3cret"])
def test_keys_of_every_kind_and_form_open(server: Sshd, kind: str, form: str, passphrase: str) -> None:
    key = make_key(server.folder / "other_key", kind, passphrase, "-m", form)
    shutil.copy(key.with_suffix(".pub"), server.folder / "authorized_keys")
    made = over_sftp(server, key_file="other_key", password=passphrase or None)
    assert numbers(made) == ["0001", "0002"]


def test_a_key_opens_whatever_the_length_of_its_comment(server: Sshd) -> None:
    shown = []
    for length in range(8):
        key = server.folder / f"key_{length}"
        made = [ssh_keygen(), "-q", "-t", "ecdsa", "-N", "", "-C", "x" * length, "-f", key]
        subprocess.run(made, check=True)
        shown.append(key.with_suffix(".pub").read_text(encoding="ascii"))
    (server.folder / "authorized_keys").write_text("".join(shown), encoding="ascii")
    for length in range(8):
        assert numbers(over_sftp(server, key_file=f"key_{length}")) == ["0001", "0002"]


def test_a_certificate_beside_the_key_is_shown(tmp_path: Path) -> None:
    trusted = f"TrustedUserCAKeys {tmp_path}/authority.pub"
    authority = make_key(tmp_path / "authority")
    with sshd(tmp_path, trusted, "Subsystem sftp internal-sftp") as server:
        (server.served / "members.csv").write_bytes(TEXT)
        (tmp_path / "authorized_keys").write_bytes(b"")
        sign = [ssh_keygen(), "-q", "-s", authority, "-I", "syncd", "-n", USER, tmp_path / "user_key.pub"]
        subprocess.run(sign, check=True)
        assert numbers(over_sftp(server)) == ["0001", "0002"]


@pytest.mark.parametrize("given", [None, "wrong"])
def test_a_key_whose_passphrase_is_not_right_is_told(server: Sshd, given: str | None) -> None:
    make_key(server.folder / "other_key", "ed25519", "s3cret")
    told = refused(over_sftp(server, key_file="other_key", password=given))
    assert ("has a passphrase: set it as password" if given is None else "the passphrase does not open") in told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "is a key of PuTTY"),
        (b"ssh-ed25519 AAAA\n", "is the public key"),
        (b"", "is no private key"),
        (b"\xff\x00\x01", "is no private key"),
        (None, "there is no such key"),
    ],
)
def test_a_file_that_is_no_key_is_told(server: Sshd, content: bytes | None, words: str) -> None:
    if content is not None:
        (server.folder / "other_key").write_bytes(content)
    assert words in refused(over_sftp(server, key_file="other_key"))


def test_a_key_that_the_host_does_not_know_is_refused(server: Sshd) -> None:
    make_key(server.folder / "other_key")
    assert "refuses the login: check username and key_file" in refused(over_sftp(server, key_file="other_key"))


def test_where_a_password_is_not_taken_the_remedy_is_a_key(server: Sshd) -> None:
    told = refused(over_sftp(server, key_file=None, password="s3cret"))
    assert "does not take a login of this kind: set key_file" in told


def test_with_nothing_to_log_in_with_the_remedy_says_what(server: Sshd) -> None:
    assert "set password or key_file" in refused(over_sftp(server, key_file=None))


def test_the_remedy_for_an_unknown_host_makes_it_known(server: Sshd) -> None:
    tool("ssh-keyscan", "openssh-client")
    told = refused(over_sftp(server, known_hosts="new hosts"))
    command = told[told.index("ssh-keyscan") :]
    subprocess.run(["sh", "-c", command], check=True, stderr=subprocess.DEVNULL)
    assert numbers(over_sftp(server, known_hosts="new hosts")) == ["0001", "0002"]


def test_a_host_whose_key_was_changed_is_refused(server: Sshd) -> None:
    key = make_key(server.folder / "other_host").with_suffix(".pub").read_text(encoding="ascii")
    (server.folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {key}", encoding="ascii")
    assert "shows another key than the one that is known" in refused(over_sftp(server))


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_one_known_key_of_several_will_do(server: Sshd, kind: str) -> None:
    key = (server.folder / f"host_{kind}.pub").read_text(encoding="ascii")
    (server.folder / "known_hosts").write_text(f"# ours\n\n[127.0.0.1]:{server.port} {key}", encoding="ascii")
    assert numbers(over_sftp(server)) == ["0001", "0002"]


def test_a_list_of_hosts_may_be_hashed(server: Sshd) -> None:
    hosts = server.folder / "known_hosts"
    subprocess.run([ssh_keygen(), "-q", "-H", "-f", hosts], check=True, capture_output=True)
    assert "127.0.0.1" not in hosts.read_text(encoding="ascii")
    assert numbers(over_sftp(server)) == ["0001", "0002"]


@pytest.mark.parametrize("content", [b"files.example.org ssh-ed25519 AAA\n", b"\xff\xfe\x00"])
def test_a_list_of_hosts_that_is_none_is_told(server: Sshd, content: bytes) -> None:
    (server.folder / "known_hosts").write_bytes(content)
    told = refused(over_sftp(server))
    assert "known_hosts: is no list of keys of hosts" in told


def test_the_newest_file_is_taken_and_none_that_lies_beside(server: Sshd) -> None:
    old, new = server.served / "members.csv", server.served / "members-2.csv"
    new.write_bytes(OTHER)
    os.utime(old, (1, 1))
    os.utime(new, (2, 2))
    for name in ("~$members.csv", ".members.csv", "members.csv.part", ".~lock.members.csv#"):
        (server.served / name).write_bytes(b"not this")
    (server.served / "members-folder.csv").mkdir()
    (server.served / "members-nowhere.csv").symlink_to("nowhere")
    assert numbers(over_sftp(server, "*members*")) == ["0009"]


@pytest.mark.parametrize(("changed", "taken"), [(1, ["0009"]), (3, ["0001", "0002"])])
def test_a_link_is_followed_to_the_time_of_its_file(server: Sshd, changed: int, taken: list[str]) -> None:
    (server.served / "members-1.csv").write_bytes(OTHER)
    (server.served / "members-2.csv").symlink_to("members.csv")
    os.utime(server.served / "members.csv", (changed, changed))
    os.utime(server.served / "members-1.csv", (2, 2))
    assert numbers(over_sftp(server, "members-*.csv")) == taken


def test_brackets_may_be_letters_of_the_name(server: Sshd) -> None:
    (server.served / "Export [neu] März.csv").write_bytes(OTHER)
    assert numbers(over_sftp(server, "Export [neu] März.csv")) == ["0009"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody.csv", "nobody.csv: there is no such file"),
        ("nobody-*.csv", "nobody-*.csv: there is no such file"),
        ("nowhere/members.csv", "members.csv: there is no such file"),
        ("nowhere/members-*.csv", "nowhere: there is no such folder"),
        ("folder", "folder: is not a file"),
    ],
)
def test_what_is_not_there_is_told(server: Sshd, name: str, words: str) -> None:
    (server.served / "folder").mkdir()
    assert words in refused(over_sftp(server, name))


@pytest.mark.parametrize(
    ("denied", "name", "words"),
    [
        ("open", "members.csv", "members.csv: the user may not read it"),
        ("opendir", "members*.csv", "served: the user may not list the folder"),
    ],
)
def test_what_the_user_may_not_do_is_told(tmp_path: Path, denied: str, name: str, words: str) -> None:
    with sshd(tmp_path, f"Subsystem sftp internal-sftp -P {denied}") as server:
        (server.served / "members.csv").write_bytes(TEXT)
        assert words in refused(over_sftp(server, name))


def test_a_host_without_sftp_is_told(tmp_path: Path) -> None:
    with sshd(tmp_path, "ForceCommand /bin/false") as server:
        assert "the connection broke, or the file can't be read" in refused(over_sftp(server))


@pytest.mark.parametrize("way", ["replaced", "cut", "written to"])
def test_a_file_that_changes_once_it_was_found_is_no_file(server: Sshd, way: str) -> None:
    file = server.served / "members.csv"
    os.utime(file, (1, 1))

    def change() -> None:
        if way == "replaced":
            (server.served / "new").write_bytes(TEXT.replace(b"Zz", b"Yy"))
            (server.served / "new").replace(file)
        elif way == "cut":
            os.truncate(file, 25)
        else:
            file.write_bytes(TEXT + b"0003;Zzthird\n")

    made = over_sftp(server)
    made.sleep = at_pause(3, change)
    assert "was changed while it was read" in refused(made)


def test_a_server_that_dies_in_the_middle_is_told(server: Sshd) -> None:
    with (server.served / "members.csv").open("r+b") as file:
        file.truncate(2 << 30)
    made = over_sftp(server)
    made.sleep = at_pause(4, server.die)
    assert "the connection broke" in refused(made)


def test_a_file_that_is_still_written_to_is_waited_for_no_longer_than_ten_minutes(server: Sshd) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        with (server.served / "members.csv").open("ab") as file:
            file.write(b"0003;x\n")

    made = over_sftp(server, settled="5m")
    made.sleep = sleep
    assert "is still being written to" in refused(made)
    assert 600 < sum(waited) < 3600


# --- s3 ---


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with moto(tmp_path_factory.mktemp("moto")) as bucket:
        bucket.check_logins()
        yield bucket


@pytest.fixture
def bucket(started: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for one in started.client.list_objects_v2(Bucket="museum").get("Contents", ()):
        started.client.delete_object(Bucket="museum", Key=one["Key"])
    started.put("export/members-1.csv", TEXT)
    monkeypatch.setenv("AWS_ENDPOINT_URL", started.endpoint)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    return started


def in_bucket(bucket: Bucket, url: str = "s3://museum/export/members-1.csv", **options: Any) -> CsvSource:
    login = {"username": bucket.access_key, "password": bucket.secret_key}
    made = {**login, **options}
    return source(Path(), url, **{key: value for key, value in made.items() if value is not None})


def test_a_file_comes_from_a_bucket(bucket: Bucket) -> None:
    made = in_bucket(bucket)
    assert numbers(made) == ["0001", "0002"]
    with made.open() as reading:
        assert reading.description.startswith("members-1.csv (")


def test_the_login_may_stand_in_the_environment(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.secret_key)
    assert numbers(in_bucket(bucket, username=None, password=None)) == ["0001", "0002"]


def test_a_login_of_the_configuration_goes_before_that_of_the_environment(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "s3cret")
    assert numbers(in_bucket(bucket)) == ["0001", "0002"]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_every_store_is_named_by_its_endpoint(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv(name, bucket.endpoint)
    assert numbers(in_bucket(bucket)) == ["0001", "0002"]


def test_a_store_with_an_authority_of_our_own_is_trusted_by_its_file(
    tmp_path: Path, authority: Authority, trust: None, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = map(str, authority.issue())
    with moto(tmp_path, "-s", "-c", certificate, "-k", key, trusted=authority.file) as secured:
        secured.put("export/members-1.csv", TEXT)
        monkeypatch.setenv("AWS_ENDPOINT_URL", secured.endpoint)
        assert numbers(in_bucket(secured)) == ["0001", "0002"]
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "its certificate can't be verified" in refused(in_bucket(secured))


def test_the_newest_in_a_folder_is_taken_and_none_that_lies_beside(bucket: Bucket) -> None:
    time.sleep(1.1)  # S3 tells seconds
    bucket.put("export/members-0.csv", OTHER)
    time.sleep(1.1)
    for key in ("export/.members-3.csv", "export/members-4.csv.part", "export/deeper/members-5.csv", "members-6.csv"):
        bucket.put(key, b"not this")
    assert numbers(in_bucket(bucket, "s3://museum/export/*members-*")) == ["0009"]


def test_a_folder_with_more_files_than_one_answer_holds_is_seen_whole(bucket: Bucket) -> None:
    for number in range(1005):
        bucket.put(f"many/a-{number:04}.csv", b"old")
    time.sleep(1.1)
    bucket.put("many/z.csv", OTHER)
    assert numbers(in_bucket(bucket, "s3://museum/many/*.csv")) == ["0009"]


@pytest.mark.parametrize("key", ["Mitglieder März [neu].csv", "a%20b.csv", "a+b & c.csv"])
def test_a_key_is_taken_as_it_is_written(bucket: Bucket, key: str) -> None:
    bucket.put(f"export/{key}", OTHER)
    assert numbers(in_bucket(bucket, f"s3://museum/export/{key}")) == ["0009"]


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("s3://museum/export/nobody.csv", {}, "nobody.csv: there is no such file: check url"),
        ("s3://museum/export/nobody-*.csv", {}, "nobody-*.csv: there is no such file: check url"),
        ("s3://nowhere/export/members-1.csv", {}, "members-1.csv: there is no such bucket"),
        ("s3://nowhere/export/*.csv", {}, "there is no such bucket"),
        ("s3://museum/export//members.csv", {}, "no file can have this name"),
        ("s3://museum/export/members-1.csv", {"password": "wrong"}, "the secret key is not that of the access key"),
        ("s3://museum/export/members-1.csv", {"username": "AKNOBODY"}, "the server does not know the access key"),
        ("s3://museum/export/*.csv", {"password": "wrong"}, "the secret key is not that of the access key"),
        ("s3://museum/export/*.csv", {"username": None, "password": None}, "there are no credentials"),
    ],
)
def test_what_a_bucket_refuses_is_told(bucket: Bucket, url: str, options: dict[str, Any], words: str) -> None:
    assert words in refused(in_bucket(bucket, url, **options))


def test_a_file_that_changes_while_it_comes_is_no_file(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Download.keep

    def slowly(download: Download, part: bytes) -> None:
        bucket.put("export/members-1.csv", TEXT.replace(b"Zz", b"Yy"))
        keep(download, part)

    monkeypatch.setattr(Download, "keep", slowly)
    assert "was changed while it was read" in refused(in_bucket(bucket))


def test_an_endpoint_that_nobody_answers_at_is_given_up_soon(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    assert "no connection to the server: it refuses the connection" in refused(in_bucket(bucket))
    assert time.monotonic() - began < 15


def test_who_waits_at_a_terminal_is_told_within_seconds(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://nowhere.invalid")
    began = time.monotonic()
    with in_haste():
        assert "there is no host of this name" in refused(in_bucket(bucket))
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("address", ["http://files.example.org", "files.example.org", "https://"])
def test_an_endpoint_without_encryption_is_a_mistake(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(Misconfigured, match="AWS_ENDPOINT_URL: must begin with 'https://'"):
        numbers(in_bucket(bucket))


def test_certificates_that_are_not_there_are_a_mistake(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
    with pytest.raises(Misconfigured, match="SSL_CERT_FILE: names what is not there"):
        numbers(in_bucket(bucket))


# --- all of them ---


@pytest.mark.parametrize("scheme", ["https", "sftp", "s3"])
def test_a_stop_is_heard_within_seconds_while_a_server_says_nothing(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{place}")
        url = "s3://museum/members.csv" if scheme == "s3" else f"{scheme}://{place}/members.csv"
        login = {} if scheme == "https" else {"username": "u", "password": "s3cret"}
        made, began = source(tmp_path, url, **login), time.monotonic()

        def sleep(_seconds: float) -> None:
            raise Stopped

        made.sleep = sleep
        with pytest.raises(Stopped):
            numbers(made)
        assert time.monotonic() - began < 5
