"""How a payload becomes an open handoff, or a refusal that explains itself."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Event, LogEntry
from handoffs.errors import InvalidPayloadError
from handoffs.models import Handoff
from handoffs.payload.reading import HandoffPayload, payload_for_call_handoff, payload_read
from handoffs.responder import HandoffResponder
from handoffs.starting.start import handoff_refuse, handoff_start
from handoffs.states import State
from integrations.models import Environment, Integration
from tests import factories

pytestmark = pytest.mark.django_db


def returned(hints: dict[str, Any] | None = None, **more: Any) -> HandoffPayload:
    integration = {factories.INTEGRATION_KEY: hints or {}}
    return payload_read({"utterance": "", "handoff": {"text_chat": integration}, **more})


def start(conversation: Conversation, payload: HandoffPayload, call_id: str = "") -> Handoff | None:
    with transaction.atomic():
        return handoff_start(
            conversation_lock(conversation.pk),
            payload,
            tool_call_id=call_id or str(uuid.uuid4()),
            source="transfer_to_salesforce",
        )


def log(conversation: Conversation) -> list[tuple[str, str]]:
    entries = LogEntry.objects.filter(conversation=conversation).order_by("id")
    return [(entry.level, entry.code) for entry in entries]


@pytest.fixture
def conversation() -> Conversation:
    made = factories.conversation()
    factories.integration(made.project)
    return made


def test_a_payload_opens_a_handoff_and_says_so(conversation):
    payload = returned({"queue": "Billing", "reason": "billing_dispute"})

    handoff = start(conversation, payload)

    assert handoff is not None
    line = Event.objects.filter(conversation=conversation).latest("sequence")
    conversation.refresh_from_db()
    assert (line.type, line.payload) == (
        "POLY_AGENT_TRIGGERED_HANDOFF",
        {"handoff_id": handoff.pk},
    )
    assert conversation.state == "handoff"
    assert (handoff.state, handoff.reason) == ("requested", "billing_dispute")
    assert handoff.routing["queue"] == "Billing"
    assert handoff.deadline_at is not None
    assert factories.transitions(handoff) == ["requested"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_asked_once_the_handoff_is_committed(redis_server):
    import redis

    conversation = factories.conversation()
    factories.integration(conversation.project)

    with redis.Redis.from_url(redis_server.url) as client, transaction.atomic():
        handoff = start(conversation, returned())
        queued_before = client.llen("relay")

    with redis.Redis.from_url(redis_server.url) as client:
        [task] = client.lrange("relay", 0, -1)
    assert handoff is not None
    assert queued_before == 0
    assert b"handoffs.tasks.open_handoff" in task


def test_the_default_integration_is_used_where_the_tool_names_none(conversation):
    handoff = start(conversation, payload_read({"handoff": True}))

    assert handoff is not None
    assert handoff.integration_key == factories.INTEGRATION_KEY


def test_one_of_several_integrations_must_be_the_default(conversation):
    other = factories.integration(conversation.project, integration_key="zendesk_integration")
    assert start(conversation, payload_read({"handoff": True})) is None

    other.is_default = True
    other.save()
    handoff = start(conversation, payload_read({"handoff": True}))

    assert handoff is not None
    assert handoff.integration_key == "zendesk_integration"


@pytest.mark.parametrize("destination", ["salesforce_integration", "salesforce"])
def test_a_destination_may_be_an_integration_key_or_a_vendors_name(conversation, destination):
    handoff = start(conversation, payload_for_call_handoff(destination, reason="vip"))

    assert handoff is not None
    assert (handoff.integration_key, handoff.destination) == (
        factories.INTEGRATION_KEY,
        destination,
    )
    assert handoff.reason == "vip"


def test_the_destination_is_the_reason_where_none_is_given(conversation):
    handoff = start(conversation, payload_for_call_handoff("salesforce"))

    assert handoff is not None
    assert handoff.reason == "salesforce"


def test_a_credential_set_chooses_among_integrations_of_one_vendor(conversation):
    emea = factories.integration(conversation.project, credential_set="emea")

    handoff = start(conversation, returned({"credential_set": "emea"}))

    assert handoff is not None
    assert handoff.integration == emea


def test_a_credential_set_that_does_not_exist_is_named_in_the_refusal(conversation):
    assert start(conversation, returned({"credential_set": "emea"})) is None

    failed = Handoff.objects.get(conversation=conversation)
    assert failed.error_code == "not_connected"
    assert "has no credential set “emea” in Sandbox. Known: default." in failed.error_detail


def test_named_sets_without_a_default_are_named_and_not_guessed_among(conversation):
    Integration.objects.update(credential_set="emea")
    factories.integration(conversation.project, credential_set="apac")

    assert start(conversation, returned()) is None
    failed = Handoff.objects.get(conversation=conversation)
    assert "no credential set “default” in Sandbox. Known: apac, emea" in failed.error_detail


def test_an_integration_that_needs_attention_is_still_tried(conversation):
    Integration.objects.update(status=Integration.Status.NEEDS_ATTENTION)

    assert start(conversation, returned()) is not None


# ---- refusals ----


NOT_USABLE = {
    "absent": lambda: Integration.objects.all().delete(),
    "disabled": lambda: Integration.objects.update(status=Integration.Status.DISABLED),
    "half connected": lambda: Integration.objects.update(status=Integration.Status.NOT_CONNECTED),
    "another environment": lambda: Integration.objects.update(environment=Environment.LIVE),
    "another project": lambda: Integration.objects.update(project=factories.project()),
    "another set": lambda: Integration.objects.update(credential_set="emea"),
}


@pytest.mark.parametrize("make_unusable", NOT_USABLE.values(), ids=NOT_USABLE)
def test_without_a_connected_integration_nothing_opens_and_the_reason_is_logged(
    conversation, make_unusable
):
    make_unusable()

    assert start(conversation, returned()) is None

    conversation.refresh_from_db()
    refused = Handoff.objects.get(conversation=conversation)
    line = Event.objects.filter(conversation=conversation).latest("sequence")
    assert conversation.state == "bot"
    assert (line.type, line.payload) == ("HANDOFF_FAILED", {"reason": "not_connected"})
    assert (refused.state, refused.error_code, refused.deadline_at) == (
        "failed",
        "not_connected",
        None,
    )
    assert log(conversation) == [("error", "not_connected")]


def test_an_unknown_destination_opens_nothing(conversation):
    assert start(conversation, payload_for_call_handoff("complaints")) is None

    assert log(conversation) == [("error", "invalid_payload")]


def test_an_inline_override_needs_the_projects_permission():
    project = factories.project()
    factories.integration(
        project, connector_key="amazon_connect", integration_key="amazon_connect_integration"
    )
    hints = {"instance_id": str(uuid.uuid4())}
    payload = payload_read({"handoff": {"text_chat": {"amazon_connect_integration": hints}}})

    refused = start(factories.conversation(factories.channel(project)), payload)
    project.allow_inline_overrides = True
    project.save()
    allowed = start(factories.conversation(factories.channel(project)), payload)

    assert refused is None
    assert allowed is not None


def test_a_second_handoff_while_one_is_open_is_ignored_with_a_warning(conversation):
    first = start(conversation, returned())
    journal = factories.journal(conversation)

    assert start(conversation, returned()) is None

    assert Handoff.objects.get() == first
    assert factories.journal(conversation) == journal
    assert log(conversation) == [("warning", "handoff_already_active")]


def test_a_handoff_may_follow_one_that_is_over():
    of = factories.integration(behaviour={"after_agent": "return_to_bot"})
    over = factories.handoff(state=State.ENDED, of_integration=of)

    again = start(over.conversation, returned())

    assert again is not None
    assert again.pk != over.pk


def test_the_database_refuses_a_second_open_handoff_whatever_the_code_does(conversation):
    first = start(conversation, returned())
    assert first is not None

    with pytest.raises(IntegrityError), transaction.atomic():
        Handoff.objects.create(
            conversation=conversation, environment="sandbox", tool_call_id="x", state="queued"
        )


def test_the_database_refuses_a_second_handoff_of_one_tool_call(conversation):
    handoff_ids = Handoff.objects.filter(conversation=conversation)
    start(conversation, returned(), "call-1")
    HandoffResponder().on_cancel(conversation_id=conversation.pk)

    with pytest.raises(IntegrityError), transaction.atomic():
        start(conversation, returned(), "call-1")

    assert handoff_ids.count() == 1


def test_ignored_hints_are_warned_of_and_open_the_handoff(conversation):
    handoff = start(conversation, returned({"colour": "green", "api_secret": "s3cr3t"}))

    assert handoff is not None
    assert {level for level, _ in log(conversation)} == {"warning"}
    contents = " ".join(LogEntry.objects.values_list("content", flat=True))
    assert "colour" in contents
    assert "s3cr3t" not in contents + str(handoff.routing)


def test_every_problem_of_a_payload_is_in_the_log(conversation):
    with pytest.raises(InvalidPayloadError) as raised:
        payload_read(
            {"handoff": {"text_chat": {factories.INTEGRATION_KEY: {"queue": 1, "skills": 2}}}}
        )

    with transaction.atomic():
        locked = conversation_lock(conversation.pk)
        handoff_refuse(locked, raised.value, tool_call_id="c", source="my_tool")

    [entry] = LogEntry.objects.filter(conversation=conversation)
    assert (entry.level, entry.code, entry.source) == ("error", "invalid_payload", "my_tool")
    assert len(entry.fields["problems"]) == 2


# ---- the snapshot for the screen pop (agent_api section 7) ----


def snapshot(conversation: Conversation, state: dict[str, Any], payload: HandoffPayload) -> Handoff:
    conversation.tool_state = state
    conversation.save()
    handoff = start(conversation, payload)
    assert handoff is not None
    return handoff


def test_the_snapshot_is_what_the_tool_wrote_with_what_the_call_added(conversation):
    state = {"handoff": {"tier": "gold", "order": 1}, "other": "x"}
    payload = payload_for_call_handoff("salesforce", data={"order": 2, "mood": "calm"})

    handoff = snapshot(conversation, state, payload)

    assert handoff.context_data == {"tier": "gold", "order": 2, "mood": "calm"}


@pytest.mark.parametrize("written", [None, "text", 5, []])
def test_a_snapshot_without_an_object_is_empty(conversation, written):
    assert snapshot(conversation, {"handoff": written}, returned()).context_data == {}


def test_listed_keys_come_on_top_under_their_outward_names_and_absent_ones_as_null(conversation):
    project = conversation.project
    project.handoff_api = {
        "state_keys": ["customer_tier", "ticket"],
        "aliases": {"customer_tier": "tier", "unlisted": "never"},
    }
    project.save()

    handoff = snapshot(conversation, {"customer_tier": "gold", "unlisted": 1}, returned())

    assert handoff.context_data == {"tier": "gold", "ticket": None}


def test_the_shared_id_comes_from_the_configured_key_of_the_state(conversation):
    assert snapshot(conversation, {"shared_id": "CRM-7"}, returned()).shared_id == "CRM-7"

    HandoffResponder().on_cancel(conversation_id=conversation.pk)
    conversation.project.handoff_api = {"shared_id_state_key": "crm"}
    conversation.project.save()
    conversation.refresh_from_db()
    assert snapshot(conversation, {"crm": 12, "shared_id": "x"}, returned()).shared_id == "12"
