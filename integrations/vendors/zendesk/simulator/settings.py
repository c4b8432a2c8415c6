"""The simulated endpoints for webhooks, integrations, the switchboard, the app and tokenInfo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from integrations.vendors.zendesk.simulator import checks
from integrations.vendors.zendesk.simulator.answers import (
    app_answer,
    integration_answer,
    switchboard_integration_answer,
    webhook_answer,
)
from integrations.vendors.zendesk.simulator.checks import Form, VendorError
from integrations.vendors.zendesk.simulator.records import SwitchboardIntegration, Webhook
from integrations.vendors.zendesk.simulator.requests import Answer, Endpoints, created
from integrations.vendors.zendesk.simulator.switches import TRIGGERS
from integrations.vendors.zendesk.simulator.world import SWITCHBOARD_ID

MAX_WEBHOOKS = 10
# Webhook property -> where it is kept, and the switch of the webhook made with the integration.
_KEPT = {
    "target": ("target", "webhook_target"),
    "triggers": ("triggers", "webhook_triggers"),
    "includeFullUser": ("include_full_user", "include_full_user"),
    "includeFullSource": ("include_full_source", "include_full_source"),
}


class SettingEndpoints(Endpoints):
    """Webhooks for the integration's own key; the rest needs app scope."""

    def token_info(self, request: Request) -> Answer:
        """Return the app behind the credentials."""
        self._authenticated(request)
        app = {**app_answer(self._world), "subdomain": self._world.switches.subdomain}
        return {"app": app}

    def get_app(self, request: Request) -> Answer:
        """Return the app."""
        self._caller(request, "app")
        return {"app": app_answer(self._world)}

    def list_integrations(self, request: Request) -> Answer:
        """List the app's custom integrations."""
        self._caller(request, "app")
        found = [dict(integration_answer(self._world))]
        return self._list(request, "integrations", found)

    def get_integration(self, request: Request) -> Answer:
        """Return the custom integration."""
        self._caller(request, "app")
        self._check_integration(request)
        return {"integration": integration_answer(self._world)}

    # -- Webhooks -----------------------------------------------------------------------------

    def list_webhooks(self, request: Request) -> Answer:
        """List the integration's webhooks, secrets included."""
        self._check_integration(request)
        shown = [webhook_answer(one) for one in self._world.webhooks()]
        return {"webhooks": shown}

    def create_webhook(self, request: Request) -> Answer:
        """Add a webhook; its secret is made here."""
        body = self._body(request)
        integration_id = self._check_integration(request)
        checks.check_webhook(body, TRIGGERS, is_new=True)
        if len(self._world.webhooks()) >= MAX_WEBHOOKS:
            raise VendorError(400, "An app has at most 10 webhooks")
        webhook = Webhook(
            integration_id=integration_id,
            target=body["target"],
            triggers=list(body["triggers"]),
            include_full_user=body.get("includeFullUser", False),
            include_full_source=body.get("includeFullSource", False),
        )
        self._world.created_webhooks.add(webhook)
        return created({"webhook": webhook_answer(webhook)})

    def get_webhook(self, request: Request) -> Answer:
        """Return one webhook."""
        return {"webhook": webhook_answer(self._webhook(request))}

    def update_webhook(self, request: Request) -> Answer:
        """Change a webhook."""
        body = self._body(request)
        webhook = self._webhook(request)
        checks.check_webhook(body, TRIGGERS, is_new=False)
        self._change_webhook(webhook, body)
        return {"webhook": webhook_answer(self._webhook(request))}

    def _change_webhook(self, webhook: Webhook, body: Mapping[str, Any]) -> None:
        is_first = webhook.webhook_id == self._world.switches.webhook_id
        for name, (attribute, switch) in _KEPT.items():
            if name in body and is_first:
                self._world.switches.change(**{switch: body[name]})
            elif name in body:
                setattr(webhook, attribute, body[name])

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

    # -- The switchboard ----------------------------------------------------------------------

    def list_switchboards(self, request: Request) -> Answer:
        """List the app's one switchboard."""
        self._caller(request, "app")
        shown = {
            "id": SWITCHBOARD_ID,
            "enabled": self._world.switches.is_switchboard_enabled,
            "defaultSwitchboardIntegrationId": self._world.default_id,
        }
        return {"switchboards": [shown]}

    def list_switchboard_integrations(self, request: Request) -> Answer:
        """List who can have control."""
        self._check_switchboard(request)
        found = self._world.switchboard_integrations()
        shown = [switchboard_integration_answer(one) for one in found]
        return {"switchboardIntegrations": shown}

    def update_switchboard_integration(self, request: Request) -> Answer:
        """Change who comes next, or whether standby events are delivered."""
        body = self._body(request)
        self._check_switchboard(request)
        one = self._switchboard_integration(request)
        form = Form(body)
        form.flag("deliverStandbyEvents")
        form.text("nextSwitchboardIntegrationId", 128)
        form.done()
        one.deliver_standby_events = body.get("deliverStandbyEvents", one.deliver_standby_events)
        one.next_id = body.get("nextSwitchboardIntegrationId", one.next_id)
        self._world.changed_integrations.add(one)
        shown = switchboard_integration_answer(self._switchboard_integration(request))
        return {"switchboardIntegration": shown}

    def _switchboard_integration(self, request: Request) -> SwitchboardIntegration:
        wanted = request.path_params["switchboard_integration_id"]
        found = self._world.switchboard_integration(wanted)
        if found is None:
            code = "switchboard_integration_not_found"
            raise VendorError(404, "Switchboard integration not found", code=code)
        return found

    def _check_switchboard(self, request: Request) -> None:
        self._caller(request, "app")
        if request.path_params["switchboard_id"] != SWITCHBOARD_ID:
            raise VendorError(404, "Switchboard not found", code="switchboard_not_found")
