"""A month of a museum: what its guards hold, and when, and how it ends. No harm, and no hold that nobody needs."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from museum import Museum, member, sqlite_url

from syncd.domain.guards import Guard
from syncd.domain.runs import Status

MEMBERS = 1_000
Step = Callable[[Museum], object]


def named(name: str, step: Step) -> Step:
    step.__name__ = name
    return step


def leave(first: int, last: int) -> Step:
    return named(f"{last - first + 1} leave", lambda museum: museum.remove(*range(first, last + 1)))


def join(first: int, last: int) -> Step:
    return named(f"{last - first + 1} join", lambda museum: museum.rows.extend(map(member, range(first, last + 1))))


def move(first: int, last: int) -> Step:
    """So many have a new telephone number."""

    def step(museum: Museum) -> None:
        for row in museum.rows:
            row.update({"phone": "+49 30 99999"} if first <= int(str(row["id"])) <= last else {})

    return named(f"{last - first + 1} move", step)


class Exports:
    """What goes wrong with a list for a day, and is mended the next."""

    def __init__(self) -> None:
        self.kept: list[dict[str, object]] = []

    def keep(self, museum: Museum) -> None:
        self.kept = [dict(row) for row in museum.rows]

    def mend(self, museum: Museum) -> None:
        museum.rows[:] = [dict(row) for row in self.kept]

    def cut(self, museum: Museum) -> None:
        self.keep(museum)
        del museum.rows[len(museum.rows) // 2 :]

    def sort_one_column(self, museum: Museum) -> None:
        self.keep(museum)
        names = sorted(str(row["family"]) for row in museum.rows)
        for row, name in zip(museum.rows, names, strict=True):
            row["family"] = name

    def lose_zeros(self, museum: Museum) -> None:
        self.keep(museum)
        for row in museum.rows:
            row["id"] = str(row["id"]).lstrip("0")

    def lose_a_column(self, museum: Museum) -> None:
        self.keep(museum)
        for row in museum.rows:
            row["phone"] = ""


def approve(museum: Museum) -> None:
    assert museum.approve()


def nothing(_museum: Museum) -> None: ...


class Backups:
    """Of the state: what happened after it was made is not known to it."""

    def __init__(self) -> None:
        self.kept = b""

    def back_up(self, museum: Museum) -> None:
        self.kept = museum.back_up()

    def restore(self, museum: Museum) -> None:
        museum.restore(self.kept)


def calendar(exports: Exports, backups: Backups) -> list[tuple[int, Step, set[Guard]]]:
    """Days, what happens on them, and what the run of that day holds."""
    return [
        (1, leave(1, 4), set()),
        (2, leave(5, 8), set()),
        (3, join(1001, 1030), set()),
        (4, exports.cut, set()),  # absent, and within grace
        (5, exports.mend, set()),
        (6, move(100, 140), set()),
        (8, nothing, set()),  # the first four are deleted
        (9, nothing, set()),
        (10, exports.sort_one_column, {Guard.UPDATE, Guard.PERSON}),
        (11, exports.mend, set()),
        (12, exports.lose_a_column, {Guard.UPDATE, Guard.CLEAR}),
        (13, exports.mend, set()),
        (14, exports.lose_zeros, {Guard.IDENTITY, Guard.PAIR}),
        (15, exports.mend, set()),
        (16, leave(201, 320), set()),  # the end of the year
        (17, leave(400, 402), set()),
        (23, nothing, {Guard.DELETE}),
        (24, nothing, {Guard.DELETE}),  # three more are due
        (25, approve, set()),
        (26, join(1031, 1040), set()),
        (27, leave(500, 502), set()),
        (28, backups.back_up, set()),
        (29, join(1041, 1060), set()),
        (30, leave(510, 515), set()),
        (34, nothing, set()),  # three are deleted
        (38, nothing, set()),  # six are deleted
        (39, backups.restore, set()),  # twenty are found, and nobody is deleted
        (40, nothing, set()),
        (41, leave(520, 521), set()),
        (50, nothing, set()),
    ]


def test_a_month(tmp_path: Path) -> None:
    museum = Museum(state_url=sqlite_url(tmp_path), grace=timedelta(days=7))
    museum.fill(MEMBERS)
    museum.run()
    started, table = museum.clock.now, []
    for day, happens, expected in calendar(Exports(), Backups()):
        museum.clock.now = started + timedelta(days=day)
        happens(museum)
        summary = museum.run()
        guards = {held.guard for held in summary.held}
        table.append(
            f"{day:>3}  {happens.__name__:<16} {summary.status.value:<8} {', '.join(sorted(g.value for g in guards))}"
        )
        assert guards == expected, "\n".join(table)
        assert summary.status in (Status.DONE, Status.HELD), "\n".join(table)
    there = {str(customer.foreign_id) for customer in museum.sandbox.customers}
    assert there == {f"M-{row['id']}" for row in museum.rows}
    assert museum.sandbox.duplicates() == []
