"""The Log page: newest first, narrowed by level and words, personal data only for some."""

import csv
import io
import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from conversations.models import LogEntry
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db


def url(project: Project, query: str = "") -> str:
    return reverse("project_log", kwargs={"project_id": project.public_id}) + query


def entry(project: Project, content: str, **fields: object) -> LogEntry:
    return LogEntry.objects.create(
        project=project, **{"level": "info", "content": content, **fields}
    )


def shown(page: object) -> list[str]:
    return [line.content for line in page.context["found"]]


def test_an_empty_log_says_what_will_stand_there(admin, project):
    assert "Nothing logged yet" in admin.get(url(project)).content.decode()


def test_entries_come_newest_first_and_only_those_of_the_project(admin, project):
    entry(project, "first")
    entry(project, "second")
    entry(factories.project(), "of somebody else")

    assert shown(admin.get(url(project))) == ["second", "first"]


def test_a_level_narrows_the_log_and_an_unknown_one_does_not(admin, project):
    entry(project, "fine")
    entry(project, "bad", level="error")

    assert shown(admin.get(url(project, "?level=error"))) == ["bad"]
    assert len(shown(admin.get(url(project, "?level=nonsense")))) == 2


@pytest.mark.parametrize("words", ["timeout", "slow_tool", "tool_timeout", "slow stopped"])
def test_every_word_of_a_search_must_be_found_somewhere(admin, project, words):
    entry(project, "it was stopped after a timeout", source="slow_tool", code="tool_timeout")
    entry(project, "unrelated")

    assert len(shown(admin.get(url(project), {"q": words}))) == 1


def test_a_search_finds_a_conversation_by_its_id(admin, project):
    conversation = factories.conversation(factories.channel(project))
    entry(project, "of it", conversation=conversation)
    entry(project, "of none")

    assert shown(admin.get(url(project), {"q": conversation.pk})) == ["of it"]


def test_an_entry_links_to_its_conversation(admin, project):
    conversation = factories.conversation(factories.channel(project))
    entry(project, "of it", conversation=conversation)

    page = admin.get(url(project)).content.decode()

    assert f"/conversations/{conversation.pk}" in page


def test_a_search_without_result_offers_the_way_back(admin, project):
    entry(project, "something")

    page = admin.get(url(project, "?q=nothing-like-it")).content.decode()

    assert "Nothing fits" in page
    assert "Take Search away" in page


def test_personal_data_is_kept_from_members_who_may_only_read(project):
    entry(project, "ada@example.com called", is_pii=True)
    entry(project, "fine")
    reader = client_with(project, conversations=1)
    editor = client_with(project, conversations=1, sees_personal_data=True)

    assert shown(reader.get(url(project))) == ["fine"]
    assert shown(reader.get(url(project), {"q": "ada"})) == []
    assert len(shown(editor.get(url(project)))) == 2


def test_a_long_log_has_pages_that_keep_the_filters(admin, project):
    LogEntry.objects.bulk_create(
        LogEntry(project=project, level="error", content=f"entry {n}") for n in range(51)
    )

    first = admin.get(url(project, "?level=error"))
    older = re.search(r'rel="next" href="([^"]+)"', first.content.decode())
    assert older and "level=error&amp;page=" in older[1]
    second = admin.get(url(project, unescape(older[1])))

    assert len(shown(first)) == 50
    assert shown(second) == ["entry 0"]


def test_the_log_is_narrowed_kept_as_a_view_and_taken_as_a_file(admin, project):
    entry(project, "=cmd()", source="find_order", code="tool_timeout", fields={"n": 1})
    entry(project, "secret of Ada", source="find_order", is_pii=True)
    entry(project, "other", source="refund")
    query = {"source": "find_order", "code": "tool_timeout"}

    page = admin.get(url(project), query).content.decode()
    views = reverse("saved_view_add", args=[project.public_id, "log"])
    kept = admin.post(views, {"name": "Timeouts", "query": urlencode(query)}, follow=True)
    reader = client_with(project, conversations=1)
    exported = reverse("project_log_export", args=[project.public_id])
    lines = b"".join(reader.get(exported, {"source": "find_order"})).decode("utf-8-sig")

    assert "1 entry." in page and "Source: <strong>find_order</strong>" in page
    assert kept.redirect_chain[0][0] == url(project, f"?{urlencode(query)}")
    assert "Timeouts" in kept.content.decode()
    assert [row["content"] for row in csv.DictReader(io.StringIO(lines))] == ["'=cmd()"]
    assert AuditEntry.objects.get(action="log.exported").fields == ["source"]


def test_what_a_tool_logged_is_shown_as_text_never_as_markup(admin, project):
    entry(project, "<img src=x onerror=alert(1)>", fields={"<b>": "<i>"})

    page = admin.get(url(project)).content.decode()

    assert "<img src=x" not in page
    assert "<b>" not in page


def test_the_log_needs_access_to_conversations(project):
    assert client_with(project, tools=2).get(url(project)).status_code == 403
