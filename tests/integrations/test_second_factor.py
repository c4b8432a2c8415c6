"""A second factor: set up, asked for at sign-in, lost, turned off, and required."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from integrations.entry.second_factor import codes
from integrations.entry.second_factor.services import factor_use
from integrations.models import AuditEntry, Membership, Project, SecondFactor
from tests import factories
from tests.members import client_of_reader, signed_in

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-and-good-one"
SET_UP, CONFIRM, CODE = "/account/second-factor/", "/account/second-factor/confirm/", "/login/code/"


@pytest.fixture(autouse=True)
def _bounds(settings: Any) -> None:
    """Let no window end in the middle of a test, and hashing take no time."""
    settings.SIGN_IN_WINDOW_SECONDS = 10**7
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(autouse=True)
def apps_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no step of an authenticator's code end in the middle of a test."""
    now = time.time()
    monkeypatch.setattr(codes, "time", SimpleNamespace(time=lambda: now))


@pytest.fixture
def project() -> Project:
    return factories.project()


@pytest.fixture
def mira(project: Project) -> User:
    user = User.objects.create_superuser("mira", "mira@birchline.example", PASSWORD)
    Membership.objects.create(workspace=project.workspace, user=user, is_admin=True)
    return user


@pytest.fixture
def browser(mira: User) -> Client:
    return signed_in(mira)


def key_of(user: User) -> str:
    return SecondFactor.objects.get(user=user).secrets["key"]


def code_of(user: User, steps: int = 0) -> str:
    return codes.code_at(key_of(user), codes.time.time() + steps * codes.STEP_SECONDS)


def set_up(browser: Client, user: User) -> list[str]:
    """Turn it on with the code before the one that is shown now; return the recovery codes."""
    browser.post(SET_UP)
    page = browser.post(CONFIRM, {"code": code_of(user, -1)}).content.decode()
    return re.findall(r"\b[A-Z2-9]{5}-[A-Z2-9]{5}\b", page)


def password_given(form: str = "/login/", **more: str) -> Client:
    client = Client()
    client.post(form, {"username": "mira", "password": PASSWORD, **more})
    return client


def test_the_page_shows_the_key_as_a_picture_and_as_text_without_asking_anybody(
    browser: Client, mira: User
):
    begun = browser.post(SET_UP, follow=True).content.decode()

    assert codes.key_in_groups(key_of(mira)) in begun
    assert "<svg" in begun.split('class="qr"')[1]
    assert not re.search(r'(?:src|href)="https?:', begun)


def test_codes_are_those_of_the_standard():
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B; its last six digits

    assert [codes.code_at(key, at) for at in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]


def test_after_the_password_the_code_is_asked_for(browser: Client, mira: User):
    set_up(browser, mira)

    client = password_given(next="/account/")

    assert client.get("/account/").status_code == 302
    assert "_auth_user_id" not in client.session
    assert 'autocomplete="one-time-code"' in client.get(CODE).content.decode()
    answer = client.post(CODE, {"code": f" {code_of(mira)[:3]} {code_of(mira)[3:]} "})
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_the_admin_asks_for_the_code_too(browser: Client, mira: User):
    set_up(browser, mira)

    client = password_given("/admin/login/")

    assert client.get("/admin/").status_code == 302
    assert client.post(CODE, {"code": code_of(mira)})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_is_good_once_and_one_step_of_drift_is_let_in(browser: Client, mira: User):
    set_up(browser, mira)
    late, early, far = code_of(mira), code_of(mira, 1), code_of(mira, 3)

    assert factor_use(user=mira, code=far) == ""
    assert factor_use(user=mira, code=late) == "app"
    assert factor_use(user=mira, code=late) == ""
    assert factor_use(user=mira, code=early) == "app"
    assert factor_use(user=mira, code=late) == ""


def test_a_recovery_code_signs_in_once(browser: Client, mira: User):
    kept = set_up(browser, mira)

    first, again = password_given(), password_given()

    assert len(kept) == codes.RECOVERY_CODES
    assert first.post(CODE, {"code": kept[0].lower()}).status_code == 302
    assert "9 left" in first.get("/account/").content.decode()
    assert again.post(CODE, {"code": kept[0]}).status_code == 422
    assert AuditEntry.objects.filter(action="second_factor.recovery_code_used").count() == 1


def test_new_recovery_codes_end_the_old_ones(browser: Client, mira: User):
    old = set_up(browser, mira)

    page = browser.post("/account/second-factor/codes/").content.decode()

    new = re.findall(r"\b[A-Z2-9]{5}-[A-Z2-9]{5}\b", page)
    assert factor_use(user=mira, code=old[0]) == ""
    assert factor_use(user=mira, code=new[0]) == "recovery code"


def test_guesses_at_the_code_are_bounded_from_wherever_they_come(browser: Client, mira: User):
    set_up(browser, mira)

    answers = [password_given().post(CODE, {"code": "000000"}).status_code for _ in range(6)]
    right = password_given().post(CODE, {"code": code_of(mira)})

    assert answers == [422] * 5 + [429]
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert AuditEntry.objects.filter(action="sign_in.refused").count() == 1


def test_without_the_password_no_code_is_taken(browser: Client, mira: User):
    set_up(browser, mira)

    assert Client().post(CODE, {"code": code_of(mira)})["Location"] == "/login/"


