"""The standard context of a handoff: the same facts at every vendor, under names of an admin's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conversations.ai_agent.topics.dialog import Dialog
from conversations.models import Conversation
from integrations.behaviour.context_names import FACTS, names_read
from integrations.contract.connector import TranscriptLine
from integrations.kit.cutting import shortened

VALUE_MAX = 1000
PHRASES = 5


def standard_context(
    conversation: Conversation, transcript: Sequence[TranscriptLine], link: str
) -> dict[str, str]:
    """Return the facts that are known, by our own names."""
    dialog, user = Dialog.read(conversation.dialog), conversation.end_user
    phrases = [line.text for line in transcript if line.speaker == "end_user"]
    found = {
        "last_topic": dialog.topics[-1] if dialog.topics else "",
        "last_phrase": phrases[-1] if phrases else "",
        "topics": ", ".join(dialog.topics),
        "phrases": " | ".join(phrases[-PHRASES:]),
        "conversation_id": conversation.pk,
        "agent_name": conversation.project.agent_name,
        "language": conversation.locale or "en",
        "scope": conversation.environment,
        "channel": conversation.channel_type.partition(".")[0],
        "identity": "verified" if user.is_verified else "unverified",
        "transcript_url": link,
    }
    assert set(found) == set(FACTS)
    return {name: shortened(text, VALUE_MAX) for name, text in found.items() if text}


def attributes_of(facts: Mapping[str, str], names: str, *, only_named: bool) -> dict[str, str]:
    """Return the facts under the names that a vendor's live agents see.

    `only_named` leaves out what no admin has named: some vendors take declared names alone.
    """
    given = names_read(names)
    default = {} if only_named else FACTS
    wanted = {**default, **given}
    return {wanted[fact]: text for fact, text in facts.items() if wanted.get(fact)}
