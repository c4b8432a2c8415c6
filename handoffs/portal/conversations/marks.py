"""Notes and tags on conversations, by members and by other systems; each is in the audit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from conversations.models import Conversation, ConversationTag, Note, Tag
from conversations.models.review import NOTE_MAX, TAG_MAX
from handoffs.portal.conversations.search_fill import search_renew
from integrations.models import ApiKey
from integrations.projects.audit import audit_record

# How long an author may correct a note.
EDIT_TIME = timedelta(minutes=5)
TAGS_MAX, NOTES_MAX = 20, 200


def note_create(*, conversation: Conversation, text: str, actor: Any) -> Note:
    """Write a note; raises ValidationError for one that is empty or too long."""
    text = _note_text(text)
    if conversation.notes.count() >= NOTES_MAX:
        raise ValidationError(f"A conversation holds {NOTES_MAX} notes.")
    key = actor if isinstance(actor, ApiKey) else None
    with transaction.atomic():
        note = Note.objects.create(
            conversation=conversation, author=None if key else actor, api_key=key, text=text
        )
        _audit(conversation, actor, "note.added")
    search_renew(conversation.pk)
    return note


def note_update(*, note: Note, text: str, actor: Any) -> None:
    """Correct a note of one's own that is new; raises ValidationError where it may not be."""
    is_own = note.author_id is not None and note.author_id == getattr(actor, "pk", None)
    if not is_own or timezone.now() - note.created_at >= EDIT_TIME:
        raise ValidationError("A note can be corrected by its author, for five minutes.")
    note.text, note.edited_at = _note_text(text), timezone.now()
    with transaction.atomic():
        note.save(update_fields=["text", "edited_at"])
        _audit(note.conversation, actor, "note.changed")


def tag_put(*, conversation: Conversation, name: str, actor: Any) -> bool:
    """Put a tag on a conversation, made where it is new; False where it was there already.

    Raises ValidationError for a name that cannot be one.
    """
    name = _tag_name(name)
    with transaction.atomic():
        tag, _ = Tag.objects.get_or_create(project_id=conversation.project_id, name=name)
        if conversation.conversation_tags.exclude(tag=tag).count() >= TAGS_MAX:
            raise ValidationError(f"A conversation holds {TAGS_MAX} tags.")
        _, is_new = ConversationTag.objects.get_or_create(
            tag=tag, conversation=conversation, defaults={"started_at": conversation.started_at}
        )
        if is_new:
            _audit(conversation, actor, "tag.put", name)
    if is_new:
        search_renew(conversation.pk)
    return is_new


def tag_take(*, conversation: Conversation, name: str, actor: Any) -> bool:
    """Take a tag from a conversation; False where it was not there."""
    found = ConversationTag.objects.filter(conversation=conversation, tag__name=name.lower())
    with transaction.atomic():
        was_there = bool(found.delete()[0])
        if was_there:
            _audit(conversation, actor, "tag.taken", name)
    if was_there:
        search_renew(conversation.pk)
    return was_there


def _note_text(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise ValidationError("Write something; an empty note is not kept.")
    if len(text) > NOTE_MAX:
        raise ValidationError(
            f"A note has at most {NOTE_MAX} characters; this one has {len(text)}."
        )
    return text


def _tag_name(name: str) -> str:
    name = " ".join(name.split()).lower()
    if not name or len(name) > TAG_MAX or not name.isprintable() or '"' in name:
        raise ValidationError(
            f"A tag has 1 to {TAG_MAX} printable characters, without quotation marks."
        )
    return name


def _audit(conversation: Conversation, actor: Any, action: str, *fields: str) -> None:
    audit_record(
        project=conversation.project,
        actor=actor,
        action=action,
        subject=conversation.pk,
        fields=fields,
    )
