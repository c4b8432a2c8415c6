"""Where a form may lead back to: pages of this portal alone."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def address_of_ours(request: HttpRequest, address: str, otherwise: str = "/") -> str:
    """Return an address that a request named, where it is one of this portal."""
    is_ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if is_ours else otherwise
