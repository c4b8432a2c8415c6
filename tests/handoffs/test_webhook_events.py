"""What endpoints hear of handoffs, conversations and connections (agent_api section 16)."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db import transaction

from conversations.event_loop.executor import run_sync
from conversations.models import Conversation, Event, WebhookDelivery, WebhookEndpoint
from conversations.webhooks.bodies import delivery_body
from conversations.webhooks.endpoints import endpoint_create, event_types_all
from handoffs.lifecycle.details import handoff_details
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_end, handoff_fail
from handoffs.models import Handoff
from handoffs.payload.reading import payload_read
from handoffs.starting.start import handoff_start
from handoffs.states import EndReason, State
from integrations.connections.services import (
    integration_disable,
    integration_enable,
    integration_mark_healthy,
    integration_mark_needs_attention,
)
from integrations.contract import events as vendor_events
from integrations.kit.plain_json import vendor_json
from integrations.models import Project
from integrations.telemetry.correlation import correlation_begin
from tests import factories
from tests.handoffs.passing import active, hear, write
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


def listen(project: Project, *event_types: str) -> WebhookEndpoint:
    endpoint, _ = endpoint_create(
        project=project,
        actor=None,
        values={
            "name": "CRM",
            "url": "https://crm.example/hook",
            "event_types": list(event_types) or event_types_all(),
        },
    )
    return endpoint


def told(conversation: Conversation | None = None) -> list[str]:
    rows = WebhookDelivery.objects.order_by("id")
    if conversation is not None:
        rows = rows.filter(conversation=conversation)
    return [row.type for row in rows if row.type != "message.created"]


def bodies(event_type: str) -> list[dict[str, Any]]:
    rows = WebhookDelivery.objects.filter(type=event_type).order_by("id")
    rows = rows.select_related("endpoint__project__workspace")
    return [dict(vendor_json(delivery_body(row))) for row in rows]  # type: ignore[call-overload]


def of_a_project_that_listens(*event_types: str) -> Conversation:
    channel = factories.channel()
    listen(channel.project, *event_types)
    return factories.conversation(channel)


def test_a_handoff_is_told_from_its_request_to_its_end_in_order():
    conversation = of_a_project_that_listens()

    handoff = factories.handoff(conversation, state=State.ENDED)

    assert told(conversation) == [
        "conversation.started",
        "handoff.requested",
        "handoff.accepted",
        "handoff.agent_joined",
        "handoff.agent_left",
        "handoff.ended",
        "conversation.ended",
    ]
    [body] = bodies("handoff.ended")
    assert body["data"] == handoff_details(handoff)
    assert body["conversation_id"] == conversation.pk
    assert body["client_env"] == "sandbox"
    [left] = bodies("handoff.agent_left")
    assert left["data"]["agent"] == {"id": "a1", "name": "Noor Halvorsen"}


def test_each_body_says_how_the_handoff_stood_at_that_moment():
    conversation = of_a_project_that_listens()

    factories.handoff(conversation, state=State.ENDED)

    states = {
        body["type"]: body["data"]["state"]
        for name in ("requested", "accepted", "agent_joined", "ended")
        for body in bodies(f"handoff.{name}")
    }
    assert states == {
        "handoff.requested": "requested",
        "handoff.accepted": "queued",
        "handoff.agent_joined": "active",
        "handoff.ended": "ended",
    }


@pytest.mark.parametrize(
    ("code", "event_type"),
    [("cannot_connect", "handoff.failed"), ("wait_timeout", "handoff.timeout")],
)
def test_a_handoff_that_comes_to_nothing_says_why(code, event_type):
    handoff = factories.handoff(of_a_project_that_listens(), state=State.QUEUED)
    lease = factories.lease_of(handoff)

    with handoff_leased(lease) as locked:
        handoff_fail(locked, code, lease=lease)

    assert told(handoff.conversation)[-1] == event_type
    [body] = bodies(event_type)
    assert body["data"]["end_reason"] == code


def test_a_handoff_that_is_refused_is_told_as_failed():
    conversation = of_a_project_that_listens()
    returned = {"utterance": "", "handoff": {"text_chat": {"zendesk_integration": {}}}}

    with transaction.atomic():
        locked = Conversation.objects.select_for_update().get(pk=conversation.pk)
        handoff_start(locked, payload_read(returned), tool_call_id="t1", source="test")

    assert told(conversation)[-1] == "handoff.failed"
    assert bodies("handoff.failed")[0]["data"]["end_reason"] == "not_connected"


def test_the_place_in_the_queue_is_told():
    handoff = factories.handoff(of_a_project_that_listens(), state=State.QUEUED)

    moved = factories.vendor_event(
        vendor_events.QueuePositionChanged, position=3, estimated_wait_seconds=120
    )
    factories.apply(factories.lease_of(handoff), moved)

    [body] = bodies("handoff.queue_updated")
    assert body["data"]["queue_status"]["position_in_queue"] == 3
    assert body["data"]["queue_status"]["estimated_wait_seconds"] == 120


def test_a_second_live_agent_comes_and_the_first_goes():
    handoff = factories.handoff(of_a_project_that_listens(), state=State.ACTIVE)
    lease = factories.lease_of(handoff)

    factories.apply(lease, factories.joined("a2", "Ada Brook"))
    gone = factories.vendor_event(
        vendor_events.LiveAgentLeft, agent_id="a1", agent_name="Noor Halvorsen"
    )
    factories.apply(lease, gone)
    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)

    who = [
        (body["type"], body["data"]["agent"]["id"])
        for name in ("agent_joined", "agent_left")
        for body in bodies(f"handoff.{name}")
    ]
    assert who == [
        ("handoff.agent_joined", "a1"),
        ("handoff.agent_joined", "a2"),
        ("handoff.agent_left", "a1"),
        ("handoff.agent_left", "a2"),
    ]


def test_a_conversation_tells_its_start_and_end_with_who_it_was():
    conversation = of_a_project_that_listens("conversation.started", "conversation.ended")

    other = factories.conversation(conversation.channel, state="ended")

    assert told(other) == ["conversation.started", "conversation.ended"]
    start = bodies("conversation.started")[-1]
    assert start["data"]["user"]["id"] == other.end_user.external_id
    assert start["data"]["session_id"] == str(other.session_id)
    assert bodies("conversation.ended")[0]["data"]["reason"] == "REASON_NATURAL_END"


def test_personal_data_stands_in_data_alone():
    conversation = of_a_project_that_listens()
    factories.handoff(conversation, state=State.ENDED)

    keys = {frozenset(body) for name in set(told()) for body in bodies(name)}

    assert keys == {
        frozenset(
            {
                *("id", "type", "created_at", "account_id", "project_id", "client_env"),
                *("conversation_id", "shared_id", "data"),
            }
        )
    }


# ---- messages that pass on the hot path ----


async def listening(handoff: Handoff, *event_types: str) -> None:
    await run_sync(lambda: listen(handoff.conversation.project, *event_types))


async def test_messages_both_ways_of_the_hot_path_are_told_once_and_as_the_services_do():
    handoff, slow = await active(), await active()
    for one in (handoff, slow):
        await listening(one, "message.created")

    correlation_begin("wrote-a-line")
    asked = await write(handoff, "Where is it?")
    await run_sync(factories.said, slow.conversation, "Where is it?")
    correlation_begin("heard-a-line")
    assert await hear(handoff, factories.spoke("On its way."))

    def rows(of: Handoff) -> list[dict[str, Any]]:
        names = ("type", "environment", "shared_id", "lane", "data", "status", "attempts")
        names += ("correlation_id",)
        found = WebhookDelivery.objects.filter(conversation=of.conversation).order_by("id")
        return [
            {name: getattr(row, name) for name in names} | {"event": str(row.event_id)}
            for row in found
        ]

    to_vendor, from_vendor = await run_sync(rows, handoff)
    [by_services] = await run_sync(rows, slow)
    own = ("lane", "event")
    assert {k: v for k, v in to_vendor.items() if k not in own} == {
        k: v for k, v in by_services.items() if k not in own
    }
    assert to_vendor["event"] == str(asked.pk)
    assert to_vendor["correlation_id"] == "wrote-a-line"
    assert from_vendor["correlation_id"] == "heard-a-line"
    said = await run_sync(lambda: bodies("message.created"))
    in_order = [
        (body["data"]["sender"], body["data"]["text"])
        for body in said
        if body["conversation_id"] == handoff.conversation_id
    ]
    assert in_order == [("user", "Where is it?"), ("live_agent", "On its way.")]
    assert from_vendor["lane"] == to_vendor["lane"] == handoff.conversation_id


async def test_the_hot_path_writes_nothing_where_nobody_listens_to_messages():
    handoff, other = await active(), await active()
    await listening(handoff, "handoff.ended")
    await listening(other, "message.created")
    await run_sync(
        WebhookEndpoint.objects.filter(project=other.conversation.project).update, is_enabled=False
    )

    for one in (handoff, other):
        assert await write(one, "Where is it?")
        assert await hear(one, factories.spoke("On its way."))

    assert not await run_sync(WebhookDelivery.objects.exists)


async def test_a_message_of_the_hot_path_wakes_a_worker(redis_server):
    handoff = await active()
    await listening(handoff, "message.created")

    assert await write(handoff, "Where is it?")

    def is_queued() -> bool:
        with redis.Redis.from_url(redis_server.url) as client:
            return client.llen("clock") == 1

    assert await eventually_async(lambda: run_sync(is_queued))


async def test_two_endpoints_hear_a_message_of_the_hot_path_as_one_event():
    handoff = await active()
    for _ in range(2):
        await listening(handoff, "message.created")

    line = await write(handoff, "Where is it?")

    def rows() -> list[Any]:
        return list(WebhookDelivery.objects.values_list("event_id", "endpoint"))

    found = await run_sync(rows)
    assert {event_id for event_id, _ in found} == {line.pk}
    assert len({endpoint for _, endpoint in found}) == 2
    lines = Event.objects.filter(conversation_id=handoff.conversation_id, type="USER_MESSAGE")
    assert await run_sync(lines.count) == 1


# ---- connections ----


def test_a_connection_tells_each_change_of_its_state_once():
    integration = factories.integration()
    listen(integration.project)

    integration_mark_needs_attention(integration, "invalid_auth", "The key is refused.")
    integration_mark_needs_attention(integration, "invalid_auth", "The key is refused.")
    integration_mark_healthy(integration)
    integration_mark_healthy(integration)
    integration_disable(integration=integration, actor=None)
    integration_enable(integration=integration, actor=None)

    said = bodies("connection.state_changed")
    assert [(one["data"]["state_before"], one["data"]["state"]) for one in said] == [
        ("connected", "needs_attention"),
        ("needs_attention", "connected"),
        ("connected", "disabled"),
        ("disabled", "connected"),
    ]
    assert said[0]["data"]["integration"] == "salesforce_integration"
    assert said[0]["data"]["error_code"] == "invalid_auth"
    assert {one["conversation_id"] for one in said} == {None}
    assert {one["client_env"] for one in said} == {"sandbox"}


def test_a_project_without_an_endpoint_keeps_nothing():
    factories.handoff(state=State.ENDED)

    assert not WebhookDelivery.objects.exists()
