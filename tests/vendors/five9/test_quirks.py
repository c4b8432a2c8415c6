"""What is special about Five9: callbacks in two styles, moves, tokens, and who may call."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest

from integrations.contract.connector import EndReason, WebhookRequest
from integrations.contract.errors import ConversationGoneError, WebhookVerificationError
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentMessage,
    UnknownEvent,
)
from integrations.contract.registry import connector_class
from integrations.vendors.five9.webhook import callback_address
from tests.contract.bench import Bench, handoff_request, outbound
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench

CREDENTIALS = {"webhook_username": "hp-user", "webhook_password": "a-password"}


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("five9") as running:
        yield running


def call(path: str, method: str = "POST", body: object = None, **headers: str) -> WebhookRequest:
    return WebhookRequest(
        endpoint="events",
        method=method,
        headers=headers,
        query={},
        body=json.dumps(body).encode() if body is not None else b"",
        path=path,
    )


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"hp-user:{password}".encode()).decode()


@pytest.mark.parametrize("style", ["path", "type", "both"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_every_style_of_callback_carries_a_conversation(
    bench: WebhookBench, style: str, method: str
) -> None:
    await bench.desk(
        "POST", "/config", callback_style=style, callback_method=method, numbers_as_text=True
    )
    session, listener = await bench.started(bench.connector())

    await bench.act(session, "say", text="Hello")
    await bench.act(session, "end")
    await listener.wait_for(ConversationEnded)

    assert listener.texts == ["Hello"]
    assert [one.agent_name for one in listener.of(LiveAgentJoined)] == ["Noor Halvorsen"]
    assert bench.portal.answers == [200] * len(bench.portal.answers)


async def test_after_a_migration_the_data_centre_is_read_again_and_nothing_is_lost(
    bench: WebhookBench,
) -> None:
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("migrate")

    session = await connector.send_message(session, outbound("Moved"))
    await connector.send_message(session, outbound("Settled"))

    assert (await bench.said_by(session, "end_user")) == ["Moved", "Settled"]
    asked = [row["path"] for row in await bench.desk("GET", "/requests")]
    assert sum(path.endswith("/auth/metadata") for path in asked) == 1


async def test_a_token_that_is_gone_is_an_end_and_ending_then_is_no_error(
    bench: WebhookBench,
) -> None:
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("expire_tokens")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("Too late"))
    await connector.end(session, EndReason.FAILED)


async def test_a_message_waits_until_the_conversation_is_open(bench: WebhookBench) -> None:
    await bench.desk("POST", "/config", opens_late=True)
    connector = bench.connector()
    session, _ = await bench.started(connector, accept=False)
    sending = asyncio.create_task(connector.send_message(session, outbound("Early")))
    while not [r for r in await bench.desk("GET", "/requests") if r["path"].endswith("/info")]:
        await asyncio.sleep(0.01)
    assert await bench.said_by(session, "end_user") == []

    await bench.act(session, "queue")
    await sending

    assert await bench.said_by(session, "end_user") == ["Early"]


async def test_without_terminate_the_conversation_is_deleted(bench: WebhookBench) -> None:
    await bench.desk("POST", "/config", has_terminate=False)
    connector = bench.connector()
    session, _ = await bench.started(connector)

    await connector.end(session, EndReason.END_USER_ENDED)

    assert (await bench.seen_by_agent(session))["status"] == "ended"


@pytest.mark.parametrize("form", ["hyphen", "space"])
async def test_both_forms_of_the_authorization_header_are_taken(
    bench: WebhookBench, form: str
) -> None:
    connector = bench.connector(authorization_form=form)
    session, _ = await bench.started(connector)

    await connector.send_message(session, outbound("Hello"))

    assert await bench.said_by(session, "end_user") == ["Hello"]


async def test_availability_follows_who_is_logged_in(bench: Bench) -> None:
    connector = bench.connector()
    there = await connector.check_availability(handoff_request())
    await bench.fault("agents_offline", is_offline=True)
    gone = await connector.check_availability(handoff_request())
    await bench.fault("fail_next", status=500, count=1)
    unknown = await connector.check_availability(handoff_request())

    found = [there.is_available, gone.is_available, unknown.is_available]
    assert found == [True, False, None]


async def test_another_handoffs_address_tells_a_conversation_nothing(bench: WebhookBench) -> None:
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    credentials = dict(bench.setup.credentials(bench.url))
    token = str(session.state["token"])
    path = callback_address("", "ho_other", credentials) + f"/conversations/{token}/message"
    body = {"text": "Forged", "messageId": "m-1", "displayName": "Eve"}

    result = connector_class("five9").parse_webhook(call(path.strip("/"), body=body), credentials)
    steps = await bench.connector().receive(session, result.items[0])

    assert [type(event) for _, event in steps] == [UnknownEvent]
    assert listener.of(LiveAgentMessage) == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("conversations/c-1/message", {}),
        ("conversations/c-1/message", {"authorization": basic("wrong")}),
        ("s/ho_1/" + "0" * 64 + "/conversations/c-1/message", {}),
    ],
    ids=["nothing", "wrong password", "guessed address"],
)
def test_who_knows_neither_address_nor_password_is_refused(
    path: str, headers: dict[str, str]
) -> None:
    with pytest.raises(WebhookVerificationError):
        connector_class("five9").parse_webhook(call(path, **headers), CREDENTIALS)


def test_user_and_password_are_enough_where_five9_calls_one_fixed_address() -> None:
    body = {"type": "agent_message", "conversationId": "c-1", "text": "Hi", "messageId": 7}
    request = call("", body=body, authorization=basic("a-password"))

    first = connector_class("five9").parse_webhook(request, CREDENTIALS).items[0]
    again = connector_class("five9").parse_webhook(request, CREDENTIALS).items[0]

    assert connector_class("five9").said_in(first) == "7"
    assert first.item_id == again.item_id
    assert "c-1" not in first.key


def test_a_true_address_with_a_wrong_password_is_refused() -> None:
    path = callback_address("", "ho_1", CREDENTIALS).strip("/") + "/conversations/c-1/create"

    with pytest.raises(WebhookVerificationError):
        connector_class("five9").parse_webhook(
            call(path, authorization=basic("wrong")), CREDENTIALS
        )
    assert connector_class("five9").parse_webhook(call(path, "PUT"), CREDENTIALS).items
