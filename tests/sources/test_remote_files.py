"""Files on other machines, from doubles that can be made to fail; tests/outside has servers that others wrote."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import paramiko
import pytest
from flask import Flask, Response, redirect, request
from paramiko import SFTPAttributes, SFTPHandle
from pydantic import ValidationError
from source_contract import read
from stop import interrupted

from syncd.errors import IncompleteRead, Stopped
from syncd.sandbox import serve
from syncd.sources.files.csv import CsvOptions, CsvSource
from syncd.sources.files.download import choose

OTHERS = ("ftp", "ftps", "smb", "gs", "az", "file", "http", "webdav")
TEXT = "Nr;Name\n0001;Zzquandt\n0002;Zzmeyer\n"


def source(folder: Path, url: str, **options: Any) -> CsvSource:
    parsed = CsvOptions.model_validate({"type": "csv", "url": url, "settled": "0s", **options})
    return CsvSource(parsed, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))


def refused(made: CsvSource) -> IncompleteRead:
    with pytest.raises(IncompleteRead) as caught:
        read(made)
    assert caught.value.remedy
    assert not any(secret in str(caught.value) for secret in ("s3cret", "Zz", "?", "export/"))
    return caught.value


def assert_it_stops(made: CsvSource) -> None:
    made.sleep = interrupted
    with pytest.raises(Stopped):
        read(made)


def numbers(made: CsvSource) -> list[object]:
    return [record.values["Nr"] for record in read(made)]


# --- https ---


@dataclass
class Web:
    url: str = ""
    answer: Callable[[int], Response] = lambda _number: Response(TEXT)
    asked: list[Any] = field(default_factory=list)


@pytest.fixture
def web() -> Iterator[Web]:
    web, app = Web(), Flask(__name__)

    @app.get("/export/members.csv")
    def members() -> Response:
        web.asked.append(dict(request.headers))
        return web.answer(len(web.asked))

    with serve(app) as url:
        web.url = f"{url}/export/members.csv"
        yield web


def test_a_file_is_fetched_and_read(web: Web, tmp_path: Path) -> None:
    made = source(tmp_path, web.url + "?signature=s3cret")
    assert numbers(made) == ["0001", "0002"]
    with made.open() as reading:
        assert reading.description == "members.csv (utf-8, ';')"


@pytest.mark.parametrize(
    ("options", "header"),
    [({"token": "s3cret"}, "Bearer s3cret"), ({"username": "u", "password": "s3cret"}, "Basic dTpzM2NyZXQ=")],
)
def test_credentials_go_along(web: Web, tmp_path: Path, options: dict[str, str], header: str) -> None:
    made = source(tmp_path, web.url, **options)
    read(made)
    assert web.asked[0]["Authorization"] == header
    assert "s3cret" not in repr(made.options)


def test_credentials_go_to_no_other_host(web: Web, tmp_path: Path) -> None:
    elsewhere = web.url.replace("127.0.0.1", "localhost")
    web.answer = lambda number: redirect(elsewhere) if number == 1 else Response(TEXT)  # type: ignore[assignment,return-value]
    assert numbers(source(tmp_path, web.url, token="s3cret")) == ["0001", "0002"]
    assert "Authorization" not in web.asked[1]


def cut_short() -> Response:
    answer = Response(TEXT)
    answer.headers["Content-Length"] = "999"
    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: Response(status=401), "refuses the credentials (401)"),
        (lambda _: Response(status=404), "there is no such file (404)"),
        (lambda _: Response(status=503), "the server failed (503)"),
        (lambda _: Response(""), "is empty"),
        (lambda _: Response("<!doctype html><p>Login"), "is a web page or XML"),
        (lambda _: cut_short(), "the connection broke"),
        (lambda _: redirect("http://example.org/members.csv"), "without https"),
        (lambda _: redirect("/export/members.csv"), "redirected without end"),
    ],
)
def test_what_goes_wrong_is_an_incomplete_read(web: Web, tmp_path: Path, answer: Any, words: str) -> None:
    web.answer = answer
    assert words in refused(source(tmp_path, web.url + "?signature=s3cret", token="s3cret")).message


def test_a_passing_trouble_is_tried_again(web: Web, tmp_path: Path) -> None:
    web.answer = lambda number: Response(status=502) if number == 1 else Response(TEXT)
    assert numbers(source(tmp_path, web.url)) == ["0001", "0002"]


@pytest.mark.parametrize("answer", [Response(status=502), Response(TEXT)], ids=["between tries", "while it comes"])
def test_a_download_that_is_to_stop_is_not_taken_for_a_broken_one(web: Web, tmp_path: Path, answer: Response) -> None:
    web.answer = lambda _number: answer
    assert_it_stops(source(tmp_path, web.url))
    assert len(web.asked) == 1


def test_nothing_is_left_on_the_disk(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with source(tmp_path, web.url).open() as reading:
        next(iter(reading))
        assert list(tmp_path.iterdir()) == []


# --- sftp ---


class Files(paramiko.SFTPServerInterface):
    """Serves one folder, read-only. `cut` makes files seem longer than what comes."""

    folder: Path
    cut = 0

    def _path(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def list_folder(self, path: str) -> Any:
        return [self._attributes(file, file.name) for file in self._path(path).iterdir()]

    def _attributes(self, file: Path, name: str = "") -> SFTPAttributes:
        attributes = SFTPAttributes.from_stat(file.stat(), name)
        attributes.st_size = (attributes.st_size or 0) + type(self).cut
        return attributes

    def stat(self, path: str) -> Any:
        file = self._path(path)
        return self._attributes(file) if file.exists() else paramiko.SFTP_NO_SUCH_FILE

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:  # noqa: ARG002 - as it is called
        handle = SFTPHandle(flags)
        try:
            handle.readfile = self._path(path).open("rb")  # type: ignore[attr-defined]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        handle.stat = lambda: self._attributes(self._path(path))  # type: ignore[method-assign]
        return handle


class Door(paramiko.ServerInterface):
    passwords: ClassVar[list[str]] = []
    allowed = "password"

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - as it is called
        return self.allowed

    def check_auth_password(self, username: str, password: str) -> int:
        self.passwords.append(password)
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("museum", "s3cret") else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002 - as it is called
        return paramiko.OPEN_SUCCEEDED


@dataclass
class Server:
    port: int
    key: paramiko.PKey
    folder: Path

    @property
    def url(self) -> str:
        return f"sftp://127.0.0.1:{self.port}/export/members.csv"

    def known_as(self, file: Path, key: paramiko.PKey | None = None) -> None:
        shown = key or self.key
        file.write_text(f"[127.0.0.1]:{self.port} {shown.get_name()} {shown.get_base64()}\n", encoding="ascii")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    key, folder = paramiko.ECDSAKey.generate(), tmp_path / "served"
    (folder / "export").mkdir(parents=True)
    (folder / "export/members.csv").write_text(TEXT, encoding="utf-8")
    Files.folder, Files.cut = folder, 0
    Door.passwords.clear()
    listening = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def serve_all() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transports.append(transport)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
            try:
                transport.start_server(server=Door())
            except (paramiko.SSHException, EOFError, OSError):  # whoever called may hang up at any moment
                continue

    thread = threading.Thread(target=serve_all, daemon=True)
    thread.start()
    found = Server(listening.getsockname()[1], key, folder)
    found.known_as(tmp_path / "known_hosts")
    yield found
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    for transport in transports:
        transport.close()
    thread.join()


def over_sftp(tmp_path: Path, server: Server, **options: Any) -> CsvSource:
    login = {"username": "museum", "password": "s3cret", "known_hosts": "known_hosts"}
    return source(tmp_path, options.pop("url", server.url), **{**login, **options})


def test_a_file_comes_over_sftp(tmp_path: Path, server: Server) -> None:
    assert numbers(over_sftp(tmp_path, server)) == ["0001", "0002"]


def test_the_newest_that_matches_is_taken(tmp_path: Path, server: Server) -> None:
    newest = server.folder / "export/members-2.csv"
    newest.write_text("Nr;Name\n0009;x\n", encoding="utf-8")
    os.utime(server.folder / "export/members.csv", (0, 0))
    made = over_sftp(tmp_path, server, url=server.url.replace("members.csv", "members*.csv"))
    assert numbers(made) == ["0009"]


def test_an_unknown_host_is_not_trusted(tmp_path: Path, server: Server) -> None:
    error = refused(over_sftp(tmp_path, server, known_hosts="nobody"))
    assert "is not a known host" in error.message
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in (error.remedy or "")


def test_a_host_with_another_key_is_refused(tmp_path: Path, server: Server) -> None:
    server.known_as(tmp_path / "known_hosts", paramiko.ECDSAKey.generate())
    assert "another key" in refused(over_sftp(tmp_path, server)).message


@pytest.mark.parametrize(
    ("options", "words"),
    [({"password": "wrong"}, "refuses the login"), ({"url": "sftp://127.0.0.1:1/x.csv"}, "can't be reached")],
)
def test_what_goes_wrong_at_the_door_is_told(
    tmp_path: Path, server: Server, options: dict[str, str], words: str
) -> None:
    assert words in refused(over_sftp(tmp_path, server, **options)).message


def test_a_file_that_is_not_there_is_told(tmp_path: Path, server: Server) -> None:
    (server.folder / "export/members.csv").unlink()
    assert "members.csv: there is no such file" in str(refused(over_sftp(tmp_path, server)))


@pytest.mark.parametrize("settled", ["1h", "0s"], ids=["until it rests", "while it comes"])
def test_a_wait_for_an_sftp_file_can_be_cut_short(tmp_path: Path, server: Server, settled: str) -> None:
    assert_it_stops(over_sftp(tmp_path, server, settled=settled))


def test_a_file_that_comes_cut_short_is_no_file(tmp_path: Path, server: Server) -> None:
    Files.cut = 10
    refused(over_sftp(tmp_path, server))


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    paramiko.RSAKey.generate(2048).write_private_key_file(str(tmp_path / "key"), password="s3cret")
    return "key"


def test_what_opens_a_key_is_never_sent(
    tmp_path: Path, server: Server, key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Door, "allowed", "publickey,password")
    assert "refuses the login" in refused(over_sftp(tmp_path, server, key_file=key_file)).message
    assert Door.passwords == []


def test_where_a_key_is_not_taken_the_remedy_is_a_password(tmp_path: Path, server: Server, key_file: str) -> None:
    error = refused(over_sftp(tmp_path, server, key_file=key_file))
    assert str(error).endswith("does not take a login of this kind: set password, and leave out key_file")


# --- s3 ---


@pytest.fixture
def store(web: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """Where `export` is a bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", web.url.removesuffix("/export/members.csv"))
    return web


