"""What the contract suite must know of each vendor beyond its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from integrations.contract.connector import Connector
from integrations.contract.registry import connector_class
from integrations.kit.waiting import RateTiming, ReconnectTiming
from integrations.simulators.simulator import Simulator
from integrations.vendors.amazon_connect.connector.stream import SocketTiming
from integrations.vendors.amazon_connect.simulator import AmazonConnectSimulator
from integrations.vendors.custom.simulator import CustomSimulator
from integrations.vendors.genesys.connector.memory import GenesysTiming
from integrations.vendors.genesys.simulator import GenesysSimulator
from integrations.vendors.salesforce_messaging.connector.stream import StreamTiming
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from integrations.vendors.zendesk.connector.sending import ControlTiming
from integrations.vendors.zendesk.simulator import ZendeskSimulator


@dataclass(frozen=True, kw_only=True)
class VendorSetup:
    """How to pretend to be a vendor, and how to connect to the pretence.

    `bad_key` replaces credentials so that the vendor refuses them; `options` are constructor
    arguments that shorten the connector's waits; `unknown_faults` make the vendor send what no
    contract page mentions.
    """

    simulator: Callable[[], Simulator]
    credentials: Callable[[str], Mapping[str, str]]
    bad_key: Mapping[str, str]
    address_field: str
    options: Mapping[str, object]
    unknown_faults: tuple[str, ...]
    # The desk's switches that make the vendor call a portal at an address.
    webhook_config: Callable[[str], Mapping[str, object]] | None = None


def build_connector(key: str, options: Mapping[str, object], **parts: object) -> Connector:
    """Make a vendor's connector with shortened waits."""
    return connector_class(key)(**parts, **options)


AWS_EXTERNAL_ID = "hp-birchline-Zk31vQ8sXw0pLm2Tn7Rb4Yc6"

SETUPS: Mapping[str, VendorSetup] = {
    "amazon_connect": VendorSetup(
        simulator=lambda: AmazonConnectSimulator(external_id=AWS_EXTERNAL_ID, typing_seconds=0.5),
        credentials=lambda url: {
            "instance_id": "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11",
            "contact_flow_id": "c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903",
            "aws_region": "eu-central-1",
            "role_arn": "arn:aws:iam::210987654321:role/PortalHandoff",
            "external_id": AWS_EXTERNAL_ID,
            "access_key_id": "AKIASIMULATORPORTAL1",
            "secret_access_key": "simulated/Secret+Key/of/the/portals/user1",
            "endpoint_url": url,
        },
        bad_key={"external_id": "hp-somebody-else"},
        address_field="endpoint_url",
        options={
            "timing": SocketTiming(
                beat=0.5, idle=5, typing=0.3, give_up=1, first_delay=0.1, max_delay=0.2
            )
        },
        unknown_faults=(
            "unknown_event",
            "unknown_message",
            "malformed_item",
            "malformed_event",
            "malformed_frame",
        ),
    ),
    "custom": VendorSetup(
        simulator=lambda: CustomSimulator(retry_pause_seconds=0.2),
        credentials=lambda url: {
            "connector": "back_office",
            "base_url": url,
            "signing_secret": "simulated-signing-secret-of-32-bytes",
            "capabilities": "typing,read,attachments,queue_status,availability,end_by_user",
            "timeout_ms": "5000",
        },
        bad_key={"signing_secret": "somebody-elses"},
        address_field="base_url",
        options={},
        unknown_faults=("unknown_event", "malformed_event", "old_event"),
        webhook_config=lambda url: {"events_url": f"{url}/events"},
    ),
    "genesys": VendorSetup(
        simulator=lambda: GenesysSimulator(webhook_retry_pause_seconds=0.2),
        credentials=lambda url: {
            "region": "mypurecloud.com",
            "integration_id": "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42",
            "client_id": "3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10",
            "client_secret": "simulated-client-secret",
            "webhook_secret": "portal-secret-0123456789",
            "login_base_url": url,
            "api_base_url": url,
        },
        bad_key={"client_secret": "somebody-elses"},
        address_field="login_base_url",
        options={
            "timing": GenesysTiming(
                poll=1,
                poll_alone=0.3,
                poll_offered=0.1,
                settle=0.2,
                lag=0.1,
                silence=5,
                first_delay=0.05,
                max_delay=0.2,
            )
        },
        unknown_faults=("unknown_event", "malformed_event", "malformed_webhook"),
        webhook_config=lambda url: {"webhook_url": f"{url}/events"},
    ),
    "salesforce_messaging": VendorSetup(
        simulator=SalesforceMessagingSimulator,
        credentials=lambda url: {
            "mode": "miaw",
            "org_id": "00D8Y0000012abcUAA",
            "scrt_url": url,
            "es_developer_name": "Portal_Handoff",
        },
        bad_key={"es_developer_name": "Somebody_Else"},
        address_field="scrt_url",
        options={
            "timing": StreamTiming(
                idle=5,
                end_check=0.3,
                end_recheck=0.3,
                reconnect=ReconnectTiming(first=0.1, factor=1.5, longest=0.2, give_up=1),
            )
        },
        unknown_faults=("unknown_event", "malformed_event", "malformed_payload"),
    ),
    "zendesk": VendorSetup(
        simulator=lambda: ZendeskSimulator(retry_speed=500, batch_window_ms=5),
        credentials=lambda url: {
            "subdomain": "brightside",
            "app_id": "aa11bb22cc33dd44ee55ff66",
            "integration_id": "bb11cc22dd33ee44ff55aa66",
            "webhook_id": "dd11ee22ff33aa44bb55cc66",
            "shared_secret": "simulated-shared-secret",
            "key_id": "int_cc11dd22ee33ff44aa55bb66",
            "key_secret": "simulated-integration-key-secret",
            "status_webhook_secret": "simulated-ticket-webhook-key",
            "status_webhook_header": "X-Portal-Ticket-Key",
            "switchboard_integration_name": "zd-agentWorkspace",
            "own_switchboard_name": "handoff-portal",
            "support_email": "integration@brightside.example",
            "support_api_token": "simulated-support-api-token",
            "base_url_override": f"{url}/sc",
        },
        bad_key={"key_secret": "somebody-elses"},
        address_field="base_url_override",
        options={
            "timing": RateTiming(first=0.1, longest=0.5, in_place=0.5),
            "control": ControlTiming(merge=0.5),
        },
        unknown_faults=("unknown_event", "malformed_event"),
        webhook_config=lambda url: {
            "webhook_target": f"{url}/events",
            "ticket_webhook_target": f"{url}/status",
        },
    ),
}
