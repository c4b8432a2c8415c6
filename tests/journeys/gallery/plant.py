"""Make a project as it looks after a busy week, for whoever looks at pages.

python -m tests.journeys.gallery.plant SALESFORCE_URL      prints what stands in its addresses

It is a project of its own, so that nothing that others look for in the demo's is moved. Everything
is made by the product's services and then moved back in time.
"""

from __future__ import annotations

import json
import os
import sys

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from typing import Any  # noqa: E402

from django.contrib.auth.models import Group, User  # noqa: E402
from django.db import transaction  # noqa: E402

from config.demo.connecting import demo_connect  # noqa: E402
from conversations.models import Channel, EndUser  # noqa: E402
from conversations.widget.channels import channel_create  # noqa: E402
from handoffs.portal.alerts.telling import AlertSettings, alert_settings_set  # noqa: E402
from handoffs.portal.erasure.erasing import erasure_request, erasure_run  # noqa: E402
from handoffs.portal.erasure.holds import hold_set  # noqa: E402
from handoffs.portal.lists.long_exports import export_run  # noqa: E402
from handoffs.portal.trials.panel import DRAFT, panel_begin  # noqa: E402
from integrations.entry.keys import api_key_create  # noqa: E402
from integrations.entry.members.invitations import invitation_link, invitation_make  # noqa: E402
from integrations.entry.members.roles import ROLES  # noqa: E402
from integrations.entry.members.services import member_set  # noqa: E402
from integrations.models import (  # noqa: E402
    Alert,
    ApiKey,
    Environment,
    Integration,
    ListExport,
    Membership,
    Project,
)
from integrations.projects.services import project_create  # noqa: E402
from tests.journeys.gallery import building, talks  # noqa: E402
from tests.journeys.gallery.clock import ago  # noqa: E402

NAME = "Harbour Street Books"
ATTENTION = {
    "zendesk": "Zendesk did not accept the API key. Make a new one in Admin Center, and enter it.",
}
COLLEAGUES = (
    ("leila.haddad", "Leila Haddad", "operator"),
    ("tomas.brandt", "Tomás Brandt", "builder"),
    ("ines.moreau", "Inès Moreau", "analyst"),
)


def plant(simulator_url: str) -> dict[str, Any]:
    """Make everything once, and return a value for each parameter of the portal's addresses."""
    admin = User.objects.get(username="admin")
    workspace = Membership.objects.filter(user=admin, workspace__slug="demo").get().workspace
    project = project_create(workspace=workspace, name=NAME, actor=admin)
    Project.objects.filter(pk=project.pk).update(agent_name="Paige")
    project.refresh_from_db()
    found = _connections(project, admin, simulator_url)
    channel = _channel(project, admin)
    values = {"project_id": project.public_id, "channel_id": channel.pk, "section": "brand"}
    values |= {"public_key": channel.public_key, "language": "de", "workspace": workspace.pk}
    values |= {"user": admin.pk, "group": Group.objects.get_or_create(name="Operations")[0].pk}
    with transaction.atomic():  # no relay worker sees what is half-way
        values |= building.build(project, admin)
        values |= talks.talk(project, channel, found, admin)
        values |= _settings(project, admin)
        values["export_id"] = _export(project, admin)
        values["trial_id"] = panel_begin(project, DRAFT).pk
    return {name: str(value) for name, value in values.items()}


def _connections(project: Project, admin: User, simulator_url: str) -> list[Integration]:
    """Connect one vendor for good, and let others look as they do in a bad week."""
    demo_connect(project, admin, key="salesforce_messaging", url=simulator_url)
    works = Integration.objects.get(project=project, connector_key="salesforce_messaging")
    broken = Integration.objects.create(
        project=project,
        environment=Environment.SANDBOX,
        connector_key="zendesk",
        integration_key="zendesk_integration",
        status=Integration.Status.NEEDS_ATTENTION,
        last_error_code="invalid_auth",
        last_error_message=ATTENTION["zendesk"],
        last_error_at=ago(minutes=42),
        last_success_at=ago(hours=5),
        connected_at=ago(days=30),
        credentials={"subdomain": "harbourstreet", "key_id": "app_1", "key_secret": "never-shown"},
    )
    off = Integration.objects.create(
        project=project,
        environment=Environment.SANDBOX,
        connector_key="genesys",
        integration_key="genesys_integration",
        status=Integration.Status.DISABLED,
        connected_at=ago(days=90),
        credentials={"region": "eu-central-1"},
    )
    _texts(project)
    return [works, broken, off]


