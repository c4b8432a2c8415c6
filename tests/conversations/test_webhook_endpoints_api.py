"""The Webhooks API: /v1/webhook-endpoints by an API key (agent_api section 16)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from conversations.models import WebhookEndpoint
from conversations.webhooks.endpoints import PER_ACCOUNT
from integrations.models import ApiKey, AuditEntry, Project
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/v1/webhook-endpoints"
GIVEN = {
    "name": "Warehouse",
    "url": "https://hooks.example.com/baton",
    "event_types": ["message.created", "handoff.ended"],
}


@pytest.fixture
def key(project: Project) -> str:
    return factories.api_key(project, ApiKey.Permission.WEBHOOKS.value)[1]


def call(method: str, key: str, path: str = "", body: Any = None) -> Any:
    send = getattr(Client(), method)
    headers = {"x-api-key": key} if key else {}
    if method == "get" and not body:
        return send(URL + path, headers=headers)
    return send(URL + path, body, content_type="application/json", headers=headers)


def test_an_endpoint_lives_from_its_creation_to_its_end(key, project):
    made = call("post", key, body=GIVEN)
    assert made.status_code == 201
    shown = made.json()
    secret = shown.pop("signing_secret")
    assert secret.startswith("whsec_")
    assert shown["id"].startswith("whe_")
    assert {name: shown[name] for name in ("name", "url", "timeout_ms", "enabled")} == {
        "name": "Warehouse",
        "url": "https://hooks.example.com/baton",
        "timeout_ms": 5000,
        "enabled": True,
    }
    assert shown["event_types"] == ["handoff.ended", "message.created"]

    listed, read = call("get", key).json(), call("get", key, f"/{shown['id']}").json()
    assert listed == {"data": [shown]}
    assert read == shown
    changed = call("patch", key, f"/{shown['id']}", {"enabled": False, "timeout_ms": 30000})
    assert changed.status_code == 200
    assert (changed.json()["enabled"], changed.json()["timeout_ms"]) == (False, 30000)
    assert changed.json()["url"] == shown["url"]

    assert call("delete", key, f"/{shown['id']}").status_code == 204
    assert call("get", key, f"/{shown['id']}").status_code == 404
    written = AuditEntry.objects.order_by("id").values_list("action", "api_key__project")
    assert list(written)[-3:] == [
        ("webhook.created", project.pk),
        ("webhook.changed", project.pk),
        ("webhook.deleted", project.pk),
    ]


def test_the_list_shows_what_is_asked_for(key):
    call("post", key, body=GIVEN)
    call("post", key, body={**GIVEN, "event_types": ["handoff.failed"], "enabled": False})

    def names(query: str) -> list[list[str]]:
        rows = Client().get(URL + query, headers={"x-api-key": key}).json()["data"]
        return [row["event_types"] for row in rows]

    assert names("?enabled=false") == [["handoff.failed"]]
    assert names("?event_type=message.created") == [["handoff.ended", "message.created"]]
    assert Client().get(f"{URL}?enabled=maybe", headers={"x-api-key": key}).status_code == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://hooks.example.com/"),
        ("url", "https://10.0.0.1/"),
        ("url", "https://169.254.169.254/latest"),
        ("url", "https://user:pass@hooks.example.com/"),
        ("url", "https://hooks.example.com:8443/"),
        ("url", "no address"),
        ("url", 7.5),
        ("event_types", []),
        ("event_types", ["handoff.exploded"]),
        ("event_types", "message.created"),
        ("timeout_ms", 999),
        ("timeout_ms", 30001),
        ("timeout_ms", "soon"),
        ("name", ""),
        ("name", "x" * 256),
        ("headers", {"X-Handoff-Signature": "forged"}),
        ("headers", {"Content-Length": "3"}),
        ("headers", {"X-Shop": "a\r\nX-Other: b"}),
        ("headers", {"X Shop": "a"}),
        ("headers", ["X-Shop"]),
        ("enabled", "perhaps"),
        ("colour", "red"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name_at_creation_and_at_change(
    key, settings, field, value
):
    settings.ALLOW_LOCAL_AGENTS = False
    known = call("post", key, body=GIVEN).json()["id"]

    for answer in (
        call("post", key, body={**GIVEN, field: value}),
        call("patch", key, f"/{known}", {field: value}),
    ):
        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_REQUEST"
        assert field in answer.json()["error_message"]
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize("field", ["name", "url", "event_types"])
def test_what_an_endpoint_cannot_do_without_is_asked_for(key, field):
    answer = call("post", key, body={k: v for k, v in GIVEN.items() if k != field})

    assert answer.status_code == 400
    assert field in answer.json()["error_message"]


def test_a_local_address_is_taken_only_where_the_settings_allow_it(key, settings):
    settings.ALLOW_LOCAL_AGENTS = False
    assert call("post", key, body={**GIVEN, "url": "http://127.0.0.1:9/"}).status_code == 400

    settings.ALLOW_LOCAL_AGENTS = True
    assert call("post", key, body={**GIVEN, "url": "http://127.0.0.1:9/"}).status_code == 201


def test_an_account_has_ten_endpoints_over_all_its_projects(key, project):
    other = factories.project(project.workspace)
    other_key = factories.api_key(other, ApiKey.Permission.WEBHOOKS.value)[1]
    for number in range(PER_ACCOUNT):
        given = key if number % 2 else other_key
        assert call("post", given, body=GIVEN).status_code == 201

    refused = call("post", key, body=GIVEN)
    assert refused.status_code == 409
    assert refused.json()["error_code"] == "TOO_MANY_WEBHOOK_ENDPOINTS"

    oldest = WebhookEndpoint.objects.filter(project=project).earliest("created_at")
    call("delete", key, f"/{oldest.pk}")
    assert call("post", key, body=GIVEN).status_code == 201


def test_a_secret_is_rotated_with_the_overlap_that_is_asked_for(key):
    made = call("post", key, body=GIVEN).json()
    path = f"/{made['id']}/rotate-secret"

    usual = call("post", key, path, {})
    at_once = call("post", key, path, {"overlap_seconds": 0})
    too_long = call("post", key, path, {"overlap_seconds": 10**7})

    assert usual.status_code == at_once.status_code == 200
    secrets = {made["signing_secret"], usual.json()["signing_secret"]}
    assert len(secrets | {at_once.json()["signing_secret"]}) == 3
    assert usual.json()["previous_valid_until"] is not None
    assert at_once.json()["previous_valid_until"] is None
    assert too_long.status_code == 400


def test_secrets_and_headers_are_shown_by_no_answer_and_stored_by_no_one_in_the_clear(key):
    made = call("post", key, body={**GIVEN, "headers": {"Authorization": "Bearer abc"}}).json()

    assert made["headers"] == {"Authorization": "set"}
    assert "signing_secret" not in call("get", key, f"/{made['id']}").json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets::text FROM conversations_webhookendpoint")
        stored = cursor.fetchone()[0]
    assert made["signing_secret"] not in stored
    assert "Bearer" not in stored


def test_a_key_opens_its_own_projects_endpoints_only(key):
    known = call("post", key, body=GIVEN).json()["id"]
    stranger = factories.api_key(factories.project(), ApiKey.Permission.WEBHOOKS.value)[1]

    assert call("get", stranger).json() == {"data": []}
    for method, path, body in (
        ("get", f"/{known}", None),
        ("patch", f"/{known}", {"enabled": False}),
        ("delete", f"/{known}", None),
        ("post", f"/{known}/rotate-secret", {}),
    ):
        answer = call(method, stranger, path, body)
        assert answer.status_code == 404
        assert answer.json()["error_code"] == "NOT_FOUND"
    assert WebhookEndpoint.objects.get().is_enabled


def test_who_has_no_key_or_no_permission_is_refused(project):
    other = factories.api_key(project, ApiKey.Permission.HANDOFF.value)[1]

    for given, status in (("", 401), ("bk_guessed", 401), (other, 403)):
        for method, body in (("get", None), ("post", GIVEN)):
            assert call(method, given, body=body).status_code == status
    assert not WebhookEndpoint.objects.exists()


def test_a_list_of_an_event_that_is_not_there_is_refused(key):
    answer = call("get", key, "?event_type=AAA")

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_REQUEST")
    assert "message.created" in answer.json()["error_message"]


def test_all_that_is_missing_is_named_at_once(key):
    said = call("post", key, body={"timeout_ms": 5}).json()["error_message"]

    assert [part.split(":")[0] for part in said.split("; ")] == [
        "name",
        "url",
        "event_types",
        "timeout_ms",
    ]


def test_a_body_that_is_no_object_is_refused(key):
    for body in ([], "text", 7):
        assert call("post", key, body=body).status_code == 400
