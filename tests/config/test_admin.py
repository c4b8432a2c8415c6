"""Django's admin: nothing secret in it, nothing written past a service, and every act audited."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.urls import admin_urls
from conversations.models import Erasure, LegalHold
from handoffs.models import Delivery, Handoff, RelayWorker
from handoffs.states import State
from integrations.admin import COUNTED, BoundedPaginator, SafeAdmin
from integrations.credentials.fields import EncryptedJSONField
from integrations.models import ApiKey, AuditEntry, Integration, Invitation, Membership, Project
from tests import factories

pytestmark = pytest.mark.django_db
OURS = ("integrations", "conversations", "handoffs")
OWN = {
    model: model_admin
    for model, model_admin in admin.site._registry.items()
    if model._meta.app_label in OURS
}
MARK = "s3cr3t-mark"
# What people said and are called, and what opens something.
PERSONAL = {
    *("name", "email", "phone", "external_id", "payload", "utterance", "context_data"),
    *("tool_state", "page", "integration_attributes", "agent_name", "live_agents", "content"),
    *("request_body", "response_body", "key_hash", "secret_token_hash", "token", "token_family"),
}
# What has such a name and is nobody's: an AI agent's name, and what it says to everybody.
PUBLIC = {
    **{key: {"name"} for key in ("workspace", "apikey", "channel", "tool", "relayworker")},
    "project": {"name", "agent_name"},
    "topic": {"name", "content"},
    **{key: {"name"} for key in ("flow", "variant", "destination")},
}
# What nobody looks at there, and why.
LEFT_OUT = {
    **dict.fromkeys(
        ("VendorToken", "SecondFactor", "Passkey", "PortalSession", "SingleSignOnLink", "Secret"),
        "holds what opens something",
    ),
    **dict.fromkeys(
        ("Event", "Survey", "SmsInbound", "SmsOutbound", "SmsThread", "SmsNumber", "BrandImage"),
        "is what people said, or their number",
    ),
    **dict.fromkeys(
        (
            *("ConversationFact", "HandoffFact", "DayTotal", "ConversationTag", "SavedView"),
            "MemberSettings",
        ),
        "is made from other rows, or a member's own",
    ),
    **dict.fromkeys(
        ("TranscriptLink", "Offer", "VendorKey", "ListExport"), "is part of a row that is there"
    ),
    **dict.fromkeys(
        ("SafetyFilter", "ToolApi", "ToolValues", "Wording"), "is a page of one project"
    ),
}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root-operator"))
    return client


def act(client: Client, row: Any, action: str, **more: str) -> Any:
    """Choose a row and an action on a list, and answer the question that comes."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")
    data = {"action": action, "_selected_action": str(row.pk), **more}
    asked = client.post(address, data)
    assert str(row) in asked.content.decode()
    return client.post(address, {**data, "confirmed": "1"}, follow=True)


def test_every_model_of_ours_is_there_or_left_out_on_purpose_and_all_have_the_safe_base():
    assert all(isinstance(one, SafeAdmin) for one in OWN.values())
    ours = {model.__name__ for model in apps.get_models() if model._meta.app_label in OURS}

    assert ours - {model.__name__ for model in OWN} == set(LEFT_OUT)


@pytest.mark.parametrize("model", OWN, ids=lambda model: model.__name__)
def test_no_field_that_is_encrypted_hashed_or_personal_is_shown_or_searched(model: Any):
    shown = OWN[model]
    named = {*shown.list_display, *shown.fields}
    searched = {part.lstrip("=^@").split("__")[0] for part in shown.search_fields}
    forbidden = PERSONAL - PUBLIC.get(model._meta.model_name, set())
    encrypted = {
        field.name for field in model._meta.fields if isinstance(field, EncryptedJSONField)
    }

    assert shown.fields
    assert not (named | searched) & (encrypted | forbidden)


