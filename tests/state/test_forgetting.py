"""What is dropped of a museum at the end of its contract: all of it, and nothing of anybody else."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from syncd.state import tables as t
from syncd.state.columns import Moment
from syncd.state.forgetting import OF_THE_MOMENT, departing
from syncd.state.store import Store

LEAVES = "louvre"
STAY = ("louvre-2", "Louvre", "louvr_", "prado")  # alike, but for a letter
TABLES = [table for table in t.metadata.sorted_tables if table not in OF_THE_MOMENT]
NOTES = ("emails {}/members", "place.{}/members", "digest_key_check {}", "ledger {}/members", "tidied {}/members")


def row_of(table: sa.Table, museum: str, number: int) -> dict[str, Any]:
    """A row of the museum, with something in each column."""
    named = {"sync": f"{museum}/members", "other_sync": f"{museum}/friends", "instance": f"{museum}/main"}
    if table is t.sync:
        named["name"] = f"{museum}/members"
    return {column.name: named.get(column.name) or value_of(column, museum, number) for column in table.c}


def value_of(column: sa.Column[Any], museum: str, number: int) -> Any:
    match column.type:
        case Moment():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case sa.Boolean():
            return True
        case sa.LargeBinary():
            return f"{museum} {number}".encode()
        case sa.Integer():
            return number
        case _:
            return f"{{}} {number}"


def fill(store: Store) -> None:
    with store.engine.begin() as connection:
        for number, museum in enumerate((LEAVES, *STAY), start=1):
            for table in TABLES:
                if table is not t.meta:
                    connection.execute(sa.insert(table), row_of(table, museum, number))
            notes = [{"name": note.format(museum), "value": "noted"} for note in NOTES]
            connection.execute(sa.insert(t.meta), notes)


def museums_in(store: Store) -> dict[str, int]:
    """How often each museum is named in all of the state."""
    with store.engine.connect() as connection:
        rows = [row for table in TABLES for row in connection.execute(sa.select(table))]
    words = [cell for row in rows for cell in row if isinstance(cell, str)]
    return {
        museum: sum(f"{museum}/" in f"{word}/" and not word.startswith("{}") for word in words)
        for museum in (LEAVES, *STAY)
    }


def test_of_a_museum_that_leaves_no_table_has_anything_and_of_the_others_all(store: Store) -> None:
    fill(store)
    before = museums_in(store)
    with departing(store.engine, LEAVES) as departure:
        assert departure.syncs == ["louvre/members"]
        assert departure.drop() == len(TABLES) - 1 + len(NOTES)
    assert museums_in(store) == before | {LEAVES: 0}


def test_what_is_dropped_is_told_before_without_digests(store: Store) -> None:
    fill(store)
    with departing(store.engine, LEAVES) as departure:
        told = list(departure.rows())
    assert {table for table, _ in told} == {table.name for table in TABLES}
    known = next(row for table, row in told if table == "known")
    assert known["sync"] == "louvre/members"
    assert known.keys().isdisjoint({"record", "fields", "source_digest", "shown"})
    assert all(isinstance(one, str | int | None) for _, row in told for one in row.values())
    erased = next(row for table, row in told if table == "tombstone")
    assert erased["name"] == b"louvre 1".hex()


def test_who_was_erased_on_request_stays_erased_where_another_museum_has_the_go_mus(store: Store) -> None:
    stays, goes = b"address of both", b"address of one"
    with store.engine.begin() as connection:
        for number, address in enumerate((stays, goes)):
            row = row_of(t.tombstone, LEAVES, number) | {"address": address, "reason": "request"}
            connection.execute(sa.insert(t.tombstone), row)
    with departing(store.engine, LEAVES, [stays]) as departure:
        assert departure.erased() == 1
        departure.drop()
    with store.engine.connect() as connection:
        assert connection.scalars(sa.select(t.tombstone.c.address)).all() == [stays]
