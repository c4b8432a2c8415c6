"""The simulated endpoints for the app, its integration and webhooks, and its switchboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from integrations.simulators.answers import endpoint
from integrations.vendors.zendesk.simulator import checks
from integrations.vendors.zendesk.simulator.app import APP, Answer, Endpoints, created
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.records import Webhook
from integrations.vendors.zendesk.simulator.switchboard import NOT_FOUND

MAX_WEBHOOKS = 10
INTEGRATION = APP + "/integrations/{integration_id}"
WEBHOOKS = INTEGRATION + "/webhooks"
WEBHOOK = WEBHOOKS + "/{webhook_id}"
SWITCHBOARD_ID = "5b5b5b5b5b5b5b5b5b5b5b5b"
SWITCHBOARDS = APP + "/switchboards"
PARTS = SWITCHBOARDS + "/{switchboard_id}/switchboardIntegrations"
# Webhook property -> where it is kept; the webhook made with the integration is kept as switches.
_KEPT = {
    "target": "target",
    "triggers": "triggers",
    "includeFullUser": "include_full_user",
    "includeFullSource": "include_full_source",
}
_SWITCHES = {"target": "webhook_target", "triggers": "webhook_triggers"}


class SettingEndpoints(Endpoints):
    """Webhooks for the integration's own key; the rest needs app scope."""

    @endpoint("GET", "/sc/v2/tokenInfo")
    def token_info(self, request: Request) -> Answer:
        """Return the app behind the credentials."""
        self._authenticated(request)
        return {"app": {**self._app(), "subdomain": self._world.switches.subdomain}}

    @endpoint("GET", APP)
    def get_app(self, request: Request) -> Answer:
        """Return the app."""
        self._caller(request, "app")
        return {"app": self._app()}

    def _app(self) -> dict[str, Any]:
        name = self._world.switches.subdomain.title()
        shown = {"id": self._world.switches.app_id, "displayName": name, "metadata": {}}
        return {**shown, "settings": {"multiConvoEnabled": True}}

    @endpoint("GET", APP + "/integrations")
    def list_integrations(self, request: Request) -> Answer:
        """List the app's custom integrations."""
        self._caller(request, "app")
        return self._list(request, "integrations", [self._integration()])

    @endpoint("GET", INTEGRATION)
    def get_integration(self, request: Request) -> Answer:
        """Return the custom integration."""
        self._caller(request, "app")
        self._check_integration(request)
        return {"integration": self._integration()}

    def _integration(self) -> dict[str, Any]:
        own = self._world.switches.integration_id
        hooks = [one.shown() for one in self._world.webhooks() if one.integration_id == own]
        return {
            "id": own,
            "type": "custom",
            "status": "active",
            "displayName": self._world.switches.own_switchboard_name,
            # The official models take exactly one here; the list of webhooks has them all.
            "webhooks": hooks[:1],
        }

    @endpoint("GET", WEBHOOKS)
    def list_webhooks(self, request: Request) -> Answer:
        """List the integration's webhooks, secrets included."""
        self._check_integration(request)
        return {"webhooks": [one.shown() for one in self._world.webhooks()]}

    @endpoint("POST", WEBHOOKS)
    def create_webhook(self, request: Request) -> Answer:
        """Add a webhook; its secret is made here."""
        body = self._body(request, checks.NEW_WEBHOOK)
        integration_id = self._check_integration(request)
        if len(self._world.webhooks()) >= MAX_WEBHOOKS:
            raise VendorError(400, "An app has at most 10 webhooks")
        kept = {attribute: body[name] for name, attribute in _KEPT.items() if name in body}
        webhook = self._world.created_webhooks.add(Webhook(integration_id=integration_id, **kept))
        return created({"webhook": webhook.shown()})

    @endpoint("GET", WEBHOOK)
    def get_webhook(self, request: Request) -> Answer:
        """Return one webhook."""
        return {"webhook": self._webhook(request).shown()}

    @endpoint("PATCH", WEBHOOK)
    def update_webhook(self, request: Request) -> Answer:
        """Change a webhook."""
        body = self._body(request, checks.WEBHOOK_CHANGE)
        self._change(self._webhook(request), body)
        return {"webhook": self._webhook(request).shown()}

    def _change(self, webhook: Webhook, body: Mapping[str, Any]) -> None:
        is_first = webhook.webhook_id == self._world.switches.webhook_id
        for name in _KEPT.keys() & body.keys():
            if is_first:
                switch = _SWITCHES.get(name, _KEPT[name])
                self._world.switches.change(**{switch: body[name]})
            else:
                setattr(webhook, _KEPT[name], body[name])

    @endpoint("DELETE", WEBHOOK)
    def delete_webhook(self, request: Request) -> Answer:
        """Remove a webhook."""
        webhook = self._webhook(request)
        if webhook.webhook_id == self._world.switches.webhook_id:
            self._world.switches.change(webhook_id="", webhook_target="")
        self._world.created_webhooks.pop(webhook.webhook_id, None)
        return {}

    def _webhook(self, request: Request) -> Webhook:
        self._check_integration(request)
        wanted = request.path_params["webhook_id"]
        for webhook in self._world.webhooks():
            if webhook.webhook_id == wanted:
                return webhook
        raise VendorError(404, "Webhook not found")

    def _check_integration(self, request: Request) -> str:
        """Return the integration meant; a key sees its own only, `me` needs one that has an own."""
        caller = self._caller(request)
        wanted, own = request.path_params["integration_id"], self._world.switches.integration_id
        if wanted == own or (wanted == "me" and caller.scope == "integration"):
            return own
        if caller.scope == "integration":
            raise VendorError(403, "Forbidden")
        raise VendorError(404, "Integration not found", code="integration_not_found")

    # -- The switchboard -----------------------------------------------------------

    @endpoint("GET", SWITCHBOARDS)
    def list_switchboards(self, request: Request) -> Answer:
        """List the app's one switchboard."""
        self._caller(request, "app")
        shown = {
            "id": SWITCHBOARD_ID,
            "enabled": self._world.switches.is_switchboard_enabled,
            "defaultSwitchboardIntegrationId": self._world.default_id,
        }
        return {"switchboards": [shown]}

    @endpoint("GET", PARTS)
    def list_switchboard_integrations(self, request: Request) -> Answer:
        """List who can have control."""
        self._check_switchboard(request)
        shown = [one.shown() for one in self._world.switchboard_integrations()]
        return {"switchboardIntegrations": shown}

    @endpoint("PATCH", PARTS + "/{part_id}")
    def update_switchboard_integration(self, request: Request) -> Answer:
        """Change who comes next, or whether standby events are delivered."""
        body = self._body(request, checks.SWITCHBOARD_CHANGE)
        self._check_switchboard(request)
        one = self._world.switchboard_integration(request.path_params["part_id"])
        if one is None:
            raise VendorError(404, "Switchboard integration not found", code=NOT_FOUND)
        one.deliver_standby_events = body.get("deliverStandbyEvents", one.deliver_standby_events)
        one.next_id = body.get("nextSwitchboardIntegrationId", one.next_id)
        self._world.changed_integrations.add(one)
        return {"switchboardIntegration": one.shown()}

    def _check_switchboard(self, request: Request) -> None:
        self._caller(request, "app")
        if request.path_params["switchboard_id"] != SWITCHBOARD_ID:
            raise VendorError(404, "Switchboard not found", code="switchboard_not_found")
