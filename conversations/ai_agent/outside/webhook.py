"""An agent that we call each turn: a signed POST, answered with the dict of a tool."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from conversations.ai_agent.outside.agent import AgentAnswer, AgentFailedError, AgentTurn, Return
from conversations.ai_agent.outside.answers import answer_read
from conversations.ai_agent.outside.options import AgentOptions
from integrations.http.client import HttpClient
from integrations.kit.plain_json import vendor_json
from integrations.kit.signatures import outbound_headers

EVENT_MESSAGE, EVENT_RETURN = "message", "handoff_ended"
# Nobody waits for it, but the agent is to know before the next message.
NEWS_SECONDS = 10.0
ACCEPTED = 202


class WebhookAgent:
    """Speaks agent_api section 22, `webhook`."""

    def __init__(self, url: str, secrets: Sequence[str], options: AgentOptions) -> None:
        """Keep where the agent is, and what signs our calls: several while one is replaced."""
        self._url, self._secrets, self._options = url, secrets, options

    async def answer(self, turn: AgentTurn, http: HttpClient) -> AgentAnswer:
        """Post the turn; 202 and 204 mean that the answer comes later by REST."""
        body = turn_body(turn)
        response = await http.request(
            "agent turn",
            "POST",
            self._url,
            headers=signed_headers(self._secrets, body, turn.id),
            data=body,
            timeout=self._options.whole_seconds,
            silence=self._options.first_seconds,
        )
        if response.status in (ACCEPTED, 204):
            return AgentAnswer(comes_later=True)
        try:
            said = vendor_json(response.body)
        except ValueError as error:
            raise AgentFailedError("agent_answer", "The agent's answer is not JSON.") from error
        return answer_read(said)

    async def human_left(self, news: Return, http: HttpClient) -> None:
        """Post the news; any 2xx is enough, and what it answers is not read."""
        body = _json(
            {
                "event": EVENT_RETURN,
                "id": news.id,
                "conversation": news.conversation,
                "human_part": asdict(news.human_part),
            }
        )
        await http.request(
            "agent news",
            "POST",
            self._url,
            headers=signed_headers(self._secrets, body, news.id),
            data=body,
            timeout=NEWS_SECONDS,
        )


def turn_body(turn: AgentTurn) -> bytes:
    """Return the turn as it goes over the wire."""
    said: dict[str, Any] = {
        "event": EVENT_MESSAGE,
        "id": turn.id,
        "conversation": turn.conversation,
        "message": turn.message,
        "history": turn.history,
        "handoff": turn.handoff,
    }
    if turn.is_back and turn.human_parts:
        said["human_part"] = asdict(turn.human_parts[-1])
    return _json(said)


def _json(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, default=str).encode()


def signed_headers(secrets: Sequence[str], body: bytes, event_id: str) -> Mapping[str, str]:
    """Return the headers of a signed call (agent_api section 16), repeatable by its id."""
    return outbound_headers(secrets, body, event_id)
