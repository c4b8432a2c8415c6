"""A page that is only looked at changes nothing: what a GET writes is the note that it was read."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Project
from tests import factories
from tests.config.routes import routes
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db
WRITES = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
# That somebody read or took it, when a member was seen, and what is kept for a while.
NOTES = {"integrations_auditentry", "django_session", "integrations_membersession"}
# Vendors, machines and what is no page.
NO_PAGES = ("api/", "v1/", "v3/", "handoff/", "files/", "admin/", "login/", "logout/", "healthz")


def test_no_page_writes_when_it_is_looked_at():
    project: Project = factories.project()
    tool, topic = factories.tool(project), factories.topic(project, "Where is my parcel?")
    handoff = factories.handoff(of_integration=factories.integration(project))
    values = {
        "project_id": project.public_id,
        "environment": "sandbox",
        "connection": "salesforce_messaging",
        "topic_id": str(topic.pk),
        "tool_id": str(tool.pk),
        "channel_id": str(handoff.conversation.channel_id),
        "handoff_id": handoff.pk,
        "conversation_id": handoff.conversation_id,
        "section": "survey",
        "tab": "why",
        "language": "de",
    }
    client = client_of_admin(project)
    client.get(f"/p/{project.public_id}/")
    found, written = {}, set()

    for route in routes():
        if route.pattern.startswith(NO_PAGES):
            continue
        with CaptureQueriesContext(connection) as captured:
            client.get(route.filled(values))
        sql = [WRITES.match(query["sql"]) for query in captured.captured_queries]
        tables = {one[1] for one in sql if one}
        written |= tables
        if tables - NOTES:
            found[str(route)] = tables - NOTES

    assert found == {}
    assert "integrations_auditentry" in written
