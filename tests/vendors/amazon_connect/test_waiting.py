"""Place in the queue and expected wait are asked for until a live agent joins, and told once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from integrations.contract.connector import Connector
from integrations.contract.events import LiveAgentJoined, QueuePositionChanged
from integrations.http.client import open_session
from integrations.vendors.amazon_connect.connector.chats import CONTACT_METRICS
from integrations.vendors.amazon_connect.connector.stream import SocketTiming
from tests import factories
from tests.contract.bench import AGENT, Bench, Listener, running_bench, until
from tests.contract.vendors import build_connector
from tests.handoffs.talk import Talk
from tests.vendors.amazon_connect.simulator_harness import INSTANCE, key_client, refusal
from tests.waiting import database_threads_rest, eventually_async

# Long heartbeats: what is told must not wait for one.
TIMING = SocketTiming(beat=30, idle=60, first_delay=0.05, queue_first=0.05, queue=0.1)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


@pytest.fixture
def connector(bench: Bench) -> Connector:
    made = bench.connector()
    return build_connector(
        "amazon_connect",
        {"timing": TIMING},
        credentials=made._credentials,
        http=made._http,
        tokens=bench.tokens,
    )


async def asked(bench: Bench) -> list[dict[str, Any]]:
    found = await bench.desk("GET", "/requests")
    return [row for row in found if row["path"] == "/metrics/contact"]


async def until_asked(bench: Bench, times: int) -> None:
    async def is_so() -> bool:
        return len(await asked(bench)) >= times

    await eventually_async(is_so)


def told(listener: Listener) -> list[tuple[int | None, int | None]]:
    return [(e.position, e.estimated_wait_seconds) for e in listener.of(QueuePositionChanged)]


async def test_a_waiting_chat_is_told_its_place_and_each_change_of_it(
    bench: Bench, connector: Connector
):
    first, _ = await bench.started(connector, accept=False)
    await until_asked(bench, 1)
    _, listener = await bench.started(connector, accept=False)
    await until(lambda: told(listener) == [(2, 180)])

    await bench.act(first, "accept", agent_name=AGENT)
    await until(lambda: told(listener) == [(2, 180), (1, 90)])

    assert listener.error is None


async def test_what_has_not_changed_is_not_told_again(bench: Bench, connector: Connector):
    _, listener = await bench.started(connector, accept=False)

    await until_asked(bench, 3)

    assert told(listener) == [(1, 90)]


async def test_nobody_is_asked_once_a_live_agent_has_come(bench: Bench, connector: Connector):
    session, listener = await bench.started(connector, accept=False)
    await until(lambda: told(listener))
    await bench.act(session, "accept", agent_name=AGENT)
    await listener.wait_for(LiveAgentJoined)
    await bench.act(session, "transfer", queue="Billing")

    times = len(await asked(bench))
    await bench.started(connector, accept=False)
    await until_asked(bench, times + 2)

    contacts = {row["body"] for row in (await asked(bench))[times:]}
    assert all(session.vendor_conversation_id not in body for body in contacts)


async def test_a_role_that_may_not_ask_is_asked_for_nothing_more(
    bench: Bench, connector: Connector
):
    await bench.desk("POST", "/config", denied_actions=["connect:GetContactMetrics"])
    refused, _ = await bench.started(connector, accept=False)
    await until_asked(bench, 1)
    await bench.desk("POST", "/config", denied_actions=[])

    _, listener = await bench.started(connector, accept=False)
    await until_asked(bench, 4)

    bodies = [row["body"] for row in await asked(bench)]
    assert [refused.vendor_conversation_id in body for body in bodies] == [True] + [False] * 3
    assert told(listener) == [(2, 180)]


@pytest.mark.parametrize("status", [429, 503, 404, 400])
async def test_trouble_with_the_question_leaves_the_chat_alone(
    bench: Bench, connector: Connector, status: int
):
    await bench.fault("fail_next", status=status, count=1, path_prefix="/metrics/contact")

    _, listener = await bench.started(connector, accept=False)
    await until(lambda: told(listener) == [(1, 90)])

    assert listener.error is None


def test_a_contact_in_no_queue_has_no_metrics(url: str, customer: Any):
    connect = key_client("connect", url)
    question = {
        "InstanceId": INSTANCE,
        "ContactId": customer.chat_id,
        "Metrics": [{"Name": name} for name in CONTACT_METRICS],
    }

    in_flow = refusal(connect.get_contact_metrics, **question)
    wrong = refusal(connect.get_contact_metrics, **{**question, "Metrics": [{"Name": "MOOD"}]})

    assert in_flow == (404, "ResourceNotFoundException")
    assert wrong[0] == 400


async def test_boto3_reads_the_metrics_of_a_contact_that_waits(
    url: str, customer: Any, socket: Any
):
    await socket.until("participant.joined")
    connect = key_client("connect", url)

    answer = connect.get_contact_metrics(
        InstanceId=INSTANCE,
        ContactId=customer.chat_id,
        Metrics=[{"Name": name} for name in CONTACT_METRICS],
    )

    values = {one["Name"]: one["Value"]["Number"] for one in answer["MetricResults"]}
    assert values == {"POSITION_IN_QUEUE": 1, "ESTIMATED_WAIT_TIME": 90}
    assert answer["Arn"].endswith(f"/contact/{customer.chat_id}")


@pytest.mark.django_db(transaction=True)
async def test_the_handoff_knows_its_place_and_wait(bench: Bench):
    def waiting() -> Handoff:
        handoff = factories.handoff()
        handoff.integration = factories.integration(
            handoff.conversation.project,
            connector_key="amazon_connect",
            integration_key="amazon_connect_integration",
            credentials=dict(bench.setup.credentials(bench.url)),
        )
        handoff.save()
        return handoff

    async with open_session(allow_local=True) as http:
        one = Talk(await run_sync(waiting), None, http)
        await one.serve()

        async def is_told() -> dict[str, Any]:
            return (await one.now()).queue_status

        told = await eventually_async(is_told)
        await one.close()
    await database_threads_rest()

    assert told == {"position_in_queue": 1, "estimated_wait_seconds": 90}
