"""What becomes of a bad entry: alone, in a batch beside a good one, and where it names somebody who is not there."""

import html
import re
from collections.abc import Mapping
from urllib.parse import unquote

from syncd.domain.records import Value
from syncd.errors import Missing
from syncd.gomus.wire import WriteAnswer, find_named
from syncd.probing.bench import Bench
from syncd.probing.hearing import Heard
from syncd.probing.invented import NAMED, Person
from syncd.probing.shapes import is_said
from syncd.probing.shaping import tell_single

SENT = "syncd-probe-is-no-address"
BAD: Mapping[str, Value] = {"email": SENT, "customer_salutation_id": 999_999_999}
"""No instance should take these, each for a reason of its own."""
POSITION = re.compile(r"(?<!\d)[12](?!\d)")


def send_bad(bench: Bench, first: Person, second: Person) -> None:
    """To customers that are there: an entry that is taken after all makes nobody."""
    heard = bench.put(second, BAD)
    if heard.is_lost:
        bench.lose("bad_single", "bad_entry", "errors_name", "errors_tell")
        return
    if not heard.is_refused:
        bench.tell("bad_single", "taken")
        bench.tell("bad_entry", "taken")
        bench.put(second, {name: second.fields.get(name) for name in BAD})
        return
    bench.tell("bad_single", "with_errors" if heard.taken else "refused", status=heard.status or 0)
    _send_mates(bench, first, second)


def _send_mates(bench: Bench, first: Person, second: Person) -> None:
    good = "Beside a bad entry"
    heard = bench.put_batch([(second, BAD), (first, {"notes": good})])
    if heard.is_lost or not heard.is_refused:
        bench.lose("bad_entry", "errors_name", "errors_tell")
        return
    is_saved = bench.shows(first, "notes", good, later=heard.is_later)
    answer = "atomic" if not is_saved else "partial_200" if heard.taken else "partial_422"
    bench.tell("bad_entry", answer, status=heard.status or 0)
    _tell_words(bench, heard, second)


def _tell_words(bench: Bench, heard: Heard[WriteAnswer], bad: Person) -> None:
    """How the errors say whose they are, and whether they repeat what stands in a record."""
    told = "\n".join(heard.errors)
    names = find_named(heard.errors, [bad.foreign_id, bench.delivery.habits.spell_id(bad.foreign_id)])
    bench.tell("errors_name", "foreign_id" if names else "position" if POSITION.search(told) else "nothing")
    spelt = html.unescape(unquote(told))
    quoted = [name for name, words in (("email", SENT), ("name", NAMED)) if is_said(spelt, words)]
    bench.tell("errors_tell", "values" if quoted else "nothing", fields=", ".join(quoted))


def name_nobody(bench: Bench, first: Person, nobody: Person) -> None:
    """A batch update in which one is not there; it may be made by it, and then it counts."""
    good = "Beside an unknown one"
    bench.expect(nobody)
    heard = bench.put_batch([(first, {"notes": good}), (nobody, {"surname": nobody.fields["surname"]})])
    if not (heard.is_lost or heard.is_later):
        bench.note_answer(nobody)
    made = bench.appears(nobody, later=heard.is_lost or heard.is_later)
    if made is None and not heard.is_lost:
        bench.was_not_made(nobody)
    if heard.is_lost:
        bench.lose("unknown_update")
        return
    is_saved = bench.shows(first, "notes", good, later=heard.is_later)
    is_refusal = heard.is_refused or isinstance(heard.failure, Missing)
    answer = "whole" if not is_saved else "entry" if is_refusal else "silence"
    bench.tell("unknown_update", "created" if made else answer, status=heard.status or 0)


def share_email(bench: Bench, first: Person, second: Person) -> None:
    """May two customers have one e-mail address?"""
    heard = bench.put(second, {"email": first.fields["email"]})
    if heard.is_lost:
        bench.lose("email_unique")
        return
    bench.tell("email_unique", "unique" if heard.is_refused else "shared")
    if not heard.is_refused:
        tell_single(bench, heard.body)
        bench.put(second, {"email": second.fields["email"]})
