"""How a pretend vendor calls the portal back: signed bodies out, retried as planned, all logged."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient, open_session
from integrations.simulators.events.faults import EventFaults

DELIVERIES_KEPT = 2000
PENDING_LIMIT = 1000
STOP_SECONDS = 5.0
# So many of a lane's first letters of each label can be posted again later.
OLDEST_KEPT = 20
ANY_STATUS = range(100, 600)


def is_overload(status: int) -> bool:
    """Tell whether an answer asks to be called again: 429 and 5xx."""
    return status == 429 or status >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPlan:
    """How long to wait for an answer, and when to try again; one pause before each repetition."""

    timeout_seconds: float = 10.0
    pauses: tuple[float, ...] = (5.0,) * 5
    is_retried: Callable[[int], bool] = is_overload


@dataclass(slots=True, kw_only=True)
class WebhookDelivery:
    """One webhook and what became of it; headers and body as they were sent."""

    url: str
    headers: dict[str, str]
    body: str
    method: str = "POST"
    label: str = ""
    state: str = "pending"
    posted_at: float = field(default_factory=time.time)
    attempts: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the delivery in the shape of the desk's webhook list."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, kw_only=True)
class _Parcel:
    delivery: WebhookDelivery
    content: bytes
    lane: str


class WebhookSender:
    """Delivers webhooks from a thread of its own; its methods may be called from any thread.

    Webhooks of one lane (a conversation) make their first attempt in the order they were posted;
    a retry lets later ones pass, as it does at a real vendor.
    """

    def __init__(self, plan: RetryPlan | None = None, *, user_agent: str = "Simulator") -> None:
        self.plan = plan or RetryPlan()
        self.delay_seconds = 0.0
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._kept: deque[WebhookDelivery] = deque(maxlen=DELIVERIES_KEPT)
        self._faults: EventFaults[_Parcel] = EventFaults()
        self._worker: _Worker | None = None

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        label: str = "",
        method: str = "POST",
    ) -> WebhookDelivery:
        """Deliver one webhook and return when it arrived or was given up."""
        parcel = self._parcel(url, headers, body, label=label)
        parcel.delivery.method = method
        worker = self._running()
        await asyncio.wrap_future(worker.submit(self._deliver(worker, parcel)))
        return parcel.delivery

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        lane: str = "",
        label: str = "",
    ) -> WebhookDelivery:
        """Deliver one webhook in the background, with the planned duplicates and swaps.

        The returned delivery goes on changing: look at its `state` for what became of it.
        """
        parcel = self._parcel(url, headers, body, lane=lane, label=label)
        with self._lock:
            arriving = self._faults.arriving(parcel, label=label, lane=lane)
        for number, one in enumerate(arriving):
            is_repeat = number > 0 and one is parcel
            self._submit(
                self._parcel(url, headers, body, lane=lane, label=label) if is_repeat else one
            )
        return parcel.delivery

    def run(self, work: Callable[[HttpClient], Coroutine[Any, Any, None]]) -> None:
        """Run other work of the vendor's (fetching a file) on the sender's thread and client."""
        worker = self._running()
        worker.submit(work(worker.client))

    def duplicate_next(self, label: str | None = None) -> None:
        """Deliver the next webhook (with this label) twice."""
        with self._lock:
            self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Hold the next webhook (with this label) back until the one after it in its lane."""
        with self._lock:
            self._faults.swap_next_two(label)

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the kept deliveries, oldest first."""
        return [delivery.as_dict() for delivery in list(self._kept)]

    def forget(self) -> None:
        """Give up what is on its way and forget what was sent and planned."""
        self.close()
        with self._lock:
            self._kept.clear()
            self._faults.forget()
            self.delay_seconds = 0.0

    def close(self) -> None:
        """Stop delivering; posting again starts anew."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    # -- Delivering ---------------------------------------------------------------------------

    def _parcel(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        label: str,
        lane: str = "",
    ) -> _Parcel:
        delivery = WebhookDelivery(
            url=url,
            headers={"User-Agent": self._user_agent, **headers},
            body=body.decode("utf-8", errors="replace"),
            label=label,
        )
        self._kept.append(delivery)
        return _Parcel(delivery=delivery, content=body, lane=lane)

    def _submit(self, parcel: _Parcel) -> None:
        worker = self._running()
        if worker.is_full:
            parcel.delivery.state = "failed"
            parcel.delivery.attempts.append({"error": "too many webhooks are on their way"})
            return
        worker.submit(self._deliver(worker, parcel))

    def _running(self) -> _Worker:
        with self._lock:
            if self._worker is None:
                self._worker = _Worker()
            return self._worker

    async def _deliver(self, worker: _Worker, parcel: _Parcel) -> None:
        plan, delivery = self.plan, parcel.delivery
        lane = worker.lanes.setdefault(parcel.lane or str(id(parcel)), asyncio.Lock())
        async with lane:
            await asyncio.sleep(self.delay_seconds)
            is_settled = await _attempt(worker.client, delivery, parcel.content, plan)
        for pause in plan.pauses:
            if is_settled:
                break
            await asyncio.sleep(pause)
            is_settled = await _attempt(worker.client, delivery, parcel.content, plan)
        if not is_settled:
            delivery.state = "failed"


