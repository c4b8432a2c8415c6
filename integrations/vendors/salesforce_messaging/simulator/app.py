"""The simulated messaging API: every path of the contract's section on Enhanced Chat API v2.

Imitates developer.salesforce.com/docs/service/messaging-api/references/miaw-api-reference; the
success codes that page leaves open are those of the contract's list of working assumptions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.simulators.simulator import Simulator
from integrations.vendors.salesforce_messaging.simulator.answers import error_answer
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.endpoints import (
    ConversationEndpoints,
    TokenEndpoints,
)
from integrations.vendors.salesforce_messaging.simulator.entries import EntryEndpoints
from integrations.vendors.salesforce_messaging.simulator.world import FILE_PATH, Org

Endpoint = Callable[[Request], Awaitable[Response]]
BASE = "/iamessage/api/v2"


def messaging_app(simulator: Simulator, org: Org) -> Starlette:
    """Return the ASGI application that speaks the contract for one org."""
    return Starlette(
        routes=[
            Route(org.path_prefix + path, endpoint, methods=[method])
            for method, path, endpoint in _table(simulator, org)
        ],
        exception_handlers={VendorError: _answer_refusal, HTTPException: _answer_http_error},
    )


def _table(simulator: Simulator, org: Org) -> list[tuple[str, str, Endpoint]]:
    tokens = TokenEndpoints(simulator, org)
    conversations = ConversationEndpoints(simulator, org)
    entries = EntryEndpoints(simulator, org)
    one = BASE + "/conversation/{conversation_id}"
    authorization = BASE + "/authorization"
    return [
        ("POST", authorization + "/unauthenticated/access-token", tokens.anonymous_token),
        ("POST", authorization + "/authenticated/access-token", tokens.verified_token),
        ("DELETE", authorization + "/authenticated/access-token", tokens.revoke_token),
        ("GET", authorization + "/continuation-access-token", tokens.continuation_token),
        ("POST", BASE + "/conversation", conversations.create_conversation),
        ("GET", BASE + "/conversation/list", conversations.list_conversations),
        ("GET", one, conversations.routing_status),
        ("DELETE", one, conversations.close_conversation),
        ("DELETE", one + "/session", conversations.end_session),
        ("GET", one + "/transcript", conversations.transcript),
        ("POST", one + "/message", entries.send_message),
        ("POST", one + "/file", entries.send_file),
        ("POST", one + "/entry", entries.send_entry),
        ("POST", one + "/acknowledge-entries", entries.acknowledge_entries),
        ("GET", one + "/entries", entries.list_entries),
        ("GET", "/eventrouter/v1/sse", entries.events),
        ("GET", FILE_PATH, entries.file),
    ]


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VendorError)
    return error_answer(error.status, error.message, error.code)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, error.detail)
