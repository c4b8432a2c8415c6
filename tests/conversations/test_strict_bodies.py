"""A body's fields are taken in the JSON type that /api/schema names, and in no other."""

from __future__ import annotations

import pytest

from conversations.api.hearing.fields import EndpointUpdate, SecretRotate
from conversations.api.messaging import SessionView
from handoffs.api.agent.schema import ConversationEnd, HandoffCreate, MessageCreate, PieceCreate
from handoffs.api.chat_schema import ChatCreateInput, ChatRespondInput
from handoffs.api.queue import QueueUpdateView


@pytest.mark.parametrize(
    ("form", "body", "field"),
    [
        (SessionView.Input, {"streaming_enabled": "true"}, "streaming_enabled"),
        (SessionView.Input, {"locale": 5}, "locale"),
        (SessionView.Input, {"locale": True}, "locale"),
        (SessionView.Input, {"extensions": "rich_content"}, "extensions"),
        (SessionView.Input, {"extensions": [1]}, "extensions"),
        (SessionView.Input, {"page": {"url": 7}}, "page"),
        (SessionView.Input, {"integration_attributes": []}, "integration_attributes"),
        (EndpointUpdate, {"enabled": 0}, "enabled"),
        (EndpointUpdate, {"headers": {"X-Shop": 1}}, "headers"),
        (EndpointUpdate, {"event_types": [None, 2]}, "event_types"),
        (SecretRotate, {"overlap_seconds": "60"}, "overlap_seconds"),
        (SecretRotate, {"overlap_seconds": False}, "overlap_seconds"),
        (ChatCreateInput, {"variant_id": 3}, "variant_id"),
        (ChatRespondInput, {"conversation_id": "CONV-1", "message": 12}, "message"),
        (QueueUpdateView.Input, {"unit": "time", "amount": "60"}, "amount"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_field(form, body, field):
    given = form(data=body, partial=form is EndpointUpdate)

    assert not given.is_valid()
    assert set(given.errors) == {field}


@pytest.mark.parametrize(
    "form",
    [
        *(EndpointUpdate, SecretRotate, QueueUpdateView.Input),
        *(MessageCreate, PieceCreate, HandoffCreate, ConversationEnd),
    ],
)
def test_a_misspelt_field_is_refused_by_its_name_with_those_that_there_are(form):
    given = form(data={"txet": "Hello"}, partial=True)

    assert not given.is_valid()
    assert set(given.errors) == {"txet"}
    assert all(name in str(given.errors["txet"]) for name in given.fields)


def test_what_is_of_its_type_is_taken():
    body = {
        "streaming_enabled": True,
        "locale": "de",
        "extensions": ["rich_content"],
        "page": {"url": "https://shop.example/"},
        "integration_attributes": {"tier": 1, "tags": ["a", {"b": None}]},
    }
    given = SessionView.Input(data=body)

    assert given.is_valid(), given.errors
    assert given.validated_data["integration_attributes"] == body["integration_attributes"]
    assert SecretRotate(data={"overlap_seconds": 60}).is_valid()
