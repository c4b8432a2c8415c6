"""Texts are cut to the limit in the unit of the wire, and never inside what is seen as one."""

import json

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.cutting import (
    characters,
    ending,
    json_bytes,
    packed,
    pieces,
    shortened,
    utf8_bytes,
    utf16_units,
)

MEASURES = [characters, utf16_units, utf8_bytes, json_bytes]
FAMILY, FLAG, ACCENT, THUMB = "👨‍👩‍👧‍👦", "🇩🇪", "e\u0301", "👍🏽"
# Long enough for the longest grapheme below in every unit.
SMALLEST = 40
texts = st.lists(
    st.one_of(
        st.sampled_from([FAMILY, FLAG, ACCENT, THUMB, " ", "\n", "ß", "مرحبا", '"', "\\", "\t"]),
        st.text(st.characters(blacklist_categories=["Cs"]), max_size=8),
    ),
    max_size=60,
).map("".join)
limits = st.integers(min_value=SMALLEST, max_value=200)
measures = st.sampled_from(MEASURES)


def boundaries(text):
    return {0} | {match.end() for match in regex.finditer(r"\X", text)}


@given(texts, limits, measures)
def test_the_pieces_are_the_text_and_each_fits(text, limit, measure):
    cut = list(pieces(text, limit, measure))

    assert "".join(cut) == text
    assert all(cut), "no piece is empty"
    assert all(measure(piece) <= limit for piece in cut)


@given(st.lists(st.sampled_from([FAMILY, FLAG, ACCENT, THUMB]), max_size=40), limits, measures)
def test_no_piece_ends_inside_a_grapheme(graphemes, limit, measure):
    text = "x".join(graphemes)
    ends, at = boundaries(text), 0

    for piece in pieces(text, limit, measure):
        at += len(piece)
        assert at in ends


@given(texts, limits, measures)
def test_the_beginning_and_the_end_fit_and_are_as_long_as_graphemes_allow(text, limit, measure):
    head, tail = shortened(text, limit, measure), ending(text, limit, measure)

    assert text.startswith(head) and text.endswith(tail)
    assert measure(head) <= limit and measure(tail) <= limit
    assert len(head) in boundaries(text)
    assert len(text) - len(tail) in boundaries(text)
    longer = [end for end in boundaries(text) if end > len(head)]
    assert not longer or measure(text[: min(longer)]) > limit


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_json_bytes_are_what_a_body_of_ours_has_between_the_quotes(text):
    body = json.dumps(text, ensure_ascii=False).encode()

    assert json_bytes(text) == len(body) - len(b'""')


def test_seven_thousand_bytes_are_seven_thousand_on_the_wire():
    text = "é" * 5000 + '"' * 3000

    for piece in pieces(text, 7000, json_bytes):
        assert len(json.dumps(piece, ensure_ascii=False).encode()) - 2 <= 7000


def test_a_piece_ends_behind_a_blank_near_its_end():
    assert list(pieces("one two three", 9)) == ["one two ", "three"]


def test_a_blank_far_from_the_end_does_not_shorten_a_piece():
    assert list(pieces("a " + "b" * 30, 20)) == ["a " + "b" * 18, "b" * 12]


def test_a_grapheme_that_is_too_long_by_itself_is_cut_between_code_points():
    tall = "a" + "\u0301" * 30

    cut = list(pieces(tall, 10))

    assert "".join(cut) == tall
    assert max(map(len, cut)) == 10


@pytest.mark.parametrize("measure", MEASURES)
def test_what_fits_is_one_piece(measure):
    assert list(pieces("Hello", 5, measure)) == ["Hello"]
    assert list(pieces("", 5, measure)) == []


@given(st.lists(st.text(st.characters(whitelist_categories=["L"]), max_size=SMALLEST)), limits)
def test_blocks_keep_every_line_in_order_and_fit(lines, limit):
    blocks = packed(lines, limit)

    assert "\n".join(blocks) == "\n".join(lines)
    assert all(characters(block) <= limit for block in blocks)
