"""Posts our messages once as far as Zendesk allows: it takes no key, but keeps what it was sent."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.vendors.zendesk.client import ZendeskMessagingClient
from integrations.vendors.zendesk.mapping.json import Json
from integrations.vendors.zendesk.mapping.message import Posting, marked

Marks = dict[tuple[str, int], Json]


class Sender:
    """Looks into a conversation before it posts, whenever an earlier post may have arrived.

    That is so after every failure, and the first time this process posts into a conversation:
    another one may have died over the same message. What it posted last it remembers, for the
    portal may not have been able to note that.
    """

    def __init__(self, client: ZendeskMessagingClient) -> None:
        """Begin without knowledge of any conversation."""
        self._client = client
        # What was posted last, where nothing else can have been posted since.
        self._last: dict[str, Marks] = {}

    async def post(self, conversation_id: str, postings: Sequence[Posting]) -> list[Json]:
        """Post what is not there yet, in order; returns all of them as Zendesk has them."""
        known = await self.known(conversation_id)
        self._last.pop(conversation_id, None)
        found = [await self._posted(conversation_id, posting, known) for posting in postings]
        marks = [(posting.mark, posting.part) for posting in postings]
        self._last[conversation_id] = dict(zip(marks, found, strict=True))
        return found

    async def known(self, conversation_id: str) -> Marks:
        """Return our messages of the newest page; after a good post those of that post will do."""
        if (last := self._last.get(conversation_id)) is not None:
            return last
        return marked(await self._client.list_messages(conversation_id))

    def is_new(self, conversation_id: str) -> None:
        """Note that a conversation was made by this process just now."""
        self._last[conversation_id] = {}

    def forget(self, conversation_id: str) -> None:
        """Drop what is known of a conversation that is over."""
        self._last.pop(conversation_id, None)

    async def _posted(self, conversation_id: str, posting: Posting, known: Marks) -> Json:
        mark = (posting.mark, posting.part)
        if mark in known:
            return known[mark]
        posted = await self._client.post_message(conversation_id, posting.body)
        return posted[0] if posted else {}
