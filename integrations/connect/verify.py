"""The verify list of a finished set-up, ticked from what really happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.contract.registry import manifest as manifest_get
from integrations.models import Integration


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyStep:
    """One line of the list."""

    name: str
    text: str
    has_passed: bool


_START, _AI_AGENT_SAID = "POLY_AGENT_TRIGGERED_HANDOFF", "POLY_AGENT_MESSAGE"
_STEPS = (
    ("requested", "In the widget, write a sentence that runs the tool. A handoff starts."),
    ("utterance", "The end user reads the AI agent's last words first, before any live agent."),
    ("queued", "A new conversation appears in the right queue at the vendor."),
    ("replied", "The live agent's reply lands in the same widget within a couple of seconds."),
    ("closed", "The live agent ends the conversation, and the widget shows it as closed."),
)


def verify_steps(integration: Integration) -> list[VerifyStep]:
    """Return the list with the ticks of the integration's newest handoff."""
    manifest, passed = manifest_get(integration.connector_key), _passed(integration)
    seen = []
    if manifest.has_webhooks:
        passed |= {"webhook"} if integration.last_webhook_at else set()
        seen = [("webhook", f"{manifest.name} has called the webhook address, correctly signed.")]
    return [VerifyStep(name=n, text=text, has_passed=n in passed) for n, text in [*seen, *_STEPS]]


def _passed(integration: Integration) -> set[str]:
    # By name: handoffs and journal belong to apps above this one.
    handoffs = integration.handoffs
    handoff = handoffs.order_by("-requested_at").select_related("conversation").first()
    if handoff is None:
        return set()
    events = handoff.conversation.events.filter(created_at__gte=handoff.requested_at)
    types = {kind.removeprefix("EVENT_TYPE_") for kind in events.values_list("type", flat=True)}
    ticks = {
        "requested": True,
        "utterance": not handoff.utterance or _has_spoken_before(handoff),
        "queued": handoff.accepted_at is not None,
        "replied": "LIVE_AGENT_MESSAGE" in types,
        "closed": handoff.state == "ended" and "LIVE_AGENT_LEFT" in types,
    }
    return {name for name, has_passed in ticks.items() if has_passed}


def _has_spoken_before(handoff: Any) -> bool:
    """Say whether the AI agent's words stand between the end user's last ones and the handoff."""
    events = handoff.conversation.events
    start = events.filter(type=_START, payload__handoff_id=handoff.pk).first()
    if start is None:
        return False
    said = events.filter(sequence__lt=start.sequence, type__in=("USER_MESSAGE", _AI_AGENT_SAID))
    last = said.order_by("-sequence").first()
    return last is not None and last.type == _AI_AGENT_SAID