@pytest.mark.parametrize("model", OWN, ids=lambda model: model.__name__)
def test_lists_are_searched_by_whole_ids_and_filtered_by_no_table(model: Any):
    shown = OWN[model]

    assert all(p.startswith("=") or p.endswith("__startswith") for p in shown.search_fields)
    relations = {field.name for field in model._meta.fields if field.is_relation}
    assert not relations & set(shown.list_filter)
    assert shown.show_full_result_count is False


def everything(project: Project) -> None:
    """Make a row of each kind, with the mark wherever something secret or personal stands."""
    integration = factories.integration(project, credentials={"client_secret": MARK})
    conversation = factories.conversation(factories.channel(project))
    conversation.end_user.name = conversation.end_user.email = MARK
    conversation.end_user.save()
    conversation.tool_state = {"said": MARK}
    conversation.save()
    Handoff.objects.create(
        conversation=conversation,
        integration=integration,
        environment="sandbox",
        integration_key=integration.integration_key,
        tool_call_id="call-1",
        routing={"summary": MARK},
        context_data={"name": MARK},
        utterance=MARK,
        agent_name=MARK,
        vendor_session={"state": MARK},
    )
    factories.tool(project)
    factories.topic(project, "Where is my parcel?")
    ApiKey.objects.create(project=project, name="Screen pop", prefix="bk_a", key_hash=MARK)
    RelayWorker.objects.create(name="relay1")


@pytest.mark.parametrize("model", OWN, ids=lambda model: model.__name__)
def test_no_page_of_the_admin_shows_what_is_secret_or_personal(operator: Client, model: Any):
    everything(factories.project())
    options = model._meta
    pages = [reverse(f"admin:{options.app_label}_{options.model_name}_changelist")]
    pages += [
        reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
        for row in model.objects.all()[:1]
    ]

    for page in pages:
        response = operator.get(page)
        assert response.status_code == 200
        assert MARK not in response.content.decode()


