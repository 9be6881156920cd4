"""One e-mail address at two customers: listed, refused to the second, or nobody's concern."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from faults import Fault, Killed
from museum import Feed, FileShelf, Museum, Shelf, member, mortal, sqlite_url

from syncd.domain.diff import DeleteMode
from syncd.domain.runs import Status
from syncd.state.emails import Holder

FAMILY = "familie@example.org"


@pytest.fixture
def museum(tmp_path: Path) -> Iterator[Museum]:
    museum = Museum(state_url=sqlite_url(tmp_path), shared_email="refuse")
    yield museum
    museum.close()


def of_family(museum: Museum, *numbers: int) -> None:
    museum.shelf.rows[:] = [member(number, mail=FAMILY) for number in numbers]


def mail_of(museum: Museum, number: int) -> object:
    found = museum.sandbox.by_foreign_id(f"M-{number:04d}")
    return found[0]["email"] if found else None


def shared(museum: Museum) -> dict[str, list[Holder]]:
    return museum.store.emails.shared(museum.name)


# --- refused ---


def test_the_lower_id_wins_whatever_the_order_of_lines(museum: Museum) -> None:
    of_family(museum, 3, 2, 1, 4)
    assert museum.run().status is Status.PROBLEMS
    assert [mail_of(museum, number) for number in (1, 2, 3, 4)] == [FAMILY, None, None, None]


def test_a_shorter_id_is_lower(museum: Museum) -> None:
    museum.shelf.rows[:] = [member(1, id=name, mail=FAMILY) for name in ("10", "9")]
    museum.run()
    assert [one["foreign_id"] for one in museum.sandbox.customers] == ["M-9"]


def test_case_and_blanks_make_no_other_address(museum: Museum) -> None:
    museum.shelf.rows[:] = [member(1, mail="Änne@example.org"), member(2, mail=" ÄNNE@EXAMPLE.ORG ")]
    museum.run()
    assert list(museum.listed()) == ["M-0002"]


def test_who_has_it_keeps_it(museum: Museum) -> None:
    of_family(museum, 2)
    museum.run()
    of_family(museum, 1, 2)
    museum.run()
    assert [mail_of(museum, number) for number in (1, 2)] == [None, FAMILY]


def test_a_known_customer_is_not_brought_an_address_that_another_has(museum: Museum) -> None:
    museum.fill(2)
    museum.run()
    museum.row(2).update(mail="ada1@example.org", phone="+49301")
    museum.run()
    assert museum.writes() == []
    assert list(museum.listed()) == ["M-0002"]


def test_the_reason_names_nobody(museum: Museum) -> None:
    of_family(museum, 1, 2)
    museum.run()
    assert "M-0001" not in museum.listed()["M-0002"]


def test_it_comes_once_the_address_is_free(museum: Museum) -> None:
    of_family(museum, 1, 2)
    museum.run()
    museum.row(1)["mail"] = "other@example.org"
    museum.run()
    museum.run()
    assert mail_of(museum, 2) == FAMILY
    assert museum.listed() == {}


@pytest.mark.parametrize("mode", [DeleteMode.ANONYMIZE_THEN_DELETE, DeleteMode.RELEASE])
def test_who_is_erased_or_released_frees_the_address(museum: Museum, mode: DeleteMode) -> None:
    museum.mode = mode
    museum.shelf.rows[:] = [*(member(number) for number in range(3, 30)), member(1, mail=FAMILY)]
    museum.run()
    museum.shelf.rows.append(member(2, mail=FAMILY))
    museum.remove(1)
    museum.run()
    museum.run()
    assert mail_of(museum, 2) == FAMILY


def test_who_is_absent_within_grace_has_it_still(museum: Museum) -> None:
    museum.grace = timedelta(days=30)
    of_family(museum, 1, 2)
    museum.run()
    museum.remove(1)
    for _ in range(2):
        museum.run()
    assert list(museum.listed()) == ["M-0002"]


def test_an_erasure_on_request_frees_the_address(museum: Museum) -> None:
    of_family(museum, 1, 2)
    museum.run()
    museum.erase("M-0001")
    museum.run()
    assert mail_of(museum, 2) == FAMILY


def test_another_sync_of_the_instance_has_it(museum: Museum) -> None:
    of_family(museum, 1)
    museum.run()
    club = museum.beside("club", "C-", Shelf())
    club.shelf.rows.append(member(1, mail=FAMILY))
    club.run()
    assert list(club.listed()) == ["C-0001"]


def test_a_file_that_is_the_same_is_compared_once_another_sync_has_freed_an_address(
    museum: Museum, tmp_path: Path
) -> None:
    museum.fill(1)
    museum.row(1)["mail"] = FAMILY
    museum.run()
    club = museum.beside("club", "C-", FileShelf(tmp_path))
    club.shelf.rows.append(member(1, mail=FAMILY))
    for _ in range(3):
        club.run()
    assert list(club.listed()) == ["C-0001"]
    museum.row(1)["mail"] = "other@example.org"
    museum.run()
    club.run()
    assert club.listed() == {}


def test_changes_are_read_from_the_start_once_an_address_is_free(museum: Museum) -> None:
    museum.shelf = feed = Feed()
    for number in (1, 2):
        feed.put(member(number, mail=FAMILY))
    museum.run()
    feed.put(member(1, mail="other@example.org"))
    museum.run()
    museum.run()
    assert mail_of(museum, 2) == FAMILY


def test_changes_that_do_not_tell_of_who_waits_leave_it_waiting(museum: Museum) -> None:
    museum.shelf = feed = Feed()
    for number in (1, 2):
        feed.put(member(number, mail=FAMILY))
    for number in (3, 4):
        feed.put(member(number))
        museum.run()
    assert feed.cursors[-1] is not None
    assert museum.store.emails.waiting("members") == {"M-0002": [Holder("members", "M-0001")]}


def test_who_shares_already_is_listed_and_left_alone(museum: Museum) -> None:
    museum.shared_email = "report"
    of_family(museum, 1, 2)
    museum.run()
    museum.shared_email = "refuse"
    museum.row(2)["phone"] = "+49301"
    assert museum.run().status is Status.DONE
    assert len(museum.writes()) == 1
    assert list(shared(museum)) == ["M-0001", "M-0002"]


@pytest.mark.parametrize("policy", ["report", "allow"])
def test_whoever_waits_is_sent_once_it_is_refused_no_more(museum: Museum, tmp_path: Path, policy: str) -> None:
    museum.shelf = FileShelf(tmp_path)
    of_family(museum, 1, 2)
    for _ in range(2):
        museum.run()
    museum.shared_email = policy
    museum.run()
    assert mail_of(museum, 2) == FAMILY


def test_an_address_that_another_sync_has_given_away_since_the_plan_is_not_sent(museum: Museum) -> None:
    of_family(museum, 1)
    club = museum.beside("club", "C-", Shelf())
    club.shelf.rows.append(member(2, mail=FAMILY))
    waiting = [club]

    def meanwhile(_logger: object, _method: str, event: Any) -> Any:
        if event["event"] == "run.planned" and waiting:
            waiting.pop().run()
        raise structlog.DropEvent

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"), processors=[meanwhile])
    assert museum.run().status is Status.PROBLEMS
    assert [customer["foreign_id"] for customer in museum.sandbox.customers] == ["C-0002"]
    assert museum.store.emails.waiting("members") == {"M-0001": [Holder("club", "C-0002")]}


def test_a_create_that_go_mus_refuses_leaves_the_address_free(museum: Museum) -> None:
    museum.shelf.rows[:] = [member(1, mail=FAMILY, family=None)]
    museum.run()
    club = museum.beside("club", "C-", Shelf())
    club.shelf.rows.append(member(2, mail=FAMILY))
    club.run()
    assert [customer["foreign_id"] for customer in museum.sandbox.customers] == ["C-0002"]


def test_a_create_whose_fate_is_unknown_keeps_the_address(museum: Museum) -> None:
    of_family(museum, 1)
    museum.run(lambda request, _number: Fault.SERVER_ERROR if request.method == "POST" else None)
    club = museum.beside("club", "C-", Shelf())
    club.shelf.rows.append(member(2, mail=FAMILY))
    club.run()
    assert list(club.listed()) == ["C-0002"]


@pytest.mark.parametrize("commits", range(4, 14))
def test_two_never_share_whenever_a_run_is_killed(museum: Museum, commits: int) -> None:
    of_family(museum, 1)
    club = museum.beside("club", "C-", Shelf())
    club.shelf.rows.append(member(2, mail=FAMILY))
    with suppress(Killed), mortal(museum, commits):
        museum.run()
    museum.let_late_writes_come()
    for each in (club, museum, club, museum):
        each.run()
    assert [customer["email"] for customer in museum.sandbox.customers] == [FAMILY]


# --- reported ---


def test_a_report_stops_nothing(museum: Museum) -> None:
    museum.shared_email = "report"
    of_family(museum, 1, 2)
    summary = museum.run()
    assert (summary.status, summary.counts["sharing"]) == (Status.DONE, 1)
    assert shared(museum) == {
        "M-0001": [Holder("members", "M-0002")],
        "M-0002": [Holder("members", "M-0001")],
    }


def test_a_report_is_over_once_the_address_is_another(museum: Museum) -> None:
    museum.shared_email = "report"
    of_family(museum, 1, 2)
    museum.run()
    museum.row(2)["mail"] = None
    museum.run()
    assert shared(museum) == {}


def test_customers_known_from_before_are_compared_once_without_a_call(museum: Museum, tmp_path: Path) -> None:
    museum.shelf, museum.shared_email = FileShelf(tmp_path), "allow"
    of_family(museum, 1, 2)
    museum.run()
    museum.shared_email = "report"
    museum.run()
    assert museum.writes() == []
    assert list(shared(museum)) == ["M-0001", "M-0002"]


def test_records_are_recognised_again_once_all_were_compared(museum: Museum, tmp_path: Path) -> None:
    museum.shelf, museum.shared_email = FileShelf(tmp_path), "allow"
    of_family(museum, 1, 2)
    museum.run()
    museum.shared_email = "report"
    before = museum.store.known.find("members", ["M-0001", "M-0002"])
    museum.run()
    assert museum.store.known.find("members", ["M-0001", "M-0002"]) == before
    assert museum.store.has_read_emails("members")


def test_nothing_is_kept_where_it_is_allowed(museum: Museum) -> None:
    museum.shared_email = "report"
    of_family(museum, 1, 2)
    museum.run()
    museum.shared_email = "allow"
    museum.run()
    assert shared(museum) == {}


def test_an_adopted_customer_has_the_address_that_go_mus_shows(museum: Museum) -> None:
    of_family(museum, 1)
    museum.run()
    museum.lose_state()
    museum.run()
    digest = museum.digester.email(FAMILY, museum.instance.address)
    assert museum.store.emails.holders({digest}) == {digest: [Holder("members", "M-0001")]}
