"""The event loop inside a Celery worker: hosts relay sessions, keeps the heartbeat, takes over."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import uvloop
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from conversations.event_loop.background import begin_on
from conversations.event_loop.executor import run_sync
from conversations.event_loop.tuning import tune_for_messages
from conversations.journal.channel_layer import RELAY_PREFIX
from conversations.journal.publish import relay_group
from handoffs.lifecycle.locking import Lease
from handoffs.relay import leases
from handoffs.relay.connectors import Connectors
from handoffs.relay.ending import undelivered_of
from handoffs.relay.session import RelaySession
from integrations.connections.building import vendor_session
from integrations.http.client import Session
from integrations.telemetry.metrics import RELAY_SESSIONS

logger = logging.getLogger(__name__)
STOP_SECONDS = 8.0
# Of these for what is on its way: cut off, nobody would know whether the vendor has taken it.
FINISH_SECONDS = 3.0


def _end_process() -> None:
    """Have this worker stop as when it is told to; whoever supervises it starts it again."""
    os.kill(os.getpid(), signal.SIGTERM)


class RelayWorkerLoop:
    """Runs in a thread of its own, beside the threads that run this worker's tasks."""

    def __init__(self, *, give_up: Callable[[], None] = _end_process) -> None:
        """Start nothing yet; `give_up` is called when the loop cannot go on."""
        self._give_up = give_up
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._worker_id = uuid.UUID(int=0)
        self._http: Session | None = None
        self._connectors: Connectors | None = None
        self._beat_at: float | None = None
        self._patient_until = 0.0
        self._sessions: dict[str, tuple[RelaySession, asyncio.Task[None]]] = {}

    # ---- called from other threads ----

    def start(self) -> None:
        """Start the loop and return when it is registered and hears its group."""
        tune_for_messages()
        self._thread.start()
        self._ready.wait(timeout=30)

    def adopt(self, handoff_id: str) -> None:
        """Claim a handoff and serve it; somebody else may be faster, which is fine."""
        if self._loop is not None:
            begin_on(self._loop, self._claim(handoff_id))

    def tell_undelivered(self, handoff_id: str) -> None:
        """Tell the vendor of a handoff that is over what its live agents wrote afterwards."""
        if self._loop is not None and self._connectors is not None:
            begin_on(self._loop, undelivered_of(self._connectors, handoff_id))

    def stop(self) -> None:
        """Stop claiming, save cursors, give up the leases; returns within ten seconds."""
        if self._loop is not None and self._stopping is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(timeout=STOP_SECONDS + 2)

    # ---- the loop ----

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._http = vendor_session()
        self._connectors = Connectors(self._http)
        await self._register()
        tasks = [
            asyncio.create_task(self._every(settings.RELAY_HEARTBEAT_SECONDS, self._beat)),
            asyncio.create_task(self._every(settings.RELAY_RECHECK_SECONDS, self._recheck)),
            asyncio.create_task(self._hear()),
        ]
        self._ready.set()
        try:
            await self._until_stopped(self._stopping, tasks)
        finally:
            await self._shut_down(tasks)

    async def _until_stopped(
        self, stopping: asyncio.Event, tasks: list[asyncio.Task[None]]
    ) -> None:
        """Return when told to stop, or when one of the endless tasks has broken.

        Without its heartbeat a worker would serve nobody, and nobody would see it.
        """
        told = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait([told, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {told}:
            logger.critical("This relay worker cannot go on: it ends", exc_info=task.exception())
            self._give_up()
        told.cancel()

    async def _register(self) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        while True:
            try:
                self._worker_id = await run_sync(leases.worker_register, name)
                return
            except DatabaseError as error:
                logger.warning("The database is away: %s", type(error).__name__)
                await asyncio.sleep(1)

    async def _shut_down(self, tasks: list[asyncio.Task[None]]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                sessions = [session for session, _ in self._sessions.values()]
                await asyncio.gather(*(session.finish_sending() for session in sessions))
        running = [*tasks, *(task for _, task in self._sessions.values())]
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=STOP_SECONDS - FINISH_SECONDS)
        assert self._http is not None
        try:
            await run_sync(leases.worker_stop, self._worker_id)
        except DatabaseError as error:
            logger.warning("Leases run out by themselves: %s", type(error).__name__)
        await self._http.close()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat for ever; log an outage of the database once when it comes and when it goes."""
        is_away = False
        while True:
            try:
                await work()
            except DatabaseError as error:
                if not is_away:
                    logger.warning("The database is away: %s", type(error).__name__)
                is_away = True
            else:
                if is_away:
                    logger.warning("The database is back")
                is_away = False
            await asyncio.sleep(seconds)

    async def _beat(self) -> None:
        """Say that we live, and take over from those who do not.

        Who could not say so for long lets the others say it first: while the database was away
        nobody could, and no vendor likes two of us in one conversation.
        """
        before = self._beat_at
        await self._say_alive()
        if before is not None and time.monotonic() - before > settings.RELAY_DEAD_AFTER_SECONDS:
            self._patient_until = time.monotonic() + settings.RELAY_DEAD_AFTER_SECONDS
            await self._recheck()
        # Batch after batch: what a dead worker held must not wait for one heartbeat each.
        while await self._claim(None) == leases.CLAIM_BATCH:
            await self._say_alive()

    async def _say_alive(self) -> None:
        began = time.monotonic()
        await run_sync(leases.worker_beat, self._worker_id)
        self._beat_at = began

    async def _recheck(self) -> None:
        """Make the running sessions equal to what the database says we own."""
        held = {lease.handoff_id: lease for lease in await self._held()}
        for handoff_id, (session, task) in list(self._sessions.items()):
            if held.get(handoff_id) != session.lease:
                task.cancel()
        for lease in held.values():
            self._serve(lease)
        for handoff_id in await run_sync(leases.handoffs_with_work, self._worker_id):
            self._wake(handoff_id)

    async def _held(self) -> list[Lease]:
        return await run_sync(leases.leases_held, self._worker_id)

    async def _claim(self, handoff_id: str | None) -> int:
        """Claim and serve; return how many."""
        assert self._stopping is not None
        if self._stopping.is_set():
            return 0
        is_patient = handoff_id is None and time.monotonic() < self._patient_until
        claimed = await run_sync(
            partial(leases.handoffs_claim, self._worker_id, handoff_id, from_dead=not is_patient)
        )
        for lease in claimed:
            self._serve(lease)
        return len(claimed)

    def _serve(self, lease: Lease) -> None:
        """Run a session for a lease unless one runs already; an older lease's is cut off."""
        assert self._connectors is not None
        running = self._sessions.get(lease.handoff_id)
        if running is not None:
            if running[0].lease == lease:
                return
            running[1].cancel()
        session = RelaySession(lease, connectors=self._connectors)
        task = asyncio.create_task(session.run(), name=lease.handoff_id)
        self._sessions[lease.handoff_id] = (session, task)
        RELAY_SESSIONS.set(len(self._sessions))
        task.add_done_callback(lambda done: self._finished(session, done))

    def _finished(self, session: RelaySession, task: asyncio.Task[None]) -> None:
        """Forget a session; one that crashed is started again by the next recheck."""
        current = self._sessions.get(session.lease.handoff_id)
        if current is not None and current[0] is session:
            del self._sessions[session.lease.handoff_id]
            RELAY_SESSIONS.set(len(self._sessions))
        error = None if task.cancelled() else task.exception()
        if isinstance(error, DatabaseError):
            logger.warning("Session interrupted: %s", type(error).__name__)
        elif error is not None:
            logger.error("Session crashed: %s", session.lease.handoff_id, exc_info=error)

    # ---- wake-ups ----

    async def _hear(self) -> None:
        """Listen to this worker's group; without Redis the recheck does the same, slower."""
        while True:
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel(RELAY_PREFIX)
                await layer.group_add(relay_group(self._worker_id), channel)
                while True:
                    self._pass_on(await layer.receive(channel))
            except (RedisError, OSError) as error:
                logger.warning("No wake-ups: %s", type(error).__name__)
                await asyncio.sleep(1)

    def _pass_on(self, message: dict[str, Any]) -> None:
        # What is of another shape comes from another version: the recheck does without.
        running = self._sessions.get(message.get("handoff_id", ""))
        if running is None:
            return
        if message["type"] == "relay.signal":
            running[0].signal(message)  # type: ignore[arg-type]  # what publish.py has built
        elif "delivery" in message and self._is_surely_alive():
            running[0].send_directly(message["delivery"])
        else:
            running[0].wake()

    def _is_surely_alive(self) -> bool:
        """Say whether nobody can have taken over: after a standstill every session has to look."""
        sure = settings.RELAY_DEAD_AFTER_SECONDS * 0.8
        return self._beat_at is not None and time.monotonic() - self._beat_at < sure

    def _wake(self, handoff_id: str) -> None:
        running = self._sessions.get(handoff_id)
        if running is not None:
            running[0].wake()


_current: RelayWorkerLoop | None = None


def relay_start() -> None:
    """Start this process's relay loop; called once, when a worker of the relay queue is up."""
    global _current
    _current = RelayWorkerLoop()
    _current.start()


def relay_stop() -> None:
    """Stop this process's relay loop, if there is one."""
    if _current is not None:
        _current.stop()


def relay_current() -> RelayWorkerLoop | None:
    """Return this process's relay loop, or None where none was started."""
    return _current
