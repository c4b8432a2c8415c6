"""Who the portal is to AWS, what the connection test says about it, and who is available."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integrations.contract.connector import CheckResult
from integrations.contract.errors import InvalidAuthError
from integrations.vendors.amazon_connect.client.aws import AwsKeys, Endpoints, SignedRequest
from tests.contract.bench import Bench, handoff_request, running_bench

NO_KEYS = {"access_key_id": "", "secret_access_key": ""}
KEY_ID, SECRET = "AKIASIMULATORPORTAL1", "simulated/Secret+Key/of/the/portals/user1"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench("amazon_connect") as bench:
        yield bench


@pytest.fixture
def no_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Hide whatever AWS identity the machine that runs the tests may have."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


async def checked(bench: Bench, **changes: str) -> dict[str, CheckResult]:
    found = bench.connector(**changes).test_connection()
    return {result.name: result async for result in found}


async def codes(bench: Bench, **changes: str) -> dict[str, str]:
    return {name: result.code for name, result in (await checked(bench, **changes)).items()}


async def config(bench: Bench) -> dict[str, Any]:
    return await bench.desk("GET", "/config")


async def queue_id(bench: Bench) -> str:
    return str((await config(bench))["queue_id"])


async def switch(bench: Bench, **switches: object) -> None:
    await bench.desk("POST", "/config", **switches)


async def test_role_is_assumed_with_external_id_and_tags(bench: Bench):
    await bench.connector(session_tags='{"Team": "Support"}').start(handoff_request())

    [call] = [row for row in await bench.desk("GET", "/requests") if row["path"] == "/"]
    assert "Support" in str(call["body"])
    assert bench.setup.credentials(bench.url)["external_id"] in str(call["body"])
    assert "AWS4-HMAC-SHA256" in call["headers"]["authorization"]


async def test_role_is_assumed_once_for_many_handoffs(bench: Bench):
    connector = bench.connector()

    for _ in range(3):
        await connector.start(handoff_request())

    calls = [row for row in await bench.desk("GET", "/requests") if row["path"] == "/"]
    assert len(calls) == 1


async def test_keys_alone_serve_without_a_role(bench: Bench):
    session = await bench.connector(role_arn="").start(handoff_request())

    assert session.vendor_conversation_id
    found = await codes(bench, role_arn="")
    assert found == {"identity": "ok", "instance": "ok", "flow": "ok"}


async def test_identity_of_the_machine_serves_without_keys(
    bench: Bench, no_machine: pytest.MonkeyPatch
):
    no_machine.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    no_machine.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    session = await bench.connector(**NO_KEYS).start(handoff_request())

    assert session.vendor_conversation_id


async def test_without_any_identity_the_handoff_and_the_test_say_so(
    bench: Bench, no_machine: pytest.MonkeyPatch
):
    with pytest.raises(InvalidAuthError) as caught:
        await bench.connector(**NO_KEYS).start(handoff_request())

    assert caught.value.vendor_code == "no_aws_identity"
    found = await checked(bench, **NO_KEYS)
    assert [result.code for result in found.values()] == [
        "invalid_auth",
        "skipped",
        "skipped",
        "skipped",
    ]
    assert found["role"].detail == "This portal runs under no AWS identity"


@pytest.mark.parametrize(
    ("switches", "changes", "name", "code"),
    [
        ({}, {"external_id": "hp-wrong"}, "role", "missing_permission"),
        ({"may_assume_role": False}, {}, "role", "missing_permission"),
        (
            {"may_tag_session": False},
            {"session_tags": '{"Team": "A"}'},
            "role",
            "missing_permission",
        ),
        ({}, {"access_key_id": "AKIAQ2P7EXAMPLE4RT6Z"}, "role", "invalid_auth"),
        ({}, {"secret_access_key": "not/the/secret"}, "role", "invalid_auth"),
        ({}, {"aws_region": "us-west-2"}, "instance", "wrong_region"),
        ({"instance_status": "CREATION_FAILED"}, {}, "instance", "disabled"),
        (
            {},
            {"contact_flow_id": "11111111-2222-3333-4444-555555555555"},
            "flow",
            "invalid_routing",
        ),
        ({"flow_status": "SAVED"}, {}, "flow", "not_published"),
        ({"flow_type": "AGENT_WHISPER"}, {}, "flow", "wrong_type"),
        (
            {},
            {"availability_queue_id": "11111111-2222-3333-4444-555555555555"},
            "queue",
            "invalid_routing",
        ),
    ],
)
async def test_each_failure_is_found_by_its_check_explained_and_mended(
    bench: Bench, switches: dict[str, object], changes: dict[str, str], name: str, code: str
):
    usual = {key: (await config(bench))[key] for key in switches}
    await switch(bench, **switches)

    found = await codes(bench, **changes)
    await switch(bench, **usual)
    mended = await codes(bench)

    failed = {check: result for check, result in found.items() if result not in ("ok", "skipped")}
    assert failed == {name: code}
    assert bench.manifest.help_for(name, code)
    assert set(mended.values()) == {"ok"}


@pytest.mark.parametrize(
    ("action", "name"),
    [("connect:DescribeInstance", "instance"), ("connect:DescribeContactFlow", "flow")],
)
async def test_what_may_not_be_read_is_not_held_against_the_connection(
    bench: Bench, action: str, name: str
):
    await switch(bench, denied_actions=[action])

    found = await checked(bench)

    assert {result.code for result in found.values()} == {"ok"}
    assert action in found[name].detail


async def test_wrong_region_is_named(bench: Bench):
    found = await checked(bench, aws_region="us-west-2")

    assert "us-west-2" in found["instance"].detail


@pytest.mark.parametrize(
    ("switches", "is_available"),
    [
        ({}, True),
        ({"agents_offline": True}, False),
        ({"agents_available": 0}, False),
        ({"denied_actions": ["connect:DescribeQueue"]}, True),
        ({"denied_actions": ["connect:GetEffectiveHoursOfOperations"]}, True),
    ],
)
async def test_availability_comes_from_the_queues_metrics(
    bench: Bench, switches: dict[str, object], is_available: bool
):
    await switch(bench, **switches)
    connector = bench.connector(availability_queue_id=await queue_id(bench))

    found = await connector.check_availability(handoff_request())

    assert found.is_available is is_available


async def test_nobody_is_available_on_a_day_when_the_queue_is_closed(bench: Bench):
    connector = bench.connector(availability_queue_id=await queue_id(bench))
    today = datetime.now(UTC).date()
    around = [(today + timedelta(days=days)).isoformat() for days in (-1, 0, 1)]

    await switch(bench, closed_dates=around)
    on_holiday = await connector.check_availability(handoff_request())
    await switch(bench, closed_dates=[], hours_end="00:00")
    on_a_workday = await connector.check_availability(handoff_request())

    assert (on_holiday.is_available, on_a_workday.is_available) == (False, True)


async def test_without_a_queue_of_the_connections_the_flow_says_which_one_to_ask(bench: Bench):
    there = await bench.connector().check_availability(handoff_request())
    await switch(bench, agents_offline=True)
    gone = await bench.connector().check_availability(handoff_request())

    assert (there.is_available, gone.is_available) == (True, False)
    paths = [row["path"] for row in await bench.desk("GET", "/requests")]
    assert sum("/contact-flows/" in path for path in paths) == 1  # kept for all workers


@pytest.mark.parametrize(
    "switches",
    [
        {"flow_queues": ["$.Attributes.queue"]},
        {"flow_queues": ["1b3f8a52-0000-4000-8000-000000000001", "$.Attributes.queue"]},
        {"denied_actions": ["connect:DescribeContactFlow"]},
    ],
)
async def test_availability_is_unknown_where_the_flow_chooses_by_itself(
    bench: Bench, switches: dict[str, object]
):
    await switch(bench, agents_offline=True, **switches)

    found = await bench.connector().check_availability(handoff_request())

    assert found.is_available is None


def test_signature_covers_body_host_and_session_token():
    keys = AwsKeys(access_key_id="AKIAX", secret_access_key="hidden", session_token="lent")
    parts = {
        "service": "connect",
        "region": "eu-central-1",
        "method": "PUT",
        "url": "https://connect.eu-central-1.amazonaws.com/contact/chat",
        "content_type": "application/json",
    }

    headers = SignedRequest(body=b'{"a": 1}', **parts).headers(keys)
    other = SignedRequest(body=b'{"a": 2}', **parts).headers(keys)

    signed = re.search(r"SignedHeaders=([^,]+)", headers["Authorization"])
    assert signed is not None
    assert {"content-type", "host", "x-amz-date", "x-amz-security-token"} <= set(
        signed.group(1).split(";")
    )
    assert "/eu-central-1/connect/aws4_request" in headers["Authorization"]
    assert headers["Authorization"] != other["Authorization"]
    assert "hidden" not in repr(keys)


@pytest.mark.parametrize(
    ("override", "hosts"),
    [
        (
            "",
            (
                "https://connect.eu-central-1.amazonaws.com",
                "https://participant.connect.eu-central-1.amazonaws.com",
                "https://sts.eu-central-1.amazonaws.com",
            ),
        ),
        ("http://127.0.0.1:9400/", ("http://127.0.0.1:9400",) * 3),
        (
            "https://connect-fips.eu-central-1.amazonaws.com",
            (
                "https://connect-fips.eu-central-1.amazonaws.com",
                "https://participant.connect.eu-central-1.amazonaws.com",
                "https://sts.eu-central-1.amazonaws.com",
            ),
        ),
    ],
)
def test_only_a_simulator_stands_in_for_every_service(override: str, hosts: tuple[str, ...]):
    endpoints = Endpoints(override)

    found = tuple(
        find("eu-central-1") for find in (endpoints.connect, endpoints.participant, endpoints.sts)
    )

    assert found == hosts
