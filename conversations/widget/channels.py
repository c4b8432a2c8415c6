"""Create and change the webchat channels of a project, and the rules for their values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from conversations.models import Channel
from conversations.widget.access_token import secret_hash, secret_make
from integrations.models import Project
from integrations.projects.audit import audit_record

ALLOWED_ORIGINS_MAX = 50
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?")
_ACCENT = re.compile(r"#[0-9a-f]{6}")


def channel_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Channel:
    """Add a webchat channel with a new public key."""
    with transaction.atomic():
        channel = Channel.objects.create(project=project, **values)
        _audit(channel, actor, "channel.created", values)
    return channel


def channel_update(*, channel: Channel, actor: Any, values: Mapping[str, Any]) -> Channel:
    """Change a channel; its public key stays, so that pages keep working."""
    changed = sorted(name for name, value in values.items() if getattr(channel, name) != value)
    for name, value in values.items():
        setattr(channel, name, value)
    with transaction.atomic():
        channel.save()
        if changed:
            _audit(channel, actor, "channel.changed", changed)
    return channel


def channel_token_make(*, channel: Channel, actor: Any) -> str:
    """Give a channel a new secret token and return it, the only time it is known.

    An older token stops working at once.
    """
    token = secret_make()
    channel.secret_token_hash = secret_hash(token)
    with transaction.atomic():
        channel.save(update_fields=["secret_token_hash"])
        _audit(channel, actor, "channel.token_made", [])
    return token


def origin_read(line: str) -> str:
    """Return `host[:port]` of what was typed, scheme and path removed; raises ValueError."""
    text = line.strip().lower()
    text = re.sub(r"^https?://", "", text).rstrip("/")
    if "*" in text:
        raise ValueError("leave out the *: subdomains of a host are included")
    if "/" in text or "?" in text or "#" in text:
        raise ValueError("give the host only, without a path")
    if not _HOST.fullmatch(text) or len(text) > 253:
        raise ValueError("expected a host such as example.com or localhost:3000")
    port = re.search(r":([0-9]+)$", text.rpartition("]")[2])
    if port and not 0 < int(port.group(1)) < 65536:
        raise ValueError("the port must be between 1 and 65535")
    return text


def accent_read(value: str) -> str:
    """Return the colour as #rrggbb; raises ValueError."""
    text = value.strip().lower()
    if not _ACCENT.fullmatch(text):
        raise ValueError("expected # and six hexadecimal digits, such as #2457d6")
    return text


def contrast_with_white(accent: str) -> float:
    """Return the contrast of white text on the colour, as WCAG 2 defines it (1 to 21)."""
    red, green, blue = (_linear(int(accent[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else math.pow((part + 0.055) / 1.055, 2.4)


def _audit(channel: Channel, actor: Any, action: str, fields: Iterable[str]) -> None:
    audit_record(
        project=channel.project, actor=actor, action=action, subject=channel.name, fields=fields
    )
