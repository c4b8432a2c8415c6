"""The simulated messaging API: every path of the contract's section on Enhanced Chat API v2.

Imitates developer.salesforce.com/docs/service/messaging-api/references/miaw-api-reference; the
success codes that page leaves open are those of the contract's list of working assumptions.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.simulators.keysets import IdentityRefusedError
from integrations.simulators.simulator import Simulator
from integrations.vendors.salesforce_messaging.simulator import checks, entries, routing
from integrations.vendors.salesforce_messaging.simulator.checks import Call, VendorError
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    EndUser,
    Entry,
    now_ms,
)
from integrations.vendors.salesforce_messaging.simulator.world import CONTENT_PATH, FILE_PATH, Org

Act = Callable[[Call], Response]
BASE = "/iamessage/api/v2"
TRANSCRIPT_ENTRIES = 200


def messaging_app(simulator: Simulator, org: Org) -> Starlette:
    """Return the ASGI application that speaks the contract for one org."""
    return Starlette(
        routes=[
            Route(org.path_prefix + path, _endpoint(simulator, org, act), methods=[method])
            for method, path, act in _TABLE
        ],
        exception_handlers={VendorError: _answer_refusal, HTTPException: _answer_http_error},
    )


def _endpoint(simulator: Simulator, org: Org, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """Read all of a request, then act while nobody else does."""

    async def endpoint(request: Request) -> Response:
        content = await request.body()
        async with request.form() as form:
            call = Call(org, request, content, form)
            with simulator.lock if request.method == "GET" else simulator.change():
                return act(call)

    return endpoint


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VendorError)
    return error_answer(error.status, error.message, error.code)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, error.detail)


def error_answer(status: int, message: str, code: str | None = None) -> Response:
    """Return an error in the vendor's shape."""
    body = {"message": message, "errorCode": code or checks.error_code(status)}
    return JSONResponse(body, status_code=status)


# -- Tokens ----------------------------------------------------------------------------------------


def anonymous_token(call: Call) -> Response:
    """Give a token to an end user nobody knows."""
    checks.check_org(call.body(checks.TOKEN)["orgId"], call.org.org_id)
    return _token_answer(call.org, call.org.anonymous_end_user())


def verified_token(call: Call) -> Response:
    """Give a token to the end user a customer identity token names; its `aud` is not looked at."""
    body, org = call.body(checks.IDENTITY_TOKEN), call.org
    checks.check_org(body["orgId"], org.org_id)
    try:
        # The contract's sources disagree about the audience.
        subject = org.keyset.subject_of(body["customerIdentityToken"], is_audience_checked=False)
    except IdentityRefusedError as error:
        if org.switches.auth_failure_mode == "reject":
            raise VendorError(401, f"Identity token refused: {error}") from error
        return _token_answer(org, org.anonymous_end_user())
    return _token_answer(org, org.verified_end_user(subject))


def _token_answer(org: Org, end_user: EndUser) -> Response:
    expires_at = int(time.time() + org.switches.token_ttl_seconds)
    context = {
        "configuration": {
            "embeddedServiceConfig": _embedded_service_config(org, end_user),
            "timestamp": now_ms(),
        },
        "deviceId": None,
        "endUser": {"appType": "iamessage", "role": "EndUser", "subject": end_user.subject},
    }
    return _signed(org, end_user.subject, expires_at, context=context)


def _signed(org: Org, subject: str, expires_at: int, **more: object) -> Response:
    token = org.tokens.issue(subject, expires_at=expires_at)
    last_event_id = org.events.last_event_id
    return JSONResponse({"accessToken": token.signed, "lastEventId": last_event_id, **more})


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


def continuation_token(call: Call) -> Response:
    """Give the same end user a token for another client; it expires no later."""
    token = call.token()
    return _signed(call.org, token.subject, token.expires_at)


def revoke_token(call: Call) -> Response:
    """Revoke a verified end user's token and close its streams."""
    token = call.token()
    if not token.is_authenticated:
        raise VendorError(403, "Only the token of a verified user can be revoked.")
    token.is_revoked = True
    for stream in call.org.events.open_streams(token.subject):
        stream.notify()
    return Response(status_code=204)


# -- Conversations ---------------------------------------------------------------------------------


