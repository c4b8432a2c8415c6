"""What a live agent or the vendor's own bot says, as the journal's lines."""

from __future__ import annotations

import uuid

from conversations.files.attachments import attachment_object, attachments_said
from conversations.files.types import safe_name
from conversations.journal.frames import EventType, Level
from conversations.journal.services import NewEvent, events_append, message_event, system_event
from conversations.models import Attachment
from handoffs.lifecycle.notices import text_for
from handoffs.models import Handoff, VendorEvent
from handoffs.receiving.agents import agent_key, agent_name, agent_present
from handoffs.receiving.changes import early_change_apply
from handoffs.receiving.rich_lines import rich_line
from handoffs.sending.files import FetchedMessage
from handoffs.sending.offers import RichLine, offer_store
from integrations.contract.events import LiveAgentMessage
from integrations.contract.rich_content import Author

_LINES = uuid.UUID("6f2c7d0e-3a51-4c0b-9c55-0f6b1a7e2d94")


def line_id(handoff_id: str, vendor_event_id: str) -> uuid.UUID:
    """Return the id of the line that an event becomes: known before it is written."""
    return uuid.uuid5(_LINES, f"{handoff_id}/{vendor_event_id}")


def message_received(handoff: Handoff, event: LiveAgentMessage) -> list[str]:
    """Write a message with its files as one line; return the handoff's fields that changed."""
    changed = [] if event.by is Author.VENDOR_BOT else agent_present(handoff, event)
    as_changed = early_change_apply(handoff, event)
    if as_changed is not None:
        changed += _write(handoff, as_changed)
    return changed


def _write(handoff: Handoff, event: LiveAgentMessage) -> list[str]:
    """Write a message's lines and keep what it offers; return the fields that changed."""
    files = _files(event)
    drawn = rich_line(handoff, event.text, event.markup, event.rich)
    # An empty message makes no line at all.
    said = [_line(handoff, event, drawn, files)] if drawn.text or event.rich or files else []
    written = events_append(handoff.conversation, [*said, *_missing(handoff, event)])
    if said:
        attachments_said(written[0], files)
        rows = VendorEvent.objects.filter(handoff=handoff, vendor_event_id=event.vendor_event_id)
        rows.update(event=written[0])
        return offer_store(handoff, written[0].id, drawn, event.vendor_message_id)
    return []


def _line(
    handoff: Handoff, event: LiveAgentMessage, drawn: RichLine, files: list[Attachment]
) -> NewEvent:
    line = message_event(
        EventType.LIVE_AGENT_MESSAGE,
        drawn.text,
        event_id=line_id(handoff.pk, event.vendor_event_id),
        by=event.by.value,
        **_author(handoff, event),
        **drawn.payload,
    )
    files_shown = [attachment_object(file) for file in files]
    line.payload["attachments"] = files_shown + line.payload["attachments"]
    return line


def _author(handoff: Handoff, event: LiveAgentMessage) -> dict[str, str]:
    key = agent_key(handoff, event)
    is_bot = event.by is Author.VENDOR_BOT
    return {"agent_id": key, "agent_name": event.agent_name if is_bot else agent_name(handoff, key)}


def _files(event: LiveAgentMessage) -> list[Attachment]:
    """Return the files that were fetched, in the message's order."""
    if not isinstance(event, FetchedMessage):
        return []
    found = Attachment.objects.in_bulk(file_id for file_id in event.file_ids if file_id)
    return [found[file_id] for file_id in event.file_ids if file_id in found]


def _missing(handoff: Handoff, event: LiveAgentMessage) -> list[NewEvent]:
    """Return the lines that name the files which did not come."""
    ids = event.file_ids if isinstance(event, FetchedMessage) else [None] * len(event.files)
    missing = [file for file, id_ in zip(event.files, ids, strict=True) if id_ is None]
    return [
        system_event(
            text_for(handoff, "file_not_fetched", file_name=safe_name(file.file_name)),
            code="file_not_fetched",
            level=Level.WARNING,
        )
        for file in missing
    ]
