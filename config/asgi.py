"""Route HTTP to Django, and the widget's WebSocket and its HTTP stream to its consumer."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - needs the apps loaded
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - needs the apps loaded
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from config.checks import refuse_unsafe_start  # noqa: E402
from config.requests.bounds import RequestBounds  # noqa: E402
from config.requests.near_addresses import with_near_addresses  # noqa: E402
from conversations.api.hearing.agent_socket import AgentConsumer  # noqa: E402
from conversations.event_loop.tuning import tune_for_messages  # noqa: E402
from conversations.socket.bounds import SocketBounds, refuse_elsewhere  # noqa: E402
from conversations.socket.consumer import WidgetConsumer  # noqa: E402
from conversations.socket.streams import with_streams  # noqa: E402
from handoffs.api.mcp.entry import with_mcp  # noqa: E402
from handoffs.portal.live.consumer import LiveConsumer  # noqa: E402

refuse_unsafe_start()


def _for_members(consumer: Any) -> Any:
    """Let the portal's own pages in, with the member who is signed in."""
    return AllowedHostsOriginValidator(AuthMiddlewareStack(consumer))


_sockets = SocketBounds(
    URLRouter(
        [
            path("ws", WidgetConsumer.as_asgi()),
            path("ws/agent", AgentConsumer.as_asgi()),
            path("ws/portal/<str:project_id>/live", _for_members(LiveConsumer.as_asgi())),
            # Channels routes to ASGI applications by Django's patterns.
            re_path("", refuse_elsewhere),  # type: ignore[arg-type]
        ]
    )
)
_http = with_mcp(http_application, settings.REQUEST_MAX_BYTES)
application = ProtocolTypeRouter(
    {
        "http": with_near_addresses(RequestBounds(with_streams(_sockets, _http))),
        "websocket": with_near_addresses(_sockets),
    }
)

tune_for_messages()
