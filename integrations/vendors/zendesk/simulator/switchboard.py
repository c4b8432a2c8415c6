"""Who controls a conversation: pass, offer, accept, release, and what each tells the portal.

Imitates the switchboard: one active integration or none, at most one pending, the rest on standby.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.vendors.zendesk.simulator import tickets
from integrations.vendors.zendesk.simulator.answers import truncated_conversation
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.records import Conversation, SwitchboardIntegration
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

Metadata = Mapping[str, Any]
NOT_FOUND = "switchboard_integration_not_found"
_INVALID_TARGET, _INVALID_ACTION = "switchboard_invalid_target", "switchboard_invalid_action"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """What an integration (`by`) asks for by API, with the metadata that goes along."""

    world: ZendeskWorld
    conversation: Conversation
    metadata: Metadata
    by: str


def pass_control(asked: ControlRequest, target: str) -> None:
    """Make the target active at once."""
    found = _resolve(asked, "passControl", target)
    if found is not None:
        give_control(asked.world, asked.conversation, found, asked.metadata, also=(asked.by,))


def offer_control(asked: ControlRequest, target: str) -> None:
    """Make the target pending."""
    found = _resolve(asked, "offerControl", target)
    if found is None:
        return
    if found.switchboard_integration_id == asked.conversation.active:
        refusal = VendorError(400, "The target is active already")
        _fail(asked, "offerControl", refusal, _INVALID_ACTION)
        return
    asked.conversation.pending = found.switchboard_integration_id
    _tell(asked.world, asked.conversation, "offerControl", asked.metadata, also={asked.by})


def accept_control(asked: ControlRequest) -> None:
    """Make the pending integration active; only itself may accept."""
    world, conversation = asked.world, asked.conversation
    pending = world.switchboard_integration(conversation.pending)
    if pending is None or pending.integration_id != asked.by:
        _tell_failure(asked, "acceptControl", _INVALID_ACTION)
        raise VendorError(403, "The integration is not pending")
    heard = world.events.receivers(conversation)
    conversation.active, conversation.pending = conversation.pending, None
    conversation.agents.clear()
    conversation.ended_by = "switchboard"
    _tell(world, conversation, "acceptControl", asked.metadata, also=heard)


def release_control(asked: ControlRequest) -> None:
    """Let nobody be active; an integration may release only what it holds."""
    active = asked.world.switchboard_integration(asked.conversation.active)
    if active is None or active.integration_id != asked.by:
        raise VendorError(403, "The integration is not active")
    clear(asked.world, asked.conversation, asked.metadata)


def give_control(
    world: ZendeskWorld,
    conversation: Conversation,
    target: SwitchboardIntegration,
    metadata: Metadata,
    *,
    reason: str | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """Change the active integration; those who heard the conversation before hear of it."""
    heard = world.events.receivers(conversation) | set(also)
    conversation.active = target.switchboard_integration_id
    conversation.pending = None
    _tell(world, conversation, "passControl", metadata, also=heard, reason=reason)
    world.note(conversation, f"Control passed to {target.name}")
    if world.is_with_workspace(conversation):
        conversation.ended_by = None
        tickets.take_over(world, conversation, metadata)
    else:
        conversation.agents.clear()
        conversation.ended_by = conversation.ended_by or "switchboard"


def clear(
    world: ZendeskWorld,
    conversation: Conversation,
    metadata: Metadata,
    *,
    reason: str | None = None,
) -> None:
    """Clear the switchboard's state; those who heard the conversation before hear of it."""
    heard = world.events.receivers(conversation)
    conversation.active = conversation.pending = None
    conversation.agents.clear()
    _tell(world, conversation, "releaseControl", metadata, also=heard, reason=reason)
    world.note(conversation, "Control released")


def _resolve(asked: ControlRequest, action: str, target: str) -> SwitchboardIntegration | None:
    """Return the target: by id, then name, then type, or the word `next`."""
    world = asked.world
    if not world.switches.is_switchboard_enabled:
        raise VendorError(404, "Switchboard not found", code="switchboard_not_found")
    if target == "next":
        active = world.switchboard_integration(asked.conversation.active)
        target = (active.next_id if active else world.default_id) or ""
    for name in ("switchboard_integration_id", "name", "integration_type"):
        known = world.switchboard_integrations()
        found = [one for one in known if getattr(one, name) == target]
        if len(found) == 1:
            return found[0]
        if found:
            refusal = VendorError(400, "The switchboard integration is ambiguous")
            _fail(asked, action, refusal, _INVALID_TARGET)
            return None
    refusal = VendorError(404, "Switchboard integration not found", code=NOT_FOUND)
    _fail(asked, action, refusal, _INVALID_TARGET)
    return None


def _fail(asked: ControlRequest, action: str, refusal: VendorError, code: str) -> None:
    """Tell a failure as an event and, unless the account keeps quiet, refuse the call."""
    _tell_failure(asked, action, code)
    if not asked.world.switches.is_control_failure_quiet:
        raise refusal


def _tell_failure(asked: ControlRequest, action: str, code: str) -> None:
    payload = {
        "conversation": truncated_conversation(asked.world, asked.conversation),
        "metadata": dict(asked.metadata),
        "error": {"code": code, "message": f"{action} failed"},
    }
    asked.world.events.publish(
        f"switchboard:{action}:failure",
        lambda _webhook: payload,
        conversation=asked.conversation,
        also={asked.by},
    )


def _tell(
    world: ZendeskWorld,
    conversation: Conversation,
    action: str,
    metadata: Metadata,
    *,
    also: set[str],
    reason: str | None = None,
) -> None:
    payload: dict[str, Any] = {
        "conversation": truncated_conversation(world, conversation),
        "metadata": dict(metadata),
    }
    if reason is not None:
        payload["reason"] = reason
    kind = f"switchboard:{action}"
    world.events.publish(kind, lambda _webhook: payload, conversation=conversation, also=also)
