"""What chaos must know of each vendor: what it has to break, and how it keeps up with the load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from config.demo.vendors import demo_vendors
from integrations.contract.manifest import Delivery
from integrations.contract.registry import manifest_get
from integrations.management.commands.run_simulator import _simulator_class
from tests.journeys.stack import Stack
from tests.load.widget import WidgetClient

PLAIN = "salesforce_messaging"
STREAMS, TOKENS, WEBHOOKS = "streams", "tokens", "webhooks"
# Its webhooks are counted, so that the portal puts them in order.
COUNTED = "counted"
# Its live agents can offer choices.
CHOICES = "choices"
REORDER_NOTE = (
    "The vendor has sent webhooks out of order: what live agents write is shown in the order in "
    "which it comes."
)
Clients = Callable[[Stack, aiohttp.ClientSession, int], list[WidgetClient]]


def anonymous(stack: Stack, http: aiohttp.ClientSession, number: int) -> list[WidgetClient]:
    """Make end users that nobody knows."""
    webchat = stack.demo["webchat"]
    return [
        WidgetClient(http, stack.url, webchat["public_key"], webchat["host"]) for _ in range(number)
    ]


def verified(stack: Stack, http: aiohttp.ClientSession, number: int) -> list[WidgetClient]:
    """Make end users that are vouched for, because an expired token locks others out."""
    token = stack.run_module("tests.load.verified", stack.simulator_url).strip()
    host = stack.demo["webchat"]["host"]
    return [
        WidgetClient(http, stack.url, token, host, end_user={"external_id": f"person-{index}"})
        for index in range(number)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosVendor:
    """One vendor; `config` lifts its simulator's limits and quickens its retries."""

    key: str
    has: frozenset[str]
    clients: Clients = anonymous
    config: Mapping[str, Any] = field(default_factory=dict)
    # Which request opens the stream of a conversation again.
    reconnect: Mapping[str, Any] = field(default_factory=dict)
    # Neither a key nor a history tells there whether a message has arrived.
    is_blind: bool = False
    # The fault that delivers webhooks so many seconds late.
    webhooks_late: Callable[[float], dict[str, Any]] = lambda seconds: {}

    @property
    def repeat_note(self) -> str:
        """What the vendor's manifest says of messages that may arrive twice."""
        return manifest_get(self.key).repeat_note

    @property
    def reorder_note(self) -> str:
        """What the vendor's page says of webhooks that overtake each other."""
        if COUNTED in self.has:
            return ""
        return REORDER_NOTE if WEBHOOKS in self.has else ""


# Pauses between a vendor's tries: five of them must outlast a restart of the web process, because
# what no try delivers is read from the vendor's history much later, where there is one.
PAUSE_SECONDS = 3.0
_KNOWN = (
    ChaosVendor(
        key=PLAIN,
        has=frozenset({STREAMS, TOKENS}),
        clients=verified,
        reconnect={"path_suffix": "/eventrouter/v1/sse"},
    ),
    ChaosVendor(
        key="amazon_connect",
        has=frozenset({STREAMS, TOKENS}),
        reconnect={"path_suffix": "/participant/connection"},
    ),
    ChaosVendor(
        key="custom",
        has=frozenset({WEBHOOKS, COUNTED}),
        config={"retry_pause_seconds": PAUSE_SECONDS},
        webhooks_late=lambda seconds: {"kind": "stall_streams", "seconds": seconds},
    ),
    ChaosVendor(
        key="five9",
        # A token that is over takes its conversation with it, so none is expired here.
        has=frozenset({WEBHOOKS}),
        is_blind=True,
        config={"retry_pause_seconds": PAUSE_SECONDS},
        webhooks_late=lambda seconds: {"kind": "stall_streams", "seconds": seconds},
    ),
    ChaosVendor(
        key="genesys",
        has=frozenset({STREAMS, TOKENS, WEBHOOKS}),
        reconnect={"path_suffix": "/notifications/channels", "method": "POST"},
        config={"rate_limit_per_minute": 1_000_000, "webhook_retry_pause_seconds": PAUSE_SECONDS},
        webhooks_late=lambda seconds: {"kind": "delay_webhooks", "seconds": seconds},
    ),
    ChaosVendor(
        key="salesforce_byoc",
        has=frozenset({STREAMS, TOKENS}),
        reconnect={"path_suffix": "/cometd/60.0"},
    ),
    # Its polls are counted, and its affinity tokens pass.
    ChaosVendor(
        key="salesforce_live_chat",
        has=frozenset({STREAMS, TOKENS}),
        reconnect={"path_suffix": "/System/Messages"},
    ),
    ChaosVendor(
        key="webex",
        has=frozenset({TOKENS, WEBHOOKS}),
        config={"retry_pause_seconds": PAUSE_SECONDS, "rate_limit_per_minute": 1_000_000},
        webhooks_late=lambda seconds: {"kind": "stall_streams", "seconds": seconds},
    ),
    ChaosVendor(
        key="nice_byoc",
        has=frozenset({TOKENS, WEBHOOKS}),
        config={"retry_pause_seconds": PAUSE_SECONDS},
        webhooks_late=lambda seconds: {"kind": "stall_streams", "seconds": seconds},
    ),
    ChaosVendor(key="nice_chat", has=frozenset({STREAMS}), reconnect={"method": "WEBSOCKET"}),
    ChaosVendor(
        key="zendesk",
        has=frozenset({WEBHOOKS}),
        config={"retry_speed": 100},
        webhooks_late=lambda seconds: {"kind": "stall_streams", "seconds": seconds},
    ),
)


def _vendors() -> Mapping[str, ChaosVendor]:
    known = {vendor.key: vendor for vendor in _KNOWN}
    found = {key: known.get(key) or _plain(key) for key in demo_vendors()}
    return {key: _with_choices(vendor) for key, vendor in found.items()}


def _with_choices(vendor: ChaosVendor) -> ChaosVendor:
    offers = CHOICES in _simulator_class(vendor.key).rich_messages
    return replace(vendor, has=vendor.has | {CHOICES}) if offers else vendor


def _plain(key: str) -> ChaosVendor:
    is_called = manifest_get(key).delivery is Delivery.WEBHOOK
    return ChaosVendor(key=key, has=frozenset() if is_called else frozenset({STREAMS}))


VENDORS = _vendors()
