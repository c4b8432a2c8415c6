"""Posts our lines once, as far as Zendesk allows, and only while the live agents are there."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from integrations.contract.connector import VendorSession
from integrations.contract.errors import CannotConnectError, ConversationGoneError
from integrations.kit.json_values import Json, as_moment, as_object
from integrations.kit.recent import Recent
from integrations.vendors.zendesk.client import ZendeskMessagingClient
from integrations.vendors.zendesk.connector.progress import ENDED_AT
from integrations.vendors.zendesk.mapping.outgoing import Posting, Switchboard, active_of, marked

Marks = dict[tuple[str, int], Json]
_NOT_FOUND = 404
MAX_CONVERSATIONS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTiming:
    """Seconds: for how long a look at the control is good, and how late a merge may be told."""

    sure: float = 2.0
    merge: float = 10.0


@dataclass(slots=True)
class _Known:
    """One conversation: what was posted last, when its control was seen, since when it is gone."""

    # None where something else may have been posted since.
    last: Marks | None = None
    sure_until: float = 0.0
    missing_since: float | None = None


class Sender:
    """Looks into a conversation before it posts, whenever an earlier post may have arrived.

    Zendesk takes no key against repeats, but keeps what it was sent. A look is needed after every
    failure, and the first time this process posts into a conversation: another one may have died
    over the same message. What it posted last it remembers, for the portal may not have been able
    to note that.
    """

    def __init__(
        self, client: ZendeskMessagingClient, switchboard: Switchboard, timing: ControlTiming
    ) -> None:
        """Begin without knowledge of any conversation."""
        self._client = client
        self._switchboard = switchboard
        self._timing = timing
        self._conversations: Recent[_Known] = Recent(MAX_CONVERSATIONS)

    async def post(self, conversation_id: str, postings: Sequence[Posting]) -> list[Json]:
        """Post what is not there yet, in order; returns all of them as Zendesk has them."""
        marks = await self.known(conversation_id)
        known = self._of(conversation_id)
        known.last = None
        found = [await self._posted(conversation_id, posting, marks) for posting in postings]
        keys = [(posting.mark, posting.part) for posting in postings]
        known.last = dict(zip(keys, found, strict=True))
        return found

    async def known(self, conversation_id: str) -> Marks:
        """Return our messages of the newest page; after a good post those of that post will do."""
        if (last := self._of(conversation_id).last) is not None:
            return last
        return marked(await self._client.list_messages(conversation_id))

    def is_new(self, conversation_id: str) -> None:
        """Note that a conversation was made by this process just now."""
        self._of(conversation_id).last = {}

    def look_again(self, conversation_id: str) -> None:
        """Have a conversation read before the next post: what is there is to be seen."""
        self._of(conversation_id).last = None

    def forget(self, conversation_id: str) -> None:
        """Drop what is known of a conversation that is over."""
        self._conversations.discard(conversation_id)

    async def while_theirs(
        self, session: VendorSession, mark: str, post: Callable[[], Awaitable[object]]
    ) -> None:
        """Post if the live agents have the conversation; raises ConversationGoneError if not.

        After a release Zendesk takes a line all the same, for a new ticket.
        """
        conversation_id = session.vendor_conversation_id
        known = self._of(conversation_id)
        try:
            if session.state.get(ENDED_AT):
                await self._require_posted(conversation_id, mark)
                return
            if time.monotonic() >= known.sure_until:
                await self._look(conversation_id)
            await post()
        except ConversationGoneError as error:
            known.sure_until = 0.0
            if self._may_have_merged(conversation_id, error):
                raise CannotConnectError(error.message, retry_after=1.0) from error
            raise
        known.missing_since = None

    async def have_agents_left(self, conversation_id: str) -> bool:
        """Say whether the live agents have the conversation no longer."""
        try:
            await self._look(conversation_id)
        except ConversationGoneError as error:
            return not self._may_have_merged(conversation_id, error)
        return False

    async def late_marks(self, session: VendorSession) -> frozenset[str]:
        """Return the marks of our lines that came after an end on the live agents' side."""
        ended_at = as_moment(session.state.get(ENDED_AT))
        if ended_at is None:
            return frozenset()
        try:
            kept = await self._client.list_messages(session.vendor_conversation_id)
        except ConversationGoneError:
            return frozenset()  # nothing can have come after that

        def is_late(message: Json) -> bool:
            received = as_moment(message.get("received"))
            is_users = as_object(message.get("author")).get("type") == "user"
            return is_users and received is not None and received > ended_at

        return frozenset(mark for (mark, _), line in marked(kept).items() if is_late(line))

    async def _posted(self, conversation_id: str, posting: Posting, marks: Marks) -> Json:
        mark = (posting.mark, posting.part)
        if mark in marks:
            return marks[mark]
        posted = await self._client.post_message(conversation_id, posting.body)
        return posted[0] if posted else {}

    async def _require_posted(self, conversation_id: str, mark: str) -> None:
        """After the end nothing is posted; what was, before an answer was lost, is there."""
        self.look_again(conversation_id)
        if not any(known == mark for known, _ in await self.known(conversation_id)):
            raise ConversationGoneError("post_message: the live agent has ended")

    async def _look(self, conversation_id: str) -> None:
        conversation = await self._client.get_conversation(conversation_id)
        if not self._switchboard.is_agents(active_of(conversation)):
            raise ConversationGoneError("get_conversation: not with the live agents any more")
        self._of(conversation_id).sure_until = time.monotonic() + self._timing.sure

    def _may_have_merged(self, conversation_id: str, error: ConversationGoneError) -> bool:
        """Say whether a conversation that is not found may go on under an id still to be told."""
        if error.status != _NOT_FOUND:
            return False
        known, now = self._of(conversation_id), time.monotonic()
        if known.missing_since is None:
            known.missing_since = now
        return now - known.missing_since < self._timing.merge

    def _of(self, conversation_id: str) -> _Known:
        return self._conversations.of(conversation_id, _Known)
