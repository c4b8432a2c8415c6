"""The simulated conversation endpoints hold to the contract."""

from __future__ import annotations

import pytest

from tests.vendors.desk import Desk
from tests.vendors.salesforce_messaging.simulator_harness import (
    EndUser,
    anonymous,
    new_id,
    text_message,
)

FORM = [
    {"name": "Order_Ref", "type": "Text", "required": True, "maxLength": 8, "isHidden": False},
    {"name": "Note", "type": "Text", "required": False, "maxLength": 4, "isHidden": True},
]


async def test_conversation_is_created_once_and_routed_at_once(desk: Desk, end_user: EndUser):
    attributes = {"Order_Ref": "BL-20931", "PortalSessionId": "ps_1"}

    status, answer = await end_user.create(routingAttributes=attributes, language="en_US")
    again, _ = await end_user.create()

    shown = await desk.conversation(end_user.conversation_id)
    assert (status, answer) == (201, {"conversationId": end_user.conversation_id})
    assert again == 409
    assert (shown["status"], shown["queue"]) == ("queued", "Support")
    assert shown["attributes"] == attributes
    assert shown["end_user"]["is_authenticated"] is False
    assert (len(shown["sessions"]), shown["cases"]) == (1, 0)


@pytest.mark.parametrize(
    "conversation_id",
    ["3F6C1D0E-8A57-4C2B-9B1E-5D2F7A90C114", "not-a-uuid", "3f6c1d0e-8a57-4c2b-0b1e-5d2f7a90c114"],
)
async def test_conversation_id_must_be_a_lowercase_uuid(end_user: EndUser, conversation_id: str):
    end_user.conversation_id = conversation_id

    status, answer = await end_user.create()

    assert status == 400
    assert "Specify the conversationId in UUID format" in answer["message"]
    assert "lowercase" in answer["message"]


@pytest.mark.parametrize(
    "more",
    [
        {"routingAttributes": {"Order_Ref": 7}},
        {"routingAttributes": {"Order": {"Ref": "7"}}},
        {"routingAttributes": ["Order_Ref"]},
        {"routing": {}},
        {"esDeveloperName": "Other"},
    ],
)
async def test_conversation_with_a_wrong_body_is_refused(end_user: EndUser, more):
    assert (await end_user.create(**more))[0] == 400
    assert (await end_user.create())[0] == 201


@pytest.mark.parametrize(
    "attributes", [{}, {"Order_Ref": ""}, {"Order_Ref": "BL-2093100"}, {"Note": "x"}]
)
async def test_prechat_rules_hold_when_the_form_has_them(desk, end_user, attributes):
    await desk.configure(prechat_fields=FORM)

    refused, _ = await end_user.create(routingAttributes=attributes)
    taken, _ = await end_user.create(routingAttributes={"Order_Ref": "BL-20931"})

    assert (refused, taken) == (400, 201)


async def test_attribute_reaches_the_session_only_when_the_org_maps_it(desk, end_user):
    await desk.configure(custom_parameters={"Order_Ref": "Order_Ref__c"})

    await end_user.create(routingAttributes={"Order_Ref": "BL-1", "Forgotten": "x"})

    shown = await desk.conversation(end_user.conversation_id)
    assert shown["session_fields"] == {"Order_Ref__c": "BL-1"}
    assert shown["attributes"]["Forgotten"] == "x"


async def test_another_end_user_reaches_nothing_of_the_conversation(http, end_user):
    await end_user.create()
    stranger = await anonymous(http)
    stranger.conversation_id = end_user.conversation_id

    answers = [
        await stranger.say("hello"),
        await stranger.on("GET"),
        await stranger.on("GET", "/entries"),
        await stranger.on(
            "POST", "/entry", {"entryType": "TypingStartedIndicator", "id": new_id()}
        ),
        await stranger.on("POST", "/acknowledge-entries", {"acks": []}),
        await stranger.end_session(),
        await stranger.close(),
    ]

    assert {status for status, _ in answers} == {404}
    assert (await stranger.create())[0] == 409
    assert (await end_user.say("still mine"))[0] == 202


