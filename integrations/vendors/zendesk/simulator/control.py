"""The simulated endpoints for control: those that move it, and the switchboard's settings."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from integrations.simulators.answers import endpoint
from integrations.vendors.zendesk.simulator import checks
from integrations.vendors.zendesk.simulator.app import APP, Answer, Endpoints
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.records import Conversation, SwitchboardIntegration
from integrations.vendors.zendesk.simulator.switchboard import (
    Metadata,
    clear,
    give_control,
    tell_control,
)

SWITCHBOARD_ID = "5b5b5b5b5b5b5b5b5b5b5b5b"
CONVERSATION = APP + "/conversations/{conversation_id}"
SWITCHBOARDS = APP + "/switchboards"
PARTS = SWITCHBOARDS + "/{switchboard_id}/switchboardIntegrations"
NOT_FOUND = "switchboard_integration_not_found"
_INVALID_TARGET, _INVALID_ACTION = "switchboard_invalid_target", "switchboard_invalid_action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for by API: in which conversation, and the metadata that goes along."""

    action: str
    conversation: Conversation
    metadata: Metadata
    target: str = ""


class ControlEndpoints(Endpoints):
    """Moves control for the portal's own integration; the settings need app scope."""

    @endpoint("POST", CONVERSATION + "/passControl")
    def pass_control(self, request: Request) -> Answer:
        """Make the target active at once."""
        asked = self._asked(request, "passControl", checks.TRANSFER)
        if found := self._target(asked):
            also = (self._own_id,)
            give_control(self._world, asked.conversation, found, asked.metadata, also=also)
        return {}

    @endpoint("POST", CONVERSATION + "/offerControl")
    def offer_control(self, request: Request) -> Answer:
        """Make the target pending."""
        asked = self._asked(request, "offerControl", checks.TRANSFER)
        found = self._target(asked)
        if found and found.switchboard_integration_id == asked.conversation.active:
            refusal = VendorError(400, "The target is active already")
            self._fail(asked, refusal, _INVALID_ACTION)
        elif found:
            asked.conversation.pending = found.switchboard_integration_id
            self._tell(asked, asked.action)
        return {}

    @endpoint("POST", CONVERSATION + "/acceptControl")
    def accept_control(self, request: Request) -> Answer:
        """Make the caller's own integration active; it must be pending."""
        asked = self._asked(request, "acceptControl", checks.CONTROL)
        conversation = asked.conversation
        if not self._is_own(conversation.pending):
            self._tell_failure(asked, _INVALID_ACTION)
            raise VendorError(403, "The integration is not pending")
        heard = self._world.events.receivers(conversation)
        conversation.active, conversation.pending = conversation.pending, None
        conversation.agents.clear()
        conversation.ended_by = "switchboard"
        tell_control(self._world, conversation, asked.action, asked.metadata, also=heard)
        return {}

    @endpoint("POST", CONVERSATION + "/releaseControl")
    def release_control(self, request: Request) -> Answer:
        """Let nobody be active; the caller's own integration must be."""
        asked = self._asked(request, "releaseControl", checks.CONTROL)
        if not self._is_own(asked.conversation.active):
            raise VendorError(403, "The integration is not active")
        clear(self._world, asked.conversation, asked.metadata)
        return {}

    @property
    def _own_id(self) -> str:
        return self._world.switches.integration_id

    def _is_own(self, identifier: str | None) -> bool:
        found = self._world.switchboard_integration(identifier)
        return found is not None and found.integration_id == self._own_id

    def _asked(self, request: Request, action: str, check: checks.Check) -> Asked:
        body = self._body(request, check, is_needed=check is checks.TRANSFER)
        return Asked(
            action=action,
            conversation=self._conversation(request),
            metadata=body.get("metadata") or {},
            target=body.get("switchboardIntegration", ""),
        )

    def _target(self, asked: Asked) -> SwitchboardIntegration | None:
        """Return the target: by id, then name, then type, or the word `next`."""
        world, target = self._world, asked.target
        if not world.switches.is_switchboard_enabled:
            raise VendorError(404, "Switchboard not found", code="switchboard_not_found")
        if target == "next":
            active = world.switchboard_integration(asked.conversation.active)
            target = (active.next_id if active else world.default_id) or ""
        refusal = VendorError(404, "Switchboard integration not found", code=NOT_FOUND)
        for name in ("switchboard_integration_id", "name", "integration_type"):
            known = world.switchboard_integrations()
            found = [one for one in known if getattr(one, name) == target]
            if len(found) == 1:
                return found[0]
            if found:
                refusal = VendorError(400, "The switchboard integration is ambiguous")
                break
        self._fail(asked, refusal, _INVALID_TARGET)
        return None

    def _fail(self, asked: Asked, refusal: VendorError, code: str) -> None:
        """Tell a failure as an event and, unless the account keeps quiet, refuse the call."""
        self._tell_failure(asked, code)
        if not self._world.switches.is_control_failure_quiet:
            raise refusal

    def _tell_failure(self, asked: Asked, code: str) -> None:
        error = {"code": code, "message": f"{asked.action} failed"}
        self._tell(asked, f"{asked.action}:failure", error=error)

    def _tell(self, asked: Asked, event: str, **more: object) -> None:
        also = {self._own_id}
        tell_control(self._world, asked.conversation, event, asked.metadata, also=also, **more)

    # -- The switchboard's settings -----------------------------------------------------------

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
