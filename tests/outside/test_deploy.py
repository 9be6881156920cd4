"""The image and the stack of deploy/, built and run for real: containers are started, stopped and killed."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from engine import no_engine, no_image
from parts import leave_out
from stack import OPERATIONS, POSTGRES_IMAGE, Stack, build_image, compose_command, events_of, running_stack, shell_block

pytestmark = pytest.mark.timeout(400)  # the first test builds the image
PYTHON_IMAGE = os.environ.get("SYNCD_TEST_PYTHON_IMAGE", "python:3.11-slim-bookworm")
ROOM = 110_000_000  # bytes that the image may add to Python's


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    if reason := no_engine() or no_image(PYTHON_IMAGE):
        leave_out("CONTAINERS", f"no containers: {reason}")
    if shutil.which("docker") is None:
        leave_out("CONTAINERS", "no containers: no docker command to build the image: apt-get install docker.io")
    yield (name := build_image())
    engine = docker.from_env()
    engine.images.remove(name, noprune=True)  # the layers stay, for the next build
    engine.close()


@pytest.fixture(scope="module")
def stack(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all claims: each leaves it in order, with everybody in go~mus once."""
    if not (compose := compose_command()):
        leave_out("CONTAINERS", "no containers: Docker Compose is not installed: apt-get install docker-compose")
    if reason := no_image(POSTGRES_IMAGE):
        leave_out("CONTAINERS", f"no containers: {reason}")
    with running_stack(tmp_path_factory.mktemp("stack"), compose) as stack:
        stack.until(lambda: stack.events("run.finished"))
        yield stack


def test_a_schedule_fires_in_the_container(stack: Stack) -> None:
    stack.wait_for_everybody()
    assert stack.events("run.started")[0]["trigger"] == "schedule"


def test_trigger_asks_the_daemon_in_the_container(stack: Stack) -> None:
    stack.join(3)
    code, output = stack.exec("syncd", "trigger", "members", "--wait")
    assert (code, "done" in output) == (0, True), output
    stack.wait_for_everybody()
    assert "request" in [event["trigger"] for event in stack.events("run.started")]


def test_the_container_is_nobody_and_writes_its_state_only(stack: Stack) -> None:
    _, status = stack.exec("grep", "-E", "^(Uid|CapEff|NoNewPrivs):", "/proc/self/status")
    assert status.split() == [
        *("Uid:", *["10001"] * 4),
        *("CapEff:", "0" * 16),
        *("NoNewPrivs:", "1"),
    ]
    elsewhere = ["/", "/opt/syncd", "/etc/syncd", "/var/tmp", "/srv/export"]  # noqa: S108 - none of them may be written
    assert [folder for folder in elsewhere if _can_write(stack, folder)] == []
    assert _can_write(stack, "/var/lib/syncd")


def _can_write(stack: Stack, folder: str) -> bool:
    return stack.exec("touch", f"{folder}/probe")[0] == 0


def test_the_container_reads_a_new_token_when_told_to(stack: Stack) -> None:
    for token, code in {"of nobody": 1, "sandbox-token": 0}.items():
        reloaded = len(stack.events("daemon.reloaded"))
        (stack.folder / "new_token").write_text(token)
        stack.type(shell_block("The token of go~mus"))
        stack.until(lambda before=reloaded: len(stack.events("daemon.reloaded")) > before)
        stack.join(1)
        assert stack.exec("syncd", "trigger", "members", "--wait")[0] == code
    stack.wait_for_everybody()


def test_postgres_is_dumped_and_restored_and_nobody_comes_twice(stack: Stack) -> None:
    stack.type(shell_block("PostgreSQL"))
    stack.join(2)
    stack.wait_for_everybody()
    before = _adopted(stack)
    stack.type(shell_block("Restore PostgreSQL"))
    stack.until(lambda: _adopted(stack) == before + 2)
    stack.wait_for_everybody()


def test_a_new_digest_key_on_postgres_means_adoption_without_a_write(stack: Stack) -> None:
    before = _adopted(stack)
    stack.type(shell_block("The digest key with PostgreSQL"))
    stack.until(lambda: _adopted(stack) == before + len(stack.members))
    assert stack.events("run.finished")[-1]["counts"].keys() & {"create", "update"} == set()
    stack.wait_for_everybody()


def _adopted(stack: Stack) -> int:
    return sum(event["counts"].get("adopt", 0) for event in stack.events("run.finished"))


def test_docker_stop_in_the_middle_of_a_load_ends_in_order_and_loses_nobody(stack: Stack) -> None:
    stack.join(30)
    stack.wait_for_the_middle()
    container = stack.container("trial")
    container.stop(timeout=40)
    assert container.wait()["StatusCode"] == 0
    assert stack.events("daemon.stopped")[-1]["syncs"] == ["members"]
    assert stack.customers().total() < len(stack.members)
    container.start()
    stack.wait_for_everybody()


