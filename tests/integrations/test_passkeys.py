"""Passkeys: added, signed in by, asked for after the password, refused, renamed and removed."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from integrations.entry.passkeys import challenges
from integrations.models import AuditEntry, Membership, Passkey, PortalSession, Project
from tests.integrations.authenticator import FLAG, Authenticator
from tests.integrations.test_second_factor import (  # noqa: F401 - a fixture for all here
    apps_clock,
    code_of,
    password_given,
    set_up,
    stale,
)
from tests.members import signed_in

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-and-good-one"
HOST, ORIGIN = "baton.example", "https://baton.example"
NEW, SAVE, ENTER = "/account/passkeys/new/", "/account/passkeys/", "/login/passkey/"
CODE = "/login/code/"


@pytest.fixture(autouse=True)
def _served(settings: Any) -> None:
    """Be reached by https and a host name, as passkeys need it; let no window end meanwhile."""
    settings.PUBLIC_URL, settings.IS_HTTPS = ORIGIN, True
    settings.SIGN_IN_WINDOW_SECONDS = 10**7
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]


@pytest.fixture
def mira(project: Project) -> User:
    user = User.objects.create_user("mira", "mira@birchline.example", PASSWORD)
    Membership.objects.create(workspace=project.workspace, user=user, is_admin=True)
    return user


@pytest.fixture
def browser(mira: User) -> Client:
    return signed_in(mira)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(origin=ORIGIN, host=HOST)


def asked_in(page: HttpResponse) -> dict[str, Any]:
    """Return what a page has for the browser to ask."""
    [found] = re.findall(r'data-options="([^"]+)"', page.content.decode())
    asked: dict[str, Any] = json.loads(html.unescape(found))
    return asked


def add(browser: Client, device: Authenticator, **spoilt: Any) -> HttpResponse:
    asked = asked_in(browser.post(NEW))
    answer = device.makes(asked, **spoilt)
    return browser.post(SAVE, {"name": "Laptop", "passkey_answer": answer})


def challenge(client: Client) -> dict[str, Any]:
    asked: dict[str, Any] = client.post(f"{ENTER}challenge/").json()
    return asked


def enter(
    device: Authenticator, client: Client | None = None, *, next: str = "", **spoilt: Any
) -> HttpResponse:
    client = client or Client()
    answer = device.shows(challenge(client), **spoilt)
    return client.post(ENTER, {"passkey_answer": answer, "next": next})


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def actions() -> list[str]:
    return [*AuditEntry.objects.order_by("pk").values_list("action", flat=True)]


class TestAdding:
    def test_the_first_is_kept_gives_recovery_codes_and_ends_other_sessions(
        self, browser: Client, mira: User, device: Authenticator
    ):
        other = signed_in(mira)

        page = add(browser, device).content.decode()

        row = Passkey.objects.get()
        assert (row.user, row.name, row.kind, row.host) == (mira, "Laptop", "passkey", HOST)
        assert row.transports == ["usb", "internal"]
        assert len(re.findall(r"\b[A-Z2-9]{5}-[A-Z2-9]{5}\b", page)) == 10
        assert (is_in(browser), is_in(other)) == (True, False)
        assert actions() == ["passkey.added", "session.others_ended"]
        assert "Laptop" in browser.get("/account/").content.decode()

    def test_a_thing_by_itself_whose_key_is_not_copied_is_a_security_key(
        self, browser: Client, device: Authenticator
    ):
        device.attachment = "cross-platform"
        add(browser, device)
        phone = Authenticator(origin=ORIGIN, host=HOST, attachment="cross-platform")
        phone.flags |= FLAG.BE

        add(browser, phone)

        assert [row.kind for row in Passkey.objects.all()] == ["security key", "passkey"]

    def test_what_is_asked_names_the_host_the_user_and_what_is_there_already(
        self, browser: Client, device: Authenticator
    ):
        add(browser, device)

        asked = asked_in(browser.post(NEW))

        assert asked["rp"] == {"id": HOST, "name": "Baton"}
        assert asked["user"]["id"] == device.handle
        assert asked["user"]["name"] == "mira"
        assert [one["id"] for one in asked["excludeCredentials"]] == [
            Passkey.objects.get().credential_id
        ]
        assert asked["authenticatorSelection"]["userVerification"] == "required"

    @pytest.mark.parametrize(
        ("spoilt", "words"),
        [
            ({"origin": "https://evil.example"}, "another address"),
            ({"origin": "http://baton.example"}, "another address"),
            ({"cross_origin": True}, "another address"),
            ({"challenge": b"x" * 32}, "took too long"),
            ({"host": "evil.example"}, "not good"),
            ({"type": "webauthn.get"}, "not good"),
            ({"flags": FLAG.UP}, "did not check that it is you"),
        ],
    )
    def test_an_answer_that_is_not_for_this_page_is_refused(
        self, browser: Client, device: Authenticator, spoilt: dict[str, Any], words: str
    ):
        refused = add(browser, device, **spoilt)

        assert refused.status_code == 422
        assert words in refused.content.decode()
        assert not Passkey.objects.exists()

    @pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"id": 1}', "x" * 40_000])
    def test_whatever_is_no_answer_is_refused(self, browser: Client, mira: User, text: str):
        browser.post(NEW)

        assert browser.post(SAVE, {"name": "x", "passkey_answer": text}).status_code == 422
        assert Client().post(ENTER, {"passkey_answer": text}).status_code == 422

    def test_a_name_longer_than_the_standard_allows_is_refused(self, browser: Client):
        device = Authenticator(origin=ORIGIN, host=HOST, credential_id=b"x" * 1100)

        assert "of a kind" in add(browser, device).content.decode()

    def test_a_device_is_nobody_elses_too(self, browser: Client, device: Authenticator):
        add(browser, device)
        noor = signed_in(User.objects.create_user("noor"))

        refused = add(noor, device)

        assert "has a passkey" in refused.content.decode()
        assert Passkey.objects.get().user.username == "mira"

    def test_it_is_confirmed_first_who_adds_it(self, browser: Client):
        stale(browser)

        assert "Confirm that it is you" in browser.post(NEW).content.decode()
        assert "Create passkey" in browser.post(NEW, {"confirm_secret": PASSWORD}).content.decode()

    @pytest.mark.parametrize(
        ("public_url", "is_https", "words"),
        [
            ("http://127.0.0.1:8000", False, "at the address 127.0.0.1"),
            ("http://baton.example", False, "need https"),
        ],
    )
    def test_where_browsers_make_none_the_pages_say_why(
        self, browser: Client, settings: Any, public_url: str, is_https: bool, words: str
    ):
        settings.PUBLIC_URL, settings.IS_HTTPS = public_url, is_https

        assert words in browser.get("/account/").content.decode()
        assert browser.post(NEW)["Location"] == "/account/"
        assert "passkey" not in Client().get("/login/").content.decode()
        assert Client().post(f"{ENTER}challenge/").status_code == 404


class TestSigningIn:
    @pytest.fixture(autouse=True)
    def _added(self, browser: Client, device: Authenticator) -> None:
        add(browser, device)

    def test_a_passkey_signs_in_by_itself_and_leads_to_the_page(self, device: Authenticator):
        client = Client()

        answer = enter(device, client, next="/account/")

        assert answer["Location"] == "/account/"
        assert is_in(client)
        assert PortalSession.objects.get(session_key=client.session.session_key).way == "passkey"
        assert "passkey.signed_in" in actions()
        assert Passkey.objects.get().used_at is not None

    def test_it_leads_nowhere_else(self, device: Authenticator):
        assert enter(device, next="https://evil.example/")["Location"] == "/"

    def test_it_is_more_than_a_password_where_a_second_factor_is_required(
        self, project: Project, device: Authenticator
    ):
        project.workspace.requires_second_factor = True
        project.workspace.save()
        client = Client()

        enter(device, client)

        assert client.get(reverse("members", args=[project.public_id])).status_code == 200

    @pytest.mark.parametrize(
        ("spoilt", "words"),
        [
            ({"origin": "https://evil.example"}, "another address"),
            ({"cross_origin": True}, "another address"),
            ({"challenge": b"x" * 32}, "took too long"),
            ({"host": "evil.example"}, "not good"),
            ({"type": "webauthn.create"}, "not good"),
            ({"signature": b"x" * 70}, "not good"),
            ({"flags": FLAG.UP}, "did not check that it is you"),
            ({"handle": "AAAA"}, "not known here"),
        ],
    )
    def test_an_answer_that_proves_nothing_is_refused(
        self, device: Authenticator, spoilt: dict[str, Any], words: str
    ):
        client = Client()

        refused = enter(device, client, **spoilt)

        assert refused.status_code == 422
        assert words in html.unescape(refused.content.decode())
        assert not is_in(client)

    def test_an_answer_is_taken_once(self, device: Authenticator):
        client = Client()
        answer = {"passkey_answer": device.shows(challenge(client))}
        kept = client.session[challenges._KEPT]
        client.post(ENTER, answer)
        client.post("/logout/")
        assert kept and not is_in(client)

        assert client.post(ENTER, answer).status_code == 422
        assert not is_in(client)

    def test_a_challenge_is_good_for_ten_minutes_and_one_purpose(
        self, browser: Client, device: Authenticator
    ):
        late, other = Client(), password_given()
        asked = challenge(late)
        session = late.session
        for one in (kept := session[challenges._KEPT]):
            one["until"] = 0
        session[challenges._KEPT] = kept
        session.save()
        second = asked_in(other.get(CODE))

        assert late.post(ENTER, {"passkey_answer": device.shows(asked)}).status_code == 422
        assert other.post(ENTER, {"passkey_answer": device.shows(second)}).status_code == 422

    def test_a_removed_key_and_one_that_nobody_has_are_refused(
        self, browser: Client, device: Authenticator
    ):
        assert enter(Authenticator(origin=ORIGIN, host=HOST)).status_code == 422
        browser.post(reverse("passkey_remove", args=[Passkey.objects.get().pk]))

        assert enter(device).status_code == 422

    def test_a_counter_that_goes_back_is_a_copy_and_is_told(self, device: Authenticator):
        device.count = 7
        assert enter(device).status_code == 302

        refused = [enter(device, count=count) for count in (8, 3, 0)]

        assert [one.status_code for one in refused] == [422] * 3
        assert "may be a copy" in refused[0].content.decode()
        assert actions().count("passkey.copied") == 3

    def test_keys_that_are_copied_on_purpose_count_nothing(self, device: Authenticator):
        assert [enter(device, count=0).status_code for _ in range(2)] == [302, 302]

    def test_who_is_switched_off_enters_no_more(self, mira: User, device: Authenticator):
        mira.is_active = False
        mira.save()

        assert "not known here" in enter(device).content.decode()

    def test_single_sign_on_alone_leaves_it_to_superusers(
        self, mira: User, device: Authenticator, settings: Any
    ):
        settings.SINGLE_SIGN_ON_ONLY, settings.SINGLE_SIGN_ON_NAME = True, "Birch ID"

        refused = enter(device)
        mira.is_superuser = True
        mira.save()

        assert "signs in with Birch ID" in refused.content.decode()
        assert enter(device).status_code == 302

    def test_whom_the_provider_lets_in_it_lets_in_alone(
        self, mira: User, device: Authenticator, settings: Any
    ):
        settings.SINGLE_SIGN_ON_ISSUER = settings.SINGLE_SIGN_ON_CLIENT_ID = "https://id.example"
        mira.set_unusable_password()
        mira.save()

        assert enter(device).status_code == 422

    def test_wrong_ones_count_for_their_address_and_lock_nobody_out(
        self, device: Authenticator, settings: Any
    ):
        settings.SIGN_IN_TRIES_PER_ADDRESS = 3
        stranger = Client(REMOTE_ADDR="198.51.100.23")

        answers = [enter(device, stranger, signature=b"x").status_code for _ in range(4)]

        assert answers == [422] * 3 + [429]
        assert enter(device).status_code == 302

    def test_who_is_locked_out_by_wrong_passwords_enters_by_passkey(self, device: Authenticator):
        wrong = {"username": "mira", "password": "wrong"}
        client = Client()
        assert [client.post("/login/", wrong).status_code for _ in range(6)][-1] == 429

        assert enter(device, client).status_code == 302


class TestAfterThePassword:
    @pytest.fixture(autouse=True)
    def _added(self, browser: Client, device: Authenticator) -> None:
        add(browser, device)

    def test_the_password_alone_is_not_enough(self, device: Authenticator):
        client = password_given(next="/account/")

        asked = asked_in(client.get(CODE))
        answer = client.post(CODE, {"passkey_answer": device.shows(asked)})

        assert [one["id"] for one in asked["allowCredentials"]] == [
            Passkey.objects.get().credential_id
        ]
        assert answer["Location"] == "/account/"
        assert PortalSession.objects.filter(way="password and passkey").count() == 1

    def test_another_members_key_is_refused(self, device: Authenticator):
        noor = User.objects.create_user("noor")
        others = Authenticator(origin=ORIGIN, host=HOST)
        add(signed_in(noor), others)
        client = password_given()

        refused = client.post(CODE, {"passkey_answer": others.shows(asked_in(client.get(CODE)))})

        assert refused.status_code == 422
        assert not is_in(client)

    def test_the_admin_asks_for_it_too(self, mira: User, device: Authenticator):
        User.objects.update(is_staff=True, is_superuser=True)
        client = password_given("/admin/login/")

        answer = client.post(CODE, {"passkey_answer": device.shows(asked_in(client.get(CODE)))})

        assert answer["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_a_recovery_code_does_as_well_without_any_app(self, browser: Client, mira: User):
        page = browser.post("/account/second-factor/codes/").content.decode()
        code = re.findall(r"\b[A-Z2-9]{5}-[A-Z2-9]{5}\b", page)[0]
        client = password_given()

        assert client.post(CODE, {"code": code}).status_code == 302

    def test_app_and_passkey_stand_side_by_side(
        self, browser: Client, mira: User, device: Authenticator
    ):
        set_up(browser, mira)
        assert password_given().post(CODE, {"code": code_of(mira)}).status_code == 302

        browser.post("/account/second-factor/off/")
        client = password_given()

        assert "six digits" not in client.get(CODE).content.decode()
        asked = asked_in(client.get(CODE))
        assert client.post(CODE, {"passkey_answer": device.shows(asked)}).status_code == 302

    def test_after_the_portal_moved_it_says_where_the_passkey_works(self, settings: Any):
        settings.PUBLIC_URL = "https://chat.example"
        client = password_given()

        page = client.get(CODE).content.decode()

        assert "made for baton.example and work there alone" in page
        assert "data-options" not in page


class TestOnTheAccountPage:
    @pytest.fixture(autouse=True)
    def _added(self, browser: Client, device: Authenticator) -> None:
        add(browser, device)

    def test_it_is_renamed_and_removed_by_who_has_just_shown_who_they_are(
        self, browser: Client, device: Authenticator
    ):
        row = Passkey.objects.get()
        own = reverse("passkey", args=[row.pk])
        stale(browser)

        assert browser.post(own, {"name": "Key ring"}).status_code == 403
        browser.post(own, {"name": "Key ring", "confirm_secret": PASSWORD})
        assert "Key ring" in browser.get("/account/").content.decode()
        stale(browser)
        assert browser.post(reverse("passkey_remove", args=[row.pk])).status_code == 403
        assert Passkey.objects.exists()
        browser.post(reverse("passkey_remove", args=[row.pk]), {"confirm_secret": PASSWORD})

        assert not Passkey.objects.exists()
        assert is_in(password_given())
        assert actions()[-2:] == ["passkey.renamed", "passkey.removed"]

    def test_nobody_touches_the_passkey_of_somebody_else(self, mira: User):
        row = Passkey.objects.get()
        noor = signed_in(User.objects.create_user("noor"))

        assert noor.get(reverse("passkey", args=[row.pk])).status_code == 404
        assert noor.post(reverse("passkey_remove", args=[row.pk])).status_code == 404

    def test_a_passkey_confirms_who_it_is_and_what_was_sent_goes_on(
        self, browser: Client, mira: User, device: Authenticator, project: Project
    ):
        mira.set_unusable_password()
        mira.save()
        browser.force_login(mira)
        stale(browser)
        keys = reverse("api_keys", args=[project.public_id])
        sent = {"name": "Shop", "permissions": "chat", "expires_in_days": "30"}

        asked = asked_in(page := browser.post(keys, sent))
        assert 'name="name" value="Shop"' in page.content.decode()
        wrong = browser.post(keys, sent | {"passkey_answer": device.shows(asked, flags=FLAG.UP)})
        asked = asked_in(wrong)
        done = browser.post(keys, sent | {"passkey_answer": device.shows(asked)})

        assert (wrong.status_code, done.status_code) == (403, 200)
        assert project.api_keys.get().name == "Shop"

    def test_members_are_listed_with_their_kinds_of_factor_and_an_admin_resets_them(
        self, browser: Client, mira: User, project: Project
    ):
        set_up(browser, mira)
        assert (
            "App, Passkey"
            in browser.get(reverse("members", args=[project.public_id])).content.decode()
        )
        member = Membership.objects.get(user=mira)

        browser.post(reverse("member_factor_reset", args=[project.public_id, member.pk]))

        assert not Passkey.objects.exists()
        assert is_in(password_given())
