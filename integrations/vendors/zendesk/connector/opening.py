"""Opens a conversation and hands it to the live agents; may be run again after any failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from integrations.contract.connector import HandoffRequest, VendorSession
from integrations.contract.errors import ConnectorError, ConversationGoneError, InvalidRoutingError
from integrations.http.client import HttpClient
from integrations.vendors.zendesk.client import ZendeskMessagingClient
from integrations.vendors.zendesk.connector.sending import Sender
from integrations.vendors.zendesk.mapping.control import Switchboard, active_of
from integrations.vendors.zendesk.mapping.json import Json, as_object, as_text
from integrations.vendors.zendesk.mapping.message import handoffs_in, opening_posting
from integrations.vendors.zendesk.mapping.start import (
    CONTROL_KEY,
    HANDOFF_KEY,
    HEARING,
    TAKING,
    control_metadata,
    conversation_body,
    opening_messages,
    ticket_tag,
    user_body,
    user_external_id,
)
from integrations.vendors.zendesk.mapping.ticket import tag_key

SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Opens conversations for one connection."""

    client: ZendeskMessagingClient
    http: HttpClient
    sender: Sender
    switchboard: Switchboard
    credentials: Mapping[str, str] = field(repr=False)

    async def open(self, request: HandoffRequest) -> VendorSession:
        """Return the session of a conversation that the live agents have."""
        is_new_user = await self.client.create_user(user_body(request))
        conversation = {} if is_new_user else await self._earlier(request)
        if conversation:
            self.sender.forget(as_text(conversation.get("id")))  # what is there is to be seen
            try:
                return await self._hand_over(request, conversation)
            except ConversationGoneError:
                pass  # full or deleted: a new one takes its place
        conversation = await self.client.create_conversation(conversation_body(request))
        self.sender.is_new(as_text(conversation.get("id")))
        return await self._hand_over(request, conversation)

    def unfinished(self, request: HandoffRequest) -> VendorSession:
        """Return what is known of a handoff whose opening was given up."""
        return VendorSession(
            vendor_conversation_id="",
            state={
                "handoff_id": request.handoff_id,
                "user_external_id": user_external_id(request),
            },
        )

    async def found(self, unfinished: VendorSession) -> VendorSession | None:
        """Return it with the conversation that the handoff was written into, if there is one."""
        handoff_id = as_text(unfinished.state.get("handoff_id"))
        user = as_text(unfinished.state.get("user_external_id"))
        for conversation in await self.client.list_conversations(user):
            conversation_id = as_text(conversation.get("id"))
            is_own = as_object(conversation.get("metadata")).get(HANDOFF_KEY) == handoff_id
            self.sender.forget(conversation_id)  # what is there is to be seen
            if is_own or handoff_id in handoffs_in(await self.sender.known(conversation_id)):
                return replace(unfinished, vendor_conversation_id=conversation_id)
        return None

    async def _earlier(self, request: HandoffRequest) -> Json:
        """Find the conversation of an earlier try, or the one and only in single mode."""
        found = await self.client.list_conversations(user_external_id(request))
        for conversation in found:
            if as_object(conversation.get("metadata")).get(HANDOFF_KEY) == request.handoff_id:
                return conversation
        wanted = request.routing.get("conversation_type") or self.credentials.get(
            "conversation_type"
        )
        if wanted != SINGLE or not found:
            return {}
        return max(
            found, key=lambda item: (item.get("isDefault") is True, as_text(item.get("createdAt")))
        )

    async def _hand_over(self, request: HandoffRequest, conversation: Json) -> VendorSession:
        conversation_id = as_text(conversation.get("id"))
        postings = [opening_posting(message) for message in opening_messages(request)]
        known = await self.sender.known(conversation_id)
        is_complete = all((posting.mark, posting.part) in known for posting in postings)
        active, own = active_of(conversation), self.switchboard.own_target(conversation)
        if not is_complete and own and not self.switchboard.is_own(active):
            await self._take_control(conversation_id, own)
            active = {}
        posted = await self.sender.post(conversation_id, postings)
        # With a name of our own, control has left us only if an earlier try has passed it on.
        if not (is_complete and own and self.switchboard.is_agents(active)):
            await self._pass_control(request, conversation_id, active, posted)
        if own:
            await self._keep_hearing(conversation_id, own)
        tags = {ticket_tag(request.handoff_id)} | {ticket_tag(i) for i in handoffs_in(known)}
        return _session(request, conversation_id, own, posted, tags)

    async def _take_control(self, conversation_id: str, own: str) -> None:
        """Have control first: only what comes with the passing reaches the ticket."""
        try:
            await self.client.pass_control(conversation_id, own, {CONTROL_KEY: TAKING})
        except InvalidRoutingError as error:
            error.field = "own_switchboard_name"
            raise

    async def _pass_control(
        self, request: HandoffRequest, conversation_id: str, active: Json, posted: list[Json]
    ) -> None:
        first = as_text(posted[0].get("id"))
        await self.client.pass_control(
            conversation_id,
            self.switchboard.agents_target(active),
            control_metadata(request, self.credentials, first_message_id=first),
        )

    async def _keep_hearing(self, conversation_id: str, own: str) -> None:
        """Stay pending: Zendesk tells the pending integration what live agents say."""
        try:
            await self.client.offer_control(conversation_id, own, {CONTROL_KEY: HEARING})
        except ConnectorError as error:
            if error.retryable:
                raise
            # Not needed where standby events are on.
            self.http.note("offer_control", error.vendor_code or error.code)


def _session(
    request: HandoffRequest, conversation_id: str, own: str, posted: list[Json], tags: set[str]
) -> VendorSession:
    return VendorSession(
        vendor_conversation_id=conversation_id,
        # A ticket that is still open from an earlier handoff keeps the tag it had.
        keys=tuple(tag_key(tag) for tag in sorted(tags)),
        state={
            "handoff_id": request.handoff_id,
            "user_external_id": user_external_id(request),
            "own": own,
            "opened_at": as_text(posted[-1].get("received")),
        },
    )
