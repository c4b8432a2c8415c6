"""The database's part of a relay session: short synchronous steps, each under the lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.db.models import Q
from django.utils import timezone

from handoffs import states
from handoffs.lifecycle.deliveries import deliveries_abandon
from handoffs.lifecycle.fallback import (
    OUT_OF_HOURS,
    asks_vendor,
    handoff_unavailable,
    is_out_of_hours,
)
from handoffs.lifecycle.locking import Lease, check_lease, handoff_leased, handoff_save
from handoffs.lifecycle.services import (
    ended_by_vendor,
    handoff_accepted,
    handoff_connecting,
    handoff_end,
    handoff_fail,
    session_end,
    session_keep,
    session_load,
    vendor_end_confirmed,
)
from handoffs.lifecycle.tickets import ticket_opened
from handoffs.models import Handoff
from handoffs.relay.screen_pop.model_summary import SummaryWish, kept_summary
from handoffs.relay.screen_pop.request import ScreenPop, screen_pop_of
from handoffs.sending.masking import masks_of
from handoffs.sending.outbox import PendingDelivery, deliveries_pending
from integrations.connections.addresses import webhook_urls
from integrations.connections.outcomes import START_FAULTS
from integrations.connections.services import (
    integration_mark_healthy,
    integration_mark_refused,
)
from integrations.contract.connector import (
    EndReason,
    EndUserIdentity,
    HandoffRequest,
    VendorSession,
)
from integrations.contract.errors import ConnectorError
from integrations.contract.registry import manifest_get
from integrations.models import Integration

# In the middle of a conversation anything else may be about this one alone.
_CREDENTIAL_FAULTS = frozenset({"invalid_auth", "missing_permission"})
_HEALTHY_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a session needs to begin or to take over."""

    conversation_id: str
    integration: Integration
    is_open: bool
    passes_typing: bool
    shows_files: bool
    session: VendorSession | None
    # None when it was opened before: whoever takes over asks for nothing.
    request: HandoffRequest | None
    attempt: int
    correlation_id: str
    # Before anything is opened: why it must not be (a failure code), or whom to ask.
    closed_because: str
    asks_vendor: bool
    # What counts where the vendor does not say whether anybody is there.
    unknown_is_there: bool = True
    # What is masked in the end user's messages (sending/masking.py).
    masks: frozenset[str] = frozenset()
    # What the project's model is asked before the vendor is.
    wish: SummaryWish | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What is to be sent, whether the human part goes on, and whether anything is left to do."""

    is_over: bool
    is_done: bool
    pending: list[PendingDelivery]


def opening_read(lease: Lease) -> Opening | None:
    """Enter connecting and return what the session needs; None if there is no integration."""
    with handoff_leased(lease) as handoff:
        handoff_connecting(handoff, lease)
        if handoff.integration is None:
            _give_up(handoff, "not_connected", "The integration was removed.", lease=lease)
            return None
        session = session_load(handoff)
        pop = screen_pop_of(handoff) if session is None else None
        if pop is not None:
            _keep_summary(handoff, kept_summary(pop.routing, by=pop.summary_by))
        return Opening(
            conversation_id=handoff.conversation_id,
            # With its credentials, which the locked row leaves out.
            integration=Integration.objects.get(pk=handoff.integration.pk),
            is_open=handoff.is_open,
            passes_typing=handoff.behaviour.typing,
            shows_files=handoff.behaviour.attachments_agent,
            session=session,
            request=_request(handoff, pop) if pop is not None else None,
            attempt=handoff.attempt,
            correlation_id=handoff.correlation_id,
            closed_because=OUT_OF_HOURS if is_out_of_hours(handoff, timezone.now()) else "",
            asks_vendor=asks_vendor(handoff),
            unknown_is_there=handoff.behaviour.unknown_availability == "available",
            masks=masks_of(handoff.behaviour),
            wish=pop.wish if pop is not None else None,
        )


def unreadable(lease: Lease) -> None:
    """Fail what no key decrypts: neither the vendor's conversation nor the connection is known."""
    with handoff_leased(lease) as handoff:
        # Nothing below may read them; what is stored stays, for whoever finds the key.
        handoff.routing, handoff.vendor_session, handoff.summary = cast(Any, {}), None, None
        _give_up(handoff, "unreadable", lease=lease)


