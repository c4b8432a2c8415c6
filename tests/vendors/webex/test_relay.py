"""A start that Webex accepts and refuses afterwards: from its webhook to the end user."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from integrations.models import Integration
from integrations.simulators.simulator import running_simulator
from integrations.vendors.webex.simulator import WebexSimulator
from tests.vendors.relayed import connect, hand_off, relayed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("reason", "code", "needs_attention"),
    [
        ("ENTRY_POINT_NOT_FOUND", "invalid_routing", True),
        ("ORG_DIGITAL_CONTACT_LIMIT_EXCEEDED", "no_live_agents", False),
    ],
)
async def test_a_late_refusal_fails_the_handoff_and_the_end_user_is_told(
    live_server: Any, settings: Any, reason: str, code: str, needs_attention: bool
) -> None:
    settings.PUBLIC_URL = live_server.url
    simulator = WebexSimulator(retry_pause_seconds=0.2)
    with running_simulator(simulator):
        handoff = await run_sync(lambda: hand_off(connect("webex", simulator)))
        simulator.configure(next_failure=reason)
        async with relayed(handoff, simulator) as talk:
            await talk.serve()
            failed = await talk.reaches("failed")
            journal = await talk.journal()

    row = await run_sync(Integration.objects.get)
    assert (failed.error_code, reason in failed.error_detail) == (code, True)
    assert "HANDOFF_FAILED" in [kind for kind, _ in journal]
    assert "POLY_AGENT_JOINED" in [kind for kind, _ in journal]
    assert (row.status == "needs_attention") == needs_attention
