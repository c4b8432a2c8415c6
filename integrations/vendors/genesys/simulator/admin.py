"""The simulated administration: tokens, integrations, their settings, routing and the directory."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.genesys.simulator import checks, view
from integrations.vendors.genesys.simulator.app import Call, Operations, known
from integrations.vendors.genesys.simulator.checks import MALFORMED, Body, VendorError
from integrations.vendors.genesys.simulator.state import Integration, iso, named_id, new_id, now_ms
from integrations.vendors.genesys.simulator.view import INTEGRATIONS
from integrations.vendors.genesys.simulator.world import SECRET_LENGTH, Org

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path, not a secret
INTEGRATION = INTEGRATIONS + "/{integration_id}"
SETTINGS = "/api/v2/conversations/messaging/settings"
SETTING = SETTINGS + "/{setting_id}"
THREADING = "/api/v2/conversations/messaging/threadingtimeline"
RECIPIENT = "/api/v2/routing/message/recipients/{recipient_id}"
QUEUES = "/api/v2/routing/queues"
OBSERVATIONS = "/api/v2/analytics/queues/observations/query"
QUEUE = QUEUES + "/{queue_id}"
LONGEST_WINDOW = 4320
MESSENGER = "open"
ENABLEMENTS = ("Enabled", "Disabled")
WAIT_MEDIA = ("all", "call", "callback", "chat", "email", "message")
QUEUE_MEMBERS = 3
OPERATIONS = Operations()
_SECRET = "outboundNotificationWebhookSignatureSecretToken"  # noqa: S105 - a field's name
_REFERENCES = {
    "supportedContent": "supported_content_id",
    "messagingSetting": "messaging_setting_id",
}


# -- The login host -------------------------------------------------------------------------------


@OPERATIONS("POST", TOKEN_PATH, needs_token=False)
def _token(call: Call) -> object:
    form = parse_qs(call.content.decode("utf-8", errors="replace"))
    media_type = call.request.headers.get("content-type", "").split(";")[0].strip()
    if media_type != "application/x-www-form-urlencoded":
        return login_refusal("invalid_request", "The content type is not supported.")
    if form.get("grant_type") != ["client_credentials"]:
        return login_refusal("unsupported_grant_type", "The grant type is not supported.")
    if not _is_the_client(call):
        return login_refusal("invalid_client", "The client is not known.")
    ttl = call.org.switches.token_ttl_seconds
    token = call.org.tokens.issue(call.org.switches.client_id, ttl_seconds=ttl)
    return {"access_token": token.value, "token_type": "bearer", "expires_in": int(ttl)}


def _is_the_client(call: Call) -> bool:
    scheme, _, given = call.request.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    agreed = call.org.switches
    wanted = f"{agreed.client_id}:{agreed.client_secret}".encode()
    return scheme.lower() == "basic" and hmac.compare_digest(pair, wanted)


def login_refusal(error: str, description: str, status: int = 400) -> Response:
    """Return a refusal in the shape of the login host, which has no ErrorBody."""
    body = {"error": error, "description": description, "error_description": description}
    return AsciiJSONResponse(body, status_code=status)


# -- Integrations ---------------------------------------------------------------------------------


@OPERATIONS("GET", INTEGRATIONS, "messaging:integration:view")
def _integrations(call: Call) -> object:
    kept = [one for one in call.org.integrations.values() if not one.is_deleted]
    return call.listing([view.integration_object(one) for one in kept])


@OPERATIONS("GET", INTEGRATION, "messaging:integration:view")
def _integration(call: Call) -> object:
    return view.integration_object(call.integration())


@OPERATIONS("POST", INTEGRATIONS, "messaging:integration:add", status=202)
def _create_integration(call: Call) -> object:
    """Begin to make it; that is done in the background."""
    for name in ("name", "outboundNotificationWebhookUrl", _SECRET):
        checks.text(call.body, name)
    return view.integration_object(call.org.add_integration(**_fields(call.org, call.body)))


@OPERATIONS("PATCH", INTEGRATION, "messaging:integration:edit")
def _update_integration(call: Call) -> object:
    checks.text(call.body, "name")
    fields, integration = _fields(call.org, call.body), call.integration()
    for name, value in fields.items():
        setattr(integration, name, value)
    integration.modified_at = now_ms()
    agreed = call.org.switches
    if integration.id == agreed.integration_id:
        agreed.integration_name = integration.name
        agreed.webhook_url, agreed.webhook_secret = integration.webhook_url, integration.secret
    return view.integration_object(integration)


@OPERATIONS("DELETE", INTEGRATION, "messaging:integration:delete", status=204)
def _delete_integration(call: Call) -> object:
    call.integration().is_deleted = True
    return None


def _fields(org: Org, body: Body) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": body["name"]}
    if body.get("outboundNotificationWebhookUrl") is not None:
        fields["webhook_url"] = checks.text(body, "outboundNotificationWebhookUrl")
        _check_url(org, fields["webhook_url"])
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


def _check_url(org: Org, url: str) -> None:
    is_strict = org.switches.require_https_webhook
    schemes = ("https://",) if is_strict else ("https://", "http://")
    host = url.partition("://")[2].partition("/")[0]
    has_port = ":" in host and not host.endswith(":443")
    if not url.startswith(schemes) or (is_strict and has_port):
        raise VendorError(400, MALFORMED, field="outboundNotificationWebhookUrl")


# -- Platform configuration -----------------------------------------------------------------------


@OPERATIONS("GET", SETTINGS, "messaging:setting:view")
def _settings(call: Call) -> object:
    return call.listing([_default(call.org), *call.org.settings.values()])


@OPERATIONS("GET", SETTING, "messaging:setting:view")
def _setting(call: Call) -> dict[str, Any]:
    default = _default(call.org)
    wanted = call.named("setting_id")
    if wanted in ("default", default["id"]):
        return default
    return known(call.org.settings.get(wanted), "messaging setting")


@OPERATIONS("POST", SETTINGS, "messaging:setting:add")
def _create_setting(call: Call) -> object:
    made_id = new_id()
    made = {**_setting_fields(call.body), "id": made_id, "selfUri": f"{SETTINGS}/{made_id}"}
    call.org.settings[made_id] = made
    return made


@OPERATIONS("PATCH", SETTING, "messaging:setting:edit")
def _update_setting(call: Call) -> object:
    """Change a setting; the default one rules all typing here."""
    fields = _setting_fields(call.body)
    kept = _setting(call)
    if kept in call.org.settings.values():
        kept.update(fields)
        return kept
    for direction, word in _typing_words(fields).items():
        setattr(call.org.switches, f"typing_{direction}", word == "Enabled")
    return _default(call.org)


def _setting_fields(body: Body) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": checks.text(body, "name"), "dateModified": iso(now_ms())}
    for name in ("content", "event"):
        if body.get(name) is not None:
            fields[name] = dict(checks.member(body, name))
    return fields


def _typing_words(fields: Body) -> dict[str, str]:
    """Return what a setting says of typing, by direction."""
    found = fields
    for name in ("event", "typing", "on"):
        if found.get(name) is None:
            return {}
        found = checks.member(found, name)
    directions = ("inbound", "outbound")
    return {one: checks.enum(found, one, ENABLEMENTS) for one in directions if one in found}


def _default(org: Org) -> dict[str, Any]:
    is_on = {"inbound": org.switches.typing_inbound, "outbound": org.switches.typing_outbound}
    words = {name: "Enabled" if value else "Disabled" for name, value in is_on.items()}
    return {
        "id": org.division_id,
        "name": "Default",
        "event": {"typing": {"on": words}},
        "selfUri": f"{SETTINGS}/{org.division_id}",
    }


# -- Threading ------------------------------------------------------------------------------------


@OPERATIONS("GET", THREADING, "conversation:threadingTimeline:view")
def _threading(call: Call) -> object:
    minutes = call.org.switches.threading_minutes
    return {
        "id": call.org.division_id,
        "settings": [{"messengerType": MESSENGER, "timeoutInMinutes": minutes}],
        "defaultTimeoutMinutes": LONGEST_WINDOW,
    }


@OPERATIONS("PUT", THREADING, "conversation:threadingTimeline:edit")
def _update_threading(call: Call) -> object:
    for one in checks.items(call.body, "settings"):
        minutes = one.get("timeoutInMinutes")
        if not isinstance(minutes, int) or not 0 <= minutes <= LONGEST_WINDOW:
            raise VendorError(400, MALFORMED, field="timeoutInMinutes")
        if one.get("messengerType") == MESSENGER:
            call.org.switches.threading_minutes = minutes
    return _threading(call)


# -- Routing: where conversations go, and whether somebody is there -------------------------------


@OPERATIONS("GET", RECIPIENT, "routing:message:manage")
def _recipient(call: Call) -> object:
    return view.recipient_object(_addressed(call))


@OPERATIONS("PUT", RECIPIENT, "routing:message:manage")
def _update_recipient(call: Call) -> object:
    flow, integration = call.body.get("flow"), _addressed(call)
    integration.flow_id = checks.text(checks.member(call.body, "flow"), "id") if flow else None
    if integration.id == call.org.switches.integration_id:
        call.org.switches.flow_attached = bool(flow)
    return view.recipient_object(integration)


def _addressed(call: Call) -> Integration:
    return known(call.org.by_recipient(call.named("recipient_id")), "recipient")


@OPERATIONS("GET", QUEUES, "routing:queue:view")
def _queues(call: Call) -> object:
    wanted = call.query("name").lower()
    names = [one for one in call.org.queue_names() if wanted in one.lower()]
    return call.listing([view.queue_object(call.org, one) for one in names])


@OPERATIONS("GET", QUEUE, "routing:queue:view")
def _queue(call: Call) -> object:
    return view.queue_object(call.org, _queue_named(call))


@OPERATIONS("GET", QUEUE + "/estimatedwaittime", "routing:queue:view")
@OPERATIONS("GET", QUEUE + "/mediatypes/{media_type}/estimatedwaittime", "routing:queue:view")
def _estimated_wait(call: Call) -> object:
    _queue_named(call)
    media_type = str(call.request.path_params.get("media_type", "message"))
    if media_type.lower() not in WAIT_MEDIA:
        raise VendorError(400, MALFORMED, field="mediaType")
    seconds = call.org.switches.estimated_wait_seconds
    guess = {} if seconds is None else {"estimatedWaitTimeSeconds": seconds}
    return {"results": [{"intent": media_type.upper(), "formula": "BEST", **guess}]}


def _queue_named(call: Call) -> str:
    return known(call.org.queue_by_id(call.named("queue_id")), "queue")


@OPERATIONS("POST", OBSERVATIONS, "analytics:queueObservation:view")
def _observations(call: Call) -> object:
    wanted = _queue_ids(checks.member(call.body, "filter"))
    metrics = call.body.get("metrics") or ["oOnQueueUsers", "oWaiting", "oInteracting"]
    if not isinstance(metrics, list) or not all(isinstance(one, str) for one in metrics):
        raise VendorError(400, MALFORMED, field="metrics")
    ids = {named_id("queue", name): name for name in call.org.queue_names()}
    return {
        "results": [
            _observation(call.org, name, metrics) for one, name in ids.items() if one in wanted
        ]
    }


def _observation(org: Org, name: str, metrics: list[str]) -> dict[str, Any]:
    talking = [one for one in org.talking() if one.queue == name and one.agents]
    counts = {
        "oOnQueueUsers": 0 if org.switches.agents_offline else QUEUE_MEMBERS,
        "oWaiting": sum(1 for one in org.talking() if one.waiting and one.queue == name),
        "oInteracting": len(talking),
    }
    data: list[dict[str, Any]] = [
        {"metric": one, "stats": {"count": counts[one]}} for one in metrics if one in counts
    ]
    for one in data:
        if one["metric"] == "oOnQueueUsers":
            one["qualifier"] = "IDLE"
    return {"group": {"queueId": named_id("queue", name), "mediaType": "message"}, "data": data}


def _queue_ids(found: Body) -> set[str]:
    """Return the queues a filter names, in its predicates or in clauses of them."""
    predicates = list(checks.items(found, "predicates"))
    for clause in checks.items(found, "clauses"):
        predicates += checks.items(clause, "predicates")
    ids = {str(one.get("value")) for one in predicates if one.get("dimension") == "queueId"}
    if not ids:
        raise VendorError(400, MALFORMED, field="filter")
    return ids


@OPERATIONS("GET", "/api/v2/users/{user_id}")
def _user(call: Call) -> object:
    ids = {named_id("user", name): name for name in call.org.user_names()}
    return view.user_object(known(ids.get(call.named("user_id")), "user"))
