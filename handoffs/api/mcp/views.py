"""Reads for the tools: conversations, handoffs and where a handoff can go."""

from __future__ import annotations

from mcp.server.mcpserver.exceptions import ToolError

from conversations.journal.frames import EventType
from conversations.journal.selectors import SPEAKERS, said_text
from conversations.models import Conversation, Event
from handoffs.api.mcp.acts import conversation_for, project_for
from handoffs.api.mcp.results import (
    Available,
    ConversationView,
    Destination,
    EndUserView,
    HandoffResult,
    HandoffView,
    Line,
)
from handoffs.lifecycle.availability import DestinationCheck
from handoffs.models import Handoff
from handoffs.starting.agent_place import HandoffPlace, handoff_places
from handoffs.starting.human_parts import human_part
from integrations.connections.destinations import offered_destinations
from integrations.models import ApiKey, Environment, Project

LIMIT_MAX = 100
SUMMARY_MAX = 4000
_PERMISSIONS = (ApiKey.Permission.CHAT, ApiKey.Permission.CONVERSATIONS, ApiKey.Permission.HANDOFF)
_TYPES = [kind.value for kind in SPEAKERS]
_WHO = {"user": "End user", "live_agent": "Live agent"}


def destinations_list(environment: str | None) -> list[Destination]:
    """Return where a handoff can go by name."""
    return [
        Destination(
            name=place.name,
            description=place.description,
            kind=place.kind,
            integration=place.integration_key,
            is_default=place.is_default,
        )
        for place in _places(environment)
    ]


def destinations_named(name: str | None, environment: str | None) -> list[HandoffPlace]:
    """Return the places of that name, all without one; raises ToolError."""
    places = _places(environment)
    wanted = (name or "").strip().casefold()
    found = [place for place in places if wanted in ("", place.name.casefold())]
    if not found:
        known = ", ".join(place.name for place in places) or "none is connected"
        raise ToolError(f"unknown_destination: There are: {known}.")
    return found


def availability_view(place: HandoffPlace, check: DestinationCheck) -> Available:
    """Return one line of check_availability."""
    return Available(
        destination=place.name,
        available=check.is_available,
        business_hours_open=check.is_open,
        estimated_wait_seconds=check.estimated_wait_seconds,
        next_open_at=check.next_open_at.isoformat() if check.next_open_at else None,
        checked_at=check.checked_at.isoformat(),
    )


def handoff_result(handoff: Handoff, said: str) -> HandoffResult:
    """Return a handoff that was just asked for."""
    view = _handoff(handoff)
    return HandoffResult(
        handoff_id=view.handoff_id,
        status=view.status,
        destination=view.destination,
        integration=view.integration,
        queue_position=view.queue_position,
        estimated_wait_seconds=view.estimated_wait_seconds,
        said_to_user=said or handoff.utterance,
    )


def handoff_view(handoff_id: str | None, conversation_id: str | None) -> HandoffView:
    """Return a handoff by its id, or a conversation's last one; raises ToolError."""
    rows = Handoff.objects.filter(conversation__project=project_for(*_PERMISSIONS))
    if handoff_id:
        rows = rows.filter(pk=handoff_id.replace("\x00", ""))
    elif conversation_id:
        rows = rows.filter(conversation_id=conversation_id.replace("\x00", ""))
    else:
        raise ToolError("invalid: Give handoff_id or conversation_id.")
    found = rows.select_related("conversation").order_by("-requested_at").first()
    if found is None:
        raise ToolError("not_found: This project has no such handoff.")
    return _handoff(found, _human_summary(found))


def conversation_view(
    conversation_id: str | None, shared_id: str | None, after_sequence: int, limit: int
) -> ConversationView:
    """Return a conversation and a page of what was said; raises ToolError."""
    conversation = _conversation(conversation_id, shared_id)
    lines = Event.objects.filter(
        conversation=conversation, type__in=_TYPES, sequence__gt=after_sequence
    ).order_by("sequence")[: limit + 1]
    page = list(lines)
    shown, is_more = page[:limit], len(page) > limit
    user = conversation.end_user
    return ConversationView(
        id=conversation.pk,
        state=conversation.state,
        channel=conversation.channel.kind,
        language=conversation.locale or "en",
        user=EndUserView(id=user.external_id, name=user.name, is_verified=user.is_verified),
        messages=[_line(event) for event in shown],
        handoffs=[_handoff(row) for row in conversation.handoffs.order_by("requested_at")],
        next_sequence=shown[-1].sequence if is_more else None,
    )


def _conversation(conversation_id: str | None, shared_id: str | None) -> Conversation:
    permission = ApiKey.Permission.CONVERSATIONS
    if conversation_id:
        return conversation_for(conversation_id, permission)
    if not shared_id:
        raise ToolError("invalid: Give conversation_id or shared_id.")
    rows = Handoff.objects.filter(
        conversation__project=project_for(permission), shared_id=shared_id.replace("\x00", "")
    )
    found = rows.order_by("-requested_at").values_list("conversation_id", flat=True).first()
    return conversation_for(found or "", permission)


def _places(environment: str | None) -> list[HandoffPlace]:
    project = project_for(*_PERMISSIONS)
    if environment is None:
        return handoff_places(project, _environment_in_use(project))
    if environment not in Environment.values:
        raise ToolError(f"invalid: environment is one of {', '.join(Environment.values)}.")
    return handoff_places(project, environment)


def _environment_in_use(project: Project) -> str:
    """Return the environment nearest to live where something is connected, else live."""
    nearest: list[str] = Environment.values[::-1]
    return next((one for one in nearest if offered_destinations(project, one)), nearest[0])


def _handoff(handoff: Handoff, summary: str | None = None) -> HandoffView:
    queue = handoff.queue_status
    return HandoffView(
        handoff_id=handoff.pk,
        status=handoff.state,
        destination=handoff.destination or handoff.integration_key,
        integration=handoff.integration_key,
        agent_name=handoff.agent_name or None,
        queue_position=queue.get("position_in_queue"),
        estimated_wait_seconds=queue.get("estimated_wait_seconds"),
        end_reason=handoff.end_reason or handoff.error_code or None,
        human_summary=summary,
    )


def _line(event: Event) -> Line:
    offered = event.payload.get("response_suggestions") or []
    files = event.payload.get("attachments") or []
    return Line(
        sequence=event.sequence,
        at=event.created_at.isoformat(),
        sender=SPEAKERS[_kind(event)],
        text=said_text(event),
        choices=[str(one.get("message_text", "")) for one in offered],
        files=[str(one.get("title") or one.get("file_name") or "file") for one in files],
    )


def _kind(event: Event) -> EventType:
    return EventType(event.type)


def _human_summary(handoff: Handoff) -> str | None:
    """Return the human part as every AI agent gets it, its summary first, once it is over."""
    if handoff.ended_at is None or handoff.joined_at is None:
        return None
    part = human_part(handoff)
    said = "\n".join(
        f"{_WHO[line['role']]}: {line['text']}" for line in part.lines if line["role"] in _WHO
    )
    return f"{part.summary}\n{said[-SUMMARY_MAX:]}".strip()
