"""Metrics of a run that no daemon serves: in a file, or with a Pushgateway."""

import os
import stat
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from office import Office, open_office
from prometheus_client.parser import text_string_to_metric_families

from syncd.config import load
from syncd.web import leave_metrics


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


class Gateway(HTTPServer):
    """Keeps what it is told, as a Pushgateway does, by the path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Told)
        self.told: dict[str, str] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class Told(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        self.server.told[self.path] = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def leaves(office: Office, **options: str) -> None:
    file = office.folder / "config.toml"
    lines = "".join(f'{key} = "{one}"\n' for key, one in options.items())
    file.write_text(f"{file.read_text(encoding='utf-8')}\n[metrics]\n{lines}", encoding="utf-8")


def samples(text: str) -> dict[tuple[str, frozenset[str]], float]:
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.values())): one.value for family in families for one in family.samples}


def test_a_file_tells_how_the_syncs_stand_and_nothing_of_a_daemon(office: Office) -> None:
    leaves(office, textfile="syncd.prom")
    assert office.syncd("--once").code == 0
    told = samples((office.folder / "syncd.prom").read_text(encoding="utf-8"))
    assert told["syncd_last_run_status", frozenset({"members", "done"})] == 1
    assert told["syncd_state_up", frozenset()] == 1
    names = {name for name, _ in told}
    assert names.isdisjoint({"syncd_ready", "syncd_running", "syncd_last_success_age_seconds"})


def test_the_exporter_may_read_the_file_whatever_the_mask(office: Office) -> None:
    leaves(office, textfile="syncd.prom")
    config = load(office.folder / "config.toml", {"GOMUS_TOKEN": office.token})
    assert config.metrics is not None
    before = os.umask(0o077)
    try:
        leave_metrics(config, config.metrics)
    finally:
        os.umask(before)
    assert stat.S_IMODE((office.folder / "syncd.prom").stat().st_mode) == 0o644


def test_whoever_is_started_by_cron_is_expected_to_run(office: Office) -> None:
    leaves(office, textfile="syncd.prom")
    office.syncd("--once")
    told = samples((office.folder / "syncd.prom").read_text(encoding="utf-8"))
    assert [labels for name, labels in told if name == "syncd_sync_info"] == [frozenset({"members", "main", "--once"})]


def test_a_run_that_fails_leaves_it_too(office: Office) -> None:
    leaves(office, textfile="syncd.prom")
    for export in office.folder.glob("*.csv"):
        export.unlink()
    assert office.syncd("--once").code == 1
    told = samples((office.folder / "syncd.prom").read_text(encoding="utf-8"))
    assert told["syncd_last_run_status", frozenset({"members", "failed"})] == 1


def test_a_pushgateway_is_told_under_the_job(office: Office, gateway: Gateway) -> None:
    leaves(office, pushgateway=gateway.url, job="louvre")
    assert office.syncd("--once").code == 0
    assert samples(gateway.told["/metrics/job/louvre"])["syncd_last_run_status", frozenset({"members", "done"})] == 1


@pytest.mark.parametrize("where", [{"textfile": "no/such/folder/syncd.prom"}, {"pushgateway": "http://127.0.0.1:9"}])
def test_what_can_not_be_left_is_told_and_fails_no_run(office: Office, where: dict[str, str]) -> None:
    leaves(office, **where)
    ran = office.syncd("--once")
    assert (ran.code, len(ran.named("metrics.failed"))) == (0, 1)


def test_a_plan_leaves_nothing(office: Office) -> None:
    leaves(office, textfile="syncd.prom")
    office.syncd("--once", "--dry-run")
    assert not (office.folder / "syncd.prom").exists()
