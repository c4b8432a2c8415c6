"""The simulated Zendesk: Sunshine Conversations under /sc, the ticketing API under /api/v2.

Imitates the official OpenAPI file of Sunshine Conversations (github.com/zendesk/
sunshine-conversations-api-spec) and the ticketing API (developer.zendesk.com/api-reference).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.simulator import Simulator
from integrations.vendors.zendesk.simulator.answers import error_answer
from integrations.vendors.zendesk.simulator.checks import CODES, VendorError
from integrations.vendors.zendesk.simulator.conversations import (
    ConversationEndpoints,
    UserEndpoints,
)
from integrations.vendors.zendesk.simulator.messages import MessageEndpoints
from integrations.vendors.zendesk.simulator.requests import Answer
from integrations.vendors.zendesk.simulator.settings import SettingEndpoints
from integrations.vendors.zendesk.simulator.ticketing import (
    TicketEndpoints,
    TicketRefusedError,
    answer_ticket_refusal,
)
from integrations.vendors.zendesk.simulator.world import FILE_PATH, ZendeskWorld

Endpoint = Callable[[Request], Answer]
Row = tuple[str, str, Endpoint]
APP = "/sc/v2/apps/{app_id}"


def zendesk_app(simulator: Simulator, world: ZendeskWorld) -> Starlette:
    """Return the ASGI application that speaks the contract for one world."""
    messages = MessageEndpoints(simulator, world)
    rows = [
        *_user_rows(UserEndpoints(simulator, world)),
        *_conversation_rows(ConversationEndpoints(simulator, world)),
        *_message_rows(messages),
        *_setting_rows(SettingEndpoints(simulator, world)),
        *_ticket_rows(TicketEndpoints(simulator, world)),
    ]
    # A form is read piece by piece, which no other endpoint does.
    path = f"{world.path_prefix}{APP}/attachments"
    upload = Route(path, messages.upload_attachment, methods=["POST"])
    return Starlette(
        routes=[*_routes(simulator, rows, world.path_prefix), upload],
        exception_handlers={
            VendorError: _answer_refusal,
            TicketRefusedError: answer_ticket_refusal,
            HTTPException: _answer_http_error,
        },
    )


def _routes(simulator: Simulator, rows: list[Row], prefix: str) -> list[BaseRoute]:
    return [
        Route(prefix + path, _answering(simulator, endpoint), methods=[method])
        for method, path, endpoint in rows
    ]


def _answering(
    simulator: Simulator, endpoint: Endpoint
) -> Callable[[Request], Awaitable[Response]]:
    """Read the body first; the endpoint then has the account to itself."""

    async def answer(request: Request) -> Response:
        request.state.raw = await request.body()
        with simulator.change():
            found = endpoint(request)
        return found if isinstance(found, Response) else AsciiJSONResponse(found)

    return answer


def _user_rows(users: UserEndpoints) -> list[Row]:
    one = APP + "/users/{user_id:path}"
    return [
        ("POST", APP + "/users", users.create_user),
        ("GET", APP + "/users", users.list_users),
        ("DELETE", one + "/personalinformation", users.delete_personal_information),
        ("POST", one + "/sync", users.sync_user),
        ("GET", one + "/clients", users.list_clients),
        ("GET", one + "/devices", users.list_devices),
        ("GET", one, users.get_user),
        ("PATCH", one, users.update_user),
        ("DELETE", one, users.delete_user),
    ]


def _conversation_rows(conversations: ConversationEndpoints) -> list[Row]:
    one = APP + "/conversations/{conversation_id}"
    return [
        ("POST", APP + "/conversations", conversations.create_conversation),
        ("GET", APP + "/conversations", conversations.list_conversations),
        ("GET", one, conversations.get_conversation),
        ("PATCH", one, conversations.update_conversation),
        ("DELETE", one, conversations.delete_conversation),
        ("GET", one + "/participants", conversations.list_participants),
        ("POST", one + "/join", conversations.join),
        ("POST", one + "/leave", conversations.leave),
        ("POST", one + "/passControl", conversations.pass_control),
        ("POST", one + "/offerControl", conversations.offer_control),
        ("POST", one + "/acceptControl", conversations.accept_control),
        ("POST", one + "/releaseControl", conversations.release_control),
    ]


def _message_rows(messages: MessageEndpoints) -> list[Row]:
    one = APP + "/conversations/{conversation_id}"
    return [
        ("POST", one + "/messages", messages.post_message),
        ("GET", one + "/messages", messages.list_messages),
        ("DELETE", one + "/messages", messages.delete_messages),
        ("DELETE", one + "/messages/{message_id}", messages.delete_message),
        ("POST", one + "/activity", messages.post_activity),
        ("POST", APP + "/attachments/remove", messages.remove_attachment),
        ("GET", FILE_PATH, messages.media),
        ("GET", "/sc/storage/{path:path}", messages.stored_media),
    ]


def _setting_rows(settings: SettingEndpoints) -> list[Row]:
    integration = APP + "/integrations/{integration_id}"
    webhook = integration + "/webhooks/{webhook_id}"
    parts = APP + "/switchboards/{switchboard_id}/switchboardIntegrations"
    return [
        ("GET", "/sc/v2/tokenInfo", settings.token_info),
        ("GET", APP, settings.get_app),
        ("GET", APP + "/integrations", settings.list_integrations),
        ("GET", integration, settings.get_integration),
        ("GET", integration + "/webhooks", settings.list_webhooks),
        ("POST", integration + "/webhooks", settings.create_webhook),
        ("GET", webhook, settings.get_webhook),
        ("PATCH", webhook, settings.update_webhook),
        ("DELETE", webhook, settings.delete_webhook),
        ("GET", APP + "/switchboards", settings.list_switchboards),
        ("GET", parts, settings.list_switchboard_integrations),
        ("PATCH", parts + "/{switchboard_integration_id}", settings.update_switchboard_integration),
    ]


def _ticket_rows(tickets: TicketEndpoints) -> list[Row]:
    """Each path answers with and without .json, as Zendesk's do."""
    rows: list[Row] = [
        ("GET", "/users/me", tickets.get_me),
        ("GET", "/users/{user_id:int}", tickets.get_user),
        ("GET", "/groups/{group_id:int}", tickets.get_group),
        ("GET", "/tickets", tickets.list_tickets),
        ("POST", "/tickets", tickets.create_ticket),
        ("GET", "/tickets/{ticket_id:int}", tickets.get_ticket),
        ("PUT", "/tickets/{ticket_id:int}", tickets.update_ticket),
        ("GET", "/tickets/{ticket_id:int}/comments", tickets.list_comments),
        ("PUT", "/tickets/{ticket_id:int}/tags", tickets.add_tags),
        ("GET", "/tickets/{ticket_id:int}/conversation_log", tickets.get_conversation_log),
    ]
    return [
        (method, "/api/v2" + path + suffix, endpoint)
        for method, path, endpoint in rows
        for suffix in ("", ".json")
    ]


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VendorError)
    return error_answer(error.status, error.code, *error.titles, retry_after=error.retry_after)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, CODES.get(error.status_code, "error"), error.detail)
