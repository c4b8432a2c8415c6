"""Salesforce's Enhanced Chat API v2 over HTTP: one method for each endpoint."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.contract.errors import (
    ConversationGoneError,
    InvalidAuthError,
    UnexpectedResponseError,
)
from integrations.http.client import REQUEST_SECONDS, FormData, HttpClient
from integrations.http.download import download
from integrations.http.errors import VendorResponse
from integrations.http.sse import SseEvent
from integrations.kit.conversation_entries.answers import stable_id
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text, json_text
from integrations.kit.waiting import RateBudget, RateTiming

API = "/iamessage/api/v2"
STREAM = "/eventrouter/v1/sse"
PAGE_SIZE = 50
TRANSFER_SECONDS = 60.0
MAX_DOWNLOAD_BYTES = 25 * 1024 * 1024

# Where Salesforce's statuses mean something else than elsewhere.
_CONVERSATION_STATUSES = {
    403: ConversationGoneError,  # the session is no longer valid
    404: ConversationGoneError,  # unknown to this end user
    410: ConversationGoneError,
}
_FILE_STATUSES = {**_CONVERSATION_STATUSES, 417: ConversationGoneError}  # the session is over
_TOKEN_STATUSES = {
    400: InvalidAuthError,  # wrong organization or deployment, or not published
    403: InvalidAuthError,
    404: InvalidAuthError,
}
# Salesforce names no time with its 429; 22 messages a minute are allowed in a conversation.
PAUSES = RateTiming(first=2.0, longest=60.0)
_ALREADY_THERE = 409
_NEEDS_NEW_SESSION = 417
_ALREADY_OVER = (403, 404, 410)
# A token that does not tell when it expires is used for as long as a channel's sample setting.
DEFAULT_LIFE_SECONDS = 6 * 3600
_ANONYMOUS_SUBJECT = "/ANON/"
# The answer names the size of a file in megabytes.
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One end user's right to use the API, and where their event stream begins."""

    value: str = field(repr=False)
    last_event_id: str
    expires_at: float
    is_authenticated: bool
    # The largest file that the channel takes; 0 where it does not say.
    max_file_bytes: int = 0

    def dump(self) -> str:
        """Return the token as text for the token cache."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> AccessToken:
        """Read what `dump` wrote."""
        return cls(**json.loads(text))


class SalesforceMessagingClient:
    """One deployment's API; holds no token."""

    def __init__(
        self, http: HttpClient, *, base_url: str, org_id: str, es_developer_name: str
    ) -> None:
        """Keep the address; the organization id is cut to the 15 characters the API wants."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._org_id = org_id[:15]
        self._es_developer_name = es_developer_name
        self._budget = RateBudget(PAUSES, account=self._org_id, store=http.pauses)

    async def _call(self, operation: str, method: str, url: str, **options: Any) -> VendorResponse:
        """Make a call, unless Salesforce has asked this connection for a pause."""
        async with self._budget.call(operation):
            return await self._http.request(operation, method, url, **options)

    async def _on(
        self, operation: str, method: str, token: AccessToken, path: str, **options: Any
    ) -> VendorResponse:
        """Make a call about a conversation, whose path begins with its id."""
        url = f"{self._base_url}{API}/conversation/{path}"
        options.setdefault("statuses", _CONVERSATION_STATUSES)
        return await self._call(operation, method, url, headers=_bearer(token), **options)

    async def reach(self, *, timeout: float) -> None:
        """Ask for anything without a token: whatever the answer, somebody is there."""
        await self._http.request(
            "reach",
            "GET",
            f"{self._base_url}{API}/conversation/list",
            timeout=timeout,
            returns=range(100, 600),
        )

    async def access_token_answer(
        self,
        identity_token: str = "",
        *,
        timeout: float = REQUEST_SECONDS,
        refusals: Collection[int] = (),
    ) -> VendorResponse:
        """Ask for a token, for a signed identity if there is one; see `refusals` of HttpClient."""
        kind = "authenticated" if identity_token else "unauthenticated"
        body = {
            "orgId": self._org_id,
            "esDeveloperName": self._es_developer_name,
            "capabilitiesVersion": "1",
            "platform": "Web",
        }
        if identity_token:
            body |= {"authorizationType": "JWT", "customerIdentityToken": identity_token}
        return await self._call(
            f"{kind}_access_token",
            "POST",
            f"{self._base_url}{API}/authorization/{kind}/access-token",
            json=body,
            timeout=timeout,
            statuses=_TOKEN_STATUSES,
            refusals=refusals,
        )

    async def access_token(self, identity_token: str = "") -> AccessToken:
        """Return a new token; raises InvalidAuthError when organization or deployment is wrong."""
        try:
            response = await self.access_token_answer(identity_token)
        except InvalidAuthError as error:
            error.field = "jwt_key_id" if identity_token else "es_developer_name"
            raise
        return token_from_answer(response.json(), was_signed=bool(identity_token))

    async def create_conversation(
        self,
        token: AccessToken,
        conversation_id: str,
        *,
        routing_attributes: Mapping[str, str],
        language: str,
    ) -> None:
        """Create the conversation; one that exists is ours, from an earlier try."""
        body: dict[str, object] = {
            "conversationId": conversation_id,
            "esDeveloperName": self._es_developer_name,
            "routingAttributes": dict(routing_attributes),
        }
        if language:
            body["language"] = language
        await self._call(
            "create_conversation",
            "POST",
            f"{self._base_url}{API}/conversation",
            headers=_bearer(token),
            json=body,
            returns=(_ALREADY_THERE,),
        )

    async def send_message(
        self,
        token: AccessToken,
        conversation_id: str,
        message: Json,
        *,
        new_session: Mapping[str, object] | None,
    ) -> bool:
        """Send a message under an id of ours; say False where Salesforce calls it a duplicate.

        Where no session is open it opens one with the attributes and language of `new_session`;
        without, ConversationGoneError says that the session is over.
        """
        response = await self._post_message(token, conversation_id, message, {})
        if response.status == _NEEDS_NEW_SESSION:
            if new_session is None:
                raise ConversationGoneError("send_message: the session is over", status=417)
            opening = {"isNewMessagingSession": True, **new_session}
            response = await self._post_message(token, conversation_id, message, opening)
        return response.status != _ALREADY_THERE

    async def _post_message(
        self,
        token: AccessToken,
        conversation_id: str,
        message: Json,
        extra: Mapping[str, object],
    ) -> VendorResponse:
        repeatable = () if extra else (_NEEDS_NEW_SESSION,)
        return await self._on(
            "send_message",
            "POST",
            token,
            f"{conversation_id}/message",
            json={"message": message, "esDeveloperName": self._es_developer_name, **extra},
            returns=(_ALREADY_THERE, *repeatable),
        )

    async def send_file(
        self,
        token: AccessToken,
        conversation_id: str,
        *,
        message_id: str,
        file_name: str,
        content: bytes,
    ) -> bool:
        """Upload a file as a message; say False where Salesforce calls it a duplicate."""
        response = await self._on(
            "send_file",
            "POST",
            token,
            f"{conversation_id}/file",
            data=self._upload(message_id, file_name, content),
            timeout=TRANSFER_SECONDS,
            statuses=_FILE_STATUSES,
            returns=(_ALREADY_THERE,),
        )
        return response.status != _ALREADY_THERE

    def _upload(self, message_id: str, file_name: str, content: bytes) -> FormData:
        """Return the two parts of an upload; the file's id follows from the message's."""
        file_id = stable_id("salesforce_messaging", "file", message_id)
        entry = {
            "esDeveloperName": self._es_developer_name,
            "message": {"id": message_id, "fileId": file_id},
        }
        # Names as they are written: quoted, a blank would be shown as %20.
        form = FormData(quote_fields=False)
        form.add_field("messageEntry", json_text(entry), content_type="application/json")
        form.add_field(
            "fileData", content, filename=file_name, content_type="application/octet-stream"
        )
        return form

    async def fetch_attachment(self, url: str) -> bytes:
        """Download a file; its address is its own key, so no token goes along."""
        return await download(self._http, url, max_bytes=MAX_DOWNLOAD_BYTES)

    async def send_entry(self, token: AccessToken, conversation_id: str, entry_type: str) -> None:
        """Send a typing indicator; in a pause it is left out, nobody misses one."""
        if self._budget.is_held_back():
            return
        body = {"entryType": entry_type, "id": str(uuid.uuid4())}
        await self._on("send_entry", "POST", token, f"{conversation_id}/entry", json=body)

    async def acknowledge_entries(
        self, token: AccessToken, conversation_id: str, entry_id: str, kinds: Sequence[str]
    ) -> None:
        """Acknowledge a live agent's entry as delivered or read, in the order given."""
        acks = [
            {"id": str(uuid.uuid4()), "entryType": kind, "conversationEntryId": entry_id}
            for kind in kinds
        ]
        path = f"{conversation_id}/acknowledge-entries"
        await self._on("acknowledge_entries", "POST", token, path, json={"acks": acks})

    async def list_entries(
        self, token: AccessToken, conversation_id: str, *, start_timestamp: int
    ) -> list[Json]:
        """Return one page of entries from a time on."""
        params = {"direction": "FromStart"}
        if start_timestamp:
            params["startTimestamp"] = str(start_timestamp)
        return await self._entries(token, conversation_id, params)

    async def newest_messages(self, token: AccessToken, conversation_id: str) -> list[Json]:
        """Return one page of what was said, from the end."""
        params = {"direction": "FromEnd", "entryTypeFilter": "Message"}
        return await self._entries(token, conversation_id, params)

    async def _entries(
        self, token: AccessToken, conversation_id: str, params: Mapping[str, str]
    ) -> list[Json]:
        params = {"limit": str(PAGE_SIZE), **params}
        path = f"{conversation_id}/entries"
        response = await self._on("list_entries", "GET", token, path, params=params)
        return as_objects(as_object(response.json()).get("conversationEntries"))

    async def routing_status(self, token: AccessToken, conversation_id: str) -> str:
        """Say who has the work: INITIAL, ROUTED, TRANSFER or NEEDS_ROUTING."""
        response = await self._on("routing_status", "GET", token, conversation_id)
        return as_text(as_object(response.json()).get("routingStatus"))

    async def end_session(self, token: AccessToken, conversation_id: str) -> None:
        """End the messaging session; one that is over already is fine."""
        await self._on(
            "end_session",
            "DELETE",
            token,
            f"{conversation_id}/session",
            params={"esDeveloperName": self._es_developer_name},
            returns=_ALREADY_OVER,
        )

    def events(
        self, token: AccessToken, last_event_id: str, *, idle_timeout: float, open_timeout: float
    ) -> AbstractAsyncContextManager[AsyncIterator[SseEvent]]:
        """Open the end user's event stream behind the last event seen."""
        headers = {**_bearer(token), "X-Org-Id": self._org_id}
        if last_event_id:
            headers["Last-Event-Id"] = last_event_id
        return self._http.stream_events(
            "events",
            f"{self._base_url}{STREAM}",
            headers=headers,
            idle_timeout=idle_timeout,
            open_timeout=open_timeout,
        )


