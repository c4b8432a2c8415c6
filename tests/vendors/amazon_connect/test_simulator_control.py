"""The connect service by boto3: chats start, stop and are described; the instance is told about."""

from __future__ import annotations

import pytest
from botocore.config import Config

from tests.vendors.amazon_connect.simulator_harness import (
    FLOW,
    INSTANCE,
    AnswersFitModel,
    key_client,
    new_customer,
    refusal,
    start_chat,
)


@pytest.fixture
def connect(url):
    return key_client("connect", url)


def test_answers_are_really_held_against_the_model():
    check = AnswersFitModel("connect")
    model = check._model.operation_model("StartChatContact")

    with pytest.raises(AssertionError, match="ContactId"):
        check({"ContactId": ""}, model)
    with pytest.raises(AssertionError, match="Unheard"):
        check({"Unheard": "of"}, model)


async def test_started_chat_is_on_the_desk_with_its_attributes_and_first_words(connect, desk):
    started = start_chat(
        connect,
        Attributes={"handoff_id": "ho_9f31", "order-ref": "BL-20931"},
        InitialMessage={"ContentType": "text/plain", "Content": "Summary: an invoice."},
    )

    shown = await desk.conversation(started["ContactId"])

    assert shown["status"] == "queued"
    assert shown["attributes"] == {"handoff_id": "ho_9f31", "order-ref": "BL-20931"}
    assert shown["end_user"]["display_name"] == "Guest 4417"
    [first] = shown["messages"]
    assert (first["from"], first["text"]) == ("end_user", "Summary: an invoice.")


async def test_same_client_token_starts_one_chat(connect, desk):
    first = start_chat(connect, ClientToken="ho_1-start")
    again = start_chat(connect, ClientToken="ho_1-start")
    other = start_chat(connect, ClientToken="ho_2-start")

    assert {k: first[k] for k in ("ContactId", "ParticipantToken")} == {
        k: again[k] for k in ("ContactId", "ParticipantToken")
    }
    assert other["ContactId"] != first["ContactId"]
    assert len(await desk.get("conversations")) == 2
    changed = {"ClientToken": "ho_1-start", "ParticipantDetails": {"DisplayName": "Another"}}
    refused = refusal(lambda: start_chat(connect, **changed))
    assert refused == (400, "InvalidRequestException")


def test_connection_may_come_with_the_start(connect):
    started = start_chat(connect, ConnectionTypes=["WEBSOCKET", "CONNECTION_CREDENTIALS"])

    assert started["Websocket"]["Url"].startswith("ws://127.0.0.1:")
    assert started["ConnectionCredentials"]["ConnectionToken"] != started["ParticipantToken"]


TOO_LONG = "é" * 8193
REFUSED_STARTS = [
    ({"InstanceId": "unknown"}, (404, "ResourceNotFoundException")),
    ({"ContactFlowId": "unknown"}, (404, "ResourceNotFoundException")),
    ({"ParticipantDetails": {"DisplayName": "x" * 257}}, (400, "InvalidRequestException")),
    ({"Attributes": {"with space": "x"}}, (400, "InvalidParameterException")),
    (
        {"Attributes": {"a": "x" * 20_000, "b": "x" * 20_000}},
        (400, "InvalidParameterException"),
    ),
    (
        {"InitialMessage": {"ContentType": "text/html", "Content": "x"}},
        (400, "InvalidParameterException"),
    ),
    (
        {"InitialMessage": {"ContentType": "text/plain", "Content": TOO_LONG}},
        (400, "InvalidParameterException"),
    ),
    (
        {"SupportedMessagingContentTypes": ["text/markdown"]},
        (400, "InvalidParameterException"),
    ),
    ({"ChatDurationInMinutes": 10_081}, (400, "InvalidRequestException")),
    (
        {"PersistentChat": {"SourceContactId": "x"}, "RelatedContactId": "y"},
        (400, "InvalidParameterException"),
    ),
    (
        {"ChatStreamingConfiguration": {"StreamingEndpointArn": "arn:aws:sqs:nope"}},
        (400, "InvalidParameterException"),
    ),
]


@pytest.mark.parametrize(("fields", "expected"), REFUSED_STARTS)
async def test_start_that_breaks_a_limit_is_refused_and_leaves_nothing(
    connect, desk, fields, expected
):
    assert refusal(lambda: start_chat(connect, **fields)) == expected
    assert await desk.get("conversations") == []


