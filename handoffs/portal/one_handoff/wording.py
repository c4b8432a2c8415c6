"""The words in which a handoff's page says how it stands: one sentence, a cause and a cure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from handoffs.models import Handoff
from handoffs.states import EndReason, State
from integrations.contract.integration_keys import vendor_name
from integrations.contract.manifest import ErrorHelp, Symptom
from integrations.contract.registry import manifest_get

# A worker takes a handoff within a second or two; longer means that none is there.
_CLAIM_EXPECTED_SECONDS = 10
# A live agent who is there joins sooner as a rule.
_JOIN_EXPECTED_SECONDS = 60


class Explanation(NamedTuple):
    """Why a handoff failed, and what to do; `{vendor}` is filled in."""

    cause: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The top of a handoff's page; `tone` is ok, info, warning or error."""

    sentence: str
    tone: str
    cure: str = ""
    detail: str = ""
    # Likely causes at the vendor, where it has said nothing itself.
    likely: tuple[ErrorHelp, ...] = ()


class Badge(NamedTuple):
    """A state as a badge; `tone` as in Headline."""

    label: str
    tone: str


BADGES: dict[State, Badge] = {
    State.REQUESTED: Badge("Requested", "info"),
    State.CONNECTING: Badge("Connecting", "info"),
    State.QUEUED: Badge("In queue", "warning"),
    State.ACTIVE: Badge("With a live agent", "ok"),
    State.ENDED: Badge("Ended", "neutral"),
    State.FAILED: Badge("Failed", "error"),
}

END_REASONS: dict[EndReason, str] = {
    EndReason.LIVE_AGENT_ENDED: "the live agent ended it",
    EndReason.END_USER_ENDED: "the end user ended it",
    EndReason.END_USER_LEFT: "the end user left and did not come back",
    EndReason.STOP_WORD: "the end user wrote the stop word",
    EndReason.IDLE_TIMEOUT: "nobody wrote for too long",
    EndReason.CANCELLED: "the end user cancelled while waiting",
    EndReason.VENDOR_CLOSED: "{vendor} closed the conversation",
    EndReason.VENDOR_IDLE: "{vendor} closed it because the end user was silent for too long",
    EndReason.VENDOR_TIME_LIMIT: "{vendor} closed it because its time was up",
    EndReason.OPERATOR_ENDED: "an operator ended it in the portal",
    EndReason.CLIENT_MANAGED: "the client that the end user writes in took over",
    EndReason.TICKET_OPENED: "it was noted as a ticket",
}

