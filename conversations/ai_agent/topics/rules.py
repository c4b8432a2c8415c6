"""Rules about the context: what is known of a conversation, and conditions on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conversations.models import Conversation

FACT_MAX, VALUE_MAX = 80, 200
_PLAIN = ("language", "channel", "environment", "verified", "variant")
_GROUPS = ("state", "attributes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What conditions may ask about; `state` is conv.state, `attributes` come from the page."""

    language: str = ""
    channel: str = ""
    environment: str = ""
    variant: str = ""
    verified: bool = False
    state: Mapping[str, Any] = field(default_factory=dict, repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> Any:
        """Return a value by its name, such as language or state.tier; None where there is none."""
        group, dot, key = name.partition(".")
        if not dot:
            return getattr(self, name) if name in _PLAIN else None
        values: Mapping[str, Any] = getattr(self, group) if group in _GROUPS else {}
        return values.get(key)


def facts_of(conversation: Conversation) -> Facts:
    """Return what is known of a conversation now."""
    return Facts(
        language=conversation.locale or "en",
        channel=conversation.channel_type,
        environment=conversation.environment,
        variant=conversation.variant_id,
        verified=conversation.end_user.is_verified,
        state=conversation.tool_state,
        attributes=conversation.integration_attributes or {},
    )


def _is(found: str, wanted: str) -> bool:
    return found == wanted


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _is_more(found: str, wanted: str) -> bool:
    one, other = _number(found), _number(wanted)
    return one is not None and other is not None and one > other


# By the word that is stored: what forms call it, and how two texts are compared.
OPERATORS: Mapping[str, tuple[str, Callable[[str, str], bool]]] = {
    "is": ("is", _is),
    "is_not": ("is not", lambda found, wanted: found != wanted),
    "begins": ("begins with", lambda found, wanted: found.startswith(wanted)),
    "contains": ("contains", lambda found, wanted: wanted in found),
    "more_than": ("is more than", _is_more),
    "less_than": ("is less than", lambda found, wanted: _is_more(wanted, found)),
    "is_set": ("is known", lambda found, wanted: found != ""),
    "is_not_set": ("is not known", lambda found, wanted: found == ""),
}
WITHOUT_VALUE = frozenset({"is_set", "is_not_set"})


def holds(condition: object, facts: Facts) -> bool:
    """Tell whether a condition {fact, op, value} holds; one that cannot be read never does."""
    if not isinstance(condition, Mapping) or condition_problem(condition):
        return False
    compare = OPERATORS[condition["op"]][1]
    return compare(_text(facts.get(condition["fact"])), _text(condition.get("value")))


def condition_problem(condition: Mapping[str, Any]) -> str:
    """Say in a sentence what keeps a condition from being read; empty where nothing does."""
    name, op = str(condition.get("fact", "")), condition.get("op")
    group, dot, key = name.partition(".")
    if not (name in _PLAIN or (dot and group in _GROUPS and key)) or len(name) > FACT_MAX:
        return (
            "Name a value: language, channel, environment, variant, verified, state.… for one of "
            "conv.state, or attributes.… for one that the page has given."
        )
    if op not in OPERATORS:
        return "Choose how to compare."
    value = str(condition.get("value", ""))
    if op not in WITHOUT_VALUE and not value.strip():
        return "Enter what to compare with."
    if len(value) > VALUE_MAX:
        return f"Compare with at most {VALUE_MAX} characters."
    return ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip().casefold()
