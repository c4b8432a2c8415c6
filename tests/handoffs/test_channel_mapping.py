"""The same tool leads each channel to its own live agents, as an admin has mapped them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from conversations.models import Channel, Conversation
from handoffs.errors import NoDefaultError
from handoffs.payload.reading import payload_read
from handoffs.starting.start import handoff_address
from integrations.models import Integration
from tests import factories
from tests.conversations.texting import carrier, talking
from tests.members import client_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def salesforce() -> Integration:
    return factories.integration(is_default=True)


@pytest.fixture
def zendesk(salesforce: Integration) -> Integration:
    return factories.integration(
        salesforce.project, connector_key="zendesk", integration_key="zendesk_integration"
    )


def leads_to(conversation: Conversation) -> Integration | None:
    found = Conversation.objects.select_related("project", "channel").get(pk=conversation.pk)
    return handoff_address(found, payload_read({"handoff": True})).integration


def save(row: Integration, **fields: object) -> None:
    of = client_with(row.project, integrations=2)
    assert of.post(behaviour(row), fields).status_code == 302


def behaviour(row: Integration) -> str:
    place = (row.project.public_id, row.environment, row.connection)
    return reverse("connect_behaviour", args=place)


def test_texts_go_to_one_vendor_and_the_widget_to_another(
    salesforce: Integration, zendesk: Integration
) -> None:
    row = carrier(salesforce.project)
    _, by_text = talking(row)
    by_widget = factories.conversation(factories.channel(salesforce.project))
    assert leads_to(by_text) == leads_to(by_widget) == salesforce

    save(row, takers=[zendesk.pk])

    assert leads_to(by_text) == zendesk
    assert leads_to(by_widget) == salesforce
    salesforce.refresh_from_db()
    assert salesforce.behaviour["channels"] == ["webchat"]


def test_the_mapping_is_shown_and_taken_back(salesforce: Integration, zendesk: Integration) -> None:
    row = carrier(salesforce.project)
    _, by_text = talking(row)
    save(row, takers=[zendesk.pk])
    of = client_with(row.project, integrations=2)

    shown = of.get(behaviour(row)).content.decode()

    assert f'value="{zendesk.pk}" checked' in shown
    assert f'value="{salesforce.pk}" checked' not in shown
    save(row, takers=[])
    assert leads_to(by_text) == salesforce


def test_a_channel_of_several_that_are_not_the_default_names_them_and_the_cure(
    salesforce: Integration, zendesk: Integration
) -> None:
    genesys = factories.integration(
        salesforce.project, connector_key="genesys", integration_key="genesys_integration"
    )
    row = carrier(salesforce.project)
    _, by_text = talking(row)
    save(row, takers=[zendesk.pk, genesys.pk])

    with pytest.raises(NoDefaultError, match="2 take handoffs from SMS") as error:
        leads_to(by_text)

    assert "none of them the default: Zendesk Messaging, Genesys Messaging" in str(error.value)


def test_a_channel_that_is_not_in_the_table_counts_as_webchat(salesforce: Integration) -> None:
    of = factories.channel(salesforce.project, kind=Channel.Kind.CHAT)

    assert leads_to(factories.conversation(of)) == salesforce