def create_conversation(call: Call) -> Response:
    """Create a conversation; without pre-chat per session it is routed at once."""
    org, token, body = call.org, call.token(), call.body(checks.CONVERSATION)
    is_asked_later = org.switches.session_prechat
    conversation = Conversation(
        conversation_id=body["conversationId"],
        subject=token.subject,
        language=body.get("language"),
        routing_attributes=call.attributes(body, is_form_checked=not is_asked_later),
    )
    if conversation.conversation_id in org.conversations:
        raise VendorError(409, "A conversation with this id exists already.")
    org.conversations.add(conversation)
    if not is_asked_later:
        routing.start_session(org, conversation, conversation.routing_attributes)
    return JSONResponse({"conversationId": conversation.conversation_id}, status_code=201)


def list_conversations(call: Call) -> Response:
    """List the token's conversations, oldest first."""
    subject, query = call.token().subject, call.query
    mine = [
        one
        for one in call.org.conversations.values()
        if one.subject == subject
        and query.get("conversationId") in (None, "", one.conversation_id)
        and entries.is_between(one.started_at, query)
    ]
    is_closed_wanted = query.get("inclClosedConvs", "false").lower() == "true"
    shown = [one for one in mine if is_closed_wanted or not one.is_closed]
    shown.sort(key=lambda one: one.started_at)
    return JSONResponse(
        {
            "openConversationsFound": sum(not one.is_closed for one in mine),
            "closedConversationsFound": sum(one.is_closed for one in mine),
            "conversations": [
                {
                    "conversationId": one.conversation_id,
                    "startTimestamp": one.started_at,
                    "endTimestamp": one.ended_at,
                }
                for one in shown[: entries.page_size(query)]
            ],
        }
    )


def routing_status(call: Call) -> Response:
    """Tell who owns the work."""
    conversation = call.conversation()
    latest = conversation.sessions[-1] if conversation.sessions else None
    status = latest.routing_status if latest else "NEEDS_ROUTING"
    return JSONResponse({"conversationId": conversation.conversation_id, "routingStatus": status})


def end_session(call: Call) -> Response:
    """End the messaging session; ending it again changes nothing."""
    conversation = call.conversation()
    call.check_deployment(call.query.get("esDeveloperName"))
    if conversation.session:
        routing.end_session(call.org, conversation, "EndUser")
    return Response(status_code=204)


def close_conversation(call: Call) -> Response:
    """Close the conversation for good; closing it again changes nothing."""
    conversation = call.conversation()
    call.check_deployment(call.query.get("esDeveloperName"))
    if conversation.is_closed:
        return Response(status_code=204)
    call.org.emit(
        conversation,
        "CloseConversation",
        {},
        sender=call.participant(),
        sender_name=call.org.end_users[conversation.subject].display_name,
        hidden_from_client=call.token().client_identifier,
    )
    if session := conversation.session:
        session.agents.clear()
        session.status, session.ended_by_role = "Ended", "EndUser"
        session.routing_status = "NEEDS_ROUTING"
    conversation.ended_at = now_ms()
    return Response(status_code=204)


def transcript(call: Call) -> Response:
    """Give the transcript as PDF, where the channel allows it."""
    conversation = call.conversation()
    call.check_deployment(call.query.get("esDeveloperName"))
    if not call.org.switches.transcript_download:
        raise VendorError(403, "Transcript download is not enabled on the channel.")
    return Response(transcript_pdf(conversation), media_type="application/pdf")


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
    content = entry.payload["abstractMessage"].get("staticContent") or {}
    return f"{entry.sender_name}: {content.get('text') or ''}"


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


_ONE = BASE + "/conversation/{conversation_id}"
_AUTHORIZATION = BASE + "/authorization"
_TABLE: tuple[tuple[str, str, Act], ...] = (
    ("POST", _AUTHORIZATION + "/unauthenticated/access-token", anonymous_token),
    ("POST", _AUTHORIZATION + "/authenticated/access-token", verified_token),
    ("DELETE", _AUTHORIZATION + "/authenticated/access-token", revoke_token),
    ("GET", _AUTHORIZATION + "/continuation-access-token", continuation_token),
    ("POST", BASE + "/conversation", create_conversation),
    ("GET", BASE + "/conversation/list", list_conversations),
    ("GET", _ONE, routing_status),
    ("DELETE", _ONE, close_conversation),
    ("DELETE", _ONE + "/session", end_session),
    ("GET", _ONE + "/transcript", transcript),
    ("POST", _ONE + "/message", entries.send_message),
    ("POST", _ONE + "/file", entries.send_file),
    ("POST", _ONE + "/entry", entries.send_entry),
    ("POST", _ONE + "/acknowledge-entries", entries.acknowledge_entries),
    ("GET", _ONE + "/entries", entries.list_entries),
    ("GET", "/eventrouter/v1/sse", entries.events),
    ("GET", FILE_PATH, entries.file),
    ("GET", CONTENT_PATH, entries.file),
)
