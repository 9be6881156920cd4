"""`where` and `actions` in a configuration: what `check`, `plan` and a run make of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as office:
        office.columns.append("Status")
        for row, status in zip(office.rows, ["aktiv", "", "tot", "Aktiv"], strict=False):
            row.append(status)
        office.rows = office.rows[:4]
        office.export()
        where = 'where = [{ from = "Status", is = "aktiv" }]'
        office.reconfigure("[sync.members.source]", f"{where}\n[sync.members.source]")
        yield office


def test_check_plan_and_run_leave_out_whom_where_leaves_out(office):
    assert "4 records in members.csv" in (checked := office.syncd("check")).out
    assert ("2 of them left out by where" in checked.out, "all 2 records" in checked.out) == (True, True)
    planned = office.syncd("plan")
    assert (planned.code, "2  left out by where" in planned.out) == (0, True)
    ended = office.syncd("--once")
    assert (ended.code, len(office.sandbox.customers)) == (0, 2)
    assert ended.named("run.finished")[0]["counts"]["filtered"] == 2


def test_a_column_of_where_that_is_missing_ends_the_run(office):
    office.reconfigure('from = "Status"', 'from = "Stand"')
    ended = office.syncd("--once")
    assert (ended.code, "there is no column 'Stand' (where.from)" in ended.out) == (1, True)


def test_a_mistake_in_a_condition_is_told_with_its_place(office):
    office.reconfigure('is = "aktiv"', 'is = "aktiv", after = "today"')
    ended = office.syncd("check")
    assert ended.code == 2
    assert "sync.members.where[0]" in ended.out
    assert "only with 'date'" in ended.out


def test_what_a_run_may_not_do_is_planned_and_shown(office):
    office.reconfigure("where =", 'actions = ["update"]\nwhere =')
    planned = office.syncd("plan")
    assert "shown only, and not done, for actions does not name it: create, erase" in planned.out
    assert (office.syncd("--once").code, office.sandbox.customers) == (0, [])
