"""Hands a conversation to the live agents and takes it back; both may be run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from integrations.contract.connector import HandoffRequest, VendorSession
from integrations.contract.errors import ConnectorError, ConversationGoneError, InvalidRoutingError
from integrations.kit.hints import hint_text
from integrations.kit.json_values import Json, as_object, as_text
from integrations.vendors.zendesk.client import ZendeskMessagingClient
from integrations.vendors.zendesk.connector.progress import ENDED_AT
from integrations.vendors.zendesk.connector.sending import Sender
from integrations.vendors.zendesk.connector.webhooks import tag_key, user_keys
from integrations.vendors.zendesk.mapping.outgoing import (
    CONTROL_KEY,
    ENDING,
    HANDOFF_KEY,
    HEARING,
    TAKING,
    Switchboard,
    active_of,
    control_metadata,
    conversation_body,
    handoffs_in,
    notice_posting,
    opening_lines,
    opening_postings,
    ticket_tag,
    user_body,
    user_external_id,
)

SINGLE = "single"
# What a live agent reads in a ticket that a line has opened or opened again after the end.
_CROSSED = "The conversation was over when the end user wrote this: they know that nobody got it."
_FULL = 423


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Moves the control of one connection's conversations; `note` takes remarks for an admin."""

    client: ZendeskMessagingClient
    sender: Sender
    switchboard: Switchboard
    credentials: Mapping[str, str] = field(repr=False)
    note: Callable[[str, str], None]

    async def open(self, request: HandoffRequest) -> VendorSession:
        """Return the session of a conversation that the live agents have."""
        user = await self.client.create_user(user_body(request))
        conversation: Json = {}
        if user is None:
            user = await self.client.get_user(user_external_id(request))
            conversation = await self._earlier(request)
        if conversation:
            self.sender.look_again(as_text(conversation.get("id")))
            try:
                return await self._hand_over(request, user, conversation)
            except ConversationGoneError:
                pass  # full or deleted: a new one takes its place
        conversation = await self.client.create_conversation(conversation_body(request))
        self.sender.is_new(as_text(conversation.get("id")))
        return await self._hand_over(request, user, conversation)

    async def found(self, unfinished: VendorSession) -> VendorSession | None:
        """Return it with the conversation that the handoff was written into, if there is one."""
        handoff_id = as_text(unfinished.state.get("handoff_id"))
        user = as_text(unfinished.state.get("user_external_id"))
        for conversation in await self.client.list_conversations(user):
            conversation_id = as_text(conversation.get("id"))
            is_own = as_object(conversation.get("metadata")).get(HANDOFF_KEY) == handoff_id
            self.sender.look_again(conversation_id)
            if is_own or handoff_id in handoffs_in(await self.sender.known(conversation_id)):
                return replace(unfinished, vendor_conversation_id=conversation_id)
        return None

    async def take_back(self, session: VendorSession, farewell: str) -> None:
        """Tell the live agent why, and leave the conversation to nobody.

        After an end on their side only what a line has opened since is taken back.
        """
        conversation_id = session.vendor_conversation_id
        has_crossed = bool(await self.sender.late_marks(session))
        if session.state.get(ENDED_AT) and not has_crossed:
            return
        conversation = await self.client.get_conversation(conversation_id)
        active = active_of(conversation)
        if self.switchboard.is_agents(active):
            await self._say(session, _CROSSED if has_crossed else farewell)
        elif not (has_crossed and active) and not self.switchboard.is_own(active):
            return
        if not self.switchboard.is_own(active):
            own = self.switchboard.own_target(conversation) or as_text(session.state.get("own"))
            if not own:
                return
            await self.client.pass_control(conversation_id, own, {CONTROL_KEY: ENDING})
        await self.client.release_control(conversation_id, {CONTROL_KEY: ENDING})

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

    async def _hand_over(
        self, request: HandoffRequest, user: Json, conversation: Json
    ) -> VendorSession:
        conversation_id = as_text(conversation.get("id"))
        postings = opening_postings(request.handoff_id, opening_lines(request))
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
        return replace(
            unfinished_session(
                request,
                own=own,
                opened_at=as_text(posted[-1].get("received")),
                note=hint_text(request.routing.get("note")),
            ),
            vendor_conversation_id=conversation_id,
            # A ticket that is still open from an earlier handoff keeps the tag it had.
            keys=(*(tag_key(tag) for tag in sorted(tags)), *user_keys(user)),
        )

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
            self.note("offer_control", error.vendor_code or error.code)

    async def _say(self, session: VendorSession, text: str) -> None:
        notice = notice_posting(f"{as_text(session.state.get('handoff_id'))}:end", text)
        try:
            await self.sender.post(session.vendor_conversation_id, [notice])
        except ConversationGoneError as error:
            if error.status != _FULL:  # no room even for this: control is taken back without it
                raise


def unfinished_session(request: HandoffRequest, **state: object) -> VendorSession:
    """Return a session without a conversation: by handoff and end user it can be found."""
    known = {"handoff_id": request.handoff_id, "user_external_id": user_external_id(request)}
    return VendorSession(vendor_conversation_id="", state={**known, **state})
