"""Test connection: each wrong value fails its own check, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from integrations.contract.errors import InvalidAuthError, MissingPermissionError
from tests.contract.bench import outbound
from tests.contract.webhook_bench import WebhookBench, running_webhook_bench
from tests.vendors.zendesk.connector_harness import (
    APP_KEY,
    NO_SUPPORT,
    checks,
    details,
)


@pytest.fixture
async def bench() -> AsyncIterator[WebhookBench]:
    async with running_webhook_bench("zendesk") as bench:
        yield bench


async def test_key_of_the_app_lets_more_be_tested(bench: WebhookBench):
    assert await checks(bench) == {"access": "ok", "webhook": "ok", "support": "ok"}
    assert await checks(bench, **APP_KEY, **NO_SUPPORT) == {
        "access": "ok",
        "webhook": "ok",
        "integration": "ok",
        "switchboard": "ok",
    }


@pytest.mark.parametrize(
    ("changes", "check", "code"),
    [
        ({"key_secret": "wrong"}, "access", "invalid_auth"),
        ({"key_id": ""}, "access", "invalid_auth"),
        ({"app_id": "0" * 24}, "access", "invalid_routing"),
        ({"webhook_id": "0" * 24}, "webhook", "invalid_routing"),
        ({"support_api_token": "wrong"}, "support", "invalid_auth"),
        (
            {**APP_KEY, "switchboard_integration_name": "zd-nobody"},
            "switchboard",
            "invalid_routing",
        ),
        ({**APP_KEY, "own_switchboard_name": "somebody"}, "switchboard", "wrong_type"),
    ],
)
async def test_each_wrong_value_fails_its_own_check_with_help(
    bench: WebhookBench, changes: dict[str, str], check: str, code: str
):
    found = await checks(bench, **changes)
    others = {name: value for name, value in found.items() if name != check}

    assert found[check] == code
    assert bench.manifest.help_for(check, code)
    assert set(others.values()) <= ({"skipped"} if check == "access" else {"ok"})
    assert set((await checks(bench)).values()) == {"ok"}


async def test_webhook_that_calls_elsewhere_or_tells_too_little_is_found_out(bench: WebhookBench):
    configured = {"webhook_target": "https://elsewhere.example/hook"}
    await bench.desk("POST", "/config", **configured)
    elsewhere = await checks(bench)
    await bench.desk(
        "POST",
        "/config",
        webhook_target=f"{bench.portal.url}/events",
        webhook_triggers=["conversation:message"],
    )

    assert elsewhere["webhook"] == "wrong_type"
    assert (await checks(bench))["webhook"] == "disabled"
    assert "switchboard:releaseControl" in await details(bench)


async def test_plan_that_does_not_allow_it_is_forbidden(bench: WebhookBench):
    await bench.fault("fail_next", status=403, count=1, path_suffix="/webhooks")

    assert (await checks(bench))["access"] == "missing_permission"
    assert set((await checks(bench)).values()) == {"ok"}


async def test_support_user_must_be_staff(bench: WebhookBench):
    await bench.desk("POST", "/config", support_role="end-user")

    assert (await checks(bench))["support"] == "missing_permission"


async def test_revoked_key_is_an_error_of_the_credentials(bench: WebhookBench):
    connector = bench.connector()
    session, _ = await bench.started(connector)
    await bench.fault("revoke_keys")

    with pytest.raises((InvalidAuthError, MissingPermissionError)) as caught:
        await connector.send_message(session, outbound("Anybody?"))

    assert not caught.value.retryable
    assert "simulated" not in json.dumps([str(caught.value), repr(bench.records)])
