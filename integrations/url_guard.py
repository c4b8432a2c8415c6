"""Which addresses the portal may call: https, the vendor's host, public, no tricks in the URL."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

HTTPS_PORT = 443
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

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
    address = _literal(host)
    if is_local_host(host) or (address is not None and not is_public_address(address)):
        return "The address is inside a private network. Enter the vendor's public address."
    return None


def is_local_host(host: str) -> bool:
    """Say whether a host, as typed, means this machine."""
    address = _literal(host)
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")


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
    if isinstance(address, ipaddress.IPv6Address) and (address.teredo or address.is_site_local):
        return False
    return address.is_global and not address.is_multicast


def _unwrapped(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


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
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _example(host_suffix: str) -> str:
    return f"https://example{host_suffix}" if host_suffix.startswith(".") else "https://example.com"
