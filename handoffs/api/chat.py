"""The Chat API: turn based, for surfaces that are not ours (agent_api section 8)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.ai_agent.lifetime.start import agent_begin
from conversations.api.access import clean, project_open
from conversations.api.async_view import AsyncEnvelopeView
from conversations.api.errors import RefusedError, error_response
from conversations.api.schema import IDEMPOTENCY, answer
from conversations.api.strict import count_asked, problems_told
from conversations.errors import ConversationEndedError, NotAllowedError, RateLimitedError
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import Frame
from conversations.journal.selectors import frames_after
from conversations.journal.services import Visitor, session_create
from conversations.journal.waiting import conversation_wait
from conversations.models import Channel, Conversation
from conversations.socket.client_extensions import frame_shown
from conversations.widget.access_token import secret_hash
from handoffs.api.chat_schema import (
    AFTER,
    API,
    CONVERSATION,
    PLACE,
    WAIT,
    ChatClosed,
    ChatCloseInput,
    ChatCreated,
    ChatCreateInput,
    ChatFrame,
    ChatRespondInput,
    ChatTurn,
)
from handoffs.api.chat_turns import (
    ChatAnswer,
    ChatMessage,
    TurnUnderWayError,
    chat_answer,
    chat_close,
    chat_say,
)
from handoffs.starting.agent_place import tool_services
from integrations.models import ApiKey, Project

REQUESTS_PER_MINUTE = 600
WAIT_SECONDS_MAX = 30
_SEQUENCE_MAX = 2_147_483_647


class ChatView(AsyncEnvelopeView):
    """A call of the key's project, on the channel of its connector token."""

    async def act(
        self,
        request: Request,
        account_id: str,
        project_id: str,
        do: Callable[[Channel], Awaitable[Response]],
    ) -> Response:
        """Open project and channel, do it; every refusal has the envelope."""
        try:
            return await do(await run_sync(_channel_open, request, account_id, project_id))
        except ConversationEndedError:
            text = "The conversation has ended. Its messages can still be read; create a new one."
            return error_response(410, "ChatConversationEnded", text)
        except TurnUnderWayError as error:
            return error_response(409, "CHAT_TURN_UNDER_WAY", str(error))
        except RateLimitedError as error:
            return error_response(429, "RATE_LIMITED", str(error), retry_after=1)
        except NotAllowedError as error:
            return error_response(409, "NOT_ALLOWED", str(error))


class ChatCreateView(ChatView):
    """POST …/chat/create."""

    @API.operation(
        "chat_create",
        "Open a conversation and hear the greeting",
        "`channel` is what the surface is, for tools and reports; `api` unless named.",
        parameters=PLACE,
        takes=ChatCreateInput,
        gives=answer(ChatCreated, "The conversation."),
        _400="INVALID_REQUEST CHAT_DRAFT_NOT_EXIST",
    )
    async def post(self, request: Request, account_id: str, project_id: str) -> Response:
        """Open the conversation; the AI agent joins and greets."""

        async def do(channel: Channel) -> Response:
            fields = _checked(ChatCreateInput, request.data)
            conversation_id, greeting = await run_sync(_create, channel, fields)
            return Response({"conversation_id": conversation_id, "response": greeting})

        return await self.act(request, account_id, project_id, do)


class ChatRespondView(ChatView):
    """POST …/chat/respond."""

    @API.operation(
        "chat_respond",
        "Say something and hear the answer",
        "Answers when the AI agent's turn is over. `handoff` is there on the turn that hands off: "
        "with `end_conversation` true the client routes by `destination`; in mode `server` the "
        "live agent's lines are read by `chat/messages`. A call without `message` says nothing "
        "and tells where the conversation stands.",
        parameters=[*PLACE, IDEMPOTENCY],
        takes=ChatRespondInput,
        gives=answer(ChatTurn, "The AI agent's turn is over."),
        _400="INVALID_REQUEST CHAT_TIMEOUT CHAT_DRAFT_NOT_EXIST",
        _404="NOT_FOUND",
        _409="CHAT_TURN_UNDER_WAY NOT_ALLOWED",
        _410="ChatConversationEnded",
    )
    async def post(self, request: Request, account_id: str, project_id: str) -> Response:
        """Journal the message and wait for its turn to be over."""

        async def do(channel: Channel) -> Response:
            fields = _checked(ChatRespondInput, request.data)
            found = await run_sync(_find, channel, fields["conversation_id"])
            message = _message(request, fields)
            since = await run_sync(chat_say, found, message)
            answer = await _turn_over(found, since, is_asked=bool(message.text.strip()))
            return Response(_turn_body(found, answer))

        return await self.act(request, account_id, project_id, do)


class ChatCloseView(ChatView):
    """PUT …/chat/close."""

    @API.operation(
        "chat_close",
        "End the conversation",
        "Also at the vendor, where a live agent has it. Closing twice is fine.",
        parameters=PLACE,
        takes=ChatCloseInput,
        gives=answer(ChatClosed, "It is over."),
        _400="INVALID_REQUEST CHAT_DRAFT_NOT_EXIST",
        _404="NOT_FOUND",
        _409="NOT_ALLOWED",
    )
    async def put(self, request: Request, account_id: str, project_id: str) -> Response:
        """End it as the end user would."""

        async def do(channel: Channel) -> Response:
            fields = _checked(ChatCloseInput, request.data)
            found = await run_sync(_find, channel, fields["conversation_id"])
            await run_sync(chat_close, found)
            return Response({"success": True})

        return await self.act(request, account_id, project_id, do)


