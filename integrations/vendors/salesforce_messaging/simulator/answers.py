"""What the simulated messaging API answers: tokens, lists, entries, errors, the transcript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from integrations.vendors.salesforce_messaging.simulator.checks import (
    VendorError,
    check_one_of,
    error_code,
    query_number,
)
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    EndUser,
    Entry,
    now_ms,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 50
TRANSCRIPT_ENTRIES = 200


def error_answer(status: int, message: str, code: str | None = None) -> Response:
    """Return an error in the vendor's shape."""
    body = {"message": message, "errorCode": code or error_code(status)}
    return JSONResponse(body, status_code=status)


def token_answer(org: Org, end_user: EndUser, signed: str) -> dict[str, Any]:
    """Return a token with the deployment's configuration."""
    return {
        "accessToken": signed,
        "lastEventId": org.events.last_event_id,
        "context": {
            "configuration": {
                "embeddedServiceConfig": _embedded_service_config(org, end_user),
                "timestamp": now_ms(),
            },
            "deviceId": None,
            "endUser": {
                "appType": "iamessage",
                "role": "EndUser",
                "subject": end_user.subject,
            },
        },
    }


def _embedded_service_config(org: Org, end_user: EndUser) -> dict[str, Any]:
    switches = org.switches
    form = {
        "formType": "PreChat",
        "displayContext": "Session" if switches.session_prechat else "Conversation",
        "formFields": switches.prechat_fields,
    }
    return {
        "name": org.es_developer_name,
        "deploymentType": "api",
        "embeddedServiceMessagingChannel": {
            "channelAddressIdentifier": org.channel_address_identifier,
            "authMode": "Auth" if end_user.is_authenticated else "UnAuth",
        },
        "forms": [form] if switches.prechat_fields or switches.session_prechat else [],
        "choiceListConfig": {"choiceList": []},
        "attachments": {
            "endUserToAgent": switches.attachments,
            "maxFileSize": switches.max_file_size,
        },
        "transcript": {"allowTranscriptDownload": switches.transcript_download},
    }


def message_answer(entry: Entry) -> dict[str, Any]:
    """Return what a client learns of a message it sent."""
    accepted = {"id": entry.identifier, "clientTimestamp": entry.client_timestamp}
    return {"conversationEntries": [accepted]}


def conversation_list(org: Org, subject: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return an end user's conversations, oldest first."""
    mine = [one for one in org.conversations.values() if one.subject == subject]
    if wanted := query.get("conversationId"):
        mine = [one for one in mine if one.conversation_id == wanted]
    mine = [one for one in mine if _is_between(one.started_at, query)]
    is_closed_wanted = query.get("inclClosedConvs", "false").lower() == "true"
    shown = [one for one in mine if is_closed_wanted or not one.is_closed]
    return {
        "openConversationsFound": sum(not one.is_closed for one in mine),
        "closedConversationsFound": sum(one.is_closed for one in mine),
        "conversations": [
            {
                "conversationId": one.conversation_id,
                "startTimestamp": one.started_at,
                "endTimestamp": one.ended_at,
            }
            for one in sorted(shown, key=lambda one: one.started_at)[: _limit(query)]
        ],
    }


def entry_list(conversation: Conversation, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of the history, newest first unless asked from the start."""
    direction = query.get("direction") or "FromEnd"
    check_one_of(direction, ("FromStart", "FromEnd"), "direction")
    wanted = [name.strip() for name in query.get("entryTypeFilter", "").split(",") if name.strip()]
    found = [
        entry
        for entry in conversation.entries
        if (not wanted or entry.entry_type in wanted)
        and _is_between(entry.transcripted_timestamp, query)
    ]
    if direction == "FromEnd":
        found.reverse()
    return {"conversationEntries": [_listed(entry) for entry in found[: _limit(query)]]}


def _listed(entry: Entry) -> dict[str, Any]:
    """Return an entry of the history: its payload is an object here, not a JSON string."""
    return {
        "entryType": entry.entry_type,
        "identifier": entry.identifier,
        "senderDisplayName": entry.sender_name,
        "sender": entry.sender,
        "clientTimestamp": entry.client_timestamp,
        "transcriptedTimestamp": entry.transcripted_timestamp,
        "entryPayload": entry.payload,
    }


def _limit(query: Mapping[str, str]) -> int:
    limit = query_number(query, "limit", DEFAULT_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise VendorError(400, f"limit must be between 1 and {LARGEST_LIMIT}.")
    return limit


def _is_between(timestamp: int, query: Mapping[str, str]) -> bool:
    start = query_number(query, "startTimestamp", 0)
    end = query_number(query, "endTimestamp", 0)
    return timestamp >= start and (not end or timestamp <= end)


def transcript_pdf(conversation: Conversation) -> bytes:
    """Return the last entries as a one-page PDF."""
    lines = [_said(entry) for entry in conversation.messages()[-TRANSCRIPT_ENTRIES:]]
    shown = "".join(f"({_escaped(line)}) Tj T*\n" for line in lines)
    stream = f"BT /F1 10 Tf 40 800 Td 12 TL\n{shown}ET".encode("latin-1", errors="replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    return _assembled(parts)


def _assembled(parts: list[bytes]) -> bytes:
    document = b"%PDF-1.4\n"
    offsets = []
    for number, part in enumerate(parts, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return document + head + table + trailer % (len(parts) + 1, len(document))


def _said(entry: Entry) -> str:
    content = entry.payload["abstractMessage"].get("staticContent", {})
    return f"{entry.sender_name}: {content.get('text') or ''}"


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
