"""Read handoffs for the screen pop."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import QuerySet

from conversations.journal.selectors import transcript_get
from handoffs.models import Handoff
from integrations.models import Project

SUMMARY_LINE_MAX = 200
_ATTEMPT = re.compile(r"(?<=-[0-9a-f]{12})-[0-9]+$")


def handoff_find(
    project: Project, *, conversation_id: str, shared_id: str, handoff_id: str
) -> Handoff | None:
    """Return the latest handoff of a conversation or shared id; the shared id wins."""
    handoffs: QuerySet[Handoff] = Handoff.objects.filter(conversation__project=project)
    if shared_id:
        handoffs = handoffs.filter(shared_id=shared_id)
    else:
        handoffs = handoffs.filter(conversation_id=conversation_id)
    if handoff_id:
        # A vendor's desktop may know the key of the second attempt: the id and its number.
        handoffs = handoffs.filter(pk=_ATTEMPT.sub("", handoff_id))
    return handoffs.select_related("conversation").order_by("-requested_at").first()


def handoff_transcript(handoff: Handoff) -> list[dict[str, Any]]:
    """Return what `expand=transcript` adds: the conversation so far, oldest first."""
    return [
        {"ts": entry["ts"].isoformat(), "sender": entry["sender"], "text": entry["text"]}
        for entry in transcript_get(handoff.conversation)
    ]


def handoff_summary(handoff: Handoff) -> str:
    """Return what `expand=summary` adds: the tool's own summary, else one taken from the lines.

    Nothing is invented: the reason, then the end user's first and last words, the last answer of
    the AI agent and of the live agent, each cut short.
    """
    given = str(handoff.routing.get("summary") or "")
    if given:
        return given
    lines = transcript_get(handoff.conversation)
    said = {
        sender: [line["text"] for line in lines if line["sender"] == sender and line["text"]]
        for sender in ("user", "bot", "live_agent")
    }
    asked = said["user"]
    parts = [
        ("Reason", [handoff.reason]),
        ("The end user began with", asked[:1]),
        ("and last said", asked[1:][-1:]),
        ("The AI agent last said", said["bot"][-1:]),
        ("The live agent last said", said["live_agent"][-1:]),
    ]
    return " ".join(f"{name}: {_short(texts[0])}" for name, texts in parts if any(texts))


def _short(text: str) -> str:
    """Return a line of at most so many characters, ending as a sentence does."""
    text = " ".join(text.split())
    cut = text if len(text) <= SUMMARY_LINE_MAX else text[: SUMMARY_LINE_MAX - 1].rstrip() + "…"
    return cut if cut.endswith((".", "!", "?", "…")) else cut + "."
