"""Read topics and tools, and find out what a phrase would do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from conversations.ai_agent.topics.action_rows import WHENS
from conversations.ai_agent.topics.actions import tool_targets, topic_actions
from conversations.ai_agent.topics.prepared_topics import topic_find
from conversations.models import Tool, Topic
from conversations.releases.content import Draft
from integrations.models import Project

_VERBS = {"run_tool": "Runs", "handoff": "Hands off to", "goto_flow": "Begins the flow"}
_DEFAULT = "the default destination"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that a topic does: a verb, the name of a tool, a place or a flow, and when."""

    verb: str
    name: str
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """A topic as the list shows it; `does` says what it does beside answering."""

    topic: Topic
    does: list[Deed]
    more_queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseTrial:
    """What a phrase would do; `topic` is None when nothing matches."""

    topic: Topic | None
    confidence: str = ""
    does: Sequence[Deed] = ()
    tool_name: str = ""
    missing_tool: str = ""


def topic_list(*, project: Project) -> list[TopicRow]:
    """Return the topics in the order of their names."""
    known = set(project.tools.values_list("name", flat=True))
    return [
        TopicRow(
            topic=topic,
            does=_deeds(topic, known),
            more_queries=max(0, len(topic.example_queries) - 1),
        )
        for topic in project.topics.all()
    ]


def tool_list(*, project: Project) -> list[tuple[Tool, list[Topic]]]:
    """Return each tool with the topics that run it."""
    users: defaultdict[str, list[Topic]] = defaultdict(list)
    for topic in project.topics.all():
        for name in dict.fromkeys(tool_targets(topic.actions, topic.actions_text)):
            users[name].append(topic)
    return [(tool, users[tool.name]) for tool in project.tools.all()]


def phrase_try(*, project: Project, phrase: str) -> PhraseTrial:
    """Match the phrase as a message would be matched, and say what would run."""
    found = topic_find(Draft(project), phrase)
    if found is None:
        return PhraseTrial(topic=None)
    topic, match = found
    known = set(project.tools.values_list("name", flat=True))
    tool_name, missing = _tool_of(topic, known)
    confidence = "word for word" if match.is_exact else f"with {match.score:.0%} likeness"
    return PhraseTrial(
        topic=topic,
        confidence=confidence,
        does=[one for one in _deeds(topic, known) if one.verb != _VERBS["run_tool"]],
        tool_name=tool_name,
        missing_tool=missing,
    )


def _deeds(topic: Topic, known: set[str]) -> list[Deed]:
    """Return what a topic does, in its order; a tool that is gone does nothing."""
    return [
        Deed(
            verb=_VERBS[one.kind],
            name=one.target or _DEFAULT,
            when="" if one.when == "always" else WHENS[one.when].removesuffix(" …").lower(),
        )
        for one in topic_actions(topic.actions, topic.actions_text)
        if one.kind != "run_tool" or one.target in known
    ]


def _tool_of(topic: Topic, known: set[str]) -> tuple[str, str]:
    """Return the tool that runs, and the first one named that no longer exists."""
    names = tool_targets(topic.actions, topic.actions_text)
    runs = next((name for name in names if name in known), "")
    missing = next((name for name in names if name not in known), "")
    return runs, missing
