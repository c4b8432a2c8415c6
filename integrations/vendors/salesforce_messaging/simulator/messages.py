"""What is said in a simulated conversation: texts, files, typing and receipts, from both sides."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from integrations.simulators.records import StoredFile
from integrations.vendors.salesforce_messaging.simulator import routing
from integrations.vendors.salesforce_messaging.simulator.checks import (
    Json,
    VendorError,
    check_answer,
)
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    Entry,
    LiveAgent,
    now_ms,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org

MESSAGES_PER_MINUTE = 22
TYPING_SHOWN_SECONDS = 5.0


# -- From the end user ----------------------------------------------------------------------------


def receive_message(
    org: Org,
    conversation: Conversation,
    participant: Mapping[str, str],
    message: Json,
    *,
    is_new_session: bool,
    attributes: Mapping[str, str],
) -> Entry:
    """Take in an end user's message; the message id makes a repeat harmless."""
    repeated = conversation.entry(message["id"])
    if repeated is not None:
        if org.switches.duplicate_message_status == 409:
            raise VendorError(409, "A message with this id exists already.", "CONFLICT")
        return repeated
    _refuse_if_closed(conversation)
    check_answer(conversation, message, is_strict=org.switches.strict_properties)
    _count_against_limit(org, conversation)
    _ensure_session(org, conversation, is_new_session=is_new_session, attributes=attributes)
    conversation.typing_until = 0.0
    end_user = org.end_users[conversation.subject]
    entry = org.emit(
        conversation,
        "Message",
        {"abstractMessage": {"inReplyToMessageId": None, **message}, "messageReason": None},
        sender=participant,
        sender_name=end_user.display_name,
        identifier=message["id"],
    )
    routing.wake_up(org, conversation)
    deliver_pending(org, conversation)
    return entry


def _refuse_if_closed(conversation: Conversation) -> None:
    if conversation.is_closed:
        raise VendorError(403, "The conversation is closed.", "FORBIDDEN")


def _count_against_limit(org: Org, conversation: Conversation) -> None:
    now = time.monotonic()
    conversation.sent_at = [at for at in conversation.sent_at if 0 <= now - at < 60]
    if org.switches.enforce_rate_limit and len(conversation.sent_at) >= MESSAGES_PER_MINUTE:
        raise VendorError(429, "Too many messages in this conversation.", "TOO_MANY_REQUESTS")
    conversation.sent_at.append(now)


def _ensure_session(
    org: Org, conversation: Conversation, *, is_new_session: bool, attributes: Mapping[str, str]
) -> None:
    if conversation.session is not None:
        return
    if org.switches.session_prechat and not is_new_session:
        raise VendorError(
            417, "Pre-chat is needed: there is no active messaging session.", "EXPECTATION_FAILED"
        )
    # Salesforce remembers no attributes: those of an earlier session are not this one's.
    routing.start_session(org, conversation, attributes)


def note_typing(conversation: Conversation, *, is_typing: bool) -> None:
    """Show or hide that the end user types; shown for five seconds at most."""
    conversation.typing_until = time.monotonic() + TYPING_SHOWN_SECONDS if is_typing else 0.0


def is_end_user_typing(conversation: Conversation) -> bool:
    """Tell whether the end user's typing indicator shows."""
    return conversation.typing_until > time.monotonic()


def acknowledge(conversation: Conversation, ack: Json) -> None:
    """Note a receipt of the end user's side; a read covers everything up to its entry.

    A receipt for one's own message changes nothing: a published client sends those too.
    """
    entry = conversation.entry(ack["conversationEntryId"])
    if entry is None:
        raise VendorError(400, "conversationEntryId names no entry of this conversation.")
    covered = [entry]
    if ack["entryType"] == "Read":
        covered = conversation.entries[: conversation.entries.index(entry) + 1]
    for one in covered:
        if not one.is_from_end_user:
            one.is_delivered = True
            one.is_read = one.is_read or ack["entryType"] == "Read"


# -- From a live agent ----------------------------------------------------------------------------


