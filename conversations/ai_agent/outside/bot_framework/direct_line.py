"""A bot behind Direct Line: Baton is a client of the channel, one conversation for each of ours."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from conversations.ai_agent.outside.agent import (
    AgentAnswer,
    AgentFailedError,
    AgentTurn,
    Joined,
    Return,
)
from conversations.ai_agent.outside.answers import SOURCE
from conversations.ai_agent.outside.bot_framework.client import DirectLineClient
from conversations.ai_agent.outside.bot_framework.feed import Feed, open_feed
from conversations.ai_agent.outside.bot_framework.kept import Kept
from conversations.ai_agent.outside.bot_framework.reading import (
    MESSAGE,
    answer_of,
    closes,
    in_order,
    replies_to,
)
from conversations.ai_agent.outside.bot_framework.sending import (
    joined_activity,
    left_activity,
    message_activity,
    user_of,
)
from conversations.ai_agent.outside.options import AgentOptions
from conversations.ai_agent.turn import TurnLog
from integrations.contract.errors import CannotConnectError, ConnectorError, ConversationGoneError
from integrations.http.client import HttpClient
from integrations.kit.json_values import Json, as_object, as_text

BASE = "https://directline.botframework.com/v3/directline"
# The end of a turn is not announced: so long after the bot's last word it is over.
SILENCE_SECONDS = 0.8
# So much of the turn is left for what follows.
MARGIN_SECONDS = 0.5
# Within this the service may swap what the bot has said in order.
ORDER_SECONDS = 0.3


class DirectLineAgent:
    """Speaks Direct Line 3.0 for one conversation."""

    def __init__(self, base: str, secret: str, options: AgentOptions) -> None:
        """Keep where the bot is; an empty base is the public service."""
        self._base, self._secret, self._options = base or BASE, secret, options
        self._began = time.monotonic()

    async def answer(self, turn: AgentTurn, http: HttpClient) -> AgentAnswer:
        """Say what the end user said, and return what the bot answers."""
        kept, client = Kept.of(turn.session), self._client(http)
        self._began = time.monotonic()
        try:
            return await self._talk(turn, kept, client)
        except ConversationGoneError:
            # Nothing of this turn has reached the bot: it begins anew, where nothing is remembered.
            kept.restart()
            return await self._talk(turn, kept, client)

    async def human_joined(self, news: Joined, http: HttpClient) -> None:
        """Tell the bot that a live agent has taken over."""
        await self._tell(news.session, joined_activity(news), http)

    async def human_left(self, news: Return, http: HttpClient) -> None:
        """Tell the bot that it is in charge again, and what happened meanwhile."""
        await self._tell(news.session, left_activity(news), http)

    async def _tell(
        self, session: Mapping[str, Any], activity: Mapping[str, Any], http: HttpClient
    ) -> None:
        """Send news; a conversation that is gone on the bot's side needs none."""
        kept = Kept.of(session)
        if kept.conversation_id:
            with suppress(ConversationGoneError):
                await self._client(http).send(kept.conversation_id, activity)

    def _client(self, http: HttpClient) -> DirectLineClient:
        seconds = float(self._options.whole_seconds)
        return DirectLineClient(http, self._base, self._secret, seconds=seconds)

    async def _talk(self, turn: AgentTurn, kept: Kept, client: DirectLineClient) -> AgentAnswer:
        dropped = await self._catch_up(turn, kept, client)
        stream_url = await self._stream(kept, client)
        user = user_of(turn.conversation)["id"]
        async with open_feed(client, kept, stream_url) as feed:
            listening = _Listening(kept, user, turn.id, self._began, self._options)
            await listening.say(client, message_activity(turn, kept))
            await listening.hear(feed)
        answer = answer_of(in_order(listening.heard), kept)
        if not listening.heard:
            raise listening.failure()
        return replace(answer, logs=[*dropped, *answer.logs])

    async def _catch_up(
        self, turn: AgentTurn, kept: Kept, client: DirectLineClient
    ) -> list[TurnLog]:
        """Read past what the bot said while a live agent was in charge: it is never shown."""
        handoff_id = as_text((turn.handoff or {}).get("id"))
        is_back = handoff_id != kept.handoff_id
        kept.handoff_id = handoff_id
        if not is_back or not kept.conversation_id:
            return []
        user, late = user_of(turn.conversation)["id"], 0
        async for page in client.activities(kept.conversation_id, kept.watermark):
            kept.watermark = page.watermark or kept.watermark
            fresh = [one for one in page.activities if kept.is_new(as_text(one.get("id")))]
            late += sum(one.get("type") == MESSAGE and not _is_own(one, user) for one in fresh)
        if not late:
            return []
        text = f"{late} messages of the bot came while it was not in charge, and were dropped."
        return [TurnLog(level="info", content=text, source=SOURCE, code="agent_late")]

    async def _stream(self, kept: Kept, client: DirectLineClient) -> str:
        """Return where to listen; opens the conversation where there is none."""
        if not kept.conversation_id:
            opened = await client.start()
            kept.conversation_id, kept.has_stream = opened.conversation_id, bool(opened.stream_url)
            return opened.stream_url
        if not kept.has_stream:
            return ""
        return (await client.reconnect(kept.conversation_id, kept.watermark)).stream_url


