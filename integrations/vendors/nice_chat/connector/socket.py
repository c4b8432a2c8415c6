"""A guest's open socket: authorization, heartbeat, requests with their replies, pushes, its end."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    InvalidAuthError,
    RejectedError,
)
from integrations.http.socket import VendorSocket
from integrations.kit.digital_messages.progress import CLOSED, made_at
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.kit.recent import Recent
from integrations.kit.sockets.audience import Audience, Next
from integrations.kit.sockets.replies import Replies
from integrations.vendors.nice_chat.client import NiceChatClient
from integrations.vendors.nice_chat.mapping.frames import (
    HEARTBEAT,
    PLATFORM,
    VERSION,
    Frame,
    Guest,
    Push,
    frame_of,
)

IDS_KEPT = 500
EARLY_KEPT = 50
MAX_PAGES = 20
OUTDATED = "SdkVersionNotSupported"
RECOVERY = {True: "RecoverLivechat", False: "RecoverThread"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTiming:
    """Seconds that a socket lives by; tests shorten them."""

    beat: float = 15.0
    idle: float = 45.0
    open: float = 10.0
    reply: float = 10.0
    # How often a thread is recovered without a need: what a push has lost is found.
    recheck: float = 60.0
    # Between two askings about a live chat that is not found.
    ask_again: float = 2.0
    give_up: float = 240.0
    first_delay: float = 1.0
    max_delay: float = 300.0


class RefusedRequestError(RejectedError):
    """The gateway answered a request with an error; `vendor_code` is its code."""


class GuestSocket:
    """One socket for one guest; whoever uses it shares it with the listener."""

    def __init__(
        self, client: NiceChatClient, guest: Guest, *, is_live_chat: bool, timing: SocketTiming
    ) -> None:
        """Open nothing yet."""
        self.guest = guest
        self.is_live_chat = is_live_chat
        # Ids of our messages that are in the thread, as far as we have seen.
        self.known: Recent[bool] = Recent(IDS_KEPT)
        self.contact_id = ""
        self.status = ""
        # Whether what we have seen may lack something of ours.
        self.is_in_doubt = True
        self._client = client
        self._timing = timing
        self._error: ConnectorError | None = None
        self._socket: VendorSocket | None = None
        self._replies: Replies[Json] = Replies(timing.reply)
        # Pushes that nobody has listened to yet are kept for the first one.
        self._pushes: Audience[Push] = Audience(early=EARLY_KEPT)
        self._beats = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        """Say whether requests can be made."""
        return self._error is None and self._task is not None

    async def open(self, token: str) -> None:
        """Open the socket and say who it is; a token has said so already."""
        is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(token, is_open))
        is_ready = False
        try:
            await is_open
            if not token:
                await self._authorize()
            is_ready = True
        finally:
            if not is_ready:
                await self.close()

    async def close(self) -> None:
        """Close the socket; twice is fine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._over(CannotConnectError("gateway: closed by us", reason="stream"))

    async def request(self, event: str, data: Json) -> Json:
        """Make a request and return the data of its reply; RefusedRequestError for an error."""
        if self._error is not None or self._socket is None:
            raise self._error or CannotConnectError("gateway: not open", reason="stream")
        event_id = str(uuid.uuid4())
        frame = self.guest.frame(event, data, event_id)
        try:
            return await self._replies.to(event_id, self._socket.send_text(frame))
        except TimeoutError as error:
            raise CannotConnectError(f"{event}: no reply", reason="timeout") from error
        except RefusedRequestError as error:
            raise RefusedRequestError(f"{event}: refused", vendor_code=error.vendor_code) from error

    async def recover(self) -> Json:
        """Return the thread with its newest messages, and remember what of ours is there."""
        found = await self.request(RECOVERY[self.is_live_chat], self.guest.thread)
        contact = as_object(found.get("contact"))
        self.note(as_text(contact.get("id")), as_text(contact.get("status")))
        self.note_messages(found.get("messages"))
        self.is_in_doubt = False
        return found

    async def history(self, found: Json, since: datetime | None = None) -> list[Json]:
        """Return the messages of a recovery and of older pages, oldest first, from `since` on."""
        first = since or datetime.min.replace(tzinfo=UTC)
        messages = as_objects(found.get("messages"))
        token = as_text(found.get("messagesScrollToken"))
        for _ in range(MAX_PAGES):
            if not token or not messages or _at(messages[-1]) < first:
                break
            page = await self._older(token, messages[-1])
            messages += as_objects(page.get("messages"))  # pages come newest first
            token = as_text(page.get("scrollToken"))
        messages.reverse()  # of one moment, the later one stays behind
        return sorted((one for one in messages if _at(one) >= first), key=_at)

    async def _older(self, token: str, oldest: Json) -> Json:
        """Return an older page of the thread's messages."""
        named = ("createdAtWithMilliseconds", "createdAt")
        at = next((as_text(oldest.get(name)) for name in named if oldest.get(name)), "")
        wanted = {"scrollToken": token, "oldestMessageDatetime": at}
        return await self.request("LoadMoreMessages", {**self.guest.thread, **wanted})

    def note(self, contact_id: str, status: str) -> None:
        """Note the thread's newest contact, and how it stands."""
        if contact_id:
            self.contact_id, self.status = contact_id, status or self.status

    def note_messages(self, messages: object) -> None:
        """Note which messages of ours are in the thread."""
        for message in as_objects(messages):
            if message.get("direction") == "inbound":
                self.known.put(as_text(message.get("idOnExternalPlatform")), True)

    def pushes(self) -> AbstractAsyncContextManager[Next[Push]]:
        """Hear the pushes from now on."""
        return self._pushes.listening()

    def have_looked_at(self) -> None:
        """Have the listener look at the thread: what we did there is pushed to nobody."""
        self._pushes.wake()

    async def _authorize(self) -> None:
        given = {
            "authorization": {"authorizationCode": None},
            "disableChannelInfo": True,
            "sdkVersion": VERSION,
            "sdkPlatform": PLATFORM,
        }
        try:
            answer = await self.request("AuthorizeCustomer", given)
        except RefusedRequestError as error:
            raise InvalidAuthError(error.message, vendor_code=error.vendor_code) from error
        identity = as_object(answer.get("consumerIdentity"))
        if answer.get("status") != "success" or not identity.get("idOnExternalPlatform"):
            raise InvalidAuthError("AuthorizeCustomer: not authorized")

    async def _run(self, token: str, is_open: asyncio.Future[None]) -> None:
        beating: asyncio.Task[None] | None = None
        try:
            async with self._client.gateway(
                self.guest,
                token,
                idle_timeout=self._timing.idle,
                open_timeout=self._timing.open,
            ) as self._socket:
                if token:
                    self._beats.set()
                beating = asyncio.create_task(self._beat(self._socket))
                is_open.set_result(None)
                async for text in self._socket:
                    self._take(frame_of(text))
            self._over(CannotConnectError("gateway: closed by NICE CXone", reason="stream"))
        except ConnectorError as error:
            self._over(error)
            if not is_open.done():
                is_open.set_exception(error)
        finally:
            if beating is not None:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)

    async def _beat(self, socket: VendorSocket) -> None:
        """Send heartbeats, as the vendor's own client: once the gateway has authorized us."""
        await self._beats.wait()
        with suppress(CannotConnectError):  # the reader learns of it as well
            while True:
                await socket.send_text(HEARTBEAT)
                await asyncio.sleep(self._timing.beat)

    def _take(self, frame: Frame) -> None:
        if frame.is_authorized:
            self._beats.set()
        if frame.error_code == OUTDATED:
            raise RejectedError("gateway: this client is too old", vendor_code=OUTDATED)
        if frame.error_code:
            refusal = RefusedRequestError(vendor_code=frame.error_code)
            self._replies.refuse(frame.event_id, refusal)
            return
        reply = frame.push.data if frame.push else frame.reply
        if not self._replies.answer(frame.event_id, reply) and frame.push is not None:
            self._take_push(frame.push)

    def _take_push(self, push: Push) -> None:
        if push.thread_id == self.guest.thread_id:
            case = as_object(push.data.get("case"))
            if push.event in ("CaseCreated", "CaseStatusChanged"):
                self._note_case(push.event, case)
            self.note_messages([push.data.get("message")])
        self._pushes.tell(push)

    def _note_case(self, event: str, case: Json) -> None:
        """Note a contact; what happens to one before the newest is passed by."""
        contact_id = as_text(case.get("id"))
        if event == "CaseCreated" or contact_id == self.contact_id or not self.contact_id:
            self.note(contact_id, as_text(case.get("status")))

    def _over(self, error: ConnectorError) -> None:
        if self._error is None:
            self._error = error
        self._replies.end(self._error)
        self._pushes.end(self._error)