def in_bucket(tmp_path: Path) -> CsvSource:
    return source(tmp_path, "s3://export/members.csv", username="museum", password="s3cret")


def test_a_file_comes_from_a_store_that_tells_neither_state_nor_time(store: Web, tmp_path: Path) -> None:
    assert numbers(in_bucket(tmp_path)) == ["0001", "0002"]


@pytest.mark.parametrize(
    ("answer", "words", "times"),
    [
        (lambda _: cut_short(), "came cut short", 1),
        (lambda _: Response("<Code>PermanentRedirect</Code>", 301), "the bucket is in another region", 1),
        (lambda _: Response("<Code>AuthorizationHeaderMalformed</Code>", 400), "in another region", 1),
        (lambda _: Response("<Code>RequestTimeTooSkewed</Code>", 403), "the clocks", 1),
        (lambda _: Response("<Code>ExpiredToken</Code>", 400), "has expired", 1),
        (lambda _: Response("<Code>InvalidObjectState</Code>", 403), "in an archive", 1),
        (lambda _: Response("Zz", 400), "the server refuses", 1),
        (lambda _: Response("<Code>SlowDown</Code>", 503), "the server failed", 3),
        (lambda _: Response("<!doctype html><p>Login"), "members.csv: is a web page or XML", 2),
    ],
)
def test_what_a_store_answers_wrong_is_told(store: Web, tmp_path: Path, answer: Any, words: str, times: int) -> None:
    store.answer = answer
    assert words in refused(in_bucket(tmp_path)).message
    assert len(store.asked) == times


