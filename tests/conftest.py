"""Where tests have their databases and folders, in which order lanes come, and what every property test is granted."""

import gc
import os
import signal
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain
from math import ceil
from pathlib import Path

import pytest
import structlog
from databases import IMAGE, ON_POSTGRES, SharedServer, migrated_template, new_database, upgrade_by_copy
from engine import no_engine, no_image
from extent import IS_WHOLE
from hypothesis import HealthCheck, Phase, settings
from parts import leave_out

from syncd.state.connect import open_engine

SERVER = os.environ.get("SYNCD_TEST_POSTGRES_URL")
LANES = ["outside", "runs", "faces", "state", "sources", "unit"]  # the longest first, so that no worker is left alone
SUITE = "SYNCD_TEST_SUITE"  # the folder that all workers of a suite share

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - what is synced to disk there costs nothing
ROOM = 1 << 30

# A machine that is busy elsewhere makes no claim wrong. What fails is made small, but not traced line by line: that
# takes longer than all the rest, and a test that is stopped while its example is made small loses what it has found.
PHASES = [phase for phase in Phase if phase is not Phase.explain]
settings.register_profile(
    "syncd", deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES, print_blob=True
)
TIME_TO_MAKE_SMALL = 900  # seconds; hypothesis ends it by itself after 300
settings.load_profile("syncd")


def _holds_folders_of_tests(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > ROOM and not found.f_flag & os.ST_NOEXEC


if _holds_folders_of_tests(SHARED_MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(SHARED_MEMORY))


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # processes of tests would be deaf to it as well
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="syncd-suite-")
        os.environ[SUITE] = folder.name
        config.add_cleanup(folder.cleanup)
        config.add_cleanup(SharedServer(Path(folder.name)).stop)  # cleanups go backwards


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = {*chain.from_iterable(map(_left_out, _by_test(items).values()))}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Path(__file__).parent
        items.sort(key=lambda item: LANES.index(item.path.relative_to(tests).parts[0]))
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIME_TO_MAKE_SMALL))


def _by_test(items: Iterable[pytest.Item]) -> dict[str, list[pytest.Item]]:
    found: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        found[item.nodeid.partition("[")[0]].append(item)
    return found


def _left_out(cases: list[pytest.Item]) -> list[pytest.Item]:
    """Of a long table the same cases are tried each time, one at least, spread as chance would spread them."""
    marker = cases[0].get_closest_marker("in_part")
    if IS_WHOLE or marker is None:
        return []
    by_chance = sorted(cases, key=lambda item: blake2b(item.name.encode()).digest())
    return by_chance[ceil(len(cases) / marker.args[0]) :]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # ten thousand tests stay: no collection need look through them


@pytest.fixture(scope="session")
def postgres() -> str:
    """The address of a PostgreSQL server; skipped where there is neither a server nor an engine with its image."""
    if SERVER:
        return SERVER
    reason = no_engine() or no_image(IMAGE)
    if reason:
        leave_out("POSTGRES", f"no PostgreSQL: {reason}, and SYNCD_TEST_POSTGRES_URL names no server")
    return SharedServer(Path(os.environ[SUITE])).address()


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    with migrated_template(postgres) as name:
        yield name


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def state_url(request: pytest.FixtureRequest) -> str:
    """A fresh state database of each kind, as the migrations leave it."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("cloned_url"))
    url = str(request.getfixturevalue("sqlite_url"))
    engine = open_engine(url)
    upgrade_by_copy(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", ON_POSTGRES])
def empty_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind with nothing in it."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty database: the file is yet to be made."""
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """An empty database."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture
def cloned_url(postgres: str, template: str) -> Iterator[str]:
    with new_database(postgres, template) as url:
        yield url


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    """A run's log is only of interest where a test looks at it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.reset_defaults()
