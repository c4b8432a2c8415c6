"""A line of the end user's crosses the live agent's end, in each order, at every vendor.

Nothing depends on timing: the simulator holds the line before or after its effect, and the end is
"on its way" while nobody listens.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from handoffs.relay.ending import end_all
from integrations.contract.connector import Connector, EndReason, OutboundMessage, VendorSession
from integrations.contract.errors import ConnectorError, ConversationGoneError
from integrations.contract.events import LiveAgentJoined
from tests.contract.bench import Bench, Listener, outbound, until

TEXT = "Crossing words"


@dataclass
class Line:
    """One line on its way, sent as the relay sends it."""

    message: OutboundMessage
    strays: tuple[str, ...] = ()
    is_taken: bool = False

    async def send(self, connector: Connector, session: VendorSession) -> None:
        """Send until there is an answer that decides."""
        while True:
            try:
                await connector.send_message(session, self.message)
            except ConversationGoneError as error:
                self.strays = (error.opened,) if error.opened else ()
                return
            except ConnectorError as error:
                assert error.retryable, error
                await asyncio.sleep(0.1)
            else:
                self.is_taken = True
                return

    async def settle(self, connector: Connector, session: VendorSession) -> bool:
        """Do what the relay does after the end; say whether the line counts as delivered."""
        late = await connector.late_messages(session, [self.message])
        await end_all(connector, replace(session, strays=self.strays), EndReason.FAILED)
        return self.is_taken and self.message.message_id not in late


async def talking(bench: Bench, connector: Connector) -> Listener:
    _, listener = await bench.started(connector)
    await listener.wait_for(LiveAgentJoined)
    return listener


async def is_nothing_open(bench: Bench) -> bool:
    """Say whether the vendor has no open conversation left, in whatever state."""
    answer = await bench.desk("GET", "/conversations")
    rows = answer if isinstance(answer, list) else answer["conversations"]
    return {row["status"] for row in rows} <= {"ended"}


async def arrived(bench: Bench) -> None:
    """Wait until the line has reached the vendor, where it is held."""
    while not any(TEXT in row["body"] for row in await bench.desk("GET", "/requests")):
        await asyncio.sleep(0.01)


async def read_by_agent(bench: Bench, session: VendorSession) -> None:
    while TEXT not in await bench.said_by(session, "end_user"):
        await asyncio.sleep(0.01)


async def test_line_sent_while_the_end_is_on_its_way_to_us(bench: Bench):
    connector, line = bench.connector(), Line(outbound(TEXT))
    listener = await talking(bench, connector)
    await listener.stop()
    await bench.act(listener.session, "end")

    await line.send(connector, listener.session)
    again = bench.listen(connector, listener.session)
    await until(lambda: again.has_returned)

    assert not await line.settle(connector, again.session)
    assert await is_nothing_open(bench)


async def test_line_sent_when_the_end_has_come(bench: Bench):
    connector, line = bench.connector(), Line(outbound(TEXT))
    listener = await talking(bench, connector)
    await bench.act(listener.session, "end")
    await until(lambda: listener.has_returned)

    await line.send(connector, listener.session)

    assert not await line.settle(connector, listener.session)
    assert await is_nothing_open(bench)


async def test_line_on_its_way_that_arrives_behind_the_end(bench: Bench):
    connector, line = bench.connector(), Line(outbound(TEXT))
    listener = await talking(bench, connector)
    await bench.fault("hold", text=TEXT)
    sending = asyncio.create_task(line.send(connector, listener.session))
    await arrived(bench)

    await bench.act(listener.session, "end")
    await until(lambda: listener.has_returned)
    await bench.fault("release")
    await sending

    assert not await line.settle(connector, listener.session)
    assert await is_nothing_open(bench)


async def test_line_taken_before_the_end_whose_answer_comes_behind_it(bench: Bench):
    connector, line = bench.connector(), Line(outbound(TEXT))
    listener = await talking(bench, connector)
    await bench.fault("hold", text=TEXT, after_accept=True)
    sending = asyncio.create_task(line.send(connector, listener.session))
    await asyncio.wait_for(read_by_agent(bench, listener.session), 10)

    await bench.act(listener.session, "end")
    await until(lambda: listener.has_returned)
    await bench.fault("release")
    await sending

    assert await line.settle(connector, listener.session)
    assert await is_nothing_open(bench)


@pytest.mark.parametrize("is_heard", [True, False], ids=["heard", "on its way"])
async def test_what_the_race_opened_is_ended_however_often_the_vendor_fails(
    bench: Bench, is_heard: bool
):
    connector, line = bench.connector(), Line(outbound(TEXT))
    listener = await talking(bench, connector)
    if not is_heard:
        await listener.stop()
    await bench.act(listener.session, "end")
    if is_heard:
        await until(lambda: listener.has_returned)
    await line.send(connector, listener.session)

    await bench.fault("fail_next", status=503, count=1, path_prefix="")
    session = replace(listener.session, strays=line.strays)
    for _ in range(3):
        try:
            await end_all(connector, session, EndReason.FAILED)
        except ConnectorError as error:
            assert error.retryable
    await bench.fault("clear")
    await end_all(connector, session, EndReason.FAILED)

    assert await is_nothing_open(bench)
