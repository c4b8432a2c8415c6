"""Posts our messages once as far as Zendesk allows: it takes no key, but keeps what it was sent."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.vendors.zendesk.client import ZendeskMessagingClient
from integrations.vendors.zendesk.mapping_json import Json
from integrations.vendors.zendesk.mapping_message import Posting, marked

Marks = dict[tuple[str, int], Json]


class Sender:
    """Looks into a conversation before it posts, whenever an earlier post may have arrived.

    That is so after every failure, and the first time this process posts into a conversation:
    another one may have died over the same message.
    """

    def __init__(self, client: ZendeskMessagingClient) -> None:
        """Begin without knowledge of any conversation."""
        self._client = client
        self._certain: set[str] = set()

    async def post(self, conversation_id: str, postings: Sequence[Posting]) -> list[Json]:
        """Post what is not there yet, in order; returns all of them as Zendesk has them."""
        known = await self.known(conversation_id)
        self._certain.discard(conversation_id)
        found = [await self._posted(conversation_id, posting, known) for posting in postings]
        self._certain.add(conversation_id)
        return found

    async def known(self, conversation_id: str) -> Marks:
        """Return our messages of the newest page; none need be looked for after a good post."""
        if conversation_id in self._certain:
            return {}
        return marked(await self._client.list_messages(conversation_id))

    def is_new(self, conversation_id: str) -> None:
        """Note that a conversation was made by this process just now."""
        self._certain.add(conversation_id)

    def forget(self, conversation_id: str) -> None:
        """Drop what is known of a conversation that is over."""
        self._certain.discard(conversation_id)

    async def _posted(self, conversation_id: str, posting: Posting, known: Marks) -> Json:
        mark = (posting.mark, posting.part)
        if mark in known:
            return known[mark]
        posted = await self._client.post_message(conversation_id, posting.body)
        return posted[0] if posted else {}