# Every code that a failed handoff may carry: the connector's errors, the handoff's own, `unknown`.
FAILURES: dict[str, Explanation] = {
    "cannot_connect": Explanation(
        "{vendor} could not be reached.",
        "Look at the last calls below: a name that does not resolve means a wrong address on the "
        "Integrations page; time-outs and 5xx answers mean that {vendor} is down or a firewall is "
        "in the way. No calls at all: no relay worker took it; /readyz counts those alive.",
    ),
    "rate_limited": Explanation(
        "{vendor} asked to slow down, and the time for trying ran out.",
        "Wait some minutes. If it happens again, ask {vendor} to raise the limit of your account.",
    ),
    "invalid_auth": Explanation(
        "{vendor} refused the credentials.",
        "Open Integrations, choose Fix on the tile and paste the credentials again. With verified "
        "end users, also compare key id, issuer and public key at {vendor}.",
    ),
    "missing_permission": Explanation(
        "{vendor} accepted the credentials but does not allow this call.",
        "Give the credentials the permission that the refused call below needs, then test the "
        "connection.",
    ),
    "rejected": Explanation(
        "{vendor} refused the conversation.",
        "Open the refused call below for {vendor}'s own code. Check that the deployment is "
        "published and that the values on the Integrations page belong to it.",
    ),
    "invalid_routing": Explanation(
        "{vendor} does not know the queue, skill or deployment that was asked for.",
        "Compare the names in the tool and on the Integrations page with those at {vendor}. They "
        "must be API names, not labels, and be published.",
    ),
    "no_live_agents": Explanation(
        "Nobody was available at {vendor}.",
        "Check opening hours and that live agents of this queue are online at {vendor}.",
    ),
    "out_of_hours": Explanation(
        "It was asked for outside the opening hours.",
        "Nothing is broken. The hours are at Integrations > Manage > Behaviour, and so is what "
        "happens outside them.",
    ),
    "conversation_gone": Explanation(
        "{vendor} no longer knows the conversation.",
        "It was probably closed at {vendor}. Look there for what closed it.",
    ),
    "unexpected_response": Explanation(
        "{vendor} answered in a form that Baton cannot read.",
        "Open the last call below. If the address belongs to a proxy or a login page, correct it; "
        "else report the call's path and status to those who maintain the connector.",
    ),
    "unsupported_feature": Explanation(
        "Baton asked the connector for something it does not offer.",
        "This is a fault in Baton. Report it with the id of this handoff.",
    ),
    "webhook_unverified": Explanation(
        "A call that claimed to come from {vendor} had a wrong signature.",
        "Compare the webhook secret on the Integrations page with the one at {vendor}.",
    ),
    "identity_required": Explanation(
        "The integration takes only end users whose identity is verified, and this one's is not.",
        "Let your site sign the end user in and pass the identity on, or allow anonymous end users "
        "on the Integrations page.",
    ),
    "wait_timeout": Explanation(
        "No live agent joined within the time set for waiting.",
        "Check who is online at {vendor}, or allow more time: Integrations > Manage > Behaviour > "
        "Give up waiting after.",
    ),
    "invalid_payload": Explanation(
        "What the tool returned cannot be read as a handoff.",
        "The detail names each place. Correct the tool, and try it with Run.",
    ),
    "not_allowed_here": Explanation(
        "The tool chose a setting that only an admin may choose here.",
        "Allow it in the place that the detail names, or leave the key out of the tool: the saved "
        "connection then decides.",
    ),
    "not_connected": Explanation(
        "{vendor} is not connected in this environment.",
        "Connect it on the Integrations page, in the environment named below. Credentials of "
        "another environment are never used instead.",
    ),
    "nothing_connected": Explanation(
        "No integration for live chats is connected in this environment.",
        "Connect one on the Integrations page, in the environment named below. Credentials of "
        "another environment are never used instead.",
    ),
    "no_connector": Explanation(
        "There is no connector for {vendor} yet.",
        "Name another integration in the tool, or connect your own software with the custom "
        "connector.",
    ),
    "no_default": Explanation(
        "Several integrations are connected; none is the default, and the tool named none.",
        "Choose one under Integrations > Manage > Behaviour > Default agent system for all "
        "channels, or name one in the tool.",
    ),
    "listener_lost": Explanation(
        "The stream from {vendor} was lost and did not come back.",
        "Look at the last calls below and at the network between Baton and {vendor}. The end user "
        "was told.",
    ),
    "illegal_transition": Explanation(
        "Baton tried a step that its state table does not allow.",
        "This is a fault in Baton. Report it with the id of this handoff.",
    ),
    "unreadable": Explanation(
        "What is kept of this handoff, or the credentials of {vendor}, cannot be read: the key "
        "that it was encrypted with is missing.",
        "Put that key back behind the others in BATON_ENCRYPTION_KEYS. Where it is lost, enter "
        "the credentials anew; this handoff cannot be taken up again.",
    ),
    "unknown": Explanation(
        "Something failed that Baton has no name for.",
        "The log of the relay worker has the traceback. Report it with the id of this handoff.",
    ),
}


def handoff_title(handoff: Handoff) -> str:
    """Return what a handoff's page is called; one that found no integration names none."""
    vendor = vendor_name(handoff.integration_key)
    return f"Handoff to {vendor}" if vendor else "Handoff that found no integration"


def end_reason_text(handoff: Handoff) -> str:
    """Return why the human part ended, or the failure code's cause; empty while it is open."""
    vendor = vendor_name(handoff.integration_key)
    if handoff.state == State.FAILED.value:
        return failure_explanation(handoff.error_code, vendor).cause.rstrip(".")
    if not handoff.end_reason:
        return ""
    text = END_REASONS[EndReason(handoff.end_reason)].format(vendor=vendor)
    return text[0].upper() + text[1:]


def failure_explanation(code: str, vendor: str) -> Explanation:
    """Return cause and cure of a failure code, for this vendor; an unknown code has words too."""
    if code == "not_connected" and not vendor:
        code = "nothing_connected"
    found = FAILURES.get(code) or FAILURES["unknown"]
    return Explanation(found.cause.format(vendor=vendor), found.cure.format(vendor=vendor))


def duration_text(seconds: float) -> str:
    """Write a duration with its largest unit and the one below, such as 2 min 10 s."""
    left = max(0, int(seconds))
    sizes = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    at = next((i for i, (size, _) in enumerate(sizes) if left >= size), len(sizes) - 1)
    parts = []
    for size, unit in sizes[at : at + 2]:
        count, left = divmod(left, size)
        parts.append(f"{count} {unit}")
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"


