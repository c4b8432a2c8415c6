"""The simulated administration: tokens, integrations, their settings, routing and the directory."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.genesys.simulator import checks, rest
from integrations.vendors.genesys.simulator.checks import MALFORMED, Body, VendorError
from integrations.vendors.genesys.simulator.requests import Endpoints, accepted, listing
from integrations.vendors.genesys.simulator.state import Integration, iso, named_id, new_id, now_ms
from integrations.vendors.genesys.simulator.world import SECRET_LENGTH

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, not a secret
SETTINGS = "/api/v2/conversations/messaging/settings"
DEFAULT_SETTING = "default"
LONGEST_WINDOW = 4320
MESSENGER = "open"
ENABLEMENTS = ("Enabled", "Disabled")


QUEUE_MEMBERS = 3
SUCCESS = 200


class AdminEndpoints(Endpoints):
    """The login host, and what an administrator's client calls."""

    async def token(self, request: Request) -> Response:
        """POST /oauth/token"""
        form = parse_qs((await request.body()).decode("utf-8", errors="replace"))
        media_type = request.headers.get("content-type", "").split(";")[0].strip()
        if media_type != "application/x-www-form-urlencoded":
            return login_refusal("invalid_request", "The content type is not supported.")
        if form.get("grant_type") != ["client_credentials"]:
            return login_refusal("unsupported_grant_type", "The grant type is not supported.")
        client = self._client(request)
        if client is None:
            return login_refusal("invalid_client", "The client is not known.")
        ttl = self._org.switches.token_ttl_seconds
        with self._simulator.change():
            token = self._org.tokens.issue(client, ttl_seconds=ttl)
        answer = {"access_token": token.value, "token_type": "bearer", "expires_in": int(ttl)}
        return AsciiJSONResponse(answer)

    def _client(self, request: Request) -> str | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            pair = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return None
        agreed = self._org.switches
        wanted = f"{agreed.client_id}:{agreed.client_secret}".encode()
        is_known = scheme.lower() == "basic" and hmac.compare_digest(pair, wanted)
        return agreed.client_id if is_known else None

    # -- Integrations -------------------------------------------------------------------------

    async def integrations(self, request: Request) -> Response:
        """GET /api/v2/conversations/messaging/integrations/open"""
        self._authorise(request, "messaging:integration:view")
        return listing(
            [
                rest.integration_object(one)
                for one in self._org.integrations.values()
                if not one.is_deleted
            ],
            request,
        )

    async def integration(self, request: Request) -> Response:
        """GET .../integrations/open/{integrationId}"""
        self._authorise(request, "messaging:integration:view")
        return accepted(rest.integration_object(self._named(request)), 200)

    async def create_integration(self, request: Request) -> Response:
        """POST .../integrations/open; done in the background"""
        self._authorise(request, "messaging:integration:add")
        body = await self._body(request)
        for name in ("name", "outboundNotificationWebhookUrl", _SECRET):
            checks.text(body, name)
        fields = self._fields(body)
        with self._simulator.change():
            made = self._org.add_integration(**fields)
        return accepted(rest.integration_object(made), 202)

    async def update_integration(self, request: Request) -> Response:
        """PATCH .../integrations/open/{integrationId}"""
        self._authorise(request, "messaging:integration:edit")
        body = await self._body(request)
        checks.text(body, "name")
        fields = self._fields(body)
        with self._simulator.change():
            integration = self._named(request)
            for name, value in fields.items():
                setattr(integration, name, value)
            integration.modified_at = now_ms()
            self._remember(integration)
        return accepted(rest.integration_object(integration), 200)

    async def delete_integration(self, request: Request) -> Response:
        """DELETE .../integrations/open/{integrationId}"""
        self._authorise(request, "messaging:integration:delete")
        with self._simulator.change():
            self._named(request).is_deleted = True
        return Response(status_code=204)

    def _named(self, request: Request) -> Integration:
        return self._integration(request.path_params["integration_id"])

    def _fields(self, body: Body) -> dict[str, Any]:
        fields: dict[str, Any] = {"name": body["name"]}
        if body.get("outboundNotificationWebhookUrl") is not None:
            url = checks.text(body, "outboundNotificationWebhookUrl")
            self._check_url(url)
            fields["webhook_url"] = url
        if body.get(_SECRET) is not None:
            fields["secret"] = checks.text(body, _SECRET)
            if len(fields["secret"]) < SECRET_LENGTH:
                raise VendorError(400, MALFORMED, field=_SECRET)
        if body.get("webhookHeaders") is not None:
            fields["webhook_headers"] = checks.flat_map(body, "webhookHeaders")
        for name, kept in _REFERENCES.items():
            if body.get(name) is not None:
                fields[kept] = checks.text(checks.member(body, name), "id")
        return fields

    def _check_url(self, url: str) -> None:
        is_strict = self._org.switches.require_https_webhook
        schemes = ("https://",) if is_strict else ("https://", "http://")
        host = url.partition("://")[2].partition("/")[0]
        has_port = ":" in host and not host.endswith(":443")
        if not url.startswith(schemes) or (is_strict and has_port):
            raise VendorError(400, MALFORMED, field="outboundNotificationWebhookUrl")

    def _remember(self, integration: Integration) -> None:
        agreed = self._org.switches
        if integration.id == agreed.integration_id:
            agreed.integration_name = integration.name
            agreed.webhook_url, agreed.webhook_secret = integration.webhook_url, integration.secret

    # -- Platform configuration ---------------------------------------------------------------

    async def settings(self, request: Request) -> Response:
        """GET /api/v2/conversations/messaging/settings"""
        self._authorise(request, "messaging:setting:view")
        return listing([self._default(), *self._org.settings.values()], request)

    async def setting(self, request: Request) -> Response:
        """GET .../settings/{messageSettingId} and .../settings/default"""
        self._authorise(request, "messaging:setting:view")
        return accepted(self._setting(request), 200)

    async def create_setting(self, request: Request) -> Response:
        """POST .../settings"""
        self._authorise(request, "messaging:setting:add")
        body = await self._body(request)
        made_id = new_id()
        made = {**_setting_fields(body), "id": made_id, "selfUri": f"{SETTINGS}/{made_id}"}
        with self._simulator.change():
            self._org.settings[made_id] = made
        return accepted(made, 200)

    async def update_setting(self, request: Request) -> Response:
        """PATCH .../settings/{messageSettingId}; the default one rules all typing here"""
        self._authorise(request, "messaging:setting:edit")
        fields = _setting_fields(await self._body(request))
        with self._simulator.change():
            kept = self._setting(request)
            if kept["id"] != self._default()["id"]:
                kept.update(fields)
                return accepted(kept, 200)
            for direction, word in _typing_words(fields).items():
                setattr(self._org.switches, f"typing_{direction}", word == "Enabled")
        return accepted(self._default(), 200)

    def _setting(self, request: Request) -> dict[str, Any]:
        wanted = request.path_params["setting_id"]
        default = self._default()
        if wanted in (DEFAULT_SETTING, default["id"]):
            return default
        if wanted not in self._org.settings:
            raise VendorError(404, "The requested messaging setting was not found.")
        return self._org.settings[wanted]

    def _default(self) -> dict[str, Any]:
        words = {True: "Enabled", False: "Disabled"}
        switches = self._org.switches
        on = {
            "inbound": words[switches.typing_inbound],
            "outbound": words[switches.typing_outbound],
        }
        return {
            "id": self._org.division_id,
            "name": "Default",
            "event": {"typing": {"on": on}},
            "selfUri": f"{SETTINGS}/{self._org.division_id}",
        }

    # -- Threading ----------------------------------------------------------------------------

    async def threading(self, request: Request) -> Response:
        """GET /api/v2/conversations/messaging/threadingtimeline"""
        self._authorise(request, "conversation:threadingTimeline:view")
        return accepted(self._threading(), 200)

    async def update_threading(self, request: Request) -> Response:
        """PUT /api/v2/conversations/messaging/threadingtimeline"""
        self._authorise(request, "conversation:threadingTimeline:edit")
        body = await self._body(request)
        for one in checks.items(body, "settings"):
            minutes = one.get("timeoutInMinutes")
            if not isinstance(minutes, int) or not 0 <= minutes <= LONGEST_WINDOW:
                raise VendorError(400, MALFORMED, field="timeoutInMinutes")
            if one.get("messengerType") == MESSENGER:
                with self._simulator.change():
                    self._org.switches.threading_minutes = minutes
        return accepted(self._threading(), 200)

    def _threading(self) -> dict[str, Any]:
        minutes = self._org.switches.threading_minutes
        return {
            "id": self._org.division_id,
            "settings": [{"messengerType": MESSENGER, "timeoutInMinutes": minutes}],
            "defaultTimeoutMinutes": LONGEST_WINDOW,
        }


