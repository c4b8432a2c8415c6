"""Summarises what was said before a handoff by its own sentences: no model is needed."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.contract.connector import TranscriptLine
from integrations.kit.cutting import shortened

QUOTE_MAX = 240
# Who has made a summary.
BY_TOOL, BY_SENTENCES, BY_MODEL = "tool", "sentences", "model"


def summary_of(transcript: Sequence[TranscriptLine], topics: Sequence[str]) -> str:
    """Return what it was about, what the end user wrote first and last, and the last answer."""
    theirs = [line.text for line in transcript if line.speaker == "end_user" and line.text.strip()]
    if not theirs:
        return ""
    answers = [line.text for line in transcript if line.speaker == "ai_agent"]
    parts = [f"Topics: {', '.join(topics)}." if topics else ""]
    parts.append(f"The end user began with: {_quoted(theirs[0])}")
    if len(theirs) > 1:
        parts.append(f"Their last message: {_quoted(theirs[-1])}")
    if answers:
        parts.append(f"The AI agent's last answer: {_quoted(answers[-1])}")
    parts.append(f"{len(theirs)} messages of the end user, {len(answers)} of the AI agent.")
    return "\n".join(part for part in parts if part)


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    cut = shortened(plain, QUOTE_MAX)
    return f"“{cut}{'…' if cut != plain else ''}”"
