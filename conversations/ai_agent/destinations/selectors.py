"""Read a project's destinations, and find out who names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conversations.ai_agent.topics.actions import handoff_targets
from conversations.ai_agent.topics.policy import policy_of
from conversations.models import Conversation, Destination, Flow, Tool, Topic
from conversations.releases.content import content_of
from integrations.models import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """Who names a destination; a tool is found where the name stands in its source as a text.

    `rules` says whether the project's handoff rules do.
    """

    topics: list[Topic]
    tools: list[Tool]
    flows: list[Flow]
    rules: bool = False

    @property
    def must_change(self) -> bool:
        """Say whether the name cannot go: what hands off there by itself would fail."""
        return bool(self.topics or self.flows or self.rules)

    @property
    def counted(self) -> str:
        """Say how many name it, such as 2 topics, 1 tool; empty for nobody."""
        counts = [(len(self.topics), "topic"), (len(self.flows), "flow"), (len(self.tools), "tool")]
        found = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n]
        return ", ".join([*found, *(["the handoff rules"] if self.rules else [])])


def destinations_of(conversation: Conversation) -> list[Destination]:
    """Return the destinations that hold in a conversation, the default one first."""
    rows = content_of(conversation).rows(Destination)
    return sorted(rows, key=lambda row: (not row.is_default, row.name))


def destination_list(*, project: Project) -> list[Destination]:
    """Return the destinations of a project, the default one first."""
    return list(Destination.objects.filter(project=project))


def destination_named(rows: Iterable[Destination], name: str) -> Destination | None:
    """Return the destination that a builder means; without a name, the default one."""
    wanted = name.strip().casefold()
    return next((row for row in rows if _is_meant(row, wanted)), None)


def destination_used_by(*, project: Project, name: str) -> Users:
    """Return the topics and flows that hand off there, and the tools that have the name in them."""
    wanted = name.casefold()
    quoted = (f'"{wanted}"', f"'{wanted}'")
    return Users(
        topics=[topic for topic in project.topics.all() if wanted in _named(topic)],
        tools=[
            tool
            for tool in project.tools.all()
            if any(one in tool.source.casefold() for one in quoted)
        ],
        flows=[
            flow
            for flow in project.flows.all()
            if wanted in (str(step.get("destination", "")).casefold() for step in flow.steps)
        ],
        rules=wanted in (rule["destination"].casefold() for rule in policy_of(project).rules),
    )


def _is_meant(row: Destination, wanted: str) -> bool:
    return row.name.casefold() == wanted if wanted else row.is_default


def _named(topic: Topic) -> set[str]:
    return {name.casefold() for name in handoff_targets(topic.actions, topic.actions_text)}