_SECRET = "outboundNotificationWebhookSignatureSecretToken"  # noqa: S105 - a field's name
_REFERENCES = {
    "supportedContent": "supported_content_id",
    "messagingSetting": "messaging_setting_id",
}


def _setting_fields(body: Body) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": checks.text(body, "name"), "dateModified": iso(now_ms())}
    for name in ("content", "event"):
        if body.get(name) is not None:
            fields[name] = dict(checks.member(body, name))
    return fields


def _typing_words(fields: Body) -> dict[str, str]:
    """Return what a setting says of typing, by direction."""
    found: Body = fields
    for name in ("event", "typing", "on"):
        if found.get(name) is None:
            return {}
        found = checks.member(found, name)
    directions = ("inbound", "outbound")
    return {one: checks.enum(found, one, ENABLEMENTS) for one in directions if one in found}


def login_refusal(error: str, description: str, status: int = 400) -> Response:
    """Return a refusal in the shape of the login host, which has no ErrorBody."""
    body = {"error": error, "description": description, "error_description": description}
    return AsciiJSONResponse(body, status_code=status)


class RoutingEndpoints(Endpoints):
    """What tells where conversations go, and whether somebody is there."""

    async def recipient(self, request: Request) -> Response:
        """GET /api/v2/routing/message/recipients/{recipientId}"""
        self._authorise(request, "routing:message:manage")
        return accepted(rest.recipient_object(self._org, self._recipient(request)), SUCCESS)

    async def update_recipient(self, request: Request) -> Response:
        """PUT /api/v2/routing/message/recipients/{recipientId}"""
        self._authorise(request, "routing:message:manage")
        body = await self._body(request)
        flow = body.get("flow")
        with self._simulator.change():
            integration = self._recipient(request)
            integration.flow_id = checks.text(checks.member(body, "flow"), "id") if flow else None
            if integration.id == self._org.switches.integration_id:
                self._org.switches.flow_attached = bool(flow)
        return accepted(rest.recipient_object(self._org, integration), SUCCESS)

    async def queues(self, request: Request) -> Response:
        """GET /api/v2/routing/queues"""
        self._authorise(request, "routing:queue:view")
        wanted = request.query_params.get("name", "").lower()
        names = [one for one in self._org.queue_names() if wanted in one.lower()]
        return listing([rest.queue_object(self._org, one) for one in names], request)

    async def queue(self, request: Request) -> Response:
        """GET /api/v2/routing/queues/{queueId}"""
        self._authorise(request, "routing:queue:view")
        return accepted(rest.queue_object(self._org, self._queue(request)), SUCCESS)

    async def estimated_wait(self, request: Request) -> Response:
        """GET /api/v2/routing/queues/{queueId}/[mediatypes/{mediaType}/]estimatedwaittime"""
        self._authorise(request, "routing:queue:view")
        self._queue(request)
        media_type = request.path_params.get("media_type", "message")
        if media_type.lower() not in ("all", "call", "callback", "chat", "email", "message"):
            raise VendorError(400, MALFORMED, field="mediaType")
        seconds = self._org.switches.estimated_wait_seconds
        result: dict[str, Any] = {"intent": media_type.upper(), "formula": "BEST"}
        if seconds is not None:
            result["estimatedWaitTimeSeconds"] = seconds
        return accepted({"results": [result]}, SUCCESS)

    async def observations(self, request: Request) -> Response:
        """POST /api/v2/analytics/queues/observations/query"""
        self._authorise(request, "analytics:queueObservation:view")
        body = await self._body(request)
        wanted = _queue_ids(checks.member(body, "filter"))
        metrics = body.get("metrics") or ["oOnQueueUsers", "oWaiting", "oInteracting"]
        if not isinstance(metrics, list) or not all(isinstance(one, str) for one in metrics):
            raise VendorError(400, MALFORMED, field="metrics")
        results = [
            self._observation(name, metrics)
            for name in self._org.queue_names()
            if named_id("queue", name) in wanted
        ]
        return accepted({"results": results}, SUCCESS)

    async def user(self, request: Request) -> Response:
        """GET /api/v2/users/{userId}"""
        self._authorise(request)
        wanted = request.path_params["user_id"]
        for name in self._org.user_names():
            if named_id("user", name) == wanted:
                return accepted(rest.user_object(name), SUCCESS)
        raise VendorError(404, "The requested user was not found.")

    def _observation(self, name: str, metrics: list[str]) -> dict[str, Any]:
        talking = [one for one in self._org.talking() if one.queue == name and one.agents]
        counts = {
            "oOnQueueUsers": 0 if self._org.switches.agents_offline else QUEUE_MEMBERS,
            "oWaiting": len(self._org.waiting_in(name)),
            "oInteracting": len(talking),
        }
        data = [
            {"metric": one, "stats": {"count": counts[one]}, **_qualifier(one)}
            for one in metrics
            if one in counts
        ]
        group = {"queueId": named_id("queue", name), "mediaType": "message"}
        return {"group": group, "data": data}

    def _recipient(self, request: Request) -> Integration:
        found = self._org.by_recipient(request.path_params["recipient_id"])
        if found is None:
            raise VendorError(404, "The requested recipient was not found.")
        return found

    def _queue(self, request: Request) -> str:
        found = self._org.queue_by_id(request.path_params["queue_id"])
        if found is None:
            raise VendorError(404, "The requested queue was not found.")
        return found


def _qualifier(metric: str) -> dict[str, str]:
    return {"qualifier": "IDLE"} if metric == "oOnQueueUsers" else {}


def _queue_ids(found: Body) -> set[str]:
    """Return the queues a filter names, in its predicates or in clauses of them."""
    predicates = list(checks.items(found, "predicates"))
    for clause in checks.items(found, "clauses"):
        predicates += checks.items(clause, "predicates")
    ids = {str(one.get("value")) for one in predicates if one.get("dimension") == "queueId"}
    if not ids:
        raise VendorError(400, MALFORMED, field="filter")
    return ids
