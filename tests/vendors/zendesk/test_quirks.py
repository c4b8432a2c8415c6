"""What only Zendesk does: control, two webhooks, tickets, no keys against repeats."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from integrations.connector import EndReason, OutboundAttachment, ReceiptKind, VendorSession
from integrations.errors import (
    CannotConnectError,
    ConversationGoneError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
)
from integrations.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentJoined,
    LiveAgentMessage,
    MessageEchoed,
    SystemNotice,
)
from integrations.vendors.zendesk.mapping_text import units
from tests.contract.bench import AGENT, handoff_request, outbound, until
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench

APP_KEY = {
    "key_id": "app_ab12cd34ef56ab12cd34ef56",
    "key_secret": "simulated-app-key-secret",
}
NO_SUPPORT = {"support_email": "", "support_api_token": ""}
# The key is short, so that no file of a test is ever mistaken for it.
PDF = b"%PDF-1.4 return label"


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


def attachment(name: str = "label.pdf", mime_type: str = "application/pdf") -> OutboundAttachment:
    return OutboundAttachment(
        attachment_id="0f8fad5b-d9cb-469f-a165-70867728950e",
        file_name=name,
        mime_type=mime_type,
        content=PDF,
    )


async def calls(bench: WebhookBench, ending: str, method: str = "POST") -> list[dict[str, Any]]:
    rows = await bench.desk("GET", "/requests")
    return [row for row in rows if row["path"].endswith(ending) and row["method"] == method]


async def checks(bench: WebhookBench, **credentials: str) -> dict[str, str]:
    found = bench.connector(**credentials).test_connection()
    return {result.name: result.code async for result in found}


async def details(bench: WebhookBench, **credentials: str) -> str:
    found = bench.connector(**credentials).test_connection()
    return " ".join([result.detail async for result in found])


async def conversations(bench: WebhookBench) -> list[dict[str, Any]]:
    return await bench.desk("GET", "/conversations")


# ---- starting ----


async def test_ticket_is_made_of_hints_tags_and_fields(bench: WebhookBench):
    connector = bench.connector(summary_field_id="36001", conversation_field_id="36002")

    session, _ = await bench.started(
        connector,
        routing={
            "subject": "Parcel BL-20931",
            "tags": ["vip"],
            "ticket_fields": {"36009": "returns"},
            "summary": "Wants a refund",
        },
    )

    row = await bench.seen_by_agent(session)
    assert row["session_fields"]["Subject"] == "Parcel BL-20931"
    assert "vip" in row["session_fields"]["Tags"]
    assert row["attributes"]["dataCapture.ticketField.36009"] == "returns"
    assert row["attributes"]["dataCapture.ticketField.36001"] == "Wants a refund"
    assert row["attributes"]["dataCapture.ticketField.36002"] == "cv_ines"


@pytest.mark.parametrize("default", ["answer_bot", "agent_workspace", "own"])
@pytest.mark.parametrize("target", ["zd-agentWorkspace", "next"])
async def test_whoever_has_control_first_one_ticket_is_made_and_replies_arrive(
    bench: WebhookBench, default: str, target: str
):
    await bench.desk("POST", "/config", default_switchboard=default)
    connector = bench.connector(switchboard_integration_name=target)

    session, listener = await bench.started(connector, routing={"tags": ["vip"]})
    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)

    row = await bench.seen_by_agent(session)
    assert len(row["sessions"]) == 1
    assert "vip" in row["session_fields"]["Tags"]
    assert listener.texts == ["Hello"]
    assert listener.of(ConversationEnded) == []


async def test_own_entry_is_learnt_where_it_comes_first_and_no_name_was_given(bench: WebhookBench):
    await bench.desk("POST", "/config", default_switchboard="own")
    connector = bench.connector(own_switchboard_name="")

    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)
    await connector.end(session, EndReason.END_USER_ENDED)

    assert (await bench.seen_by_agent(session))["status"] == "ended"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("switchboard_integration_name", "zd-nobody"), ("own_switchboard_name", "somebody")],
)
async def test_unknown_switchboard_name_names_its_field_and_the_right_one_then_works(
    bench: WebhookBench, field: str, wrong: str
):
    request = handoff_request()
    with pytest.raises(InvalidRoutingError) as caught:
        await bench.connector(**{field: wrong}).start(request)

    session = await bench.connector().start(request)

    assert caught.value.field == field
    assert [row["id"] for row in await conversations(bench)] == [session.vendor_conversation_id]


@pytest.mark.parametrize(
    "lost",
    ["/users", "/conversations", "/messages", "/passControl", "/offerControl"],
)
async def test_start_whose_answer_was_lost_is_repeated_without_a_second_of_anything(
    bench: WebhookBench, lost: str
):
    request = handoff_request()
    await bench.fault("fail_next", status=503, count=1, path_suffix=lost, after_accept=True)
    with pytest.raises(CannotConnectError):
        await bench.connector().start(request)

    session = await bench.connector().start(request)

    [row] = await conversations(bench)
    texts = [message["text"] for message in row["messages"]]
    assert row["id"] == session.vendor_conversation_id
    assert len(texts) == len(set(texts)) == 1
    assert len(row["sessions"]) == 1


async def test_each_handoff_has_a_conversation_of_its_own_unless_there_may_be_one_only(
    bench: WebhookBench,
):
    first = await bench.connector().start(handoff_request())
    second = await bench.connector().start(handoff_request())
    single = await bench.connector(conversation_type="single").start(handoff_request())
    hinted = await bench.connector().start(handoff_request(routing={"conversation_type": "single"}))

    ids = [s.vendor_conversation_id for s in (first, second, single, hinted)]
    assert ids[0] != ids[1]
    assert ids[2] in ids[:2]
    assert ids[3] in ids[:2]


async def test_second_handoff_of_one_conversation_hears_the_open_ticket_and_nothing_old(
    bench: WebhookBench,
):
    connector = bench.connector(conversation_type="single")
    first, listener = await bench.started(connector)
    await bench.act(first, "say", text="Old")
    await listener.wait_for(LiveAgentMessage)
    await connector.end(first, EndReason.END_USER_LEFT)
    await until(lambda: listener.has_returned)

    second, again = await bench.started(connector, accept=False)
    await bench.act(second, "accept", agent_name=AGENT)
    await bench.act(second, "say", text="New")
    await again.wait_for(LiveAgentMessage)
    await bench.act(second, "status", status="SOLVED")
    await until(lambda: again.has_returned)

    assert second.vendor_conversation_id == first.vendor_conversation_id
    assert set(first.keys) < set(second.keys)
    assert again.texts == ["New"]


async def test_full_conversation_is_left_for_a_new_one(bench: WebhookBench):
    first = await bench.connector().start(handoff_request())
    await bench.desk("POST", "/config", message_limit=1)
    connector = bench.connector(conversation_type="single")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(first, outbound("No room"))
    second = await connector.start(handoff_request(routing={"transcript": "none"}))

    assert second.vendor_conversation_id != first.vendor_conversation_id


# ---- sending ----


async def test_message_whose_answer_was_lost_is_found_and_not_sent_again(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Once")
    await bench.fault("fail_next", status=503, count=1, path_suffix="/messages", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert (await bench.said_by(session, "end_user")) == ["Once"]


async def test_another_worker_looks_before_it_repeats_the_last_message(bench: WebhookBench):
    first = bench.connector()
    session, _ = await bench.started(first)
    message = outbound("Sent, and then the worker died")
    await first.send_message(session, message)

    second = bench.connector()
    await second.send_message(session, message)
    await second.send_message(session, outbound("Next"))

    assert (await bench.said_by(session, "end_user")) == ["Sent, and then the worker died", "Next"]
    assert len(await calls(bench, "/messages", "GET")) == 1


async def test_long_text_arrives_whole_in_parts_that_fit_and_only_missing_parts_are_repeated(
    bench: WebhookBench,
):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Grüße \U0001f44b\U0001f3fd " * 1200)
    await connector.send_message(session, outbound("warm up"))
    await bench.fault("fail_next", status=500, count=1, path_suffix="/messages", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    parts = (await bench.said_by(session, "end_user"))[1:]
    assert "".join(parts) == message.text
    assert len(parts) > 2
    assert all(units(part) <= 4096 for part in parts)


async def test_echo_proves_that_a_message_arrived(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    message = outbound("Echo?")

    await connector.send_message(session, message)
    await until(
        lambda: message.message_id in {e.vendor_message_id for e in listener.of(MessageEchoed)}
    )

    assert listener.texts == []
    assert listener.of(SystemNotice) == []


async def test_reading_is_told_and_delivery_is_not(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Read me")
    [said] = await listener.wait_for(LiveAgentMessage)

    await connector.send_receipt(session, said.vendor_event_id, ReceiptKind.DELIVERED)
    before = len(await calls(bench, "/activity"))
    await connector.send_receipt(session, said.vendor_event_id, ReceiptKind.READ)

    assert before == 0
    assert len(await calls(bench, "/activity")) == 1


# ---- files ----


@pytest.mark.parametrize(
    ("name", "mime_type"), [("label.pdf", "application/pdf"), ("photo.png", "image/png")]
)
async def test_file_of_the_end_user_arrives_once(bench: WebhookBench, name: str, mime_type: str):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("fail_next", status=503, count=1, path_suffix="/messages", after_accept=True)

    with pytest.raises(CannotConnectError):
        await connector.send_attachment(session, attachment(name, mime_type))
    await connector.send_attachment(session, attachment(name, mime_type))

    row = await bench.seen_by_agent(session)
    files = [file for message in row["messages"] for file in message["attachments"]]
    assert len(files) == 1
    assert len(await calls(bench, "/attachments")) == 1


@pytest.mark.parametrize("is_private", [False, True])
async def test_file_of_the_live_agent_is_fetched(bench: WebhookBench, is_private: bool):
    await bench.desk("POST", "/config", private_attachments=is_private)
    connector = bench.connector()
    session, listener = await bench.started(connector)
    content = "aGVsbG8gbGFiZWw="

    await bench.act(
        session, "file", name="label.txt", mime_type="text/plain", content_base64=content
    )
    [file] = await listener.wait_for(LiveAgentAttachment)

    assert file.mime_type == "text/plain"
    assert await connector.fetch_attachment(session, file.url) == b"hello label"


async def test_key_goes_to_zendesks_own_host_alone(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    elsewhere = bench.url.replace("127.0.0.1", "localhost")
    await bench.fault("fail_next", status=401, count=2, path_prefix="/nowhere")

    with pytest.raises(InvalidAuthError):
        await connector.fetch_attachment(session, f"{elsewhere}/nowhere/label.txt")

    tried = await calls(bench, "/label.txt", "GET")
    headers = [{key.lower() for key in dict(row["headers"])} for row in tried]
    assert len(tried) == 2
    assert not any("authorization" in names for names in headers)


# ---- the end ----


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("status", {"status": "SOLVED"}),
        ("status", {"status": "CLOSED"}),
        ("pass_back", {}),
        ("end", {}),
        ("remove", {}),
    ],
)
async def test_whichever_way_the_live_agent_ends_it_ends_once(
    bench: WebhookBench, action: str, body: dict[str, str]
):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Goodbye")
    await listener.wait_for(LiveAgentMessage)

    await bench.act(session, action, **body)
    await until(lambda: listener.has_returned)
    await connector.end(listener.session, EndReason.END_USER_LEFT)

    assert len(listener.of(ConversationEnded)) == 1


async def test_ticket_is_followed_after_its_tag_was_taken_away(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.desk("POST", "/config", ticket_events_have_tags=False)

    await bench.act(session, "status", status="SOLVED")
    await until(lambda: listener.has_returned)

    assert listener.of(ConversationEnded)


async def test_end_takes_control_back_and_tells_the_live_agent_why_once(bench: WebhookBench):
    session, _ = await bench.started(bench.connector())
    await bench.fault(
        "fail_next", status=503, count=1, path_suffix="/passControl", after_accept=False
    )

    with pytest.raises(CannotConnectError):
        await bench.connector().end(session, EndReason.IDLE_TIMEOUT)
    await bench.connector().end(session, EndReason.IDLE_TIMEOUT)

    row = await bench.seen_by_agent(session)
    said = [m["text"] for m in row["messages"] if "nobody wrote any more" in m["text"]]
    assert len(said) == 1
    assert row["status"] == "ended"
    assert len(await calls(bench, "/releaseControl")) == 1


# ---- who is there ----


async def test_without_an_api_token_the_first_message_names_the_live_agent(bench: WebhookBench):
    connector = bench.connector(**NO_SUPPORT)
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)

    await bench.act(session, "say", text="Hello")
    await listener.wait_for(LiveAgentMessage)

    assert listener.of(LiveAgentJoined)[-1].agent_name == AGENT
    assert await calls(bench, ".json", "GET") == []


async def test_token_that_is_refused_costs_the_name_and_nothing_else(bench: WebhookBench):
    connector = bench.connector(support_api_token="wrong")
    session, listener = await bench.started(connector)
    await bench.act(session, "say", text="Hello")
    [said] = await listener.wait_for(LiveAgentMessage)

    assert said.agent_name == AGENT
    assert listener.error is None


async def test_trigger_speaks_as_a_notice_and_an_ignored_author_not_at_all(bench: WebhookBench):
    connector = bench.connector(ignored_authors=f"Survey bot, {AGENT}")
    session, listener = await bench.started(connector)

    await bench.act(session, "say", text="Unheard")
    await bench.act(session, "trigger", text="All live agents are busy")
    [notice] = await listener.wait_for(SystemNotice)

    assert notice.text == "All live agents are busy"
    assert listener.texts == []
    assert listener.of(LiveAgentJoined) == []


async def test_merged_user_keeps_talking_in_the_conversation_that_survives(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)

    await bench.act(session, "merge")
    await until(lambda: listener.session.vendor_conversation_id != session.vendor_conversation_id)
    merged: VendorSession = listener.session
    await connector.send_message(merged, outbound("Still here"))

    assert "Still here" in await bench.said_by(merged, "end_user")


# ---- webhooks ----


async def test_calls_with_the_wrong_secret_change_nothing(bench: WebhookBench):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    await bench.fault("wrong_secret")

    await bench.act(session, "say", text="Forged")
    await until(lambda: 401 in bench.portal.answers)
    await bench.act(session, "say", text="Genuine")
    await until(lambda: "Genuine" in listener.texts)

    assert listener.texts == ["Genuine"]


async def test_what_was_said_while_the_portal_was_down_arrives_when_it_is_back(
    bench: WebhookBench,
):
    connector = bench.connector()
    session, listener = await bench.started(connector)
    bench.portal.down = 503
    await bench.act(session, "say", text="Are you there?")
    await until(lambda: 503 in bench.portal.answers)

    bench.portal.down = None
    await listener.wait_for(LiveAgentMessage)

    assert listener.texts == ["Are you there?"]


# ---- limits ----


async def test_one_refusal_holds_back_every_conversation_of_the_connection(bench: WebhookBench):
    connector = bench.connector()
    first, _ = await bench.started(connector)
    second, _ = await bench.started(connector)
    await bench.fault("fail_next", status=429, count=1, path_suffix="/messages", retry_after=7)

    with pytest.raises(RateLimitedError) as told:
        await connector.send_message(first, outbound("One"))
    before = len(await calls(bench, "/messages"))
    with pytest.raises(RateLimitedError) as held:
        await connector.send_message(second, outbound("Two"))

    assert told.value.retry_after == pytest.approx(7, abs=0.5)
    assert held.value.retry_after == pytest.approx(7, abs=0.5)
    assert len(await calls(bench, "/messages")) == before


async def test_pauses_grow_where_zendesk_names_none_and_end_with_the_trouble(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    message = outbound("Patience")
    await bench.fault("fail_next", status=429, count=3, path_suffix="/messages")
    pauses, started = [], time.monotonic()

    for _ in range(3):
        with pytest.raises(RateLimitedError) as caught:
            await connector.send_message(session, message)
        pauses.append(caught.value.retry_after or 0)
    await connector.send_message(session, message)

    assert pauses[0] < pauses[2]
    assert time.monotonic() - started >= sum(pauses[:2])
    assert await bench.said_by(session, "end_user") == ["Patience"]


# ---- connection test ----


async def test_key_of_the_app_lets_more_be_tested(bench: WebhookBench):
    assert await checks(bench) == {"access": "ok", "webhook": "ok", "support": "ok"}
    assert await checks(bench, **APP_KEY, **NO_SUPPORT) == {
        "access": "ok",
        "webhook": "ok",
        "integration": "ok",
        "switchboard": "ok",
    }


@pytest.mark.parametrize(
    ("changes", "check", "code"),
    [
        ({"key_secret": "wrong"}, "access", "auth"),
        ({"key_id": ""}, "access", "auth"),
        ({"app_id": "0" * 24}, "access", "not_found"),
        ({"webhook_id": "0" * 24}, "webhook", "not_found"),
        ({"support_api_token": "wrong"}, "support", "auth"),
        ({**APP_KEY, "switchboard_integration_name": "zd-nobody"}, "switchboard", "not_found"),
        ({**APP_KEY, "own_switchboard_name": "somebody"}, "switchboard", "wrong_type"),
    ],
)
async def test_each_wrong_value_fails_its_own_check_with_help(
    bench: WebhookBench, changes: dict[str, str], check: str, code: str
):
    found = await checks(bench, **changes)
    others = {name: value for name, value in found.items() if name != check}

    assert found[check] == code
    assert (check, code) in bench.manifest.error_help
    assert set(others.values()) <= ({"skipped"} if check == "access" else {"ok"})
    assert set((await checks(bench)).values()) == {"ok"}


async def test_webhook_that_calls_elsewhere_or_tells_too_little_is_found_out(bench: WebhookBench):
    configured = {"webhook_target": "https://elsewhere.example/hook"}
    await bench.desk("POST", "/config", **configured)
    elsewhere = await checks(bench)
    await bench.desk(
        "POST",
        "/config",
        webhook_target=f"{bench.portal.url}/events",
        webhook_triggers=["conversation:message"],
    )

    assert elsewhere["webhook"] == "wrong_type"
    assert (await checks(bench))["webhook"] == "disabled"
    assert "switchboard:releaseControl" in await details(bench)


async def test_plan_that_does_not_allow_it_is_forbidden(bench: WebhookBench):
    await bench.fault("fail_next", status=403, count=1, path_suffix="/webhooks")

    assert (await checks(bench))["access"] == "forbidden"
    assert set((await checks(bench)).values()) == {"ok"}


async def test_support_user_must_be_staff(bench: WebhookBench):
    await bench.desk("POST", "/config", support_role="end-user")

    assert (await checks(bench))["support"] == "forbidden"


async def test_revoked_key_is_an_error_of_the_credentials(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("revoke_keys")

    with pytest.raises((InvalidAuthError, MissingPermissionError)) as caught:
        await connector.send_message(session, outbound("Anybody?"))

    assert not caught.value.retryable
    assert "simulated" not in json.dumps([str(caught.value), repr(bench.records)])
