"""Connects the demo's project to a simulated vendor, as an admin does with a real one."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.contrib.auth.models import User

from config.demo.start import DemoError
from config.demo.vendors import demo_carriers, demo_vendors
from integrations.connect.secret_making import integration_secret_make, shown_values_ensure
from integrations.connect.testing import (
    ConnectionTest,
    integration_test,
    integration_test_finish,
    integration_test_start,
)
from integrations.connections.addresses import webhook_urls
from integrations.connections.drafts import edited_values
from integrations.connections.outcomes import has_passed
from integrations.connections.services import (
    integration_connect,
    integration_draft_save,
    integration_open,
)
from integrations.contract.manifest import GeneratedKind, Manifest
from integrations.contract.registry import manifest_get
from integrations.credentials.cleaning import mode_of
from integrations.models import Environment, Integration, Project
from integrations.simulators.demo import DemoCarrier, DemoVendor

ENVIRONMENT = Environment.SANDBOX


def demo_connect(project: Project, admin: User, *, key: str, url: str) -> dict[str, str]:
    """Connect a vendor, and return what others must know of it."""
    vendor = demo_vendors()[key]
    values = _connect(project, admin, vendor, key=key, url=url)
    facts = {name: values[name] for name in vendor.facts}
    return {"url": url, "desk_url": f"{url}/_desk/", "phrase": vendor.phrase, **facts}


def demo_connect_carrier(project: Project, admin: User, *, key: str, url: str) -> dict[str, str]:
    """Connect a carrier, and return where its phones are and which number to text to."""
    carrier = demo_carriers()[key]
    _connect(project, admin, carrier, key=key, url=url)
    return {"url": url, "phone_url": f"{url}/_desk/", "number": carrier.number}


def _connect(
    project: Project, admin: User, vendor: DemoVendor | DemoCarrier, *, key: str, url: str
) -> Mapping[str, str]:
    """Let portal and simulator agree, and return the values that they agreed on."""
    found = manifest_get(key)
    integration = integration_open(
        project=project,
        environment=ENVIRONMENT,
        manifest=found,
        credential_set=vendor.credential_set,
    )
    made = _made(found, integration, admin)
    values = {**_defaults(found), **made, **vendor.credentials(url)}
    _configure(url, vendor.desk_config(values, webhook_urls(integration)))
    if not _is_connected(integration, values):
        integration_draft_save(integration=integration, values=values)
        test = integration_test_start(integration=integration, actor=admin, is_counted=False)
        asyncio.run(_run(test))
        integration_test_finish(test)
        _require_passed(test)
        integration_connect(integration=integration, actor=admin)
    return values


def _defaults(found: Manifest) -> dict[str, str]:
    return {item.name: item.default for item in found.fields if not item.shown_for_modes}


def _made(found: Manifest, integration: Integration, admin: User) -> dict[str, str]:
    """Return what the portal makes for the vendor; each value is made at the first start."""
    shown_values_ensure(integration, mode_of(found, {}))
    made = edited_values(integration)
    for item in found.generated:
        if item.kind is GeneratedKind.SECRET and not made.get(item.name):
            integration_secret_make(integration=integration, name=item.name, actor=admin)
    integration.refresh_from_db()
    made = edited_values(integration)
    return {item.name: made[item.name] for item in found.generated if item.name in made}


def _is_connected(integration: Integration, values: Mapping[str, str]) -> bool:
    kept = integration.credentials
    return integration.status == Integration.Status.CONNECTED and all(
        kept.get(name) == value for name, value in values.items() if value
    )


def _require_passed(test: ConnectionTest) -> None:
    if not has_passed(test.results):
        told = ", ".join(f"{one.name}: {one.code} {one.detail}".strip() for one in test.results)
        raise DemoError(f"The simulated {test.integration} does not pass its test ({told}).")


async def _run(test: ConnectionTest) -> None:
    async for _ in integration_test(test):
        pass


def _configure(url: str, switches: Mapping[str, object]) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/_desk/config", body=json.dumps(switches), headers=headers)
        answer = connection.getresponse()
        told = answer.read().decode(errors="replace")
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise DemoError(f"The simulator at {url} refused its set-up: {told[:200]}")
