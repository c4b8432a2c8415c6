"""Django middleware: what no part could look for or keep is refused before any part sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from config.requests.api_answers import is_api
from integrations.entry.envelope import envelope
from integrations.kit.plain_json import is_plain

# Others exist that Python lists as encodings and that decode no text, or not every text.
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class PlainRequests:
    """NUL and halves of surrogate pairs in address, query or form are a 400 that says where."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take the rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a broken address at once; a broken cookie counts as none."""
        if (request.encoding or "utf-8").lower() not in _CHARSETS:
            # Not by the property: it reads the query first, with the encoding to be got rid of.
            request._encoding = "utf-8"  # type: ignore[attr-defined]
        for name in [name for name, value in request.COOKIES.items() if not is_plain(value)]:
            del request.COOKIES[name]
        if not is_plain(request.path_info):
            return _refused(request, "The address")
        broken = _broken(request.GET.lists())
        if broken is not None:
            return _refused(request, f"The parameter {broken}")
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *call: Any) -> HttpResponse | None:
        """Answer a broken form; the APIs read their bodies themselves."""
        if request.method in _READING or is_api(request.path_info):
            return None
        if request.content_type not in _FORMS:
            return None
        name = _broken(request.POST.lists())
        return None if name is None else _refused(request, f"The field {name}")


def _broken(fields: Iterable[tuple[str, Iterable[object]]]) -> str | None:
    for name, values in fields:
        if not all(is_plain(str(value)) for value in (name, *values)):
            return "".join(char if char.isprintable() else "?" for char in name[:40])
    return None


def _refused(request: HttpRequest, place: str) -> HttpResponse:
    text = f"{place} holds a character that no text may hold."
    if is_api(request.path_info):
        return JsonResponse(envelope("INVALID_REQUEST", text), status=400)
    return HttpResponse(render_to_string("400.html", {"reason": text}), status=400)
