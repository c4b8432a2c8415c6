"""An OpenAI-compatible model as the AI agent: asked, its functions run, until it has answered."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from conversations.ai_agent.chat_model.claims import claims_handoff
from conversations.ai_agent.chat_model.functions import Functions
from conversations.ai_agent.chat_model.offers import HANDOFF, Offer, offer_for
from conversations.ai_agent.chat_model.prompt import messages_for
from conversations.ai_agent.chat_model.server import STATUSES, credentials, endpoint, refusal
from conversations.ai_agent.chat_model.wire import Answer, Collector, answer_whole
from conversations.ai_agent.outside.agent import (
    AgentAnswer,
    AgentFailedError,
    AgentPlace,
    AgentTurn,
)
from conversations.ai_agent.outside.options import AgentOptions
from conversations.ai_agent.streaming import ASKS_WHOLE
from conversations.ai_agent.turn import AgentMessage
from conversations.event_loop.executor import run_sync
from conversations.models import OutsideAgent
from integrations.behaviour.sentences import sentence
from integrations.contract.errors import CannotConnectError, ConnectorError, RateLimitedError
from integrations.http.client import HttpClient

ROUNDS_MAX = 5
FLUSH_SECONDS = 0.05
DONE = "[DONE]"


@dataclass(slots=True)
class _Talk:
    """Where a turn is: what was offered, has run, and was said."""

    offer: Offer
    functions: Functions
    messages: list[dict[str, Any]]
    rounds: int = 0


class ChatModel:
    """Speaks /chat/completions; one instance for each turn."""

    def __init__(self, agent: OutsideAgent, options: AgentOptions, place: AgentPlace) -> None:
        """Keep where the model is and what it may use."""
        own = agent.options
        self._url = endpoint(agent.url, own.get("api_version", ""))
        self._headers = credentials(agent.secrets.get("api_key", ""), own.get("api_version", ""))
        self._model, self._instructions = own.get("model", ""), own.get("instructions", "")
        self._streams = not own.get(ASKS_WHOLE)
        self._options, self._place = options, place
        self._has_shown = False
        self._talk: _Talk | None = None

    async def answer(self, turn: AgentTurn, http: HttpClient) -> AgentAnswer:
        """Ask until the model has said what it wants; what was shown is not asked for again.

        Called again after a failure it goes on from there: no function runs twice.
        """
        if self._talk is None:
            self._talk = await self._begun(turn)
        try:
            return await self._rounds(http, self._talk)
        except (CannotConnectError, RateLimitedError) as error:
            if self._has_shown:
                raise AgentFailedError.of(error) from error
            raise

    async def _begun(self, turn: AgentTurn) -> _Talk:
        conversation = self._place.conversation
        self._tongue = await run_sync(lambda: self._place.conversation.tongue)
        offer = await run_sync(
            offer_for, conversation, turn.message["text"], self._place.destinations
        )
        messages = messages_for(turn, offer, self._instructions)
        return _Talk(offer, Functions(self._place, offer, turn), messages)

    async def _rounds(self, http: HttpClient, talk: _Talk) -> AgentAnswer:
        functions = talk.functions
        while True:
            is_last = talk.rounds == ROUNDS_MAX
            choice: dict[str, Any] = {"tools": talk.offer.functions}
            if is_last:
                choice["tool_choice"] = "none"
            answer = await self._ask(http, {"messages": talk.messages, **choice}, functions)
            if not answer.calls or is_last:
                break
            results = [await functions.run(call) for call in functions.in_order(answer.calls)]
            if functions.is_over:
                return functions.answer(self._words())
            talk.messages += [_asked(answer), *results]
            talk.rounds += 1
        if claims_handoff(answer.text) and not functions.is_over:
            await self._make_true(http, talk)
        return functions.answer(self._words())

    async def _make_true(self, http: HttpClient, talk: _Talk) -> None:
        """Let a promised handoff happen: asked once more, then by default."""
        choice = {"tools": talk.offer.only(HANDOFF), "tool_choice": "required"}
        asked = {"messages": talk.messages, **choice}
        with suppress(ConnectorError):
            again = await self._ask(http, asked, talk.functions, is_silent=True)
            for call in again.calls:
                if call.name == HANDOFF:
                    await talk.functions.run(call)
                    return
        talk.functions.hand_off_by_default()

    async def _ask(
        self,
        http: HttpClient,
        body: Mapping[str, Any],
        functions: Functions,
        *,
        is_silent: bool = False,
    ) -> Answer:
        asked = {"model": self._model, **body}
        message_id = uuid.uuid4()
        if self._streams:
            answer = await self._stream(http, asked, None if is_silent else message_id)
        else:
            answer = await self._whole(http, asked)
        if answer.refusal or answer.is_filtered:
            raise AgentFailedError("agent_refused", "The model refused to answer this.")
        if answer.is_cut:
            functions.note("The model's answer was cut off: it had no more room.")
        if answer.text.strip() and not is_silent:
            functions.messages.append(AgentMessage(text=answer.text.strip(), id=message_id))
        return answer

    async def _whole(self, http: HttpClient, asked: Mapping[str, Any]) -> Answer:
        response = await http.request(
            "model turn",
            "POST",
            self._url,
            headers=self._headers,
            json=asked,
            timeout=self._options.whole_seconds,
            silence=self._options.first_seconds,
            statuses=STATUSES,
            read_error=refusal,
        )
        return answer_whole(response.body)

    async def _stream(
        self, http: HttpClient, asked: Mapping[str, Any], message_id: uuid.UUID | None
    ) -> Answer:
        found, waiting, shown_at, is_whole = Collector(), "", time.monotonic(), False
        async with http.stream_events(
            "model turn",
            self._url,
            method="POST",
            json={**asked, "stream": True},
            headers=self._headers,
            idle_timeout=self._options.whole_seconds,
            open_timeout=self._options.first_seconds,
            statuses=STATUSES,
            read_error=refusal,
        ) as events:
            async for event in events:
                if event.data.strip() == DONE:
                    is_whole = True
                    break
                waiting += found.take(event.data)
                if waiting and time.monotonic() - shown_at >= FLUSH_SECONDS:
                    await self._show(message_id, waiting, False)
                    waiting, shown_at = "", time.monotonic()
        if not is_whole and not found.answer.finish:
            raise CannotConnectError("The model's answer broke off.", reason="stream")
        if waiting or found.answer.text:
            await self._show(message_id, waiting, True)
        return found.answer

    async def _show(self, message_id: uuid.UUID | None, piece: str, is_last: bool) -> None:
        if self._place.show is None or message_id is None:
            return
        self._has_shown = True
        self._place.show(message_id, piece, is_last)
        await asyncio.sleep(0)

    def _words(self) -> str:
        return sentence("handing_over", self._tongue)


def _asked(answer: Answer) -> dict[str, Any]:
    """Return the model's own message, which the results of its calls must follow."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for call in answer.calls
    ]
    return {"role": "assistant", "content": answer.text or None, "tool_calls": calls}
