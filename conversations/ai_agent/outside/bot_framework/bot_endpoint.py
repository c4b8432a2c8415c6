"""A bot at its own address: Baton is the channel, and the answer comes in the body of the call.

Only for bots that take `expectReplies` (the Microsoft 365 Agents SDK does), and that ask for no
token of the Bot Framework, or stand behind something that takes a bearer token of yours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from conversations.ai_agent.outside.agent import (
    AgentAnswer,
    AgentFailedError,
    AgentTurn,
    Joined,
    Return,
)
from conversations.ai_agent.outside.bot_framework.kept import Kept
from conversations.ai_agent.outside.bot_framework.reading import answer_of
from conversations.ai_agent.outside.bot_framework.sending import (
    joined_activity,
    left_activity,
    message_activity,
)
from conversations.ai_agent.outside.options import AgentOptions
from integrations.contract.errors import UnexpectedResponseError
from integrations.http.client import HttpClient
from integrations.kit.json_values import Json, as_object, as_objects, iso_moment

CHANNEL = "baton"


class BotEndpointAgent:
    """Posts activities to a bot's /api/messages."""

    def __init__(self, url: str, secret: str, options: AgentOptions) -> None:
        """Keep where the bot is."""
        self._url, self._secret, self._options = url, secret, options

    async def answer(self, turn: AgentTurn, http: HttpClient) -> AgentAnswer:
        """Say what the end user said, and return what the bot answers at once."""
        kept = Kept.of(turn.session)
        activity = message_activity(turn, kept)
        replies = await self._post(http, turn.id, turn.conversation["id"], activity)
        return answer_of(replies, kept)

    async def human_joined(self, news: Joined, http: HttpClient) -> None:
        """Tell the bot that a live agent has taken over; what it says to that nobody sees."""
        await self._post(http, news.id, news.conversation["id"], joined_activity(news))

    async def human_left(self, news: Return, http: HttpClient) -> None:
        """Tell the bot that it is in charge again, and what happened meanwhile."""
        await self._post(http, news.id, news.conversation["id"], left_activity(news))

    async def _post(
        self, http: HttpClient, activity_id: str, conversation_id: str, activity: Mapping[str, Any]
    ) -> list[Json]:
        response = await http.request(
            "bot activity",
            "POST",
            self._url,
            headers={"Authorization": f"Bearer {self._secret}"} if self._secret else {},
            json={
                **activity,
                "id": activity_id,
                "channelId": CHANNEL,
                "conversation": {"id": conversation_id},
                "recipient": {"id": "bot", "role": "bot"},
                # Nothing listens there: the answers are in the body.
                "serviceUrl": f"urn:{CHANNEL}",
                "deliveryMode": "expectReplies",
                "timestamp": iso_moment(datetime.now(UTC)),
            },
            timeout=self._options.whole_seconds,
            silence=self._options.first_seconds,
        )
        try:
            found = as_object(response.json()) if response.body else {}
        except UnexpectedResponseError as error:
            raise AgentFailedError("agent_answer", "The bot's answer is not JSON.") from error
        if "activities" not in found and activity["type"] == "message":
            text = "The bot did not answer in the body: it does not take expectReplies."
            raise AgentFailedError("agent_answer", text)
        return as_objects(found.get("activities"))
