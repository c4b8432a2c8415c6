"""Send test handoff: asks first, opens, writes one line and ends again, for every vendor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

from integrations.connect.trial_handoff import LINE, SENDS_PER_MINUTE
from integrations.connect.trial_listening import TrialListening
from integrations.connections.tokens import MemoryTokens
from integrations.contract.connector import VendorSession
from integrations.contract.events import UnknownEvent, VendorEvent
from integrations.entry.rate_limit import retry_after
from integrations.http.client import HttpClient
from integrations.models import AuditEntry, Integration, Project, VendorCall
from integrations.simulators.simulator import running_simulator
from integrations.vendors.webex.connector.connector import WebexConnector
from tests import factories
from tests.contract.vendors import SETUPS
from tests.members import client_of_admin
from tests.vendors.relayed import connect

LIVE_VENDORS = ("amazon_connect", "genesys", "salesforce_messaging", "zendesk")


def page(project: Project, name: str, key: str = "salesforce_messaging") -> str:
    return reverse(name, args=[project.public_id, "sandbox", key])


def connected(project: Project, key: str, url: str, **changes: str) -> Integration:
    return factories.integration(
        project,
        connector_key=key,
        integration_key=f"{key}_integration",
        credentials={**SETUPS[key].credentials(url), **changes},
    )


class DeafConnector(WebexConnector):
    """Its stream goes on after it was cancelled."""

    may_end = asyncio.Event()

    async def listen(
        self, session: VendorSession
    ) -> AsyncIterator[tuple[VendorSession, VendorEvent]]:
        while not self.may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.may_end.wait()
        yield session, UnknownEvent(name="late")


def states(answer: str) -> list[str]:
    return [part.split('"')[0] for part in answer.split('data-state="')[1:]]


@pytest.mark.parametrize("key", LIVE_VENDORS)
def test_conversation_is_opened_written_to_and_ended_at_the_vendor(
    admin: Client, project: Project, key: str
) -> None:
    simulator = SETUPS[key].simulator()
    with running_simulator(simulator) as url:
        row = connected(project, key, url)
        asked = admin.get(page(project, "trial_handoff", key)).content.decode()
        before = simulator.desk_conversations()

        sent = admin.post(page(project, "trial_handoff_run", key)).content.decode()

        [conversation] = simulator.desk_conversations()
    assert "Live agents see this." in asked
    assert before == []
    assert states(sent) == ["passed"] * 4
    texts = [message["text"] for message in conversation["messages"]]
    assert texts.count(LINE) == 1
    assert conversation["status"] == "ended"
    assert AuditEntry.objects.get().action == "integration.test_handoff"
    assert VendorCall.objects.filter(integration=row).exists()


def refuse_webex(simulator: Any) -> None:
    simulator.configure(next_failure="ENTRY_POINT_NOT_FOUND")


def lose_the_line(simulator: Any) -> None:
    simulator.configure(next_append_failure="INVALID_CONTENT")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fault", "told"),
    [(refuse_webex, "ENTRY_POINT_NOT_FOUND"), (lose_the_line, "INVALID_CONTENT")],
)
def test_what_webex_refuses_after_it_was_accepted_stands_on_the_page(
    live_server: Any, settings: Any, fault: Callable[[Any], None], told: str
) -> None:
    settings.PUBLIC_URL = live_server.url
    simulator = SETUPS["webex"].simulator()
    with running_simulator(simulator):
        row = connect("webex", simulator)
        fault(simulator)

        sent = client_of_admin(row.project).post(page(row.project, "trial_handoff_run", "webex"))

    answer = sent.content.decode()
    assert "failed" in states(answer)
    assert told in answer
    assert "The test handoff did not go through." in answer


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["salesforce_live_chat", "salesforce_messaging", "salesforce_byoc"])
def test_a_vendor_that_finds_nobody_afterwards_is_believed(key: str) -> None:
    simulator = SETUPS[key].simulator()
    with running_simulator(simulator):
        row = connect(key, simulator)
        simulator.set_agents_offline(is_offline=True)

        sent = client_of_admin(row.project).post(page(row.project, "trial_handoff_run", key))

    assert "failed" in states(sent.content.decode())


async def test_listening_ends_in_time_whatever_a_stream_does() -> None:
    connector = DeafConnector(
        credentials=SETUPS["webex"].credentials("http://webex.example"),
        http=HttpClient(cast(Any, None), allow_local=True),
        tokens=MemoryTokens(),
    )
    began = time.monotonic()

    said = await TrialListening(connector, VendorSession(vendor_conversation_id="1"), None).hear()

    connector.may_end.set()
    assert "Neither a receipt nor a refusal" in said
    # Three seconds, and what a busy machine adds.
    assert time.monotonic() - began < 10


@pytest.fixture
def unreachable(project: Project) -> Integration:
    return factories.integration(project)


@pytest.mark.django_db(transaction=True)
async def test_each_step_is_told_as_it_comes(
    async_admin: AsyncClient, project: Project, unreachable: Integration
) -> None:
    answer = await async_admin.post(
        page(project, "trial_handoff_run"), headers={"Accept": "application/x-ndjson"}
    )

    told = b"".join([part async for part in answer.streaming_content]).splitlines()
    lines = [json.loads(line) for line in told]
    assert [line.get("state") for line in lines] == [
        "failed",
        "skipped",
        "skipped",
        "skipped",
        None,
    ]
    assert lines[-1] == {"kind": "done", "is_ok": False}


def test_only_three_a_minute_are_sent(admin: Client, project: Project) -> None:
    factories.integration(project)

    def is_refused(counted: int) -> bool:
        for _ in range(counted):
            retry_after(f"test-handoff:{project.public_id}", limit=0, window_seconds=60)
        answer = admin.post(page(project, "trial_handoff_run"), follow=True)
        return "Three a minute are allowed" in answer.content.decode()

    assert not is_refused(SENDS_PER_MINUTE - 1)
    # Twice: a minute may end between the count and the try.
    answers = [is_refused(SENDS_PER_MINUTE) for _ in range(2)]

    assert any(answers)
    assert AuditEntry.objects.count() == 1 + answers.count(False)


def test_reader_cannot_send_one(reader: Client, project: Project) -> None:
    factories.integration(project)

    answer = reader.post(page(project, "trial_handoff_run"))

    assert answer.status_code == 403
    assert not AuditEntry.objects.exists()


def test_it_is_offered_where_live_agents_answer_and_not_for_tickets(
    admin: Client, project: Project
) -> None:
    factories.integration(project)
    factories.integration(
        project,
        connector_key="zendesk_tickets",
        integration_key="zendesk_tickets_integration",
        credentials={},
    )

    live = admin.get(page(project, "integration")).content.decode()
    tickets = admin.get(page(project, "integration", "zendesk_tickets")).content.decode()

    assert "Send test handoff" in live
    assert "Send test handoff" not in tickets
    assert admin.get(page(project, "trial_handoff", "zendesk_tickets")).status_code == 404
