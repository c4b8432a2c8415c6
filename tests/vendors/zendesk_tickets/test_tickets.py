"""A conversation that nobody takes goes on as a ticket, once, and says its number."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from integrations.connections.tokens import MemoryTokens
from integrations.contract.connector import Connector, EndReason, EndUserIdentity, TranscriptLine
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    RateLimitedError,
    RejectedError,
)
from integrations.contract.registry import connector_class, manifest_get
from integrations.credentials.cleaning import credentials_clean
from integrations.http.client import HttpClient, open_session
from integrations.http.recording import VendorCallRecord
from integrations.simulators.simulator import running_simulator
from integrations.vendors.zendesk.simulator import ZendeskSimulator
from integrations.vendors.zendesk_tickets.mapping import MAX_BODY_BYTES, body_for
from tests.contract.bench import handoff_request, outbound

MANIFEST = manifest_get("zendesk_tickets")
TOKEN = "simulated-support-api-token"
AT = datetime(2026, 11, 20, 9, 13, 50, tzinfo=UTC)
INES = EndUserIdentity(
    external_id="u-4711", is_verified=True, name="Ines Okafor", email="ines@example.org"
)


@dataclass
class Desk:
    """A simulated account, and connectors of it."""

    url: str
    session: aiohttp.ClientSession
    records: list[VendorCallRecord]

    def connector(self, **changes: str) -> Connector:
        credentials = {
            "org_url": self.url,
            "email": "integration@brightside.example",
            "api_token": TOKEN,
            **changes,
        }
        http = HttpClient(
            self.session,
            allow_local=True,
            recorder=self.records.append,
            loggable_keys=MANIFEST.loggable_keys,
            secrets=[credentials["api_token"]],
        )
        kind = connector_class("zendesk_tickets")
        return kind(credentials=credentials, http=http, tokens=MemoryTokens())

    async def post(self, path: str, **body: object) -> None:
        async with self.session.post(f"{self.url}/_desk{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()

    async def sent(self, method: str) -> list[dict[str, Any]]:
        """Return the ticket of each request of a kind that came in."""
        async with self.session.get(f"{self.url}/_desk/requests") as answer:
            rows = await answer.json()
        bodies = [json.loads(row["body"]) for row in rows if row["method"] == method]
        return [body["ticket"] for body in bodies if "ticket" in body]

    async def tickets(self) -> list[dict[str, Any]]:
        pair = base64.b64encode(f"integration@brightside.example/token:{TOKEN}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        async with self.session.get(f"{self.url}/api/v2/tickets.json", headers=headers) as answer:
            return (await answer.json())["tickets"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    with running_simulator(ZendeskSimulator()) as url:
        async with open_session(allow_local=True) as session:
            yield Desk(url, session, [])


async def checks(connector: Connector) -> dict[str, str]:
    return {result.name: result.code async for result in connector.test_connection()}


async def test_a_private_note_is_no_comment_that_is_mailed(desk: Desk):
    await desk.connector().start(handoff_request(end_user=INES, routing={"note": "Rude."}))

    [opened], [added] = await desk.sent("POST"), await desk.sent("PUT")
    assert opened["comment"]["public"] and "Rude." not in opened["comment"]["body"]
    assert added["comment"] == {"body": "Rude.", "public": False}


async def test_handoff_becomes_a_ticket_whose_number_the_end_user_can_read(desk: Desk):
    session = await desk.connector(tags="portal, after hours").start(
        handoff_request(
            end_user=INES,
            routing={
                "subject": "Parcel BL-20931",
                "summary": "Wants a refund",
                "tags": ["vip"],
                "priority": "high",
                "attributes": {"Order_Ref": "BL-20931"},
            },
        )
    )

    [ticket] = await desk.tickets()
    [sent] = await desk.sent("POST")
    assert str(ticket["id"]) == session.vendor_conversation_id
    assert ticket["subject"] == "Parcel BL-20931"
    assert ticket["priority"] == "high"
    assert sent["tags"] == ["after_hours", "portal", "vip"]
    assert sent["requester"] == {"name": "Ines Okafor", "email": "ines@example.org"}
    assert sent["comment"]["public"]
    for text in ("Order_Ref: BL-20931", "Wants a refund", "Where is it?", "AI agent: Let me see."):
        assert text in sent["comment"]["body"]


async def test_a_visitors_claim_is_written_down_but_makes_nobody_the_requester(desk: Desk):
    claimed = EndUserIdentity(external_id="x", name="Mallory", email="victim@example.org")

    await desk.connector().start(handoff_request(end_user=claimed))

    [sent] = await desk.sent("POST")
    assert "requester" not in sent
    assert not sent["comment"]["public"]
    assert "not verified: Mallory, victim@example.org" in sent["comment"]["body"]


async def test_the_number_that_somebody_texts_from_is_known_and_no_claim(desk: Desk):
    texting = EndUserIdentity(external_id="tel:+1555", phone="+15550100101")

    await desk.connector().start(handoff_request(end_user=texting, channel="sms"))

    [sent] = await desk.sent("POST")
    assert "Phone: +15550100101" in sent["comment"]["body"]
    assert "not verified" not in sent["comment"]["body"]


async def test_the_tool_may_name_the_requester(desk: Desk):
    await desk.connector().start(
        handoff_request(routing={"user_email": "ines@example.org", "user_display_name": "Ines"})
    )

    [sent] = await desk.sent("POST")
    assert sent["requester"] == {"name": "Ines", "email": "ines@example.org"}


async def test_transcript_stays_here_where_the_tool_says_so(desk: Desk):
    await desk.connector().start(handoff_request(routing={"transcript": "none"}))

    [sent] = await desk.sent("POST")
    assert "Where is it?" not in sent["comment"]["body"]


async def test_start_whose_answer_was_lost_opens_no_second_ticket(desk: Desk):
    request = handoff_request()
    await desk.post(
        "/faults", kind="fail_next", status=503, count=1, method="POST", after_accept=True
    )
    with pytest.raises(CannotConnectError):
        await desk.connector().start(request)

    first = await desk.connector().start(request)
    again = await desk.connector().start(request)

    [ticket] = await desk.tickets()
    assert first == again
    assert str(ticket["id"]) == first.vendor_conversation_id


async def test_what_is_written_meanwhile_is_added_and_the_end_leaves_the_ticket_open(desk: Desk):
    connector = desk.connector()
    session = await connector.start(handoff_request())

    await connector.send_message(session, outbound("One more thing"))
    await connector.end(session, EndReason.END_USER_LEFT)

    [sent] = await desk.sent("PUT")
    [ticket] = await desk.tickets()
    assert sent["comment"]["body"] == "One more thing"
    assert ticket["status"] in ("new", "open")


async def test_a_very_long_message_becomes_several_notes_and_loses_nothing(desk: Desk):
    connector = desk.connector()
    session = await connector.start(handoff_request())
    text = "ü📦" * 15_000

    await connector.send_message(session, outbound(text))

    notes = [one["comment"]["body"] for one in await desk.sent("PUT")]
    assert len(notes) == 2
    assert "".join(notes) == text
    assert all(len(note.encode()) <= MAX_BODY_BYTES for note in notes)


async def test_a_refused_ticket_blames_only_what_was_entered(desk: Desk):
    blamed = []
    for changes in ({}, {"group_id": "7"}, {"ticket_form_id": "8"}):
        await desk.post("/faults", kind="fail_next", status=422, count=1, method="POST")
        with pytest.raises(RejectedError) as caught:
            await desk.connector(**changes).start(handoff_request())
        blamed.append(caught.value.field)

    assert blamed == ["", "group_id", "ticket_form_id"]


async def test_ticket_that_is_gone_is_a_conversation_that_is_gone(desk: Desk):
    connector = desk.connector()
    session = await connector.start(handoff_request())
    await desk.post("/reset")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("Anybody?"))


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_note_that_is_refused_does_not_mean_that_the_ticket_is_gone(
    desk: Desk, status: int
):
    connector = desk.connector()
    session = await connector.start(handoff_request())
    await desk.post(
        "/faults", kind="fail_next", status=status, count=1, method="PUT", error_code="proxy"
    )

    with pytest.raises(ConnectorError) as caught:
        await connector.send_message(session, outbound("One more thing"))
    await connector.send_message(session, outbound("One more thing"))

    assert not isinstance(caught.value, ConversationGoneError)
    assert len(await desk.sent("PUT")) == 2


async def test_refusals_are_told_apart_and_the_right_token_then_works(desk: Desk):
    request = handoff_request()
    with pytest.raises(InvalidAuthError):
        await desk.connector(api_token="wrong-token").start(request)
    await desk.post("/faults", kind="fail_next", status=429, count=1, retry_after=9)
    with pytest.raises(RateLimitedError) as caught:
        await desk.connector().start(request)

    assert caught.value.retry_after == 9
    assert (await desk.connector().start(request)).vendor_conversation_id
    assert TOKEN not in repr(desk.records)
    assert "Where is it?" not in repr(desk.records)


async def test_connection_test_names_what_is_wrong(desk: Desk, unused_tcp_port: int):
    dead = {"org_url": f"http://127.0.0.1:{unused_tcp_port}"}

    found = [await checks(desk.connector(**c)) for c in ({}, {"api_token": "wrong-token"}, dead)]
    await desk.post("/config", support_role="end-user")
    found.append(await checks(desk.connector()))

    assert [item["account"] for item in found] == [
        "ok",
        "invalid_auth",
        "cannot_connect",
        "missing_permission",
    ]
    assert all(MANIFEST.help_for("account", item["account"]) for item in found[1:])
    assert await desk.tickets() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://brightside.zendesk.com/agent/dashboard", "https://brightside.zendesk.com"),
        ("brightside.zendesk.com", "https://brightside.zendesk.com"),
        ("https://brightside.zendesk.com/", "https://brightside.zendesk.com"),
        ("https://brightside.example.com", None),
        ("https://[", None),
    ],
)
def test_address_is_cut_to_its_host_or_refused(typed: str, kept: str | None):
    found = credentials_clean(
        MANIFEST, {"org_url": typed, "email": "a@b.example", "api_token": "t0ken"}, stored={}
    )

    assert found.values.get("org_url") == kept
    assert ("org_url" in found.errors) == (kept is None)


def test_very_long_transcript_keeps_its_end():
    lines = [
        TranscriptLine(speaker="end_user", text=f"{number} " + "ü" * 900, sent_at=AT)
        for number in range(60)
    ]

    body = body_for(lines, INES, ["Reason: refund", "", "Summary", "s" * 40_000])

    assert len(body.encode()) <= MAX_BODY_BYTES
    assert body.startswith("Reason: refund")
    assert "\nTranscript\n(Earlier lines are left out.)\n" in body
    assert "59 ü" in body


def test_body_is_never_empty():
    assert body_for([], INES, [])
