"""Every time on a page is in the project's zone, which the page names, with UTC beside it."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from conversations.journal.services import log_append
from conversations.models import Event, LogEntry
from handoffs.models import Handoff, HandoffTransition
from handoffs.portal.alerts.telling import alerts_run
from integrations.models import (
    Alert,
    Integration,
    Passkey,
    Project,
    VendorCall,
)
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 2, 20, 30, 15, tzinfo=UTC)
THERE, BESIDE = "2026-01-03 02:15:15 +0545", "(2026-01-02 20:30:15 UTC)"


@pytest.fixture
def project(project: Project) -> Project:
    project.time_zone = "Asia/Kathmandu"
    project.alerts = {"emails": ["duty@shop.example"]}
    project.save()
    return project


@pytest.fixture
def handoff(project: Project) -> Handoff:
    """A handoff of which everything happened at one moment."""
    made: Handoff = factories.handoff(of_integration=factories.integration(project))
    factories.said(made.conversation, "Hello")
    log_append(made.conversation, LogEntry.Level.ERROR, "No order", source="find_order")
    Handoff.objects.update(requested_at=AT)
    HandoffTransition.objects.update(at=AT)
    Event.objects.update(created_at=AT)
    LogEntry.objects.update(at=AT)
    type(made.conversation).objects.update(started_at=AT)
    Integration.objects.update(last_success_at=AT)
    return made


@pytest.mark.parametrize(
    "page",
    ["handoffs", "conversations", "handoff", "conversation", "project_log", "health"],
)
def test_a_page_shows_the_projects_time_and_names_its_zone(project, admin, handoff, page):
    paths = {
        "handoff": reverse("handoff", args=[project.public_id, handoff.pk]),
        "conversation": reverse("conversation", args=[project.public_id, handoff.conversation_id]),
        "health": reverse(
            "integration_health", args=[project.public_id, "sandbox", "salesforce_messaging"]
        ),
    }

    answer = admin.get(paths.get(page) or reverse(page, args=[project.public_id]))

    text = answer.content.decode()
    assert "Times are in Asia/Kathmandu." in text
    assert f"{THERE} {BESIDE}" in text
    assert 'datetime="2026-01-02T20:30:15.000Z"' in text
    assert timezone.get_current_timezone_name() == "UTC"


def test_days_of_a_conversation_begin_at_midnight_of_the_project(project, admin, handoff):
    text = admin.get(
        reverse("conversation", args=[project.public_id, handoff.conversation_id])
    ).content.decode()

    assert "Saturday 3 January 2026" in text and "Friday 2 January" not in text


def test_a_column_of_a_chart_begins_at_the_hour_of_the_project(project, admin, handoff):
    now = timezone.now()
    VendorCall.objects.create(
        integration=Integration.objects.get(),
        operation="message",
        method="POST",
        path="/message",
        status=202,
        duration_ms=80,
        at=now,
    )
    hour = f"{now.astimezone(project.zone):%H}:00"

    text = admin.get(
        reverse("integration_health", args=[project.public_id, "sandbox", "salesforce_messaging"])
    ).content.decode()

    assert f"Most at {hour}: 1." in text


def test_the_mail_of_an_alert_names_the_zone_of_its_time(project, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    integration = factories.integration(project)
    Integration.objects.filter(pk=integration.pk).update(
        status=Integration.Status.NEEDS_ATTENTION, last_error_message="The key is over."
    )

    alerts_run()

    raised = Alert.objects.get().raised_at.astimezone(project.zone)
    assert f"Since {raised:%Y-%m-%d %H:%M} (+0545)." in mail.outbox[0].body


def test_tabs_of_a_browser_tell_handoffs_and_figures_apart(project, admin, handoff):
    paths = [
        reverse("handoff", args=[project.public_id, handoff.pk]),
        reverse("analytics", args=[project.public_id]),
        reverse("analytics_tab", args=[project.public_id, "why"]),
    ]

    titles = [admin.get(path).content.decode().split("title>")[1] for path in paths]

    assert titles[0].startswith("Handoff to Salesforce") and "3 Jan 02:15:15" in titles[0]
    assert titles[1].startswith("Overview, analytics")
    assert titles[2].startswith("Why and where, analytics")


@pytest.mark.parametrize("page", ["account", "passkey"])
def test_a_members_own_pages_show_the_time_of_their_project(project, admin, page):
    key = Passkey.objects.create(user=get_user(admin), name="Laptop", host="a", public=b"")
    Passkey.objects.update(created_at=AT)

    answer = admin.get(reverse(page, args=[key.pk] if page == "passkey" else []))

    text = answer.content.decode()
    assert "Times are in Asia/Kathmandu." in text
    assert f"{THERE} {BESIDE}" in text
    assert timezone.get_current_timezone_name() == "UTC"
