"""Zendesk Messaging as a connector: client, mapping and webhooks behind our interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from integrations.contract.connector import (
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
    ConnectorError,
    ConversationGoneError,
    InvalidRoutingError,
    RejectedError,
)
from integrations.contract.events import VendorEvent
from integrations.contract.manifest import Manifest
from integrations.contract.rich_content import Author
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.kit.json_values import Json, as_moment, as_text
from integrations.kit.missed_calls import MissedCalls
from integrations.kit.waiting import RateBudget, RateTiming
from integrations.vendors.zendesk.client import ZendeskMessagingClient, ZendeskSupportClient
from integrations.vendors.zendesk.connector.credentials import (
    ConnectionChecks,
    api_base_url,
    credential_errors,
    normalised,
    support_base_url,
)
from integrations.vendors.zendesk.connector.handover import Handover, unfinished_session
from integrations.vendors.zendesk.connector.progress import ConversationProgress, Step
from integrations.vendors.zendesk.connector.sending import ControlTiming, Sender
from integrations.vendors.zendesk.connector.webhooks import (
    ASSIGNMENT_CHANGED,
    parsed,
    ticket_key,
    user_keys,
)
from integrations.vendors.zendesk.manifest import GOES_ON, MANIFEST, MAX_FILE_BYTES
from integrations.vendors.zendesk.mapping.content import answer_content
from integrations.vendors.zendesk.mapping.events import DELIVERY_FAILED, speaker_of
from integrations.vendors.zendesk.mapping.outgoing import (
    NEXT,
    Switchboard,
    end_user_author,
    file_posting,
    marked,
    message_in,
    read_activity,
    text_postings,
)

# What the live agent reads when this side ends the conversation.
_FAREWELLS = {
    EndReason.END_USER_LEFT: "The end user has left the conversation.",
    EndReason.CANCELLED: "The end user no longer waits for a live agent.",
    EndReason.IDLE_TIMEOUT: "The conversation was closed because nobody wrote any more.",
    EndReason.WAIT_TIMEOUT: "The end user waited too long for a live agent.",
    EndReason.OPERATOR_ENDED: "An operator of the portal ended the conversation.",
    EndReason.FAILED: "The conversation could not be continued.",
}
_FAREWELL = "The end user ended the conversation."
_TICKET_EVENTS = "status:"
# Codes of a refusal that may be about the author: Zendesk merges users without a word to us.
_UNKNOWN_AUTHOR = ("user_not_found", "bad_request")


class ZendeskConnector(Connector):
    """Plays the end user through the API, and hears the live agents through two webhooks."""

    manifest: ClassVar[Manifest] = MANIFEST
    reads_history: ClassVar[bool] = True

    def __init__(
        self,
        *,
        credentials: Mapping[str, str],
        http: HttpClient,
        tokens: TokenCache,
        timing: RateTiming | None = None,
        control: ControlTiming | None = None,
    ) -> None:
        """Keep the decrypted credentials; `timing` and `control` shorten the waits for tests."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        # A draft under test may lack any of the credentials: the checks say so, not this line.
        app_id = credentials.get("app_id", "")
        self._client = ZendeskMessagingClient(
            http,
            base_url=api_base_url(credentials),
            app_id=app_id,
            key_id=credentials.get("key_id", ""),
            key_secret=credentials.get("key_secret", ""),
            # Zendesk counts all calls of an app together, whichever worker makes them.
            budget=RateBudget(timing or RateTiming(), account=app_id, store=http.pauses),
        )
        self._support = _support_client(credentials, http)
        self._switchboard = Switchboard(
            integration_id=credentials.get("integration_id", ""),
            own_name=credentials.get("own_switchboard_name", ""),
            target=credentials.get("switchboard_integration_name", "") or NEXT,
        )
        self._sender = Sender(self._client, self._switchboard, control or ControlTiming())
        self._handover = Handover(
            client=self._client,
            sender=self._sender,
            switchboard=self._switchboard,
            credentials=credentials,
            note=http.note,
        )
        self._missed = MissedCalls(http.note)
        self._agent_names: dict[str, str] = {}

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Cut addresses to what is asked for, and remark on an unusual key."""
        return normalised(values)

    @classmethod
    def clean_credentials(cls, values: Mapping[str, str]) -> dict[str, str]:
        """Explain the missing key pair, and judge what belongs together."""
        return credential_errors(values)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Read what the key may read; live agents see nothing of it."""
        return ConnectionChecks(
            client=self._client, support=self._support, credentials=self._credentials
        ).run()

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the conversation with context and transcript, and pass control."""
        return await self._handover.open(request)

    def unfinished(
        self, request: HandoffRequest, error: ConnectorError | None
    ) -> VendorSession | None:
        """Name handoff and end user, by which what was opened can be found."""
        return unfinished_session(request)

    @classmethod
    def parse_webhook(
        cls, request: WebhookRequest, credentials: Mapping[str, str]
    ) -> WebhookResult:
        """Verify a call of either webhook and take its events apart."""
        return parsed(request, credentials)

    async def receive(
        self, session: VendorSession, item: WebhookItem
    ) -> Sequence[tuple[VendorSession, VendorEvent]]:
        """Turn an event into ours, among what missed calls have said, in Zendesk's order."""
        session = await self._with_note(session, item)
        kept = await self._kept(session, item)
        progress = ConversationProgress(
            session,
            switchboard=self._switchboard,
            ignored_authors=_names(self._credentials.get("ignored_authors", "")),
            goes_on_solved=self._credentials.get("solved_ticket") == GOES_ON,
            marks=await self._marks(session, item),
            names=await self._names_of([*(kept or ()), message_in(item.body)]),
        )
        if item.item_id.startswith(_TICKET_EVENTS):
            name = await self._assignee_name(item.body)
            steps = progress.kept_steps(kept, {})
            steps += progress.ticket_steps(item.body, item.item_id, name)
        else:
            steps = progress.kept_steps(kept, item.body)
        if kept and not progress.has_ended:
            steps += await self._unheard_end(progress)
        if progress.has_ended:
            self._forget(session)
        return steps

    async def _unheard_end(self, progress: ConversationProgress) -> list[Step]:
        """Conclude an end of which no call came, if Zendesk shows that control is elsewhere."""
        try:
            has_left = await self._sender.have_agents_left(progress.session.vendor_conversation_id)
        except ConnectorError as error:
            if error.retryable:
                raise
            self._http.note("get_conversation", error.code)
            return []
        return progress.unheard_end() if has_left else []

    async def _with_note(self, session: VendorSession, item: WebhookItem) -> VendorSession:
        """Write the private note into the ticket at the first word of it, where a token may.

        It stands among what came with the passing of control in any case, so a failure is no loss.
        """
        note, ticket = as_text(session.state.get("note")), as_text(item.body.get("ticket"))
        if self._support is None or not note or not ticket or ticket_key(ticket) in session.keys:
            return session
        try:
            await self._support.add_note(ticket, note)
        except ConnectorError as error:
            self._http.note("add_note", error.code)
        return replace(session, state={**session.state, "note": ""})

    async def _kept(self, session: VendorSession, item: WebhookItem) -> Sequence[Json] | None:
        """Return Zendesk's newest messages where calls about some of them may be missing."""
        return await self._missed.before(
            session.vendor_conversation_id,
            item,
            opened_at=as_moment(session.state.get("opened_at")),
            read=partial(self._client.list_messages, session.vendor_conversation_id),
        )

    def _forget(self, session: VendorSession) -> None:
        self._sender.forget(session.vendor_conversation_id)
        self._missed.forget(session.vendor_conversation_id)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Post a text, in parts where it is long, while the live agents have the conversation."""
        content: Json = {"type": "text", "text": message.text}
        if message.answer is not None:
            content = answer_content(message.answer, message.text)

        async def post(session: VendorSession) -> None:
            postings = text_postings(message.message_id, content, end_user_author(session.state))
            await self._sender.post(session.vendor_conversation_id, postings)

        return await self._post_as_end_user(session, message.message_id, post)

    async def send_attachment(
        self, session: VendorSession, attachment: OutboundAttachment
    ) -> VendorSession:
        """Upload a file and post it; nothing is uploaded for a file that is there already."""

        async def post(session: VendorSession) -> None:
            await self._post_file(session, attachment)

        return await self._post_as_end_user(session, attachment.attachment_id, post)

    async def _post_as_end_user(
        self, session: VendorSession, mark: str, post: Callable[[VendorSession], Awaitable[None]]
    ) -> VendorSession:
        """Post while the live agents are there; as the user of now, if Zendesk has merged them."""
        try:
            await self._sender.while_theirs(session, mark, lambda: post(session))
            return session
        except RejectedError as error:
            if error.vendor_code not in _UNKNOWN_AUTHOR:
                raise
            known = await self._with_user_of_now(session)
            if known is None:
                raise
        await self._sender.while_theirs(known, mark, lambda: post(known))
        return known

    async def _with_user_of_now(self, session: VendorSession) -> VendorSession | None:
        """Return the session with the user who takes part now; None if that is no news."""
        found = await self._client.list_participants(session.vendor_conversation_id)
        ours = end_user_author(session.state)
        if len(found) != 1 or any(found[0].get(name) == ours[name] for name in ours):
            return None
        user_id = as_text(found[0].get("userId"))
        keys = dict.fromkeys((*session.keys, *user_keys(user_id)))
        state = {**session.state, "user_id": user_id}
        return replace(session, keys=tuple(keys), state=state)

    async def _post_file(self, session: VendorSession, attachment: OutboundAttachment) -> None:
        conversation_id, author = session.vendor_conversation_id, end_user_author(session.state)
        mark, name, kind = attachment.attachment_id, attachment.file_name, attachment.mime_type
        if (mark, 0) in await self._sender.known(conversation_id):
            return
        uploaded = await self._client.upload_attachment(
            conversation_id, file_name=name, mime_type=kind, content=attachment.content
        )
        await self._sender.post(conversation_id, [file_posting(mark, uploaded, name, kind, author)])

    async def fetch_attachment(self, session: VendorSession, url: str) -> bytes:
        """Download a live agent's file."""
        return await download(
            self._http,
            url,
            api_url=api_base_url(self._credentials),
            headers=self._client.headers,
            max_bytes=MAX_FILE_BYTES,
        )

    async def send_receipt(
        self, session: VendorSession, vendor_message_id: str, kind: ReceiptKind
    ) -> VendorSession:
        """Say that the end user has read; Zendesk has no word for delivered."""
        if kind is ReceiptKind.READ:
            await self._client.post_activity(
                session.vendor_conversation_id, read_activity(end_user_author(session.state))
            )
        return session

    async def late_messages(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Compare when Zendesk received them with when the live agent ended."""
        late = await self._sender.late_marks(session)
        return late & {message.message_id for message in messages}

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Take control back, tell the live agent why, and leave the conversation to nobody."""
        if not session.vendor_conversation_id:
            found = await self._handover.found(session)
            if found is None:
                return
            session = found
        try:
            await self._handover.take_back(session, _FAREWELLS.get(reason, _FAREWELL))
        except (ConversationGoneError, InvalidRoutingError):
            pass  # it is over, or control cannot be taken back: the ticket stays to its agent
        self._forget(session)

    async def _marks(self, session: VendorSession, item: WebhookItem) -> dict[str, str]:
        """Return our marks by Zendesk's ids for an event that names a message by its id alone."""
        if item.body.get("type") != DELIVERY_FAILED:
            return {}
        known = await self._client.list_messages(session.vendor_conversation_id)
        return {as_text(one.get("id")): mark for (mark, _), one in marked(known).items()}

    async def _names_of(self, messages: Sequence[Json]) -> dict[str, str]:
        """Return the names of live agents whose messages have none."""
        speakers = [speaker_of(message) for message in messages if message.get("metadata")]
        unnamed = {one.agent_id for one in speakers if one.by is Author.LIVE_AGENT and not one.name}
        return {agent_id: await self._support_name(agent_id) for agent_id in unnamed}

    async def _assignee_name(self, body: Json) -> str:
        user_id = as_text(body.get("current"))
        if body.get("type") != ASSIGNMENT_CHANGED or not user_id:
            return ""
        return await self._support_name(user_id)

    async def _support_name(self, user_id: str) -> str:
        """Ask for a name where an API token allows it; a name is never worth a loss."""
        if self._support is None:
            return ""
        if user_id not in self._agent_names:
            try:
                self._agent_names[user_id] = await self._support.user_name(user_id)
            except ConnectorError as error:
                self._http.note("user_name", error.code)
                return ""
        return self._agent_names[user_id]


def _support_client(
    credentials: Mapping[str, str], http: HttpClient
) -> ZendeskSupportClient | None:
    email, token = credentials.get("support_email", ""), credentials.get("support_api_token", "")
    if not email or not token:
        return None
    base_url = support_base_url(credentials)
    return ZendeskSupportClient(http, base_url=base_url, email=email, api_token=token)


def _names(text: str) -> frozenset[str]:
    found = (name.strip().lower() for name in text.replace("\n", ",").split(","))
    return frozenset(name for name in found if name)
