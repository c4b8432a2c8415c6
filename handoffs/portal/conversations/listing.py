"""One filter and one list of conversations, for the page, its count, exports and REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from conversations.journal.holds import held_until
from conversations.models import Conversation, ConversationSearch
from handoffs.portal.conversations.search_query import (
    FIELDS,
    Groups,
    Sought,
    any_of,
    found_among,
    query_read,
)
from handoffs.portal.conversations.search_rows import CONTAINED, HANDOFF_WORDS, NOTHING_SAID
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS, Outcome
from handoffs.portal.one_handoff.wording import Badge, duration_text
from integrations.contract.integration_keys import key_named, vendor_name
from integrations.models import Environment, Project
from integrations.projects.lists.filters import (
    PERIODS,
    Chip,
    ListFilter,
    Span,
    asked_read,
    chips,
    span_read,
)

VALUE_MAX = 120
# A text is looked for in the newest conversations only, unless days are chosen.
TEXT_DAYS = timedelta(days=90)
# What the choice of an outcome offers.
OUTCOMES: dict[str, str] = {
    "open": "Going on",
    CONTAINED: "Contained",
    Outcome.ANSWERED: OUTCOME_LABELS[Outcome.ANSWERED],
    "abandoned": "Abandoned",
    "failed": "Failed",
    NOTHING_SAID: "Nothing said",
}
_LABELS = {**OUTCOME_LABELS, CONTAINED: "Contained", NOTHING_SAID: "Nothing said"}
_TONES = {
    CONTAINED: "ok",
    Outcome.ANSWERED: "ok",
    Outcome.ABANDONED: "warning",
    Outcome.SHORT_ABANDONED: "warning",
    Outcome.TIMED_OUT: "warning",
    Outcome.NOBODY_THERE: "warning",
    Outcome.FAILED: "error",
    Outcome.REFUSED: "error",
}
CHANNELS = {"webchat": "Webchat", "chat": "Chat API", "whatsapp": "WhatsApp", "sms": "SMS"}
# Filters that look for one exact value each.
_EXACT = ("vendor", "topic", "reason", "tag", "agent", "queue", "rating")
NAMES = ("q", "period", "from", "to", "environment", "channel", "outcome", *_EXACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFilter(ListFilter):
    """Narrows a list by words too; those alone are looked for in the newest days."""

    groups: Groups = field(default_factory=list)

    @property
    def is_narrowed_to_days(self) -> bool:
        """Say whether a text is looked for in the newest rows alone."""
        return bool(self.given["q"]) and self.span == Span()

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return when the days begin, and when they are over."""
        if self.is_narrowed_to_days:
            return timezone.now() - TEXT_DAYS, None
        return ListFilter.bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter(TextFilter):
    """What the list is narrowed to, as it stands in the address; raises QueryError when read."""

    @classmethod
    def read(cls, given: Mapping[str, str], zone: tzinfo = UTC) -> ConversationFilter:
        """Take what an address asks for; a choice that nobody offers narrows nothing."""
        offered = {
            "environment": Environment.values,
            "channel": CHANNELS,
            "outcome": OUTCOMES,
            "period": PERIODS,
        }
        kept = asked_read(given, NAMES, offered, VALUE_MAX)
        return cls(given=kept, groups=_groups(kept), span=span_read(kept, zone), zone=zone)


def _groups(kept: Mapping[str, str]) -> Groups:
    groups = query_read(kept["q"]) if kept["q"] else []
    for name in _EXACT:
        if value := kept[name]:
            groups += query_read(f'{name}:"{value}"') if name == "rating" else [_term(name, value)]
    if kept["channel"]:
        groups.append(any_of("channel", [kept["channel"]]))
    if kept["outcome"] and kept["outcome"] != "open":
        groups.append(any_of("outcome", HANDOFF_WORDS.get(kept["outcome"], [kept["outcome"]])))
    return groups


def _term(name: str, value: str) -> list[Sought]:
    if name == "vendor":
        value = key_named(value) or value
    return any_of(name, [value])


def conversation_list(
    project: Project, wanted: ConversationFilter, *, sees_personal_data: bool
) -> QuerySet[Conversation]:
    """Return the project's conversations that fit; the caller orders and cuts them."""
    among = ConversationSearch.objects.all()
    rows = _fitting(project, wanted, among, sees_personal_data=sees_personal_data)
    return (
        rows.annotate(held_until=held_until("pk", "end_user"))
        .select_related("end_user", "channel", "search")
        .defer("search__words", "search__masked", "page", "tool_state")
    )