class ChatMessagesView(ChatView):
    """GET …/chat/messages."""

    @API.operation(
        "messages_list",
        "Read what was said, a live agent's lines included",
        "The journal's lines after a sequence, oldest first, up to 500 at once, as the socket's "
        "frames. With `wait` the call answers as soon as there is a line.",
        parameters=[*PLACE, CONVERSATION, AFTER, WAIT],
        gives=answer(ChatFrame(many=True), "The lines."),
        _400="INVALID_REQUEST CHAT_DRAFT_NOT_EXIST",
        _404="NOT_FOUND",
    )
    async def get(self, request: Request, account_id: str, project_id: str) -> Response:
        """Read the journal, once there is something to read or the time is over."""

        async def do(channel: Channel) -> Response:
            query = request.query_params
            # As the socket's cursor.
            after = {"after": query.get("after", "").removeprefix("seq:")}
            sequence = count_asked(after, "after", most=_SEQUENCE_MAX)
            wait = count_asked(query, "wait", most=WAIT_SECONDS_MAX)
            if not (named := query.get("conversation_id")):
                raise RefusedError(400, "INVALID_REQUEST", "conversation_id: Give this parameter.")
            found = await run_sync(_find, channel, named)
            look = partial(_frames, found, sequence)
            return Response(await conversation_wait(found, look, seconds=wait) or [])

        return await self.act(request, account_id, project_id, do)


def _channel_open(request: Request, account_id: str, project_id: str) -> Channel:
    """Return the channel that X-TOKEN names, of the project that the key opens."""
    opened = project_open(
        request, account_id, project_id, ApiKey.Permission.CHAT, limit=REQUESTS_PER_MINUTE
    )
    raw = request.headers.get("X-Token", "")
    channel = _channel(opened.project, raw) if raw else None
    if channel is None:
        text = "Send the connector token of one of this project's channels in the header X-TOKEN."
        raise RefusedError(401, "UNAUTHORIZED", text)
    if not channel.is_enabled:
        text = "Nothing answers behind this connector token: its channel is switched off."
        raise RefusedError(400, "CHAT_DRAFT_NOT_EXIST", text)
    return channel


def _channel(project: Project, raw: str) -> Channel | None:
    named = Q(public_key=raw) | Q(secret_token_hash=secret_hash(raw))
    return Channel.objects.select_related("project").filter(named, project=project).first()


def _checked(form: Any, body: Any) -> dict[str, Any]:
    """Return the fields of a body; the refusal names each one at fault."""
    if not isinstance(body, Mapping):
        raise RefusedError(400, "INVALID_REQUEST", "The body must be a JSON object.")
    checked = form(data=body)
    if not checked.is_valid():
        raise RefusedError(400, "INVALID_REQUEST", problems_told(checked.errors))
    return dict(checked.validated_data)


def _create(channel: Channel, fields: Mapping[str, Any]) -> tuple[str, str]:
    visitor = Visitor(
        api_channel=fields["channel"],
        variant_id=fields.get("variant_id", ""),
        locale=fields.get("tts_lang_code", "") or fields.get("asr_lang_code", ""),
        integration_attributes=fields.get("integration_attributes") or {},
    )
    made = session_create(channel=channel, token_family=uuid.uuid4(), visitor=visitor)
    greeting = agent_begin(made.pk, tool_services)[-1]
    return made.pk, str(greeting.payload["text"])


def _find(channel: Channel, conversation_id: str) -> str:
    """Return the id of a conversation that this API has opened on this channel."""
    rows = Conversation.objects.filter(channel=channel, pk=clean(conversation_id))
    if rows.exclude(api_channel="").update(last_seen_at=timezone.now()):
        return clean(conversation_id)
    text = "This channel has no such conversation of the Chat API."
    raise RefusedError(404, "NOT_FOUND", text)


def _message(request: Request, fields: Mapping[str, Any]) -> ChatMessage:
    key = request.headers.get("Idempotency-Key", "")
    metadata = fields.get("metadata")
    return ChatMessage(
        text=fields.get("message") or "",
        client_event_id=f"chat:{hashlib.sha256(key.encode()).hexdigest()[:40]}" if key else "",
        metadata={"custom": metadata} if metadata else None,
        integration_attributes=fields.get("integration_attributes") or {},
        locale=fields.get("tts_lang_code", "") or fields.get("asr_lang_code", ""),
    )


async def _turn_over(conversation_id: str, since: int, *, is_asked: bool) -> ChatAnswer:
    answer = await conversation_wait(
        conversation_id,
        partial(chat_answer, conversation_id, since, is_asked=is_asked),
        seconds=settings.CHAT_TURN_SECONDS,
    )
    if answer is None:
        text = (
            f"The AI agent has not answered within {settings.CHAT_TURN_SECONDS:.0f} seconds. "
            "Repeat the call with the same Idempotency-Key, or read chat/messages."
        )
        raise RefusedError(400, "CHAT_TIMEOUT", text)
    return answer


def _turn_body(conversation_id: str, answer: ChatAnswer) -> dict[str, Any]:
    body = {
        "conversation_id": conversation_id,
        "response": answer.response,
        "end_conversation": answer.has_ended,
    }
    return body | ({"handoff": answer.handoff} if answer.handoff else {})


def _frames(conversation_id: str, after: int) -> list[Frame] | None:
    """Return the lines; None while there is none and one may still come."""
    frames = frames_after(conversation_id, after)
    if not frames and not Conversation.objects.get(pk=conversation_id).is_over:
        return None
    return [frame_shown(frame, frozenset()) for frame in frames]
