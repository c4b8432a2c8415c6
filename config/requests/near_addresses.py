"""An address that is nearly one of ours reaches the same view: slashes, capitals, outer blanks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters
from django.utils.encoding import escape_uri_path, iri_to_uri

from config.requests.api_answers import is_api
from integrations.kit.plain_json import is_plain

_PARAMETER = re.compile(r"<(?:(\w+):)?\w+>")
# What Django does not route.
_OTHERS = ("ws", "ws/agent", "ws/portal/<str:project_id>/live", "mcp")
_LONGEST = 1024
_READING = frozenset({"GET", "HEAD"})


def mended_path(path: str) -> str:
    """Return the address that a path means; the path itself where it is one, or means none."""
    # No address of ours is so long; to look at such a one, or to keep it, would be dear.
    return path if len(path) > _LONGEST else _mended_path(path)


@lru_cache(maxsize=4096)
def _mended_path(path: str) -> str:
    if _exactly_ours().fullmatch(path[1:]) or not is_plain(path):
        return path
    said = "/".join(part for part in map(str.strip, path.split("/")) if part)
    for route in _routes():
        meant = route.filled_by(said)
        if meant is not None and _exactly_ours().fullmatch(meant[1:]):
            return meant
    return path


class NearAddresses:
    """Django middleware, around everything that looks at the address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Take the rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Send readers of a page to its own address; anything else goes on as if sent there."""
        meant = mended_path(request.path_info)
        if meant == request.path_info:
            return self._get_response(request)
        if request.method in _READING and not is_api(meant):
            query = request.META.get("QUERY_STRING", "")
            asked = f"?{iri_to_uri(query)}" if query else ""
            return HttpResponseRedirect(escape_uri_path(meant) + asked)
        request.path = request.path.removesuffix(request.path_info) + meant
        request.path_info = request.META["PATH_INFO"] = meant
        return self._get_response(request)


def with_near_addresses(application: Any) -> Any:
    """Return an ASGI application that mends the addresses of sockets, streams and programs."""

    async def mended(scope: dict[str, Any], receive: Any, send: Any) -> None:
        meant = mended_path(scope["path"])
        is_for_programs = scope["type"] == "websocket" or is_api(meant) or meant == "/mcp"
        await application({**scope, "path": meant} if is_for_programs else scope, receive, send)

    return mended


@dataclass(frozen=True, slots=True)
class _Route:
    fixed: tuple[str, ...]
    kinds: tuple[str, ...]
    pattern: re.Pattern[str]

    def filled_by(self, said: str) -> str | None:
        """Return the route's own writing of an address, with the values as they came."""
        found = self.pattern.fullmatch(said)
        if found is None:
            return None
        # An id may differ from another by its capitals; a UUID never does.
        values = [
            value.lower() if kind == "uuid" else value
            for kind, value in zip(self.kinds, found.groups(), strict=True)
        ]
        first, *rest = self.fixed
        return "/" + first + "".join(map("".join, zip(values, rest, strict=True)))


def _closed() -> tuple[str, ...]:
    """Return what a proxy may have closed under the name that it has."""
    return ("metrics", *([f"{settings.ADMIN_PATH}/"] if settings.ADMIN_PATH else []))


@cache
def _written() -> list[str]:
    """Return every route as it is written."""
    return [*_OTHERS, *_written_in(get_resolver().url_patterns, "")]


@cache
def _routes() -> list[_Route]:
    return [_route(text) for text in _written() if not text.startswith(_closed())]


def _route(text: str) -> _Route:
    fixed = tuple(_PARAMETER.split(text)[::2])
    kinds = tuple(kind or "str" for kind in _PARAMETER.findall(text))
    # Said without a slash at its end.
    parts = [*map(re.escape, (*fixed[:-1], fixed[-1].removesuffix("/")))]
    values = ["(.+)" if kind == "path" else "([^/]+)" for kind in kinds]
    pattern = parts[0] + "".join(map("".join, zip(values, parts[1:], strict=True)))
    return _Route(fixed, kinds, re.compile(pattern, re.IGNORECASE))


@cache
def _exactly_ours() -> re.Pattern[str]:
    """Return one pattern of all routes: Django's own look takes as long as many a view."""
    written = _written()  # which loads the converters too
    kinds = get_converters()
    found = [f"{re.escape(text)}.*" for text in _closed()]
    for text in written:
        first, *rest = re.split(_PARAMETER, text)
        parts = zip(rest[::2], rest[1::2], strict=True)
        values = (f"(?:{kinds[kind or 'str'].regex}){re.escape(part)}" for kind, part in parts)
        found.append(re.escape(first) + "".join(values))
    return re.compile("|".join(found), re.DOTALL)


def _written_in(found: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for item in found:
        text = before + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from _written_in(item.url_patterns, text)
        else:
            yield text
