"""What the status page and the metrics tell of the queue, its workers, leases and calls."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from bad_day import QuietDaemon
from daemons import until
from office import Office
from test_cluster import crew, office
from test_web import ROOT, client_of, families_of, metrics_of, rows_of

from syncd.assembly import looking_at_state
from syncd.config import load
from syncd.sandbox import TOKEN
from syncd.web.queue import look_at_queue

__all__ = ["office"]


@pytest.fixture
def quiet(office: Office) -> QuietDaemon:
    environment = {"GOMUS_TOKEN": TOKEN, "SYNCD_DIGEST_KEY": "a key for tests"}
    return QuietDaemon(load(office.folder / "config.toml", environment))


@pytest.fixture
def under_way(office: Office) -> Iterator[Office]:
    """A run of a worker that makes its calls."""
    office.sandbox.latency = 0.3
    with crew(office, 1):
        office.syncd("trigger", "members")
        until(lambda: office.sandbox.calls_to("POST"))
        yield office


def test_a_run_of_a_worker_is_told_with_its_queue_its_holder_and_its_calls(
    under_way: Office, quiet: QuietDaemon
) -> None:
    told = metrics_of(quiet)
    assert told["syncd_queue_jobs", frozenset({"long", "running"})] == 1
    assert told["syncd_queue_jobs", frozenset({"long", "waiting"})] == 0
    assert (told["syncd_workers", frozenset()], told["syncd_worker_places", frozenset()]) == (1, 2)
    assert told["syncd_lease_held", frozenset({"members"})] == told["syncd_gomus_slots", frozenset({"main"})] == 1
    page = re.sub(r"<[^>]+>", " ", client_of(quiet, lang="en").get("/").text.split('id="queue"')[1])
    shown = " ".join(page.split())
    assert "Long runs 0 waiting, 1 under way" in shown
    assert "Workers 1 together they have room for 2 runs at once" in shown
    assert re.search(r"Room for .*, pid \d+ 1 2 1 sync is being run Sync Process members .*, pid \d+ ", shown)
    assert "main: at most 1 at once now" in shown


def test_the_manual_lists_the_metrics_of_a_queue(under_way: Office, quiet: QuietDaemon) -> None:
    _, page = (ROOT / "docs/web.md").read_text(encoding="utf-8").split("### With a queue")
    assert rows_of(page) <= families_of(quiet)


def test_a_look_takes_two_questions_whatever_there_is(under_way: Office, quiet: QuietDaemon) -> None:
    asked: list[str] = []
    with looking_at_state(quiet.config) as state:
        sa.event.listen(state.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
        assert look_at_queue(quiet.config, state.engine) is not None
    assert len(asked) == 2


def test_without_a_queue_nothing_is_told_of_it(quiet: QuietDaemon) -> None:
    without = quiet.config.model_copy(update={"daemon": quiet.config.daemon.model_copy(update={"queue": None})})
    assert "queue" not in client_of(QuietDaemon(without)).get("/").text
    assert not {name for name, _ in metrics_of(QuietDaemon(without))} & {"syncd_workers", "syncd_lease_held"}
