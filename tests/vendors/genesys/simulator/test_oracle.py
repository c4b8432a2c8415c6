"""The vendor's own SDK, unmodified, drives the simulator, and its models judge every body.

The models are generated from the API's definition: a member they lack or an enumeration's value
they do not know is a fault of the simulator. The SDK comes with the extra `oracles`.
"""

from __future__ import annotations

import re
from typing import Any

import PureCloudPlatformClientV2 as SDK  # noqa: N814
import pytest
from PureCloudPlatformClientV2.rest import ApiException

from integrations.vendors.genesys.simulator.rich import RICH_MESSAGES
from tests.vendors.desk import AGENT
from tests.vendors.genesys.simulator.harness import (
    CHANNELS,
    CLIENT_ID,
    CLIENT_SECRET,
    INTEGRATION_ID,
    INTEGRATIONS,
    MESSAGES,
    listening,
    now_text,
    topics_of,
)
from tests.waiting import eventually_async

QUEUES = "/api/v2/routing/queues"
# Seen in captures since 2025 and not yet in the SDK's model of a normalised message.
NOT_MODELLED = {"ConversationNormalizedMessage": {"conversationId"}}
EVENT_MODELS = {
    "customer.start": "CustomerStartDetailEventTopicCustomerStartEvent",
    "customer.end": "CustomerEndDetailEventTopicCustomerEndEvent",
    "acd.start": "AcdStartDetailEventTopicAcdStartEvent",
    "acd.end": "AcdEndDetailEventTopicAcdEndEvent",
    "user.start": "UserStartDetailEventTopicUserStartEvent",
    "user.end": "UserEndDetailEventTopicUserEndEvent",
    "flow.end": "FlowEndDetailEventTopicFlowEndEvent",
    "attributes": "AttributeDetailEventTopicAttributeUpdateEvent",
}
SCALARS: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "object": object,
    "date": str,
    "datetime": str,
}


def problems(kind: str, value: Any, where: str = "$") -> list[str]:
    """Say what a JSON value has that the SDK's type for it does not."""
    if listed := re.fullmatch(r"list\[(.+)\]", kind):
        found = [problems(listed[1], one, f"{where}[]") for one in value]
    elif mapped := re.fullmatch(r"dict\(str, (.+)\)", kind):
        found = [problems(mapped[1], one, f"{where}.{name}") for name, one in value.items()]
    elif kind in SCALARS:
        found = [[] if isinstance(value, SCALARS[kind]) else [f"{where} is no {kind}"]]
    else:
        found = [_member_problems(kind, name, one, where) for name, one in value.items()]
    return [problem for each in found for problem in each]


def _member_problems(kind: str, name: str, value: Any, where: str) -> list[str]:
    model = getattr(SDK, kind)()
    attributes = {shown: kept for kept, shown in model.attribute_map.items()}
    path = f"{where}.{name}"
    if name not in attributes:
        is_known = name in NOT_MODELLED.get(kind, ())
        return [] if is_known else [f"{path} is not in {kind}"]
    if value is None:
        return []
    attribute = attributes[name]
    if isinstance(value, str):
        # The setter of an enumeration replaces what it does not know.
        setattr(model, attribute, value)
        if getattr(model, attribute) != value:
            return [f"{path} cannot be {value}"]
    return problems(model.swagger_types[attribute], value, path)


@pytest.fixture
def client(url):
    SDK.configuration.host = url
    client = SDK.api_client.ApiClient(host=url)
    return client.get_client_credentials_token(CLIENT_ID, CLIENT_SECRET)


def sender(**more: Any) -> Any:
    found = SDK.OpenInboundMessageMessagingChannel()
    found.pcFrom = SDK.OpenMessagingFromRecipient()
    found.pcFrom.id, found.pcFrom.id_type = "ho_oracle", "Opaque"
    found.time = now_text()
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_the_judge_finds_what_is_wrong():
    wrong = {"id": 7, "createStatus": "Almost", "recipient": {"colour": "red"}}

    assert problems("OpenIntegration", wrong) == [
        "$.id is no str",
        "$.createStatus cannot be Almost",
        "$.recipient.colour is not in DomainEntityRef",
    ]


