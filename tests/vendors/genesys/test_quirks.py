"""What only Genesys does: words by webhook, no idempotency, one budget, repeats and losses."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integrations.connector import EndUserIdentity, OutboundAttachment, TranscriptLine
from integrations.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentMessage,
    LiveAgentTyping,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
)
from integrations.vendors.genesys.connector_webhook import signature
from tests.contract.bench import handoff_request, outbound, until
from tests.vendors.genesys.portal import AGENT, QUICK, Handoff, Portal, eventually, running_portal


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    async with running_portal() as portal:
        yield portal


async def without(portal: Portal, *permissions: str) -> None:
    """Take permissions from the role."""
    allowed = portal.simulator.configuration()["permissions"]
    await portal.configure(permissions=[name for name in allowed if name not in permissions])


# ---- the start ----


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

    row = await portal.seen(handoff)

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

    assert (await portal.seen(handoff))["queue"] == "Sales"


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

    assert (await portal.seen(handoff))["status"] == "active"


async def test_wrong_integration_is_an_error_of_routing_until_it_is_right(portal: Portal):
    wrong = portal.connector(integration_id="11111111-0b7d-4c58-8a3e-77d1e5b60a42")
    with pytest.raises(InvalidRoutingError):
        await wrong.start(handoff_request())

    assert (await portal.connector().start(handoff_request())).vendor_conversation_id


async def test_lacking_permission_is_named_as_such_until_it_is_given(portal: Portal):
    await without(portal, "conversation:message:receive")
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


# ---- the token and the budget ----


async def test_one_token_serves_all_workers_until_it_expires(portal: Portal):
    handoff = await portal.started(portal.connector())
    other = portal.connector()
    await other.send_message(handoff.session, outbound("One"))
    assert len(await portal.requests(containing="/oauth/token")) == 1
    await handoff.stop()
    await handoff.connector.close()

    await portal.fault("expire_tokens")
    await asyncio.gather(*(other.send_message(handoff.session, outbound(f"{n}")) for n in range(5)))

    assert len(await portal.requests(containing="/oauth/token")) == 2
    assert sorted((await portal.said(handoff))[1:]) == ["0", "1", "2", "3", "4", "One"]


async def test_wrong_secret_is_invalid_auth_until_it_is_right(portal: Portal):
    with pytest.raises(InvalidAuthError) as caught:
        await portal.connector(client_secret="not the secret").start(handoff_request())

    assert caught.value.field == "client_secret"
    assert (await portal.connector().start(handoff_request())).vendor_conversation_id


async def test_refusal_for_haste_tells_how_long_and_silences_what_can_wait(portal: Portal):
    handoff = await portal.started(portal.connector(use_notifications="false"))
    await handoff.wait_for(LiveAgentJoined)
    await handoff.stop()
    await portal.configure(rate_limit_per_minute=1)

    with pytest.raises(RateLimitedError) as caught:
        for number in range(3):
            await handoff.say(f"{number}")
    before = len(await portal.requests())
    await handoff.connector.send_typing(handoff.session, is_typing=True)

    assert caught.value.retry_after
    assert len(await portal.requests()) == before


# ---- sending ----


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
    await without(portal, "conversation:message:view")
    handoff = await portal.started(portal.connector())

    await portal.connector().send_message(handoff.session, outbound("Still"))

    assert (await portal.said(handoff))[1:] == ["Still"]


async def test_message_after_the_end_opens_nothing_new(portal: Portal):
    await portal.configure(threading_minutes=0)
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    await handoff.stop()
    await portal.act(handoff, "end")

    with pytest.raises(ConversationGoneError):
        await handoff.connector.send_message(handoff.session, outbound("Too late"))

    answer = await portal.desk("GET", "/conversations")
    rows = answer if isinstance(answer, list) else answer["conversations"]
    assert {row["status"] for row in rows} == {"ended"}


async def test_typing_of_the_end_user_is_shown_and_not_repeated_too_soon(portal: Portal):
    handoff = await portal.started(portal.connector(replace(QUICK, typing_out=60)))

    for _ in range(3):
        await handoff.connector.send_typing(handoff.session, is_typing=True)
    await handoff.connector.send_typing(handoff.session, is_typing=False)

    assert (await portal.seen(handoff))["is_typing"]
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

    [sent] = [m for m in (await portal.seen(handoff))["messages"] if m["attachments"]]
    assert sent["from"] == "end_user"
    assert "label.png" in json.dumps(sent["attachments"])
    with pytest.raises(RejectedError):
        await handoff.connector.send_attachment(handoff.session, replace(file, public_url=""))


# ---- receiving ----


async def test_each_word_is_confirmed_to_the_live_agent(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "say", text="Hello")
    await handoff.wait_for(LiveAgentMessage)

    async def is_so() -> bool:
        messages = (await portal.seen(handoff))["messages"]
        return [m["delivered"] for m in messages if m["from"] == "live_agent"] == [True]

    await eventually(is_so)


async def test_typing_of_the_live_agent_goes_out_by_itself(portal: Portal):
    handoff = await portal.started(portal.connector())
    [joined] = await handoff.wait_for(LiveAgentJoined)

    await portal.act(handoff, "type", is_typing=True)
    found = await handoff.wait_for(LiveAgentTyping, 2)

    assert [event.is_typing for event in found] == [True, False]
    assert {event.agent_id for event in found} == {joined.agent_id}


async def test_word_ends_the_typing_without_a_further_event(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "type", is_typing=True)
    await handoff.wait_for(LiveAgentTyping)

    await portal.act(handoff, "say", text="Here")
    await handoff.wait_for(LiveAgentMessage)
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert [event.is_typing for event in handoff.of(LiveAgentTyping)] == [True]


async def test_file_of_the_live_agent_is_fetched_from_the_download_host_alone(portal: Portal):
    handoff = await portal.started(portal.connector())
    content = base64.b64encode(b"a plan").decode()

    await portal.act(
        handoff, "file", name="plan.txt", mime_type="text/plain", content_base64=content
    )
    [event] = await handoff.wait_for(LiveAgentAttachment)

    assert (event.file_name, event.mime_type) == ("plan.txt", "text/plain")
    assert await handoff.connector.fetch_attachment(handoff.session, event.url) == b"a plan"
    with pytest.raises(RejectedError):
        elsewhere = "https://files.example.org/plan.txt"
        await handoff.connector.fetch_attachment(handoff.session, elsewhere)


async def test_choices_become_numbered_text(portal: Portal):
    handoff = await portal.started(portal.connector())

    await portal.act(handoff, "choices", text="Which one?", options=["Red", "Blue"])
    await until(lambda: handoff.of(LiveAgentMessage) or handoff.of(SystemNotice))

    [said] = [e for e in handoff.events if isinstance(e, LiveAgentMessage | SystemNotice)]
    assert said.text.splitlines()[-3:] == ["Which one?", "1. Red", "2. Blue"]


async def test_greeting_of_the_flow_is_no_live_agents(portal: Portal):
    await portal.configure(flow_greeting="Welcome to the shop")

    handoff = await portal.started(portal.connector(), accept=False)

    [notice] = await handoff.wait_for(SystemNotice)
    assert notice.text == "Welcome to the shop"
    assert handoff.of(LiveAgentMessage) == []


@pytest.mark.parametrize(
    "switches",
    [
        {"signature": "hex"},
        {"nickname_spelling": "nickName"},
        {"is_conversation_id_sent": False},
        {"is_id_type_sent": False},
        {"success_status": 200},
    ],
)
async def test_every_spelling_that_was_seen_is_understood(portal: Portal, switches: dict):
    await portal.configure(**switches)
    handoff = await portal.started(portal.connector())

    await portal.act(handoff, "say", text="Grüße \U0001f44b")
    await handoff.wait_for(LiveAgentMessage)

    assert handoff.texts == ["Grüße \U0001f44b"]


async def test_call_with_a_wrong_signature_changes_nothing(portal: Portal):
    await portal.configure(signature="wrong")
    handoff = await portal.started(portal.connector())

    await portal.act(handoff, "say", text="Forged")
    await until(lambda: 401 in portal.answers)

    assert handoff.texts == []


async def test_repeated_and_swapped_calls_are_one_each(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.fault("duplicate_next")
    await portal.act(handoff, "say", text="twice")
    await handoff.wait_for(LiveAgentMessage)
    await portal.fault("swap_next_two")

    await portal.act(handoff, "say", text="a")
    await portal.act(handoff, "say", text="b")
    found = await handoff.wait_for(LiveAgentMessage, 3)

    in_time = sorted(found, key=lambda event: event.occurred_at)
    assert [event.text for event in in_time] == ["twice", "a", "b"]


@pytest.mark.parametrize("fault", ["unknown_event", "malformed_event", "malformed_webhook"])
async def test_what_no_contract_mentions_is_passed_over(portal: Portal, fault: str):
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)

    await portal.fault(fault)
    await portal.act(handoff, "say", text="still here")
    await until(lambda: "still here" in handoff.texts)

    assert handoff.error is None


async def test_calls_that_were_lost_are_read_from_the_history(portal: Portal):
    handoff = await portal.started(
        portal.connector(replace(QUICK, poll=0.3, webhooks_given_up=0.5))
    )
    [joined] = await handoff.wait_for(LiveAgentJoined)
    portal.is_deaf = True

    await portal.act(handoff, "say", text="Nobody heard this")
    [said] = await handoff.wait_for(LiveAgentMessage)
    portal.is_deaf = False

    assert said.text == "Nobody heard this"
    assert said.agent_id == joined.agent_id


async def test_last_words_come_before_the_end_though_no_call_brought_them(portal: Portal):
    handoff = await portal.started(portal.connector())
    await handoff.wait_for(LiveAgentJoined)
    portal.is_deaf = True

    await portal.act(handoff, "say", text="Goodbye")
    await portal.act(handoff, "end")
    await until(lambda: handoff.has_returned)

    assert handoff.texts == ["Goodbye"]
    assert isinstance(handoff.events[-1], ConversationEnded)


async def test_same_words_by_call_and_from_the_history_are_one_event(portal: Portal):
    handoff = await portal.started(portal.connector())
    await portal.act(handoff, "say", text="Once")
    [by_call] = await handoff.wait_for(LiveAgentMessage)
    await handoff.stop()
    await portal.act(handoff, "end")

    other = Handoff(portal, portal.connector(), handoff.session)
    await until(lambda: other.has_returned)
    await other.stop()

    assert {e.vendor_event_id for e in other.of(LiveAgentMessage)} == {by_call.vendor_event_id}


async def test_signed_call_of_an_unknown_person_is_answered_and_kept_apart(portal: Portal):
    handoff = await portal.started(portal.connector())
    now = datetime.now(UTC).isoformat()
    body = json.dumps({"id": "1", "type": "Text", "channel": {"to": {"id": "x"}, "time": now}})
    secret = portal.credentials()["webhook_secret"]

    status = await portal.post(body.encode(), signature(secret, body.encode()))

    assert status == 200
    assert all(item.key != "x" for item in portal.items_of(handoff.session))


# ---- availability ----


SUPPORT_QUEUE = "de0ab666-1112-5ac8-9b9e-b5e3ebb0baaf"


async def test_availability_is_asked_of_the_default_queue(portal: Portal):
    connector = portal.connector(queue_id=SUPPORT_QUEUE)
    there = await connector.check_availability(handoff_request())
    await portal.fault("agents_offline", is_offline=True)

    gone = await connector.check_availability(handoff_request())

    assert (there.is_available, there.estimated_wait_seconds) == (True, 95)
    assert (gone.is_available, gone.estimated_wait_seconds) == (False, None)


async def test_availability_is_unknown_without_a_queue_or_a_permission(portal: Portal):
    await without(portal, "analytics:queueObservation:view")

    nowhere = await portal.connector().check_availability(handoff_request())
    unseen = await portal.connector(queue_id=SUPPORT_QUEUE).check_availability(handoff_request())

    assert nowhere.is_available is None
    assert unseen.is_available is None


async def test_availability_of_a_queue_that_does_not_exist_is_an_error(portal: Portal):
    connector = portal.connector(queue_id="00000000-1112-5ac8-9b9e-b5e3ebb0baaf")

    with pytest.raises(InvalidRoutingError):
        await connector.check_availability(handoff_request())


async def test_wait_is_told_with_the_queues_name_until_somebody_comes(portal: Portal):
    handoff = await portal.started(portal.connector(), accept=False)

    [wait] = await handoff.wait_for(QueuePositionChanged)
    await portal.act(handoff, "accept", agent_name=AGENT)
    await handoff.wait_for(LiveAgentJoined)

    assert (wait.queue_name, wait.estimated_wait_seconds) == ("Support", 95)
    assert len(handoff.of(QueuePositionChanged)) == 1


async def test_no_secret_and_no_words_in_any_record_or_repr(
    portal: Portal, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    person = EndUserIdentity(
        external_id="u-4711", is_verified=True, name="Ines Okafor", email="ines@example.org"
    )
    handoff = await portal.started(portal.connector(), end_user=person)
    await handoff.say("My private words")
    await portal.act(handoff, "say", text="Your private answer")
    await handoff.wait_for(LiveAgentMessage)
    await portal.fault("fail_next", status=400, count=1, path_prefix="")
    with pytest.raises(ConnectorError) as caught:
        await handoff.say("My private words")

    parts = (handoff.connector, handoff.session, handoff.events, caught.value, portal.records)
    written = caplog.text + "".join(map(repr, parts))
    token = await portal.tokens.get("access_token")
    secrets = (portal.credentials()[name] for name in ("client_secret", "webhook_secret"))
    for hidden in ("private", "Where is it", "Okafor", "ines@", "u-4711", token, *secrets):
        assert hidden not in written, hidden