def _give_up(handoff: Handoff, code: str, detail: str = "", *, lease: Lease) -> None:
    """Fail a handoff whose vendor can be told nothing."""
    handoff_fail(handoff, code, detail, lease=lease)
    handoff.vendor_end_until = None
    vendor_end_confirmed(handoff, lease)


def summary_keep(lease: Lease, kept: Mapping[str, Any]) -> None:
    """Keep how the summary came about, so that another try does not ask again."""
    with handoff_leased(lease) as handoff:
        _keep_summary(handoff, kept)


def _keep_summary(handoff: Handoff, kept: Mapping[str, Any]) -> None:
    is_news = kept and (handoff.summary or {}).get("text") != kept["text"]
    if is_news or kept.get("milliseconds"):
        handoff.summary = cast(Any, dict(kept))
        handoff.save(update_fields=["summary"])


def opening_resumed(handoff: Handoff) -> Opening:
    """Return what a session needs to go on with a vendor conversation; asks no database."""
    assert handoff.integration is not None
    return Opening(
        conversation_id=handoff.conversation_id,
        integration=handoff.integration,
        is_open=True,
        passes_typing=handoff.behaviour.typing,
        shows_files=handoff.behaviour.attachments_agent,
        session=session_load(handoff),
        request=None,
        attempt=handoff.attempt,
        correlation_id=handoff.correlation_id,
        closed_because="",
        asks_vendor=False,
        masks=masks_of(handoff.behaviour),
    )


def nobody_there(lease: Lease, code: str) -> None:
    """Nothing was opened, for nobody is there: go the way that is set."""
    with handoff_leased(lease) as handoff:
        _unavailable(handoff, code, "", lease)


def _unavailable(handoff: Handoff, code: str, detail: str, lease: Lease) -> None:
    if changed := handoff_unavailable(handoff, code, detail, lease=lease):
        handoff_save(handoff, changed, lease)


def start_succeeded(lease: Lease, session: VendorSession) -> None:
    """Keep the opened vendor conversation, and note that the integration works."""
    with handoff_leased(lease) as handoff:
        integration = handoff.integration
        if integration is None or manifest_get(integration.connector_key).takes_live_chats:
            handoff_accepted(handoff, session, lease)
        else:
            ticket_opened(handoff, session, lease)
    if integration is not None and _is_news(integration):
        integration_mark_healthy(integration)


def start_failed(
    lease: Lease, error: ConnectorError, unfinished: VendorSession | None = None
) -> None:
    """Fail the handoff or its first attempt; the integration's tile where the fault is its own.

    What is left open at the vendor is kept, to be ended as any other vendor conversation.
    """
    with handoff_leased(lease) as handoff:
        if unfinished is not None:
            session_keep(handoff, unfinished)
            handoff_save(handoff, ["vendor_session"], lease)
        code = error.vendor_code if error.vendor_code == "identity_required" else error.code
        integration = handoff.integration
        _unavailable(handoff, code, error.message, lease)
    if integration is not None and code in START_FAULTS:
        integration_mark_refused(integration, error)


def vendor_closed(lease: Lease) -> None:
    """The vendor's conversation is gone: end what was active, fail what was not.

    The vendor is told all the same: what we have concluded from its answers may be wrong.
    """
    with handoff_leased(lease) as handoff:
        if not handoff.is_open:
            if not ended_by_vendor(handoff):  # both sides at once: nothing more is taken there
                deliveries_abandon(handoff, "conversation_gone")
        elif states.State(handoff.state) is states.State.ACTIVE:
            handoff_end(handoff, states.EndReason.VENDOR_CLOSED, lease=lease, is_concluded=True)
        else:
            handoff_fail(handoff, "conversation_gone", lease=lease)


