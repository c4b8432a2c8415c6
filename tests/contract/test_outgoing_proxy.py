"""Two accounts of each vendor, which only the company's proxy can reach, side by side."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from integrations.contract.connector import Connector
from integrations.contract.events import LiveAgentJoined
from integrations.http.client import open_session
from integrations.http.route import Route
from integrations.simulators.simulator import running_simulator
from integrations.vendors.genesys.connector.records import GenesysTiming
from tests.closed_network import Names, Proxy, authority, running_proxy, tls_in_front_of
from tests.contract.bench import AGENT, Bench, handoff_request, outbound, until, until_seen
from tests.contract.vendors import SETUPS

ACCOUNTS = ("first.example", "second.example")
# Where a vendor is asked, whatever address stands in the connection.
FIXED = (
    "brightside.zendesk.com",
    "participant.connect.eu-central-1.amazonaws.com",
    "sts.eu-central-1.amazonaws.com",
)


class Account(Bench):
    """One account: its connectors go to a name, its desk is beside us."""

    def __init__(
        self,
        simulator: Any,
        host: str,
        session: aiohttp.ClientSession,
        beside: Bench,
    ) -> None:
        super().__init__(beside.key, f"https://{host}", session)
        self.simulator = simulator
        self.host = host
        self._beside = beside

    def connector_with(self, **options: object) -> Connector:
        """Make a connector with other options than the contract suite's."""
        self.setup = replace(self.setup, options={**self.setup.options, **options})
        return self.connector()

    async def desk(self, method: str, path: str, **body: object) -> Any:
        return await self._beside.desk(method, path, **body)

    async def talk(self, text: str) -> None:
        """Test the connection, open, write, and listen where the connector does."""
        connector = self.connector()
        assert [check async for check in connector.test_connection()]
        session = await connector.start(handoff_request())
        if type(connector).listen is not Connector.listen:
            listener = self.listen(connector, session)
            await self.act(session, "accept", agent_name=AGENT)
            await listener.wait_for(LiveAgentJoined)
        session = await connector.send_message(session, outbound(text))
        await until_seen(self, session, lambda row: text in str(row["messages"]))

    async def read(self) -> list[str]:
        """Return what live agents read, by conversation."""
        answer = await self.desk("GET", "/conversations")
        rows = answer if isinstance(answer, list) else answer["conversations"]
        return [str(row["messages"]) for row in rows]


@pytest.fixture(scope="module")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return authority(tmp_path_factory.mktemp("authority"), *ACCOUNTS, *FIXED)


@asynccontextmanager
async def accounts_behind_a_proxy(
    key: str, bundle: Path, context: ssl.SSLContext
) -> AsyncIterator[tuple[list[Account], Proxy]]:
    async with AsyncExitStack() as stack:
        accounts, servers = [], {}
        proxy, address = await stack.enter_async_context(running_proxy(servers))
        # Nothing but the proxy may be connected to: no name is known, no private address allowed.
        route = Route(proxy=f"http://{address}", ca_bundle=str(bundle))
        beside = await stack.enter_async_context(open_session(allow_local=True))
        for host in ACCOUNTS:
            simulator = SETUPS[key].simulator()
            url = stack.enter_context(running_simulator(simulator))
            # Where it is reached is what it tells of itself, as the addresses of sockets.
            simulator.base_url = f"https://{host}"
            front = tls_in_front_of(urlsplit(url).port or 0, context)
            servers[host] = await stack.enter_async_context(front)
            session = await stack.enter_async_context(
                open_session(allow_local=False, resolver=Names(), route=route)
            )
            accounts.append(Account(simulator, host, session, Bench(key, url, beside)))
        yield accounts, proxy
        for account in accounts:
            for listener in account.listeners:
                await listener.stop()


@pytest.mark.parametrize("key", list(SETUPS))
async def test_two_accounts_are_reached_through_the_proxy_alone_and_kept_apart(
    key: str, own_authority: tuple[Path, ssl.SSLContext]
) -> None:
    async with accounts_behind_a_proxy(key, *own_authority) as (accounts, proxy):
        for account in accounts:
            proxy.servers["*"] = proxy.servers[account.host]
            await account.talk(f"For {account.host}")
        read = [await account.read() for account in accounts]

    asked = {line for line, _ in proxy.asked}
    assert {f"CONNECT {host}:443 HTTP/1.1" for host in ACCOUNTS} <= asked
    for host, rows in zip(ACCOUNTS, read, strict=True):
        assert len(rows) == 1
        assert {other for other in ACCOUNTS if f"For {other}" in rows[0]} == {host}


async def test_genesys_notification_socket_goes_through_the_proxy_and_is_heard(
    own_authority: tuple[Path, ssl.SSLContext],
) -> None:
    async with accounts_behind_a_proxy("genesys", *own_authority) as (accounts, proxy):
        [account, _] = accounts
        # Left to itself it would ask only when the test is long over.
        connector = account.connector_with(timing=GenesysTiming(poll=90, poll_alone=90))
        session = await connector.start(handoff_request())
        asked = len(proxy.asked)
        listener = account.listen(connector, session)
        await until(account.simulator.world.channels.sockets)

        await account.act(session, "accept", agent_name=AGENT)
        await listener.wait_for(LiveAgentJoined)

        assert ("CONNECT first.example:443 HTTP/1.1", "") in proxy.asked[asked:]
