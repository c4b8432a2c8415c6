"""Five9 as a connector: one anonymous session for each conversation, callbacks for the answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from integrations.contract.checks import CheckFailedError, run_checks
from integrations.contract.connector import (
    Availability,
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    ReceiptKind,
    TokenCache,
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    RejectedError,
)
from integrations.contract.events import LiveAgentJoined, LiveAgentLeft, UnknownEvent, VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.kit.json_values import as_count, as_id, as_object, as_text
from integrations.kit.recent import Recent
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.five9.client import AnonymousSession, Five9Client, MigratedError
from integrations.vendors.five9.connector.callbacks import callback_address, key_of, parsed
from integrations.vendors.five9.manifest import CUSTOM, MANIFEST
from integrations.vendors.five9.mapping import (
    Received,
    campaign_of,
    conversation_body,
    events_of,
    profile_of,
)

# For how long the session of a start is kept, by which its repeat finds what is open.
_START_SECONDS = 24 * 3600.0
# Five9 recognises no repeat: the ids sent, by each session and by this worker.
_SENT_KEPT = 20
_IDS_KEPT = 5000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Five9Timing:
    """Waits in seconds; tests shorten them."""

    # For how long messages wait for a conversation that has not opened yet.
    opening: float = 20.0
    poll: float = 1.0
    # Until an uploaded file can be sent; programs that do this wait for four seconds.
    file: float = 20.0


class Five9Connector(Connector):
    """The token is the conversation's id: it is kept where nobody sees it, under the handoff's."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: Five9Timing | None = None,
    ) -> None:
        """Keep the decrypted credentials for the life of this object."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        tenant = credentials.get("tenant_name", "")
        self._timing = timing or Five9Timing()
        self._sent: Recent[None] = Recent(_IDS_KEPT)
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

    # -- Test connection ------------------------------------------------------------------------

    async def test_connection(self) -> AsyncIterator[CheckResult]:
        """Get a session, compare the domain, look for the campaign; live agents see none of it."""
        found: list[AnonymousSession] = []

        def session_found() -> AnonymousSession:
            if not found:
                raise CheckFailedError("skipped")
            return found[0]

        async def session() -> str:
            found.append(await self._client.anon())
            return ""

        async def domain() -> str:
            return self._domain(session_found())

        async def campaign() -> str:
            return await self._campaign(session_found())

        checks = [("session", session), ("domain", domain), ("campaign", campaign)]
        async for result in run_checks(checks):
            yield result

    def _domain(self, session: AnonymousSession) -> str:
        wanted = self._credentials.get("domain_id", "")
        if wanted and wanted != session.org_id:
            raise CheckFailedError("invalid_routing", f"Five9 says {session.org_id}.")
        return f"Five9 says {session.org_id}."

    async def _campaign(self, session: AnonymousSession) -> str:
        name = self._credentials.get("campaign_name", "")
        try:
            row = profile_of(await self._client.logged_in_profiles(session, name), name)
        except RejectedError:
            return "Five9 does not say whether the campaign exists."
        if row is None:
            raise CheckFailedError("invalid_routing")
        return "" if row.get("agentLoggedIn") else "Nobody is logged in for the campaign."

    async def check_availability(self, request: HandoffRequest) -> Availability:
        """Ask for the campaign; whatever fails must not keep anybody from a live agent."""
        campaign = campaign_of(request, self._credentials)
        try:
            session = await self._client.anon()
            row = profile_of(await self._client.logged_in_profiles(session, campaign), campaign)
        except ConnectorError:
            row = None
        if row is None:
            return Availability(is_available=None)
        is_there = row.get("agentLoggedIn") is True and row.get("openForBusiness") is not False
        return Availability(is_available=is_there)

    # -- Begin and end --------------------------------------------------------------------------

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the conversation; a repeat finds it under the session that the first one got."""
        opened = await self._opened_before(request.handoff_id)
        if opened is not None:
            return opened
        anonymous = await self._client.anon()
        await self._keep(request.handoff_id, anonymous)
        address = callback_address(request.webhook_url, request.handoff_id, self._credentials)
        body = conversation_body(
            request, self._credentials, org_id=anonymous.org_id, callback_url=address
        )
        session = _session(request.handoff_id, anonymous, anonymous.token)
        session, name = await self._moved(
            session, lambda one, _: self._client.conversations(one, body)
        )
        return _session(request.handoff_id, AnonymousSession.of(session.state), name)

    async def _opened_before(self, handoff_id: str) -> VendorSession | None:
        """Return what an earlier start of this handoff has opened."""
        kept = await self._kept(handoff_id)
        if kept is None:
            return None
        try:
            session = _session(handoff_id, kept, kept.token)
            session, status = await self._moved(session, self._client.info)
        except ConversationGoneError:
            return None  # nothing was opened with it, or it is gone with its token
        return None if status == "TERMINATED" else session

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the handoff: what was kept under it says what may be open."""
        return VendorSession(vendor_conversation_id=request.handoff_id)

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

    # -- To Five9 -------------------------------------------------------------------------------

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text once the conversation is open; the newest ids sent are kept."""
        if self._has_sent(session, message.message_id):
            return session
        return await self._said(await self._opened(session), message.message_id, message.text)

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file to Five9's file service, and send what that names it."""
        if self._has_sent(session, attachment.attachment_id):
            return session
        session = await self._opened(session)
        file_id = await self._uploaded(AnonymousSession.of(session.state), attachment)
        return await self._said(session, attachment.attachment_id, "", file_id)

    def _has_sent(self, session: VendorSession, message_id: str) -> bool:
        """Say whether a message went out, also where nobody could store that it did."""
        return message_id in self._sent or message_id in _sent(session)

    async def _said(
        self, session: VendorSession, message_id: str, text: str, *files: str
    ) -> VendorSession:
        session, _ = await self._moved(
            session, lambda one, name: self._client.messages(one, name, text, message_id, files)
        )
        self._sent.put(message_id, None)
        kept = [*_sent(session), message_id][-_SENT_KEPT:]
        return replace(session, state={**session.state, "sent": kept})

    async def _uploaded(self, session: AnonymousSession, file: OutboundAttachment) -> str:
        """Return the name under which a message can carry the file; the service takes its time."""
        if not session.cloud:
            raise RejectedError("files: the domain has no file service")
        access = await self._client.exchangefdmtoken(session)
        file_id, target = await self._client.file_policies(session, access, file.file_name)
        await self._client.upload(access, target, file.content, file.mime_type)
        until = time.monotonic() + self._timing.file
        while not (found := await self._client.files(session, access, file_id)):
            if time.monotonic() >= until:
                raise CannotConnectError("files: the file did not become ready", reason="timeout")
            await asyncio.sleep(self._timing.poll)
        return found

    async def _opened(self, session: VendorSession) -> VendorSession:
        """Wait until Five9 says that the conversation is active, but not for long."""
        until = (as_count(session.state.get("started_at")) or 0) + self._timing.opening
        while not session.state.get("is_open"):
            session, status = await self._moved(session, self._client.info)
            if status == "TERMINATED":
                raise ConversationGoneError("info: the conversation is terminated")
            if status == "ACTIVE" or time.time() >= until:
                return replace(session, state={**session.state, "is_open": True})
            await asyncio.sleep(self._timing.poll)
        return session

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Acknowledge a live agent's message."""
        session, _ = await self._moved(
            session,
            lambda one, name: self._client.acknowledge(one, name, vendor_message_id, kind.name),
        )
        return session

    # -- From Five9 -----------------------------------------------------------------------------

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
        received = Received(session.vendor_conversation_id, item.body, session.state)
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

    # -- What every call goes through -----------------------------------------------------------

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

    async def _keep(self, handoff_id: str, anonymous: AnonymousSession) -> None:
        kept = json.dumps(anonymous.as_json())
        await self._tokens.set(_kept_as(handoff_id), kept, _START_SECONDS)

    async def _kept(self, handoff_id: str) -> AnonymousSession | None:
        text = await self._tokens.get(_kept_as(handoff_id))
        return AnonymousSession.of(as_object(json.loads(text))) if text else None


def _login(credentials: Mapping[str, str]) -> str:
    region = credentials.get("region", "")
    return credentials.get("login_base_url", "") if region == CUSTOM else f"https://{region}"


def _kept_as(handoff_id: str) -> str:
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


def _sent(session: VendorSession) -> list[str]:
    sent = session.state.get("sent")
    return [as_text(one) for one in sent] if isinstance(sent, list) else []


def _after(session: VendorSession, event: VendorEvent) -> VendorSession:
    """Keep who is in; a live agent who has come shows that the conversation is open."""
    known: dict[str, object] = {}
    if isinstance(event, LiveAgentJoined):
        known = {"agent_id": event.agent_id, "agent": event.agent_name, "is_open": True}
    is_there = isinstance(event, LiveAgentLeft) and event.agent_id == session.state.get("agent_id")
    if is_there:
        known = {"agent_id": "", "agent": ""}
    return replace(session, state={**session.state, **known}) if known else session
