"""Keep files: store them, show them as journal objects, give them an address, delete them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.files.base import File
from django.core.signing import BadSignature, TimestampSigner
from django.db.models import F
from django.utils import timezone

from conversations.errors import ClientFaultError
from conversations.files.types import IMAGE_TYPES, safe_name
from conversations.journal.holds import conversations_held
from conversations.models import Attachment, Conversation, Event

PURGE_BATCH = 500
_SALT = "conversations.attachment"


def attachment_create(
    conversation_id: str,
    *,
    direction: Attachment.Direction,
    name: str,
    mime_type: str,
    content: File[bytes],
) -> Attachment:
    """Store a file and its row; it belongs to no line of the journal yet."""
    digest = hashlib.sha256()
    for chunk in content.chunks():
        digest.update(chunk)
    attachment = Attachment(
        conversation_id=conversation_id,
        direction=direction,
        name=safe_name(name),
        mime_type=mime_type,
        size_bytes=content.size,
        sha256=digest.hexdigest(),
    )
    attachment.file.save("file", content, save=False)
    attachment.save(force_insert=True)
    return attachment


def attachments_of_end_user(
    conversation: Conversation, file_ids: Sequence[uuid.UUID]
) -> list[Attachment]:
    """Return the end user's files in the order named; raises ClientFaultError for any other."""
    found = Attachment.objects.filter(
        conversation=conversation, direction=Attachment.Direction.FROM_END_USER
    ).in_bulk(list(file_ids))
    if len(found) < len(set(file_ids)):
        raise ClientFaultError("payload.attachments names a file that is not in this session.")
    return [found[file_id] for file_id in dict.fromkeys(file_ids)]


def attachments_said(event: Event, attachments: Sequence[Attachment]) -> None:
    """Note which line of the journal brought the files; the newest one counts."""
    if attachments:
        ids = [attachment.pk for attachment in attachments]
        Attachment.objects.filter(pk__in=ids).update(event=event)


def attachment_object(attachment: Attachment) -> dict[str, Any]:
    """Return a file as a client reads it in the journal (agent_api 11.2)."""
    is_image = attachment.mime_type in IMAGE_TYPES
    url = download_url(attachment)
    kind = "IMAGE" if is_image else "FILE"
    return {
        "file_id": str(attachment.pk),
        "title": attachment.name,
        "preview_image_url": url if is_image else "",
        "content_url": url,
        "content_type": f"ATTACHMENT_CONTENT_TYPE_{kind}",
        "call_to_action_text": "",
        "file_name": attachment.name,
        "mime_type": attachment.mime_type,
        "size_bytes": attachment.size_bytes,
    }


def download_url(attachment: Attachment) -> str:
    """Return the address for the people of the conversation; good as long as the file is kept."""
    return f"{settings.PUBLIC_URL}/files/{attachment.token}/{quote(attachment.name, safe='')}"


def vendor_url(attachment: Attachment) -> str:
    """Return a signed address that expires soon, for a vendor that fetches files."""
    signed = TimestampSigner(salt=_SALT).sign(attachment.pk.hex)
    return f"{settings.PUBLIC_URL}/files/{signed}/{quote(attachment.name, safe='')}"


def attachment_by_address(token: str) -> Attachment | None:
    """Return the file that either kind of address names, if it is still good."""
    kept_since = timezone.now() - timedelta(days=settings.ATTACHMENT_KEEP_DAYS)
    kept = Attachment.objects.filter(created_at__gt=kept_since)
    if ":" not in token:
        return _taken(kept.filter(token=token).first())
    try:
        key = TimestampSigner(salt=_SALT).unsign(token, max_age=settings.ATTACHMENT_URL_SECONDS)
    except BadSignature:
        return None
    return kept.filter(pk=uuid.UUID(key)).first()


def _taken(attachment: Attachment | None) -> Attachment | None:
    """Count a download by the address for people; none is left after so many."""
    most = settings.ATTACHMENT_DOWNLOADS_MAX
    if attachment is None or not most:
        return attachment
    rows = Attachment.objects.filter(pk=attachment.pk, downloads__lt=most)
    return attachment if rows.update(downloads=F("downloads") + 1) else None


def attachments_purge() -> None:
    """Delete files that were kept long enough and are not on legal hold."""
    kept_since = timezone.now() - timedelta(days=settings.ATTACHMENT_KEEP_DAYS)
    old = Attachment.objects.filter(created_at__lt=kept_since).order_by("created_at")
    old = old.exclude(conversation__in=conversations_held())
    for attachment in old[:PURGE_BATCH]:
        attachment.file.delete(save=False)
        attachment.delete()
