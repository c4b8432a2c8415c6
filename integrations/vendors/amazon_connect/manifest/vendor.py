"""Amazon Connect: what its connector can do, and what may be logged of it."""

from __future__ import annotations

from integrations.contract.manifest import (
    AttachmentLimits,
    Capability,
    Delivery,
    GeneratedKind,
    GeneratedValue,
    Manifest,
    Support,
)
from integrations.vendors.amazon_connect.manifest.fields import FIELDS
from integrations.vendors.amazon_connect.manifest.help import (
    ERROR_HELP,
    PREREQUISITES,
    VENDOR_STEPS,
)
from integrations.vendors.amazon_connect.manifest.hints import HINTS, REFUSED_HINTS

MAX_FILE_BYTES = 20 * 1024 * 1024
_MIME_TYPES = (
    "application/msword",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "audio/wav",
    "image/heic",
    "image/jpeg",
    "image/png",
    "text/csv",
    "text/plain",
    "text/rtf",
    "video/mp4",
    "video/quicktime",
)

_CHECK_NAMES = (
    ("role", "Role"),
    ("identity", "AWS identity"),
    ("instance", "Instance"),
    ("flow", "Contact flow"),
    ("queue", "Queue for availability"),
)

_LOGGABLE_KEYS = frozenset(
    {
        "AbsoluteTime",
        "AttachmentId",
        "AttachmentIds",
        "ClientToken",
        "ContactFlowId",
        "ContactId",
        "ContentType",
        "Id",
        "InitialContactId",
        "InstanceId",
        "InstanceStatus",
        "MessageProcessingStatus",
        "Name",
        "ParticipantId",
        "ParticipantRole",
        "ScanDirection",
        "SortOrder",
        "State",
        "Status",
        "Type",
        "Unit",
        "__type",
    }
)

MANIFEST = Manifest(
    key="amazon_connect",
    integration_key="amazon_connect_integration",
    tile="Amazon Connect",
    name="Amazon Connect",
    summary="Live agents answer in the Contact Control Panel of an Amazon Connect instance.",
    docs_url="https://docs.aws.amazon.com/connect/latest/adminguide/chat.html",
    delivery=Delivery.STREAM,
    capabilities=frozenset(
        {
            Capability.TYPING_OUT,
            Capability.TYPING_IN,
            Capability.ATTACHMENT_OUT,
            Capability.ATTACHMENT_IN,
            Capability.READ_RECEIPT_OUT,
            Capability.READ_RECEIPT_IN,
            Capability.TRANSCRIPT,
            Capability.QUEUE_POSITION,
            Capability.AVAILABILITY,
            Capability.TRANSFER,
            Capability.IDEMPOTENT_SEND,
        }
    ),
    fields=FIELDS,
    hints=HINTS,
    refused_hints=REFUSED_HINTS,
    support=Support.SIMULATED,
    aliases=("amazon_connect", "connect"),
    prerequisites=PREREQUISITES,
    vendor_steps=VENDOR_STEPS,
    check_names=_CHECK_NAMES,
    error_help=ERROR_HELP,
    loggable_keys=_LOGGABLE_KEYS,
    generated=(
        GeneratedValue(
            name="external_id",
            kind=GeneratedKind.EXTERNAL_ID,
            label="External ID",
            help_text="Goes into the trust policy of the role, as the condition sts:ExternalId.",
        ),
    ),
    attachments=AttachmentLimits(max_bytes=MAX_FILE_BYTES, mime_types=_MIME_TYPES),
)
