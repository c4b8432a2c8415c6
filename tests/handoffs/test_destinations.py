"""Destinations: names for places, what a payload makes of them, and the pages that keep them."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Destination, Event
from handoffs.errors import InvalidPayloadError
from handoffs.models import Handoff
from handoffs.payload.reading import payload_for_call_handoff, payload_read
from handoffs.starting.addressing import Address, payload_address
from handoffs.starting.start import handoff_start
from integrations.contract.registry import manifests
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_of_reader

pytestmark = pytest.mark.django_db

GENESYS = {"connector_key": "genesys", "integration_key": "genesys_integration"}
CONNECT = {"connector_key": "amazon_connect", "integration_key": "amazon_connect_integration"}


@pytest.fixture
def project() -> Project:
    made = factories.project()
    factories.integration(made)
    factories.integration(made, **GENESYS)
    return made


def place(project: Project, name: str = "Billing", **fields: object) -> Destination:
    return Destination.objects.create(project=project, name=name, **fields)


def address(project: Project, handoff: object) -> Address:
    return payload_address(project, "sandbox", payload_read({"handoff": handoff}))


def start(project: Project, handoff: object) -> tuple[Conversation, Handoff | None]:
    conversation = factories.conversation(factories.channel(project))
    with transaction.atomic():
        locked = conversation_lock(conversation.pk)
        payload = payload_read({"handoff": handoff})
        made = handoff_start(locked, payload, tool_call_id="call-1", source="test")
    conversation.refresh_from_db()
    return conversation, made


def asked_of_client(conversation: Conversation) -> dict[str, str]:
    return Event.objects.get(conversation=conversation, type="CLIENT_HANDOFF_REQUIRED").payload


# ---- what a payload makes of them ----


@pytest.mark.parametrize("handoff", [{"destination": "Billing"}, "billing", " BILLING "])
def test_a_name_leads_to_its_integration_with_its_hints(project, handoff):
    place(project, integration_key="genesys_integration", hints={"queue": "Money", "subject": "X"})

    found = address(project, handoff)

    assert found.integration is not None
    assert found.integration.integration_key == "genesys_integration"
    assert found.payload.hints == {"queue": "Money", "subject": "X"}
    assert (found.payload.destination, found.payload.reason) == ("Billing", "Billing")


def test_what_the_tool_names_itself_comes_first(project):
    hints = {"queue": "Money", "reason": "bill", "attributes": {"tier": "any", "team": "money"}}
    place(project, integration_key="genesys_integration", hints=hints)
    payload = payload_for_call_handoff(
        "Billing", reason="refund", hints={"attributes": {"tier": "gold"}}, route="Refunds"
    )

    found = payload_address(project, "sandbox", payload).payload

    assert found.hints["queue"] == "Refunds"
    assert found.hints["attributes"] == {"tier": "gold", "team": "money"}
    assert found.reason == "refund"


@pytest.mark.parametrize(
    "handoff", [True, {"reason": "angry"}, {"utterance": "Wait", "reason": ""}]
)
def test_without_a_name_the_default_destination_takes_it(project, handoff):
    place(project, "Anybody", is_default=True, integration_key="genesys_integration")

    found = address(project, handoff)

    assert found.integration is not None
    assert found.integration.integration_key == "genesys_integration"
    assert found.payload.destination == "Anybody"


LIVE = [one for one in manifests() if one.takes_live_chats]


@pytest.mark.parametrize("vendor", LIVE, ids=lambda one: one.key)
def test_every_shape_of_a_payload_leads_to_every_vendor(vendor):
    project, key = factories.project(), vendor.integration_key
    fields = {"connector_key": vendor.key, "integration_key": key}
    # The one vendor whose connections have names needs one in each payload.
    own = {vendor.named_by: "desk"} if vendor.named_by else {}
    connection = factories.integration(project, credentials=own, **fields)
    place(project, integration_key=key, hints={"queue": "Money", **own}, is_default=True)
    shapes = [
        True,
        "Billing",
        {"destination": "Billing", "reason": "invoice"},
        {"reason": "invoice", "utterance": "One moment."},
        {"type": "Billing", "refer": {"to": "x"}},
        {"text_chat": {key: {"queue": "Money", **own}}},
        *({"destination": name, "hints": {"queue": "Money", **own}} for name in vendor.aliases),
        {"destination": key, "hints": {"queue": "Money", **own}},
    ]

    found = [address(project, shape) for shape in shapes]

    assert [one.integration for one in found] == [connection] * len(shapes)
    assert [one.payload.hints.get("queue") for one in found] == ["Money"] * len(shapes)


def test_a_destination_without_an_integration_leaves_the_choice_to_the_project(project):
    place(project, hints={"queue": "Money"})
    project.integrations.filter(integration_key="genesys_integration").update(is_default=True)

    found = address(project, "Billing")

    assert found.integration is not None
    assert found.integration.integration_key == "genesys_integration"
    assert found.payload.hints == {"queue": "Money"}


def test_a_destinations_name_wins_over_a_vendors(project):
    place(project, "salesforce", integration_key="genesys_integration")

    found = address(project, "salesforce")

    assert found.integration is not None
    assert found.integration.integration_key == "genesys_integration"


def test_an_unknown_name_lists_the_destinations_that_there_are(project):
    place(project)
    place(project, "Sales")

    with pytest.raises(InvalidPayloadError, match="Billing, Sales; or this project has"):
        address(project, "Bilng")


def test_what_an_admin_writes_into_a_destination_is_no_override_of_a_tools(project):
    factories.integration(project, **CONNECT)
    flow = {"contact_flow_id": "11111111-2222-4333-8444-555555555555"}
    place(project, integration_key="amazon_connect_integration", hints=flow)

    found = address(project, "Billing")

    assert found.payload.hints == flow
    with pytest.raises(InvalidPayloadError, match="inline overrides are off"):
        payload_address(project, "sandbox", payload_for_call_handoff("Billing", hints=flow))


# ---- the client takes it ----


@pytest.mark.parametrize("kind", ["client", "voice"])
def test_a_client_is_told_reason_queue_and_route_and_nothing_opens(project, kind):
    place(project, "Phone", kind=kind, queue_name="front-desk", route="+4930123", is_default=True)

    conversation, handoff = start(project, {"destination": "Phone", "reason": "too long"})

    assert asked_of_client(conversation) == {
        "reason": "AGENT_DECISION",
        "queue_name": "front-desk",
        "route": "+4930123",
    }
    assert handoff is not None
    assert (handoff.integration, handoff.reason, handoff.destination) == (None, "too long", "Phone")
    assert handoff.end_reason == "client_managed"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("POLICY", "POLICY"), ("complex_query", "COMPLEX_QUERY"), ("angry", "COMPLEX_QUERY")],
)
def test_one_of_the_three_reasons_wins_over_the_destinations(project, reason, expected):
    place(project, "App", kind="client", client_reason="COMPLEX_QUERY")

    conversation, _ = start(project, {"destination": "App", "reason": reason})

    assert asked_of_client(conversation)["reason"] == expected


def test_the_telephone_shape_finds_its_destination_or_asks_the_client(project):
    place(project, "refer_to_support", integration_key="genesys_integration")

    known = address(project, {"type": "refer_to_support", "refer": {"phone_number": "+1"}})
    conversation, _ = start(project, {"type": "refer_to_sales", "reason": "x", "bye": {}})

    assert known.integration is not None
    assert asked_of_client(conversation) == {
        "reason": "AGENT_DECISION",
        "queue_name": "refer_to_sales",
    }


def test_the_handoff_api_shows_the_destination_of_a_client(project):
    place(project, "Phone", kind="voice")
    _, raw = factories.api_key(project)
    conversation, _ = start(project, "Phone")
    path = f"/v1/{project.workspace.public_id}/{project.public_id}/handoff_state"

    answer = (
        Client().get(path, {"id": conversation.pk, "expand": "handoff"}, HTTP_X_API_KEY=raw).json()
    )

    assert answer["handoff"]["destination"] == "Phone"
    assert answer["handoff"]["reason"] == "Phone"


# ---- the pages ----


def url(name: str, project: Project, **more: object) -> str:
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def values(**changed: object) -> dict[str, object]:
    return {
        "name": "Billing",
        "kind": "text_chat",
        "integration_key": "genesys_integration",
        "queue": "Money",
        "hints": '{"priority": "high"}',
        "client_reason": "AGENT_DECISION",
        **changed,
    }


def test_the_first_destination_is_the_default_and_its_hints_are_kept(admin, project):
    admin.post(url("destination_new", project), values())
    admin.post(url("destination_new", project), values(name="Sales", hints=""))

    first, second = Destination.objects.order_by("pk")
    assert first.hints == {"priority": "high", "queue": "Money"}
    assert (first.is_default, second.is_default) == (True, False)
    assert AuditEntry.objects.filter(action="destination.created").count() == 2


@pytest.mark.parametrize(
    ("wrong", "field", "expected"),
    [
        ({"name": "x" * 129}, "name", "at most 128"),
        ({"name": "a{b"}, "name", "curly brackets"),
        ({"name": "sales"}, "name", "exists in this project"),
        ({"hints": "{"}, "hints", "This is no JSON"),
        ({"hints": "[" * 5000}, "hints", "This is no JSON"),
        ({"hints": "[1]"}, "hints", "JSON object"),
        ({"hints": '{"priorty": 1}'}, "hints", "priorty: unknown hint"),
        ({"hints": '{"user_phone": "12"}'}, "hints", "user_phone: expected a phone number"),
        ({"hints": '{"api_key_secret": "x"}'}, "hints", "secrets are never accepted"),
        ({"kind": "fax"}, "kind", "Select a valid choice"),
    ],
)
def test_a_bad_value_is_named_at_its_field_and_nothing_is_saved(
    admin, project, wrong, field, expected
):
    place(project, "Sales")

    answer = admin.post(url("destination_new", project), values(**wrong))

    assert answer.status_code == 422
    assert expected in str(answer.context["form"].errors[field])
    assert Destination.objects.count() == 1


def test_a_new_name_goes_into_the_topics_that_use_it(admin, project):
    row = place(project)
    topic = factories.topic(
        project,
        "I want a human",
        actions=[{"kind": "handoff", "target": "Billing", "when": "always"}],
        actions_text="Then {{ho: billing }}.",
    )

    admin.post(url("destination", project, destination_id=row.pk), values(name="Money"))

    topic.refresh_from_db()
    assert topic.actions[0]["target"] == "Money"
    assert topic.actions_text == "Then {{ho:Money}}."


def test_flows_follow_a_new_name_and_destinations_follow_that_of_a_flow(admin, project):
    row = place(project)
    steps = [{"name": "Person", "kind": "handoff", "destination": "billing"}]
    flow = factories.flow(project, "Survey", steps)
    goes = [{"kind": "goto_flow", "target": "Survey", "when": "always"}]
    topic = factories.topic(project, "ask me", actions=goes)
    at = url("destination", project, destination_id=row.pk)

    admin.post(at, values(name="Money", after_flow="Survey"))
    admin.post(url("flow", project, flow_id=flow.pk), {"name": "Marks", "start_step": "Person"})

    for one in (row, flow, topic):
        one.refresh_from_db()
    assert flow.steps[0]["destination"] == "Money"
    assert (row.after_flow, topic.actions[0]["target"]) == ("Marks", "Marks")
    page = admin.get(url("destination_delete", project, destination_id=row.pk)).content.decode()
    assert "cannot be deleted yet" in page and "Marks" in page
    assert "1 flow" in admin.get(url("destinations", project)).content.decode()


def test_one_that_a_topic_names_stays_and_the_page_says_who(admin, project):
    row = place(project)
    factories.topic(project, "I want a human", actions_text="{{ho:Billing}}")

    page = admin.get(url("destination_delete", project, destination_id=row.pk)).content.decode()
    answer = admin.post(
        url("destination_delete", project, destination_id=row.pk), {"confirm_name": "Billing"}
    )

    assert "I want a human" in page
    assert answer.status_code == 422
    assert Destination.objects.count() == 1


def test_deleting_the_default_asks_for_its_name_and_a_successor(admin, project):
    row, other = place(project, is_default=True), place(project, "Sales")
    address_of = url("destination_delete", project, destination_id=row.pk)

    unnamed = admin.post(address_of, {"successor": other.pk})
    alone = admin.post(address_of, {"confirm_name": "Billing"})
    admin.post(address_of, {"confirm_name": "Billing", "successor": other.pk})

    assert "Type Billing" in unnamed.content.decode()
    assert "Choose the new default" in alone.content.decode()
    assert [one.name for one in Destination.objects.filter(is_default=True)] == ["Sales"]
    assert Destination.objects.count() == 1


def test_a_copy_gets_a_free_name_and_another_one_can_be_the_default(admin, project):
    row = place(project, is_default=True, hints={"queue": "Money"})

    admin.post(url("destination_copy", project, destination_id=row.pk))
    admin.post(url("destination_copy", project, destination_id=row.pk))
    copy = Destination.objects.get(name="Billing copy")
    admin.post(url("destination_default", project, destination_id=copy.pk))

    assert set(Destination.objects.values_list("name", flat=True)) == {
        "Billing",
        "Billing copy",
        "Billing copy 2",
    }
    assert copy.hints == {"queue": "Money"}
    assert Destination.objects.get(is_default=True).pk == copy.pk


def test_the_list_says_where_each_goes_and_where_its_vendor_is_missing(admin, project):
    place(project, integration_key="zendesk_integration", hints={"queue": "Money"})

    page = admin.get(url("destinations", project)).content.decode()

    assert "Zendesk, Money" in page
    assert "Not connected" in page


def test_a_reader_sees_them_and_changes_nothing(project):
    row = place(project)
    reader = client_of_reader(project)

    assert "Billing" in reader.get(url("destinations", project)).content.decode()
    assert reader.post(url("destination_copy", project, destination_id=row.pk)).status_code == 403
    answer = reader.post(url("destination", project, destination_id=row.pk), values(name="Else"))
    assert answer.status_code == 403
