"""Under which key a museum's digests are made, and that nobody goes on under another one."""

import pytest
import sqlalchemy as sa

from syncd.domain.digest import Digester
from syncd.errors import Misconfigured
from syncd.gomus.fields import FIELDS
from syncd.state import tables as t
from syncd.state.keyring import Keyring
from syncd.state.store import Store

OURS, LOUVRES, OTHER = "the state's own key", "the key of the louvre", "another key"


def digester(key: str) -> Digester:
    return Digester(key.encode(), FIELDS)


def keyring(store: Store, **museums: str) -> Keyring:
    return Keyring(store, OURS, museums, digester)


def has_run(store: Store, sync: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.insert(t.sync).values(name=sync, address=b"", fence=1))


def test_a_museum_with_a_key_of_its_own_has_other_digests(store: Store) -> None:
    keys = keyring(store, louvre=LOUVRES)
    found = {name: keys.of(name, writes=True).name("M-1") for name in ("louvre/members", "prado/members", "members")}
    assert found == {
        "louvre/members": digester(LOUVRES).name("M-1"),
        "prado/members": digester(OURS).name("M-1"),
        "members": digester(OURS).name("M-1"),
    }


@pytest.mark.parametrize(
    ("before", "now"), [(LOUVRES, OTHER), (LOUVRES, None), (None, LOUVRES)], ids=["another", "none now", "none before"]
)
def test_a_museum_does_not_go_on_under_another_key_and_the_others_do(
    store: Store, before: str | None, now: str | None
) -> None:
    def keys(louvre: str | None) -> Keyring:
        return keyring(store, **({"louvre": louvre} if louvre else {}), prado=OTHER)

    keys(before).of("louvre/members", writes=True)
    has_run(store, "louvre/members")
    keys(before).of("louvre/members", writes=True)
    for writes in (True, False):
        with pytest.raises(Misconfigured, match="louvre: digest_key: is not the one that the museum 'louvre'"):
            keys(now).of("louvre/members", writes=writes)
    keys(now).of("prado/members", writes=True)


def test_a_museum_is_not_taken_for_one_whose_name_is_like_a_pattern_for_it(store: Store) -> None:
    has_run(store, "musee-1/members")
    keyring(store, musee_1=LOUVRES).of("musee_1/members", writes=True)


def test_who_only_looks_writes_nothing(store: Store) -> None:
    keyring(store, louvre=LOUVRES).of("louvre/members", writes=False)
    keyring(store, louvre=OTHER).of("louvre/members", writes=True)
