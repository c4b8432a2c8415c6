"""Where members are signed in: listed, ended, and ended by themselves."""

from __future__ import annotations

import html
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.entry.sessions.devices import device_words
from integrations.entry.sessions.idle import socket_is_over
from integrations.models import AuditEntry, Membership, PortalSession, Project
from tests import factories
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-and-good-one"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]


@pytest.fixture
def project() -> Project:
    return factories.project()


@pytest.fixture
def mira(project: Project) -> User:
    user = User.objects.create_user("mira", password=PASSWORD)
    Membership.objects.create(workspace=project.workspace, user=user, is_admin=True)
    return user


def signed_in(agent: str = FIREFOX, at: str = "198.51.100.7") -> Client:
    client = Client(REMOTE_ADDR=at, HTTP_USER_AGENT=agent)
    client.post("/login/", {"username": "mira", "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def idle_for(client: Client, minutes: int) -> None:
    session = client.session
    session["baton_seen_at"] = int(time.time()) - 60 * minutes
    session.save()


def test_the_page_lists_each_browser_and_marks_this_one(mira: User):
    here, _ = signed_in(), signed_in(IPHONE, "203.0.113.9")

    page = here.get("/account/").content.decode()

    assert all(text in page for text in ("Firefox on Linux", "Safari on iPhone", "203.0.113.9"))
    assert page.count("This one") == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8.5", "Unknown browser"),
    ],
)
def test_a_browser_is_told_in_words(agent: str, words: str):
    assert device_words(agent) == words


def test_another_browser_is_signed_out_and_nobody_elses(mira: User):
    User.objects.create_user("noor", password=PASSWORD)
    here, there = signed_in(), signed_in(IPHONE)
    stranger = Client()
    stranger.post("/login/", {"username": "noor", "password": PASSWORD})
    row = PortalSession.objects.get(user=mira, device="Safari on iPhone")

    refused = stranger.post(reverse("own_session_end", args=[row.pk]))
    assert (refused.status_code, is_in(there)) == (404, True)
    here.post(reverse("own_session_end", args=[row.pk]))

    assert (is_in(here), is_in(there), is_in(stranger)) == (True, False, True)
    assert AuditEntry.objects.get(action="session.ended").subject == "mira"


def test_all_others_are_signed_out_at_once(mira: User):
    here, others = signed_in(), [signed_in(), signed_in()]

    here.post(reverse("own_sessions_end_others"))

    assert [is_in(one) for one in (here, *others)] == [True, False, False]


def test_a_changed_password_ends_the_others(mira: User):
    here, there = signed_in(), signed_in(IPHONE)
    new = "another-long-and-good-one"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

    refused = here.post(reverse("password_change"), fields | {"old_password": "wrong"})
    assert (refused.status_code, is_in(there)) == (200, True)
    here.post(reverse("password_change"), fields)

    assert (is_in(here), is_in(there)) == (True, False)
    assert [row.device for row in PortalSession.objects.filter(user=mira)] == ["Firefox on Linux"]


