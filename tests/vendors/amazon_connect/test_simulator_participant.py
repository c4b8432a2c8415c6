"""The participant service by boto3: tokens, messages, events, transcript, files, the end."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.vendors.amazon_connect.simulator_harness import (
    Customer,
    name_of,
    new_customer,
    participant_client,
    refusal,
)

DENIED = (403, "AccessDeniedException")
INVALID = (400, "ValidationException")
GREETING = "Thanks for getting in touch. An agent will be with you shortly."


def test_each_token_is_good_for_its_own_calls_only(customer):
    participant = customer.participant
    started = customer.started["ParticipantToken"]
    message = {"ContentType": "text/plain", "Content": "hello"}

    assert refusal(participant.send_message, ConnectionToken=started, **message) == DENIED
    assert refusal(participant.send_message, ConnectionToken="made-up", **message) == DENIED
    assert (
        refusal(
            participant.create_participant_connection,
            ParticipantToken=customer.token,
            Type=["WEBSOCKET"],
        )
        == DENIED
    )
    assert participant.send_message(ConnectionToken=customer.token, **message)["Id"]


async def test_connection_token_expires_and_another_is_to_be_had(customer, socket, simulator):
    simulator.world.clock_skew += 24 * 3600 - 1
    customer.say("in time")
    simulator.world.clock_skew += 2

    assert refusal(customer.say, text="too late") == DENIED
    customer.create_connection()
    assert customer.say("renewed")["Id"]


def test_connection_holds_only_what_was_asked_for(customer):
    create = customer.participant.create_participant_connection
    token = {"ParticipantToken": customer.started["ParticipantToken"]}

    assert set(create(**token, Type=["WEBSOCKET"])) == {"Websocket", "ResponseMetadata"}
    assert "Websocket" not in create(**token, Type=["CONNECTION_CREDENTIALS"])
    assert refusal(create, **token, Type=["WEBRTC_CONNECTION"]) == INVALID
    assert refusal(create, **token) == INVALID


async def test_chat_nobody_connects_to_dies_after_five_minutes(url, desk, simulator):
    late, punctual = new_customer(url), new_customer(url)
    punctual.create_connection()
    simulator.world.clock_skew += 301

    assert (await desk.conversation(late.chat_id))["status"] == "ended"
    # A connection that was made and never subscribed to does not count.
    assert (await desk.conversation(punctual.chat_id))["status"] == "ended"
    assert refusal(late.create_connection) == DENIED


async def test_streaming_customer_is_connected_without_a_socket(url, desk):
    topic = {"StreamingEndpointArn": "arn:aws:sns:eu-central-1:210987654321:portal-chat"}
    with_stream = new_customer(url, ChatStreamingConfiguration=topic)
    without = new_customer(url)

    for customer in (with_stream, without):
        customer.create_connection(ConnectParticipant=True)

    assert with_stream.started["StreamingId"]
    assert GREETING in with_stream.texts()
    assert without.transcript() == []


async def test_message_arrives_once_however_often_it_is_sent(customer, chat):
    first = customer.say("once", ClientToken="msg-1")
    again = customer.say("once", ClientToken="msg-1")
    changed = refusal(customer.say, text="other words", ClientToken="msg-1")
    customer.say("twice")
    customer.say("twice")

    assert (first["Id"], first["AbsoluteTime"]) == (again["Id"], again["AbsoluteTime"])
    assert changed == INVALID
    assert customer.texts() == [GREETING, "once", "twice", "twice"]


def test_content_is_measured_in_bytes(customer):
    assert customer.say("x" * 16_384)["Id"]
    assert refusal(customer.say, text="x" * 16_385) == INVALID
    assert customer.say("é" * 8192)["Id"]
    assert refusal(customer.say, text="é" * 8193) == INVALID


def test_content_type_must_be_one_the_contact_supports(customer):
    assert customer.say("*bold*", "text/markdown")["Id"]
    assert refusal(customer.say, text="{}", content_type="application/json") == INVALID
    assert refusal(customer.say, text="x", content_type="text/html") == INVALID


async def test_body_must_be_json_with_known_members(http, customer):
    headers = {"X-Amz-Bearer": customer.token}
    good = {"ContentType": "text/plain", "Content": "hello"}

    async def post(**options) -> tuple[int, str]:
        sent = {**headers, **options.pop("headers", {})}
        async with http.post("/participant/message", headers=sent, **options) as answer:
            return answer.status, answer.headers.get("x-amzn-ErrorType", "")

    assert (await post(json=good))[0] == 200
    amz = {"Content-Type": "application/x-amz-json-1.1"}
    assert (await post(data=json.dumps(good), headers=amz))[0] == 200
    assert await post(json={**good, "Extra": 1}) == INVALID
    assert await post(json={"Content": "hello"}) == INVALID
    assert await post(json={**good, "Content": 5}) == INVALID
    assert (await post(json=[1]))[1] == "SerializationException"
    assert (await post(data=json.dumps(good)))[0] == 415
    assert await post(json=good, headers={"X-Amz-Bearer": ""}) == DENIED


async def test_typing_shows_on_the_desk_until_it_is_over(customer, chat, desk, simulator):
    customer.event("typing")
    during = (await desk.conversation(chat))["is_typing"]
    simulator.world.clock_skew += 11

    assert during
    assert not (await desk.conversation(chat))["is_typing"]
    assert "typing" not in customer.names()


async def test_receipts_of_the_customer_show_on_the_desk(customer, chat, desk):
    await desk.act(chat, "say", text="Have you read this?")
    [item] = [one for one in customer.transcript() if one.get("ParticipantRole") == "AGENT"][-1:]

    def receipt(name: str, content: str) -> None:
        customer.event(f"message.{name}", Content=content)

    receipt("delivered", json.dumps({"messageId": item["Id"]}))
    delivered = (await desk.conversation(chat))["messages"][-1]
    receipt("read", json.dumps({"messageId": item["Id"]}))
    read = (await desk.conversation(chat))["messages"][-1]

    assert (delivered["delivered"], delivered["read"]) == (True, False)
    assert read["read"]
    for wrong in ("not json", json.dumps({"messageId": "unknown"}), json.dumps([1])):
        assert refusal(lambda content=wrong: receipt("read", content)) == INVALID


async def test_receipts_conflict_with_more_than_two_people(customer, chat, desk):
    customer.say("hello")
    message = next(one for one in customer.transcript() if one.get("Content") == "hello")
    await desk.act(chat, "conference", agent_name="Sam Achterberg")

    content = json.dumps({"messageId": message["Id"]})

    refused = refusal(lambda: customer.event("message.read", Content=content))
    assert refused == (409, "ConflictException")
    assert await desk.refused(chat, "read") == 409


def test_unknown_events_are_refused(customer):
    assert refusal(lambda: customer.event("participant.joined")) == INVALID
    assert refusal(lambda: customer.event("typing", Content="x")) == INVALID


# -- The transcript ------------------------------------------------------------------------------


def pages(customer: Customer, **query) -> list[list[str]]:
    """Return the short names of every page, in the order they come."""
    found: list[list[str]] = []
    while True:
        answer = customer.participant.get_transcript(ConnectionToken=customer.token, **query)
        found.append([name_of(item) for item in answer["Transcript"]])
        if "NextToken" not in answer:
            return found
        query = {**query, "NextToken": answer["NextToken"]}


async def test_transcript_is_paged_in_both_directions(customer, chat):
    for number in range(4):
        customer.say(f"m{number}")
    everything = customer.names()

    forward = pages(customer, ScanDirection="FORWARD", SortOrder="ASCENDING", MaxResults=3)
    backward = pages(customer, MaxResults=3)

    assert [name for page in forward for name in page] == everything
    assert [name for page in backward for name in page] == everything[::-1]
    assert [len(page) for page in forward] == [3, 3, 1]


async def test_transcript_starts_where_it_is_told_to(customer, chat):
    for number in range(4):
        customer.say(f"m{number}")
    items = {name_of(item): item for item in customer.transcript()}
    m1 = items["m1"]

    def names(**position) -> list[str]:
        asked = {"StartPosition": position, "ScanDirection": "FORWARD"}
        return [name_of(item) for item in customer.transcript(**asked)]

    assert names(Id=m1["Id"]) == ["m1", "m2", "m3"]
    assert names(AbsoluteTime=m1["AbsoluteTime"]) == ["m1", "m2", "m3"]
    assert names(MostRecent=2) == ["m2", "m3"]
    back = customer.transcript(StartPosition={"Id": m1["Id"]}, ScanDirection="BACKWARD")
    assert [name_of(item) for item in back][-2:] == ["m0", "m1"]
    assert refusal(lambda: names(Id="unknown")) == INVALID
    assert refusal(lambda: names(AbsoluteTime="yesterday")) == INVALID
    assert refusal(lambda: customer.transcript(NextToken="made-up")) == INVALID
    assert refusal(lambda: customer.transcript(ContactId="another")) == DENIED


async def test_transcript_keeps_joining_and_leaving_and_not_passing_events(customer, chat, desk):
    customer.event("typing")
    await desk.act(chat, "type", is_typing=True)
    await desk.act(chat, "idle")
    await desk.act(chat, "transfer", agent_name="Sam Achterberg")
    await desk.act(chat, "end")

    assert customer.names() == [
        *("participant.joined", GREETING, "participant.joined", "participant.left"),
        *("transfer.succeeded", "participant.joined", "participant.left", "chat.ended"),
    ]
    assert {item["ContactId"] for item in customer.transcript()} > {chat}


# -- Files ---------------------------------------------------------------------------------------


def announce(customer: Customer, content: bytes = b"hello", **changes) -> dict:
    fields = {
        "ContentType": "text/plain",
        "AttachmentSizeInBytes": len(content),
        "AttachmentName": "Grüße.txt",
        "ConnectionToken": customer.token,
    }
    return customer.participant.start_attachment_upload(**{**fields, **changes})


async def put(upload: dict, content: bytes = b"hello", **changes: str | None) -> int:
    meta = upload["UploadMetadata"]
    headers = {k: v for k, v in {**meta["HeadersToInclude"], **changes}.items() if v is not None}
    async with (
        aiohttp.ClientSession() as http,
        http.put(meta["Url"], data=content, headers=headers) as answer,
    ):
        return answer.status


def complete(customer: Customer, upload: dict, **more) -> dict:
    return customer.participant.complete_attachment_upload(
        AttachmentIds=[upload["AttachmentId"]],
        ConnectionToken=customer.token,
        **{"ClientToken": upload["AttachmentId"], **more},
    )


async def fetch(customer: Customer, attachment_id: str, **more) -> tuple[int, bytes]:
    answer = customer.participant.get_attachment(
        AttachmentId=attachment_id, ConnectionToken=customer.token, **more
    )
    async with aiohttp.ClientSession() as http, http.get(answer["Url"]) as file:
        return file.status, await file.read()


async def test_file_of_the_customer_goes_up_and_may_be_fetched(customer, chat, socket, desk, http):
    upload = announce(customer)
    early = refusal(lambda: complete(customer, upload, ClientToken="early"))

    stored = await put(upload)
    complete(customer, upload)
    complete(customer, upload)
    first = await socket.until("ATTACHMENT")
    second = await socket.until("ATTACHMENT")

    assert early == (409, "ConflictException")
    assert stored == 200
    assert first["Id"] == second["Id"]
    states = [one["Attachments"][0]["Status"] for one in (first, second)]
    assert states == ["IN_PROGRESS", "APPROVED"]
    assert await fetch(customer, upload["AttachmentId"]) == (200, b"hello")
    [shown] = (await desk.conversation(chat))["messages"][-1]["attachments"]
    async with http.get(shown["url"]) as file:
        assert (shown["name"], await file.read()) == ("Grüße.txt", b"hello")


async def test_upload_must_be_what_was_announced(customer, simulator):
    upload = announce(customer)

    assert await put(upload, **{"x-amz-acl": None}) == 403
    assert await put(upload, **{"Content-Type": "text/html"}) == 403
    assert await put(upload, b"hello!", **{"Content-Length": "6"}) == 403
    assert await put(upload) == 200
    simulator.world.clock_skew += 901
    assert await put(upload) == 403


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"AttachmentSizeInBytes": 20 * 1024 * 1024 + 1}, INVALID),
        ({"AttachmentName": "tool.exe"}, INVALID),
        ({"AttachmentName": "x" * 257 + ".txt"}, INVALID),
    ],
)
def test_file_that_may_not_be_is_refused(customer, changes, expected):
    assert refusal(lambda: announce(customer, **changes)) == expected


def test_files_are_counted_and_may_be_switched_off(customer, simulator):
    for _ in range(35):
        announce(customer)

    assert refusal(lambda: announce(customer)) == (402, "ServiceQuotaExceededException")
    simulator.configure(attachments=False)
    assert refusal(lambda: announce(customer)) == DENIED


async def test_file_of_the_agent_waits_for_its_scan(customer, chat, socket, desk, simulator):
    simulator.configure(scan_result="MANUAL")
    file = {"name": "label.pdf", "mime_type": "application/pdf", "content_base64": "aGVsbG8="}
    await desk.act(chat, "file", **file)
    item = await socket.until("ATTACHMENT")
    attachment_id = item["Attachments"][0]["AttachmentId"]
    waiting = refusal(
        customer.participant.get_attachment,
        AttachmentId=attachment_id,
        ConnectionToken=customer.token,
    )

    await desk.act(chat, "scan", result="APPROVED")

    assert waiting == INVALID
    assert (await socket.until("ATTACHMENT"))["Attachments"][0]["Status"] == "APPROVED"
    assert await fetch(customer, attachment_id, UrlExpiryInSeconds=5) == (200, b"hello")
    simulator.configure(scan_result="REJECTED")
    await desk.act(chat, "file", **file)
    assert (await socket.until("ATTACHMENT"))["Attachments"][0]["Status"] == "IN_PROGRESS"
    assert (await socket.until("ATTACHMENT"))["Attachments"][0]["Status"] == "REJECTED"


async def test_address_of_a_file_dies_with_its_time(customer, chat, socket, desk, simulator):
    await desk.act(chat, "file", name="a.txt", mime_type="text/plain", content_base64="aGVsbG8=")
    item = await socket.until("ATTACHMENT")
    answer = customer.participant.get_attachment(
        AttachmentId=item["Attachments"][0]["AttachmentId"],
        ConnectionToken=customer.token,
        UrlExpiryInSeconds=5,
    )

    simulator.world.clock_skew += 6

    async with aiohttp.ClientSession() as http, http.get(answer["Url"]) as file:
        assert file.status == 403


# -- The end -------------------------------------------------------------------------------------


async def test_customer_who_leaves_ends_the_chat_and_cannot_come_back(customer, chat, desk):
    customer.participant.disconnect_participant(ConnectionToken=customer.token)

    shown = await desk.conversation(chat)
    assert (shown["status"], shown["session_ended_by"]) == ("ended", "CUSTOMER_DISCONNECT")
    refused = [
        refusal(customer.say, text="hello?"),
        refusal(lambda: customer.event("typing")),
        refusal(customer.participant.disconnect_participant, ConnectionToken=customer.token),
        refusal(customer.create_connection),
    ]
    assert refused == [DENIED] * 4
    assert customer.names()[-2:] == ["participant.left", "chat.ended"]


async def test_transcript_may_be_closed_with_the_chat(customer, chat, desk, simulator):
    simulator.configure(transcript_after_end=False)
    await desk.act(chat, "end")

    assert refusal(customer.transcript) == DENIED


async def test_long_chat_runs_out_of_time(customer, chat, desk, simulator):
    simulator.world.clock_skew += 25 * 3600 + 1

    assert (await desk.conversation(chat))["status"] == "ended"


def test_view_nobody_made_is_not_found(url, customer):
    refused = refusal(
        participant_client(url).describe_view, ViewToken="v-1", ConnectionToken=customer.token
    )

    assert refused == (404, "ResourceNotFoundException")
