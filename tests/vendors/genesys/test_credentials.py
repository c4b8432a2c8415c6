"""What an admin enters: what is read out of it, what is refused, and what each check finds."""

from __future__ import annotations

import pytest

from integrations.credentials.cleaning import credentials_clean
from integrations.vendors.genesys.client import hosts_for
from integrations.vendors.genesys.manifest import MANIFEST, REGIONS
from tests.vendors.genesys.portal import Portal

GOOD = {
    "region": "euw2.pure.cloud",
    "integration_id": "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42",
    "client_id": "3b1d0c7e-6a52-4b08-9f3a-0b6a8f1c2d10",
    "client_secret": "a secret of the client",
    "use_notifications": "true",
}
LATER = ["integration", "webhook", "routing", "permissions", "notifications"]


async def failures(portal: Portal, **credentials: str) -> dict[str, str]:
    """Return code by name of the checks that fail; each of them must be explained."""
    found = [r async for r in portal.connector(**credentials).test_connection()]
    failed = {r.name: r.code for r in found if not r.is_ok}
    assert all(MANIFEST.help_for(*pair) for pair in failed.items() if pair[1] != "skipped")
    return failed


async def detail_of(portal: Portal, name: str, **credentials: str) -> str:
    found = [r async for r in portal.connector(**credentials).test_connection()]
    return next(result.detail for result in found if result.name == name)


# ---- the form ----


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("eu-west-2", "euw2.pure.cloud"),
        ("https://apps.mypurecloud.com.au/directory/#/admin", "mypurecloud.com.au"),
        ("login.mypurecloud.com", "mypurecloud.com"),
        ("APPS.USW2.PURE.CLOUD", "usw2.pure.cloud"),
        ("mypurecloud.ie", "mypurecloud.ie"),
    ],
)
def test_region_is_read_out_of_whatever_names_it(typed: str, domain: str):
    cleaned = credentials_clean(MANIFEST, {**GOOD, "region": typed}, stored={})

    assert cleaned.errors == {}
    assert cleaned.values["region"] == domain
    assert hosts_for(cleaned.values).api == f"https://api.{domain}"
    assert hosts_for(cleaned.values).login == f"https://login.{domain}"


def test_every_region_of_the_form_leads_to_its_own_hosts():
    choices = dict(next(f.choices for f in MANIFEST.fields if f.name == "region"))

    assert set(choices) == set(REGIONS.values())
    assert len(choices) == 18


@pytest.mark.parametrize(
    "typed", ["evil.example.com", "mypurecloud.com.evil.example", "notmypurecloud.com"]
)
def test_host_that_is_no_region_is_refused(typed: str):
    cleaned = credentials_clean(MANIFEST, {**GOOD, "region": typed}, stored={})

    assert set(cleaned.errors) == {"region"}


def test_ids_are_read_out_of_pasted_addresses():
    address = "https://apps.euw2.pure.cloud/messaging/#/9F2C4A11-0B7D-4C58-8A3E-77D1E5B60A42"

    cleaned = credentials_clean(MANIFEST, {**GOOD, "integration_id": address}, stored={})

    assert cleaned.values["integration_id"] == GOOD["integration_id"]
    assert any("taken out of the address" in notice for notice in cleaned.notices)


@pytest.mark.parametrize("name", ["region", "integration_id", "client_id", "client_secret"])
def test_each_required_value_is_asked_for(name: str):
    cleaned = credentials_clean(MANIFEST, {**GOOD, name: ""}, stored={})

    assert set(cleaned.errors) == {name}


@pytest.mark.parametrize("name", ["integration_id", "client_id", "queue_id"])
def test_id_of_the_wrong_form_is_refused_with_an_example(name: str):
    cleaned = credentials_clean(MANIFEST, {**GOOD, name: "abc-123"}, stored={})

    assert "For example:" in cleaned.errors[name]


@pytest.mark.parametrize("name", ["login_base_url", "api_base_url"])
@pytest.mark.parametrize(
    ("address", "is_allowed_here", "is_taken"),
    [
        ("http://127.0.0.1:9500", True, True),
        ("http://localhost:9500/", True, True),
        ("http://127.0.0.1:9500", False, False),
        ("https://collector.example.com", True, False),
        ("https://collector.example.com", False, False),
        ("https://127.0.0.1.example.com", True, False),
    ],
)
def test_only_a_simulator_on_this_machine_takes_genesyss_place(
    settings, name: str, address: str, is_allowed_here: bool, is_taken: bool
):
    settings.ALLOW_LOCAL_VENDORS = is_allowed_here

    cleaned = credentials_clean(MANIFEST, {**GOOD, name: address}, stored={})

    assert (name not in cleaned.errors) == is_taken


