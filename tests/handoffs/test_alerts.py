"""People are told of what is wrong, once, and of its end: each trouble is provoked here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.endpoints import endpoint_create
from handoffs.models import Delivery, Handoff, RelayWorker
from handoffs.portal.alerts import telling
from handoffs.portal.alerts.telling import AlertSettings, alert_settings_set, alerts_run
from handoffs.states import State
from integrations.contract.connector import ROTATING
from integrations.models import Alert, Integration, Project, VendorToken
from integrations.telemetry.mail import mail_send
from tests import factories
from tests.members import client_of_admin, client_of_reader, client_with

pytestmark = pytest.mark.django_db
PEOPLE = "operations@birchline.example"


@pytest.fixture
def project(settings) -> Project:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    made = factories.project()
    chosen = AlertSettings(emails=(PEOPLE,), quiet_minutes=60)
    alert_settings_set(project=made, chosen=chosen, actor=None)
    made.refresh_from_db()
    return made


def red(project: Project) -> Callable[[], object]:
    row = factories.integration(project)
    row.status, row.last_error_message = Integration.Status.NEEDS_ATTENTION, "Refused."
    row.save()
    return lambda: Integration.objects.update(status=Integration.Status.CONNECTED)


def failing(project: Project) -> Callable[[], object]:
    made = [factories.handoff(factories.conversation(factories.channel(project))) for _ in range(3)]
    keys = [one.pk for one in made]
    Handoff.objects.filter(pk__in=keys).update(state=State.FAILED.value)
    old = timezone.now() - timedelta(hours=1)
    return lambda: Handoff.objects.filter(pk__in=keys).update(requested_at=old)


def lagging(project: Project) -> Callable[[], object]:
    conversation = factories.conversation(factories.channel(project))
    handoff = factories.handoff(conversation, state=State.ACTIVE)
    line = factories.said(conversation, "hello?")
    late = timezone.now() - timedelta(minutes=2)
    row = Delivery.objects.create(handoff=handoff, event=line, sequence=9, created_at=late)
    return lambda: Delivery.objects.filter(pk=row.pk).update(status=Delivery.Status.SENT)


def no_worker(project: Project) -> Callable[[], object]:
    factories.handoff(factories.conversation(factories.channel(project)), state=State.QUEUED)
    dead = timezone.now() - timedelta(minutes=1)
    RelayWorker.objects.update(heartbeat_at=dead)
    return lambda: RelayWorker.objects.update(heartbeat_at=timezone.now())


def expiring(project: Project) -> Callable[[], object]:
    key, _ = factories.api_key(project, expires_at=timezone.now() + timedelta(days=3))
    return lambda: type(key).objects.filter(pk=key.pk).update(revoked_at=timezone.now())


def sign_in_ending(project: Project) -> Callable[[], object]:
    soon = timezone.now() + timedelta(days=5)
    token = VendorToken.objects.create(
        integration=factories.integration(project), name=f"{ROTATING}a1", value="", expires_at=soon
    )
    later = timezone.now() + timedelta(days=90)
    return lambda: VendorToken.objects.filter(pk=token.pk).update(expires_at=later)


TROUBLES = {
    "connection": red,
    "failing": failing,
    "lag": lagging,
    "no_worker": no_worker,
    "expiry": expiring,
    "expiry of a vendor's sign-in": sign_in_ending,
}


def pager(project: Project) -> WebhookEndpoint:
    values = {"name": "Pager", "url": "https://hooks.example/a"}
    values |= {"event_types": ["alerts.triggered", "alerts.resolved"]}
    hook, _ = endpoint_create(project=project, actor=None, values=values)
    return hook


def subjects() -> list[str]:
    return [sent.subject for sent in mail.outbox]


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_trouble_is_told_once_and_so_is_its_end(project, kind):
    hook = pager(project)
    mend = TROUBLES[kind](project)

    alerts_run()
    alerts_run()
    mend()
    alerts_run()

    kind = kind.partition(" ")[0]
    label = str(Alert.Kind(kind).label)
    assert subjects() == [f"{label} in {project.name}", f"Over: {label} in {project.name}"]
    assert mail.outbox[0].to == [PEOPLE]
    told = WebhookDelivery.objects.filter(endpoint=hook).order_by("id")
    assert [(row.type, row.data["kind"]) for row in told] == [
        ("alerts.triggered", kind),
        ("alerts.resolved", kind),
    ]


def test_a_trouble_that_comes_again_within_the_quiet_time_waits(project):
    red(project)
    alerts_run()
    Integration.objects.update(status=Integration.Status.CONNECTED)
    alerts_run()
    Integration.objects.update(status=Integration.Status.NEEDS_ATTENTION)

    alerts_run()
    quiet = len(mail.outbox)
    Alert.objects.filter(told_at__isnull=False).update(told_at=timezone.now() - timedelta(hours=2))
    alerts_run()

    assert quiet == 2
    assert len(mail.outbox) == 3


def test_a_mail_server_that_is_away_is_tried_again(project, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    red(project)
    alerts_run()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    alerts_run()

    assert len(mail.outbox) == 1


def test_the_webhook_does_not_wait_for_the_mail_server(project, settings):
    hook = pager(project)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    red(project)

    alerts_run()
    alerts_run()

    told = WebhookDelivery.objects.filter(endpoint=hook)
    assert [row.type for row in told] == ["alerts.triggered"]


@pytest.mark.parametrize("is_over", [False, True])
def test_what_runs_twice_at_a_moment_tells_once(project, monkeypatch, is_over):
    hook = pager(project)
    mend = red(project)
    if is_over:
        alerts_run()
        mend()
    before = len(mail.outbox)

    def another_run(**sent: object) -> None:
        """While a slow mail server takes the mail, the clock strikes again."""
        monkeypatch.setattr(telling, "mail_send", mail_send)
        alerts_run()
        mail_send(**sent)

    monkeypatch.setattr(telling, "mail_send", another_run)
    alerts_run()

    assert len(mail.outbox) == before + 1
    assert WebhookDelivery.objects.filter(endpoint=hook).count() == 1 + is_over


def test_a_mail_that_was_begun_and_never_ended_is_tried_again(project):
    red(project)
    alerts_run()
    Alert.objects.update(mail_due_at=timezone.now() - timedelta(seconds=1))

    alerts_run()

    assert len(mail.outbox) == 2


def test_nobody_is_told_of_another_projects_troubles(project):
    red(factories.project())

    alerts_run()

    assert mail.outbox == []
    page = client_of_admin(project).get(reverse("alerts", args=[project.public_id]))
    assert "Nothing is wrong" in page.content.decode()


def test_what_is_known_costs_the_same_few_statements(project, django_assert_max_num_queries):
    for _ in range(5):
        factories.handoff(factories.conversation(factories.channel(factories.project())))
    alerts_run()

    with django_assert_max_num_queries(10):
        alerts_run()


class TestPage:
    def send(self, client: Client, project: Project, **fields: str):
        sent = {"emails": PEOPLE, "quiet_minutes": "30", **fields}
        return client.post(reverse("alerts", args=[project.public_id]), sent)

    def test_it_shows_what_is_open_and_what_is_over(self, project):
        mend = red(project)
        alerts_run()
        admin = client_of_admin(project)
        page = reverse("alerts", args=[project.public_id])

        opened = admin.get(page).content.decode()
        mend()
        alerts_run()
        over = admin.get(page).content.decode()

        assert "Refused." in opened
        assert "Nothing is wrong" in over
        assert "Refused." in over

    def test_who_is_told_is_saved_and_audited(self, project):
        answer = self.send(client_of_admin(project), project, emails="a@b.example\nc@d.example")

        project.refresh_from_db()
        assert answer.status_code == 302
        assert project.alerts == {
            "emails": ["a@b.example", "c@d.example"],
            "quiet_minutes": 30,
        }

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"emails": "nobody"}, "nobody is no e-mail address"),
            ({"emails": " ".join(f"a{n}@b.example" for n in range(21))}, "20 addresses at most"),
            ({"quiet_minutes": ""}, "Quiet minutes: enter a number"),
            ({"quiet_minutes": "soon"}, "whole number"),
        ],
    )
    def test_what_is_wrong_is_said(self, project, fields, said):
        answer = self.send(client_of_admin(project), project, **fields)

        assert answer.status_code == 422
        assert said in answer.content.decode()

    def test_a_reader_looks_and_changes_nothing(self, project):
        reader = client_of_reader(project)

        assert reader.get(reverse("alerts", args=[project.public_id])).status_code == 200
        assert self.send(reader, project).status_code == 403
        other = client_with(project, tools=2)
        assert other.get(reverse("alerts", args=[project.public_id])).status_code == 403
