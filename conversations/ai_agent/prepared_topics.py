"""Keeps each project's topics prepared for matching, in every process, until they change."""

from __future__ import annotations

import threading
from collections import OrderedDict

from conversations.ai_agent.matching import TopicIndex, TopicMatch, TopicText
from conversations.models import Topic

# A hundred topics of twenty queries take about ten megabytes.
PROJECTS_KEPT = 32

Version = tuple[tuple[int, float], ...]


class PreparedTopics:
    """Prepares a project's topics once; the database says whether they are still the same.

    Which topics there are, and when each was saved, is read for every message: no process has to
    be told of a change, and clocks that differ do no harm.
    """

    def __init__(self, kept: int = PROJECTS_KEPT) -> None:
        """Keep at most so many projects, those asked for last."""
        self._kept = kept
        self._lock = threading.Lock()
        self._projects: OrderedDict[int, tuple[Version, TopicIndex]] = OrderedDict()

    def of(self, project_id: int) -> TopicIndex:
        """Return the project's index; two threads may both build it, and that is all."""
        version = _version(project_id)
        with self._lock:
            known = self._projects.get(project_id)
        if known is None or known[0] != version:
            known = version, TopicIndex(_texts(project_id))
        with self._lock:
            self._projects[project_id] = known
            self._projects.move_to_end(project_id)
            while len(self._projects) > self._kept:
                self._projects.popitem(last=False)
        return known[1]


def topic_find(project_id: int, text: str) -> tuple[Topic, TopicMatch] | None:
    """Return the topic that a text is about, and how well it matches."""
    match = PREPARED.of(project_id).match(text)
    topic = Topic.objects.filter(pk=match.topic_id).first() if match else None
    return (topic, match) if topic and match else None


def _version(project_id: int) -> Version:
    rows = Topic.objects.filter(project_id=project_id).order_by("pk")
    return tuple((pk, at.timestamp()) for pk, at in rows.values_list("pk", "updated_at"))


def _texts(project_id: int) -> list[TopicText]:
    return [
        TopicText(
            id=topic.pk,
            name=topic.name,
            example_queries=tuple(topic.example_queries),
            content=topic.content,
            enabled=topic.is_enabled,
        )
        for topic in Topic.objects.filter(project_id=project_id)
    ]


PREPARED = PreparedTopics()