# ---- test connection ----


async def test_good_values_pass_every_check_in_order(portal: Portal):
    queue = "de0ab666-1112-5ac8-9b9e-b5e3ebb0baaf"

    found = [r async for r in portal.connector(queue_id=queue).test_connection()]

    assert [(r.name, r.code) for r in found] == [(name, "ok") for name, _ in MANIFEST.check_names]
    answer = await portal.get("conversations")
    assert answer in ([], {"conversations": []})


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": "something else"},
        {"client_id": "11111111-6a52-4b08-9f3a-0b6a8f1c2d10"},
    ],
)
async def test_wrong_client_is_found_and_everything_else_waits(portal: Portal, wrong: dict):
    assert await failures(portal, **wrong) == {
        "token": "invalid_auth",
        **dict.fromkeys(LATER, "skipped"),
    }
    assert await failures(portal) == {}


async def test_draft_that_lacks_everything_can_be_tested(portal: Portal):
    empty = dict.fromkeys(("client_id", "client_secret", "integration_id"), "")

    found = await failures(portal, **empty)

    assert found == {"token": "invalid_auth", **dict.fromkeys(LATER, "skipped")}


async def test_host_that_does_not_answer_is_found(portal: Portal, unused_tcp_port: int):
    dead = f"http://127.0.0.1:{unused_tcp_port}"

    found = await failures(portal, login_base_url=dead, api_base_url=dead)

    assert found == {"token": "cannot_connect", **dict.fromkeys(LATER, "skipped")}


async def test_wrong_integration_is_found(portal: Portal):
    found = await failures(portal, integration_id="11111111-0b7d-4c58-8a3e-77d1e5b60a42")

    assert found["integration"] == "invalid_routing"
    assert "token" not in found


async def test_address_that_genesys_calls_instead_is_shown(portal: Portal):
    await portal.configure(webhook_url="http://127.0.0.1:9/elsewhere")

    assert await failures(portal) == {"webhook": "webhook_not_seen"}
    assert "/elsewhere" in await detail_of(portal, "webhook")

    await portal.configure(webhook_url=portal.webhook_url)
    assert await failures(portal, webhook_url=portal.webhook_url) == {}
    other = portal.webhook_url.replace("PROJECT-1", "PROJECT-2")
    assert await failures(portal, webhook_url=other) == {"webhook": "webhook_not_seen"}
    assert "PROJECT-2" in await detail_of(portal, "webhook", webhook_url=other)


async def test_missing_flow_is_found(portal: Portal):
    await portal.configure(flow_attached=False)

    assert await failures(portal) == {"routing": "not_published"}


@pytest.mark.parametrize(
    ("permission", "check"),
    [
        ("messaging:integration:view", "integration"),
        ("conversation:message:receive", "permissions"),
        ("conversation:communication:disconnect", "permissions"),
        ("analytics:conversationDetail:view", "notifications"),
        ("routing:queue:view", "queue"),
    ],
)
async def test_lacking_permission_is_named(portal: Portal, permission: str, check: str):
    queue = {"queue_id": "de0ab666-1112-5ac8-9b9e-b5e3ebb0baaf"}
    allowed = portal.simulator.configuration()["permissions"]
    await portal.configure(permissions=[name for name in allowed if name != permission])

    found = await failures(portal, **queue)

    assert found[check] == "missing_permission"
    assert permission in await detail_of(portal, check, **queue)
    await portal.configure(permissions=allowed)
    assert await failures(portal, **queue) == {}


async def test_queue_that_does_not_exist_is_found(portal: Portal):
    found = await failures(portal, queue_id="00000000-1112-5ac8-9b9e-b5e3ebb0baaf")

    assert found == {"queue": "invalid_routing"}


async def test_notifications_are_not_asked_for_where_they_are_not_wanted(portal: Portal):
    assert await failures(portal, use_notifications="false") == {}
    assert await portal.requests(containing="/notifications") == []
