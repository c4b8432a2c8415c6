"""Every call of the REST APIs, found in the schema: which permission opens it, and none else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from integrations.models import ApiKey
from tests import factories

Permission = ApiKey.Permission
# By operation; one that is new must be added here.
OPENED_BY = {
    Permission.CHAT: {
        *("chat_create", "chat_respond", "chat_close", "messages_list"),
        *("messages_create", "typing_create", "handoff_create", "handoff_cancel"),
        *("conversations_end", "chunks_create", "destinations_retrieve", "outbound_sms_create"),
    },
    Permission.CONVERSATIONS: {
        *("conversations_retrieve", "conversation_retrieve", "conversation_events_list"),
        *("conversation_notes_list", "conversation_notes_create", "conversation_tag_update"),
        *("conversation_tag_destroy", "handoffs_list", "analytics_retrieve"),
        *("handoff_timeline_list", "handoff_bundle_retrieve"),
    },
    Permission.HANDOFF: {"handoff_state_retrieve", "queue_update"},
    Permission.INTEGRATIONS: {
        *("credentials_retrieve", "credentials_update", "credentials_destroy"),
        *("credentials_test_create", "credentials_status_retrieve"),
    },
    Permission.WEBHOOKS: {
        *("webhook_endpoints_list", "webhook_endpoints_create", "webhook_endpoints_retrieve"),
        *("webhook_endpoints_partial_update", "webhook_endpoints_destroy"),
        "webhook_endpoints_rotate_secret_create",
    },
    # Tools make external events; no call of another system brings one yet.
    Permission.EVENTS: set(),
}


def calls() -> dict[str, tuple[str, str]]:
    """Return method and path of each operation that an API key opens."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {
        operation["operationId"]: (method, path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if any("apiKey" in keys for keys in operation["security"])
    }


def test_each_permission_of_a_key_opens_something_known():
    known = {name for names in OPENED_BY.values() for name in names}

    assert set(OPENED_BY) == set(Permission)
    assert known == set(calls())


@pytest.mark.django_db(transaction=True)
def test_a_call_is_refused_to_every_permission_but_its_own():
    project = factories.project()
    channel = factories.channel(project)
    own = {one: factories.api_key(project, one)[1] for one in Permission}
    others = {
        one: factories.api_key(project, *(p for p in Permission if p != one))[1]
        for one in Permission
    }
    parts = {
        "account_id": project.workspace.slug,
        "project_id": project.slug,
        "vendor": "salesforce",
        "client_env": "sandbox",
    }

    def status(method: str, path: str, key: str) -> Any:
        filled = re.sub(r"{(\w+)}", lambda found: parts.get(found[1], "unknown"), path)
        return (
            Client(raise_request_exception=False)
            .generic(
                method.upper(),
                filled,
                "{}",
                content_type="application/json",
                headers={"x-api-key": key, "x-token": channel.public_key},
            )
            .status_code
        )

    for name, (method, path) in calls().items():
        [permission] = [one for one, names in OPENED_BY.items() if name in names]
        assert status(method, path, others[permission]) == 403, name
        assert status(method, path, own[permission]) not in (401, 403, 500), name
        assert status(method, path, "bk_wrong") in (401, 429), name