async def _attempt(
    client: HttpClient, delivery: WebhookDelivery, content: bytes, plan: RetryPlan
) -> bool:
    """Try once and return whether the matter is settled, well or badly."""
    attempt: dict[str, Any] = {"at": time.time(), "status": None}
    delivery.attempts.append(attempt)
    started = time.perf_counter()
    try:
        answer = await client.request(
            "webhook",
            delivery.method,
            delivery.url,
            headers=delivery.headers,
            data=content,
            timeout=plan.timeout_seconds,
            returns=ANY_STATUS,
        )
    except ConnectorError as error:
        attempt["error"] = str(error)
        if error.reason == "address":
            # No repetition mends an address that may not be called.
            delivery.state = "failed"
        return error.reason == "address"
    finally:
        attempt["seconds"] = round(time.perf_counter() - started, 3)
    attempt["status"] = answer.status
    if 200 <= answer.status < 300:
        delivery.state = "delivered"
        return True
    if plan.is_retried(answer.status):
        return False
    delivery.state = "failed"
    return True


class _Worker:
    """The thread, event loop and HTTP session on which a sender delivers."""

    client: HttpClient

    def __init__(self) -> None:
        self.lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._pending: set[Future[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhook-sender", daemon=True)
        self._thread.start()
        self._is_ready.wait(STOP_SECONDS)

    @property
    def is_full(self) -> bool:
        """Tell whether no more may be on its way at once."""
        return len(self._pending) >= PENDING_LIMIT

    def submit(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run work on the loop of this worker, in the order of submission."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def stop(self) -> None:
        """Cancel all work and let the thread end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        session = self._loop.run_until_complete(_session())
        self.client = HttpClient(session, allow_local=True)
        self._is_ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            self._loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        self._loop.run_until_complete(session.close())
        self._loop.close()


async def _session() -> Any:
    return open_session(allow_local=True)


@dataclass(slots=True, kw_only=True)
class Letter:
    """One event on its way, in the lane within which the order counts; a vendor may add to it."""

    url: str
    raw: bytes
    lane: str
    label: str
    method: str = "POST"

    def tried(self, *, is_answered: bool) -> None:
        """Hear what came of an attempt; some vendors stop calling after too many failures."""


L = TypeVar("L", bound=Letter)


class Outbox(Generic[L]):
    """Posts letters in the background: those of a lane in order, each until it is answered.

    Each attempt is signed anew. Its methods may be called from any thread.
    """

    def __init__(
        self,
        *,
        sign: Callable[[L], Mapping[str, str]],
        pause: Callable[[], float],
        repeated_seconds: float,
        user_agent: str,
        timeout_seconds: float = 5.0,
    ) -> None:
        """Take what makes an attempt's headers, and the pause between two as it stands then."""
        self._sign = sign
        self._pause = pause
        self._repeated_seconds = repeated_seconds
        # The lanes repeat: the sender itself makes a single attempt.
        once = RetryPlan(timeout_seconds=timeout_seconds, pauses=())
        self._sender = WebhookSender(once, user_agent=user_agent)
        self._lock = threading.Lock()
        self._lanes: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._oldest: defaultdict[tuple[str, str], list[L]] = defaultdict(list)
        self._faults: EventFaults[L] = EventFaults()

    def post(self, letter: L) -> None:
        """Deliver a letter after those of its lane, with the planned duplicates and swaps."""
        with self._lock:
            if len(oldest := self._oldest[letter.lane, letter.label]) < OLDEST_KEPT:
                oldest.append(letter)
            for one in self._faults.arriving(letter, label=letter.label, lane=letter.lane):
                self._submit(one)

    def post_oldest(self, label: str, count: int) -> None:
        """Deliver each lane's oldest letters (of this label) again, after those on their way."""
        with self._lock:
            for (_lane, kind), letters in self._oldest.items():
                for letter in letters[:count] if kind == label else ():
                    self._submit(letter)

    def duplicate_next(self, label: str | None = None) -> None:
        """Deliver the next letter (with this label) twice."""
        with self._lock:
            self._faults.duplicate_next(label)

    def swap_next_two(self, label: str | None = None) -> None:
        """Hold the next letter (with this label) back until the one after it in its lane."""
        with self._lock:
            self._faults.swap_next_two(label)

    def lose_next(self, count: int) -> None:
        """Let the next letters never arrive."""
        with self._lock:
            self._faults.lose_next(count)

    def fetch(self, lane: str, work: Callable[[HttpClient], Coroutine[Any, Any, None]]) -> None:
        """Fetch something in the background, one after the other within a lane of their own."""
        with self._lock:
            turn = self._lanes[f"fetch:{lane}"]

        async def in_turn(client: HttpClient) -> None:
            async with turn:
                await work(client)

        self._sender.run(in_turn)

    def delay(self, seconds: float) -> None:
        """Wait before each attempt."""
        self._sender.delay_seconds = seconds

    def deliveries(self) -> list[dict[str, Any]]:
        """Return what was posted, oldest first; a letter that was repeated stands there again."""
        return self._sender.deliveries()

    def forget(self) -> None:
        """Give up what is on its way and forget what was sent and planned."""
        with self._lock:
            self._lanes.clear()
            self._oldest.clear()
            self._faults.forget()
        self._sender.forget()

    def close(self) -> None:
        """Stop delivering; posting again starts anew."""
        with self._lock:
            self._lanes.clear()
        self._sender.close()

    def _submit(self, letter: L) -> None:
        lane, give_up_at = self._lanes[letter.lane], time.monotonic() + self._repeated_seconds
        self._sender.run(lambda _client: self._deliver(letter, lane, give_up_at))

    async def _deliver(self, letter: L, lane: asyncio.Lock, give_up_at: float) -> None:
        """Hold the lane until the letter is answered: the lock lets waiting ones in by turns."""
        async with lane:
            # A lane that is not kept any more has been forgotten, and its letters with it.
            while self._lanes.get(letter.lane) is lane and not await self._is_answered(letter):
                if time.monotonic() > give_up_at:
                    return
                await asyncio.sleep(self._pause())

    async def _is_answered(self, letter: L) -> bool:
        headers = dict(self._sign(letter))
        sent = await self._sender.send(
            letter.url, headers, letter.raw, label=letter.label, method=letter.method
        )
        status = sent.attempts[-1]["status"]
        is_answered = status is not None and not is_overload(status)
        letter.tried(is_answered=is_answered)
        return is_answered
