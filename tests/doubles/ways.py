"""The ways in which something comes to be written: a museum just before such a run, and what is to come of it.

They are the rows of the fault table, and of the table of what a fault costs.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Any

from databases import open_again
from museum import Museum, member, sqlite_url

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Summary
from syncd.sandbox import Sandbox
from syncd.sandbox.switches import Switches

A_WHILE = 700.0  # seconds; longer than a create of unknown fate waits
LEAVER = "M-0002"
NAMELESS = str(None)  # so is whoever was erased on request listed while the source has the record


class Left(Enum):
    """What is left of the leaver."""

    NOTHING = auto()  # deleted, and anonymized before
    ANONYMOUS = auto()
    RELEASED = auto()  # all but the foreign_id


@dataclass(frozen=True, kw_only=True)
class Way:
    """`due` is what happens in the museum once `count` members are in go~mus, `act` the run in which a call is spoilt.

    `refused` are those whom go~mus refuses, `left` is what is left of the leaver where there is one. So many writes
    more than usual as `again` says are explained by one fault. Nothing is asked before the commit `asked`.
    """

    due: Callable[[Museum], object]
    act: Callable[[Museum], Summary] = Museum.run
    count: int = 3
    refused: frozenset[str] = frozenset()
    left: Left | None = None
    again: int = 1
    asked: int = 0
    switches: Mapping[str, object] = field(default_factory=dict)
    mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE


def one_joins(museum: Museum) -> None:
    museum.rows.append(member(11))


def some_join(museum: Museum) -> None:
    museum.rows.extend(map(member, (11, 12, 13)))


def some_join_with_a_bad_one(museum: Museum) -> None:
    some_join(museum)
    museum.row(12)["family"] = ""


def one_moves(museum: Museum) -> None:
    museum.row(2)["phone"] = "+493023125999"


def one_loses_a_value(museum: Museum) -> None:
    museum.row(2).update(notes="", phone="")


def some_change(museum: Museum) -> None:
    for number, edit in {1: {"phone": "+493023125999"}, 2: {"notes": ""}, 3: {"born": "1999-01-01"}}.items():
        museum.row(number).update(edit)


def state_is_lost(museum: Museum) -> None:
    museum.lose_state()
    one_moves(museum)


def one_leaves(museum: Museum) -> None:
    museum.remove(2)


def one_leaves_with_orders(museum: Museum) -> None:
    one_leaves(museum)
    museum.sandbox.add_order(museum.sandbox.by_foreign_id(LEAVER)[0].id)


def erase(museum: Museum) -> Summary:
    return museum.erase(LEAVER)


def nothing(_: object) -> None:
    pass


def with_a_bad_one(bad_entry: str) -> Way:
    return Way(due=some_join_with_a_bad_one, refused=frozenset({"M-0012"}), again=2, switches={"bad_entry": bad_entry})


WAYS: Mapping[str, Way] = {
    "create one": Way(due=one_joins),
    "create the first": Way(due=some_join, count=0, again=2),
    "create a batch": Way(due=some_join, again=3),
    "create a batch with a bad one": with_a_bad_one("atomic"),
    "create a batch but for a bad one": with_a_bad_one("partial-422"),
    "create a batch, answered without": with_a_bad_one("partial-200"),
    "update one": Way(due=one_moves),
    "empty fields": Way(due=one_loses_a_value, again=2, switches={"cleared_by": "empty"}),
    "update a batch": Way(due=some_change, again=3),
    "adopt": Way(due=state_is_lost),
    "erase the absent": Way(due=one_leaves, left=Left.NOTHING),
    "erase on request": Way(due=nothing, act=erase, asked=1, refused=frozenset({NAMELESS}), left=Left.NOTHING),
    "erase by number": Way(
        due=one_leaves, left=Left.NOTHING, again=2, switches={"delete_key": "number-only", "deleted_status": 410}
    ),
    "erase by null": Way(
        due=one_leaves, left=Left.NOTHING, switches={"blank_dates": "null-only", "batch_answer": "nothing"}
    ),
    "anonymize": Way(due=one_leaves, left=Left.ANONYMOUS, mode=DeleteMode.ANONYMIZE),
    "anonymize for orders": Way(
        due=one_leaves_with_orders, left=Left.ANONYMOUS, again=2, switches={"delete_with_orders": "refused-422"}
    ),
    "release": Way(due=one_leaves, left=Left.RELEASED, mode=DeleteMode.RELEASE),
}


# --- the museum before it ---


@dataclass(frozen=True, kw_only=True)
class Before:
    """A museum that is closed: its state, its instance, its list, and the time."""

    state: bytes
    sandbox: Sandbox
    rows: tuple[dict[str, object], ...]
    now: datetime


@contextmanager
def about_to(name: str, folder: Path, **switches: object) -> Iterator[Museum]:
    """Whatever lies in the folder of an earlier museum goes."""
    before = _before(name, folder, tuple(sorted(switches.items())))
    _clear(folder)
    (folder / "state.db").write_bytes(before.state)
    museum = _museum(name, folder, switches, standing=before.sandbox)
    museum.rows[:] = map(dict, before.rows)
    museum.clock.now = before.now
    WAYS[name].due(museum)
    yield museum
    museum.close()


@cache
def _before(name: str, folder: Path, switches: tuple[tuple[str, object], ...]) -> Before:
    _clear(folder)
    museum = _museum(name, folder, dict(switches))
    museum.fill(WAYS[name].count)
    if museum.rows:
        museum.run()
    museum.clock.sleep(A_WHILE)
    for _ in range(3):  # no read is from before what has been done by now, even where it lags by calls
        call(museum)
    museum.close()
    state = (folder / "state.db").read_bytes()
    return Before(state=state, sandbox=museum.sandbox, rows=tuple(museum.rows), now=museum.clock.now)


def _museum(name: str, folder: Path, switches: Mapping[str, object], **further: Any) -> Museum:
    return Museum(
        state_url=sqlite_url(folder),
        switches=Switches(**{**switches, **WAYS[name].switches}),  # type: ignore[arg-type]
        mode=WAYS[name].mode,
        concurrency=1,  # so that the n-th call is always the same
        opening=open_again,
        upgrading=nothing,
        **further,
    )


def _clear(folder: Path) -> None:
    for file in folder.glob("state.db*"):
        file.unlink()


def call(museum: Museum) -> None:
    """Whatever is late by now acts."""
    with museum.world() as world:
        world.client.whoami()
