"""Webex's custom messaging channel as a connector: client and mapping behind our interface."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from integrations.contract.connector import (
    CheckResult,
    Connector,
    EndReason,
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TokenCache,
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import (
    ConnectorError,
    ConversationGoneError,
    MissingPermissionError,
)
from integrations.contract.events import ConversationEnded, VendorEvent
from integrations.contract.manifest import Manifest
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.kit.json_values import as_moment, iso_moment
from integrations.vendors.webex.client import WebexClient
from integrations.vendors.webex.connector.checks import ConnectionChecks
from integrations.vendors.webex.connector.receiving import Receiving
from integrations.vendors.webex.connector.subscriptions import Subscriptions
from integrations.vendors.webex.connector.tasks import (
    Pending,
    Sent,
    TaskList,
    echoed_in,
    ended_at_in,
    new_session,
    task_of,
)
from integrations.vendors.webex.manifest import MANIFEST, MAX_FILE_BYTES
from integrations.vendors.webex.mapping.credentials import credential_errors, normalised
from integrations.vendors.webex.mapping.messages import (
    attachment_body,
    create_body,
    farewell_body,
    message_bodies,
)
from integrations.vendors.webex.mapping.notices import APPENDED, notice_of, parsed

_MARK_SECONDS = 3600.0
# A message sent so long before the end has arrived, though its echo may have been lost.
_CROSSING = timedelta(seconds=10)
_START_TAKES = timedelta(minutes=15)


class WebexConnector(Connector):
    """Plays the customer's channel; each handoff is one task with an origin of its own."""

    manifest: ClassVar[Manifest] = MANIFEST
    reads_history: ClassVar[bool] = True
    # Webex promises no call: it may lose one, and recommends to look at the list of tasks.
    silence_seconds: ClassVar[float | None] = 180.0

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep the decrypted credentials."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._client = WebexClient(http, cache=tokens, credentials=credentials)
        self._subscriptions = Subscriptions(self._client, credentials.get("business_address", ""))
        self._pending, self._tasks = Pending(), TaskList(self._client)
        self._receiving = Receiving(self._client, self._pending, self._tasks, http.note)

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Read the organization's id out of the longer one that other Webex pages show."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Judge hosts and variables, which no pattern of a field can."""
        return credential_errors(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Refresh, and read tasks and subscriptions; live agents see nothing of it."""
        return self._checks().run()

    def probe(self) -> AsyncIterator[CheckResult]:
        """Look again, and activate the subscriptions that Webex has stopped."""
        return self._checks().run(is_probe=True)

    def _checks(self) -> ConnectionChecks:
        return ConnectionChecks(self._client, self._subscriptions, self._credentials)

    async def on_connected(self, webhook_urls: Mapping[str, str]) -> Mapping[str, str]:
        """Subscribe to what happens to tasks; the secret of that is ours alone."""
        secret = self._credentials.get("subscription_secret") or secrets.token_urlsafe(48)
        await self._subscriptions.make(webhook_urls["events"], secret)
        return {"subscription_secret": secret}

    async def on_disconnected(self) -> None:
        """Delete our subscriptions."""
        await self._subscriptions.delete()

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Ask for a task with the attributes and the transcript, unless an earlier try has it."""
        marker, now = f"creating:{request.handoff_id}", datetime.now(UTC)
        begun_at = as_moment(await self._tokens.get(marker))
        if begun_at is not None:
            session = await self._found(new_session(request.handoff_id, "", begun_at))
            if session is not None:
                return session
        await self._tokens.set(marker, iso_moment(begun_at or now), _MARK_SECONDS)
        body = create_body(request, self._credentials)
        task_id = await self._client.create_task(body)
        self._receiving.asked_for(task_id, body)
        return new_session(request.handoff_id, task_id, now)

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name the handoff: any of its tries may have opened a task that the list knows."""
        return new_session(request.handoff_id, "", datetime.now(UTC) - _START_TAKES)

    async def _found(self, session: VendorSession) -> VendorSession | None:
        """Return the session of the handoff's open task, if there is one."""
        tasks = await self._tasks.of(session)
        task = next((one for one in tasks if not one.is_over), None)
        return replace(session, vendor_conversation_id=task.task_id) if task else None

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Send a text, split where it is too long; its id makes a repeat recognisable."""
        for alias, body in message_bodies(message):
            sent = Sent(message_id=message.message_id, alias=alias, body=body)
            await self._append(session, sent)
        return session

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Send a file's address, from which Webex fetches it."""
        name, body = attachment.attachment_id, attachment_body(attachment)
        await self._append(session, Sent(message_id=name, alias=name, body=body))
        return session

    async def _append(self, session: VendorSession, sent: Sent) -> None:
        if ended_at_in(session) is not None:
            raise ConversationGoneError("append_message: the task has ended")
        task_id = task_of(session)
        # Noted first: the failure may come before the answer.
        self._pending.add(task_id, sent)
        try:
            await self._client.append_message(task_id, sent.body)
        except ConnectorError:
            self._pending.settle(task_id, sent.alias)
            raise

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file, without credentials: the address is its own key."""
        return await download(self._http, url, max_bytes=MAX_FILE_BYTES)

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify signature and age, and name whose it is."""
        return parsed(request, credentials)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn one call into events, with what the list of tasks says of missed ones."""
        steps = await self._receiving.steps(session, item)
        if any(isinstance(event, ConversationEnded) for _, event in steps):
            self._pending.forget(task_of(session))
        return steps

    @classmethod
    def said_in(cls, item: WebhookItem) -> str:
        """Return the id of a word to the end user."""
        notice = notice_of(item.body)
        return notice.alias if notice.kind == APPENDED and notice.is_outbound else ""

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Name those that Webex has not repeated, of what was sent shortly before the end.

        Webex has no history of messages, and takes one that comes too late as any other.
        """
        known = frozenset(echoed_in(session))
        ended_at = ended_at_in(session)
        return frozenset(
            one.message_id
            for one in messages
            if one.message_id not in known
            and (ended_at is None or one.sent_at > ended_at - _CROSSING)
        )

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """End the task; where Webex does not let us, tell the live agent that nobody is there."""
        if ended_at_in(session) is not None:
            return  # Webex has said so, and what crossed it has opened nothing
        if not session.vendor_conversation_id:
            found = await self._found(session)
            if found is None:
                return
            session = found
        task_id = task_of(session)
        try:
            await self._client.end_task(task_id)
        except ConversationGoneError:
            return
        except MissingPermissionError as error:
            self._http.note("end_task", error.code)
            with suppress(ConversationGoneError):
                await self._client.append_message(task_id, farewell_body(task_id))
        except ConnectorError:
            if not await self._is_over(session):
                raise

    async def _is_over(self, session: VendorSession) -> bool:
        """Ask the list: how Webex refuses to end what is over is not published."""
        tasks = await self._tasks.of(session)
        return any(one.is_over for one in tasks if one.task_id == task_of(session))