@pytest.mark.parametrize(
    ("switches", "fields", "expected"),
    [
        (
            {"is_chat_duration_enabled": False},
            {"ChatDurationInMinutes": 60},
            (400, "InvalidParameterException"),
        ),
        ({"concurrent_chats": 0}, {}, (429, "LimitExceededException")),
        ({"flow_status": "SAVED"}, {}, (400, "InvalidRequestException")),
        ({"flow_type": "AGENT_WHISPER"}, {}, (400, "InvalidRequestException")),
    ],
)
def test_account_that_is_not_ready_refuses_and_takes_chats_once_it_is(
    connect, simulator, switches, fields, expected
):
    simulator.configure(**switches)

    refused = refusal(lambda: start_chat(connect, **fields))

    simulator.reset()
    assert refused == expected
    assert start_chat(connect, **fields)["ContactId"]


async def test_stopped_contact_is_over_and_cannot_be_stopped_again(connect, url, desk):
    chat = new_customer(url).chat_id

    connect.stop_contact(InstanceId=INSTANCE, ContactId=chat)

    assert (await desk.conversation(chat))["status"] == "ended"
    again = refusal(connect.stop_contact, InstanceId=INSTANCE, ContactId=chat)
    unknown = refusal(connect.stop_contact, InstanceId=INSTANCE, ContactId="unknown")
    assert again == (410, "ContactNotFoundException")
    assert unknown == (404, "ResourceNotFoundException")


def test_attributes_are_read_and_merged(connect, url):
    chat = new_customer(url, Attributes={"a": "1"}).chat_id
    where = {"InstanceId": INSTANCE, "InitialContactId": chat}

    connect.update_contact_attributes(**where, Attributes={"b": "2"})

    assert connect.get_contact_attributes(**where)["Attributes"] == {"a": "1", "b": "2"}
    refused = refusal(connect.update_contact_attributes, **where, Attributes={"c": "x" * 32_767})
    assert refused == (400, "InvalidParameterException")


def test_streams_to_at_most_two_topics(connect, url):
    chat = new_customer(url).chat_id
    where = {"InstanceId": INSTANCE, "ContactId": chat}

    def start(topic: str) -> str:
        arn = f"arn:aws:sns:eu-central-1:210987654321:{topic}"
        config = {"StreamingEndpointArn": arn}
        return connect.start_contact_streaming(**where, ChatStreamingConfiguration=config)[
            "StreamingId"
        ]

    first, second = start("one"), start("two")

    assert start("one") == first
    assert refusal(lambda: start("three")) == (429, "LimitExceededException")
    connect.stop_contact_streaming(**where, StreamingId=second)
    assert start("three") not in (first, second)


def test_timers_are_checked(url):
    # The client would not let the wrong ones pass.
    connect = key_client("connect", url, config=Config(parameter_validation=False))
    chat = new_customer(url).chat_id
    timer = {"ParticipantRole": "CUSTOMER", "TimerType": "IDLE"}

    def set_timer(value: dict) -> None:
        config = {"Chat": {"ParticipantTimerConfigList": [{**timer, "TimerValue": value}]}}
        connect.update_participant_role_config(
            InstanceId=INSTANCE, ContactId=chat, ChannelConfiguration=config
        )

    set_timer({"ParticipantTimerDurationInMinutes": 5})
    set_timer({"ParticipantTimerAction": "Unset"})
    for wrong in ({"ParticipantTimerDurationInMinutes": 481}, {}):
        assert refusal(lambda value=wrong: set_timer(value))[0] == 400


def test_instance_and_flow_are_described(connect, simulator):
    flow = connect.describe_contact_flow(InstanceId=INSTANCE, ContactFlowId=FLOW)["ContactFlow"]
    [listed] = connect.list_contact_flows(
        InstanceId=INSTANCE, ContactFlowTypes=["CONTACT_FLOW"], MaxResults=10
    )["ContactFlowSummaryList"]
    simulator.configure(flow_status="SAVED")

    unpublished = refusal(connect.describe_contact_flow, InstanceId=INSTANCE, ContactFlowId=FLOW)
    unknown = refusal(connect.describe_contact_flow, InstanceId=INSTANCE, ContactFlowId="unknown")

    assert (flow["Id"], flow["Type"], flow["Status"]) == (FLOW, "CONTACT_FLOW", "PUBLISHED")
    assert (listed["Id"], listed["ContactFlowState"]) == (FLOW, "ACTIVE")
    assert unpublished == (404, "ContactFlowNotPublishedException")
    assert unknown == (404, "ResourceNotFoundException")


