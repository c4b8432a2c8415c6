"""What the admin has not ticked is neither offered to end users nor asked of the service."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.errors import NotAllowedError
from handoffs.lifecycle.availability import availability_ask
from handoffs.models import Handoff
from handoffs.sending.files import files_taken, limits_payload
from handoffs.states import State
from integrations.contract.manifest import Capability
from integrations.vendors.custom.simulator import CustomSimulator
from tests import factories
from tests.contract.bench import handoff_request
from tests.conversations.uploading import a_file, stored, upload
from tests.vendors.custom.conftest import EVERYTHING, Connect


def handoff_with(ticks: str) -> Handoff:
    """Return a handoff whose live agent is there, over a connection with these ticks."""
    handoff = factories.handoff(state=State.ACTIVE)
    handoff.integration = factories.integration(
        handoff.conversation.project,
        connector_key="custom",
        integration_key="custom_integration",
        credentials={
            "connector": "back_office",
            "base_url": "http://127.0.0.1:9",
            "signing_secret": "s" * 32,
            "capabilities": ticks,
        },
    )
    handoff.save()
    return handoff


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ticks", "answered"), [("typing", (415, "ATTACHMENTS_NOT_TAKEN")), (EVERYTHING, (200, None))]
)
def test_an_upload_is_refused_in_words_unless_files_are_ticked(
    ticks: str, answered: tuple[int, str | None]
):
    handoff = handoff_with(ticks)

    answer = upload(handoff.conversation, a_file())

    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body.get("error_code")) == answered
    if answered[1]:
        assert body["error_message"] == "Files cannot be sent in this conversation. Send text."


@pytest.mark.django_db
def test_a_message_with_a_file_is_refused_unless_files_are_ticked():
    without, taking = handoff_with("typing"), handoff_with("attachments")
    refused, taken = (stored(one.conversation_id) for one in (without, taking))

    with pytest.raises(NotAllowedError, match="takes them"):
        files_taken(without.conversation, [refused.pk])

    assert files_taken(taking.conversation, [taken.pk]) == [taken]


@pytest.mark.django_db
def test_the_widget_is_told_of_files_only_where_they_are_ticked():
    assert limits_payload(handoff_with("typing,read")) == {}
    assert limits_payload(handoff_with("attachments"))["attachment_limits"]["max_bytes"] > 0


async def test_nobody_is_asked_for_availability_unless_it_is_ticked(
    connect: Connect, simulator: CustomSimulator
):
    simulator.configure(agents_offline=True)

    unasked = await availability_ask(connect(capabilities="typing"), handoff_request())
    paths = [one.path for one in simulator.requests.all()]
    asked = await availability_ask(connect(), handoff_request())

    assert (unasked.is_available, paths, asked.is_available) == (None, [], False)


def test_a_connector_knows_what_its_own_connection_can_do(connect: Connect):
    assert Capability.ATTACHMENT_OUT in connect().capabilities
    assert Capability.ATTACHMENT_OUT not in connect(capabilities="typing").capabilities
