"""Carries texts both ways on one event loop of the process: a slow carrier holds no thread."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Collection, Coroutine
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from django.conf import settings

from conversations.ai_agent.lifetime.start import agent_begin
from conversations.errors import ConversationError, NotAllowedError, RateLimitedError
from conversations.event_loop.background import BackgroundLoop, failure_log
from conversations.event_loop.executor import run_sync
from conversations.files.scanner import FileInfectedError, ScannerAwayError, file_scan_apart
from conversations.models import Conversation
from conversations.sms.hearing import (
    Heard,
    file_keep,
    heard_claim,
    heard_later,
    heard_refused,
    heard_taken,
    heard_told,
)
from conversations.sms.inbox import numbers_to_ask, texts_missed, texts_untold
from conversations.sms.outbox import (
    TextAttempt,
    text_refused,
    text_taken,
    texts_claim,
    texts_wait_seconds,
)
from conversations.sms.telling import threads_tell
from conversations.sms.threads import meant, thread_conversation
from conversations.socket.responder import responder
from integrations.behaviour.sentences import sentence
from integrations.connections.carriers.opening import (
    carrier_calls_save,
    carrier_open,
    carriers_session,
)
from integrations.contract.carrier import Carrier, SentText
from integrations.contract.errors import ConnectorError, UnexpectedResponseError
from integrations.contract.manifest import AttachmentLimits
from integrations.http.client import Session
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration

logger = logging.getLogger(__name__)
# The end of the conversation before is still being written.
_CLOSING_SECONDS = 1.0
_BUSY_SECONDS = 5.0
_FETCH_SECONDS = 45.0
# Nobody sleeps longer than the clock that wakes all.
_SOON_SECONDS = 3.0
_NOT_TAKEN = "text_file_not_taken"


class TextWorker:
    """Owns the loop and its session; thread-safe, but for after a fork."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._loop = BackgroundLoop("texts", closing=self._close)
        self._session: Session | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._looks_again = False
        self._soon: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        """Have what is there carried on; from any thread, and as often as one likes."""
        self._loop.running().call_soon_threadsafe(self._look)

    @property
    def is_busy(self) -> bool:
        """Say whether something is under way."""
        return bool(self._under_way) or not (self._looking is None or self._looking.done())

    def look_back(self) -> Future[Any]:
        """Have carriers asked what came in while their calls may not have reached us."""
        return self._loop.begin(self._look_back())

    async def _look_back(self) -> None:
        for integration, number, since in await run_sync(numbers_to_ask):
            await self._look_back_at(integration, number, since)

    async def _look_back_at(self, integration: Integration, number: str, since: datetime) -> None:
        async def untold(ids: Collection[str]) -> Collection[str]:
            return await run_sync(texts_untold, integration, ids)

        records: list[VendorCallRecord] = []
        carrier = self._carrier(integration, records)
        try:
            found = await carrier.received(number, since=since, untold=untold)
        except ConnectorError as error:
            logger.warning("A carrier did not tell what came in: %s", error.code)
            return
        finally:
            await carrier.close()
        await run_sync(texts_missed, integration, found)

    def _look(self) -> None:
        self._looks_again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._take())
            self._looking.add_done_callback(failure_log)

    async def _take(self) -> None:
        """Begin what there is room for; whoever ends one looks again."""
        while self._looks_again:
            self._looks_again = False
            await run_sync(threads_tell)
            for heard in await run_sync(heard_claim, self._room()):
                self._begin(self._hear(heard))
            for attempt in await run_sync(texts_claim, self._room()):
                self._begin(self._send(attempt))
        wait = await run_sync(texts_wait_seconds)
        if wait is not None and wait < _SOON_SECONDS:
            self._look_in(wait)

    def _look_in(self, seconds: float) -> None:
        if self._soon is not None:
            self._soon.cancel()
        self._soon = asyncio.get_running_loop().call_later(seconds, self._look)

    def _room(self) -> int:
        return int(settings.SMS_AT_ONCE) - len(self._under_way)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        failure_log(task)
        self._look()

    # ---- out ----

    async def _send(self, attempt: TextAttempt) -> None:
        records: list[VendorCallRecord] = []
        carrier = self._carrier(attempt.integration, records)
        try:
            sent = await _handed_over(carrier, attempt)
        except ConnectorError as error:
            await run_sync(text_refused, attempt, error)
        else:
            await run_sync(text_taken, attempt, sent)
        finally:
            await carrier.close()
        await run_sync(carrier_calls_save, attempt.integration.pk, attempt.text.text_id, records)

    # ---- in ----

    async def _hear(self, heard: Heard) -> None:
        conversation = await run_sync(thread_conversation, heard.thread_id)
        if conversation is None:
            await run_sync(heard_later, heard, _CLOSING_SECONDS)
            return
        try:
            await self._say(heard, conversation)
        except RateLimitedError:
            await run_sync(heard_later, heard, _BUSY_SECONDS)
        except ConversationError as error:
            is_over = await run_sync(_is_over, conversation.pk)
            if is_over:
                await run_sync(heard_later, heard, _CLOSING_SECONDS)
            else:
                await run_sync(heard_refused, heard, error, conversation.locale)
        else:
            await run_sync(heard_taken, heard)

    async def _say(self, heard: Heard, conversation: Conversation) -> None:
        if conversation.state == Conversation.State.CREATED:
            await run_sync(agent_begin, conversation.pk, responder().tool_services)
            conversation.state = Conversation.State.BOT
        files = await self._files(heard, conversation) if heard.media else []
        text = await run_sync(meant, conversation, heard.text)
        if text.strip() or files:
            await responder().on_message(
                conversation_id=conversation.pk,
                text=text,
                client_event_id=heard.carrier_id,
                metadata=None,
                file_ids=files,
            )

    async def _files(self, heard: Heard, conversation: Conversation) -> list[uuid.UUID]:
        """Fetch what came with a text; whoever sent it is told what nobody can have."""
        try:
            limits = await run_sync(responder().attachment_limits, conversation_id=conversation.pk)
        except NotAllowedError as error:
            await run_sync(heard_told, heard, "files", error.text(conversation.locale))
            return []
        found = [
            _NOT_TAKEN if limits is None else await self._file(heard, conversation, number, limits)
            for number in range(len(heard.media))
        ]
        if refused := [one for one in found if isinstance(one, str)]:
            told = sentence(refused[0], conversation.locale)
            await run_sync(heard_told, heard, "files", told)
        return [one for one in found if isinstance(one, uuid.UUID)]

    async def _file(
        self, heard: Heard, conversation: Conversation, number: int, limits: AttachmentLimits
    ) -> uuid.UUID | str:
        """Return the id of a file that is kept, or the key of what its sender is told."""
        records: list[VendorCallRecord] = []
        carrier = self._carrier(heard.integration, records)
        media = heard.media[number]
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                content = await carrier.fetch_media(media, max_bytes=limits.max_bytes)
            await file_scan_apart(content)
        except UnexpectedResponseError:
            return _NOT_TAKEN  # it is larger than what is read
        except (ConnectorError, TimeoutError, FileInfectedError, ScannerAwayError) as error:
            logger.warning("A file of a text was not fetched: %s", type(error).__name__)
            return "text_file_not_fetched"
        finally:
            await carrier.close()
        kept = await run_sync(file_keep, conversation, media, content, number + 1, limits)
        return kept or _NOT_TAKEN

    def _carrier(self, integration: Integration, records: list[VendorCallRecord]) -> Carrier:
        if self._session is None or self._session.closed:
            self._session = carriers_session()
        return carrier_open(integration, session=self._session, run_sync=run_sync, records=records)

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _handed_over(carrier: Carrier, attempt: TextAttempt) -> SentText:
    """Send a text; one that may have been taken already is looked for before."""
    if attempt.doubtful_since is not None:
        found = await carrier.find_sent(
            attempt.text, since=attempt.doubtful_since, but=attempt.others
        )
        if found is not None:
            return found
    return await carrier.send(attempt.text)


def _is_over(conversation_id: str) -> bool:
    return Conversation.objects.get(pk=conversation_id).is_over


TEXTS = TextWorker()
