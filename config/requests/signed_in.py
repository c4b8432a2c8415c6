"""Django middleware: whoever does nothing for too long is signed out, and told why."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from config.requests.api_answers import is_api
from integrations.entry.sessions.idle import session_look
from integrations.kit.pasted import split_address


class SignedIn:
    """Looks at requests of browsers alone: no API reads a cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take the rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Lead whose session is over to the sign-in, and from there to the page they were on."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or is_api(request.path_info):
            return self._get_response(request)
        is_over = session_look(request)
        if is_over and request.method == "POST" and request.path != "/account/active/":
            return redirect_to_login(_page_of(request))
        return self._get_response(request)


def _page_of(request: HttpRequest) -> str:
    """Return the page whose form was sent: the form's own address takes no visit."""
    parts = split_address(request.headers.get("Referer", ""))
    return parts.path if parts.netloc == request.get_host() else "/"
