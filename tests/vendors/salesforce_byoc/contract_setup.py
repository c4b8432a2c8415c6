"""How the contract suite pretends to be the organization, and connects to the pretence."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from integrations.kit.waiting import ReconnectTiming
from integrations.vendors.salesforce_byoc.simulator import SalesforceByocSimulator
from integrations.vendors.salesforce_byoc.simulator.world import (
    CHANNEL,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    DEFINITION,
    INTEGRATION_USER,
    ORG_ID,
)
from tests.contract.setup import VendorSetup

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
BY_SECRET = {"oauth_flow": "client_credentials", "consumer_secret": CONSUMER_SECRET}

SETUP = VendorSetup(
    simulator=lambda: SalesforceByocSimulator(public_key_pem=PUBLIC),
    credentials=lambda url: {
        "org_id": ORG_ID,
        "instance_url": url,
        "scrt_url": url,
        "oauth_flow": "jwt_bearer",
        "login_host": "my_domain",
        "consumer_key": CONSUMER_KEY,
        "private_key": PRIVATE,
        "integration_user": INTEGRATION_USER,
        "authorization_context": DEFINITION,
        "channel_address_identifier": CHANNEL,
        "event_topic": "/event/Portal_Out__e",
        "payload_field": "Payload__c",
        "type_field": "EventType__c",
    },
    bad_key={"consumer_key": "3MVG9somebodyElsesConsumerKey"},
    address_field="instance_url",
    options={"timing": ReconnectTiming(first=0.1, factor=1.5, longest=0.2, give_up=1)},
    unknown_faults=("unknown_event", "malformed_event"),
)
