"""One correlation id, from what an end user sends to the vendor's call and the agent's."""

from __future__ import annotations

import pytest

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from handoffs.sending.hot_path import UserMessage, messages_to_vendor
from integrations.models import VendorCall
from integrations.telemetry.correlation import correlation_begin
from tests.handoffs.model import model_server
from tests.handoffs.outside import ask, driven, webhook_agent
from tests.handoffs.passing import line
from tests.handoffs.talk import Talk
from tests.handoffs.test_chat_model import driven as model_driven
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


async def calls(one: Talk) -> dict[str, set[str]]:
    """Return which ids the recorded calls of a handoff bear, by operation."""

    def read() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        rows = VendorCall.objects.filter(reference=one.handoff.pk)
        for operation, known in rows.values_list("operation", "correlation_id"):
            found.setdefault(operation, set()).add(known)
        return found

    return await run_sync(read)


async def test_the_vendors_calls_bear_the_id_of_what_the_end_user_sent(talk):
    correlation_begin("asked-for-a-human")
    one = await talk()
    correlation_begin("the-relay-worker-itself")
    await one.serve()

    correlation_begin("wrote-a-line")
    await one.write("Where is my parcel?")
    await one.arrives("Where is my parcel?")
    correlation_begin("wrote-on-the-hot-path")
    said = UserMessage(conversation_id=one.handoff.conversation_id, line=line("It is late."))

    async def is_plain() -> bool:
        # A receipt that comes at this moment leaves it to the services.
        return await messages_to_vendor([said]) != [None]

    await eventually_async(is_plain)
    one.wake()
    await one.arrives("Where is my parcel?", "It is late.")

    wanted = {"asked-for-a-human", "wrote-a-line", "wrote-on-the-hot-path"}

    async def all_recorded() -> bool:
        return wanted <= {known for ids in (await calls(one)).values() for known in ids}

    await eventually_async(all_recorded)
    found = await calls(one)
    assert {known for ids in found.values() for known in ids} == wanted, found
    row = await run_sync(Handoff.objects.get, pk=one.handoff.pk)
    assert row.correlation_id == "asked-for-a-human"


def test_an_outside_agent_is_called_with_the_id_of_the_message():
    with webhook_agent() as agent:
        conversation = driven(agent)
        correlation_begin("wrote-to-the-agent")

        ask(conversation)

        assert agent.heard[0].headers["x-correlation-id"] == "wrote-to-the-agent"


def test_a_model_that_streams_is_called_with_the_id_of_the_message():
    with model_server() as model:
        conversation = model_driven(model)
        correlation_begin("wrote-to-the-model")

        ask(conversation)

        assert model.headers[0]["x-correlation-id"] == "wrote-to-the-model"
