"""Typing, absence and receipts on their way to the vendor: losing one is harmless."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from conversations.journal.frames import RelaySignal
from integrations.contract.connector import Connector, ReceiptKind, VendorSession
from integrations.contract.errors import ConnectorError
from integrations.contract.manifest import Capability

logger = logging.getLogger(__name__)
# The same typing state is passed on once in this time, however often the client repeats it.
TYPING_SECONDS = 3.0
_TYPING = ("typing_started", "typing_stopped")
_PRESENCE = ("away", "back")


async def signals_pass(
    connector: Connector,
    signals: asyncio.Queue[RelaySignal],
    session_now: Callable[[], VendorSession],
) -> None:
    """Pass signals on for ever; whatever fails here is not worth a retry."""
    passed_typing, passed_at = "typing_stopped", 0.0
    while True:
        signal = await signals.get()
        if signal["signal"] in _TYPING:
            is_repeat = signal["signal"] == passed_typing
            if is_repeat and time.monotonic() - passed_at < TYPING_SECONDS:
                continue
            passed_typing, passed_at = signal["signal"], time.monotonic()
        try:
            await _pass(connector, session_now(), signal)
        except ConnectorError as error:
            logger.debug("Signal not passed on: %s", error.code)


async def _pass(connector: Connector, session: VendorSession, signal: RelaySignal) -> None:
    if signal["signal"] in _TYPING:
        await connector.send_typing(session, is_typing=signal["signal"] == "typing_started")
    elif signal["signal"] in _PRESENCE:
        if Capability.PRESENCE_OUT in connector.capabilities:
            await connector.send_presence(session, is_away=signal["signal"] == "away")
    else:
        kind = ReceiptKind(signal["signal"])
        if kind is ReceiptKind.FAILED and (
            Capability.FAILED_RECEIPT_OUT not in connector.capabilities
        ):
            return
        await connector.send_receipt(session, signal["vendor_message_id"], kind)
