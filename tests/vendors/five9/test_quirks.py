"""What is special about Five9: callbacks in two styles, moves, tokens, and who may call."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from integrations.contract.connector import EndReason, OutboundAttachment, WebhookRequest
from integrations.contract.errors import (
    ConversationGoneError,
    RejectedError,
    WebhookVerificationError,
)
from integrations.contract.events import (
    ConversationEnded,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    UnknownEvent,
)
from integrations.contract.registry import connector_class
from integrations.vendors.five9.connector.callbacks import callback_address
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


async def test_a_message_that_nobody_could_mark_as_sent_is_not_sent_again_by_the_same_worker(
    bench: WebhookBench,
) -> None:
    connector, message = bench.connector(), outbound("Once")
    session, _ = await bench.started(connector)

    await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert await bench.said_by(session, "end_user") == ["Once"]


async def test_without_terminate_the_conversation_is_deleted(bench: WebhookBench) -> None:
    await bench.desk("POST", "/config", has_terminate=False)
    connector = bench.connector()
    session, _ = await bench.started(connector)

    await connector.end(session, EndReason.END_USER_ENDED)

    assert (await bench.seen_by_agent(session))["status"] == "ended"


@pytest.mark.parametrize("form", ["hyphen", "space"])
async def test_the_other_form_of_the_header_is_refused_and_the_cure_is_the_right_one(
    bench: WebhookBench, form: str
) -> None:
    await bench.desk("POST", "/config", authorization_form=form)
    other = "space" if form == "hyphen" else "hyphen"

    assert (await failing(bench, authorization_form=other)) == [("campaign", "invalid_auth")]
    connector = bench.connector(authorization_form=form)
    session, _ = await bench.started(connector)
    await connector.send_message(session, outbound("Hello"))

    assert await bench.said_by(session, "end_user") == ["Hello"]


async def failing(bench: Bench, **changes: str) -> list[tuple[str, str]]:
    """Return the checks that fail with these credentials, and how."""
    results = [one async for one in bench.connector(**changes).test_connection()]
    return [(one.name, one.code) for one in results if not one.is_ok]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tenant_name": "Acme  Trial Domain"}, "session: invalid_auth"),
        ({"domain_id": "141415"}, "domain: invalid_routing"),
        ({"campaign_name": "support"}, "campaign: invalid_routing"),
    ],
)
async def test_each_wrong_value_fails_its_own_check_and_has_a_cure(
    bench: WebhookBench, changes: dict[str, str], expected: str
) -> None:
    found = await failing(bench, **changes)

    real = [(name, code) for name, code in found if code != "skipped"]
    assert [f"{name}: {code}" for name, code in real] == [expected]
    assert bench.manifest.help_for(*real[0]) is not None
    assert await failing(bench, domain_id="141414") == []
    assert await bench.desk("GET", "/conversations") == []


async def test_availability_follows_who_is_logged_in(bench: Bench) -> None:
    connector = bench.connector()

    async def is_available() -> bool | None:
        return (await connector.check_availability(handoff_request())).is_available

    there = await is_available()
    await bench.desk("POST", "/config", open_for_business=False)
    closed = await is_available()
    await bench.desk("POST", "/config", open_for_business=True)
    await bench.fault("agents_offline", is_offline=True)
    gone = await is_available()
    await bench.fault("fail_next", status=500, count=1)
    unknown = await is_available()

    assert [there, closed, gone, unknown] == [True, False, False, None]


async def test_a_file_goes_through_the_file_service_once_however_often_it_is_sent(
    bench: WebhookBench,
) -> None:
    connector = bench.connector()
    session, _ = await bench.started(connector)
    file = OutboundAttachment(
        attachment_id="f-1", file_name="receipt.pdf", mime_type="application/pdf", content=b"%PDF"
    )

    session = await connector.send_attachment(session, file)
    await connector.send_attachment(session, file)

    row = await bench.seen_by_agent(session)
    [sent] = [one for message in row["messages"] for one in message["attachments"]]
    assert (sent["name"], sent["mime_type"], sent["size"]) == ("receipt.pdf", "application/pdf", 4)
    forms = [one["path"] for one in await bench.desk("GET", "/requests")]
    assert sum(path.endswith("/exchangefdmtoken") for path in forms) == 1


async def test_a_file_that_the_service_refuses_costs_the_conversation_nothing(
    bench: WebhookBench,
) -> None:
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("fail_next", status=403, count=1, path_suffix="/exchangefdmtoken")
    file = OutboundAttachment(attachment_id="f-1", file_name="a.txt", mime_type="t", content=b"a")

    with pytest.raises(RejectedError):
        await connector.send_attachment(session, file)
    session = await connector.send_message(session, outbound("Still here"))

    assert await bench.said_by(session, "end_user") == ["Still here"]


async def test_the_calls_of_public_programs_are_taken_as_they_make_them(
    bench: WebhookBench,
) -> None:
    """The shortest body of each call, text or number, and the spaced form (five9_talkdesk A1)."""
    service = f"{bench.url}/appsvcs/rs/svc"
    async with aiohttp.ClientSession() as http:

        async def post(url: str, **parts: Any) -> Any:
            async with http.post(url, **parts) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json() if answer.content_length else None

        anon = await post(f"{service}/auth/anon", json={"tenantName": "Acme Trial Domain"})
        headers = {
            "Authorization": "Bearer " + anon["tokenId"],
            "farmId": anon["context"]["farmId"],
        }
        create = {
            "tenantId": anon["orgId"],
            "callbackUrl": f"{bench.portal.url}/events",
            "campaignName": "Support",
            "contact": {"number1": "5550100101"},
        }
        made = await post(f"{service}/conversations", json=create, headers=headers)
        one = f"{service}/conversations/{made['id']}"
        await post(f"{one}/messages", json={"message": "Hi"}, headers=headers)
        await post(f"{one}/terminate", headers=headers)

    [row] = await bench.desk("GET", "/conversations")
    assert [m["text"] for m in row["messages"] if m["from"] == "end_user"] == ["Hi"]
    assert row["status"] == "ended"
    assert made["id"] == anon["tokenId"]


async def test_one_who_leaves_takes_nobody_else_along(bench: WebhookBench) -> None:
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    told = {"type": "agent_disconnected", "displayName": "Ruth Abara"}
    told["conversationId"] = str(session.state["token"])
    user = base64.b64encode(b"hp-project-user:simulated-webhook-password").decode()
    request = call("", body=told, authorization=f"Basic {user}")
    [item] = bench.connector().parse_webhook(request, bench.setup.credentials(bench.url)).items

    [(after, event)] = await bench.connector().receive(listener.session, item)

    assert isinstance(event, LiveAgentLeft)
    assert after.state["agent"] == "Noor Halvorsen"


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
