"""What is special about the custom connector: ticks, the extra header, refusals by code, files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from integrations.contract.connector import (
    CheckResult,
    EndReason,
    OutboundAttachment,
    VendorSession,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    NoLiveAgentsError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.contract.manifest import Capability
from integrations.http.recording import VendorCallRecord
from integrations.vendors.custom.connector import CustomConnector
from integrations.vendors.custom.manifest import MANIFEST
from integrations.vendors.custom.simulator import CustomSimulator
from tests.contract.bench import handoff_request, outbound
from tests.vendors.custom.conftest import EVERYTHING, Connect

FILE = OutboundAttachment(
    attachment_id="0b0f3a52-5d5c-4f0c-8a44-52d0b1c9d7aa",
    file_name="label.pdf",
    mime_type="application/pdf",
    content=b"12345",
    public_url="https://portal.example.com/files/1?signature=2",
)


async def checks(connector: CustomConnector) -> list[CheckResult]:
    return [result async for result in connector.test_connection()]


def sent(simulator: CustomSimulator, path: str) -> list[dict[str, Any]]:
    return [one.as_dict() for one in simulator.requests.all() if one.path.endswith(path)]


# ---- what the admin has ticked ----


def test_everything_ticked_is_all_the_manifest_declares():
    assert CustomConnector.capabilities_with({"capabilities": EVERYTHING}) == MANIFEST.capabilities


def test_nothing_ticked_leaves_what_every_service_must_do():
    left = CustomConnector.capabilities_with({})

    assert left == {Capability.TRANSCRIPT, Capability.TRANSFER, Capability.IDEMPOTENT_SEND}


async def test_what_is_not_ticked_is_never_called(connect: Connect, simulator: CustomSimulator):
    connector = connect(capabilities="")
    session = await connector.start(handoff_request())

    await connector.send_typing(session, is_typing=True)
    await connector.end(session, EndReason.END_USER_ENDED)
    availability = await connector.check_availability(handoff_request())
    with pytest.raises(RejectedError):
        await connector.send_attachment(session, FILE)

    assert availability.is_available is None
    assert {one.path for one in simulator.requests.all()} == {"/handoffs"}


async def test_what_is_ticked_is_called(connect: Connect, simulator: CustomSimulator):
    connector = connect()
    session = await connector.start(handoff_request())

    await connector.send_typing(session, is_typing=True)
    availability = await connector.check_availability(handoff_request(routing={"queue": "A"}))
    await connector.send_attachment(session, FILE)
    await connector.send_attachment(session, FILE)

    [shown] = simulator.desk_conversations()
    [message] = [one for one in shown["messages"] if one["attachments"]]
    assert message["attachments"][0]["url"] == FILE.public_url
    assert (availability.is_available, availability.position) == (True, 2)
    assert sent(simulator, "/availability")[0]["query"] == "queue=A"
    assert sent(simulator, "/typing")


# ---- what is sent ----


async def test_a_start_carries_hints_but_not_those_that_chose_the_connection(
    connect: Connect, simulator: CustomSimulator
):
    routing = {"connector": "back_office", "credential_set": "default", "queue": "Parcels"}

    await connect().start(handoff_request(routing=routing, webhook_url="https://p.example/events"))

    body = json.loads(sent(simulator, "/handoffs")[0]["body"])
    assert body["hints"] == {"queue": "Parcels"}
    assert body["callback_url"] == "https://p.example/events"
    assert [line["speaker"] for line in body["transcript"]] == ["end_user", "ai_agent"]


@pytest.mark.parametrize("mode", ["summary", "link", "none"])
async def test_another_transcript_mode_leaves_the_lines_out(
    connect: Connect, simulator: CustomSimulator, mode: str
):
    await connect().start(handoff_request(routing={"transcript": mode, "summary": "Twice."}))

    body = json.loads(sent(simulator, "/handoffs")[0]["body"])
    assert (body["transcript"], body["hints"]["summary"]) == ([], "Twice.")


async def test_the_extra_header_is_sent_and_never_recorded(
    connect: Connect, simulator: CustomSimulator, records: list[VendorCallRecord]
):
    simulator.configure(auth_header="X-Gateway-Key", auth_header_value="gate-4711")
    with pytest.raises(InvalidAuthError):
        await connect().start(handoff_request())

    connector = connect(auth_header="X-Gateway-Key", auth_header_value="gate-4711")
    session = await connector.start(handoff_request())

    assert session.vendor_conversation_id
    assert "gate-4711" not in repr(records)


# ---- what is refused ----


async def test_nobody_there_and_an_unknown_queue_are_told_apart_and_mended(
    connect: Connect, simulator: CustomSimulator
):
    simulator.configure(agents_offline=True, refuse_when_offline=True, known_queues=["Parcels"])
    with pytest.raises(InvalidRoutingError):
        await connect().start(handoff_request(routing={"queue": "Nowhere"}))
    with pytest.raises(NoLiveAgentsError):
        await connect().start(handoff_request(routing={"queue": "Parcels"}))
    simulator.set_agents_offline(is_offline=False)

    session = await connect().start(handoff_request(routing={"queue": "Parcels"}))

    assert session.vendor_conversation_id


@pytest.mark.parametrize("external_id", ["ext-unknown", "../../ping", "a b?c#d"])
async def test_a_handoff_that_the_service_does_not_know_is_gone(connect: Connect, external_id: str):
    with pytest.raises(ConversationGoneError):
        await connect().send_message(
            VendorSession(vendor_conversation_id=external_id), outbound("x")
        )


async def test_writing_into_a_closed_handoff_is_gone(connect: Connect, simulator: CustomSimulator):
    session = await connect().start(handoff_request())
    simulator.live_agent_joins(session.vendor_conversation_id, agent_name="Noor Halvorsen")
    simulator.live_agent_ends(session.vendor_conversation_id)

    with pytest.raises(ConversationGoneError):
        await connect().send_message(session, outbound("Too late"))


class OddService:
    """A service that answers what the test wants."""

    def __init__(self) -> None:
        self.url = ""
        self._answer = (200, "{}")

    def answering(self, status: int, text: str) -> str:
        """Answer so from now on; returns the address."""
        self._answer = (status, text)
        return self.url

    async def handle(self, _request: web.Request) -> web.Response:
        status, text = self._answer
        return web.Response(status=status, text=text, content_type="application/json")


@pytest.fixture
async def odd_service() -> AsyncIterator[OddService]:
    service, app = OddService(), web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    async with TestServer(app) as server:
        service.url = str(server.make_url("")).rstrip("/")
        yield service


@pytest.mark.parametrize("text", ["{}", '{"external_id":""}', '{"external_id":7}', "no json", "[]"])
async def test_a_start_without_an_external_id_is_unexpected(
    connect: Connect, odd_service: OddService, text: str
):
    connector = connect(base_url=odd_service.answering(201, text))

    with pytest.raises(UnexpectedResponseError):
        await connector.start(handoff_request())


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (404, "{}", "invalid_routing"),
        (405, "{}", "invalid_routing"),
        (400, "{}", "rejected"),
        (500, "{}", "cannot_connect"),
        (401, "{}", "invalid_auth"),
        (403, "{}", "missing_permission"),
        (429, "{}", "rate_limited"),
        (200, "hello", "wrong_type"),
        (200, "{}", "wrong_type"),
        (200, '{"nonce":"another"}', "wrong_type"),
    ],
)
async def test_each_wrong_answer_to_ping_has_its_code_and_its_cure(
    connect: Connect, odd_service: OddService, status: int, text: str, code: str
):
    [result] = await checks(connect(base_url=odd_service.answering(status, text)))

    assert (result.is_ok, result.code) == (False, code)
    assert MANIFEST.help_for("ping", code)


async def test_the_timeout_is_the_one_entered(connect: Connect, simulator: CustomSimulator):
    simulator.set_latency(ms=1500)
    with pytest.raises(CannotConnectError):
        await connect(timeout_ms="1000").start(handoff_request())
    session = await connect(timeout_ms="9000").start(handoff_request())

    assert session.vendor_conversation_id


# ---- files of live agents ----


async def test_a_file_elsewhere_is_fetched_without_signature_and_header(connect: Connect):
    seen: list[dict[str, str]] = []

    async def file(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(body=b"hello")

    app = web.Application()
    app.router.add_get("/file", file)
    connector = connect(auth_header="X-Gateway-Key", auth_header_value="gate-4711")
    async with TestServer(app) as elsewhere:
        session = VendorSession(vendor_conversation_id="ext-1")
        content = await connector.fetch_attachment(session, str(elsewhere.make_url("/file")))
        at_home = connect(base_url=str(elsewhere.make_url("")).rstrip("/"))
        await at_home.fetch_attachment(session, str(elsewhere.make_url("/file")))

    assert content == b"hello"
    assert not {"X-Gateway-Key", "X-Handoff-Signature"} & seen[0].keys()
    assert "X-Handoff-Signature" in seen[1]


# ---- what an admin enters ----


@pytest.mark.parametrize(
    ("values", "at_fault"),
    [
        ({"base_url": "https://x.example/?a=1"}, "base_url"),
        ({"base_url": "https://x.example/#a"}, "base_url"),
        ({"auth_header": "X-Handoff-Signature", "auth_header_value": "x"}, "auth_header"),
        ({"auth_header": "content-type", "auth_header_value": "x"}, "auth_header"),
        ({"auth_header_value": "x"}, "auth_header"),
        ({"auth_header": "X-Key"}, "auth_header_value"),
        ({"auth_header": "X-Key", "auth_header_value": "a\nb"}, "auth_header_value"),
    ],
)
def test_values_that_cannot_work_are_refused_at_their_field(values: dict[str, str], at_fault: str):
    assert list(CustomConnector.clean_credentials(values)) == [at_fault]


def test_good_values_are_taken_and_the_slash_at_the_end_is_not():
    values = {"base_url": "https://x.example/baton/", "auth_header": "", "auth_header_value": ""}

    kept, notices = CustomConnector.normalise(values)

    assert (kept["base_url"], notices) == ("https://x.example/baton", ())
    assert CustomConnector.clean_credentials(kept) == {}