def _bearer(token: AccessToken) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.value}"}


def token_from_answer(answer: object, *, was_signed: bool) -> AccessToken:
    """Read a token answer; a signed request may still be answered with an anonymous token."""
    fields = as_object(answer)
    value = as_text(fields.get("accessToken"))
    if not value:
        raise UnexpectedResponseError("access_token: the answer holds no token")
    end_user = as_object(as_object(fields.get("context")).get("endUser"))
    is_anonymous = _ANONYMOUS_SUBJECT in as_text(end_user.get("subject"))
    return AccessToken(
        value=value,
        last_event_id=str(fields.get("lastEventId") or ""),
        expires_at=_expiry(value),
        is_authenticated=was_signed and not is_anonymous,
        max_file_bytes=_max_file_bytes(fields),
    )


def _max_file_bytes(answer: Json) -> int:
    configuration = as_object(as_object(answer.get("context")).get("configuration"))
    config = as_object(configuration.get("embeddedServiceConfig"))
    size = as_count(as_object(config.get("attachments")).get("maxFileSize"))
    return (size or 0) * _MEGABYTE


def _expiry(value: str) -> float:
    """Read `exp` without judging the token, which is Salesforce's own affair."""
    part = value.split(".")[1] if value.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        claims = {}
    expiry = as_count(as_object(claims).get("exp"))
    return float(expiry) if expiry else time.time() + DEFAULT_LIFE_SECONDS
