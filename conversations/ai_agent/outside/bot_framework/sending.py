"""Writes what the end user said, and how a handoff went, as activities for the bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conversations.ai_agent.outside.agent import AgentTurn, Joined, Return
from conversations.ai_agent.outside.bot_framework.kept import Kept

STATUS_EVENT = "handoff.status"


def user_of(conversation: Mapping[str, Any]) -> dict[str, str]:
    """Return the end user as the bot knows them: an id that names nobody, and the name."""
    user = conversation["user"]
    # Direct Line wants ids of end users to begin so.
    named = user["id"] or conversation["id"]
    return {"id": f"dl_{named}", "name": user["name"] or "", "role": "user"}


def message_activity(turn: AgentTurn, kept: Kept) -> dict[str, Any]:
    """Return the end user's message, or the press of the button that it means."""
    said = turn.message
    activity: dict[str, Any] = {
        "type": "message",
        "from": user_of(turn.conversation),
        "locale": turn.conversation["language"],
        # The bot's answers name this id too, where ours was lost on the way back.
        "channelData": {"clientActivityID": turn.id, "baton": _context(turn)},
    }
    button = kept.taken(said.get("payload"), said["text"])
    activity |= _pressed(button) if button else {"text": said["text"], "textFormat": "plain"}
    files = [_file(one) for one in said.get("attachments") or []]
    return activity | ({"attachments": files} if files else {})


def joined_activity(news: Joined) -> dict[str, Any]:
    """Return the protocol's word that a live agent has the conversation."""
    return _status(news.conversation, {"state": "accepted"})


def left_activity(news: Return) -> dict[str, Any]:
    """Return the protocol's word that the bot has the conversation back, and ours of why."""
    part = news.human_part
    state = "completed" if part.status == "ended" and part.agent_name else "failed"
    value = {"state": state, "message": part.summary, "baton_human_summary": part.summary}
    return _status(news.conversation, {**value, "baton_human_lines": list(part.lines)})


def _status(conversation: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    user = user_of(conversation)
    return {"type": "event", "name": STATUS_EVENT, "from": user, "value": dict(value)}


def _context(turn: AgentTurn) -> dict[str, Any]:
    told = turn.conversation
    return {
        "conversation_id": told["id"],
        "env": told["env"],
        "channel_type": told["channel_type"],
        "is_verified": told["user"]["is_verified"],
    }


def _pressed(button: Mapping[str, Any]) -> dict[str, Any]:
    """Return a press as its kind wants it: said, or sent as a value without a text."""
    value, text = button.get("value"), button.get("text")
    if button["type"] == "messageBack":
        return {"text": text or "", "value": value}
    if isinstance(value, str):
        return {"text": value, "textFormat": "plain"}
    return {"value": value}


def _file(attachment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "contentType": attachment.get("mime_type") or "application/octet-stream",
        "contentUrl": attachment.get("content_url"),
        "name": attachment.get("file_name") or attachment.get("title") or "",
    }
