"""Find the variant of a conversation in what its AI agent knows."""

from __future__ import annotations

from conversations.models import Conversation, Variant
from conversations.releases.content import Content, content_of


def variant_asked(content: Content, asked: str) -> Variant | None:
    """Return the variant of that id or name; the default one where none is asked for.

    None for an unknown one too: whoever opens a session may be older than the variants.
    """
    rows = content.rows(Variant)
    if not asked:
        return next((row for row in rows if row.is_default), None)
    return next((row for row in rows if asked in (row.public_id, row.name)), None)


def variant_of(conversation: Conversation) -> Variant | None:
    """Return the variant that a conversation has now."""
    if not conversation.variant_id:
        return None
    return variant_asked(content_of(conversation), conversation.variant_id)
