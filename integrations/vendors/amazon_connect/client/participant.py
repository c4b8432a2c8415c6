"""Amazon Connect's participant API: the chat itself, under a bearer token."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime

from integrations.contract.errors import (
    CannotConnectError,
    RejectedError,
    UnexpectedResponseError,
)
from integrations.http.client import HttpClient
from integrations.http.download import download
from integrations.http.errors import StatusTable
from integrations.http.socket import VendorSocket
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.kit.waiting import RateBudget
from integrations.vendors.amazon_connect.client.aws import aws_error
from integrations.vendors.amazon_connect.mapping.events import KEPT_BACK, moment
from integrations.vendors.amazon_connect.mapping.messages import Reply

PAGE_SIZE = 100
MAX_PAGES = 40
UPLOAD_SECONDS = 60.0
# A used or expired address is no verdict on the chat: ask for another one.
_SOCKET_STATUSES: StatusTable = {401: CannotConnectError, 403: CannotConnectError}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A token and the region's address that takes it."""

    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantConnection:
    """What CreateParticipantConnection gives."""

    bearer: Bearer
    expires_at: datetime
    socket_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Where the bytes of a file go, and the headers that must go with them."""

    attachment_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class ParticipantClient:
    """One method for each operation; holds no token."""

    def __init__(self, http: HttpClient, budget: RateBudget) -> None:
        """Share the connector's client, and what it knows of AWS's limits."""
        self._http = http
        self._budget = budget

    async def create_participant_connection(self, participant: Bearer) -> ParticipantConnection:
        """Trade the participant's token for a connection's."""
        answer = await self._post(
            "CreateParticipantConnection",
            participant,
            "/participant/connection",
            {"Type": ["WEBSOCKET", "CONNECTION_CREDENTIALS"]},
        )
        credentials = as_object(answer.get("ConnectionCredentials"))
        socket_url = as_text(as_object(answer.get("Websocket")).get("Url"))
        token = as_text(credentials.get("ConnectionToken"))
        if not token or not socket_url:
            raise UnexpectedResponseError("CreateParticipantConnection: the answer lacks a part")
        return ParticipantConnection(
            bearer=Bearer(base_url=participant.base_url, token=token),
            expires_at=moment(credentials.get("Expiry")),
            socket_url=socket_url,
        )

    def socket(
        self, url: str, *, idle_timeout: float, open_timeout: float
    ) -> AbstractAsyncContextManager[VendorSocket]:
        """Open the participant's socket."""
        return self._http.websocket(
            "socket",
            url,
            idle_timeout=idle_timeout,
            open_timeout=open_timeout,
            statuses=_SOCKET_STATUSES,
        )

    async def send_message(self, bearer: Bearer, reply: Reply, *, client_token: str) -> str:
        """Send a message and return its id; a repeat with the same token is not shown again.

        Raises RejectedError where the instance's message processing keeps it back.
        """
        body = {
            "ContentType": reply.content_type,
            "Content": reply.content,
            "ClientToken": client_token,
        }
        answer = await self._post("SendMessage", bearer, "/participant/message", body)
        status = as_object(answer.get("MessageMetadata")).get("MessageProcessingStatus")
        if status in KEPT_BACK:
            raise RejectedError(
                "SendMessage: kept back by message processing", vendor_code=as_text(status)
            )
        return as_text(answer.get("Id"))

    async def send_event(self, bearer: Bearer, content_type: str, content: str = "") -> None:
        """Send typing or a receipt."""
        body = {"ContentType": content_type} | ({"Content": content} if content else {})
        await self._post("SendEvent", bearer, "/participant/event", body)

    async def get_transcript(self, bearer: Bearer, *, after: str) -> list[Json]:
        """Return all items from the one with this id on, or all there are, in any order."""
        body: dict[str, object] = {"MaxResults": PAGE_SIZE, "SortOrder": "ASCENDING"}
        if after:
            body |= {"ScanDirection": "FORWARD", "StartPosition": {"Id": after}}
        else:
            body |= {"ScanDirection": "BACKWARD"}
        items: list[Json] = []
        for _ in range(MAX_PAGES):
            page = await self._post("GetTranscript", bearer, "/participant/transcript", body)
            items += as_objects(page.get("Transcript"))
            next_token = as_text(page.get("NextToken"))
            if not next_token:
                break
            body = {**body, "NextToken": next_token}
        return items

    async def disconnect_participant(self, bearer: Bearer) -> None:
        """Let the end user leave, which ends the chat."""
        await self._post("DisconnectParticipant", bearer, "/participant/disconnect", {})

    async def start_attachment_upload(
        self, bearer: Bearer, *, name: str, mime_type: str, size: int, client_token: str
    ) -> Upload:
        """Announce a file."""
        body = {
            "ContentType": mime_type,
            "AttachmentSizeInBytes": size,
            "AttachmentName": name,
            "ClientToken": client_token,
        }
        path = "/participant/start-attachment-upload"
        answer = await self._post("StartAttachmentUpload", bearer, path, body)
        metadata = as_object(answer.get("UploadMetadata"))
        headers = as_object(metadata.get("HeadersToInclude"))
        return Upload(
            attachment_id=as_text(answer.get("AttachmentId")),
            url=as_text(metadata.get("Url")),
            headers={name: str(value) for name, value in headers.items()},
        )

    async def put_file(self, upload: Upload, content: bytes) -> None:
        """Send the bytes where the vendor said."""
        await self._http.request(
            "upload",
            "PUT",
            upload.url,
            headers=upload.headers,
            data=content,
            timeout=UPLOAD_SECONDS,
            # An address that has expired is no verdict on the chat: all of it is tried again.
            statuses={403: CannotConnectError},
            read_error=aws_error,
        )

    async def complete_attachment_upload(
        self, bearer: Bearer, attachment_id: str, *, client_token: str
    ) -> None:
        """Say that the bytes are there."""
        body = {"AttachmentIds": [attachment_id], "ClientToken": client_token}
        path = "/participant/complete-attachment-upload"
        await self._post("CompleteAttachmentUpload", bearer, path, body)

    async def get_attachment(self, bearer: Bearer, attachment_id: str) -> str:
        """Return an address, valid for minutes, under which a file can be fetched."""
        body = {"AttachmentId": attachment_id}
        answer = await self._post("GetAttachment", bearer, "/participant/attachment", body)
        return as_text(answer.get("Url"))

    async def fetch_file(self, url: str, *, max_bytes: int) -> bytes:
        """Fetch a file from such an address."""
        return await download(self._http, url, max_bytes=max_bytes)

    async def _post(
        self, operation: str, bearer: Bearer, path: str, body: Mapping[str, object]
    ) -> Json:
        async with self._budget.call(operation):
            response = await self._http.request(
                operation,
                "POST",
                bearer.base_url + path,
                headers={"X-Amz-Bearer": bearer.token},
                json=body,
                read_error=aws_error,
            )
        return as_object(response.json()) if response.body else {}
