"""Whatever a vendor sends is read without raising, and what is written goes over any wire."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.json_values import (
    as_count,
    as_id,
    as_moment,
    as_object,
    as_objects,
    as_text,
    count_read,
    iso_moment,
    json_digest,
    json_text,
)
from integrations.kit.plain_json import vendor_object

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(anything)
def test_narrowing_never_raises_and_gives_what_it_says(value):
    assert isinstance(as_object(value), dict)
    assert all(isinstance(item, dict) for item in as_objects(value))
    assert isinstance(as_text(value), str)
    assert isinstance(as_id(value), str)
    count = as_count(value)
    assert count is None or (type(count) is int and count >= 0)
    moment = as_moment(value)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize("value", [True, -1, float("nan"), float("inf"), 1e300, "5", None])
def test_what_is_no_count_is_none(value):
    assert as_count(value) is None


def test_ids_come_as_text_and_as_number():
    assert (as_id("a1"), as_id(4711), as_id(True), as_id(1.5)) == ("a1", "4711", "", "")


def test_a_time_without_a_zone_is_utc_and_an_impossible_one_is_none():
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)

    assert as_moment("2026-11-29T12:00:00") == noon
    assert as_moment("2026-11-29T13:00:00+01:00") == noon
    assert as_moment("0001-01-01T00:00:00+14:00") is None
    assert as_moment("yesterday") is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_written_time_is_read_again_to_the_millisecond(moment):
    kept = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    assert as_moment(iso_moment(moment)) == kept


def test_written_json_is_utf8_and_holds_no_half_surrogate():
    text = json_text({"text": "é مرحبا 👍 \ud83d"})

    assert json.loads(text) == {"text": "é مرحبا 👍 ?"}
    assert len(text.encode()) < len(json.dumps({"text": "é مرحبا 👍 \ud83d"}))


def test_values_with_the_same_content_have_the_same_digest():
    assert json_digest({"a": 1, "b": [2]}) == json_digest({"b": [2], "a": 1})
    assert json_digest({"a": 1}) != json_digest({"a": "1"})


@pytest.mark.parametrize("raw", [b"", b"[1]", "null", b"{", b'{"a":', "[" * 100_000])
def test_a_body_that_is_no_object_is_read_as_an_empty_one(raw):
    assert vendor_object(raw) == {}


def test_an_object_is_read_with_its_broken_characters_replaced():
    assert vendor_object(b'{"a": "\xff\\u0000"}') == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("007", 7), ("9" * 18, 10**18 - 1)]
    + [(text, None) for text in ("", "-1", "1.5", " 1", "²", "٣", "9" * 19, "1" * 5000)],
)
def test_a_number_is_read_from_plain_digits_that_a_database_holds(text, number):
    assert count_read(text) == number