def test_kill_9_in_the_container_in_the_middle_of_a_load_recovers_by_itself(stack: Stack) -> None:
    stack.join(30)
    stack.wait_for_the_middle()
    restarts = stack.container("trial").attrs["RestartCount"]
    stack.exec("sh", "-c", "kill -9 $(cat /proc/1/task/1/children)")
    stack.until(lambda: stack.container("trial").attrs["RestartCount"] == restarts + 1)
    stack.wait_for_everybody()


def test_kill_9_of_postgres_in_the_middle_of_a_load_recovers_by_itself(stack: Stack) -> None:
    stack.join(30)
    stack.wait_for_the_middle()
    lost = len(stack.events("daemon.database_lost"))
    database = stack.container("database")
    database.kill()
    stack.until(lambda: len(stack.events("daemon.database_lost")) > lost)
    database.start()
    stack.wait_for_everybody()
    stack.until(lambda: stack.events("daemon.database_back"))


def test_two_workers_carry_out_the_runs_and_one_that_is_killed_is_gone_on_for(stack: Stack) -> None:
    config = stack.folder / "config.toml"
    without = config.read_text(encoding="utf-8")
    config.write_text(without.replace("# [daemon]\n# queue", "[daemon]\nqueue"), encoding="utf-8")
    stack.run("restart", "trial")
    stack.run("up", "-d", "worker")
    stack.until(lambda: [health_of(worker) for worker in stack.containers("worker")] == ["healthy"] * 2)
    runs = len(stack.events("run.started"))
    stack.join(30)
    stack.wait_for_the_middle()
    busy, _ = sorted(stack.containers("worker"), key=last_start, reverse=True)
    busy.kill()
    stack.wait_for_everybody()
    assert len(stack.events("run.started")) == runs, "the scheduler runs nothing itself"
    assert stack.events("daemon.worker_lost")
    stack.run("rm", "--stop", "--force", "worker")
    config.write_text(without, encoding="utf-8")
    stack.run("restart", "trial")
    stack.join(3)
    stack.wait_for_everybody()


def health_of(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


def last_start(worker: Container) -> str:
    return str(max((event["timestamp"] for event in events_of(worker, "run.started")), default=""))


def test_the_container_turns_healthy(stack: Stack) -> None:
    stack.until(lambda: stack.container("trial").attrs["State"]["Health"]["Status"] == "healthy")


def test_no_personal_data_leaves_the_container_by_its_log(stack: Stack) -> None:
    assert "zz" not in stack.container("trial").logs().decode().lower()


def test_an_image_with_a_driver_and_a_tap_is_made_from_ours(image: str, tmp_path: Path) -> None:
    """As docs/operations.md says; the tap is any package, for real ones are large."""
    (text,) = re.findall(r"(?s)```dockerfile\n(.*?)```", OPERATIONS.read_text(encoding="utf-8"))
    text = text.replace("FROM syncd\n", f"FROM {image}\n").replace("tap-hubspot", "PyMySQL")
    (tmp_path / "Dockerfile").write_text(text)
    engine = docker.from_env()
    derived, _ = engine.images.build(path=str(tmp_path), rm=True)
    look = "import pymysql, sys, os; sys.exit(os.getuid() != 10001)"
    for python in ("/opt/syncd/bin/python", "/opt/tap/bin/python"):
        engine.containers.run(derived, ["-c", look], entrypoint=python, remove=True)
    engine.images.remove(derived.id)
    engine.close()


NEW = """
import apprise, obstore.store, paramiko, psycopg, syncd.assembly, syncd.cli.app, syncd.daemon, syncd.web, sys
from pathlib import Path
files = [Path(one.__cached__) for one in sys.modules.values() if getattr(one, "__cached__", None)]
print(*(file for file in files if "/opt/syncd" in str(file) and not file.exists()))
"""


def test_nothing_that_a_start_imports_has_to_be_compiled(image: str) -> None:
    engine = docker.from_env()
    said = engine.containers.run(image, ["-c", NEW], entrypoint="/opt/syncd/bin/python", remove=True)
    engine.close()
    assert said.decode().split() == []


def test_the_image_is_small(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = docker.from_env()
    own, base = (engine.images.get(name).attrs["Size"] for name in (image, PYTHON_IMAGE))
    engine.close()
    with capsys.disabled():
        print(f"\nthe image: {own / 1e6:.0f} MB, {(own - base) / 1e6:.0f} MB of it beside Python's {base / 1e6:.0f} MB")
    assert own - base < ROOM
