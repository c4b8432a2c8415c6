"""Files an end user sends: the multipart request, its checks, and the message made of it."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from integrations.vendors.salesforce_messaging.simulator import checks, messages
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.org import Org, Switches
from integrations.vendors.salesforce_messaging.simulator.state import Conversation, Entry

LARGEST_FILE = 5 * 1024 * 1024
# The contract names the kinds only: common images, pdf, text, office.
TAKEN_TYPES = ("image/", "text/", "application/pdf", "application/msword", "application/vnd.")
CONTENT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it was sent."""

    message: Mapping[str, Any]
    es_developer_name: str
    file_name: str
    mime_type: str
    content: bytes


async def read(request: Request, switches: Switches) -> Upload:
    """Return the file of a multipart request; raises VendorError for anything but two parts."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise VendorError(415, "Content-Type must be multipart/form-data.")
    async with request.form() as form:
        part = form.get("messageEntry")
        data = form.get("fileData")
        if part is None or not isinstance(data, UploadFile) or not data.filename:
            raise VendorError(400, "The parts messageEntry and fileData (a file) are needed.")
        entry = await part.read() if isinstance(part, UploadFile) else part
        content = await data.read()
    body = _parsed(entry, is_strict=switches.strict_properties)
    return Upload(
        message=body["message"],
        es_developer_name=body["esDeveloperName"],
        file_name=data.filename,
        mime_type=mimetypes.guess_type(data.filename)[0] or CONTENT_TYPE,
        content=content,
    )


def _parsed(entry: str | bytes, *, is_strict: bool) -> Mapping[str, Any]:
    try:
        parsed = json.loads(entry)
    except ValueError as error:
        raise VendorError(400, "messageEntry is not JSON.") from error
    body = checks.check_shape(parsed, checks.FILE_REQUEST, is_strict=is_strict)
    message = checks.check_shape(body["message"], checks.FILE_MESSAGE, is_strict=is_strict)
    checks.check_uuid(message["id"], "message.id")
    checks.check_uuid(message["fileId"], "message.fileId")
    return body


def receive(
    org: Org,
    conversation: Conversation,
    participant: Mapping[str, str],
    upload: Upload,
    *,
    base_url: str,
) -> Entry:
    """Keep an end user's file and let it stand as a message; refuses what the channel refuses."""
    if not org.switches.attachments:
        raise VendorError(400, "Attachments are not enabled on the channel.")
    if len(upload.content) > LARGEST_FILE:
        raise VendorError(413, "The file is larger than 5 MB.")
    if not upload.mime_type.startswith(TAKEN_TYPES):
        raise VendorError(415, "Files of this type are not allowed.")
    stored = messages.store_file(
        org,
        name=upload.file_name,
        mime_type=upload.mime_type,
        content=upload.content,
        file_id=upload.message["fileId"],
    )
    text = upload.message.get("text")
    message = messages.attachments(stored, org.file_url(base_url, stored.file_id), text)
    return messages.receive_message(
        org,
        conversation,
        participant,
        {"id": upload.message["id"], **message},
        is_new_session=False,
        attributes={},
    )