@pytest.mark.parametrize("model", OWN, ids=lambda model: model.__name__)
def test_nothing_is_added_or_deleted_past_a_service(operator: Client, model: Any):
    everything(factories.project())
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model.objects.first()

    assert operator.get(reverse(f"{name}_add")).status_code == 403
    if row is not None:
        assert (
            operator.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code
            == 403
        )
        operator.post(
            reverse(f"{name}_changelist"),
            {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"},
        )
        assert model.objects.filter(pk=row.pk).exists()


def test_only_a_workspaces_name_is_changed_here(operator: Client):
    project = factories.project()
    workspace = project.workspace
    address = reverse("admin:integrations_workspace_change", args=[workspace.pk])

    operator.post(address, {"name": "Birchline", "slug": "taken", "public_id": "ws-0"})

    before = workspace.slug, workspace.public_id
    workspace.refresh_from_db()
    assert (workspace.name, workspace.slug, workspace.public_id) == ("Birchline", *before)

    entry = AuditEntry.objects.get(action="project.workspace_renamed")
    assert (entry.workspace, entry.actor_name) == (workspace, "root-operator")


def test_a_row_leads_to_the_same_thing_in_the_portal(operator: Client):
    handoff = factories.handoff()
    project = handoff.conversation.project
    portal = f"/p/{project.public_id}/"
    row = handoff.integration
    pages = {
        handoff: f"{portal}handoffs/{handoff.pk}/",
        handoff.conversation: f"{portal}conversations/{handoff.conversation_id}/",
        project: portal,
        row: reverse("integration", args=[project.public_id, row.environment, row.connection]),
    }

    for one, address in pages.items():
        options = one._meta
        name = f"admin:{options.app_label}_{options.model_name}_change"
        page = operator.get(reverse(name, args=[one.pk])).content.decode()
        assert f'href="{address}" class="viewsitelink">In the portal<' in page
    membership = Membership.objects.create(
        workspace=project.workspace, user=User.objects.create_user("noor")
    )
    plain = reverse("admin:integrations_membership_change", args=[membership.pk])
    assert "viewsitelink" not in operator.get(plain).content.decode()


def test_an_account_is_never_deleted_there_for_its_memberships_would_go(operator: Client):
    project = factories.project()
    last = User.objects.create_user("noor")
    Membership.objects.create(workspace=project.workspace, user=last, is_admin=True)
    accounts = reverse("admin:auth_user_changelist")

    refused = operator.post(reverse("admin:auth_user_delete", args=[last.pk]), {"post": "yes"})
    operator.post(
        accounts, {"action": "delete_selected", "_selected_action": str(last.pk), "post": "yes"}
    )

    assert refused.status_code == 403
    assert "delete_selected" not in operator.get(accounts).content.decode()
    assert User.objects.filter(pk=last.pk).exists()


def test_an_account_that_is_switched_off_or_gets_a_password_is_in_the_audit(operator: Client):
    project = factories.project()
    user = User.objects.create_user("noor")
    Membership.objects.create(workspace=project.workspace, user=user)
    joined = {"date_joined_0": "2026-11-01", "date_joined_1": "08:00"}
    new = "another-long-pass"

    operator.post(reverse("admin:auth_user_change", args=[user.pk]), {"username": "noor", **joined})
    operator.post(
        reverse("admin:auth_user_password_change", args=[user.pk]),
        {"password1": new, "password2": new, "usable_password": "true"},
    )

    user.refresh_from_db()
    assert not user.is_active and user.check_password(new)
    entries = AuditEntry.objects.filter(action="member.account_changed").order_by("pk")
    assert [entry.workspace for entry in entries] == [project.workspace] * 2
    assert "active" in entries[0].fields and entries[1].fields == ["password"]


def test_who_is_no_superuser_makes_none_and_takes_over_none():
    staff = User.objects.create_user("desk", is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(content_type__model="user"))
    root = User.objects.create_superuser("root-operator")
    client = Client()
    client.force_login(staff)
    new = {"password1": "taken-over-pass", "password2": "taken-over-pass"}

    client.post(
        reverse("admin:auth_user_change", args=[staff.pk]),
        {
            "username": "desk",
            "is_active": "on",
            "is_superuser": "on",
            "date_joined_0": "2026-11-01",
            "date_joined_1": "08:00",
        },
    )
    refused = client.post(reverse("admin:auth_user_password_change", args=[root.pk]), new)

    staff.refresh_from_db()
    assert staff.is_staff and not staff.is_superuser
    assert refused.status_code == 403


def test_a_handoff_is_ended_by_its_service_and_the_audit_says_by_whom(operator: Client):
    handoff = factories.handoff()

    act(operator, handoff, "end")

    handoff.refresh_from_db()
    assert (handoff.state, handoff.end_reason) == (State.ENDED.value, "operator_ended")
    entry = AuditEntry.objects.get(action="handoff.ended_by_operator")
    assert (entry.subject, str(entry.actor)) == (handoff.pk, "root-operator")


def test_what_cannot_be_done_is_said_for_the_row_it_concerns(operator: Client):
    handoff = factories.handoff()
    act(operator, handoff, "end")

    answer = act(operator, handoff, "end")

    refused = rf"{handoff.pk}: It ended \d+ s ago; nothing was done."
    assert re.search(refused, answer.content.decode())
    assert AuditEntry.objects.filter(action="handoff.ended_by_operator").count() == 1


def test_a_released_lease_is_nobodys_and_its_old_session_is_fenced(operator: Client):
    handoff, worker = factories.handoff(), RelayWorker.objects.create(name="relay1")
    Handoff.objects.filter(pk=handoff.pk).update(owner=worker, lease_epoch=4)

    act(operator, handoff, "release")

    handoff.refresh_from_db()
    assert (handoff.owner_id, handoff.lease_epoch) == (None, 5)


def test_a_worker_marked_as_dead_owns_nothing(operator: Client):
    handoff, worker = factories.handoff(), RelayWorker.objects.create(name="relay1")
    Handoff.objects.filter(pk=handoff.pk).update(owner=worker)

    act(operator, worker, "mark_dead")

    handoff.refresh_from_db()
    worker.refresh_from_db()
    assert (handoff.owner_id, worker.stopped_at is not None) == (None, True)
    assert AuditEntry.objects.get(action="relay_worker.marked_dead").subject == "relay1"


def test_a_connection_is_disabled_and_a_channel_switched_off(operator: Client):
    project = factories.project()
    integration, channel = factories.integration(project), factories.channel(project)

    act(operator, integration, "disable")
    act(operator, channel, "switch_off")

    integration.refresh_from_db()
    channel.refresh_from_db()
    assert (integration.status, channel.is_enabled) == (Integration.Status.DISABLED, False)
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"integration.disabled", "channel.changed"}


