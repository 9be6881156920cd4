"""The pure comparison: every branch, one claim."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.changes import Cause, Create, Update
from syncd.domain.diff import Absence, AbsencePolicy, DeleteMode, Memory, Verdict, Wanted, compare, judge_absence
from syncd.domain.digest import Digester
from syncd.domain.records import Customer, Digests, KnownCustomer, Origin, Position, Stage, Value
from syncd.domain.winner import Write, is_drift, is_due, is_free
from syncd.gomus.fields import FIELDS

PERSON = Digester(b"key", FIELDS).of("M-1")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOURCE = b"the record"


def customer(**fields: Value) -> Customer:
    return Customer(foreign_id="M-1", fields=fields, position=Position(source="members.csv", line=2))


def known(*, stage: Stage = Stage.ACTIVE, source_digest: bytes | None = SOURCE, **fields: Value) -> KnownCustomer:
    return KnownCustomer(
        row=1,
        foreign_id="M-1",
        gomus_id=7,
        digests=PERSON.customer(fields),
        source_digest=source_digest,
        absent_since=None,
        stage=stage,
        origin=Origin.CREATED,
    )


def decide(customer: Customer, write: Write = Write.ALWAYS, **memory: object):  # type: ignore[no-untyped-def]
    digests = PERSON.customer(customer.fields)
    wanted = Wanted(digester=PERSON, as_known=digests, today=digests, writes=dict.fromkeys(customer.fields, write))
    return compare(customer, wanted, Memory(**memory), source_digest=SOURCE)  # type: ignore[arg-type]


def test_an_unknown_customer_is_created_with_the_fields_that_hold_something() -> None:
    change = decide(customer(name="Ada", tel=None)).change
    assert isinstance(change, Create)
    assert change.fields == {"name": "Ada"}


def test_an_unchanged_customer_asks_for_nothing() -> None:
    decision = decide(customer(name="Ada"), known=known(name="Ada"))
    assert (decision.verdict, decision.change) == (Verdict.UNCHANGED, None)


def test_a_changed_customer_sends_the_changed_fields_only() -> None:
    change = decide(customer(name="Ada", tel="+49301"), known=known(name="Ada", tel="+49302")).change
    assert isinstance(change, Update)
    assert change.fields == {"tel": "+49301"}


def test_an_update_remembers_the_fields_that_it_leaves_alone() -> None:
    change = decide(customer(tel="+49301"), known=known(name="Ada", tel="+49302")).change
    assert isinstance(change, Update)
    assert change.digests.fields["name"] == PERSON.field("name", "Ada")


def test_a_field_that_became_empty_is_cleared() -> None:
    change = decide(customer(name="Ada", tel=None), known=known(name="Ada", tel="+49302")).change
    assert isinstance(change, Update)
    assert change.cleared == ("tel",)


@pytest.mark.parametrize(
    ("before", "after", "exchanged"),
    [
        ({"surname": "Muster", "email": "a@example.org"}, {"surname": "Beispiel", "email": "b@example.org"}, 2),
        ({"date_of_birth": "1980-01-01"}, {"date_of_birth": "1981-01-01"}, 1),
        ({"surname": "Muster"}, {"surname": None}, 0),
        ({"surname": None}, {"surname": "Muster"}, 0),
        ({}, {"surname": "Muster"}, 0),
        ({"name": "Ada", "tel": "+49301"}, {"name": "Eva", "tel": "+49302"}, 0),
    ],
)
def test_an_update_tells_which_values_that_tell_who_it_is_become_others(
    before: dict[str, Value], after: dict[str, Value], exchanged: int
) -> None:
    change = decide(customer(**after), known=known(**before)).change
    assert len(change.exchanged) == exchanged


def test_a_field_that_is_no_longer_mapped_is_left_alone() -> None:
    decision = decide(customer(name="Ada"), known=known(name="Ada", tel="+49302"))
    assert (decision.verdict, decision.change) == (Verdict.RELEARNED, None)


def test_another_record_that_maps_to_the_same_customer_costs_no_call() -> None:
    decision = decide(customer(name="Ada"), known=known(name="Ada", source_digest=b"another record"))
    assert (decision.verdict, decision.change) == (Verdict.RELEARNED, None)


def test_who_was_deleted_for_absence_and_comes_back_is_created_anew() -> None:
    assert decide(customer(name="Ada"), tombstone=Cause.ABSENCE).verdict is Verdict.CREATE


def test_who_was_erased_on_request_stays_erased() -> None:
    assert decide(customer(name="Ada"), tombstone=Cause.REQUEST).verdict is Verdict.ERASED


def test_a_refused_record_rests_until_it_changes() -> None:
    refused = PERSON.customer({"name": "Ada"}).record
    assert decide(customer(name="Ada"), refused=refused).verdict is Verdict.QUARANTINED
    assert decide(customer(name="Eva"), refused=refused).verdict is Verdict.CREATE


def test_a_customer_whose_erasure_has_begun_is_not_updated() -> None:
    for stage in (Stage.ERASING, Stage.ANONYMIZED):
        assert decide(customer(name="Eva"), known=known(name="Ada", stage=stage)).verdict is Verdict.WAITING


values = st.one_of(st.none(), st.text(max_size=5))
customers = st.dictionaries(st.sampled_from(["name", "surname", "tel", "notes"]), values, min_size=1)


@given(customers, customers)
def test_after_an_update_the_same_record_is_unchanged(before: dict[str, Value], after: dict[str, Value]) -> None:
    first = known(source_digest=b"before", **before)  # type: ignore[arg-type]
    change = decide(customer(**after), known=first).change
    if isinstance(change, Update):
        accepted = KnownCustomer(
            row=1,
            foreign_id="M-1",
            gomus_id=7,
            digests=change.digests,
            source_digest=SOURCE,
            absent_since=None,
            stage=Stage.ACTIVE,
            origin=Origin.CREATED,
        )
        assert decide(customer(**after), known=accepted).verdict is Verdict.UNCHANGED


# --- who wins ---

NOBODY = Digests()
FULL, EMPTY = ({"tel": PERSON.field("tel", value)} for value in ("+49301", None))
OURS, OURS_EMPTY = Digests(fields=FULL), Digests(fields=EMPTY)
THEIRS = Digests(shown={"tel": PERSON.field("tel", "+49302")})
IN_ITS_FORM = Digests(fields=FULL, shown={"tel": PERSON.field("tel", "0049 301")})


def sends(write: Write, digests: Digests, value: Value, name: str = "tel") -> bool:
    change = decide(customer(**{name: value}), write, known=replace(known(), digests=digests)).change
    assert change is None or (isinstance(change, Update) and change.fields == {name: value})
    return change is not None


@pytest.mark.parametrize(
    ("digests", "value", "senders"),
    [
        (OURS, "+49301", ""),
        (OURS, "+49303", "always unless-changed"),
        (OURS, None, "always unless-changed"),
        (OURS_EMPTY, "+49303", "always if-empty unless-changed"),
        (OURS_EMPTY, None, ""),
        (THEIRS, "+49302", ""),
        (THEIRS, "+49303", "always"),
        (THEIRS, None, ""),
        (IN_ITS_FORM, "+49301", ""),
        (IN_ITS_FORM, "0049 301", ""),
        (IN_ITS_FORM, "+49303", "always unless-changed"),
        (IN_ITS_FORM, None, "always unless-changed"),
        (NOBODY, "+49303", "always if-empty unless-changed"),  # newly mapped: a look tells what is there
        (NOBODY, None, ""),
    ],
)
def test_who_wins(digests: Digests, value: Value, senders: str) -> None:
    assert [write.value for write in Write if sends(write, digests, value)] == senders.split()


def test_no_is_a_value_of_a_flag_and_not_nothing() -> None:
    yes, no = ({"is_institution": PERSON.field("is_institution", value)} for value in (True, False))
    assert sends(Write.ALWAYS, Digests(fields=yes), False, "is_institution")
    assert sends(Write.ALWAYS, Digests(shown=yes), False, "is_institution")
    assert sends(Write.IF_EMPTY, Digests(fields=no), True, "is_institution")
    assert not sends(Write.IF_EMPTY, Digests(shown=yes), False, "is_institution")


names = st.sampled_from(["name", "surname", "tel"])
texts = st.sampled_from([None, "a", "b", "c"])
digested = st.dictionaries(names, texts).map(PERSON.fields)
memories = st.builds(Digests, fields=digested, shown=digested)


@given(st.sampled_from(Write), memories, st.dictionaries(names, texts, min_size=1))
def test_what_is_not_sent_stays_known_as_it_is_and_what_is_accepted_is_not_sent_again(
    write: Write, memory: Digests, wanted: dict[str, Value]
) -> None:
    decision = decide(customer(**wanted), write, known=replace(known(), digests=memory))
    sent = decision.change.fields if isinstance(decision.change, Update) else {}
    after = decision.change.digests if isinstance(decision.change, Update) else decision.digests
    assert after is not None
    for name in {*memory.fields, *memory.shown} - sent.keys():
        seen = {memory.fields.get(name), memory.shown.get(name)}
        assert {after.fields.get(name), after.shown.get(name)} <= seen | {None}
        assert name in {*after.fields, *after.shown}
    again = decide(customer(**wanted), write, known=replace(known(), digests=after))
    assert again.verdict is Verdict.UNCHANGED


WORLDS = st.fixed_dictionaries({"wrote": texts, "shows": texts, "wants": texts})


@pytest.mark.parametrize(
    ("write", "shows", "is_sent"),
    [
        (Write.IF_EMPTY, "b", False),
        (Write.IF_EMPTY, None, True),
        (Write.UNLESS_CHANGED, "a", True),
        (Write.UNLESS_CHANGED, "b", False),
        (Write.UNLESS_CHANGED, None, False),  # staff have emptied it
        (Write.ALWAYS, "b", True),
    ],
)
def test_what_go_mus_shows_decides(write: Write, shows: Value, is_sent: bool) -> None:
    trace = PERSON.trace("tel", Digests(fields={"tel": PERSON.field("tel", "a")}))
    assert is_free(write, PERSON.field("tel", shows), trace) is is_sent


def test_a_field_that_is_not_shown_may_hold_anything() -> None:
    trace = PERSON.trace("tel", OURS)
    assert [write for write in Write if not is_free(write, None, trace)] == [Write.IF_EMPTY]


@given(st.sampled_from(Write), WORLDS)
def test_a_value_of_others_is_overwritten_by_always_alone(write: Write, world: dict[str, Value]) -> None:
    """syncd wrote one value, go~mus shows perhaps another, the source wants perhaps a third."""
    wrote, shows, wants = (PERSON.field("tel", world[name]) for name in ("wrote", "shows", "wants"))
    trace = PERSON.trace("tel", Digests(fields={"tel": wrote}))
    is_sent = is_due(write, wants, trace) and is_free(write, shows, trace)
    is_others = shows not in (wrote, trace.empty)
    assert not (is_sent and is_others) or write is Write.ALWAYS
    assert not is_drift(write, shows, trace) or not is_others or write is Write.ALWAYS


def policy(mode: DeleteMode = DeleteMode.ANONYMIZE_THEN_DELETE, **more: object) -> AbsencePolicy:
    return AbsencePolicy(mode=mode, grace=timedelta(days=7), **more)  # type: ignore[arg-type]


def test_absence_waits_for_grace() -> None:
    assert judge_absence(None, now=NOW, policy=policy()) is Absence.WAITING
    assert judge_absence(NOW - timedelta(days=6, hours=23), now=NOW, policy=policy()) is Absence.WAITING
    assert judge_absence(NOW - timedelta(days=7), now=NOW, policy=policy()) is Absence.DUE


def test_mode_ignore_deletes_nobody() -> None:
    long_ago = NOW - timedelta(days=400)
    assert judge_absence(long_ago, now=NOW, policy=policy(DeleteMode.IGNORE)) is Absence.IGNORED


def test_an_absence_that_began_with_a_nameless_record_is_not_sure() -> None:
    gone = NOW - timedelta(days=8)
    assert judge_absence(gone, now=NOW, policy=policy(hidden_since=gone)) is Absence.HIDDEN
    assert judge_absence(gone, now=NOW, policy=policy(hidden_since=NOW)) is Absence.HIDDEN


def test_a_nameless_record_from_before_the_absence_is_somebody_else() -> None:
    gone = NOW - timedelta(days=8)
    assert judge_absence(gone, now=NOW, policy=policy(hidden_since=gone - timedelta(minutes=1))) is Absence.DUE
