"""The stream parser against the rules of the WHATWG."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.errors import UnexpectedResponseError
from integrations.http.sse import SseEvent, SseParser


def parsed(*chunks: bytes, **options: int) -> list[SseEvent]:
    parser = SseParser(**options)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def data_of(*chunks: bytes) -> list[str]:
    return [event.data for event in parsed(*chunks)]


def test_event_carries_id_name_and_data():
    events = parsed(b'id: 9100431\nevent: CONVERSATION_MESSAGE\ndata: {"a": 1}\n\n')

    assert events == [SseEvent(id="9100431", event="CONVERSATION_MESSAGE", data='{"a": 1}')]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_is_understood(end: bytes):
    assert data_of(b"data: a" + end + b"data: b" + end + end) == ["a\nb"]


def test_carriage_return_and_line_feed_in_two_chunks_are_one_line_end():
    assert data_of(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\ndata: c\n\n") == ["a\nb", "c"]


def test_carriage_return_ends_an_event_without_waiting_for_more():
    assert data_of(b"data: a\r\r") == ["a"]


def test_byte_order_mark_is_dropped_once_even_in_pieces():
    assert data_of(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == ["a"]
    assert data_of(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n") == ["b"]


def test_only_one_blank_after_the_colon_is_dropped():
    assert data_of(b"data:  a\n\n", b"data:b\n\n") == [" a", "b"]


def test_field_without_colon_has_an_empty_value():
    assert data_of(b"data\n\n", b"data\ndata\n\n") == ["", "\n"]


def test_comments_and_unknown_fields_are_ignored():
    assert data_of(b": keep-alive\n\n:\nfoo: bar\ndata: a\n\n") == ["a"]


def test_event_without_data_is_not_delivered_but_its_id_is_kept():
    events = parsed(b"id: 1\nevent: x\n\ndata: a\n\n")

    assert events == [SseEvent(id="1", event="message", data="a")]


def test_id_stays_until_the_next_one_and_an_empty_id_resets_it():
    events = parsed(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")

    assert [event.id for event in events] == ["1", "1", ""]


def test_id_with_a_null_character_is_ignored():
    assert parsed(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n")[1].id == "1"


def test_retry_is_taken_only_when_all_digits():
    events = parsed(b"retry: 250\ndata: a\n\nretry: 1s\ndata: b\n\n")

    assert [event.retry for event in events] == [250, 250]


def test_unfinished_event_at_the_end_is_not_delivered():
    assert data_of(b"data: a\n\ndata: b\n") == ["a"]


def test_broken_utf8_becomes_replacement_characters():
    assert data_of(b"data: \xff\n\n") == ["\ufffd"]


def test_line_that_never_ends_is_refused():
    with pytest.raises(UnexpectedResponseError):
        parsed(b"data: " + b"x" * 100, max_event_bytes=50)


def test_event_of_too_many_lines_is_refused():
    with pytest.raises(UnexpectedResponseError):
        parsed(b"data: 12345\n" * 20, max_event_bytes=50)


def test_keep_alive_comments_never_add_up_to_a_limit():
    assert data_of(*[b": keep-alive\n"] * 100, b"data: a\n\n") == ["a"]
    assert [e.data for e in parsed(*[b": ping\n"] * 100, b"data: a\n\n", max_event_bytes=50)] == [
        "a"
    ]


STREAM = (
    b"\xef\xbb\xbf: hello\r\nid: 1\revent: a\ndata: \xc3\xa9\xe2\x82\xac\r\n\r\n"
    b"data: x\r\rdata: y\ndata: z\n\nid: 3\n\nretry: 10\ndata: last\r\n\r\n"
)


@given(st.lists(st.integers(min_value=1, max_value=len(STREAM) - 1), max_size=12))
def test_where_the_chunks_are_cut_changes_nothing(cuts: list[int]):
    borders = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in itertools.pairwise(borders)]

    assert parsed(*chunks) == parsed(STREAM)
