"""Writes for a live agent what was said before the handoff: summary and transcript, in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from integrations.contract.connector import HandoffRequest, TranscriptLine
from integrations.kit.cutting import Measure, ending, packed, pieces

TRANSCRIPT_TITLE = "Transcript of the conversation with the AI agent"
SUMMARY_TITLE = "Summary of the conversation so far"
LEFT_OUT = "(Earlier lines are left out.)"
LEFT_OUT_BUT_LINKED = "(Earlier lines are left out. All of them: {url})"
SPEAKERS = {
    "end_user": "End user",
    "ai_agent": "AI agent",
    "live_agent": "Live agent",
    "system": "System",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a vendor takes: `size` of a message in `measure`, and at most so many messages."""

    size: int
    measure: Measure
    parts: int


def opening_texts(request: HandoffRequest, limits: Limits) -> list[str]:
    """Return the summary's messages, then the transcript's, as the hint `transcript` asks."""
    texts = summary_texts(request, limits)
    if transcript_is_wanted(request):
        texts += transcript_texts(request.transcript, limits, request.transcript_url)
    return texts


def transcript_is_wanted(request: HandoffRequest) -> bool:
    """Say whether the whole transcript goes to the vendor; `summary`, `link`, `none` say no."""
    return (request.routing.get("transcript") or "full") == "full"


def summary_texts(request: HandoffRequest, limits: Limits) -> list[str]:
    """Return the summary that the tool gave, in messages that fit."""
    summary = request.routing.get("summary")
    if not isinstance(summary, str) or not summary.strip():
        return []
    if request.routing.get("transcript") == "none":
        return []
    return list(pieces(f"{SUMMARY_TITLE}\n{summary.strip()}", limits.size, limits.measure))


def transcript_texts(
    transcript: Sequence[TranscriptLine], limits: Limits, link: str = ""
) -> list[str]:
    """Return the transcript in messages that fit, each with a title; the newest are kept.

    `link` leads to all lines: it is told where some are left out.
    """
    measure, left_out = limits.measure, _left_out(link)
    room = limits.size - measure(f"{_title(limits.parts, limits.parts)}\n{left_out}\n")
    lines = [part for line in transcript for part in pieces(line_text(line), room, measure)]
    blocks = packed(lines, room, measure)
    if len(blocks) > limits.parts:
        blocks = blocks[-limits.parts :]
        blocks[0] = f"{left_out}\n{blocks[0]}"
    count = len(blocks)
    return [f"{_title(number, count)}\n{block}" for number, block in enumerate(blocks, start=1)]


def newest_lines(
    transcript: Sequence[TranscriptLine], limit: int, measure: Measure, link: str = ""
) -> str:
    """Return the newest lines that fit into one text; of one line too long, its end."""
    lines, left_out = [line_text(line) for line in transcript], _left_out(link)
    if measure("\n".join(lines)) <= limit:
        return "\n".join(lines)
    room = limit - measure(f"{left_out}\n")
    whole = room
    kept: list[str] = []
    for line in reversed(lines):
        room -= measure(f"{line}\n")
        if room < 0:
            break
        kept.insert(0, line)
    return "\n".join([left_out, *(kept or [ending(lines[-1], whole, measure)])])


def line_text(line: TranscriptLine) -> str:
    """Write one line: when, who, what."""
    at = line.sent_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"[{at}] {SPEAKERS.get(line.speaker, line.speaker)}: {line.text}"


def _left_out(link: str) -> str:
    """Say that lines are missing, and where all of them stand if that is known."""
    return LEFT_OUT_BUT_LINKED.format(url=link) if link else LEFT_OUT


def _title(number: int, count: int) -> str:
    return TRANSCRIPT_TITLE + (f", part {number} of {count}" if count > 1 else "")
