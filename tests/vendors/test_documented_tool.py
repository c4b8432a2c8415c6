"""The tool of the guides, pasted unchanged: with nothing but its vendor's key it arrives there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.event_loop.executor import run_sync
from conversations.models import Tool
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from integrations.connect.steps import tool_source
from integrations.contract.registry import manifests
from integrations.models import Integration
from integrations.simulators.simulator import running_simulator
from tests import factories
from tests.contract.vendors import SETUPS
from tests.members import client_of_admin
from tests.vendors.relayed import connect, hand_off, relayed
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
VENDORS = [one.key for one in manifests() if one.takes_live_chats]
# As the guides print it, one vendor's key and name in it.
GUIDE = (
    "def transfer_to_{name}(conv: Conversation): return "
    '{{"utterance": "No problem, I\'ll transfer you to one of our agents now.", '
    '"handoff": {{"text_chat": {{"{name}_integration": {hints}}}}}}}'
)
ASKED = "I want to talk to a human"


def documented(connected: Integration) -> str:
    """Return the guides' tool for a vendor; of custom connectors it has to say which one."""
    name = connected.integration_key.removesuffix("_integration")
    hints = '{"connector": "back_office"}' if name == "custom" else "{}"
    return GUIDE.format(name=name, hints=hints)


def pasted(admin: Client, connected: Integration, source: str) -> None:
    """Save a tool on its page, as it stands, and a topic that runs it."""
    project = connected.project
    values = {"name": source.split("(")[0].removeprefix("def "), "timeout_seconds": "10"}
    page = reverse("tool_new", kwargs={"project_id": project.public_id})
    answer = admin.post(page, {**values, "description": "Hands over.", "source": source})
    assert answer.status_code == 302
    assert admin.get(answer["Location"]).context["problems"] == []
    factories.topic(project, ASKED, Tool.objects.get(project=project))


def asked(connected: Integration) -> Handoff:
    """Let an end user ask for a human, and the AI agent answer."""
    conversation = factories.conversation(factories.channel(connected.project))
    message_accept(conversation_id=conversation.pk, text=ASKED, client_event_id="", metadata=None)
    answer_all(conversation.pk)
    return Handoff.objects.get(conversation=conversation)


@pytest.mark.parametrize("key", VENDORS)
async def test_the_documented_tool_pasted_unchanged_reaches_its_vendor(
    key: str, live_server: Any, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    simulator = SETUPS[key].simulator()

    def begin() -> Handoff:
        connected = connect(key, simulator)
        pasted(client_of_admin(connected.project), connected, documented(connected))
        return asked(connected)

    with running_simulator(simulator):
        async with relayed(await run_sync(begin), simulator) as talk:
            await talk.serve()
            await talk.reaches("queued")
            [row] = await eventually_async(simulator.desk_conversations)

    assert ASKED in "".join(line["text"] for line in row["messages"])
    kinds = [kind for kind, _ in await talk.journal()]
    assert kinds.index("POLY_AGENT_TRIGGERED_HANDOFF") < kinds.index("HANDOFF_ACCEPTED")


@pytest.mark.parametrize("key", VENDORS)
async def test_the_account_whose_set_a_handoff_names_gets_it(
    key: str, live_server: Any, settings: Any, unused_tcp_port: int
) -> None:
    settings.PUBLIC_URL = live_server.url
    simulator = SETUPS[key].simulator()
    # The default set leads nowhere.
    elsewhere = dict(SETUPS[key].credentials(f"http://127.0.0.1:{unused_tcp_port}"))

    def begin() -> Handoff:
        named = connect(key, simulator, credential_set="emea")
        factories.integration(
            named.project,
            connector_key=key,
            integration_key=named.integration_key,
            credentials=elsewhere,
        )
        hints = {"connector": "back_office"} if key == "custom" else {}
        return hand_off(named, credential_set="emea", **hints)

    with running_simulator(simulator):
        async with relayed(await run_sync(begin), simulator) as talk:
            await talk.serve()
            await talk.reaches("queued")

    assert len(simulator.desk_conversations()) == 1


@pytest.mark.parametrize("key", VENDORS)
def test_the_last_page_of_a_set_up_shows_the_tool_of_the_guides(key: str) -> None:
    connected = connect(key, SETUPS[key].simulator())

    shown = "".join(tool_source(connected).split())

    assert shown.replace(",", "") == "".join(documented(connected).split()).replace(",", "")
