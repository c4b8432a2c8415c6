"""The known integrations, and the hints that each accepts in a payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handoffs.payload.checks import (
    Check,
    captured,
    flat_dict,
    numeric_id,
    one_of,
    pattern,
    scalar,
    text,
    texts,
    whole_number,
)

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ARN = r"arn:aws[a-z-]*:connect:[a-z0-9-]{1,40}:[0-9]{12}:instance/"
_LANGUAGE = pattern(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,5}", "a language tag such as en-GB")
_UUID_CHECK = pattern(_UUID, "a UUID")
_KEY = text(1, 64)
_IDENT = pattern(r"[A-Za-z0-9_.-]{1,64}", "a field name of letters, digits, _ . -")
_FLAT = flat_dict(_KEY, scalar)
_FLAT_TEXTS = flat_dict(_KEY, text(0, 1024))

# What every integration understands; the connector decides what it means at its vendor.
COMMON_HINTS: Final[Mapping[str, Check]] = {
    "queue": text(1, 128),
    "skills": texts(20, text(1, 128), or_single=True),
    "department": text(1, 128),
    "priority": whole_number(
        0,
        10,
        also=("low", "normal", "high", "urgent"),
        or_words=" or low, normal, high, urgent",
    ),
    "language": _LANGUAGE,
    "subject": text(1, 255),
    "user_display_name": text(1, 256),
    "user_email": pattern(
        r"(?=.{3,254}\Z)[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+", "an e-mail address"
    ),
    "user_phone": pattern(r"\+[1-9][0-9]{6,14}", "a phone number such as +14155550100"),
    "user_external_id": text(1, 255),
    "attributes": _FLAT,
    "reason": text(0, 128),
    "summary": text(0, 4000),
    "transcript": one_of("full", "summary", "link", "none"),
    "wait_timeout_seconds": whole_number(10, 86400, also=(0,), or_words=", or 0 to wait for ever"),
    "on_unavailable": one_of("queue", "fail", "fallback", "return_to_bot"),
    "after_agent": one_of("end", "return_to_bot"),
    "credential_set": text(1, 64),
}

# What one integration understands beyond that, by integration key.
VENDOR_HINTS: Final[Mapping[str, Mapping[str, Check]]] = {
    "salesforce_integration": {
        "routing_attributes": _FLAT_TEXTS,
        "queue_id": pattern(
            r"00G[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", "a Salesforce queue id, 00G and 12 or 15 more"
        ),
        "flow_id": pattern(
            r"300[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", "a Salesforce flow id, 300 and 12 or 15 more"
        ),
    },
    "zendesk_integration": {
        "tags": texts(100, text(1, 255)),
        "ticket_fields": flat_dict(numeric_id, scalar),
        "group_id": numeric_id,
        "brand_id": numeric_id,
        "assignee_id": numeric_id,
        "organization_id": numeric_id,
        "conversation_type": one_of("single", "multiple"),
    },
    "nice_integration": {
        "contact_custom_fields": flat_dict(_IDENT, text(0, 1024)),
        "customer_custom_fields": flat_dict(_IDENT, text(0, 1024)),
        "channel_id": text(1, 255),
    },
    "amazon_connect_integration": {
        "instance_id": captured(rf"(?:{_ARN})?({_UUID})", "an instance id (UUID) or instance ARN"),
        "contact_flow_id": captured(
            rf"(?:{_ARN}{_UUID}/contact-flow/)?({_UUID})", "a contact flow id (UUID) or flow ARN"
        ),
        "role_arn": pattern(
            r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}", "an IAM role ARN"
        ),
        "aws_region": pattern(r"[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}", "an AWS region code"),
        "chat_duration_minutes": whole_number(60, 10080),
        "related_contact_id": text(1, 256),
        "customer_id": text(1, 255),
    },
    "genesys_integration": {
        "queue_name": text(1, 128),
        "external_contact_id": _UUID_CHECK,
    },
    "webex_integration": {
        "destination_id": _UUID_CHECK,
        "entry_point_id": _UUID_CHECK,
        "global_variables": _FLAT,
    },
    "five9_integration": {"campaign_name": text(1, 128)},
    "custom_integration": {"connector": text(1, 128)},
}

INTEGRATION_KEYS: Final = tuple(VENDOR_HINTS)
REQUIRED_HINTS: Final[Mapping[str, str]] = {"custom_integration": "connector"}

# Other spellings of a hint, the one we keep on the right; "" stands for every integration.
HINT_ALIASES: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"skill": "skills"},
    "salesforce_integration": {"pre_chat": "routing_attributes"},
}

# Published once by the reference product and withdrawn: taking them would let a tool choose
# where credentials are sent.
REFUSED_HINTS: Final[Mapping[str, frozenset[str]]] = {
    "amazon_connect_integration": frozenset({"api_url", "headers"}),
}

# Hints that replace what an admin saved; they need the project's "Allow inline overrides".
OVERRIDE_HINTS: Final = frozenset(
    {"instance_id", "contact_flow_id", "aws_region", "channel_id", "campaign_name"}
)

# Names a builder may use for an integration in call_handoff, beside its key.
VENDOR_ALIASES: Final[Mapping[str, str]] = {
    "salesforce": "salesforce_integration",
    "zendesk": "zendesk_integration",
    "nice": "nice_integration",
    "nice_cxone": "nice_integration",
    "amazon_connect": "amazon_connect_integration",
    "connect": "amazon_connect_integration",
    "genesys": "genesys_integration",
    "genesys_cloud": "genesys_integration",
    "webex": "webex_integration",
    "five9": "five9_integration",
    "custom": "custom_integration",
}
