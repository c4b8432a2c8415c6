"""What members write on a conversation: notes and tags."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from handoffs.portal.conversations.detail_views import conversation_of
from handoffs.portal.conversations.marks import note_create, note_update, tag_put, tag_take
from integrations.models import Area, Project
from integrations.projects.access import project_view


@require_POST
@project_view(Area.CONVERSATIONS)
def note_add(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Write a note."""
    row = conversation_of(project, conversation_id)
    text = request.POST.get("text", "")
    _try(request, lambda: note_create(conversation=row, text=text, actor=request.user))
    return redirect(f"{_address(project, row.pk)}#notes")


@require_POST
@project_view(Area.CONVERSATIONS)
def note_edit(
    request: HttpRequest, project: Project, conversation_id: str, note_id: UUID
) -> HttpResponse:
    """Correct a note."""
    row = conversation_of(project, conversation_id)
    note = get_object_or_404(row.notes.all(), pk=note_id)
    text = request.POST.get("text", "")
    _try(request, lambda: note_update(note=note, text=text, actor=request.user))
    return redirect(f"{_address(project, row.pk)}#notes")


@require_POST
@project_view(Area.CONVERSATIONS)
def tag_add(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Put a tag on it."""
    row = conversation_of(project, conversation_id)
    name = request.POST.get("name", "")
    _try(request, lambda: tag_put(conversation=row, name=name, actor=request.user))
    return redirect(f"{_address(project, row.pk)}#tags")


@require_POST
@project_view(Area.CONVERSATIONS)
def tag_remove(request: HttpRequest, project: Project, conversation_id: str) -> HttpResponse:
    """Take a tag from it."""
    row = conversation_of(project, conversation_id)
    name = request.POST.get("name", "").replace("\x00", "")
    _try(request, lambda: tag_take(conversation=row, name=name, actor=request.user))
    return redirect(f"{_address(project, row.pk)}#tags")


def _try(request: HttpRequest, act: Callable[[], object]) -> None:
    try:
        act()
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))


def _address(project: Project, conversation_id: str) -> str:
    return reverse("conversation", args=[project.public_id, conversation_id])
