"""Texts and files to Webex, and the values of the form."""

from __future__ import annotations

import asyncio
import base64
import uuid

import pytest

from integrations.contract.connector import OutboundAttachment
from integrations.contract.errors import RateLimitedError, RejectedError
from integrations.credentials.cleaning import credentials_clean
from integrations.vendors.webex.connector import WebexConnector
from integrations.vendors.webex.simulator import WebexSimulator
from integrations.vendors.webex.simulator.world import ORG_ID
from tests.contract.bench import handoff_request, outbound
from tests.vendors.webex.conftest import Connect


async def test_a_text_over_the_limit_goes_in_parts_each_once(
    simulator: WebexSimulator, connect: Connect
):
    connector, message = connect(), outbound("word " * 5000)
    session = await connector.start(handoff_request())

    await connector.send_message(session, message)
    await connector.send_message(session, message)

    task = simulator.conversation(session.vendor_conversation_id)
    assert "".join(m["text"] for m in task.messages[1:]) == message.text


async def test_a_file_is_fetched_and_one_without_an_address_is_refused(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    task = simulator.conversation(session.vendor_conversation_id)
    simulator.live_agent_joins(task.task_id, agent_name="Noor Halvorsen")
    simulator.live_agent_sends_file(
        task.task_id, name="meter.txt", mime_type="text/plain", content=b"42"
    )
    stored = next(iter(simulator.world.files.values()))
    file = OutboundAttachment(
        attachment_id=str(uuid.uuid4()),
        file_name="meter.txt",
        mime_type="text/plain",
        content=b"42",
        public_url=f"{simulator.base_url}/att/{stored.file_id}?token={stored.file_id[:8]}",
    )

    await connector.send_attachment(session, file)
    async with asyncio.timeout(10):
        while task.messages[-1]["from"] != "end_user":
            await asyncio.sleep(0.01)
    with pytest.raises(RejectedError):
        await connector.send_attachment(
            session,
            OutboundAttachment(
                attachment_id=str(uuid.uuid4()), file_name="a", mime_type="a/b", content=b""
            ),
        )

    assert [one["name"] for one in task.messages[-1]["attachments"]] == ["meter.txt"]


async def test_hints_go_into_the_variables_that_the_form_names_and_no_other(
    simulator: WebexSimulator, connect: Connect
):
    named = '{"queue": "handoffQueue", "skills": "handoffSkills", "priority": "prio"}'
    routing = {
        "queue": "billing",
        "skills": ["fr", "gold"],
        "language": "fr",
        "attributes": {"order": 5512},
        "global_variables": {"vip": True},
    }

    session = await connect(variable_names=named).start(handoff_request(routing=routing))

    given = simulator.conversation(session.vendor_conversation_id).global_variables
    del given["portalConversationId"]
    assert given == {
        "handoffQueue": "billing",
        "handoffSkills": "fr, gold",
        "order": "5512",
        "vip": "true",
    }


async def test_a_tool_may_name_another_asset(simulator: WebexSimulator, connect: Connect):
    other = "7f31c2aa-0000-4000-8000-000000000002"
    simulator.configure(business_address=other)

    session = await connect().start(handoff_request(routing={"destination_id": other}))

    assert simulator.conversation(session.vendor_conversation_id).status == "queued"


async def test_a_client_that_has_used_up_its_minute_is_told_how_long_to_wait(
    simulator: WebexSimulator, connect: Connect
):
    connector = connect()
    session = await connector.start(handoff_request())
    simulator.configure(rate_limit_per_minute=1)

    with pytest.raises(RateLimitedError) as caught:
        await connector.send_message(session, outbound("one too many"))

    assert 0 < (caught.value.retry_after or 0) <= 61


def test_a_region_and_the_longer_id_of_an_organization_are_read():
    longer = base64.b64encode(f"ciscospark://us/ORGANIZATION/{ORG_ID}".encode()).decode()

    kept, notices = WebexConnector.normalise(
        {"org_id": longer.rstrip("="), "api_base_url": "eu1", "oauth_base_url": ""}
    )

    assert kept["org_id"] == ORG_ID
    assert kept["api_base_url"] == "https://api.wxcc-eu1.cisco.com"
    assert len(notices) == 1


def test_hosts_of_others_and_variables_that_are_too_long_are_refused():
    entered = {
        "api_base_url": "https://evil.example",
        "oauth_base_url": "https://evilwebexapis.com",
        "default_global_variables": "long = " + "x" * 2000,
        "variable_names": "queue_id = handoffQueue",
    }

    errors = credentials_clean(WebexConnector.manifest, entered, stored={}).errors

    assert "does not end in cisco.com" in errors["api_base_url"]
    assert "does not end in webexapis.com" in errors["oauth_base_url"]
    assert "default_global_variables" in errors
    assert "queue_id is no hint" in errors["variable_names"]
