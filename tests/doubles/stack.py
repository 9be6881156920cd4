"""The stack of deploy/compose.yaml for tests: the real image, PostgreSQL, and a sandbox that takes its time."""

import csv
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from daemons import until
from docker.models.containers import Container
from parts import NO_INDEX, leave_out, tool
from testcontainers.core.docker_client import DockerClient

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OPERATIONS = ROOT / "docs/operations.md"
IMAGE = f"syncd-test/syncd:{os.getpid()}"  # suites that run beside each other build their own
POSTGRES_IMAGE = os.environ.get("SYNCD_TEST_POSTGRES_IMAGE", "postgres:17")
COLUMNS = [
    "Mitgliedsnummer",
    "Vorname",
    "Nachname",
    "E-Mail",
    "Telefon",
    "Straße",
    "PLZ",
    "Ort",
    "Land",
    "Geburtsdatum",
]
SLOW = """
services:
  sandbox:
    command: [sandbox, --host, 0.0.0.0, --latency, "0.15", --switch, foreign_ids=repeatable]
  worker:
    environment: { GOMUS_URL: "http://127.0.0.1:8022" }
"""
# The trial's workers share its address, for without TLS a token only goes to 127.0.0.1.
OF_WORKERS = ("    networks: [inside, outside]\n\n  database:", "    network_mode: service:sandbox\n\n  database:")
# Fewer customers a call, so that a run takes long enough to be cut in the middle
OURS = {
    'schedule = "*/15 * * * *"': 'schedule = "every 5s"',
    "[sync.members]\n": 'batch_size = 2\nconcurrency = 2\ntimeout = "3s"\n\n[sync.members]\n',
    'type = "csv"\n': 'type = "csv"\nsettled = "0s"\n',
}
PATIENCE = 60.0


def shell_block(heading: str) -> str:
    """The commands that a reader of docs/operations.md types under a heading."""
    prose_and_code = re.split(r"(?m)^```(\w*)\n(.*?)^```\n", OPERATIONS.read_text(encoding="utf-8"), flags=re.DOTALL)
    typed, above = "", ""
    for prose, language, code in zip(prose_and_code[::3], prose_and_code[1::3], prose_and_code[2::3], strict=False):
        above = (re.findall(r"(?m)^#+ (.*)$", prose) or [above])[-1]
        typed += code if language == "bash" and above == heading else ""
    assert typed, f"nothing is to be typed under {heading}"
    return typed


def compose_command() -> list[str] | None:
    """Compose is a plugin of Docker, or a program of its own."""
    candidates = [["docker", "compose"], ["docker-compose"]]
    return next((command for command in candidates if _works(command)), None)


def _works(command: list[str]) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0


def build_image() -> str:
    """What the image is made of comes from package indexes: without them it is left out."""
    base = os.environ.get("SYNCD_TEST_PYTHON_IMAGE")
    arguments = ["--build-arg", f"PYTHON_IMAGE={base}"] if base else []
    command = ["docker", "build", "--quiet", "-f", "deploy/Dockerfile", "-t", IMAGE, *arguments, "."]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if built.returncode and any(words in built.stderr for words in NO_INDEX):
        leave_out("CONTAINERS", "no image of syncd: docker build reaches no package index")
    assert built.returncode == 0, built.stderr[-2000:]
    return IMAGE


