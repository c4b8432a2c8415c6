"""Read topics and tools, and find out what a phrase would do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from conversations.ai_agent.topics.actions import tool_targets
from conversations.ai_agent.topics.prepared_topics import topic_find
from conversations.models import Tool, Topic
from conversations.releases.content import Draft
from integrations.models import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """A topic as the list shows it; `tool_name` is what it runs, if anything."""

    topic: Topic
    tool_name: str
    more_queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseTrial:
    """What a phrase would do; `topic` is None when nothing matches."""

    topic: Topic | None
    confidence: str = ""
    tool_name: str = ""
    missing_tool: str = ""


def topic_list(*, project: Project) -> list[TopicRow]:
    """Return the topics in the order of their names."""
    known = set(project.tools.values_list("name", flat=True))
    return [
        TopicRow(
            topic=topic,
            tool_name=_tool_of(topic, known)[0],
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
    tool_name, missing = _tool_of(topic, set(project.tools.values_list("name", flat=True)))
    confidence = "word for word" if match.is_exact else f"with {match.score:.0%} likeness"
    return PhraseTrial(
        topic=topic, confidence=confidence, tool_name=tool_name, missing_tool=missing
    )


def _tool_of(topic: Topic, known: set[str]) -> tuple[str, str]:
    """Return the tool that runs, and the first one named that no longer exists."""
    names = tool_targets(topic.actions, topic.actions_text)
    runs = next((name for name in names if name in known), "")
    missing = next((name for name in names if name not in known), "")
    return runs, missing
