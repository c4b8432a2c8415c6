"""Django middleware: headers that every answer has, whichever view made it."""

from __future__ import annotations

from collections.abc import Callable
from wsgiref.headers import Headers

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

# What neither the portal nor its preview of the widget asks a browser for.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "serial",
        "usb",
    )
)


def static_headers(headers: Headers, path: str, url: str) -> None:
    """Let pages that ask every origin for its leave (COEP) take the widget's files."""
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"


class ResponseHeaders:
    """Nothing that a view makes is kept by a browser or a proxy, unless the view says so itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take the rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add what is missing."""
        # A page of a project takes up the zone of that project; the next request begins without.
        with timezone.override(None):
            response = self._get_response(request)
        response.setdefault("Cache-Control", "no-store")
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response
