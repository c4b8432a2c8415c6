"""The calls of Five9's messaging service: one method for each, named after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    InvalidAuthError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.errors import NO_STATUSES, StatusTable, VendorResponse, status_error
from integrations.kit.json_values import Json, as_id, as_object, as_objects, as_text
from integrations.kit.plain_json import vendor_object
from integrations.kit.waiting import RateBudget

SERVICE = "/appsvcs/rs/svc"
# What lost its answer may be doubled by the repeat: wait for it as long as others do.
CALL_SECONDS = 30.0
UPLOAD_SECONDS = 60.0


class MigratedError(CannotConnectError):
    """The domain has moved to another data centre (435): its host is to be read again."""


# The id of a conversation is its token: where the token is gone, so is the conversation.
_GONE: StatusTable = {
    401: ConversationGoneError,
    403: ConversationGoneError,
    404: ConversationGoneError,
    435: MigratedError,
}
_MIGRATED: StatusTable = {435: MigratedError}
# Of a domain that it does not know Five9 says no more than a status that is no success.
_NO_TENANT: StatusTable = dict.fromkeys((400, 401, 403, 404), InvalidAuthError)
# What the file service refuses is a file, and shows nothing of the conversation.
_NO_FILE: StatusTable = dict.fromkeys((401, 403, 404), RejectedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousSession:
    """What Five9 gives for a domain's name; one for each conversation."""

    token: str = field(repr=False)
    farm_id: str
    org_id: str
    api: str
    # Where the domain's file service is; empty without one.
    cloud: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it as a session's state keeps it."""
        return {
            "token": self.token,
            "farm_id": self.farm_id,
            "org_id": self.org_id,
            "api": self.api,
            "cloud": self.cloud,
        }

    @classmethod
    def of(cls, kept: Json) -> AnonymousSession:
        """Take over what `as_json` returned."""
        return cls(**{name: as_text(kept.get(name)) for name in cls.__dataclass_fields__})