def _texts(project: Project) -> None:
    """Let a number take text messages."""
    Integration.objects.create(
        project=project,
        environment=Environment.SANDBOX,
        connector_key="twilio_sms",
        integration_key="twilio_sms",
        status=Integration.Status.CONNECTED,
        connected_at=ago(days=12),
        last_success_at=ago(hours=2),
        credentials={"account_sid": "AC01", "numbers": "+14155550100"},
    )


def _channel(project: Project, admin: User) -> Channel:
    values = {
        "name": "Shop website",
        "environment": Environment.SANDBOX,
        "allowed_origins": ["127.0.0.1", "books.example"],
        "accent": "#0f766e",
        "title": "Ask Harbour Street",
    }
    return channel_create(project=project, actor=admin, values=values)


def _export(project: Project, admin: User) -> str:
    """Write a long export, and return its number."""
    row = ListExport.objects.create(project=project, member=admin, page="handoffs", form="csv")
    export_run(row.pk)
    return str(row.pk)


def _settings(project: Project, admin: User) -> dict[str, Any]:
    member = admin.memberships.get(workspace=project.workspace)
    for name, full, role in COLLEAGUES:
        user, _ = User.objects.get_or_create(username=name)
        user.email = f"{name}@books.example"
        user.first_name, user.last_name = full.split(" ", 1)
        user.last_login = ago(hours=3)
        user.save()
        rights = next(one for one in ROLES if one.key == role).rights
        member = member_set(workspace=project.workspace, user=user, **_rights(rights))
    project.workspace.invitations.all().delete()
    invitation = invitation_make(
        workspace=project.workspace,
        email="noor.halvorsen@books.example",
        rights=ROLES[-1].rights,
        note="Noor leads the evening shift.",
        actor=admin,
    )
    key, _ = api_key_create(
        project=project,
        actor=admin,
        name="Data warehouse",
        permissions=[ApiKey.Permission.HANDOFF.value],
    )
    alert_settings_set(
        project=project, chosen=AlertSettings(emails=("duty@books.example",)), actor=admin
    )
    _alerts(project)
    return {
        "member_id": member.pk,
        "invitation_id": invitation.public_id,
        "invitation": invitation_token(invitation),
        "key_id": key.pk,
        **_people(project, admin),
    }


def _rights(rights: Any) -> dict[str, Any]:
    return {
        "is_admin": rights.is_admin,
        "areas": rights.areas,
        "sees_personal_data": rights.sees_personal_data,
    }


def invitation_token(invitation: Any) -> str:
    """Return the last part of the address that an invitation's mail holds."""
    return invitation_link(invitation).rstrip("/").rpartition("/")[2]


def _alerts(project: Project) -> None:
    Alert.objects.create(
        project=project,
        kind=Alert.Kind.CONNECTION,
        subject="zendesk",
        environment=Environment.SANDBOX,
        detail=ATTENTION["zendesk"],
        raised_at=ago(minutes=42),
        told_at=ago(minutes=41),
    )
    Alert.objects.create(
        project=project,
        kind=Alert.Kind.LAG,
        subject="salesforce_messaging",
        environment=Environment.SANDBOX,
        detail="3 messages have waited for more than 10 seconds. Salesforce answered slowly.",
        raised_at=ago(days=2, hours=1),
        told_at=ago(days=2, hours=1),
        cleared_at=ago(days=2),
    )


def _people(project: Project, admin: User) -> dict[str, Any]:
    """Erase somebody, and name somebody else who is there to be looked at."""
    gone = EndUser.objects.create(project=project, external_id="gone", name="Gone")
    erasure = erasure_request(
        project=project, end_user=gone, reason="Asked for by e-mail", actor=admin
    )
    erasure_run(erasure.pk)
    person = project.end_users.get(name=talks.PEOPLE[0][0])
    until = ago(days=-10).date()
    hold = hold_set(project=project, held=person, reason="Case 2026-114", until=until, actor=admin)
    return {"hold_id": hold.pk, "erasure_id": erasure.pk, "person_id": person.pk}


if __name__ == "__main__":
    print(json.dumps(plant(sys.argv[1])))