def test_a_key_is_revoked_and_the_last_admin_stays(operator: Client):
    project = factories.project()
    key = ApiKey.objects.create(project=project, name="Screen pop", prefix="bk_a", key_hash="x")
    only = Membership.objects.create(
        workspace=project.workspace, user=User.objects.create_user("mira"), is_admin=True
    )
    other = Membership.objects.create(
        workspace=project.workspace, user=User.objects.create_user("noor")
    )

    act(operator, key, "revoke")
    refused = act(operator, only, "remove")
    act(operator, other, "remove")

    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "the last admin of the workspace" in refused.content.decode()
    assert list(Membership.objects.values_list("user__username", flat=True)) == ["mira"]


def test_an_invitation_is_revoked_a_hold_lifted_and_an_erasure_goes_on(operator: Client):
    project = factories.project()
    person = factories.end_user(project)
    invitation = Invitation.objects.create(
        workspace=project.workspace,
        email=f"{MARK}@b.example",
        expires_at=timezone.now() + timedelta(days=7),
    )
    hold = LegalHold.objects.create(project=project, end_user=person, reason="r", set_by="mira")
    erasure = Erasure.objects.create(
        project=project, end_user_id=person.pk, reason="r", actor_label="mira"
    )

    act(operator, invitation, "revoke")
    act(operator, hold, "lift")
    act(operator, erasure, "resume")

    invitation.refresh_from_db()
    hold.refresh_from_db()
    assert (invitation.revoked_at is not None, hold.lifted_by) == (True, "root-operator")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"invitation.revoked", "hold.lifted", "erasure.resumed"}


def test_whoever_may_only_look_has_no_actions():
    handoff = factories.handoff()
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_handoff"))
    client = Client()
    client.force_login(looker)
    address = reverse("admin:handoffs_handoff_changelist")

    page = client.get(address).content.decode()
    client.post(
        address, {"action": "end", "_selected_action": handoff.pk, "confirmed": "1"}, follow=True
    )

    handoff.refresh_from_db()
    assert handoff.pk in page
    assert 'name="action"' not in page
    assert handoff.is_open


def test_a_list_counts_no_further_than_ten_thousand(django_assert_num_queries: Any):
    rows = Delivery.objects.all()

    with django_assert_num_queries(1) as captured:
        assert BoundedPaginator(rows, 50).count == 0

    assert f"LIMIT {COUNTED + 1}" in captured[0]["sql"]


def test_no_page_asks_for_anything_the_policy_forbids(operator: Client):
    for name in ("index", "handoffs_handoff_changelist", "integrations_project_changelist"):
        response = operator.get(reverse(f"admin:{name}"))
        text = response.content.decode()
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert not re.findall(
            r"<script(?![^>]*(?:src|application/json))[^>]*>|<style|\sstyle=", text
        )
        assert "integrations/admin.css" in text
        assert reverse("home") in text


def test_the_setting_moves_the_admin_or_closes_it():
    moved = [str(one.pattern) for one in admin_urls("inside/admin")]

    assert moved == ["inside/admin/login/", "inside/admin/"]
    assert admin_urls("") == []


def test_no_row_is_called_by_what_is_personal():
    everything(factories.project())

    assert not [model for model in OWN for row in model.objects.all() if MARK in str(row)]
