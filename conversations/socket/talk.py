"""What a client's frame leads to, whichever way it came: a socket or an HTTP request."""

from __future__ import annotations

from typing import Any, Protocol

from conversations.ai_agent.lifetime.start import agent_begin
from conversations.errors import ConversationError, RateLimitedError
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType, Frame, error_frame, transient_frame
from conversations.models import Event
from conversations.socket.client_frames import BadFrameError, ClientFrame
from conversations.socket.refusals import LastRefusal
from conversations.socket.responder import responder
from conversations.survey.reading import SurveyAnswer
from conversations.survey.services import survey_answer


class Outlet(Protocol):
    """Where the answers to a client's frames go."""

    async def show(self, frame: Frame) -> object:
        """Send a frame."""

    async def show_events(self, events: list[Event]) -> None:
        """Send journal lines that were written a moment ago."""

    async def show_with_echo(self, events: list[Event]) -> None:
        """Send lines; the first one also where it was sent before, for its echo may be lost."""


class ClientTalk:
    """What one client says in a conversation, frame by frame, in order."""

    def __init__(self, conversation_id: str, locale: str, outlet: Outlet) -> None:
        """Answer to an outlet."""
        self._conversation_id, self._locale, self._outlet = conversation_id, locale, outlet
        self._last_refusal = LastRefusal()

    async def refuse(self, error: BadFrameError) -> None:
        """Say what is wrong with a frame that cannot be read."""
        frame = error_frame(error.code, error.text(self._locale), error.metadata)
        await self._outlet.show(frame)

    async def hear(self, frame: ClientFrame) -> None:
        """Do what a frame asks for, or say why not."""
        try:
            await self._handle(frame)
        except ConversationError as error:
            said = error_frame(error.code, error.text(self._locale), frame.metadata)
            await self._outlet.show(said)

    async def _handle(self, frame: ClientFrame) -> None:
        match frame.type:
            case EventType.USER_MESSAGE:
                await self._on_message(frame)
            case EventType.HEARTBEAT:
                echo = transient_frame(EventType.HEARTBEAT, {}, frame.metadata)
                await self._outlet.show(echo)
            case EventType.USER_TYPING:
                await self._call(responder().on_typing, is_typing=frame.is_typing)
            case EventType.USER_READ_MESSAGE | EventType.USER_RECEIVED_MESSAGE:
                kind = "read" if frame.type == EventType.USER_READ_MESSAGE else "delivered"
                await self._call(responder().on_receipt, message_id=frame.message_id, kind=kind)
            case EventType.REQUEST_POLY_AGENT_JOIN:
                await self._on_join(frame)
            case EventType.USER_CANCEL_HANDOFF:
                await self._outlet.show_events(await self._call(responder().on_cancel))
            case EventType.CSAT_RESPONSE:
                given = frame.survey or SurveyAnswer()
                await run_sync(survey_answer, self._conversation_id, given)
                await self._outlet.show(transient_frame(frame.type, {}, frame.metadata))
            case EventType.USER_RETRY_MESSAGE:
                await self._on_retry(frame)
            case EventType.USER_END_SESSION:
                events = await self._call(responder().on_leave, metadata=frame.metadata)
                await self._outlet.show_events(events)

    async def _on_message(self, frame: ClientFrame) -> None:
        self._last_refusal.check()
        try:
            events = await responder().on_message(
                conversation_id=self._conversation_id,
                text=frame.text,
                client_event_id=frame.client_event_id,
                metadata=frame.metadata,
                file_ids=frame.file_ids,
                answer=frame.answer,
            )
        except RateLimitedError as error:
            self._last_refusal.note(error)
            raise
        await self._outlet.show_with_echo(events)

    async def _on_retry(self, frame: ClientFrame) -> None:
        events = await self._call(
            responder().on_retry,
            message_id=frame.message_id,
            client_event_id=frame.client_event_id,
            metadata=frame.metadata,
        )
        await self._outlet.show_with_echo(events)

    async def _on_join(self, frame: ClientFrame) -> None:
        await self._outlet.show(transient_frame(frame.type, {}, frame.metadata))
        joined, *greeting = await run_sync(
            agent_begin, self._conversation_id, responder().tool_services
        )
        await self._outlet.show_events([joined])
        await self._outlet.show(transient_frame(EventType.POLY_AGENT_THINKING, {}))
        await self._outlet.show_events(greeting)

    async def _call(self, act: Any, **details: Any) -> Any:
        return await run_sync(act, conversation_id=self._conversation_id, **details)
