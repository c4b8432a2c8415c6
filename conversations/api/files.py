"""Upload a file to a session, for the live agent who is asked for or present."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import EnvelopeView, RefusedError
from conversations.api.messaging import BY_TOKEN, count, session_opened
from conversations.api.schema import answer
from conversations.errors import NotAllowedError
from conversations.files.attachments import attachment_create
from conversations.files.scanner import FileInfectedError, ScannerAwayError, file_scan
from conversations.files.types import (
    HEAD_BYTES,
    TypeMismatchError,
    file_type,
    is_type_taken,
    named_as,
    safe_name,
)
from conversations.models import Attachment
from conversations.socket.responder import responder
from integrations.contract.manifest import AttachmentLimits
from integrations.kit.json_values import count_read

# What a multipart body has around its one file, at most.
ENVELOPE_BYTES = 65_536
_PICTURE = OpenApiExample(
    "A picture",
    value={
        "file_id": "5f0e7b1c-0c4f-4b57-9a55-3b2f8a1f6d10",
        "file_name": "receipt.png",
        "mime_type": "image/png",
        "size_bytes": 48210,
    },
)


@extend_schema_field(OpenApiTypes.BINARY)
class Upload(serializers.FileField):
    """Bytes in a multipart body, not an address as in an answer."""


class FileView(EnvelopeView):
    """Take one file; a USER_MESSAGE sends it."""

    parser_classes = (MultiPartParser,)

    @extend_schema_serializer(component_name="FileCreate")
    class Input(serializers.Serializer[Any]):
        """The one part of the multipart body."""

        file = Upload()

    @extend_schema_serializer(component_name="FileOut")
    class Output(serializers.Serializer[Any]):
        """`file_id` goes into payload.attachments of a USER_MESSAGE."""

        file_id = serializers.UUIDField()
        file_name = serializers.CharField()
        mime_type = serializers.CharField()
        size_bytes = serializers.IntegerField()

    @BY_TOKEN.operation(
        "files_create",
        "Upload a file",
        "While a live agent is asked for or present who takes files. A `USER_MESSAGE` with the "
        "`file_id` sends it.",
        takes={"multipart/form-data": Input},
        gives=answer(Output, "The file is stored and waits for its message.", _PICTURE),
        _400="INVALID_REQUEST",
        _404="SESSION_NOT_FOUND",
        _409="HANDOFF_NOT_OPEN",
        _413="ATTACHMENT_TOO_LARGE",
        _415="ATTACHMENT_TYPE_REFUSED ATTACHMENTS_NOT_TAKEN UNSUPPORTED_MEDIA_TYPE",
        _422="ATTACHMENT_INFECTED",
        _503="ATTACHMENT_NOT_CHECKED",
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer 401 or 404 for the session, 409, 413 or 415 for the file, with a code each."""
        conversation = session_opened(request, session_id)
        count(f"files:{conversation.pk}", settings.ATTACHMENTS_PER_MINUTE)
        limits = _limits(conversation.pk)
        declared = count_read(str(request.META.get("CONTENT_LENGTH") or "")) or 0
        _check_size(declared - ENVELOPE_BYTES, limits)
        file, kind = _file(request, limits)
        _check_content(file)
        stored = attachment_create(
            conversation.pk,
            direction=Attachment.Direction.FROM_END_USER,
            name=named_as(safe_name(str(file.name)), kind),
            mime_type=kind,
            content=file,
        )
        return Response(
            {
                "file_id": str(stored.pk),
                "file_name": stored.name,
                "mime_type": stored.mime_type,
                "size_bytes": stored.size_bytes,
            }
        )


def _limits(conversation_id: str) -> AttachmentLimits:
    try:
        limits = responder().attachment_limits(conversation_id=conversation_id)
    except NotAllowedError as error:
        raise RefusedError(409, "HANDOFF_NOT_OPEN", str(error)) from error
    if limits is None:
        text = "Files cannot be sent in this conversation. Send text."
        raise RefusedError(415, "ATTACHMENTS_NOT_TAKEN", text)
    return limits


def _file(request: Request, limits: AttachmentLimits) -> tuple[UploadedFile[bytes], str]:
    """Return the one file of the body and its type; raises RefusedError."""
    given = request.FILES.getlist("file")
    if len(given) != 1 or not given[0].size:
        text = "Send one file that is not empty, as the multipart part named file."
        raise RefusedError(400, "INVALID_REQUEST", text)
    file: UploadedFile[bytes] = given[0]
    _check_size(file.size or 0, limits)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    try:
        kind = file_type(safe_name(str(file.name)), file.content_type or "", head)
    except TypeMismatchError as error:
        raise RefusedError(415, "ATTACHMENT_TYPE_REFUSED", str(error)) from error
    if not is_type_taken(kind, limits):
        text = f"Files of type {kind} are not taken. Taken are: {', '.join(limits.mime_types)}."
        raise RefusedError(415, "ATTACHMENT_TYPE_REFUSED", text)
    return file, kind


def _check_content(file: UploadedFile[bytes]) -> None:
    try:
        file_scan(file)
    except FileInfectedError as error:
        raise RefusedError(422, "ATTACHMENT_INFECTED", str(error)) from error
    except ScannerAwayError as error:
        raise RefusedError(503, "ATTACHMENT_NOT_CHECKED", str(error), wait=10) from error


def _check_size(size: int, limits: AttachmentLimits) -> None:
    if size > limits.max_bytes:
        text = f"The file has {size} bytes; {limits.max_bytes} are allowed."
        raise RefusedError(413, "ATTACHMENT_TOO_LARGE", text)
