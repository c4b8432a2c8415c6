"""What a tool may return to hand off, and what is said about everything else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoffs.errors import InvalidPayloadError
from handoffs.payload.common_hints import COMMON_HINTS
from handoffs.payload.reading import (
    HandoffPayload,
    has_handoff,
    payload_for_call_handoff,
    payload_for_integration,
    payload_read,
    resolve_destination,
)
from integrations.contract.integration_keys import has_connector, hints_of, payload_keys

SEED = {
    "utterance": "No problem, I'll transfer you to one of our agents now.",
    "handoff": {"text_chat": {"salesforce_integration": {}}},
}
UUID = "12345678-90ab-cdef-1234-567890abcdef"
INSTANCE_ARN = f"arn:aws:connect:eu-west-2:123456789012:instance/{UUID}"


def read_hints(hints: object, key: str = "salesforce_integration") -> HandoffPayload:
    return payload_read({"handoff": {"text_chat": {key: hints}}})


def problems_of(returned: object) -> dict[str, str]:
    with pytest.raises(InvalidPayloadError) as caught:
        payload_read(returned)
    assert caught.value.code == "invalid_payload"
    return dict(caught.value.problems)


def hint_problems(hints: object, key: str = "salesforce_integration") -> dict[str, str]:
    found = problems_of({"handoff": {"text_chat": {key: hints}}})
    return {path.removeprefix(f"handoff.text_chat.{key}."): text for path, text in found.items()}


def test_the_seeds_payload_is_read_without_a_warning():
    payload = payload_read(SEED)

    assert payload.integration_key == "salesforce_integration"
    assert payload.utterance == SEED["utterance"]
    assert (payload.hints, payload.warnings, payload.destination) == ({}, (), "")


@pytest.mark.parametrize("key", [k for k in payload_keys() if k != "custom_integration"])
def test_an_empty_object_is_enough_for_every_vendor(key):
    payload = read_hints({}, key)

    assert payload.integration_key == key
    assert payload.inline_overrides == ()


def test_true_asks_for_the_default_destination():
    payload = payload_read({"handoff": True})

    assert (payload.integration_key, payload.destination) == (None, "")


def test_a_name_asks_for_that_destination_and_is_the_reason():
    payload = payload_read({"handoff": "billing"})

    assert (payload.destination, payload.reason) == ("billing", "billing")


def test_a_reason_alone_asks_for_the_default_destination_and_lends_its_utterance():
    payload = payload_read({"handoff": {"reason": "angry", "utterance": "One moment."}})

    assert (payload.destination, payload.reason, payload.utterance) == ("", "angry", "One moment.")


def test_the_outer_utterance_wins_over_the_inner_one():
    payload = payload_read({"utterance": "outer", "handoff": {"reason": "r", "utterance": "in"}})

    assert payload.utterance == "outer"


def test_the_telephone_shape_names_a_destination_and_says_that_it_is_voice():
    payload = payload_read({"handoff": {"type": "sales", "reason": "r", "refer": {"to": "x"}}})

    assert (payload.destination, payload.reason, payload.is_voice) == ("sales", "r", True)
    assert [warning.path for warning in payload.warnings] == ["handoff.refer"]


def test_a_destination_dict_is_read_as_call_handoff_is():
    payload = payload_read({"handoff": {"destination": "sales", "reason": "vip"}})

    assert payload == payload_for_call_handoff("sales", reason="vip")


@pytest.mark.parametrize("returned", [None, "text", 3, {}, {"handoff": None}, {"handoff": False}])
def test_a_return_value_without_handoff_asks_for_none(returned):
    assert not has_handoff(returned)


@pytest.mark.parametrize("wanted", [True, "x", {}, 3, {"text_chat": {}}])
def test_any_other_value_under_handoff_asks_for_one(wanted):
    assert has_handoff({"handoff": wanted})


@pytest.mark.parametrize(
    ("returned", "path", "message"),
    [
        (["handoff"], "", "dict"),
        ({}, "handoff", "text_chat"),
        ({"handoff": 7}, "handoff", "expected"),
        ({"handoff": ""}, "handoff", "1 to 128"),
        ({"handoff": {}}, "handoff", "text_chat"),
        ({"handoff": {"salesforce_integration": {}}}, "handoff", "text_chat"),
        ({"handoff": {"text_chat": None}}, "handoff.text_chat", "got None"),
        ({"handoff": {"text_chat": "salesforce_integration"}}, "handoff.text_chat", "a dict"),
        ({"handoff": {"text_chat": {}}}, "handoff.text_chat", "exactly one"),
        (
            {"handoff": {"text_chat": {"salesforce": {}}}},
            "handoff.text_chat.salesforce",
            "salesforce_integration",
        ),
        (
            {"handoff": {"text_chat": {"webex_integration": []}}},
            "handoff.text_chat.webex_integration",
            "a dict",
        ),
        ({"handoff": {"reason": 3}}, "handoff.reason", "text"),
        ({"handoff": {"type": None}}, "handoff.type", "text"),
        ({"handoff": {"destination": ""}}, "handoff.destination", "1 to 128"),
        ({"handoff": True, "utterance": 3}, "utterance", "text"),
        ({"handoff": {"reason": "r", "data": 3}}, "handoff.data", "a dict"),
    ],
)
def test_each_structural_error_is_named_with_its_place(returned, path, message):
    assert message in problems_of(returned)[path]


def test_several_integration_keys_are_refused_and_the_known_ones_listed():
    both = {"salesforce_integration": {}, "zendesk_integration": {}}

    found = problems_of({"handoff": {"text_chat": both}})

    assert "got 2" in found["handoff.text_chat"]
    assert all(key in found["handoff.text_chat"] for key in payload_keys() if has_connector(key))


def test_all_problems_are_reported_at_once():
    found = hint_problems({"queue": 3, "queue_id": "nope", "attributes": {"a": [1], "b": {}}})

    assert set(found) == {"queue", "queue_id", "attributes.a", "attributes.b"}


GOOD_HINTS = [
    ("queue", "vip", "vip"),
    ("queue", None, "absent"),
    ("skills", ["a", "b"], ["a", "b"]),
    ("skills", "a", ["a"]),
    ("department", "billing", "billing"),
    ("priority", "urgent", "urgent"),
    ("priority", 10, 10),
    ("language", "pt-BR", "pt-BR"),
    ("subject", "s" * 255, "s" * 255),
    ("user_display_name", "Ada", "Ada"),
    ("user_email", "ada@example.com", "ada@example.com"),
    ("user_phone", "+14155550100", "+14155550100"),
    ("user_external_id", "u-1", "u-1"),
    ("attributes", {"a": 1, "b": None, "c": True, "d": 1.5, "e": "x"}, None),
    ("reason", "vip", "vip"),
    ("summary", "s" * 4000, "s" * 4000),
    ("note", "n" * 1000, "n" * 1000),
    ("transcript", "link", "link"),
    ("wait_timeout_seconds", 0, 0),
    ("wait_timeout_seconds", 86400, 86400),
    ("on_unavailable", "return_to_bot", "return_to_bot"),
    ("after_agent", "end", "end"),
    ("credential_set", "emea", "emea"),
]


@pytest.mark.parametrize(("name", "value", "kept"), GOOD_HINTS)
@pytest.mark.parametrize("key", ["salesforce_integration", "genesys_integration"])
def test_each_common_hint_is_accepted_everywhere(key, name, value, kept):
    payload = read_hints({name: value}, key)

    expected = value if kept is None else kept
    assert payload.hints == ({} if kept == "absent" else {name: expected})
    assert payload.warnings == ()


BAD_HINTS = [
    ("queue", ""),
    ("queue", "q" * 129),
    ("queue", "a\x00b"),
    ("queue", "\ud800"),
    ("skills", ["x"] * 21),
    ("skills", {"a": 1}),
    ("department", 3),
    ("priority", "highest"),
    ("priority", 11),
    ("priority", True),
    ("language", "english"),
    ("language", "en_GB"),
    ("subject", "s" * 256),
    ("user_display_name", ""),
    ("user_email", "ada"),
    ("user_email", "a b@example.com"),
    ("user_email", f"a@{'b' * 250}.com"),
    ("user_phone", "0207 946 0000"),
    ("user_external_id", 12),
    ("attributes", [1]),
    ("attributes", {str(number): 1 for number in range(51)}),
    ("attributes", {str(number): "é" * 1024 for number in range(10)}),
    ("reason", "r" * 129),
    ("summary", "s" * 4001),
    ("note", "n" * 1001),
    ("transcript", "none at all"),
    ("wait_timeout_seconds", 9),
    ("wait_timeout_seconds", 86401),
    ("wait_timeout_seconds", "60"),
    ("wait_timeout_seconds", False),
    ("on_unavailable", "hang_up"),
    ("after_agent", True),
    ("credential_set", ""),
]


@pytest.mark.parametrize(("name", "value"), BAD_HINTS)
def test_a_wrong_value_of_a_common_hint_is_a_structural_error(name, value):
    assert list(hint_problems({name: value})) == [name]


def test_every_common_hint_is_exercised_here():
    assert {name for name, *_ in GOOD_HINTS} == {name for name, _ in BAD_HINTS} == set(COMMON_HINTS)


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ({"k" * 65: 1}, "attributes." + "k" * 64),
        ({"a": "v" * 1025}, "attributes.a"),
        ({"a": math.inf}, "attributes.a"),
        ({"a": 2**70}, "attributes.a"),
        ({3: "a"}, "attributes.a whole number"),
    ],
)
def test_one_wrong_attribute_is_named(attributes, path):
    assert list(hint_problems({"attributes": attributes})) == [path]


GOOD_VENDOR_HINTS = [
    ("amazon_connect", "instance_id", INSTANCE_ARN, None),
    ("amazon_connect", "instance_id", UUID, None),
    ("amazon_connect", "contact_flow_id", f"{INSTANCE_ARN}/contact-flow/{UUID}", None),
    ("amazon_connect", "role_arn", "arn:aws:iam::123456789012:role/x/y", None),
    ("amazon_connect", "aws_region", "eu-west-2", None),
    ("amazon_connect", "chat_duration_minutes", 60, None),
    ("amazon_connect", "related_contact_id", "c-1", None),
    ("amazon_connect", "customer_id", "c-1", None),
    ("amazon_connect", "source_contact_id", "c-1", None),
    ("amazon_connect", "rehydration_type", "FROM_SEGMENT", None),
    ("salesforce", "routing_attributes", {"Tier": "gold"}, None),
    ("salesforce", "queue_id", "00G5g000004abcd", None),
    ("salesforce", "queue_id", "00G5g000004abcdEAA", None),
    ("salesforce", "flow_id", "3005g000004abcd", None),
    ("zendesk", "tags", ["a", "b"], None),
    ("zendesk", "ticket_fields", {"360001": "x", 12: True}, {"360001": "x", "12": True}),
    ("zendesk", "group_id", "360001", None),
    ("zendesk", "brand_id", 12, "12"),
    ("zendesk", "assignee_id", "1", None),
    ("zendesk", "organization_id", "1", None),
    ("zendesk", "conversation_type", "single", None),
    ("nice", "contact_custom_fields", {"tier": "gold"}, None),
    ("nice", "customer_custom_fields", {"tier": "gold"}, None),
    ("nice", "channel_id", "chat_1", None),
    ("genesys", "queue_name", "Support", None),
    ("genesys", "external_contact_id", UUID, None),
    ("webex", "destination_id", UUID, None),
    ("webex", "entry_point_id", UUID, None),
    ("webex", "global_variables", {"a": 1}, None),
    ("five9", "campaign_name", "Chat", None),
    ("custom", "connector", "crm", None),
]
BAD_VENDOR_HINTS = [
    ("amazon_connect", "instance_id", "x"),
    ("amazon_connect", "contact_flow_id", f"{INSTANCE_ARN}/queue/{UUID}"),
    ("amazon_connect", "role_arn", "arn:aws:iam::1:role/x"),
    ("amazon_connect", "aws_region", "Ireland"),
    ("amazon_connect", "chat_duration_minutes", 59),
    ("amazon_connect", "related_contact_id", 4),
    ("amazon_connect", "customer_id", ""),
    ("amazon_connect", "source_contact_id", ""),
    ("amazon_connect", "rehydration_type", "SOME"),
    ("salesforce", "routing_attributes", {"Tier": 1}),
    ("salesforce", "queue_id", "00Q5g000004abcd"),
    ("salesforce", "queue_id", "00G5g000004abcd0"),
    ("salesforce", "flow_id", "3015g000004abcd"),
    ("zendesk", "tags", "vip"),
    ("zendesk", "ticket_fields", {"priority": 1}),
    ("zendesk", "group_id", "vip"),
    ("zendesk", "brand_id", -1),
    ("zendesk", "assignee_id", None.__class__),
    ("zendesk", "organization_id", True),
    ("zendesk", "conversation_type", "both"),
    ("nice", "contact_custom_fields", {"has space": "x"}),
    ("nice", "customer_custom_fields", {"tier": 3}),
    ("nice", "channel_id", ""),
    ("genesys", "queue_name", 3),
    ("genesys", "external_contact_id", "me"),
    ("webex", "destination_id", "desk"),
    ("webex", "entry_point_id", "x"),
    ("webex", "global_variables", {"a": {}}),
    ("five9", "campaign_name", ["Chat"]),
    ("custom", "connector", 1),
]


@pytest.mark.parametrize(("vendor", "name", "value", "kept"), GOOD_VENDOR_HINTS)
def test_each_vendor_hint_is_read_for_its_vendor(vendor, name, value, kept):
    payload = read_hints({name: value}, f"{vendor}_integration")

    assert payload.hints == {name: value if kept is None else kept}


@pytest.mark.parametrize(("vendor", "name", "value"), BAD_VENDOR_HINTS)
def test_a_wrong_value_of_a_vendor_hint_is_a_structural_error(vendor, name, value):
    found = hint_problems({name: value}, f"{vendor}_integration")

    assert all(path.split(".")[0] == name for path in found)


def test_every_vendor_hint_is_exercised_here():
    known = {(key.removesuffix("_integration"), n) for key in payload_keys() for n in hints_of(key)}

    assert {(vendor, name) for vendor, name, *_ in GOOD_VENDOR_HINTS} == known
    assert {(vendor, name) for vendor, name, _ in BAD_VENDOR_HINTS} == known


def test_a_hint_of_another_vendor_or_of_none_is_dropped_with_a_warning():
    payload = read_hints({"tags": ["a"], "queu": "x", "queue": "y"})

    assert payload.hints == {"queue": "y"}
    assert [warning.path.rpartition(".")[2] for warning in payload.warnings] == ["tags", "queu"]


def test_other_spellings_of_a_hint_are_kept_under_its_name():
    payload = read_hints({"skill": "billing", "pre_chat": {"Tier": "gold"}})

    assert payload.hints == {"skills": ["billing"], "routing_attributes": {"Tier": "gold"}}


def test_the_proper_name_wins_over_another_spelling():
    payload = read_hints({"skill": "a", "skills": ["b"]})

    assert payload.hints == {"skills": ["b"]}
    assert len(payload.warnings) == 1


@pytest.mark.parametrize("name", ["api_url", "headers"])
def test_hints_that_would_choose_where_credentials_go_are_refused(name):
    assert list(hint_problems({name: "x"}, "amazon_connect_integration")) == [name]


def test_a_custom_integration_needs_its_connector():
    assert "missing" in hint_problems({}, "custom_integration")["connector"]


@pytest.mark.parametrize(
    "name",
    ["client_secret", "PASSWORD", "apiToken", "private_key", "privateKey", "x-access-token"],
)
def test_what_looks_secret_is_dropped_and_reported_without_its_value(name):
    value = "hunter2-very-private"

    payload = payload_read(
        {
            name: value,
            "handoff": {
                "data": {"deep": [{name: value}]},
                "text_chat": {"salesforce_integration": {name: value, "attributes": {name: value}}},
            },
        }
    )

    assert payload.hints == {"attributes": {}}
    assert payload.data == {"deep": [{}]}
    assert len(payload.warnings) == 4
    assert all(name in warning.path for warning in payload.warnings)
    assert value not in str(payload.warnings) + repr(payload)


def test_no_problem_quotes_the_value_that_caused_it():
    private = "call me at 555 0100"

    found = problems_of(
        {
            "utterance": {"x": private},
            "handoff": {"text_chat": {"salesforce_integration": {"user_phone": private}}},
        }
    )

    assert private not in str(found)


def test_the_repr_of_a_payload_holds_nothing_an_end_user_said():
    payload = payload_read({"utterance": "for Ada", "handoff": {"reason": "Ada", "data": {"a": 1}}})

    assert "Ada" not in repr(payload)


@pytest.mark.parametrize(
    ("vendor", "name", "value"),
    [
        ("amazon_connect", "instance_id", UUID),
        ("amazon_connect", "contact_flow_id", UUID),
        ("amazon_connect", "aws_region", "eu-west-2"),
        ("nice", "channel_id", "chat"),
        ("five9", "campaign_name", "Chat"),
    ],
)
def test_a_hint_that_replaces_a_saved_setting_is_flagged(vendor, name, value):
    payload = read_hints({name: value, "queue": "q"}, f"{vendor}_integration")

    assert payload.inline_overrides == (name,)


def test_data_is_limited_in_size_and_depth():
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"a": deep}

    found = problems_of({"handoff": {"reason": "r", "data": deep}})
    large = problems_of({"handoff": {"reason": "r", "data": {"a": ["x" * 9000, "y" * 9000]}}})

    assert "nested" in next(iter(found.values()))
    assert "16 KB" in large["handoff.data"]


def test_unknown_keys_beside_the_known_ones_are_warned_about():
    payload = payload_read(
        {"utterence": "typo", "hangup": True, "handoff": {"reason": "r", "x": 1}}
    )

    assert {warning.path for warning in payload.warnings} == {"utterence", "hangup", "handoff.x"}


def test_a_refusal_still_carries_the_warnings_about_what_would_be_ignored():
    with pytest.raises(InvalidPayloadError) as raised:
        read_hints({"queu": 1, "queue": 3})

    assert [problem.path.rpartition(".")[2] for problem in raised.value.problems] == ["queue"]
    assert [warning.path.rpartition(".")[2] for warning in raised.value.warnings] == ["queu"]


def test_call_handoff_maps_headers_to_attributes_and_route_to_the_queue():
    payload = payload_for_call_handoff(
        "support",
        utterance="One moment.",
        data={"order": 7},
        hints={"queue": "general", "attributes": {"tier": "gold"}},
        sip_headers={"X-Order": "7"},
        route="vip",
    )

    assert payload.destination == payload.reason == "support"
    assert payload.queue == payload.hints["queue"] == "vip"
    assert payload.hints["attributes"] == {"tier": "gold", "X-Order": "7"}
    assert (payload.utterance, payload.data) == ("One moment.", {"order": 7})


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"destination": None}, "destination"),
        ({"destination": 3}, "destination"),
        ({"destination": "x", "reason": 3}, "reason"),
        ({"destination": "x", "utterance": []}, "utterance"),
        ({"destination": "x", "data": "y"}, "data"),
        ({"destination": "x", "hints": "y"}, "hints"),
        ({"destination": "x", "hints": {"priority": "top"}}, "hints.priority"),
        ({"destination": "x", "sip_headers": "y"}, "sip_headers"),
        ({"destination": "x", "route": ""}, "route"),
    ],
)
def test_wrong_arguments_of_call_handoff_are_named(arguments, path):
    with pytest.raises(InvalidPayloadError) as caught:
        payload_for_call_handoff(**arguments)

    assert [problem.path for problem in caught.value.problems] == [path]


def test_once_the_integration_is_known_foreign_hints_are_dropped():
    payload = payload_for_call_handoff("x", hints={"tags": ["a"], "channel_id": "c", "queue": "q"})

    addressed = payload_for_integration(payload, "zendesk_integration")

    assert addressed.integration_key == "zendesk_integration"
    assert addressed.hints == {"tags": ["a"], "queue": "q"}
    assert addressed.inline_overrides == ()
    assert [warning.path for warning in addressed.warnings] == ["hints.channel_id"]


def test_once_the_integration_is_known_its_required_hint_is_asked_for():
    with pytest.raises(InvalidPayloadError, match="connector"):
        payload_for_integration(payload_for_call_handoff("x"), "custom_integration")


@pytest.mark.parametrize(
    ("name", "destination", "key"),
    [
        ("billing", "billing", "zendesk_integration"),
        ("salesforce", "salesforce", ""),
        ("zendesk_integration", "", "zendesk_integration"),
        ("Zendesk", "", "zendesk_integration"),
        ("amazon_connect", "", "amazon_connect_integration"),
    ],
)
def test_a_name_is_a_destination_then_a_key_then_a_vendor(name, destination, key):
    destinations = {"billing": "zendesk_integration", "salesforce": ""}

    found = resolve_destination(name, destinations)

    assert (found.destination, found.integration_key) == (destination, key)


def test_an_unknown_destination_is_an_error_that_lists_the_known_ones():
    with pytest.raises(InvalidPayloadError, match="billing, sales"):
        resolve_destination("nowhere", {"sales": "", "billing": ""})


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
HINT_NAMES = sorted({*COMMON_HINTS, *(name for key in payload_keys() for name in hints_of(key))})
ANY_HINTS = st.dictionaries(st.sampled_from(HINT_NAMES) | st.text(max_size=8), ANY_JSON)
ANY_HANDOFF = (
    ANY_JSON
    | st.dictionaries(
        st.sampled_from(["text_chat", "destination", "type", "reason", "data", "hints", "route"]),
        ANY_JSON | st.dictionaries(st.sampled_from(payload_keys()), ANY_HINTS, max_size=2),
    )
    | st.fixed_dictionaries(
        {"text_chat": st.dictionaries(st.sampled_from(payload_keys()), ANY_HINTS, min_size=1)}
    )
)


@given(ANY_JSON | st.fixed_dictionaries({"handoff": ANY_HANDOFF, "utterance": ANY_JSON}))
def test_no_value_breaks_the_reader_other_than_as_an_invalid_payload(returned):
    try:
        payload = payload_read(returned)
    except InvalidPayloadError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
    else:
        assert payload.integration_key is None or payload.integration_key in payload_keys()


@given(ANY_JSON, ANY_JSON, ANY_JSON, ANY_HINTS | ANY_JSON, ANY_JSON, ANY_JSON)
def test_no_argument_breaks_call_handoff_other_than_as_an_invalid_payload(
    destination, reason, data, hints, headers, route
):
    try:
        payload = payload_for_call_handoff(
            destination, reason=reason, data=data, hints=hints, sip_headers=headers, route=route
        )
    except InvalidPayloadError as error:
        assert error.problems
    else:
        assert payload.destination == destination
