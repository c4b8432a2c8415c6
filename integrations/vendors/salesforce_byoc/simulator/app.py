"""The organization's paths: OAuth, REST, Streaming and the Interaction Service, each as strict."""

from __future__ import annotations

import re
from collections.abc import Callable

import jwt
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.records import file_download
from integrations.vendors.salesforce_byoc.simulator.cometd import Cometd
from integrations.vendors.salesforce_byoc.simulator.crm import CrmApi, refused
from integrations.vendors.salesforce_byoc.simulator.rich import picture
from integrations.vendors.salesforce_byoc.simulator.service import (
    InteractionService,
    RefusedError,
)
from integrations.vendors.salesforce_byoc.simulator.world import (
    CHANNEL,
    INTEGRATION_USER,
    ORG_ID,
    ByocWorld,
)

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
_SOQL = re.compile(
    r"SELECT\s+Id(?:\s*,\s*\w+)*\s+FROM\s+MessagingChannel\s+WHERE\s+"
    r"ChannelAddressIdentifier\s*=\s*'((?:[^'\\]|\\.)*)'(?:\s+LIMIT\s+\d+)?",
    re.IGNORECASE,
)


def oauth_refusal(error: str, description: str, status: int = 400) -> Response:
    """Return a refusal of the token endpoint."""
    body = {"error": error, "error_description": description}
    return AsciiJSONResponse(body, status_code=status)


def byoc_app(world: ByocWorld, cometd: Cometd) -> Starlette:
    """Return the application that speaks the contract."""
    service, rest = InteractionService(world), Rest(world)
    interactions = {
        "/conversation": ("POST", service.establish),
        "/route": ("POST", service.route),
        "/agentWork": ("POST", service.agent_work),
        "/acknowledgement": ("POST", service.acknowledge),
        "/conversationEntry": ("GET", service.entries),
        "/messagingSession": ("POST", service.messaging_session),
        "/capabilities": ("PATCH", service.capabilities),
    }
    return Starlette(
        routes=[
            Route("/services/oauth2/token", rest.token, methods=["POST"]),
            Route("/services/data/", rest.versions, methods=["GET"]),
            Route("/services/data/v{version}/query", rest.query, methods=["GET"]),
            *CrmApi(world.crm, rest.is_known).routes(),
            Route("/cometd/{version}", cometd.answer, methods=["POST"]),
            Route("/cometd/{version}/{rest:path}", cometd.answer, methods=["POST"]),
            Route("/api/v1/interactions", service.interactions, methods=["POST"]),
            *(
                Route(f"/api/v1{path}", service.json_call(call), methods=[method])
                for path, (method, call) in interactions.items()
            ),
            Route("/sfc/dist/version/download/{file_id}", rest.file, methods=["GET"]),
            Route("/pictures/{name}", rest.picture, methods=["GET"]),
        ],
        exception_handlers={RefusedError: _refuse, HTTPException: _no_such_path},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.answer


async def _no_such_path(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return AsciiJSONResponse(
        [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}],
        status_code=error.status_code,
    )


class Rest:
    """Tokens, a query, and files."""

    def __init__(self, world: ByocWorld) -> None:
        self._world = world

    async def token(self, request: Request) -> Response:
        """Give out a token, by a signed JWT or by the consumer secret."""
        form = await request.form()
        grants: dict[str, Callable[[FormData], Response | None]] = {
            _JWT_GRANT: self._refused_jwt,
            "client_credentials": self._refused_client,
            "password": self._refused_password,
        }
        grant = str(form.get("grant_type", ""))
        if grant not in grants:
            return oauth_refusal("unsupported_grant_type", "grant type not supported")
        if (refused := grants[grant](form)) is not None:
            return refused
        with self._world.lock:
            token = self._world.issue()
        base = self._world.base_url
        return AsciiJSONResponse(
            {
                "access_token": token,
                "scope": "interaction_api api",
                "instance_url": base,
                "id": f"{base}/id/{ORG_ID}UAA/0058Y000001AbCdQAK",
                "token_type": "Bearer",
                "issued_at": str(self._world.now()),
            }
        )

    def _refused_jwt(self, form: FormData) -> Response | None:
        switches = self._world.switches
        if not switches.public_key_pem:
            return oauth_refusal("invalid_grant", "invalid assertion")
        try:
            claims = jwt.decode(
                str(form.get("assertion", "")),
                switches.public_key_pem,
                algorithms=["RS256"],
                options={"verify_aud": False, "require": ["exp", "iss", "sub", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            return oauth_refusal("invalid_grant", "expired authorization code")
        except jwt.InvalidTokenError:
            return oauth_refusal("invalid_grant", "invalid assertion")
        if claims["iss"] != switches.consumer_key:
            return oauth_refusal("invalid_client_id", "client identifier invalid")
        if claims["aud"] not in (*_AUDIENCES, self._world.base_url):
            return oauth_refusal("invalid_grant", "audience is invalid")
        if claims["sub"] != INTEGRATION_USER or not switches.is_user_approved:
            return oauth_refusal("invalid_grant", "user hasn't approved this consumer")
        return None

    def _refused_client(self, form: FormData) -> Response | None:
        switches = self._world.switches
        if form.get("client_id") != switches.consumer_key:
            return oauth_refusal("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != switches.consumer_secret:
            return oauth_refusal("invalid_client", "invalid client credentials")
        if not switches.is_user_approved:
            return oauth_refusal("invalid_grant", "user hasn't approved this consumer")
        return None

    def _refused_password(self, form: FormData) -> Response | None:
        if (refused_app := self._refused_client(form)) is not None:
            return refused_app
        switches = self._world.switches
        given = (form.get("username"), form.get("password"))
        if given != (INTEGRATION_USER, switches.password_and_token):
            return oauth_refusal("invalid_grant", "authentication failure")
        return None

    def is_known(self, token: str) -> bool:
        """Say whether a token was given out."""
        return token in self._world.tokens

    async def versions(self, request: Request) -> Response:
        """List the API's versions."""
        return AsciiJSONResponse(
            [{"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}]
        )

    async def query(self, request: Request) -> Response:
        """Answer questions about channels and about records."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._world.tokens:
            return refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
        soql = request.query_params.get("q", "").strip()
        asked = _SOQL.fullmatch(soql)
        if asked is None:
            found = CrmApi(self._world.crm, self.is_known).query(soql)
            return found or refused(400, "MALFORMED_QUERY", "unexpected token")
        row = {"attributes": {"type": "MessagingChannel"}, "Id": "0Mj8Y0000004Chn"}
        records = [row] if asked[1] == CHANNEL else []
        answer = AsciiJSONResponse({"totalSize": len(records), "done": True, "records": records})
        answer.headers["Sforce-Limit-Info"] = "api-usage=412/15000"
        return answer

    async def file(self, request: Request) -> Response:
        """Answer with a live agent's file, to anybody who has its address."""
        stored = self._world.files.get(request.path_params["file_id"])
        if stored is None:
            return refused(404, "NOT_FOUND", "There is no such file")
        return file_download(stored.content, name=stored.name, mime_type=stored.mime_type)

    async def picture(self, request: Request) -> Response:
        """Answer with the picture of rich messages."""
        return picture()