def test_a_file_from_a_bucket_that_is_to_stop_is_not_taken_for_a_broken_one(store: Web, tmp_path: Path) -> None:
    assert_it_stops(in_bucket(tmp_path))


# --- which of a folder ---


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        (["a.csv", "b.csv", "c.txt"], "*.csv", ["a.csv", "b.csv"]),
        (
            ["~$a.csv", ".a.csv", "._a.csv", ".~lock.a.csv#", "a.csv~", "a.csv.tmp", "a.csv.PART", "a.csv"],
            "*",
            ["a.csv"],
        ),
        (["a [new].csv", "a n.csv"], "a [new].csv", ["a [new].csv"]),
        (["a.tmp", "a.csv"], "*.tmp", ["a.tmp"]),
        ([".a.csv", "a.csv"], ".*.csv", [".a.csv"]),
        (["~$a.csv"], "~$a.csv", ["~$a.csv"]),
    ],
)
def test_a_pattern_leaves_out_what_lies_beside(names: list[str], wanted: str, chosen: list[str]) -> None:
    assert choose(names, wanted) == chosen


# --- the configuration ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "is missing: name a file, or url"),
        ({"path": "a.csv", "url": "https://example.org/a.csv"}, "leave out path, or this"),
        ({"url": "http://example.org/a.csv"}, "must begin with"),
        ({"url": "sftp://u:s3cret@example.org/a.csv"}, "must not hold a user"),
        ({"path": "a.csv", "username": "u"}, "is only of use with url"),
        *(
            ({"url": f"{scheme}://example.org/a.csv"}, "must begin with 'https://', 'sftp://' or 's3://'")
            for scheme in OTHERS
        ),
        ({"url": "s3:///a.csv"}, "the name of a host or bucket"),
        ({"url": "sftp://example.org:port/a.csv"}, "must begin with"),
        ({"url": "s3://museum"}, "must name a file"),
        ({"url": "sftp://example.org/export/"}, "must name a file"),
        ({"url": "s3://museum/*/a.csv"}, "may have * in the name of the file only"),
        ({"url": "s3://museum/a-?.csv"}, "must have no '?' or '#'"),
        ({"url": "sftp://example.org/a.csv?signature=s3cret"}, "must have no '?' or '#'"),
        ({"url": "s3://museum/a.csv", "token": "t"}, "is of no use with s3"),
        ({"url": "https://example.org/a.csv", "key_file": "k"}, "is of no use with https"),
        ({"url": "sftp://example.org/a.csv", "token": "t"}, "is of no use with sftp"),
        ({"url": "s3://museum/a.csv", "username": "u"}, "name both, or none"),
        ({"url": "https://example.org/a.csv", "username": "u", "token": "t"}, "leave out one"),
    ],
)
def test_a_mistake_is_told_when_the_configuration_is_read(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CsvOptions.model_validate({"type": "csv", **options})
    assert words in str(caught.value)
