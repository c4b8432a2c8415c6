"""The verify list of a finished set-up, ticked from what really happened."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from conversations.journal.frames import EventType
from conversations.models import Event
from handoffs.models import Handoff
from handoffs.states import State
from integrations.contract.registry import manifest_get
from integrations.contract.rich_content import Author
from integrations.models import Integration


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyStep:
    """One line of the list."""

    name: str
    text: str
    has_passed: bool


_STEPS = (
    (
        "requested",
        "In the widget or by text, write a sentence that runs the tool. A handoff starts.",
    ),
    ("utterance", "The end user reads the AI agent's last words first, before any live agent."),
    ("queued", "A new conversation appears in the right queue at the vendor."),
    (
        "replied",
        "The live agent's reply lands in the same widget or thread within a couple of seconds.",
    ),
    ("closed", "The live agent ends the conversation, and the end user sees that it is over."),
)


def verify_steps(integration: Integration) -> list[VerifyStep]:
    """Return the list with the ticks of the integration's newest handoff."""
    vendor, passed = manifest_get(integration.connector_key), _passed(integration)
    first = []
    if vendor.has_webhooks:
        passed |= {"webhook"} if integration.last_webhook_at else set()
        first = [("webhook", f"{vendor.name} has called the webhook address, correctly signed.")]
    return [VerifyStep(name=n, text=text, has_passed=n in passed) for n, text in [*first, *_STEPS]]


def _passed(integration: Integration) -> set[str]:
    newest = Handoff.objects.filter(integration=integration).order_by("-requested_at")
    handoff = newest.select_related("conversation").first()
    if handoff is None:
        return set()
    lines = Event.objects.filter(conversation_id=handoff.conversation_id)
    start = lines.filter(
        type=EventType.POLY_AGENT_TRIGGERED_HANDOFF, payload__handoff_id=handoff.pk
    ).first()
    # What belongs to the handoff stands behind its line in the journal, whatever the clocks said.
    at = start.sequence if start else handoff.conversation.last_sequence
    # The greeting of a vendor's flow is nobody's reply.
    rows = lines.filter(sequence__gt=at).values_list("type", "payload__by")
    types = {kind for kind, by in rows if by != Author.VENDOR_BOT.value}
    ticks = {
        "requested": True,
        "utterance": not handoff.utterance or _has_spoken_before(lines, at),
        "queued": handoff.accepted_at is not None,
        "replied": EventType.LIVE_AGENT_MESSAGE in types,
        "closed": handoff.state == State.ENDED.value and EventType.LIVE_AGENT_LEFT in types,
    }
    return {name for name, has_passed in ticks.items() if has_passed}


def _has_spoken_before(lines: QuerySet[Event], sequence: int) -> bool:
    """Say whether the AI agent's words stand between the end user's last ones and the handoff."""
    said = lines.filter(
        sequence__lt=sequence, type__in=(EventType.USER_MESSAGE, EventType.POLY_AGENT_MESSAGE)
    )
    last = said.order_by("-sequence").first()
    return last is not None and last.type == EventType.POLY_AGENT_MESSAGE
