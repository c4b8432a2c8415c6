"""How a handoff opens its conversation, and what happens when that is cut off."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.contract.connector import EndUserIdentity, TranscriptLine
from integrations.contract.errors import (
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
)
from integrations.contract.events import LiveAgentJoined, NoLiveAgents
from tests.contract.bench import handoff_request
from tests.vendors.genesys.portal import (
    Portal,
)


async def test_start_carries_transcript_attributes_and_the_wanted_queue(portal: Portal):
    handoff = await portal.started(
        portal.connector(),
        accept=False,
        end_user=EndUserIdentity(external_id="u-7", is_verified=True, name="Ines Okafor"),
        routing={
            "queue_name": "Billing",
            "attributes": {"Order_Ref": "BL-20931"},
            "skills": ["refunds", "en"],
            "summary": "Parcel is late.",
        },
    )

    row = await portal.conversation(handoff)

    assert row["queue"] == "Billing"
    assert row["attributes"]["QueueName"] == "Billing"
    assert row["attributes"]["PortalSessionId"] == "cv_ines"
    assert row["attributes"]["Order_Ref"] == "BL-20931"
    assert row["attributes"]["skills"] == "refunds, en"
    assert row["end_user"]["display_name"] == "Ines Okafor"
    summary, transcript = await portal.said(handoff)
    assert "Parcel is late." in summary
    assert transcript.index("Where is it?") < transcript.index("Let me see.")


async def test_queue_goes_into_the_attribute_that_the_flow_reads(portal: Portal):
    await portal.configure(queue_attribute="Wanted")

    handoff = await portal.started(
        portal.connector(queue_name_attribute="Wanted"), accept=False, routing={"queue": "Sales"}
    )

    assert (await portal.conversation(handoff))["queue"] == "Sales"


async def test_start_repeated_by_another_worker_sends_only_what_is_missing(portal: Portal):
    lines = [
        TranscriptLine(speaker="end_user", text=f"{number} " * 500, sent_at=datetime.now(UTC))
        for number in range(6)
    ]
    request = handoff_request(transcript=lines)
    await portal.configure(rate_limit_per_minute=2)
    with pytest.raises(RateLimitedError):
        await portal.connector().start(request)
    await portal.configure(rate_limit_per_minute=300)

    session = await portal.connector().start(request)
    again = await portal.connector().start(request)

    assert again == session
    texts = await portal.said(portal.follow(portal.connector(), session))
    assert len(texts) == len(set(texts)) == 6
    assert all(len(text) <= 2000 for text in texts)


async def test_conversation_that_the_first_answer_does_not_name_is_looked_up(portal: Portal):
    await portal.configure(is_prefetch_answered=False)

    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)

    assert (await portal.conversation(handoff))["status"] == "active"


async def test_wrong_integration_is_an_error_of_routing_until_it_is_right(portal: Portal):
    wrong = portal.connector(integration_id="11111111-0b7d-4c58-8a3e-77d1e5b60a42")
    with pytest.raises(InvalidRoutingError):
        await wrong.start(handoff_request())

    assert (await portal.connector().start(handoff_request())).vendor_conversation_id


async def test_lacking_permission_is_named_as_such_until_it_is_given(portal: Portal):
    await portal.without("conversation:message:receive")
    request = handoff_request()
    with pytest.raises(MissingPermissionError):
        await portal.connector().start(request)
    await portal.configure(
        permissions=[
            *portal.simulator.configuration()["permissions"],
            "conversation:message:receive",
        ]
    )

    assert (await portal.connector().start(request)).vendor_conversation_id


async def test_without_a_flow_nobody_answers_and_the_handoff_hears_of_it(portal: Portal):
    await portal.configure(flow_attached=False)

    handoff = await portal.started(portal.connector(), accept=False)

    [nobody] = await handoff.wait_for(NoLiveAgents)
    assert nobody.detail
