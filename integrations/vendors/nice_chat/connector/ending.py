"""Ends a guest's conversation: closes the contact, or archives the thread, and is sure of it."""

from __future__ import annotations

import asyncio

from integrations.contract.errors import CannotConnectError
from integrations.kit.json_values import Json, as_object, as_objects
from integrations.vendors.nice_chat.connector.progress import CLOSED
from integrations.vendors.nice_chat.connector.socket import GuestSocket, RefusedRequestError


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
