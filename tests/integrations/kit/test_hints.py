"""What a handoff's hints become for a vendor, and who may say who the end user is."""

import pytest

from integrations.contract.connector import EndUserIdentity, HandoffRequest
from integrations.kit.hints import hint_list, hint_pairs, hint_text, identity_of

CLAIMED = EndUserIdentity(external_id="v", name="Eve Visitor", email="eve@visitor.example")
VERIFIED = EndUserIdentity(
    external_id="u-1", is_verified=True, name="Ada King Lovelace", email="ada@example.com"
)
GIVEN = {"user_display_name": "Tool Name", "user_email": "tool@example.com", "user_phone": "+1"}


def identity(user, routing, channel="webchat"):
    request = HandoffRequest(
        handoff_id="h",
        conversation_id="c",
        end_user=user,
        channel=channel,
        transcript=(),
        routing=routing,
    )
    return identity_of(request)


def test_a_visitors_claim_is_never_told():
    found = identity(CLAIMED, {})

    assert (found.name, found.email, found.external_id) == ("", "", "")


def test_the_number_that_somebody_texts_from_is_no_claim():
    texting = EndUserIdentity(external_id="tel:+1555", is_verified=False, phone="+1555")

    assert identity(texting, {}, "sms").phone == "+1555"
    assert identity(texting, GIVEN, "sms").phone == "+1555"
    assert identity(texting, {}).phone == ""


def test_the_tool_may_say_who_it_is():
    found = identity(CLAIMED, GIVEN)

    assert (found.name, found.email, found.phone) == ("Tool Name", "tool@example.com", "+1")


def test_who_is_vouched_for_is_told_before_what_the_tool_says():
    found = identity(VERIFIED, GIVEN)

    assert (found.first_name, found.last_name) == ("Ada", "King Lovelace")
    assert (found.email, found.phone, found.external_id) == ("ada@example.com", "+1", "u-1")


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, ""), (7, "7"), (["a", 1, True], "a, 1, true")],
)
def test_a_value_is_written_as_vendors_take_it(value, text):
    assert hint_text(value) == text


def test_a_single_value_is_a_list_of_one_and_nothing_is_none():
    assert (hint_list("a"), hint_list(["a", "b"]), hint_list(None), hint_list("")) == (
        ["a"],
        ["a", "b"],
        [],
        [],
    )


def test_pairs_without_a_value_are_left_out():
    assert hint_pairs({"a": 1, "b": None}) == {"a": 1}
    assert hint_pairs("no pairs") == {}