def test_a_password_that_changes_meanwhile_is_asked_for_again(browser: Client, mira: User):
    set_up(browser, mira)
    client = password_given()

    mira.set_password("another-good-one")
    mira.save()

    assert client.post(CODE, {"code": code_of(mira)})["Location"] == "/login/"


def test_turning_it_off_asks_again_who_it_is_and_loses_nothing(browser: Client, mira: User):
    set_up(browser, mira)
    stale(browser)

    asked = browser.post("/account/second-factor/off/")
    wrong = browser.post("/account/second-factor/off/", {"confirm_secret": "wrong"})

    assert "Confirm that it is you" in asked.content.decode()
    assert (asked.status_code, wrong.status_code) == (403, 403)
    assert SecondFactor.objects.exists()
    done = browser.post("/account/second-factor/off/", {"confirm_secret": PASSWORD}, follow=True)
    assert "The app is off." in done.content.decode()
    assert password_given().get("/account/").status_code == 200


def stale(browser: Client) -> None:
    session = browser.session
    session["baton_confirmed_at"] = 0
    session.save()


def test_a_key_that_was_begun_long_ago_is_shown_to_nobody_who_finds_the_browser_open(
    browser: Client, mira: User
):
    browser.post(SET_UP)
    stale(browser)

    page = browser.get(SET_UP).content.decode()
    asked = browser.post(CONFIRM, {"code": code_of(mira)})

    assert codes.key_in_groups(key_of(mira)) not in page
    assert asked.status_code == 403
    assert SecondFactor.objects.get().confirmed_at is None


def test_setting_it_up_ends_the_other_sessions(browser: Client, mira: User):
    other = signed_in(mira)

    set_up(browser, mira)

    assert other.get("/account/").status_code == 302
    assert browser.get("/account/").status_code == 200


def test_nothing_of_it_lies_in_clear(browser: Client, mira: User):
    kept = set_up(browser, mira)

    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM integrations_secondfactor")
        [[stored]] = cursor.fetchall()

    assert key_of(mira) not in stored
    assert not [code for code in kept if code in stored]
    assert kept[0] not in str(SecondFactor.objects.get().secrets)


def test_a_workspace_that_requires_it_leads_members_without_one_to_the_set_up(
    project: Project, browser: Client, mira: User
):
    project.workspace.requires_second_factor = True
    project.workspace.save()
    page = reverse("members", args=[project.public_id])

    assert browser.get(page)["Location"] == SET_UP
    assert browser.get("/admin/", follow=True).redirect_chain[-1][0] == SET_UP
    assert "requires a second factor" in browser.get(SET_UP).content.decode()
    assert browser.post("/projects/new/", {"name": "Another"})["Location"] == SET_UP
    set_up(browser, mira)
    assert browser.get(page).status_code == 200
    assert browser.get("/admin/").status_code == 200


class TestALostFactor:
    def reset(self, project: Project, by: Client, user: User) -> Any:
        row = Membership.objects.get(user=user, workspace=project.workspace)
        return by.post(reverse("member_factor_reset", args=[project.public_id, row.pk]))

    def test_an_admin_resets_it_and_the_member_hears_of_it(
        self,
        project: Project,
        browser: Client,
        noor: User,
        django_capture_on_commit_callbacks: Any,
    ):
        own = signed_in(noor)
        set_up(own, noor)
        page = reverse("members", args=[project.public_id])
        assert "App" in browser.get(page).content.decode()

        with django_capture_on_commit_callbacks(execute=True):
            self.reset(project, browser, noor)

        assert not SecondFactor.objects.filter(user=noor).exists()
        assert own.get("/account/").status_code == 302
        assert [(one.to, "mira" in one.body) for one in mail.outbox] == [([noor.email], True)]
        entry = AuditEntry.objects.get(action="second_factor.reset")
        assert (entry.actor_label, entry.subject) == ("mira", "noor")

    def test_nobody_opens_an_account_that_reaches_into_another_workspace(
        self, project: Project, mira: User, noor: User
    ):
        User.objects.filter(pk=mira.pk).update(is_superuser=False, is_staff=False)
        other = factories.project()
        Membership.objects.create(workspace=other.workspace, user=noor, is_admin=True)
        set_up(signed_in(noor), noor)
        mira.refresh_from_db()

        answer = self.reset(project, signed_in(mira), noor)

        assert answer.status_code == 403
        assert "reset_second_factor noor" in answer.content.decode()
        assert SecondFactor.objects.filter(user=noor).exists()

    def test_the_operator_resets_it_by_command(self, noor: User):
        set_up(signed_in(noor), noor)

        call_command("reset_second_factor", "noor")

        assert not SecondFactor.objects.filter(user=noor).exists()

    def test_who_may_only_read_resets_nothing(self, project: Project, noor: User):
        set_up(signed_in(noor), noor)

        assert self.reset(project, client_of_reader(project), noor).status_code == 403


@pytest.fixture
def noor(project: Project) -> User:
    user = User.objects.create_user("noor", "noor@birchline.example", PASSWORD)
    Membership.objects.create(workspace=project.workspace, user=user, areas={"tools": 1})
    return user


def test_an_admin_requires_it_on_the_members_page(project: Project, browser: Client, mira: User):
    answer = browser.post(
        reverse("sign_in_rules", args=[project.public_id]), {"requires_second_factor": "on"}
    )

    project.workspace.refresh_from_db()
    assert project.workspace.requires_second_factor
    assert answer["Location"] == SET_UP
    assert AuditEntry.objects.get(action="sign_in.rules_changed").fields == [
        "requires_second_factor"
    ]
