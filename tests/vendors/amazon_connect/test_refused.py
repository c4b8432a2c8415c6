"""A refusal (403) is no end: the chat may go on with a live agent in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from integrations.contract.connector import (
    Connector,
    EndReason,
    OutboundAttachment,
    ReceiptKind,
    VendorSession,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    MissingPermissionError,
    RejectedError,
)
from integrations.contract.events import ConversationEnded, LiveAgentMessage
from tests.contract.bench import Bench, Listener, outbound, running_bench, until
from tests.vendors.amazon_connect.test_quirks import (
    TIMING,
    connector_with,
    requests,
    switch,
    talking,
    until_connections,
)

CONNECTION = "CreateParticipantConnection"
EVERYTHING = [
    *(CONNECTION, "SendMessage", "SendEvent", "GetTranscript", "DisconnectParticipant"),
    *("StartAttachmentUpload", "CompleteAttachmentUpload", "GetAttachment"),
]
LOOKS = ["connect:DescribeContact", "connect:ListAssociatedContacts"]
SOON = replace(TIMING, refused=0.5, poll=0.05)
PATIENT = replace(TIMING, refused=20, poll=0.05)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


async def refused(bench: Bench, *operations: str) -> None:
    """Have the participant API refuse these, and cut the sockets."""
    await switch(bench, refused_operations=list(operations))
    await bench.fault("drop_streams")


async def gave_up(bench: Bench, connector: Connector) -> tuple[VendorSession, Listener]:
    """Return a chat that its live agent still has, and that we cannot reach any more."""
    session, listener = await talking(bench, connector)
    await refused(bench, *EVERYTHING)
    await until(lambda: listener.error or listener.has_returned)
    return session, listener


async def status(bench: Bench, session: VendorSession) -> str:
    return (await bench.seen_by_agent(session))["status"]


async def test_a_refused_reconnect_ends_nothing_while_a_live_agent_has_the_contact(bench: Bench):
    session, listener = await gave_up(bench, connector_with(bench, SOON))

    assert listener.of(ConversationEnded) == []
    assert isinstance(listener.error, CannotConnectError)
    assert await status(bench, session) == "active"


async def test_what_cannot_be_reached_any_more_is_ended_with_the_accounts_keys(bench: Bench):
    connector = connector_with(bench, SOON)
    session, _ = await gave_up(bench, connector)

    await connector.end(session, EndReason.FAILED)

    assert await status(bench, session) == "ended"


async def test_a_reconnect_that_was_refused_for_a_while_loses_nothing(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, PATIENT))
    await refused(bench, *EVERYTHING)
    asked = len(await requests(bench, "/participant/connection"))
    await bench.act(session, "say", text="Are you there?")
    await until_connections(bench, asked + 2)

    await switch(bench, refused_operations=[])
    await bench.act(session, "say", text="Here we are again")

    await listener.wait_for(LiveAgentMessage, 2)
    assert listener.texts == ["Are you there?", "Here we are again"]
    assert listener.of(ConversationEnded) == []


async def test_without_a_socket_the_last_token_goes_on_reading_and_sending(bench: Bench):
    connector = connector_with(bench, SOON)
    session, listener = await talking(bench, connector)
    await refused(bench, CONNECTION)

    for number in range(3):
        await bench.act(session, "say", text=f"line {number}")
        await listener.wait_for(LiveAgentMessage, number + 1)
    await connector.send_message(session, outbound("I read you"))
    await bench.act(session, "end")

    await until(lambda: listener.has_returned)
    assert listener.texts == ["line 0", "line 1", "line 2"]
    assert "I read you" in await bench.said_by(session, "end_user")
    assert len(listener.of(ConversationEnded)) == 1


async def test_an_end_behind_a_refusal_is_told_by_the_contact(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, PATIENT))
    await switch(bench, transcript_after_end=False)
    await refused(bench, *EVERYTHING)
    asked = len(await requests(bench, "/participant/connection"))
    await until_connections(bench, asked + 1)
    assert not listener.has_returned

    await bench.act(session, "end")

    await until(lambda: listener.has_returned)
    assert len(listener.of(ConversationEnded)) == 1


async def test_a_role_that_may_not_look_concludes_no_end_and_says_what_it_lacks(bench: Bench):
    await switch(bench, denied_actions=LOOKS)
    connector = connector_with(bench, SOON)

    session, listener = await gave_up(bench, connector)

    assert listener.of(ConversationEnded) == []
    assert isinstance(listener.error, MissingPermissionError)
    await connector.end(session, EndReason.FAILED)
    assert await status(bench, session) == "ended"


async def test_a_send_that_is_refused_is_worth_another_try_while_the_contact_is_open(bench: Bench):
    connector = connector_with(bench, SOON)
    session, listener = await talking(bench, connector)
    message = outbound("Through in the end")
    await switch(bench, refused_operations=["SendMessage"])

    with pytest.raises(CannotConnectError) as caught:
        await connector.send_message(session, message)
    await switch(bench, refused_operations=[])
    await connector.send_message(session, message)

    assert caught.value.retryable
    assert (await bench.said_by(session, "end_user"))[-1] == "Through in the end"
    assert listener.of(ConversationEnded) == []


def label() -> OutboundAttachment:
    return OutboundAttachment(
        attachment_id=outbound("").message_id,
        file_name="label.pdf",
        mime_type="application/pdf",
        content=b"%PDF",
    )


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/participant/start-attachment-upload", 402, "ServiceQuotaExceededException"),
        ("/participant/start-attachment-upload", 400, "ValidationException"),
        ("/attachment-storage/", 400, "EntityTooLarge"),
        ("/participant/complete-attachment-upload", 402, "ServiceQuotaExceededException"),
    ],
)
async def test_a_file_that_amazon_does_not_take_is_refused_by_its_name_and_not_tried_again(
    bench: Bench, path: str, status: int, code: str
):
    connector = connector_with(bench, SOON)
    session, _ = await talking(bench, connector)
    file = label()
    await bench.fault("fail_next", status=status, count=1, path_prefix=path, error_code=code)

    with pytest.raises(RejectedError) as caught:
        await connector.send_attachment(session, file)
    await connector.send_attachment(session, file)

    assert (caught.value.retryable, caught.value.vendor_code) == (False, code)
    shown = (await bench.seen_by_agent(session))["messages"]
    assert sum(len(message.get("attachments") or []) for message in shown) == 1


@pytest.mark.parametrize("operation", ["StartAttachmentUpload", "CompleteAttachmentUpload"])
async def test_a_file_that_is_refused_is_worth_another_try(bench: Bench, operation: str):
    connector = connector_with(bench, SOON)
    session, _ = await talking(bench, connector)
    file = label()
    await switch(bench, refused_operations=[operation])

    with pytest.raises(CannotConnectError):
        await connector.send_attachment(session, file)
    await switch(bench, refused_operations=[])
    await connector.send_attachment(session, file)

    shown = (await bench.seen_by_agent(session))["messages"]
    assert sum(len(message.get("attachments") or []) for message in shown) == 1


async def test_refused_typing_and_receipts_ask_nobody_whether_the_chat_is_over(bench: Bench):
    connector = connector_with(bench, SOON)
    session, listener = await talking(bench, connector)
    await bench.act(session, "say", text="Hello")
    [line] = await listener.wait_for(LiveAgentMessage)
    await switch(bench, refused_operations=["SendEvent"])

    with pytest.raises(ConnectorError):
        await connector.send_typing(session, is_typing=True)
    with pytest.raises(ConnectorError):
        await connector.send_receipt(session, line.vendor_event_id, ReceiptKind.READ)

    assert await requests(bench, f"/{session.vendor_conversation_id}") == []


async def test_a_role_that_may_not_look_sends_again_rather_than_ending(bench: Bench):
    await switch(bench, denied_actions=LOOKS, refused_operations=["SendMessage"])
    connector = connector_with(bench, SOON)
    session, _ = await talking(bench, connector)

    with pytest.raises(CannotConnectError):
        await connector.send_message(session, outbound("Nobody knows"))


async def test_a_transfer_that_nobody_heard_of_is_no_end(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))
    await listener.stop()
    await bench.act(session, "transfer", agent_name="Sam Achterberg")
    lost = replace(listener.session, state={**listener.session.state, "participant_token": "lost"})
    connector = connector_with(bench, SOON)

    resumed = bench.listen(connector, lost)
    await until(lambda: resumed.error or resumed.has_returned)
    with pytest.raises(CannotConnectError):
        await connector.send_message(lost, outbound("Whoever you are"))

    assert resumed.of(ConversationEnded) == []
    assert await status(bench, session) == "active"


async def test_a_chat_that_was_transferred_unseen_is_stopped_in_its_last_contact(bench: Bench):
    session, listener = await talking(bench, connector_with(bench, TIMING))
    await listener.stop()
    await bench.act(session, "transfer", agent_name="Sam Achterberg")
    lost = replace(listener.session, state={**listener.session.state, "participant_token": "lost"})

    await bench.connector().end(lost, EndReason.IDLE_TIMEOUT)

    assert await status(bench, session) == "ended"


async def test_ending_is_confirmed_only_if_amazon_has_stopped_it_or_says_it_is_over(bench: Bench):
    connector = connector_with(bench, SOON)
    session, _ = await talking(bench, connector)
    await switch(
        bench, refused_operations=EVERYTHING, denied_actions=[*LOOKS, "connect:StopContact"]
    )

    with pytest.raises(MissingPermissionError):
        await connector.end(session, EndReason.END_USER_ENDED)
    await switch(bench, denied_actions=[])
    await connector.end(session, EndReason.END_USER_ENDED)

    assert await status(bench, session) == "ended"


async def test_a_revoked_role_concludes_no_end_and_the_chat_is_stopped_when_it_is_back(
    bench: Bench,
):
    connector = connector_with(bench, SOON)
    session, listener = await talking(bench, connector)
    await switch(bench, may_assume_role=False)
    await bench.fault("expire_credentials")
    await connector.send_message(session, outbound("The chat itself needs no key"))
    await refused(bench, *EVERYTHING)
    await until(lambda: listener.error or listener.has_returned)

    with pytest.raises(InvalidAuthError):
        await connector.end(session, EndReason.FAILED)
    await switch(bench, may_assume_role=True)
    await connector.end(session, EndReason.FAILED)

    assert listener.of(ConversationEnded) == []
    assert isinstance(listener.error, InvalidAuthError)
    assert await status(bench, session) == "ended"


async def test_a_chat_that_is_over_still_says_so_to_a_send(bench: Bench):
    connector = connector_with(bench, SOON)
    session, _ = await talking(bench, connector)
    await switch(bench, refused_operations=EVERYTHING)
    await bench.act(session, "end")

    with pytest.raises(ConversationGoneError):
        await connector.send_message(session, outbound("Too late"))
