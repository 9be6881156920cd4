"""On a machine that lacks a part, tests that need it are skipped with the reason, and fail where it is required."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from parts import tool

pytestmark = pytest.mark.timeout(400)  # each starts a suite of its own
ROOT = Path(__file__).parents[2]
OUTSIDE = "tests/outside/test_"
ON_POSTGRES = f"{OUTSIDE}pooler.py::test_the_server_itself_is_no_pooler"
IN_CONTAINERS = f"{OUTSIDE}deploy.py::test_the_image_is_small"
# Tests, and what they say on a machine with nothing but Python, by what can be required of it.
NEEDED = {
    "POSTGRES": {ON_POSTGRES: "no PostgreSQL: no Docker engine answers, and SYNCD_TEST_POSTGRES_URL names no server"},
    "CONTAINERS": {IN_CONTAINERS: "no containers: no Docker engine answers"},
    "BROWSER": {f"{OUTSIDE}web_in_browser.py::test_a_page_that_stands_still_does_so": "no browser: chromium and"},
    "NPM": {f"{OUTSIDE}real_servers.py::test_pages_that_are_not_asked_for_are_noticed": "no json-server: there is no"},
    "TAP": {
        f"{OUTSIDE}real_tap.py::test_a_stream_that_is_read_whole_is_a_snapshot": "no Singer tap: pip gets no tap-rest",
        f"{OUTSIDE}tutorial.py::test_the_first_step_installs_it": "pip gets nothing to build syncd with",
    },
    "TOOLS": {
        f"{OUTSIDE}deploy_files.py::test_systemd_understands_every_line_of_the_units": "no systemd-analyze: apt-get",
        f"{OUTSIDE}deploy_files.py::test_the_rules_tell_of_a_bad_day_and_not_of_a_good_one": "no promtool: apt-get",
        f"{OUTSIDE}operations.py::test_every_question_to_the_log_has_an_answer": "no jq: apt-get install jq",
        f"{OUTSIDE}remote_servers.py::test_openssh_lets_us_in_with_a_key": "no ssh",
    },
}
ALL = {test: reason for tests in NEEDED.values() for test, reason in tests.items()}
Ended = dict[str, tuple[str, str]]


def run_bare(folder: Path, *tests: str, required: tuple[str, ...] = (), engine: str = "unix:///nowhere") -> Ended:
    """How each test ended, and what it said, with no program but bash, no package index, and this engine."""
    (folder / "bin").mkdir()
    (folder / "bin/bash").symlink_to(tool("bash", "bash"))
    ours = {name: text for name, text in os.environ.items() if not name.startswith(("SYNCD_", "PYTEST_", "PIP_"))}
    bare = {"PATH": str(folder / "bin"), "DOCKER_HOST": engine, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    told = {f"SYNCD_TEST_REQUIRE_{part}": "1" for part in required}
    results = folder / "ended.xml"
    kept = ["-o", f"cache_dir={folder / 'cache'}", f"--basetemp={folder / 'temporary'}", f"--junitxml={results}"]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "--timeout=300", "-o", "junit_family=xunit1", *kept]
    subprocess.run([*command, *tests], cwd=ROOT, env=ours | bare | told, capture_output=True, check=False)
    cases = ET.parse(results).getroot().iter("testcase")  # noqa: S314 - pytest wrote it a moment ago
    return {f"{case.get('file')}::{case.get('name')}": _ended(case) for case in cases}


def _ended(case: ET.Element) -> tuple[str, str]:
    (how,) = [*case] or [ET.Element("passed")]
    return how.tag, f"{how.get('message')} {how.text}"


def test_without_a_part_who_needs_it_is_skipped_and_told_what_is_missing(tmp_path: Path) -> None:
    ended = run_bare(tmp_path, *ALL)
    assert {test: how for test, (how, _) in ended.items()} == dict.fromkeys(ALL, "skipped")
    assert {test: said for test, (_, said) in ended.items() if ALL[test] not in said} == {}


def test_a_part_that_is_required_may_not_be_missing(tmp_path: Path) -> None:
    ended = run_bare(tmp_path, *ALL, required=tuple(NEEDED))
    assert {test for test, (how, _) in ended.items() if how in {"failure", "error"}} == {*ALL}
    unsaid = {
        test: ended[test]
        for part, tests in NEEDED.items()
        for test, reason in tests.items()
        if f"required here (SYNCD_TEST_REQUIRE_{part}): {reason}" not in ended[test][1]
    }
    assert unsaid == {}


class _WithoutImages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, b'{"ApiVersion": "1.44"}' if self.path == "/version" else b"[]")

    def do_POST(self) -> None:
        self._answer(404, b'{"message": "no such image"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None: ...


@contextmanager
def engine_without_images() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _WithoutImages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def engine_that_hangs() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"tcp://127.0.0.1:{silent.getsockname()[1]}"


@pytest.mark.parametrize("test", [ON_POSTGRES, IN_CONTAINERS], ids=["postgres", "containers"])
@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (engine_without_images, r"the image \S+ is not here and can't be pulled"),
        (engine_that_hangs, "no Docker engine answers"),
    ],
)
def test_an_engine_of_no_use_is_a_part_that_is_missing(tmp_path: Path, test: str, engine, reason: str) -> None:
    with engine() as address:
        ((how, said),) = run_bare(tmp_path, test, engine=address).values()
    assert how == "skipped"
    assert re.search(reason, said)