def _at(message: Json) -> datetime:
    """Return when a message was made; one without a time is older than all others."""
    return made_at(message) or datetime.min.replace(tzinfo=UTC)


async def end_guest(socket: GuestSocket, pause: float) -> None:
    """Let nothing be open in the thread; raises a ConnectorError unless the vendor says so."""
    try:
        found = await socket.recover()
    except RefusedRequestError as error:
        await _be_sure(socket, pause, error)
        return
    try:
        if socket.is_live_chat:
            await _close(socket)
        else:
            await _archive(socket, found)
    except RefusedRequestError as error:
        raise CannotConnectError(error.message, vendor_code=error.vendor_code) from error


async def _close(socket: GuestSocket) -> None:
    if socket.contact_id and socket.status not in CLOSED:
        contact = {"contact": {"id": socket.contact_id}}
        await socket.request("EndContact", {**socket.guest.thread, **contact})


async def _archive(socket: GuestSocket, found: Json) -> None:
    if as_object(found.get("thread")).get("canAddMoreMessages") is not False:
        await socket.request("ArchiveThread", socket.guest.thread)
        socket.have_looked_at()


async def _be_sure(socket: GuestSocket, pause: float, refusal: RefusedRequestError) -> None:
    """Tell a thread that is not there from a refusal that will pass.

    A live chat that is closed is not found; else the list of the guest's threads must lack it.
    """
    if socket.is_live_chat:
        await asyncio.sleep(pause)
        try:
            await socket.recover()
        except RefusedRequestError:
            return
    elif await _is_unknown(socket):
        return
    raise CannotConnectError(refusal.message, vendor_code=refusal.vendor_code)


async def _is_unknown(socket: GuestSocket) -> bool:
    try:
        found = await socket.request("FetchThreadList", {})
    except RefusedRequestError:
        return False
    threads = found.get("threads")
    named = [one.get("idOnExternalPlatform") for one in as_objects(threads)]
    return isinstance(threads, list) and all(named) and socket.guest.thread_id not in named
