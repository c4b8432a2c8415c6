"""The simulated hosts in one: login, API, notification sockets and downloads, told by path.

Imitates developer.genesys.cloud; the operations and their permissions are those of the SDK's docs.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.simulators.simulator import Simulator
from integrations.vendors.genesys.simulator.checks import (
    CORRELATION_HEADER,
    VendorError,
    answer_refusal,
    error_answer,
)
from integrations.vendors.genesys.simulator.http_admin import (
    SETTINGS,
    TOKEN_PATH,
    AdminEndpoints,
    RoutingEndpoints,
)
from integrations.vendors.genesys.simulator.http_conversations import ConversationEndpoints
from integrations.vendors.genesys.simulator.http_notifications import NotificationEndpoints
from integrations.vendors.genesys.simulator.inbound import InboundEndpoints
from integrations.vendors.genesys.simulator.rest import CONVERSATIONS, INTEGRATIONS
from integrations.vendors.genesys.simulator.world import DOWNLOAD_PATH, STORE_PATH, Org

Endpoint = Callable[[Request], Awaitable[Response]]
Table = list[tuple[str, str, Endpoint]]
THREADING = "/api/v2/conversations/messaging/threadingtimeline"


def genesys_app(simulator: Simulator, org: Org) -> ASGIApp:
    """Return the ASGI application that speaks the contract for one org."""
    notifications = NotificationEndpoints(simulator, org)
    table = [
        *_admin(AdminEndpoints(simulator, org)),
        *_inbound(InboundEndpoints(simulator, org)),
        *_conversations(ConversationEndpoints(simulator, org)),
        *_routing(RoutingEndpoints(simulator, org)),
        *_notifications(notifications),
    ]
    routes: list[BaseRoute] = [
        Route(path, endpoint, methods=[method]) for method, path, endpoint in table
    ]
    routes.append(WebSocketRoute("/channels/{channel_id}", notifications.listen))
    return _Correlated(
        Starlette(
            routes=routes,
            exception_handlers={VendorError: answer_refusal, HTTPException: _answer_http_error},
        )
    )


def _admin(admin: AdminEndpoints) -> Table:
    one, setting = INTEGRATIONS + "/{integration_id}", SETTINGS + "/{setting_id}"
    return [
        ("POST", TOKEN_PATH, admin.token),
        ("GET", INTEGRATIONS, admin.integrations),
        ("POST", INTEGRATIONS, admin.create_integration),
        ("GET", one, admin.integration),
        ("PATCH", one, admin.update_integration),
        ("DELETE", one, admin.delete_integration),
        ("GET", SETTINGS, admin.settings),
        ("POST", SETTINGS, admin.create_setting),
        ("GET", setting, admin.setting),
        ("PATCH", setting, admin.update_setting),
        ("GET", THREADING, admin.threading),
        ("PUT", THREADING, admin.update_threading),
    ]


def _inbound(inbound: InboundEndpoints) -> Table:
    base = CONVERSATIONS + "/{integration_id}/inbound/open"
    return [
        ("POST", CONVERSATIONS + "/inbound/open", inbound.deprecated),
        ("POST", base + "/message", inbound.message),
        ("POST", base + "/event", inbound.event),
        ("POST", base + "/receipt", inbound.receipt),
        ("POST", base + "/structured/response", inbound.structured),
    ]


def _conversations(conversations: ConversationEndpoints) -> Table:
    one = CONVERSATIONS + "/{conversation_id}"
    participant = one + "/participants/{participant_id}"
    communication = one + "/communications/{communication_id}"
    return [
        ("POST", CONVERSATIONS + "/agentless", conversations.agentless),
        ("GET", one, conversations.conversation),
        ("PATCH", one, conversations.disconnect_all),
        ("POST", "/api/v2/conversations/{conversation_id}/disconnect", conversations.tear_down),
        ("PATCH", participant, conversations.update_participant),
        ("PATCH", participant + "/attributes", conversations.update_attributes),
        ("POST", one + "/messages/bulk", conversations.bulk),
        ("GET", one + "/messages/{message_id}", conversations.message),
        ("GET", CONVERSATIONS + "/{message_id}/details", conversations.message_details),
        ("POST", communication + "/messages", conversations.agent_message),
        ("POST", communication + "/typing", conversations.agent_typing),
        ("GET", f"{DOWNLOAD_PATH}/{{file_id}}", conversations.download),
        ("GET", f"{STORE_PATH}/{{file_id}}", conversations.download),
    ]


def _routing(routing: RoutingEndpoints) -> Table:
    recipient = "/api/v2/routing/message/recipients/{recipient_id}"
    queue = "/api/v2/routing/queues/{queue_id}"
    wait = "/estimatedwaittime"
    return [
        ("GET", recipient, routing.recipient),
        ("PUT", recipient, routing.update_recipient),
        ("GET", "/api/v2/routing/queues", routing.queues),
        ("GET", queue, routing.queue),
        ("GET", queue + wait, routing.estimated_wait),
        ("GET", queue + "/mediatypes/{media_type}" + wait, routing.estimated_wait),
        ("POST", "/api/v2/analytics/queues/observations/query", routing.observations),
        ("GET", "/api/v2/users/{user_id}", routing.user),
    ]


def _notifications(notifications: NotificationEndpoints) -> Table:
    channels = "/api/v2/notifications/channels"
    subscriptions = channels + "/{channel_id}/subscriptions"
    return [
        ("POST", channels, notifications.create),
        ("GET", channels, notifications.channels),
        ("HEAD", channels + "/{channel_id}", notifications.head),
        ("GET", subscriptions, notifications.subscriptions),
        ("POST", subscriptions, notifications.subscribe),
        ("PUT", subscriptions, notifications.replace),
        ("DELETE", subscriptions, notifications.clear),
        ("GET", "/api/v2/notifications/availabletopics", notifications.available),
    ]


class _Correlated:
    """Gives every answer a correlation id; a refusal brings its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_correlated(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(CORRELATION_HEADER, str(uuid.uuid4()))
            await send(message)

        is_http = scope["type"] == "http"
        await self._app(scope, receive, send_correlated if is_http else send)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, error.detail)
