"""The texts in content that has no rule of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.json_values import any_text, joined

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "title", "x"]), inner, max_size=3)
    ),
    max_leaves=15,
)


def test_empty_lines_are_left_out():
    assert joined("a", "", "b") == "a\nb"


def test_texts_of_unknown_content_come_in_the_order_of_the_keys_and_once():
    content = {"kind": "new", "title": "Sofa", "text": "Red", "parts": [{"text": "Red"}, {"x": 1}]}

    assert any_text(content, ("text", "title")) == "Red\nSofa"


@given(JSON)
def test_a_contents_own_text_comes_first_whatever_else_is_in_it(content: object):
    found = any_text(content, ("text",))

    if isinstance(content, dict) and isinstance(content.get("text"), str):
        assert found.startswith(content["text"])


def test_bottomless_content_ends():
    content: dict[str, object] = {"text": "top"}
    content["inner"] = content

    assert any_text(content, ("text",)) == "top"
