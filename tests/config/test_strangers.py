"""Whatever a stranger sends to whatever address: no answer is a failure of ours."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config.logs import LineFormatter
from config.requests.api_answers import ApiAnswers
from integrations.models import Membership, Project
from tests import factories
from tests.config import hostile
from tests.config.routes import routes

pytestmark = pytest.mark.django_db
KINDS = [hostile.addresses, hostile.methods_and_queries, hostile.headers, hostile.bodies]
ENOUGH = 10**6


@pytest.fixture(params=["stranger", "admin"])
def person(request: pytest.FixtureRequest, project: Project) -> Client:
    """A client that raises nothing, without an account and with one that may do everything."""
    client = Client(raise_request_exception=False)
    if request.param == "admin":
        user = User.objects.create_superuser("mira")
        Membership.objects.create(workspace=project.workspace, user=user, is_admin=True)
        client.force_login(user)
    return client


@pytest.fixture
def project() -> Project:
    return factories.project()


@pytest.fixture
def good(project: Project) -> dict[str, str]:
    """Values that lead to something that is there."""
    tool: Any = factories.tool(project)
    topic = factories.topic(project, "Where is my parcel?")
    factories.integration(project)
    return {
        "project_id": project.public_id,
        "account_id": project.workspace.public_id,
        "environment": "sandbox",
        "connection": "salesforce_messaging",
        "topic_id": str(topic.pk),
        "tool_id": str(tool.pk),
        "channel_id": str(factories.channel(project).pk),
        "handoff_id": factories.handoff().pk,
        "conversation_id": factories.conversation(factories.channel(project)).pk,
        "session_id": str(factories.conversation().session_id),
        "vendor": "genesys",
        "endpoint": "events",
        "object_id": "1",
        "app_label": "handoffs",
    }


@pytest.fixture
def _nothing_is_too_often(settings: Any) -> None:
    """Let no bound answer in place of the code behind it, and no hashing take the time."""
    settings.SESSIONS_PER_MINUTE = settings.SESSIONS_PER_MINUTE_PER_CHANNEL = ENOUGH
    settings.SIGN_IN_TRIES = settings.SIGN_IN_TRIES_PER_NAME = ENOUGH
    settings.SIGN_IN_TRIES_PER_ADDRESS = ENOUGH
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def is_closed_to(client: Client, path: str) -> bool:
    """Whether this address only asks this client to sign in, before it looks at anything."""
    return "login/" in client.get(path).get("Location", "")


@pytest.mark.usefixtures("_nothing_is_too_often")
@pytest.mark.parametrize("every", [75, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_nothing_that_anybody_sends_is_a_failure(
    person: Client, good: dict[str, str], kind: Any, every: int
):
    found = []
    for number, route in enumerate(routes()):
        # Each visit is made somewhere: what one route is spared, another one gets.
        visits = list(kind(route, good))[number % every :: every]
        if not visits:
            continue
        # One way in is enough where all that a stranger gets is the way to the sign-in page.
        few = len(visits) if not is_closed_to(person, route.filled(good)) else 4
        # What one route did, signing out too, is undone before the next one.
        with transaction.atomic():
            signed_in = dict(person.cookies)
            found += hostile.faults(person, visits[:few])
            person.cookies.update(signed_in)
            transaction.set_rollback(True)

    assert found == []


@pytest.mark.parametrize("cookie", hostile.COOKIES)
def test_no_cookie_is_a_failure(good: dict[str, str], cookie: str):
    client = Client(raise_request_exception=False)
    visits = [
        hostile.Visit("GET", route.filled(good), headers={"HTTP_COOKIE": cookie})
        for route in routes()
    ]

    assert hostile.faults(client, visits) == []


@pytest.mark.parametrize(
    "path", ["/api", "/api/x", "/v1/a/b", "/v1", "/v3", "/v3/a/b", "/handoff/webhooks/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nothing_below_an_api_is_said_in_the_envelope(client: Client, path: str, method: str):
    answer = client.generic(method, path)

    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
    assert answer.json()["success"] is False


@pytest.mark.parametrize("path", ["/api/v1/access-token", "/api/v1/sessions", "/api/schema"])
def test_wrong_method_of_an_api_is_said_in_the_envelope(client: Client, path: str):
    answer = client.delete(path)

    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert answer.json()["error_code"] == "METHOD_NOT_ALLOWED"
    assert "GET" in answer["Allow"] or "POST" in answer["Allow"]


def test_wrong_method_of_the_handoff_api_is_said_in_its_own_form(client: Client):
    answer = client.delete("/v1/a/b/handoff_state")

    assert (answer.status_code, [*answer.json()]) == (405, ["error_message"])


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/v1/a/b/handoff_state", {"error_message"}),
        ("/v3/a/b/conversations", {"error", "error_code", "error_message"}),
    ],
)
def test_a_fault_of_the_portal_has_the_documented_form_of_its_api(path: str, keys: set[str]):
    broken = ApiAnswers(lambda request: HttpResponse("<h1>Server Error</h1>", status=500))

    answer = broken(RequestFactory().get(path))

    body = json.loads(answer.content)
    assert (answer.status_code, keys - set(body)) == (500, set())
    assert (len(body) == 1) == (len(keys) == 1)
    assert "correlation id" in body["error_message"]


def test_webhook_address_answers_a_wrong_method_in_the_envelope(client: Client):
    answer = client.put("/handoff/webhooks/genesys/a/b/sandbox/events")

    assert (answer.status_code, answer.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")


def test_every_answer_forbids_keeping_and_features_and_foreign_pictures(
    person: Client, good: dict[str, str]
):
    missing = []
    for route in routes():
        answer = person.get(route.filled(good))
        policy = answer.get("Content-Security-Policy", "")
        is_kept = "no-store" not in answer.get("Cache-Control", "")
        # The documents of the APIs are the same for everybody, and asked for again by ETag.
        public = ("files/", "admin/jsi18n", "api/schema", "api/asyncapi")
        if is_kept and not str(route).startswith(public):
            missing.append(f"{route}: {answer.get('Cache-Control')}")
        if "camera=()" not in answer.get("Permissions-Policy", ""):
            missing.append(f"{route}: no Permissions-Policy")
        if "https:" in policy.split("img-src", 1)[-1].split(";")[0].split():
            missing.append(f"{route}: pictures from everywhere")

    assert missing == []


@pytest.mark.parametrize(("seconds", "said"), [(0, None), (600, "max-age=600")])
def test_browsers_are_bound_to_https_only_where_the_setting_says_so(
    client: Client, settings: Any, seconds: int, said: str | None
):
    settings.SECURE_HSTS_SECONDS = seconds

    answer = Client().get("/healthz", headers={"X-Forwarded-Proto": "https"})

    assert answer.get("Strict-Transport-Security") == said


def test_clients_mistake_is_logged_without_a_traceback(client: Client, caplog: Any):
    with caplog.at_level(logging.DEBUG):
        client.post("/login/", b"x", content_type="multipart/form-data")

    lines = [LineFormatter(as_json=False).format(record) for record in caplog.records]
    assert lines
    assert not [line for line in lines if "Traceback" in line]
