"""Django middleware: below the APIs' addresses every answer that is an error is the envelope."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from integrations.entry.envelope import envelope

# Documented with one field in place of the envelope (agent_api sections 7 and 13).
_OWN_FORMS = {"/handoff_state": "error_message", "/outbound-sms": "detail"}
_ADDRESSES = re.compile(r"/(api|v[0-9]+|handoff)(/|$)")
# What the framework says of itself is for people who read HTML.
_TEXTS = {
    400: "The request cannot be read.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not take the method.",
    500: "The cause is in the log of the web process, under the correlation id of this answer.",
}


def is_api(path: str) -> bool:
    """Say whether programs are at home below an address, not people."""
    return _ADDRESSES.match(path) is not None


class ApiAnswers:
    """Stands around everything else, so that it sees what the framework itself refuses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take the rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Change only errors that have another form."""
        response = self._get_response(request)
        if response.status_code >= 400 and is_api(request.path_info):
            _put_into_envelope(response, request.path_info)
        return response


def _put_into_envelope(response: HttpResponse, path: str) -> None:
    said = _said(response)
    own = next((f for end, f in _OWN_FORMS.items() if path.rstrip("/").endswith(end)), "")
    if said is not None and (own or "error_message") in said:
        return
    status = response.status_code
    text = str((said or {}).get("detail") or _TEXTS.get(status) or HTTPStatus(status).phrase)
    code = HTTPStatus(status).name
    body = {own: text} if own else envelope(code, text)
    response.content = json.dumps(body).encode()
    response["Content-Type"] = "application/json"
    response["Content-Length"] = str(len(response.content))


def _said(response: HttpResponse) -> dict[str, object] | None:
    if "json" not in response.get("Content-Type", ""):
        return None
    try:
        said = json.loads(response.content)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
