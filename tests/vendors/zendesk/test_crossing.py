"""A line and the live agent's end cross on their way: the whole portal against Zendesk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from handoffs.receiving.inbox import webhook_take
from integrations.contract.connector import WebhookRequest
from integrations.http.client import open_session
from integrations.models import Integration
from integrations.simulators.simulator import running_simulator
from integrations.simulators.traffic import Hold
from integrations.vendors.zendesk.simulator import ZendeskSimulator
from tests import factories
from tests.contract.vendors import SETUPS
from tests.handoffs.talk import Talk, active, equals
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
LINE = "One more question"
NOT_DELIVERED = "handoff_forward_failed"
PATH = "/handoff/webhooks/vendor/{endpoint}"


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """A conversation that a live agent has, in an account whose live agents get what is left."""
    simulator = ZendeskSimulator(retry_speed=500, batch_window_ms=5)
    with running_simulator(simulator) as url:
        handoff = await run_sync(requested, url)
        async with open_session(allow_local=True) as http:
            one = Talk(handoff, simulator, http)

            async def make() -> Talk:
                return one

            async with called(one) as webhooks:
                simulator.configure(
                    default_switchboard="agent_workspace",
                    webhook_target=f"{webhooks}/events",
                    ticket_webhook_target=f"{webhooks}/status",
                )
                yield await active(make)
                await one.close()
    await database_threads_rest()


def requested(url: str) -> Handoff:
    handoff = factories.handoff()
    handoff.integration = factories.integration(
        handoff.conversation.project,
        connector_key="zendesk",
        integration_key="zendesk_integration",
        credentials=dict(SETUPS["zendesk"].credentials(url)),
    )
    handoff.save()
    return handoff


@asynccontextmanager
async def called(one: Talk) -> AsyncIterator[str]:
    """Take Zendesk's calls as the portal's address does, and wake the session."""
    integration = one.handoff.integration
    assert integration is not None

    async def take(request: web.Request) -> web.Response:
        call = WebhookRequest(
            endpoint=request.match_info["endpoint"],
            method=request.method,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            body=await request.read(),
        )
        await run_sync(webhook_take, integration, call)
        one.wake()
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/handoff/webhooks/vendor"
    finally:
        await runner.cleanup()


async def on_its_way(one: Talk, *, after_accept: bool) -> None:
    """Have the line stopped on its way to Zendesk, or its answer on the way back."""
    one.simulator.faults.hold(Hold(text=LINE, after_accept=after_accept))
    await one.write(LINE)
    if after_accept:
        await eventually_async(lambda: LINE in one.at_desk())
    else:
        sent = one.simulator.requests.all
        await eventually_async(lambda: any(LINE in request.body for request in sent()))


async def journal_end(one: Talk) -> list[tuple[str, Any]]:
    return (await one.journal())[-2:]


@pytest.mark.parametrize("how", ["session", "solve"])
async def test_what_a_line_after_the_end_opens_is_closed_and_the_line_is_not_delivered(
    talk: Talk, how: str
):
    await on_its_way(talk, after_accept=False)
    talk.simulator.live_agent_ends(talk.desk_id(), how=how)
    await talk.reaches("ended")

    talk.simulator.faults.release()
    await talk.finished()

    assert await journal_end(talk) == [
        ("SYSTEM_MESSAGE", NOT_DELIVERED),
        ("SESSION_END", "REASON_NATURAL_END"),
    ]
    assert await talk.statuses() == ["failed"]
    assert talk.desk()["status"] == "ended"
    assert (await talk.now()).vendor_end_until is None


async def test_a_line_before_the_end_is_delivered_however_late_its_answer_comes(talk: Talk):
    await on_its_way(talk, after_accept=True)
    talk.simulator.live_agent_ends(talk.desk_id())
    await talk.reaches("ended")

    talk.simulator.faults.release()
    await talk.finished()

    assert NOT_DELIVERED not in [text for _, text in await talk.journal()]
    assert (await journal_end(talk))[-1][0] == "SESSION_END"
    assert await talk.statuses() == ["sent"]
    assert talk.desk()["status"] == "ended"
    assert len(talk.desk()["sessions"]) == 1


async def test_a_key_that_is_refused_in_the_middle_shows_on_the_tile_and_ends_nothing(talk: Talk):
    talk.simulator.fail_next(401, count=1, path_suffix="/messages", method="POST")

    await talk.write(LINE)
    await eventually_async(lambda: run_sync(tile, talk))

    assert await run_sync(tile, talk) == ("needs_attention", "invalid_auth")
    await eventually_async(lambda: equals(talk.statuses, ["failed"]))
    assert (await talk.now()).state == "active"


def tile(one: Talk) -> tuple[str, str] | None:
    """Return status and fault of the integration's tile; None while it is well."""
    assert one.handoff.integration is not None
    found = Integration.objects.get(pk=one.handoff.integration.pk)
    return (found.status, found.last_error_code) if found.last_error_code else None
