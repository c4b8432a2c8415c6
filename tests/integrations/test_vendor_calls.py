"""Nothing that people said, and no secret, survives into what is kept of a call."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from integrations.http.recording import MASKED_SECRET, Masker

SECRET = "s3cr3t-value-that-nobody-may-see"
TEXT = "My parcel never arrived, call +49 170 1234567"
LOGGABLE = frozenset({"id", "entryType", "conversationId", "limit", "at"})

keys = st.sampled_from(["id", "entryType", "text", "token", "routingAttributes", "limit", "note"])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(SECRET),
    st.just(TEXT),
    st.just(f"x{SECRET}y"),
    st.just(f"eyJhbGciOiJSUzI1NiJ9.{SECRET}.sig"),
)
structures = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.one_of(keys, st.just(SECRET), st.just(TEXT)), inner, max_size=5),
    ),
    max_leaves=25,
)


def masker() -> Masker:
    return Masker(loggable_keys=LOGGABLE, secrets=[SECRET, ""])


@given(structures)
def test_planted_secrets_and_texts_never_survive(structure: object):
    written = json.dumps(masker().masked(structure), allow_nan=False, ensure_ascii=False)

    assert SECRET not in written
    assert "parcel" not in written
    assert "1234567" not in written


@given(structures)
def test_a_body_off_the_wire_is_masked_alike(structure: object):
    body = json.dumps(structure).encode()

    written = json.dumps(masker().masked_body(body, "application/json"), ensure_ascii=False)

    assert SECRET not in written
    assert "parcel" not in written


def test_the_shape_and_the_ids_stay_readable():
    body = {"id": "b6a2", "entryType": "Message", "text": "Hello", "isNew": True, "limit": 50}

    assert masker().masked(body) == {
        "id": "b6a2",
        "entryType": "Message",
        "text": "‹text 5›",
        "isNew": True,
        "limit": 50,
    }


def test_a_loggable_key_shows_ids_only_never_sentences():
    assert masker().masked({"entryType": TEXT}) == {"entryType": f"‹text {len(TEXT)}›"}


def test_names_below_free_attributes_are_nobodys_to_know():
    masked = masker().masked({"routingAttributes": {"id": "customer-4711", "limit": "9"}})

    assert masked == {"routingAttributes": {"id": "‹text 13›", "limit": "‹text 1›"}}


def test_long_numbers_are_masked_unless_their_key_is_known():
    assert masker().masked({"phone": 491701234567, "at": 1795160000000, "n": 7}) == {
        "phone": "‹number›",
        "at": 1795160000000,
        "n": 7,
    }


def test_values_of_secret_keys_do_not_even_show_their_length():
    masked = masker().masked({"accessToken": "abc", "client_secret": "abc", "password": ""})

    assert set(masked.values()) == {MASKED_SECRET}


def test_path_keeps_its_ids_and_masks_its_query():
    path = masker().masked_path("/conversation/3f6c", [("limit", "50"), ("q", TEXT)])

    assert path == f"/conversation/3f6c?limit=50&q=‹text {len(TEXT)}›"
    assert SECRET not in masker().masked_path(f"/x/{SECRET}", [])


def test_long_lists_and_deep_bodies_are_cut():
    deep: object = "x"
    for _ in range(40):
        deep = [deep]

    assert len(masker().masked(list(range(500)))) == 51
    assert "‹deeper›" in json.dumps(masker().masked(deep), ensure_ascii=False)


def test_vendor_words_lose_secrets_and_anything_like_a_token():
    words = masker().without_secrets(f"bad key {SECRET} in eyJhbGciOi.J9.sig")

    assert words == f"bad key {MASKED_SECRET} in {MASKED_SECRET}"
