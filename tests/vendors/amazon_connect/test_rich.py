"""What Amazon Connect's bots and agents offer, and what comes back to them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.contract.connector import Connector, OutboundMessage, VendorSession
from integrations.contract.events import LiveAgentJoined, LiveAgentMessage
from integrations.contract.rich_content import Answer, Author, Choice, ChoiceKind, Markup
from integrations.vendors.amazon_connect.mapping.messages import INTERACTIVE, read_message
from tests.contract.bench import Bench, Listener, outbound, running_bench, until

RESPONSE = f"{INTERACTIVE}.response"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


def template(kind: str, **content: object) -> str:
    return json.dumps({"templateType": kind, "version": "1.0", "data": {"content": content}})


def replied(token: str) -> tuple[str, str]:
    reply = json.loads(token)
    return reply["ContentType"], reply["Content"]


def answer(message: LiveAgentMessage, token: str, label: str) -> OutboundMessage:
    sent = outbound(label)
    taken = Answer(vendor_message_id=message.vendor_message_id, token=token, label=label)
    return OutboundMessage(
        message_id=sent.message_id, text=label, sent_at=sent.sent_at, answer=taken
    )


async def offered(
    bench: Bench, session: VendorSession, listener: Listener, kind: str, **fields: Any
) -> LiveAgentMessage:
    """Have the desk send a kind, and return what the connector made of it."""
    known = len(said(listener))
    await bench.act(session, "rich", kind=kind, **fields)
    return await next_said(listener, known)


def said(listener: Listener) -> list[LiveAgentMessage]:
    """Return what live agents and bots said."""
    return [*listener.of(LiveAgentMessage), *listener.of_bots()]


async def next_said(listener: Listener, known: int) -> LiveAgentMessage:
    await until(lambda: len(said(listener)) > known)
    return max(said(listener), key=lambda message: message.occurred_at)


async def last_answer(bench: Bench, session: VendorSession) -> dict[str, Any]:
    row = await bench.seen_by_agent(session)
    return next(m for m in reversed(row["messages"]) if m["from"] == "end_user")["answer"]


async def talking(bench: Bench) -> tuple[Connector, VendorSession, Listener]:
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await until(listener.of_bots)  # the flow's greeting
    return connector, session, listener


def first_choice(message: LiveAgentMessage) -> Choice:
    return message.rich.choices[0]


def first_of_a_card(message: LiveAgentMessage) -> Choice:
    return message.rich.cards[0].choices[0]


@pytest.mark.parametrize(
    ("kind", "of", "fields"),
    [
        ("choices", first_choice, {"template": "ListPicker", "content_type": "text/plain"}),
        ("image", first_choice, {"template": "Panel", "label": "Yes, it is"}),
        ("panel", first_choice, {"template": "Panel", "label": "Self-service"}),
        ("quick_reply", first_choice, {"template": "QuickReply", "label": "Good"}),
        ("cards", first_of_a_card, {"selectionText": "Send it here", "listTitle": "Leipzig"}),
    ],
)
async def test_what_is_taken_comes_back_as_the_vendors_own_answer(
    bench: Bench, kind: str, of: Callable[[LiveAgentMessage], Choice], fields: dict[str, str]
):
    connector, session, listener = await talking(bench)
    message = await offered(bench, session, listener, kind)
    choice = of(message)

    await connector.send_message(session, answer(message, choice.token, choice.label))

    came_back = await last_answer(bench, session)
    assert came_back["label"] == choice.label
    assert came_back["offered_in"] == message.vendor_message_id
    assert fields.items() <= came_back.items()


async def test_a_time_comes_back_as_it_was_written(bench: Bench):
    connector, session, listener = await talking(bench)
    message = await offered(bench, session, listener, "slots", slots=["2026-03-02T09:00+00:00"])
    [slot] = message.rich.slots

    await connector.send_message(session, answer(message, slot.token, "Monday at ten"))

    assert (await last_answer(bench, session))["label"] == "2026-03-02T09:00+00:00"
    assert slot.starts_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert message.rich.place == "Leipzig depot"


async def test_the_pages_of_a_long_list_are_turned_both_ways(bench: Bench):
    connector, session, listener = await talking(bench)
    page = await offered(bench, session, listener, "list_picker_paged")
    seen = [[choice.label for choice in page.rich.choices]]
    for label in ("Show more", "Show more", "Previous options"):
        [turn] = [choice for choice in page.rich.choices if choice.label == label]
        known = len(said(listener))
        await connector.send_message(session, answer(page, turn.token, label))
        page = await next_said(listener, known)
        seen.append([choice.label for choice in page.rich.choices])

    services = [f"Service {number}" for number in range(1, 13)]
    assert seen == [
        [*services[:5], "Show more"],
        ["Previous options", *services[5:10], "Show more"],
        ["Previous options", *services[10:]],
        ["Previous options", *services[5:10], "Show more"],
    ]
    came_back = await last_answer(bench, session)
    assert (came_back["label"], came_back["content_type"]) == ("Previous options", RESPONSE)
    assert came_back["data"]["actionName"] == "PREVIOUS_OPTIONS"


async def test_a_bot_offers_in_its_own_name_while_the_end_user_waits(bench: Bench):
    connector = bench.connector()
    session, listener = await bench.started(connector, accept=False)
    await until(listener.of_bots)

    message = await offered(bench, session, listener, "choices")

    assert (message.by, message.agent_name) == (Author.VENDOR_BOT, "BOT")
    assert [choice.kind for choice in message.rich.choices][-1] is ChoiceKind.LINK
    assert not listener.session.state.get("had_agent")


async def test_a_text_while_a_view_is_open_goes_to_its_no_match_branch(bench: Bench):
    connector, session, listener = await talking(bench)
    view = await offered(bench, session, listener, "view")

    await connector.send_message(listener.session, outbound('My "own" words\n'))

    came_back = await last_answer(bench, session)
    assert view.rich.unknown_kind == "ViewResource"
    assert (came_back["action"], came_back["data"]) == (" ", {"content": 'My "own" words\n'})


async def test_a_message_after_the_view_is_answered_by_plain_texts_again(bench: Bench):
    connector, session, listener = await talking(bench)
    await offered(bench, session, listener, "view")
    await bench.act(session, "say", text="Never mind the form.")
    await until(lambda: "Never mind the form." in listener.texts)

    await connector.send_message(listener.session, outbound("Thanks"))

    assert (await bench.said_by(session, "end_user"))[-1] == "Thanks"


async def test_the_picture_of_an_offer_is_fetched_without_a_token(bench: Bench):
    connector, session, listener = await talking(bench)
    message = await offered(bench, session, listener, "image")

    content = await connector.fetch_attachment(session, message.rich.cards[0].image_url)

    assert content.startswith(b"\x89PNG")
    [fetched] = [
        row for row in await bench.desk("GET", "/requests") if row["path"].startswith("/pictures")
    ]
    assert not {"x-amz-bearer", "authorization"} & fetched["headers"].keys()


async def test_markdown_stays_markdown(bench: Bench):
    _, session, listener = await talking(bench)

    message = await offered(bench, session, listener, "markdown")

    assert message.markup is Markup.MARKDOWN
    assert "[where it is](https://birchline.example/parcels?id=BL-20931&lang=en)" in message.text


@pytest.mark.parametrize(
    ("content_type", "content", "kind"),
    [
        ("model/gltf", "{}", "model/gltf"),
        (INTERACTIVE, template("Hologram", title="Look"), "Hologram"),
        (INTERACTIVE, "no template", INTERACTIVE),
        (INTERACTIVE, template("ViewResource"), "ViewResource"),
    ],
)
def test_what_cannot_be_drawn_is_named(content_type: str, content: str, kind: str):
    assert read_message(content_type, content).rich.unknown_kind == kind


def test_an_unknown_template_still_shows_its_titles():
    content = template("Hologram", title="Look", elements=[{"title": "A"}, {"title": "B"}])

    assert read_message(INTERACTIVE, content).text == "Look\n- A\n- B"


@pytest.mark.parametrize("content", ["", " \n", "\u200b".strip("\u200b")])
def test_an_empty_text_is_no_message(content: str):
    assert not read_message("text/plain", content)


@pytest.mark.parametrize(
    ("offset", "hour", "written"),
    [
        (None, 17, "2020-10-31T17:00+00:00"),
        ("-30", 16, "2020-10-31T16:30:00.00+00:00"),
        (-450, 9, "2020-10-31T09:30:00.00+00:00"),
        (10**9, 17, "2020-10-31T17:00+00:00"),
        ("soon", 17, "2020-10-31T17:00+00:00"),
    ],
)
def test_a_time_is_moved_by_the_offset_as_the_vendors_widget_does(
    offset: object, hour: int, written: str
):
    content = template(
        "TimePicker",
        title="When?",
        timeZoneOffset=offset,
        timeslots=[{"date": "2020-10-31T17:00+00:00", "duration": 60}],
    )

    [slot] = read_message(INTERACTIVE, content).rich.slots

    assert (slot.starts_at.hour, replied(slot.token)) == (hour, ("text/plain", written))


@pytest.mark.parametrize("date", ["2020-10-31T17:00", "some day"])
def test_a_time_that_names_no_moment_is_offered_as_it_is_written(date: str):
    content = template("TimePicker", title="When?", timeslots=[{"date": date}])

    rich = read_message(INTERACTIVE, content).rich

    assert rich.slots == ()
    assert [(one.label, replied(one.token)) for one in rich.choices] == [
        (date, ("text/plain", date))
    ]


def test_an_address_that_is_no_web_page_is_no_link_and_no_picture():
    element = {"title": "Run", "type": "hyperlink", "url": "javascript:alert(1)"}
    content = template("Panel", title="?", imageData="data:image/png;base64,", elements=[element])

    rich = read_message(INTERACTIVE, content).rich

    assert rich.cards == ()
    assert [choice.kind for choice in rich.choices] == [ChoiceKind.REPLY]
