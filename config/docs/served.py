"""/api/schema and /api/asyncapi: made once in a process, and told apart by their ETag."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from conversations.socket.asyncapi import asyncapi_document

# Whoever asks first waits, and the others with them: it takes a processor for seconds.
_making = Lock()


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, as YAML or as JSON."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return it, or 304 to whoever has it."""
        renderer = request.accepted_renderer
        body = _made(_schema_text, type(renderer))
        return _answer(request._request, body, str(renderer.media_type))


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponseBase:
    """Return the document of the sockets as JSON, or as YAML where that is asked for."""
    wanted = request.GET.get("format") or request.headers.get("Accept", "")
    kind = "application/yaml" if "yaml" in wanted else "application/json"
    return _answer(request, _made(_asyncapi_text, kind), kind)


def _made(make: Callable[[Any], bytes], form: Any) -> bytes:
    with _making:
        return make(form)


@cache
def _schema_text(renderer: type[Any]) -> bytes:
    text: bytes = renderer().render(_schema(), renderer_context={})
    return text


@cache
def _schema() -> Any:
    generator: Any = SchemaGenerator
    return generator().get_schema(request=None, public=True)


@cache
def _asyncapi_text(kind: str) -> bytes:
    document = asyncapi_document()
    if kind == "application/yaml":
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
    return json.dumps(document).encode()


def _answer(request: HttpRequest, body: bytes, content_type: str) -> HttpResponseBase:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    answer = HttpResponse(body, content_type=content_type)
    answer["ETag"], answer["Cache-Control"] = etag, "no-cache"
    answer["Vary"] = "Accept"
    return get_conditional_response(request, etag=etag, response=answer) or answer