def headline(handoff: Handoff, *, now: datetime) -> Headline:
    """Say in one plain sentence how the handoff stands, and what to do if something is wrong."""
    return _WRITERS[State(handoff.state)](handoff, now)


def _requested(handoff: Handoff, now: datetime) -> Headline:
    waited = (now - handoff.requested_at).total_seconds()
    sentence = f"Waiting for a relay worker for {duration_text(waited)}."
    if waited <= _CLAIM_EXPECTED_SECONDS:
        return Headline(sentence=sentence, tone="info")
    cure = "No relay worker has taken it. Check that one runs: /readyz says how many are alive."
    return Headline(sentence=sentence, tone="error", cure=cure)


def _connecting(handoff: Handoff, now: datetime) -> Headline:
    vendor = vendor_name(handoff.integration_key)
    waited = duration_text((now - handoff.requested_at).total_seconds())
    return Headline(sentence=f"Opening the conversation at {vendor} for {waited}.", tone="info")


def _queued(handoff: Handoff, now: datetime) -> Headline:
    status = handoff.queue_status
    queue = str(status.get("queue_name") or handoff.routing.get("queue") or "")
    place = f"in {queue}" if queue else f"in {vendor_name(handoff.integration_key)}'s queue"
    seconds = (now - (handoff.accepted_at or handoff.requested_at)).total_seconds()
    likely = _likely(handoff, Symptom.NOT_APPEARING) if seconds > _JOIN_EXPECTED_SECONDS else ()
    waited = duration_text(seconds)
    sentence = f"Waiting {place} for {waited}{_ahead(status.get('position_in_queue'))}."
    wait = status.get("estimated_wait_seconds")
    detail = f"Estimated wait: {duration_text(wait)}." if isinstance(wait, int | float) else ""
    return Headline(sentence=sentence, tone="warning", detail=detail, likely=likely)


def _likely(handoff: Handoff, symptom: Symptom) -> tuple[ErrorHelp, ...]:
    """Return what this vendor's manifest knows of it."""
    if handoff.integration is None:
        return ()
    return manifest_get(handoff.integration.connector_key).symptoms.get(symptom, ())


def _ahead(position: object) -> str:
    if not isinstance(position, int) or position < 1:
        return ""
    return "; next in line" if position == 1 else f"; {position - 1} ahead"


def _active(handoff: Handoff, now: datetime) -> Headline:
    since = duration_text((now - (handoff.joined_at or handoff.requested_at)).total_seconds())
    present = [str(name) for name in handoff.live_agents.values() if name]
    if present:
        verb = "is" if len(present) == 1 else "are"
        names = " and ".join(present)
        return Headline(
            sentence=f"{names} {verb} in the conversation; joined {since} ago.", tone="ok"
        )
    if handoff.live_agents:
        return Headline(sentence=f"A live agent joined {since} ago.", tone="ok")
    sentence = "Between two live agents: nobody is present at the moment."
    return Headline(sentence=sentence, tone="warning", detail=f"The human part began {since} ago.")


def _ended(handoff: Handoff, now: datetime) -> Headline:
    vendor = vendor_name(handoff.integration_key)
    reason = EndReason(handoff.end_reason) if handoff.end_reason else None
    why = f": {END_REASONS[reason].format(vendor=vendor)}" if reason else ""
    if handoff.joined_at is None:
        is_theirs = reason is EndReason.VENDOR_CLOSED
        likely = _likely(handoff, Symptom.ENDS_EARLY) if is_theirs else ()
        sentence = f"Ended before a live agent joined{why}."
        return Headline(sentence=sentence, tone="neutral", likely=likely)
    spent = duration_text(((handoff.ended_at or now) - handoff.joined_at).total_seconds())
    return Headline(sentence=f"Ended after {spent} with a live agent{why}.", tone="neutral")


def _failed(handoff: Handoff, now: datetime) -> Headline:
    vendor = vendor_name(handoff.integration_key)
    cause, cure = failure_explanation(handoff.error_code, vendor)
    is_unseen = handoff.error_code in ("wait_timeout", "no_live_agents")
    return Headline(
        sentence=f"Failed: {cause}",
        tone="error",
        cure=cure,
        detail=handoff.error_detail,
        likely=_likely(handoff, Symptom.NOT_APPEARING) if is_unseen else (),
    )


_WRITERS = {
    State.REQUESTED: _requested,
    State.CONNECTING: _connecting,
    State.QUEUED: _queued,
    State.ACTIVE: _active,
    State.ENDED: _ended,
    State.FAILED: _failed,
}
