"""Every row of every vendor's table of troubles: provoked at its simulator, its cure on a page.

A symptom that a manifest names and nobody provokes here fails the walk.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from html import escape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from handoffs.models import Handoff
from handoffs.states import EndReason, State
from integrations.contract.connector import VendorSession
from integrations.contract.errors import NoLiveAgentsError
from integrations.contract.events import ConversationEnded, LiveAgentJoined, LiveAgentMessage
from integrations.contract.manifest import Delivery, Manifest, Symptom
from integrations.contract.registry import manifest_get, manifests
from tests import factories
from tests.contract.bench import (
    AGENT,
    Bench,
    Listener,
    handoff_request,
    running_bench,
    until_seen,
)
from tests.contract.webhook_bench import running_webhook_bench
from tests.members import client_of_admin
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "http://127.0.0.1:9/handoff/webhooks/vendor"
LOST = "Nobody reads this"
HELD_SECONDS = 0.5
# What the state of a handoff shows by itself; the others stand on the connection's page.
ON_THE_HANDOFFS_PAGE = (Symptom.NOT_APPEARING, Symptom.ENDS_EARLY)
LIVE = [found for found in manifests() if found.takes_live_chats]
WALK = [(manifest.key, symptom) for manifest in LIVE for symptom in manifest.symptoms]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What becomes of a handoff that has the symptom, as far as its page can tell."""

    state: State
    error_code: str = ""
    end_reason: str = ""


WAITS = Shown(state=State.QUEUED)
REFUSED = Shown(state=State.FAILED, error_code=NoLiveAgentsError.code)
OVER = Shown(state=State.ENDED, end_reason=EndReason.VENDOR_CLOSED.value)
TALKS = Shown(state=State.ACTIVE)


# -- How each symptom comes about ----------------------------------------------------------------


async def nobody_takes_it(bench: Bench) -> Shown:
    """Have no live agent there; the handoff waits, or is refused where the vendor looks first."""
    await bench.fault("agents_offline")
    try:
        session, listener = await bench.started(bench.connector(), accept=False)
    except NoLiveAgentsError:
        return REFUSED
    row = await bench.seen_by_agent(session)
    assert row["status"] != "active"
    assert listener.of(LiveAgentJoined) == []
    return WAITS


async def ends_untaken(bench: Bench) -> Shown:
    """Have the vendor end the conversation before anybody has it."""
    session, listener = await bench.started(bench.connector(), accept=False)
    await bench.act(session, "end")

    await listener.wait_for(ConversationEnded)

    assert listener.of(LiveAgentJoined) == []
    return OVER


async def values_are_not_shown(bench: Bench) -> Shown:
    """Have a flow that shows no values to live agents."""
    await bench.fault("hide_values")
    routing = {"attributes": {"Order_Ref": "BL-20931"}}

    session, _ = await bench.started(bench.connector(), accept=False, routing=routing)

    assert not (await bench.seen_by_agent(session))["attributes"]
    return WAITS


async def calls_go_elsewhere(bench: Bench) -> Shown:
    """Have the vendor call another address than the portal's."""
    session, listener = await _attended(bench)
    await _call(bench, NOWHERE)

    await bench.act(session, "say", text=LOST)

    await until_seen(bench, session, lambda row: LOST in str(row["messages"]))
    await _until_a_call_failed(bench)
    assert LOST not in listener.texts
    return TALKS


async def stream_is_held_up(bench: Bench) -> Shown:
    """Have a proxy that holds the stream back: what is said comes late."""
    session, listener = await _attended(bench)
    begin = time.monotonic()
    await bench.fault("stall_streams", seconds=HELD_SECONDS)

    await bench.act(session, "say", text=LOST)
    await listener.wait_for(LiveAgentMessage)

    assert time.monotonic() - begin >= HELD_SECONDS * 0.9
    return TALKS


async def another_field_is_read(bench: Bench) -> Shown:
    """Read another field of the platform event than the definition names."""
    connector = bench.connector(payload_field="Words__c")
    session = await connector.start(handoff_request())
    listener = bench.listen(connector, session)
    right = bench.listen(bench.connector(), session)
    await bench.act(session, "accept", agent_name=AGENT)

    await bench.act(session, "say", text=LOST)

    await right.wait_for(LiveAgentMessage)
    assert LOST not in listener.texts
    return TALKS


async def calls_have_an_old_password(bench: Bench) -> Shown:
    """Have the vendor call with a password that is not the portal's any more."""
    session, listener = await _attended(bench)
    old = {"webhook_username": "hp-project-user", "webhook_password": "an-old-one"}
    await bench.desk("POST", "/config", **old)

    await bench.act(session, "say", text=LOST)

    await _until_a_call_failed(bench)
    assert LOST not in listener.texts
    return TALKS