def listener_lost(lease: Lease, error: ConnectorError) -> None:
    """The stream did not come back in time: tell the end user once."""
    with handoff_leased(lease) as handoff:
        handoff_fail(handoff, "listener_lost", error.message, lease=lease)


def fault_show(lease: Lease, error: ConnectorError) -> None:
    """Show on the integration's tile what a running conversation says about its credentials."""
    if error.code not in _CREDENTIAL_FAULTS:
        return
    found = Integration.objects.filter(handoffs=lease.handoff_id).first()
    if found is not None:
        integration_mark_refused(found, error)


def outbox_read(lease: Lease) -> Outbox:
    """Return the pending messages in order; raises LeaseLostError for a fenced session."""
    fields = ("state", "end_reason", "owner_id", "lease_epoch")
    handoff = Handoff.objects.only(*fields).get(pk=lease.handoff_id)
    check_lease(handoff, lease)
    pending = [] if ended_by_vendor(handoff) else deliveries_pending(lease.handoff_id)
    is_over = not handoff.is_open
    return Outbox(is_over=is_over, is_done=is_over and not pending, pending=pending)


def session_changed(lease: Lease, session: VendorSession) -> None:
    """Store a session that a send has changed."""
    with handoff_leased(lease) as handoff:
        session_keep(handoff, session)
        handoff_save(handoff, ["vendor_session"], lease)


def vendor_end_due(lease: Lease) -> EndReason | None:
    """Return why the vendor still has to be told, or None when there is nothing to tell."""
    with handoff_leased(lease) as handoff:
        until = handoff.vendor_end_until
        if until is None:
            return None
        session_end(handoff)
        if until > timezone.now() and session_load(handoff) is not None:
            return _vendor_reason(handoff)
        vendor_end_confirmed(handoff, lease)
        return None


def vendor_end_done(lease: Lease) -> None:
    """The vendor has confirmed the end."""
    with handoff_leased(lease) as handoff:
        vendor_end_confirmed(handoff, lease)


def _vendor_reason(handoff: Handoff) -> EndReason:
    if states.State(handoff.state) is states.State.FAILED:
        is_wait = handoff.error_code == "wait_timeout"
        return EndReason.WAIT_TIMEOUT if is_wait else EndReason.FAILED
    names = {reason.value: reason for reason in EndReason}
    return names.get(handoff.end_reason, EndReason.END_USER_ENDED)


def _is_news(integration: Integration) -> bool:
    last = integration.last_success_at
    is_well = integration.status == Integration.Status.CONNECTED
    return not is_well or last is None or timezone.now() - last > _HEALTHY_EVERY


def _request(handoff: Handoff, pop: ScreenPop) -> HandoffRequest:
    user, conversation = handoff.conversation.end_user, handoff.conversation
    return HandoffRequest(
        handoff_id=handoff.attempt_key,
        conversation_id=conversation.pk,
        end_user=EndUserIdentity(
            external_id=user.external_id,
            is_verified=user.is_verified,
            name=user.name,
            email=user.email,
            phone=user.phone,
        ),
        channel=conversation.channel_type.partition(".")[0],
        transcript=pop.transcript,
        routing=pop.routing,
        locale=conversation.locale,
        webhook_url=_webhook_url(handoff.integration),
        previous_conversation_id=_previous(handoff),
        transcript_url=pop.transcript_url,
    )


def _previous(handoff: Handoff) -> str:
    """Return the vendor conversation of the same person's handoff before this one.

    Whom nobody vouches for is known to be the same person within one conversation only.
    """
    user, same = handoff.conversation.end_user, Q(conversation=handoff.conversation)
    if user.is_verified:
        same |= Q(conversation__end_user=user)
    earlier = Handoff.objects.filter(
        same, integration=handoff.integration, ended_at__isnull=False
    ).exclude(Q(vendor_conversation_id="") | Q(pk=handoff.pk))
    found = earlier.order_by("-ended_at").values_list("vendor_conversation_id", flat=True)
    return found.first() or ""


def _webhook_url(integration: Integration | None) -> str:
    if integration is None or not manifest_get(integration.connector_key).has_webhooks:
        return ""
    return webhook_urls(integration)["events"]
