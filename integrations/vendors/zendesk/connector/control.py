"""Whether the live agents still have a conversation: before a line goes there, and at its end."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from integrations.contract.connector import OutboundMessage, VendorSession
from integrations.contract.errors import CannotConnectError, ConversationGoneError
from integrations.vendors.zendesk.client import ZendeskMessagingClient
from integrations.vendors.zendesk.connector.progress import ENDED_AT
from integrations.vendors.zendesk.connector.sending import Sender
from integrations.vendors.zendesk.mapping.control import Switchboard, active_of
from integrations.vendors.zendesk.mapping.json import Json, as_object, as_text, read_moment
from integrations.vendors.zendesk.mapping.message import marked, notice_posting
from integrations.vendors.zendesk.mapping.start import CONTROL_KEY, ENDING

# What a live agent reads in a ticket that a line has opened or opened again after the end.
_CROSSED = "The conversation was over when the end user wrote this: they know that nobody got it."
_NOT_FOUND, _FULL = 404, 423


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTiming:
    """Seconds: for how long a look at the control is good, and how late a merge may be told."""

    sure: float = 2.0
    merge: float = 10.0


class AgentsControl:
    """Keeps lines from opening a new ticket at Zendesk, and closes what one has opened."""

    def __init__(
        self,
        client: ZendeskMessagingClient,
        sender: Sender,
        switchboard: Switchboard,
        timing: ControlTiming,
    ) -> None:
        """Begin without knowledge of any conversation."""
        self._client = client
        self._sender = sender
        self._switchboard = switchboard
        self._timing = timing
        self._sure_until: dict[str, float] = {}
        self._missing_since: dict[str, float] = {}

    async def while_theirs(
        self, session: VendorSession, mark: str, post: Callable[[], Awaitable[object]]
    ) -> None:
        """Post if the live agents have the conversation; raises ConversationGoneError if not.

        After a release Zendesk takes a line all the same, for a new ticket.
        """
        conversation_id = session.vendor_conversation_id
        try:
            if session.state.get(ENDED_AT):
                await self._require_posted(conversation_id, mark)
                return
            if time.monotonic() >= self._sure_until.get(conversation_id, 0.0):
                await self._look(conversation_id)
            await post()
        except ConversationGoneError as error:
            self._sure_until.pop(conversation_id, None)
            if error.status == _NOT_FOUND and self._may_have_merged(conversation_id):
                raise CannotConnectError(error.message, retry_after=1.0) from error
            raise
        self._missing_since.pop(conversation_id, None)

    async def has_left(self, conversation_id: str) -> bool:
        """Say whether the live agents have the conversation no longer."""
        try:
            await self._look(conversation_id)
        except ConversationGoneError as error:
            return not (error.status == _NOT_FOUND and self._may_have_merged(conversation_id))
        return False

    async def late(
        self, session: VendorSession, messages: Sequence[OutboundMessage]
    ) -> frozenset[str]:
        """Return the ids of those messages that Zendesk received after the live agent's end."""
        return await self._late(session) & {message.message_id for message in messages}

    async def take_back(self, session: VendorSession, farewell: str) -> None:
        """Tell the live agent why, and leave the conversation to nobody.

        After an end on their side only what a line has opened since is taken back.
        """
        conversation_id = session.vendor_conversation_id
        has_crossed = bool(await self._late(session))
        if session.state.get(ENDED_AT) and not has_crossed:
            return
        conversation = await self._client.get_conversation(conversation_id)
        active = active_of(conversation)
        if self._switchboard.is_agents(active):
            await self._say(session, _CROSSED if has_crossed else farewell)
        elif not (has_crossed and active) and not self._switchboard.is_own(active):
            return
        if not self._switchboard.is_own(active):
            own = self._switchboard.own_target(conversation) or as_text(session.state.get("own"))
            if not own:
                return
            await self._client.pass_control(conversation_id, own, {CONTROL_KEY: ENDING})
        await self._client.release_control(conversation_id, {CONTROL_KEY: ENDING})

    def forget(self, conversation_id: str) -> None:
        """Drop what is known of a conversation that is over."""
        self._sure_until.pop(conversation_id, None)
        self._missing_since.pop(conversation_id, None)

    async def _require_posted(self, conversation_id: str, mark: str) -> None:
        """After the end nothing is posted; what was, before an answer was lost, is there."""
        self._sender.forget(conversation_id)
        if not any(known == mark for known, _ in await self._sender.known(conversation_id)):
            raise ConversationGoneError("post_message: the live agent has ended")

    async def _look(self, conversation_id: str) -> None:
        conversation = await self._client.get_conversation(conversation_id)
        if not self._switchboard.is_agents(active_of(conversation)):
            raise ConversationGoneError("get_conversation: not with the live agents any more")
        self._sure_until[conversation_id] = time.monotonic() + self._timing.sure

    def _may_have_merged(self, conversation_id: str) -> bool:
        """Say whether a conversation that is not found may go on under an id still to be told."""
        since = self._missing_since.setdefault(conversation_id, time.monotonic())
        return time.monotonic() - since < self._timing.merge

    async def _late(self, session: VendorSession) -> frozenset[str]:
        """Return the marks of our lines that came after an end on the live agents' side."""
        ended_at = read_moment(session.state.get(ENDED_AT))
        if ended_at is None:
            return frozenset()
        try:
            kept = await self._client.list_messages(session.vendor_conversation_id)
        except ConversationGoneError:
            return frozenset()  # nothing can have come after that

        def is_late(message: Json) -> bool:
            received = read_moment(message.get("received"))
            is_users = as_object(message.get("author")).get("type") == "user"
            return is_users and received is not None and received > ended_at

        return frozenset(mark for (mark, _), line in marked(kept).items() if is_late(line))

    async def _say(self, session: VendorSession, text: str) -> None:
        notice = notice_posting(f"{as_text(session.state.get('handoff_id'))}:end", text)
        try:
            await self._sender.post(session.vendor_conversation_id, [notice])
        except ConversationGoneError as error:
            if error.status != _FULL:  # no room even for this: control is taken back without it
                raise
