"""Single sign-on by OpenID Connect, against a strict provider that runs as a server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from config.checks import check_single_sign_on
from integrations.models import (
    AuditEntry,
    Invitation,
    Membership,
    PortalSession,
    Project,
    SingleSignOnLink,
)
from tests import factories
from tests.integrations.openid_provider import CLIENT, SECRET, OpenIdProvider, openid_provider

pytestmark = pytest.mark.django_db
START, BACK = "/login/single-sign-on/", "/login/single-sign-on/back/"
EMAIL, PASSWORD = "noor@birchline.example", "a-long-and-good-one"


@pytest.fixture
def provider(settings: Any) -> Iterator[OpenIdProvider]:
    with openid_provider(f"{settings.PUBLIC_URL}{BACK}") as provider:
        settings.ALLOW_LOCAL_AGENTS = True
        settings.SINGLE_SIGN_ON_ISSUER = provider.issuer
        settings.SINGLE_SIGN_ON_CLIENT_ID = CLIENT
        settings.SINGLE_SIGN_ON_CLIENT_SECRET = SECRET
        settings.SINGLE_SIGN_ON_NAME = "Birch ID"
        settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]
        yield provider


@pytest.fixture
def project() -> Project:
    return factories.project()


@pytest.fixture
def noor(project: Project) -> User:
    user = User.objects.create_user("noor", EMAIL, PASSWORD)
    Membership.objects.create(workspace=project.workspace, user=user, areas={"tools": 1})
    return user


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """Follow nothing: the test looks at where it leads."""


def at_provider(start: HttpResponse) -> str:
    """Sign in at the provider; return path and query with which the browser comes back."""
    try:
        build_opener(_Stays).open(start["Location"])
    except HTTPError as answer:
        back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"
    raise AssertionError("the provider redirects")


def sign_on(client: Client | None = None, **asked: str) -> HttpResponse:
    client = client or Client()
    return client.get(at_provider(client.get(START, asked)))


def said(answer: HttpResponse) -> str:
    assert answer.status_code == 403
    return answer.content.decode()


@pytest.mark.usefixtures("noor")
def test_a_member_is_found_by_the_verified_address_and_comes_back_to_the_page(
    provider: OpenIdProvider,
):
    client = Client()
    assert "Sign in with Birch ID" in client.get("/login/?next=/account/").content.decode()

    answer = sign_on(client, next="/account/")

    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200
    assert PortalSession.objects.get().way == "single sign-on"
    assert SingleSignOnLink.objects.get().user.username == "noor"


@pytest.mark.usefixtures("noor")
def test_two_tabs_sign_on_beside_each_other_and_a_foreign_answer_ends_neither(
    provider: OpenIdProvider,
):
    client = Client()
    first = at_provider(client.get(START, {"next": "/account/"}))
    second = at_provider(client.get(START))

    foreign = client.get(BACK, {"state": "x", "code": "y"})

    assert foreign.status_code == 403
    assert client.get(first)["Location"] == "/account/"
    assert client.get(second).status_code == 302
    assert client.get(first).status_code == 403, "an answer is good once"


def test_the_providers_id_counts_once_it_is_known(provider: OpenIdProvider, noor: User):
    sign_on()
    provider.person["email"] = "noor.haddad@birchline.example"
    client = Client()

    sign_on(client)

    assert client.session["_auth_user_id"] == str(noor.pk)


def test_an_address_that_is_told_apart_from_the_token_counts(provider: OpenIdProvider, noor: User):
    provider.tells_email_apart = True

    assert sign_on().status_code == 302


@pytest.mark.usefixtures("noor")
@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"nonce": "another"}, "belongs to another sign-in"),
        ({"exp": int(time.time()) - 600}, "too old"),
        ({"aud": "somebody-else"}, "for another application"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "for another application"),
        ({"iss": "https://elsewhere.example"}, "for another application"),
        ({"email_verified": False}, "has not verified your e-mail address"),
        ({"email": None}, "did not tell your e-mail address"),
    ],
)
def test_what_is_not_proved_signs_nobody_in(
    provider: OpenIdProvider, spoilt: dict[str, Any], words: str
):
    provider.spoilt = spoilt
    client = Client()

    page = said(sign_on(client))

    assert words in page
    assert "_auth_user_id" not in client.session
    assert AuditEntry.objects.get().action == "sign_in.refused"
    provider.spoilt = {}
    assert sign_on(client).status_code == 302


@pytest.mark.usefixtures("noor")
def test_a_token_that_another_has_signed_is_refused(provider: OpenIdProvider):
    provider.signs_with = "forged"

    assert "is not signed by Birch ID" in said(sign_on())


@pytest.mark.usefixtures("noor")
def test_a_new_key_of_the_provider_is_fetched(provider: OpenIdProvider):
    sign_on()
    provider.signs_with = provider.publishes = "second"

    assert sign_on().status_code == 302


@pytest.mark.usefixtures("noor")
def test_an_answer_is_taken_once_and_in_the_browser_that_asked(provider: OpenIdProvider):
    client = Client()
    back = at_provider(client.get(START))

    assert "used already" in said(Client().get(back))
    assert client.get(back).status_code == 302
    assert "used already" in said(client.get(back))


@pytest.mark.usefixtures("noor")
def test_an_answer_of_another_provider_is_refused(provider: OpenIdProvider):
    client = Client()
    state = parse_qs(urlsplit(client.get(START)["Location"]).query)["state"][0]

    mixed = client.get(BACK, {"state": state, "code": "x", "iss": "https://elsewhere.example"})

    assert "for another application" in said(mixed)


def test_who_cancels_reads_so(provider: OpenIdProvider):
    client = Client()
    state = parse_qs(urlsplit(client.get(START)["Location"]).query)["state"][0]

    answer = client.get(BACK, {"state": state, "error": "access_denied"})

    assert "was not finished at Birch ID" in said(answer)


def test_a_provider_that_is_away_is_told_in_words_and_asked_again(
    provider: OpenIdProvider, noor: User
):
    provider.is_down = True
    assert "did not answer as it should" in said(Client().get(START))

    provider.is_down = False
    assert sign_on().status_code == 302


class TestNewcomers:
    def test_an_invitation_lets_somebody_in_without_a_password(
        self, provider: OpenIdProvider, project: Project
    ):
        Invitation.objects.create(
            workspace=project.workspace,
            email=EMAIL,
            areas={"tools": 2},
            expires_at=timezone.now() + timedelta(days=1),
        )

        assert sign_on().status_code == 302

        row = Membership.objects.get(user__email=EMAIL)
        assert (row.areas, row.user.get_full_name()) == ({"tools": 2}, "Noor Haddad")
        assert not row.user.has_usable_password()

    def test_anybody_else_reads_no_access_and_whom_to_ask(
        self, provider: OpenIdProvider, project: Project, settings: Any
    ):
        mira = User.objects.create_user("mira")
        Membership.objects.create(workspace=project.workspace, user=mira, is_admin=True)

        page = said(sign_on())
        settings.SINGLE_SIGN_ON_DOMAINS = ["birchline.example"]
        of_the_house = said(sign_on())

        assert "No access" in page and EMAIL in page and "mira" not in page
        assert "mira" in of_the_house
        assert User.objects.count() == 1

    def test_people_of_the_domains_join_the_workspace_that_is_open_to_them(
        self, provider: OpenIdProvider, project: Project, settings: Any
    ):
        settings.SINGLE_SIGN_ON_DOMAINS = ["Birchline.example"]
        settings.SINGLE_SIGN_ON_WORKSPACE = project.workspace.slug
        settings.SINGLE_SIGN_ON_ROLE = "analyst"

        assert sign_on().status_code == 302
        assert Membership.objects.get().areas == {"analytics": 1}

    def test_other_domains_are_refused(self, provider: OpenIdProvider, noor: User, settings: Any):
        settings.SINGLE_SIGN_ON_DOMAINS = ["line.example"]

        assert "your domain" in said(sign_on())

    def test_two_accounts_of_one_address_are_nobodys(self, provider: OpenIdProvider, noor: User):
        User.objects.create_user("noor-too", EMAIL)

        assert "Several accounts" in said(sign_on())

    def test_who_was_switched_off_stays_out(self, provider: OpenIdProvider, noor: User):
        User.objects.filter(pk=noor.pk).update(is_active=False)

        assert "was switched off" in said(sign_on())


def test_passwords_can_be_left_to_superusers(provider: OpenIdProvider, noor: User, settings: Any):
    settings.SINGLE_SIGN_ON_ONLY = True
    User.objects.create_superuser("root", password=PASSWORD)

    def answer(name: str) -> HttpResponse:
        return Client().post("/login/", {"username": name, "password": PASSWORD})

    assert "Passwords are taken from superusers" in answer("noor").content.decode()
    assert answer("root").status_code == 302
    assert sign_on().status_code == 302


@pytest.mark.usefixtures("noor")
def test_signing_out_leads_to_the_providers_own_sign_out(provider: OpenIdProvider):
    client = Client()
    sign_on(client)

    page = client.post("/logout/", follow=True).content.decode()

    assert client.get("/account/").status_code == 302
    assert "At Birch ID you may still be signed in" in page
    there = client.get("/login/single-sign-on/out/")["Location"]
    assert there.startswith(f"{provider.issuer}/out?client_id={CLIENT}&post_logout")
    assert "may still be" not in client.get("/login/").content.decode()


def test_without_a_provider_there_is_no_button_and_no_way():
    assert "Sign in with" not in Client().get("/login/").content.decode()
    assert Client().get(START).status_code == 404


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"ISSUER": "https://id.example"}, "SINGLE_SIGN_ON_CLIENT_ID is empty"),
        ({"CLIENT_ID": "baton"}, "SINGLE_SIGN_ON_ISSUER is empty"),
        ({"ISSUER": "http://id.example", "CLIENT_ID": "baton"}, "does not start with https://"),
        ({"ISSUER": "https://10.0.0.1", "CLIENT_ID": "baton"}, "private network"),
        ({"ONLY": True}, "nobody could sign in"),
        ({"WORKSPACE": "birchline"}, "open to everybody"),
        ({"ROLE": "owner"}, "SINGLE_SIGN_ON_ROLE is no role"),
    ],
)
def test_settings_that_cannot_be_meant_so_are_told(
    given: dict[str, Any], named: str, settings: Any
):
    for name, value in given.items():
        setattr(settings, f"SINGLE_SIGN_ON_{name}", value)

    [problem] = check_single_sign_on(None)

    assert named in problem.msg
    assert problem.hint
