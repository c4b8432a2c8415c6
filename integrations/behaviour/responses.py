"""Standard responses: the texts of a handoff that an admin may word anew."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.behaviour.sentence import Sentence, filled, places
from integrations.behaviour.sentences import SENTENCES, worded

MAX_LENGTH = 500
RESPONSES = tuple(one for one in SENTENCES.values() if one.label)


def response_text(own: Mapping[str, object], key: str, locale: str, **values: object) -> str:
    """Return a text as the integration words it, else in the language of the conversation.

    `own` holds the integration's settings by name.
    """
    found = SENTENCES[key]
    text = str(own.get(found.setting) or "") or worded(key, locale)
    return filled(text, values)


def unknown_variables(response: Sentence, text: str) -> list[str]:
    """Return what stands in double braces but is never filled in there."""
    return [name for name in places(text) if name not in response.variables]
