"""Make journal lines of what the AI agent says: markdown drawn where a client can, else read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.ai_agent.conv.parts import AgentMessage
from conversations.journal.frames import EventType
from conversations.journal.selectors import offered_text
from conversations.journal.services import NewEvent, message_event
from integrations.contract.rich_content import Markup
from integrations.kit.markdown_text import markdown_as_text


def agent_message_event(said: AgentMessage) -> NewEvent:
    """Return the line of one message; `content` holds its markdown, `text` how that reads."""
    text, extra = said.text, dict(said.extra)
    readable = markdown_as_text(text) if text.strip() else text
    if "content" in extra or readable.split() == text.split():
        return message_event(EventType.POLY_AGENT_MESSAGE, text, event_id=said.id, **extra)
    extra["content"] = _content(text, offered_text(readable, extra), extra)
    return message_event(EventType.POLY_AGENT_MESSAGE, readable, event_id=said.id, **extra)


def _content(text: str, text_form: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client with rich content draws; suggestions stay beside it."""
    links = [
        _choice(number, "link", _label_of(one), one["content_url"])
        for number, one in enumerate(extra.get("attachments", ()), start=1)
    ]
    calls = [
        _choice(number, "phone", one["title"], f"tel:{one['contact_number']}")
        for number, one in enumerate(extra.get("chat_call_actions", ()), start=len(links) + 1)
    ]
    return {
        "text": text,
        "markup": Markup.MARKDOWN.value,
        "text_form": text_form,
        "choices": links + calls,
        "cards": [],
        "slots": [],
        "place": "",
        "form": None,
        "unknown": None,
    }


def _choice(number: int, kind: str, label: str, url: str) -> dict[str, Any]:
    return {
        "payload": f"c{number}",
        "label": label or url,
        "kind": kind,
        "url": url,
    }


def _label_of(attachment: Mapping[str, Any]) -> str:
    return str(attachment.get("title") or attachment.get("call_to_action_text") or "")
