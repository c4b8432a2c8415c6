"""Files of a handoff: what its vendor takes, and the line that a live agent's file becomes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile

from conversations.errors import NotAllowedError
from conversations.files.attachments import (
    attachment_create,
    attachment_object,
    attachments_of_end_user,
    attachments_said,
    vendor_url,
)
from conversations.files.types import HEAD_BYTES, safe_name, safe_type
from conversations.journal.frames import EventType, Level
from conversations.journal.services import events_append, message_event, system_event
from conversations.models import Attachment, Conversation
from handoffs.lifecycle.notices import text_for
from handoffs.models import Handoff, VendorEvent
from handoffs.starting.start import handoff_open
from integrations.contract.connector import OutboundAttachment
from integrations.contract.events import LiveAgentAttachment
from integrations.contract.manifest import AttachmentLimits, Capability
from integrations.contract.registry import manifest_with


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAgentFile(LiveAgentAttachment):
    """A live agent's file that the portal has fetched and stored."""

    attachment_id: uuid.UUID


def limits_of(handoff: Handoff) -> AttachmentLimits | None:
    """Return which files of the end user's a handoff takes; None for no files at all."""
    integration = handoff.integration
    if integration is None or not handoff.behaviour.attachments_user:
        return None
    known = manifest_with(integration.connector_key, integration.credentials)
    if Capability.ATTACHMENT_OUT not in known.capabilities or known.attachments is None:
        return None
    size = min(known.attachments.max_bytes, settings.ATTACHMENT_MAX_BYTES)
    return replace(known.attachments, max_bytes=size)


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


def is_received(handoff_id: str, event: LiveAgentAttachment) -> bool:
    """Say whether a file came before: it need not be fetched again."""
    return VendorEvent.objects.filter(
        handoff_id=handoff_id, vendor_event_id=event.vendor_event_id
    ).exists()


def file_store(conversation_id: str, event: LiveAgentAttachment, content: bytes) -> LiveAgentFile:
    """Store what was fetched of a live agent's file."""
    name = safe_name(event.file_name)
    stored = attachment_create(
        conversation_id,
        direction=Attachment.Direction.FROM_LIVE_AGENT,
        name=name,
        mime_type=safe_type(name, event.mime_type, content[:HEAD_BYTES]),
        content=ContentFile(content),
    )
    return LiveAgentFile(
        vendor_event_id=event.vendor_event_id,
        vendor_conversation_id=event.vendor_conversation_id,
        occurred_at=event.occurred_at,
        agent_id=event.agent_id,
        agent_name=event.agent_name,
        file_name=stored.name,
        mime_type=stored.mime_type,
        url="",
        attachment_id=stored.pk,
    )


def file_journal(
    handoff: Handoff, event: LiveAgentAttachment, *, line_id: uuid.UUID, agent_name: str
) -> None:
    """Write the line of a live agent's file, or the one that says that it did not come."""
    if not isinstance(event, LiveAgentFile):
        text = text_for(handoff, "file_not_fetched", file_name=safe_name(event.file_name))
        line = system_event(text, code="file_not_fetched", level=Level.WARNING)
        events_append(handoff.conversation, [line])
        return
    line = message_event(
        EventType.LIVE_AGENT_MESSAGE,
        "",
        event_id=line_id,
        agent_id=event.agent_id,
        agent_name=agent_name,
    )
    attachment = Attachment.objects.get(pk=event.attachment_id)
    line.payload["attachments"] = [attachment_object(attachment)]
    [written] = events_append(handoff.conversation, [line])
    attachments_said(written, [attachment])
