"""Behaviour before a live agent joins: what may be set, and what is said about a slip."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.behaviour.responses import RESPONSES, response_text
from integrations.behaviour.settings import Behaviour, BehaviourForm, behaviour_of
from integrations.contract.registry import manifest_get
from integrations.models import Integration, Project
from tests import factories
from tests.integrations.connecting import address
from tests.integrations.test_behaviour import GOOD

AMAZON = manifest_get("amazon_connect")
OTHERS = [("zendesk_integration/default", "Zendesk")]
HOURS = {"business_hours_zone": "Europe/Berlin", "business_hours": "Mon-Fri 09:00-17:30"}


def form(stored: Behaviour | None = None, **changes: str) -> BehaviourForm:
    data = {**GOOD, "availability_check": "vendor", **changes}
    return BehaviourForm(AMAZON, stored or Behaviour(), data=data, fallbacks=OTHERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("availability_check", "sometimes"),
        ("business_hours_zone", "Mars/Olympus"),
        ("business_hours", "whenever"),
        ("business_holidays", "Christmas"),
        ("on_unavailable", "explode"),
        ("fallback_integration", "salesforce_integration/default"),
        ("queue_messages", "loud"),
        ("queue_message_interval_seconds", "14"),
        ("queue_message_interval_seconds", "601"),
        ("inactivity_minutes", "-1"),
        ("inactivity_minutes", "1441"),
        ("response_no_agents", "x" * 501),
        ("response_no_agents", "Ask {{agent_name}}"),
        ("response_wait_position", "You are {{place}}"),
    ],
)
def test_a_value_out_of_its_limits_is_refused(name: str, value: str) -> None:
    refused = form(**{name: value})

    assert list(refused.errors) == [name]


def test_the_line_that_cannot_be_read_is_named() -> None:
    refused = form(**{**HOURS, "business_hours": "Mon 09:00-17:00\nTue 17:00-09:00"})

    assert "Line 2" in str(refused.errors["business_hours"])


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ({"availability_check": "hours"}, "business_hours"),
        ({"business_hours": "Mon 09:00-17:00"}, "business_hours"),
        ({"on_unavailable": "fallback"}, "fallback_integration"),
    ],
)
def test_what_a_choice_needs_is_asked_for(values: dict[str, str], at: str) -> None:
    assert list(form(**values).errors) == [at]


def test_everything_together_is_accepted() -> None:
    good = form(
        **HOURS,
        availability_check="both",
        on_unavailable="fallback",
        fallback_integration="zendesk_integration/default",
        response_wait_position="Place {{ queue_position }}",
    )

    assert good.is_valid(), good.errors
    assert good.cleaned_data["fallback_integration"] == "zendesk_integration/default"


def test_a_vendor_that_cannot_be_asked_is_not_offered_as_one_and_keeps_the_default() -> None:
    salesforce = manifest_get("salesforce_messaging")

    untouched = BehaviourForm(salesforce, Behaviour(), data=GOOD)

    offered = [choice for choice, _ in untouched.fields["availability_check"].choices]
    assert offered == ["off", "hours"]
    assert untouched.is_valid()
    assert untouched.cleaned_data["availability_check"] == "vendor"


def test_every_standard_response_is_a_setting_with_the_built_in_text_as_its_default() -> None:
    empty = Behaviour()

    assert all(getattr(empty, response.setting) == "" for response in RESPONSES)
    assert (
        response_text({}, "wait_position", "", queue_position=3) == "You are number 3 in the queue."
    )
    own = {"response_wait_position": "Place {{ queue_position }}"}
    assert response_text(own, "wait_position", "de", queue_position=3) == "Place 3"


def test_the_page_offers_what_else_is_connected_in_this_environment(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project)
    factories.integration(
        project, connector_key="zendesk_tickets", integration_key="zendesk_tickets_integration"
    )
    factories.integration(
        project,
        connector_key="zendesk",
        integration_key="zendesk_integration",
        environment="live",
    )

    page = admin.get(address(project, "connect_behaviour")).content.decode()
    wanted = {
        "on_unavailable": "fallback",
        "fallback_integration": "zendesk_tickets_integration/default",
    }
    admin.post(address(project, "connect_behaviour"), {**GOOD, **wanted})

    row.refresh_from_db()
    assert "Zendesk tickets" in page
    assert "zendesk_integration/default" not in page
    assert behaviour_of(row).fallback_integration == wanted["fallback_integration"]
    assert Integration.objects.count() == 3


def test_an_integration_that_opens_tickets_asks_only_what_matters_there() -> None:
    tickets = BehaviourForm(
        manifest_get("zendesk_tickets"),
        Behaviour(),
        data={
            "transcript_mode": "full",
            "transcript_max_messages": "100",
            "summary": "off",
            "standard_context": "all",
            "response_ticket_opened": "Ticket {{ticket_number}}",
        },
    )

    assert tickets.is_valid(), tickets.errors
    assert list(tickets.fields) == [
        "transcript_mode",
        "transcript_max_messages",
        "transcript_link",
        "summary",
        "standard_context",
        "context_names",
        "mask_cards",
        "mask_emails",
        "response_ticket_opened",
    ]
