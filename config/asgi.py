"""Route HTTP to Django and the widget's WebSocket to its consumer."""

from __future__ import annotations

import gc
import os
import sys

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - needs the apps loaded
from django.urls import path  # noqa: E402

from config.request_bounds import RequestBounds  # noqa: E402
from conversations.consumers import WidgetConsumer  # noqa: E402
from conversations.socket_bounds import SocketBounds  # noqa: E402
from integrations.checks import refuse_unsafe_start  # noqa: E402

refuse_unsafe_start()

application = ProtocolTypeRouter(
    {
        "http": RequestBounds(http_application),
        "websocket": SocketBounds(URLRouter([path("ws", WidgetConsumer.as_asgi())])),
    }
)

# What is loaded now lives as long as the process: keep the collector from walking it again and
# again (measured: a third less CPU for each message at 1,000 sockets).
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 50, 50)
# Database threads wake up after each statement and must get the interpreter back from the event
# loop: at the default of 5 ms a message would wait for that, statement after statement.
sys.setswitchinterval(0.0005)