def test_the_sdk_hands_over_reads_back_and_ends(client, simulator):
    conversations = SDK.ConversationsApi(client)
    message = SDK.OpenInboundNormalizedMessage()
    message.channel, message.text = sender(message_id="pm-1"), "I was charged twice"

    sent = conversations.post_conversations_message_inbound_open_message(
        INTEGRATION_ID, message, prefetch_conversation_id=True
    )
    chat = sent.conversation_id
    simulator.live_agent_joins(chat, agent_name=AGENT)
    simulator.live_agent_says(chat, text="Let me look.")
    found = conversations.get_conversations_message(chat)
    ids = [one.message_id for leg in found.participants for one in leg.messages]
    history = conversations.post_conversations_message_messages_bulk(chat, body=ids)
    customer = next(one for one in found.participants if one.purpose == "customer")
    conversations.patch_conversations_message_participant(
        chat, customer.id, body={"state": "disconnected"}
    )
    after = conversations.get_conversations_message(chat)

    texts = [one.normalized_message.text for one in history.entities]
    assert texts == ["I was charged twice", "Let me look."]
    assert history.entities[1].created_by.name == AGENT
    user_id = next(one.user.id for one in found.participants if one.user)
    assert SDK.UsersApi(client).get_user(user_id).name == AGENT
    assert {one.state for one in after.participants} == {"disconnected"}


def test_the_sdk_sends_typing_and_receipts_and_sets_attributes(client, simulator):
    conversations = SDK.ConversationsApi(client)
    message = SDK.OpenInboundNormalizedMessage()
    message.channel, message.text = sender(), "hello"
    chat = conversations.post_conversations_message_inbound_open_message(
        INTEGRATION_ID, message, prefetch_conversation_id=True
    ).conversation_id
    event, typing = SDK.OpenInboundNormalizedEvent(), SDK.OpenEvent()
    typing.event_type = "Typing"
    event.channel, event.events = sender(), [typing]
    simulator.live_agent_joins(chat, agent_name=AGENT)
    simulator.live_agent_says(chat, text="hello")
    (outbound,) = [
        one for one in simulator.desk_conversations()[0]["messages"] if one["from"] != "end_user"
    ]
    receipt, channel = SDK.OpenInboundNormalizedReceipt(), SDK.OpenInboundMessagingReceiptChannel()
    channel.to, channel.time = SDK.OpenMessagingToRecipient(), now_text()
    channel.to.id = "ho_oracle"
    receipt.id, receipt.status, receipt.channel = outbound["id"], "Delivered", channel

    conversations.post_conversations_message_inbound_open_event(INTEGRATION_ID, event)
    conversations.post_conversations_message_inbound_open_receipt(INTEGRATION_ID, receipt)
    customer = conversations.get_conversations_message(chat).participants[0]
    conversations.patch_conversations_message_participant_attributes(
        chat, customer.id, body={"attributes": {"screen_pop": "https://portal.example/h/1"}}
    )

    (seen,) = simulator.desk_conversations()
    assert seen["is_typing"]
    assert seen["messages"][-1]["status"] == "delivery-success"
    assert seen["attributes"] == {"screen_pop": "https://portal.example/h/1"}


def test_the_sdk_understands_refusals_and_waits_when_told(client, simulator):
    conversations = SDK.ConversationsApi(client)

    with pytest.raises(ApiException) as refused:
        conversations.get_conversations_message("00000000-0000-0000-0000-000000000000")
    simulator.fail_next(429, retry_after=1, count=1)
    found = conversations.get_conversations_messaging_integrations_open_integration_id(
        INTEGRATION_ID
    )

    assert refused.value.status == 404
    assert found.create_status == "Completed"


async def test_rest_objects_hold_nothing_the_models_do_not_know(api, desk, end_user, chat, portal):
    await desk.act(chat, "file", name="a.png", mime_type="image/png", content_base64="YQ==")
    await desk.act(chat, "rich", kind="choices", text="Which?", options=["One"])
    found = await api.conversation(chat)
    ids = [one["messageId"] for leg in found["participants"] for one in leg["messages"]]
    integration = await api.get(f"{INTEGRATIONS}/{INTEGRATION_ID}")
    recipient = f"/api/v2/routing/message/recipients/{integration['recipient']['id']}"
    queues = await api.get(QUEUES)
    queue_id = queues["entities"][0]["id"]
    user = next(one["user"]["id"] for one in found["participants"] if "user" in one)
    bulk = await api.call("POST", f"{MESSAGES}/{chat}/messages/bulk?useNormalizedMessage=true", ids)
    channel = await api.call("POST", CHANNELS, {})
    subscribed = await api.call(
        "POST",
        f"{CHANNELS}/{channel.body['id']}/subscriptions",
        [*topics_of(chat, "user.end"), {"id": "v2.nothing"}],
    )
    agentless = {
        "fromAddress": INTEGRATION_ID,
        "toAddress": "ho_2",
        "toAddressMessengerType": "open",
        "textBody": "By the way",
    }
    query = {"filter": {"predicates": [{"dimension": "queueId", "value": queue_id}]}}
    observed = "/api/v2/analytics/queues/observations/query"
    messaging = "/api/v2/conversations/messaging"
    judged = [
        ("MessageConversation", found),
        ("TextMessageListing", bulk.body),
        ("MessageData", await api.get(f"{MESSAGES}/{ids[0]}/details")),
        ("OpenIntegration", integration),
        ("OpenIntegrationEntityListing", await api.get(INTEGRATIONS)),
        ("Recipient", await api.get(recipient)),
        ("QueueEntityListing", queues),
        (
            "EstimatedWaitTimePredictions",
            await api.get(f"{QUEUES}/{queue_id}/mediatypes/message/estimatedwaittime"),
        ),
        ("QueueObservationQueryResponse", (await api.call("POST", observed, query)).body),
        ("User", await api.get(f"/api/v2/users/{user}")),
        ("Channel", channel.body),
        ("ChannelTopicEntityListing", subscribed.body),
        (
            "AvailableTopicEntityListing",
            await api.get("/api/v2/notifications/availabletopics?expand=permissionDetails"),
        ),
        ("MessagingSetting", await api.get(f"{messaging}/settings/default")),
        ("ConversationThreadingWindow", await api.get(f"{messaging}/threadingtimeline")),
        (
            "SendAgentlessOutboundMessageResponse",
            (await api.call("POST", f"{MESSAGES}/agentless", agentless)).body,
        ),
        ("ErrorBody", (await api.call("GET", f"{MESSAGES}/nobody")).body),
    ]

    assert [problem for kind, body in judged for problem in problems(kind, body)] == []