def said(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def confirmed_long_ago(client: Client) -> None:
    session = client.session
    session["baton_confirmed_at"] = int(time.time()) - 301
    session.save()


class TestAnAdmin:
    def address(self, name: str, project: Project, user: User) -> str:
        row = Membership.objects.get(user=user)
        return reverse(name, args=[project.public_id, row.pk])

    def test_an_admin_sees_and_ends_a_members_sessions(self, mira: User, project: Project):
        member, admin = signed_in(IPHONE), client_of_admin(project)

        page = admin.get(self.address("member", project, mira)).content.decode()
        row = PortalSession.objects.get(user=mira)
        sign_out = self.address("member_sign_out", project, mira)

        assert "Safari on iPhone" in page
        assert admin.post(sign_out, {"session": "0"}).status_code == 404
        admin.post(sign_out, {"session": str(row.pk)})
        assert not is_in(member)
        again = [signed_in(), signed_in()]
        admin.post(sign_out, {"session": "all"})
        assert [is_in(one) for one in again] == [False, False]
        actions = AuditEntry.objects.filter(subject="mira").values_list("action", flat=True)
        assert {"session.ended", "session.all_ended"} <= set(actions)

    def test_nobody_ends_the_sessions_of_another_workspace(self, mira: User, project: Project):
        member, stranger = signed_in(), factories.project()

        refused = client_of_admin(stranger).post(
            self.address("member_sign_out", stranger, mira), {"session": "all"}
        )

        assert (refused.status_code, is_in(member)) == (404, True)

    def test_an_admin_unlocks_who_was_locked_out(self, mira: User, project: Project, settings: Any):
        settings.SIGN_IN_WINDOW_SECONDS = 10**7
        admin, stranger = client_of_admin(project), Client(REMOTE_ADDR="192.0.2.44")
        wrong = {"username": "mira", "password": "wrong"}
        answers = [stranger.post("/login/", wrong).status_code for _ in range(6)]
        member = self.address("member", project, mira)

        assert answers == [200] * 5 + [429]
        assert "Locked out" in admin.get(member).content.decode()
        admin.post(self.address("member_unlock", project, mira))

        assert "Locked out" not in admin.get(member).content.decode()
        right = stranger.post("/login/", {"username": "mira", "password": PASSWORD})
        assert right.status_code == 302
        assert AuditEntry.objects.filter(action="sign_in.unlocked").count() == 1


class TestConfirming:
    """What is dangerous asks again who one is, five minutes after one last showed it."""

    @pytest.mark.parametrize(
        "name",
        ["api_keys", "invitation_send", "webhook_new", "retention"],
    )
    def test_it_is_asked_for_and_what_was_sent_goes_on(
        self, name: str, mira: User, project: Project
    ):
        client = signed_in()
        confirmed_long_ago(client)
        sent = {"name": "Shop & Co", "permissions": "chat", "email": "a@b.example"}
        address = reverse(name, args=[project.public_id])

        asked = client.post(address, sent)
        wrong = client.post(address, sent | {"confirm_secret": "no"})

        page = asked.content.decode()
        assert (asked.status_code, wrong.status_code) == (403, 403)
        assert 'name="name" value="Shop &amp; Co"' in page
        assert "This is not it" in wrong.content.decode()
        assert client.post(address, sent | {"confirm_secret": PASSWORD}).status_code != 403
        assert client.post(address, sent).status_code != 403

    @pytest.mark.parametrize(
        ("name", "kwargs"),
        [
            ("api_key_rotate", {"key_id": 1}),
            ("api_key_revoke", {"key_id": 1}),
            ("member", {"member_id": 1}),
            ("member_remove", {"member_id": 1}),
            ("invitation_again", {"invitation_id": "x"}),
            ("agent_secret", {}),
            ("widget_token", {"channel_id": 1}),
            ("person_export", {"person_id": 1}),
            ("integration_disconnect", {"environment": "sandbox", "connection": "genesys"}),
        ],
    )
    def test_whatever_is_dangerous_asks(
        self, name: str, kwargs: dict[str, Any], mira: User, project: Project
    ):
        client = signed_in()
        confirmed_long_ago(client)

        answer = client.post(reverse(name, kwargs={"project_id": project.public_id, **kwargs}))

        assert "Confirm that it is you" in answer.content.decode()

    @pytest.mark.parametrize("name", ["conversations_export", "audit_export", "analytics_export"])
    def test_a_file_that_names_people_is_led_to_by_the_page_that_asks(
        self, name: str, mira: User, project: Project
    ):
        client = signed_in()
        confirmed_long_ago(client)
        file = f"{reverse(name, args=[project.public_id])}?format=csv"
        page = reverse("conversations", args=[project.public_id])

        asked = client.get(file, headers={"referer": f"http://testserver{page}"})
        sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', said(asked)))
        wrong = client.post("/account/confirm/", sent | {"confirm_secret": "no"})
        right = client.post("/account/confirm/", sent | {"confirm_secret": PASSWORD})

        assert (asked.status_code, wrong.status_code, right.status_code) == (403, 403, 200)
        assert sent["next"] == file
        assert f'href="{file}"' in said(right)
        assert f'{page}">Back' in said(right)
        assert client.get(file)["Content-Type"].startswith("text/csv")

    def test_files_without_people_are_given_unasked(self, project: Project):
        reader = client_of_reader(project)
        confirmed_long_ago(reader)

        assert reader.get(reverse("handoffs_export", args=[project.public_id])).status_code == 200

    def test_the_page_that_asks_leads_nowhere_else(self, mira: User):
        client = signed_in()

        page = client.post(
            "/account/confirm/",
            {"confirm_secret": PASSWORD, "next": "//evil.example", "back": "https://evil.example"},
        )

        assert page.status_code == 200
        assert "evil" not in said(page)

    def test_guesses_at_it_are_bounded(self, mira: User, project: Project, settings: Any):
        settings.SIGN_IN_WINDOW_SECONDS = 10**7
        client = signed_in()
        session = client.session
        session["baton_confirmed_at"] = 0
        session.save()
        address = reverse("api_keys", args=[project.public_id])

        answers = [client.post(address, {"confirm_secret": f"no-{n}"}) for n in range(6)]

        assert [one.status_code for one in answers] == [403] * 5 + [429]


class TestIdle:
    def test_who_does_nothing_for_long_is_signed_out_and_told_why(
        self, mira: User, project: Project
    ):
        project.workspace.idle_minutes = 30
        project.workspace.save()
        client = signed_in()

        idle_for(client, 29)
        assert is_in(client)
        idle_for(client, 31)
        answer = client.get("/account/", follow=True)

        assert answer.redirect_chain == [("/login/?next=/account/", 302)]
        assert "Nothing was done for 30 minutes." in answer.content.decode()
        assert AuditEntry.objects.filter(action="session.idle_ended").count() == 1

    def test_the_installations_limit_counts_where_a_workspace_asks_for_none(
        self, mira: User, settings: Any
    ):
        settings.SIGN_IN_IDLE_MINUTES = 10
        client = signed_in()

        idle_for(client, 11)

        assert not is_in(client)

    def test_a_page_that_asks_by_itself_is_no_sign_of_life(self, mira: User, settings: Any):
        settings.SIGN_IN_IDLE_MINUTES = 10
        client = signed_in()

        idle_for(client, 9)
        client.get("/account/", headers={"accept": "*/*"})
        idle = time.time() - client.session["baton_seen_at"]

        assert idle >= 9 * 60
        client.post(reverse("account_active"))
        assert time.time() - client.session["baton_seen_at"] < 60

    def test_a_form_that_is_sent_too_late_leads_back_to_its_page(self, mira: User, settings: Any):
        settings.SIGN_IN_IDLE_MINUTES = 10
        client = signed_in()
        idle_for(client, 11)

        answer = client.post(
            reverse("own_sessions_end_others"), headers={"referer": "http://testserver/account/"}
        )

        assert answer["Location"] == "/login/?next=/account/"
        assert client.post(reverse("account_active")).status_code == 401

    def test_a_socket_ends_with_its_session(self, mira: User, settings: Any):
        settings.SIGN_IN_IDLE_MINUTES = 10
        client = signed_in()
        key = client.session.session_key or ""
        assert not socket_is_over(key, mira)

        PortalSession.objects.update(seen_at=timezone.now() - timedelta(minutes=12))
        assert socket_is_over(key, mira)
        PortalSession.objects.all().delete()
        assert socket_is_over(key, mira)
