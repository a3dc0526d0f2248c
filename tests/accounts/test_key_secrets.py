"""What the secret of a key looks like, and that one that was copied wrongly, made up or forged is none."""

from __future__ import annotations

import hmac
import json
import string

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts import keys
from accounts.errors import BadKey
from accounts.key_secrets import ALPHABET, CHECK, PREFIX, checksum, hashed, new_secret, public_part
from accounts.models import ApiKey, Team, User

LONG = "a" * 43
KNOWN = f"{PREFIX}12345678{LONG}{checksum(f'{PREFIX}12345678{LONG}')}"


def test_a_secret_is_letters_and_digits_and_256_random_bits() -> None:
    secret, public = new_secret()
    assert (secret[:3], len(secret), secret[3:11]) == ("sk-", 60, public)
    assert set(secret[3:]) <= set(string.ascii_letters + string.digits)
    assert len(ALPHABET) == len(set(ALPHABET)) == 62
    assert 62**43 > 2**256
    assert 62**CHECK > 2**32, "every checksum fits"
    assert len({new_secret()[0][11:54] for _ in range(200)}) == 200


def test_the_checksum_stays_what_it_is() -> None:
    """Scanners know it, and keys of today have to be known in years."""
    assert checksum("sk-") == "1wUxhS"
    assert checksum(f"sk-{'0' * 51}") == "2JxDxs"
    assert public_part(f"sk-{'0' * 51}2JxDxs") == "00000000"


@given(st.integers(0, 59), st.characters(codec="utf-8", exclude_categories=["Cs"]))
def test_a_secret_with_any_character_changed_is_none(place: int, other: str) -> None:
    changed = KNOWN[:place] + other + KNOWN[place + 1 :]
    assert (public_part(changed) == "12345678") is (changed == KNOWN)
    assert (public_part(changed) is None) is (changed != KNOWN)


@given(st.data())
def test_a_secret_with_two_neighbours_swapped_or_a_piece_missing_is_none(data: st.DataObject) -> None:
    secret = f"{PREFIX}{data.draw(st.text(ALPHABET, min_size=51, max_size=51))}"
    secret += checksum(secret)
    place = data.draw(st.integers(0, 58))
    swapped = secret[:place] + secret[place + 1] + secret[place] + secret[place + 2 :]
    assert (public_part(swapped) is None) is (swapped != secret)
    assert public_part(secret[:place] + secret[place + 1 :]) is None
    assert public_part(secret + secret[place]) is None


@given(st.text())
def test_whatever_is_sent_is_no_secret_and_breaks_nothing(text: str) -> None:
    assert public_part(text) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent", ["", "sk-", "Bearer x", KNOWN[:-1] + "é", KNOWN + "\n", " " + KNOWN, KNOWN.lower(), "\0" * 60, "sk-" + "٣" * 57]
)
def test_what_cannot_be_a_secret_costs_no_query(sent: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert keys.find(sent) is None
        with pytest.raises(BadKey):
            keys.caller(sent)
    assert len(queries) == 0


@pytest.mark.django_db
def test_only_a_hash_is_kept_and_it_is_compared_in_constant_time(team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = keys.make(team, alice, name="CI", scopes=["generate"])
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret[11:] not in json.dumps(row, default=str)
    assert (row["token_hash"], row["public_id"]) == (hashed(secret), secret[3:11])
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert keys.find(secret) == key
    forged = f"{secret[:11]}{LONG}"
    forged += checksum(forged)
    assert keys.find(forged) is None
    assert compared == [(hashed(secret), hashed(secret)), (hashed(secret), hashed(forged))]
