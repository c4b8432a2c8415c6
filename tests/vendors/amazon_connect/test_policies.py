"""The policies for IAM are shown ready to paste, with the admin's own values in them."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Project
from integrations.vendors.amazon_connect.connector import AmazonConnectConnector
from integrations.vendors.amazon_connect.connector.chats import CONTACT_METRICS
from integrations.vendors.amazon_connect.simulator.app import CONNECT_SERVICE
from tests import factories
from tests.contract.bench import Bench, handoff_request, running_bench
from tests.members import client_of_admin

INSTANCE = "7e1c0f5a-93b2-4d0e-8a61-2f0b8f5d9c11"
PORTAL = "arn:aws:iam::123456789012:role/BatonServer"
VALUES = {
    "instance_id": INSTANCE,
    "contact_flow_id": "c2a9e4d0-1b6f-4f38-9a57-60c1ad7be903",
    "aws_region": "eu-central-1",
    "role_arn": "arn:aws:iam::210987654321:role/PortalHandoff",
    "external_id": "hp-PROJECT-1-Zk31vQ8sXw0pLm2Tn7Rb4Yc6",
    "portal_identity": PORTAL,
    "access_key_id": "AKIAQ2P7EXAMPLE4RT6Z",
    "secret_access_key": "very/secret/key",
}


def policies(**changes: str) -> dict[str, Any]:
    """Return the one statement of each policy."""
    made = AmazonConnectConnector.vendor_documents({**VALUES, **changes})
    return {document.name: json.loads(document.text)["Statement"][0] for document in made}


def test_the_trust_policy_names_the_portal_and_the_external_id():
    trust = policies()["trust_policy"]

    assert trust["Principal"] == {"AWS": PORTAL}
    assert set(trust["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": VALUES["external_id"]}}


def test_the_permissions_are_for_the_instance_alone():
    arn = f"arn:aws:connect:eu-central-1:210987654321:instance/{INSTANCE}"

    assert policies()["permissions_policy"]["Resource"] == [arn, f"{arn}/*"]


def test_the_partition_is_that_of_the_role():
    role = "arn:aws-us-gov:iam::210987654321:role/PortalHandoff"

    statement = policies(role_arn=role, aws_region="us-gov-west-1")["permissions_policy"]

    assert statement["Resource"][0].startswith("arn:aws-us-gov:connect:us-gov-west-1:210987654321:")


def test_what_is_not_known_yet_is_marked_and_the_rest_is_there():
    made = AmazonConnectConnector.vendor_documents({"external_id": "hp-1"})

    trust, permissions = (document.text for document in made)
    assert "<AWS identity of this portal>" in trust
    assert "hp-1" in trust
    assert "<region>:<account ID>:instance/<Instance ID>" in permissions


def test_keys_without_a_role_need_no_trust_policy():
    assert list(policies(role_arn="")) == ["permissions_policy"]


def test_no_policy_holds_a_secret():
    assert "very/secret/key" not in json.dumps(policies())


@pytest.fixture
async def bench():
    async with running_bench("amazon_connect") as bench:
        yield bench


async def test_the_permissions_suffice_for_all_that_the_connector_does(bench: Bench):
    """Deny what the policy does not list, and let the connector do everything."""
    allowed = set(policies()["permissions_policy"]["Action"])
    operations = {f"connect:{name}" for name in CONNECT_SERVICE}
    await bench.desk("POST", "/config", denied_actions=sorted(operations - allowed))
    queue = (await bench.desk("GET", "/config"))["queue_id"]
    connector = bench.connector(availability_queue_id=queue)

    results = [result async for result in connector.test_connection()]
    availability = await connector.check_availability(handoff_request())
    session = await connector.start(handoff_request())
    metrics = await connector._chats.contact_metrics(session, CONTACT_METRICS)
    await connector._chats.stop(session)

    assert not [result for result in results if not result.is_ok or "Not verified" in result.detail]
    assert (availability.is_available, metrics) == (True, {})
    assert (await bench.seen_by_agent(session))["status"] == "ended"


async def test_a_role_that_refuses_the_portal_is_told_whom_to_trust(bench: Bench):
    await bench.desk("POST", "/config", may_assume_role=False)

    [role, *_] = [result async for result in bench.connector().test_connection()]

    assert (role.code, "arn:aws:iam::210987654321:user/" in role.detail) == (
        "missing_permission",
        True,
    )


@pytest.mark.django_db
def test_the_page_shows_the_policies_with_the_values_entered_and_a_button_to_copy_each():
    project = factories.project()
    admin = client_of_admin(project)
    typed = {name: value for name, value in VALUES.items() if name != "external_id"}

    before = shown(admin, project)
    answer = admin.post(page(project, "connect_values"), typed)
    after = shown(admin, project)

    assert answer.status_code == 302
    assert "<Instance ID>" in before["permissions_policy"]
    assert f"210987654321:instance/{INSTANCE}" in after["permissions_policy"]
    external_id = json.loads(after["trust_policy"])["Statement"][0]["Condition"]["StringEquals"]
    assert external_id["sts:ExternalId"] == after["external_id"]
    assert PORTAL in after["trust_policy"]
    assert "very/secret/key" not in str(after)


def page(project: Project, name: str) -> str:
    return reverse(name, args=[project.public_id, "sandbox", "amazon_connect"])


def shown(admin: Client, project: Project) -> dict[str, str]:
    """Return the texts that the page offers to copy, by the name of their button's target."""
    source = admin.get(page(project, "connect_give")).content.decode()
    targets = re.findall(r'data-copy="([^"]+)"', source)
    texts = dict(re.findall(r'<pre tabindex="0" id="([^"]+)"><code>(.*?)</code>', source, re.S))
    assert {"external_id", "trust_policy", "permissions_policy"} <= set(targets)
    return {name: html.unescape(texts[name]) for name in targets}
