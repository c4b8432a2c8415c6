"""What is an end at Zendesk and what is not; a line that crosses one opens no ticket that stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integrations.contract.connector import Connector, EndReason, VendorSession, WebhookItem
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    MissingPermissionError,
)
from integrations.contract.events import ConversationEnded, LiveAgentJoined
from integrations.vendors.zendesk.connector.sending import ControlTiming
from tests.contract.bench import Listener, outbound, until
from tests.contract.vendors import build_connector
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.vendors.zendesk.connector_harness import attachment, calls

# Sure for so long that a line crosses whatever happens meanwhile; or never sure.
CROSSING, WATCHFUL = ControlTiming(sure=600), ControlTiming(sure=0, merge=0)


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        await bench.desk("POST", "/config", default_switchboard="agent_workspace")
        yield bench


def connector_with(bench: WebhookBench, control: ControlTiming) -> Connector:
    made = bench.connector()
    return build_connector(
        "zendesk",
        {**bench.setup.options, "control": control},
        credentials=made._credentials,
        http=made._http,
        tokens=bench.tokens,
    )


async def talking(bench: WebhookBench, connector: Connector) -> tuple[VendorSession, Listener]:
    session, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    return session, listener


async def unheard(bench: WebhookBench) -> None:
    """Let the portal hear nothing any more, nor later."""
    await bench.desk("POST", "/config", retry_speed=1e-6)
    bench.portal.down = 503


async def row(bench: WebhookBench, session: VendorSession) -> dict:
    return dict(await bench.seen_by_agent(session))


async def tickets(bench: WebhookBench, session: VendorSession) -> int:
    return len((await row(bench, session))["sessions"])


async def passed_to(bench: WebhookBench, session: VendorSession, target: str) -> None:
    """Let somebody else give control to another integration of the switchboard."""
    await bench.connector()._client.pass_control(session.vendor_conversation_id, target, {})


# ---- lines that meet an end ----


async def test_a_line_after_a_release_that_nobody_heard_opens_no_ticket(bench: WebhookBench):
    connector = connector_with(bench, WATCHFUL)
    session, _ = await talking(bench, connector)
    await connector.send_message(session, outbound("Before"))
    await unheard(bench)
    await bench.act(session, "end")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("After"))
    with pytest.raises(ConversationGoneError):
        await connector.send_attachment(session, attachment())

    assert await tickets(bench, session) == 1
    assert (await row(bench, session))["status"] == "ended"


@pytest.mark.parametrize(
    ("action", "body"), [("end", {}), ("status", {"status": "SOLVED"})], ids=["released", "solved"]
)
async def test_what_a_crossing_line_opens_is_closed_and_the_line_reached_nobody(
    bench: WebhookBench, action: str, body: dict[str, str]
):
    connector = connector_with(bench, CROSSING)
    session, listener = await talking(bench, connector)
    await connector.send_message(session, outbound("Surely theirs"))
    await bench.act(session, action, **body)
    late = outbound("Crossing")
    await connector.send_message(session, late)
    assert (await row(bench, session))["status"] != "ended"
    await until(lambda: listener.has_returned)

    found = await connector.late_messages(listener.session, [late])
    await connector.end(listener.session, EndReason.END_USER_ENDED)

    shown = await row(bench, session)
    assert found == {late.message_id}
    assert shown["status"] == "ended"
    assert [m["text"] for m in shown["messages"] if "nobody got it" in m["text"]]
    assert len(await calls(bench, "/releaseControl")) == 1


async def test_a_line_before_the_end_has_arrived_and_nothing_is_touched_after_it(
    bench: WebhookBench,
):
    connector = connector_with(bench, CROSSING)
    session, listener = await talking(bench, connector)
    early = outbound("Just in time")
    await connector.send_message(session, early)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)
    before = (await row(bench, session))["messages"]

    found = await connector.late_messages(listener.session, [early])
    await connector.end(listener.session, EndReason.END_USER_ENDED)

    assert found == frozenset()
    assert (await row(bench, session))["messages"] == before
    assert await calls(bench, "/releaseControl") == []


async def test_a_line_in_doubt_is_looked_for_after_the_end_and_never_posted(bench: WebhookBench):
    connector = connector_with(bench, CROSSING)
    session, listener = await talking(bench, connector)
    there, lost = outbound("There"), outbound("Lost")
    await connector.send_message(session, there)
    await bench.act(session, "end")
    await until(lambda: listener.has_returned)

    await connector.send_message(listener.session, there)
    with pytest.raises(ConversationGoneError):
        await connector.send_message(listener.session, lost)

    assert (await bench.said_by(session, "end_user")).count("There") == 1
    assert await tickets(bench, session) == 1


# ---- what is an end ----


async def test_control_given_to_somebody_else_is_an_end_and_stays_with_them(bench: WebhookBench):
    connector = connector_with(bench, WATCHFUL)
    session, _ = await talking(bench, connector)
    await unheard(bench)
    await passed_to(bench, session, "zd-answerBot")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("To whom?"))
    await connector.end(session, EndReason.FAILED)

    assert (await row(bench, session))["routing_status"] == "zd-answerBot"


async def test_an_end_that_no_call_told_is_found_with_what_was_missed(bench: WebhookBench):
    connector = connector_with(bench, WATCHFUL)
    session, listener = await talking(bench, connector)
    await unheard(bench)
    await bench.act(session, "say", text="Goodbye")
    await bench.act(session, "end")
    asked = WebhookItem(item_id="ho_1:2", key="", body={}, missed_until=datetime.now(UTC))

    steps = await connector.receive(listener.session, asked)

    kinds = [type(event).__name__ for _, event in steps]
    assert kinds[-2:] == ["LiveAgentMessage", "ConversationEnded"]


async def test_looking_for_what_was_missed_ends_nothing_while_the_agents_have_it(
    bench: WebhookBench,
):
    connector = connector_with(bench, WATCHFUL)
    _, listener = await talking(bench, connector)
    asked = WebhookItem(item_id="ho_1:2", key="", body={}, missed_until=datetime.now(UTC))

    steps = await connector.receive(listener.session, asked)

    assert not [event for _, event in steps if isinstance(event, ConversationEnded)]
    assert await calls(bench, f"/{listener.session.vendor_conversation_id}", "GET")


async def test_a_full_conversation_is_an_end_and_control_is_taken_back_without_a_word(
    bench: WebhookBench,
):
    connector = connector_with(bench, WATCHFUL)
    session, _ = await talking(bench, connector)
    await bench.desk("POST", "/config", message_limit=1)

    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("No room"))
    await connector.end(session, EndReason.FAILED)

    assert (await row(bench, session))["status"] == "ended"


async def test_a_deleted_conversation_is_an_end_once_no_merge_explains_it(bench: WebhookBench):
    patient = connector_with(bench, ControlTiming(sure=0, merge=600))
    session, listener = await talking(bench, patient)
    await bench.act(session, "remove")

    with pytest.raises(CannotConnectError):
        await patient.send_message(session, outbound("Where is it?"))
    with pytest.raises(ConversationGoneError):
        await connector_with(bench, WATCHFUL).send_message(session, outbound("Where is it?"))
    await until(lambda: listener.has_returned)

    assert listener.of(ConversationEnded)


# ---- what is none ----


async def test_a_merge_that_is_told_late_costs_a_retry_and_no_conversation(bench: WebhookBench):
    connector = connector_with(bench, ControlTiming(sure=0, merge=600))
    session, listener = await talking(bench, connector)
    message = outbound("Still here")
    await bench.act(session, "merge")

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await until(lambda: listener.session.vendor_conversation_id != session.vendor_conversation_id)
    await connector.send_message(listener.session, message)

    assert "Still here" in await bench.said_by(listener.session, "end_user")
    assert listener.of(ConversationEnded) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, InvalidAuthError), (403, MissingPermissionError), (429, ConnectorError)],
)
@pytest.mark.parametrize("suffix", ["/messages", ""], ids=["post", "look"])
async def test_a_refusal_of_the_key_is_no_end(
    bench: WebhookBench, status: int, expected: type[ConnectorError], suffix: str
):
    connector = connector_with(bench, WATCHFUL)
    session, listener = await talking(bench, connector)
    message = outbound("Once the key is back")
    path = f"/{session.vendor_conversation_id}{suffix}"
    await bench.fault("fail_next", status=status, count=1, path_suffix=path, after_accept=False)

    with pytest.raises(expected) as caught:
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert not isinstance(caught.value, ConversationGoneError)
    assert listener.of(ConversationEnded) == []
    assert (await bench.said_by(session, "end_user"))[-1] == "Once the key is back"


async def test_an_end_user_whom_zendesk_knows_no_longer_speaks_as_the_one_who_takes_part_now(
    bench: WebhookBench,
):
    connector = connector_with(bench, WATCHFUL)
    session, listener = await talking(bench, connector)
    stranger = replace(session, state={**session.state, "user_external_id": "nobody"})

    known = await connector.send_message(stranger, outbound("Who am I?"))
    await connector.send_message(known, outbound("Myself"))

    assert await bench.said_by(session, "end_user") == ["Who am I?", "Myself"]
    assert known.state["user_id"]
    assert listener.of(ConversationEnded) == []
    assert (await row(bench, session))["status"] == "active"


async def test_a_page_that_is_not_found_without_zendesks_word_for_it_is_no_end(bench: WebhookBench):
    connector = connector_with(bench, WATCHFUL)
    session, _ = await talking(bench, connector)
    message = outbound("After the proxy was mended")
    path = f"/{session.vendor_conversation_id}"
    await bench.fault(
        "fail_next", status=404, count=1, path_suffix=path, error_code="proxy", after_accept=False
    )

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, message)
    await connector.send_message(session, message)

    assert (await bench.said_by(session, "end_user"))[-1] == "After the proxy was mended"


# ---- ending is repeated until Zendesk has done it ----


@pytest.mark.parametrize("step", ["", "/messages", "/passControl"])
@pytest.mark.parametrize("status", [401, 403, 503])
async def test_an_end_that_is_refused_is_not_taken_for_one(
    bench: WebhookBench, step: str, status: int
):
    connector = connector_with(bench, WATCHFUL)
    session, _ = await talking(bench, connector)
    path = f"/{session.vendor_conversation_id}{step}"
    await bench.fault("fail_next", status=status, count=1, path_suffix=path, after_accept=False)

    with pytest.raises(ConnectorError):
        await connector.end(session, EndReason.END_USER_ENDED)
    await connector.end(session, EndReason.END_USER_ENDED)

    assert (await row(bench, session))["status"] == "ended"
