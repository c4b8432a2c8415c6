"""The simulated message, file, typing and receipt endpoints hold to the contract."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.vendors.salesforce_messaging.simulator_harness import (
    DEVELOPER_NAME,
    EndUser,
    new_id,
    text_message,
)


async def test_message_sent_twice_with_the_same_id_is_one_message(desk, end_user):
    await end_user.create()
    message_id = new_id()

    first = await end_user.say("My parcel never arrived", message_id)
    second = await end_user.say("My parcel never arrived", message_id)

    said = [
        message
        for message in (await desk.conversation(end_user.conversation_id))["messages"]
        if message["from"] == "end_user"
    ]
    assert first == second
    assert first[0] == 202
    assert first[1]["conversationEntries"][0]["id"] == message_id
    assert [message["text"] for message in said] == ["My parcel never arrived"]


async def test_repeated_message_id_may_be_answered_with_conflict(desk, end_user):
    await desk.configure(duplicate_message_status=409)
    await end_user.create()
    message_id = new_id()

    statuses = [(await end_user.say("once", message_id))[0] for _ in range(2)]

    assert statuses == [202, 409]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.update(surprise=1),
        lambda body: body["message"].update(surprise=1),
        lambda body: body["message"].update(id="nope"),
        lambda body: body["message"].update(messageType="ChoicesMessage"),
        lambda body: body["message"]["staticContent"].update(formatType="RichLink"),
        lambda body: body["message"]["staticContent"].update(text=""),
        lambda body: body.pop("esDeveloperName"),
        lambda body: body.update(isNewMessagingSession="yes"),
    ],
)
async def test_message_with_a_wrong_body_is_refused(end_user: EndUser, spoil):
    await end_user.create()
    body = text_message("hello")
    spoil(body)

    assert (await end_user.on("POST", "/message", body))[0] == 400
    assert (await end_user.say("hello"))[0] == 202


async def test_choice_is_answered_with_the_option(desk, end_user):
    await end_user.create()
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")
    await desk.act(
        end_user.conversation_id,
        "rich",
        kind="choices",
        text="Which?",
        options=["Billing", "Other"],
    )
    [question] = await end_user.entries(entryTypeFilter="Message", limit=1)
    chosen = question["entryPayload"]["abstractMessage"]["choices"]["optionItems"][0]
    answer = {
        "id": new_id(),
        "messageType": "ChoicesResponseMessage",
        "inReplyToMessageId": question["identifier"],
        "choicesResponse": {
            "formatType": "Selections",
            "selectedOptions": [
                {
                    "optionIdentifier": chosen["optionIdentifier"],
                    "optionTitle": {"itemType": "TitleItem", "title": "Billing"},
                }
            ],
        },
    }

    status, _ = await end_user.on(
        "POST", "/message", {"message": answer, "esDeveloperName": DEVELOPER_NAME}
    )

    shown = (await desk.conversation(end_user.conversation_id))["messages"]
    assert status == 202
    assert shown[-2]["options"] == ["Billing", "Other"]
    assert shown[-1]["text"] == "Billing"
    assert shown[-1]["answer"] == {
        "label": "Billing",
        "optionIdentifier": chosen["optionIdentifier"],
        "inReplyToMessageId": question["identifier"],
    }


async def test_twenty_third_message_in_a_minute_is_refused_and_typing_does_not_count(
    desk, end_user
):
    await desk.configure(enforce_rate_limit=True)
    await end_user.create()
    for _ in range(30):
        typing = {"entryType": "TypingStartedIndicator", "id": new_id()}
        assert (await end_user.on("POST", "/entry", typing))[0] == 202

    statuses = [(await end_user.say(f"message {number}"))[0] for number in range(23)]

    assert statuses == [202] * 22 + [429]
    await desk.configure(enforce_rate_limit=False)
    assert (await end_user.say("again"))[0] == 202


def multipart(message: dict, *, name: str = "receipt.pdf", content: bytes = b"%PDF"):
    form = aiohttp.FormData()
    entry = {"esDeveloperName": DEVELOPER_NAME, "message": message}
    form.add_field("messageEntry", json.dumps(entry), content_type="application/json")
    form.add_field("fileData", content, filename=name, content_type="application/octet-stream")
    return form


def file_message(**more: object) -> dict:
    return {"id": new_id(), "fileId": new_id(), "text": "receipt", **more}


async def test_file_reaches_the_desk_with_its_content(desk, http, end_user):
    await end_user.create()

    status, _ = await end_user.on("POST", "/file", data=multipart(file_message()))

    message = (await desk.conversation(end_user.conversation_id))["messages"][-1]
    [attachment] = message["attachments"]
    async with http.get(attachment["url"]) as response:
        content = await response.read()
    assert status == 202
    assert (message["from"], message["text"]) == ("end_user", "receipt")
    assert (attachment["name"], attachment["mime_type"]) == ("receipt.pdf", "application/pdf")
    assert content == b"%PDF"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (lambda: multipart(file_message(), content=b"x" * (5 * 1024 * 1024 + 1)), 413),
        (lambda: multipart(file_message(), name="tool.exe"), 415),
        (lambda: multipart(file_message(id="nope")), 400),
        (lambda: multipart(file_message(surprise=1)), 400),
        (lambda: multipart({"id": new_id()}), 400),
        (lambda: aiohttp.FormData({"messageEntry": "{}"}), 415),
    ],
)
async def test_file_the_channel_does_not_take_is_refused(end_user, form, expected):
    await end_user.create()

    assert (await end_user.on("POST", "/file", data=form()))[0] == expected
    assert (await end_user.on("POST", "/file", data=multipart(file_message())))[0] == 202


async def test_file_is_refused_when_attachments_are_off(desk, end_user):
    await desk.configure(attachments=False)
    await end_user.create()

    assert (await end_user.on("POST", "/file", data=multipart(file_message())))[0] == 400


async def test_typing_shows_at_the_desk_until_it_stops(desk, end_user):
    await end_user.create()

    async def is_typing() -> bool:
        return (await desk.conversation(end_user.conversation_id))["is_typing"]

    await end_user.on("POST", "/entry", {"entryType": "TypingStartedIndicator", "id": new_id()})
    while_typing = await is_typing()
    await end_user.on("POST", "/entry", {"entryType": "TypingStoppedIndicator", "id": new_id()})

    assert while_typing
    assert not await is_typing()


@pytest.mark.parametrize(
    "entry",
    [
        {"entryType": "Message", "id": new_id()},
        {"entryType": "TypingStartedIndicator", "id": "nope"},
        {"entryType": "TypingStartedIndicator"},
    ],
)
async def test_entry_that_is_no_typing_indicator_is_refused(end_user, entry):
    await end_user.create()

    assert (await end_user.on("POST", "/entry", entry))[0] == 400


async def test_receipts_of_the_end_user_show_at_the_desk_and_a_read_covers_what_came_before(
    desk, end_user
):
    await end_user.create()
    await desk.act(end_user.conversation_id, "accept", agent_name="Noor Halvorsen")
    for text in ("one", "two", "three"):
        await desk.act(end_user.conversation_id, "say", text=text)
    entries = await end_user.entries(entryTypeFilter="Message", direction="FromStart")
    _, one, two, three = [entry["identifier"] for entry in entries]

    async def acknowledge(kind: str, identifier: str) -> int:
        ack = {"id": new_id(), "entryType": kind, "conversationEntryId": identifier}
        return (await end_user.on("POST", "/acknowledge-entries", {"acks": [ack]}))[0]

    statuses = [await acknowledge("Delivery", three), await acknowledge("Read", two)]

    shown = (await desk.conversation(end_user.conversation_id))["messages"]
    receipts = {message["id"]: (message["delivered"], message["read"]) for message in shown}
    assert statuses == [202, 202]
    assert receipts[one] == receipts[two] == (True, True)
    assert receipts[three] == (True, False)
    assert await acknowledge("Seen", three) == 400
    assert await acknowledge("Read", new_id()) == 400


async def test_entries_come_newest_first_with_payloads_as_objects(end_user):
    await end_user.create()
    for number in range(25):
        await end_user.say(f"message {number}")

    newest = await end_user.entries(entryTypeFilter="Message")
    oldest = await end_user.entries(
        direction="FromStart", entryTypeFilter="Message,RoutingResult", limit=50
    )
    late = await end_user.entries(startTimestamp=newest[0]["transcriptedTimestamp"])
    early = await end_user.entries(
        endTimestamp=oldest[0]["transcriptedTimestamp"] - 1, startTimestamp=""
    )

    content = newest[0]["entryPayload"]["abstractMessage"]["staticContent"]
    assert len(newest) == 20
    assert content == {"formatType": "Text", "text": "message 24"}
    assert newest[0]["sender"]["role"] == "EndUser"
    assert oldest[0]["entryType"] == "RoutingResult"
    assert len(oldest) == 27
    assert newest[0]["identifier"] in [entry["identifier"] for entry in late]
    assert early == []


@pytest.mark.parametrize(
    "query", [{"limit": 51}, {"limit": 0}, {"direction": "Up"}, {"limit": "x"}]
)
async def test_entries_are_refused_for_a_wrong_query(end_user, query):
    await end_user.create()

    assert (await end_user.on("GET", "/entries", params=query))[0] == 400


async def test_transcript_is_a_pdf_where_the_channel_allows_it(desk, end_user):
    await end_user.create()
    await end_user.say("brackets (and) \\ slashes")
    query = {"esDeveloperName": DEVELOPER_NAME}

    refused, _ = await end_user.on("GET", "/transcript", params=query)
    await desk.configure(transcript_download=True)
    status, document = await end_user.on("GET", "/transcript", params=query)

    assert (refused, status) == (403, 200)
    assert document.startswith(b"%PDF-")
    assert b"brackets \\(and\\) \\\\ slashes" in document


async def test_typing_indicator_at_the_desk_goes_away_when_the_message_arrives(desk, end_user):
    await end_user.create()
    await end_user.on("POST", "/entry", {"entryType": "TypingStartedIndicator", "id": new_id()})

    await end_user.say("done")

    await desk.shows(end_user, False, "is_typing")
