"""Create and change the channels of a project, and the rules for their values."""

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
# Ids of Android apps and some hosts have underscores.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# A page inside an app may have a scheme of its own: capacitor://localhost.
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]{0,30})?")
_SCHEMES_OF_NO_PAGE = frozenset({"about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"})
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?")
_ACCENT = re.compile(r"#[0-9a-f]{6}")


def channel_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Channel:
    """Add a webchat channel with a new public key."""
    with transaction.atomic():
        channel = Channel.objects.create(project=project, **values)
        _audit(channel, actor, "channel.created", values)
    return channel


def channel_shared(
    *, project: Project, kind: Channel.Kind, environment: str, **made_with: Any
) -> Channel:
    """Return the one channel of a kind that the portal makes by itself, made where none is."""
    rows = Channel.objects.filter(project=project, kind=kind, environment=environment)
    found = rows.order_by("pk").first()
    if found is None:
        with transaction.atomic():
            # Two who come first at once must not both make one.
            project.lock()
            found = rows.order_by("pk").first() or Channel.objects.create(
                project=project, kind=kind, environment=environment, **made_with
            )
    return found


@transaction.atomic
def channel_update(*, channel: Channel, actor: Any, values: Mapping[str, Any]) -> Channel:
    """Change a channel; its public key stays, so that pages keep working."""
    changed = channel.change(values)
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
    """Return what was typed as `host[:port]`, as an app's id, or with an app's own scheme.

    Raises ValueError. Names in letters of other scripts become what browsers send (xn--…).
    """
    text = line.strip().lower().rstrip("/")
    scheme, _, rest = text.rpartition("://")
    if scheme in ("", "http", "https"):
        scheme, text = "", rest
    if "*" in text:
        raise ValueError("leave out the *: subdomains of a host are included")
    if re.search(r"[/?#]", rest):
        raise ValueError("give the host only, without a path")
    if rest == "null":
        raise ValueError("null is what every sandboxed page and every file says; give a host")
    host = _in_ascii(rest)
    is_page = _SCHEME.fullmatch(scheme) and scheme not in _SCHEMES_OF_NO_PAGE
    if not is_page or not _HOST.fullmatch(host) or len(host) > 253:
        raise ValueError("expected a host such as example.com or localhost:3000, or an app's id")
    port = re.search(r":([0-9]+)$", host.rpartition("]")[2])
    if port and not 0 < int(port.group(1)) < 65536:
        raise ValueError("the port must be between 1 and 65535")
    return f"{scheme}://{host}" if scheme else host


def _in_ascii(host: str) -> str:
    """Return a host as a browser names it in its Origin header."""
    if host.isascii():
        return host.removesuffix(".")
    name, colon, port = host.partition(":")
    try:
        return name.encode("idna").decode().removesuffix(".") + colon + port
    except UnicodeError as error:
        raise ValueError("expected a host such as example.com or localhost:3000") from error


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
