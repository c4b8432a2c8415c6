"""Five9 as a connector: one anonymous session for each conversation, callbacks for the answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from integrations.contract.checks import CheckFailedError, run_checks
from integrations.contract.connector import (
    Availability,
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundMessage,
    ReceiptKind,
    TokenCache,
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    RejectedError,
)
from integrations.contract.events import (
    LiveAgentJoined,
    LiveAgentLeft,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.kit.json_values import as_count, as_id, as_object, as_text
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.five9.client import AnonymousSession, Five9Client, MigratedError
from integrations.vendors.five9.manifest import CUSTOM, MANIFEST
from integrations.vendors.five9.mapping import (
    Received,
    campaign_of,
    conversation_body,
    events_of,
)
from integrations.vendors.five9.webhook import callback_address, key_of, parsed

# For how long the session of a start is kept, by which its repeat finds what is open.
_START_SECONDS = 24 * 3600.0
# For how long messages wait for a conversation that has not opened yet.
OPEN_SECONDS = 20.0
_POLL_SECONDS = 1.0
_SENT_KEPT = 20
T = TypeVar("T")


class Five9Connector(Connector):
    """The token is the conversation's id: it is kept where nobody sees it, under the handoff's."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep the decrypted credentials for the life of this object."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        tenant = credentials.get("tenant_name", "")
        self._client = Five9Client(
            http,
            login=_login(credentials),
            form=credentials.get("authorization_form", ""),
            tenant=tenant,
            budget=RateBudget(RateTiming(), account=tenant, store=http.pauses),
        )

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Ask for an address where none of the regions was chosen."""
        if values.get("region") == CUSTOM and not values.get("login_base_url"):
            return {"login_base_url": "Enter the address at which people sign in to Five9."}
        return {}

    async def test_connection(self) -> AsyncIterator[CheckResult]:
        """Get a session and look for the campaign; live agents see nothing of it."""
        found: list[AnonymousSession] = []

        async def session() -> str:
            found.append(await self._client.anon())
            return ""

        async def campaign() -> str:
            if not found:
                raise CheckFailedError("skipped")
            return await self._campaign(found[0])

        async for result in run_checks([("session", session), ("campaign", campaign)]):
            yield result

    async def _campaign(self, session: AnonymousSession) -> str:
        name = self._credentials.get("campaign_name", "")
        try:
            rows = await self._client.logged_in_profiles(session, name)
        except RejectedError:
            return "Five9 does not say whether the campaign exists."
        row = next((one for one in rows if one.get("profileName") == name), None)
        if row is None:
            raise CheckFailedError("invalid_routing")
        return "" if row.get("agentLoggedIn") else "Nobody is logged in for the campaign."

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Ask for the campaign; whatever fails must not keep anybody from a live agent."""
        campaign = campaign_of(request, self._credentials)
        try:
            session = await self._client.anon()
            rows = await self._client.logged_in_profiles(session, campaign)
        except ConnectorError:
            return Availability(is_available=None)
        row = next((one for one in rows if one.get("profileName") == campaign), None)
        if row is None:
            return Availability(is_available=None)
        is_there = row.get("agentLoggedIn") is True and row.get("openForBusiness") is not False
        return Availability(is_available=is_there)

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the conversation; a repeat finds it under the session that the first one got."""
        kept = await self._kept(request.handoff_id)
        if kept is not None:
            session = _session(request.handoff_id, kept, kept.token)
            try:
                session, status = await self._moved(session, self._client.info)
            except ConversationGoneError:
                pass  # nothing was opened with it, or it is gone with its token
            else:
                if status != "TERMINATED":
                    return session
        anonymous = await self._client.anon()
        await self._tokens.set(
            _name(request.handoff_id), json.dumps(anonymous.as_json()), _START_SECONDS
        )
        body = conversation_body(
            request,
            self._credentials,
            org_id=anonymous.org_id,
            callback_url=callback_address(
                request.webhook_url, request.handoff_id, self._credentials
            ),
        )
        session = _session(request.handoff_id, anonymous, anonymous.token)
        session, found = await self._moved(
            session, lambda one, _: self._client.conversations(one, body)
        )
        return _session(request.handoff_id, AnonymousSession.of(session.state), found)

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the handoff: what was kept under it says what may be open."""
        return VendorSession(vendor_conversation_id=request.handoff_id)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text once the conversation is open; the newest ids sent are kept."""
        sent = session.state.get("sent")
        done = [as_text(one) for one in sent] if isinstance(sent, list) else []
        if message.message_id in done:
            return session
        session = await self._opened(session)
        session, _ = await self._moved(
            session,
            lambda one, name: self._client.messages(one, name, message.text, message.message_id),
        )
        kept = [*done, message.message_id][-_SENT_KEPT:]
        return replace(session, state={**session.state, "sent": kept})

    async def _opened(self, session: VendorSession) -> VendorSession:
        """Wait until Five9 says that the conversation is active, but not for long."""
        until = (as_count(session.state.get("started_at")) or 0) + OPEN_SECONDS
        while not session.state.get("is_open"):
            session, status = await self._moved(session, self._client.info)
            if status == "TERMINATED":
                raise ConversationGoneError("info: the conversation is terminated")
            if status == "ACTIVE" or time.time() >= until:
                return replace(session, state={**session.state, "is_open": True})
            await asyncio.sleep(_POLL_SECONDS)
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Acknowledge a live agent's message."""
        word = kind.name
        session, _ = await self._moved(
            session,
            lambda one, name: self._client.acknowledge(one, name, vendor_message_id, word),
        )
        return session

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Terminate; where there is no such call, delete."""
        if not session.state:
            kept = await self._kept(session.vendor_conversation_id)
            if kept is None:
                return  # without a session nothing was opened
            session = _session(session.vendor_conversation_id, kept, kept.token)
        try:
            session, status = await self._moved(session, self._client.terminate)
            if status in (404, 405):
                await self._moved(session, self._client.delete)
        except ConversationGoneError:
            return  # over, or out of our reach with its token

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify the address or the user, and name whose it is."""
        return parsed(request, credentials)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn one callback into events; an address of another handoff's tells us nothing."""
        received = Received(
            session.vendor_conversation_id, item.body, as_text(session.state.get("agent"))
        )
        named = as_text(item.body.get("handoff_id"))
        if named and named != session.vendor_conversation_id:
            return [(session, UnknownEvent(name="foreign_address", **received.named()))]
        steps: list[tuple[VendorSession, VendorEvent]] = []
        for event in events_of(received):
            session = _after(session, event)
            steps.append((session, event))
        return steps

    @classmethod
    def said_in(cls, item: WebhookItem) -> str:
        """Return the id of what a live agent says."""
        is_message = item.body.get("kind") == "message"
        return as_id(as_object(item.body.get("data")).get("messageId")) if is_message else ""

    async def _moved(
        self,
        session: VendorSession,
        call: Callable[[AnonymousSession, str], Awaitable[T]],
    ) -> tuple[VendorSession, T]:
        """Make a call; after a migration find the new data centre and make it once more."""
        anonymous = AnonymousSession.of(session.state)
        name = as_text(session.state.get("conversation_id"))
        try:
            return session, await call(anonymous, name)
        except MigratedError:
            anonymous = await self._client.metadata(anonymous)
        session = replace(session, state={**session.state, **anonymous.as_json()})
        return session, await call(anonymous, name)

    async def _kept(self, handoff_id: str) -> AnonymousSession | None:
        text = await self._tokens.get(_name(handoff_id))
        return AnonymousSession.of(as_object(json.loads(text))) if text else None


def _login(credentials: Mapping[str, str]) -> str:
    region = credentials.get("region", "")
    return credentials.get("login_base_url", "") if region == CUSTOM else f"https://{region}"


def _name(handoff_id: str) -> str:
    return f"five9:{handoff_id}"


def _session(handoff_id: str, anonymous: AnonymousSession, conversation_id: str) -> VendorSession:
    state = {
        **anonymous.as_json(),
        "conversation_id": conversation_id,
        "started_at": int(time.time()),
    }
    return VendorSession(
        vendor_conversation_id=handoff_id, state=state, keys=(key_of(conversation_id),)
    )


def _after(session: VendorSession, event: VendorEvent) -> VendorSession:
    """Keep who is in; a live agent who has come shows that the conversation is open."""
    if isinstance(event, LiveAgentJoined):
        state = {**session.state, "agent": event.agent_name, "is_open": True}
        return replace(session, state=state)
    if isinstance(event, LiveAgentLeft):
        return replace(session, state={**session.state, "agent": ""})
    return session
