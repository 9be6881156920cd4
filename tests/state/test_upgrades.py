"""A filled state database of the first schema is upgraded: all is still known, and the next run makes no call."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from museum import FIELDS_MAPPED, Museum, member

from syncd.domain.changes import Action, Cause
from syncd.domain.digest import Digester
from syncd.domain.guards import Word
from syncd.domain.records import SCHEME, Stage
from syncd.domain.runs import Status
from syncd.gomus.fields import FIELDS
from syncd.state import tables as t
from syncd.state.board import Board
from syncd.state.conditions import Conditions
from syncd.state.connect import open_engine
from syncd.state.migrate import upgrade
from syncd.state.tables import metadata
from syncd.state.tombstones import Instance

DUMPS = Path(__file__).parent / "dumps"
ADDRESS = "https://demo.gomus.de"
REFUSED, ABSENT, ERASED = 14, 3, 2  # of the members: one each


def load(url: str) -> None:
    engine = open_engine(url)
    script = (DUMPS / f"0001.{engine.dialect.name}.sql").read_text(encoding="utf-8")
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        if engine.dialect.name == "sqlite":
            driver.executescript(script)
        else:
            driver.execute(script)
            driver.commit()
    engine.dispose()


@pytest.fixture
def museum(empty_url: str) -> Iterator[Museum]:
    """The museum whose state it is: its source, and its go~mus as it was left."""
    load(empty_url)
    museum = Museum(state_url=empty_url, grace=timedelta(days=30))
    museum.fill(12)
    museum.row(1)["phone"] = "+49301111"
    museum.remove(ABSENT)
    museum.rows.extend([member(13, mail="no address"), member(REFUSED, family=""), member(15, id="")])
    for known in museum.store.known.each("members"):
        row = next((row for row in museum.rows if known.foreign_id == f"M-{row['id']}"), member(ABSENT))
        fields = {field: row[column] for field, column in FIELDS_MAPPED.items()}
        museum.sandbox._next_id = known.gomus_id or 0
        museum.sandbox.save({"foreign_id": known.foreign_id, **fields})
    yield museum
    museum.close()


def test_it_has_exactly_the_tables_of_the_program(empty_url: str) -> None:
    load(empty_url)
    engine = open_engine(empty_url)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_every_row_is_still_there(empty_url: str) -> None:
    load(empty_url)
    engine = open_engine(empty_url)
    before = _count_rows(engine)
    assert min(before.values()) > 0
    upgrade(engine)
    after = _count_rows(engine)
    assert {name: after[name] for name in before} == before
    assert set(after) == set(metadata.tables)
    engine.dispose()


def _count_rows(engine: sa.Engine) -> dict[str, int]:
    names = set(sa.inspect(engine).get_table_names()) & set(metadata.tables)
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
            for name in names
        }


def test_the_next_run_finds_everybody_as_they_were_and_makes_no_call(museum: Museum) -> None:
    summary = museum.run()
    assert (museum.calls(), summary.status) == ([], Status.PROBLEMS)
    assert summary.counts == {"records": 14, "unchanged": 10, "absent": 1, "invalid": 3, "quarantined": 1}


def test_the_next_run_makes_the_digests_anew_and_the_run_after_it_does_nothing(museum: Museum) -> None:
    museum.run()
    with museum.engine.connect() as connection:
        c = t.known.c
        present = sa.select(c.foreign_id).where(c.sync == "members", c.absent_since.is_(None))
        old = connection.execute(present.where(c.scheme != SCHEME)).scalars().all()
    assert old == []
    museum.run()
    assert museum.calls() == []


def test_a_change_after_the_upgrade_sends_the_changed_field_alone(museum: Museum) -> None:
    museum.row(5)["phone"] = "+493023125999"
    museum.run()
    (write,) = museum.writes()
    assert write.customers == [{"tel": "+493023125999"}]
    museum.run()
    assert museum.calls() == []


def test_what_was_changed_by_hand_is_still_found(museum: Museum) -> None:
    museum.change_remotely(5, tel="+49305")
    assert [(drift.foreign_id, drift.fields) for drift in museum.verify().drifts] == [("M-0005", ("tel",))]


def test_words_of_others_are_gone(museum: Museum) -> None:
    with museum.engine.connect() as connection:
        for column in (t.journal.c.error, t.run.c.error, t.run.c.remedy):
            assert connection.execute(sa.select(column).where(column.is_not(None))).all() == []
        reasons = connection.execute(sa.select(t.quarantine.c.reason)).scalars().all()
    assert {reason.partition(";")[0] for reason in reasons} == {"refused"}


@pytest.mark.parametrize(
    "instance", [Instance("main", b"moved"), Instance("renamed", Digester(b"the museum's key", FIELDS).name(ADDRESS))]
)
def test_who_was_erased_stays_erased_under_either_name_of_the_instance(museum: Museum, instance: Instance) -> None:
    erased = museum.digester.name(f"M-{ERASED:04d}")
    assert museum.store.tombstones.find(instance, [erased]) == {erased: Cause.REQUEST}


def test_who_was_absent_and_who_was_erased_is_known(museum: Museum) -> None:
    absent = museum.store.known.find_one("members", f"M-{ABSENT:04d}")
    assert absent is not None
    assert absent.absent_since is not None
    erased = museum.digester.name(f"M-{ERASED:04d}")
    assert museum.store.tombstones.find(museum.instance, [erased]) == {erased: Cause.REQUEST}


def test_erasures_under_way_are_known(museum: Museum) -> None:
    unfinished = {known.foreign_id: known for known in museum.store.known.unfinished("donors")}
    assert {name: known.stage for name, known in unfinished.items()} == {
        "D-3": Stage.ERASING,
        "D-4": Stage.ANONYMIZED,
    }
    assert unfinished["D-3"].digests.record == b""  # it was never compared
    assert [gone.foreign_id for gone in museum.store.known.each_told_gone("donors")] == ["D-2"]


def test_what_was_begun_and_what_was_held_is_known(museum: Museum) -> None:
    open_intents = museum.store.journal.open_intents("donors")
    assert [(intent.foreign_id, intent.action) for intent in open_intents] == [
        ("D-5", Action.CREATE),
        ("D-1", Action.UPDATE),
    ]
    held = museum.store.held.find("donors")
    assert held is not None
    assert list(held.guards) == ["delete"]
    [said] = museum.store.held.said("donors")
    assert (said.word, said.number, said.signature.by) == (Word.APPROVED, 1, "a person")
    run = museum.store.runs.find(held.run_id)
    assert run is not None
    assert museum.store.journal.count_outcomes(run.id)["create", "failed"] == 1


def test_refusals_watermark_and_what_was_learned_are_known(museum: Museum) -> None:
    (refused,) = museum.store.failures.refused("donors")
    assert (refused.foreign_id, refused.tries) == ("D-6", 2)
    mark = museum.store.runs.watermark("donors")
    assert mark is not None
    assert mark.cursor == '{"changed": 5}'
    assert museum.store.instances.learned("main") == {"batch_size": "50"}
    assert museum.store.instances.lookup("main", "salutation", "de", since=museum.clock() - timedelta(days=1))


def test_daemons_requests_and_conditions_are_known(museum: Museum) -> None:
    board = Board(museum.engine)
    assert [replica.name for replica in board.replicas()] == ["host-1-ab"]
    assert [request.sync for request in board.open_requests()] == ["members"]
    assert [condition.kind for condition in Conditions(museum.engine).all()] == ["held"]
