"""A view that may wait without holding a thread."""

from __future__ import annotations

import inspect
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import EnvelopeView, RefusedError
from conversations.socket.handshake import HandshakeError


class AsyncEnvelopeView(EnvelopeView):
    """Handlers are coroutines; whatever reads the database goes through run_sync."""

    async def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Do as the framework does, and await the handler."""
        self.args, self.kwargs = args, kwargs
        asked: Request = self.initialize_request(request, *args, **kwargs)
        self.request, self.headers = asked, self.default_response_headers
        try:
            self.initial(asked, *args, **kwargs)
            response = self._handler(asked)(asked, *args, **kwargs)
            if inspect.isawaitable(response):
                response = await response
        except (APIException, RefusedError, HandshakeError) as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(asked, response, *args, **kwargs)
        return self.response

    def _handler(self, request: Request) -> Any:
        name = str(request.method).lower()
        if name not in self.http_method_names:
            return self.http_method_not_allowed
        return getattr(self, name, self.http_method_not_allowed)
