"""Which addresses the portal may call: https, the vendor's host, public, no tricks in the URL."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

HTTPS_PORT = 443
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All of IPv6's public internet lies here; tunnels, translations and local ranges lie outside.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Of IANA's special-purpose registries: what the library counts as global, or does not know yet.
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # IETF protocol assignments
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.175.48.0/24",  # AS112
            "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
MAX_HOST = 253

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=4096)
def url_problem(url: str, *, host_suffix: str = "", allow_local: bool = False) -> str | None:
    """Say in one sentence what is wrong with an address somebody typed, or None.

    Looks at the text only; what a name resolves to is judged again when the connection is made.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        return f"This is not a web address. Enter one such as {_example(host_suffix)}."
    if parts.username is not None or parts.password is not None:
        return "The address holds a user name or password. Remove everything before the @."
    if allow_local and parts.scheme in ("http", "https") and is_local_host(parts.hostname):
        return None
    return _public_problem(parts, host_suffix)


def _public_problem(parts: SplitResult, host_suffix: str) -> str | None:
    host = parts.hostname or ""
    if parts.scheme != "https":
        return (
            f"The address does not start with https://. Enter one such as {_example(host_suffix)}."
        )
    if parts.port not in (None, HTTPS_PORT):
        return "The address names a port other than 443. Remove the colon and the number."
    if not _has_suffix(host, host_suffix):
        return f"The host does not end in {host_suffix}. Enter one such as {_example(host_suffix)}."
    return _host_problem(host, host_suffix)


def _host_problem(host: str, host_suffix: str) -> str | None:
    address = _literal(host)
    if is_local_host(host) or (address is not None and not is_public_address(address)):
        return "The address is inside a private network. Enter the vendor's public address."
    if address is None and not _is_name(host):
        return f"The host is no name of the internet. Enter one such as {_example(host_suffix)}."
    return None


def _is_name(host: str) -> bool:
    """Say whether every parser reads a host as the same name, and none as a number."""
    *_, last = labels = host.split(".")
    is_number = last.isdigit() or last.startswith("0x")
    return len(host) <= MAX_HOST and not is_number and all(map(_LABEL.fullmatch, labels))


def is_local_host(host: str) -> bool:
    """Say whether a host, as typed, means this machine."""
    address = _literal(host)
    if address is not None:
        return address.is_loopback
    name = host.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def may_connect(address: str, *, allow_local: bool) -> bool:
    """Decide on a resolved address, at the moment of connecting."""
    parsed = _literal(address)
    if parsed is None:
        return False
    return is_public_address(parsed) or (allow_local and parsed.is_loopback)


def is_public_address(address: Address) -> bool:
    """Say whether an address, and any IPv4 address wrapped in it, is on the public internet."""
    inner = _unwrapped(address)
    if inner is not None:
        return is_public_address(inner)
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    is_special = any(address in network for network in _SPECIAL)
    return address.is_global and not address.is_multicast and not is_special


def _unwrapped(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _split(url: str) -> SplitResult | None:
    # Backslashes, blanks and control characters are read differently by different parsers.
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and parts.netloc else None


def _has_suffix(host: str, suffix: str) -> bool:
    if not suffix:
        return True
    return host.endswith(suffix) if suffix.startswith(".") else f".{host}".endswith(f".{suffix}")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _example(host_suffix: str) -> str:
    return f"https://example{host_suffix}" if host_suffix.startswith(".") else "https://example.com"
