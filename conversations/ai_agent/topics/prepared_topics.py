"""Keeps the topics of drafts and releases prepared for matching, in every process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from conversations.ai_agent.topics.matching import TopicIndex, TopicMatch, TopicText
from conversations.models import Topic
from conversations.releases.content import Content, Draft, Version

# A hundred topics of twenty queries take about ten megabytes.
PROJECTS_KEPT = 32

# A draft's stamp, or which topics there are, and when each was saved; nothing for a release.
Saved = str | tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A content's topics, ready to be matched, and the rows themselves: never change one."""

    saved: Saved
    index: TopicIndex
    rows: Mapping[int, Topic]


class PreparedTopics:
    """Prepares topics once; the database says whether those of a draft are still the same.

    Which topics there are, and when each was saved, is read for every message, unless a draft says
    so by its stamp: no process has to be told of a change, and clocks that differ do no harm. A
    release never changes.
    """

    def __init__(self, kept: int = PROJECTS_KEPT) -> None:
        """Keep at most so many projects and releases, those asked for last."""
        self._kept = kept
        self._lock = threading.Lock()
        self._contents: OrderedDict[Version, Prepared] = OrderedDict()

    def of(self, content: Content) -> Prepared:
        """Return the topics of a content; two threads may both prepare them, and that is all."""
        saved = _saved(content)
        with self._lock:
            known = self._contents.get(content.version)
        if known is None or known.saved != saved:
            rows = content.rows(Topic)
            known = Prepared(saved, TopicIndex(_texts(rows)), {row.pk: row for row in rows})
        with self._lock:
            self._contents[content.version] = known
            self._contents.move_to_end(content.version)
            while len(self._contents) > self._kept:
                self._contents.popitem(last=False)
        return known


def topic_find(
    content: Content, text: str, *, without: Collection[str] = ()
) -> tuple[Topic, TopicMatch] | None:
    """Return the topic that a text is about, and how well it matches.

    `without` are names of topics that count for nothing now: a tool has taken them out.
    """
    prepared = PREPARED.of(content)
    out = [pk for pk, row in prepared.rows.items() if row.name in without] if without else []
    match = prepared.index.match(text, without=out)
    return (prepared.rows[match.topic_id], match) if match else None


def human_topic(
    content: Content, found: Topic | None, *, without: Collection[str] = ()
) -> Topic | None:
    """Return the project's own topic for a wish for a human: the one that matches, or the first."""
    prepared = PREPARED.of(content)
    ours = prepared.index.for_humans
    if found is not None and found.pk in ours:
        return found
    rows = (prepared.rows[pk] for pk in ours)
    return next((row for row in rows if row.name not in without), None)


def _saved(content: Content) -> Saved:
    if not isinstance(content, Draft):
        return ()
    if content.stamp:
        return content.stamp
    rows = Topic.objects.filter(project_id=content.project_id).order_by("pk")
    return tuple((pk, at.timestamp()) for pk, at in rows.values_list("pk", "updated_at"))


def _texts(rows: Iterable[Topic]) -> list[TopicText]:
    return [
        TopicText(
            id=topic.pk,
            name=topic.name,
            example_queries=tuple(topic.example_queries),
            content=topic.content,
            enabled=topic.is_enabled,
        )
        for topic in rows
    ]


PREPARED = PreparedTopics()
