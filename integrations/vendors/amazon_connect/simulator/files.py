"""Attachments: the three calls around them, and the object storage that holds the bytes.

Imitates docs.aws.amazon.com/connect-participant/latest/APIReference/API_StartAttachmentUpload.html.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from integrations.simulators.records import file_of
from integrations.simulators.simulator import Simulator
from integrations.vendors.amazon_connect.simulator.protocol import AwsError, iso_time, storage_error
from integrations.vendors.amazon_connect.simulator.state import (
    Attachment,
    Chat,
    Participant,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.world import Body, Instance

Given = Mapping[str, Any]
INVALID = "ValidationException"
STORAGE_PATH = "/attachment-storage/{attachment_id}"
LARGEST_FILE = 20 * 1024 * 1024
FILES_PER_CHAT = 35
UPLOAD_SECONDS = 900
# Blue, 32 by 20.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAUCAIAAABj86gYAAAAIElEQVR42mOwzltKU8QwasGoBaMWjFow"
    "asGoBaMWEIMAlelDLltEqH4AAAAASUVORK5CYII="
)
DEFAULT_URL_SECONDS = 60
TAKEN_EXTENSIONS = {
    *("csv", "doc", "docx", "heic", "jfif", "jpeg", "jpg", "mov", "mp4", "pdf", "png", "ppt"),
    *("pptx", "rtf", "txt", "wav", "xls", "xlsx"),
}


def start_upload(instance: Instance, chat: Chat, given: Given) -> Body:
    """Announce a file; answers with where to put it and the headers to put it with."""
    _check_file(instance, chat, given)
    return instance.once(
        f"StartAttachmentUpload/{chat.customer.participant_id}",
        given,
        lambda: _announce(instance, chat, given),
    )


def _check_file(instance: Instance, chat: Chat, given: Given) -> None:
    if not instance.switches.attachments:
        raise AwsError("AccessDeniedException", "Attachments are not enabled on this instance.")
    extension = given["AttachmentName"].rpartition(".")[2].lower()
    if given["AttachmentSizeInBytes"] > LARGEST_FILE or extension not in TAKEN_EXTENSIONS:
        raise AwsError(INVALID, "The file is too large or of a type that is not supported.")
    held = [
        f for f in instance.attachments.values() if f.initial_contact_id == chat.initial_contact_id
    ]
    if len(held) >= FILES_PER_CHAT:
        raise AwsError(
            "ServiceQuotaExceededException", "The chat has all the attachments it may have."
        )


def _announce(instance: Instance, chat: Chat, given: Given) -> Body:
    stored = Attachment(
        attachment_id=new_id(),
        initial_contact_id=chat.initial_contact_id,
        name=given["AttachmentName"],
        content_type=given["ContentType"],
        size=given["AttachmentSizeInBytes"],
        owner_id=chat.customer.participant_id,
    )
    instance.attachments.add(stored)
    url, expiry = _signed_url(instance, chat, stored, "upload", UPLOAD_SECONDS)
    return {
        "AttachmentId": stored.attachment_id,
        "UploadMetadata": {
            "Url": url,
            "UrlExpiry": expiry,
            "HeadersToInclude": upload_headers(instance, stored),
        },
    }


def upload_headers(instance: Instance, stored: Attachment) -> dict[str, str]:
    """Return the headers an upload is signed with."""
    return {
        "Content-Disposition": _disposition("attachment", stored)[:256],
        "Content-Length": str(stored.size),
        "Content-Type": stored.content_type,
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-meta-account_id": instance.switches.account_id,
        "x-amz-meta-contact_id": stored.initial_contact_id,
        "x-amz-meta-initial_contact_id": stored.initial_contact_id,
        "x-amz-meta-organization_id": instance.switches.instance_id,
    }


def _disposition(kind: str, stored: Attachment) -> str:
    return f"{kind}; filename*=UTF-8''{quote(stored.name, safe='', errors='replace')}"


def complete_upload(instance: Instance, chat: Chat, given: Given) -> Body:
    """Let an uploaded file stand in the chat; refused until the bytes are there."""
    [attachment_id] = given["AttachmentIds"]
    stored = instance.attachments.get(attachment_id)
    if stored is None or stored.owner_id != chat.customer.participant_id:
        raise AwsError(INVALID, "There is no such upload.")
    return instance.once(
        f"CompleteAttachmentUpload/{stored.owner_id}",
        given,
        lambda: _complete(instance, chat, stored),
    )


def _complete(instance: Instance, chat: Chat, stored: Attachment) -> Body:
    if stored.attachment_id not in instance.files or stored.is_complete:
        raise AwsError("ConflictException", "The file is not uploaded yet, or complete already.")
    stored.is_complete = True
    show_file(instance, chat, chat.customer, stored)
    return {}


def show_file(instance: Instance, chat: Chat, sender: Participant, stored: Attachment) -> None:
    """Put a file into the chat, and its scan's result behind it unless the desk gives that."""
    instance.attach(chat, sender, stored)
    if instance.switches.scan_result != "MANUAL":
        set_scan_result(instance, chat, stored, instance.switches.scan_result)