def test_queue_leads_to_its_hours_and_metrics(connect, simulator):
    [queue] = connect.list_queues(InstanceId=INSTANCE, QueueTypes=["STANDARD"])["QueueSummaryList"]
    described = connect.describe_queue(InstanceId=INSTANCE, QueueId=queue["Id"])["Queue"]
    hours = {"InstanceId": INSTANCE, "HoursOfOperationId": described["HoursOfOperationId"]}
    simulator.configure(closed_dates=["2026-12-25"], hours_start="09:00", hours_end="17:30")

    effective = connect.get_effective_hours_of_operations(
        **hours, FromDate="2026-12-24", ToDate="2026-12-25"
    )["EffectiveHoursOfOperationList"]
    weekly = connect.describe_hours_of_operation(**hours)["HoursOfOperation"]

    assert effective[0]["OperationalHours"] == [
        {"Start": {"Hours": 9, "Minutes": 0}, "End": {"Hours": 17, "Minutes": 30}}
    ]
    assert effective[1]["OperationalHours"] == []
    assert (len(weekly["Config"]), weekly["TimeZone"]) == (7, "Europe/Berlin")


def metrics(connect, queue_id: str) -> dict[str, float]:
    names = ("AGENTS_AVAILABLE", "CONTACTS_IN_QUEUE")
    [result] = connect.get_current_metric_data(
        InstanceId=INSTANCE,
        Filters={"Queues": [queue_id], "Channels": ["CHAT"]},
        Groupings=["QUEUE"],
        CurrentMetrics=[{"Name": name, "Unit": "COUNT"} for name in names],
    )["MetricResults"]
    return {one["Metric"]["Name"]: one["Value"] for one in result["Collections"]}


async def test_metrics_follow_agents_and_waiting_chats(connect, simulator, socket, customer):
    queue_id = simulator.configuration()["queue_id"]

    before = metrics(connect, queue_id)
    simulator.set_agents_offline(is_offline=True)
    after = metrics(connect, queue_id)

    assert before == {"AGENTS_AVAILABLE": 2, "CONTACTS_IN_QUEUE": 1}
    assert after["AGENTS_AVAILABLE"] == 0


async def test_described_contact_tells_queue_agent_chain_and_end(connect, chat, desk, simulator):
    where = {"InstanceId": INSTANCE}
    await desk.act(chat, "transfer", queue="Billing")
    second = (await desk.conversation(chat))["contact_id"]
    connect.stop_contact(**where, ContactId=second)

    first = connect.describe_contact(**where, ContactId=chat)["Contact"]
    latest = connect.describe_contact(**where, ContactId=second)["Contact"]

    assert first["AgentInfo"]["ConnectedToAgentTimestamp"]
    assert (latest["InitialContactId"], latest["PreviousContactId"]) == (chat, chat)
    assert latest["InitiationMethod"] == "QUEUE_TRANSFER"
    assert latest["DisconnectReason"] == "API"
    assert "AgentInfo" not in latest


async def test_a_transferred_contact_is_over_and_its_chain_names_the_one_that_is_not(
    connect, chat, desk
):
    where = {"InstanceId": INSTANCE}
    await desk.act(chat, "transfer", queue="Billing")
    second = (await desk.conversation(chat))["contact_id"]

    listed = connect.list_associated_contacts(**where, ContactId=chat)["ContactSummaryList"]

    assert [one["ContactId"] for one in listed if "DisconnectTimestamp" not in one] == [second]
    assert [one.get("PreviousContactId") for one in listed] == [None, chat]
    stopped = refusal(connect.stop_contact, **where, ContactId=chat)
    assert stopped == (410, "ContactNotFoundException")
    assert (await desk.conversation(chat))["status"] != "ended"


def test_refused_operations_are_denied_whatever_the_bearer(customer, simulator):
    simulator.configure(refused_operations=["SendMessage"])

    assert refusal(lambda: customer.say("Hello")) == (403, "AccessDeniedException")

    simulator.configure(refused_operations=[])
    assert customer.say("Hello")["Id"]


async def test_what_no_model_knows_is_refused(http, url):
    async with http.post("/contact/nonsense", json={}) as answer:
        assert answer.status == 404
        assert answer.headers["x-amzn-ErrorType"] == "UnknownOperationException"


def test_rates_are_limited_when_asked_for(connect, simulator):
    simulator.configure(enforce_rate_limits=True)

    for _ in range(5):
        connect.describe_instance(InstanceId=INSTANCE)

    refused = refusal(connect.describe_instance, InstanceId=INSTANCE)
    assert refused == (429, "TooManyRequestsException")
    simulator.world.clock_skew += 5
    assert connect.describe_instance(InstanceId=INSTANCE)
