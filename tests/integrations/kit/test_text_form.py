"""The text form of rich content, for whatever a vendor may send."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from integrations.contract.rich_content import (
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    FormField,
    RichContent,
    Slot,
)
from integrations.kit.text_form import localised, replies, text_form

SECRET = "token-of-the-vendor"
WORDS = st.text(alphabet="ab é日🙂.1", max_size=8).map(str.strip)
CHOICES = st.builds(
    Choice,
    label=WORDS.filter(bool),
    token=st.just(SECRET),
    kind=st.sampled_from(ChoiceKind),
    url=st.sampled_from(["", "https://shop.example/a", "tel:+49301"]),
    description=WORDS,
)
CONTENT = st.builds(
    RichContent,
    choices=st.lists(CHOICES, max_size=4).map(tuple),
    cards=st.lists(
        st.builds(Card, title=WORDS, text=WORDS, choices=st.lists(CHOICES, max_size=3).map(tuple)),
        max_size=3,
    ).map(tuple),
    slots=st.lists(
        st.builds(
            Slot,
            starts_at=st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1)),
            token=st.just(SECRET),
            label=WORDS,
        ),
        max_size=3,
    ).map(tuple),
    place=WORDS,
    form=st.none()
    | st.builds(
        Form,
        title=WORDS,
        token=st.just(SECRET),
        fields=st.lists(
            st.builds(
                FormField,
                name=st.just("field"),
                label=WORDS,
                kind=st.sampled_from(FieldKind),
                options=st.lists(CHOICES, max_size=2).map(tuple),
                value=WORDS,
            ),
            max_size=3,
        ).map(tuple),
    ),
)


@given(WORDS, CONTENT)
def test_what_can_be_taken_is_numbered_from_one_without_gaps_in_the_order_of_the_replies(
    text: str, content: RichContent
):
    shown = localised(content, locale="en", zone=None)
    lines = iter(text_form(text, shown).splitlines())

    for number, reply in enumerate(replies(shown), start=1):
        wanted = f"{number}. {reply.label}"
        assert any(line.startswith(wanted) for line in lines), f"no line begins with {wanted!r}"


@given(WORDS, CONTENT)
def test_no_line_is_empty_and_nothing_that_the_vendor_wants_back_is_shown(
    text: str, content: RichContent
):
    form = text_form(text, localised(content, locale="en", zone=None))

    assert all(line.strip() for line in form.splitlines())
    assert SECRET not in form


@given(CONTENT)
def test_every_id_names_one_reply(content: RichContent):
    ids = [reply.id for reply in replies(content)]

    assert len(ids) == len(set(ids))
