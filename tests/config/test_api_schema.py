"""/api/schema: valid, without a warning, and each operation with components of its own."""

from __future__ import annotations

import re

import jsonschema
import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from conversations.api.messaging import SessionView
from conversations.urls.api import urlpatterns

COMPONENTS = {
    "widget_retrieve": ("WidgetLookOut", None),
    "access_token_create": ("AccessTokenOut", None),
    "sessions_create": ("SessionOut", "SessionCreate"),
    "sessions_retrieve": ("SessionStateOut", None),
    "events_list": ("EventsOut", None),
    "events_create": ("EventsOut", "EventsCreate"),
    "files_create": ("FileOut", "FileCreate"),
    "context_create": ("ContextOut", "ContextCreate"),
    "history_list": ("HistoryOut", None),
    "survey_create": ("SurveyOut", "SurveyCreate"),
    "outbound_sms_create": ("", "OutboundSmsCreate"),
    "chat_create": ("ChatCreateOut", "ChatCreate"),
    "chat_respond": ("ChatRespondOut", "ChatRespond"),
    "chat_close": ("ChatCloseOut", "ChatClose"),
    "messages_list": ("ChatMessage", None),
    "queue_update": ("HandoffQueueOut", "HandoffQueueUpdate"),
    "conversations_retrieve": ("ConversationsOut", None),
    "conversation_retrieve": ("ConversationReviewOut", None),
    "conversation_events_list": ("ConversationEventsOut", None),
    "conversation_notes_list": ("ConversationNotesOut", None),
    "conversation_notes_create": ("ConversationNoteOut", "ConversationNoteCreate"),
    "conversation_tag_update": ("ConversationTagsOut", None),
    "conversation_tag_destroy": ("ConversationTagsOut", None),
    "analytics_retrieve": ("AnalyticsOut", None),
    "handoffs_list": ("HandoffsOut", None),
    "handoff_timeline_list": ("TimelineOut", None),
    "handoff_bundle_retrieve": ("SupportBundleOut", None),
    "handoff_state_retrieve": ("HandoffStateOut", None),
    "chunks_create": ("", "AgentChunkCreate"),
    "destinations_retrieve": ("DestinationListOut", None),
    "messages_create": ("AgentMessageOut", "AgentMessageCreate"),
    "typing_create": ("", None),
    "handoff_create": ("AgentHandoffOut", "AgentHandoffCreate"),
    "handoff_cancel": ("AgentHandoffCancelOut", None),
    "conversations_end": ("", "AgentEnd"),
    "credentials_retrieve": ("CredentialsOut", None),
    "credentials_update": ("CredentialsUpdateOut", "CredentialsUpdate"),
    "credentials_destroy": ("", None),
    "credentials_test_create": ("CredentialsTestOut", "CredentialsTest"),
    "credentials_status_retrieve": ("CredentialsStatusOut", None),
    "webhook_endpoints_list": ("WebhookEndpointListOut", None),
    "webhook_endpoints_create": ("WebhookEndpointCreateOut", "WebhookEndpointCreate"),
    "webhook_endpoints_retrieve": ("WebhookEndpointOut", None),
    "webhook_endpoints_partial_update": (
        "WebhookEndpointUpdateOut",
        "PatchedWebhookEndpointUpdate",
    ),
    "webhook_endpoints_destroy": ("", None),
    "webhook_endpoints_rotate_secret_create": ("WebhookSecretRotateOut", "WebhookSecretRotate"),
}

# Read by every page that carries a widget, and kept by its browser.
OPEN = {"/api/v1/widget"}


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(schema):
    """Return (path, method, operation) of the whole schema."""
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def name_of(content):
    """Return the component that a body or an answer refers to; "" where there is no body."""
    for media in content.get("content", {}).values():
        schema = media["schema"]
        return schema.get("items", schema)["$ref"].rpartition("/")[2]
    return ""


def answer_of(operation):
    """Return the one answer that is no refusal."""
    [answer] = [found for status, found in operation["responses"].items() if status < "400"]
    return answer


def test_the_schema_is_valid_and_made_without_a_warning(capsys):
    GENERATOR_STATS.reset()

    made = SchemaGenerator().get_schema(request=None, public=True)

    validate_schema(made)
    assert not GENERATOR_STATS
    assert capsys.readouterr().err == ""


