"""One relay session in a test: what the end user does, and what both sides see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conversations.event_loop.executor import run_sync
from conversations.models import Event
from handoffs.lifecycle.locking import Lease
from handoffs.models import Delivery, Handoff
from handoffs.relay.connectors import Connectors
from handoffs.relay.leases import handoffs_claim, worker_stop
from handoffs.relay.session import RelaySession
from handoffs.responder import HandoffResponder, message_accept
from integrations.models import Integration
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests import factories
from tests.waiting import eventually_async

RESPONDER = HandoffResponder()
# What a test reads of a line: whichever it has.
_SHOWN = ("text", "reason", "code")


class Talk:
    """A handoff being served: what the end user does, and what both sides see."""

    def __init__(self, handoff: Handoff, simulator: Any, http: aiohttp.ClientSession) -> None:
        self.handoff, self.simulator = handoff, simulator
        self._connectors = Connectors(http)
        self._tasks: list[asyncio.Task[None]] = []
        self.session: RelaySession | None = None

    # ---- the relay ----

    async def serve(self) -> Lease:
        """Let a (new) worker claim the handoff and run its session."""
        worker_id = await run_sync(factories.worker)
        # A claim passes by what another transaction holds at that moment; workers try again.
        [lease] = await eventually_async(
            lambda: run_sync(handoffs_claim, worker_id, self.handoff.pk)
        )
        self.session = RelaySession(lease, connectors=self._connectors)
        self._tasks.append(asyncio.create_task(self.session.run()))
        return lease

    async def kill(self) -> None:
        """Stop the session where it stands and let go of the lease."""
        self._tasks[-1].cancel()
        await asyncio.gather(self._tasks[-1], return_exceptions=True)
        await run_sync(worker_stop, (await self.now()).owner_id)

    async def finished(self) -> None:
        """Wait until the session is over by itself; its failure is the test's."""
        await asyncio.wait_for(asyncio.shield(self._tasks[-1]), 15)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- the end user ----

    async def write(self, *texts: str) -> list[Event]:
        lines = []
        for text in texts:
            [line, *_] = await run_sync(
                message_accept,
                conversation_id=self.handoff.conversation_id,
                text=text,
                client_event_id="",
                metadata=None,
            )
            lines.append(line)
        self.wake()
        return lines

    async def leave(self) -> None:
        await run_sync(
            RESPONDER.on_leave, conversation_id=self.handoff.conversation_id, metadata=None
        )
        self.wake()

    def wake(self) -> None:
        if self.session is not None:
            self.session.wake()

    # ---- what both sides see ----

    async def now(self) -> Handoff:
        return await run_sync(factories.fresh, self.handoff)

    async def journal(self) -> list[tuple[str, Any]]:
        def read() -> list[tuple[str, Any]]:
            lines = Event.objects.filter(conversation_id=self.handoff.conversation_id)
            return [
                (line.type, next(filter(None, map(line.payload.get, _SHOWN)), None))
                for line in lines.order_by("sequence")
            ]

        return await run_sync(read)

    async def said_by_agent(self) -> list[str]:
        return [text for kind, text in await self.journal() if kind == "LIVE_AGENT_MESSAGE"]

    async def reaches(self, state: str) -> Handoff:
        async def is_there() -> Handoff | None:
            now = await self.now()
            return now if now.state == state else None

        return await eventually_async(is_there)

    def desk(self) -> dict[str, Any]:
        [conversation] = self.simulator.desk_conversations()
        return conversation

    def desk_id(self) -> str:
        return self.desk()["id"]

    def at_desk(self, *speakers: str) -> list[str]:
        wanted = speakers or ("end_user",)
        found = [m for c in self.simulator.desk_conversations() for m in c["messages"]]
        return [m["text"] for m in found if m["from"] in wanted]

    async def arrives(self, *texts: str) -> None:
        """Wait until the desk shows exactly these as the end user's newest, each once."""
        await eventually_async(lambda: self.at_desk()[-len(texts) :] == list(texts))

    async def statuses(self) -> list[str]:
        rows = Delivery.objects.filter(handoff=self.handoff).order_by("sequence")
        return await run_sync(lambda: list(rows.values_list("status", flat=True)))


def verify_with(simulator: SalesforceMessagingSimulator, integration: Integration) -> None:
    """Give the integration a key of its own, and the vendor its public half."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    names = {"kid": "portal-2026-01", "issuer": "https://portal.example.org"}
    simulator.configure(register_key={**names, "public_key_pem": public.decode()})
    integration.credentials = {
        **integration.credentials,
        "mode": "miaw_verified",
        "jwt_key_id": names["kid"],
        "jwt_issuer": names["issuer"],
        "jwt_private_key": private.decode(),
    }
    integration.save()


async def active(make: Callable[..., Any], **behaviour: Any) -> Talk:
    """Return a talk in which a live agent is present."""
    one = await make(**behaviour)
    await one.serve()
    await one.reaches("queued")
    await eventually_async(lambda: one.desk()["status"] == "queued")
    one.simulator.live_agent_joins(one.desk_id(), agent_name="Noor Halvorsen")
    await one.reaches("active")
    return one


async def holds(read: Callable[..., Any], word: Any) -> bool:
    return word in await read()


async def equals(read: Callable[..., Any], wanted: list[str]) -> bool:
    return await read() == wanted


async def is_connected() -> bool:
    row = await run_sync(Integration.objects.get)
    return (row.status, row.last_error_code) == ("connected", "")
