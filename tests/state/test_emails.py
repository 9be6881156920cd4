"""Who has an address, may get it, or waits for it."""

import pytest

from syncd.state.emails import Emails, Holder
from syncd.state.store import Store

ONE, OTHER = b"1" * 16, b"2" * 16


@pytest.fixture
def emails(store: Store) -> Emails:
    return store.emails


def test_a_customer_has_the_last_address(emails: Emails) -> None:
    emails.put("members", [("M-1", ONE), ("M-2", ONE)])
    emails.put("members", [("M-1", OTHER), ("M-2", None)])
    assert emails.holders({ONE, OTHER}) == {OTHER: [Holder("members", "M-1")]}


def test_others_are_of_all_syncs(emails: Emails) -> None:
    emails.put("members", [("M-1", ONE)])
    emails.put("club", [("C-1", ONE)])
    assert emails.shared("members") == {"M-1": [Holder("club", "C-1")]}
    assert emails.count_shared() == {"members": 1, "club": 1}


def test_who_waits_shares_nothing(emails: Emails) -> None:
    emails.put("members", [("M-1", ONE)])
    emails.wait("club", {"C-1": ONE})
    assert (emails.shared("members"), emails.count_shared()) == ({}, {})
    assert emails.waiting("club") == {"C-1": [Holder("members", "M-1")]}


def test_an_address_is_free_once_nobody_else_has_it(emails: Emails) -> None:
    emails.put("members", [("M-1", ONE)])
    emails.wait("club", {"C-1": ONE})
    assert not emails.is_one_free("club")
    emails.forget("members", ["M-1"])
    assert emails.is_one_free("club")


def test_an_address_that_somebody_may_get_is_not_free(emails: Emails) -> None:
    emails.let_get("members", {"M-1": ONE})
    emails.wait("club", {"C-1": ONE})
    assert not emails.is_one_free("club")
    emails.settle_others("members", ["M-1"])
    assert not emails.is_one_free("club")
    emails.settle_others("members", [])
    assert emails.is_one_free("club")


def test_what_was_got_is_had(emails: Emails) -> None:
    emails.put("members", [("M-1", OTHER)])
    emails.let_get("members", {"M-1": ONE})
    emails.got("members", "M-1")
    emails.settle_others("members", [])
    assert emails.holders({ONE, OTHER}) == {ONE: [Holder("members", "M-1")]}


def test_an_instance_can_be_locked_in_a_transaction(emails: Emails) -> None:
    with emails.db.transaction():
        emails.lock(b"address of an instance")
        emails.lock(b"address of an instance")