def test_each_operation_has_components_of_its_own(schema):
    found = {
        operation["operationId"]: (
            name_of(answer_of(operation)),
            name_of(operation["requestBody"]) if "requestBody" in operation else None,
        )
        for _, _, operation in operations(schema)
    }

    assert found == COMPONENTS


def test_every_reference_names_a_component_and_none_is_left_over(schema):
    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            yield from references(child)

    known = {
        f"#/components/{kind}/{name}"
        for kind, named in schema["components"].items()
        for name in named
        if kind != "securitySchemes"
    }

    assert set(references(schema)) == known


def test_each_operation_says_what_it_is_for_who_may_and_how_it_refuses(schema):
    schemes = schema["components"]["securitySchemes"]
    for path, method, operation in operations(schema):
        refusals = {status for status in operation["responses"] if status >= "400"}
        is_open = path in OPEN
        needed = {"401", "500", "503"} | (set() if is_open else {"429"})
        needed |= {"400", "413", "415"} if "requestBody" in operation else set()
        keys = {name for security in operation["security"] for name in security}
        own = {one["name"] for one in operation["parameters"] if one.get("required")}

        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert bool(keys) != is_open and keys <= set(schemes), (method, path)
        is_named = is_open or keys & {"apiKey"} or "X-Token" in own or keys == {"accessToken"}
        assert is_named, (method, path)
        assert needed <= refusals, (method, path)


def whole(schema, answer):
    """Return an answer, also one that several operations share."""
    name = answer.get("$ref", "").rpartition("/")[2]
    return schema["components"]["responses"][name] if name else answer


def test_each_answer_names_its_request_and_says_when_to_come_back(schema):
    for path, method, operation in operations(schema):
        for status, answer in operation["responses"].items():
            headers = set(whole(schema, answer)["headers"])

            waits = {"Retry-After"} if status in ("429", "503") else set()
            assert headers == {"X-Correlation-Id"} | waits, (method, path, status)


def test_each_refusal_lists_its_codes_and_shows_one_of_each(schema):
    for path, method, operation in operations(schema):
        for status, answer in operation["responses"].items():
            if status < "400":
                continue
            told = whole(schema, answer)
            codes = set(re.findall("`([A-Z][A-Za-z_]+)`", told["description"]))
            [media] = told["content"].values()
            shown = {one.get("summary", name) for name, one in media["examples"].items()}

            assert codes, (method, path, status)
            assert shown == codes, (method, path, status)


def test_each_body_is_shown_by_an_example(schema):
    for path, method, operation in operations(schema):
        bodies = [answer_of(operation), operation.get("requestBody", {})]
        for body in bodies:
            for kind, media in body.get("content", {}).items():
                assert kind == "multipart/form-data" or media.get("examples"), (method, path)


def test_every_example_is_what_its_schema_says(schema):
    checked = 0
    for _, _, operation in operations(schema):
        bodies = [whole(schema, answer) for answer in operation["responses"].values()]
        bodies.append(operation.get("requestBody", {}))
        media = [one for body in bodies for one in body.get("content", {}).values()]
        for one in media:
            for example in one.get("examples", {}).values():
                form = {**one["schema"], "components": schema["components"]}
                jsonschema.validate(example["value"], _nullable_as_json_schema(form))
                checked += 1

    assert checked >= 200


def _nullable_as_json_schema(node):
    """OpenAPI 3.0 says `nullable`, JSON Schema a type more."""
    if isinstance(node, list):
        return [_nullable_as_json_schema(child) for child in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _nullable_as_json_schema(value) for key, value in node.items()}
    return {"anyOf": [changed, {"type": "null"}]} if node.get("nullable") is True else changed


def test_every_field_that_a_session_takes_is_documented(schema):
    documented = set(schema["components"]["schemas"]["SessionCreate"]["properties"])

    assert documented == {*SessionView.Input().fields, "end_user"}


def test_every_address_of_the_messaging_api_is_in_the_schema(schema):
    served = {str(route.pattern) for route in urlpatterns if "api/v1" in str(route.pattern)}

    described = {path for path in schema["paths"] if path.startswith("/api/v1")}

    assert len(described) == len(served)
