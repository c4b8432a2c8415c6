"""Files of a handoff: what its vendor takes, and the line that a live agent's file becomes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile

from conversations.errors import NotAllowedError
from conversations.files.attachments import (
    attachment_create,
    attachments_of_end_user,
    download_url,
    vendor_url,
)
from conversations.files.types import HEAD_BYTES, image_type, named_as, safe_name, safe_type
from conversations.models import Attachment, Conversation
from handoffs.lifecycle.services import session_load
from handoffs.models import Handoff
from handoffs.models import VendorEvent as InboxRow
from handoffs.starting.start import handoff_open
from integrations.contract.connector import OutboundAttachment
from integrations.contract.events import LiveAgentMessage, VendorEvent
from integrations.contract.manifest import AttachmentLimits, Capability
from integrations.contract.registry import connector_class, manifest_with
from integrations.contract.rich_content import VendorFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMessage(LiveAgentMessage):
    """A live agent's message whose files the portal has stored: an id each, None for a failure."""

    file_ids: tuple[uuid.UUID | None, ...]


def inbox_kind(event: VendorEvent) -> str:
    """Return what the inbox calls an event."""
    kind = LiveAgentMessage if isinstance(event, FetchedMessage) else type(event)
    return kind.__name__


def limits_of(handoff: Handoff) -> AttachmentLimits | None:
    """Return which files of the end user's a handoff takes; None for no files at all."""
    integration = handoff.integration
    if integration is None or not handoff.behaviour.attachments_user:
        return None
    known = manifest_with(integration.connector_key, integration.credentials)
    if Capability.ATTACHMENT_OUT not in known.capabilities or known.attachments is None:
        return None
    limits = _told(handoff) or known.attachments
    return replace(limits, max_bytes=min(limits.max_bytes, settings.ATTACHMENT_MAX_BYTES))


def _told(handoff: Handoff) -> AttachmentLimits | None:
    """Return what the vendor said when the conversation began, if it says so at all."""
    session = session_load(handoff)
    if session is None or handoff.integration is None:
        return None
    return connector_class(handoff.integration.connector_key).attachment_limits(session)


def limits_payload(handoff: Handoff) -> dict[str, Any]:
    """Return what LIVE_AGENT_JOINED says about files: nothing where none are taken.

    The form is that of SESSION_START's capabilities, which cannot know the vendor yet.
    """
    limits = limits_of(handoff)
    if limits is None:
        return {}
    return {"attachment_limits": {"max_bytes": limits.max_bytes, "mime": list(limits.mime_types)}}


def files_taken(conversation: Conversation, file_ids: Sequence[uuid.UUID]) -> list[Attachment]:
    """Return the files of a message; raises NotAllowedError where nobody takes any."""
    handoff = handoff_open(conversation.pk)
    if handoff is None or limits_of(handoff) is None:
        raise NotAllowedError("files_not_taken")
    return attachments_of_end_user(conversation, file_ids)


def file_outbound(attachment_id: uuid.UUID, *, part_id: str) -> OutboundAttachment | None:
    """Return an end user's file as a connector takes it; None if it is not kept any more."""
    attachment = Attachment.objects.filter(pk=attachment_id).first()
    if attachment is None:
        return None
    with attachment.file.open("rb") as file:
        content = file.read()
    return OutboundAttachment(
        attachment_id=part_id,
        file_name=attachment.name,
        mime_type=attachment.mime_type,
        content=content,
        public_url=vendor_url(attachment),
    )


def part_id(message_id: str, number: int) -> str:
    """Return under which id a part of a message with files goes, unless it is the last one."""
    return str(uuid.uuid5(uuid.UUID(message_id), str(number)))


def is_received(handoff_id: str, event: VendorEvent) -> bool:
    """Say whether a message came before: its files need not be fetched again."""
    return InboxRow.objects.filter(
        handoff_id=handoff_id, vendor_event_id=event.vendor_event_id
    ).exists()


def file_store(conversation_id: str, file: VendorFile, content: bytes) -> uuid.UUID:
    """Store what was fetched of a live agent's file; return its id."""
    name = safe_name(file.file_name)
    kind = safe_type(name, file.mime_type, content[:HEAD_BYTES])
    stored = attachment_create(
        conversation_id,
        direction=Attachment.Direction.FROM_LIVE_AGENT,
        name=named_as(name, kind),
        mime_type=kind,
        content=ContentFile(content),
    )
    return stored.pk


def image_store(conversation_id: str, content: bytes) -> str:
    """Store an image of a message's; return our address of it, or "" for what is no such image."""
    kind = image_type(content[:HEAD_BYTES])
    if not kind or len(content) > settings.ATTACHMENT_MAX_BYTES:
        return ""
    stored = attachment_create(
        conversation_id,
        direction=Attachment.Direction.FROM_LIVE_AGENT,
        name=f"image.{kind.rpartition('/')[2]}",
        mime_type=kind,
        content=ContentFile(content),
    )
    return download_url(stored)


def message_fetched(
    event: LiveAgentMessage, file_ids: Sequence[uuid.UUID | None]
) -> FetchedMessage:
    """Return a message with what was stored of its files."""
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    return FetchedMessage(**values, file_ids=tuple(file_ids))