@dataclass
class Stack:
    folder: Path
    compose: list[str]
    project: str
    page: int
    sandbox: int
    members: set[int] = field(default_factory=set)
    before: int = 0

    def __post_init__(self) -> None:
        self.docker = DockerClient().client

    # --- Compose ---

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SYNCD_IMAGE": IMAGE,
            "POSTGRES_IMAGE": POSTGRES_IMAGE,
            "SYNCD_PORT": str(self.page),
            "SANDBOX_PORT": str(self.sandbox),
        }

    @property
    def _command(self) -> list[str]:
        return [
            *self.compose,
            *"-f compose.yaml -f slow.yaml --profile sandbox --profile cluster -p".split(),
            self.project,
        ]

    def run(self, *arguments: str) -> None:
        self._run([*self._command, *arguments])

    def type(self, commands: str) -> None:
        """Commands of docs/operations.md, for the trial."""
        commands = re.sub(r"(?m)^(docker compose (?:stop|start|kill -s HUP)) syncd$", r"\1 trial", commands)
        commands = commands.replace("secrets/gomus_token", "sandbox.token")
        to_us = f'docker() {{ shift; command {shlex.join(self._command)} "$@"; }}\n'
        self._run(["bash", "-euo", "pipefail", "-c", to_us + commands])

    def _run(self, command: list[str]) -> None:
        ended = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr[-2000:]

    def container(self, service: str) -> Container:
        (found,) = self.containers(service)
        return found

    def containers(self, service: str) -> list[Container]:
        labels = [f"com.docker.compose.project={self.project}", f"com.docker.compose.service={service}"]
        return list(self.docker.containers.list(all=True, filters={"label": labels}))

    # --- the trial ---

    def exec(self, *command: str) -> "tuple[int, str]":
        code, output = self.container("trial").exec_run(list(command))
        return int(code), output.decode()

    def events(self, name: str) -> list[dict[str, Any]]:
        return events_of(self.container("trial"), name)

    # --- the source and the sandbox ---

    def join(self, count: int) -> None:
        """So many more members."""
        self.before = len(self.members)
        self.members |= set(range(len(self.members) + 1, len(self.members) + count + 1))
        export = self.folder / "export/members-1.csv"
        part = export.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            rows = [[f"{n:04d}", f"Zzvor{n}", f"Zznach{n}", f"zz{n}@example.org", *[""] * 6] for n in self.members]
            csv.writer(file, delimiter=";").writerows([COLUMNS, *rows])
        part.rename(export)

    def customers(self) -> Counter[str]:
        """Who is in go~mus, and how often."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.sandbox}/_sandbox/state", timeout=10) as answer:
            return Counter(customer["foreign_id"] for customer in json.load(answer)["customers"])

    def until(self, happened: Callable[[], object]) -> None:
        try:
            until(happened, PATIENCE)
        except AssertionError:
            lines = "".join(
                f"\n{name}: {self.container(name).logs(tail=15).decode()}" for name in ("trial", "database")
            )
            pytest.fail(f"it did not happen; the logs end so:{lines}")

    def wait_for_the_middle(self) -> None:
        """Until some of those who joined last have arrived, and not yet all."""
        self.until(lambda: self.customers().total() > self.before)
        assert self.customers().total() < len(self.members), "the load was over before it could be broken off"

    def wait_for_everybody(self) -> None:
        """Each member once, and nobody else."""
        self.until(lambda: self.customers().total() >= len(self.members))
        assert self.customers() == Counter(f"MEMBER-{n:04d}" for n in self.members)


def events_of(container: Container, name: str) -> list[dict[str, Any]]:
    lines = container.logs().decode().splitlines()
    return [event for line in lines if line.startswith("{") and (event := json.loads(line))["event"] == name]


@contextmanager
def running_stack(folder: Path, compose: list[str]) -> Iterator[Stack]:
    """As docs/operations.md says, but for a quick schedule and a slow sandbox."""
    for file in ("compose.yaml", "config.toml", "sandbox.token"):
        shutil.copy(DEPLOY / file, folder)
    subprocess.run(
        [tool("bash", "bash"), "-euc", shell_block("Prepare")],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    _use_password_of_stand_in(folder / "secrets")
    (folder / "slow.yaml").write_text(SLOW, encoding="utf-8")
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    assert OF_WORKERS[0] in text
    (folder / "compose.yaml").write_text(text.replace(*OF_WORKERS), encoding="utf-8")
    (folder / "secrets/gomus_token").unlink()
    shutil.copy(folder / "sandbox.token", folder / "secrets/gomus_token")
    text = (folder / "config.toml").read_text(encoding="utf-8")
    for old, new in OURS.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    stack = Stack(folder, compose, f"syncdtest{os.getpid()}", *_free_ports(2))
    stack.join(24)
    try:
        stack.run("up", "-d", "trial")
        yield stack
    finally:
        stack.run("down", "--volumes", "--timeout", "1")
        stack.docker.close()


def _use_password_of_stand_in(secrets: Path) -> None:
    """An image that stands in for PostgreSQL's may know no password file; it then takes its own default."""
    password = (secrets / "postgres_password").read_text().strip()
    for name in ("postgres_password", "state_url"):
        file = secrets / name
        text = file.read_text().replace(password, "postgres")
        file.unlink()
        file.write_text(text)


def _free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in listening]
    for one in listening:
        one.close()
    return ports