def static_text(text: str) -> dict[str, Any]:
    """Return a plain text as an abstract message."""
    content = {"formatType": "Text", "text": text}
    return {"messageType": "StaticContentMessage", "staticContent": content}


def attachments(stored: StoredFile, url: str, text: str | None = None) -> dict[str, Any]:
    """Return a file as an abstract message; whoever has the address can fetch it."""
    attachment = {
        "id": stored.file_id,
        "mimeType": stored.mime_type,
        "name": stored.name,
        "url": url,
        "referenceId": stored.file_id,
    }
    content = {"formatType": "Attachments", "attachments": [attachment], "text": text}
    return {"messageType": "StaticContentMessage", "staticContent": content}


def show_typing(org: Org, conversation: Conversation, agent: LiveAgent, *, is_typing: bool) -> None:
    """Start or stop an agent's typing indicator."""
    org.emit(
        conversation,
        "TypingStartedIndicator" if is_typing else "TypingStoppedIndicator",
        {"timestamp": now_ms()},
        sender=agent.participant,
        sender_name=agent.name,
    )


# -- What becomes of a message later -------------------------------------------------------------


def revise(org: Org, conversation: Conversation, entry: Entry, **changes: Any) -> None:
    """Tell what a message is now, by whoever sent it; changes are of its static content."""
    abstract = entry.payload["abstractMessage"]
    updated = {**abstract, "staticContent": {**abstract["staticContent"], **changes}}
    entry.payload = {**entry.payload, "abstractMessage": updated}
    org.emit(
        conversation,
        "MessageUpdated",
        {"updatedMessage": updated},
        sender=entry.sender,
        sender_name=entry.sender_name,
    )


def fail_upload(org: Org, conversation: Conversation, entry: Entry, error_type: str) -> None:
    """Tell that a file of the end user's failed after it had been taken."""
    result = {"resultType": "ErrorAttachmentUploadResult", "errorType": error_type}
    attached = entry.payload["abstractMessage"]["staticContent"]["attachments"]
    failed = [{**one, "attachmentUploadResult": result} for one in attached]
    revise(org, conversation, entry, attachments=failed)


def fail_delivery(org: Org, conversation: Conversation, entry: Entry, code: str) -> None:
    """Tell that what the end user wrote did not reach the live agent."""
    session = conversation.session
    present = session.agents[0].participant if session and session.agents else None
    payload = {
        "errorCode": code,
        "errorMessage": "The message could not be delivered.",
        "failedConversationEntryIdentifier": entry.identifier,
        "recipient": present or org.system_participant(),
    }
    org.emit(conversation, "MessageDeliveryFailed", payload, related=[entry.identifier])


# -- Receipts of the live agent's side ------------------------------------------------------------


def deliver_pending(org: Org, conversation: Conversation) -> None:
    """Acknowledge what reached an agent; nothing is delivered while nobody is there."""
    session = conversation.session
    if session is None or not session.agents:
        return
    for entry in conversation.messages():
        if entry.is_from_end_user and not entry.is_delivered:
            entry.is_delivered = True
            _emit_receipt(org, conversation, session.agents[0], entry, "DeliveryAcknowledgement")


def mark_read(org: Org, conversation: Conversation, agent: LiveAgent) -> None:
    """Acknowledge that the agent read everything; the event names the last entry only."""
    deliver_pending(org, conversation)
    unread = [
        entry for entry in conversation.messages() if entry.is_from_end_user and not entry.is_read
    ]
    for entry in unread:
        entry.is_read = True
    if unread:
        _emit_receipt(org, conversation, agent, unread[-1], "ReadAcknowledgement")


def _emit_receipt(
    org: Org, conversation: Conversation, agent: LiveAgent, entry: Entry, entry_type: str
) -> None:
    org.emit(
        conversation,
        entry_type,
        {
            "recipient": agent.participant,
            "acknowledgedConversationEntryIdentifier": entry.identifier,
            "acknowledgementTimestamp": now_ms(),
        },
        sender=agent.participant,
        sender_name=agent.name,
        related=[entry.identifier],
    )
