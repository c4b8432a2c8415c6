"""What the end user says: in parts, once, by address, and never into something new."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from integrations.contract.connector import EndReason, OutboundAttachment
from integrations.contract.errors import CannotConnectError, ConversationGoneError, RejectedError
from integrations.contract.events import LiveAgentJoined
from tests.contract.bench import outbound
from tests.vendors.genesys.portal import (
    QUICK,
    Portal,
)


async def test_long_text_arrives_complete_in_parts_that_fit(portal: Portal):
    handoff = await portal.started(portal.connector())
    text = "".join(f"word{number} \U0001f642" for number in range(3000))[:30000]

    await handoff.say(text)

    parts = (await portal.said(handoff))[1:]
    assert "".join(parts) == text
    assert all(len(part.encode("utf-16-le")) // 2 <= 2000 for part in parts)


async def test_message_goes_on_from_the_part_that_failed(portal: Portal):
    handoff = await portal.started(portal.connector(use_notifications="false"))
    await handoff.wait_for(LiveAgentJoined)
    await handoff.stop()
    message = outbound("a" * 2000 + "b" * 2000 + "c")
    await portal.fault("fail_next", status=503, count=1, path_prefix="")
    with pytest.raises(CannotConnectError):
        await handoff.connector.send_message(handoff.session, message)

    await handoff.connector.send_message(handoff.session, message)
    await handoff.connector.send_message(handoff.session, message)

    assert (await portal.said(handoff))[1:] == ["a" * 2000, "b" * 2000, "c"]


async def test_message_that_a_dead_worker_had_sent_is_found_in_the_history(portal: Portal):
    handoff = await portal.started(portal.connector())
    message = outbound("Only once")
    await handoff.connector.send_message(handoff.session, message)

    await portal.connector().send_message(handoff.session, message)

    assert (await portal.said(handoff))[1:] == ["Only once"]


async def test_role_without_history_sends_all_the_same(portal: Portal):
    await portal.without("conversation:message:view")
    handoff = await portal.started(portal.connector())

    await portal.connector().send_message(handoff.session, outbound("Still"))

    assert (await portal.said(handoff))[1:] == ["Still"]


@pytest.mark.parametrize("is_named", [True, False], ids=["in the answer", "asked for"])
async def test_message_after_the_end_names_what_it_has_opened_so_that_it_can_be_ended(
    portal: Portal, is_named: bool
):
    await portal.configure(threading_minutes=0, is_prefetch_answered=is_named)
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    await handoff.stop()
    await portal.act(handoff, "end")

    with pytest.raises(ConversationGoneError) as caught:
        await handoff.connector.send_message(handoff.session, outbound("Too late"))
    stray = replace(handoff.session, vendor_conversation_id=caught.value.opened)
    await handoff.connector.end(stray, EndReason.FAILED)

    answer = await portal.get("conversations")
    rows = answer if isinstance(answer, list) else answer["conversations"]
    assert {row["status"] for row in rows} == {"ended"}


async def test_typing_of_the_end_user_is_shown_and_not_repeated_too_soon(portal: Portal):
    handoff = await portal.started(portal.connector(replace(QUICK, typing_out=60)))

    for _ in range(3):
        await handoff.connector.send_typing(handoff.session, is_typing=True)
    await handoff.connector.send_typing(handoff.session, is_typing=False)

    assert (await portal.conversation(handoff))["is_typing"]
    assert len(await portal.requests(containing="/inbound/open/event")) == 1


async def test_file_of_the_end_user_is_sent_by_its_address(portal: Portal):
    handoff = await portal.started(portal.connector())
    file = OutboundAttachment(
        attachment_id="5f8a3f10-8d46-4e7b-9a52-1f0c6e2b4d38",
        file_name="label.png",
        mime_type="image/png",
        content=b"png",
        public_url="https://portal.example.org/files/label.png",
    )

    await handoff.connector.send_attachment(handoff.session, file)
    await handoff.connector.send_attachment(handoff.session, file)

    [sent] = [m for m in (await portal.conversation(handoff))["messages"] if m["attachments"]]
    assert sent["from"] == "end_user"
    assert "label.png" in json.dumps(sent["attachments"])
    with pytest.raises(RejectedError):
        await handoff.connector.send_attachment(handoff.session, replace(file, public_url=""))
