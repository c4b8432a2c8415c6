"""The desk sends every kind that Salesforce's schemas list, and answers are judged strictly."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.vendors.salesforce_messaging.simulator.rich import KINDS
from tests.vendors.desk import AGENT
from tests.vendors.salesforce_messaging.simulator_harness import (
    DEVELOPER_NAME,
    EndUser,
    anonymous,
    new_id,
)

BOT = "Birchline Assistant"


async def offered(desk, end_user: EndUser, kind: str, **fields: Any) -> dict[str, Any]:
    """Have a kind sent, and return its entry."""
    await desk.act(end_user, "rich", kind=kind, **fields)
    [entry] = await end_user.entries(entryTypeFilter="Message", limit=1)
    return entry


async def answers(end_user: EndUser, offer: dict[str, Any], **content: Any) -> int:
    kind = "FormResponseMessage" if "formResponse" in content else "ChoicesResponseMessage"
    message = {
        "id": new_id(),
        "messageType": kind,
        "inReplyToMessageId": offer["identifier"],
        **content,
    }
    body = {"message": message, "esDeveloperName": DEVELOPER_NAME}
    return (await end_user.on("POST", "/message", body))[0]


def selections(*identifiers: str) -> dict[str, Any]:
    options = [{"optionIdentifier": one} for one in identifiers]
    return {"choicesResponse": {"formatType": "Selections", "selectedOptions": options}}


async def last_message(desk, end_user: EndUser) -> dict[str, Any]:
    return (await desk.conversation(end_user))["messages"][-1]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_sent_by_the_bot_while_waiting_and_by_the_live_agent_then(
    desk, end_user, kind
):
    await end_user.create()
    queued = await offered(desk, end_user, kind)
    await desk.accept(end_user)
    active = await offered(desk, end_user, kind)

    assert (queued["sender"]["role"], queued["senderDisplayName"]) == ("Chatbot", BOT)
    assert (active["sender"]["role"], active["senderDisplayName"]) == ("Agent", AGENT)
    shown = await last_message(desk, end_user)
    assert shown["from"] == "live_agent"
    assert isinstance(shown["text"], str)


@pytest.mark.parametrize(
    "content", [None, {"formatType": "Attachments", "attachments": [{"url": "https://a.example/"}]}]
)
async def test_message_of_the_testers_own_leaves_the_desk_readable(desk, end_user, content):
    await end_user.create()
    message = {"messageType": "StaticContentMessage", "staticContent": content}

    await desk.act(end_user, "message", message=message)

    assert isinstance((await last_message(desk, end_user))["text"], str)
    assert await desk.refused(end_user, "message", message={"staticContent": content}) == 400


async def test_kind_that_the_page_does_not_list_is_not_there(desk, end_user):
    await end_user.create()

    assert await desk.refused(end_user, "rich", kind="markdown") == 404
    assert await desk.refused(end_user, "rich", kind="fireworks") == 400
    assert await desk.refused(end_user, "rich", kind="choices", options="Yes") == 400


@pytest.mark.parametrize(
    ("kind", "identifier", "label"),
    [
        ("choices", "opt-1", "Yes"),
        ("quick_replies", "opt-2", "Tomorrow"),
        ("list_picker", "opt-2", "Large"),
        ("displayable_options", "opt-1", "Refund"),
        ("media_choices", "opt-1", "This one"),
        ("cards", "opt-2", "Take Red parcel"),
    ],
)
async def test_answer_is_shown_with_its_label_and_identifier(
    desk, end_user, kind, identifier, label
):
    await end_user.create()
    offer = await offered(desk, end_user, kind)

    assert await answers(end_user, offer, **selections(identifier)) == 202

    shown = await last_message(desk, end_user)
    assert shown["text"] == label
    assert shown["answer"] == {
        "label": label,
        "optionIdentifier": identifier,
        "inReplyToMessageId": offer["identifier"],
    }


async def test_slot_is_answered_by_its_identifier(desk, end_user):
    await end_user.create()
    offer = await offered(desk, end_user, "slots", starts_at=["2026-12-01T14:00:00Z"])

    assert await answers(end_user, offer, **selections("slot-1")) == 202
    assert (await last_message(desk, end_user))["answer"]["label"] == "2026-12-01T14:00:00Z"


async def test_answer_to_nothing_or_to_what_was_not_offered_is_refused(desk, end_user):
    await end_user.create()
    offer = await offered(desk, end_user, "choices")
    elsewhere = {**offer, "identifier": new_id()}
    before = len((await desk.conversation(end_user))["messages"])

    refused = [
        await answers(end_user, offer, **selections("opt-9")),
        await answers(end_user, offer, **selections()),
        await answers(end_user, elsewhere, **selections("opt-1")),
        await answers(end_user, offer, choicesResponse={"formatType": "Selections"}),
        await answers(
            end_user, offer, choicesResponse={"formatType": "Text", "selectedOptions": []}
        ),
        await answers(end_user, offer, formResponse={"formatType": "Inputs", "inputValues": []}),
    ]

    assert refused == [400] * 6
    assert len((await desk.conversation(end_user))["messages"]) == before
    assert await answers(end_user, offer, **selections("opt-1")) == 202


def text_value(name: str, text: str) -> dict[str, Any]:
    value = {"valueType": "TextValue", "textValue": text}
    return {"inputValueType": "SingleInputValue", "inputId": name, "value": value}


def day_value(day: str) -> dict[str, Any]:
    value = {"valueType": "DateValue", "dateValue": day}
    return {"inputValueType": "SingleInputValue", "inputId": "day", "value": value}


def topic_value(*identifiers: str) -> dict[str, Any]:
    options = [{"optionIdentifier": one} for one in identifiers]
    return {
        "inputValueType": "SelectedOptionsInputValue",
        "inputId": "topic",
        "selectedOptions": options,
    }


NAME, MAIL = text_value("name", "Ines"), text_value("email", "i@example.org")


async def fills_in(end_user: EndUser, form: dict[str, Any], *values: dict[str, Any]) -> int:
    response = {"formatType": "Inputs", "inputValues": list(values)}
    return await answers(end_user, form, formResponse=response)


async def test_form_is_taken_when_every_required_input_has_a_value_of_its_type(desk, end_user):
    await end_user.create()
    form = await offered(desk, end_user, "form")

    refused = [
        await fills_in(end_user, form, NAME, MAIL),
        await fills_in(end_user, form, NAME, MAIL, topic_value("opt-9")),
        await fills_in(end_user, form, NAME, MAIL, topic_value("opt-1", "opt-2")),
        await fills_in(end_user, form, NAME, MAIL, topic_value("opt-1"), day_value("tomorrow")),
        await fills_in(end_user, form, NAME, MAIL, text_value("topic", "Billing")),
        await fills_in(end_user, form, NAME, MAIL, topic_value("opt-1"), text_value("x", "y")),
    ]
    taken = await fills_in(
        end_user, form, NAME, MAIL, topic_value("opt-1"), day_value("2026-11-30")
    )

    assert (refused, taken) == ([400] * 6, 202)
    shown = await last_message(desk, end_user)
    assert shown["answer"]["label"] == "Ines, i@example.org, Billing, 2026-11-30"
    assert shown["answer"]["values"] == {
        "name": "Ines",
        "email": "i@example.org",
        "topic": "opt-1",
        "day": "2026-11-30",
    }


async def test_form_as_a_list_is_answered_by_section(desk, end_user):
    await end_user.create()
    form = await offered(desk, end_user, "form_list")
    [section] = form["entryPayload"]["abstractMessage"]["form"]["sections"]
    chosen = [{"optionIdentifier": "opt-1"}]

    def response(section_id: str) -> dict[str, Any]:
        sections = [{"sectionId": section_id, "selectedOptions": chosen}]
        return {"formResponse": {"formatType": "Selections", "sections": sections}}

    assert await answers(end_user, form, **response("elsewhere")) == 400
    assert await answers(end_user, form, **response(section["id"])) == 202
    assert (await last_message(desk, end_user))["answer"]["label"] == "Gift wrap"


async def test_edit_and_late_failures_are_told_about_the_latest_message(desk, end_user, stream):
    await end_user.create()
    await desk.accept(end_user)
    await desk.act(end_user, "say", text="Helo")
    await desk.act(end_user, "rich", kind="choices")  # which nobody can edit
    await end_user.say("hello")

    await desk.act(end_user, "edit", text="Hello")
    await desk.act(end_user, "fail_delivery", error_code="NOBODY")

    edited = await stream.until_named("CONVERSATION_MESSAGE_UPDATED")
    failed = await stream.until_named("CONVERSATION_MESSAGE_DELIVERY_FAILED")
    [entry] = [
        one for one in await end_user.entries(limit=50) if one["sender"]["role"] == "EndUser"
    ]
    assert edited.payload["updatedMessage"]["staticContent"]["text"] == "Hello"
    assert failed.payload["failedConversationEntryIdentifier"] == entry["identifier"]
    assert failed.payload["errorCode"] == "NOBODY"
    assert await desk.refused(end_user, "fail_upload") == 409


async def test_half_a_surrogate_and_a_too_large_request_are_refused(desk, end_user):
    await end_user.create()

    assert (await end_user.say("half \ud800"))[0] == 400
    assert (await end_user.say("x" * 9000))[0] == 413
    assert await desk.refused(end_user, "rich", kind="choices", text="half \ud800") == 400
    assert (await desk.get("conversations"))[0]["status"] == "queued"


async def test_attributes_are_those_of_the_session_and_are_not_remembered(desk, end_user):
    await end_user.create(routingAttributes={"Order_Ref": "BL-1"})
    assert (await desk.conversation(end_user))["attributes"] == {"Order_Ref": "BL-1"}
    await end_user.end_session()

    await end_user.say("again")

    assert (await desk.conversation(end_user))["attributes"] == {}


async def test_after_a_reset_a_new_conversation_can_be_accepted(desk, end_user, chat):
    await desk.act(chat, "say", text="Hi")
    await desk.post("reset")

    again = await anonymous(end_user.http)
    await again.create()
    await desk.accept(again)

    assert (await desk.conversation(again))["status"] == "active"


async def test_files_address_may_lead_to_another_one(desk, http, end_user, chat):
    await desk.act(chat, "file", name="a.txt", content_base64="aGk=", mime_type="text/plain")
    [entry] = await end_user.entries(entryTypeFilter="Message", limit=1)
    [file] = entry["entryPayload"]["abstractMessage"]["staticContent"]["attachments"]
    await desk.configure(is_file_redirected=True)

    async with http.get(file["url"], allow_redirects=False) as answer:
        assert answer.status == 302
    async with http.get(file["url"]) as answer:
        assert (answer.status, await answer.read()) == (200, b"hi")
