"""Whatever a stranger sends to whatever address: no answer is a failure of ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from config.logs import LineFormatter
from config.requests.api_answers import is_api
from conversations.models import Tool
from integrations.models import Membership, Project
from tests import factories
from tests.config.routes import Route, field_names, routes

pytestmark = pytest.mark.django_db

# As they stand in an address.
PATHS = (
    *("%00", "a%00b", "%ED%A0%80", "%FF%FE", "%F0%9F%98%80", "%25", "%0d%0aX-Y:%20z", "%2e%2e%2f"),
    *("9" * 30, "9" * 5000, "-1", "%D9%A3", "x" * 3000, "'%22%3C", "%7B%7B7*7%7D%7D", "%E2%80%AE"),
)
VALUES = ("a%00b", "%FF%ED%A0%80", "9" * 30, "-1", "x" * 5000, "%5B%5B", "1e999", "")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")
QUERIES = (
    "%00=1",
    "=%00",
    "%FF=%FE",
    "a&" * 1100,
    ";",
    "a=1&a=%00",
    "format=xml",
    "page=" + "9" * 30,
)
FORM = "application/x-www-form-urlencoded"
PART = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\x00b"\r\n\r\nx\r\n--b--\r\n'
)
BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/json", b"[" * 5000),
    ("application/json", b'{"page": ' + b"[" * 5000 + b"}"),
    ("application/json", b'{"page": ' + b"[" * 500 + b"]" * 500 + b"}"),
    ("application/json", b'{"page": {"a": 1e999}, "end_user": NaN}'),
    ("application/json", b'{"locale": "\\ud800", "\\u0000": 1}'),
    ("application/json", b'{"locale": ' + b"9" * 5000 + b"}"),
    ("application/json", b"\xff\xfe"),
    ("application/json", b"null"),
    ("application/json; charset=rot13", b"{}"),
    (FORM, b"%00=%00"),
    (FORM, b"\xff=\x00&" * 5),
    (FORM, b"a&" * 1100),
    (f"{FORM}; charset=idna", b"a=1"),
    (f"{FORM}; charset=utf-16", b"a=1"),
    ("multipart/form-data; boundary=b", PART),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data"),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=" + "b" * 300, b"x"),
    ("text/\xff", b"x"),
    ("", b"\x00"),
)
HEADERS: tuple[dict[str, str], ...] = (
    {"HTTP_HOST": "\xff"},
    {"HTTP_HOST": "testserver:99999999"},
    {"HTTP_X_FORWARDED_PROTO": "\xff,https"},
    {"HTTP_ACCEPT": "\xff;q=x, */*;q=1e999"},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 600 + ",\xff"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\xfe"},
    {
        "HTTP_X_API_KEY": "\xff",
        "HTTP_X_TOKEN": "\xff",
        "HTTP_X_HOST": "\xff",
        "HTTP_ORIGIN": "\xff",
    },
    {"HTTP_X_TOKEN": "a.b", "HTTP_X_HOST": "https://[::1", "HTTP_ORIGIN": "https://[::1"},
    {"HTTP_IF_MODIFIED_SINCE": "\xff", "HTTP_RANGE": "bytes=9-1,-", "HTTP_IF_NONE_MATCH": "\xff"},
    {"HTTP_REFERER": "https://[::1", "HTTP_X_CORRELATION_ID": "\xff"},
)
COOKIES = (
    'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000\\000"',
    "sessionid=\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    'csrftoken="\\000"; messages="\\000"; theme="\\000"; messages2=[[',
    "messages=[[1]]:x:y; theme=\xff; =; ;;",
)


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
    tool: Tool = factories.tool(project)
    topic = factories.topic(project, "Where is my parcel?")
    factories.integration(project)
    return {
        "project_id": project.public_id,
        "account_id": project.workspace.public_id,
        "environment": "sandbox",
        "connector_key": "salesforce_messaging",
        "topic_id": str(topic.pk),
        "tool_id": str(tool.pk),
        "channel_id": str(factories.channel(project).pk),
        "handoff_id": factories.handoff().pk,
        "session_id": str(factories.conversation().session_id),
        "vendor": "genesys",
        "endpoint": "events",
        "object_id": "1",
        "app_label": "handoffs",
    }


def ask(client: Client, method: str, path: str, query: str = "", **more: Any) -> HttpResponse:
    """Send one request; what the client library would clean up is put in as it is."""
    headers = {name: more.pop(name) for name in [*more] if name.isupper()}
    body, content_type = more.pop("body", b""), more.pop("content_type", FORM)
    return client.generic(
        method, path, body, content_type=content_type, QUERY_STRING=query, **headers
    )


def faults(answers: Iterator[tuple[str, HttpResponse]]) -> list[str]:
    """Say which answers are no good ones."""
    found = []
    for what, answer in answers:
        is_honest = answer.status_code == 503 and answer.wsgi_request.path == "/readyz"
        if answer.status_code >= 500 and not is_honest:
            found.append(f"{what[:200]}: {answer.status_code}")
        elif answer.status_code >= 400 and is_api(answer.wsgi_request.path_info):
            found += _not_the_envelope(what[:200], answer)
    return found


def _not_the_envelope(what: str, answer: HttpResponse) -> list[str]:
    if answer.wsgi_request.method == "HEAD":
        return []
    try:
        said = json.loads(answer.content)
    except ValueError:
        return [f"{what}: no JSON"]
    return [] if said.get("error_message") else [f"{what}: {said}"]


@pytest.mark.parametrize("route", routes(), ids=str)
def test_no_address_however_hostile_is_a_failure(
    person: Client, good: dict[str, str], route: Route
):
    def answers() -> Iterator[tuple[str, HttpResponse]]:
        for value in PATHS:
            everywhere = route.filled({}, others=value)
            yield f"POST {everywhere}", ask(person, "POST", everywhere)
            for name in route.parameters:
                path = route.filled({**good, name: value})
                yield f"GET {path}", ask(person, "GET", path)

    assert faults(answers()) == []


@pytest.mark.parametrize("route", routes(), ids=str)
def test_no_method_query_or_header_is_a_failure(person: Client, good: dict[str, str], route: Route):
    path = route.filled(good)
    everything = ["&".join(f"{name}={value}" for name in field_names()) for value in VALUES]

    def answers() -> Iterator[tuple[str, HttpResponse]]:
        for method in METHODS:
            yield method, ask(person, method, path)
        for query in (*QUERIES, *everything):
            yield f"?{query}", ask(person, "GET", path, query)
        for headers in HEADERS:
            yield f"{headers}", ask(person, "POST", path, **headers)
            yield f"{headers}", ask(person, "GET", path, **headers)
        signed_in = dict(person.cookies)
        for cookie in COOKIES:
            person.cookies.clear()
            yield cookie, ask(person, "GET", path, HTTP_COOKIE=cookie)
            person.cookies.update(signed_in)

    assert faults(answers()) == []


@pytest.mark.parametrize("route", routes(), ids=str)
def test_no_body_is_a_failure(person: Client, good: dict[str, str], route: Route):
    path = route.filled(good)
    forms = ["&".join(f"{name}={value}" for name in field_names()) for value in VALUES]

    def answers() -> Iterator[tuple[str, HttpResponse]]:
        for content_type, body in BODIES:
            answer = ask(person, "POST", path, body=body, content_type=content_type)
            yield f"{content_type} {body!r}", answer
        for form in forms:
            yield form, ask(person, "POST", path, body=form.encode())

    assert faults(answers()) == []


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/x", "/v1/a/b", "/v1", "/handoff/webhooks/x"]
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


def test_webhook_address_answers_a_wrong_method_in_the_envelope(client: Client):
    answer = client.put("/handoff/webhooks/genesys/a/b/sandbox/events")

    assert (answer.status_code, answer.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")


def test_every_answer_forbids_keeping_and_features_and_foreign_pictures(
    person: Client, good: dict[str, str]
):
    missing = []
    for route in routes():
        answer = ask(person, "GET", route.filled(good))
        policy = answer.get("Content-Security-Policy", "")
        is_kept = "no-store" not in answer.get("Cache-Control", "")
        if is_kept and not str(route).startswith(("files/", "admin/jsi18n")):
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
