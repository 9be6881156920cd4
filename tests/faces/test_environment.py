"""What the environment gets wrong, proxies and certificates: told by the variable's name, recorded, and shown."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import started
from office import Office, open_office

WRONG = {
    "NO_PROXY": "fd07::/64",
    "no_proxy": "localhost,[::1",
    "HTTP_PROXY": "ftp://zzproxy.example:zz",
    "HTTPS_PROXY": "http://zzproxy.example:port",
    "ALL_PROXY": "nonsense://zz",
    "SSL_CERT_FILE": "zz/missing.pem",
    "SSL_CERT_DIR": "zz/missing",
}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    for name in (*WRONG, "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with open_office(tmp_path) as office:
        yield office


@pytest.fixture(params=[*WRONG, "an empty SSL_CERT_FILE"])
def wrong(request: pytest.FixtureRequest, office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a variable that is set wrong."""
    name = request.param.split()[-1]
    value = WRONG[name]
    if request.param != name:
        value = "empty.pem"
        (office.folder / value).touch()
    monkeypatch.setenv(name, value)
    return name


def test_a_run_names_the_variable_and_is_recorded(office: Office, wrong: str) -> None:
    ended = office.syncd("--once")
    assert (ended.code, f"{wrong}: " in ended.err) == (2, True)
    assert wrong in ended.named("run.failed")[0]["error"]
    assert "zz" not in ended.out + ended.err
    told = json.loads(office.syncd("status", "--json").out)
    assert wrong in json.dumps(told)


def test_each_command_names_the_variable(office: Office, wrong: str) -> None:
    for command in (["check"], ["plan"], ["verify", "members"], ["--once", "--dry-run"], ["erase", "M-0003", "--yes"]):
        ended = office.syncd(*command)
        assert (command, ended.code, wrong in ended.out + ended.err) == (command, 2, True)


def test_the_daemon_records_the_run(office: Office, wrong: str) -> None:
    office.reconfigure("[sync.members]\n", '[sync.members]\nschedule = "* * * * *"\n')
    with started(office) as process:
        office.syncd("trigger", "members")
        assert wrong in process.wait_for("run.failed")["error"]
        process.end()
    assert wrong in json.dumps(json.loads(office.syncd("status", "--json").out))


def test_a_proxy_that_is_not_there_is_named_with_its_variable(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://anna:zzsecret@127.0.0.2:9")
    ended = office.syncd("--once")
    words = "no connection to the proxy 127.0.0.2 (HTTP_PROXY) on the way to go~mus: it refuses the connection"
    assert (ended.code, ended.named("run.failed")[0]["error"]) == (1, words)
    assert "zzsecret" not in ended.out + ended.err