class Five9Client:
    """Speaks to one domain."""

    def __init__(
        self, http: HttpClient, *, login: str, form: str, tenant: str, budget: RateBudget
    ) -> None:
        """Keep what every call needs."""
        self._http = http
        self._login = login.rstrip("/")
        self._mark = " " if form == "space" else "-"
        self._tenant = tenant
        self._budget = budget

    async def anon(self) -> AnonymousSession:
        """Get an anonymous session for the domain."""
        answer = await self._call(
            "anon",
            "POST",
            f"{self._login}{SERVICE}/auth/anon?cookieless=true",
            json={"tenantName": self._tenant},
            statuses=_NO_TENANT,
        )
        body = as_object(answer.json())
        token = as_id(body.get("tokenId"))
        if not token:
            raise UnexpectedResponseError("anon: the answer has no tokenId")
        return AnonymousSession(token=token, **self._place(body))

    async def metadata(self, session: AnonymousSession) -> AnonymousSession:
        """Read again where the domain lives."""
        url = f"{self._login}{SERVICE}/auth/metadata"
        answer = await self._call("metadata", "GET", url, headers=self._headers(session))
        told = self._place(as_object(answer.json()))
        return replace(session, **{name: value for name, value in told.items() if value})

    async def logged_in_profiles(self, session: AnonymousSession, campaign: str) -> list[Json]:
        """Ask whether live agents are logged in for a campaign."""
        path = f"/agents/{quote(session.token, safe='')}/logged_in_profiles"
        answer = await self._service(
            "logged_in_profiles", "GET", session, path, params={"profiles": campaign}
        )
        return as_objects(answer.json())

    async def conversations(self, session: AnonymousSession, body: Mapping[str, object]) -> str:
        """Open the conversation; returns its id."""
        answer = await self._service("conversations", "POST", session, "/conversations", json=body)
        return as_id(as_object(answer.json()).get("id")) or session.token

    async def info(self, session: AnonymousSession, conversation_id: str) -> str:
        """Return the conversation's status."""
        path = _path(conversation_id, "/info")
        answer = await self._service("info", "GET", session, path, statuses=_GONE)
        return as_text(as_object(answer.json()).get("status"))

    async def messages(
        self,
        session: AnonymousSession,
        conversation_id: str,
        text: str,
        external_id: str,
        files: Sequence[str] = (),
    ) -> None:
        """Send a text of the end user's, or files that are uploaded."""
        body: dict[str, object] = {"message": text, "messageType": "TEXT"}
        body |= {"externalId": external_id, **({"attachments": list(files)} if files else {})}
        path = _path(conversation_id, "/messages")
        await self._service("messages", "POST", session, path, json=body, statuses=_GONE)

    async def acknowledge(
        self, session: AnonymousSession, conversation_id: str, message_id: str, kind: str
    ) -> None:
        """Say how far a live agent's message came."""
        body = {"messages": [{"type": kind, "messageId": message_id}]}
        path = _path(conversation_id, "/messages/acknowledge")
        await self._service("acknowledge", "PUT", session, path, json=body, statuses=_GONE)

    async def terminate(self, session: AnonymousSession, conversation_id: str) -> int:
        """End the conversation; returns the status, which may be 404 or 405."""
        path = _path(conversation_id, "/terminate")
        answer = await self._service(
            "terminate", "POST", session, path, statuses=_GONE, returns=(404, 405)
        )
        return answer.status

    async def delete(self, session: AnonymousSession, conversation_id: str) -> None:
        """End the conversation where there is no terminate."""
        path = _path(conversation_id)
        await self._service("delete", "DELETE", session, path, statuses=_GONE)

    # -- The file service, which takes another token and another form of its header -------------

    async def exchangefdmtoken(self, session: AnonymousSession) -> str:
        """Get the file service's own token."""
        path = f"cloudauthsvcs/v1/domains/{quote(session.org_id, safe='')}/exchangefdmtoken"
        body = await self._files("exchangefdmtoken", "POST", session, path, session.token)
        token = as_text(body.get("access_token")) or as_text(body.get("accessToken"))
        if not token:
            raise UnexpectedResponseError("exchangefdmtoken: the answer has no token")
        return token

    async def file_policies(
        self, session: AnonymousSession, access: str, file_name: str
    ) -> tuple[str, str]:
        """Return the id that a file gets, and where to put it."""
        path = f"{_file_service(session)}/file-upload/file-policies/GENERIC"
        json = {"fileName": file_name}
        body = await self._files("file_policies", "POST", session, path, access, json=json)
        file_id, target = as_id(body.get("id")), as_text(body.get("uploadUrl"))
        if not file_id or not target:
            raise UnexpectedResponseError("file_policies: the answer has no id or no uploadUrl")
        return file_id, target

    async def upload(self, access: str, target: str, content: bytes, mime_type: str) -> None:
        """Put a file where its policy says."""
        headers = {"Authorization": f"Bearer {access}", "Content-Type": mime_type}
        await self._call(
            "upload",
            "PUT",
            target,
            headers=headers,
            data=content,
            statuses=_NO_FILE,
            timeout=UPLOAD_SECONDS,
        )

    async def files(self, session: AnonymousSession, access: str, file_id: str) -> str:
        """Return what a message names a file by; empty while the service works on it."""
        path = f"{_file_service(session)}/files/{quote(file_id, safe='')}"
        body = await self._files("files", "GET", session, path, access, returns=(404,))
        return as_id(body.get("fileDownloadId"))

    async def _files(
        self,
        operation: str,
        method: str,
        session: AnonymousSession,
        path: str,
        token: str,
        **parts: Any,
    ) -> Json:
        url = f"{session.cloud.rstrip('/')}/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._call(
            operation, method, url, headers=headers, statuses=_NO_FILE, **parts
        )
        return {} if answer.status == 404 else as_object(answer.json())

    # -- What every call goes through -----------------------------------------------------------

    async def _service(
        self, operation: str, method: str, session: AnonymousSession, path: str, **parts: Any
    ) -> VendorResponse:
        parts.setdefault("statuses", _MIGRATED)
        return await self._call(
            operation,
            method,
            f"{session.api}{SERVICE}{path}",
            headers=self._headers(session),
            hidden=session.token,
            **parts,
        )

    async def _call(self, operation: str, method: str, url: str, **parts: Any) -> VendorResponse:
        parts.setdefault("timeout", CALL_SECONDS)
        async with self._budget.call(operation):
            return await self._http.request(operation, method, url, read_error=_refusal, **parts)

    def _headers(self, session: AnonymousSession) -> dict[str, str]:
        return {
            "Authorization": f"Bearer{self._mark}{session.token}",
            "farmId": session.farm_id,
        }

    def _place(self, body: Json) -> dict[str, str]:
        """Read whose session it is, and the host of the data centre that is active."""
        centres = as_objects(as_object(body.get("metadata")).get("dataCenters"))
        active = next((one for one in centres if one.get("active") in (True, "true")), {})
        address = next(iter(as_objects(active.get("apiUrls"))), {})
        host, port = as_text(address.get("host")), as_id(address.get("port"))
        if not host:
            raise UnexpectedResponseError("anon: the answer names no active data centre")
        scheme = urlsplit(self._login).scheme
        context = as_object(body.get("context"))
        return {
            "farm_id": as_id(context.get("farmId")),
            "cloud": as_text(context.get("cloudClientUrl")),
            "org_id": as_id(body.get("orgId")),
            "api": f"{scheme}://{host}" + (f":{port}" if port else ""),
        }


def _refusal(response: VendorResponse, statuses: StatusTable = NO_STATUSES) -> ConnectorError:
    """Take the code out of Five9's own envelope."""
    error = status_error(response, statuses)
    detail = as_object(vendor_object(response.body).get("five9ExceptionDetail"))
    error.vendor_code = error.vendor_code or as_id(detail.get("errorCode"))[:64]
    return error


def _file_service(session: AnonymousSession) -> str:
    return f"file-svc/v1/domains/{quote(session.org_id, safe='')}"


def _path(conversation_id: str, call: str = "") -> str:
    return f"/conversations/{quote(conversation_id, safe='')}{call}"
