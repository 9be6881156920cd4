"""Certificates of what an earlier version wrote down, and of what go~mus said otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.changes import Cause
from syncd.domain.languages import Language
from syncd.domain.trail import Entry, What
from syncd.gomus.catalogue import Catalogue
from syncd.gomus.sentences import is_needed
from syncd.report.certificate import Certificate, Certified
from syncd.report.words import words_in
from syncd.state.tombstones import Step, Tombstone

NOW = datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)
AT = NOW.isoformat()


def step(action: str, result: str, *whats: What, remark: str | None = None) -> Step:
    return Step(
        at=AT, action=action, result=result, remark=remark, trail=tuple(Entry(at=NOW, what=one) for one in whats)
    )


def certified(*steps: Step, foreign_id: str | None = None) -> Certified:
    asked = Tombstone(name=b"n" * 16, sync="members", cause=Cause.REQUEST, at=NOW, steps=steps, foreign_id=foreign_id)
    return Certified(name="6e" * 16, instance="main", asked_at=NOW, zone=UTC, tombstone=asked)


def codes(one: Certified) -> list[str]:
    return [line.code for line in one.lines(words_in(Language.ENGLISH))]


@pytest.mark.parametrize(
    ("action", "result", "code", "state"),
    [
        ("anonymize", "ok", "was_emptied", "done"),
        ("anonymize", "skipped", "gone", "done"),
        ("delete", "ok", "was_deleted", "done"),
        ("delete", "skipped", "was_refused", "left"),
        ("delete", "failed", "failed", "done"),
    ],
)
def test_a_step_of_an_earlier_version_is_told_in_one_line(action: str, result: str, code: str, state: str) -> None:
    one = certified(step(action, result))
    assert (codes(one), one.state) == ([code], state)


def test_what_was_refused_first_and_went_later_is_no_rest() -> None:
    one = certified(step("delete", "skipped", What.REFUSED), step("delete", "ok", What.DELETED, What.GONE))
    assert (one.state, one.left) == ("done", {})


def test_who_stays_with_the_id_is_told_so() -> None:
    one = certified(step("delete", "skipped", What.REFUSED, What.NOT_RELEASED))
    assert list(one.left) == ["customer_with_id"]


def test_what_go_mus_keeps_is_told_until_it_lets_go() -> None:
    kept, let_go = step("anonymize", "ok", What.KEPT), step("delete", "failed", What.READ_BACK, What.FAILED)
    assert [list(certified(*steps).left) for steps in ((kept,), (kept, let_go))] == [["fields"], []]


@pytest.mark.parametrize("language", Language)
def test_every_entry_has_words_in_both_languages(language: Language) -> None:
    entries = tuple(Entry(at=NOW, what=what, number=2, reason="go~mus failed (500)") for what in What)
    one = certified(Step(at=AT, action="delete", result="failed", remark=None, times=3, trail=entries))
    page = Certificate(erasures=[one], made_at=NOW, keep=timedelta(days=400), language=language).as_html()
    assert all(line.text in page.replace("&#39;", "'") for line in one.lines(words_in(language)))


@pytest.mark.parametrize(
    "said",
    [
        "Cannot delete record because dependent orders exist",
        "Datensatz kann nicht gelöscht werden, da abhängige Bestellungen existieren",
        "Vous ne pouvez pas supprimer l'enregistrement parce que les commandes dépendants existent",
        "Kan item niet verwijderen omdat afhankelijke bestellingen bestaan",
    ],
)
def test_why_a_delete_is_refused_is_known_in_each_language(said: str) -> None:
    assert is_needed([said])


def test_a_refusal_for_another_reason_is_told_as_one() -> None:
    assert not is_needed(Catalogue().words(["Surname is invalid"], status=422, fields=()))