def set_scan_result(instance: Instance, chat: Chat, stored: Attachment, result: str) -> None:
    """Let the scanner come to a result; the item is told again, under the same id."""
    stored.status = result
    for item in chat.items:
        for reference in item.attachments:
            if reference.attachment_id == stored.attachment_id:
                reference.status = result
                instance.publish(chat, item)


def get_attachment(instance: Instance, chat: Chat, given: Given) -> Body:
    """Answer with an address that gives the bytes for a while."""
    stored = instance.attachments.get(given["AttachmentId"])
    if stored is None or stored.initial_contact_id != chat.initial_contact_id:
        raise AwsError(INVALID, "There is no such attachment.")
    if stored.status != "APPROVED":
        raise AwsError(INVALID, "The attachment is not approved.")
    seconds = given.get("UrlExpiryInSeconds", DEFAULT_URL_SECONDS)
    disposition = given.get("UrlContentDisposition", "ATTACHMENT").lower()
    url, expiry = _signed_url(instance, chat, stored, disposition, seconds)
    return {"Url": url, "UrlExpiry": expiry, "AttachmentSizeInBytes": stored.size}


def _signed_url(
    instance: Instance, chat: Chat, stored: Attachment, use: str, seconds: float
) -> tuple[str, str]:
    expires_at = instance.now() + seconds
    signature = instance.tokens.issue(
        "upload" if use == "upload" else "download",
        chat,
        subject=stored.attachment_id,
        disposition=use,
        expires_at=expires_at,
    )
    path = STORAGE_PATH.format(attachment_id=stored.attachment_id)
    url = f"{instance.base_url}{path}?X-Amz-Expires={int(seconds)}&X-Amz-Signature={signature}"
    return url, iso_time(expires_at * 1000)


class FileEndpoints:
    """The object storage: takes a file at a signed address, gives it at another."""

    def __init__(self, simulator: Simulator, instance: Instance) -> None:
        self._simulator = simulator
        self._instance = instance

    async def store(self, request: Request) -> Response:
        """Keep the bytes of an announced file."""
        stored, _ = self._signed_for(request, "upload")
        if stored is None:
            return storage_error("AccessDenied", "Request has expired", 403)
        content = await request.body()
        for name, value in upload_headers(self._instance, stored).items():
            if request.headers.get(name) != value:
                return storage_error("SignatureDoesNotMatch", f"{name} is not as signed.", 403)
        if len(content) != stored.size:
            return storage_error("EntityTooLarge", "The size is not the announced one.", 400)
        with self._simulator.change():
            self._instance.files.add(
                file_of(
                    name=stored.name,
                    mime_type=stored.content_type,
                    content=content,
                    file_id=stored.attachment_id,
                )
            )
        return Response(status_code=200)

    async def picture(self, request: Request) -> Response:
        """Answer with the picture of an offer, which lies where anybody may fetch it."""
        name = request.path_params["name"]
        if name.startswith("moved-"):
            return RedirectResponse(name.removeprefix("moved-"), status_code=307)
        return Response(PICTURE, media_type="image/png")

    async def fetch(self, request: Request) -> Response:
        """Answer with the bytes of a file."""
        stored, disposition = self._signed_for(request, "download")
        if stored is None or stored.attachment_id not in self._instance.files:
            return storage_error("AccessDenied", "Request has expired", 403)
        shown = _disposition(disposition, stored)
        return Response(
            self._instance.files[stored.attachment_id].content,
            media_type=stored.content_type,
            headers={"Content-Disposition": shown, "X-Content-Type-Options": "nosniff"},
        )

    def _signed_for(self, request: Request, kind: str) -> tuple[Attachment | None, str]:
        signature = request.query_params.get("X-Amz-Signature", "")
        grant = self._instance.tokens.good(kind, signature)
        if grant is None or grant.subject != request.path_params["attachment_id"]:
            return None, ""
        return self._instance.attachments.get(grant.subject), grant.disposition
