"""Settings > Members and Audit: rights, invitations, and who did what."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.entry.members.invitations import invitation_link
from integrations.entry.members.roles import BY_KEY, ROLES, Rights, role_of
from integrations.models import (
    Access,
    Area,
    AuditEntry,
    Invitation,
    Membership,
    PortalSession,
    Project,
    SecondFactor,
)
from tests import factories
from tests.members import client_of_admin, client_of_reader, client_with

EMAIL = "noor@birchline.example"
PASSWORD = "a-long-enough-pass"


@pytest.fixture(autouse=True)
def _quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]


@pytest.fixture
def project(db: None) -> Project:
    return factories.project()


@pytest.fixture
def admin(project: Project) -> Client:
    return client_of_admin(project)


@pytest.fixture
def sends_mail(settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def at(name: str, project: Project, *args: object) -> str:
    return reverse(name, args=[project.public_id, *args])


def invite(client: Client, project: Project, **fields: str):
    data = {"email": EMAIL, "role": "operator", **fields}
    return client.post(at("invitation_send", project), data)


def path_of(invitation: Invitation) -> str:
    return re.sub(r"^https?://[^/]+", "", invitation_link(invitation))


def accept(path: str, client: Client | None = None, **fields: str):
    data = {"username": EMAIL, "password1": PASSWORD, "password2": PASSWORD, **fields}
    return (client or Client()).post(path, data)


def errors(answer) -> str:
    return " ".join(re.findall(r'class="error"[^>]*>([^<]*)<', answer.content.decode()))


class TestList:
    @pytest.fixture(autouse=True)
    def _colleagues(self, admin, project) -> None:
        for name, days in (("ada", 1), ("noor", 91)):
            user = User.objects.create_user(name, f"{name}@birchline.example")
            User.objects.filter(pk=user.pk).update(last_login=timezone.now() - timedelta(days=days))
            rights = BY_KEY["operator"].rights.as_fields()
            Membership.objects.create(workspace=project.workspace, user=user, **rights)
        SecondFactor.objects.create(
            user=User.objects.get(username="ada"), confirmed_at=timezone.now(), secrets={}
        )

    @staticmethod
    def shown(client: Client, project: Project, **query: str) -> list[str]:
        answer = client.get(at("members", project), query)
        return [line.name for line in answer.context["members"]]

    def test_it_is_narrowed_by_role_factor_area_and_when_somebody_was_seen(self, admin, project):
        everybody = self.shown(admin, project)

        assert len(everybody) == 3
        assert self.shown(admin, project, role="operator") == ["ada", "noor"]
        assert self.shown(admin, project, role="operator", factor="none") == ["noor"]
        assert self.shown(admin, project, role="operator", factor="any") == ["ada"]
        assert self.shown(admin, project, role="operator", seen="long_ago") == ["noor"]
        assert self.shown(admin, project, role="operator", area="account") == []
        assert self.shown(admin, project, role="king") == everybody

    def test_a_session_that_was_used_later_than_the_sign_in_counts(self, admin, project):
        PortalSession.objects.create(
            user=User.objects.get(username="noor"), session_key="k", seen_at=timezone.now()
        )

        assert "noor" not in self.shown(admin, project, seen="long_ago")

    def test_where_nobody_fits_the_page_says_so_and_how_to_see_all(self, admin, project):
        page = admin.get(at("members", project), {"role": "analyst"}).content.decode()

        assert "0 of 3 members" in page and "Nobody fits" in page
        assert 'href="?">Clear</a>' in page

    def test_what_is_shown_is_taken_as_csv_and_that_is_an_entry(self, admin, project):
        answer = admin.get(at("members_export", project), {"role": "operator", "factor": "none"})

        found = csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
        assert [(row["name"], row["email"], row["role"]) for row in found] == [
            ("noor", "noor@birchline.example", "Operator")
        ]
        entry = AuditEntry.objects.get(action="member.exported")
        assert (entry.subject, entry.fields) == ("1 member", ["factor", "role"])

    def test_an_export_asks_again_who_somebody_is(self, admin, project):
        session = admin.session
        session["baton_confirmed_at"] = 0
        session.save()

        answer = admin.get(at("members_export", project))

        assert "noor@birchline" not in answer.content.decode()
        assert not AuditEntry.objects.filter(action="member.exported").exists()

    def test_a_member_leads_to_what_they_did_for_who_may_read_the_audit(self, admin, project):
        row = Membership.objects.get(user__username="noor")
        link = f'{at("audit", project)}?who=noor"'

        assert link in admin.get(at("member", project, row.pk)).content.decode()
        other = client_with(project, account=1)
        assert link not in other.get(at("member", project, row.pk)).content.decode()


class TestInvitations:
    def test_an_invited_person_makes_an_account_and_has_the_rights_of_the_role(
        self, admin, project
    ):
        page = invite(admin, project).content.decode()
        path = path_of(Invitation.objects.get())
        newcomer = Client()
        made = accept(path, newcomer)

        assert path in page
        assert made.status_code == 302
        row = Membership.objects.get(user__email=EMAIL)
        assert row.access(Area.CONVERSATIONS) == Access.EDIT
        assert row.access(Area.ACCOUNT) == Access.NONE
        assert row.may_see_personal_data
        assert newcomer.get(at("handoffs", project)).status_code == 200

    def test_the_new_member_signs_in_by_name_or_by_address(self, admin, project):
        invite(admin, project)
        accept(path_of(Invitation.objects.get()), username="noor")

        for name in ("noor", EMAIL, EMAIL.upper()):
            answer = Client().post("/login/", {"username": name, "password": PASSWORD})
            assert answer.status_code == 302, name

    def test_two_users_of_one_address_are_told_apart_by_name_alone(self, db):
        for name in ("ada", "ada-too"):
            User.objects.create_user(name, EMAIL, PASSWORD)

        by_address = Client().post("/login/", {"username": EMAIL, "password": PASSWORD})
        by_name = Client().post("/login/", {"username": "ada", "password": PASSWORD})

        assert by_address.status_code == 200
        assert by_name.status_code == 302

    def test_a_link_is_used_once(self, admin, project):
        invite(admin, project)
        path = path_of(Invitation.objects.get())
        accept(path)

        again = accept(path, username="somebody-else")

        assert again.status_code == 410
        assert "accepted" in again.content.decode()
        assert not User.objects.filter(username="somebody-else").exists()

    def test_a_link_that_is_sent_twice_at_once_makes_one_account(self, admin, project):
        invite(admin, project)
        path = path_of(Invitation.objects.get())

        def meanwhile(sender: object, **more: object) -> None:
            Invitation.objects.update(accepted_at=timezone.now())

        pre_save.connect(meanwhile, sender=User)
        try:
            late = accept(path)
        finally:
            pre_save.disconnect(meanwhile, sender=User)

        assert late.status_code == 409
        assert "accepted just now" in late.content.decode()
        assert not User.objects.filter(email=EMAIL).exists()

    @pytest.mark.parametrize("how", ["expired", "revoked"])
    def test_a_link_that_is_over_makes_nobody_a_member(self, admin, project, how):
        invite(admin, project)
        row = Invitation.objects.get()
        if how == "expired":
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        else:
            admin.post(at("invitation_revoke", project, row.public_id))

        answer = accept(path_of(row))

        assert answer.status_code == 410
        assert how in answer.content.decode()
        assert not User.objects.filter(email=EMAIL).exists()

    def test_a_forged_link_is_not_found(self, admin, project):
        invite(admin, project)
        row = Invitation.objects.get()

        assert accept(f"/invitations/{row.public_id}:forged/").status_code == 404

    def test_sending_again_gives_seven_days_and_leaves_the_older_link_valid(self, admin, project):
        invite(admin, project)
        row = Invitation.objects.get()
        older = path_of(row)
        Invitation.objects.update(expires_at=timezone.now() + timedelta(hours=1))

        admin.post(at("invitation_again", project, row.public_id))

        row.refresh_from_db()
        assert row.expires_at > timezone.now() + timedelta(days=6)
        assert accept(older).status_code == 302

    def test_who_has_an_account_joins_with_it(self, admin, project):
        user = User.objects.create_user("noor", EMAIL, PASSWORD)
        invite(admin, project)
        path = path_of(Invitation.objects.get())
        client = Client()

        stranger = client.get(path)
        client.force_login(user)
        joined = client.post(path)

        assert stranger.status_code == 302
        assert "/login/?next=" in stranger["Location"]
        assert joined.status_code == 302
        assert Membership.objects.filter(user=user, workspace=project.workspace).exists()

    def test_an_account_of_another_address_cannot_take_it(self, admin, project):
        other = User.objects.create_user("eve", "eve@else.example", PASSWORD)
        invite(admin, project)
        client = Client()
        client.force_login(other)

        answer = client.post(path_of(Invitation.objects.get()))

        assert answer.status_code == 409
        assert not Membership.objects.filter(user=other).exists()

    def test_one_address_is_invited_once_and_no_member_again(self, admin, project):
        invite(admin, project)
        twice = invite(admin, project, email=EMAIL.upper())
        accept(path_of(Invitation.objects.get()))
        member = invite(admin, project)

        assert twice.status_code == member.status_code == 422
        assert "invited already" in errors(twice)
        assert "member already" in errors(member)

    def test_a_mail_brings_the_link_where_mail_is_set_up(self, admin, project, sends_mail):
        page = invite(admin, project, note="Welcome, Noor").content.decode()

        [sent] = mail.outbox
        assert sent.to == [EMAIL]
        assert invitation_link(Invitation.objects.get()) in sent.body
        assert "Welcome, Noor" in sent.body
        assert "The invitation was sent" in page
        assert Invitation.objects.get().sent_at

    def test_a_mail_server_that_is_away_leaves_the_link_to_copy(self, admin, project, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        page = invite(admin, project).content.decode()

        assert "did not go out" in page
        assert invitation_link(Invitation.objects.get()) in page

    @pytest.mark.parametrize(
        ("fields", "cure"),
        [
            ({"email": "noor"}, "like noor@example.com"),
            ({"email": ""}, "E-mail address is missing"),
            ({"role": ""}, "Choose a role"),
            ({"role": "king"}, "no such role"),
            ({"role": "custom"}, "at least one area"),
            ({"role": "custom", "area_tools": "9"}, "None, Read or Edit"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, admin, project, fields, cure):
        answer = invite(admin, project, **fields)

        assert answer.status_code == 422
        assert cure in errors(answer)
        assert not Invitation.objects.exists()


class TestRights:
    def test_each_role_is_known_by_its_rights(self):
        assert [role_of(role.rights) for role in ROLES] == list(ROLES)
        assert role_of(Rights(areas={"tools": 2})) is None

    def test_a_member_is_changed_by_area_and_the_list_says_how_it_differs(self, admin, project):
        client_of_reader(project)
        row = Membership.objects.get(is_admin=False)
        wanted = {f"area_{area}": "1" for area in Area.values if area not in ("account", "audit")}

        answer = admin.post(
            at("member", project, row.pk), {"role": "custom", **wanted, "area_tools": "2"}
        )

        row.refresh_from_db()
        assert answer.status_code == 302
        assert row.access(Area.TOOLS) == Access.EDIT
        page = admin.get(at("members", project)).content.decode()
        assert "Reader, changed" in page

    def test_the_last_admin_can_neither_be_lowered_nor_removed(self, admin, project):
        row = Membership.objects.get(is_admin=True)
        name = row.user.get_username()

        lowered = admin.post(at("member", project, row.pk), {"role": "reader"})
        admin.post(at("member_remove", project, row.pk), {"confirm_name": name})

        row.refresh_from_db()
        assert lowered.status_code == 422
        assert "last admin" in errors(lowered)
        assert row.is_admin

    def test_nobody_gives_what_they_do_not_have(self, project):
        keeper = client_with(project, account=2, tools=1)
        row = Membership.objects.get()

        for fields in (
            {"role": "admin"},
            {"role": "operator"},
            {"role": "custom", "area_tools": "2"},
            {"role": "custom", "area_tools": "1", "sees_personal_data": "on"},
        ):
            assert invite(keeper, project, **fields).status_code == 403
            assert keeper.post(at("member", project, row.pk), fields).status_code == 403
        assert invite(keeper, project, role="custom", area_tools="1").status_code == 200

    def test_nobody_lowers_or_removes_an_admin_but_an_admin(self, project):
        keeper = client_with(project, **dict.fromkeys(Area.values, 2))
        for _ in range(2):
            client_of_admin(project)
        boss = Membership.objects.filter(is_admin=True).first()

        lowered = keeper.post(at("member", project, boss.pk), {"role": "analyst"})
        removed = keeper.post(
            at("member_remove", project, boss.pk), {"confirm_name": boss.user.username}
        )

        boss.refresh_from_db()
        assert (lowered.status_code, removed.status_code) == (403, 403)
        assert boss.is_admin

    def test_what_is_refused_is_in_the_audit_with_the_rule(self, admin, project):
        keeper = client_with(project, account=2)
        boss = Membership.objects.get(is_admin=True)
        name = boss.user.get_username()

        invite(keeper, project, role="admin")
        keeper.post(at("member_remove", project, boss.pk), {"confirm_name": name})
        keeper.post(at("sign_in_rules", project), {"idle_minutes": "5"})
        admin.post(at("member", project, boss.pk), {"role": "reader"})
        admin.post(at("member_remove", project, boss.pk), {"confirm_name": name})

        entries = AuditEntry.objects.filter(action="member.refused").order_by("pk")
        assert [(entry.subject, entry.fields) for entry in entries] == [
            (EMAIL, ["more_than_own"]),
            (name, ["over_admin"]),
            (project.workspace.name, ["sign_in_rules"]),
            (name, ["last_admin"]),
            (name, ["last_admin"]),
        ]
        assert {entry.workspace for entry in entries} == {project.workspace}

    def test_a_removed_member_is_kept_out_at_once(self, admin, project):
        gone = client_of_reader(project)
        row = Membership.objects.get(is_admin=False)
        name = row.user.get_username()

        admin.post(at("member_remove", project, row.pk), {"confirm_name": "somebody"})
        assert gone.get(at("handoffs", project)).status_code == 200
        admin.post(at("member_remove", project, row.pk), {"confirm_name": name})

        assert gone.get(at("handoffs", project)).status_code == 404

    def test_members_of_another_workspace_do_not_exist_here(self, admin, project):
        other = factories.project()
        client_of_admin(other)
        foreign = Membership.objects.get(workspace=other.workspace)

        assert admin.get(at("member", project, foreign.pk)).status_code == 404

    def test_a_reader_sees_the_matrix_as_text_and_may_not_invite(self, project):
        reader = client_of_reader(project)
        row = Membership.objects.get()

        page = reader.get(at("member", project, row.pk)).content.decode()

        assert "<dt>Tools</dt><dd>Read</dd>" in page
        assert "Save rights" not in page
        assert invite(reader, project).status_code == 403


class TestAudit:
    def test_every_step_of_a_member_is_written_down(self, admin, project):
        invite(admin, project)
        accept(path_of(Invitation.objects.get()))
        row = Membership.objects.get(is_admin=False)
        admin.post(at("member", project, row.pk), {"role": "analyst"})
        admin.post(at("member_remove", project, row.pk), {"confirm_name": EMAIL})

        entries = AuditEntry.objects.filter(workspace=project.workspace).order_by("id")

        assert [entry.action for entry in entries] == [
            "invitation.made",
            "invitation.accepted",
            "member.changed",
            "member.removed",
        ]
        page = admin.get(at("audit", project)).content.decode()
        assert "Invitation accepted" in page
        assert "Member changed" in page

    def test_an_entry_outlives_user_and_project(self, admin, project):
        user = User.objects.get()
        AuditEntry.objects.create(
            project=project,
            workspace=project.workspace,
            actor=user,
            actor_label=user.username,
            action="topic.created",
            subject="Opening hours",
        )
        project.delete()
        User.objects.all().delete()

        assert [entry.actor_name for entry in AuditEntry.objects.all()] == [user.username]

    def test_it_is_narrowed_by_person_group_and_day(self, admin, project):
        for action in ("topic.created", "tool.changed"):
            AuditEntry.objects.create(
                project=project,
                workspace=project.workspace,
                actor_label="Noor",
                action=action,
                subject=action,
            )
        AuditEntry.objects.filter(action="topic.created").update(
            at=timezone.now() - timedelta(days=3)
        )
        today = timezone.now().date().isoformat()

        def shown(**query: str) -> list[str]:
            rows = admin.get(at("audit", project), query).context["rows"]
            return [entry.action for entry, _ in rows]

        assert shown() == ["tool.changed", "topic.created"]
        assert shown(group="topic") == ["topic.created"]
        assert shown(who="noor") == ["tool.changed", "topic.created"]
        assert shown(who="ada") == []
        assert shown(subject="TOOL.") == ["tool.changed"]
        assert shown(**{"from": today}) == ["tool.changed"]
        assert shown(to="no-day") == ["tool.changed", "topic.created"]

    def test_it_is_taken_away_as_csv_and_ndjson_and_that_is_an_entry(self, admin, project):
        AuditEntry.objects.create(
            project=project,
            workspace=project.workspace,
            actor_label="=cmd()",
            action="topic.created",
            subject="Hours",
            fields=["name"],
        )
        page = at("audit_export", project)

        as_csv = b"".join(admin.get(page, {"format": "csv"})).decode("utf-8-sig")
        as_lines = b"".join(admin.get(page, {"format": "ndjson", "group": "topic"})).decode()

        *_, row = csv.DictReader(io.StringIO(as_csv))
        assert (row["who"], row["fields"]) == ("'=cmd()", "name")
        assert json.loads(as_lines)["subject"] == "Hours"
        assert AuditEntry.objects.filter(action="audit.exported").count() == 2

    def test_only_who_may_read_the_audit_sees_and_exports_it(self, project):
        auditor = client_with(project, audit=1)
        other = client_with(project, account=2)

        assert auditor.get(at("audit", project)).status_code == 200
        assert auditor.get(at("audit_export", project)).status_code == 200
        assert other.get(at("audit", project)).status_code == 403
        assert other.get(at("audit_export", project)).status_code == 403