async def test_answers_to_inbound_calls_hold_nothing_unknown(api, desk, end_user, chat, portal):
    await desk.act(chat, "rich", kind="choices", text="Which?", options=["One"])
    asked = await portal.until_type("Structured")
    attachment = {"mediaType": "Link", "url": "https://shop.example/a", "mime": "text/html"}
    file = await end_user.say("look", content=[{"attachment": attachment}])
    typing = {"channel": end_user.channel(), "events": [{"eventType": "Typing"}]}
    event = await api.inbound("event", typing)
    delivered = {"channel": {"to": {"id": end_user.id}, "time": now_text()}, "id": asked["id"]}
    receipt = await api.inbound("receipt", {**delivered, "status": "Delivered"})
    chosen = {
        "channel": end_user.channel(),
        "buttonResponse": {"type": "QuickReply", "text": "One", "payload": "payload:One"},
        "originatingMessageId": asked["id"],
    }
    structured = await api.inbound("structured/response", chosen)
    judged = [
        ("OpenMessageNormalizedMessage", file.body),
        ("OpenEventNormalizedMessage", event.body),
        ("OpenReceiptNormalizedMessage", receipt.body),
        ("OpenStructuredResponseNormalizedMessage", structured.body),
    ]

    assert [problem for kind, body in judged for problem in problems(kind, body)] == []


async def test_webhook_bodies_are_normalised_messages(desk, end_user, chat, portal):
    await desk.act(chat, "say", text="hello")
    await desk.act(chat, "type")
    await desk.act(chat, "file", name="a.png", mime_type="image/png", content_base64="YQ==")
    for kind in RICH_MESSAGES:
        await desk.act(chat, "rich", kind=kind)
    gone = {"mediaType": "File", "url": "http://127.0.0.1:9/gone", "mime": "text/plain"}
    await end_user.say("take this", content=[{"attachment": gone}])
    await eventually_async(lambda: len(portal.bodies) == 4 + len(RICH_MESSAGES))

    kinds = {body["type"] for body in portal.bodies}
    found = [problems("ConversationNormalizedMessage", body) for body in portal.bodies]

    assert kinds == {"Text", "Event", "Structured", "Receipt"}
    assert [problem for each in found for problem in each] == []


async def test_notification_bodies_are_those_of_their_topics(api, desk, end_user):
    # The flow comes to its end when somebody listens to what happens then.
    await desk.configure(flow_delay_seconds=2)
    await end_user.say("hello", {"reason": "billing"})
    chat = end_user.conversation_id
    names = [*EVENT_MODELS]
    async with listening(api, topics_of(chat, *names)) as listener:
        await listener.until_event("acd.start")
        await desk.act(chat, "accept", agent_name=AGENT)
        customer = (await api.conversation(chat))["participants"][0]["id"]
        path = f"{MESSAGES}/{chat}/participants/{customer}/attributes"
        await api.call("PATCH", path, {"attributes": {"a": "b"}})
        await desk.act(chat, "end")
        await listener.until_event("customer.end")
    bodies = {
        name: [one["eventBody"] for one in listener.frames if _is_of(one, name)]
        for name in set(listener.names)
    }

    found = [problems(EVENT_MODELS[name], body) for name, all_ in bodies.items() for body in all_]

    assert set(bodies) == set(EVENT_MODELS) - {"customer.start"}
    assert [problem for each in found for problem in each] == []


def _is_of(frame: dict[str, Any], name: str) -> bool:
    return str(frame.get("topicName", "")).endswith(f".{name}")
