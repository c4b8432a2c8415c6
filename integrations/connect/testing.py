"""Test connection: runs a connector's checks on the values being edited, saved or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.connections.addresses import webhook_urls, with_our_addresses
from integrations.connections.building import connector_with, vendor_session
from integrations.connections.calls import vendor_calls_save
from integrations.connections.drafts import edited_values
from integrations.connections.outcomes import WEBHOOK_NOT_SEEN, WEBHOOK_SEEN
from integrations.connections.services import integration_test_save
from integrations.connections.tokens import TrialTokens
from integrations.contract.connector import CheckResult
from integrations.contract.registry import manifest_get
from integrations.credentials.cleaning import fields_for_mode, mode_of
from integrations.credentials.generated_values import kept_beside_fields
from integrations.entry.rate_limit import retry_after
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration
from integrations.projects.audit import audit_record

TESTS_PER_MINUTE = 10


class TooManyTestsError(Exception):
    """The project has used up its tests; `wait_seconds` says for how long."""

    def __init__(self, wait_seconds: int) -> None:
        """Keep how long to wait."""
        super().__init__("Too many tests.")
        self.wait_seconds = wait_seconds


@dataclass(slots=True, kw_only=True)
class ConnectionTest:
    """One run: what is tested, and what it brought."""

    integration: Integration
    values: Mapping[str, str] = field(repr=False)
    results: list[CheckResult] = field(default_factory=list)
    calls: list[VendorCallRecord] = field(default_factory=list)


def integration_test_start(
    *,
    integration: Integration,
    actor: Any,
    is_counted: bool = True,
    values: Mapping[str, str] | None = None,
) -> ConnectionTest:
    """Count and note a test of the values being edited, or of others; raises TooManyTestsError.

    Who connects every vendor there is at once, as the demo does, is not counted.
    """
    key = f"connection-test:{integration.project.public_id}"
    if is_counted and (wait := retry_after(key, limit=TESTS_PER_MINUTE, window_seconds=60)):
        raise TooManyTestsError(wait)
    audit_record(
        project=integration.project,
        actor=actor,
        action="integration.tested",
        subject=str(integration),
    )
    return ConnectionTest(integration=integration, values=_values_under_test(integration, values))


async def integration_test(test: ConnectionTest) -> AsyncIterator[CheckResult]:
    """Yield each check's result as it comes; touches no database."""
    found = manifest_get(test.integration.connector_key)
    async with vendor_session() as session:
        connector = connector_with(
            found,
            credentials=test.values,
            session=session,
            tokens=TrialTokens(test.integration.pk),
            recorder=test.calls.append,
        )
        async for result in connector.test_connection():
            test.results.append(result)
            yield result
    if found.has_webhooks:
        # The vendor may have called for the first time while the checks ran.
        await test.integration.arefresh_from_db(fields=["last_webhook_at"])
        test.results.append(seen := _webhook_seen(test.integration))
        yield seen


def integration_test_finish(test: ConnectionTest) -> None:
    """Keep the outcome and the calls it took."""
    integration_test_save(integration=test.integration, results=test.results)
    records = [("", call) for call in test.calls]
    vendor_calls_save(integration_id=test.integration.pk, records=records)


def _values_under_test(integration: Integration, given: Mapping[str, str] | None) -> dict[str, str]:
    found = manifest_get(integration.connector_key)
    values = edited_values(integration) if given is None else given
    names = {item.name for item in fields_for_mode(found, mode_of(found, values))}
    asked = {name: value for name, value in values.items() if name in names}
    return with_our_addresses(integration, {**kept_beside_fields(found, values), **asked})


def _webhook_seen(integration: Integration) -> CheckResult:
    if integration.last_webhook_at is not None:
        return CheckResult(name=WEBHOOK_SEEN, is_ok=True, code="ok")
    url = webhook_urls(integration)["events"]
    return CheckResult(name=WEBHOOK_SEEN, is_ok=False, code=WEBHOOK_NOT_SEEN, detail=url)
