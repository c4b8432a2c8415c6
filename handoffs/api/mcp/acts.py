"""What the tools do: services and selectors, with the project that the key names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

from conversations.ai_agent.conv.offers import offers_read, problems_text
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS
from conversations.ai_agent.turn import AgentMessage
from conversations.errors import ConversationEndedError
from conversations.models import Conversation
from handoffs.api.mcp.key import key_of_request
from handoffs.errors import HandoffError, InvalidPayloadError
from handoffs.models import Handoff
from handoffs.starting.turns.agent_acts import (
    AgentActError,
    AlreadyActiveError,
    NoAgentsError,
    NothingOpenError,
    NotInChargeError,
    agent_cancel,
    agent_end,
    agent_hand_off,
    agent_say,
    agents_require,
)
from integrations.models import ApiKey, Project

P = ParamSpec("P")
R = TypeVar("R")
KEY_MAX = 255
_CODES: dict[type[AgentActError], str] = {
    NotInChargeError: "not_in_charge",
    AlreadyActiveError: "handoff_already_active",
    NothingOpenError: "nothing_to_cancel",
    NoAgentsError: "no_live_agents",
}
# What a handoff takes beside the names of its own.
_HINTS = ("summary", "attributes", "priority", "skills")
# What the tool's arguments are called, by what clients call it.
_ARGUMENTS = {"response_suggestions": "choices", "message_text": "label", "attachments": "cards"}


class Choice(BaseModel, extra="forbid"):
    """A button; pressed, its payload comes back, or its label where there is none."""

    label: str
    payload: str | None = None


class Card(BaseModel, extra="forbid"):
    """A link or a picture; every address begins with https://."""

    content_url: str
    content_type: Literal["ATTACHMENT_CONTENT_TYPE_URL", "ATTACHMENT_CONTENT_TYPE_IMAGE"] = (
        "ATTACHMENT_CONTENT_TYPE_URL"
    )
    title: str | None = None
    preview_image_url: str | None = None
    call_to_action_text: str | None = None


def refusals_told(act: Callable[P, R]) -> Callable[P, R]:
    """Turn every refusal into what the model reads: a code, and what is wrong."""

    @functools.wraps(act)
    def acting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return act(*args, **kwargs)
        except ConversationEndedError as error:
            raise ToolError("conversation_ended: The conversation is over.") from error
        except InvalidPayloadError as error:
            listed = "; ".join(f"{path or 'handoff'}: {text}" for path, text in error.problems)
            raise ToolError(f"{error.code}: {listed}") from error
        except AgentActError as error:
            raise ToolError(f"{_CODES[type(error)]}: {error}") from error
        except HandoffError as error:
            raise ToolError(f"{error.code}: {error}") from error

    return acting


def project_for(*permissions: ApiKey.Permission) -> Project:
    """Return the key's project; raises ToolError where the key has none of the permissions."""
    key = key_of_request.get()
    if not any(permission in key.permissions for permission in permissions):
        names = " or ".join(permission.label for permission in permissions)
        raise ToolError(f"forbidden: The API key needs the permission {names}.")
    return key.project


def conversation_for(conversation_id: str, *permissions: ApiKey.Permission) -> Conversation:
    """Return a conversation of the key's project; raises ToolError."""
    rows = Conversation.objects.select_related("channel", "end_user", "project")
    project = project_for(*permissions)
    found = rows.filter(project=project, pk=conversation_id.replace("\x00", "")).first()
    if found is None:
        raise ToolError("not_found: This project has no such conversation.")
    return found


@refusals_told
def hand_off(conversation_id: str, asked: Mapping[str, Any], key: str) -> Handoff:
    """Open the handoff that the arguments of the tool ask for."""
    conversation = conversation_for(conversation_id, ApiKey.Permission.CHAT)
    utterance = _bounded("utterance", asked.get("utterance") or "")
    messages = [AgentMessage(text=utterance)] if utterance.strip() else []
    returned, key = _returned(asked), _key(key)
    agents_require(conversation.pk, returned, key=key)
    return agent_hand_off(conversation.pk, returned, messages=messages, key=key)


@refusals_told
def say(conversation_id: str, text: str, offers: Mapping[str, Any], key: str) -> str:
    """Say something, and return the message's id."""
    conversation = conversation_for(conversation_id, ApiKey.Permission.CHAT)
    extra, problems = offers_read(offers)
    if problems:
        raise ToolError(f"invalid: {_in_our_words(problems_text(problems))}.")
    if not text.strip() and not any(extra.values()):
        raise ToolError("invalid: text is empty, and nothing else is offered.")
    message = AgentMessage(text=_bounded("text", text), extra=extra)
    return str(agent_say(conversation.pk, [message], key=_key(key))[0].pk)


@refusals_told
def cancel(conversation_id: str, utterance: str) -> str:
    """Cancel what waits in a queue, and return where the handoff stands."""
    conversation = conversation_for(conversation_id, ApiKey.Permission.CHAT)
    handoff = agent_cancel(conversation.pk)
    if utterance.strip():
        agent_say(conversation.pk, [AgentMessage(text=_bounded("utterance", utterance))])
    return handoff.state


@refusals_told
def end(conversation_id: str, utterance: str) -> None:
    """End the conversation with a last word."""
    conversation = conversation_for(conversation_id, ApiKey.Permission.CHAT)
    text = _bounded("utterance", utterance)
    agent_end(conversation.pk, [AgentMessage(text=text)] if text.strip() else [])


def offered(choices: Sequence[str | Choice], cards: Sequence[Card]) -> dict[str, Any]:
    """Return what a message offers as clients get it."""
    listed = [Choice(label=one) if isinstance(one, str) else one for one in choices]
    replies = [{"message_text": one.label, "payload": one.payload} for one in listed]
    shown = [card.model_dump(exclude_none=True) for card in cards]
    return {"response_suggestions": replies, "attachments": shown}


def _in_our_words(problem: str) -> str:
    """Name what is wrong as the tool's arguments are named."""
    for client, tool in _ARGUMENTS.items():
        problem = problem.replace(client, tool)
    return problem


def _returned(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dict of a tool (agent_api section 3) that the arguments mean."""
    hints = {name: asked[name] for name in _HINTS if asked.get(name) not in (None, "", [], {})}
    if asked.get("text_chat"):
        chat = {
            key: {**hints, **own} if isinstance(own, Mapping) else own
            for key, own in asked["text_chat"].items()
        }
        return {"handoff": {"text_chat": chat, "reason": asked.get("reason")}}
    wanted: dict[str, Any] = {"reason": asked.get("reason") or ""}
    if hints:
        wanted["hints"] = hints
    if asked.get("destination"):
        wanted["destination"] = asked["destination"]
    return {"handoff": wanted}


def _bounded(name: str, text: str) -> str:
    if len(text) > MAX_SAID_CHARS:
        raise ToolError(f"invalid: {name} takes up to {MAX_SAID_CHARS} characters.")
    return text


def _key(key: str) -> str:
    if len(key) > KEY_MAX:
        raise ToolError(f"invalid: idempotency_key takes up to {KEY_MAX} characters.")
    return key
