"""Where a request comes from, as far as the server knows it."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

_NETWORK = 64


def client_address(request: HttpRequest) -> str:
    """Return the client's address, or nothing where the server was told none.

    The server has put the proxy's word in its place, from proxies that it was told to believe. Of
    IPv6 the network counts: whoever has one address there has as many as they want.
    """
    return address_counted(str(request.META.get("REMOTE_ADDR", "")))


def address_counted(text: str) -> str:
    """Return what of an address is counted, for a caller that Django has not seen."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _NETWORK), strict=False))
