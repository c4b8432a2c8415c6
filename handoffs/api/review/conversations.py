"""One conversation over REST: all of it, its journal, its notes and its tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import Opened, clean, project_open
from conversations.api.errors import BadFieldError, EnvelopeView, RefusedError
from conversations.api.schema import ACCOUNT_AND_PROJECT, answer
from conversations.api.strict import count_asked, problems_told
from conversations.journal.selectors import frames_after
from conversations.models import Conversation, Note
from handoffs.api.conversation_items import conversation_items
from handoffs.api.conversation_schema import API
from handoffs.api.review import schema
from handoffs.models import Handoff
from handoffs.portal.conversations.marks import note_create, tag_put, tag_take
from integrations.models import ApiKey, Project

REQUESTS_PER_MINUTE = 600
EVENTS_MAX = 500


class _View(EnvelopeView):
    """A call about one conversation."""

    def open(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> tuple[Opened, Conversation]:
        """Return what the key opens, and the conversation; raises RefusedError."""
        permission = ApiKey.Permission.CONVERSATIONS
        opened = project_open(
            request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
        )
        return opened, _conversation(opened.project, clean(conversation_id))


class ConversationView(_View):
    """GET …/conversations/{conversation_id}."""

    @API.operation(
        "conversation_retrieve",
        "Read one conversation",
        "As in the list, with its notes.",
        parameters=[*ACCOUNT_AND_PROJECT, schema.CONVERSATION],
        gives=answer(schema.ReviewOut, "The conversation.", schema.REVIEW_EXAMPLE),
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str, conversation_id: str) -> Any:
        """Answer 404 for a conversation that is not of this project."""
        _, row = self.open(request, account_id, project_id, conversation_id)
        [item] = conversation_items([row])
        return Response({**item, "notes": _notes(row)})


class ConversationEventsView(_View):
    """GET …/conversations/{conversation_id}/events."""

    @API.operation(
        "conversation_events_list",
        "Read the journal of a conversation",
        "Every line with its number, without gaps, as the conversation's socket sends them. "
        "Ask again with `after` to follow a conversation that goes on.",
        parameters=schema.EVENTS_PARAMETERS,
        gives=answer(schema.EventsOut, "Lines.", schema.EVENTS_EXAMPLE),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str, conversation_id: str) -> Any:
        """Answer 400 for a number that is none."""
        _, row = self.open(request, account_id, project_id, conversation_id)
        after = count_asked(request.query_params, "after", most=2**31 - 1)
        limit = count_asked(request.query_params, "limit", least=1, most=EVENTS_MAX, default=100)
        frames = frames_after(row.pk, after, limit=limit)
        return Response({"events": frames, "last_sequence": row.last_sequence})


class ConversationNotesView(_View):
    """GET and POST …/conversations/{conversation_id}/notes."""

    @API.operation(
        "conversation_notes_list",
        "List the notes of a conversation",
        "Oldest first.",
        parameters=[*ACCOUNT_AND_PROJECT, schema.CONVERSATION],
        gives=answer(schema.NotesOut, "The notes.", schema.NOTES_EXAMPLE),
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str, conversation_id: str) -> Any:
        """Answer 404 for a conversation that is not of this project."""
        _, row = self.open(request, account_id, project_id, conversation_id)
        return Response({"notes": _notes(row)})

    @API.operation(
        "conversation_notes_create",
        "Write a note on a conversation",
        "Members read it on the conversation's page; it is never sent to anybody.",
        parameters=[*ACCOUNT_AND_PROJECT, schema.CONVERSATION],
        takes=schema.NoteIn,
        gives=answer(schema.NoteCreated, "It is written.", schema.NOTE_EXAMPLE, status=201),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def post(self, request: Request, account_id: str, project_id: str, conversation_id: str) -> Any:
        """Answer 400 for a text that is empty or too long."""
        opened, row = self.open(request, account_id, project_id, conversation_id)
        form = schema.NoteIn(data=request.data)
        if not form.is_valid():
            raise BadFieldError(problems_told(form.errors))
        text = form.validated_data["text"]
        note = _done(lambda: note_create(conversation=row, text=text, actor=opened.key))
        return Response(_note(note), status=201)


class ConversationTagView(_View):
    """PUT and DELETE …/conversations/{conversation_id}/tags/{tag}."""

    @API.operation(
        "conversation_tag_update",
        "Put a tag on a conversation",
        "The same again changes nothing. A shared id in place of the conversation's lets another "
        "system tell the outcome of what it knows by that id.",
        parameters=[*ACCOUNT_AND_PROJECT, schema.CONVERSATION, schema.TAG],
        gives=answer(schema.TagsOut, "The tags from now on.", schema.TAGS_EXAMPLE),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def put(
        self, request: Request, account_id: str, project_id: str, conversation_id: str, tag: str
    ) -> Any:
        """Answer 400 for a text that cannot be a tag."""
        opened, row = self.open(request, account_id, project_id, conversation_id)
        _done(lambda: tag_put(conversation=row, name=clean(tag), actor=opened.key))
        return Response({"tags": _tags(row)})

    @API.operation(
        "conversation_tag_destroy",
        "Take a tag from a conversation",
        "One that is not there is no error.",
        parameters=[*ACCOUNT_AND_PROJECT, schema.CONVERSATION, schema.TAG],
        gives=answer(schema.TagsOut, "The tags from now on.", schema.TAGS_EXAMPLE),
        _404="NOT_FOUND",
    )
    def delete(
        self, request: Request, account_id: str, project_id: str, conversation_id: str, tag: str
    ) -> Any:
        """Answer 404 for a conversation that is not of this project."""
        opened, row = self.open(request, account_id, project_id, conversation_id)
        tag_take(conversation=row, name=clean(tag), actor=opened.key)
        return Response({"tags": _tags(row)})


def _conversation(project: Project, named: str) -> Conversation:
    """Return a conversation by its id, else the newest that was handed off with a shared id."""
    rows = Conversation.objects.filter(project=project).select_related(
        "project__workspace", "channel", "end_user", "survey", "search"
    )
    rows = rows.defer("search__words", "search__masked")
    row = rows.filter(pk=named).first()
    if row is None:
        shared = Handoff.objects.filter(project=project, shared_id=named)
        newest = shared.order_by("-requested_at").values_list("conversation_id", flat=True)
        row = rows.filter(pk__in=list(newest[:1])).first() if named else None
    if row is None:
        raise RefusedError(404, "NOT_FOUND", "This project has no such conversation.")
    return row


def _done(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except ValidationError as error:
        raise BadFieldError(" ".join(error.messages)) from error


def _notes(row: Conversation) -> list[dict[str, Any]]:
    return [_note(note) for note in row.notes.select_related("author", "api_key")]


def _note(note: Note) -> dict[str, Any]:
    return {
        "id": str(note.pk),
        "author": note.author_name,
        "text": note.text,
        "created_at": note.created_at.isoformat(),
        "edited_at": note.edited_at.isoformat() if note.edited_at else None,
    }


def _tags(row: Conversation) -> list[str]:
    names = row.conversation_tags.order_by("tag__name").values_list("tag__name", flat=True)
    return list(names)