class _Listening:
    """One turn on the wire: what was sent, what came, and when it is over."""

    def __init__(
        self, kept: Kept, user: str, turn_id: str, began: float, options: AgentOptions
    ) -> None:
        self.heard: list[Json] = []
        self.broke: ConnectorError | None = None
        self._kept, self._user, self._turn_id, self._options = kept, user, turn_id, options
        self._sent_id = ""
        self._began = began
        self._has_life = self._is_answered = self._is_closed = False
        self._last = self._began

    def failure(self) -> AgentFailedError:
        """Return why nothing was heard."""
        if self.broke is not None:
            return AgentFailedError.of(self.broke)
        waited = time.monotonic() - self._began
        text = f"The bot did not answer within {waited:.0f} seconds."
        return AgentFailedError("agent_silent", text, session=self._kept.as_dict())

    async def say(self, client: DirectLineClient, activity: Mapping[str, Any]) -> None:
        """Send it; a service that is slow to confirm may still bring an answer."""
        try:
            self._sent_id = await client.send(self._kept.conversation_id, activity)
        except CannotConnectError as error:
            if not error.is_in_doubt:
                raise
            if error.status is not None and error.status != 504:
                text = f"The bot failed: {error}"
                session = self._kept.as_dict()
                raise AgentFailedError("agent_bot_failed", text, session=session) from error

    async def hear(self, feed: Feed) -> None:
        """Listen until the bot has answered and is silent, or the deadline has passed."""
        while (left := self._left()) > 0:
            try:
                page = await feed.next(left)
            except ConnectorError as error:
                # What was sent has arrived: nothing of it may be sent again.
                self.broke = error
                return
            if page is None:
                continue
            self._kept.watermark = page.watermark or self._kept.watermark
            for activity in page.activities:
                self._add(activity)

    def _add(self, activity: Json) -> None:
        if _is_own(activity, self._user):
            self._note_echo(activity)
            return
        self._has_life = True
        if not self._kept.is_new(as_text(activity.get("id"))):
            return
        self.heard.append(activity)
        self._last = time.monotonic()
        # A bot that names nothing answers what it was asked last.
        is_ours = replies_to(activity) in ("", self._sent_id) or not self._sent_id
        self._is_closed = self._is_closed or (closes(activity) and is_ours)
        self._is_answered |= is_ours and (activity.get("type") == MESSAGE or self._is_closed)

    def _note_echo(self, activity: Json) -> None:
        """Learn the id of what we sent from its echo, where its confirmation was lost."""
        told = as_object(activity.get("channelData"))
        if told.get("clientActivityID") == self._turn_id and not self._sent_id:
            self._sent_id = as_text(activity.get("id"))

    def _left(self) -> float:
        now, options = time.monotonic(), self._options
        seconds = options.whole_seconds if self._has_life else options.first_seconds
        # Before the turn's own deadline, which would lose what was heard.
        deadline = self._began + min(seconds, options.whole_seconds - MARGIN_SECONDS)
        if self._is_answered:
            silence = ORDER_SECONDS if self._is_closed else SILENCE_SECONDS
            deadline = min(deadline, self._last + silence)
        return deadline - now


def _is_own(activity: Json, user: str) -> bool:
    told = as_object(activity.get("from"))
    return told.get("id") == user or told.get("role") == "user"
