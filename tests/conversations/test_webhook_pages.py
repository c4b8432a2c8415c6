"""Settings > Webhooks: endpoints, secrets shown once, deliveries, tests and sending again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.endpoints import PER_ACCOUNT, endpoint_create, trial_send
from integrations.models import Access, AuditEntry, Project
from integrations.telemetry.correlation import correlation_begin
from tests import factories
from tests.members import client_of_reader, client_with

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"whsec_[\w-]+")


def values(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Warehouse",
        "url": "https://hooks.example.com/baton",
        "event_types": ["handoff.ended", "message.created"],
        "timeout_ms": "5000",
        "headers": "",
        "is_enabled": "on",
        **changed,
    }


def endpoint(project: Project) -> WebhookEndpoint:
    given = {"name": "CRM", "url": "https://crm.example/hook", "event_types": ["handoff.ended"]}
    return endpoint_create(
        project=project, actor=None, values=given, headers={"X-Key": "hdr-s3cret"}
    )[0]


def url(name: str, project: Project, of: WebhookEndpoint | None = None, **more: Any) -> str:
    if of is not None:
        more["endpoint_id"] = of.pk
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def test_a_webhook_is_made_and_its_secret_is_shown_once(admin, project):
    assert "No webhook yet" in admin.get(url("webhooks", project)).content.decode()

    made = admin.post(url("webhook_new", project), values(headers="X-Shop: hdr-s3cret"))

    [row] = WebhookEndpoint.objects.all()
    shown = set(SECRET.findall(made.content.decode()))
    assert shown == {row.secrets["current"]}
    assert "no-store" in made["Cache-Control"]
    assert row.secrets["headers"] == {"X-Shop": "hdr-s3cret"}
    later = admin.get(url("webhook", project, row)).content.decode()
    assert not SECRET.search(later)
    assert "X-Shop" in later
    assert "hdr-s3cret" not in later
    assert "Warehouse" in admin.get(url("webhooks", project)).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("url", "http://hooks.example.com/", "https://"),
        ("url", "https://192.168.1.5/", "private network"),
        ("event_types", [], "Choose at least one event"),
        ("timeout_ms", "10", "greater than or equal to 1000"),
        ("headers", "no colon", "a colon"),
        ("headers", "X-Handoff-Timestamp: 1", "Baton itself"),
    ],
)
def test_what_cannot_be_is_marked_at_its_field(admin, project, settings, field, value, told):
    settings.ALLOW_LOCAL_AGENTS = False

    answer = admin.post(url("webhook_new", project), values(**{field: value}))

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_eleventh_webhook_of_an_account_is_refused_with_the_cure(admin, project):
    for _ in range(PER_ACCOUNT):
        endpoint(project)

    answer = admin.post(url("webhook_new", project), values())

    assert answer.status_code == 422
    assert "Delete one" in answer.content.decode()


def test_a_change_is_saved_and_keeps_headers_that_are_not_typed_again(admin, project):
    row = endpoint(project)

    answer = admin.post(url("webhook", project, row), values(name="CRM 2", is_enabled=""))

    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.name, row.is_enabled) == ("CRM 2", False)
    assert row.secrets["headers"] == {"X-Key": "hdr-s3cret"}
    entry = AuditEntry.objects.get(action="webhook.changed")
    assert entry.fields == ["event_types", "is_enabled", "name", "url"]

    admin.post(url("webhook", project, row), values(clears_headers="on"))
    row.refresh_from_db()
    assert row.secrets["headers"] == {}


def test_rotating_shows_the_new_secret_once_and_until_when_the_old_one_signs(admin, project):
    row = endpoint(project)
    old = row.secrets["current"]

    page = admin.post(url("webhook_secret", project, row)).content.decode()

    row.refresh_from_db()
    assert set(SECRET.findall(page)) == {row.secrets["current"]} != {old}
    later = admin.get(url("webhook", project, row)).content.decode()
    assert not SECRET.search(later)
    assert "still signs as well" in later
    assert AuditEntry.objects.filter(action="webhook.secret_rotated").exists()


def test_deliveries_show_how_they_went_and_one_that_is_over_is_sent_again(admin, project):
    row = endpoint(project)
    correlation_begin("pressed-a-button")
    delivery = trial_send(endpoint=row, actor=None)
    WebhookDelivery.objects.update(status="failed", attempts=6, response_status=503, duration_ms=41)
    page = admin.get(url("webhook", project, row)).content.decode()
    told = ("Failed", "6 of 6", "503", "41 ms", "webhook.test", "pressed-a-button")
    assert [text for text in told if text not in page] == []

    again = url("webhook_resend", project, row, event_id=delivery.event_id)
    admin.post(again)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("pending", 0)
    refused = admin.post(again, follow=True).content.decode()
    assert "It waits already" in refused
    shown = admin.get(f"{url('webhook', project, row)}?status=failed").content.decode()
    assert "No delivery has this status" in shown


def test_no_answer_is_told_in_words(admin, project):
    row = endpoint(project)
    trial_send(endpoint=row, actor=None)
    later = timezone.now() + timedelta(hours=1)
    WebhookDelivery.objects.update(attempts=2, error_code="timeout", next_attempt_at=later)

    page = admin.get(url("webhook", project, row)).content.decode()

    assert "no answer within the timeout" in page
    assert "Tried again" in page
    assert "Send now: " in page and "Send again: " not in page
    again = url("webhook_resend", project, row, event_id=WebhookDelivery.objects.get().event_id)
    assert "It is sent again" in admin.post(again, follow=True).content.decode()
    assert WebhookDelivery.objects.get().next_attempt_at < later


def test_a_test_is_queued_and_one_to_an_endpoint_that_is_off_is_refused(admin, project):
    row = endpoint(project)

    admin.post(url("webhook_test", project, row))
    assert WebhookDelivery.objects.get().type == "webhook.test"
    WebhookEndpoint.objects.update(is_enabled=False)
    refused = admin.post(url("webhook_test", project, row), follow=True).content.decode()

    assert "Enable it" in refused
    assert WebhookDelivery.objects.count() == 1


def test_a_webhook_is_deleted_only_with_its_name(admin, project):
    row = endpoint(project)

    admin.post(url("webhook_delete", project, row), {"confirm_name": "wrong"})
    assert WebhookEndpoint.objects.exists()
    admin.post(url("webhook_delete", project, row), {"confirm_name": "CRM"})

    assert not WebhookEndpoint.objects.exists()
    assert AuditEntry.objects.filter(action="webhook.deleted").exists()


def test_who_may_read_sees_and_changes_nothing(project):
    row = endpoint(project)
    reader = client_of_reader(project)

    page = reader.get(url("webhook", project, row)).content.decode()

    assert "data-read-only" in page
    for label in ("Save webhook", "Rotate secret", "Send a test", "Delete webhook"):
        assert label not in page
    assert reader.get(url("webhook_new", project)).status_code == 403
    for name in ("webhook", "webhook_secret", "webhook_test", "webhook_delete"):
        assert reader.post(url(name, project, row), values()).status_code == 403
    other = client_with(project, conversations=Access.EDIT)
    assert other.get(url("webhooks", project)).status_code == 403


def test_another_projects_webhook_is_not_there(admin, project):
    foreign = endpoint(factories.project())

    assert admin.get(url("webhook", project, foreign)).status_code == 404
    assert admin.post(url("webhook_secret", project, foreign)).status_code == 404
