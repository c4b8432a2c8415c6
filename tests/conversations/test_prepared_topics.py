"""Topics are prepared for matching once, and again in every process when they have changed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.ai_agent.services import topic_create, topic_delete, topic_update
from conversations.ai_agent.topics.prepared_topics import PREPARED, PreparedTopics, topic_find
from conversations.models import Topic
from conversations.releases.content import Draft
from integrations.models import Project
from tests import factories
from tests.bench.matching import PlainBm25, made_topics, messages

pytestmark = pytest.mark.django_db
ASKED = "when are you open"


@pytest.fixture
def project() -> Project:
    made = factories.project()
    factories.topic(made, "When are you open?", content="From nine to five.")
    return made


def found(project: Project, text: str = ASKED) -> str | None:
    match = topic_find(Draft(project), text)
    return match[0].name if match else None


def reads_all_phrases(queries: Sequence[dict[str, str]]) -> bool:
    """Tell whether more was read than the one topic that matched."""
    return any(
        "example_queries" in query["sql"] and '_topic"."project_id" = ' in query["sql"]
        for query in queries
    )


def test_phrases_are_read_and_prepared_once_for_many_messages(project):
    with CaptureQueriesContext(connection) as first:
        assert found(project) == "When are you open?"
    prepared = PREPARED.of(Draft(project))

    with CaptureQueriesContext(connection) as later:
        assert [found(project, text) for text in (ASKED, "zxqv")] == ["When are you open?", None]

    assert reads_all_phrases(first.captured_queries)
    assert not reads_all_phrases(later.captured_queries)
    assert PREPARED.of(Draft(project)) is prepared


def test_each_change_is_seen_by_the_next_message_of_every_process(project):
    processes = [PREPARED, PreparedTopics(), PreparedTopics()]
    topic = Topic.objects.get(project=project)

    def all_find(text: str) -> set[bool]:
        return {one.of(Draft(project)).index.match(text) is not None for one in processes}

    assert all_find("wher is my parcl") == {False}
    topic_update(topic=topic, actor=None, values={"example_queries": ["where is my parcel"]})
    assert all_find("wher is my parcl") == {True}
    topic_update(topic=topic, actor=None, values={"is_enabled": False})
    assert all_find("wher is my parcl") == {False}
    added = topic_create(project=project, actor=None, values={"name": "Parcel"})
    assert all_find("parcel") == {True}
    topic_delete(topic=added, actor=None)
    assert all_find("parcel") == {False}


def test_a_project_never_finds_the_topics_of_another(project):
    assert found(project) == "When are you open?"
    assert found(factories.project()) is None


def test_no_more_than_so_many_projects_are_kept(project):
    prepared = PreparedTopics(kept=1)
    first = prepared.of(Draft(project))

    assert prepared.of(Draft(project)) is first
    prepared.of(Draft(factories.project()))
    assert prepared.of(Draft(project)) is not first


def test_the_plain_ranking_of_the_bench_finds_what_was_said():
    topics = made_topics()
    phrases = [query for topic in topics for query in topic.example_queries]

    assert PlainBm25(phrases).best(phrases[42]) == 42
    assert {len(text) for text in messages(topics).values()} <= {498, 499, 500}