def conversations_counted(
    project: Project, wanted: ConversationFilter, *, sees_personal_data: bool
) -> QuerySet[Conversation]:
    """Return what conversation_list does, for a count of all of them.

    The search is bounded as they are: a page is found quicker in the order of the list.
    """
    among = ConversationSearch.objects.filter(wanted.within_days("started_at"), project=project)
    return _fitting(project, wanted, among, sees_personal_data=sees_personal_data)


def _fitting(
    project: Project,
    wanted: ConversationFilter,
    among: QuerySet[ConversationSearch],
    *,
    sees_personal_data: bool,
) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(wanted.within_days("started_at"), project=project)
    if wanted.given["environment"]:
        rows = rows.filter(environment=wanted.given["environment"])
    if wanted.given["outcome"] == "open":
        rows = rows.filter(~Q(state=Conversation.State.ENDED))
    if wanted.groups:
        found = found_among(among, wanted.groups, sees_personal_data=sees_personal_data)
        rows = rows.filter(pk__in=found)
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """One conversation as the list shows it."""

    conversation: Conversation
    badge: Badge
    end_user: str
    first_words: str
    topic: str
    duration: str
    channel: str
    tags: list[str]
    ratings: dict[str, Any]


def conversation_row(
    conversation: Conversation, *, sees_personal_data: bool, now: datetime
) -> ConversationRow:
    """Describe a conversation of conversation_list in the words of the list."""
    search = getattr(conversation, "search", None)
    until = conversation.ended_at or now
    return ConversationRow(
        conversation=conversation,
        badge=conversation_badge(conversation),
        end_user=end_user_label(conversation, sees_personal_data=sees_personal_data),
        first_words=search.first_words if search and sees_personal_data else "",
        topic=search.topic if search else "",
        duration=duration_text((until - conversation.started_at).total_seconds()),
        channel=channel_label(conversation),
        tags=search.tags if search else [],
        ratings=search.ratings if search else {},
    )


def conversation_badge(conversation: Conversation) -> Badge:
    """Say in two or three words what became of a conversation, or who answers now."""
    match conversation.state:
        case Conversation.State.HANDOFF:
            return Badge("Live now", "info")
        case Conversation.State.CREATED | Conversation.State.BOT:
            return Badge("With AI agent", "info")
    search = getattr(conversation, "search", None)
    outcome = search.outcome if search else ""
    if outcome == Outcome.ANSWERED and search and search.agent_name:
        return Badge(f"Answered by {search.agent_name}", "ok")
    return Badge(_LABELS.get(outcome, "Ended"), _TONES.get(outcome, "neutral"))


def end_user_label(conversation: Conversation, *, sees_personal_data: bool) -> str:
    """Name the end user, or tell one visitor from another without a name."""
    person = conversation.end_user
    if sees_personal_data and (person.name or person.email):
        return person.name or person.email
    return visitor_label(str(conversation.session_id))


def visitor_label(session: str) -> str:
    """Tell an end user without a name from others, by the id of the session."""
    return f"Visitor {session[:4]}"


def channel_label(conversation: Conversation) -> str:
    """Name the channel."""
    kind = conversation.channel_type.partition(".")[0]
    return CHANNELS.get(kind, kind.title())


def filter_chips(wanted: ConversationFilter) -> list[Chip]:
    """Return what is on, each with the address without it."""
    given = wanted.given
    shown = {name: (name.capitalize(), given[name]) for name in NAMES}
    shown |= {
        "q": ("Search", given["q"]),
        "period": ("Started", PERIODS.get(given["period"], ("", 0))[0]),
        "environment": ("Environment", dict(Environment.choices).get(given["environment"], "")),
        "channel": ("Channel", CHANNELS.get(given["channel"], "")),
        "outcome": ("Outcome", OUTCOMES.get(given["outcome"], "")),
        "vendor": ("Vendor", vendor_name(key_named(given["vendor"]) or given["vendor"])),
        "agent": ("Live agent", given["agent"]),
    }
    return chips(shown, wanted.query)


SEARCH_FIELDS = ", ".join(f"{name}:" for name in FIELDS)
SEARCH_PLACEHOLDER = "Words, an id, an e-mail address, agent:noor"
