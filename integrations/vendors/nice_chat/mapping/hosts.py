"""Where a CXone environment lives, and what was read out of whatever an admin pasted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SHARED = ("NA1", "EU1", "AU1", "CA1", "JP1", "UK1")
_OTHERS = ("AE1", "JO1", "KR1", "ZA1")
# Environment -> the ending of its hosts' names.
DOMAINS: Mapping[str, str] = {
    **dict.fromkeys(_SHARED, "niceincontact.com"),
    **dict.fromkeys(_OTHERS, "nicecxone.com"),
    "NA2": "nicecxone-gov.com",
    "AU2": "nicecxone-sov1.au",
    "EU2": "nicecxone-sov1.eu",
    "UK2": "nicecxone-sov1.uk",
}
CUSTOM = "custom"
ENVIRONMENTS = tuple(sorted(DOMAINS))
OVERRIDES = ("chat_host", "gateway_host", "authorize_host")
# Stands in an address of one's own for the environment's name.
PLACE = "{environment}"
CHANNEL_PATTERN = r"[A-Za-z]+_[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LABELS = {"chat_host": "Chat host", "gateway_host": "Gateway host"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The three addresses of one environment, without a slash at the end."""

    chat: str
    gateway: str
    authorize: str


def hosts_for(credentials: Mapping[str, str], environment: str = "") -> Hosts:
    """Return the environment's hosts, or those that an admin has put in their place."""
    name = environment or credentials.get("environment") or "environment.invalid"
    chat, gateway, authorize = (
        credentials.get(field, "").replace(PLACE, name.lower()).rstrip("/") for field in OVERRIDES
    )
    # A draft under test may lack its environment: no such host, say the checks.
    domain = f"{name.lower()}.{DOMAINS.get(name, 'invalid')}"
    return Hosts(
        chat=chat or f"https://channels-de-{domain}",
        gateway=_socket(gateway or f"https://chat-gw-de-{domain}"),
        authorize=authorize or f"https://digital-oauth-de-{domain}",
    )


def other_environments(credentials: Mapping[str, str]) -> tuple[str, ...]:
    """Return the environments in which the channel may be found, if not in the chosen one."""
    chosen, own = credentials.get("environment", ""), credentials.get("chat_host", "")
    if own and PLACE not in own:
        return ()
    return tuple(name for name in ENVIRONMENTS if name != chosen)


def normalised(values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the values as they are kept, with a sentence for each change worth showing."""
    kept, notices = dict(values), []
    channel = kept.get("channel_id", "")
    found = re.findall(CHANNEL_PATTERN, channel)
    if channel and not found:
        notices.append("The channel ID does not look like chat_ and a UUID. It is kept as it is.")
    elif found and found[0] != channel:
        kept["channel_id"] = found[0]
        notices.append("The channel ID was taken out of the text that was pasted.")
    for name in OVERRIDES:
        address = re.sub(r"^ws(s?)://", r"http\1://", kept.get(name, "").rstrip("/"))
        kept[name] = address
    return kept, tuple(notices)


def problems(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is missing where the environment is one of one's own."""
    if values.get("environment") != CUSTOM:
        return {}
    missing = (name for name in _LABELS if not values.get(name))
    return {name: f"{_LABELS[name]} is missing for the environment custom." for name in missing}


def _socket(url: str) -> str:
    return re.sub(r"^http(s?)://", r"ws\1://", url)