async def test_message_needs_a_new_session_when_prechat_is_asked_per_session(desk, end_user):
    await desk.configure(session_prechat=True, prechat_fields=FORM)
    await end_user.create()

    early, _ = await end_user.say("hello")
    body = {**text_message("hello"), "isNewMessagingSession": True}
    without_form, _ = await end_user.on("POST", "/message", {**body, "routingAttributes": {}})
    filled = {**body, "routingAttributes": {"Order_Ref": "BL-1"}, "language": "en_US"}
    taken, _ = await end_user.on("POST", "/message", filled)

    assert (early, without_form, taken) == (417, 400, 202)
    assert (await desk.conversation(end_user.conversation_id))["status"] == "queued"


async def test_conversations_are_listed_oldest_first_and_closed_ones_on_request(http, end_user):
    ids = []
    for _ in range(3):
        end_user.conversation_id = new_id()
        ids.append(end_user.conversation_id)
        await end_user.create()
    await end_user.close()

    _, still_open = await end_user.call("GET", "/conversation/list?inclClosedConvs=false&limit=1")
    _, everything = await end_user.call("GET", "/conversation/list?inclClosedConvs=true")
    too_many, _ = await end_user.call("GET", "/conversation/list?limit=51")

    assert (still_open["openConversationsFound"], everything["closedConversationsFound"]) == (2, 1)
    assert [one["conversationId"] for one in still_open["conversations"]] == ids[:1]
    assert [one["conversationId"] for one in everything["conversations"]] == ids
    assert everything["conversations"][0]["endTimestamp"] == 0
    assert everything["conversations"][2]["endTimestamp"] > 0
    assert too_many == 400


async def test_ended_session_leaves_the_conversation_open_for_a_new_session(desk, end_user):
    await end_user.create()
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")

    statuses = [(await end_user.end_session())[0] for _ in range(2)]
    ended = await desk.conversation(end_user.conversation_id)
    _, routing = await end_user.on("GET")
    await end_user.say("one more thing")

    again = await desk.conversation(end_user.conversation_id)
    assert statuses == [204, 204]
    assert (ended["status"], ended["session_ended_by"]) == ("ended", "EndUser")
    assert routing["routingStatus"] == "NEEDS_ROUTING"
    assert (again["status"], len(again["sessions"])) == ("queued", 2)


async def test_closed_conversation_takes_nothing_any_more(desk, end_user):
    await end_user.create()

    statuses = [(await end_user.close())[0] for _ in range(2)]

    assert statuses == [204, 204]
    assert (await end_user.say("hello?"))[0] == 403
    assert (await desk.conversation(end_user.conversation_id))["status"] == "ended"
    assert await desk.refused(end_user.conversation_id, "accept", agent_name="Noor") == 409


async def test_errors_have_the_vendors_shape_whatever_went_wrong(http, end_user):
    async with http.put("/iamessage/api/v2/conversation") as wrong_method:
        method_error = await wrong_method.json()
    async with http.get("/nowhere") as wrong_path:
        path_error = await wrong_path.json()
    headers = {**end_user.headers, "Content-Type": "text/plain"}
    async with http.post(
        "/iamessage/api/v2/conversation", data="{}", headers=headers
    ) as wrong_type:
        type_error = await wrong_type.json()

    assert (wrong_method.status, wrong_path.status, wrong_type.status) == (405, 404, 415)
    assert {frozenset(one) for one in (method_error, path_error, type_error)} == {
        frozenset({"message", "errorCode"})
    }


async def test_browser_may_call_from_another_origin(http):
    headers = {
        "Origin": "https://shop.example.org",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": ",".join(
            ("authorization", "cache-control", "content-type", "last-event-id", "x-org-id")
        ),
    }

    async with http.options("/iamessage/api/v2/conversation/x", headers=headers) as response:
        allowed = response.headers

    assert response.status == 200
    assert allowed["Access-Control-Allow-Origin"] == "*"
    assert {"GET", "POST", "DELETE"} <= set(
        allowed["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    )