async def flow_disconnects(bench: Bench, **switches: object) -> Shown:
    """Have the vendor's flow end it."""
    await bench.desk("POST", "/config", **switches)
    session = await bench.connector().start(handoff_request())
    listener = bench.listen(bench.connector(), session)

    await listener.wait_for(ConversationEnded)

    assert listener.of(LiveAgentJoined) == []
    return OVER


async def flow_fails(bench: Bench) -> Shown:
    """Have the flow that routes end with an error while it waits."""
    session, listener = await bench.started(bench.connector(), accept=False)
    await bench.act(session, "flow_ends")

    await listener.wait_for(ConversationEnded)

    assert listener.of(LiveAgentJoined) == []
    return OVER


Provocation = Callable[[Bench], Awaitable[Shown]]
USUAL: dict[Symptom, Provocation] = {
    Symptom.NOT_APPEARING: nobody_takes_it,
    Symptom.ENDS_EARLY: ends_untaken,
    Symptom.NO_VALUES: values_are_not_shown,
}
BY_DELIVERY: dict[Delivery, Provocation] = {
    Delivery.WEBHOOK: calls_go_elsewhere,
    Delivery.STREAM: stream_is_held_up,
}
OWN: dict[tuple[str, Symptom], Provocation] = {
    ("salesforce_byoc", Symptom.NO_REPLIES): another_field_is_read,
    ("five9", Symptom.NO_REPLIES): calls_have_an_old_password,
    ("salesforce_messaging", Symptom.ENDS_EARLY): flow_fails,
    ("genesys", Symptom.ENDS_EARLY): partial(flow_disconnects, flow_exit="DISCONNECT"),
    ("amazon_connect", Symptom.ENDS_EARLY): partial(
        flow_disconnects, agents_offline=True, ends_unstaffed_chats=True
    ),
}


def provocation_of(manifest: Manifest, symptom: Symptom) -> Provocation:
    own = OWN.get((manifest.key, symptom))
    usual = USUAL.get(symptom) or BY_DELIVERY[manifest.delivery]
    return own or usual


async def _attended(bench: Bench) -> tuple[VendorSession, Listener]:
    session, listener = await bench.started(bench.connector())
    await listener.wait_for(LiveAgentJoined)
    return session, listener


async def _call(bench: Bench, address: str) -> None:
    assert bench.setup.webhook_config is not None
    await bench.desk("POST", "/config", **bench.setup.webhook_config(address))


async def _until_a_call_failed(bench: Bench) -> None:
    def is_good(attempt: Mapping[str, object]) -> bool:
        return str(attempt.get("status")).startswith("2")

    async def has_failed() -> bool:
        calls = await bench.desk("GET", "/webhooks")
        return any(not is_good(attempt) for call in calls for attempt in call["attempts"])

    await eventually_async(has_failed)


# -- The walk ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bench", "symptom"), WALK, indirect=["bench"], ids=str)
async def test_what_a_table_of_troubles_names_comes_about_and_its_cure_is_on_the_page(
    bench: Bench, symptom: Symptom
) -> None:
    shown = await provocation_of(bench.manifest, symptom)(bench)

    pages = await run_sync(pages_of, bench.manifest, shown)

    helps = bench.manifest.symptoms[symptom]
    assert helps
    for help_ in helps:
        assert escape(help_.cause) in pages.integration
        assert escape(help_.cure) in pages.integration
        assert (escape(help_.cure) in pages.handoff) is (symptom in ON_THE_HANDOFFS_PAGE)


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What an admin reads: of the handoff, and of the connection that it took."""

    handoff: str
    integration: str


def pages_of(manifest: Manifest, shown: Shown) -> Pages:
    """Return the pages of a handoff to this vendor with which it went so."""
    handoff = factories.handoff(state=shown.state)
    row, project = handoff.integration, handoff.conversation.project
    row.connector_key, row.integration_key = manifest.key, manifest.integration_key
    row.save()
    changes = {"error_code": shown.error_code, "end_reason": shown.end_reason}
    if shown.state is State.ENDED:
        changes["joined_at"] = None
    if shown.state is State.QUEUED:
        changes["accepted_at"] = timezone.now() - timedelta(minutes=2)
    Handoff.objects.filter(pk=handoff.pk).update(**changes)
    admin = client_of_admin(project)
    place = [project.public_id, row.environment, manifest.key]
    return Pages(
        handoff=_read(admin, reverse("handoff", args=[project.public_id, handoff.pk])),
        integration=_read(admin, reverse("integration", args=place)),
    )


def _read(admin: Client, address: str) -> str:
    answer = admin.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


@pytest.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    is_called_back = manifest_get(request.param).delivery is Delivery.WEBHOOK
    running = running_webhook_bench if is_called_back else running_bench
    async with running(request.param) as made:
        yield made
