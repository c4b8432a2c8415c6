"""Under which names the standard context of a handoff goes to a vendor."""

from __future__ import annotations

from collections.abc import Mapping

NAME_MAX = 64
# Our names of the facts, and what they are called where an admin says nothing else.
FACTS: Mapping[str, str] = {
    "last_topic": "va_LastTopic",
    "last_phrase": "va_LastPhrase",
    "topics": "va_Topics",
    "phrases": "va_Phrases",
    "conversation_id": "va_ConversationId",
    "agent_name": "va_BotName",
    "language": "va_Language",
    "scope": "va_Scope",
    "channel": "va_Channel",
    "identity": "va_Identity",
    "transcript_url": "va_TranscriptUrl",
}


def names_read(text: str) -> dict[str, str]:
    """Read lines such as last_topic = CaseTopic; an empty name leaves a fact out.

    Raises ValueError with a sentence that names the line at fault.
    """
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        fact, equals, name = (part.strip() for part in line.partition("="))
        if not equals or fact not in FACTS:
            known = ", ".join(FACTS)
            raise ValueError(f"“{line[:60]}”: write fact = name, with one of {known}.")
        if len(name) > NAME_MAX or not (name.isprintable() or not name):
            raise ValueError(f"“{name[:40]}” cannot be a name: up to {NAME_MAX} characters.")
        found[fact] = name
    return found
